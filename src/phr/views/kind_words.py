"""The kinds of record as people say them: `labs`, `meds`, `shots`, `doctor visits`."""

from __future__ import annotations

from phr.model import KINDS

KIND_ALIASES = {
    "lab": "lab_result",
    "lab_test": "lab_result",
    "laboratory": "lab_result",
    "result": "lab_result",
    "test": "lab_result",
    "test_result": "lab_result",
    "blood": "lab_result",
    "blood_test": "lab_result",
    "bloodwork": "lab_result",
    "blood_work": "lab_result",
    "vital": "vital_sign",
    "measurement": "vital_sign",
    "condition": "problem",
    "diagnosis": "problem",
    "diagnose": "problem",
    "disease": "problem",
    "illness": "problem",
    "med": "medication",
    "medicine": "medication",
    "drug": "medication",
    "prescription": "medication",
    "rx": "medication",
    "pill": "medication",
    "treatment": "medication",
    "intolerance": "allergy",
    "vaccine": "immunization",
    "vaccination": "immunization",
    "vax": "immunization",
    "shot": "immunization",
    "jab": "immunization",
    "immunisation": "immunization",
    "surgery": "procedure",
    "operation": "procedure",
    "visit": "encounter",
    "doctor_visit": "encounter",
    "hospital_stay": "encounter",
    "stay": "encounter",
    "admission": "encounter",
    "image": "imaging",
    "scan": "imaging",
    "x_ray": "imaging",
    "xray": "imaging",
    "radiology": "imaging",
    "mri": "imaging",
    "ct": "imaging",
    "ultrasound": "imaging",
    "note": "clinical_note",
    "doctor_note": "clinical_note",
    "report": "clinical_note",
    "letter": "clinical_note",
    "doc": "document",
    "file": "document",
    "pdf": "document",
    "plan": "care_plan",
    "team": "care_team",
    "doctor": "care_team",
    "social": "social_history",
    "smoking": "social_history",
    "family": "family_history",
    "implant": "device",
    "messages": "message",
    "to_do": "task",
    "todo": "task",
    "appt": "appointment",
    "referral": "order",
    "insurance": "coverage",
    "bill": "claim",
    "form": "questionnaire",
    "survey": "questionnaire",
    "living_will": "directive",
    "advance_directive": "directive",
    "misc": "other",
}
"""In the singular; `kind_of` knows plurals."""


def kind_of(words: str) -> str | None:
    """The kind that these words mean, in singular or plural; None when nobody can tell."""
    said = "_".join(words.strip().lower().replace("-", " ").replace("_", " ").rstrip(".").split())
    for one in _singular(said):
        if one in KINDS:
            return one
        if one in KIND_ALIASES:
            return KIND_ALIASES[one]
    return None


def known_words() -> tuple[str, ...]:
    """Everything that can be typed, for the nearest to a typing error."""
    return (*KINDS, *KIND_ALIASES)


def _singular(word: str) -> tuple[str, ...]:
    if word.endswith("ies"):
        return word, word[:-3] + "y", word[:-1]
    if word.endswith(("ses", "xes", "zes", "ches")):
        return word, word[:-1], word[:-2], word[:-2] + "is"
    return (word, word[:-1]) if word.endswith("s") else (word,)


_PLURAL = {
    "lab_result": "lab results",
    "vital_sign": "vital signs",
    "allergy": "allergies",
    "imaging": "imaging",
    "clinical_note": "clinical notes",
    "encounter": "visits",
    "family_history": "family history",
    "social_history": "social history",
    "coverage": "insurance",
    "directive": "advance directives",
    "other": "other things",
}


def plural(kind: str) -> str:
    """What several records of a kind are called: `lab results`."""
    return _PLURAL.get(kind) or f"{kind.replace('_', ' ')}s"
