"""What files and resources are called where a person reads it; JSON keeps the ids of formats and the types of FHIR."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from phr.cli.text import clean, count

_FORMATS = {
    "fhir-bundle": "a FHIR Bundle",
    "fhir-resource": "a FHIR resource",
    "ndjson": "a file of FHIR resources (NDJSON)",
    "ccda": "a C-CDA document",
    "zip": "a ZIP archive",
    "tar": "a tar archive",
    "apple-health": "an export of the Health app",
    "csv": "a table (CSV)",
}
_SHORT = {
    "fhir-bundle": "FHIR Bundle",
    "fhir-resource": "FHIR resource",
    "ndjson": "NDJSON",
    "ccda": "C-CDA",
    "zip": "ZIP archive",
    "tar": "tar archive",
    "apple-health": "Health app export",
    "csv": "CSV table",
}
_WORDS = {
    "AllergyIntolerance": ("allergy", "allergies"),
    "Condition": ("problem", "problems"),
    "Observation": ("result", "results"),
    "DiagnosticReport": ("report", "reports"),
    "ImagingStudy": ("imaging study", "imaging studies"),
    "MedicationRequest": ("medication", "medications"),
    "MedicationStatement": ("medication", "medications"),
    "MedicationDispense": ("medication handed out", "medications handed out"),
    "MedicationAdministration": ("medication given", "medications given"),
    "Immunization": ("vaccination", "vaccinations"),
    "Procedure": ("procedure", "procedures"),
    "Encounter": ("visit", "visits"),
    "EpisodeOfCare": ("episode of care", "episodes of care"),
    "Appointment": ("appointment", "appointments"),
    "DocumentReference": ("document", "documents"),
    "CarePlan": ("care plan", "care plans"),
    "CareTeam": ("care team", "care teams"),
    "Goal": ("goal", "goals"),
    "FamilyMemberHistory": ("entry of family history", "entries of family history"),
    "Device": ("device", "devices"),
    "DeviceUseStatement": ("device in use", "devices in use"),
    "Coverage": ("insurance coverage", "insurance coverages"),
    "Claim": ("claim", "claims"),
    "ExplanationOfBenefit": ("claim", "claims"),
    "ServiceRequest": ("order", "orders"),
    "NutritionOrder": ("order", "orders"),
    "Task": ("task", "tasks"),
    "Communication": ("message", "messages"),
    "QuestionnaireResponse": ("questionnaire", "questionnaires"),
    "Consent": ("directive", "directives"),
}
_BESIDE = frozenset(
    "Patient Practitioner PractitionerRole Organization Location HealthcareService RelatedPerson Provenance"
    " Medication Substance Specimen Endpoint Composition Binary List Group".split()
)
"""What belongs to the records and tells nothing by itself."""


def of_format(format_: str) -> str:
    """`a ZIP archive`."""
    return _FORMATS.get(format_, clean(format_))


def short_format(format_: str) -> str:
    """`ZIP archive`, beside the name of a file."""
    return _SHORT.get(format_, clean(format_))


def of_types(found: Mapping[str, int]) -> str:
    """`2 allergies, 7 problems, 9 supporting (people, places, origins)`; no line ends between a number and its word."""
    words: Counter[tuple[str, str]] = Counter()
    beside = 0
    for type_, number in found.items():
        if type_ in _BESIDE:
            beside += number
        else:
            words[_WORDS.get(type_, (clean(type_), clean(type_)))] += number
    parts = [count(number, *word).replace(" ", "\xa0") for word, number in words.items()]
    if beside:
        parts.append(f"{beside:,}\xa0supporting (people, places, origins)")
    return ", ".join(parts)
