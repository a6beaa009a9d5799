"""What its source did not return any more, and returns again.

The store forgets an absence when the thing is back, since nothing else depends on it. So whoever looks at the difference
leaves a note of what was absent; the next look sees by it what came back. Where the file cannot be written, it is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.views.diff_window import Window

NOTED = "absent"
_MOST = 5_000


def came_again(store: Store, window: Window) -> dict[int, str]:
    """Resources that were absent before the window and are returned again, with when that was noticed."""
    now = store.now()
    told = _told(store)
    absent = {
        str(row[0]): str(row[1])
        for row in store.db.execute("SELECT resource_id, since FROM absence LIMIT ?", (_MOST,))
    }
    back = {
        id_: times
        for id_, times in told["back"].items()
        if id_ not in absent and _stands(store, id_) and len(times) == 2
    }
    for id_, since in told["absent"].items():
        if id_ not in absent and id_ not in back and _stands(store, id_):
            back[id_] = [since, now]
    if absent != told["absent"] or back != told["back"]:
        _note(store, {"absent": absent, "back": dict(list(back.items())[-_MOST:])})
    return {
        int(id_): noticed
        for id_, (since, noticed) in back.items()
        if window.holds(noticed) and (window.before(since))
    }


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
        for name in ("absent", "back")
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
