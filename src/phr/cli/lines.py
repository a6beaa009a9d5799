"""One record in words: its title, its value with unit and mark, its usual range, who and where.

All screens take their words from here, so that a record is called the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from phr.cli.text import clean

if TYPE_CHECKING:
    from phr.cli.text import Screen

Event = dict[str, Any]

_MARKS = {
    "HH": "↑↑",
    "H": "↑",
    "HU": "↑",
    "LL": "↓↓",
    "L": "↓",
    "LU": "↓",
    ">": "↑",
    "<": "↓",
    "AA": "!!",
    "A": "!",
}


def mark(event: Event) -> str:
    """`↑`, `↓`, doubled when critical, `!` when abnormal otherwise; empty when it is not, or nobody knows."""
    said = str(event.get("interpretation") or "").upper()
    if said in _MARKS:
        return _MARKS[said]
    if event.get("abnormal") is not True:
        return ""
    value, low, high = event.get("value"), event.get("low"), event.get("high")
    if isinstance(value, int | float):
        if high is not None and value > high:
            return "↑"
        if low is not None and value < low:
            return "↓"
    return "!"


_NOT_SO = {
    "refuted": "does not apply",
    "not-done": "not done",
    "not-taken": "not taken",
    "entered-in-error": "entered in error",
}
_RESERVED = ("not to be taken", "not to be done", "unconfirmed", "provisional", "differential")
"""How the description of a record begins that is no plain fact (records.clinical, orders, medications)."""


def titled(event: Event) -> str:
    """The title in plain language; what did not happen, is not so or not sure says that first, so that no narrow
    screen hides it."""
    from phr.views.titles import chosen, plain

    title = plain(clean(chosen(event))) or "(no title)"
    said = _NOT_SO.get(str(event.get("status") or ""))
    if said == "not done" and event.get("kind") == "immunization":
        said = "not given"
    described = str(event.get("description") or "")
    said = said or next((words for words in _RESERVED if described.startswith(words)), None)
    return f"{said}: {title}" if said else title


def measured(event: Event) -> str:
    """Value and unit as the source wrote them; a unit that is a remark (UCUM, 2.1 §12: `{score}`) without braces."""
    text = event.get("value_text") if event.get("value_text") is not None else event.get("value")
    unit = str(event.get("unit") or "")
    if unit.startswith("{") and unit.endswith("}") and unit.count("{") == 1:
        unit = unit[1:-1]
    return clean(" ".join(str(part) for part in (text, unit) if part not in (None, "")))


def reference_range(event: Event) -> str:
    """`4–5.6`, `> 3`, or the source's own words."""
    low, high = event.get("low"), event.get("high")
    said = clean(event.get("range_text"))
    if said.startswith(("<", ">")):  # excludes or includes its end: the numbers alone do not tell
        return said
    if low is not None and high is not None:
        return f"{low:g}–{high:g}" if isinstance(low, int | float) and isinstance(high, int | float) else ""
    if high is not None:
        return f"≤ {high:g}"
    if low is not None:
        return f"≥ {low:g}"
    return said


def places(event: Event) -> tuple[str, str]:
    """Where, and by whom; the second is empty when it says the same."""
    where, who = clean(event.get("facility")), clean(event.get("performer"))
    return where or who, who if where and who.casefold() != where.casefold() else ""


def timeline_lines(events: Sequence[Event], view: Screen) -> Iterator[str]:
    """Events one below the other, in their order, as lines that do not wrap on this screen."""
    from phr.cli.timeline_lines import drawn
    from phr.views.gather import Shown

    return drawn([Shown(event) for event in events], view)
