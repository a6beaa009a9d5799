"""What was gone at the end of a window that lies in the past, though its source stands by it again today.

The store lifts a tombstone when the thing is back. That it said of itself to be an error stands in its former versions;
of what was deleted or not returned, only the notes of an earlier look know (`views.diff_absent`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.store.tombstones import IN_ERROR
from phr.views.diff_found import Border, Taken, in_error

if TYPE_CHECKING:
    from phr.views.diff_absent import Notes
    from phr.views.diff_window import Window

_OF = (
    "SELECT r.source_id, rs.record_id, r.first_seen FROM resource r"
    " LEFT JOIN record_source rs ON rs.resource_id = r.id WHERE r.id = ?"
)


def taken_then(db: Any, window: Window, within: Border, notes: Notes) -> list[Taken]:
    """Those that were taken back or not returned within the window, and came back only after it."""
    if window.upto is None:
        return []
    found = {one.id: one for one in _noted(db, window, within, notes)}
    found.update((one.id, one) for one in _in_error(db, window, within))
    return list(found.values())


def _in_error(db: Any, window: Window, within: Border) -> list[Taken]:
    """By the version that was valid at the end of the window."""
    row = db.execute(
        "SELECT id FROM resource_version WHERE replaced <= ? ORDER BY id DESC LIMIT 1", (window.upto,)
    ).fetchone()
    later = db.execute(
        "SELECT id, resource_id, seen, raw FROM resource_version WHERE id > ? AND resource_id <= ? ORDER BY id",
        (row[0] if row else 0, within.high),
    )
    valid: dict[int, tuple[int, str, bytes]] = {}
    for version, resource, seen, raw in later:
        valid.setdefault(resource, (version, seen, raw))
    found = []
    for resource, (version, seen, raw) in valid.items():
        if not in_error(bytes(raw)):
            continue
        before = db.execute(
            "SELECT seen, raw FROM resource_version WHERE resource_id = ? AND id < ? ORDER BY id DESC",
            (resource, version),
        )
        stood = False
        for earlier, words in before:  # it may have said so more than once
            stood = not in_error(bytes(words))
            if stood:
                break
            seen = earlier
        if window.holds(seen):
            source, record, first_seen = db.execute(_OF, (resource,)).fetchone()
            found.append(Taken(resource, source, record, seen, IN_ERROR, None, first_seen, int(stood)))
    return found


def _noted(db: Any, window: Window, within: Border, notes: Notes) -> list[Taken]:
    found = []
    for id_, times in notes["back"].items():
        since, noticed = times[:2]
        if not window.holds(since) or window.upto is None or noticed <= window.upto or int(id_) > within.high:
            continue
        row = db.execute(_OF, (int(id_),)).fetchone()
        reason, detail = times[2:4] if len(times) == 4 else (None, None)
        if row and (reason or int(id_) <= within.low):
            found.append(Taken(int(id_), row[0], row[1], since, reason, detail, row[2], 0))
    return found
