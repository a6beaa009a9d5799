"""One entry as one FHIR R4 resource, and its label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from phr.workspace.own import conditions, measured, papers, treatments, visits
from phr.workspace.own.told import HL7, Told, filled

Json = dict[str, Any]
_MAKERS: dict[str, Callable[[Told, Json], Json]] = {
    "lab_result": measured.observation,
    "vital_sign": measured.observation,
    "social_history": measured.observation,
    "other": measured.observation,
    "problem": conditions.problem,
    "symptom": conditions.problem,
    "allergy": conditions.allergy,
    "family_history": conditions.family,
    "medication": treatments.medication,
    "immunization": treatments.immunization,
    "procedure": treatments.procedure,
    "device": treatments.device,
    "order": treatments.order,
    "imaging": treatments.imaging,
    "encounter": visits.encounter,
    "appointment": visits.appointment,
    "task": visits.task,
    "care_plan": visits.plan,
    "goal": visits.goal,
    "care_team": visits.team,
    "message": visits.message,
    "document": papers.document,
    "clinical_note": papers.note,
    "directive": papers.directive,
    "questionnaire": papers.questionnaire,
    "coverage": papers.coverage,
    "claim": papers.bill,
}
_LABELS = {
    # the code for what a patient asks to be kept from others (ActInformationSensitivityPolicy)
    "sensitive": {"system": f"{HL7}/v3-ActCode", "code": "PRS"},
    "restricted": {"system": f"{HL7}/v3-Confidentiality", "code": "R"},
}
"""Security labels that the record reads as these levels (`records.elements`)."""


def resource(told: Told, id_: str, subject: str) -> Json:
    """The resource, with this id, about the Patient at `subject`."""
    made = _MAKERS[told.kind.name](told, {"reference": subject})
    label = _LABELS.get(told.get("sensitivity") or "")
    head = {"resourceType": made.pop("resourceType"), "id": id_}
    return {**head, **({"meta": {"security": [label]}} if label else {}), **filled(made)}
