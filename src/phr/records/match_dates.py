"""Whether two partial dates can be, or surely are, one moment (FHIR R4, dateTime: a date is an interval).

A day is what its writer calls so: `2024-03-05` holds `2024-03-05T23:30:00-05:00`, wherever in the world it is the sixth by
then. Two instants are compared as instants. A midnight is mostly no time at all but a day that a program filled up.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from phr.fhir import dates

INSTANT, DAY, COARSE, NOT = 3, 2, 1, 0
"""How surely two dates are one: the same instant; the same day; a year or a month that holds the other; not."""
_ZONE = re.compile(r"(?:[Zz]|[+-]\d\d:?(?:\d\d)?)$")
_MIDNIGHT = re.compile(r"[Tt ]00:00(?::00(?:\.0+)?)?(?:[Zz]|[+-]\d\d:?(?:\d\d)?)?$")
_AROUND = 14 * 3600
"""Seconds by which a day can lie apart from the same day in UTC."""


class When(NamedTuple):
    """A date as it is compared."""

    digits: str
    """`2024`, `202403` or `20240305`: as written, in the writer's own zone."""
    start: int
    end: int
    is_instant: bool
    is_midnight: bool

    @property
    def is_day(self) -> bool:
        """Known to the day or finer."""
        return len(self.digits) == 8

    def found_by(self) -> tuple[bytes, ...]:
        """What moments that may be one have in common: the one's is the beginning of the other's, or is the other's.

        An instant is found by its minute, below its own day and the day in UTC; a midnight by its day too.
        """
        if not self.is_instant or self.end - self.start > 60:
            return (self.digits.encode(),)
        there = _day(self.start // 86_400)
        minute = f"T{self.start // 60:x}"
        found = tuple(f"{day}{minute}".encode() for day in dict.fromkeys((self.digits, there)))
        return (*found, f"{self.digits}M".encode()) if self.is_midnight else found


_EPOCH = date(1970, 1, 1).toordinal()


@lru_cache(maxsize=8192)
def _day(number: int) -> str:
    """A day counted from 1970 as digits. The last evening of the year 9999 lies in the year 10000 in UTC: so far no
    calendar goes, and it stays the last day there is.
    """
    day = min(max(number + _EPOCH, 1), date.max.toordinal())
    return date.fromordinal(day).isoformat().replace("-", "")


@lru_cache(maxsize=8192)
def when(text: object) -> When | None:
    """Read a date. A time without a zone is its day: nobody knows more."""
    found = dates.parse(text)
    if found is None:
        return None
    digits = found.text[:10].replace("-", "")[:8]
    if found.precision in ("year", "month", "day"):
        return When(digits, found.start, found.end, False, False)
    if not _ZONE.search(found.text[11:]):
        start = found.start - found.start % 86_400
        return When(digits, start, start + 86_400, False, False)
    return When(digits, found.start, found.end, True, _MIDNIGHT.search(found.text) is not None)


def agree(one: When | None, other: When | None) -> int:
    """How surely both are one moment."""
    if one is None or other is None:
        return NOT
    if one.is_instant and other.is_instant:
        if one.start < other.end and other.start < one.end:
            return INSTANT
        return DAY if one.is_midnight and other.is_midnight and one.digits == other.digits else NOT
    if one.is_day and other.is_day:
        return DAY if one.digits == other.digits else NOT
    short, long_ = sorted((one.digits, other.digits), key=len)
    return COARSE if long_.startswith(short) else NOT


def contradict(one: When | None, other: When | None) -> bool:
    """Whether they cannot be one moment, whatever zone a day was written in."""
    if one is None or other is None or agree(one, other):
        return False
    slack = 0 if one.is_instant and other.is_instant else _AROUND
    return one.start >= other.end + slack or other.start >= one.end + slack
