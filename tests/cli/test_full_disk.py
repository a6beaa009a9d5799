"""On a disk that takes nothing every look still works, and what would write says why it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

resource = pytest.importorskip("resource", reason="limits of file sizes are there on Unix only")
NUMBER = "3"


def full() -> None:
    """No file can grow from here on."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "phr", *words],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=full,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    "words",
    [
        ("timeline",),
        ("timeline", "--milestones"),
        ("show", NUMBER),
        ("search", "sodium"),
        ("trend", "sodium"),
        ("summary",),
        ("summary", "--emergency"),
        ("status",),
        ("note", NUMBER, "--list"),
        ("edit",),
        ("bookmark",),
    ],
)
def test_looking_works(record: Any, tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("note", NUMBER, "x"),
        ("tag", NUMBER, "x"),
        ("bookmark", NUMBER),
        ("edit", NUMBER, "--value", "141"),
        ("add", "weight", "68", "kg"),
        ("search", "--forget"),
    ],
)
def test_writing_names_the_full_disk(record: Any, tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run(tmp_path, *words)
    assert done.returncode == 1
    assert "full" in done.stderr
    assert "Make room" in done.stderr
    assert "damaged" not in done.stderr
