"""`pull`: bring one connection up to date and say what changed.

The Patient first, then every search of the plan side by side, then what is absent, what is pointed at, and documents.
Each page is stored in its own transaction as it arrives, so a run may die at any instant: what it stored
stays, and the next run does what is left.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from phr.errors import FhirError, NotAuthorized, PhrError, ReconnectNeeded, Stopped, Unreachable
from phr.fhir.client import FhirClient
from phr.model import Connection, Problem, SyncRun, Vendor
from phr.store.store import Store
from phr.sync import absence, attachments, bulk, ending, follow, learn, stop
from phr.sync.crew import aside
from phr.sync.desk import Desk
from phr.sync.ground import Ground
from phr.sync.keeping import Keeper
from phr.sync.patient import Followed, read_patient
from phr.sync.person import known
from phr.sync.plan import Ask, Plan, plan
from phr.sync.searches import NO_LONGER_ANSWERS, Searches
from phr.sync.tally import Tally
from phr.sync.wish import Progress, Wish

__all__ = ["NO_LONGER_ANSWERS", "Progress", "Pull", "Wish", "pull"]

_EXIT = {"completed": 0, "partial": 3, "failed": 1, "cancelled": 130}


def pull(
    client: FhirClient, desk: Desk | Store, connection: Connection, vendor: Vendor, wish: Wish
) -> SyncRun:
    """Bring one connection up to date. Never raises for what a server does: the run says it.

    A KeyboardInterrupt is written down as `cancelled` and goes on. With a bare Store, which belongs to this thread, the
    asking is done in another one.
    """
    if isinstance(desk, Desk):
        return Pull(client, desk, connection, vendor, wish).run()
    return _with_a_store(client, desk, connection, vendor, wish)


def _with_a_store(
    client: FhirClient, store: Store, connection: Connection, vendor: Vendor, wish: Wish
) -> SyncRun:
    desk, ended = Desk(store), threading.Event()
    one = Pull(client, desk, connection, vendor, wish)
    found: list[SyncRun | BaseException] = []

    def work() -> None:
        try:
            found.append(one.run())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            found.append(error)
        ended.set()
        desk.wake()

    threading.Thread(target=work, name="phr-pull", daemon=True).start()
    try:
        desk.serve(until=ended.is_set)
    except BaseException:
        wish.stopping.set()
        desk.close()
        one.give_up(store, "cancelled", None)
        raise
    (answer,) = found
    if isinstance(answer, BaseException):
        raise answer
    return answer


class Pull:
    """One run of one connection."""

    def __init__(
        self, client: FhirClient, desk: Desk, connection: Connection, vendor: Vendor, wish: Wish
    ) -> None:
        self.client, self.desk = client, desk
        self.connection, self.vendor, self.wish = connection, vendor, wish
        self.tally = Tally()
        self.documents = {"new": 0, "unchanged": 0, "failed": 0, "bytes": 0}
        self.plan: Plan | None = None
        self.phase = "searches"
        self.settled: set[str] = set()
        self.mode = "bulk" if wish.bulk else "full"
        self.share: float | None = None
        self.job = wish.job or 0
        self._seen: dict[str, int] = {}
        self._streamed = 0  # bytes of files that the client handed on without keeping them
        self._started, self._clock = "", time.monotonic()
        self._written = threading.Lock()
        self._keeper: Keeper | None = None

    def run(self) -> SyncRun:
        """From beginning to end, in the thread of the connection."""
        self.desk.do(self._begin)
        status, error, exit_status = "failed", None, 1
        try:
            self._pull()
            status = self.tally.status
            error = "nothing could be read from this server" if status == "failed" else None
            exit_status = _EXIT[status]
        except Stopped:
            status, error = stop.how(self.wish.stopping)
            exit_status = _EXIT[status]
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
            self.desk.do(lambda store: self._finish(store, "cancelled", None, 130))
            raise
        return self.desk.do(lambda store: self._finish(store, status, error, exit_status))

    def give_up(self, store: Store, status: str, sentence: str | None) -> SyncRun | None:
        """Write the run down without its thread, which sits in a socket; None when it has just done so itself."""
        if self._written.locked():
            return None
        return self._finish(store, status, sentence, _EXIT[status])

    # ── the steps ─────────────────────────────────────────────────────────────────────────────────

    def _begin(self, store: Store) -> None:
        self._started = store.now()
        if self.wish.job is None:
            self.job = store.runs.queue(
                self.connection.key, self.wish.trigger, self.mode, wish={"types": list(self.wish.types)}
            )
        store.runs.begin(self.job)
        self.tally.before = frozenset(store.runs.skipped_before(self.connection.key))
        store.refresh_records()

    def _pull(self) -> None:
        if self.wish.bulk:
            self._bulk(self.wish.bulk)
        else:
            self._ask()
        if self.wish.documents:
            self._documents()

    def _ask(self) -> None:
        ground = self._ground(self._patient())
        self.plan = chosen = plan(
            self.vendor,
            ground.capability,
            self.connection.granted_scopes,
            ground.patient,
            Ask(self.wish.full, self.wish.since, self.wish.types, ground.now, self.wish.full_every_days),
            self.connection.requested_scopes or None,
            standing=ground.standing(),
            known=ground.known,
        )
        self.mode, ground.unpromised = chosen.mode, chosen.unpromised
        self.desk.do(lambda store: store.runs.begin(self.job, self.mode))
        for refusal in chosen.refused:
            self.tally.note(Problem(refusal.type, refusal.reason))
        try:
            whole = self._searches(ground, chosen)
        finally:
            ground.keeper.tell()
        if not self.tally.server_is_gone:
            absence.ask(ground, whole, full=self.wish.full)
        absence.name(ground)
        if not self.wish.types and not self.tally.server_is_gone:
            self.phase = "references"
            self._show("Reference", phase="references", share=0.8)
            follow.references(ground, full=self.wish.full)

    def _patient(self) -> Followed:
        """Read the Patient itself: the sign-in is good if this is answered."""
        patient = self.connection.patient_id
        if not patient:
            raise ReconnectNeeded(self.connection.name, "The sign-in did not say whose record this is.")
        try:
            found = read_patient(self.client, self.desk, self.connection, self.tally, self.wish.stopping)
            self._show("Patient", len(found.came), done=True)
        except NotAuthorized as error:
            raise ReconnectNeeded(self.connection.name) from error
        except FhirError as error:
            self.tally.failure("Patient", error)
            if self.tally.silent:
                raise  # not even the first question was answered
            return Followed(patient, ())
        if found.id != patient:
            self.connection = replace(self.connection, patient_id=found.id)
        return found

    def _ground(self, patient: Followed) -> Ground:
        key = self.connection.key
        now, states, rows, person = self.desk.do(
            lambda store: (
                store.now(),
                store.passes.all(key),
                store.learned.all(key),
                known(store, key, patient.id, self.client.base),
            )
        )
        self._keeper = Keeper(
            self.desk, self.connection, self.tally, self.wish.stopping, self._show, person=person, now=now
        )
        try:
            capability = aside(self.client.capabilities, self.wish.stopping)
        except Unreachable as error:
            capability = None
            self.tally.heard(error)
            self.tally.note(Problem("CapabilityStatement", error.message, http_status=error.http_status))
        return Ground(
            client=self.client,
            desk=self.desk,
            connection=self.connection,
            vendor=self.vendor,
            patient=patient.id,
            tally=self.tally,
            keeper=self._keeper,
            stopping=self.wish.stopping,
            workers=self.wish.workers,
            page_size=self.wish.page_size,
            capability=capability,
            known=learn.known((learn.Lesson(*row) for row in rows), now),
            states={(one.type, one.filter): one for one in states},
            now=now,
            full=self.wish.full,
            settled=self.settled,
        )

    def _searches(self, ground: Ground, chosen: Plan) -> dict[str, list[int]]:
        """Ask what is planned; answers the types of which all has come, and their passes."""
        brought: dict[str, list[int]] = {}
        if chosen.everything is not None:
            asking = Searches(ground, lambda type_, _: self._show(type_, done=True))
            asking.run([chosen.everything])
            brought = self.desk.do(lambda store: asking.brought_by_everything(store))
        rest = chosen.beside(frozenset(brought))
        asking = Searches(ground, lambda type_, share: self._show(type_, done=True, share=0.8 * share))
        asking.run(rest)
        left = sorted({search.type for search in chosen.searches} - {search.type for search in rest})
        self.settled.update(left)
        for type_ in left:
            self.desk.do(
                lambda store, type_=type_: store.passes.infer(self.connection.key, type_, brought[type_])  # type: ignore[misc]
            )
        return asking.whole | {type_: brought[type_] for type_ in left}

    def _bulk(self, level: str) -> None:
        try:
            done = bulk.pull_bulk(
                self.client,
                self.desk,
                self.connection,
                self.vendor,
                level,
                since=self.wish.since,
                types=self.wish.types,
                patient_ids=frozenset({self.connection.patient_id or ""} - {""}),
                tally=self.tally,
                progress=self._note,
                stopping=self.wish.stopping,
                full=self.wish.full,
            )
        except NotAuthorized as error:
            raise ReconnectNeeded(self.connection.name) from error
        self._streamed = done.bytes

    def _documents(self) -> None:
        self.phase = "documents"
        if self.wish.stopping.is_set():
            raise Stopped
        self.documents = attachments.fetch(
            self.client,
            self.desk,
            self.connection,
            self.tally,
            workers=self.wish.workers,
            limit_bytes=self.wish.document_limit,
            progress=self._note,
        )

    # ── telling ───────────────────────────────────────────────────────────────────────────────────

    def _show(
        self,
        type_: str,
        came: int = 0,
        *,
        done: bool = False,
        phase: str = "searches",
        share: float | None = None,
    ) -> None:
        self._seen[type_] = self._seen.get(type_, 0) + came
        new = self.tally.new(type_)
        self._note(Progress(self.connection.name, type_, self._seen[type_], new, done, phase, share))

    def _note(self, progress: Progress) -> None:
        if progress.share is not None:
            self.share = progress.share if progress.phase != "documents" else 0.9 + progress.share / 10
        self.wish.progress(replace(progress, share=self.share))

    def note(self, store: Store) -> None:
        """Write down how far it is, for whoever looks on from outside."""
        asked, came = self.client.requests, self.client.bytes
        store.runs.note(self.job, progress=self.share, requests=asked, bytes=came, types=self.tally.types())

    # ── the end ───────────────────────────────────────────────────────────────────────────────────

    def _finish(self, store: Store, status: str, error: str | None, exit_status: int) -> SyncRun:
        """Write the run down, once; on the thread of the store."""
        requests, key = self.client.requests, self.connection.key
        stopped = self.wish.stopping.is_set() or status == "cancelled"
        if stopped and not self._written.locked():
            left = self.plan, self.settled, self.phase
            ending.name_what_is_left(store, key, self.tally, *left, documents=self.wish.documents)
        run = SyncRun(
            job_id=str(self.job),
            connection=self.connection.name,
            trigger=self.wish.trigger,
            status=status,
            mode=self.mode,
            started=self._started or store.now(),
            finished=store.now(),
            seconds=round(time.monotonic() - self._clock, 3),
            requests=requests,
            bytes=max(self.client.bytes, self._streamed),
            types=self.tally.types(),
            skipped=self.tally.told(),
            documents=self.documents,
            error=error,
            exit_status=exit_status,
            failed_requests=self.client.failed_requests,
            mean_response_ms=round(1000 * self.client.response_seconds / requests, 1) if requests else None,
            progress=1.0 if status == "completed" else self.share,
        )
        if not self._written.acquire(blocking=False):
            return run  # whoever was first has said how it ended
        if self._keeper is not None:
            self._keeper.closed = True
        if not stopped and not self.tally.spent:
            store.passes.close(key)
        store.runs.finish(run)
        ending.remember(store, run, self.plan, self.tally, stopped=stopped, types=self.wish.types)
        return run
