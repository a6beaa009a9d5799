"""A run may die at any instant: the file opens, and the next run does what is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from phr.sandbox.server import Sandbox

SYNC = (
    "import os; from phr.workspace import Workspace; from phr.workspace.sync import SyncWish;"
    "Workspace(os.environ).sync(SyncWish())"
)


def ward(count: int) -> list[dict[str, Any]]:
    subject = {"reference": "Patient/p"}
    rows: list[dict[str, Any]] = [{"resourceType": "Patient", "id": "p"}]
    for type_ in ("Observation", "Condition", "Procedure", "Encounter"):
        for n in range(count):
            rows.append(
                {
                    "resourceType": type_,
                    "id": f"{type_[0]}{n}",
                    "subject": subject,
                    "note": [{"text": "x" * 300}],
                }
            )
            rows[-1]["performer"] = [{"reference": f"Practitioner/d{n % 7}"}]
    rows += [
        {"resourceType": "Practitioner", "id": f"d{n}", "name": [{"text": f"Dr. {n}"}]} for n in range(7)
    ]
    return rows


def counted(person: Any) -> int:
    with person.workspace.store() as store:
        assert store.integrity() == []
        return int(sum(store.counts()[0].values()))


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGINT])
def test_the_next_sync_completes_what_a_killed_one_began(
    person: Any, hospital: Callable[..., Sandbox], signal_: int
) -> None:
    world = ward(60)
    person.connect(hospital(resources=world, faults=("slow",)))
    person.environ["PHR_SYNC_BATCH_SIZE"] = "5"
    process = subprocess.Popen(
        [sys.executable, "-c", SYNC], env={**os.environ, **person.environ}, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 20
    while counted(person) < 20 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal_)
    process.wait(10)
    partly = counted(person)
    assert 20 <= partly < len(world)
    report = person.sync()
    assert (report.status, report.exit_status) == ("completed", 0)
    assert counted(person) == len(world)
    again = person.sync()
    assert sum(c.new + c.updated for c in again.runs[0].types.values()) == 0


def test_references_and_documents_of_an_interrupted_run_are_not_forgotten(
    person: Any, hospital: Callable[..., Sandbox]
) -> None:
    world = [
        *ward(2),
        {
            "resourceType": "DocumentReference",
            "id": "d",
            "subject": {"reference": "Patient/p"},
            "content": [{"attachment": {"url": "Binary/b", "contentType": "text/plain"}}],
        },
        {"resourceType": "Binary", "id": "b", "contentType": "text/plain", "data": "SGVsbG8="},
    ]
    person.connect(hospital(resources=world))
    person.sync(types=("Observation", "DocumentReference"), documents=False)
    with person.workspace.store() as store:
        assert not store.counts()[0]["Practitioner"]
    report = person.sync()
    assert report.runs[0].types["Practitioner"].new == 2
    assert report.runs[0].types["Observation"].unchanged == 2
    assert report.runs[0].documents["new"] == 1
