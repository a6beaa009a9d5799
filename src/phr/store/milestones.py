"""What stands out in a life, kept with the record (table `milestone`): derived, and found anew when rules or records change.

The setting `milestones_of` says by which rules and of how many changes they were found (`tally.changes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import Any, NamedTuple

from phr.errors import StoreError
from phr.store.db import transaction

FOUND_WITH = "milestones_of"
_COLUMNS = "record_id, rule, pack, title, detail, date, date_from"


class Milestone(NamedTuple):
    """One thing that stands out, and the record it is told by."""

    record_id: int
    rule: str
    pack: str
    title: str
    detail: str
    date: str | None
    date_from: int | None


def changes(db: Any) -> int:
    """How often what is shown has changed."""
    return int(db.execute("SELECT coalesce(sum(changes), 0) FROM tally").fetchone()[0])


def shown(db: Any) -> int:
    """How many records are shown."""
    return int(db.execute("SELECT coalesce(sum(shown), 0) FROM tally").fetchone()[0])


def are_of(db: Any, state: str) -> bool:
    """Whether what is kept was found with these rules and records."""
    row = db.execute("SELECT value FROM setting WHERE name = ?", (FOUND_WITH,)).fetchone()
    return row is not None and row[0] == state


def kept(db: Any) -> list[Milestone]:
    """What is kept, newest first; what has no date at the end."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM milestone ORDER BY date_from DESC, record_id DESC, id")
    return [Milestone(*row) for row in rows]


def keep(db: Any, found: Sequence[Milestone], state: str) -> None:
    """Keep these instead of what was kept."""
    with nullcontext() if db.in_transaction else transaction(db):
        db.execute("DELETE FROM milestone")
        db.executemany(f"INSERT INTO milestone ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", found)
        db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (FOUND_WITH, state))


def keep_if_free(db: Any, found: Sequence[Milestone], state: str) -> bool:
    """Keep them if nobody else is writing; whether they are kept. Somebody who only looks waits for nobody."""
    from sqlcipher3 import dbapi2 as sqlite

    before = db.execute("PRAGMA busy_timeout").fetchone()[0]
    try:
        db.execute("PRAGMA busy_timeout = 20")
        keep(db, found, state)
    except (sqlite.OperationalError, StoreError):  # a sync is writing, or the disk takes nothing
        return False
    finally:
        with suppress(sqlite.OperationalError):
            db.execute(f"PRAGMA busy_timeout = {int(before)}")
    return True
