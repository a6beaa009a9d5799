"""Which two spellings of a value are no news to an eye: white space, `1.20` for `1.2`, one instant told in two time zones,
an address told relative and in full, the character set of a file.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from phr.fhir.content import lasting
from phr.views.fields.narrative import lines_of

_BOOKKEEPING = ("meta", "id", "_id", "implicitRules")
_GENERATED = ("generated", "extensions", "empty")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)")
_POINTS_AT = re.compile(r"(?:^|.*/)([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})(?:/_history/[^/]+)?")


def calm(value: Any, name: str = "") -> Any:
    """The same without what says nothing: bookkeeping, signatures of addresses, and how a value is spelled."""
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if key not in _BOOKKEEPING}
        narrative = kept.get("text")
        if isinstance(narrative, dict) and narrative.get("status") in _GENERATED:
            del kept["text"]
        return {key: calm(one, key) for key, one in kept.items()}
    if isinstance(value, list):  # in which order a server writes them says nothing
        return sorted((calm(one, name) for one in value), key=repr)
    return _text(value, name) if isinstance(value, str) else value


def _text(value: str, name: str) -> str:
    if name == "div":
        return lines_of(value)
    if name == "reference" and (found := _POINTS_AT.fullmatch(lasting(value.strip()))):
        return found[1]
    if name == "contentType":
        return value.partition(";")[0].strip().lower()
    if _INSTANT.fullmatch(value):
        return _instant(value)
    return " ".join(_plain(lasting(value)))


def _instant(value: str) -> str:
    try:
        return datetime.fromisoformat(value).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return value


def same_words(one: str | None, other: str | None) -> bool:
    """Whether two texts differ in nothing but white space, or in zeros at the end of a number."""
    if one is None or other is None:
        return False
    return _plain(one) == _plain(other)


def _plain(text: str) -> tuple[str, ...]:
    return tuple(_number(word) for word in text.split())


def _number(word: str) -> str:
    """`1.20` as `1.2`; any other word as it is."""
    if "." not in word or not word.replace(".", "", 1).lstrip("+-").isdecimal():
        return word
    try:
        return format(Decimal(word).normalize(), "f")
    except InvalidOperation:
        return word


def spelled_as(old: Any, new: Any, name: str = "") -> Any:
    """`new`, with each part that says the same as in `old` spelled as it was there: so only what is news differs."""
    if name == "contained":  # references point at its ids, which are read as they came
        return new
    if calm(old, name) == calm(new, name) and type(old) is type(new):
        return old
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: spelled_as(old[key], one, key) if key in old else one for key, one in new.items()}
    if isinstance(old, list) and isinstance(new, list):
        return _entries(old, new, name)
    return new


def _entries(old: list[Any], new: list[Any], name: str) -> list[Any]:
    """Entries that stayed are taken from the old list; those that are left are held against each other in their order."""
    left = [(calm(one, name), one) for one in old]
    found: list[Any] = []
    others: list[int] = []
    for one in new:
        plain = calm(one, name)
        at = next((i for i, (known, _) in enumerate(left) if known == plain), None)
        if at is None:
            others.append(len(found))
            found.append(one)
        else:
            found.append(left.pop(at)[1])
    for at, (_, before) in zip(others, left, strict=False):
        found[at] = spelled_as(before, found[at], name)
    return found
