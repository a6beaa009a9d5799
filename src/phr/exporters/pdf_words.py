"""One record in words on paper: its title, its value with a sign that black and white shows, its range, who and where."""

from __future__ import annotations

from phr.views.event_words import has_value, outside, qualified
from phr.views.event_words import usual as usual
from phr.views.events import Event
from phr.views.figures import short, unit_words
from phr.views.titles import chosen, plain

HIGH, LOW, OFF = "▲", "▼", "!"
_MARKS = {"HH": HIGH * 2, "H": HIGH, "LL": LOW * 2, "L": LOW, "AA": OFF * 2, "A": OFF}


def mark(event: Event) -> str:
    """`▲`, `▼`, doubled when critical, `!` when abnormal otherwise; empty when it is not, or nobody knows."""
    return _MARKS.get(outside(event), "")


def titled(event: Event) -> str:
    """The title in plain language; what did not happen, is not so or not sure says that first."""
    title = plain(chosen(event)) or "(no title)"
    said, title = qualified(event, title)
    before = ", ".join(part for part in (said, _corrected(event)) if part)
    return f"{before}: {title}" if before else title


def _corrected(event: Event) -> str:
    """That the person says something else than the source, and what the line says is theirs."""
    fields = set(event.get("corrected") or ()) - {"sensitivity", "value", "unit"}
    return "corrected by the patient" if fields else ""


def measured(event: Event) -> str:
    """Value and unit, without digits that nobody measured."""
    if not has_value(event):
        return ""
    text = str(event["value_text"] if event.get("value_text") is not None else event["value"])
    text = short(text, event.get("low"), event.get("high"))
    said = " ".join(f"{text} {unit_words(str(event.get('unit') or ''))}".split())
    return (
        f"{said} (corrected by the patient)"
        if {"value", "unit"} & set(event.get("corrected") or ())
        else said
    )


def signed(event: Event) -> str:
    """The value behind its sign."""
    return f"{mark(event)} {measured(event)}".strip()


def day(date: object) -> str:
    """A date to the day, as far as it is known."""
    return str(date or "")[:10]


def moment(date: object) -> str:
    """The same with its time of day, where it has one."""
    said = str(date or "")
    if len(said) < 16 or said[11:16] == "00:00":
        return said[:10]
    return f"{said[:10]} {said[11:16]}" + (" UTC" if said.endswith(("Z", "+00:00")) else "")


def place(event: Event) -> str:
    """Where, and by whom."""
    where, who = str(event.get("facility") or "").strip(), str(event.get("performer") or "").strip()
    return "; ".join(dict.fromkeys(part for part in (where, who) if part))
