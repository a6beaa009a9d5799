"""What references point at: other resources of the same source, people, organisations, encounters.

FHIR R4, References. One may name its target by display alone, point into `contained`, or at something that
was never sent; whatever was looked up is remembered, so that a Record can be derived again when it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from phr.fhir import read
from phr.model import Resource
from phr.records.elements import is_something, one_line_title, words_of

Lookup = Callable[[str], Resource | None]
"""`Type/id` to the resource as stored from the same source, or None."""


class Reading:
    """One resource while it is read: it finds what references point at, and remembers what was asked."""

    __slots__ = ("_lookup", "resource", "wanted")

    def __init__(self, resource: Resource, lookup: Lookup) -> None:
        self.resource = resource
        self._lookup = lookup
        self.wanted: list[str] = []

    def resolve(self, pointer: object, expected: str | None = None) -> Resource | None:
        """The resource a Reference points at: contained (`#id`), or from the same source.

        `expected` is the type it must be where the Reference itself does not tell.
        """
        spelled = pointer.get("reference") if isinstance(pointer, dict) else pointer
        if isinstance(spelled, str) and spelled.startswith("#"):
            for inner in read.dicts(self.resource.get("contained")):
                if inner.get("id") in (spelled[1:], spelled):
                    return inner
            return None
        address = address_of(pointer, expected)
        if address is None:
            return None
        if address not in self.wanted:
            self.wanted.append(address)
        found = self._lookup(address)
        return found if isinstance(found, dict) else None

    def named(self, pointer: object, depth: int = 2) -> str | None:
        """What a Reference is called: its display, else the name of what it points at."""
        if not isinstance(pointer, dict):
            return None
        display = pointer.get("display")
        if display and (words := _called(display if type(display) is str else read.text(display))):
            return words
        if depth == 0:
            return None
        found = self.resolve(pointer)
        if found is None:
            return None
        if found.get("resourceType") == "PractitionerRole":
            return self.named(found.get("practitioner"), depth - 1)
        return name_of(found)


@lru_cache(maxsize=2048)
def _called(display: str | None) -> str | None:
    display = read.text(display)
    return one_line_title(display) if display and is_something(display) else None


def address_of(pointer: object, expected: str | None = None) -> str | None:
    """`Type/id` of a Reference; of `urn:uuid:…` where the element allows one type only.

    Bundles as Synthea writes them name every entry by a urn that repeats the entry's id.
    """
    address = read.reference(pointer)
    if address is None and expected:
        spelled = pointer.get("reference") if isinstance(pointer, dict) else pointer
        if isinstance(spelled, str) and spelled.startswith("urn:uuid:"):
            return f"{expected}/{spelled[9:]}"
    return address


def encounter_of(pointer: object) -> str | None:
    """`Encounter/id`, or None if it points at anything else."""
    address = address_of(pointer, "Encounter")
    return address if address and address.startswith("Encounter/") else None


def name_of(resource: Resource) -> str | None:
    """The name of a person, an organisation, a place, a device or a medication."""
    name = resource.get("name")
    if name is not None:
        return read.human_name(name)
    device_name = read.first(resource.get("deviceName"))
    if isinstance(device_name, dict) and (words := read.text(device_name.get("name"))):
        return words
    return words_of(resource.get("code")) or words_of(resource.get("type"))


# ── people and places ─────────────────────────────────────────────────────────────────────────────

_NOT_PEOPLE = frozenset(("Organization", "Location", "Patient", "Device", "HealthcareService", "Group"))
_PLACES = frozenset(("Organization", "Location", "HealthcareService"))


def target_type(pointer: object) -> str | None:
    """The resource type a Reference points at, as far as it says."""
    if not isinstance(pointer, dict):
        return None
    address = read.reference(pointer)
    if address:
        return address.partition("/")[0]
    spelled = pointer.get("reference")
    if isinstance(spelled, str) and "?" in spelled:  # conditional, as `Practitioner?identifier=…`
        return spelled.partition("?")[0]
    return read.text(pointer.get("type"))


def people(reading: Reading, pointers: Iterable[object]) -> str | None:
    """The names of up to three persons."""
    names: list[str] = []
    for pointer in pointers:
        if target_type(pointer) in _NOT_PEOPLE:
            continue
        name = reading.named(pointer)
        if name and name not in names:
            names.append(name)
            if len(names) == 3:
                break
    return ", ".join(names) or None


def place(reading: Reading, pointers: Iterable[object], *, certain: bool = False) -> str | None:
    """The name of the first organisation or location.

    `certain` when the elements can point at nothing else, so that a reference need not say its type.
    """
    for pointer in pointers:
        type_ = target_type(pointer)
        if (type_ in _PLACES or (certain and type_ is None)) and (name := reading.named(pointer)):
            return name
    return None


_PERSONS = frozenset(("Patient", "RelatedPerson"))


def origin_of(pointers: Iterable[object]) -> str:
    """Who says so: `patient` or `device` if nobody else is named, else `provider`."""
    types = {target_type(pointer) for pointer in pointers}
    if types and types <= _PERSONS:
        return "patient"
    return "device" if types == {"Device"} else "provider"
