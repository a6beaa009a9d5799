"""`phr jobs`: list, show, watch, cancel, retry; with a real record, and other processes at work on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from phr.model import Problem, SyncRun, TypeCounts
from phr.workspace import Workspace
from phr.workspace.sync import SyncReport

FORBIDDEN = Problem("Claim", "the sign-in does not allow it", http_status=403, known=True)
NO_ANSWER = Problem("Observation", "https://a.example/fhir/Observation?patient=77 did not answer", "o9", 503)


def finished(job: int | str, status: str, *skipped: Problem, mode: str = "full", **more: Any) -> SyncRun:
    return SyncRun(
        str(job), "clinic", "manual", status, mode, "2026-02-28T12:00:00Z", "2026-02-28T12:03:12Z", 192.0, 8, 2048,
        {"Observation": TypeCounts(new=1200, failed=1)}, skipped, {"new": 1, "bytes": 7}, **more,
    )  # fmt: skip


@pytest.fixture
def ran(record: Workspace) -> Callable[..., str]:
    """One job of the past: `ran("failed")`."""

    def run(status: str = "completed", *skipped: Problem, mode: str = "full", **more: Any) -> str:
        wish = more.pop("wish", {})
        with record.store() as store:
            job = store.runs.queue("k1", "manual", mode, priority=more.pop("priority", 0), wish=wish)
            store.runs.begin(job)
            store.runs.finish(finished(job, status, *skipped, mode=mode, **more))
        return str(job)

    return run


@pytest.fixture
def at_work(record: Workspace) -> Iterator[Callable[..., Any]]:
    """Somebody else who holds the lock, with a job that runs: `with at_work() as (store, job)`."""

    @contextmanager
    def working() -> Iterator[tuple[Any, int]]:
        with record.lock(), record.store() as store:
            job = store.runs.start("k1", "manual", "incremental")
            types = {"Observation": TypeCounts(new=1204)}
            store.runs.note(job, progress=0.4, requests=33, bytes=10, types=types)
            yield store, job

    yield working


# ── looking ───────────────────────────────────────────────────────────────────────────────────────


def test_the_list_has_the_keys_that_scripts_rely_on(phr: Any, ran: Any) -> None:
    ran("partial", FORBIDDEN, NO_ANSWER, exit_status=3)
    found = phr("jobs", "list", "--json").json
    (one,) = found["jobs"]
    names = (
        "id type direction connection trigger status priority progress attempts retry_of started finished counts"
        " bytes errors"
    )
    assert set(names.split()) <= set(one)
    assert found["by_status"] == {"partial": 1}
    assert [(error["type"], error["code"]) for error in one["errors"]] == [("Observation", 503)]
    assert "patient=77" not in str(found)


def test_filters_and_pages(phr: Any, ran: Any) -> None:
    for at in range(5):
        ran("failed" if at == 1 else "completed")
    assert [one["id"] for one in phr("jobs", "list", "--status", "failed", "--json").json["jobs"]] == ["2"]
    page = phr("jobs", "list", "--limit", "3", "--json").json
    assert (len(page["jobs"]), page["next"], page["by_status"]) == (3, "3", {"completed": 4, "failed": 1})
    rest = phr("jobs", "list", "--after", page["next"], "--json").json
    assert [one["id"] for one in rest["jobs"]] == ["2", "1"]
    assert "Older: phr jobs list -n 3 --after 3" in phr("jobs", "list", "-n", "3").out
    assert "Older: phr jobs -n 3 --after 3" in phr("jobs", "-n", "3").out
    assert phr("jobs", "list", "--connection", "clinic", "--json").json["by_status"]["failed"] == 1
    for wrong in (("--status", "odd"), ("--after", "x"), ("--connection", "nobody"), ("--limit", "0")):
        assert phr("jobs", "list", *wrong).status == 2, wrong
    assert phr("jobs", "list", "--status", "queued").out == "No job fits.\n"


@pytest.mark.parametrize("columns", [60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_screen(
    phr: Any, ran: Any, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERMINAL_WIDTH", str(columns))
    job = ran("partial", FORBIDDEN, NO_ANSWER, error="a long story " * 20, exit_status=3)
    ran()
    for words in (("jobs",), ("jobs", "show", job), ("status",), ("stats", "--since", "2000")):
        said = phr(*words).out
        assert max(map(len, said.splitlines())) <= columns, words
    assert "clinic" in phr("jobs").out


@pytest.mark.parametrize(
    ("columns", "heads"),
    [
        (80, "ID CONNECTION TYPE STATUS STARTED NEW UPDATED GONE"),
        (120, "ID CONNECTION TYPE STATUS STARTED TIME NEW UPDATED GONE TRIGGER REQUESTS BYTES"),
        (200, "ID CONNECTION TYPE STATUS STARTED TIME NEW UPDATED GONE TRIGGER REQUESTS BYTES WHY"),
    ],
)
def test_what_matters_of_a_job_is_there_at_any_width_and_why_stands_below_where_it_must(
    phr: Any, ran: Any, record: Workspace, columns: int, heads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERMINAL_WIDTH", str(columns))
    with record.store() as store:
        store.connections.save(replace(store.connections.get("clinic"), name="a clinic in the north"))
    ran("completed", mode="incremental")
    ran("failed", error="the server did not answer for quite a while")
    first, *rest = phr("jobs").out.splitlines()
    assert first.split() == heads.split()
    assert "" not in rest, "no empty lines"
    why = "the server did not answer for quite a while"
    assert (rest[1] == f"    {why}") is (columns < 200)
    assert why in (rest[0] if columns == 200 else rest[1])


def test_a_job_that_was_killed_has_no_time(phr: Any, record: Workspace) -> None:
    with record.store() as store:
        store.runs.start("k1", "manual", "full")
    assert "0.0 s" not in phr("jobs").out
    assert " – " in phr("jobs").out
    assert "0.0 s" not in phr("jobs", "show", "1").out


def test_what_the_source_took_back_is_named_by_its_address_alone(phr: Any, record: Workspace) -> None:
    with record.store() as store:
        job = store.runs.start("k1", "manual", "full")
        began = store.runs.get(str(job)).started
        assert store.gone("k1", "Condition", "c1")
        types = {"Condition": TypeCounts(gone=1)}
        run = finished(job, "completed")
        store.runs.finish(replace(run, types=types, started=began, finished=store.now()))
    said = phr("jobs", "show", str(job))
    assert "Gone: taken back by the source" in said.out
    assert "  problem: Condition/c1" in said.out
    assert "Asthma" not in said.out
    found = phr("jobs", "show", str(job), "--json").json["gone"]
    assert found == [{"kind": "problem", "resource": "Condition/c1", "reason": "deleted"}]
    assert phr("jobs", "--json").json["jobs"][0]["progress"] == 1.0


def test_a_job_at_work_says_for_how_long(phr: Any, at_work: Any) -> None:
    with at_work() as (store, job):
        store.db.execute("UPDATE sync_run SET started = '2026-01-01T00:00:00Z' WHERE id = ?", (job,))
        assert phr("jobs", "--json").json["jobs"][0]["seconds"] > 1000
        assert phr("status", "--json").json["connections"][0]["running"]["seconds"] > 1000


def test_one_job_is_shown_whole(phr: Any, ran: Any) -> None:
    job = ran("partial", FORBIDDEN, NO_ANSWER, exit_status=3, failed_requests=2, mean_response_ms=120.0)
    said = phr("jobs", "show", job).out
    for words in (
        f"Job {job}: clinic, full, partial",
        "after 3 min 12 s",
        "8, 2 failed, 120 ms on average; 2.0 kB",
        "2 things skipped, 1 of them for the first time",
        "Skipped: https://a.example/… did not answer: results and vital signs\n    (Observation)",
        "  Noted:\n    the sign-in does not allow it: claims (Claim)",
        "Resources: Observation/o9",
        f"Again: phr jobs retry {job}",
    ):
        assert words in said
    found = phr("jobs", "show", job, "--json").json
    assert [one["known"] for one in found["skipped"]] == [True, False]
    assert phr("jobs", "show", "99").status == 2
    assert phr("jobs", "show", "o1").status == 2


def test_a_job_whose_process_is_gone_is_not_shown_as_running(phr: Any, record: Workspace) -> None:
    with record.store() as store:
        store.runs.start("k1", "manual", "full")
        store.runs.queue("k1", "manual", "full")
    assert phr("jobs", "--json").json["by_status"] == {"cancelled": 2}
    assert phr("status", "--json").json["connections"][0]["running"] is None


def test_a_job_at_work_is_shown_as_running_everywhere(phr: Any, at_work: Any) -> None:
    with at_work() as (_, job):
        (one,) = phr("jobs", "--json").json["jobs"]
        assert (one["status"], one["progress"], one["finished"]) == ("running", 0.4, None)
        assert "running 40 %" in phr("jobs").out
        assert "clinic: syncing now, 40 %" in phr("status").out
        assert phr("status", "--json").json["connections"][0]["running"]["id"] == str(job)


# ── watching ──────────────────────────────────────────────────────────────────────────────────────


def test_watching_ends_at_once_when_nothing_runs(phr: Any, ran: Any) -> None:
    assert (phr("jobs", "watch").err, phr("jobs", "watch").status) == ("Nothing runs.\n", 0)
    job = ran()
    assert "completed" in phr("jobs", "watch", job).out
    assert phr("jobs", "watch", "--json").json == {"schema": 1, "jobs": []}
    assert phr("jobs", "watch", "77").status == 2


def test_watching_without_a_terminal_says_each_change_once(phr: Any, at_work: Any) -> None:
    with at_work() as (store, job):
        from phr.cli.watching import Watch

        steps: Iterator[Callable[[], object]] = iter(
            [
                lambda: None,
                lambda: store.runs.note(job, progress=0.9, requests=40, bytes=10, types={}),
                lambda: store.runs.finish(finished(job, "completed", mode="incremental")),
            ]
        )
        seen = Watch(store, lambda: None, sleep=lambda _: next(steps)()).until_the_end()
    assert [(one["id"], one["status"]) for one in seen] == [(str(job), "completed")]


@pytest.fixture
def watching(tmp_path: Path) -> Callable[..., Any]:
    """`phr jobs watch` in a process of its own, its lines as they come."""

    def begin() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "phr", "jobs", "watch"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=dict(os.environ),
        )  # fmt: skip

    return begin


def test_watching_in_another_process_follows_a_job_to_its_end(watching: Any, at_work: Any) -> None:
    with at_work() as (store, job):
        child = watching()
        assert child.stdout.readline() == f"{job} clinic running 40 %, 1,204 came, 33 requests\n"
        store.runs.note(job, progress=0.9, requests=40, bytes=10, types={})
        assert child.stdout.readline() == f"{job} clinic running 90 %, 0 came, 40 requests\n"
        store.runs.finish(finished(job, "completed", mode="incremental"))
        said, complaint = child.communicate(timeout=20)
    assert (child.returncode, complaint) == (0, "")
    assert said.splitlines()[-1].split()[:4] == [str(job), "clinic", "incremental", "completed"]


def test_ctrl_c_stops_looking_and_not_the_job(at_work: Any, watching: Any) -> None:
    with at_work() as (store, job):
        child = watching()
        assert child.stdout.readline().startswith(f"{job} clinic running")
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=20)
        assert (child.returncode, said) == (130, "Interrupted.\n")
        assert store.runs.get(str(job)).status == "running"
        assert not store.runs.cancelled(job)


def test_on_a_terminal_one_line_moves(on_a_terminal: Any, at_work: Any) -> None:
    with at_work() as (store, job):
        seen: list[tuple[int, str]] = []
        watcher = threading.Thread(target=lambda: seen.append(on_a_terminal("jobs", "watch")))
        watcher.start()
        watcher.join(2.0)
        store.runs.finish(finished(job, "completed", mode="incremental"))
        watcher.join(20)
    ((status, said),) = seen
    assert status == 0
    assert "\r\x1b[Kclinic running 40 %, 1,204 came, 33 requests" in said
    moving = said.split("ID", 1)[0]
    assert "\n" not in moving
    assert "completed" in said


# ── stopping ──────────────────────────────────────────────────────────────────────────────────────


def test_a_job_of_another_process_is_asked_to_stop(
    phr: Any, at_work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from phr.cli import jobs

    monkeypatch.setattr(jobs, "_CONFIRM_SECONDS", 0.2)
    with at_work() as (store, job):
        answer = phr("jobs", "cancel", str(job))
        assert (answer.status, answer.out) == (0, "")
        assert "was asked to stop" in answer.err
        assert f"phr jobs watch {job}" in answer.err
        assert store.runs.cancelled(job)
        assert phr("jobs", "cancel", str(job), "--json").json["status"] == "running"


def test_stopping_waits_until_the_other_process_says_so(process: Any, at_work: Any) -> None:
    with at_work() as (store, job):
        answers: list[Any] = []
        other = threading.Thread(target=lambda: answers.append(process("jobs", "cancel", str(job))))
        other.start()
        while not store.runs.cancelled(job):
            other.join(0.05)
        store.runs.finish(finished(job, "cancelled"))
        other.join(20)
    (answer,) = answers
    assert (answer.status, answer.err) == (0, f"Job {job} was asked to stop.\nJob {job} stopped.\n")


def test_what_has_ended_cannot_be_stopped(phr: Any, ran: Any) -> None:
    answer = phr("jobs", "cancel", ran("partial"))
    assert answer.status == 1
    assert "has ended already: partial" in answer.err
    assert phr("jobs", "cancel", "99").status == 2


def test_a_job_whose_process_is_gone_is_closed_by_stopping_it(phr: Any, record: Workspace) -> None:
    with record.store() as store:
        job = store.runs.start("k1", "manual", "full")
    answer = phr("jobs", "cancel", str(job))
    assert (answer.status, answer.err) == (0, f"Job {job} had stopped without saying so.\n")


@pytest.fixture
def hospital() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A server that takes every request; its address, and what was asked."""
    asked: list[tuple[str, str]] = []

    class Answering(BaseHTTPRequestHandler):
        def do_DELETE(self) -> None:
            asked.append((self.command, self.path))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/fhir", asked
        server.shutdown()


def test_an_export_that_nobody_fetches_any_more_is_called_off(
    phr: Any, record: Workspace, ran: Any, hospital: Any
) -> None:
    base, asked = hospital
    job = ran("cancelled", mode="bulk")
    assert phr("jobs", "cancel", job).status == 1, "there is none yet"
    with record.store() as store:
        one = store.connections.get("clinic")
        store.connections.save(replace(one, fhir_base=base, auth="none"))
        store.bulk.begin("k1", "patient", f"{base}/Patient/$export", f"{base}/status/7", None)
    assert phr("jobs", "cancel", ran("cancelled")).status == 1, "not a bulk job"
    answer = phr("jobs", "cancel", job)
    assert (answer.status, asked) == (0, [("DELETE", "/fhir/status/7")])
    assert "called off" in answer.err
    assert phr("jobs", "cancel", job).status == 1, "the second time there is none"


# ── again ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_job_is_done_again_with_the_same_wishes(
    phr: Any, ran: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wished: list[Any] = []

    def sync(here: Workspace, wish: Any) -> SyncReport:
        wished.append(wish)
        return SyncReport("completed", (finished(9, "completed"),), 0)

    monkeypatch.setattr(Workspace, "sync", sync)
    wish = {
        "types": ["Claim"],
        "documents": False,
        "full": True,
        "since": None,
        "bulk": "patient",
    }
    job = ran("failed", wish=wish, priority=4)
    answer = phr("jobs", "retry", job)
    assert answer.status == 0
    assert "clinic: 1,200 new" in answer.out
    (one,) = wished
    assert (one.names, one.types, one.documents, one.retry_of) == (("clinic",), ("Claim",), False, job)
    assert (one.full, one.since, one.bulk, one.priority) == (True, None, "patient", 4)
    assert phr("jobs", "retry", job, "--json").json["status"] == "completed"
    phr("jobs", "retry", ran("failed"))
    assert (wished[-1].types, wished[-1].documents) == ((), True)


def test_imports_documents_and_what_still_runs_are_not_done_again(phr: Any, ran: Any, at_work: Any) -> None:
    answer = phr("jobs", "retry", ran(mode="file"))
    assert answer.status == 1
    assert "phr import" in answer.err
    assert "phr documents fetch" in phr("jobs", "retry", ran(mode="documents")).err
    with at_work() as (_, job):
        answer = phr("jobs", "retry", str(job))
        assert answer.status == 1
        assert "at work still" in answer.err
    assert phr("jobs", "retry", "99").status == 2


def test_a_real_retry_is_a_job_of_its_own(phr: Any, ran: Any) -> None:
    """The clinic of the record is nowhere: the attempt fails, and is written down as the second one."""
    job = ran("failed")
    assert phr("jobs", "retry", job, "--quiet").status in (1, 4)
    again = phr("jobs", "--json").json["jobs"][0]
    assert (again["attempts"], again["retry_of"], again["status"]) == (2, job, "failed")
    assert f"job {again['id']}" in phr("jobs", "show", job).out
