"""Rows of the table `record` as events: the shape that timeline, search, show and the JSON export share.

Everything here takes a list of record ids that is already decided, and looks up what belongs to them in a
few statements. Keys are those of the command line's `timeline --format json`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from phr.model import SyncRun
    from phr.store.store import Store

Event = dict[str, Any]

BATCH = 400
_COLUMNS = (
    "id, kind, date, precision, end, recorded, title, description, value, value_number, unit, low, high, range_text,"
    " interpretation, abnormal, status, category, codes, facility, performer, encounter, origin, sensitivity, resource"
)
_NAMES = tuple(_COLUMNS.replace(" ", "").split(","))
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")

# The encounter as the same source tells it: ids of different sources have nothing to do with each other, and a visit
# that was taken back happened nowhere.
_PLACES = """
SELECT rs.record_id, e.facility, e.performer FROM record_source rs
JOIN record r ON r.id = rs.record_id
JOIN resource x ON rs.resource_id = rs.record_id AND x.source_id = rs.source_id
 AND x.type = 'Encounter' AND x.fhir_id = substr(r.encounter, 11)
JOIN record_source es ON es.resource_id = x.id
JOIN record e ON e.id = es.record_id AND e.supporting <> 2
WHERE rs.record_id IN ({marks}) AND r.encounter LIKE 'Encounter/%'
ORDER BY rs.resource_id DESC
"""
_SOURCES = (
    "SELECT DISTINCT rs.record_id, s.name FROM record_source rs JOIN source s ON s.id = rs.source_id"
    " WHERE rs.record_id IN ({marks}) ORDER BY s.name"
)
# Those of every resource that tells the record.
_TAGS = (
    "SELECT DISTINCT rs.record_id, t.tag FROM record_source rs JOIN tag t ON t.resource_id = rs.resource_id"
    " WHERE rs.record_id IN ({marks}) ORDER BY t.tag"
)


_BOOKMARKED = (
    "SELECT DISTINCT rs.record_id FROM bookmark b CROSS JOIN record_source rs ON rs.resource_id = b.resource_id"
    " WHERE rs.record_id IN ({marks})"
)
_CORRECTED = (
    "SELECT DISTINCT rs.record_id, c.field FROM record_source rs CROSS JOIN correction c"
    " ON c.resource_id = rs.resource_id WHERE rs.record_id IN ({marks}) AND c.field NOT LIKE 'agreed:%'"
    " ORDER BY c.field"
)


_FORMER_LEVELS = {"very_restricted": "restricted"}
"""Levels of a file that was read by an older phr, until the next sync reads it anew."""


def events(db: Any, ids: Sequence[int]) -> Iterator[Event]:
    """The events of these records, in the order of `ids`; ids that are not there are skipped."""
    for at in range(0, len(ids), BATCH):
        part = ids[at : at + BATCH]
        rows = db.execute(f"SELECT {_COLUMNS} FROM record WHERE id IN ({marks(part)})", part).fetchall()
        found = {row[0]: dict(zip(_NAMES, row, strict=True)) for row in rows}
        incomplete = [
            id_
            for id_, row in found.items()
            if row["encounter"] and not (row["facility"] and row["performer"])
        ]
        places = {row[0]: row[1:] for row in db.execute(_PLACES.format(marks=marks(incomplete)), incomplete)}
        sources = _gathered(db.execute(_SOURCES.format(marks=marks(part)), part))
        tags = _gathered(db.execute(_TAGS.format(marks=marks(part)), part))
        bookmarked = {row[0] for row in db.execute(_BOOKMARKED.format(marks=marks(part)), part)}
        corrected = _gathered(db.execute(_CORRECTED.format(marks=marks(part)), part))
        for id_ in part:
            if id_ in found:
                facility, performer = places.get(id_, (None, None))
                row = found[id_]
                row["facility"], row["performer"] = row["facility"] or facility, row["performer"] or performer
                yield _event(row, sources.get(id_, []), tags.get(id_, [])) | {
                    "bookmarked": id_ in bookmarked,
                    "corrected": corrected.get(id_, []),
                }


def new_abnormal(store: Store, run: SyncRun) -> list[Event]:
    """Results outside their range that came with a run, the newest first; not those that another source told before."""
    names = ("kind", "title", "value", "unit", "low", "high", "interpretation", "date")
    rows = store.db.execute(
        f"SELECT {', '.join(f'c.{name}' for name in names)} FROM record c"
        " JOIN record_source rs ON rs.record_id = c.id JOIN resource r ON r.id = rs.resource_id"
        " JOIN source s ON s.id = r.source_id"
        " WHERE c.abnormal = 1 AND c.supporting = 0 AND r.state = 'current' AND s.name = ?1 AND r.first_seen >= ?2"
        " AND NOT EXISTS (SELECT 1 FROM record_source o JOIN resource x ON x.id = o.resource_id"
        " WHERE o.record_id = c.id AND x.source_id <> r.source_id AND x.first_seen < ?2)"
        " ORDER BY c.date_from DESC, c.id DESC",
        (run.connection, run.started),
    )
    return [{"connection": run.connection, **dict(zip(names, row, strict=True))} for row in rows]


def marks(values: Sequence[object]) -> str:
    """Question marks for an SQL list."""
    return ",".join("?" * len(values))


def number(value: float | None) -> int | float | None:
    """A number as JSON writes it best: 120 instead of 120.0."""
    if value is None:
        return None
    return int(value) if value == value // 1 and abs(value) < 1e15 else value


def _gathered(rows: Iterable[tuple[int, str]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for id_, word in rows:
        found.setdefault(id_, []).append(word)
    return found


def _event(row: dict[str, Any], sources: list[str], tags: list[str]) -> Event:
    abnormal = row["abnormal"]
    return {
        "id": str(row["id"]),
        "kind": row["kind"],
        "date": row["date"],
        "precision": row["precision"],
        "end": row["end"],
        "recorded": row["recorded"],
        "title": row["title"],
        "description": row["description"],
        "value": _value(row["value"], row["value_number"]),
        "value_text": row["value"],
        "unit": row["unit"],
        "low": number(row["low"]),
        "high": number(row["high"]),
        "range_text": row["range_text"],
        "interpretation": row["interpretation"],
        "abnormal": None if abnormal is None else bool(abnormal),
        "status": row["status"],
        "category": row["category"],
        "codes": [
            {"system": system, "code": code, "display": display}
            for system, code, display in orjson.loads(row["codes"])
        ],
        "facility": row["facility"],
        "performer": row["performer"],
        "encounter": row["encounter"],
        "sources": sources,
        "origin": row["origin"],
        "sensitivity": _FORMER_LEVELS.get(row["sensitivity"], row["sensitivity"]),
        "resource": row["resource"],
        "tags": tags,
    }


def _value(text: str | None, value: float | None) -> str | int | float | None:
    """A number where the source gave a plain number; `<5` or `1:40` stay the words they are."""
    if value is None:
        return text
    if text is None or _PLAIN_NUMBER.fullmatch(text.strip()):
        return number(value)
    return text
