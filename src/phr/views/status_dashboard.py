"""What a person looks for first: the newest of their record, what is outside its range, what is due and to come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phr.store.store import Store

_SHOWN, _LOOKED_AT = 5, 400
_PAPERWORK = ("claim", "coverage")
"""What follows a visit by itself, and is no news of it."""


def dashboard(store: Store) -> dict[str, Any]:
    """What a person looks for first: the newest records, abnormal ones not seen so far, what is due and to come."""
    from phr.views import look
    from phr.views.events import events, marks
    from phr.views.selection import EVERYTHING
    from phr.views.summary import told
    from phr.views.summary_results import tasks, upcoming
    from phr.views.summary_rows import Desk

    desk = Desk(store, EVERYTHING)
    since = look.looked(store)
    newest = store.db.execute(
        "SELECT id FROM (SELECT id, kind FROM record WHERE supporting = 0 AND date_from <= ?"
        f" ORDER BY date_from DESC, id DESC LIMIT ?) WHERE kind NOT IN ({marks(_PAPERWORK)}) LIMIT ?",
        (desk.now, _LOOKED_AT, *_PAPERWORK, _SHOWN),
    )
    parts = told(desk, {"due_tasks": tasks(desk)[:50], "next_appointment": upcoming(desk)[:1]})
    return {
        "newest": list(events(store.db, [row[0] for row in newest])),
        "abnormal_since": look.abnormal_since(store, since),
        "looked": since,
        "due_tasks": parts["due_tasks"],
        "next_appointment": next(iter(parts["next_appointment"]), None),
    }
