from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from phr.cli import stdin


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The writing end of what stands in for standard input."""
    reading, writing = os.pipe()
    monkeypatch.setattr(stdin, "_left", bytearray())
    with os.fdopen(reading) as source:
        monkeypatch.setattr("sys.stdin", source)
        yield writing
        os.close(writing)


def test_lines_that_came_together_are_read_one_by_one(pipe: int) -> None:
    os.write(pipe, b"the secret\nhttps://phr.invalid/?code=c\n")
    assert stdin.line_within(None) == "the secret\n"
    assert stdin.line_within(0.1) == "https://phr.invalid/?code=c\n"


def test_waiting_ends_though_nobody_closes_the_pipe(pipe: int) -> None:
    began = time.monotonic()
    os.write(pipe, b"half a line")
    assert stdin.line_within(0.1) is None
    assert time.monotonic() - began < 5
    os.write(pipe, b", and the rest\n")
    assert stdin.line_within(1) == "half a line, and the rest\n"


def test_the_end_of_input_is_an_empty_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdin, "_left", bytearray())
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        assert stdin.line_within(1) == ""
