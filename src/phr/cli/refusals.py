"""What does not come, in a patient's words: which kind of record, why, and whether there is anything to do about it.

What the server said itself is whole in `phr jobs show` and in JSON; here its answer becomes one of a few sentences, so
that ten refusals are one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from phr.cli.granted import named
from phr.cli.text import clean

NOTHING_TO_DO = "nothing to do"
_NOT_GIVEN = f"{NOTHING_TO_DO}: this provider does not give it to patients"
_NOT_OFFERED = f"{NOTHING_TO_DO}: this provider does not offer it"
_NOT_SO = f"{NOTHING_TO_DO}: this provider does not let it be asked for in this way"
_NOT_GRANTED = f"not granted at sign-in; {NOTHING_TO_DO}, unless you left it out there yourself"
_STATUS = re.compile(r"\((\d{3})\)\.?$")
_BY_STATUS = {
    400: _NOT_SO,
    401: _NOT_GIVEN,
    403: _NOT_GIVEN,
    404: _NOT_OFFERED,
    405: _NOT_OFFERED,
    410: _NOT_OFFERED,
    422: _NOT_SO,
    501: _NOT_OFFERED,
}
_SENTENCES = {
    "not granted at sign-in": _NOT_GRANTED,
    "the server lets single ones be read, not searched": _NOT_OFFERED,
    "the server does not let it be searched by patient": _NOT_OFFERED,
}
"""Of `smart.scopes` and `sync.plan`, as a patient would say it."""
_AGAIN = re.compile(r"known to be refused, not asked again(?: until (\d{4}-\d\d-\d\d))?: ?")
_PART = re.compile(r"([a-z_-]+=[^\s:]+(?:&[^\s:]+)*): ")
"""Searches of one type that differ by their parameters name them first: `category=therapy: …`."""


def plain(type_: str, reason: str, http_status: int | None = None, *, one: bool = False) -> tuple[str, str]:
    """What it is about, and what is to be said of it. `one`: a single resource was asked for, not all of a type."""
    reason = clean(reason).rstrip(".")
    again, words = _AGAIN.match(reason), named(clean(type_))
    rest = reason[again.end() :] if again else reason
    part = _PART.match(rest)
    found = _STATUS.search(rest)
    status = http_status or (int(found[1]) if found else None)
    sentence = _SENTENCES.get(rest)
    if sentence is None and status in _BY_STATUS and not rest.startswith("attachment "):
        sentence = _BY_STATUS[status]
    if sentence is None:
        return words, reason
    if part:
        words = f"{words}, {part[1]}"
    elif one:
        words = f"some {words} that records point at"
    return words, sentence + (f"; asked again after {again[1]}" if again and again[1] else "")


def grouped(rows: Iterable[tuple[str, str, int | None, bool, int]]) -> dict[str, dict[str, int]]:
    """Each sentence once, with what it is about and how often. Rows: type, reason, status, a single one, how many."""
    found: dict[str, dict[str, int]] = {}
    for type_, reason, status, one, many in rows:
        words, sentence = plain(type_, reason, status, one=one)
        about = found.setdefault(sentence, {})
        about[words] = about.get(words, 0) + many
    return found


def listed(about: dict[str, int], most: int | None = None) -> str:
    """`claims (Claim), problems (Condition) ×3`; with `most` the rest is counted."""
    words = [name if number == 1 else f"{name}\xa0×\xa0{number:,}" for name, number in about.items()]
    left = len(words) - most if most else 0
    return ", ".join(words) if left <= 0 else f"{', '.join(words[:most])} and {left} more"
