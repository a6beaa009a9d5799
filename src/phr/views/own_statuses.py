"""Which statuses a person may give a record: the codes of FHIR R4 for its type, and other words for them.

`entered-in-error` goes with every type: it takes the record out.
"""

from __future__ import annotations

from phr.records.overlay import IN_ERROR

_REQUEST = "draft active on-hold revoked completed unknown"
_EVENT = "preparation in-progress not-done on-hold stopped completed unknown"
_MONEY = "active cancelled draft"
_BY_TYPE = {
    "Account": "active inactive on-hold unknown",
    "AllergyIntolerance": "active inactive resolved refuted",
    "Appointment": "proposed pending booked arrived fulfilled cancelled noshow checked-in waitlist",
    "AppointmentResponse": "accepted declined tentative needs-action",
    "CarePlan": _REQUEST,
    "CareTeam": "proposed active suspended inactive",
    "ChargeItem": "planned billable not-billable aborted billed unknown",
    "Claim": _MONEY,
    "ClaimResponse": _MONEY,
    "ClinicalImpression": "in-progress completed",
    "Communication": _EVENT,
    "CommunicationRequest": _REQUEST,
    "Composition": "preliminary final amended",
    "Condition": "active recurrence relapse inactive remission resolved refuted",
    "Consent": "draft proposed active rejected inactive",
    "Coverage": _MONEY,
    "DetectedIssue": "registered preliminary final amended corrected cancelled unknown",
    "Device": "active inactive unknown",
    "DeviceRequest": _REQUEST,
    "DeviceUseStatement": "active completed intended stopped on-hold",
    "DiagnosticReport": "registered partial preliminary final amended corrected appended cancelled unknown",
    "DocumentManifest": "current superseded",
    "DocumentReference": "current superseded",
    "Encounter": "planned arrived triaged in-progress onleave finished cancelled unknown",
    "EpisodeOfCare": "planned waitlist active onhold finished cancelled",
    "ExplanationOfBenefit": _MONEY,
    "FamilyMemberHistory": "partial completed health-unknown",
    "Flag": "active inactive",
    "Goal": "proposed planned accepted active on-hold completed cancelled rejected",
    "ImagingStudy": "registered available cancelled unknown",
    "Immunization": "completed not-done",
    "Invoice": "draft issued balanced cancelled",
    "List": "current retired",
    "Media": _EVENT,
    "MedicationAdministration": "in-progress not-done on-hold completed stopped unknown",
    "MedicationDispense": "preparation in-progress cancelled on-hold completed stopped declined unknown",
    "MedicationRequest": "active on-hold cancelled completed stopped draft unknown",
    "MedicationStatement": "active completed intended stopped on-hold unknown not-taken",
    "NutritionOrder": _REQUEST,
    "Observation": "registered preliminary final amended corrected cancelled unknown",
    "Procedure": _EVENT,
    "QuestionnaireResponse": "in-progress completed amended stopped",
    "RequestGroup": _REQUEST,
    "RiskAssessment": "registered preliminary final amended corrected cancelled unknown",
    "ServiceRequest": _REQUEST,
    "Specimen": "available unavailable unsatisfactory",
    "SupplyDelivery": "in-progress completed abandoned",
    "SupplyRequest": "draft active suspended cancelled completed unknown",
    "Task": "draft requested received accepted rejected ready cancelled in-progress on-hold failed completed",
    "VisionPrescription": _MONEY,
}
_SAID = {
    "aborted": "stopped cancelled",
    "canceled": "cancelled revoked",
    "current": "active current",
    "discontinued": "stopped revoked cancelled",
    "done": "completed final finished fulfilled resolved",
    "ended": "completed finished stopped resolved inactive",
    "error": IN_ERROR,
    "finished": "completed",
    "given": "completed",
    "gone": "resolved inactive",
    "missed": "noshow",
    "no-longer": "inactive resolved stopped",
    "not-given": "not-done",
    "ongoing": "active in-progress",
    "outgrown": "resolved",
    "over": "resolved completed finished stopped",
    "paid": "balanced",
    "paused": "on-hold onhold suspended",
    "ruled-out": "refuted",
    "stopped": "completed inactive",
    "taking": "active",
    "wrong": IN_ERROR,
}
"""Words that people use, to the codes that they can mean; the first that the type has."""


def statuses(type_: str) -> tuple[str, ...]:
    """What a status of this resource type can be; of a type that has no line here, what any type has."""
    known = _BY_TYPE.get(type_) or " ".join(_BY_TYPE.values())
    return (*dict.fromkeys(known.split()), IN_ERROR)


def status(type_: str, words: str) -> str | None:
    """The code that somebody means; None for a word that means none here."""
    word, there = "-".join(words.casefold().split()), statuses(type_)
    if word in there:
        return word
    return next((code for code in _SAID.get(word, "").split() if code in there), None)
