"""What a C-CDA document cannot say as FHIR does: each difference between a record and what comes back, with its reason.

`tests/ccda/test_round_trip.py` allows these and no others. One row: type, element, when (a word for the reader), why.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One element that comes back changed, or not at all."""

    type: str
    element: str
    why: str
    values: frozenset[str] = frozenset()
    """Only these source values are concerned; empty: all."""
    becomes: frozenset[str] = frozenset()
    """What they come back as; empty: nothing."""


def _one(type_: str, element: str, why: str, values: str = "", becomes: str = "") -> Difference:
    return Difference(type_, element, why, frozenset(values.split()), frozenset(becomes.split()))


DIFFERENCES = (
    _one(
        "*",
        "clinicalStatus",
        "The concern act around a problem or an allergy has to say whether it is followed (statusCode): where the source"
        " says nothing it is active.",
        becomes="active",
    ),
    _one(
        "*",
        "verificationStatus",
        "Only what is refuted has a place (negationInd); what is confirmed or provisional stands in words.",
        "confirmed provisional differential unconfirmed",
    ),
    _one(
        "AllergyIntolerance",
        "type",
        "One code says kind and category; for environment and biologic, and for an allergy without category, there is no"
        " code for an intolerance, and none without a kind.",
        "intolerance allergy",
    ),
    _one(
        "AllergyIntolerance", "category", "The same code: none names the environment.", "environment biologic"
    ),
    _one(
        "AllergyIntolerance",
        "onsetDateTime",
        "An allergy without an onset takes that of its reaction (C-CDA on FHIR).",
        values="-",
        becomes="*",
    ),
    _one(
        "MedicationRequest",
        "dosageInstruction.text",
        "Where the source has no words, the table has composed ones, which come back; they change no more.",
        values="-",
        becomes="*",
    ),
    _one("MedicationStatement", "dosage.text", "The same.", values="-", becomes="*"),
    _one("MedicationRequest", "dosageInstruction", "The same, of a dosage without anything else.", "-", "*"),
    _one("MedicationStatement", "dosage", "The same, of a dosage without anything else.", "-", "*"),
    _one(
        "MedicationStatement",
        "dosage.timing.repeat.boundsPeriod",
        "A medication activity has one period: that of the dosage and that of the statement are one.",
    ),
    _one("MedicationStatement", "effectivePeriod", "The same.", becomes="*"),
    _one(
        "Immunization",
        "protocolApplied.doseNumberPositiveInt",
        "What was not given has no number in its series (repeatNumber of an event).",
    ),
    _one(
        "Observation",
        "status",
        "Both are statusCode active; with a value it is preliminary.",
        "preliminary",
        "registered",
    ),
    _one(
        "Observation",
        "dataAbsentReason",
        "A panel has no value of its own, so none is missing.",
        "unknown",
    ),
    _one(
        "Patient",
        "name.use",
        "The first name of the header is the usual one, whatever it is.",
        "old",
        "usual",
    ),
    _one("Patient", "gender", "The header must have one: null where the source is silent.", "-", "unknown"),
    _one(
        "Patient",
        "extension",
        "The header must have race and ethnicity: null where the source is silent; US Core wants words besides.",
        "-",
        "*",
    ),
    _one("Device", "identifier", "The UDI is the id of a Product Instance.", "-", "*"),
    _one("Device", "serialNumber", "Read out of the UDI.", "-", "*"),
    _one("Device", "lotNumber", "Read out of the UDI.", "-", "*"),
    _one("Device", "expirationDate", "Read out of the UDI.", "-", "*"),
)

NOT_BACK = {
    "Coverage": "A policy activity needs a payer template that no rule can check: the section has words only.",
    "CarePlan": "Its activities come back as requests; the plan itself has no entry in a CCD.",
    "ServiceRequest": "Only open requests have a place; what became of the others stands in its section.",
    "DiagnosticReport": "A report that is a document comes back as DocumentReference.",
    "FamilyMemberHistory": "A relative of whom nothing is known is words only.",
    "QuestionnaireResponse": "No section takes it; the answers stand where they are Observations.",
    "Media": "No section takes it.",
    "ExplanationOfBenefit": "No section takes it.",
    "Claim": "No section takes it.",
}
"""Types that do not come back, or not always, and why."""


def allowed(type_: str, key: str, value: str, *, lost: bool) -> bool:
    """Whether this may be missing from what comes back, or be new in it."""
    for each in DIFFERENCES:
        if each.type in (type_, "*") and (key == each.element or key.startswith(f"{each.element}.")):
            among = each.values if lost else each.becomes
            if (lost and not among) or value.rpartition("|")[2] in among or "*" in among:
                return True
    return False
