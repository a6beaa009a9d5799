"""Jobs as documents: their shape, and what is let out of a server's words."""

from __future__ import annotations

from typing import Any

import pytest

from phr.errors import UsageError
from phr.model import Problem, SyncRun, TypeCounts
from phr.store.store import Store
from phr.views import jobs as view
from phr.views.status import connections, status

KEYS = (
    "id type direction connection trigger status priority progress attempts retry_of started finished counts bytes"
    " errors"
)


def ended(store: Store, status: str = "completed", *skipped: Problem, mode: str = "full", **more: Any) -> str:
    job = store.runs.queue("k2", "schedule", mode, wish={"types": ["Claim"]} if "wish" in more else None)
    store.runs.begin(job)
    store.runs.finish(
        SyncRun(
            str(job), "hospital", "schedule", status, mode, "2026-02-28T12:00:00Z", "2026-02-28T12:00:09Z", 9.0,
            more.get("requests", 8), 2048, {"Observation": TypeCounts(new=2, updated=1, failed=1)}, skipped,
            {"new": 1}, more.get("error"), 0, more.get("failed_requests", 2), more.get("mean_response_ms", 25.0),
        )
    )  # fmt: skip
    return str(job)


def test_a_job_has_the_shape_of_the_contract(life: Store) -> None:
    trouble = Problem("Observation", "it has no code", id="o7", http_status=None)
    ended(life, "partial", trouble, Problem("Claim", "not granted", known=True), error="the time was up")
    listed = view.jobs(life)
    assert set(listed) == {"jobs", "by_status"}
    (one,) = listed["jobs"]
    assert set(KEYS.split()) <= set(one)
    assert one["counts"] == {"new": 2, "updated": 1, "unchanged": 0, "gone": 0, "failed": 1}
    assert one["errors"] == [
        {"time": "2026-02-28T12:00:09Z", "type": None, "code": None, "message": "the time was up", "resource": None},
        {"time": "2026-02-28T12:00:09Z", "type": "Observation", "code": None, "message": "it has no code",
         "resource": "Observation/o7"},
    ]  # fmt: skip
    assert (one["mean_response_ms"], one["failed_requests"], one["attempts"]) == (25.0, 2, 1)


@pytest.mark.parametrize(
    ("mode", "type_"),
    [("full", "full"), ("incremental", "incremental"), ("bulk", "bulk"), ("documents", "documents"), ("file", "import")],
)  # fmt: skip
def test_an_import_is_said_to_be_one(life: Store, mode: str, type_: str) -> None:
    ended(life, mode=mode)
    assert view.jobs(life)["jobs"][0]["type"] == type_


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("no such type", "no such type"),
        ("page https://a.example/fhir/Observation?patient=77 is gone", "page https://a.example/… is gone"),
        ("two\nlines\x1b[2J", "two lines [2J"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_the_words_of_a_server_are_one_short_line_without_ids(life: Store, said: str, told: str) -> None:
    job = ended(life, "failed", Problem("Observation", said), error=said)
    found = view.whole(life, job)
    assert [one["message"] for one in found["errors"]] == [told, told]
    assert (found["error"], found["skipped"][0]["reason"]) == (told, told)


def test_pages_of_jobs_follow_each_other_and_all_are_counted(life: Store) -> None:
    for at in range(5):
        ended(life, "failed" if at == 1 else "completed")
    first = view.jobs(life, limit=2)
    second = view.jobs(life, limit=2, after=first["next"])
    last = view.jobs(life, limit=2, after=second["next"])
    assert [one["id"] for page in (first, second, last) for one in page["jobs"]] == ["5", "4", "3", "2", "1"]
    assert "next" not in last
    assert view.jobs(life, status="failed")["by_status"] == {"completed": 4, "failed": 1}
    with pytest.raises(UsageError):
        view.jobs(life, after="o1")


def test_one_job_is_shown_with_what_it_was_asked_and_who_tried_again(life: Store) -> None:
    job = ended(life, "failed", wish=True)
    again = life.runs.queue("k2", "retry", "full", retry_of=job)
    found = view.whole(life, job)
    assert found["asked"] == {"types": ["Claim"]}
    assert found["retried_by"] == [str(again)]
    assert found["types"]["Observation"]["new"] == 2
    assert not found["details_let_go"]


def test_a_connection_tells_of_the_job_at_work_and_of_those_that_wait(life: Store) -> None:
    assert (connections(life)[0]["running"], connections(life)[0]["queued"]) == (None, 0)
    job = life.runs.start("k2", "manual", "incremental")
    life.runs.note(job, progress=0.4, requests=7, bytes=1, types={})
    life.runs.queue("k2", "manual", "full")
    life.runs.queue("k2", "manual", "full", priority=9)
    one = connections(life)[0]
    assert one["running"] == {
        "id": str(job), "type": "incremental", "progress": 0.4, "started": life.now(), "seconds": 0.0,
        "requests": 7,
    }  # fmt: skip
    assert one["queued"] == 2
    assert [(j["status"], j["priority"]) for j in view.under_way(life)] == [
        ("running", 0),
        ("queued", 9),
        ("queued", 0),
    ]


def test_the_requests_of_the_last_seven_days_stand_with_each_connection(life: Store) -> None:
    ended(life, requests=100, mean_response_ms=10.0, failed_requests=5)
    life.db.execute("UPDATE sync_run SET started = '2026-02-20T00:00:00Z'")  # the clock stands at 1 March
    ended(life, requests=10, mean_response_ms=40.0, failed_requests=1)
    ended(life, requests=30, mean_response_ms=20.0, failed_requests=0)
    life.runs.queue("k2", "manual", "full")
    one = status(life, "ada")["connections"][0]
    assert (one["requests"], one["failed_requests"], one["mean_response_ms"]) == (40, 1, 25.0)


def test_fetching_documents_is_no_success_of_a_sync(life: Store) -> None:
    life.db.execute("UPDATE connection SET connected = '2026-01-01T00:00:00Z'")
    ended(life, mode="documents")
    one = connections(life)[0]
    assert one["stale"]
    assert one["runs"] == 1
