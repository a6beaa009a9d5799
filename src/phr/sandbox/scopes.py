"""SMART scopes, first and second version (SMART App Launch 2.2, "Scopes for requesting FHIR resources").

Only `patient/` scopes are granted here: this hospital signs in patients, not staff and not machines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from phr.sandbox import compartment, params

CONTEXT = ("openid", "fhirUser", "profile", "launch/patient", "offline_access", "online_access")
"""The scopes granted beside those for resources."""

KNOWN_TYPES = frozenset(compartment.ELEMENTS) | compartment.SHARED

_RESOURCE = re.compile(r"patient/(\*|[A-Z][A-Za-z]+)\.(read|write|\*|(?=[cruds])c?r?u?d?s?)(?:\?(.+))?")
_FIRST_VERSION = {"read": "rs", "write": "cud", "*": "cruds"}

Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ResourceScope:
    """One scope for resources, taken apart."""

    type: str
    """A resource type or `*`."""
    letters: frozenset[str]
    query: Query
    """Parameters that narrow it (`?category=…`); a resource has to match all of them."""
    text: str

    def only(self, type_: str) -> str:
        """The same permission for one type."""
        return self.text.replace("patient/*", f"patient/{type_}", 1)


def parse(text: str) -> ResourceScope | None:
    """A resource scope that this server understands in full; None for any other."""
    match = _RESOURCE.fullmatch(text)
    if match is None or (match[1] != "*" and match[1] not in KNOWN_TYPES):
        return None
    query = tuple(parse_qsl(match[3] or "", keep_blank_values=True))
    if match[3] and (not query or match[1] == "*" or match[2] in _FIRST_VERSION):
        return None
    if any(name not in params.of(match[1]) for name, _ in query):
        return None
    return ResourceScope(match[1], frozenset(_FIRST_VERSION.get(match[2], match[2])), query, text)


def grantable(requested: str) -> tuple[str, ...]:
    """The scopes of a request that can be granted, in order, each once; the others are dropped."""
    words = dict.fromkeys(requested.split())
    return tuple(word for word in words if word in CONTEXT or parse(word) is not None)


def resource_scopes(scopes: Iterable[str]) -> list[ResourceScope]:
    return [scope for scope in map(parse, scopes) if scope is not None]


def types_covered(scopes: Iterable[str], held: Iterable[str]) -> list[str]:
    """The types that the scopes speak of; a wildcard speaks of every type that is held."""
    asked = {scope.type for scope in resource_scopes(scopes)}
    return sorted((asked - {"*"}) | (set(held) if "*" in asked else set()))


def narrowed(scopes: Iterable[str], allowed: set[str], covered: Iterable[str]) -> tuple[str, ...]:
    """What is left when the person allows only some of the types covered; wildcards are spelt out."""
    everything = allowed.issuperset(covered)
    kept: list[str] = []
    for text in scopes:
        scope = parse(text)
        if scope is None or (scope.type == "*" and everything) or scope.type in allowed:
            kept.append(text)
        elif scope.type == "*":
            kept += [scope.only(type_) for type_ in sorted(allowed)]
    return tuple(dict.fromkeys(kept))


def permits(scopes: Iterable[str], type_: str, letter: str) -> tuple[Query, ...]:
    """The narrowing queries under which a type may be read (`r`) or searched (`s`).

    Empty: not at all. A query without parameters: all of them.
    """
    return tuple(
        scope.query
        for scope in resource_scopes(scopes)
        if scope.type in ("*", type_) and letter in scope.letters
    )


WORDS = {
    "AllergyIntolerance": "Allergies and intolerances",
    "Appointment": "Appointments",
    "Binary": "Documents (the files themselves)",
    "CarePlan": "Care plans",
    "CareTeam": "Care team",
    "Claim": "Claims sent to your insurance",
    "Communication": "Messages",
    "Condition": "Health problems and diagnoses",
    "Consent": "Consents and directives",
    "Coverage": "Insurance coverage",
    "Device": "Implants and devices",
    "DiagnosticReport": "Reports of tests and scans",
    "DocumentReference": "Notes and documents",
    "Encounter": "Visits and stays",
    "ExplanationOfBenefit": "What your insurance paid",
    "FamilyMemberHistory": "Family history",
    "Goal": "Health goals",
    "ImagingStudy": "Imaging studies",
    "Immunization": "Vaccinations",
    "Location": "Places of care",
    "Media": "Pictures",
    "Medication": "Medicines",
    "MedicationAdministration": "Medicines given",
    "MedicationDispense": "Medicines handed out",
    "MedicationRequest": "Prescriptions",
    "MedicationStatement": "Medicines you take",
    "Observation": "Test results, vital signs and other observations",
    "Organization": "Hospitals and practices",
    "Patient": "Your name, birth date and contact details",
    "Practitioner": "Doctors and nurses",
    "PractitionerRole": "What they do and where",
    "Procedure": "Procedures and operations",
    "Provenance": "Who wrote what",
    "QuestionnaireResponse": "Questionnaires you filled in",
    "RelatedPerson": "People close to you",
    "ServiceRequest": "Orders and referrals",
    "Specimen": "Samples",
    "SupplyDelivery": "Supplies delivered",
    "Task": "Tasks",
}
"""How the consent page says a type to a person."""
