"""Copies laid out for a viewer: all of them are taken away, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from phr.paths import Paths
from phr.workspace import viewing


@pytest.fixture
def here(tmp_path: Path) -> Any:
    return SimpleNamespace(paths=Paths(tmp_path / "c", tmp_path / "d", tmp_path / "s"), user="default")


def laid_out(here: Any, name: str, at: float = 0) -> Path:
    copy = viewing.lay_out(here, name, b"secret")
    os.utime(copy.parent, (at, at))
    return copy


def test_what_a_viewer_put_beside_a_copy_is_taken_away_with_it(here: Any) -> None:
    copy = viewing.lay_out(here, "letter.html", b"secret")
    (copy.parent / "letter_files").mkdir()
    (copy.parent / "letter_files" / "picture").write_text("x")
    (copy.parent / ".~lock.letter#").write_text("x")
    os.utime(copy.parent, (0, 0))
    viewing.tidy(here)
    assert not copy.parent.exists()


def test_a_copy_of_a_day_to_come_is_old_and_one_of_now_is_not(here: Any) -> None:
    future, now = laid_out(here, "a.pdf", 2e10), viewing.lay_out(here, "b.pdf", b"secret")
    viewing.tidy(here)
    assert not future.exists() and now.exists()


def test_a_link_is_taken_away_and_not_followed(here: Any, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "precious").write_text("x")
    os.utime(victim, (0, 0))
    copy = laid_out(here, "a.pdf")
    link = copy.parent.parent / "link"
    link.symlink_to(victim)
    inner = copy.parent / "inner"
    inner.symlink_to(victim)
    os.utime(copy.parent, (0, 0))
    viewing.tidy(here)
    assert not link.is_symlink() and not copy.parent.exists()
    assert (victim / "precious").read_text() == "x"


def test_one_that_cannot_be_taken_away_does_not_hold_up_the_others(
    here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = [laid_out(here, f"{n}.pdf") for n in range(3)]
    real = os.unlink
    broken = copies[1]

    def unlink(path: Any, *args: Any, **more: Any) -> None:
        if Path(path).name == broken.name:
            raise PermissionError
        real(path, *args, **more)

    monkeypatch.setattr(os, "unlink", unlink)
    viewing.tidy(here)
    assert [copy.exists() for copy in copies] == [False, True, False]
