"""`phr timeline --milestones`: a life on one page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from phr.cli.lines import places
from phr.cli.text import clean, elide, pad, width
from phr.cli.timeline_lines import MONTHS, OWN, UNDATED, YOU, dated, heading
from phr.views.titles import plain

if TYPE_CHECKING:
    from phr.cli.text import Screen


_ROOMY = 110


def drawn(events: Sequence[dict[str, Any]], view: Screen) -> Iterator[str]:
    """Milestones under their years: when, what, and the number of the record behind it."""
    ids = max((len(str(event["id"])) for event in events), default=1)
    room = (view.columns - 8 - 2 - 2 - ids - 2) if view.columns else None
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
        date, number = view.paint(date, "dim"), view.paint(pad(str(event["id"]), ids, right=True), "dim")
        what, beside = said(event), _beside(event)
        if room is None:
            told = f"{what}  {view.paint(beside, 'dim')}" if beside else what
            yield view.spell(f"  {date}  {told}  {number}")
            continue
        fits = beside and width(what) + 3 + width(beside) <= room
        behind = f" · {beside}" if fits else ""
        space = " " * max(0, room - width(what) - width(behind))
        yield view.spell(f"  {date}  {elide(what, room)}{view.paint(behind, 'dim')}{space}  {number}")
        if beside and not fits and view.columns is not None and view.columns >= _ROOMY:
            # A detail that is cut says nothing: it has a line of its own, or none where there is little room.
            for line in textwrap.wrap(beside, room):
                yield view.spell(f"{' ' * 10}{view.paint(line, 'dim')}")


def _beside(event: dict[str, Any]) -> str:
    """What there is to say about it, and whether only the person says so."""
    told = clean(event.get("detail")) or places(event)[0]
    own = list(event.get("sources") or ()) == [OWN]
    return " · ".join(part for part in (YOU if own else "", told) if part)


def said(event: dict[str, Any]) -> str:
    """`Diagnosis: Asthma`: the word of the rule, then the title in plain language."""
    title = clean(event.get("milestone") or event.get("title"))
    lead, colon, rest = title.partition(": ")
    return f"{lead}: {plain(rest)}" if colon else plain(title)
