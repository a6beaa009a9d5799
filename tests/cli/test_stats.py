"""`phr stats`: a table with small bars, and the same as a document."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from phr.cli.stats import stats_lines
from phr.cli.text import Screen
from phr.model import SyncRun, TypeCounts
from phr.views.stats import totals
from phr.workspace import Workspace


def ran(here: Workspace, days_ago: float, status: str = "completed", came: int = 10) -> None:
    with here.store() as store:
        job = store.runs.start("k1", "manual", "full")
        when = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat(timespec="seconds")
        counts = {"Observation": TypeCounts(new=came)} if came else {}
        store.runs.finish(
            SyncRun(str(job), "clinic", "manual", status, "full", when, when, 2.5, 10, 100, counts, (), {},
                    failed_requests=1, mean_response_ms=30.0)
        )  # fmt: skip
        store.db.execute("UPDATE sync_run SET started = ? WHERE id = ?", (when, job))


def test_the_document_has_the_keys_that_scripts_rely_on(phr: Any, record: Workspace) -> None:
    ran(record, 0)
    ran(record, 40)
    found = phr("stats", "--json").json
    (day,) = found["days"]
    names = "day connection runs succeeded requests failed_requests mean_response_ms seconds resources bytes"
    assert set(names.split()) <= set(day)
    assert (day["connection"], day["runs"], day["resources"], day["mean_response_ms"]) == (
        "clinic",
        1,
        10,
        30.0,
    )
    assert len(phr("stats", "--since", "60d", "--json").json["days"]) == 2
    assert len(phr("stats", "--since", "2000-01", "--json").json["days"]) == 2
    assert phr("stats", "--connection", "clinic", "--json").json["total"]["runs"] == 1


def test_what_makes_no_sense_is_said(phr: Any, record: Workspace) -> None:
    assert "No connection ran since" in phr("stats").err
    assert phr("stats", "--json").json["days"] == []
    for wrong in (("--since", "soon"), ("--since", "2999"), ("--connection", "nobody")):
        assert phr("stats", *wrong).status == 2, wrong


def line(day: str, name: str, **more: Any) -> dict[str, Any]:
    plain = {
        "day": day, "connection": name, "runs": 1, "succeeded": 1, "partial": 0, "failed": 0, "cancelled": 0,
        "requests": 12_345, "failed_requests": 3, "mean_response_ms": 1863.0, "seconds": 77.0, "resources": 2000,
        "changed": 14, "bytes": 97_600_000, "success": 1.0, "mean_seconds": 77.0,
    }  # fmt: skip
    return {**plain, **more}


DAYS = [
    line("2026-03-01", "clinic"),
    line("2026-03-01", "st-marys-hospital-of-the-north", resources=1000, success=0.996),
    line("2026-02-28", "clinic", resources=0, failed=1, success=0.0, mean_response_ms=None),
    line("2026-02-27", "clinic", resources=1, success=None),
]


@pytest.mark.parametrize("columns", [60, 80, 100, 120, 160])
@pytest.mark.parametrize("unicode", [True, False])
def test_bars_are_as_long_as_what_came_and_fit(columns: int, unicode: bool) -> None:
    found = list(stats_lines(DAYS, totals(DAYS), Screen(columns, colour=False, unicode=unicode)))
    assert max(map(len, found)) <= columns
    full = "█" if unicode else "#"
    bars = [one.count(full) for one in found[1:5]]
    assert bars[0] >= 6
    assert bars[1] == bars[0] // 2
    assert bars[2] == 0
    assert found[4].rstrip()[-1] in "▏#", "whatever is not nothing can be seen"
    assert found[1].startswith("2026-03-01  clinic")
    assert found[2].startswith("            st-marys")
    assert "99 %" in found[2]
    assert "  0 %" in found[3]
    assert found[5].startswith("all")
    if columns >= 160:
        assert found[0].split() == [
            "DAY", "CONNECTION", "RUNS", "OK", "REQUESTS", "FAILED", "MEAN", "TIME", "CAME", "CHANGED", "BYTES",
        ]  # fmt: skip
