"""Records come in from connections: `sync`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from phr.errors import PhrError, ReconnectNeeded, UsageError
from phr.fhir.client import FhirClient
from phr.model import Connection, SyncRun, Vendor
from phr.smart.token import ends_at
from phr.store.store import Store, utc_now
from phr.sync.pull import Progress, Wish, pull
from phr.views.status import ends_soon, is_put_off
from phr.workspace import tokens
from phr.workspace.whose import claim_params

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class SyncWish:
    """Which connections to bring up to date, and how."""

    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    documents: bool = True
    due: bool = False
    trigger: str = "manual"
    progress: Callable[[Progress], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class SyncReport:
    """How the runs ended, together. `exit_status` as the contract says: 0, 1, 3 or 4."""

    status: str
    runs: tuple[SyncRun, ...]
    exit_status: int
    sign_in_soon: tuple[tuple[str, str], ...] = ()
    """Connections, and the instant before which a person has to sign in again, where it is days away."""


def sync(workspace: Workspace, wish: SyncWish) -> SyncReport:
    """Bring connections up to date, one after another; one that fails does not stop the others.

    Raises Busy when another run holds the lock, UsageError for a name that is none.
    """
    with workspace.lock(), workspace.store() as store:
        runs = [_sync_one(workspace, store, one, wish) for one in chosen(store, wish)]
        soon = _soon(workspace, store, {run.connection for run in runs})
    return SyncReport(_together([run.status for run in runs]), tuple(runs), _exit_status(runs), soon)


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


def chosen(store: Store, wish: SyncWish) -> list[Connection]:
    """The connections that a wish means: the named ones, else all that were not disconnected."""
    if wish.names:
        return [store.connections.get(name) for name in dict.fromkeys(wish.names)]
    found = [one for one in store.connections.all() if one.state != "revoked"]
    if not found:
        left = ", ".join(one.name for one in store.connections.all())
        again = f"All were disconnected ({left}). Sign in again: phr reconnect NAME"
        raise UsageError(
            "There is nothing to bring up to date.",
            hint=again if left else "Make a connection: phr connect PROVIDER",
        )
    return [one for one in found if is_due(one, utc_now())] if wish.due else found


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether the interval of a connection has passed and it is meant to run by itself."""
    if not connection.auto_sync:
        return False
    if connection.last_sync is None:
        return True
    last = datetime.fromisoformat(connection.last_sync)
    return now >= last + timedelta(hours=connection.every_hours)


def _sync_one(workspace: Workspace, store: Store, connection: Connection, wish: SyncWish) -> SyncRun:
    chosen_settings = workspace.settings.sync
    vendor = workspace.catalog.vendor_of(connection.vendor)
    how = Wish(
        trigger=wish.trigger,
        types=wish.types,
        documents=wish.documents,
        debug=workspace.environ.get("PHR_DEBUG") == "1",
        workers=min(vendor.concurrency, chosen_settings.concurrency),
        page_size=chosen_settings.batch_size or vendor.page_size,
        progress=wish.progress,
    )
    if connection.state == "revoked":
        return _not_run(store, connection, wish, ReconnectNeeded(connection.name))
    try:
        source = None if connection.auth == "none" else tokens.session(workspace, connection)
        if source is None and connection.auth != "none":
            raise ReconnectNeeded(connection.name)
    except PhrError as error:
        return _not_run(store, connection, wish, error)
    client = FhirClient(
        connection.fhir_base,
        source,
        always=claim_params(vendor, source.token if source else None),
        timeout=chosen_settings.timeout,
        retry_attempts=chosen_settings.retry_attempts,
        retry_delay=chosen_settings.retry_delay,
    )
    with client:
        run = pull(client, store, connection, vendor, how)
    _note_expiry(workspace, store, connection, vendor)
    return run


def _not_run(store: Store, connection: Connection, wish: SyncWish, error: PhrError) -> SyncRun:
    """A run that could not begin, written down like any other."""
    number = store.runs.start(connection.key, wish.trigger, "full")
    now = store.now()
    status = error.exit_status if isinstance(error, ReconnectNeeded) else 1
    run = SyncRun(
        job_id=str(number),
        connection=connection.name,
        trigger=wish.trigger,
        status="failed",
        mode="full",
        started=now,
        finished=now,
        seconds=0.0,
        requests=0,
        bytes=0,
        types={},
        skipped=(),
        documents={"new": 0, "unchanged": 0, "failed": 0, "bytes": 0},
        error=error.message,
        exit_status=status,
    )
    store.runs.finish(run)
    if connection.state != "revoked":
        store.connections.save(replace(connection, state="expired" if status == 4 else "error"))
    return run


def _note_expiry(workspace: Workspace, store: Store, connection: Connection, vendor: Vendor) -> None:
    """When the sign-in ends now: a refresh during the run may have moved it."""
    token = tokens.kept_token(workspace, connection)
    if token is None:
        return
    now = next((one for one in store.connections.all() if one.key == connection.key), None)
    if now is None:
        return
    renewable = connection.auth in ("dynamic", "backend")
    before = ends_at(token, vendor, renewable=renewable)
    store.connections.save(
        replace(now, token_expires=tokens.instant(token.expires_at), sign_in_before=tokens.instant(before))
    )


def _together(statuses: Sequence[str]) -> str:
    """One word for several runs."""
    if not statuses or all(status == "completed" for status in statuses):
        return "completed"
    return "failed" if all(status == "failed" for status in statuses) else "partial"


def _exit_status(runs: Sequence[SyncRun]) -> int:
    found = {run.exit_status for run in runs}
    if found <= {0}:
        return 0
    return found.pop() if len(found) == 1 else 3
