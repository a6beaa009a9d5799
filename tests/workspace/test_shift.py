"""How a sync of several connections ends: nobody's report is lost, and no refresh token."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from phr.errors import Stopped, StoreError
from phr.fhir.pace import Limits, Pace, Spent
from phr.model import Connection, SyncRun, Vendor
from phr.store.store import Store
from phr.sync.desk import Desk
from phr.sync.pull import Wish
from phr.workspace import Workspace, shift, tokens
from phr.workspace.clients import client_for
from phr.workspace.shift import Job, Shift
from phr.workspace.sync import SyncWish, is_due

VENDOR = Vendor("custom", "Custom")


def connection(name: str) -> Connection:
    return Connection(name, name, "custom", "custom", name, "http://127.0.0.1:9/fhir", "", "p", auth="none")


@dataclass
class Fake:
    """Instead of a Pull: does what a test says."""

    client: Any
    desk: Desk
    connection: Connection
    vendor: Vendor
    wish: Wish

    does: Any = None
    """By the name of the connection."""

    def run(self) -> SyncRun:
        job = self.wish.job or 0
        self.desk.do(lambda store: store.runs.begin(job))
        self.does.get(self.connection.name, lambda _: None)(self)
        return self.desk.do(lambda store: store.runs.end(job, "completed"))

    def note(self, store: Store) -> None:
        """Nothing."""

    def give_up(self, store: Store, status: str, sentence: str | None) -> SyncRun | None:
        return None


@pytest.fixture
def at_work(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Shift, list[Job]]]:
    workspace = Workspace({"PHR_HOME": str(tmp_path / "home")})

    def made(debug: bool = False, **does: Callable[[Fake], None]) -> tuple[Shift, list[Job]]:
        monkeypatch.setattr(shift, "Pull", lambda *words: Fake(*words, does))
        jobs = []
        for name in ("one", "two", "three"):
            store.connections.save(connection(name))
            number = store.runs.queue(name, "manual", "full")
            jobs.append(Job(number, connection(name), VENDOR, Pace(), 1, "manual", "full"))
        return Shift(workspace, store, jobs, Wish(debug=debug), None), jobs

    return made


def breaks(_: Fake) -> None:
    raise ValueError("Ada Example, born 1815")


def full(_: Fake) -> None:
    raise StoreError("The disk is full.")


def test_one_that_breaks_costs_the_others_nothing(at_work: Any, store: Store) -> None:
    here, _ = at_work(two=breaks, three=full)
    runs = {run.connection: run for run in here.work()}
    assert [(name, run.status, run.exit_status) for name, run in runs.items()] == [
        ("one", "completed", 0),
        ("two", "failed", 1),
        ("three", "failed", 1),
    ]
    assert runs["two"].error == "phr met something it did not expect (ValueError)"
    assert runs["three"].error == "The disk is full."
    assert store.runs.by_status() == {"completed": 1, "failed": 2}
    assert store.connections.get("two").state == "error"


def test_what_breaks_is_shown_to_whoever_wants_to_see_it_after_all_is_written_down(
    at_work: Any, store: Store
) -> None:
    here, _ = at_work(debug=True, two=breaks)
    with pytest.raises(ValueError, match="Ada"):
        here.work()
    assert store.runs.by_status() == {"completed": 2, "failed": 1}


def test_a_run_that_was_written_in_the_last_moment_is_in_the_report(at_work: Any, store: Store) -> None:
    here, jobs = at_work()
    for job, status in zip(jobs, ("partial", "completed", "running"), strict=True):
        job.pull = Fake(None, here.desk, job.connection, VENDOR, Wish())
        store.runs.begin(job.number)
        if status != "running":
            store.runs.end(job.number, status, requests=7, exit_status=3 if status == "partial" else 0)
        job.stop.end("cancelled", "it was interrupted")
    here._wind_up()
    assert [(job.run.status, job.run.requests, job.run.exit_status, job.run.error) for job in jobs] == [
        ("partial", 7, 3, None),
        ("completed", 7, 0, None),
        ("failed", 0, 1, "it was interrupted"),
    ]


def test_a_thread_that_breaks_after_its_run_was_written_takes_nothing_back(
    at_work: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = at_work()
    monkeypatch.setattr(Shift, "_note_expiry", lambda *_: breaks(None))  # type: ignore[arg-type]
    assert [run.status for run in here.work()] == ["completed"] * 3


# ── renewals ──────────────────────────────────────────────────────────────────────────────────────


def test_the_end_waits_for_a_token_that_is_being_renewed(person: Any, ward: Any) -> None:
    ward.life = 1
    known = person.connect(ward)
    time.sleep(1.1)
    answered, usual = threading.Event(), ward.token

    def slow(form: dict[str, str], header: str | None) -> Any:
        answer = usual(form, header)  # from here on the former refresh token is dead
        time.sleep(shift.GRACE + 1.5)
        answered.set()
        return answer

    ward.token = slow
    report = person.workspace.sync(SyncWish(max_duration=0.3))
    assert answered.is_set()
    kept = tokens.kept_token(person.workspace, known)
    assert kept is not None
    assert kept.refresh_token == f"refresh-{ward.number}"
    assert [run.status for run in report.runs] == ["partial"]


def test_no_renewal_begins_once_it_is_to_end(person: Any, ward: Any) -> None:
    ward.life = 1
    known = person.connect(ward)
    time.sleep(1.1)
    stopping = threading.Event()
    stopping.set()
    before = ward.paths("/token")
    with (
        client_for(person.workspace, known, VENDOR, pace=Pace(), stopping=stopping) as client,
        pytest.raises(Stopped),
    ):
        client.read("Patient", known.patient_id or "")
    assert ward.paths("/token") == before


def test_a_renewal_is_counted_among_the_requests_of_its_server(person: Any, ward: Any) -> None:
    ward.life = 1
    known = person.connect(ward)
    time.sleep(1.1)
    ward.life = 3600
    with client_for(person.workspace, known, VENDOR, pace=Pace(Limits(per_day=2))) as client:
        client.read("Patient", known.patient_id or "")
        with pytest.raises(Spent):
            client.read("Patient", known.patient_id or "")
    assert ward.paths("/token")[-1:] == ["/token"] and client.requests == 1


# ── due ───────────────────────────────────────────────────────────────────────────────────────────

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (None, True),
        (NOW - timedelta(hours=25), True),
        (NOW - timedelta(hours=23), False),
        (NOW, False),
        (NOW + timedelta(days=1400), True),  # by a clock that was ahead
    ],
)
def test_what_is_due_does_not_hang_on_a_clock_that_was_once_ahead(last: datetime | None, due: bool) -> None:
    one = replace(connection("one"), last_sync=last.isoformat() if last else None, every_hours=24)
    assert is_due(one, NOW) is due
