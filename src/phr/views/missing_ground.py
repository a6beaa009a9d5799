"""What the parts of `phr missing` share: a line of the answer, the moment, the orders, and who points at whom.

Nothing here says that something was not done. All that can be known is that no result is in this record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from phr.fhir import dates, read
from phr.records.elements import walk
from phr.views.events import marks

if TYPE_CHECKING:
    from phr.store.store import Store

DAY = 86_400
ORDERS = ("ServiceRequest", "ProcedureRequest", "DiagnosticOrder", "ReferralRequest")
TEST_GRACE, REFERRAL_GRACE = 14, 45
"""So many days may pass before anybody asks where a result or a visit is."""
_POINTING_TYPES = (
    "DiagnosticReport",
    "ImagingStudy",
    "Procedure",
    "Encounter",
    "Appointment",
    "Task",
    "Specimen",
    "MedicationAdministration",
    "DocumentReference",
    "Immunization",
)
_NAMING = ("basedOn", "request", "incomingReferral", "referral", "focus", "context.related", "related")


@dataclass(slots=True, repr=False)
class Line:
    """One thing that should be here and is not."""

    reason: str
    record: int
    resource: str
    title: str
    date: str | None
    whom: str | None
    where: str | None
    source: str
    waiting_days: int | None
    detail: str
    hint: str
    """What to do about it."""
    kind: str = ""

    def __repr__(self) -> str:
        return f"<Line {self.record}>"

    def document(self) -> dict[str, Any]:
        """As `phr missing --json` prints it."""
        return {
            "reason": self.reason,
            "record": str(self.record),
            "resource": self.resource,
            "kind": self.kind,
            "title": self.title,
            "date": self.date,
            "whom": self.whom,
            "where": self.where,
            "source": self.source,
            "waiting_days": self.waiting_days,
            "detail": self.detail,
            "hint": self.hint,
        }


@dataclass(slots=True, repr=False)
class Row:
    """A record with the resource that tells it."""

    id: int
    source_id: int
    source: str
    kind: str
    resource: str
    title: str
    description: str | None
    date: str | None
    date_from: int | None
    date_to: int | None
    end: str | None
    recorded: str | None
    status: str | None
    category: str | None
    codes: tuple[tuple[str | None, ...], ...] = field(repr=False)
    facility: str | None
    performer: str | None
    encounter: str | None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        return f"<Row {self.id}>"

    @property
    def type(self) -> str:
        """The resource type."""
        return self.resource.partition("/")[0]

    @property
    def names(self) -> list[str]:
        return [self.title, *(code[2] for code in self.codes if code[2])]

    @property
    def written(self) -> int | None:
        """When it was ordered or written, in seconds."""
        found = dates.parse(self.recorded) if self.recorded else None
        return found.start if found else self.date_from


_COLUMNS = (
    "r.id, x.source_id, s.name, r.kind, r.resource, r.title, r.description, r.date, r.date_from, r.date_to, r.end,"
    " r.recorded, r.status, r.category, r.codes, r.facility, r.performer, r.encounter"
)
_OF_TYPE = (
    f"SELECT {_COLUMNS}{{raw}} FROM resource x JOIN record r ON r.id = x.id JOIN source s ON s.id = x.source_id"
    " WHERE x.source_id = ? AND x.type = ? AND x.state = 'current' AND r.supporting = 0 {more}"
)
_WITH_STATUS = (
    f"SELECT {_COLUMNS}, x.raw FROM record r INDEXED BY record_by_kind CROSS JOIN resource x ON x.id = r.id"
    " CROSS JOIN source s ON s.id = x.source_id WHERE r.kind = ? AND r.status IN ({states}) AND r.supporting = 0"
    " AND x.state = 'current'"
)
_NAMED = "SELECT type || '/' || fhir_id, raw FROM resource WHERE source_id = ? AND type = ? AND state = 'current' AND {told}"


class Ground:
    """One records file at one moment."""

    def __init__(self, store: Store, grace: int | None = None) -> None:
        self.store, self.db = store, store.db
        self.grace = grace
        now = dates.parse(store.now())
        self.now = now.start if now else 0
        self.checked: dict[str, int] = {}
        self._cache: dict[object, Any] = {}

    @cached_property
    def sources(self) -> list[tuple[int, str]]:
        """Every source with its number."""
        return [(row[0], row[1]) for row in self.db.execute("SELECT id, name FROM source ORDER BY id")]

    def patience(self, usual: int) -> int:
        """Days to wait, as the person said or as usual."""
        return usual if self.grace is None else self.grace

    def rows(
        self, types: Iterable[str], *, raw: bool = False, more: str = "", values: Sequence[object] = ()
    ) -> Iterator[Row]:
        """The shown records of these types, with their bytes where they are wanted."""
        for source_id, _ in self.sources:
            for type_ in types:
                query = _OF_TYPE.format(raw=", x.raw" if raw else "", more=more)
                for row in self.db.execute(query, (source_id, type_, *values)):
                    yield _row(row, raw=raw)

    def with_status(self, kinds: Iterable[str], states: Sequence[str]) -> Iterator[Row]:
        """The shown records of these kinds with one of these statuses, out of the index that holds both."""
        for kind in kinds:
            for row in self.db.execute(_WITH_STATUS.format(states=marks(states)), (kind, *states)):
                yield _row(row, raw=True)

    def count(self, what: str, number: int = 1) -> None:
        """Remember that so many of something were looked at."""
        self.checked[what] = self.checked.get(what, 0) + number

    def days_since(self, start: int | None) -> int | None:
        """Whole days until now."""
        return None if start is None else max(0, (self.now - start) // DAY)

    @cached_property
    def pointing(self) -> dict[tuple[int, str], list[tuple[str, dict[str, Any]]]]:
        """Who names an order: `{(source, address of the order): [(address, resource)]}`."""
        found: dict[tuple[int, str], list[tuple[str, dict[str, Any]]]] = {}
        names = " OR ".join(f"instr(raw, '{type_}/')" for type_ in ORDERS)
        for source_id in self._ordering:
            for type_ in _POINTING_TYPES:
                for address, raw in self.db.execute(_NAMED.format(told=f"({names})"), (source_id, type_)):
                    self._note(found, source_id, address, raw)
        return found

    @cached_property
    def observed(self) -> dict[tuple[int, str], list[tuple[str, dict[str, Any]]]]:
        """As `pointing`, of Observations: there are many, so they are only asked when nothing else answers."""
        found: dict[tuple[int, str], list[tuple[str, dict[str, Any]]]] = {}
        for source_id in self._ordering:
            query = _NAMED.format(told="instr(raw, 'basedOn')")
            for address, raw in self.db.execute(query, (source_id, "Observation")):
                self._note(found, source_id, address, raw)
        return found

    @cached_property
    def _ordering(self) -> list[int]:
        return [
            source_id
            for source_id, _ in self.sources
            if any(
                self.db.execute(
                    "SELECT 1 FROM resource WHERE source_id = ? AND type = ? LIMIT 1", (source_id, type_)
                ).fetchone()
                for type_ in ORDERS
            )
        ]

    def _note(
        self,
        found: dict[tuple[int, str], list[tuple[str, dict[str, Any]]]],
        source_id: int,
        address: str,
        raw: bytes,
    ) -> None:
        try:
            resource = orjson.loads(raw)
        except ValueError:
            return
        for path in _NAMING:
            for pointer in walk(resource, tuple(path.split("."))):
                target = read.reference(pointer)
                if target and target.partition("/")[0] in ORDERS:
                    found.setdefault((source_id, target), []).append((address, resource))

    def addresses(self, record: int) -> list[tuple[int, str]]:
        """The resources that tell a record."""
        query = (
            "SELECT x.source_id, x.type || '/' || x.fhir_id FROM record_source rs JOIN resource x ON x.id = rs.resource_id"
            " WHERE rs.record_id = ?"
        )
        return [(row[0], row[1]) for row in self.db.execute(query, (record,))]

    def line(self, reason: str, row: Row, detail: str, hint: str, *, since: int | None = None) -> Line:
        """A line of the answer."""
        start = since if since is not None else row.written
        return Line(
            reason,
            row.id,
            row.resource,
            row.title,
            row.recorded if row.type in ORDERS and row.recorded else row.date,
            row.performer,
            row.facility,
            row.source,
            self.days_since(start),
            detail,
            hint,
            kind=row.kind,
        )


def _row(row: Sequence[Any], *, raw: bool) -> Row:
    parts = list(row[:18])
    parts[14] = tuple(tuple(code) for code in orjson.loads(parts[14]))
    found = Row(*parts)
    if raw:
        try:
            read_ = orjson.loads(row[18])
        except ValueError:
            read_ = {}
        found.raw = read_ if isinstance(read_, dict) else {}
    return found


def whom(row: Row) -> str:
    """Whom to ask, in words: who ordered it, else where it was, else the source."""
    return row.performer or row.facility or row.source


def day_words(start: int | None) -> str:
    """A day in ISO form."""
    from datetime import UTC, datetime

    return "an unknown day" if start is None else datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%d")


def rows_of(db: Any, ids: Sequence[int]) -> list[Row]:
    """Records by their numbers."""
    query = (
        f"SELECT {_COLUMNS} FROM resource x JOIN record r ON r.id = x.id JOIN source s ON s.id = x.source_id"
        f" WHERE r.id IN ({marks(ids)}) AND r.supporting = 0"
    )
    return [_row(row, raw=False) for row in db.execute(query, list(ids))]
