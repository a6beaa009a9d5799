"""Never half a file: what stands at the path is whole, or what stood there before."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import BinaryIO

import pytest

from phr.errors import PhrError, UsageError
from phr.exporters.files import to_file


def _hello(out: BinaryIO) -> int:
    return out.write(b"hello")


def test_a_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "ccd.xml"

    assert to_file(path, _hello) == 5
    assert path.read_bytes() == b"hello"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, BrokenPipeError])
def test_when_writing_fails_nothing_is_left_and_the_old_file_stays(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "ccd.xml"
    path.write_bytes(b"old")

    def fail(out: BinaryIO) -> None:
        out.write(b"half")
        raise error

    with pytest.raises((error, PhrError)):
        to_file(path, fail)
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir() if one.name != "home"] == ["ccd.xml"]


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.xml"
    link.symlink_to(tmp_path / "real" / "a.xml")

    to_file(link, _hello)
    assert link.is_symlink()
    assert (tmp_path / "real" / "a.xml").read_bytes() == b"hello"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    to_file(pipe, _hello)
    reader.join(timeout=5)

    assert got == [b"hello"]
    assert pipe.is_fifo()


def test_a_folder_or_a_missing_folder_is_a_usage_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none" / "a.xml"):
        with pytest.raises(UsageError):
            to_file(path, _hello)
