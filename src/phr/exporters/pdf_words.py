"""One record in words on paper: its title, its value with a sign that black and white shows, its range, who and where."""

from __future__ import annotations

import re

from phr.views.events import Event
from phr.views.figures import amount, short, unit_words
from phr.views.titles import chosen, plain

HIGH, LOW, OFF = "▲", "▼", "!"
_MARKS = {"HH": HIGH * 2, "H": HIGH, "HU": HIGH, ">": HIGH, "LL": LOW * 2, "L": LOW, "LU": LOW, "<": LOW}
_NOT_SO = {
    "refuted": "ruled out",
    "not-done": "not done",
    "not-taken": "not taken",
    "cancelled": "cancelled",
    "revoked": "cancelled",
    "rejected": "refused",
    "aborted": "broken off",
    "noshow": "missed",
    "draft": "only a draft",
    "proposed": "only proposed",
    "preparation": "not done yet",
}
_NOT_FINAL = ("preliminary", "registered", "partial")
_RESERVED = ("not to be taken", "not to be done", "unconfirmed", "provisional", "differential")
"""How the description of a record begins that is no plain fact (records.clinical, orders, medications)."""


def mark(event: Event) -> str:
    """`▲`, `▼`, doubled when critical, `!` when abnormal otherwise; empty when it is not, or nobody knows."""
    said = str(event.get("interpretation") or "").upper()
    if said in _MARKS:
        return _MARKS[said]
    if event.get("abnormal") is not True:
        return ""
    value, low, high = event.get("value"), event.get("low"), event.get("high")
    if isinstance(value, int | float):
        if high is not None and value > high:
            return HIGH
        if low is not None and value < low:
            return LOW
    return OFF


def titled(event: Event) -> str:
    """The title in plain language; what did not happen, is not so or not sure says that first."""
    title = plain(chosen(event)) or "(no title)"
    status, described = str(event.get("status") or ""), str(event.get("description") or "")
    said = _NOT_SO.get(status)
    if said == "not done" and event.get("kind") == "immunization":
        said = "not given"
    if status in _NOT_FINAL and event.get("kind") != "family_history":
        title += " (not final yet)"
    said = said or next((words for words in _RESERVED if described.startswith(words)), None)
    before = ", ".join(part for part in (said, _corrected(event)) if part)
    return f"{before}: {title}" if before else title


def _corrected(event: Event) -> str:
    """That the person says something else than the source, and what the line says is theirs."""
    fields = set(event.get("corrected") or ()) - {"sensitivity", "value", "unit"}
    return "corrected by the patient" if fields else ""


def measured(event: Event) -> str:
    """Value and unit, without digits that nobody measured."""
    if event.get("value_text") in (None, "") and event.get("value") in (None, ""):
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


def usual(event: Event) -> str:
    """`4–5.6`, `≥ 3`, or the source's own words."""
    low, high = event.get("low"), event.get("high")
    said = " ".join(str(event.get("range_text") or "").split())
    said = re.sub("^(?:>=|≥) ?", "≥ ", re.sub("^(?:<=|≤) ?", "≤ ", said))
    if said.startswith(("<", ">", "≤", "≥")):  # excludes or includes its end: the numbers alone do not tell
        return re.sub("^([<>])(?=[^ =])", r"\1 ", said)
    if isinstance(low, int | float) and isinstance(high, int | float):
        return f"{amount(low)}–{amount(high)}"
    if isinstance(high, int | float):
        return f"≤ {amount(high)}"
    if isinstance(low, int | float):
        return f"≥ {amount(low)}"
    return said


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
