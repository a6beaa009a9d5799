"""What a source took back: `entered-in-error`, deleted, merged into another. Bytes, history and record stay.

A tombstone is no deletion: `phr show` still shows what was said, and who took it back and when. Only the timeline, the
search, the counts and every export leave it out.
"""

from __future__ import annotations

from typing import Any

from phr.records.lines import EVENT, WITHDRAWN

CURRENT, GONE = "current", "gone"
"""What `resource.state` can be."""
IN_ERROR, DELETED, MERGED = "entered-in-error", "deleted", "merged"
"""Why: the resource says so itself; the server does (410, 404, an export's list); it is part of another one now."""


def mark(db: Any, resource_id: int, now: str, reason: str, detail: str | None = None) -> None:
    """Set the stone, or write another reason on it. It stands since the first time."""
    db.execute(
        "INSERT INTO tombstone (resource_id, since, reason, detail) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET reason = excluded.reason, detail = excluded.detail",
        (resource_id, now, reason, detail),
    )
    db.execute("DELETE FROM absence WHERE resource_id = ?", (resource_id,))


def lift(db: Any, resource_id: int) -> None:
    """The source stands by it again."""
    db.execute("DELETE FROM tombstone WHERE resource_id = ?", (resource_id,))


def found_in_error(db: Any, resource_id: int) -> None:
    """What is stored says so, and was stored before anybody looked."""
    db.execute("UPDATE resource SET state = 'gone' WHERE id = ?", (resource_id,))
    row = db.execute("SELECT changed FROM resource WHERE id = ?", (resource_id,)).fetchone()
    mark(db, resource_id, row[0], IN_ERROR)


def take_back(
    db: Any, source_id: int, type_: str, id_: str, now: str, reason: str, detail: str | None
) -> bool:
    """What a source says about an address, without sending the resource. Whether it is gone only now.

    Inside the caller's transaction.
    """
    row = db.execute(
        "SELECT id, state FROM resource WHERE source_id = ? AND type = ? AND fhir_id = ?",
        (source_id, type_, id_),
    ).fetchone()
    if row is None or row[1] != CURRENT:
        return False
    db.execute("UPDATE resource SET state = 'gone', changed = ? WHERE id = ?", (now, row[0]))
    mark(db, row[0], now, reason, detail)
    _withdraw(db, row[0])
    return True


def _withdraw(db: Any, resource_id: int) -> None:
    """Take the record out of a life, unless another resource still tells it."""
    rows = db.execute(
        "SELECT rs.record_id, r.supporting FROM record_source rs JOIN record r ON r.id = rs.record_id"
        " WHERE rs.resource_id = ? AND r.supporting <> ? AND NOT EXISTS (SELECT 1 FROM record_source other"
        " JOIN resource x ON x.id = other.resource_id WHERE other.record_id = rs.record_id AND x.state = 'current')",
        (resource_id, WITHDRAWN),
    ).fetchall()
    for record_id, supporting in rows:
        if supporting == EVENT:
            db.execute("DELETE FROM record_search WHERE rowid = ?", (record_id,))
        db.execute("UPDATE record SET supporting = ? WHERE id = ?", (WITHDRAWN, record_id))
