"""Which resource types a person's record is made of, how each names its patient, and how searches are usually cut.

Follows FHIR R4 "Compartment Patient" (compartmentdefinition-patient.html) with the search parameters of each
type, and for the cuts the categories of US Core 6 (USCDI v3), which say what a server has to be asked with.
What a search by patient does not bring (Medication, Practitioner, Organization, Location …) is read where a
record points at it.
"""

from __future__ import annotations

from collections.abc import Iterable

# Every type of the R4 Patient compartment that a search by patient may bring, with Device, Task and their like
# which have a patient parameter as well. The ones others refer to come first.
COMPARTMENT = (
    "Encounter EpisodeOfCare CareTeam RelatedPerson Coverage Device Specimen"
    " AllergyIntolerance Condition MedicationRequest MedicationStatement MedicationAdministration MedicationDispense"
    " Immunization ImmunizationRecommendation ImmunizationEvaluation Procedure DiagnosticReport ImagingStudy Media"
    " DocumentReference DocumentManifest CarePlan Goal FamilyMemberHistory ServiceRequest NutritionOrder"
    " DeviceRequest DeviceUseStatement RequestGroup SupplyDelivery SupplyRequest VisionPrescription BodyStructure"
    " ClinicalImpression RiskAssessment DetectedIssue AdverseEvent GuidanceResponse Flag List Composition"
    " Appointment AppointmentResponse Communication CommunicationRequest Task QuestionnaireResponse Consent"
    " Claim ClaimResponse ExplanationOfBenefit CoverageEligibilityRequest CoverageEligibilityResponse"
    " EnrollmentRequest Account ChargeItem Invoice MeasureReport ResearchSubject Basic MolecularSequence Person"
    " Observation Provenance AuditEvent"
).split()
_PLACE = {type_: number for number, type_ in enumerate(COMPARTMENT)}

# Seldom open to patients, and never a person's health: asked for only where a server declares them.
ONLY_WHERE_DECLARED = frozenset(
    "AuditEvent Person MeasureReport EnrollmentRequest GuidanceResponse DocumentManifest AppointmentResponse"
    " CoverageEligibilityRequest CoverageEligibilityResponse".split()
)

# About many people: read where a record points at one, searched only where a server takes a patient for it.
BY_REFERENCE = frozenset(
    "Medication MedicationKnowledge Practitioner PractitionerRole Organization OrganizationAffiliation Location"
    " HealthcareService Substance Endpoint InsurancePlan Questionnaire Binary Group".split()
)

# Types whose Provenance US Core wants brought along by `_revinclude=Provenance:target`.
WITH_PROVENANCE = frozenset(
    "AllergyIntolerance CarePlan CareTeam Condition Coverage Device DiagnosticReport DocumentReference Encounter"
    " Goal Immunization MedicationDispense MedicationRequest Observation Procedure QuestionnaireResponse"
    " RelatedPerson ServiceRequest Specimen".split()
)

# How a type names its patient, the usual word first; Coverage and some others have one of their own.
PATIENT_PARAMETERS = ("patient", "subject", "beneficiary", "subscriber")
OWN_PARAMETER = {"SupplyRequest": "subject", "AdverseEvent": "subject"}

# Parameters of time. Where one is in a search, `_lastUpdated` must not be (Oracle Health), and a search that
# needs one gets them all by a date before everything.
DATES = frozenset(
    "date period onset-date recorded-date authored authoredon authored-on asserted-date start started issued"
    " effective effective-time target-date start-date when when-given whenprepared whenhandedover sent received"
    " created service-date occurrence billable-period event last-date".split()
)
EVER = "ge1900-01-01"

_STATUS = ("active", "completed", "stopped", "on-hold", "draft", "cancelled", "entered-in-error", "unknown")
_EVENT = ("completed", "in-progress", "not-done", "on-hold", "stopped", "entered-in-error", "unknown")
_INTENT = (
    "order",
    "plan",
    "original-order",
    "reflex-order",
    "filler-order",
    "instance-order",
    "proposal",
    "option",
)

# What to put into a parameter that a server turns out to need: first the parameter that is tried where it does
# not say which. Categories are those of US Core; the numbers are SNOMED CT (CarePlan as Epic lists them in its
# refusal) and LOINC.
USUAL: dict[str, dict[str, tuple[str, ...]]] = {
    "Observation": {
        "category": (
            "laboratory", "vital-signs", "social-history", "imaging", "survey", "exam", "procedure", "therapy",
            "activity", "sdoh", "functional-status", "disability-status", "cognitive-status", "clinical-test",
        ),
        "status": ("final", "amended", "corrected", "preliminary", "registered", "cancelled", "unknown"),
    },
    "CarePlan": {
        "category": (
            "assess-plan", "38717003", "734163000", "736271009", "736353004", "738906000", "736378000",
            "719091000000102", "959871000000107", "inpatient-pathway", "409073007", "care-path",
        ),
        "status": ("active", "completed", "draft", "on-hold", "revoked", "unknown"),
    },
    "Condition": {
        "category": ("problem-list-item", "encounter-diagnosis", "health-concern"),
        "clinical-status": ("active", "recurrence", "relapse", "inactive", "remission", "resolved"),
    },
    "CareTeam": {
        "status": ("active", "inactive", "proposed", "suspended"),
        "category": ("LA28865-6", "LA28866-4", "LA27976-2", "LA27977-0", "LA28867-2", "LA27975-4"),
    },
    "MedicationRequest": {"intent": _INTENT, "status": _STATUS},
    "MedicationStatement": {"status": (*_STATUS, "intended", "not-taken")},
    "MedicationDispense": {"status": ("completed", "in-progress", "preparation", "on-hold", "stopped", "cancelled")},
    "MedicationAdministration": {"status": _EVENT},
    "DiagnosticReport": {
        "category": ("LAB", "LP29684-5", "LP29708-2", "LP7839-6", "RAD"),
        "status": ("final", "amended", "corrected", "preliminary", "partial", "registered", "cancelled"),
    },
    "DocumentReference": {
        "category": ("clinical-note",),
        "type": (
            "34133-9", "11488-4", "18842-5", "34117-2", "11506-3", "28570-0", "11502-2", "11526-1", "18748-4",
            "34111-5", "57133-1",
        ),
        "status": ("current", "superseded"),
    },
    "Goal": {
        "lifecycle-status": (
            "active", "completed", "proposed", "planned", "accepted", "on-hold", "cancelled", "rejected",
        ),
    },
    "Encounter": {"date": (EVER,)},
    "Appointment": {"date": (EVER,)},
    "AllergyIntolerance": {"clinical-status": ("active", "inactive", "resolved")},
    "Procedure": {"status": _EVENT, "date": (EVER,)},
    "Immunization": {"status": ("completed", "not-done", "entered-in-error"), "date": (EVER,)},
    "ServiceRequest": {
        "category": ("108252007", "363679005", "387713003", "409063005", "409073007", "386053000", "sdoh"),
        "status": _STATUS,
        "intent": _INTENT,
    },
    "FamilyMemberHistory": {"status": ("completed", "partial", "health-unknown")},
    "Coverage": {"status": ("active", "cancelled", "draft")},
    "ExplanationOfBenefit": {"status": ("active", "cancelled", "draft")},
    "Claim": {"status": ("active", "cancelled", "draft")},
    "EpisodeOfCare": {"status": ("active", "planned", "waitlist", "onhold", "finished", "cancelled")},
    "Communication": {"status": _EVENT},
    "Consent": {"status": ("active", "inactive", "rejected", "proposed", "draft")},
    "QuestionnaireResponse": {"status": ("completed", "in-progress", "amended", "stopped")},
    "Task": {"status": ("requested", "accepted", "in-progress", "ready", "on-hold", "completed", "failed")},
    "NutritionOrder": {"status": _STATUS},
}  # fmt: skip


def ordered(types: Iterable[str]) -> list[str]:
    """Types others refer to first; those we have no place for last, by name."""
    return sorted(types, key=lambda type_: (_PLACE.get(type_, len(_PLACE)), type_))


def usual(type_: str, parameter: str) -> tuple[str, ...]:
    """The values by which all of a type can be asked for where this parameter is needed; empty: we know none."""
    return USUAL.get(type_, {}).get(parameter) or ((EVER,) if parameter in DATES else ())
