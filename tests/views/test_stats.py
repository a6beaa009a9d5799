"""Sums per day and connection."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from phr.errors import UsageError
from phr.model import SyncRun, TypeCounts
from phr.store.store import Store
from phr.views.stats import stats, totals

KEYS = "day connection runs succeeded requests failed_requests mean_response_ms seconds resources bytes"


@pytest.fixture(autouse=True)
def _far_west(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Seven hours behind UTC, without summer time."""
    monkeypatch.setenv("TZ", "XYZ7")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def ran(store: Store, source: str, started: str, status: str = "completed", mode: str = "full") -> None:
    job = store.runs.start(source, "manual", mode)
    store.runs.finish(
        SyncRun(
            str(job), "hospital", "manual", status, mode, started, started, 2.5, 10, 100,
            {"Observation": TypeCounts(new=1, updated=2, unchanged=3, gone=9), "Goal": TypeCounts(unchanged=4)},
            (), {}, failed_requests=1, mean_response_ms=30.0,
        )
    )  # fmt: skip
    store.db.execute("UPDATE sync_run SET started = ? WHERE id = ?", (started, job))


def test_a_day_of_a_connection_is_summed_up(life: Store) -> None:
    for state in ("completed", "partial", "failed", "cancelled"):
        ran(life, "k2", "2026-02-28T12:00:00Z", state)
    (day,) = stats(life)
    assert set(KEYS.split()) <= set(day)
    assert day == {
        "day": "2026-02-28",
        "connection": "hospital",
        "runs": 4,
        "succeeded": 2,
        "partial": 1,
        "failed": 1,
        "cancelled": 1,
        "requests": 40,
        "failed_requests": 4,
        "mean_response_ms": 30.0,
        "seconds": 10.0,
        "resources": 40,
        "changed": 12,
        "bytes": 400,
        "success": 0.667,
        "mean_seconds": 2.5,
    }


def test_a_day_is_one_of_this_computers_calendar(life: Store) -> None:
    ran(life, "k2", "2026-02-28T06:59:00Z")
    ran(life, "k2", "2026-02-28T07:01:00Z")
    assert [one["day"] for one in stats(life)] == ["2026-02-28", "2026-02-27"]
    assert [one["day"] for one in stats(life, since="2026-02-28")] == ["2026-02-28"]


def test_what_runs_still_and_what_came_from_files_is_not_in_it(life: Store) -> None:
    life.runs.start("k2", "manual", "full")
    life.runs.queue("k2", "manual", "full")
    ran(life, life.sources.ensure("clinic").key, "2026-02-28T12:00:00Z", mode="file")
    assert stats(life) == []
    assert totals([])["runs"] == 0
    assert totals([])["success"] is None


def test_connections_are_told_apart_and_an_unknown_one_is_said_to_be_so(life: Store) -> None:
    ran(life, "k2", "2026-02-28T12:00:00Z")
    ran(life, life.sources.ensure("alpha").key, "2026-02-28T12:00:00Z")
    assert [one["connection"] for one in stats(life)] == ["alpha", "hospital"]
    assert [one["connection"] for one in stats(life, connection="hospital")] == ["hospital"]
    with pytest.raises(UsageError):
        stats(life, connection="nobody")


def test_all_days_together_weigh_each_answer_once() -> None:
    names = "runs succeeded partial failed cancelled failed_requests seconds resources changed bytes"
    zero = dict.fromkeys(names.split(), 0)
    days = [{**zero, "requests": 10, "mean_response_ms": 100.0, "runs": 1, "succeeded": 1},
            {**zero, "requests": 30, "mean_response_ms": 20.0, "runs": 2, "cancelled": 1},
            {**zero, "requests": 0, "mean_response_ms": None}]  # fmt: skip
    found = totals(days)
    assert (found["requests"], found["mean_response_ms"], found["success"]) == (40, 40.0, 0.5)
