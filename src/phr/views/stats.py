"""Sums per day and connection: how often, how well, how much, how fast. Reads only.

A day is one of this computer's calendar, since that is what a person looks back on. Imports of files are no
connection and are not in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from phr.fhir import dates

if TYPE_CHECKING:
    from phr.store.store import Store

_SUMS = """
 count(*), sum(r.status IN ('completed', 'partial')), sum(r.status = 'partial'), sum(r.status = 'failed'),
 sum(r.status = 'cancelled'), sum(r.requests), sum(r.failed_requests), sum(r.response_ms), sum(r.seconds),
 sum((SELECT sum(coalesce(t.value ->> '$.new', 0) + coalesce(t.value ->> '$.updated', 0)
   + coalesce(t.value ->> '$.unchanged', 0)) FROM json_each(r.types) t)),
 sum((SELECT sum(coalesce(t.value ->> '$.new', 0) + coalesce(t.value ->> '$.updated', 0)) FROM json_each(r.types) t)),
 sum(r.bytes)"""
_ENDED = "r.mode != 'file' AND r.status NOT IN ('queued', 'running')"
_WEEK = timedelta(days=7)


def stats(store: Store, *, since: str | None = None, connection: str | None = None) -> list[dict[str, Any]]:
    """One line for each day and connection with a run that ended, the newest day first.

    `since` is a day (`2026-03-01`) of this computer's calendar. Raises UsageError for a connection that is none.
    """
    if connection is not None:
        store.connections.get(connection)
    rows = store.db.execute(
        f"SELECT date(r.started, 'localtime') AS day, s.name, {_SUMS} FROM sync_run r JOIN source s"
        f" ON s.id = r.source_id WHERE {_ENDED} AND (?1 IS NULL OR s.name = ?1) AND (?2 IS NULL OR day >= ?2)"
        " GROUP BY day, s.name ORDER BY day DESC, s.name",
        (connection, since),
    )
    return [{"day": row[0], "connection": row[1], **_line(row[2:])} for row in rows]


def week(store: Store) -> dict[str, dict[str, Any]]:
    """For each connection by name the requests of the last seven days: how many, failed, and how fast."""
    began = dates.instant(datetime.fromisoformat(store.now()) - _WEEK)
    rows = store.db.execute(
        "SELECT s.name, sum(r.requests), sum(r.failed_requests), sum(r.response_ms) FROM sync_run r"
        f" JOIN source s ON s.id = r.source_id WHERE {_ENDED} AND r.started >= ? GROUP BY s.id",
        (began,),
    )
    return {
        row[0]: {
            "requests": row[1],
            "failed_requests": row[2],
            "mean_response_ms": _mean(row[3], row[1]),
        }
        for row in rows
    }


def totals(days: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """All these lines as one."""
    found = list(days)
    names = "runs succeeded partial failed cancelled requests failed_requests seconds resources changed bytes"
    line: dict[str, Any] = {name: sum(day[name] for day in found) for name in names.split()}
    answered = [(day["mean_response_ms"], day["requests"]) for day in found if day["mean_response_ms"]]
    line["mean_response_ms"] = _mean(
        sum(mean * times for mean, times in answered), sum(times for _, times in answered)
    )
    return {**line, **_rates(line["runs"], line["succeeded"], line["cancelled"], line["seconds"])}


def _line(row: tuple[Any, ...]) -> dict[str, Any]:
    runs, succeeded, partial, failed, cancelled, requests, bad, response_ms, seconds, came, changed, size = (
        value or 0 for value in row
    )
    return {
        "runs": runs,
        "succeeded": succeeded,
        "partial": partial,
        "failed": failed,
        "cancelled": cancelled,
        "requests": requests,
        "failed_requests": bad,
        "mean_response_ms": _mean(response_ms, requests),
        "seconds": round(seconds, 3),
        "resources": came,
        "changed": changed,
        "bytes": size,
        **_rates(runs, succeeded, cancelled, seconds),
    }


def _rates(runs: int, succeeded: int, cancelled: int, seconds: float) -> dict[str, Any]:
    """The share that succeeded, of those that were not called off; how long one took on the average."""
    tried = runs - cancelled
    return {
        "success": round(succeeded / tried, 3) if tried else None,
        "mean_seconds": round(seconds / runs, 3) if runs else None,
    }


def _mean(total: float | None, times: int | None) -> float | None:
    return round(total / times, 1) if total and times else None
