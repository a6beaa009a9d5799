"""`pull`: bring one connection up to date and say what changed.

The Patient first, then every search of the plan side by side, then one pass over references, then documents.
Each page is stored in its own transaction as it arrives, so a run may die at any instant: what it stored
stays, and the next run does what is left.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from phr.errors import FhirError, NotAuthorized, PhrError, ReconnectNeeded
from phr.fhir import dates
from phr.fhir.client import FhirClient
from phr.model import Connection, Page, Problem, Search, SyncRun, Vendor
from phr.store.store import Store
from phr.sync import follow
from phr.sync.fetch import fetch
from phr.sync.plan import Plan, plan
from phr.sync.tally import Tally

_STATES = {0: "active", 3: "active", 4: "expired", 1: "error"}
"""What a connection is after a run with this exit status; a cancelled run changes nothing."""

NO_LONGER_ANSWERS = "not asked, because the server no longer answers"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a pull is: how many resources of a type have come, how many of them are new."""

    connection: str
    type: str
    seen: int
    new: int
    done: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What this pull is to do."""

    trigger: str = "manual"
    types: tuple[str, ...] = ()
    documents: bool = True
    debug: bool = False
    """Let unexpected errors through, with their traceback."""
    workers: int = 4
    page_size: int | None = None
    progress: Callable[[Progress], None] = lambda _: None


def pull(client: FhirClient, store: Store, connection: Connection, vendor: Vendor, wish: Wish) -> SyncRun:
    """Bring one connection up to date. Never raises for what a server does: the run says it.

    A KeyboardInterrupt is written down as `cancelled` and goes on.
    """
    return _Pull(client, store, connection, vendor, wish).run()


class _Pull:
    def __init__(
        self, client: FhirClient, store: Store, connection: Connection, vendor: Vendor, wish: Wish
    ) -> None:
        self.client, self.store = client, store
        self.connection, self.vendor, self.wish = connection, vendor, wish
        self.tally = Tally(frozenset(store.runs.skipped_before(connection.key)))
        self.documents = {"new": 0, "unchanged": 0, "failed": 0, "bytes": 0}
        self.plan = Plan((), ())
        self.seen: dict[str, int] = {}
        self.stored_before = store.documents.stored(connection.key)

    def run(self) -> SyncRun:
        started, clock = self.store.now(), time.monotonic()
        job = self.store.runs.start(self.connection.key, self.wish.trigger, "full")
        status, error, exit_status = "failed", None, 1
        try:
            self._pull()
            status = self.tally.status
            exit_status = {"completed": 0, "partial": 3, "failed": 1}[status]
            error = "nothing could be read from this server" if status == "failed" else None
        except ReconnectNeeded as reason:
            error, exit_status = reason.message, reason.exit_status
        except PhrError as reason:
            error = reason.message
        except Exception as reason:
            if self.wish.debug:
                raise
            # The other connections go on. Only the kind of error is said: its text may hold what must stay here.
            error = f"phr met something it did not expect ({type(reason).__name__})"
        except BaseException:
            status, exit_status = "cancelled", 130
            raise
        finally:
            run = SyncRun(
                job_id=str(job),
                connection=self.connection.name,
                trigger=self.wish.trigger,
                status=status,
                mode="full",
                started=started,
                finished=self.store.now(),
                seconds=round(time.monotonic() - clock, 3),
                requests=self.client.requests,
                bytes=self.client.bytes,
                types=self.tally.types(),
                skipped=tuple(self.tally.skipped),
                documents=self.documents,
                error=error,
                exit_status=exit_status,
            )
            self.store.runs.finish(run)
            self._remember(run)
        return run

    def _pull(self) -> None:
        self.store.refresh_records()
        patient = self._patient()
        self.plan = plan(
            self.vendor,
            self.client.capabilities(),
            self.connection.granted_scopes,
            patient,
            self.wish.types,
            self.connection.requested_scopes or None,
        )
        for refusal in self.plan.refused:
            self.tally.note(Problem(refusal.type, refusal.reason))
        whole = self._searches()
        if not self.tally.server_is_gone:
            self._references(whole)
        if self.wish.documents:
            self._attachments()

    def _patient(self) -> str:
        """Read the Patient itself: the sign-in is good if this is answered."""
        patient = self.connection.patient_id
        if not patient:
            raise ReconnectNeeded(self.connection.name, "The sign-in did not say whose record this is.")
        try:
            self._keep(Search("Patient"), self.client.read("Patient", patient))
            self._show("Patient", done=True)
        except NotAuthorized as error:
            raise ReconnectNeeded(self.connection.name) from error
        except FhirError as error:
            self.tally.failure("Patient", error)
            if self.tally.silent:
                raise  # not even the first question was answered
        return patient

    def _searches(self) -> frozenset[str]:
        """Ask everything in the plan; answers the types of which all that is to be had has come."""
        pages = fetch(
            self.client, self.plan.searches, workers=self.wish.workers, page_size=self.wish.page_size
        )
        broken: set[str] = set()
        open_ = Counter(search.type for search in self.plan.searches)
        try:
            for fetched in pages:
                type_ = fetched.search.type
                open_[type_] -= fetched.page is None
                if fetched.page is not None:
                    self._keep(fetched.search, fetched.page)
                elif fetched.error is None:
                    self._show(type_, done=True)
                elif isinstance(fetched.error, FhirError):
                    broken.add(type_)
                    self.tally.failure(type_, fetched.error)
                    self._show(type_, done=True)
                else:
                    raise fetched.error
                if self.tally.server_is_gone:
                    break
        finally:
            pages.close()  # stops its threads now, not at collection
        for type_ in +open_:
            broken.add(type_)
            self.tally.unanswered(Problem(type_, NO_LONGER_ANSWERS), lasting=False)
        return frozenset(s.type for s in self.plan.searches if s.type not in broken)

    def _keep(self, search: Search, page: Page) -> None:
        """Store one page, and name what on it could not be kept."""
        saved = self.store.save(self.connection.key, page.received)
        self.tally.saved(saved)
        for problem in page.problems:
            if problem.known:
                self.tally.note(problem)
            else:
                self.tally.broken(problem)
        self.seen[search.type] = self.seen.get(search.type, 0) + len(page.received)
        self._show(search.type)

    def _references(self, searched: frozenset[str]) -> None:
        if self.wish.types:
            return
        now = datetime.fromisoformat(self.store.now())
        before = dates.instant(now - timedelta(days=follow.ASK_AGAIN_AFTER_DAYS))
        follow.references(
            self.client, self.store, self.connection, self.tally, searched, before, self.wish.workers
        )

    def _attachments(self) -> None:
        failed, size = follow.attachments(
            self.client, self.store, self.connection, self.tally, self.wish.workers
        )
        stored = self.store.documents.stored(self.connection.key)
        new = max(0, stored - self.stored_before)
        self.documents = {"new": new, "unchanged": stored - new, "failed": failed, "bytes": size}

    def _show(self, type_: str, *, done: bool = False) -> None:
        new = sum(
            count for (name, change), count in self.tally.changes.items() if name == type_ and change == "new"
        )
        self.wish.progress(Progress(self.connection.name, type_, self.seen.get(type_, 0), new, done))

    def _remember(self, run: SyncRun) -> None:
        """What the connection itself should know after this run."""
        fine = run.status in ("completed", "partial")
        refused = {r.type: r for r in self.plan.refused} | self.tally.refused
        self.store.connections.save(
            replace(
                self.store.connections.get(self.connection.name),
                state=_STATES.get(run.exit_status, self.connection.state),
                last_sync=run.finished if fine else self.connection.last_sync,
                refused=tuple(refused[name] for name in sorted(refused)) if fine else self.connection.refused,
            )
        )
        self.store.audit.note("sync", self.connection.name, run.status)
