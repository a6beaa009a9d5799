"""What was searched for lately: the last twenty, in the encrypted file and nowhere else."""

from __future__ import annotations

from typing import Any

from sqlcipher3 import dbapi2 as sqlite

KEPT = 20
_LONGEST = 200


def remember(db: Any, words: str, now: str) -> None:
    """Note a search. When the file cannot be written just now (a sync has it, the disk refuses), nothing happens."""
    words = " ".join(words.split())[:_LONGEST]
    try:
        waiting = db.execute("PRAGMA busy_timeout").fetchone()[0]
        db.execute("PRAGMA busy_timeout = 50")  # whoever looks does not wait for who writes
        try:
            db.execute(
                "INSERT INTO recent_search VALUES (?, ?) ON CONFLICT DO UPDATE SET searched = excluded.searched",
                (words, now),
            )
            db.execute(
                "DELETE FROM recent_search WHERE words NOT IN"
                " (SELECT words FROM recent_search ORDER BY searched DESC, words = ? DESC LIMIT ?)",
                (words, KEPT),
            )
        finally:
            db.execute(f"PRAGMA busy_timeout = {int(waiting)}")
    except sqlite.OperationalError:
        return


def recent(db: Any) -> list[dict[str, str]]:
    """The last searches, the newest first."""
    rows = db.execute(
        "SELECT words, searched FROM recent_search ORDER BY searched DESC, words LIMIT ?", (KEPT,)
    )
    return [{"words": row[0], "searched": row[1]} for row in rows]


def forget(db: Any) -> int:
    """Empty the list; answers how many there were."""
    return int(db.execute("DELETE FROM recent_search").rowcount)
