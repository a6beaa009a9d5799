"""One drug, one entry: which orders and dispenses stand inside the medicine that they belong to.

C-CDA says what is taken, what was ordered for it and what was handed over in one Medication Activity (4.16 with 4.17 and
4.18 inside); FHIR has a resource for each. An order that asks for something else than what is taken (another drug, another
dosage, still open when the taking is over) is a statement of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from phr.ccda.bundle import Entry
from phr.ccda.desk import Desk
from phr.ccda.sections.dosage_words import sigs
from phr.ccda.sections.drugs import same_drug
from phr.ccda.sections.frame import Row, written_notes
from phr.ccda.sections.supplies import is_plan, prescription, taken_when
from phr.fhir.read import dicts, listed, text
from phr.model import Resource

_REQUESTS = ("MedicationRequest", "MedicationOrder")
CURRENT = frozenset((None, "active", "in-progress", "on-hold", "intended", "unknown"))
"""Statuses of what is still meant to be taken."""
_NOT_TAKEN = frozenset(("not-taken", "not-done", "draft"))


@dataclass(slots=True)
class Held:
    """By id() of the entry of a medicine: what stands inside it."""

    orders: dict[int, list[Entry]] = field(default_factory=dict)
    dispenses: dict[int, list[Entry]] = field(default_factory=dict)
    _inside: set[int] = field(default_factory=set)

    def put(self, where: dict[int, list[Entry]], host: Entry, entry: Entry) -> None:
        where.setdefault(id(host), []).append(entry)
        self._inside.add(id(entry))

    def has(self, entry: Entry) -> bool:
        """Whether an entry stands inside another one."""
        return id(entry) in self._inside


def held(desk: Desk, hosts: Iterable[Entry]) -> Held:
    """What the medicines hold. `hosts` are those that will be written, in their order."""
    found = Held()
    written = {id(each): each for each in hosts}
    statements = [each for each in written.values() if each.type == "MedicationStatement" and _taken(each)]
    for statement in statements:
        for request in _orders(desk, statement):
            if id(request) in written and not found.has(request) and _agree(desk, statement, request):
                found.put(found.orders, statement, request)
    of_request = {id(one): each for each in statements for one in found.orders.get(id(each), ())}
    named = {
        id(dispense): each
        for each in reversed(statements)
        for dispense in _named(desk, each, "derivedFrom", "MedicationDispense")
        if same_drug(desk, each, dispense)
    }
    for dispense in desk.of("MedicationDispense", when=taken_when):
        prescribed = prescription(desk, dispense)
        host = named.get(id(dispense)) if prescribed is None else of_request.get(id(prescribed), prescribed)
        if host is not None and id(host) in written:
            found.put(found.dispenses, host, dispense)
    return found


def _orders(desk: Desk, statement: Entry) -> Iterator[Entry]:
    """The requests that a statement rests on: it names them, or has an identifier in common with them."""
    yield from _named(desk, statement, "basedOn", *_REQUESTS)
    yield from _named(desk, statement, "derivedFrom", *_REQUESTS)
    known = set(_identifiers(statement.resource))
    if known:
        yield from (each for each in desk.of(*_REQUESTS) if not known.isdisjoint(_identifiers(each.resource)))


def _named(desk: Desk, entry: Entry, key: str, *types: str) -> Iterator[Entry]:
    for reference in listed(entry.resource.get(key)):
        target = desk.find(entry, reference)
        if target is not None and target.type in types and desk.lives(target):
            yield target


def _identifiers(resource: Resource) -> Iterator[tuple[str, str]]:
    for each in dicts(resource.get("identifier")):
        system, value = text(each.get("system")), text(each.get("value"))
        if system and value:
            yield system, value


def _taken(statement: Entry) -> bool:
    return text(statement.resource.get("status")) not in _NOT_TAKEN


def _agree(desk: Desk, statement: Entry, request: Entry) -> bool:
    """Whether an order says nothing else of the taking than the statement does."""
    ordered = request.resource
    if is_plan(ordered) or ordered.get("doNotPerform") is True or not same_drug(desk, statement, request):
        return False
    if text(ordered.get("status")) in CURRENT and text(statement.resource.get("status")) not in CURRENT:
        return False
    words = sigs(ordered)
    return not words or words == sigs(statement.resource)


def shared_row(row: Row, entry: Entry, orders: list[Entry]) -> Iterator[tuple[Entry, Row]]:
    """Each order with its own comments of the row: they come after those of the entry."""
    at = len(written_notes(entry.resource.get("note")))
    for each in orders:
        count = len(written_notes(each.resource.get("note")))
        yield each, row.part(at, count)
        at += count
