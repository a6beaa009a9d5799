"""Documents: ask the servers for those that are missing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from phr.errors import NotAuthorized, PhrError, ReconnectNeeded, Stopped
from phr.model import Connection, SyncRun
from phr.store.store import Store
from phr.sync import attachments
from phr.sync.desk import Desk
from phr.sync.tally import Tally
from phr.sync.wish import Progress
from phr.workspace.clients import client_for
from phr.workspace.shift import KEEPING, NO_DOCUMENTS
from phr.workspace.sync import SyncReport, SyncWish, chosen, pace_of

if TYPE_CHECKING:
    from phr.fhir.client import FhirClient
    from phr.workspace.workspace import Workspace

LOOK = 1.0
"""Seconds between two looks whether the job was cancelled from outside."""


@dataclass(frozen=True, slots=True)
class FetchWish:
    """Of which connections (none: of all), and whether only what failed before."""

    names: tuple[str, ...] = ()
    failed: bool = False
    progress: Callable[[Progress], None] | None = None
    stopping: threading.Event | None = None


def fetch(workspace: Workspace, wish: FetchWish) -> SyncReport:
    """Ask for documents, connection after connection; one that fails does not stop the others.

    Exit status 3 when some still fail in a way that may pass. Raises Busy, Locked, UsageError for a name that is none.
    """
    with workspace.lock(), workspace.store() as store:
        store.runs.abandon()
        runs = tuple(
            _Fetch(workspace, store, one, wish).run() for one in chosen(store, SyncWish(names=wish.names))
        )
    found = {run.exit_status for run in runs}
    exit_status = found.pop() if len(found) == 1 else 3 if found else 0
    words = {run.status for run in runs} or {"completed"}
    return SyncReport(words.pop() if len(words) == 1 else "partial", runs, exit_status)


class _Fetch:
    """The documents of one connection, as a job of mode `documents`."""

    def __init__(self, workspace: Workspace, store: Store, connection: Connection, wish: FetchWish) -> None:
        self.workspace, self.store, self.connection, self.wish = workspace, store, connection, wish
        self.tally = Tally()
        self.counts = dict(NO_DOCUMENTS)
        self.client: FhirClient | None = None
        self.job = 0
        self.stopping = wish.stopping or threading.Event()
        self.renewing = threading.Lock()
        self._looked = 0.0

    def run(self) -> SyncRun:
        """Never raises for what a server does: the run says it."""
        store, name = self.store, self.connection.name
        self.job = store.runs.start(self.connection.key, "manual", "documents")
        clock = time.monotonic()
        status, error, exit_status = "failed", None, 1
        try:
            self._ask()
            status, exit_status = ("partial", 3) if self._may_pass() else ("completed", 0)
        except Stopped as reason:
            status, error, exit_status = "cancelled", reason.message, 130
        except ReconnectNeeded as reason:
            error, exit_status = reason.message, reason.exit_status
        except PhrError as reason:
            error = reason.message
        except BaseException:
            status, exit_status = "cancelled", 130
            self.stopping.set()
            raise
        finally:
            client = self.client
            asked = client.requests if client else 0
            run = store.runs.end(
                self.job,
                status,
                seconds=round(time.monotonic() - clock, 3),
                requests=asked,
                failed_requests=client.failed_requests if client else 0,
                mean_response_ms=round(client.response_seconds * 1000 / asked, 1)
                if client and asked
                else None,
                bytes=client.bytes if client else 0,
                skipped=self.tally.told(),
                documents=self.counts,
                error=error,
                exit_status=exit_status,
            )
            store.audit.note("fetch documents", name, status)
            # A thread that was left behind may wait for the only refresh token there is.
            if self.stopping.is_set() and self.renewing.acquire(timeout=KEEPING):
                self.renewing.release()
        return run

    def _ask(self) -> None:
        vendor = self.workspace.catalog.vendor_of(self.connection.vendor)
        settings = self.workspace.settings
        if self.connection.state == "revoked":
            raise ReconnectNeeded(self.connection.name)
        pace = pace_of(self.store, self.connection, vendor)
        with client_for(
            self.workspace,
            self.connection,
            vendor,
            pace=pace,
            stopping=self.stopping,
            renewing=self.renewing,
        ) as client:
            self.client = client
            try:
                # Shows that the sign-in is good: a 401 for one document is then no reason to doubt it.
                client.read("Patient", self.connection.patient_id or "")
                self.tally.came += 1
                self.counts = attachments.fetch(
                    client,
                    Desk(self.store),
                    self.connection,
                    self.tally,
                    workers=min(vendor.concurrency, settings.sync.concurrency),
                    only_failed=self.wish.failed,
                    progress=self._note,
                )
            except NotAuthorized as error:
                raise ReconnectNeeded(self.connection.name) from error

    def _note(self, one: Progress) -> None:
        """Tell how far it is, and hear whether somebody cancels the job from outside."""
        if self.wish.progress is not None:
            self.wish.progress(one)
        now = time.monotonic()
        if now - self._looked >= LOOK or one.done:
            self._looked = now
            requests, size = (self.client.requests, self.client.bytes) if self.client else (0, 0)
            self.store.runs.note(self.job, progress=one.share, requests=requests, bytes=size, types={})
            if self.store.runs.cancelled(self.job):
                self.stopping.set()

    def _may_pass(self) -> bool:
        """Whether a document is still missing that may come another time."""
        left = self.store.documents.wanted(self.connection.key, only_failed=True)
        return self.tally.alarming > 0 or any(one.state == "failed" for one in left)
