"""What belongs together on a page of the timeline: a visit and what happened in it, a panel and its results.

Nothing is added or left out: each event of the page stands once. A visit whose own place is on another page heads its
part of this one again. A group stands where the first line of it belongs, so pages never contradict each other.

FHIR R4: `encounter` of most resources, DiagnosticReport.result, Observation.hasMember. Ids of different sources have
nothing to do with each other: Encounter/1 of one hospital is not Encounter/1 of another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from phr.fhir import dates, read
from phr.views.events import Event, events, marks

_T = TypeVar("_T")
_ALL_AT_ONCE = 400
_LARGEST = 300_000
"""A report with a whole document inside is not read for its list of results."""
_AROUND = 2 * 86_400
"""A result that came two days later still belongs to the visit."""
_LONGEST_STAY = 100 * 86_400
"""What lasts longer is no visit but a course of care; gathering it would turn months around."""

# CROSS JOIN keeps the order: from the few records of the page outwards.
_VISITS = """
SELECT r.id, e.id FROM record r
CROSS JOIN resource own ON own.id = r.id
CROSS JOIN resource x ON x.source_id = own.source_id AND x.type = 'Encounter' AND x.fhir_id = substr(r.encounter, 11)
CROSS JOIN record_source es ON es.resource_id = x.id
CROSS JOIN record e ON e.id = es.record_id AND e.supporting = 0 AND e.kind = 'encounter'
WHERE r.id IN ({marks}) AND r.encounter LIKE 'Encounter/%' AND r.kind <> 'encounter'
"""
_PANELS = "SELECT id, source_id, raw FROM resource WHERE id IN ({marks}) AND length(raw) < ?"
_MEMBERS = (
    "SELECT x.type || '/' || x.fhir_id, rs.record_id FROM resource x"
    " JOIN record_source rs ON rs.resource_id = x.id WHERE x.source_id = ? AND x.type = ? AND x.fhir_id IN ({marks})"
)
_SAME_SECOND = "SELECT id FROM record WHERE supporting = 0 AND date_from = ? AND resource LIKE 'DiagnosticReport/%' LIMIT 40"
_SAME_VISIT = (
    "SELECT r.id FROM record own JOIN record r ON substr(r.encounter, -6) = substr(own.encounter, -6)"
    " AND r.encounter = own.encounter AND r.supporting = 0 AND r.resource LIKE 'DiagnosticReport/%'"
    " WHERE own.id = ? LIMIT 40"
)
_ORDER = """
problem allergy procedure immunization medication order imaging lab_result vital_sign questionnaire social_history
clinical_note document care_plan goal care_team device task appointment message directive family_history other
coverage claim
""".split()
_RANK = {kind: at for at, kind in enumerate(_ORDER)}


class Shown(NamedTuple):
    """One line of a timeline."""

    event: Event
    depth: int = 0
    again: bool = False
    """A visit or a panel that heads its part of this page; its own place is on another one."""
    stands: str | None = None
    """The date under which it stands, where it has none of its own: that of its newest result."""
    later: bool = False
    """`again`, and its own place is on a page to come: this is where it is met first."""


class _Node:
    """An event and what stands above and below it."""

    __slots__ = ("above", "again", "at", "below", "event", "stands", "to", "turn")

    def __init__(self, event: Event, *, again: bool = False) -> None:
        when = dates.parse(event["date"]) if event.get("date") else None
        self.event = event
        self.again = again
        self.at = when.start if when else None
        """Its first second; None without a date."""
        self.to = when.end if when else 0
        self.stands: str | None = None
        self.above: _Node | None = None
        self.below: list[_Node] = []
        self.turn = 0
        """Its turn in the panel that lists it."""


def flat(found: Iterable[Event]) -> list[Shown]:
    """The events one by one, newest first."""
    return [Shown(node.event) for node in sorted(map(_Node, found), key=_newest)]


def gathered(db: Any, found: Sequence[Event], selected: Callable[[set[int]], set[int]]) -> list[Shown]:
    """The events of a page, what belongs together beneath each other.

    `selected` says which of some records the timeline shows at all: only those are put at the head again.
    """
    nodes = {int(event["id"]): _Node(event) for event in found}
    _put_into_panels(db, nodes, selected)
    _put_into_visits(db, nodes, selected)
    # What stands behind the last of the page as it came belongs to a page to come.
    edge = max(map(_place, found), default=None)
    roots = sorted((node for node in nodes.values() if node.above is None), key=_newest)
    return [line for root in roots for line in _told(root, 0, edge)]


def _place(event: Event) -> tuple[bool, int, int]:
    """Where an event stands among all (the order of `views.timeline`), the newest first."""
    when = dates.parse(event["date"]) if event.get("date") else None
    return when is None, -(when.start if when else 0), -int(event["id"])


def _day(node: _Node) -> int:
    """The day as its source wrote it, whatever the time zone: 20240312; a year alone stands behind its days."""
    date = node.stands or node.event["date"]
    digits = str(date)[:10].replace("-", "") if node.at is not None else ""
    return int(digits.ljust(8, "0")) if digits.isdecimal() else 0


def _newest(node: _Node) -> tuple[bool, int, int, int]:
    """The order of the timeline: newest first, then the larger number; what has no date comes last."""
    return node.at is None, -_day(node), -(node.at or 0), -int(node.event["id"])


def _told(node: _Node, depth: int, edge: tuple[bool, int, int] | None) -> Iterator[Shown]:
    later = node.again and edge is not None and _place(node.event) > edge
    yield Shown(node.event, depth, node.again, node.stands, later)
    is_visit = node.event["kind"] == "encounter"
    for inner in sorted(node.below, key=_within_visit if is_visit else lambda one: one.turn):
        yield from _told(inner, depth + 1, edge)


def _within_visit(node: _Node) -> tuple[object, ...]:
    """By day, then what was found, done, given, measured, written; what has results of its own first."""
    kind = _RANK.get(node.event["kind"], len(_RANK))
    return -_day(node), kind, not node.below, *_newest(node)


# ── visits ────────────────────────────────────────────────────────────────────────────────────────


def _put_into_visits(db: Any, nodes: dict[int, _Node], selected: Callable[[set[int]], set[int]]) -> None:
    visits: dict[int, int] = {}
    free = [id_ for id_, node in nodes.items() if node.above is None and node.event.get("encounter")]
    for part in _parts(free):
        visits.update(db.execute(_VISITS.format(marks=marks(part)), part).fetchall())
    missing = {visit for id_, visit in visits.items() if visit not in nodes and nodes[id_].at is not None}
    heads = {id_: nodes[id_] for id_ in visits.values() if id_ in nodes}
    for event in events(db, sorted(selected(missing))) if missing else ():
        heads[int(event["id"])] = _Node(event, again=True)
    for id_, visit in visits.items():
        head, node = heads.get(visit), nodes[id_]
        if head is not None and head is not node and _happened_in(node, head):
            node.above = head
            head.below.append(node)
    for id_, head in heads.items():
        if head.again and head.below:
            nodes[id_] = head


def _happened_in(node: _Node, visit: _Node) -> bool:
    """Whether an event is of the time of the visit: a problem may be noted in a visit and be years older."""
    if node.at is None:
        return not visit.again
    if visit.at is None:
        return not visit.again
    end = dates.parse(visit.event["end"]) if visit.event.get("end") else None
    until = max(visit.to, end.end) if end else visit.to
    if end and until - visit.at > _LONGEST_STAY:
        return False
    return node.at < until + _AROUND and node.to > visit.at - _AROUND


# ── panels ────────────────────────────────────────────────────────────────────────────────────────


def _put_into_panels(db: Any, nodes: dict[int, _Node], selected: Callable[[set[int]], set[int]]) -> None:
    panels = [id_ for id_, node in nodes.items() if _may_be_panel(node.event)]
    torn = _at_the_edges(db, nodes)
    for panel, members in _listed(db, [*panels, *torn]):
        head = nodes.get(panel)
        here = [nodes[member] for member in members if member in nodes]
        free = [node for node in here if node.above is None and not (head and _is_above(node, head))]
        if head is None and free and selected({panel}):
            head = next((_Node(event, again=True) for event in events(db, [panel])), None)
            if head is not None:
                nodes[panel] = head
        if head is None:
            continue
        for turn, node in enumerate(free):
            node.above, node.turn = head, turn
            head.below.append(node)
        _place_by_results(head)


def _place_by_results(panel: _Node) -> None:
    """A panel without a date stands where its newest result does."""
    dated = [node for node in panel.below if node.at is not None]
    if panel.at is None and dated:
        newest = min(dated, key=_newest)
        panel.stands, panel.at, panel.to = newest.stands or newest.event["date"], newest.at, newest.to


def _at_the_edges(db: Any, nodes: dict[int, _Node]) -> list[int]:
    """Reports on the next page or the one before whose results may be on this one: of the same visit or second."""
    if not nodes:
        return []
    edges = next(iter(nodes)), next(reversed(nodes))
    found: set[int] = set()
    for id_ in edges:
        node = nodes[id_]
        if node.event["kind"] not in ("lab_result", "imaging", "vital_sign"):
            continue
        found.update(row[0] for row in db.execute(_SAME_SECOND, (node.at,)))
        found.update(row[0] for row in db.execute(_SAME_VISIT, (id_,)))
    return sorted(found - nodes.keys())


def _may_be_panel(event: Event) -> bool:
    resource = str(event.get("resource") or "")
    return resource.startswith("DiagnosticReport/") or (
        resource.startswith("Observation/") and event.get("value_text") is None
    )


def _is_above(node: _Node, other: _Node | None) -> bool:
    while other is not None:
        if other is node:
            return True
        other = other.above
    return False


def _listed(db: Any, panels: list[int]) -> Iterator[tuple[int, list[int]]]:
    """Each panel with the records it lists, in its own order; the panel that lists fewest first: it says most."""
    told: list[tuple[int, int, list[str]]] = []
    for part in _parts(panels):
        for id_, source, raw in db.execute(_PANELS.format(marks=marks(part)), [*part, _LARGEST]):
            addresses = _addresses(raw)
            if addresses:
                told.append((id_, source, addresses))
    found = _records(db, told)
    for id_, source, addresses in sorted(told, key=lambda one: len(one[2])):
        yield id_, [found[source, address] for address in addresses if (source, address) in found]


def _addresses(raw: bytes) -> list[str]:
    if b'"result"' not in raw and b'"hasMember"' not in raw:
        return []
    try:
        resource = read.parse_json(raw)
    except ValueError:
        return []
    if not isinstance(resource, dict):
        return []
    pointers = [*read.dicts(resource.get("result")), *read.dicts(resource.get("hasMember"))]
    addresses = (read.reference(one) or _of_urn(one) for one in pointers)
    return list(dict.fromkeys(address for address in addresses if address))


def _of_urn(pointer: dict[str, Any]) -> str | None:
    """Bundles as Synthea writes them name every entry by a urn that repeats the entry's id."""
    spelled = pointer.get("reference")
    if isinstance(spelled, str) and spelled.startswith("urn:uuid:"):
        return f"Observation/{spelled.removeprefix('urn:uuid:')}"
    return None


def _records(db: Any, told: list[tuple[int, int, list[str]]]) -> dict[tuple[int, str], int]:
    """The record of each address, as the source of the panel knows it."""
    wanted: dict[tuple[int, str], set[str]] = {}
    for _, source, addresses in told:
        for address in addresses:
            type_, _, id_ = address.partition("/")
            wanted.setdefault((source, type_), set()).add(id_)
    found: dict[tuple[int, str], int] = {}
    for (source, type_), ids in wanted.items():
        for part in _parts(sorted(ids)):
            rows = db.execute(_MEMBERS.format(marks=marks(part)), [source, type_, *part])
            found.update({(source, address): record for address, record in rows})
    return found


def _parts(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for at in range(0, len(values), _ALL_AT_ONCE):
        yield values[at : at + _ALL_AT_ONCE]
