"""Which resources belong to a Patient: the patient compartment of FHIR R4 (compartmentdefinition-patient.html).

For each type the elements that put a resource into the compartment; the first one is what the search
parameter `patient` looks at. Types that are not here (Practitioner, Organization, Location …) belong to nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_TABLE = """
Account subject
AdverseEvent subject
AllergyIntolerance patient recorder asserter
Appointment participant.actor
AppointmentResponse actor
AuditEvent agent.who entity.what
Basic subject author
BodyStructure patient
CarePlan subject activity.detail.performer
CareTeam subject participant.member
ChargeItem subject
Claim patient payee.party
ClaimResponse patient
ClinicalImpression subject
Communication subject sender recipient
CommunicationRequest subject sender recipient requester
Composition subject author attester.party
Condition subject asserter
Consent patient
Coverage beneficiary policyHolder subscriber payor
CoverageEligibilityRequest patient
CoverageEligibilityResponse patient
DetectedIssue patient
Device patient
DeviceRequest subject performer
DeviceUseStatement subject
DiagnosticReport subject
DocumentManifest subject author recipient
DocumentReference subject author
Encounter subject
EnrollmentRequest candidate
EpisodeOfCare patient
ExplanationOfBenefit patient payee.party
FamilyMemberHistory patient
Flag subject
Goal subject
Group
GuidanceResponse subject
ImagingStudy subject
Immunization patient
ImmunizationEvaluation patient
ImmunizationRecommendation patient
Invoice subject recipient
List subject source
MeasureReport subject
Media subject
MedicationAdministration subject performer.actor
MedicationDispense subject receiver
MedicationRequest subject
MedicationStatement subject
MolecularSequence patient
NutritionOrder patient
Observation subject performer
Patient
Person link.target
Procedure subject performer.actor
Provenance target
QuestionnaireResponse subject author
RelatedPerson patient
RequestGroup subject
ResearchSubject individual
RiskAssessment subject
Schedule actor
ServiceRequest subject performer
Specimen subject
SupplyDelivery patient
SupplyRequest deliverTo requester
Task for
VisionPrescription patient
"""

ELEMENTS: dict[str, tuple[str, ...]] = {
    words[0]: tuple(words[1:]) for words in (line.split() for line in _TABLE.strip().splitlines())
}
"""Type to the elements that refer to the person. A Group has none: it lists other people, so nobody gets it.
Device and Task are in no R4 compartment; servers for patients serve them by `patient` all the same."""

SHARED = frozenset(
    "Binary Endpoint HealthcareService InsurancePlan Location Medication MedicationKnowledge Organization "
    "OrganizationAffiliation Practitioner PractitionerRole Questionnaire Slot Substance".split()
)
"""Types that belong to nobody and are served to everyone with the scope."""

_PATIENT = re.compile(r"(?:^|/)Patient/([^/?#]+)(?:/_history/[^/]+)?$")
_BINARY = re.compile(rb'"(?:[^"\\]*/)?Binary/([A-Za-z0-9\-.]{1,64})"')


def values(resource: object, path: str) -> Iterator[Any]:
    """Everything at a dotted path, lists flattened; odd shapes give nothing."""
    here = [resource]
    for step in path.split("."):
        found = [item[step] for item in here if isinstance(item, dict) and step in item]
        here = [leaf for item in found for leaf in (item if isinstance(item, list) else [item])]
    yield from here


def references(resource: object, path: str) -> Iterator[str]:
    """The `reference` strings of the References at a path."""
    for value in values(resource, path):
        if isinstance(value, dict) and isinstance(value.get("reference"), str):
            yield value["reference"]


def patient_id(reference: str) -> str | None:
    """The id in a reference to a Patient, relative, absolute or versioned; None for anyone else."""
    match = _PATIENT.search(reference)
    return match[1] if match else None


def members(type_: str, resource: dict[str, Any]) -> frozenset[str]:
    """Ids of the Patients whose compartment holds this resource by its own references."""
    if type_ == "Patient":
        id_ = resource.get("id")
        return frozenset([id_]) if isinstance(id_, str) else frozenset()
    found = (patient_id(text) for path in ELEMENTS.get(type_, ()) for text in references(resource, path))
    return frozenset(id_ for id_ in found if id_)


def binaries(raw: bytes) -> frozenset[str]:
    """Ids of the Binaries that a resource points at (attachments of notes and reports)."""
    return frozenset(match.decode() for match in _BINARY.findall(raw)) if b"Binary/" in raw else frozenset()
