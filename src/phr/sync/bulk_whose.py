"""Whose a resource of an export is. Pure.

An export may hold many people. A resource is the person's when one of their Patients stands where the Patient
compartment looks (FHIR R4 compartmentdefinition-patient.html; the elements are those of `importers.patients`), and
somebody else's when only other Patients stand there. What names no patient there is `loose`: a Practitioner, a
Provenance, an Observation of a device. It is decided later, by what refers to it or what it refers to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from phr.fhir import read
from phr.importers.patients import SUBJECTS, SUPPORTING
from phr.model import Received, Resource

ACTORS = ("actor", "candidate")
"""AppointmentResponse, Schedule; EnrollmentRequest."""
FIRST = "Patient"
LAST = (
    "Provenance",
    "PractitionerRole",
    "Medication",
    "Device",
    "Substance",
    "Practitioner",
    "HealthcareService",
    "OrganizationAffiliation",
    "InsurancePlan",
    "Location",
    "Organization",
    "Endpoint",
    "Binary",
)
"""Types that are read last, those that refer to others before those that they refer to."""


@dataclass(frozen=True, slots=True)
class Loose:
    """A resource that names no patient: it is kept when something of the person's refers to it, or it to that."""

    received: Received
    ties: frozenset[str] = field(repr=False)
    """`Type/id` of what it refers to and that can make it the person's."""

    @property
    def address(self) -> str:
        return f"{self.received.type}/{self.received.id}"


class Whose:
    """Tells one person's resources from other people's; `patients` are the ids of theirs."""

    def __init__(self, patients: frozenset[str]) -> None:
        self._own = frozenset(f"Patient/{id_}" for id_ in patients)

    def look(self, one: Received) -> bool | Loose | None:
        """True: the person's. False: somebody else's. Loose: undecided. None: not readable."""
        if one.type == "Patient":
            return f"Patient/{one.id}" in self._own
        try:
            resource = read.parse_json(one.raw)
        except ValueError:
            return None
        if not isinstance(resource, dict):
            return None
        named = set(_subjects(resource))
        if named:
            return not named.isdisjoint(self._own)
        mentions = frozenset(_references(resource))
        people = {target for target in mentions if target.startswith("Patient/")}
        if people and one.type not in SUPPORTING:
            # A Provenance of the Patient, a Group: theirs, unless it speaks of others as well.
            return people <= self._own
        return Loose(one, frozenset(target for target in mentions if _ties(target)))


def order(type_: str) -> int:
    """When a file of this type is read: 0 the Patients, 1 what names them, then what only supports it."""
    if type_ == FIRST:
        return 0
    if type_ in LAST:
        return 2 + LAST.index(type_)
    return 2 + len(LAST) if type_ in SUPPORTING else 1


def _ties(target: str) -> bool:
    # Everybody's resources refer to the same practitioners and organisations: these say nothing.
    return target.partition("/")[0] not in SUPPORTING


def _subjects(resource: Resource) -> Iterator[str]:
    values: list[Any] = []
    for element in (*SUBJECTS, *ACTORS):
        values += read.listed(resource.get(element))
    if resource.get("resourceType") == "Appointment":
        values += [one.get("actor") for one in read.dicts(resource.get("participant"))]
    for value in values:
        target = read.reference(value) if isinstance(value, dict) else None
        if target is not None and target.startswith("Patient/"):
            yield target


def _references(resource: Resource) -> Iterator[str]:
    open_: list[Any] = [resource]
    while open_:
        node = open_.pop()
        if isinstance(node, dict):
            target = read.reference(node.get("reference"))
            if target is not None:
                yield target
            open_.extend(node.values())
        elif isinstance(node, list):
            open_.extend(node)
