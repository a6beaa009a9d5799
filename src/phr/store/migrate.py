"""Numbered SQL files on `PRAGMA user_version`: each runs once, wholly or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from phr.errors import StoreError

CURRENT = 6
"""The highest number under migrations/; a test compares. Spares quick commands from listing the folder."""


def migrate(db: Any) -> None:
    """Bring an open database to the newest shape. Raises StoreError when it is newer than this program."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version == CURRENT:
        return
    if version > CURRENT:
        raise StoreError(
            "The records file was written by a newer phr than this one.",
            hint="Upgrade phr, or open the file with the version that wrote it.",
        )
    try:
        db.execute("BEGIN IMMEDIATE")
        # Asked again under the lock: two programs may open a new file at the same moment.
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        for number, sql in migrations():
            if number > version:
                for statement in _statements(sql):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {number}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk has ended it already
            db.execute("ROLLBACK")
        raise


def _statements(sql: str) -> Iterator[str]:
    """Cut a file into statements; `executescript` would end the transaction that keeps them together."""
    from sqlite3 import complete_statement  # only ever needed here

    text = ""
    for line in sql.splitlines(keepends=True):
        text += line
        if line.rstrip().endswith(";") and complete_statement(text):
            yield text
            text = ""


def migrations() -> list[tuple[int, str]]:
    """`(number, sql)` of every file under migrations/, in order."""
    files = sorted(Path(__file__).with_name("migrations").glob("*.sql"))
    return [(int(file.name[:4]), file.read_text(encoding="utf-8")) for file in files]
