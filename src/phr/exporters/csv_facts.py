"""The records of a handover together with the resources that say them, for every exporter that writes tables.

Both come from the Handover and from nothing else: the events as it tells them, and of the bytes only those that its
`contents` hand on, read as its `resources` are. Some hundreds lie in memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from phr.exporters.base import Handover
from phr.model import Problem
from phr.views import bundle
from phr.views.events import marks
from phr.views.tables.listing import OF_KIND, RECORDS
from phr.views.tables.shape import Cell, Fact, Said

_BATCH = 200


class Facts:
    """What is handed on, record by record; then what stands around the records."""

    def __init__(self, given: Handover, *, bytes_too: bool = True) -> None:
        self._given = given
        self._store = given.store
        self._bytes_too = bytes_too
        """False: the events are enough."""
        self._allowed = set(given.contents.ids) if bytes_too else set()
        self._told: set[int] = set()

    def records(self) -> Iterator[Fact]:
        """Every record with the resources that say it, its own first; newest first."""
        events = iter(self._given.events())
        while batch := list(islice(events, _BATCH)):
            if not self._bytes_too:
                yield from map(Fact, batch)
                continue
            rows = self._rows([int(event["id"]) for event in batch])
            said = self._said([row for rows_ in rows.values() for row in rows_])
            for event in batch:
                own = rows.get(int(event["id"]), [])
                self._told.update(own)
                yield Fact(event, tuple(said[row] for row in own if row in said))

    def around(self) -> Iterator[Said]:
        """The resources that stand around the records: the Patient, a Medication, a Practitioner. After `records`."""
        rest = [row for row in self._given.contents.ids if row not in self._told]
        for at in range(0, len(rest), _BATCH):
            yield from self._said(rest[at : at + _BATCH]).values()

    def _rows(self, records: list[int]) -> dict[int, list[int]]:
        """The resources of these records that may be handed on."""
        found: dict[int, list[int]] = {}
        for record, row in self._store.db.execute(
            f"SELECT record_id, resource_id FROM record_source WHERE record_id IN ({marks(records)})"  # noqa: S608
            " ORDER BY resource_id <> record_id, resource_id",
            records,
        ):
            if row in self._allowed and row not in found.setdefault(record, []):
                found[record].append(row)
        return found

    def _said(self, rows: list[int]) -> dict[int, Said]:
        names = self._given.contents.names
        told: Iterator[tuple[int, int, str, str, bytes]] = bundle.stored_rows(
            self._store.db, rows, self._given.contents
        )
        return {row: Said(names[source], f"{type_}/{id_}", raw) for row, source, type_, id_, raw in told}


class Counting:
    """How many records each source says, and from when to when."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[int, str | None, str | None]] = {}
        self._day = next(one.read for one in RECORDS.columns if one.name == "date")

    def count(self, fact: Fact) -> None:
        """One more record."""
        day = self._day(fact)
        for name in fact.event["sources"]:
            number, first, last = self._of.get(name, (0, None, None))
            if day is not None:
                first, last = min(first or str(day), str(day)), max(last or str(day), str(day))
            self._of[name] = (number + 1, first, last)

    def rows(self, given: Handover) -> list[list[Cell]]:
        """The rows of `sources`."""
        names = sorted({*given.header.sources, *self._of})
        return [[name, *self._of.get(name, (0, None, None))] for name in names]


def of_kinds(counts: dict[str, int]) -> dict[str, int]:
    """How many records each table of a kind has."""
    return {table.name: counts[table.name] for table in OF_KIND.values() if counts.get(table.name)}


def missing(given: Handover) -> tuple[Problem, ...]:
    """What of the selection is in no table."""
    return (*given.contents.left_out, *given.contents.gone)
