"""What one record says at a glance, decided once for screens, the page, paper and Markdown.

How a value stands to its usual range, what the range is, and what has to stand before a title because the plain title alone
would say what is not so. Each of them draws this in its own way.
"""

from __future__ import annotations

import re
from typing import Any

from phr.views.figures import amount

Event = dict[str, Any]

_OUTSIDE = {
    "HH": "HH",
    "H": "H",
    "HU": "H",
    ">": "H",
    "LL": "LL",
    "L": "L",
    "LU": "L",
    "<": "L",
    "AA": "AA",
    "A": "A",
}
"""Codes of v3 ObservationInterpretation; significant changes and limits of the device count as their direction."""
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
_OVER = {"resolved": "over", "inactive": "no longer active", "remission": "in remission"}
_RESERVED = ("not to be taken", "not to be done", "unconfirmed", "provisional", "differential")
"""How the description of a record begins that is no plain fact (records.clinical, orders, medications)."""


def outside(event: Event) -> str:
    """How a value stands to its range: `H`, `L`, doubled when critical, `A` or `AA` in some other way; else empty."""
    said = str(event.get("interpretation") or "").upper()
    if said in _OUTSIDE:
        return _OUTSIDE[said]
    if event.get("abnormal") is not True:
        return ""
    value, low, high = event.get("value"), event.get("low"), event.get("high")
    if isinstance(value, int | float):
        if high is not None and value > high:
            return "H"
        if low is not None and value < low:
            return "L"
    return "A"


def qualified(event: Event, title: str) -> tuple[str | None, str]:
    """`(what stands before it, the title)`: what did not happen, is over, not so or not sure says that first."""
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
    return said or next((words for words in _RESERVED if described.startswith(words)), None), title


def has_value(event: Event) -> bool:
    """Whether something was measured or answered."""
    return event.get("value_text") not in (None, "") or event.get("value") not in (None, "")


def usual(event: Event) -> str:
    """The range that a value was held against: `4–5.6`, `≥ 3`, or its source's own words."""
    low, high = event.get("low"), event.get("high")
    said = " ".join(str(event.get("range_text") or "").split())
    said = re.sub("^(?:>=|≥) ?", "≥ ", re.sub("^(?:<=|≤) ?", "≤ ", said))
    if said.startswith(("<", ">", "≤", "≥")):  # whether it includes its end, the numbers alone do not tell
        return re.sub("^([<>])(?=[^ =])", r"\1 ", said)
    if isinstance(low, int | float) and isinstance(high, int | float):
        return f"{amount(low)}–{amount(high)}"
    if isinstance(high, int | float):
        return f"≤ {amount(high)}"
    if isinstance(low, int | float):
        return f"≥ {amount(low)}"
    return said
