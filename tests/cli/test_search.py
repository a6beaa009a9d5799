"""`phr search` as a person types it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phr.cli.lines import YOURS
from phr.cli.search import joined
from phr.workspace import Workspace

Phr = Callable[..., Any]


def test_a_search_prints_hits_and_their_number(phr: Phr, record: Workspace) -> None:
    said = phr("search", "sodium")
    assert said.status == 0
    assert "Sodium" in said.out and "140 mmol/L" in said.out
    assert "1 record." in said.out


def test_json_is_one_document_of_events(phr: Phr, record: Workspace) -> None:
    report = phr("search", "--json", "sodium").json
    assert (report["schema"], report["total"]) == (1, 1)
    hit = report["hits"][0]
    assert hit["title"] == "Sodium"
    assert {"snippet", "highlights", "score", "id", "kind", "resource", "tags"} <= set(hit)


def test_nothing_found_is_no_error(phr: Phr, record: Workspace) -> None:
    said = phr("search", "qqqzzz")
    assert said.status == 0
    assert "Not found: “qqqzzz”" in said.out
    assert "phr timeline" in said.err
    assert phr("search", "--json", "qqqzzz").json["hits"] == []


def test_words_may_come_unquoted_and_with_a_minus(phr: Phr, record: Workspace) -> None:
    assert phr("search", "--json", "kind:lab", "-sodium", "potassium").json["total"] == 1
    assert phr("search", "--json", "kind:lab", "-sodium").json["total"] == 4
    assert phr("search", "--json", "kind:lab", "--limit", "2").json["next"] == "2"
    assert phr("search", "-n1", "--json", "kind:lab").json["next"] == "1"
    assert "Usage" in phr("search", "-h").out


def test_what_the_shell_unquoted_is_put_together_again(phr: Phr, record: Workspace) -> None:
    assert phr("search", "--json", "at:Harrow Clinic", "kind:lab").status == 0
    assert phr("search", "--json", "kind:lab", "sodium 140").json["total"] >= 1


def test_options_narrow_like_prefixes(phr: Phr, record: Workspace) -> None:
    assert phr("search", "--json", "--kind", "labs", "--since", "2024").json["total"] == 2
    assert phr("search", "--kind", "bananas").status == 2
    assert phr("search", "--json", "--source", "old-file").json["hits"][0]["title"] == "Ferritin"


def test_nothing_of_a_record_is_obeyed_by_a_terminal(phr: Phr, record: Workspace) -> None:
    said = phr("search", "glucose")
    assert "\x1b" not in said.out and "\u202e" not in said.out
    assert "Glucose" in said.out


def test_recent_searches_are_shown_and_forgotten(phr: Phr, record: Workspace) -> None:
    phr("search", "sodium")
    phr("search", "chest", "-ct")
    said = phr("search", "--recent")
    assert "sodium" in said.out and "chest -ct" in said.out
    assert [one["words"] for one in phr("search", "--recent", "--json").json["searches"]] != []
    assert "Forgotten: 2" in phr("search", "--forget").err
    assert phr("search", "--recent").out == ""


def test_an_empty_search_without_a_terminal_is_a_usage_error(phr: Phr, record: Workspace) -> None:
    said = phr("search")
    assert said.status == 2
    assert "phr search" in said.err


@pytest.mark.parametrize("no_colour", [False, True])
def test_matches_are_bold_on_a_terminal_and_marked_without_colour(
    on_a_terminal: Callable[..., tuple[int, str]],
    record: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    *,
    no_colour: bool,
) -> None:
    if no_colour:
        monkeypatch.setenv("NO_COLOR", "1")
    status, seen = on_a_terminal("search", "140")
    assert status == 0
    assert ("\x1b[1m140\x1b[0m" in seen) is not no_colour
    assert ("«140»" in seen) is no_colour


def test_an_empty_search_on_a_terminal_shows_how_and_what_was_searched(
    on_a_terminal: Callable[..., tuple[int, str]], phr: Phr, record: Workspace
) -> None:
    phr("search", "sodium")
    status, seen = on_a_terminal("search")
    assert status == 0
    assert "phr search last flu shot" in seen and "Lately:" in seen and "sodium" in seen


def test_no_line_is_wider_than_the_screen(
    phr: Phr, record: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in (60, 80, 120):
        monkeypatch.setenv("TERMINAL_WIDTH", str(columns))
        said = phr("search", "kind:lab")
        assert max(len(line) for line in said.out.splitlines() if not line.startswith("More:")) <= columns


def test_a_search_says_nothing_to_the_log(process: Phr, record: Workspace, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert process("search", "--log-file", str(log), "-vv", "sodium").status == 0
    assert not log.exists() or "sodium" not in log.read_text().lower()


@pytest.mark.parametrize(
    ("words", "query"),
    [
        (["kind:lab after:2024"], "kind:lab after:2024"),
        (["at:Harrow Clinic sodium"], "at:Harrow Clinic sodium"),
        (["kind:care plan"], 'kind:"care plan"'),
        (["at:Harrow Clinic", "kind:lab"], 'at:"Harrow Clinic" kind:lab'),
        (["kind:lab after:2024", "sodium"], "kind:lab after:2024 sodium"),
        (["tag:second opinion -ct", "x"], "tag:second opinion -ct x"),
        (["after:2024 sodium", "kind:lab"], "after:2024 sodium kind:lab"),
        (["chest ct", "kind:imaging"], '"chest ct" kind:imaging'),
        (["last", "flu", "shot"], "last flu shot"),
    ],
)
def test_what_the_shell_parted_or_not_is_one_query(words: list[str], query: str) -> None:
    assert joined(words) == query


def test_one_quoted_argument_is_a_whole_query_and_the_next_page_can_be_pasted(
    phr: Phr, record: Workspace
) -> None:
    report = phr("search", "--json", "kind:lab after:2024").json
    assert report["said"] == [] and report["not_found"] == []
    assert report["total"] == phr("search", "--json", "kind:lab", "after:2024").json["total"] == 2
    said = phr("search", "kind:lab after:2024", "--limit", "1")
    assert "phr search 'kind:lab after:2024' --limit 1 --after 1" in said.out
    assert phr("search", "--json", "kind:lab after:2024", "--limit", "1", "--after", "1").json["next"] is None


def test_a_tag_of_two_words_is_found_as_the_shell_hands_it_on(phr: Phr, record: Workspace) -> None:
    id_ = phr("search", "--json", "sodium").json["hits"][0]["id"]
    assert phr("tag", id_, "second opinion").status == 0
    assert [hit["id"] for hit in phr("search", "--json", "tag:second opinion").json["hits"]] == [id_]


def test_an_unknown_tag_is_told_with_the_nearest(phr: Phr, record: Workspace) -> None:
    said = phr("search", "--tag", "lung")
    assert said.status == 0
    assert "Did you mean lungs?" in said.out
    assert "fewer conditions" not in said.err
    assert phr("search", "--json", "--tag", "lung").json["hits"] == []


def test_what_is_shown_in_place_of_what_is_not_there_is_said(phr: Phr, record: Workspace) -> None:
    said = phr("search", "malaria", "tablets")
    assert "Not found: “malaria tablets”" in said.out
    assert "other words" not in said.out


def test_a_value_of_ones_own_is_marked_whole_on_a_narrow_screen(
    phr: Phr, record: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = phr("search", "--json", "sodium").json["hits"][0]["id"]
    assert phr("edit", id_, "--value", "136.25").status == 0
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    said = phr("search", "sodium")
    assert YOURS in said.out
    assert max(map(len, said.out.splitlines())) <= 80
