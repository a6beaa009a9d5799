"""The tables over an open record: temporary views, which cost nothing until a query asks for a column.

Common columns are SQL over the table `record`. What stands in the resource alone is read by a function of ours for each row
that needs it, so a query on dates, codes and values never opens a resource. Views are temporary and stay in memory: the
records file is not written (`PRAGMA temp_store`, see `store.db`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson

from phr.views.own import words_of
from phr.views.tables import observations
from phr.views.tables.codes import codings
from phr.views.tables.common import DAY
from phr.views.tables.listing import (
    ABOUT,
    CODES,
    CORRECTIONS,
    NOTES,
    OBSERVATIONS,
    OF_KIND,
    RECORDS,
    RESOURCES,
    SOURCES,
    reader,
)
from phr.views.tables.measured import comparator, digits
from phr.views.tables.moments import PARTS
from phr.views.tables.shape import Cell, Fact, Said, Table, parsed
from phr.views.tables.ucum import standard, ucum

if TYPE_CHECKING:
    from phr.store.store import Store

_NUMBERS = ("value", "standard_value", "low", "high")
_EVENT = (
    "SELECT resource, value, value_number, unit, low, high, range_text, interpretation, title, codes FROM record"
    " WHERE id = ?"
)
_YOURS = (
    "SELECT 1 FROM record_source rs JOIN correction c ON c.resource_id = rs.resource_id"
    " WHERE rs.record_id = ? AND c.field = 'value'"
)
_RAW = "(SELECT own.raw FROM resource own WHERE own.id = record.id)"
_OBSERVATION = "record.supporting = 0 AND record.resource LIKE 'Observation/%'"
_CODES = (
    "SELECT CASE record.supporting WHEN 0 THEN record.id END AS record, x.type || '/' || x.fhir_id AS resource,"
    " s.name AS source, json_extract(one.value, '$[0]') AS element, json_extract(one.value, '$[1]') AS system,"
    " json_extract(one.value, '$[2]') AS code, json_extract(one.value, '$[3]') AS display"
    " FROM record JOIN record_source rs ON rs.record_id = record.id JOIN resource x ON x.id = rs.resource_id"
    " JOIN source s ON s.id = x.source_id JOIN json_each(phr_codes(x.raw)) one"
    " WHERE record.supporting IN (0, 1) AND x.state = 'current'"
)
_SOURCES = (
    f"SELECT s.name AS source, count(DISTINCT record.id) AS records, min({DAY}) AS earliest, max({DAY}) AS latest"
    " FROM source s LEFT JOIN record_source rs ON rs.source_id = s.id"
    " LEFT JOIN record ON record.id = rs.record_id AND record.supporting = 0 GROUP BY s.id ORDER BY s.name"
)
_NOTES = (
    "SELECT rs.record_id AS record, note.text AS text, note.written AS written FROM note"
    " JOIN record_source rs ON rs.resource_id = note.resource_id"
    " JOIN record ON record.id = rs.record_id AND record.supporting = 0"
)
_RESOURCES = (
    "SELECT (SELECT rs.record_id FROM record_source rs JOIN record ON record.id = rs.record_id"
    " WHERE rs.resource_id = x.id AND record.supporting = 0 LIMIT 1) AS record,"
    " x.type || '/' || x.fhir_id AS resource, x.type AS type, s.name AS source, CAST(x.raw AS TEXT) AS json"
    " FROM resource x JOIN source s ON s.id = x.source_id WHERE x.state = 'current'"
)


class Live:
    """The functions behind the views. What was read of the last resource is kept: the cells of a row lie in it."""

    def __init__(self, store: Store) -> None:
        self._db = store.db
        self.reading = False
        """Whether a function of ours is asking the record itself, as no query may."""
        self._at: int | None = None
        self._said: tuple[Said, ...] = ()
        self._resource: dict[str, Any] = {}
        self._readers: dict[tuple[str, str], Callable[[Fact], Cell]] = {}

    def functions(self) -> dict[str, tuple[int, Callable[..., Any]]]:
        """By name: how many arguments, and what it does."""
        return {
            "phr_date": (2, lambda text, part: PARTS[part](text)),
            "phr_number": (1, lambda text: number(digits(text))),
            "phr_comparator": (1, comparator),
            "phr_ucum": (1, lambda unit: ucum(unit) if unit else None),
            "phr_standard": (4, _standard),
            "phr_cell": (5, self._cell),
            "phr_observed": (1, self._observed),
            "phr_codes": (1, _codings),
        }

    @contextmanager
    def _looking(self) -> Iterator[None]:
        self.reading = True
        try:
            yield
        finally:
            self.reading = False

    def _fact(self, id_: int, event: dict[str, Any]) -> Fact:
        if self._at != id_:
            with self._looking():
                row = self._db.execute("SELECT raw FROM resource WHERE id = ?", (id_,)).fetchone()
            self._resource = parsed(bytes(row[0])) if row else {}
            self._at = id_
        fact = Fact(event)
        fact.__dict__["resource"] = self._resource
        return fact

    def _cell(self, table: str, column: str, id_: int, value: str | None, unit: str | None) -> Cell:
        read = self._readers.get((table, column))
        if read is None:
            read = self._readers[table, column] = reader(table, column)
        found = read(self._fact(id_, {"value_text": value, "unit": unit}))
        return number(found) if (table, column) in _NUMERIC else found

    def _observed(self, id_: int) -> str:
        """The values of a record, without one of its own that is a number: those the view has from the row."""
        with self._looking():
            row = self._db.execute(_EVENT, (id_,)).fetchone()
            yours = self._db.execute(_YOURS, (id_,)).fetchone()
        names = (
            "resource",
            "value_text",
            "number",
            "unit",
            "low",
            "high",
            "range_text",
            "interpretation",
            "title",
        )
        event = dict(zip(names, row, strict=False))
        event["codes"] = [
            {"system": system, "code": code, "display": display}
            for system, code, display in orjson.loads(row[9])
        ]
        event["corrected"] = ["value"] if yours else []
        found = observations.observed(self._fact(id_, event))
        told = [one for one in found if one["part"] or event["number"] is None]
        return orjson.dumps(
            [{name: number(one[name]) if name in _NUMBERS else one[name] for name in one} for one in told]
        ).decode()


def number(value: Cell) -> Cell:
    """Digits as a number that SQLite can reckon with."""
    if not isinstance(value, str):
        return value
    try:
        found = float(value)
    except ValueError:
        return None
    return int(value) if value.lstrip("+-").isdigit() and abs(found) < 2**53 else found


def _codings(raw: bytes) -> str:
    return orjson.dumps([tuple(one) for one in codings(parsed(bytes(raw)))]).decode()


def _standard(value: float | None, unit: str | None, loinc: str | None, at: int) -> Cell:
    found = standard(repr(value), unit, loinc) if value is not None else None
    return None if found is None else found[1] if at else number(found[0])


_NUMERIC = frozenset(
    (table.name, one.name)
    for table in OF_KIND.values()
    for one in table.columns
    if one.type == "number" and one.sql is None
)


def view_sql(table: Table) -> str | None:
    """The SELECT behind a table; None for those that are filled (see `filled`)."""
    if table is RECORDS:
        return f"SELECT {_columns(table)} FROM record WHERE record.supporting = 0"
    if table.kind is not None:
        return f"SELECT {_columns(table)} FROM record WHERE record.supporting = 0 AND record.kind = '{table.kind}'"
    if table is OBSERVATIONS:
        of_parts = ", ".join(
            f"json_extract(part.value, '$.{one.name}') AS {one.name}"
            if one.name in observations.OF_PART
            else f"{one.sql} AS {one.name}"
            for one in table.columns
        )
        return (
            f"SELECT {_columns(table)} FROM record WHERE {_OBSERVATION} AND record.value_number IS NOT NULL"
            f" UNION ALL SELECT {of_parts} FROM record JOIN json_each(phr_observed(record.id)) part"
            f" WHERE {_OBSERVATION} AND ((record.value_number IS NULL AND record.value IS NOT NULL)"
            f" OR instr({_RAW}, CAST('\"component\"' AS BLOB)))"
        )
    return {
        CODES.name: _CODES,
        SOURCES.name: _SOURCES,
        NOTES.name: _NOTES,
        RESOURCES.name: _RESOURCES,
    }.get(table.name)


def _columns(table: Table) -> str:
    return ", ".join(
        f"{one.sql or _cell_sql(table.name, one.name)} AS {_quoted(one.name)}" for one in table.columns
    )


def _cell_sql(table: str, column: str) -> str:
    return f"phr_cell('{table}', '{column}', record.id, record.value, record.unit)"


def _quoted(name: str) -> str:
    return f'"{name}"'


def filled(store: Store, table: Table) -> list[list[Cell]] | None:
    """The rows of a table that is small and made of words; None for the others."""
    if table is ABOUT:
        from phr import __version__

        found: list[list[Cell]] = [
            ["made", store.now()],
            ["software", f"phr {__version__}"],
            ["selection", "Everything in the record, also what you marked as private"],
        ]
        return found
    if table is not CORRECTIONS:
        return None
    rows = store.db.execute(
        "SELECT DISTINCT rs.record_id FROM correction c JOIN record_source rs ON rs.resource_id = c.resource_id"
        " JOIN record ON record.id = rs.record_id WHERE record.supporting = 0 AND c.field NOT LIKE 'agreed:%'"
    ).fetchall()
    return [
        [row[0], *(one[name] for name in CORRECTIONS.names[1:])]
        for row in rows
        for one in words_of(store.db, row[0])["corrections"]
        if one["in_effect"]
    ]
