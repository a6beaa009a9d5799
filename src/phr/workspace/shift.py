"""Several connections side by side: a thread for each, one writer, and an end that waits for no server.

The thread that opened the store keeps what the others bring (`sync.desk`), and looks up now and then: who is next, has a
job been cancelled from outside, is the time over. A connection whose server hangs lends its place to the next one.
When it is to end, threads that sit in a socket are left behind: they are daemons, and their runs are written down here.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import TYPE_CHECKING, Any

from phr.errors import PhrError, ReconnectNeeded, Stopped
from phr.fhir.client import FhirClient
from phr.fhir.pace import Pace
from phr.model import Connection, SyncRun, Vendor
from phr.smart.token import ends_at
from phr.store.runs import OPEN, UNSAID
from phr.store.store import Store
from phr.sync import bulk
from phr.sync.desk import Desk
from phr.sync.pull import Progress, Pull, Wish
from phr.sync.stop import Stop
from phr.workspace import tokens
from phr.workspace.clients import client_for

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace

TICK = 0.2
LOOK = 1.0
"""Seconds between two looks whether a job was cancelled from outside."""
STALLED = 5.0
"""Seconds without an answer after which a connection lends its place to the next one."""
GRACE = 1.2
"""Seconds for a run to end by itself once it is told to."""
KEEPING = 10.0
"""Seconds to wait, at the end, for a renewal that is under way: the answer may hold the only refresh token there is."""
SWITCH_INTERVAL = 0.0005
"""Seconds after which threads that compute make way for the one that writes (Python's own choice: 0.005). Each
statement of SQLite lets go of the interpreter; with the long interval the writer waits ten times as long as it works."""
TIME_IS_UP = "it was stopped after the time it was given; the next sync goes on from there"
NO_TIME = "there was no time left for it; the next sync begins with it"
INTERRUPTED = "it was interrupted; the next sync goes on from there"
CANCELLED = "it was cancelled; the next sync goes on from there"
UNEXPECTED = "phr met something it did not expect ({})"
"""Only the kind of error is said: its text may hold what must stay here."""


NO_DOCUMENTS = {"new": 0, "unchanged": 0, "failed": 0, "bytes": 0}


@dataclass(slots=True)
class Job:
    """One connection to bring up to date, and how far that is."""

    number: int
    connection: Connection
    vendor: Vendor
    pace: Pace
    workers: int
    trigger: str
    mode: str
    stop: Stop = field(default_factory=Stop)
    thread: threading.Thread | None = None
    pull: Pull | None = None
    client: FhirClient | None = None
    run: SyncRun | None = None
    crash: BaseException | None = None
    renewing: threading.Lock = field(default_factory=threading.Lock)
    """Held from the question for a new token until the answer is kept."""
    ended: bool = False
    requests: int = 0
    moved: float = 0.0
    """When its server last answered or was asked, by the monotonic clock."""


class Shift:
    """The jobs of one `phr sync`, from the first to the last."""

    def __init__(
        self, workspace: Workspace, store: Store, jobs: Sequence[Job], wish: Wish, max_duration: float | None
    ) -> None:
        self.workspace, self.store, self.jobs = workspace, store, list(jobs)
        self.wish = wish
        self.desk = Desk(store)
        self.places = max(1, workspace.settings.sync.side_by_side)
        self.interrupted = False
        self._ends = time.monotonic() + max_duration if max_duration else None
        self._over_at: float | None = None
        self._ticked = self._looked = 0.0

    def work(self) -> list[SyncRun]:
        """Do all of it; answers how each run ended. Raises KeyboardInterrupt after everything is written down."""
        with _signals(self._interrupt), switching():
            try:
                self.desk.serve(until=self._is_over, tick=TICK)
            except KeyboardInterrupt:
                self.interrupted = True
            except BaseException:
                self._stop_all("cancelled", None)
                self._wind_up()
                raise
            if self.interrupted:
                self._stop_all("cancelled", INTERRUPTED)
                with suppress(KeyboardInterrupt):
                    self.desk.serve(until=self._is_over, tick=TICK)
            self._wind_up()
        if self.interrupted:
            raise KeyboardInterrupt
        for job in self.jobs:
            if self.wish.bulk and job.stop.sentence == CANCELLED:
                self._call_off(job)
            if job.crash is not None and self.wish.debug:
                raise job.crash
        return [job.run for job in self.jobs if job.run is not None]

    # ── the thread that keeps ─────────────────────────────────────────────────────────────────────

    def _is_over(self) -> bool:
        now = time.monotonic()
        if now - self._ticked >= TICK or any(job.ended and job.thread for job in self.jobs):
            self._ticked = now
            self._look_up(now)
        left = any(not job.ended for job in self.jobs)
        return not left or (self._over_at is not None and now >= self._over_at)

    def _look_up(self, now: float) -> None:
        for job in self.jobs:
            if job.ended:
                job.thread = None
            elif job.thread is not None and job.client is not None and job.client.requests != job.requests:
                job.requests, job.moved = job.client.requests, now
        if self._ends is not None and now >= self._ends:
            self._stop_all("partial", TIME_IS_UP)
        if self._over_at is None:
            self._start_next(now)
        if now - self._looked >= LOOK:
            self._looked = now
            self._look_outside()

    def _start_next(self, now: float) -> None:
        at_work = [job for job in self.jobs if job.thread is not None and not job.ended]
        busy = sum(now - job.moved < STALLED for job in at_work)
        for job in self.jobs:
            if busy >= self.places:
                return
            if job.thread is None and not job.ended:
                job.moved = now
                job.thread = threading.Thread(
                    target=self._run, args=(job,), name=f"phr-sync-{job.number}", daemon=True
                )
                job.thread.start()
                busy += 1

    def _look_outside(self) -> None:
        for job in self.jobs:
            if job.ended:
                continue
            if self.store.runs.cancelled(job.number):
                job.stop.end("cancelled", CANCELLED)
                if job.thread is None:
                    job.run, job.ended = self.not_run(job, "cancelled", CANCELLED, 130), True
            if job.pull is not None:
                job.pull.note(self.store)
        told = [job for job in self.jobs if job.stop.is_set() and not job.ended]
        if told and len(told) == sum(not job.ended for job in self.jobs) and self._over_at is None:
            self._over_at = time.monotonic() + GRACE

    def _interrupt(self) -> None:
        """Ctrl-C, or the system asks us to end; a second time ends at once."""
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        self._stop_all("cancelled", INTERRUPTED)
        self.desk.wake()

    def _stop_all(self, status: str, sentence: str | None) -> None:
        for job in self.jobs:
            job.stop.end(status, sentence)
        if self._over_at is None:
            self._over_at = time.monotonic() + GRACE

    def _wind_up(self) -> None:
        """Write down the runs whose threads did not come back, those that broke, and those that never began."""
        self.desk.close()
        for job in self.jobs:
            if job.run is None:
                job.run = self._written(job)
            if not job.ended and job.client is not None:
                # Closing may wait for whoever sits in its socket, and nobody waits for that.
                threading.Thread(target=job.client.close, name="phr-close", daemon=True).start()
        ends = time.monotonic() + KEEPING  # the run may have ended, and left a thread behind that renews
        for job in self.jobs:
            if job.renewing.acquire(timeout=max(0.0, ends - time.monotonic())):
                job.renewing.release()

    def _written(self, job: Job) -> SyncRun:
        """How a job ended that does not say so itself; written down here unless it is already."""
        crash, stop = job.crash, job.stop
        if crash is None and job.pull is None:
            words = NO_TIME if stop.status == "partial" else stop.sentence
            return self.not_run(job, "cancelled", words, 130 if stop.status == "cancelled" else 3)
        if crash is None and job.pull is not None:
            run = job.pull.give_up(self.store, stop.status, stop.sentence)
            if run is not None:
                return run
        # Its thread has just said the last word, or broke before or after that.
        run = self.store.runs.get(str(job.number))
        if run.status not in OPEN:
            return run
        words = stop.sentence or UNSAID
        if crash is not None:
            words = crash.message if isinstance(crash, PhrError) else UNEXPECTED.format(type(crash).__name__)
        return self.not_run(job, "failed", words, 1)

    def _call_off(self, job: Job) -> None:
        """Who cancels an export does not want it any more: the server need not go on preparing it."""
        with (
            suppress(PhrError),
            client_for(self.workspace, job.connection, job.vendor, retry_attempts=0) as client,
        ):
            bulk.cancel(client, self.store, job.connection)

    # ── the thread of one connection ────────────────────────────────────────────────────────────────

    def _run(self, job: Job) -> None:
        try:
            job.run = self._bring(job)
        except Stopped:
            pass  # the desk is closed, and the run written down there
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that keeps
            job.crash = error
        finally:
            job.ended = True
            self.wish.progress(_ended(job))
            self.desk.wake()

    def _bring(self, job: Job) -> SyncRun:
        connection = job.connection
        try:
            if connection.state == "revoked":
                raise ReconnectNeeded(connection.name)
            client = self._client(job)
        except PhrError as error:
            status = error.exit_status if isinstance(error, ReconnectNeeded) else 1
            words = error.message
            return self.desk.do(lambda _: self.not_run(job, "failed", words, status))
        with client:
            job.client = client
            wish = replace(self.wish, job=job.number, stopping=job.stop, workers=job.workers)
            wish = replace(wish, page_size=self.workspace.settings.sync.batch_size or job.vendor.page_size)
            job.pull = Pull(client, self.desk, connection, job.vendor, wish)
            run = job.pull.run()
        self._note_expiry(job)
        return run

    def _client(self, job: Job) -> FhirClient:
        return client_for(
            self.workspace,
            job.connection,
            job.vendor,
            pace=job.pace,
            stopping=job.stop,
            renewing=job.renewing,
        )

    def not_run(self, job: Job, status: str, words: str | None, exit_status: int) -> SyncRun:
        """A run that could not begin, written down like any other."""
        client = job.client
        run = self.store.runs.end(
            job.number,
            status,
            requests=client.requests if client else 0,
            failed_requests=client.failed_requests if client else 0,
            bytes=client.bytes if client else 0,
            documents=dict(NO_DOCUMENTS),
            error=words,
            exit_status=exit_status,
        )
        if job.connection.state != "revoked" and status == "failed":
            state = "expired" if exit_status == 4 else "error"
            self.store.connections.save(replace(self.store.connections.get(job.connection.name), state=state))
        return run

    def _note_expiry(self, job: Job) -> None:
        """When the sign-in ends now: a refresh during the run may have moved it."""
        if job.connection.auth == "none":
            return
        token = tokens.kept_token(self.workspace, job.connection)
        if token is None:
            return
        renewable = job.connection.auth in ("dynamic", "backend")
        before = ends_at(token, job.vendor, renewable=renewable)

        def write(store: Store) -> None:
            now = next((one for one in store.connections.all() if one.key == job.connection.key), None)
            if now is not None:
                ends = {
                    "token_expires": tokens.instant(token.expires_at),
                    "sign_in_before": tokens.instant(before),
                }
                store.connections.save(replace(now, **ends))  # type: ignore[arg-type]

        with suppress(Stopped):  # the run itself is written down
            self.desk.do(write)


def _ended(job: Job) -> Progress:
    """How it ended, with what came in all."""
    counts = job.run.types.values() if job.run is not None else ()
    new, came = sum(one.new for one in counts), sum(one.new + one.updated + one.unchanged for one in counts)
    how = job.run.status if job.run is not None else "cancelled"
    return Progress(job.connection.name, how, came, new, done=True, phase="ended")


@contextmanager
def _signals(interrupt: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the shift in good order; only the main thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(_number: int, _frame: FrameType | None) -> None:
        interrupt()

    before: Mapping[int, Any] = {}
    try:
        before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
