"""Jobs from the queue to their end, and what the next run knows of what the last ones skipped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from phr.errors import Busy, UsageError
from phr.model import Problem, SyncRun, TypeCounts
from phr.store import runs as jobs
from phr.store.store import Store

KEY = bytes(range(32))
FORBIDDEN = Problem("Claim", "not for this app", http_status=403)
BROKEN = Problem("Observation", "it has no id", id="o7")
LATER = Problem("Observation", "try later", http_status=503)


def ended(
    store: Store,
    source: str,
    status: str = "completed",
    *skipped: Problem,
    mode: str = "full",
    error: str | None = None,
    **wish: object,
) -> int:
    """One whole job of the past."""
    job = store.runs.queue(source, "manual", mode, wish=wish)
    store.runs.begin(job)
    store.runs.finish(
        SyncRun(
            str(job), "clinic", "manual", status, mode, store.now(), store.now(), 2.0, 8, 100, {}, skipped, {},
            error, {"partial": 3, "failed": 1}.get(status, 0), failed_requests=2, mean_response_ms=12.5,
        )
    )  # fmt: skip
    return job


@pytest.fixture
def other(store: Store, tmp_path: Path) -> Iterator[Store]:
    """The same file, opened by somebody else."""
    with Store(tmp_path / "records.db", KEY) as opened:
        yield opened


def test_a_job_waits_runs_and_ends_with_everything_that_is_to_be_known_of_it(
    store: Store, source: str
) -> None:
    job = store.runs.queue(source, "schedule", "full", priority=5, wish={"types": ["Claim"]})
    waiting = store.runs.get(str(job))
    assert (waiting.status, waiting.priority, waiting.attempts, waiting.finished) == ("queued", 5, 1, "")
    store.runs.begin(job, "incremental")
    store.runs.note(job, progress=0.4, requests=3, bytes=70, types={"Claim": TypeCounts(new=2)})
    running = store.runs.get(str(job))
    assert (running.status, running.mode, running.progress) == ("running", "incremental", 0.4)
    assert (running.requests, running.bytes, running.types["Claim"].new) == (3, 70, 2)
    store.runs.finish(
        replace(running, status="partial", finished=store.now(), requests=4, failed_requests=1,
                mean_response_ms=31.5, skipped=(LATER,), exit_status=3)
    )  # fmt: skip
    done = store.runs.get(str(job))
    assert (done.status, done.exit_status, done.failed_requests, done.mean_response_ms) == (
        "partial",
        3,
        1,
        31.5,
    )
    assert (done.progress, done.priority, done.skipped) == (1.0, 5, (LATER,))
    assert store.runs.wish(str(job)) == {"types": ["Claim"]}
    assert store.db.execute("SELECT time FROM problem").fetchone() == (store.now(),)


def test_attempts_count_along_the_chain_of_retries(store: Store, source: str) -> None:
    chain = [store.runs.start(source, "manual", "full")]
    for _ in range(2):
        chain.append(store.runs.queue(source, "manual", "full", retry_of=str(chain[-1])))
    found = [store.runs.get(str(job)) for job in chain]
    assert [(one.attempts, one.retry_of) for one in found] == [
        (1, None),
        (2, str(chain[0])),
        (3, str(chain[1])),
    ]


def test_jobs_of_a_process_that_is_gone_are_closed_and_those_that_ended_are_not(
    store: Store, source: str
) -> None:
    first = ended(store, source)
    store.runs.start(source, "manual", "full")
    store.runs.queue(source, "manual", "full")
    assert store.runs.abandon() == 2
    assert [(one.status, one.error) for one in store.runs.recent()] == [
        ("cancelled", jobs.UNSAID),
        ("cancelled", jobs.UNSAID),
        ("completed", None),
    ]
    assert store.runs.get(str(first)).status == "completed"
    assert store.runs.abandon() == 0


def test_jobs_side_by_side_do_not_close_each_other(store: Store, source: str) -> None:
    first = store.runs.start(source, "manual", "full")
    store.runs.start(store.sources.ensure("lab").key, "manual", "full")
    assert store.runs.get(str(first)).status == "running"


def test_another_process_asks_a_job_to_stop_while_its_writer_writes(
    store: Store, other: Store, source: str
) -> None:
    job = store.runs.start(source, "manual", "full")
    assert not store.runs.cancelled(job)
    assert other.runs.cancel(job)
    assert store.runs.cancelled(job)
    assert other.db.execute("PRAGMA busy_timeout").fetchone() == (30_000,)
    store.runs.abandon()
    assert not other.runs.cancel(job)
    assert not other.runs.cancelled(10_000)


def test_a_record_that_is_written_for_long_is_said_to_be_busy(
    store: Store, other: Store, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_CANCEL_WAIT_MS", 20)
    job = store.runs.start(source, "manual", "full")
    store.db.execute("BEGIN IMMEDIATE")
    try:
        assert not other.runs.cancelled(job), "reading waits for nobody"
        with pytest.raises(Busy):
            other.runs.cancel(job)
    finally:
        store.db.execute("ROLLBACK")


def test_a_number_that_is_none_is_a_usage_error(store: Store) -> None:
    for wrong in ("1", "x", "", "-1", "٣", "9" * 40):
        with pytest.raises(UsageError):
            store.runs.get(wrong)


def test_jobs_are_listed_by_pages_connection_and_status(store: Store, source: str) -> None:
    lab = store.sources.ensure("lab").key
    for at in range(6):
        ended(store, source if at % 2 else lab, "failed" if at == 5 else "completed")
    page = store.runs.recent(limit=4)
    rest = store.runs.recent(limit=4, after=page[-1].job_id)
    assert [int(one.job_id) for one in (*page, *rest)] == [6, 5, 4, 3, 2, 1]
    assert [one.job_id for one in store.runs.recent("lab")] == ["5", "3", "1"]
    assert [one.job_id for one in store.runs.recent(status="failed")] == ["6"]
    assert store.runs.by_status() == {"completed": 5, "failed": 1}
    assert store.runs.by_status("lab") == {"completed": 3}


# ── what is no news ───────────────────────────────────────────────────────────────────────────────

CLAIM, ENTRY, AGAIN = (
    ("Claim", None, "403"),
    ("Observation", "o7", "it has no id"),
    ("Observation", None, "503"),
)
Past = tuple[str, tuple[Problem, ...], dict[str, object]]


def run(status: str = "completed", *skipped: Problem, **more: object) -> Past:
    return status, skipped, more


@pytest.mark.parametrize(
    ("past", "known"),
    [
        ([], set()),
        ([run("partial", FORBIDDEN, BROKEN)], {CLAIM, ENTRY}),
        # What a full run of everything met no more has healed: if it comes back, it is news.
        ([run("partial", FORBIDDEN, BROKEN), run()], set()),
        # An incremental run asks for Claims too, but does not bring the old Observation.
        ([run("partial", FORBIDDEN, BROKEN), run(mode="incremental")], {ENTRY}),
        ([run("partial", FORBIDDEN), run("completed", FORBIDDEN, mode="incremental")], {CLAIM}),
        ([run("partial", BROKEN), run(mode="incremental"), run(mode="incremental"), run()], set()),
        # A run for one type says nothing of the others, and all of its own.
        ([run("partial", FORBIDDEN, BROKEN), run(types=["Patient"])], {CLAIM, ENTRY}),
        ([run("partial", FORBIDDEN, BROKEN), run(types=["Claim"])], {ENTRY}),
        ([run("partial", FORBIDDEN, BROKEN), run(types=["Claim"]), run(types=["Observation"])], set()),
        ([run("partial", FORBIDDEN), run("completed", BROKEN, types=["Observation"])], {CLAIM, ENTRY}),
        # Runs without documents leave out what is attached; so do other kinds of job.
        ([run("partial", BROKEN), run(documents=False)], {ENTRY}),
        ([run("partial", FORBIDDEN, BROKEN), run(mode="bulk"), run(mode="documents")], {CLAIM, ENTRY}),
        # One that failed or was stopped has asked for a part, and so has the one that went on from there.
        ([run("partial", FORBIDDEN), run("failed", BROKEN)], {CLAIM}),
        ([run("partial", FORBIDDEN), run("cancelled", BROKEN)], {CLAIM}),
        ([run("partial", FORBIDDEN), run("cancelled"), run()], {CLAIM}),
        ([run("partial", FORBIDDEN), run("cancelled"), run(), run()], set()),
        ([run("partial", FORBIDDEN), run("partial", error="the time was up")], {CLAIM}),
        ([run("partial", FORBIDDEN), run("partial", error="the time was up"), run()], {CLAIM}),
        # A type that met no answer is not taken for healed.
        ([run("partial", Problem("Observation", "no", http_status=403)), run("partial", LATER)],
         {AGAIN, ("Observation", None, "403")}),
    ],
)  # fmt: skip
def test_a_trouble_is_known_from_the_last_run_that_asked_for_the_same(
    store: Store, source: str, past: list[Past], known: set[tuple[str, str | None, str]]
) -> None:
    for status, skipped, more in past:
        ended(store, source, status, *skipped, **more)  # type: ignore[arg-type]
    assert store.runs.skipped_before(source) == known


def test_sources_do_not_know_each_others_troubles(store: Store, source: str) -> None:
    ended(store, store.sources.ensure("lab").key, "partial", FORBIDDEN)
    assert store.runs.skipped_before(source) == set()


# ── what is kept ──────────────────────────────────────────────────────────────────────────────────


def test_jobs_stay_and_what_old_ones_skipped_is_let_go(
    store: Store, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "KEPT", 5)
    ended(store, source, "partial", FORBIDDEN)
    whole = ended(store, source, "partial", BROKEN)
    lab = store.sources.ensure("lab").key
    first = ended(store, lab, "partial", LATER)
    for _ in range(12):
        ended(store, source, "completed", FORBIDDEN, mode="incremental")
    kept = {row[0] for row in store.db.execute("SELECT DISTINCT run_id FROM problem")}
    assert kept == {whole, first, *range(11, 16)}
    assert sum(store.runs.by_status().values()) == 15
    assert store.runs.skipped_before(source) == {CLAIM, ENTRY}


def test_a_job_of_many_years_is_written_quickly(store: Store, source: str) -> None:
    store.db.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) INSERT INTO sync_run"
        " (source_id, trigger, status, mode, started, seconds, requests, bytes, types, documents)"
        " SELECT 1, 'schedule', 'completed', 'full', '2020-01-01T00:00:00Z', 1, 1, 1, '{}', '{}' FROM n"
    )
    began = time.perf_counter()
    ended(store, source, "partial", FORBIDDEN)
    assert store.runs.skipped_before(source) == {CLAIM}
    assert time.perf_counter() - began < 1.0


def test_the_clock_of_a_job_is_that_of_the_store(tmp_path: Path) -> None:
    now = [datetime(2026, 3, 1, 12, tzinfo=UTC)]
    with Store(tmp_path / "other.db", KEY, create=True, clock=lambda: now[0]) as store:
        job = store.runs.queue(store.sources.ensure("clinic").key, "manual", "full")
        now[0] = datetime(2026, 3, 1, 13, tzinfo=UTC)
        store.runs.begin(job)
        now[0] = datetime(2026, 3, 1, 14, tzinfo=UTC)
        store.runs.begin(job, "incremental")
        found = store.runs.get(str(job))
        assert (found.started, found.mode) == ("2026-03-01T13:00:00Z", "incremental")


def test_who_ends_a_job_says_only_what_is_not_known_of_it(store: Store, source: str) -> None:
    job = store.runs.queue(source, "schedule", "full", priority=3)
    run = store.runs.end(job, "failed", error="the disk is full", exit_status=1)
    assert run == store.runs.get(str(job))
    assert (run.connection, run.trigger, run.mode, run.priority) == ("clinic", "schedule", "full", 3)
    assert (run.status, run.error, run.exit_status, run.seconds) == ("failed", "the disk is full", 1, 0.0)


def spent(store: Store, started: str, finished: str | None, requests: int) -> None:
    base = "https://ehr.example/fhir"
    job = store.runs.start(store.sources.ensure("here", "connection", base + "/").key, "manual", "full")
    store.db.execute(
        "UPDATE sync_run SET started = ?, finished = ?, requests = ? WHERE id = ?",
        (started, finished, requests, job),
    )


@pytest.mark.parametrize(
    ("started", "finished", "counted"),
    [
        ("2026-02-28T01:00:00Z", "2026-02-28T23:59:00Z", 0),
        ("2026-03-01T01:00:00Z", "2026-03-01T02:00:00Z", 100),
        ("2026-02-28T23:30:00Z", "2026-03-01T00:30:00Z", 50),  # over midnight
        ("2026-02-28T22:00:00Z", "2026-03-01T00:00:01Z", 1),
        ("2026-03-01T11:00:00Z", None, 100),  # at work
        ("2030-01-01T00:00:00Z", "2030-01-01T00:10:00Z", 0),  # by a clock that was ahead
    ],
)
def test_of_a_day_counts_what_was_asked_on_it(
    tmp_path: Path, started: str, finished: str | None, counted: int
) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with Store(tmp_path / "other.db", KEY, create=True, clock=lambda: noon) as store:
        spent(store, started, finished, 100)
        midnight = "2026-03-01T00:00:00Z"
        assert store.runs.requests_since("https://ehr.example/fhir", midnight) == counted
        assert store.runs.requests_since("https://other.example/fhir", midnight) == 0


def test_the_first_whole_sync_is_told_from_those_after_it(store: Store, source: str) -> None:
    jobs_ = [
        ended(store, source, "cancelled"),
        ended(store, source, mode="documents"),
        ended(store, source),
        ended(store, source, mode="incremental"),
    ]
    assert [store.runs.is_first(store.runs.get(str(job))) for job in jobs_] == [True, True, True, False]
    assert (store.runs.last_started("manual"), store.runs.last_started("schedule")) == (store.now(), None)
