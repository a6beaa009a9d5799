"""Whatever a server does for a while: after enough runs the store is what the server holds, byte for byte."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from phr.workspace import Workspace
from phr.workspace.sign_in import ConnectRequest, Speaker
from phr.workspace.sync import SyncReport, SyncWish

from .clinic import FAULTS, Clinic, filled, opened

ENOUGH = 12
"""Runs after which every schedule has had its say: each run asks something, and each fault comes once."""

schedules = st.lists(st.sampled_from(FAULTS), max_size=40)
counts = st.lists(st.integers(0, 9), min_size=1, max_size=5)


class _Home:
    """A person with a home of their own, for one example."""

    def __init__(self, folder: Path, **settings_: str) -> None:
        key = folder / "key"
        key.write_bytes(os.urandom(32))
        key.chmod(0o600)
        self.environ = {
            "PHR_HOME": str(folder / "home"),
            "PHR_KEY_FILE": str(key),
            "PHR_SYNC_RETRY_DELAY": "0",
            **settings_,
        }

    def connect(self, base: str) -> None:
        request = ConnectRequest(provider="custom", url=base, auth="none", patient="p1", name="clinic")
        Workspace(self.environ).connect(request, Speaker(lambda _: False, lambda _: None))

    def sync(self, **wish: object) -> SyncReport:
        return Workspace(self.environ).sync(SyncWish(**wish))  # type: ignore[arg-type]

    def kept(self) -> dict[tuple[str, str], bytes]:
        with Workspace(self.environ).store() as store:
            rows = store.db.execute("SELECT type, fhir_id, raw FROM resource").fetchall()
            records = store.db.execute("SELECT count(*) FROM record").fetchone()[0]
        assert len({(row[0], row[1]) for row in rows}) == len(rows) == records
        return {(row[0], row[1]): bytes(row[2]) for row in rows}


def _comes_right(clinic: Clinic, attempts: str) -> None:
    with tempfile.TemporaryDirectory() as folder, opened(clinic) as base:
        spoilt, clinic.schedule = clinic.schedule, []
        home = _Home(Path(folder), PHR_SYNC_RETRY_ATTEMPTS=attempts)
        home.connect(base)
        clinic.schedule = spoilt
        clinic._count = iter(range(10_000))
        for run in range(1, ENOUGH + 1):
            report = home.sync()
            note(f"run {run}: exit {report.exit_status}, {report.runs[0].error}")
            assert report.exit_status in (0, 1, 3)
            if report.exit_status == 0:
                break
        assert report.exit_status == 0, "the server is well again, and the sync is not"
        home.sync(full=True)  # what a refusal has taught is asked again
        expected = dict(clinic.resources)
        assert home.kept() == expected


@settings(
    max_examples=30,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(schedule=schedules, counts=counts, attempts=st.sampled_from(["0", "1", "3"]))
def test_a_random_bad_day_comes_right(schedule: list[str], counts: list[int], attempts: str) -> None:
    _comes_right(filled(counts, schedule=schedule), attempts)


@pytest.mark.full
@settings(max_examples=300, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    schedule=schedules,
    counts=counts,
    attempts=st.sampled_from(["0", "1", "2", "3"]),
    last_updated=st.booleans(),
)
def test_three_hundred_bad_days_come_right(
    schedule: list[str], counts: list[int], attempts: str, last_updated: bool
) -> None:
    _comes_right(filled(counts, schedule=schedule, last_updated=last_updated), attempts)
