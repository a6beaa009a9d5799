"""What a record belongs with: its visit, what it points at, what points at it, and the same test before.

References are looked up inside the source they came from: `Encounter/1` of one hospital has nothing to do with
`Encounter/1` of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from phr.fhir import read
from phr.views.events import Event, number

MOST = 20
POINTS = 10
MEASURED = ("lab_result", "vital_sign")
_COLUMNS = "r.id, r.kind, r.title, r.date, r.resource"
_BY_ADDRESS = (
    f"SELECT {_COLUMNS} FROM resource x JOIN record_source rs ON rs.resource_id = x.id"
    " JOIN record r ON r.id = rs.record_id WHERE x.source_id = ? AND x.type = ? AND x.fhir_id = ?"
    " AND r.supporting <> 2"
)
_POINTING_HERE = (
    f"SELECT {_COLUMNS} FROM record_link l JOIN record_source rs ON rs.resource_id = l.record_id"
    " JOIN record r ON r.id = rs.record_id"
    " WHERE l.source_id = ? AND l.target = ? AND r.supporting = 0 ORDER BY +r.date_from DESC, r.id DESC LIMIT ?"
)
# The first condition is that of the index. An encounter's address is one of the record's own source.
_SAME_VISIT = (
    f"SELECT {_COLUMNS} FROM record own JOIN record_source rs ON rs.resource_id = own.id"
    " JOIN record r ON r.id = rs.record_id"
    " WHERE substr(own.encounter, -6) = substr(?1, -6) AND own.encounter = ?1 AND rs.source_id = ?2"
    " AND r.supporting = 0"
    " ORDER BY +r.date_from DESC, r.id DESC LIMIT ?3"
)
# `+` keeps the planner from walking the whole timeline to have its order for nothing.
# The full-text index knows which records carry a code; the codes themselves then say whether it is the same one.
_SAME_CODE = (
    "SELECT r.id, r.date, r.value_number, r.value, r.unit, r.low, r.high, r.abnormal FROM record_search f"
    " JOIN record r ON r.id = f.rowid, json_each(r.codes) c"
    " WHERE f.record_search MATCH ? AND r.kind = ? AND r.date_from IS NOT NULL AND r.value IS NOT NULL"
    " AND json_extract(c.value, '$[0]') IS ? AND json_extract(c.value, '$[1]') = ?"
    " GROUP BY r.id ORDER BY +r.date_from DESC, r.id DESC LIMIT ?"
)


Told = tuple[int, int, str, bytes]
"""One resource that tells a record: its row, the row of its source, `Type/id`, its bytes."""


def related(db: Any, record_id: int, told: Sequence[Told]) -> list[dict[str, Any]]:
    """`[{id, kind, title, date, resource, relation}]`; of each relation at most twenty, no record twice.

    `told`: the resources of all sources that tell the record; each points at what its own source has.
    """
    found: dict[int, dict[str, Any]] = {}

    def note(rows: Any, relation: str) -> None:
        for row in rows:
            if row[0] != record_id and row[0] not in found:
                found[row[0]] = {
                    "id": str(row[0]),
                    "kind": row[1],
                    "title": row[2],
                    "date": row[3],
                    "resource": row[4],
                    "relation": relation,
                }

    for _, source_id, _, raw in told:
        for element, target in _targets(raw):
            type_, _, id_ = target.partition("/")
            if type_ != "Patient" and len(found) < MOST:
                note(db.execute(_BY_ADDRESS, (source_id, type_, id_)), element)
    for _, source_id, address, _ in told:
        note(db.execute(_POINTING_HERE, (source_id, address, MOST)), "points here")
    for row, source_id, address, _ in told:
        visit = db.execute("SELECT encounter FROM record WHERE id = ?", (row,)).fetchone()
        seen = address if address.startswith("Encounter/") else visit[0] if visit else None
        if seen:
            note(db.execute(_SAME_VISIT, (seen, source_id, MOST)), "same visit")
    return list(found.values())


def trend(db: Any, event: Event) -> list[dict[str, Any]]:
    """The last points of the same measurement, oldest first; empty for what is not measured."""
    if event["kind"] not in MEASURED:
        return []
    code = next((one for one in event["codes"] if one["code"]), None)
    if code is None or not any(map(str.isalnum, code["code"])):
        return []
    query = 'codes : "' + code["code"].replace('"', '""') + '"'
    rows = db.execute(_SAME_CODE, (query, event["kind"], code["system"], code["code"], POINTS)).fetchall()
    names = _source_names(db, [row[0] for row in rows])
    return [
        {
            "id": str(row[0]),
            "date": row[1],
            "value": number(row[2]) if row[2] is not None else row[3],
            "original": row[3],
            "unit": row[4],
            "low": number(row[5]),
            "high": number(row[6]),
            "abnormal": None if row[7] is None else bool(row[7]),
            "source": names.get(row[0]),
        }
        for row in reversed(rows)
    ]


def _source_names(db: Any, ids: list[int]) -> dict[int, str]:
    marks = ",".join("?" * len(ids))
    return dict(
        db.execute(
            "SELECT rs.record_id, min(s.name) FROM record_source rs JOIN source s ON s.id = rs.source_id"
            f" WHERE rs.record_id IN ({marks}) GROUP BY rs.record_id",
            ids,
        ).fetchall()
    )


def _targets(raw: bytes) -> Iterator[tuple[str, str]]:
    """`(element, "Type/id")` of every reference in a resource, in its order."""
    try:
        resource = read.parse_json(raw)
    except ValueError:
        return
    open_: list[tuple[str, object]] = [("", resource)]
    while open_:
        element, node = open_.pop()
        if isinstance(node, dict):
            target = read.reference(node)
            if target:
                yield element, target
            open_.extend(
                [(key if key != "reference" else element, part) for key, part in reversed(node.items())]
            )
        elif isinstance(node, list):
            open_.extend([(element, part) for part in reversed(node)])
