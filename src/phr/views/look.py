"""What is new since the person last looked: results outside their range that they have not seen.

Looking again within an hour is the same look, so that what is new does not vanish because somebody typed the command
twice. A look is noted in the record file; where that cannot be written (read-only, or a sync is writing), it is not.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from phr.views.events import Event, events, marks

if TYPE_CHECKING:
    from phr.store.store import Store

SITTING = timedelta(hours=1)
LOOKED = "looked"
"""The setting: `begin` and `last` of the look under way, and `since`, the end of the one before."""
_NEWEST = 400
_ARRIVED = 5_000
_MOST = 50


def looked(store: Store) -> str | None:
    """Up to when the person has seen what there was; None before the first look, and during it."""
    told = _told(store)
    if told is None:
        return None
    found = told["since"] if _same_look(told, store.now()) else told["last"]
    return found if isinstance(found, str) else None


def note_look(store: Store) -> bool:
    """Note that the person sees the screen now; whether it could be noted. Never raises, never waits."""
    now, told = store.now(), _told(store)
    if told is not None and _same_look(told, now):
        told = told | {"last": max(now, told["last"])}
    else:
        told = {"begin": now, "last": now, "since": min(told["last"], now) if told else None}
    try:
        store.db.execute("PRAGMA busy_timeout = 0")
        try:
            store.note_setting(LOOKED, orjson.dumps(told).decode())
        finally:
            store.db.execute("PRAGMA busy_timeout = 30000")
    except Exception:  # noqa: BLE001 - the driver has its own classes; a look that is not noted does no harm
        return False
    return True


def abnormal_since(store: Store, since: str | None) -> list[Event]:
    """Results outside their range that came or changed since then, the newest first; without `since` the newest.

    What another source told before is no news.
    """
    newest = store.db.execute(
        "SELECT id FROM record WHERE abnormal = 1 AND supporting = 0 AND date_from <= ?"
        " ORDER BY date_from DESC, id DESC LIMIT ?",
        (_epoch(store.now()), _NEWEST if since else 5),
    )
    ids = [row[0] for row in newest]
    if since is not None:
        arrived = store.db.execute(
            "SELECT id FROM (SELECT id, abnormal, supporting FROM record ORDER BY id DESC LIMIT ?)"
            " WHERE abnormal = 1 AND supporting = 0",
            (_ARRIVED,),
        )
        ids = _came(store, list(dict.fromkeys((*ids, *(row[0] for row in arrived)))), since)
    found = list(events(store.db, ids[:_MOST]))
    found.sort(key=lambda one: one["date"] or "", reverse=True)
    return found


def _came(store: Store, ids: list[int], since: str) -> list[int]:
    """Those of which no source had told before, or that changed after it."""
    from phr.views.events import BATCH

    kept = []
    for at in range(0, len(ids), BATCH):
        part = ids[at : at + BATCH]
        rows = store.db.execute(
            "SELECT rs.record_id, min(r.first_seen), max(CASE WHEN r.id = rs.record_id THEN r.changed END)"
            " FROM record_source rs CROSS JOIN resource r ON r.id = rs.resource_id"
            f" WHERE rs.record_id IN ({marks(part)}) GROUP BY rs.record_id",
            part,
        )
        kept += [row[0] for row in rows if row[1] > since or (row[2] or "") > since]
    known = set(kept)
    return [id_ for id_ in ids if id_ in known]


def _told(store: Store) -> dict[str, Any] | None:
    try:
        found = orjson.loads(store.setting(LOOKED) or "null")
    except ValueError:
        return None
    times = ("begin", "last")
    return (
        found if isinstance(found, dict) and all(isinstance(found.get(name), str) for name in times) else None
    )


def _same_look(told: dict[str, Any], now: str) -> bool:
    """Whether the look that was begun is still going on; one from the future was noted by a wrong clock."""
    try:
        begin, moment = datetime.fromisoformat(told["begin"]), datetime.fromisoformat(now)
    except ValueError:
        return False
    return timedelta(0) <= moment - begin < SITTING


def _epoch(now: str) -> int:
    return int(datetime.fromisoformat(now).timestamp()) + 86_400
