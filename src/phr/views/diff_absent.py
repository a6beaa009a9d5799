"""What its source did not return any more, or took back, and gives again.

The store forgets an absence and a deletion when the thing is back, since nothing else depends on it. So whoever looks at
the difference leaves a note of what was gone; the next look sees by it what came back, and what was gone at a time in
the past. Where the file cannot be written, it is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from phr.store.tombstones import IN_ERROR

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.views.diff_window import Window

NOTED = "absent"
_MOST = 5_000
Notes = dict[str, dict[str, Any]]
"""`absent`: since when, by resource; `gone`: since when, why and into what; `back`: since and until when, and the rest."""


def noted(store: Store) -> Notes:
    """What was gone, and what of it is back: brought up to date, and kept."""
    now, told = store.now(), _told(store)
    absent = {
        str(row[0]): str(row[1])
        for row in store.db.execute("SELECT resource_id, since FROM absence LIMIT ?", (_MOST,))
    }
    gone = {
        str(row[0]): list(row[1:])
        for row in store.db.execute(
            "SELECT resource_id, since, reason, detail FROM tombstone WHERE reason <> ? LIMIT ?",
            (IN_ERROR, _MOST),
        )
    }
    back = {
        id_: times
        for id_, times in told["back"].items()
        if isinstance(times, list) and len(times) in (2, 4) and (len(times) == 4 or id_ not in absent)
    }
    for id_, since in told["absent"].items():
        if id_ not in absent and id_ not in back and _stands(store, id_):
            back[id_] = [since, now]
    for id_, stone in told["gone"].items():
        if id_ not in gone and isinstance(stone, list) and len(stone) == 3 and _stands(store, id_):
            back[id_] = [stone[0], _since_when(store, id_, stone[0]) or now, *stone[1:]]
    found: Notes = {"absent": absent, "gone": gone, "back": dict(list(back.items())[-_MOST:])}
    if found != told:
        _note(store, found)
    return found


def came_again(notes: Notes, window: Window) -> dict[int, str]:
    """Resources that were absent before the window and are returned again, with when that was noticed."""
    return {
        int(id_): times[1]
        for id_, times in notes["back"].items()
        if len(times) == 2 and window.holds(times[1]) and window.before(times[0])
    }


def _since_when(store: Store, id_: str, gone: str) -> str | None:
    """When it was sent again after its tombstone."""
    row = store.db.execute(
        "SELECT coalesce((SELECT min(replaced) FROM resource_version v WHERE v.resource_id = r.id AND replaced > ?),"
        " r.changed) FROM resource r WHERE r.id = ?",
        (gone, int(id_)),
    ).fetchone()
    return str(row[0]) if row and row[0] > gone else None


def _stands(store: Store, id_: str) -> bool:
    row = store.db.execute("SELECT 1 FROM resource WHERE id = ? AND state = 'current'", (int(id_),))
    return row.fetchone() is not None


def _told(store: Store) -> dict[str, dict[str, Any]]:
    try:
        found = orjson.loads(store.setting(NOTED) or "null")
    except ValueError:
        found = None
    found = found if isinstance(found, dict) else {}
    return {
        name: {key: one for key, one in part.items() if key.isdecimal()} if isinstance(part, dict) else {}
        for name in ("absent", "gone", "back")
        for part in [found.get(name)]
    }


def _note(store: Store, what: dict[str, Any]) -> None:
    """Never waits, never raises: a note that is not made costs one line of the next look."""
    try:
        store.db.execute("PRAGMA busy_timeout = 0")
        try:
            store.note_setting(NOTED, orjson.dumps(what).decode())
        finally:
            store.db.execute("PRAGMA busy_timeout = 30000")
    except Exception:  # noqa: BLE001 - the driver has its own classes
        return
