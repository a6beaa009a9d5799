"""The tables of fields: for each resource type what matters on its page, what it is called there, and in which order.

Data first: a row is a label, an element, and how its value is said (`table`). `telling` reads a resource by its
rows; what no row names is said by its own name (`rest`), so a type without a table is shown too. docs/fields.md is
made of these rows (`page`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phr.views.fields.table import Field

SUBJECTS = ("results", "visits", "medicines", "clinical", "plans", "papers", "money", "around")
_WHERE = {
    "results": "Observation DiagnosticReport ImagingStudy Media Specimen",
    "visits": "Encounter EpisodeOfCare Appointment AppointmentResponse Schedule Slot Communication CommunicationRequest",
    "medicines": "MedicationRequest MedicationStatement MedicationDispense MedicationAdministration Medication"
    " Immunization ImmunizationRecommendation ImmunizationEvaluation",
    "clinical": "Condition AllergyIntolerance Procedure FamilyMemberHistory ClinicalImpression RiskAssessment"
    " DetectedIssue AdverseEvent Flag BodyStructure",
    "plans": "CarePlan Goal CareTeam ServiceRequest DeviceRequest SupplyRequest NutritionOrder VisionPrescription"
    " RequestGroup Task",
    "papers": "DocumentReference DocumentManifest Composition QuestionnaireResponse Consent List Provenance",
    "money": "Claim ExplanationOfBenefit ClaimResponse Coverage CoverageEligibilityResponse ChargeItem Invoice Account",
    "around": "Patient Practitioner PractitionerRole RelatedPerson Person Organization Location HealthcareService"
    " Device DeviceUseStatement SupplyDelivery",
}
_SUBJECT = {type_: subject for subject, types in _WHERE.items() for type_ in types.split()}


def rows(type_: object) -> tuple[Field, ...]:
    """The rows of a resource type; only the table of its subject is loaded. None where nobody wrote them yet."""
    subject = _SUBJECT.get(type_) if isinstance(type_, str) else None
    if subject is None:
        return ()
    found: tuple[Field, ...] = import_module(f"phr.views.fields.{subject}").TABLES[type_]
    return found


def everything() -> dict[str, tuple[Field, ...]]:
    """All tables, by resource type, in the order of their subjects."""
    return {type_: rows(type_) for subject in SUBJECTS for type_ in _WHERE[subject].split()}
