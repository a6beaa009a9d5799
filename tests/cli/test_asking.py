"""What is asked on a terminal, and only there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Terminal = Callable[..., tuple[int, str]]
WORDS = "four random words here"


def test_a_confirmation_is_asked_and_only_yes_agrees(on_a_terminal: Terminal, record: Any) -> None:
    status, seen = on_a_terminal("users", "remove", "default", typed="n\n")
    assert status == 2
    assert "This destroys 6 records of default" in seen
    assert "Nothing was changed" in seen
    assert record.paths.records("default").exists()
    assert on_a_terminal("users", "remove", "default", typed="yes\n")[0] == 0
    assert not record.paths.records("default").exists()


def test_a_new_passphrase_is_asked_twice_and_never_shown(
    on_a_terminal: Terminal, phr: Any, record: object, tmp_path: Path
) -> None:
    file = str(tmp_path / "b.phr")
    status, seen = on_a_terminal("backup", file, typed=f"{WORDS}\nanother one here\n")
    assert status == 2
    assert "not the same" in seen
    status, seen = on_a_terminal("backup", file, typed=f"{WORDS}\n{WORDS}\n")
    assert status == 0
    assert "random" not in seen
    status, seen = on_a_terminal("restore", file, "--user", "mum", typed=f"{WORDS}\n")
    assert status == 0
    assert phr("timeline", "--user", "mum", "--json").json["total"] == 6


def test_the_recovery_key_is_read_from_the_terminal(
    on_a_terminal: Terminal, phr: Any, record: object
) -> None:
    paper = phr("vault", "recovery-key", "--yes", "--json").json["recovery_key"]
    status, seen = on_a_terminal("vault", "recover", typed=f"{paper}\n")
    assert status == 0, seen


def test_a_hint_is_for_the_person_that_was_asked_for(phr: Callable[..., Any]) -> None:
    assert phr("users", "add", "mum").status == 0
    said = phr("--user", "mum", "add", "weight", "60", "kg", "--date", "2026-01-02")
    assert said.status == 0
    assert "phr --user mum show" in said.out + said.err
    assert "phr show" not in said.out + said.err
    wrong = phr("show", "999", "--user", "mum")
    assert "phr --user mum timeline" in wrong.err
    assert "--user" not in phr("add", "weight", "60", "kg", "--date", "2026-01-02").out
