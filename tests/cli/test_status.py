"""`phr status`: what runs, what the servers answered, and everybody at home."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from phr.model import Problem, SyncRun
from phr.workspace import Workspace


def ran(here: Workspace, status: str = "completed", *skipped: Problem, requests: int = 1500) -> None:
    with here.store() as store:
        job = store.runs.start("k1", "manual", "full")
        store.runs.finish(
            SyncRun(str(job), "clinic", "manual", status, "full", store.now(), store.now(), 2.5, requests, 100, {},
                    skipped, {}, failed_requests=12, mean_response_ms=130.4)
        )  # fmt: skip


def test_requests_of_a_week_are_for_who_asks_for_more(phr: Any, record: Workspace) -> None:
    assert "requests" not in phr("status", "-v").out
    ran(record)
    assert "requests" not in phr("status").out
    assert "RESOURCES" not in phr("status").out
    said = phr("status", "-v").out
    assert "clinic: 1,500 requests in 7 days, 12 failed, 130 ms on average" in said.splitlines()
    assert "RESOURCES" in said
    one = phr("status", "--json").json["connections"][0]
    assert (one["requests"], one["failed_requests"], one["mean_response_ms"]) == (1500, 12, 130.4)
    assert "requests" in phr("connections", "--json").json["connections"][0]


def test_a_job_at_work_and_one_that_waits_are_named(phr: Any, record: Workspace) -> None:
    with record.lock(), record.store() as store:
        job = store.runs.queue("k1", "manual", "full")
        assert "clinic: a sync waits for its turn" in phr("status").out
        store.runs.begin(job, "bulk")
        assert "clinic: a bulk export is under way now" in phr("status").out
        store.runs.note(job, progress=0.4, requests=0, bytes=0, types={})
        assert "clinic: a bulk export is under way now, 40 %" in phr("status").out
        assert f"job {job}" in phr("connections", "show", "clinic").out


def test_a_connection_that_was_never_synced_to_its_end_is_not_said_to_work(
    phr: Any, record: Workspace
) -> None:
    said = phr("status").out
    assert "clinic is not synced yet; phr sync clinic goes on" in said
    assert "yes" not in said.split("CONNECTION")[1].splitlines()[1]
    assert phr("status", "--json").json["connections"][0]["health"] == "healthy"
    quiet = phr("status", "--quiet", "--check")
    assert (quiet.status, quiet.out) == (1, "")
    ran(record)
    assert "not synced yet" not in phr("status").out


def test_new_troubles_come_first_and_many_are_counted(phr: Any, record: Workspace) -> None:
    known = [Problem(f"T{n}", f"the server says {n}", known=True) for n in range(9)]
    ran(record, "partial", *known, Problem("Goal", "it did not come", http_status=503))
    short = phr("status").out.split("Left out at clinic\n")[1].splitlines()
    assert short[:2] == ["  goals (Goal): it did not come", "  and for 9 more reasons: phr status --skipped"]
    lines = phr("status", "--skipped").out.split("Left out at clinic\n")[1].splitlines()
    assert lines[0] == "  goals (Goal): it did not come"
    assert lines[5] == "  T4: the server says 4"
    assert lines[6] == "  and for 4 more reasons: phr jobs show 1"


# ── everybody at home ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def family(record: Workspace, tmp_path: Path) -> None:
    """Beside the record of `default` one of `bo` that opens, and one of `cy` with a key that is elsewhere."""
    with Workspace(os.environ, "bo").store(create=True):
        pass
    other = tmp_path / "other.key"
    other.write_bytes(bytes(32))
    other.chmod(0o600)
    with Workspace({**os.environ, "PHR_KEY_FILE": str(other)}, "cy").store(create=True):
        pass
    (tmp_path / "home" / "data" / "nobody").mkdir()


def test_everybody_is_shown_and_who_is_locked_is_named(phr: Any, family: None) -> None:
    answer = phr("status", "--all-users")
    assert answer.status == 0
    assert "bo" in answer.out.splitlines(), "without a connection there is nothing that works or fails"
    heads = [line for line in answer.out.splitlines() if line.split(":")[0][2:] in ("bo", "cy", "default")]
    assert heads == ["– cy: locked", "✓ default: connections work"]
    assert "phr status --user cy" in answer.out
    assert max(map(len, answer.out.splitlines())) <= 80
    found = phr("status", "--all-users", "--json").json
    assert [one["user"] for one in found["users"]] == ["bo", "cy", "default"]
    assert found["health"] == "healthy"
    assert found["users"][1]["locked"] is True
    assert found["users"][2]["connections"][0]["name"] == "clinic"


def test_the_check_fails_for_any_of_them_and_says_for_whom(phr: Any, family: None) -> None:
    answer = phr("status", "--all-users", "--check")
    assert answer.status == 1
    assert answer.err.startswith("default: clinic: no success for twice its interval")
    assert phr("status", "--check", "--user", "bo").status == 0
    assert phr("status", "--user", "cy").status == 6


def test_with_nobody_here_everybody_is_nobody(phr: Any) -> None:
    assert phr("status", "--all-users", "--json").json == {"schema": 1, "health": "healthy", "users": []}
    assert "phr connect" in phr("status", "--all-users").out


# ── the record itself ─────────────────────────────────────────────────────────────────────────────


def test_the_dashboard_shows_what_is_new_and_what_is_due(phr: Any, record: Workspace) -> None:
    import orjson

    from phr.model import Received

    def task(id_: str, **more: object) -> Received:
        body = {"resourceType": "Task", "id": id_, "status": "requested", "intent": "order", **more}
        return Received("Task", id_, orjson.dumps(body))

    with record.store() as store:
        store.save(
            "k1",
            [
                task("t1", description="Call back"),
                task("t2", description="Send it", restriction={"period": {"end": "2020"}}),
            ],
        )
    lines = phr("status").out.splitlines()
    assert any("Glucose" in line and "9.1 mmol/L" in line for line in lines)
    assert any(line.startswith("2 tasks to do, 1 overdue: Send it by 2020") for line in lines)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80

    found = phr("status", "--json").json
    assert {"newest", "abnormal_since", "looked", "due_tasks", "next_appointment"} <= set(found)
    assert [one["overdue"] for one in found["due_tasks"]] == [True, False]
    assert found["next_appointment"] is None


def test_only_a_screen_of_text_is_a_look(phr: Any, record: Workspace) -> None:
    def noted() -> str | None:
        with record.store() as store:
            return store.setting("looked")

    for words in (("--json",), ("--quiet",), ("--check",), ("--all-users",)):
        phr("status", *words)
        assert noted() is None
    phr("status")
    assert noted() is not None


def test_no_word_on_the_screen_is_a_verdict_on_the_patient(phr: Any, record: Workspace) -> None:
    ran(record)
    said = phr("status").out
    assert said.startswith("✓ default: connections work")
    assert "healthy" not in said


def test_what_the_person_wrote_is_no_file_and_has_its_time(phr: Any, record: Workspace) -> None:
    assert phr("add", "weight", "68.5", "--unit", "kg").status == 0
    said = phr("status").out
    files = said.split("Brought in from files")[1].split("\n\n")[0]
    assert "old-file" in files
    assert "self" not in files
    (line,) = [line for line in said.splitlines() if line.startswith("Written by you")]
    assert line.startswith("Written by you: 1 entry, the last on 2")
    assert "never" not in line


def test_bills_are_not_the_newest_of_a_life(phr: Any, record: Workspace) -> None:
    import orjson

    from phr.model import Received

    def told(type_: str, **more: object) -> Received:
        return Received(type_, "x", orjson.dumps({"resourceType": type_, "id": "x", **more}))

    with record.store() as store:
        store.save(
            "k1",
            [
                told("Claim", status="active", created="2025-10-15", type={"text": "Bill for the vaccine"}),
                told(
                    "Immunization",
                    status="completed",
                    occurrenceDateTime="2025-10-14",
                    vaccineCode={"text": "Flu shot"},
                ),
            ],
        )
    newest = phr("status", "--json").json["newest"]
    assert "immunization" in {one["kind"] for one in newest}
    assert "claim" not in {one["kind"] for one in newest}
