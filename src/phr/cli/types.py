"""What a person may type for a resource type, an instant, a time span, a bulk export.

Resource types are those of FHIR R4 (https://hl7.org/fhir/R4/resourcelist.html). Which of them a server has is the
server's to say; this only tells a slip of the finger from a wish.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from phr.errors import UsageError

RESOURCE_TYPES = tuple(
    """
    Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic
    Binary BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam CatalogEntry
    ChargeItem ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem Communication
    CommunicationRequest CompartmentDefinition Composition ConceptMap Condition Consent Contract Coverage
    CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric
    DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference EffectEvidenceSynthesis
    Encounter Endpoint EnrollmentRequest EnrollmentResponse EpisodeOfCare EventDefinition Evidence
    EvidenceVariable ExampleScenario ExplanationOfBenefit FamilyMemberHistory Flag Goal GraphDefinition Group
    GuidanceResponse HealthcareService ImagingStudy Immunization ImmunizationEvaluation
    ImmunizationRecommendation ImplementationGuide InsurancePlan Invoice Library Linkage List Location Measure
    MeasureReport Media Medication MedicationAdministration MedicationDispense MedicationKnowledge
    MedicationRequest MedicationStatement MedicinalProduct MedicinalProductAuthorization
    MedicinalProductContraindication MedicinalProductIndication MedicinalProductIngredient
    MedicinalProductInteraction MedicinalProductManufactured MedicinalProductPackaged
    MedicinalProductPharmaceutical MedicinalProductUndesirableEffect MessageDefinition MessageHeader
    MolecularSequence NamingSystem NutritionOrder Observation ObservationDefinition OperationDefinition
    OperationOutcome Organization OrganizationAffiliation Parameters Patient PaymentNotice
    PaymentReconciliation Person PlanDefinition Practitioner PractitionerRole Procedure Provenance
    Questionnaire QuestionnaireResponse RelatedPerson RequestGroup ResearchDefinition
    ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment RiskEvidenceSynthesis Schedule
    SearchParameter ServiceRequest Slot Specimen SpecimenDefinition StructureDefinition StructureMap
    Subscription Substance SubstanceNucleicAcid SubstancePolymer SubstanceProtein
    SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification SupplyDelivery SupplyRequest
    Task TerminologyCapabilities TestReport TestScript ValueSet VerificationResult VisionPrescription
    """.split()
)


def resource_type(text: str) -> str:
    """The type as FHIR writes it, whatever the case typed. Raises UsageError that names the nearest."""
    plain = {name.lower(): name for name in RESOURCE_TYPES}
    word = text.strip().lower()
    if word not in plain:
        from difflib import get_close_matches

        found = get_close_matches(word, plain, n=1)
        raise UsageError(
            f"There is no resource type named {text}.",
            hint=f"Did you mean {plain[found[0]]}?" if found else "Types are named as in: phr status --json",
        )
    return plain[word]


def complete_types(incomplete: str) -> list[str]:
    """Types that begin like this."""
    return [name for name in RESOURCE_TYPES if name.lower().startswith(incomplete.lower())]


_DAY = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")


def past_instant(option: str, text: str, now: datetime | None = None) -> str:
    """A date (its beginning, by the clock of this computer) or an instant, as a FHIR instant in UTC.

    Raises UsageError when it is neither, or in the future.
    """
    from phr.fhir import dates

    try:
        day = _DAY.fullmatch(text.strip())
        if day:
            moment = datetime(int(day[1]), int(day[2] or 1), int(day[3] or 1)).astimezone()
        else:
            moment = datetime.fromisoformat(text.strip()).astimezone()
        found = dates.instant(moment)
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"{option} {text[:40]} is not a date.",
            hint="Write 2026, 2026-03, 2026-03-15 or an instant such as 2026-03-15T08:00:00Z.",
        ) from None
    if moment > (now or datetime.now(UTC)):
        raise UsageError(f"{option} {text[:40]} is in the future.", hint="Give a day that has been.")
    return found


_SPAN = re.compile(r"(\d+)\s*d(?:ays?)?", re.IGNORECASE)


def day_of(option: str, text: str, now: datetime | None = None) -> str:
    """A day of this computer's calendar: `2026-03-01`, or `30d` for so long ago. Raises UsageError."""
    from datetime import timedelta

    ago = _SPAN.fullmatch(text.strip())
    if ago and int(ago[1]) < 40_000:
        return ((now or datetime.now(UTC)).astimezone() - timedelta(days=int(ago[1]))).date().isoformat()
    try:
        found = past_instant(option, text, now)
    except UsageError as error:
        if "is not a date" in error.message:
            error.hint = "Write a day (2026-03-15), a month (2026-03), a year, or 30d for so many days ago."
        raise
    return datetime.fromisoformat(found).astimezone().date().isoformat()


def time_span(option: str, text: str, *, most: float = 7 * 86_400) -> float:
    """Seconds in `90s`, `30m`, `2h`. Raises UsageError."""
    from phr.settings import duration

    try:
        seconds = duration(text)
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= most:
        raise UsageError(f"{option} {text[:40]} is not a time up to a week.", hint="Write 90s, 30m or 2h.")
    return seconds


_GROUP = re.compile(r"group:[^\s/?#:]+", re.IGNORECASE)


def bulk_level(text: str) -> str:
    """`patient`, `system` or `group:ID` (FHIR Bulk Data Access, section "Endpoints"). Raises UsageError."""
    word = text.strip()
    if word.lower() in ("patient", "system"):
        return word.lower()
    if _GROUP.fullmatch(word):
        return f"group:{word.partition(':')[2]}"
    raise UsageError(
        f"--bulk {text[:60]} is not an export.",
        hint="It is patient, system, or group:ID with the id that the provider gave you.",
    )


def complete_bulk(incomplete: str) -> list[str]:
    """The kinds of export that begin like this."""
    return [name for name in ("patient", "group:", "system") if name.startswith(incomplete.lower())]
