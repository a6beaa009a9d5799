"""Bulk exports: what was asked for and what comes of it (FHIR Bulk Data Access 2.0.0). No HTTP here.

Which resources belong to an export is decided at kick-off, so that all files are of one moment.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

from phr.sandbox import compartment, dates, params
from phr.sandbox.grants import Access
from phr.sandbox.problems import OutcomeError, outcome
from phr.sandbox.resources import Stored
from phr.sandbox.scopes import KNOWN_TYPES, permits
from phr.sandbox.search import Pairs, allowed, referred

if TYPE_CHECKING:
    from phr.sandbox.hospital import Hospital

EVERYBODY = "everybody"
"""A Group that is always there and has every Patient in it; others are Group resources."""
_NDJSON = ("application/fhir+ndjson", "application/ndjson", "ndjson")
_KNOWN = frozenset(
    ["_outputFormat", "_since", "_type", "_typeFilter", "patient", "_elements", "includeAssociatedData"]
)
_NEXT_FILTER = re.compile(r",(?=[A-Z][A-Za-z]+\?)")

Addresses = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class File:
    """One NDJSON file: resources by address, or lines that are ready."""

    type: str
    addresses: Addresses = ()
    lines: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def count(self) -> int:
        return len(self.addresses) + len(self.lines)


@dataclass(slots=True)
class Wish:
    """The parameters of a kick-off, taken apart."""

    types: tuple[str, ...] = ()
    since: float | None = None
    filters: dict[str, list[Pairs]] = field(default_factory=dict)
    patients: frozenset[str] | None = None


@dataclass(slots=True)
class Export:
    """One export under way or done."""

    id: str
    client_id: str
    request: str
    began: float
    polls_left: int
    output: list[File] = field(default_factory=list, repr=False)
    error: list[File] = field(default_factory=list, repr=False)
    deleted: list[File] = field(default_factory=list, repr=False)
    polls: int = 0
    done: float | None = None

    @property
    def files(self) -> list[File]:
        """All of them; a file's name is its place here."""
        return [*self.output, *self.error, *self.deleted]


class Exports:
    """The exports that this server knows of."""

    def __init__(self) -> None:
        self._known: dict[str, Export] = {}

    def add(self, export: Export) -> None:
        self._known[export.id] = export

    def find(self, id_: str) -> Export | None:
        return self._known.get(id_)

    def cancel(self, id_: str) -> None:
        self._known.pop(id_, None)

    def under_way(self, client_id: str) -> int:
        """How many of this client are not done."""
        return sum(one.client_id == client_id and one.done is None for one in self._known.values())

    def all(self) -> list[Export]:
        return list(self._known.values())


def wish(pairs: Pairs, *, repeats_type: bool) -> Wish:
    """What the parameters ask for. Raises OutcomeError 400 for those that cannot be read or are not known."""
    found, types = Wish(), [value for name, value in pairs if name == "_type"]
    unknown = sorted({name for name, _ in pairs} - _KNOWN)
    if unknown:
        raise OutcomeError(400, "not-supported", f"$export does not know: {', '.join(unknown)}.")
    if len(types) > 1 and not repeats_type:
        raise OutcomeError(400, "invalid", "_type may be there once only; separate the types by commas.")
    found.types = tuple(dict.fromkeys(type_ for value in types for type_ in value.split(",") if type_))
    strange = [type_ for type_ in found.types if type_ not in KNOWN_TYPES]
    if strange:
        raise OutcomeError(400, "not-supported", f"Not exported here: {', '.join(strange)}.")
    for name, value in pairs:
        if name == "_outputFormat" and value.replace(" ", "+") not in _NDJSON:
            raise OutcomeError(400, "not-supported", "Only application/fhir+ndjson is exported.")
        if name == "_since":
            found.since = _instant(value)
        if name == "_typeFilter":
            _add_filters(found, value)
        if name == "patient":
            one = compartment.patient_id(value) or value
            found.patients = (found.patients or frozenset()) | {one}
    return found


def begin(hospital: Hospital, access: Access, asked: Wish, group: Iterable[str] | None, level: str) -> Export:
    """The export itself: who and what is in it. `group` None means everybody whom the token may see."""
    whose = None if group is None else frozenset(group)
    if access.grant.patient is not None:
        whose = frozenset([access.grant.patient])
    if asked.patients is not None:
        whose = asked.patients if whose is None else whose & asked.patients
    habits = hospital.habits
    export = Export(
        id=secrets.token_urlsafe(12),
        client_id=access.grant.client_id,
        request="",
        began=hospital.clock(),
        polls_left=habits.bulk_polls,
    )
    members = _members(hospital, whose, level)
    refused = []
    for type_ in asked.types or tuple(dict.fromkeys(stored.type for stored in members)):
        queries = permits(access.scopes, type_, "r")
        if not queries:
            refused += [type_] if asked.types else []
            continue
        tests = [_narrowed(type_, query) for query in asked.filters.get(type_, ())]
        addresses = [
            stored.type_and_id
            for stored in members
            if stored.type == type_
            and (asked.since is None or stored.updated[1] >= asked.since)
            and allowed(stored, queries)
            and (not tests or any(test(stored) for test in tests))
        ]
        export.output += [File(type_, part) for part in _parts(addresses, habits.bulk_lines)]
    if habits.bulk_deleted and asked.since is not None:
        export.deleted = _deleted(hospital, asked.since, whose, asked.types)
    said = [outcome("forbidden", f"The access does not cover {type_}.") for type_ in refused]
    if habits.bulk_errors:
        said.append(outcome("exception", "Some resources could not be exported."))
    if said:
        export.error = [File("OperationOutcome", lines=tuple(orjson.dumps(one) for one in said))]
    return export


def lines(hospital: Hospital, file: File) -> Iterator[bytes]:
    """The lines of a file, as the resources are; one that was deleted since is left out."""
    yield from file.lines
    for address in file.addresses:
        stored = hospital.store.get(*address)
        if stored is not None:
            raw = hospital.raw(stored)
            yield raw if b"\n" not in raw else b" ".join(raw.splitlines())


def group_members(hospital: Hospital, id_: str) -> list[str] | None:
    """Ids of the Patients in a Group; None when there is no such Group."""
    if id_ == EVERYBODY:
        return [stored.id for stored in hospital.patients]
    stored = hospital.store.get("Group", id_)
    if stored is None:
        return None
    found = (compartment.patient_id(text) for text in compartment.references(stored.content, "member.entity"))
    return [one for one in found if one is not None]


def _instant(value: str) -> float:
    found = dates.interval(value)
    if found is None or "T" not in value or not re.search(r"(Z|[+-]\d\d:\d\d)$", value):
        raise OutcomeError(400, "value", "_since is an instant with a time zone.")
    return found[0]


def _add_filters(found: Wish, value: str) -> None:
    for text in _NEXT_FILTER.split(value):
        type_, _, query = text.partition("?")
        pairs = tuple(parse_qsl(query))
        unknown = [name for name, _ in pairs if name not in params.of(type_) and name != "_lastUpdated"]
        if type_ not in KNOWN_TYPES or not pairs or unknown:
            raise OutcomeError(400, "not-supported", "A _typeFilter is not a search that is known here.")
        found.filters.setdefault(type_, []).append(pairs)


def _narrowed(type_: str, query: Pairs) -> Any:
    known = params.of(type_)

    def test(stored: Stored) -> bool:
        content, at = stored.content, stored.updated
        return all(
            params.date_comparison(value)(at)
            if name == "_lastUpdated"
            else known[name].matches(content, value)
            for name, value in query
        )

    return test


def _members(hospital: Hospital, whose: frozenset[str] | None, level: str) -> list[Stored]:
    """Patients first, then what is theirs, then whom that names; a whole system gives all it has."""
    store, habits = hospital.store, hospital.habits
    types = [
        t for t in ("Patient", *(t for t in hospital.types if t != "Patient")) if t not in habits.refuses
    ]
    if level == "system" and whose is None:
        return [stored for type_ in types for stored in store.of(type_)]
    members = [
        stored
        for type_ in types
        if type_ in compartment.ELEMENTS
        for stored in store.of(type_)
        if (owners := store.patients_of(stored)) and (whose is None or not whose.isdisjoint(owners))
    ]
    return [*members, *(stored for stored in referred(hospital, members) if stored.type in types)]


def _deleted(
    hospital: Hospital, since: float, whose: frozenset[str] | None, types: tuple[str, ...]
) -> list[File]:
    """What is gone since then, as Bundles of type transaction (Bulk Data Access 2.0.0, "deleted")."""
    gone = [
        one
        for one in hospital.store.all_deleted()
        if one.when >= since
        and (not types or one.type in types)
        and (whose is None or not whose.isdisjoint(one.patients))
    ]
    bundles = [
        orjson.dumps(
            {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [{"request": {"method": "DELETE", "url": f"{one.type}/{one.id}"}}],
            }
        )
        for one in gone
    ]
    return [File("Bundle", lines=tuple(bundles))] if bundles else []


def _parts(addresses: list[tuple[str, str]], most: int) -> Iterator[Addresses]:
    for start in range(0, len(addresses), most):
        yield tuple(addresses[start : start + most])
