"""How things stand: connections, their health, what was skipped and why, and how much is kept.

Health is the share of the last 20 finished runs of each connection that brought records: from 95 % on healthy,
from 80 % on degraded, below that critical. While the last run was only partly done, or a connection waits for
a new sign-in, it is at best degraded. Beside it stand the requests of the last seven days, and the job that is
at work now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phr.errors import typed
from phr.fhir import read
from phr.model import Connection
from phr.views import whose
from phr.views.jobs import sanitized, under_way
from phr.views.stats import week
from phr.views.status_dashboard import dashboard

if TYPE_CHECKING:
    from phr.store.store import Store

HEALTHS = ("healthy", "degraded", "critical")
RUNS = 20
SOON = timedelta(days=7)
"""So long before the end of a sign-in a person is told."""
_FINISHED = "('completed', 'partial', 'failed')"
"""A run that a person cancelled, or that the machine cut short, says nothing about a connection."""


Idle = Callable[[str], int | None]
"""A vendor's id in; out, after how many hours without a renewal a sign-in there ends, if it does."""


def status(store: Store, user: str, idle: Idle = lambda _: None) -> dict[str, Any]:
    """The one screen of `phr status` as JSON. Reads only. `idle` as for `connections`."""
    by_source, by_type = _resources(store)
    found = connections(store, idle, by_source)
    by_kind = store.db.execute("SELECT kind, shown FROM tally WHERE shown > 0 ORDER BY kind").fetchall()
    documents, document_bytes = store.documents.totals()
    return {
        "schema": 1,
        "user": user,
        "health": max((one["health"] for one in found), key=HEALTHS.index, default="healthy"),
        "connections": found,
        "sources": _imports(store, by_source),
        "resources_by_type": by_type,
        "records_by_kind": dict(by_kind),
        "documents": documents,
        "document_bytes": document_bytes,
        "attachments": _attachments(store),
        "conflicts": 0,
        "storage_bytes": _storage(store.path),
        "attention": [
            {"connection": one["name"], "reason": why} for one in found for why in one["attention"]
        ],
        **dashboard(store),
    }


def household(reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The reports of several people as one document, with the worst health; who is locked has none."""
    users = list(reports)
    healths = [one["health"] for one in users if not one.get("locked")]
    return {"schema": 1, "health": max(healths, key=HEALTHS.index, default="healthy"), "users": users}


def check(report: dict[str, Any]) -> tuple[str, ...]:
    """Why `phr status --check` should fail, in names and words; empty when all is well."""
    return tuple(
        f"{one['name']}: {'no success for twice its interval' if one['stale'] else 'most of its last runs failed'}"
        for one in report["connections"]
        if one["stale"] or one["health"] == "critical"
    )


def connections(
    store: Store, idle: Idle = lambda _: None, by_source: dict[int, int] | None = None
) -> list[dict[str, Any]]:
    """Every connection with its state, as `phr connections --json` lists it.

    `idle` is asked only where a sign-in is known to end: whether a sync puts that off. `by_source`: how many resources
    each source has, where that is known already.
    """
    counted = _resources(store)[0] if by_source is None else by_source
    rows = store.db.execute("SELECT s.key, s.id FROM source s").fetchall()
    own = {row[0]: (row[1], counted.get(row[1], 0)) for row in rows}
    now = _instant(store.now()) or datetime.now(UTC)
    found = [_connection(store, one, *own[one.key], now, idle) for one in store.connections.all()]
    asked, jobs = week(store), under_way(store)
    for one in found:
        one.update(asked.get(one["name"]) or {"requests": 0, "failed_requests": 0, "mean_response_ms": None})
        open_ = [job for job in jobs if job["connection"] == one["name"]]
        running = next((job for job in open_ if job["status"] == "running"), None)
        names = ("id", "type", "progress", "started", "seconds", "requests")
        one["running"] = {name: running[name] for name in names} if running else None
        one["queued"] = sum(job["status"] == "queued" for job in open_)
    return found


def _connection(
    store: Store, one: Connection, source: int, resources: int, now: datetime, idle: Idle
) -> dict[str, Any]:
    runs = store.db.execute(
        f"SELECT status, finished, error, id, mode FROM sync_run WHERE source_id = ? AND status IN {_FINISHED}"
        " ORDER BY id DESC LIMIT ?",
        (source, RUNS),
    ).fetchall()
    share = sum(row[0] != "failed" for row in runs) / len(runs) if runs else None
    stale = _stale(one, runs, now)
    soon, by_use = ends_soon(one, now), _ends_for_want_of_use(one, idle)
    if soon and not stale and by_use:
        soon = not is_put_off(one, now)
    return {
        "name": one.name,
        "provider": one.provider,
        "vendor": one.vendor,
        "organisation": one.organisation,
        "fhir_base": one.fhir_base,
        "patient_id": one.patient_id,
        "patient_name": _patient_name(store, source, one.patient_id) or one.patient_name,
        "state": one.state,
        "auto_sync": one.auto_sync,
        "every": f"{one.every_hours}h",
        "granted_scopes": list(one.granted_scopes),
        "refused": [{"type": refusal.type, "reason": refusal.reason} for refusal in one.refused],
        "connected": one.connected,
        "last_sync": one.last_sync,
        "next_due": _next_due(one, now),
        "token_expires": one.token_expires,
        "sign_in_before": one.sign_in_before,
        "sign_in_soon": soon,
        "renewed_by_sync": by_use,
        "auth": one.auth,
        "redirect": one.redirect,
        "redirect_uri": one.redirect_uri,
        "fhir_user": one.fhir_user,
        "resources": resources,
        "health": _health(one, share, runs[0][0] if runs else None),
        "success": None if share is None else round(share, 3),
        "runs": len(runs),
        "stale": stale,
        "last_error": sanitized(runs[0][2]) if runs and runs[0][2] else None,
        "last_job": str(runs[0][3]) if runs else None,
        "skipped": _skipped(store, next((row[3] for row in runs if row[4] != "documents"), None)),
        "attention": _attention(one, stale, by_use, now if soon else None),
    }


def ends_soon(one: Connection, now: datetime) -> bool:
    """Whether a person has to sign in again within days, or has missed it."""
    ends = _instant(one.sign_in_before)
    return one.state != "revoked" and ends is not None and ends - now <= SOON


def _health(one: Connection, share: float | None, last: str | None) -> str:
    if one.state == "revoked":
        return "healthy"  # taken out of service by the person: nothing is expected of it
    if share is not None and share < 0.80:
        return "critical"
    troubled = one.state != "active" or last == "partial" or (share is not None and share < 0.95)
    return "degraded" if troubled else "healthy"


def is_put_off(one: Connection, now: datetime) -> bool:
    """For a sign-in that ends only when it is not used: whether the next sync that is planned comes before that."""
    ends = _instant(one.sign_in_before)
    usable = one.auto_sync and one.state == "active"
    return usable and ends is not None and ends - now > timedelta(hours=one.every_hours)


def _ends_for_want_of_use(one: Connection, idle: Idle) -> bool:
    """Whether every sync puts the end of this sign-in off. What has no refresh token ends in any case."""
    known = one.sign_in_before is not None and one.sign_in_before != one.token_expires
    return known and one.state != "revoked" and idle(one.vendor) is not None


def _attention(one: Connection, stale: bool, by_use: bool, now: datetime | None) -> list[str]:
    """What the person should see to; `now` only while the sign-in is about to end."""
    words = {
        "expired": f"asks for a new sign-in: phr reconnect {typed(one.name)}",
        "revoked": "is disconnected; its records are kept",
        "error": f"could not be used last time: phr sync {typed(one.name)}",
    }
    found = [words[one.state]] if one.state in words else []
    ends = _instant(one.sign_in_before)
    if now is not None and ends is not None and one.state != "expired":
        when = ends.astimezone().strftime("%Y-%m-%d %H:%M")
        tense = f"sign in again before {when}" if ends > now else f"the sign-in ended at {when}"
        unless = f", unless it is synced before then: phr sync {typed(one.name)}, else"
        found.append(f"{tense}{unless if by_use and ends > now else ':'} phr reconnect {typed(one.name)}")
    return [*found, "has had no success for twice its interval"] if stale else found


def _next_due(one: Connection, now: datetime) -> str | None:
    """When the interval since the last sync is over; None when nothing is planned, or it is due for want of one."""
    last = _instant(one.last_sync)
    if not one.auto_sync or one.state == "revoked" or last is None or last > now:
        return None
    return (last + timedelta(hours=one.every_hours)).isoformat(timespec="seconds").replace("+00:00", "Z")


def _stale(one: Connection, runs: list[Any], now: datetime) -> bool:
    if not one.auto_sync or one.state == "revoked":
        return False
    # Fetching documents again brings the record no further.
    succeeded = [row[1] for row in runs if row[0] != "failed" and row[4] != "documents"]
    seen = _past((*succeeded, one.connected), now)
    if not seen:  # all of it was written by a clock that was ahead; since when has it been tried?
        seen = _past((row[1] for row in runs), now)[-1:]
    return bool(seen) and now - max(seen) > timedelta(hours=2 * one.every_hours)


def _past(times: Iterable[str | None], now: datetime) -> list[datetime]:
    """Those that can be true: a clock that was once ahead must not silence anything for years."""
    return [when for text in times if (when := _instant(text)) is not None and when <= now]


def _skipped(store: Store, run: int | None) -> list[dict[str, Any]]:
    """What the last sync left out, each reason once with its count, new ones first."""
    rows = store.db.execute(
        "SELECT type, reason, http_status, known, count(*), max(fhir_id IS NOT NULL) FROM problem WHERE run_id = ?"
        " GROUP BY type, reason, http_status, known ORDER BY known, min(id)",
        (run,),
    )
    return [
        {
            "type": row[0],
            "reason": sanitized(row[1]),
            "http_status": row[2],
            "known": bool(row[3]),
            "count": row[4],
            "single": bool(row[5]),
        }
        for row in rows
    ]


def patient_names(store: Store) -> tuple[str, ...]:
    """Whose record this is, by the Patient resources of all sources, the own one first."""
    return whose.names(store)


def _patient_name(store: Store, source: int, patient_id: str | None) -> str | None:
    """The name on the Patient resource of this connection, or on its only one when the id is not known."""
    rows = store.db.execute(
        "SELECT raw FROM resource WHERE source_id = ? AND type = 'Patient' AND (? IS NULL OR fhir_id = ?) LIMIT 2",
        (source, patient_id, patient_id),
    ).fetchall()
    if len(rows) != 1:
        return None
    try:
        patient = read.parse_json(rows[0][0])
    except ValueError:
        return None
    return read.human_name(patient.get("name")) if isinstance(patient, dict) else None


def _resources(store: Store) -> tuple[dict[int, int], dict[str, int]]:
    """`(resources by source, by type)` in one walk along an index; of the types without what was taken back."""
    by_source: dict[int, int] = {}
    by_type: dict[str, int] = {}
    for source, type_, number in store.db.execute(
        "SELECT source_id, type, count(*) FROM resource GROUP BY source_id, type ORDER BY source_id, type"
    ):
        by_source[source] = by_source.get(source, 0) + number
        by_type[type_] = by_type.get(type_, 0) + number
    gone = store.db.execute(
        "SELECT r.type, count(*) FROM tombstone t JOIN resource r ON r.id = t.resource_id GROUP BY r.type"
    )
    for type_, number in gone:
        by_type[type_] -= number
    return by_source, {type_: by_type[type_] for type_ in sorted(by_type) if by_type[type_] > 0}


def _imports(store: Store, by_source: dict[int, int]) -> list[dict[str, Any]]:
    """Sources that are not connections: imported files, and what the person typed (`kind` person, which has no runs)."""
    rows = store.db.execute(
        "SELECT s.name, s.kind, s.created, s.id,"
        " CASE s.kind WHEN 'person' THEN (SELECT max(changed) FROM resource r WHERE r.source_id = s.id)"
        " ELSE (SELECT max(finished) FROM sync_run u WHERE u.source_id = s.id) END FROM source s"
        " WHERE NOT EXISTS (SELECT 1 FROM connection c WHERE c.source_id = s.id)"
        " AND s.kind <> 'undone' ORDER BY s.name"
    ).fetchall()
    names = ("name", "kind", "created", "resources", "changed", "records")
    return [
        dict(zip(names, (*row[:3], by_source.get(row[3], 0), row[4], written), strict=True))
        for row in rows
        for written in [_written(store, row[3]) if row[1] == "person" else None]
    ]


def _written(store: Store, source: int) -> int:
    """How many records the person wrote: one entry is several resources."""
    found = store.db.execute(
        "SELECT count(DISTINCT rs.record_id) FROM resource x CROSS JOIN record_source rs ON rs.resource_id = x.id"
        " JOIN record r ON r.id = rs.record_id AND r.supporting = 0 WHERE x.source_id = ?",
        (source,),
    )
    return int(found.fetchone()[0])


def _attachments(store: Store) -> dict[str, int]:
    """How many attachments there are of each state; the same document may be in several of them."""
    from phr.views.documents import STATE

    rows = store.db.execute(
        f"SELECT {STATE}, count(*) FROM attachment a JOIN resource r ON r.id = a.resource_id"
        " JOIN source s ON s.id = r.source_id GROUP BY 1 ORDER BY 1"
    )
    return dict(rows.fetchall())


def _storage(path: Path) -> int:
    """Bytes of the records file with what waits in its write-ahead log."""
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _instant(text: str | None) -> datetime | None:
    try:
        when = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return when.replace(tzinfo=UTC) if when is not None and when.tzinfo is None else when
