"""Open one encrypted SQLite file (SQLCipher), and say clearly why it does not open.

The raw 32-byte key goes in as `PRAGMA key = "x'…'"`, never as part of an address. Pages are 16 KB: 1.65 times
faster to fill and a quarter smaller than the usual 4 KB. WAL lets `phr timeline` read while `phr sync`
writes. Nothing is ever written beside the file in the clear: temporary tables stay in memory.
"""

from __future__ import annotations

import os
import time
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
_PATIENCE = 30.0
"""Seconds to wait for another program that has the whole file."""
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
        db = _opened(path, key)
    except sqlite.OperationalError as error:
        if create:
            _take_away_empty(path)
            raise _unopened(error) from error
        db = _only_read(path, key, error)
    try:
        migrate(db)
    except BaseException as error:
        db.close()
        if create:
            _take_away_empty(path)
        if is_full(error) or is_read_only(error):
            raise (no_room() if create else _too_old()) from error
        raise
    return db


def _opened(path: Path, key: bytes) -> Database:
    """The file as it is opened every day: read and written, beside other programs that do the same."""
    db = sqlite.connect(str(path), timeout=30.0, isolation_level=None, cached_statements=256)
    try:
        _prepare(db, key)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        # 64 MB of log: the pages of an index that each batch changes are copied home a quarter as often.
        db.execute("PRAGMA wal_autocheckpoint = 4096")
    except BaseException:
        db.close()
        raise
    return db


def _only_read(path: Path, key: bytes, refused: Exception) -> Database:
    """The file where the disk takes nothing new. Raises StoreError when it cannot be read either.

    WAL needs a small index beside the file, `-shm`, and a full or read-only disk has no room for it (SQLite, wal.html,
    "Read-Only Databases"). With the whole file locked the index can stay in memory. Where nothing can be locked, nobody
    has the file open, for whoever has it open keeps that index there: then it is read as it lies, with what a broken-off
    run left in the log. `immutable` would pass over a log, so it is for a file without one.
    """
    found, end = refused, time.monotonic() + _PATIENCE
    while not is_busy(refused):
        for address, index_in_memory in _ways(path):
            try:
                return _as_it_lies(address, key, index_in_memory=index_in_memory)
            except sqlite.OperationalError as error:
                found = error
            if is_busy(found):  # another one reads it in the same way
                break
        if not is_busy(found) or time.monotonic() >= end:
            break
        time.sleep(0.02)
    raise _unopened(found) from found


def _as_it_lies(address: str, key: bytes, *, index_in_memory: bool) -> Database:
    """One of those ways. Raises Locked, OperationalError."""
    db = sqlite.connect(address, timeout=30.0, isolation_level=None, cached_statements=256, uri=True)
    try:
        _prepare(db, key, index_in_memory=index_in_memory)
    except BaseException:
        db.close()
        raise
    return db


def _ways(path: Path) -> Iterator[tuple[str, bool]]:
    """Addresses to open it by where the ordinary way is shut, and whether the index of the log is to stay in memory."""
    address, log = path.absolute().as_uri(), path.with_name(f"{path.name}-wal")
    yield address, True
    if log.exists() and log.stat().st_size:
        yield f"{address}?mode=ro&vfs={'win32' if os.name == 'nt' else 'unix'}-none", True
    else:
        yield f"{address}?mode=ro&immutable=1", False


def _take_away_empty(path: Path) -> None:
    """A file that was just begun and has nothing in it: later it would look as if something had been lost."""
    log = path.with_name(f"{path.name}-wal")
    if path.exists() and path.stat().st_size == 0 and not (log.exists() and log.stat().st_size):
        path.unlink()


def _prepare(db: Database, key: bytes, *, index_in_memory: bool = False) -> None:
    """Hand over the key and look whether it fits. Raises Locked, OperationalError."""
    db.execute("PRAGMA cipher_log_level = NONE")  # its lines on stderr would come before our sentence
    db.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    db.execute(f"PRAGMA cipher_page_size = {PAGE_BYTES}")
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute("PRAGMA trusted_schema = OFF")  # a file out of a backup may not bring functions along
    if index_in_memory:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")  # only before the first look into the file
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite.OperationalError:
        raise
    except sqlite.DatabaseError as error:
        raise Locked(
            "This key does not open the records file (or the file is damaged).",
            hint="See which key was used: phr vault status. With a recovery key: phr vault recover",
        ) from error
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA cache_size = -65536")


@contextmanager
def transaction(db: Database) -> Iterator[None]:
    """All of it or nothing of it; within another one, part of that. Raises StoreError where the disk takes nothing."""
    if db.in_transaction:
        yield
        return
    try:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")
    except BaseException as error:
        if db.in_transaction:  # a full disk has ended it already
            db.execute("ROLLBACK")
        if is_full(error) or is_read_only(error):
            raise _unwritten(error) from error
        raise


def is_full(error: BaseException) -> bool:
    """Whether the disk takes no more (SQLITE_FULL; SQLITE_IOERR where a quota or a limit of file sizes is met)."""
    words = str(error)
    return isinstance(error, sqlite.OperationalError) and ("is full" in words or "disk I/O error" in words)


def is_read_only(error: BaseException) -> bool:
    """Whether the file can only be read (SQLITE_READONLY)."""
    return isinstance(error, sqlite.OperationalError) and "readonly" in str(error)


def is_busy(error: BaseException) -> bool:
    """Whether another program has it (SQLITE_BUSY)."""
    return isinstance(error, sqlite.OperationalError) and "is locked" in str(error)


def no_room() -> StoreError:
    """What to say of a disk that takes no more."""
    return StoreError(
        "The disk with the record takes no more: it is full, or it refuses.",
        hint="Make room there, then do the same again; what was kept until then is whole.",
    )


def _unwritten(error: BaseException) -> StoreError:
    """What to say where something was to be written, and cannot be."""
    if is_read_only(error):
        return StoreError(
            "Nothing was changed: the disk or folder with the record can only be read.",
            hint="Looking at it works. To write, mount it for writing, or see who may write there: phr paths",
        )
    return no_room()


def _too_old() -> StoreError:
    return StoreError(
        "The records file is of an older phr and has to be brought up to date first, which its disk does not take.",
        hint="Make room there, or mount it for writing; then do the same again. What is in it is whole.",
    )


def _unopened(error: BaseException) -> StoreError:
    """What to say of a file that can be read in no way."""
    if is_busy(error):
        return StoreError(
            "The records file is in use by another program.", hint="Wait until it has ended, then try again."
        )
    if is_full(error):
        return no_room()
    return StoreError(
        "The records file cannot be opened: the disk refuses, or it may not be read.",
        hint="See where it is and who may read it: phr paths, phr doctor",
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
