"""Jobs as documents: what `phr jobs` lists and shows. Reads only.

What a server said may hold more than its sentence: addresses with ids in them, control characters, pages of
text. What leaves here as the message of an error is one line without them, and of a resource only its address.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from phr.errors import UsageError
from phr.store.runs import KEPT, OPEN
from phr.views import imports

if TYPE_CHECKING:
    from phr.model import Problem, SyncRun
    from phr.store.store import Store

COUNTS = ("new", "updated", "unchanged", "gone", "failed")
_LONGEST = 300
_ADDRESS = re.compile(r"(https?://[^\s/?#\"'<>()]+)[^\s\"'<>()]*")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]+")


def jobs(
    store: Store,
    connection: str | None = None,
    *,
    status: str | None = None,
    limit: int = 20,
    after: str | None = None,
) -> dict[str, Any]:
    """The newest jobs first; `by_status` counts all of them. Raises UsageError for a cursor that is none."""
    if after is not None and not (after.isascii() and after.isdigit() and len(after) < 18):
        raise UsageError(f"{after[:20]} is not where a list of jobs goes on.", hint="Take it from its end.")
    found = imports.heads(store, connection, status, limit + 1, after)
    listed = {
        "jobs": imports.whole_commands(store, found[:limit], lambda run: job(run, store.now())),
        "by_status": imports.by_status(store, connection),
    }
    return {**listed, "next": found[limit - 1].job_id} if len(found) > limit else listed


def job(run: SyncRun, now: str | None = None) -> dict[str, Any]:
    """One job. Its errors are what was not known before; what a server is known to refuse is in `skipped`.

    `now`: the instant up to which one that runs has been at work.
    """
    when = run.finished or run.started
    errors = [_error(one, when) for one in run.skipped if not one.known]
    if run.error:
        errors.insert(
            0, {"time": when, "type": None, "code": None, "message": sanitized(run.error), "resource": None}
        )
    return {
        "id": run.job_id,
        "type": "import" if run.mode == "file" else run.mode,
        "direction": "in",
        "connection": run.connection,
        "trigger": run.trigger,
        "status": run.status,
        "mode": run.mode,
        "priority": run.priority,
        "progress": 1.0 if run.status == "completed" else run.progress,
        "attempts": run.attempts,
        "retry_of": run.retry_of,
        "started": run.started,
        "finished": run.finished or None,
        "seconds": _seconds(run, now),
        "requests": run.requests,
        "failed_requests": run.failed_requests,
        "mean_response_ms": run.mean_response_ms,
        "counts": {name: sum(getattr(one, name) for one in run.types.values()) for name in COUNTS},
        "bytes": run.bytes,
        "errors": errors,
    }


def whole(store: Store, job_id: str) -> dict[str, Any]:
    """One job with everything that is kept of it. Raises UsageError when there is none of this number."""
    run = store.runs.get(job_id)
    retries = store.db.execute(
        "SELECT id FROM sync_run WHERE retry_of = ? ORDER BY id", (int(job_id),)
    ).fetchall()
    (told,) = imports.whole_commands(store, [run], lambda one: job(one, store.now()))
    return {
        **told,
        "error": sanitized(run.error) if run.error else None,
        "exit_status": run.exit_status,
        "types": {
            type_: {name: getattr(one, name) for name in COUNTS}
            for type_, one in sorted(imports.types(store, run).items())
        },
        "documents": run.documents,
        "gone": gone_in(store, run),
        "skipped": [
            {
                "type": one.type,
                "id": one.id,
                "reason": sanitized(one.reason),
                "http_status": one.http_status,
                "known": one.known,
            }
            for one in imports.skipped(store, run)
        ],
        "asked": store.runs.wish(job_id),
        "retried_by": [str(row[0]) for row in retries],
        "details_let_go": not run.skipped and bool(run.finished) and _is_old(store, run),
    }


def gone_in(store: Store, run: SyncRun) -> list[dict[str, Any]]:
    """What the source took back while this job ran: kind, `Type/id` and why; a title is nobody's business here."""
    if not run.finished or not any(one.gone for one in run.types.values()):
        return []
    rows = store.db.execute(
        "SELECT min(rec.kind), r.type || '/' || r.fhir_id AS place, t.reason FROM tombstone t"
        " JOIN resource r ON r.id = t.resource_id JOIN source s ON s.id = r.source_id"
        " LEFT JOIN record_source rs ON rs.resource_id = r.id LEFT JOIN record rec ON rec.id = rs.record_id"
        " WHERE s.name = ? AND t.since BETWEEN ? AND ? GROUP BY r.id ORDER BY r.type, r.fhir_id",
        (run.connection, run.started, run.finished),
    )
    return [{"kind": row[0], "resource": row[1], "reason": row[2]} for row in rows]


def under_way(store: Store, connection: str | None = None) -> list[dict[str, Any]]:
    """Jobs that run or wait, those that run first, then by their priority."""
    found = [run for status in OPEN for run in store.runs.recent(connection, 1000, status=status)]
    found = [run for run in found if store.imports.head(int(run.job_id)) == int(run.job_id)]
    found.sort(key=lambda run: (run.status != "running", -run.priority, int(run.job_id)))
    return [job(run, store.now()) for run in found]


def _seconds(run: SyncRun, now: str | None) -> float:
    """How long it took, or has been at work."""
    if run.status != "running" or now is None:
        return run.seconds
    return max(0.0, (datetime.fromisoformat(now) - datetime.fromisoformat(run.started)).total_seconds())


def sanitized(text: str) -> str:
    """One line of bounded length; of an address only its server."""
    line = " ".join(_CONTROL.sub(" ", _ADDRESS.sub(r"\1/…", text)).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1].rstrip() + "…"


def _error(one: Problem, when: str) -> dict[str, Any]:
    return {
        "time": when,
        "type": one.type,
        "code": one.http_status,
        "message": sanitized(one.reason),
        "resource": f"{one.type}/{one.id}" if one.id else one.type,
    }


def _is_old(store: Store, run: SyncRun) -> bool:
    """Whether what it skipped is no longer kept (see `store.runs.KEPT`)."""
    row = store.db.execute(
        "SELECT count(*) FROM sync_run WHERE id > ?1 AND source_id = (SELECT source_id FROM sync_run WHERE id = ?1)",
        (int(run.job_id),),
    ).fetchone()
    return bool(row[0] >= KEPT)
