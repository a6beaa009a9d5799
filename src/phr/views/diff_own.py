"""What the person did themselves within a window: notes, corrections, bookmarks beside records; imports taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from phr.store.words import AGREED
from phr.views.events import Event, events

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.views.diff_found import Fits
    from phr.views.diff_window import Window

_MOST = 5_000
_NOTES = (
    "SELECT rs.record_id, n.text, n.written, n.changed FROM note n JOIN record_source rs ON rs.resource_id = n.resource_id"
    " WHERE max(n.written, coalesce(n.changed, '')) > ? AND (? IS NULL OR n.written <= ?)"
    " ORDER BY max(n.written, coalesce(n.changed, '')) DESC, n.id DESC LIMIT ?"
)
_CORRECTIONS = (
    "SELECT rs.record_id, c.field, c.value, c.reason, max(c.made) FROM correction c"
    " JOIN record_source rs ON rs.resource_id = c.resource_id"
    f" WHERE c.made > ? AND (? IS NULL OR c.made <= ?) AND c.field NOT LIKE '{AGREED}%'"
    " GROUP BY rs.record_id, c.field ORDER BY 5 DESC, 1 DESC, 2 LIMIT ?"
)
_BOOKMARKS = (
    "SELECT rs.record_id, max(b.since) FROM bookmark b JOIN record_source rs ON rs.resource_id = b.resource_id"
    " WHERE b.since > ? AND (? IS NULL OR b.since <= ?) GROUP BY rs.record_id ORDER BY 2 DESC, 1 DESC LIMIT ?"
)
_ASKED = {
    "notes": (_NOTES, ("note", "written", "note_changed")),
    "corrections": (_CORRECTIONS, ("field", "value_now", "reason", "made")),
    "bookmarks": (_BOOKMARKS, ("since",)),
}


def beside(
    store: Store, window: Window, fits: Fits, limit: int
) -> tuple[dict[str, list[Event]], dict[str, int]]:
    """Their words beside records, newest first, and how many there are of each."""
    found: dict[str, list[Event]] = {}
    counts: dict[str, int] = {}
    for name, (query, keys) in _ASKED.items():
        rows = store.db.execute(query, (window.after or "", window.upto, window.upto, _MOST)).fetchall()
        fitting = fits(row[0] for row in rows)
        rows = [row for row in rows if row[0] in fitting]
        counts[name] = len(rows)
        about = {int(one["id"]): one for one in events(store.db, [row[0] for row in rows[:limit]])}
        found[name] = [
            {**about[row[0]], **dict(zip(keys, row[1:], strict=True))}
            for row in rows[:limit]
            if row[0] in about
        ]
    return found, counts


def undone(store: Store, window: Window) -> dict[int, list[dict[str, Any]]]:
    """By source: the imports that the person took back, each run with what it had brought."""
    rows = store.db.execute(
        "SELECT source_id, coalesce(part_of, id), undone, started, types FROM sync_run WHERE undone IS NOT NULL"
        " AND undone > ? AND (? IS NULL OR undone <= ?) ORDER BY undone DESC, id",
        (window.after or "", window.upto, window.upto),
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for source, job, when, started, types in rows:
        brought = sum(
            int(count.get(what) or 0)
            for count in orjson.loads(types).values()
            if isinstance(count, dict)
            for what in ("new", "updated")
        )
        found.setdefault(source, []).append(
            {"job_id": str(job), "undone": when, "imported": started, "resources": brought}
        )
    return found
