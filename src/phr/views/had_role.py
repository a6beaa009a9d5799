"""Was it done, or only ordered, planned, cancelled? By the status that each resource type has (FHIR R4 and DSTU2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from phr.fhir import read
from phr.records.elements import words_of

DONE, UNSURE, ORDERED, PLANNED, CANCELLED, NONE = "done", "unsure", "ordered", "planned", "cancelled", "none"
Role = tuple[str, str]

_HISTORY = re.compile(
    r"history of|status post|\bs/p\b|\bh/o\b|\bhx\b|absence of|absent|\bpost[- ]|previous|prior|presence of|acquired absence"
    r"|replaced|after |transplanted"
)
_FAMILY = re.compile(
    r"family history|no history|plan(?:ned)? for|awaiting|scheduled|need for|refus|declin|screening|encounter for"
)
_PAPER = re.compile(
    r"\b(?:order|orders|requisition|referral|request|prep|preparation|instructions?|appointment|consent|authori[sz]ation"
    r"|information|leaflet|scheduling|reminder|invitation|questionnaire|checklist|estimate)\b",
    re.IGNORECASE,
)
_OUTSIDE = {
    "DiagnosticReport": {"registered": (ORDERED, "only registered, no report yet"), "cancelled": (CANCELLED, "")},
    "Observation": {"registered": (ORDERED, "only registered, no result yet"), "cancelled": (CANCELLED, "")},
    "ImagingStudy": {"registered": (ORDERED, "only registered, no pictures yet"), "cancelled": (CANCELLED, "")},
    "Procedure": {
        "not-done": (CANCELLED, "not done"),
        "stopped": (UNSURE, "it was begun and broken off"),
        "aborted": (UNSURE, "it was begun and broken off"),
        "preparation": (PLANNED, "in preparation"),
        "on-hold": (PLANNED, "on hold"),
        "suspended": (PLANNED, "on hold"),
        "unknown": (UNSURE, "its source does not know whether it was done"),
    },
    "Encounter": {"cancelled": (CANCELLED, "the visit was cancelled"), "planned": (PLANNED, "")},
    "Immunization": {"not-done": (CANCELLED, "not given")},
    "Appointment": {
        "cancelled": (CANCELLED, "the appointment was cancelled"),
        "noshow": (CANCELLED, "the appointment was missed"),
        "fulfilled": (UNSURE, "an appointment for it was kept"),
        "checked-in": (UNSURE, "an appointment for it was kept"),
        "arrived": (UNSURE, "an appointment for it was kept"),
        "": (PLANNED, ""),
    },
    "Task": {"cancelled": (CANCELLED, ""), "rejected": (CANCELLED, ""), "failed": (CANCELLED, ""),
             "completed": (NONE, ""), "": (PLANNED, "")},
    "MedicationRequest": {"cancelled": (CANCELLED, ""), "draft": (PLANNED, "only a draft"), "": (DONE, "prescribed")},
    "MedicationStatement": {"not-taken": (CANCELLED, "not taken"), "intended": (PLANNED, ""), "": (DONE, "")},
    "MedicationDispense": {
        **dict.fromkeys(("preparation", "in-progress", "on-hold"), (PLANNED, "not handed out yet")),
        **dict.fromkeys(("cancelled", "declined"), (CANCELLED, "not handed out")),
        "": (DONE, "handed out"),
    },
    "MedicationAdministration": {"not-done": (CANCELLED, "not given"), "": (DONE, "given")},
    "ImmunizationRecommendation": {"": (PLANNED, "recommended")},
    "ImmunizationEvaluation": {"": (NONE, "")},
    "DocumentReference": {"superseded": (NONE, "")},
    "Media": {"not-done": (CANCELLED, ""), "preparation": (PLANNED, "")},
    "CommunicationRequest": {"": (NONE, "")},
    "Goal": {"": (DONE, "")},
}  # fmt: skip
_REQUESTS = (
    "ServiceRequest",
    "ProcedureRequest",
    "DiagnosticOrder",
    "ReferralRequest",
    "DeviceRequest",
    "NutritionOrder",
)


def role(type_: str, status: str | None, raw: dict[str, Any], title: str, description: str | None) -> Role:
    """`(role, what it says)` of one record."""
    if status == "entered-in-error":
        return NONE, ""
    if type_ in _REQUESTS:
        return _order(status, raw)
    if type_ in ("Claim", "ExplanationOfBenefit", "ClaimResponse"):
        if status in ("cancelled", "draft"):
            return NONE, ""
        if raw.get("use") in ("preauthorization", "predetermination"):
            return PLANNED, "the insurer was asked beforehand"
        return DONE, "told by a bill"
    if type_ == "DocumentReference" and _PAPER.search(f"{title} {read.text(raw.get('description')) or ''}"):
        return NONE, ""
    if (
        type_ == "Observation"
        and status not in ("cancelled", "registered")
        and (description or "").startswith("no value")
    ):
        return UNSURE, "taken, but without a value"
    known = _OUTSIDE.get(type_, {})
    found = known.get(status or "") or known.get("") or (DONE, "")
    if found[0] == CANCELLED:
        return CANCELLED, _with_reason(found[1], raw)
    if raw.get("intent") in ("proposal", "plan") and type_ == "MedicationRequest":
        return PLANNED, "only proposed"
    return found


def _order(status: str | None, raw: dict[str, Any]) -> Role:
    if raw.get("doNotPerform") is True:
        return CANCELLED, "not to be done"
    if status in ("revoked", "cancelled", "rejected"):
        return CANCELLED, _with_reason("the order was cancelled", raw)
    if raw.get("intent") in ("proposal", "plan", "option", "directive"):
        return PLANNED, "only proposed"
    if status == "draft":
        return PLANNED, "a draft of an order"
    if status in ("on-hold", "suspended"):
        return ORDERED, "the order is on hold"
    return ORDERED, "the order is marked as completed" if status == "completed" else ""


def _with_reason(said: str, raw: dict[str, Any]) -> str:
    reason = words_of(raw.get("statusReason")) or words_of(raw.get("cancelationReason"))
    return ": ".join(filter(None, (said, reason)))


def is_history(names: Iterable[str]) -> bool:
    """Whether a problem says that something was done: `History of appendectomy`, `Absence of gallbladder`."""
    words = " ".join(names).casefold()
    return bool(_HISTORY.search(words)) and not _FAMILY.search(words)
