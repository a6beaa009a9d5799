"""A page of milestones, in the shape of a page of the timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phr.errors import UsageError
from phr.views.selection import Selection, check_sources
from phr.views.timeline import Timeline, milestones_of

if TYPE_CHECKING:
    from phr.store.store import Store


def milestone_page(
    store: Store, selection: Selection, limit: int | None, after: str | None, *, bookmarked: bool = False
) -> Timeline:
    """What stands out in the selection, newest first. A life has few of them, so the cursor is a number."""
    check_sources(store, selection)
    found = milestones_of(store, selection, None)
    if bookmarked:
        found = [event for event in found if event.get("bookmarked")]
    if after is not None and not (after.isascii() and after.isdecimal() and len(after) < 9):
        raise UsageError(
            "--after is not a place in these milestones.",
            hint="Copy the line “Older: …” below the page before, or leave --after out.",
        )
    begin = int(after) if after else 0
    end = len(found) if limit is None else begin + limit
    dates = [event["date"] for event in found if event.get("date")]
    return Timeline(
        len(found),
        dates[-1] if dates else None,
        dates[0] if dates else None,
        tuple(found),
        found[begin:end],
        str(end) if 0 < end < len(found) and end > begin else None,
    )
