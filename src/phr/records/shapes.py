"""How a resource type is read, as a value: where its title, dates, people and places stand.

Most types differ only in the names of their elements, so each is one Shape in a table of its room's file
and `read_shape` reads them all. What cannot be said by element names is a small function in the Shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from phr.fhir import read
from phr.model import Code, Resource
from phr.records.draft import Draft
from phr.records.elements import (
    Path,
    attachments_of,
    code_of,
    codes_of,
    date_text,
    searchable,
    sensitivity_of,
    speaking,
    walk,
    when,
    words_of,
)
from phr.records.narrative import plain
from phr.records.references import Reading, encounter_of, origin_of, people, place

Words = Callable[[Resource, Reading], str | None]


@dataclass(frozen=True, slots=True)
class Shape:
    """One resource type. Paths are element names with dots; the first that answers counts."""

    kind: str | Callable[[Resource], str]
    name: str
    """What one of these is called when it has no name of its own: `Problem without a name`."""
    title: tuple[Path, ...] = (("code",),)
    """CodeableConcepts, Codings or strings."""
    name_it: Words | None = None
    """Asked before `title`."""
    codes: tuple[Path, ...] = (("code",),)
    find_codes: Callable[[Resource, Reading], tuple[Code, ...]] | None = None
    when: tuple[Path, ...] = ()
    ends: tuple[Path, ...] = ()
    recorded: tuple[Path, ...] = ()
    status: str | Callable[[Resource], str | None] = "status"
    category: tuple[Path, ...] = (("category",),)
    people: tuple[Path, ...] | Callable[[Resource], list[Any]] = ()
    places: tuple[Path, ...] = ()
    """May point at persons too: only references to organisations and locations count."""
    sites: tuple[Path, ...] = ()
    """Asked before `places`; can only be organisations and locations."""
    encounter: tuple[Path, ...] = (("encounter",),)
    said_by: tuple[Path, ...] = ()
    """Whoever said so; the record is the patient's own if only they or their family did."""
    origin: str | None = None
    describe: Words | None = None
    words: tuple[Path, ...] = ()
    """Further elements for the full-text index."""
    attachments: tuple[Path, ...] = ()
    supporting: bool = False


def paths(*spelled: str) -> tuple[Path, ...]:
    """`"context.period"` as the path that `walk` takes."""
    return tuple([tuple(words.split(".")) for words in spelled])


def everything(resource: Resource, where: tuple[Path, ...]) -> list[Any]:
    """All that stands at any of the paths, in their order."""
    return [found for path in where if path[0] in resource for found in walk(resource, path)]


def read_shape(resource: Resource, reading: Reading, address: str, shape: Shape) -> Draft:
    """The Record of one resource, as its Shape says."""
    kind = shape.kind if isinstance(shape.kind, str) else shape.kind(resource)
    title = shape.name_it(resource, reading) if shape.name_it else None
    date, end = when(resource, shape.when)
    attachments = attachments_of(everything(resource, shape.attachments)) if shape.attachments else ()
    status = (
        read.text(resource.get(shape.status)) if isinstance(shape.status, str) else shape.status(resource)
    )
    further = [
        plain(entry) if isinstance(entry, str) else words_of(entry)
        for entry in everything(resource, shape.words)
    ]
    return Draft(
        kind=kind,
        title=speaking(title or _first_words(resource, shape.title), shape.name),
        resource=address,
        description=shape.describe(resource, reading) if shape.describe else None,
        date=date,
        end=_first_date(resource, shape.ends) or end,
        recorded=_first_date(resource, shape.recorded),
        status=status,
        category=_category(resource, shape.category),
        codes=shape.find_codes(resource, reading) if shape.find_codes else _codes(resource, shape.codes),
        facility=_facility(resource, reading, shape),
        performer=people(reading, _persons(resource, shape)) if shape.people else None,
        encounter=_encounter(resource, shape.encounter),
        origin=shape.origin or origin_of(everything(resource, shape.said_by)),
        sensitivity=sensitivity_of(resource),
        supporting=shape.supporting,
        text=searchable(resource, *further, attachments=attachments),
        attachments=attachments,
        wanted=tuple(reading.wanted),
    )


def _facility(resource: Resource, reading: Reading, shape: Shape) -> str | None:
    return place(reading, everything(resource, shape.sites), certain=True) or place(
        reading, everything(resource, shape.places)
    )


def _persons(resource: Resource, shape: Shape) -> list[Any]:
    return shape.people(resource) if callable(shape.people) else everything(resource, shape.people)


def _first_words(resource: Resource, where: tuple[Path, ...]) -> str | None:
    for path in where:
        for found in walk(resource, path) if path[0] in resource else ():
            if words := words_of(found):
                return words
    return None


def _first_date(resource: Resource, where: tuple[Path, ...]) -> str | None:
    for path in where:
        for found in walk(resource, path) if path[0] in resource else ():
            if words := date_text(found):
                return words
    return None


def _codes(resource: Resource, where: tuple[Path, ...]) -> tuple[Code, ...]:
    for path in where:
        if path[0] in resource and (codes := codes_of(walk(resource, path))):
            return codes
    return ()


def _category(resource: Resource, where: tuple[Path, ...]) -> str | None:
    for path in where:
        for entry in walk(resource, path) if path[0] in resource else ():
            if words := code_of(entry) or words_of(entry):
                return words
    return None


def _encounter(resource: Resource, where: tuple[Path, ...]) -> str | None:
    for path in where:
        for found in walk(resource, path) if path[0] in resource else ():
            if address := encounter_of(found):
                return address
    return None
