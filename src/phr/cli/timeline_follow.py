"""`phr timeline --follow RECORD`: what is related to one record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.cli import output
from phr.cli.text import count

if TYPE_CHECKING:
    from collections.abc import Sequence


def document(events: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """As the timeline's own document; `events` have `relation`, `steps` and `via`."""
    dates = [event["date"] for event in events if event["date"]]
    followed = next((event["id"] for event in events if event["steps"] == 0), None)
    return {
        "follows": followed,
        "total": len(events),
        "date_range": {"earliest": dates[-1] if dates else None, "latest": dates[0] if dates else None},
        "milestones": [],
        "events": list(events),
        "next": None,
    }


def show(events: Sequence[dict[str, Any]]) -> None:
    """The related records as lines; where a place would stand is said how each is related."""
    from phr.cli.timeline_lines import drawn
    from phr.views.gather import flat

    relations = {event["id"]: event["relation"] for event in events}
    output.emit(drawn(flat(events), output.out(), relations=relations))
    others = len(events) - 1
    said = (
        f"{count(others, 'record')} related to it."
        if others
        else "Nothing else in the record is related to it."
    )
    more = " A number in brackets is the record in between." if any(one["via"] for one in events) else ""
    output.emit(["", output.out().paint(said + more, "dim")])
