"""What a person may type into a field of a correction, and in which form it is kept."""

from __future__ import annotations

import re
from datetime import date

from phr.errors import UsageError
from phr.model import KINDS
from phr.records.elements import DESCRIPTION_LIMIT, SENSITIVITIES, TITLE_LIMIT
from phr.records.overlay import EMPTIABLE, IN_ERROR, as_value
from phr.records.said_dates import said
from phr.views import own_statuses as statuses

NOTHING = frozenset(("", "none", "nothing", "-"))
"""What is typed to say that there is nothing."""
VALUE_LIMIT, UNIT_LIMIT, REASON_LIMIT, NOTE_LIMIT = 500, 40, 500, 20_000
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_KINDS = {
    "bill": "claim",
    "diagnosis": "problem",
    "illness": "problem",
    "insurance": "coverage",
    "lab": "lab_result",
    "medicine": "medication",
    "shot": "immunization",
    "vaccination": "immunization",
    "vaccine": "immunization",
    "visit": "encounter",
    "vital": "vital_sign",
    "wishes_for_care": "directive",
}
"""Kinds as people call them, and as the screens do."""
_LATEST_YEARS = 150


def check(name: str, text: str, *, number: bool, today: date, type_: str = "") -> str | None:
    """What was typed for a field, as it is kept; None where it says that there is nothing. Raises UsageError.

    `number`: the source gave a number there. `type_`: of what type the resource is.
    """
    words = one_line(text, f"The {name}")
    if words.casefold() in NOTHING and name in EMPTIABLE:
        return None
    if not words:
        raise UsageError(f"The {name} cannot be nothing.", hint=f"Write what it is: --{name} TEXT")
    if name in ("date", "end"):
        return _date(name, words, today)
    if name == "value" and number:
        return _number(words)
    if name == "unit" and (words.replace(".", "").isdigit() or len(words) > UNIT_LIMIT):
        raise UsageError("That is not a unit.", hint="Write it as the result does, such as mg/dL")
    if name == "kind":
        word = words.lower().replace("-", "_").replace(" ", "_")
        return _one_of(name, _KINDS.get(word, word), KINDS)
    if name == "sensitivity":
        return _one_of(name, words.lower(), SENSITIVITIES)
    if name == "status":
        return _status(type_, words)
    limits = {"title": TITLE_LIMIT, "description": DESCRIPTION_LIMIT}
    return _bounded(name, words, limits.get(name, VALUE_LIMIT))


def one_line(text: str, what: str) -> str:
    """The words without white space around them. Raises UsageError for characters that act on a screen."""
    words = " ".join(text.split())
    if _CONTROL.search(words):
        raise UsageError(f"{what} has characters in it that cannot be shown.", hint="Type it by hand.")
    return words


def note_text(text: str) -> str:
    """A note as it is kept: its lines, without what acts on a screen. Raises UsageError when nothing is left, or much."""
    lines = [_CONTROL.sub("", line.replace("\t", " ")).rstrip() for line in text.splitlines()]
    words = "\n".join(lines).strip()
    if not words:
        raise UsageError("A note needs some words.", hint="phr note RECORD your words")
    if len(words) > NOTE_LIMIT:
        raise UsageError(
            f"A note has up to {NOTE_LIMIT:,} characters.",
            hint="Keep a longer text as a document: phr add document FILE",
        )
    return words


def tag_text(text: str) -> str:
    """A tag as it is kept. Raises UsageError."""
    words = " ".join(text.split())
    if not words or _CONTROL.search(text) or len(words) > 100:
        raise UsageError("A tag is a short text on one line.", hint="Up to 100 characters.")
    return words


def _bounded(name: str, words: str, limit: int) -> str:
    if len(words) > limit:
        raise UsageError(
            f"The {name} has up to {limit} characters.", hint="Write the rest as a note: phr note"
        )
    return words


def _one_of(name: str, word: str, known: tuple[str, ...]) -> str:
    if word not in known:
        there = ", ".join(one.replace("_", " ") for one in known)
        raise UsageError(f"There is no such {name}.", hint=f"There is: {there}")
    return word


def _status(type_: str, words: str) -> str:
    found = statuses.status(type_, words)
    if found is None:
        there = ", ".join(one for one in statuses.statuses(type_) if one != IN_ERROR)
        raise UsageError(
            "There is no such status for this record.",
            hint=f"There is: {there}; and {IN_ERROR}, which takes it out of your lists",
        )
    return found


def _number(words: str) -> str:
    found = as_value(words)
    if found is None or found.text is None:
        raise UsageError(
            "The source gave a number here, and that is none.",
            hint="Write it with a point, and its unit apart: --value 5.4 --unit mg/dL",
        )
    return found.text


def _date(name: str, words: str, today: date) -> str:
    found = said(words, today)
    if not 1850 <= int(found[:4]) <= today.year + _LATEST_YEARS:
        raise UsageError(f"The year of the {name} cannot be right.", hint="Write it as 2019-05-31")
    return found
