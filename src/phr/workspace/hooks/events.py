"""What happened in a sync that somebody may want to be told: decided from its report, and from what was told before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from phr.views.events import new_abnormal
from phr.workspace.hooks.memory import Memory, News

if TYPE_CHECKING:
    from phr.model import SyncRun
    from phr.store.store import Store
    from phr.workspace.sync import SyncReport

AGAIN = 7
"""Days after which a failure that goes on is told again."""
MOST = 100
"""So many results are named."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell. `words` are fixed words and counts, fit for a screen that others see."""

    name: str
    words: str
    news: tuple[News, ...] = ()
    """What is not to be told again soon."""
    sign_in: tuple[tuple[str, str | None], ...] = ()
    """Connections that need a person, and until when."""
    abnormal: tuple[dict[str, Any], ...] = ()
    """Results; what of them is told, the payload decides."""
    test: bool = False


def happened(
    store: Store, report: SyncReport, memory: Memory, now: datetime, wanted: set[str]
) -> list[Event]:
    """The events of a report, of those that somebody wants to hear of."""
    for run in report.runs:
        if run.status == "completed":
            memory.mended("failed", run.connection)
    found = (
        _post_sync(report) if "post_sync" in wanted else None,
        _failed(report, memory, now) if "failed" in wanted else None,
        _sign_in_soon(report, memory, now) if "sign_in_soon" in wanted else None,
        _new_abnormal(store, report) if "new_abnormal" in wanted else None,
    )
    return [event for event in found if event is not None]


def count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def changes(runs: tuple[SyncRun, ...]) -> dict[str, int]:
    """How many resources are new, updated and gone, and how many documents came."""
    every = [counts for run in runs for counts in run.types.values()]
    found = {name: sum(getattr(one, name) for one in every) for name in ("new", "updated", "gone")}
    return {**found, "documents": sum(run.documents.get("new", 0) for run in runs)}


def _post_sync(report: SyncReport) -> Event | None:
    found = {name: number for name, number in changes(report.runs).items() if number}
    words = ", ".join(
        count(number, "document", "documents") if name == "documents" else f"{number:,} {name}"
        for name, number in found.items()
    )
    return Event("post_sync", f"phr: {words}") if found else None


# ── failures ──────────────────────────────────────────────────────────────────────────────────────


def matters(run: SyncRun) -> Iterator[News]:
    """What is the matter with a run, one by one, the same in every night on which it is the same."""
    new = [one for one in run.skipped if not one.known]
    for one in new:
        yield run.connection, f"{one.type} {one.http_status or _still(one.reason)}"
    if not new or run.status == "failed":
        yield run.connection, f"{run.status} {_still(run.error or '')}"


def _still(words: str) -> str:
    """Words without what differs from night to night: numbers, and the ids that hold them."""
    return re.sub(r"\S*\d\S*", "…", words)


def _failed(report: SyncReport, memory: Memory, now: datetime) -> Event | None:
    runs = [run for run in report.runs if run.exit_status not in (0, 130)]
    news = {one for run in runs for one in matters(run)}
    if all(memory.days_since("failed", one, now) < AGAIN for one in news):
        return None
    whole = sum(run.status == "failed" for run in runs)
    parts = [
        f"{count(whole, 'connection', 'connections')} failed" if whole else "",
        f"{count(len(runs) - whole, 'connection', 'connections')} only partly done"
        if whole < len(runs)
        else "",
    ]
    return Event("failed", f"phr: {', '.join(filter(None, parts))}", tuple(sorted(news)))


def _sign_in_soon(report: SyncReport, memory: Memory, now: datetime) -> Event | None:
    ends: dict[str, str | None] = dict(report.sign_in_soon)
    ends |= {run.connection: None for run in report.runs if run.exit_status == 4}
    news = tuple((name, "sign-in") for name in sorted(ends))
    if all(memory.days_since("sign_in_soon", one, now) < 1 for one in news):
        return None
    asks = count(len(ends), "connection asks", "connections ask")
    return Event("sign_in_soon", f"phr: {asks} for a new sign-in", news, tuple(sorted(ends.items())))


# ── results outside their range ───────────────────────────────────────────────────────────────────


def _new_abnormal(store: Store, report: SyncReport) -> Event | None:
    runs = [run for run in report.runs if any(one.new for one in run.types.values())]
    # In the first whole sync everything is new.
    found = tuple(one for run in runs if not store.runs.is_first(run) for one in new_abnormal(store, run))
    if not found:
        return None
    are = count(len(found), "new result is", "new results are")
    return Event("new_abnormal", f"phr: {are} marked as abnormal", abnormal=found)


def by_kind(found: tuple[dict[str, Any], ...]) -> dict[str, int]:
    """How many results of each kind."""
    return dict(Counter(str(one["kind"]) for one in found))
