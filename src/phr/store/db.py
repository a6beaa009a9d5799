"""Open one encrypted SQLite file (SQLCipher), and say clearly why it does not open.

The raw 32-byte key goes in as `PRAGMA key = "x'…'"`, never as part of an address. Pages are 16 KB: 1.65 times
faster to fill and a quarter smaller than the usual 4 KB. WAL lets `phr timeline` read while `phr sync`
writes. Nothing is ever written beside the file in the clear: temporary tables stay in memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlcipher3 import dbapi2 as sqlite

from phr.errors import Locked, StoreError
from phr.store.migrate import migrate

# Without these the driver asks every None and every bytes value, by raising an error inside, whether it adapts itself:
# that takes longer than storing it. A method of a dict, because it is the quickest thing that answers None with None.
sqlite.register_adapter(type(None), {}.get)
sqlite.register_adapter(bytes, bytes)

T = TypeVar("T")
PAGE_BYTES = 16384
BATCH = 400
"""So many values go into one statement."""
Database = Any
"""A `sqlcipher3.dbapi2.Connection`: the module has no types."""


def connect(path: Path, key: bytes, *, create: bool = False) -> Database:
    """Open `path` with `key` (32 bytes) and bring it to the newest shape.

    Raises Locked when the key does not fit, StoreError when there is no such file, or it is newer than this
    program, or the disk refuses.
    """
    if not path.exists():
        if not create:
            raise StoreError(
                "There is no record yet.", hint="Bring one in: phr connect PROVIDER, or phr import FILE"
            )
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    elif not create and path.stat().st_size == 0:
        raise StoreError(
            "The records file is empty: what was in it is gone.",
            hint="Bring a backup back: phr restore FILE --replace",
        )
    try:
        db = sqlite.connect(str(path), timeout=30.0, isolation_level=None, cached_statements=256)
    except sqlite.OperationalError as error:
        raise StoreError(f"The records file cannot be opened: {path}") from error
    try:
        _prepare(db, key)
        migrate(db)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: Database, key: bytes) -> None:
    db.execute("PRAGMA cipher_log_level = NONE")  # its lines on stderr would come before our sentence
    db.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    db.execute(f"PRAGMA cipher_page_size = {PAGE_BYTES}")
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute("PRAGMA trusted_schema = OFF")  # a file out of a backup may not bring functions along
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite.DatabaseError as error:
        if isinstance(error, sqlite.OperationalError):
            raise StoreError("The records file cannot be read: it is in use, or the disk refuses.") from error
        raise Locked(
            "This key does not open the records file (or the file is damaged).",
            hint="See which key was used: phr vault status. With a recovery key: phr vault recover",
        ) from error
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA cache_size = -65536")
    # 64 MB of log: the pages of an index that each batch changes are copied home a quarter as often.
    db.execute("PRAGMA wal_autocheckpoint = 4096")


@contextmanager
def transaction(db: Database) -> Iterator[None]:
    """All of it or nothing of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException as error:
        if db.in_transaction:  # a full disk has ended it already
            db.execute("ROLLBACK")
        if is_full(error):
            raise no_room() from error
        raise


def is_full(error: BaseException) -> bool:
    """Whether the disk takes no more (SQLITE_FULL; SQLITE_IOERR where a quota or a limit of file sizes is met)."""
    words = str(error)
    return isinstance(error, sqlite.OperationalError) and ("is full" in words or "disk I/O error" in words)


def no_room() -> StoreError:
    """What to say of a disk that takes no more."""
    return StoreError(
        "The disk with the record takes no more: it is full, or it refuses.",
        hint="Make room there, then do the same again; what was kept until then is whole.",
    )


def batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in portions that one statement takes."""
    return (values[at : at + BATCH] for at in range(0, len(values), BATCH))


def marks(values: Sequence[object]) -> str:
    """Question marks for an SQL list of these values."""
    return ",".join("?" * len(values))


def copy(db: Database, key: bytes, target: Path) -> None:
    """Write a consistent copy of an open database to `target`, encrypted with the same key; 0600.

    SQLite's online backup: a sync may go on meanwhile.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    other = sqlite.connect(str(target), isolation_level=None)
    try:
        other.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        other.execute(f"PRAGMA cipher_page_size = {PAGE_BYTES}")
        db.backup(other)
    finally:
        other.close()


def rekey(db: Database, key: bytes) -> None:
    """Encrypt every page anew. SQLCipher does this only outside of WAL."""
    db.execute("PRAGMA journal_mode = DELETE")
    db.execute(f"PRAGMA rekey = \"x'{key.hex()}'\"")
    db.execute("PRAGMA journal_mode = WAL")


def integrity(db: Database) -> list[str]:
    """What SQLCipher (page authentication) and SQLite (structure) find wrong; empty when all is well."""
    found = [str(row[0]) for row in db.execute("PRAGMA cipher_integrity_check")]
    checked = [str(row[0]) for row in db.execute("PRAGMA quick_check(5)")]
    return found + [line for line in checked if line != "ok"]
