"""A disk that takes nothing new: what is in the record can be read all the same, and writing says why it cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from phr.errors import StoreError
from phr.store import db as database
from phr.store import migrate
from phr.store.db import connect, transaction

resource = pytest.importorskip("resource", reason="limits of file sizes are there on Unix only")
KEY = bytes(range(32))
_WRITER = """
import os, sys
from pathlib import Path
from phr.store.db import connect
db = connect(Path(sys.argv[1]), bytes(range(32)), create=True)
db.execute("CREATE TABLE said (words TEXT)")
db.execute("INSERT INTO said VALUES ('long ago')")
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
if sys.argv[2] != "closed":
    db.execute("INSERT INTO said VALUES ('just now')")
    os.kill(os.getpid(), 9)
db.close()
"""
LEFT = {
    "closed": (["long ago"], {"records.db"}),
    "killed": (["long ago", "just now"], {"records.db", "records.db-wal", "records.db-shm"}),
    "killed, without its index": (["long ago", "just now"], {"records.db", "records.db-wal"}),
}
"""What a writer left behind, and what stands in it."""


def written(folder: Path, how: str) -> Path:
    """A record as a writer left it that ended, or was killed, with what it had not copied home yet in the log."""
    file = folder / "records.db"
    done = subprocess.run([sys.executable, "-c", _WRITER, str(file), how.split(",")[0]], check=False)
    assert done.returncode == (0 if how == "closed" else -9)
    if how.endswith("index"):
        (folder / "records.db-shm").unlink()
    assert {one.name for one in folder.iterdir()} == LEFT[how][1]
    return file


@contextmanager
def full() -> Iterator[None]:
    """No file can grow: what SQLite meets is what it meets on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """A folder, and what makes a read-only disk of it; for root, whom no permission stops, a real one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    root = os.geteuid() == 0

    def mount(*words: str) -> bool:
        done = subprocess.run(["mount", *words, str(folder)], capture_output=True, check=False)
        return done.returncode == 0

    if root and not mount("-t", "tmpfs", "-o", "size=8m", "tmpfs"):
        pytest.skip("root may not mount here, and permissions do not stop root")

    def seal() -> None:
        if root:
            assert mount("-o", "remount,ro")
            return
        for one in folder.iterdir():
            one.chmod(0o400)
        folder.chmod(0o500)

    yield folder, seal
    if root:
        subprocess.run(["umount", "-l", str(folder)], check=True)
    else:
        folder.chmod(0o700)


def said(db: database.Database) -> list[str]:
    return [row[0] for row in db.execute("SELECT words FROM said ORDER BY rowid")]


@pytest.mark.parametrize("how", LEFT)
def test_a_full_disk_can_be_read_and_says_so_when_written(tmp_path: Path, how: str) -> None:
    file = written(tmp_path, how)
    with full():
        db = connect(file, KEY)
        try:
            assert said(db) == LEFT[how][0]
            with pytest.raises(StoreError, match="it is full"), transaction(db):
                db.execute("INSERT INTO said VALUES (?)", ("x" * 100_000,))
            assert said(db) == LEFT[how][0]
        finally:
            db.close()
    db = connect(file, KEY)
    with transaction(db):
        db.execute("INSERT INTO said VALUES ('with room')")
    assert said(db) == [*LEFT[how][0], "with room"]
    db.close()


@pytest.mark.parametrize("how", LEFT)
def test_a_read_only_disk_can_be_read_and_says_so_when_written(
    sealed: tuple[Path, Callable[[], None]], how: str
) -> None:
    folder, seal = sealed
    file = written(folder, how)
    seal()
    before = {one.name: one.read_bytes() for one in folder.iterdir() if not one.name.endswith("-shm")}
    db = connect(file, KEY)
    try:
        assert said(db) == LEFT[how][0]
        with pytest.raises(StoreError, match="can only be read") as caught, transaction(db):
            db.execute("INSERT INTO said VALUES ('more')")
        assert "Looking at it works" in str(caught.value.hint)
    finally:
        db.close()
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_a_file_of_an_older_phr_on_a_read_only_disk_says_that_it_has_to_be_brought_up_to_date(
    sealed: tuple[Path, Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, seal = sealed
    file = written(folder, "closed")
    seal()
    monkeypatch.setattr(migrate, "CURRENT", migrate.CURRENT + 1)
    monkeypatch.setattr(migrate, "migrations", lambda: [(migrate.CURRENT, "CREATE TABLE later (x);\n")])
    with pytest.raises(StoreError, match="of an older phr"):
        connect(file, KEY)


def test_on_a_full_disk_a_second_reader_waits_for_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, "closed")
    monkeypatch.setattr(database, "_PATIENCE", 0.1)
    with full():
        first = connect(file, KEY)
        with pytest.raises(StoreError, match="in use by another program"):
            connect(file, KEY)
        first.close()
        second = connect(file, KEY)
        assert said(second) == ["long ago"]
        second.close()


def test_a_wrong_key_is_named_on_a_full_disk_too(tmp_path: Path) -> None:
    from phr.errors import Locked

    file = written(tmp_path, "closed")
    with full(), pytest.raises(Locked):
        connect(file, bytes(32))


def test_a_record_that_cannot_be_begun_leaves_no_empty_file(tmp_path: Path) -> None:
    file = tmp_path / "records.db"
    with full(), pytest.raises(StoreError, match="it is full"):
        connect(file, KEY, create=True)
    assert not file.exists()
    connect(file, KEY, create=True).close()


def test_a_part_of_a_transaction_ends_with_the_whole(tmp_path: Path) -> None:
    file = written(tmp_path, "closed")
    db = connect(file, KEY)

    def both() -> None:
        with transaction(db):
            with transaction(db):
                db.execute("INSERT INTO said VALUES ('inner')")
            raise LookupError

    with pytest.raises(LookupError):
        both()
    assert said(db) == ["long ago"]
    db.close()
