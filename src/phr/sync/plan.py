"""Decide what to ask of a server. Pure: what it declares, what was granted and the vendor's profile in;
searches and refusals out.

Follows FHIR R4 "Search" (3.1.1) and the Patient compartment: every type that can be searched by patient.
What such a search does not bring (Medication, Practitioner, Organization, Location) is read by reference later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from phr.fhir.capability import Capability
from phr.model import Refusal, Search, Vendor
from phr.smart.scopes import allows, names_resources, other_version, why_not

# Types of the R4 Patient compartment that a person's record is made of, the ones others refer to first.
COMPARTMENT = (
    "Encounter EpisodeOfCare CareTeam RelatedPerson Coverage Device Specimen"
    " AllergyIntolerance Condition MedicationRequest MedicationStatement MedicationAdministration MedicationDispense"
    " Immunization ImmunizationRecommendation Procedure DiagnosticReport ImagingStudy Media DocumentReference"
    " CarePlan Goal FamilyMemberHistory ServiceRequest NutritionOrder DeviceRequest DeviceUseStatement"
    " SupplyDelivery SupplyRequest VisionPrescription BodyStructure ClinicalImpression RiskAssessment DetectedIssue"
    " AdverseEvent Flag List Composition Appointment Communication CommunicationRequest Task QuestionnaireResponse"
    " Consent Claim ClaimResponse ExplanationOfBenefit Account ChargeItem Invoice Basic MolecularSequence"
    " Observation Provenance"
).split()
# What US Core 6 gives a patient for USCDI v3: asked where neither the server nor the profile says what there is.
USCDI = (
    "Encounter CareTeam RelatedPerson Coverage Device Specimen AllergyIntolerance Condition MedicationRequest"
    " MedicationDispense Immunization Procedure DiagnosticReport DocumentReference CarePlan Goal FamilyMemberHistory"
    " ServiceRequest QuestionnaireResponse Observation"
).split()
# How a type names its patient, the usual one first; Coverage and two others have a word of their own.
PATIENT_PARAMETERS = ("patient", "subject", "beneficiary", "subscriber")
OWN_PARAMETER = {"SupplyRequest": "subject", "AdverseEvent": "subject"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask, in order, and which types will not come, with the reason."""

    searches: tuple[Search, ...]
    refused: tuple[Refusal, ...]


def plan(
    vendor: Vendor,
    capability: Capability | None,
    granted: tuple[str, ...],
    patient_id: str,
    only: tuple[str, ...] = (),
    asked: tuple[str, ...] | None = None,
) -> Plan:
    """The searches for one patient. `only` limits them to some types; the Patient itself is read beforehand.

    `asked` are the scopes that the sign-in asked for: they tell why a type is missing among the granted ones.
    """
    searches: list[Search] = []
    refused: list[Refusal] = []
    dropped = asked is not None and other_version(granted, asked)
    for type_, parameter, reason in _candidates(vendor, capability):
        if only and type_ not in only:
            continue
        # A grant that names no resource at all says nothing: asking will show. Unless resources were asked for.
        if (names_resources(granted) or dropped) and not allows(granted, type_):
            refused.append(Refusal(type_, why_not(granted, type_, asked)))
            continue
        for extra in vendor.splits.get(type_) or ((),):
            needed = vendor.search_params.get(type_, ())
            params = ((parameter, patient_id), *((extra,) if extra else ()), *needed)
            searches.append(Search(type_, params, reason))
    return Plan(tuple(searches), tuple(refused))


def _candidates(vendor: Vendor, capability: Capability | None) -> list[tuple[str, str, str]]:
    """`(type, patient parameter, reason)` of every type worth asking for."""
    if capability is None or not capability.types:
        types = vendor.types or tuple(USCDI)
        return [
            (
                type_,
                _parameter(type_, frozenset()) or "patient",
                "the profile has it; the server declares nothing",
            )
            for type_ in _ordered(types)
            if type_ in COMPARTMENT
        ]
    found = []
    for type_ in _ordered(name for name in capability.types if name.isascii() and name.isalpha()):
        declared = capability.types[type_]
        if vendor.types and type_ not in vendor.types:
            continue
        if declared.interactions and "search-type" not in declared.interactions:
            continue
        parameter = _parameter(type_, declared.search_params)
        if parameter:
            found.append((type_, parameter, "the server declares it"))
    return found


def _parameter(type_: str, declared: frozenset[str]) -> str | None:
    """By which parameter a type is searched for one patient; None when it is not about a patient."""
    if type_ == "Patient":
        return None
    for name in PATIENT_PARAMETERS:
        if name in declared:
            return name
    # A list without any patient parameter is as often an omission as a fact: believe our own table.
    return OWN_PARAMETER.get(type_, "patient") if type_ in COMPARTMENT else None


def _ordered(types: Iterable[str]) -> list[str]:
    """Types others refer to first; those we have no place for last, by name."""
    place = {type_: number for number, type_ in enumerate(COMPARTMENT)}
    return sorted(types, key=lambda type_: (place.get(type_, len(place)), type_))
