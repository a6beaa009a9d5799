"""What was measured or answered, as Observations (FHIR R4 10.1); blood pressure as a panel with two components."""

from __future__ import annotations

from typing import Any

from phr.model import Code
from phr.workspace.own import vitals
from phr.workspace.own.told import (
    HL7,
    LOINC,
    Told,
    coded,
    concept,
    filled,
    listed,
    person,
    place,
    quantity,
    span,
)
from phr.workspace.own.values import Measured, pair_of, value_of

Json = dict[str, Any]
_INTERPRETATION = f"{HL7}/v3-ObservationInterpretation"
_CATEGORIES = {
    "lab_result": "laboratory",
    "vital_sign": "vital-signs",
    "social_history": "social-history",
}


def observation(told: Told, subject: Json) -> Json:
    """One measurement, answer or remark."""
    vital = vitals.meant(told.kind.makes, told.get("title"))
    value = told.get("value")
    pair = pair_of(value) if value and vital is not None and vital.loinc == vitals.VITALS[0].loinc else None
    measured = value_of(value, told.get("unit")) if value and pair is None else None
    category = _CATEGORIES.get(told.kind.makes)
    flag = told.get("flag")
    return {
        "resourceType": "Observation",
        "status": told.get("status") or "final",
        "category": listed(coded("observation-category", category)),
        "code": _concept(told, vital, measured),
        "subject": subject,
        "encounter": told.encounter(),
        **span("effective", told.get("date"), told.get("end")),
        "performer": listed(person(told.get("by")), place(told.get("where"))),
        **_value(told, measured),
        "component": _pressure(pair) if pair else None,
        "dataAbsentReason": None if value else coded("data-absent-reason", "unknown") if category else None,
        "interpretation": [{"coding": [{"system": _INTERPRETATION, "code": flag}]}] if flag else None,
        "note": told.notes(),
        "referenceRange": _ranges(told, measured),
        "derivedFrom": [one.reference() for one in told.about],
    }


def _concept(told: Told, vital: vitals.Vital | None, measured: Measured | None) -> Json:
    """The code that was given or agreed to, else that of a well-known measurement."""
    if told.codes or vital is None:
        return told.concept()
    unit = measured.unit_code if measured else None
    code = vital.by_unit.get(unit or "", vital.loinc)
    return concept(vital.title, (Code(LOINC, code),))


def _value(told: Told, measured: Measured | None) -> Json:
    if measured is None:
        return {}
    if (
        measured.number is None or told.kind.makes == "other"
    ):  # a number alone would make it a laboratory's result
        return {"valueString": measured.words}
    return {"valueQuantity": quantity(measured.number, measured.unit, measured.comparator)}


def _pressure(pair: tuple[str, str]) -> list[Json]:
    return [
        {"code": concept(words, (Code(LOINC, code),)), "valueQuantity": quantity(number, "mmHg")}
        for code, words, number in (
            (vitals.SYSTOLIC, "Systolic blood pressure", pair[0]),
            (vitals.DIASTOLIC, "Diastolic blood pressure", pair[1]),
        )
    ]


def _ranges(told: Told, measured: Measured | None) -> list[Json]:
    unit = measured.unit if measured else told.get("unit")
    found = {
        side: quantity(number, unit) for side in ("low", "high") if (number := told.get(side)) is not None
    }
    return [filled(found)] if found else []
