"""What a sign-in gave, in a patient's words: kinds of record instead of resource types, days instead of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.cli.text import clean, when

if TYPE_CHECKING:
    from phr import model

WORDS = {
    "Account": "accounts",
    "AdverseEvent": "side effects",
    "AllergyIntolerance": "allergies",
    "Appointment": "appointments",
    "AppointmentResponse": "appointments",
    "AuditEvent": "who looked at your record",
    "Basic": "other records",
    "Binary": "documents",
    "BodyStructure": "body sites",
    "CarePlan": "care plans",
    "CareTeam": "care team",
    "ChargeItem": "charges",
    "Claim": "claims",
    "ClaimResponse": "claims",
    "ClinicalImpression": "assessments",
    "Communication": "messages",
    "CommunicationRequest": "messages",
    "Composition": "documents",
    "Condition": "problems",
    "Consent": "directives",
    "Coverage": "insurance",
    "CoverageEligibilityRequest": "insurance",
    "CoverageEligibilityResponse": "insurance",
    "DetectedIssue": "safety alerts",
    "Device": "devices",
    "DeviceRequest": "devices",
    "DeviceUseStatement": "devices",
    "DiagnosticReport": "reports",
    "DocumentManifest": "documents",
    "DocumentReference": "documents",
    "Encounter": "visits",
    "EnrollmentRequest": "insurance",
    "EpisodeOfCare": "episodes of care",
    "ExplanationOfBenefit": "claims",
    "FamilyMemberHistory": "family history",
    "Flag": "alerts",
    "Goal": "goals",
    "Group": "groups",
    "GuidanceResponse": "assessments",
    "ImagingStudy": "imaging",
    "Immunization": "vaccines",
    "ImmunizationEvaluation": "vaccines",
    "ImmunizationRecommendation": "vaccines that are due",
    "Invoice": "bills",
    "List": "lists",
    "Location": "places",
    "MeasureReport": "measures of care",
    "Media": "pictures",
    "Medication": "medications",
    "MedicationAdministration": "medications",
    "MedicationDispense": "medications",
    "MedicationRequest": "medications",
    "MedicationStatement": "medications",
    "MolecularSequence": "genetics",
    "NutritionOrder": "diets",
    "Observation": "results and vital signs",
    "Organization": "organisations",
    "Patient": "your details",
    "Person": "your details",
    "Practitioner": "doctors and nurses",
    "PractitionerRole": "doctors and nurses",
    "Procedure": "procedures",
    "Provenance": "where records come from",
    "QuestionnaireResponse": "questionnaires",
    "RelatedPerson": "relatives and contacts",
    "RequestGroup": "orders",
    "ResearchSubject": "studies",
    "RiskAssessment": "risks",
    "Schedule": "appointments",
    "ServiceRequest": "orders",
    "Slot": "appointments",
    "Specimen": "specimens",
    "SupplyDelivery": "supplies",
    "SupplyRequest": "supplies",
    "Task": "tasks",
    "VisionPrescription": "glasses and lenses",
}
"""What people call these; other types keep their own name."""

_NOT_ASKED = "not asked for at sign-in"
"""The reason of `smart.scopes.why_not` for what nobody has refused."""
BESIDE = frozenset(
    "Location Medication Organization Practitioner PractitionerRole Provenance RelatedPerson Specimen".split()
)
"""What records point at: it comes with them, and is no kind of record."""


def granted_lines(made: model.Connection, idle_hours: int | None = None) -> list[str]:
    """What the provider granted and refused, and until when, in words.

    `idle_hours`: after so long without use a sign-in at this vendor ends.
    """
    lines = [f"Signed in. The connection is called {made.name}.", f"  Granted: {_granted(made)}"]
    reasons: dict[str, list[str]] = {}
    for one in made.refused:
        reasons.setdefault(clean(one.reason), []).append(named(clean(one.type)))
    own = reasons.pop(_NOT_ASKED, [])
    lines += [f"  Not to be had: {', '.join(names)} ({reason})" for reason, names in reasons.items()]
    if own:
        lines.append(f"  Not asked for: {', '.join(own)}")
    return [*lines, f"  {lasting_line(made, idle_hours)}"]


def lasting_line(made: model.Connection, idle_hours: int | None = None) -> str:
    """How long this sign-in lasts, and whether it is renewed without the person."""
    if made.auth == "none":
        return "This server is open: there is nothing to sign in to."
    if made.sign_in_before is None:
        if made.auth == "bearer":
            return "How long this token lasts is not known; when it ends, bring a new one."
        return "It lasts until you or the provider end it: phr sync renews it by itself."
    until = when(made.sign_in_before)
    if made.auth == "bearer":
        return f"This token ends: sign in again before {until}, with a new one."
    if made.sign_in_before == made.token_expires:
        return f"Nothing renews it: sign in again before {until}; cron cannot do that for you."
    if idle_hours and _hours(made) >= idle_hours - 1:
        often = f"{idle_hours} hours" if idle_hours < 96 else f"{idle_hours // 24} days"
        return f"It ends when it is not used for {often} (now: {until}); each phr sync puts that off."
    return f"Sign in again before {until}; until then phr sync renews it by itself."


def _hours(made: model.Connection) -> float:
    """From the sign-in to its end."""
    from datetime import datetime

    if not made.connected or not made.sign_in_before:
        return 0.0
    life = datetime.fromisoformat(made.sign_in_before) - datetime.fromisoformat(made.connected)
    return life.total_seconds() / 3600


def _granted(made: model.Connection) -> str:
    if made.auth == "none":
        return "everything that this open server shows"
    from phr.smart import scopes

    types = scopes.readable(made.granted_scopes)
    refused = {one.type for one in made.refused}
    if "*" in types:
        return "everything it has for you" + (", except what is named below" if refused else "")
    words = sorted({WORDS.get(type_, type_) for type_ in types - refused - BESIDE})
    return ", ".join(words) or "it did not say; phr sync will show"


def named(type_: str) -> str:
    """`vaccines (Immunization)`: the word for the person, the type for whoever helps them."""
    return f"{WORDS[type_]} ({type_})" if type_ in WORDS else type_


def document(made: model.Connection) -> dict[str, Any]:
    """A connection as JSON, with the keys of `phr connections --json` as far as a sign-in knows them."""
    from dataclasses import asdict

    known = asdict(made)
    for inner in ("key", "client_id", "requested_scopes", "every_hours"):
        known.pop(inner)
    return {**known, "every": f"{made.every_hours}h"}
