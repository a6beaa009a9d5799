"""A unit in the spelling of UCUM (`mg/dL`, `10*3/uL`, `m[IU]/L`), where it is certain what it means.

`records.units` compares units in small letters; this gives them back the letters of the case-sensitive code (UCUM, c/s).
"""

from __future__ import annotations

import re
from functools import lru_cache

from phr.records.measures import BY_CODE
from phr.records.unit_words import NUMBERS, WORDS, spelled
from phr.records.units import conversion, parse

_ATOMS = {
    "g": "g", "mol": "mol", "l": "L", "m": "m", "s": "s", "eq": "eq", "osm": "osm", "u": "U", "kat": "kat",
    "[iu]": "[IU]", "pa": "Pa", "bar": "bar", "m[hg]": "m[Hg]", "m[h2o]": "m[H2O]", "cal": "cal", "j": "J", "hz": "Hz",
}  # fmt: skip
_PLAIN = {
    "min": "min", "h": "h", "d": "d", "wk": "wk", "mo": "mo", "a": "a", "[in_i]": "[in_i]", "[ft_i]": "[ft_i]",
    "[lb_av]": "[lb_av]", "[oz_av]": "[oz_av]", "[stone_av]": "[stone_av]", "cel": "Cel", "[degf]": "[degF]", "k": "K",
    "[bsa]": "{1.73_m2}",
}  # fmt: skip
_PREFIXES = "khdcmunpf"

STANDARD = {
    "mg/dL": "glucose glucose-blood glucose-fasting glucose-meter cholesterol ldl hdl non-hdl triglycerides creatinine"
    " urea uric-acid calcium magnesium phosphate bilirubin bilirubin-direct aat",
    "%": "hba1c hematocrit rdw transferrin-saturation fev1-predicted fev1-fvc oxygen",
    "mL/min/{1.73_m2}": "egfr-2021 egfr-2009 egfr-mdrd egfr-mdrd-other egfr-mdrd-black egfr-mdrd-2",
    "mmol/L": "sodium potassium chloride co2",
    "mg/g": "acr",
    "U/L": "alt ast alp ggt ldh ck lipase amylase",
    "g/dL": "albumin protein hemoglobin mchc",
    "10*3/uL": "wbc platelets neutrophils lymphocytes monocytes eosinophils basophils",
    "10*6/uL": "rbc",
    "fL": "mcv",
    "pg": "mch",
    "m[IU]/L": "tsh",
    "ng/dL": "free-t4 testosterone t3",
    "ug/dL": "t4 cortisol serum-iron tibc",
    "pg/mL": "free-t3 b12 bnp nt-probnp",
    "ng/mL": "psa ferritin vitamin-d vitamin-d3 folate",
    "mg/L": "crp hs-crp",
    "mm/h": "esr",
    "L": "fev1 fvc",
    "mL/min/mm[Hg]": "dlco",
    "L/min": "peak-flow",
    "kg": "weight",
    "cm": "height",
    "kg/m2": "bmi",
    "Cel": "temperature",
    "/min": "heart-rate respiratory-rate",
    "mm[Hg]": "systolic diastolic mean-pressure",
}
"""Units to compare in, by the ids of `records.measures`; those that LOINC gives as examples, where there is one."""
_OF_MEASURE = {id_: unit for unit, ids in STANDARD.items() for id_ in ids.split()}


@lru_cache(maxsize=2048)
def ucum(unit: str | None) -> str | None:
    """The code of UCUM for a unit as a laboratory wrote it; None where that is not certain."""
    meant = parse(unit)
    if meant is None:
        return None
    text = spelled(unit).replace(" per ", "/").replace("(", "").replace(")", "")
    above, *below = text.split("/")
    found = [_terms(above, leads=bool(below)), *(_terms(one, leads=False) for one in below)]
    if any(one is None for one in found):
        return None
    made = "/".join(one or "" for one in found)
    return made if made and parse(made) == meant else None


def _terms(part: str, *, leads: bool) -> str | None:
    terms = [_term(one.strip(), leads=leads and "." not in part) for one in part.split(".")] if part else [""]
    return None if None in terms else ".".join(one or "" for one in terms)


def _term(term: str, *, leads: bool) -> str | None:
    if leads and term in NUMBERS:
        return f"10*{NUMBERS[term]}" if NUMBERS[term] else ""
    term = WORDS.get(term, term)
    if term in ("%", "1") or re.fullmatch(r"10\*-?\d+", term):
        return term
    if (atom := _atom(term)) is not None:
        return atom
    found = re.fullmatch(r"(.*[a-z\]])\^?(-?\d)", term)
    if found and (atom := _atom(WORDS.get(found[1], found[1]))) is not None:
        return atom + found[2]
    return None


def _atom(atom: str) -> str | None:
    if atom in _PLAIN:
        return _PLAIN[atom]
    if atom in _ATOMS:
        return _ATOMS[atom]
    if atom[:1] and atom[0] in _PREFIXES and atom[1:] in _ATOMS:
        return atom[0] + _ATOMS[atom[1:]]
    return None


@lru_cache(maxsize=4096)
def standard(value: str | None, unit: str | None, loinc: str | None) -> tuple[str, str] | None:
    """`(value, unit)` in the unit in which this measurement is compared; None where no fact converts it."""
    measure = BY_CODE.get(loinc or "")
    into = _OF_MEASURE.get(measure.id) if measure else None
    if value is None or into is None or not unit:
        return None
    way = conversion(unit, into, measure, loinc)
    if way is None:
        return None
    return (value if way.same else repr(way.of(float(value)))), into
