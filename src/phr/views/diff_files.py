"""What stood in an earlier file of a source, and does not in the newest one. A file may be a part: nothing was deleted.

It is told only where the newest import brought most of what the one before the window had brought again; a file of
January and one of February leave nothing out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from phr.views.events import Event, events

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.views.diff_found import Fits
    from phr.views.diff_window import Window

_JOBS = (
    "SELECT u.source_id, coalesce(u.part_of, u.id) AS job, max(u.started), max(u.started) > ?1"
    " FROM sync_run u JOIN source s ON s.id = u.source_id"
    " WHERE u.mode = 'file' AND u.undone IS NULL AND s.kind = 'import' AND (?2 IS NULL OR u.started <= ?2)"
    " AND u.status IN ('completed', 'partial') GROUP BY 1, 2 ORDER BY 1, 2"
)
_BROUGHT = (
    "SELECT DISTINCT i.resource_id FROM import_item i JOIN sync_run u ON u.id = i.run_id"
    " WHERE u.source_id = ? AND coalesce(u.part_of, u.id) = ?"
)
_MISSING = (
    f"SELECT x.resource_id, x.resource_id IN ({_BROUGHT}), rs.record_id, r.supporting FROM ({_BROUGHT}) x"
    " JOIN resource y ON y.id = x.resource_id AND y.state = 'current'"
    " JOIN record_source rs ON rs.resource_id = x.resource_id JOIN record r ON r.id = rs.record_id"
)


class NotInFile(TypedDict):
    """How many are missing in the newest file, and the newest of them."""

    count: int
    imported: str
    entries: list[Event]


def not_in_newest(store: Store, window: Window, fits: Fits, limit: int) -> dict[int, NotInFile]:
    """By source; empty where no file that came within the window can be held against one before it."""
    if window.after is None:
        return {}
    before: dict[int, int] = {}
    newest: dict[int, tuple[int, str]] = {}
    for source, job, started, inside in store.db.execute(_JOBS, (window.after, window.upto)):
        if inside:
            newest[source] = job, started
        else:
            before[source] = job
    found: dict[int, NotInFile] = {}
    for source in before.keys() & newest.keys():
        job, started = newest[source]
        rows = store.db.execute(_MISSING, (source, job, source, before[source])).fetchall()
        shown = [row for row in rows if row[3] == 0]
        missing = {row[2] for row in shown if not row[1]} - {row[2] for row in shown if row[1]}
        left = fits(missing)
        if left and 2 * sum(1 for row in rows if row[1]) >= len(rows):
            told = sorted(
                events(store.db, sorted(left)),
                key=lambda one: (str(one["date"] or ""), int(one["id"])),
                reverse=True,
            )
            found[source] = {"count": len(left), "imported": started, "entries": told[:limit]}
    return found
