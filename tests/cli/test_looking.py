"""`phr timeline`, `show`, `status`, `tag`, `jobs`, `audit`, `paths`: what a person looks at."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import orjson
import pytest

RAW = b'{"resourceType" : "Condition","id":"c1", "code":{"text":"Asthma"},"onsetDateTime":"2015","x":1.20}'


def test_timeline_json_has_the_shape_of_the_contract(phr: Any, record: object) -> None:
    found = phr("timeline", "--json").json
    assert found["schema"] == 1
    assert found["total"] == len(found["events"]) == 6
    assert found["date_range"] == {"earliest": "2015", "latest": "2024-03-12T08:30:00-05:00"}
    names = (
        "id kind date precision recorded title description value unit low high abnormal status category codes"
    )
    names += " facility performer sources origin sensitivity resource tags"
    assert set(names.split()) <= set(found["events"][0])
    assert found["events"][-1]["date"] is None


def test_format_json_and_json_are_the_same(phr: Any, record: object) -> None:
    assert phr("timeline", "--json").out == phr("timeline", "--format", "json").out


def test_a_record_cannot_steer_the_terminal(phr: Any, record: object) -> None:
    for words in (
        ("timeline",),
        ("timeline", "--json"),
        ("timeline", "--format", "csv"),
        ("show", "Observation/o1"),
    ):
        answer = phr(*words)
        assert answer.status == 0
        assert not set(answer.out) & set("\x1b\x07\x9b")
    assert "\u202e" not in phr("timeline").out + phr("show", "Observation/o1").out


def test_on_a_terminal_only_our_own_colours_reach_the_screen(
    on_a_terminal: Any, record: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, seen = on_a_terminal("timeline")
    assert "\x1b[1;36m2024\x1b[0m" in seen
    assert "\x1b]0;" not in seen
    assert "\x1b[2J" not in seen
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in on_a_terminal("timeline")[1]


def test_filters_narrow_the_timeline(phr: Any, record: object) -> None:
    def total(*words: str) -> int:
        return int(phr("timeline", "--json", *words).json["total"])

    assert total("--kind", "problem") == 1
    assert total("--kind", "problem", "--kind", "lab-result") == 6
    assert total("--since", "2024") == 2
    assert total("--until", "2023") == 3
    assert total("--source", "old-file") == 1
    assert total("--search", "sodium") == 1
    assert phr("timeline", "--source", "nobody").status == 2
    assert phr("timeline", "--since", "soon").status == 2


def test_a_kind_is_known_by_the_word_that_the_timeline_shows(phr: Any, record: object) -> None:
    for shown, kind in (("lab", "lab_result"), ("Visit", "encounter"), ("appt.", "appointment")):
        said = phr("timeline", "--kind", shown, "--json").json
        assert said["total"] == phr("timeline", "--kind", kind, "--json").json["total"]
    assert phr("timeline", "--kind", "labb").status == 2


def test_a_range_that_ends_before_it_begins_is_a_usage_error(phr: Any, record: object) -> None:
    assert phr("timeline", "--since", "2024", "--until", "2020").status == 2
    assert phr("timeline", "--since", "2020", "--until", "2020").status == 0


def test_pages_follow_each_other_and_the_hint_repeats_the_command(phr: Any, record: object) -> None:
    first = phr("timeline", "--limit", "2", "--kind", "lab_result")
    hint = next(line for line in first.out.splitlines() if line.startswith("Older: "))
    words = hint.removeprefix("Older: phr ").split()
    assert words[:5] == ["timeline", "--limit", "2", "--kind", "lab_result"]
    second = phr(*words, "--json").json
    assert [one["title"] for one in second["events"]] == ["=HYPERLINK(1)", "Ferritin"]
    third = phr(*words[:-1], second["next"])
    assert "Potassium" in third.out
    assert "Older" not in third.out


def test_ndjson_is_one_event_a_line(phr: Any, record: object) -> None:
    found = [orjson.loads(line) for line in phr("timeline", "--format", "ndjson").out.splitlines()]
    assert [one["kind"] for one in found].count("problem") == 1
    assert len(found) == 6


def test_csv_runs_nothing_in_a_spreadsheet_and_keeps_digits(phr: Any, record: object) -> None:
    rows = list(csv.DictReader(io.StringIO(phr("timeline", "--format", "csv").out)))
    assert "'=HYPERLINK(1)" in [row["title"] for row in rows]
    assert [row["value"] for row in rows if row["title"] == "Sodium"] == ["140"]


def test_an_empty_answer_says_so_on_stderr(phr: Any, record: object) -> None:
    answer = phr("timeline", "--search", "nothinglikethis")
    assert (answer.status, answer.out, answer.err) == (0, "", "No record fits.\n")


def test_show_raw_is_exactly_what_was_sent(process: Any, record: object) -> None:
    answer = process("show", "Condition/c1", "--raw")
    assert answer.out.encode() == RAW


def test_show_names_source_and_sections(phr: Any, record: object) -> None:
    answer = phr("show", "Condition/c1", "--history")
    assert answer.out.startswith("Asthma\n")
    assert "clinic: Condition/c1" in answer.out
    assert "never" in answer.out
    found = phr("show", "Condition/c1", "--json").json
    assert {"details", "related", "trend", "history", "notes", "attachments", "provenance"} <= set(found)
    assert phr("show", "999").status == 2


def test_tags_come_go_and_filter(phr: Any, record: object) -> None:
    assert phr("tag", "Condition/c1", "insurance", "ask again", "--json").json["tags"] == [
        "ask again",
        "insurance",
    ]
    assert phr("timeline", "--tag", "insurance", "--json").json["total"] == 1
    assert phr("tag", "Condition/c1", "--remove", "insurance").out == "ask again\n"
    assert phr("tag", "Condition/c1", "two\nlines").status == 2


def test_status_is_one_screen_and_check_fails_when_stale(phr: Any, record: object) -> None:
    answer = phr("status")
    assert "clinic" in answer.out
    assert "old-file" in answer.out
    assert max(map(len, answer.out.splitlines())) <= 80
    checked = phr("status", "--check", "--json")
    assert checked.status == 1
    assert checked.json["connections"][0]["stale"]
    assert "clinic: no success" in checked.err
    assert phr("status").status == 0


def test_connections_list_show_rename_and_set(phr: Any, record: object) -> None:
    assert phr("connections", "--json").json["connections"][0]["name"] == "clinic"
    assert phr("connections", "rename", "clinic", "old-file").status == 2
    assert phr("connections", "rename", "clinic", "home").status == 0
    assert phr("connections", "show", "home", "--json").json["fhir_base"] == "http://127.0.0.1:9/fhir"
    assert phr("timeline", "--source", "home", "--json").json["total"] == 5
    assert phr("connections", "set", "home", "--every", "7d", "--auto", "off").status == 0
    found = phr("connections", "--json").json["connections"][0]
    assert (found["every"], found["auto_sync"]) == ("168h", False)
    for wrong in ("30m", "8d", "90m", "soon"):
        assert phr("connections", "set", "home", "--every", wrong).status == 2
    assert "clinic" in phr("connections", "show", "clinic").err


def test_no_connection_is_an_empty_list(phr: Any) -> None:
    assert phr("connections", "list", "--json").json["connections"] == []
    assert phr("connections").status == 0


def test_jobs_are_empty_then_there(phr: Any, record: object) -> None:
    assert phr("jobs", "--json").json == {"schema": 1, "jobs": [], "by_status": {}}
    phr("sync", "--quiet")
    found = phr("jobs", "list", "--json").json
    assert found["by_status"] == {"failed": 1}
    assert found["jobs"][0]["errors"]
    assert "clinic" in phr("jobs").out


def test_audit_is_shown_and_a_change_is_found_out(phr: Any, record: Any) -> None:
    assert phr("audit", "--json").json["events"][0]["action"] == "import"
    assert phr("audit", "verify").status == 0
    with record.store() as store:
        store.db.execute("UPDATE audit_event SET objects = 'else'")
    assert phr("audit", "verify", "--json").status == 1
    assert "not as it was written" in phr("audit", "verify").err


def test_paths_are_printed_and_nothing_is_made(phr: Any, tmp_path: Path) -> None:
    found = phr("paths", "--json").json
    assert found["records"] == str(tmp_path / "home" / "data" / "default" / "records.db")
    assert not (tmp_path / "home").exists()
