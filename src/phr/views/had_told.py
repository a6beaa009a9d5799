"""What the record tells about a question: each candidate judged for itself.

The words that decide are those of the elements that name the thing (code, body site, modality), never a conclusion: a
report that mentions another examination is none of it.
"""

from __future__ import annotations

from typing import Any

from phr.fhir import read
from phr.records import document_types
from phr.records.elements import walk, words_of
from phr.views import had_codes, had_role
from phr.views.had_exam import NEAR, NO, PERHAPS, YES, Exam, Verdict, accepted, beside, compare, exam, joined
from phr.views.had_measured import measured
from phr.views.had_query import Asked
from phr.views.had_record import NEAR_KINDS, Told, candidates, row_of, with_bytes
from phr.views.had_strains import strains
from phr.views.had_words import against_pertussis, groups_of
from phr.views.words import stem, tokens

ILLNESS = "the illness, not the vaccine"
VACCINATED = "vaccinated against it; that does not say that you were ill"


def told(db: Any, asked: Asked) -> list[Told]:
    """Everything that answers, may answer, or is near; what is something else is not among it."""
    found = {row[0]: row for row in candidates(db, asked)}
    rows = [row_of(row) for row in found.values()]
    if asked.kind == "exam":
        kept = _exams(db, asked, rows)
    elif asked.kind in ("measure", "panel"):
        kept = [one for one in rows if measured(asked, one)]
    elif asked.kind == "vaccine":
        kept = [one for one in rows if _vaccine(asked, one)]
    else:
        kept = [one for one in rows if _worded(asked, one)]
    with_bytes(db, [one for one in kept if not one.raw and one.type not in ("Observation", "Condition")])
    for one in kept:
        one.role, one.said = had_role.role(one.type, one.status, one.raw, one.title, one.description)
    return [one for one in kept if one.role != "none"]


# ── examinations ──────────────────────────────────────────────────────────────────────────────────

_DICOM = {
    "CT": "ct", "MR": "mri", "CR": "xray", "DX": "xray", "XR": "xray", "US": "us", "MG": "mammo", "PT": "pet",
    "NM": "nuclear", "RF": "fluoro", "XA": "angiography", "ECG": "ecg", "BMD": "dexa", "IVUS": "us", "EC": "echo",
    # v2-0074, where a report is filed
    "NMR": "mri", "RUS": "us", "XRC": "fluoro", "RX": "xray", "CUS": "echo", "NMS": "nuclear", "VUS": "us", "OUS": "us",
}  # fmt: skip
_NAMED_BY = {
    "DiagnosticReport": ("code",),  # and what its file is called, where that says nothing
    "Observation": ("code", "bodySite"),
    "ImagingStudy": (
        "description",
        "procedureCode",
        "series.description",
        "series.bodySite",
        "series.laterality",
    ),
    "Procedure": ("code", "bodySite"),
    "ServiceRequest": ("code", "bodySite", "orderDetail"),
    "DocumentReference": ("type", "description", "content.attachment.title"),
    "Appointment": ("description", "serviceType", "appointmentType", "reasonCode"),
    "Task": ("code", "description"),
    "Media": ("content.title", "modality", "bodySite", "view"),
    "Condition": ("code", "bodySite"),
}


def _exams(db: Any, asked: Asked, rows: list[Told]) -> list[Told]:
    """First by titles, codes and details; what is left is read as its source sent it, and decided."""
    acts = frozenset(one for act in asked.exam.acts for one in accepted(act))
    close = beside(asked.exam.acts)
    likely = []
    for one in rows:
        rough = joined([*(exam(name) for name in one.names), exam(one.description or ""), *_modality(one)])
        hits = rough.acts & acts or {"views", "tee"} & rough.flags
        generic = one.type in ("DocumentReference", "DiagnosticReport", "Media") and not rough.acts - {
            "imaging"
        }
        if (
            hits
            or generic
            or rough.acts & close
            or (one.kind in NEAR_KINDS and rough.parts & asked.exam.parts and rough.acts)
        ):
            likely.append(one)
    with_bytes(db, likely)
    kept = []
    for one in likely:
        verdict = max((_judged(asked, one, told) for told in _named(one)), key=lambda it: _ORDER[it.level])
        if verdict.level != NO:
            one.level, one.why = verdict.level, verdict.why
            kept.append(one)
    return kept


_ORDER = {NO: 0, NEAR: 1, PERHAPS: 2, YES: 3}


def _judged(asked: Asked, one: Told, named: Exam) -> Verdict:
    verdict = compare(asked.exam, named)
    if _ORDER[verdict.level] > _ORDER[NEAR] or not one.exam.acts:
        one.exam = named
    if (
        verdict.level == YES
        and asked.rest
        and not set(asked.rest) <= {stem(w) for name in one.names for w in tokens(name)}
    ):
        return Verdict(PERHAPS, f"it does not say “{' '.join(asked.rest)}”")
    if verdict.level in (YES, PERHAPS):
        if one.kind == "family_history":
            return Verdict(NEAR, "of a relative, not yours")
        if one.kind in ("goal", "care_plan"):
            return Verdict(NEAR, "only planned")
        if one.type == "Condition" and not had_role.is_history(one.names):
            return Verdict(NO)
        if one.kind == "encounter" and not named.acts & _VISITED:
            return Verdict(PERHAPS, "a visit for it; it does not say that it was done")
    return verdict


_VISITED = frozenset("eyeexam hearing physio pulmrehab cardiacrehab dialysis chemo radiation".split())
"""What a visit is as a whole."""


def _modality(one: Told) -> list[Exam]:
    """What a modality says that stands as a code: DICOM's of a study, v2-0074 of a report."""
    coded = {str(code[1]).upper() for code in one.codes if code[1]} | {str(one.category or "").upper()}
    acts = (
        frozenset(_DICOM[code] for code in coded if code in _DICOM) if one.kind == "imaging" else frozenset()
    )
    return [Exam(acts)] if acts else []


def _named(one: Told) -> list[Exam]:
    """What a record names: one thing, or of a bill one for each line."""
    if one.kind == "claim":
        lines = [words_of(entry) for entry in walk(one.raw, ("item", "productOrService"))]
        codes = [exam(words) for code in one.codes if (words := had_codes.words_of(code[0], code[1]))]
        return [
            *(exam(words) for words in lines if words),
            *codes,
            *([] if one.raw else [exam(one.title)]),
        ] or [Exam()]
    paths = _NAMED_BY.get(one.type)
    if one.type == "DocumentReference" and _is_about_much(one):
        return [Exam()]
    if not one.raw or paths is None:
        return [joined([*(exam(name) for name in one.names), *_modality(one)])]
    texts: list[str] = []
    for path in paths:
        for value in walk(one.raw, tuple(path.split("."))):
            texts += _texts(value)
    if one.type == "DiagnosticReport" and not any(exam(text).acts - {"imaging"} for text in texts):
        texts += [words for value in walk(one.raw, ("presentedForm", "title")) if (words := read.text(value))]
    return [joined([*(exam(text) for text in texts), *_structured(one)])]


_ABOUT_ONE = (
    None,
    "radiology",
    "cardiology",
    "procedure_note",
    "operative_note",
    "pathology",
    "lab",
    "note",
    "photo",
)
"""Types of documents that are about one thing; all others name many things in passing."""


def _is_about_much(one: Told) -> bool:
    codes = [str(code[1]) for code in one.codes if code[1]]
    named = [code[2] for code in one.codes]
    said = words_of(one.raw.get("type"))
    if any(exam(text).acts for text in (said, *named) if text):
        return False
    return document_types.recognise(codes, [], (said, *named)) not in _ABOUT_ONE


def _texts(value: object) -> list[str]:
    """Every wording of a concept, a code in words where it has none."""
    if isinstance(value, str):
        return [value]
    found = [text] if isinstance(value, dict) and (text := read.text(value.get("text"))) else []
    coded = read.codings(value) or read.codings({"coding": [value]})
    for code in coded:
        words = had_codes.words_of(code.system, code.code)
        found += [one for one in (code.display, words) if one]
    return found


def _structured(one: Told) -> list[Exam]:
    """Modality by its code; a report's category tells it only where its name does not."""
    found = set()
    for path in (("modality",), ("series", "modality")) if one.type in ("ImagingStudy", "Media") else ():
        for value in walk(one.raw, path):
            coded = [*read.codings(value), *read.codings({"coding": [value]})]
            found |= {_DICOM[code.code] for code in coded if code.code in _DICOM}
    if one.type == "DiagnosticReport" and not any(exam(name).acts for name in one.names):
        categories = {code.code for code in read.codings(one.raw.get("category"))}
        found |= {_DICOM[code] for code in categories if code in _DICOM}
    if found & {"us"} and any("echo" in exam(name).acts for name in one.names):
        found -= {"us"}
    return [Exam(frozenset(found))] if found else []


# ── vaccines, and what has only its words ─────────────────────────────────────────────────────────


def _vaccine(asked: Asked, one: Told) -> bool:
    if one.type == "ImmunizationEvaluation":
        return False
    mine = groups_of(" ".join(one.names), one.codes) if one.kind != "problem" else []
    if one.type == "ImmunizationRecommendation":
        mine = [
            name for name in asked.vaccines if name in groups_of(f"{one.description} {' '.join(one.names)}")
        ]
    if not set(mine) & set(asked.vaccines):
        if one.kind == "problem" and _worded(asked, one) and one.level == YES:
            one.level, one.why = NEAR, ILLNESS
            return True
        return False
    one.level = YES
    if one.kind != "immunization" and one.kind not in ("order", "appointment", "task", "claim"):
        one.level, one.why = NEAR, "not an immunization"
    cvx = {str(code[1]) for code in one.codes if code[0] and "cvx" in code[0]}
    if asked.strains:
        given = strains(asked.vaccines, " | ".join((*one.names, one.description or "")), frozenset(cvx))
        if not given & asked.strains:
            kind, other = " or ".join(sorted(asked.strains)), " and ".join(sorted(given))
            one.level = NEAR if given else PERHAPS
            one.why = f"{other}, not {kind}" if given else f"it does not say whether it is {kind}"
    if (
        asked.pertussis
        and "pertussis" in " ".join(asked.vaccines)
        and not against_pertussis(" ".join(one.names), cvx)
    ):
        one.level, one.why = NEAR, "without whooping cough (pertussis)"
    return True


def _worded(asked: Asked, one: Told) -> bool:
    from phr.views.had_by_words import worded

    verdict = worded(asked, one)
    one.level, one.why = verdict.level, verdict.why
    return verdict.level != NO
