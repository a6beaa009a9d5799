"""One record in words: its title, its value with unit and mark, its usual range, who and where.

All screens take their words from here, so that a record is called the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from phr.cli.text import clean
from phr.views.event_words import has_value, outside, qualified, usual

if TYPE_CHECKING:
    from phr.cli.text import Screen

Event = dict[str, Any]

_MARKS = {"HH": "↑↑", "H": "↑", "LL": "↓↓", "L": "↓", "AA": "!!", "A": "!"}


def mark(event: Event) -> str:
    """`↑`, `↓`, doubled when critical, `!` when abnormal otherwise; empty when it is not, or nobody knows."""
    return _MARKS.get(outside(event), "")


_YOURS = {
    "title": "title",
    "date": "date",
    "end": "date",
    "status": "status",
    "kind": "kind",
    "value": "value",
}
YOURS = "✎ yours"
"""Behind a value that is the person's own correction: a doctor must not take it for that of the laboratory."""


def titled(event: Event) -> str:
    """The title in plain language; what did not happen, is over, not so or not sure says that first, and so does what
    the person corrected, so that no narrow screen hides it."""
    from phr.views.titles import chosen, plain

    title = plain(clean(chosen(event))) or "(no title)"
    said, title = qualified(event, title)
    before = ", ".join(part for part in (said, _corrected(event)) if part)
    return f"{before}: {title}" if before else title


def _corrected(event: Event) -> str:
    """`✎ your date` where a correction decides what the line says; that of a value stands beside the value."""
    fields = {_YOURS.get(name) for name in event.get("corrected") or ()} - {None}
    if has_value(event):
        fields.discard("value")
    return "" if not fields else f"✎ your {fields.pop()}" if len(fields) == 1 else "✎ your correction"


def measured(event: Event, *, exact: bool = False) -> str:
    """Value and unit to read: no digits that nobody measured, plain units, and whether the value is the person's own.

    `exact`: the value as its source wrote it, every digit, and without the mark.
    """
    from phr.views.figures import short, unit_words

    if not has_value(event):
        return ""
    text = str(event["value_text"] if event.get("value_text") is not None else event["value"])
    if not exact:
        text = short(text, event.get("low"), event.get("high"))
    said = clean(f"{text} {unit_words(str(event.get('unit') or ''))}")
    yours = not exact and {"value", "unit"} & set(event.get("corrected") or ())
    return f"{said} {YOURS}" if yours else said


def reference_range(event: Event) -> str:
    """`4–5.6`, `> 3`, or the source's own words."""
    return clean(usual(event))


def places(event: Event) -> tuple[str, str]:
    """Where, and by whom; the second is empty when it says the same."""
    where, who = clean(event.get("facility")), clean(event.get("performer"))
    return where or who, who if where and who.casefold() != where.casefold() else ""


def timeline_lines(events: Sequence[Event], view: Screen) -> Iterator[str]:
    """Events one below the other, in their order, as lines that do not wrap on this screen."""
    from phr.cli.timeline_lines import drawn
    from phr.views.gather import Shown

    return drawn([Shown(event) for event in events], view)
