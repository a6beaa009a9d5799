"""`phr note`, `tag`, `bookmark` and `edit` from outside: what they answer, refuse and ask."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phr.store.db import connect
from phr.workspace import Workspace

Phr = Callable[..., Any]
SODIUM, CONDITION = "3", "Condition/c1"


@pytest.fixture(autouse=True)
def _life(record: Workspace) -> None:
    """Every test has a record."""


def test_a_note_of_several_words_is_listed_and_found(phr: Phr) -> None:
    assert phr("note", CONDITION, "Worse", "at", "the", "seaside").status == 0
    assert phr("note", CONDITION, "--list", "--json").json["notes"][0]["text"] == "Worse at the seaside"
    assert "Asthma" in phr("timeline", "--search", "seaside").out
    assert "seaside" in phr("note", CONDITION, "--list").out


def test_a_note_comes_through_a_pipe_with_its_lines(process: Phr) -> None:
    answer = process("note", CONDITION, "-", "--json", stdin="first\n\nsecond\x1b[2J\n")

    assert answer.json["notes"][0]["text"] == "first\n\nsecond[2J"


def test_notes_are_changed_and_taken_away_by_their_number(phr: Phr) -> None:
    phr("note", CONDITION, "one")
    phr("note", CONDITION, "two")

    assert phr("note", CONDITION, "--edit", "2", "second", "--json").json["notes"][1]["text"] == "second"
    assert [one["text"] for one in phr("note", CONDITION, "--remove", "1", "--json").json["notes"]] == [
        "second"
    ]
    assert phr("note", CONDITION, "--remove", "7").status == 2


@pytest.mark.parametrize(
    "words",
    [
        ("note", CONDITION),
        ("note", CONDITION, "   "),
        ("note", CONDITION, "x", "--list"),
        ("note", CONDITION, "--list", "--remove", "1"),
        ("note", "Condition/nowhere", "x"),
        ("note", "what", "x"),
        ("note", CONDITION, "x" * 20_001),
        ("tag", CONDITION, "a\x1bb"),
        ("tag", CONDITION, "x" * 101),
        ("tag", CONDITION, " "),
        ("bookmark", "--remove"),
        ("edit", "--title", "x"),
        ("edit", CONDITION, "--date", "sometime"),
        ("edit", CONDITION, "--date", "2015"),
        ("edit", CONDITION, "--end", "2010"),
        ("edit", CONDITION, "--value", "5"),
        ("edit", CONDITION, "--kind", "what"),
        ("edit", CONDITION, "--title", " "),
        ("edit", CONDITION, "--status", "foo"),
        ("edit", SODIUM, "--status", "active"),
        ("edit", CONDITION, "--sensitivity", "very_restricted"),
        ("edit", CONDITION, "--undo", "date"),
        ("edit", CONDITION, "--undo", "colour"),
        ("edit", CONDITION, "--undo", "date", "--title", "x"),
        ("edit", SODIUM, "--value", "5,4"),
        ("edit", SODIUM, "--value", "high"),
        ("edit", SODIUM, "--value", "140.0"),
        ("edit", SODIUM, "--unit", "12"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_hint_and_changes_nothing(
    phr: Phr, words: tuple[str, ...]
) -> None:
    before = phr("timeline", "--json").out
    answer = phr(*words)

    assert answer.status == 2
    assert len(answer.err.splitlines()) == 2
    assert phr("timeline", "--json").out == before
    assert phr("edit", "--json").json["total"] == 0


def test_tags_are_trimmed_put_and_taken_off(phr: Phr) -> None:
    assert phr("tag", CONDITION, "  second   opinion ", "lungs", "--json").json["tags"] == [
        "lungs",
        "second opinion",
    ]
    assert phr("tag", CONDITION, "--remove", "lungs", "--json").json["tags"] == ["second opinion"]
    assert "Asthma" in phr("timeline", "--tag", "second opinion").out


def test_tags_are_completed(phr: Phr, process: Phr) -> None:
    phr("tag", CONDITION, "lungs")
    answer = process(
        "tag", _PHR_COMPLETE="complete_bash", COMP_WORDS="phr timeline --tag lu", COMP_CWORD="3",
    )  # fmt: skip

    assert "lungs" in answer.out


def test_bookmarks_are_listed_with_what_they_are(phr: Phr) -> None:
    phr("bookmark", SODIUM)
    phr("bookmark", CONDITION)

    assert [one["title"] for one in phr("bookmark", "--json").json["bookmarks"]] == ["Asthma", "Sodium"]
    assert phr("bookmark", SODIUM, "--json").json["changed"] is False
    assert phr("bookmark", SODIUM, "--remove", "--json").json == {
        "schema": 1, "id": SODIUM, "bookmarked": False, "changed": True,
    }  # fmt: skip
    assert "Sodium" not in phr("bookmark").out


def test_a_correction_is_shown_in_the_timeline_and_taken_back(phr: Phr) -> None:
    answer = phr("edit", SODIUM, "--value", "141", "--date", "2024-03", "--reason", "my sheet", "--json")

    assert {one["field"]: (one["value"], one["source_value"]) for one in answer.json["corrections"]} == {
        "value": ("141", "140"),
        "date": ("2024-03", "2024-03-12"),
    }
    [event] = [one for one in phr("timeline", "--json").json["events"] if one["id"] == SODIUM]
    assert (event["value"], event["date"], event["corrected"]) == (141, "2024-03", ["date", "value"])
    assert "its source says: 140" in phr("edit").out
    assert phr("edit", "--json").json["corrections"][0]["record"]["title"] == "Sodium"

    assert phr("edit", SODIUM, "--undo", "all", "--json").json["corrections"] == []
    assert phr("edit").out == ""


def test_a_date_may_be_said_in_words(phr: Phr) -> None:
    answer = phr("edit", CONDITION, "--date", "march 2014", "--json")

    assert answer.json["corrections"][0]["value"] == "2014-03"


def test_what_was_sent_stays_byte_for_byte(phr: Phr) -> None:
    before = phr("show", CONDITION, "--raw").out
    phr("edit", CONDITION, "--title", "Bronchial asthma")

    assert phr("show", CONDITION, "--raw").out == before


def test_an_error_as_a_whole_is_hidden_and_said_how_to_bring_back(phr: Phr) -> None:
    answer = phr("edit", CONDITION, "--status", "entered in error")

    assert "--undo status" in answer.err
    assert "Asthma" not in phr("timeline").out
    assert "Asthma" in phr("edit").out
    done = phr("export", "--format", "fhir", "-o", "x.json", "--json").json
    assert "1 that you called an error: kept here, not handed on" in [
        one["reason"] for one in done["left_out"]
    ]
    phr("edit", CONDITION, "--undo", "status")
    assert "Asthma" in phr("timeline").out


def test_what_is_marked_private_stays_out_of_exports_and_of_a_shared_screen(phr: Phr, tmp_path: Path) -> None:
    phr("edit", CONDITION, "--sensitivity", "restricted")
    assert "Asthma" in phr("timeline").out
    assert "Asthma" not in phr("timeline", "--sensitivity", "sensitive").out

    done = phr("export", "--format", "fhir", "-o", "x.json", "--json")
    assert (done.json["held_back"], b"Asthma" in (tmp_path / "x.json").read_bytes()) == (1, False)
    assert "Held back for their sensitivity: 1 record" in done.err
    assert "Asthma" not in done.err + done.out

    done = phr("export", "--format", "fhir", "-o", "y.json", "--sensitivity", "restricted", "--json")
    assert (done.json["held_back"], b"Asthma" in (tmp_path / "y.json").read_bytes()) == (0, True)


def test_on_a_terminal_it_asks_field_by_field(
    on_a_terminal: Callable[..., tuple[int, str]], phr: Phr
) -> None:
    status, seen = on_a_terminal("edit", SODIUM, typed="\n\n\n141\n\n\n\n\n\nmy sheet\n")

    assert status == 0
    assert "Result [140]:" in seen
    [one] = phr("edit", SODIUM, "--json").json["corrections"]
    assert (one["field"], one["value"], one["reason"]) == ("value", "141", "my sheet")


@pytest.mark.parametrize(
    ("record_", "typed", "kept"),
    [
        (CONDITION, "over", "resolved"),
        (CONDITION, "ruled out", "refuted"),
        (SODIUM, "Entered in error", "entered-in-error"),
        (SODIUM, "Amended", "amended"),
    ],
)
def test_a_status_may_be_said_in_plain_words(phr: Phr, record_: str, typed: str, kept: str) -> None:
    [one] = phr("edit", record_, "--status", typed, "--json").json["corrections"]
    assert one["value"] == kept


def test_a_refused_status_says_which_there_are(phr: Phr) -> None:
    said = phr("edit", SODIUM, "--status", "foo").err
    assert "registered, preliminary, final" in said
    assert "active" not in said


def test_taking_one_correction_back_says_that_another_stays(phr: Phr) -> None:
    phr("edit", SODIUM, "--value", "141", "--sensitivity", "sensitive")
    answer = phr("edit", SODIUM, "--undo", "value")
    assert "Still as you corrected it:" in answer.err
    assert "How private: sensitive" in answer.out
    assert "Still" not in phr("edit", SODIUM, "--undo", "all").err


def test_a_wrong_answer_is_asked_again_and_costs_nothing(
    on_a_terminal: Callable[..., tuple[int, str]], phr: Phr
) -> None:
    phr("edit", CONDITION, "--date", "2019-05-03")
    status, seen = on_a_terminal("edit", SODIUM, typed="\n\n\nhigh\n141\n\nfoo\n\n\nvitals\nlab\n\n\n\n")
    assert status == 0, seen
    assert seen.count("Result [140]: ") == 2
    assert "vital sign" in seen
    assert "lab_result" not in seen
    [one] = [one for one in phr("edit", SODIUM, "--json").json["corrections"] if one["field"] == "value"]
    assert one["value"] == "141"


def test_own_words_come_back_with_a_backup(phr: Phr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phr("note", CONDITION, "seaside")
    phr("tag", CONDITION, "lungs")
    phr("bookmark", CONDITION)
    phr("edit", CONDITION, "--date", "2014")
    monkeypatch.setenv("PHR_BACKUP_PASSPHRASE", "four random words here")
    assert phr("backup", "b.phr").status == 0
    for words in (("--remove", "1"),):
        phr("note", CONDITION, *words)
    phr("edit", CONDITION, "--undo", "all")
    assert phr("restore", "b.phr", "--replace", "--yes").status == 0

    [event] = phr("timeline", "--search", "seaside", "--json").json["events"]
    assert (event["tags"], event["bookmarked"], event["date"]) == (["lungs"], True, "2014")


def test_a_busy_record_is_waited_for_and_then_said_to_be_busy(
    process: Phr, record: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = connect(record.paths.records(record.user), bytes(range(32)))
    other.execute("BEGIN IMMEDIATE")
    try:
        began = time.monotonic()
        answer = process("tag", CONDITION, "x")
    finally:
        other.execute("ROLLBACK")
        other.close()

    assert answer.status == 5
    assert time.monotonic() - began > 4
    assert "Traceback" not in answer.err


def test_two_at_once_both_get_their_word_in(tmp_path: Path, phr: Phr) -> None:
    started = [
        subprocess.Popen([sys.executable, "-m", "phr", "note", CONDITION, f"number {n}"], cwd=tmp_path, env=os.environ,
                         stderr=subprocess.DEVNULL)
        for n in range(4)
    ]  # fmt: skip
    assert [one.wait(timeout=60) for one in started] == [0] * 4
    assert len(phr("note", CONDITION, "--list", "--json").json["notes"]) == 4


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_nothing_of_it_stands_in_a_log(process: Phr, tmp_path: Path) -> None:
    for words in (
        ("note", CONDITION, "seaside"),
        ("tag", CONDITION, "hushword"),
        ("edit", CONDITION, "--title", "Hushtitle", "--reason", "hushreason"),
    ):
        process(*words, "-vv", "--log-file", "log.txt")
    said = (tmp_path / "log.txt").read_text()

    assert not any(word in said for word in ("seaside", "hushword", "Hushtitle", "hushreason"))
    assert not any(word in process("audit", "show").out for word in ("seaside", "hushword", "Hushtitle"))
