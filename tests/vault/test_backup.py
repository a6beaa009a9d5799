from __future__ import annotations

import hashlib
import io
import logging
import stat
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phr.errors import Locked, PhrError, UnreadableFile, UsageError
from phr.vault.backup import MAGIC, BackupInfo, open_sealed, seal, verify
from phr.vault.envelope import KdfParams, head_with
from phr.vault.stream import PIECE, TAG, OpenedStream, seal_stream, sealed_size

QUICK = KdfParams(memory_kib=64, iterations=1, lanes=1)
KEY = b"\x01k" * 16
PHRASE = "correct horse"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "copy.db"
    path.write_bytes(hashlib.shake_256(b"db").digest(2 * PIECE + 12345))
    return path


def made(tmp_path: Path, database: Path) -> BackupInfo:
    files = {"records.db": database, "record.key": KEY}
    return seal(tmp_path / "b.phr", files, PHRASE, created=datetime(2026, 1, 2, tzinfo=UTC), kdf=QUICK)


def test_what_was_sealed_comes_back_and_the_key_is_not_put_on_disk(tmp_path: Path, database: Path) -> None:
    info = made(tmp_path, database)
    into = tmp_path / "restored"

    opened = open_sealed(info.path, PHRASE, into)

    assert opened.record_key == KEY
    assert (into / "records.db").read_bytes() == database.read_bytes()
    assert [path.name for path in into.iterdir()] == ["records.db"]
    assert stat.S_IMODE(into.stat().st_mode) == 0o700
    assert stat.S_IMODE((into / "records.db").stat().st_mode) == 0o600
    assert opened.info == info == verify(info.path, PHRASE)
    assert info.created == "2026-01-02T00:00:00+00:00"
    assert info.bytes == info.path.stat().st_size
    assert {file.name: file.bytes for file in info.files} == {
        "records.db": database.stat().st_size,
        "record.key": 32,
    }
    assert KEY.hex() not in repr(opened)
    assert repr(KEY) not in repr(opened)


def test_a_backup_is_private_and_shows_nothing(tmp_path: Path) -> None:
    info = seal(tmp_path / "b.phr", {"note": b"words a reader would know " * 10}, PHRASE, kdf=QUICK)
    content = info.path.read_bytes()

    assert stat.S_IMODE(info.path.stat().st_mode) == 0o600
    assert content.startswith(MAGIC)
    assert not any(word in content for word in (b"reader", b"note", b"horse", b"sha256"))
    assert [path.name for path in tmp_path.iterdir()] == ["b.phr"]


def test_nothing_at_all_can_be_backed_up_too(tmp_path: Path) -> None:
    info = seal(tmp_path / "b.phr", {"empty": b""}, PHRASE, kdf=QUICK)

    assert open_sealed(info.path, PHRASE, tmp_path / "r").record_key is None
    assert (tmp_path / "r" / "empty").read_bytes() == b""


def test_a_wrong_passphrase_is_not_mistaken_for_damage(tmp_path: Path, database: Path) -> None:
    path = made(tmp_path, database).path

    for attempt in (
        lambda: verify(path, "x"),
        lambda: open_sealed(path, "x", tmp_path / "r"),
        lambda: verify(path, ""),
    ):
        with pytest.raises(Locked, match="passphrase does not open"):
            attempt()
    assert list((tmp_path / "r").iterdir()) == []


def test_a_backup_without_its_end_is_cut_short_wherever_it_was_cut(tmp_path: Path, database: Path) -> None:
    path = made(tmp_path, database).path
    whole = path.read_bytes()
    for keep in (0, 3, 9, 40, 300, PIECE, len(whole) - PIECE - TAG, len(whole) - 1):
        path.write_bytes(whole[:keep])
        with pytest.raises(UnreadableFile, match="cut short"):
            open_sealed(path, PHRASE, tmp_path / "r")
    assert list((tmp_path / "r").iterdir()) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.one_of(st.integers(8, 330), st.integers(330, 5000)), bit=st.integers(0, 7))
def test_one_changed_bit_is_damage_and_brings_nothing_back(tmp_path: Path, where: int, bit: int) -> None:
    path = tmp_path / "b.phr"
    if not path.exists():
        seal(path, {"records.db": b"r" * 5000, "record.key": KEY}, PHRASE, kdf=QUICK)
    whole = path.read_bytes()
    path.write_bytes(whole[:where] + bytes([whole[where] ^ 1 << bit]) + whole[where + 1 :])

    try:
        with pytest.raises(UnreadableFile, match=r"damaged|cut short"):
            open_sealed(path, PHRASE, tmp_path / "r")
        assert list((tmp_path / "r").iterdir()) == []
    finally:
        path.write_bytes(whole)


def test_pieces_exchanged_repeated_or_added_are_damage(tmp_path: Path, database: Path) -> None:
    path = made(tmp_path, database).path
    whole = path.read_bytes()
    step = PIECE + TAG
    head = whole[: 8 + 2 + int.from_bytes(whole[8:10], "big") + 32]
    stream = whole[len(head) :]
    one, two, rest = stream[:step], stream[step : 2 * step], stream[2 * step :]

    for broken in (two + one + rest, one + one + rest, one + two + rest + b"x", one + two + rest + rest):
        path.write_bytes(head + broken)
        with pytest.raises(UnreadableFile, match="damaged"):
            verify(path, PHRASE)


def test_another_kind_of_file_is_not_a_backup(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"SQLite format 3\x00" * 9)

    with pytest.raises(UnreadableFile, match="not a backup"):
        verify(tmp_path / "x", PHRASE)
    with pytest.raises(UnreadableFile, match="cannot be read"):
        verify(tmp_path / "nowhere", PHRASE)
    with pytest.raises(UnreadableFile, match="cannot be read"):
        verify(tmp_path, PHRASE)


def test_a_restore_replaces_nothing_and_leaves_what_was_there(tmp_path: Path, database: Path) -> None:
    path = made(tmp_path, database).path
    into = tmp_path / "r"
    into.mkdir()
    (into / "records.db").write_bytes(b"mine")

    with pytest.raises(UsageError, match="already there"):
        open_sealed(path, PHRASE, into)

    assert (into / "records.db").read_bytes() == b"mine"
    assert len(list(into.iterdir())) == 1


@pytest.mark.parametrize("name", ["../x", "a/b", "/etc/x", ".x", "", "a\\b", "a\n"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        seal(tmp_path / "b.phr", {name: b"x"}, PHRASE, kdf=QUICK)


def test_an_empty_passphrase_and_a_missing_folder_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a passphrase"):
        seal(tmp_path / "b.phr", {"a": b"x"}, "")
    with pytest.raises(UsageError, match="does not exist"):
        seal(tmp_path / "no" / "b.phr", {"a": b"x"}, PHRASE)


class WrittenMeanwhile(type(Path())):  # type: ignore[misc]
    """A file that is longer every time it is opened, as one is that somebody writes to."""

    opened = 0

    def open(self, *args: object, **kwargs: object) -> io.BytesIO:
        self.opened += 1
        return io.BytesIO(b"x" * self.opened)


def test_a_source_that_changes_meanwhile_is_noticed_and_the_older_backup_stays(tmp_path: Path) -> None:
    out = tmp_path / "b.phr"
    out.write_bytes(b"older")

    with pytest.raises(PhrError, match="did not read back"):
        seal(out, {"records.db": WrittenMeanwhile("x")}, PHRASE, kdf=QUICK)

    assert out.read_bytes() == b"older"
    assert [path.name for path in tmp_path.iterdir()] == ["b.phr"]


def test_a_missing_source_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(PhrError, match="No such file"):
        seal(tmp_path / "b.phr", {"records.db": tmp_path / "nowhere"}, PHRASE, kdf=QUICK)


def test_memory_stays_flat_however_long_the_record_is(tmp_path: Path) -> None:
    big = tmp_path / "big.db"
    with big.open("wb") as file:
        file.truncate(40 * PIECE)
    tracemalloc.start()
    try:
        info = seal(tmp_path / "b.phr", {"records.db": big}, PHRASE, kdf=QUICK)
        open_sealed(info.path, PHRASE, tmp_path / "r")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 8 * PIECE


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE]), st.integers(1, 3 * PIECE))
def test_a_stream_reads_back_whatever_its_length_and_portions(length: int, portion: int) -> None:
    plain = bytes(length)
    out = io.BytesIO()
    seal_stream(
        b"k" * 32, b"p" * 7, b"head", (plain[at : at + portion] for at in range(0, length, portion)), out
    )

    assert len(out.getvalue()) == sealed_size(length)
    stream = OpenedStream(b"k" * 32, b"p" * 7, b"head", io.BytesIO(out.getvalue()))
    assert stream.readall() == plain


def test_no_passphrase_and_no_key_reaches_a_log_or_a_message(
    tmp_path: Path, database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    path = made(tmp_path, database).path
    with pytest.raises(Locked) as caught:
        verify(path, "battery staple")

    said = f"{caught.value} {caught.value.hint} {caplog.text} {made(tmp_path, database)!r}"
    assert not any(word in said for word in ("horse", "staple", KEY.hex()))


@pytest.mark.parametrize("size", [float("inf"), float("nan"), -1, 10**40, "x", None])
def test_a_backup_that_says_an_absurd_size_is_damaged(tmp_path: Path, size: object) -> None:
    values = {"kdf": "argon2id", "memory_kib": 64, "iterations": 1, "lanes": 1, "salt": "00" * 16}
    head = head_with(MAGIC, {**values, "check": "00" * 16, "prefix": "00" * 7, "bytes": size})
    (tmp_path / "b").write_bytes(head.raw)
    with pytest.raises(UnreadableFile):
        verify(tmp_path / "b", "correct horse")
