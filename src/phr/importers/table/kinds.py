"""What a row of a table can be: the elements of each kind, and the words for its status."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from phr.importers.table.notation import SYSTEMS

_CODES = frozenset(("code", "code_system", *SYSTEMS))
_COMMON = _CODES | {"id", "id_system", "date", "text", "status"}
_MEASURED = _COMMON | set(
    "value unit low high range interpretation performer facility note method body_site end".split()
)

ELEMENTS: dict[str, frozenset[str]] = {
    "lab_result": frozenset(_MEASURED | {"specimen"}),
    "vital_sign": frozenset(_MEASURED | {"systolic", "diastolic"}),
    "social_history": frozenset(_MEASURED),
    "problem": frozenset(_COMMON | set("end recorded severity body_site performer note".split())),
    "medication": frozenset(_COMMON | set("end recorded dose route frequency reason performer note".split())),
    "allergy": frozenset(
        _COMMON | set("recorded category criticality reaction severity performer note".split())
    ),
    "immunization": frozenset(
        _COMMON | set("lot expires manufacturer dose dose_number route site performer facility note".split())
    ),
    "procedure": frozenset(_COMMON | set("end body_site reason outcome performer facility note".split())),
    "encounter": frozenset(_COMMON | set("end class reason performer facility".split())),
    "appointment": frozenset(_COMMON | set("end reason performer facility note".split())),
}
"""What the columns of each kind may mean."""

ALIASES = {
    "Observation": "lab_result",
    "Condition": "problem",
    "MedicationStatement": "medication",
    "AllergyIntolerance": "allergy",
    "Immunization": "immunization",
    "Procedure": "procedure",
    "Encounter": "encounter",
    "Appointment": "appointment",
}
"""FHIR's names for them."""

_DONE = {"done": "completed", "complete": "completed", "performed": "completed"}
_ERROR = {"entered-in-error": "entered-in-error", "entered in error": "entered-in-error"}


def _words(codes: str, **others: str) -> dict[str, str]:
    own = {code: code for code in codes.split()}
    return own | {code.replace("-", " "): code for code in own} | _ERROR | others


_OBSERVATION = _words(
    "registered preliminary final amended corrected cancelled unknown",
    f="final", complete="final", completed="final", verified="final", p="preliminary", c="corrected", x="cancelled",
)  # fmt: skip
STATUSES: dict[str, dict[str, str]] = {
    "lab_result": _OBSERVATION,
    "vital_sign": _OBSERVATION,
    "social_history": _OBSERVATION,
    "problem": _words("active recurrence relapse inactive remission resolved", current="active", ongoing="active"),
    "medication": _words(
        "active completed intended stopped on-hold unknown not-taken",
        current="active", taking="active", discontinued="stopped", finished="completed",
    ),
    "allergy": _words("active inactive resolved", current="active"),
    "immunization": _words(
        "completed not-done", given="completed", administered="completed", refused="not-done",
        declined="not-done", **{"not given": "not-done"}, **_DONE,
    ),
    "procedure": _words("preparation in-progress not-done on-hold stopped completed unknown", **_DONE),
    "encounter": _words(
        "planned arrived triaged in-progress onleave finished cancelled unknown",
        completed="finished", complete="finished", closed="finished", discharged="finished", scheduled="planned",
    ),
    "appointment": _words(
        "proposed pending booked arrived fulfilled cancelled noshow waitlist checked-in",
        scheduled="booked", confirmed="booked", completed="fulfilled", canceled="cancelled", **{"no show": "noshow"},
    ),
}  # fmt: skip
"""What people and programs write, in lower case, to FHIR's code."""

ENCOUNTER_CLASSES = {
    "amb": "AMB", "ambulatory": "AMB", "outpatient": "AMB", "office visit": "AMB", "office": "AMB",
    "emer": "EMER", "emergency": "EMER", "imp": "IMP", "inpatient": "IMP", "obsenc": "OBSENC",
    "observation": "OBSENC", "vr": "VR", "virtual": "VR", "telehealth": "VR", "video": "VR", "hh": "HH",
    "home": "HH", "ss": "SS", "short stay": "SS", "fld": "FLD", "field": "FLD",
}  # fmt: skip
SEVERITIES = {
    "mild": ("255604002", "Mild"),
    "moderate": ("6736007", "Moderate"),
    "severe": ("24484000", "Severe"),
}
CRITICALITIES = {
    "low": "low",
    "high": "high",
    "unable-to-assess": "unable-to-assess",
    "unknown": "unable-to-assess",
}
ALLERGY_CATEGORIES = {
    "food": "food", "medication": "medication", "drug": "medication", "environment": "environment",
    "environmental": "environment", "biologic": "biologic",
}  # fmt: skip


def names_something(kind: str, said: AbstractSet[str]) -> bool:
    """Whether a row of this kind would say what it is about; blood pressure and visits say it by being there."""
    if kind in ("encounter", "appointment") or {"systolic", "diastolic"} & said:
        return True
    return bool({"text", "code", *SYSTEMS} & said)
