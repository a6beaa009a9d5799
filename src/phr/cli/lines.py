"""One record in words: its title, its value with unit and mark, its usual range, who and where.

All screens take their words from here, so that a record is called the same everywhere.
"""

from __future__ import annotations

import re
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
    "cancelled": "cancelled",
    "revoked": "cancelled",
    "rejected": "refused",
    "aborted": "broken off",
    "noshow": "missed",
    "draft": "only a draft",
    "proposed": "only proposed",
    "preparation": "not done yet",
}
_NOT_FINAL = frozenset(("preliminary", "registered", "partial"))
_REPORTED = frozenset(("lab_result", "vital_sign", "imaging", "clinical_note", "questionnaire"))
"""Kinds of which that status speaks: a family history that is `partial` is as final as it will be."""
_OVER = {
    "resolved": "over",
    "inactive": "no longer active",
    "remission": "in remission",
}
_RESERVED = ("not to be taken", "not to be done", "unconfirmed", "provisional", "differential")
"""How the description of a record begins that is no plain fact (records.clinical, orders, medications)."""
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
    kind, status = event.get("kind"), str(event.get("status") or "")
    said = _NOT_SO.get(status)
    if said == "not done" and kind == "immunization":
        said = "not given"
    if kind == "allergy" and status in ("inactive", "resolved"):
        said = "no longer"
    elif status in _NOT_FINAL and kind in _REPORTED:
        title += " (not final yet)"
    elif kind == "problem" and status in _OVER:
        title += f" ({_OVER[status]})"
    described = str(event.get("description") or "")
    said = said or next((words for words in _RESERVED if described.startswith(words)), None)
    before = ", ".join(part for part in (said, _corrected(event)) if part)
    return f"{before}: {title}" if before else title


def _corrected(event: Event) -> str:
    """`✎ your date` where a correction decides what the line says; that of a value stands beside the value."""
    fields = {_YOURS.get(name) for name in event.get("corrected") or ()} - {None}
    if _has_value(event):
        fields.discard("value")
    return "" if not fields else f"✎ your {fields.pop()}" if len(fields) == 1 else "✎ your correction"


def _has_value(event: Event) -> bool:
    return event.get("value_text") not in (None, "") or event.get("value") not in (None, "")


def measured(event: Event, *, exact: bool = False) -> str:
    """Value and unit to read: no digits that nobody measured, plain units, and whether the value is the person's own.

    `exact`: the value as its source wrote it, every digit, and without the mark.
    """
    from phr.views.figures import short, unit_words

    if not _has_value(event):
        return ""
    text = str(event["value_text"] if event.get("value_text") is not None else event["value"])
    if not exact:
        text = short(text, event.get("low"), event.get("high"))
    said = clean(f"{text} {unit_words(str(event.get('unit') or ''))}")
    yours = not exact and {"value", "unit"} & set(event.get("corrected") or ())
    return f"{said} {YOURS}" if yours else said


def reference_range(event: Event) -> str:
    """`4–5.6`, `> 3`, or the source's own words."""
    from phr.views.figures import amount

    low, high = event.get("low"), event.get("high")
    said = re.sub("^(?:>=|≥) ?", "≥ ", re.sub("^(?:<=|≤) ?", "≤ ", clean(event.get("range_text"))))
    if said.startswith(("<", ">", "≤", "≥")):  # excludes or includes its end: the numbers alone do not tell
        return re.sub("^([<>])(?=[^ =])", r"\1 ", said)
    if low is not None and high is not None:
        numbers = isinstance(low, int | float) and isinstance(high, int | float)
        return f"{amount(low)}–{amount(high)}" if numbers else ""
    if high is not None:
        return f"≤ {amount(high)}"
    if low is not None:
        return f"≥ {amount(low)}"
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
