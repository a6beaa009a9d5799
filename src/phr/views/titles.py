"""A title in plain language, for screens; JSON and exports keep the title as its source wrote it.

The names of the terminologies carry a grammar that people do not read: LOINC's long common names (LOINC Users'
Guide, 2.2: component, property in brackets, system, method), the semantic tag at the end of a SNOMED CT fully
specified name (Editorial Guide, "Semantic tag"), the units and dose forms of RxNorm, capitals of old laboratory
systems. The grammar goes, what tells two things apart stays: glucose in urine is not glucose in blood.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_TAGS = frozenset(
    """
    disorder|finding|procedure|situation|regime/therapy|substance|organism|product|medicinal product|event
    medicinal product form|clinical drug|physical object|record artifact|observable entity|qualifier value|person
    morphologic abnormality|body structure|environment|environment / location|social concept|occupation
    context-dependent category|assessment scale|tumor staging|staging scale|life style|ethnic group|racial group
    religion/philosophy|geographic location|navigational concept|real clinical drug|virtual clinical drug
    """.replace("\n", "|")
    .replace("    ", "")
    .split("|")
)
_ASKED = r"[ ,]*\[Reported[^\]]*\]$|(?: \[Score\])? - Reported$| \[Score\]$"

# Patterns are compiled when they are first asked for: a page of visits needs none of them.

# ── LOINC ─────────────────────────────────────────────────────────────────────────────────────────

# Properties that the value says with its unit. A percentile or a z-score is something else than what it is made from.
_SAID_BY_UNIT = frozenset(
    """
    mass/volume|moles/volume|#/volume|units/volume|enzymatic activity/volume|volume fraction|mass fraction|entitic mass
    entitic volume|entitic mean volume|presence|ratio|mass ratio|molar ratio|mass|moles|#|volume|length|area|pressure
    #/area|arbitrary concentration|volume rate/area|partial pressure|temperature|relative density|log #/volume|titer
    mass/mass|moles/mass|moles/moles|equivalents/volume|arbitrary units/volume|osmolality|time|number fraction
    catalytic activity/volume|identifier|type|#/vol|mass/vol|moles/vol|entitic vol|volume rate|circumference|log units/volume
    """.replace("\n", "|")
    .replace("    ", "")
    .split("|")
)
_SYSTEM = (
    r"(?:Serum or Plasma|Serum, Plasma or Blood|Serum|(?:[A-Z]\w+ )*Plasma"
    r"|(?:(?:Arterial|Venous|Capillary|Cord|Mixed venous|Positive) )*[Bb]lood(?: [Cc]ulture| by \w+ ?cord)?"
    r"|(?:\d+ hour )?Urine(?: sediment)?|Cerebral spinal fluid|Stool|Saliva|Sweat|Semen|Sputum|Isolate|Bone marrow"
    r"|Red Blood Cells|RBC|(?:[A-Z]\w+ )+(?:fluid|specimen|aspirate)|(?:Body|Pleural|Peritoneal|Synovial) fluid"
    r"|Nasopharynx|Nose|Throat|Tissue|Cervix|Vaginal fluid|Hair|Milk|Unspecified specimen|XXX|Nail bed|Skin"
    r"|Dialysis fluid|Gastric fluid|Amniotic fluid|Genital specimen|Respiratory system|Platelet poor plasma)"
)
_LONG = (
    r"(?P<what>.+?)\s*\[(?P<property>[^\]]+)\]\s*(?:(?:in|of|from|on)\s+)?(?P<where>[A-Z0-9][^\[\]]*?)?"
    r"(?:\s*\bby (?P<how>.+?))?(?: Nominal| Narrative| Ordinal)?(?:\s*--\s*(?P<when>.+))?"
)
_PLAIN = rf"(?P<what>.+?) (?:in|of|from) (?P<where>{_SYSTEM})(?: by (?P<how>.+?))?(?: --\s*(?P<when>.+))?"
_PANEL = rf"(?P<what>.*\bpanel) - (?P<where>{_SYSTEM})(?: by (?P<how>.+))?"
_SPECIMENS = {
    "SerPl": "serum or plasma",
    "SerPlBld": "serum, plasma or blood",
    "Ser": "serum",
    "Plas": "plasma",
    "PPP": "platelet poor plasma",
    "Bld": "blood",
    "BldA": "arterial blood",
    "BldV": "venous blood",
    "BldC": "capillary blood",
    "BldCo": "cord blood",
    "Ur": "urine",
    "UrnS": "urine sediment",
    "CSF": "cerebral spinal fluid",
    "Stl": "stool",
    "Sal": "saliva",
    "Spec": "unspecified specimen",
    "RBC": "red blood cells",
}
# Short names (LOINC Users' Guide, appendix on short names): what, specimen, perhaps method, property.
_SHORT = (
    rf"(?P<what>.+?) (?P<where>{'|'.join(_SPECIMENS)})(?: (?P<how>[\w.+/-]+?))?"
    r"-(?:[amsnlv]?(?:Cnc|CCnc|Rto|Frac|Rate|Scnc|Imp|Type|Titr|Vol|Diff)|EntVol|EntMass|Imp|Prid|Threshold|Vel)"
)
_DISPLAY = r"(?P<what>.+?)(?: Auto)? \((?P<where>Bld|RBC)\) \[[^\]]+\]"
_SPELT = {
    "Prot": "Protein",
    "Creat": "Creatinine",
    "Bilirub": "Bilirubin",
    "Hgb": "Hemoglobin",
    "Hct": "Hematocrit",
    "HbA1c": "Hemoglobin A1c",
    "Cholest": "Cholesterol",
    "Trigl": "Triglycerides",
}
_BLOODY = (
    r"Hemoglobin\b(?!.gastro)|Hematocrit|Erythrocyte|Leukocyte|Platelet|Neutrophil|Lymphocyte|Monocyte|Eosinophil"
    r"|Basophil|Reticulocyte|Immature granulocyte|MCHC?\b|MCV\b|ABO|Rh\b|RBC|WBC|CBC|Complete blood|Basic metabolic"
    r"|Sedimentation"
)
"""Measured in blood: a specimen is only said when it is another one. Everything else is measured in serum or plasma."""
_USUAL_METHODS = frozenset(("automated count", "spirometry", "automated", "auto"))
_AMPLIFIED = r"(?i)naa with probe detection|nucleic acid amplification using [\w ]+"


_REMARKS = r" with all children optional$| NHIS$"
"""Remarks of LOINC's committee about how a panel is filled in, and whose survey a question comes from."""
_SUBSTANCE = (
    r"(?i)(?:Substance|Medicinal product|Product) with (?P<group>.+?) structure(?: and .* mechanism of action)?"
    r"|(?:medicinal )?product containing (?:only |precisely )?(?P<what>.+)"
)
"""How SNOMED CT names groups of substances: `Substance with penicillin structure and antibacterial mechanism of action`."""
_QUALIFIED = r"[a-z]\.(?:total|direct|indirect|ionized|free|carbon monoxide|predicted)$|1\.73 sq M\.predicted"


def _from_loinc(title: str) -> str | None:
    """What is measured; in brackets specimen, method and time where they are not the usual ones. None: another grammar."""
    found = re.fullmatch(_LONG, title) if "[" in title else None
    kept = ""
    if found and found["property"].lower().replace("?", "") not in _SAID_BY_UNIT:
        if not (found["where"] or found["how"]):
            return None  # a questionnaire in brackets, a brand
        kept = _small(found["property"])
    if ("(Bld)" in title or "(RBC)" in title) and (short := re.fullmatch(_DISPLAY, title)):
        return _specimened(short)
    if found is None and "panel - " in title:
        found = re.fullmatch(_PANEL, title)
    if found is None and re.search(" (?:in|of|from) [A-Z0-9]", title):
        found = re.fullmatch(_PLAIN, title)
    if found is None:
        return _from_short(title)
    parts = found.groupdict()
    where, how = parts["where"] or "", parts["how"] or ""
    if how.lower() == "pulse oximetry":  # there is no other place for it
        where = ""
    what = _component(parts["what"])
    return what + _bracketed(kept, _place(parts["what"], where), _method(what, how), parts.get("when") or "")


def _from_short(title: str) -> str | None:
    found = re.fullmatch(_SHORT, title) if "-" in title else None
    if found is not None:
        return _specimened(found)
    named = _component(title)
    return named if re.search(_QUALIFIED, title) else None


def _specimened(found: re.Match[str]) -> str:
    what = _SPELT.get(found["what"], found["what"])
    how = found.groupdict().get("how") or ""
    how = {"Strip": "test strip", "Auto": ""}.get(how, how)
    return what + _bracketed(_place(what, _SPECIMENS.get(found["where"], found["where"])), how)


def _bracketed(*notes: str) -> str:
    said = ", ".join(note for note in notes if note)
    return f" ({said})" if said else ""


def _place(what: str, where: str) -> str:
    """The specimen, unless it is the one that everybody expects."""
    usual = ("blood", "red blood cells", "rbc") if re.match(_BLOODY, what) else ("serum or plasma",)
    place = where.strip()
    if place.lower() in (*usual, "respiratory system") or (
        place.lower() in ("blood", "serum or plasma") and what.endswith("panel")
    ):
        return ""
    words = place.split()
    return " ".join(word if word.isupper() else word[0].lower() + word[1:] for word in words)


def _method(what: str, how: str) -> str:
    how = how.strip()
    if how.lower() in _USUAL_METHODS or (re.fullmatch(_AMPLIFIED, how) and what.endswith(("DNA", "RNA"))):
        return ""
    if formula := re.fullmatch(r"(.+?)-based formula \((.+)\)", how):
        return f"{formula[1].lower()}, {formula[2]}"
    if how.lower() == "calculation":
        return "calculated"
    return _small(how)


def _small(words: str) -> str:
    """Without capitals, but for names such as NAA and T-score."""
    return " ".join(
        word if any(map(str.isupper, word[1:])) or "-" in word[:2] else word.lower() for word in words.split()
    )


def _component(what: str) -> str:
    """LOINC's first part as people say it: `Bilirubin.total` with a comma, `Cholesterol in HDL` as HDL cholesterol."""
    if found := re.fullmatch(r"Cholesterol (?:in |\.)(HDL|LDL|VLDL|IDL)", what):
        return f"{found[1]} cholesterol"
    if what == "Cholesterol non HDL":
        return "Non-HDL cholesterol"
    if found := re.fullmatch(r"(Glomerular filtration rate)/1\.73 sq M\.predicted(.*)", what):
        return f"{found[1]}, estimated{found[2].replace('.', ', ')}"
    what = re.sub(r"^(Hemoglobin A1c)/Hemoglobin\.total$", r"\1", what)
    what = re.sub(r"/100 (leukocytes|erythrocytes|cells)$", r", % of \1", what)
    return re.sub(r"(?<=[a-z])\.(?=[a-z])", ", ", what)


# ── medicines and vaccines ────────────────────────────────────────────────────────────────────────

_DOSE = r"\d ?(?:MG|MCG|ML|UNT|MEQ|MMOL|HR|ACTUAT|GM|UNITS)\b"
_UNITS = {
    "MG": "mg",
    "MCG": "mcg",
    "ML": "mL",
    "UNT": "units",
    "MEQ": "mEq",
    "MMOL": "mmol",
    "HR": "hour",
    "ACTUAT": "actuation",
    "GM": "g",
}
_FORMS = (
    r"\b(?:Extended Release|Delayed Release|Oral|Chewable|Disintegrating|Sublingual|Vaginal|Rectal|Topical|Ophthalmic|"
    r"Otic|Nasal|Injectable|Inhalation|Inhalant|Metered Dose|Dry Powder|Prefilled|Transdermal|Mucosal|Buccal|"
    r"Intrauterine|Drug|Tablet|Capsule|Solution|Suspension|Injection|Syringe|Inhaler|Cream|Ointment|Gel|Lotion|Patch|"
    r"System|Implant|Spray|Powder|Foam|Lozenge|Suppository|Pack|Product|Day|Pen Injector|Cartridge|Kit|Drops|Film)\b"
)


def _from_drug(title: str) -> str:
    """RxNorm's units in the usual spelling, dose forms small, the brand in round brackets.

    RxNorm Technical Documentation, "Normalized names": ingredient, strength, dose form, `[brand]`.
    """
    title = re.sub(
        r"(?<=[\d/ ])(MG|MCG|ML|UNT|MEQ|MMOL|HR|ACTUAT|GM)(?=[ /,)]|$)", lambda one: _UNITS[one[1]], title
    )
    title = re.sub(_FORMS, lambda one: one[0].lower(), title)
    title = re.sub(r"\boral (tablet|capsule)", r"\1", title).replace("extended release", "extended-release")
    title = re.sub(r"^(\d+) hour (.+)$", r"\2, \1-hour", title)
    return re.sub(r" \[([^\]]+)\](.*)$", r" (\1)\2", title)


def _from_vaccine(title: str) -> str:
    title = re.sub(
        r"(?i)^SARS-CoV-2 \(COVID-19\) vaccine, mRNA, spike protein, LNP(, preservative free)?",
        "COVID-19 vaccine, mRNA",
        title,
    )
    title = re.sub(r", NOS\b", ", type not stated", title)
    return re.sub(r"(?<=\d)(m[Lg])\b", r" \1", title) if title.startswith("COVID-19") else title


def _once(title: str) -> str:
    """Without a bracket at the end that only says the same words in another order."""
    found = re.fullmatch(r"(.+\S) \(([^()]*(?:\([^()]*\)[^()]*)*)\)", title)
    if not found:
        return title
    before, inside = (set(re.findall(r"[\w.]+", part.lower())) - {"oral"} for part in (found[1], found[2]))
    return found[1] if len(inside) > 2 and inside <= before else title


# ── capitals ──────────────────────────────────────────────────────────────────────────────────────

_WORDS = frozenset(
    """
    OF AND WITH FOR THE IN OR TO BY ON AT FROM TYPE ACID IRON FREE BONE SKIN NEW LOW HIGH DIET PAIN BACK KNEE FOOT HAND
    HEAD NECK EYE LUNG BODY MASS RATE TEST ZINC ADULT LEFT FLOW OXY HOME CARE VISIT NOTE PLAN FULL FILM DRUG URIC SOFT
    AGE SEX DAY WEEK YEAR OLD NON PER ALL NOT NO UP DATE AIR SITE MOLD
    """.split()
)
_KEPT = frozenset(
    "NSAID NSAIDS HBSAG HBEAG VLDL EGFR PTINR COVID SARS TDAP AIDS LASIK NTPROBNP BIPAP".split()
)
# A vowel, and no beginning that no word has: BRCAPRO stays as it is.
_VOWEL = "(?!(?!CHL|CHR|PHL|PHR|SCH|SCL|SCR|SPL|SPR|STR|THR|SHR)[B-DF-HJ-NP-TV-XZ]{3}).*[AEIOUY]"


def _lowered(word: str) -> str | None:
    """A shouted word in small letters; None where it may be an acronym."""
    if word in ("A1C", "HBA1C", "X-RAY", "X-RAYS"):
        return {"A1C": "A1c", "HBA1C": "HbA1c"}.get(word, word.capitalize())
    parts = re.findall(r"[^\W\d_]+", word)
    if not parts or any(map(str.isdigit, word)):
        return None
    long = all(part not in _KEPT and len(part) >= 5 and re.match(_VOWEL, part) for part in parts)
    return word.lower() if long or all(part in _WORDS for part in parts) else None


def _quiet(title: str) -> str:
    """A title in capitals as a sentence, where most of it is words and not acronyms."""
    if title != title.upper() or title.isascii() is False:
        return title
    words = title.split(" ")
    if len(words) == 1 and len(title) < 6:
        return title
    small = [_lowered(word) for word in words]
    letters = sum(map(str.isalpha, title))
    if sum(sum(map(str.isalpha, word)) for word in small if word) < max(5, 0.65 * letters):
        return title
    said = [new if new is not None else word for word, new in zip(words, small, strict=True)]
    if small[0] is not None:
        said[0] = said[0][:1].upper() + said[0][1:]
    return " ".join(said)


# ── a whole title ─────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=4096)
def plain(title: str) -> str:
    """The title in plain language. Never empty where there was one, and two different things stay different."""
    text = " ".join(title.replace("\u200b", "").split())
    if text.endswith(")") and " (" in text:
        before, _, tag = text[:-1].rpartition(" (")
        text = before if tag in _TAGS and before else text
    text = (re.sub(_ASKED, "", text) or text) if text.endswith(("]", "Reported")) else text
    text = re.sub(r"\{([^{}]+)\}$", r"(\1)", text)
    text = (
        _substance(text) if re.match("(?i)subst|(?:medicinal )?product", text) else re.sub(_REMARKS, "", text)
    )
    lead, _, rest = (
        text.rpartition(": ") if text.startswith(("Explanation", "Pharmacy", "Doctor")) else ("", "", text)
    )
    if (measured := _from_loinc(rest)) is not None:
        rest = measured
    elif re.search(_DOSE, rest):
        rest = _once(_quiet_drug(_from_drug(rest)))
    else:
        rest = _from_vaccine(_quiet(rest))
    return f"{lead}: {rest}" if lead else rest or title


def _substance(title: str) -> str:
    found = re.fullmatch(_SUBSTANCE, title)
    what = (found["group"] or found["what"]) if found else title
    return what[:1].upper() + what[1:]


def _quiet_drug(title: str) -> str:
    """The name of a medicine that stands in capitals before its strength."""
    found = re.match(r"([A-Z][A-Z ,'-]{4,})(?= \d)", title)
    return _quiet(found[1]) + title[found.end() :] if found else title


def chosen(event: dict[str, Any]) -> str:
    """The title of an event as its source chose it, or the standard name where that was only a local code."""
    title = str(event.get("title") or "").strip()
    codes = event.get("codes") or ()
    local = {str(one.get("code") or "").casefold() for one in codes}
    if title and title.casefold() not in local and any(map(str.isalpha, title)):
        return title
    speaking = (str(one.get("display") or "").strip() for one in codes)
    return next(
        (one for one in speaking if one and one.casefold() not in local and any(map(str.isalpha, one))), title
    )
