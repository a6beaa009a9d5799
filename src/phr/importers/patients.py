"""Whose data is in a file, and what of it belongs to one person.

A resource belongs to a Patient through the elements that define the Patient compartment (FHIR R4
compartmentdefinition-patient.html): subject, patient, beneficiary, for, individual, or the actor of an
appointment. Mentions in other places (an author, a subscriber, a link) do not make it theirs. What names no
patient (a Practitioner, a Medication) is supporting and comes along; what names another's data stays out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from phr.fhir import read
from phr.model import Received, Resource

SUBJECTS = ("subject", "patient", "beneficiary", "for", "individual")
SUPPORTING = frozenset(
    "Practitioner PractitionerRole Organization Location HealthcareService Medication Substance Device Endpoint"
    " Questionnaire PlanDefinition ActivityDefinition Library Measure ValueSet CodeSystem ConceptMap"
    " OrganizationAffiliation InsurancePlan StructureDefinition".split()
)
ANOTHER = "belongs to another patient in the file"
NOBODY = "names no patient, in a file of several"


@dataclass(frozen=True, slots=True)
class FoundPatient:
    """Somebody whose data is in a file."""

    id: str
    label: str | None = field(repr=False)
    """Name and birth date, to choose by; None when the file has no Patient resource for this id."""
    resources: int
    """How many resources are theirs."""
    where: str | None = None
    """The file of an archive that names them, where that tells people apart: ids may be numbers that nobody knows."""


class Survey:
    """What the first look at a file notes: ids only, no content."""

    def __init__(self) -> None:
        self._labels: dict[str, str | None] = {}
        self._count: Counter[str] = Counter()
        self._owners: dict[str, tuple[str, ...]] = {}
        self._loose: dict[str, tuple[str, ...]] = {}
        self._mentions: dict[str, tuple[str, ...]] = {}
        self._names: dict[str, str] = {}
        self._where: dict[str, list[str]] = {}

    def learn(self, names: dict[str, str]) -> None:
        """Remember which `Type/id` an address inside the file means."""
        self._names.update(names)

    def note(self, one: Received, where: str | None = None) -> None:
        """Look at one resource: whose it is, and what it mentions; `where` is the file of an archive it is in."""
        try:
            resource = read.parse_json(one.raw)
        except ValueError:
            return
        if not isinstance(resource, dict):
            return
        address = f"{one.type}/{one.id}"
        if one.type == "Patient":
            self._labels[one.id] = label(resource)
            files = self._where.setdefault(one.id, [])
            if where is not None and where not in files:
                files.append(where)
            return
        targets = tuple(_subjects(resource))
        mentions = tuple(dict.fromkeys(_references(resource)))
        if targets:
            self._owners[address] = targets
        else:
            self._loose[address] = mentions
        self._mentions[address] = mentions

    def patients(self) -> tuple[FoundPatient, ...]:
        """Everybody whose data is in the file, in the order of their Patient resources, then of mention."""
        count: Counter[str] = Counter()
        for address in self._owners:
            count.update(self._owned_by(address))
        ids = dict.fromkeys([*self._labels, *count])
        if len(ids) == 2 and len(self._labels) == 1 and not count[next(iter(self._labels))]:
            # Cigna's $everything: the one Patient goes by another id than the one its resources name.
            theirs = next(iter(self._labels))
            return (FoundPatient(theirs, self._labels[theirs], count.total(), self._place(theirs)),)
        return tuple(FoundPatient(id_, self._labels.get(id_), count[id_], self._place(id_)) for id_ in ids)

    def _place(self, id_: str) -> str | None:
        files = self._where.get(id_, [])
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        return f"{files[0]}{more}" if files else None

    def reach(self, patient: str) -> Reach:
        """What belongs to one person: theirs, what supports it, and what hangs on either."""
        kept = {address for address in self._owners if patient in self._owned_by(address)}
        kept.add(f"Patient/{patient}")
        other = {address for address in self._owners if address not in kept and self._owned_by(address)}
        other |= {f"Patient/{id_}" for id_ in self._labels if id_ != patient}
        kept |= {address for address in self._loose if address.partition("/")[0] in SUPPORTING}
        undecided = {
            address: self._resolved(self._loose[address]) for address in self._loose if address not in kept
        }
        undecided |= {
            address: self._resolved(self._mentions[address])
            for address in self._owners
            if address not in kept and address not in other
        }
        mentioned = {target for address in kept for target in self._resolved(self._mentions.get(address, ()))}
        while found := [
            address
            for address, targets in undecided.items()
            if (address in mentioned or targets & kept) and not targets & other
        ]:
            for address in found:
                mentioned |= undecided.pop(address)
            kept.update(found)
        return Reach(frozenset(kept), frozenset(other))

    def _owned_by(self, address: str) -> set[str]:
        targets = (self._names.get(target, target) for target in self._owners[address])
        return {target.partition("/")[2] for target in targets if target.startswith("Patient/")}

    def _resolved(self, targets: tuple[str, ...]) -> set[str]:
        # A Patient as such is no tie: "performer: Patient" stands beside the subject that decided already.
        found = {self._names.get(target, target) for target in targets}
        return {target for target in found if not target.startswith("urn:")}


@dataclass(frozen=True, slots=True)
class Reach:
    """The addresses that belong to one person, and those that belong to others."""

    kept: frozenset[str] = field(repr=False)
    others: frozenset[str] = field(repr=False)

    def left_out(self, address: str) -> str | None:
        """Why a resource does not come along; None when it does."""
        if address in self.kept:
            return None
        return ANOTHER if address in self.others else NOBODY


def label(patient: Resource) -> str | None:
    """Name and birth date, for a person to choose by, never for a log; None where it has neither."""
    parts = (read.human_name(patient.get("name")), read.text(patient.get("birthDate")))
    return ", ".join(part for part in parts if part) or None


def _subjects(resource: Resource) -> Iterator[str]:
    """Addresses of those whose data this is, patients or not: `Type/id`, or `urn:uuid:…` as it stands."""
    for element in SUBJECTS:
        for value in read.listed(resource.get(element)):
            target = _target(value)
            if target is not None and target.startswith(("Patient/", "urn:")):
                yield target
    if resource.get("resourceType") == "Appointment":
        for one in read.listed(resource.get("participant")):
            target = _target(one.get("actor")) if isinstance(one, dict) else None
            if target is not None and target.startswith(("Patient/", "urn:")):
                yield target


def _references(resource: Resource) -> Iterator[str]:
    """Every address a resource mentions, attachments at `Binary/id` included."""
    open_: list[Any] = [resource]
    while open_:
        node = open_.pop()
        if isinstance(node, dict):
            for key in ("reference", "url"):
                target = _target(node.get(key))
                if target is not None:
                    yield target
            open_.extend(node.values())
        elif isinstance(node, list):
            open_.extend(node)


def _target(value: object) -> str | None:
    words = value.get("reference") if isinstance(value, dict) else value
    if isinstance(words, str) and words.startswith("urn:"):
        return words
    return read.reference(value)
