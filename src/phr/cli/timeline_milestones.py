"""`phr timeline --milestones`: a life on one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from phr.cli.lines import places
from phr.cli.text import clean, elide, pad, width
from phr.cli.timeline_lines import MONTHS, UNDATED, dated, heading
from phr.views.titles import plain

if TYPE_CHECKING:
    from phr.cli.text import Screen


def drawn(events: Sequence[dict[str, Any]], view: Screen) -> Iterator[str]:
    """Milestones under their years: when, what, and the number of the record behind it."""
    ids = max((len(str(event["id"])) for event in events), default=1)
    room = (view.columns - 8 - 2 - 2 - ids - 2) if view.columns else None
    longest = max((width(said(event)) for event in events), default=0)
    year = None
    for event in events:
        when = dated(event.get("date"))
        if (when[0] or UNDATED) != year:
            if year is not None:
                yield ""
            year = when[0] or UNDATED
            yield heading(year, view)
        month = MONTHS[int(when[1]) - 1][:3] if when[1] else ""
        date = f"{when[2].lstrip('0'):>2} {month:<3}"
        if view.columns is None:
            date = pad("-".join(part for part in when[:3] if part), 10)
        what = said(event)
        detail, place = clean(event.get("detail")), places(event)[0]
        cells = min(longest, room) if room else longest
        parts = ["  " + view.paint(date, "dim"), pad(elide(what, cells) if room else what, cells)]
        rest = (room - cells - 2) if room else 60
        beside = detail or place
        if rest >= 12 and any(_beside(one) for one in events):
            parts.append(view.paint(pad(elide(beside, rest) if room else beside, rest if room else 0), "dim"))
        parts.append(view.paint(pad(str(event["id"]), ids, right=True), "dim"))
        yield view.spell("  ".join(parts).rstrip())


def _beside(event: dict[str, Any]) -> str:
    return clean(event.get("detail")) or places(event)[0]


def said(event: dict[str, Any]) -> str:
    """`Diagnosis: Asthma`: the word of the rule, then the title in plain language."""
    title = clean(event.get("milestone") or event.get("title"))
    lead, colon, rest = title.partition(": ")
    return f"{lead}: {plain(rest)}" if colon else plain(title)
