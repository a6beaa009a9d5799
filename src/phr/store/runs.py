"""Jobs: what each run was to do, how far it is, how it ended, and what it had to skip.

Each run is a job: queued, running, then completed, partial, failed or cancelled. Whoever writes holds the lock
of the record; another process only sets `cancel`, which the one at work reads now and then (WAL lets both).
Every job is kept. What jobs skipped is kept for the newest `KEPT` of each source, so that a nightly sync does
not make the file grow for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import orjson
from sqlcipher3 import dbapi2 as sqlite

from phr.errors import Busy, UsageError
from phr.model import Problem, SyncRun, TypeCounts
from phr.store.db import transaction

if TYPE_CHECKING:
    from phr.store.store import Store

KEPT = 200
"""So many runs of each source keep what they skipped; so does the last one that asked for everything in full."""
OPEN = ("queued", "running")
UNSAID = "it ended without saying so"
_CANCEL_WAIT_MS = 5_000
_RUN = (
    "r.id, s.name, r.trigger, r.status, r.mode, r.started, coalesce(r.finished, ''), r.seconds, r.requests, r.bytes,"
    " r.types, r.documents, r.error, r.exit_status, r.failed_requests, r.response_ms, r.priority, r.attempts,"
    " r.retry_of, r.progress"
)
_WHOLE = "coalesce(json_array_length(r.wish, '$.types'), 0) = 0"


class Ending(TypedDict, total=False):
    """What of a `SyncRun` only the one who ends it knows."""

    mode: str
    seconds: float
    requests: int
    failed_requests: int
    mean_response_ms: float | None
    bytes: int
    types: dict[str, TypeCounts]
    skipped: tuple[Problem, ...]
    documents: dict[str, int]
    error: str | None
    exit_status: int
    progress: float | None


class Runs:
    """The jobs of one record."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # ── from the queue to the end ─────────────────────────────────────────────────────────────────

    def abandon(self) -> int:
        """Close jobs of a process that is gone; answers how many. Whoever calls holds the lock, so none is at work."""
        cursor = self._store.db.execute(
            "UPDATE sync_run SET status = 'cancelled', finished = ?, error = ? WHERE status IN (?, ?)",
            (self._store.now(), UNSAID, *OPEN),
        )
        return int(cursor.rowcount)

    def queue(
        self,
        source_key: str,
        trigger: str,
        mode: str,
        *,
        priority: int = 0,
        retry_of: str | None = None,
        wish: Mapping[str, object] | None = None,
    ) -> int:
        """A job that waits for its turn; answers its number.

        `wish` is what to ask for, in the words of `workspace.sync.SyncWish` (types, documents, full, since, bulk):
        `retry` does it again, and `skipped_before` tells by it which runs can be compared.
        """
        cursor = self._store.db.execute(
            "INSERT INTO sync_run (source_id, trigger, status, mode, started, seconds, requests, bytes, types,"
            " documents, priority, retry_of, attempts, wish)"
            " SELECT id, ?, 'queued', ?, ?, 0, 0, 0, '{}', '{}', ?, ?,"
            " coalesce((SELECT attempts FROM sync_run WHERE id = ?), 0) + 1, ? FROM source WHERE key = ?",
            (
                trigger,
                mode,
                self._store.now(),
                priority,
                retry_of,
                retry_of,
                orjson.dumps(dict(wish or {})).decode(),
                source_key,
            ),
        )
        return int(cursor.lastrowid)

    def begin(self, job: int, mode: str | None = None) -> None:
        """The job runs from now on. May be said again once its `mode` is known."""
        self._store.db.execute(
            "UPDATE sync_run SET started = iif(status = 'queued', ?, started), status = 'running',"
            " mode = coalesce(?, mode) WHERE id = ?",
            (self._store.now(), mode, job),
        )

    def start(self, source_key: str, trigger: str, mode: str) -> int:
        """`queue` and `begin` in one: a job that does not wait. Answers its number."""
        job = self.queue(source_key, trigger, mode)
        self.begin(job)
        return job

    def note(
        self,
        job: int,
        *,
        progress: float | None,
        requests: int,
        bytes: int,  # noqa: A002 - the word of SyncRun
        types: Mapping[str, TypeCounts],
    ) -> None:
        """How far a running job is: one small write, for whoever looks on from outside."""
        self._store.db.execute(
            "UPDATE sync_run SET progress = ?, requests = ?, bytes = ?, types = ? WHERE id = ? AND status = 'running'",
            (progress, requests, bytes, _counted(types), job),
        )

    def cancel(self, job: int) -> bool:
        """Ask a job of another process to stop; answers whether it was still open.

        Raises Busy when the record is being written for longer than a person waits.
        """
        db = self._store.db
        (before,) = db.execute("PRAGMA busy_timeout").fetchone()
        db.execute(f"PRAGMA busy_timeout = {_CANCEL_WAIT_MS}")
        try:
            cursor = db.execute(
                "UPDATE sync_run SET cancel = 1 WHERE id = ? AND status IN (?, ?)", (job, *OPEN)
            )
        except sqlite.OperationalError as error:
            raise Busy("The record is being written just now.", hint="Try again in a moment.") from error
        finally:
            db.execute(f"PRAGMA busy_timeout = {before}")
        return bool(cursor.rowcount)

    def cancelled(self, job: int) -> bool:
        """Whether somebody asked this job to stop. Reads only; a writer elsewhere does not hold it up."""
        row = self._store.db.execute("SELECT cancel FROM sync_run WHERE id = ?", (job,)).fetchone()
        return bool(row and row[0])

    def finish(self, run: SyncRun) -> None:
        """Write down how a job ended, with everything it skipped, in one transaction."""
        db, job, now = self._store.db, int(run.job_id), self._store.now()
        response_ms = (run.mean_response_ms or 0.0) * run.requests
        whole = run.status == "completed" or (run.status == "partial" and not run.error)
        progress = 1.0 if whole else run.progress
        with transaction(db):
            db.execute(
                "UPDATE sync_run SET status = ?, mode = ?, finished = ?, seconds = ?, requests = ?, bytes = ?,"
                " types = ?, documents = ?, error = ?, exit_status = ?, failed_requests = ?, response_ms = ?,"
                " progress = coalesce(?, progress) WHERE id = ?",
                (
                    *(run.status, run.mode, run.finished, run.seconds, run.requests, run.bytes),
                    _counted(run.types),
                    orjson.dumps(run.documents).decode(),
                    *(run.error, run.exit_status, run.failed_requests, response_ms, progress, job),
                ),
            )
            db.executemany(
                "INSERT INTO problem (run_id, type, fhir_id, reason, http_status, known, raw, time)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (job, p.type, p.id, p.reason, p.http_status, int(p.known), p.raw, run.finished or now)
                    for p in run.skipped
                ],
            )
            self._let_go(job)

    def end(self, job: int, status: str, **said: Unpack[Ending]) -> SyncRun:
        """`finish` with what a job is known by already, and the time as it is now; answers the run as written."""
        known = self.get(str(job))
        now = self._store.now()
        lasted = (datetime.fromisoformat(now) - datetime.fromisoformat(known.started)).total_seconds()
        run = replace(known, status=status, finished=now, seconds=max(0.0, lasted), exit_status=0)
        run = replace(run, **said)
        self.finish(run)
        return run

    def _let_go(self, job: int) -> None:
        """Drop what runs older than the newest `KEPT` of this source skipped."""
        row = self._store.db.execute(
            "SELECT source_id, (SELECT id FROM sync_run o WHERE o.source_id = r.source_id ORDER BY id DESC"
            " LIMIT 1 OFFSET ?) FROM sync_run r WHERE id = ?",
            (KEPT, job),
        ).fetchone()
        if row is None or row[1] is None:
            return
        self._store.db.execute(
            "DELETE FROM problem WHERE run_id IN (SELECT id FROM sync_run WHERE source_id = ?1 AND id <= ?2 AND id IS NOT"
            f" (SELECT max(r.id) FROM sync_run r WHERE r.source_id = ?1 AND r.mode = 'full' AND {_WHOLE}"
            " AND r.status IN ('completed', 'partial') AND r.error IS NULL))",
            (row[0], row[1]),
        )

    # ── what is no news ───────────────────────────────────────────────────────────────────────────

    def skipped_before(self, source_key: str) -> set[tuple[str, str | None, str]]:
        """What was skipped when it was last asked for, as `sync.tally.signature` writes it.

        Not every run asks for the same. A refusal of a type is compared with the last run that asked for this
        type; a resource that cannot be kept with the last full one, for an incremental run does not bring it
        again. Runs that were stopped, or that went on where another was cut short, asked for a part: what they
        skipped is known, what they did not skip is not taken for healed.
        """
        from phr.store.no_news import skipped_before

        return skipped_before(self._store.db, source_key)

    # ── reading back ──────────────────────────────────────────────────────────────────────────────

    def get(self, job_id: str) -> SyncRun:
        """One job. Raises UsageError when there is none of this number."""
        row = None
        if job_id.isascii() and job_id.isdigit() and len(job_id) < 18:
            row = self._store.db.execute(
                f"SELECT {_RUN} FROM sync_run r JOIN source s ON s.id = r.source_id WHERE r.id = ?",
                (int(job_id),),
            ).fetchone()
        if row is None:
            raise UsageError(f"There is no job {job_id[:20]}.", hint="See which there are: phr jobs")
        return _run(row, self._problems(row[0]))

    def recent(
        self,
        connection: str | None = None,
        limit: int = 20,
        after: str | None = None,
        *,
        status: str | None = None,
    ) -> list[SyncRun]:
        """The newest first, without the bytes of what was skipped; `after` is the number of the last one seen."""
        rows = self._store.db.execute(
            f"SELECT {_RUN} FROM sync_run r JOIN source s ON s.id = r.source_id"
            " WHERE (?1 IS NULL OR s.name = ?1) AND (?2 IS NULL OR r.status = ?2) AND (?3 IS NULL OR r.id < ?3)"
            " ORDER BY r.id DESC LIMIT ?4",
            (connection, status, None if after is None else int(after), limit),
        ).fetchall()
        return [_run(row, self._problems(row[0])) for row in rows]

    def wish(self, job_id: str) -> dict[str, Any]:
        """What a job was to ask for, as `queue` was told."""
        row = self._store.db.execute("SELECT wish FROM sync_run WHERE id = ?", (int(job_id),)).fetchone()
        found = orjson.loads(row[0]) if row else {}
        return found if isinstance(found, dict) else {}

    def last_started(self, trigger: str) -> str | None:
        """When the newest job of this trigger began."""
        row = self._store.db.execute(
            "SELECT max(started) FROM sync_run WHERE trigger = ?", (trigger,)
        ).fetchone()
        return None if row[0] is None else str(row[0])

    def is_first(self, run: SyncRun) -> bool:
        """Whether no whole sync of this connection came before it."""
        row = self._store.db.execute(
            "SELECT 1 FROM sync_run r JOIN source s ON s.id = r.source_id WHERE s.name = ? AND r.id < ?"
            " AND r.mode IN ('full', 'incremental', 'bulk')"
            " AND (r.status = 'completed' OR (r.status = 'partial' AND r.error IS NULL)) LIMIT 1",
            (run.connection, int(run.job_id)),
        ).fetchone()
        return row is None

    def requests_since(self, fhir_base: str, since: str) -> int:
        """How many requests all sources at one base have cost since then: some servers count them by the day.

        Of a run that began before, the part that its time after `since` is of all its time. What is dated in the
        future was written by a clock that was wrong: it is not known to be of this day.
        """
        rows = self._store.db.execute(
            "SELECT r.started, coalesce(r.finished, ?3), r.requests FROM sync_run r JOIN source s ON s.id = r.source_id"
            " WHERE rtrim(s.fhir_base, '/') = rtrim(?1, '/') AND r.requests > 0 AND coalesce(r.finished, ?3) > ?2"
            " AND r.started <= ?3",
            (fhir_base, since, self._store.now()),
        )
        return sum(ceil(requests * _part_after(since, *times)) for *times, requests in rows)

    def by_status(self, connection: str | None = None) -> dict[str, int]:
        """How many jobs there are of each status."""
        rows = self._store.db.execute(
            "SELECT r.status, count(*) FROM sync_run r JOIN source s ON s.id = r.source_id"
            " WHERE ?1 IS NULL OR s.name = ?1 GROUP BY r.status ORDER BY r.status",
            (connection,),
        )
        return dict(rows.fetchall())

    def _problems(self, run_id: int) -> tuple[Problem, ...]:
        rows = self._store.db.execute(
            "SELECT type, reason, fhir_id, http_status, known FROM problem WHERE run_id = ? ORDER BY id",
            (run_id,),
        )
        return tuple(Problem(row[0], row[1], row[2], row[3], bool(row[4])) for row in rows)


def _part_after(since: str, started: str, finished: str) -> float:
    begin, cut, end = map(datetime.fromisoformat, (started, since, finished))
    return 1.0 if begin >= cut else (end - cut) / (end - begin)


def _counted(types: Mapping[str, TypeCounts]) -> str:
    return orjson.dumps({type_: asdict(counts) for type_, counts in types.items()}).decode()


def _run(row: Sequence[Any], skipped: tuple[Problem, ...]) -> SyncRun:
    names = "connection trigger status mode started finished seconds requests bytes"
    return SyncRun(
        job_id=str(row[0]),
        **dict(zip(names.split(), row[1:10], strict=True)),
        types={type_: TypeCounts(**counts) for type_, counts in orjson.loads(row[10]).items()},
        skipped=skipped,
        documents=orjson.loads(row[11]),
        error=row[12],
        exit_status=row[13],
        failed_requests=row[14],
        mean_response_ms=round(row[15] / row[8], 1) if row[8] and row[15] else None,
        priority=row[16],
        attempts=row[17],
        retry_of=None if row[18] is None else str(row[18]),
        progress=row[19],
    )
