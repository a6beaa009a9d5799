"""Sync runs: what each one did, and what it had to skip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from phr.model import Problem, SyncRun, TypeCounts
from phr.store.db import transaction

if TYPE_CHECKING:
    from phr.store.store import Store


class Runs:
    """The runs of one record."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def start(self, source_key: str, trigger: str, mode: str) -> int:
        """Open a run; answers its number. Whoever calls holds the lock, so a run that is still open was killed."""
        self._store.db.execute(
            "UPDATE sync_run SET status = 'cancelled', finished = ?, error = 'it ended without saying so'"
            " WHERE status = 'running'",
            (self._store.now(),),
        )
        cursor = self._store.db.execute(
            "INSERT INTO sync_run (source_id, trigger, status, mode, started, seconds, requests, bytes, types, documents)"
            " SELECT id, ?, 'running', ?, ?, 0, 0, 0, '{}', '{}' FROM source WHERE key = ?",
            (trigger, mode, self._store.now(), source_key),
        )
        return int(cursor.lastrowid)

    def finish(self, run: SyncRun) -> None:
        """Write down how a run ended, with everything it skipped, in one transaction."""
        db = self._store.db
        with transaction(db):
            db.execute(
                "UPDATE sync_run SET status = ?, finished = ?, seconds = ?, requests = ?, bytes = ?, types = ?,"
                " documents = ?, error = ? WHERE id = ?",
                (
                    run.status,
                    run.finished,
                    run.seconds,
                    run.requests,
                    run.bytes,
                    orjson.dumps({type_: asdict(counts) for type_, counts in run.types.items()}).decode(),
                    orjson.dumps(run.documents).decode(),
                    run.error,
                    int(run.job_id),
                ),
            )
            db.executemany(
                "INSERT INTO problem (run_id, type, fhir_id, reason, http_status, known, raw) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (int(run.job_id), p.type, p.id, p.reason, p.http_status, int(p.known), p.raw)
                    for p in run.skipped
                ],
            )

    def skipped_before(self, source_key: str) -> set[tuple[str, str | None, str]]:
        """What the last finished run of this source skipped, as `sync.tally.signature` writes it."""
        rows = self._store.db.execute(
            "SELECT p.type, p.fhir_id, coalesce(p.http_status, p.reason) FROM problem p"
            " WHERE p.run_id = (SELECT max(r.id) FROM sync_run r JOIN source s ON s.id = r.source_id"
            " WHERE s.key = ? AND r.status IN ('completed', 'partial'))",
            (source_key,),
        )
        return {(row[0], row[1], str(row[2])) for row in rows}

    def recent(self, connection: str | None = None, limit: int = 20) -> list[SyncRun]:
        """The newest runs first, without the bytes of what was skipped."""
        rows = self._store.db.execute(
            "SELECT r.id, s.name, r.trigger, r.status, r.mode, r.started, coalesce(r.finished, ''), r.seconds,"
            " r.requests, r.bytes, r.types, r.documents, r.error FROM sync_run r JOIN source s ON s.id = r.source_id"
            " WHERE ? IS NULL OR s.name = ? ORDER BY r.id DESC LIMIT ?",
            (connection, connection, limit),
        ).fetchall()
        return [_run(row, self._problems(row[0])) for row in rows]

    def _problems(self, run_id: int) -> tuple[Problem, ...]:
        rows = self._store.db.execute(
            "SELECT type, reason, fhir_id, http_status, known FROM problem WHERE run_id = ? ORDER BY id",
            (run_id,),
        )
        return tuple(Problem(row[0], row[1], row[2], row[3], bool(row[4])) for row in rows)


def _run(row: Sequence[Any], skipped: tuple[Problem, ...]) -> SyncRun:
    types = {type_: TypeCounts(**counts) for type_, counts in orjson.loads(row[10]).items()}
    names = "connection trigger status mode started finished seconds requests bytes"
    return SyncRun(
        job_id=str(row[0]),
        **dict(zip(names.split(), row[1:10], strict=True)),
        types=types,
        skipped=skipped,
        documents=orjson.loads(row[11]),
        error=row[12],
    )
