"""Records come in from connections: `sync`, and what one would ask: `dry_run`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from phr.errors import UsageError
from phr.fhir import dates
from phr.fhir.pace import Limits, Pace
from phr.model import Connection, Refusal, Search, SyncRun, Vendor
from phr.store.store import Store, utc_now
from phr.sync.pull import Progress, Wish
from phr.views.status import ends_soon, is_put_off
from phr.workspace.settling import settle
from phr.workspace.shift import Job, Shift

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class SyncWish:
    """Which connections to bring up to date, and how."""

    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    documents: bool = True
    due: bool = False
    trigger: str = "manual"
    progress: Callable[[Progress], None] = lambda _: None
    full: bool = False
    """Ask for everything, also where a server can say what changed."""
    since: str | None = None
    """An instant: only what changed since then, where a server can say so."""
    bulk: str | None = None
    """`patient`, `group:ID` or `system`: one Bulk Data export instead of searches."""
    priority: int = 0
    max_duration: float | None = None
    """Seconds after which it stops in good order; None: as in the settings."""
    retry_of: str | None = None
    """The job that this is another attempt of."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """How the runs ended, together. `exit_status` as the contract says: 0, 1, 3, 4 or 130."""

    status: str
    runs: tuple[SyncRun, ...]
    exit_status: int
    sign_in_soon: tuple[tuple[str, str], ...] = ()
    """Connections, and the instant before which a person has to sign in again, where it is days away."""
    quiet_until: str | None = None
    """Nobody was asked, for these are quiet hours until this instant."""
    unread: int = 0
    """C-CDA documents that wait to be read into records: `phr import --from-documents`."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What one connection would be asked."""

    connection: str
    mode: str
    last_sync: str | None
    searches: tuple[Search, ...] = ()
    refused: tuple[Refusal, ...] = ()
    error: str | None = None
    """Why the plan is not the whole truth, or there is none."""


def sync(workspace: Workspace, wish: SyncWish) -> SyncReport:
    """Bring connections up to date, several side by side; one that fails or hangs does not hold up the others.

    Raises Busy when another run holds the lock, UsageError for a name that is none, KeyboardInterrupt once what was
    interrupted is written down.
    """
    with workspace.lock(), workspace.store() as store:
        store.runs.abandon()
        runs = _work(workspace, store, chosen(store, wish), wish)
        soon = _soon(workspace, store, {run.connection for run in runs})
        if runs:
            settle(store)
        unread = len(store.imports.unread_documents()) if runs else 0
    return SyncReport(
        _together([run.status for run in runs]), tuple(runs), _exit_status(runs), soon, unread=unread
    )


def dry_run(workspace: Workspace, wish: SyncWish) -> tuple[Planned, ...]:
    """What each connection would be asked. Servers are asked what they offer, nothing of the record; nothing is kept."""
    from phr.workspace import plans

    with workspace.store() as store:
        return plans.plans(workspace, store, chosen(store, wish), wish)


def chosen(store: Store, wish: SyncWish) -> list[Connection]:
    """The connections that a wish means: the named ones, else all that were not disconnected; of both, with `due`, those
    that are. Who waits longest comes first.
    """
    if wish.names:
        found = [store.connections.get(name) for name in dict.fromkeys(wish.names)]
    else:
        found = [one for one in store.connections.all() if one.state != "revoked"]
    if not found:
        left = ", ".join(one.name for one in store.connections.all())
        again = f"All were disconnected ({left}). Sign in again: phr reconnect NAME"
        raise UsageError(
            "There is nothing to bring up to date.",
            hint=again if left else "Make a connection: phr connect PROVIDER",
        )
    found.sort(key=lambda one: one.last_sync or "")
    now = utc_now()
    return [one for one in found if one.state != "revoked" and is_due(one, now)] if wish.due else found


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether the interval of a connection has passed and it is meant to run by itself."""
    if not connection.auto_sync:
        return False
    if connection.last_sync is None:
        return True
    last = datetime.fromisoformat(connection.last_sync)
    # A clock that was ahead once must not silence a connection for years: what is yet to come was not.
    return last > now or now >= last + timedelta(hours=connection.every_hours)


def _work(workspace: Workspace, store: Store, found: Sequence[Connection], wish: SyncWish) -> list[SyncRun]:
    if not found:
        return []
    settings = workspace.settings.sync
    how = Wish(
        trigger=wish.trigger,
        types=wish.types,
        documents=wish.documents,
        full=wish.full,
        since=wish.since,
        bulk=wish.bulk,
        debug=workspace.environ.get("PHR_DEBUG") == "1",
        full_every_days=settings.full_every / _DAY,
        progress=wish.progress,
    )
    if any(one.auth != "none" for one in found):
        _ = workspace.vault.secrets  # opened once, here, where a person may be asked
    store.refresh_records()  # may take minutes, once after an update, and can be interrupted like anything here
    jobs = _jobs(workspace, store, found, wish)
    return Shift(workspace, store, jobs, how, wish.max_duration or settings.max_duration).work()


def _jobs(workspace: Workspace, store: Store, found: Sequence[Connection], wish: SyncWish) -> list[Job]:
    """One queued job for each connection. Those at the same server share its pace, and the threads that may ask it."""
    paces: dict[str, Pace] = {}
    at_base = Counter(_base(one) for one in found)
    mode = "bulk" if wish.bulk else "full"
    again = {
        "types": list(wish.types),
        "documents": wish.documents,
        "full": wish.full,
        "since": wish.since,
        "bulk": wish.bulk,
    }
    jobs = []
    for one in found:
        vendor, base = workspace.catalog.vendor_of(one.vendor), _base(one)
        if base not in paces:
            paces[base] = pace_of(store, one, vendor)
        number = store.runs.queue(
            one.key, wish.trigger, mode, priority=wish.priority, retry_of=wish.retry_of, wish=again
        )
        threads = min(vendor.concurrency, workspace.settings.sync.concurrency) // at_base[base]
        jobs.append(Job(number, one, vendor, paces[base], max(1, threads), wish.trigger, mode))
    return jobs


def _base(connection: Connection) -> str:
    return connection.fhir_base.rstrip("/").lower()


def pace_of(store: Store, connection: Connection, vendor: Vendor) -> Pace:
    """As fast as this vendor lets itself be asked; a day is one of UTC."""
    limits = Limits(
        per_second=vendor.requests_per_second,
        burst=vendor.burst,
        per_minute=vendor.requests_per_minute,
        per_day=vendor.requests_per_day,
    )
    midnight = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    spent = store.runs.requests_since(connection.fhir_base, dates.instant(midnight))
    return Pace(limits, spent_today=spent)


def _soon(workspace: Workspace, store: Store, names: set[str]) -> tuple[tuple[str, str], ...]:
    """Who has to sign in again within days; those that have to now are told by their run."""
    now = utc_now()
    return tuple(
        (one.name, one.sign_in_before)
        for one in store.connections.all()
        if one.name in names and one.state == "active" and one.sign_in_before and ends_soon(one, now)
        # Where it ends only for want of use, the syncs that are planned put that off.
        if workspace.idle_hours(one.vendor) is None or not is_put_off(one, now)
    )


def _together(statuses: Sequence[str]) -> str:
    """One word for several runs."""
    found = set(statuses)
    if not found or found == {"completed"}:
        return "completed"
    return found.pop() if found in ({"failed"}, {"cancelled"}) else "partial"


def _exit_status(runs: Sequence[SyncRun]) -> int:
    found = {run.exit_status for run in runs}
    if found <= {0}:
        return 0
    return found.pop() if len(found) == 1 else 3
