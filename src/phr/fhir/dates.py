"""Partial dates: a FHIR date may be a year, a month, a day or an instant, and each means an interval.

Follows FHIR R4, Datatypes (date, dateTime, instant) and the rule of Search that a partial date stands for
the whole period it can mean. Reads more than the specification allows, because servers send more:
a space for the `T`, offsets without a colon, times without a zone, blanks around it. The text stays as sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

_EPOCH = date(1970, 1, 1).toordinal()
_DAY = 86_400
_LONGEST = 64
_MONTH_DAYS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date with the precision its source gave."""

    text: str
    precision: str
    """`year`, `month`, `day`, `minute` or `second`."""
    start: int
    """Epoch seconds UTC; a text without a zone counts as UTC."""
    end: int
    """Exclusive: the first second after all that the text can mean."""


def parse(text: object) -> PartialDate | None:
    """Read a FHIR date, dateTime or instant; None if no date can be read from it.

    A day with an unreadable time is read as the day: the day is what we know.
    """
    return _read(text) if isinstance(text, str) and len(text) < _LONGEST else None


@lru_cache(maxsize=8192)  # the results of one visit share their dates, and each is asked for more than once
def _read(text: str) -> PartialDate | None:
    if (plain := _plain_instant(text)) is not None:
        return plain
    text = text.strip()
    length = len(text)
    if length < 4 or not text.isascii():
        return None
    try:
        if length > 10:
            return _with_time(text, length)
        if length == 10:
            if text[4] != "-" or text[7] != "-":
                return None
            start = _midnight(text)
            return PartialDate(text, "day", start, start + _DAY)
        return _month_or_year(text, length)
    except ValueError:  # not a number, or a month 13, or a 30 February
        return None


_PLAIN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)", re.ASCII)
_START = datetime(1970, 1, 1, tzinfo=UTC)


def _plain_instant(text: str) -> PartialDate | None:
    """An instant exactly as FHIR spells it, as most are, in a third of the time; None if it needs a closer look."""
    if _PLAIN.fullmatch(text) is None:
        return None
    try:
        since = datetime.fromisoformat(text) - _START
    except ValueError:  # a month 13, a leap second
        return None
    start = since.days * _DAY + since.seconds
    return PartialDate(text, "second", start, start + 1)


def instant(moment: datetime) -> str:
    """A moment of our own as a FHIR instant, to the second, in UTC: these sort as text."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _number(text: str) -> int:
    if not text.isdigit():  # int() alone would take "+1", " 1" and "1_0"
        raise ValueError(text)
    return int(text)


def _midnight(text: str) -> int:
    year, month, day = _number(text[:4]), _number(text[5:7]), _number(text[8:10])
    return (date(year, month, day).toordinal() - _EPOCH) * _DAY


def _month_or_year(text: str, length: int) -> PartialDate | None:
    year = _number(text[:4])
    if length == 4:
        start = (date(year, 1, 1).toordinal() - _EPOCH) * _DAY
        return PartialDate(text, "year", start, start + _year_days(year) * _DAY)
    if length == 7 and text[4] == "-":
        month = _number(text[5:7])
        start = (date(year, month, 1).toordinal() - _EPOCH) * _DAY
        days = 29 if month == 2 and _year_days(year) == 366 else _MONTH_DAYS[month]
        return PartialDate(text, "month", start, start + days * _DAY)
    if length == 8:  # an HL7 v2 or C-CDA day that a converter passed on as it was
        start = (date(year, _number(text[4:6]), _number(text[6:8])).toordinal() - _EPOCH) * _DAY
        return PartialDate(text, "day", start, start + _DAY)
    return None


def _year_days(year: int) -> int:
    return 366 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 365


def _with_time(text: str, length: int) -> PartialDate | None:
    if text[4] != "-" or text[7] != "-" or text[10] not in "Tt ":
        return None
    midnight = _midnight(text)
    try:
        if text[13] != ":":
            raise ValueError
        at = midnight + _up_to(24, text[11:13]) * 3600 + _up_to(59, text[14:16]) * 60
        if length > 16 and text[16] == ":":
            at += _up_to(60, text[17:19])  # 60 is a leap second
            at -= _offset(_after_fraction(text, length))
            return PartialDate(text, "second", at, at + 1)
        at -= _offset(text[16:])
        return PartialDate(text, "minute", at, at + 60)
    except (ValueError, IndexError):
        return PartialDate(text, "day", midnight, midnight + _DAY)


def _after_fraction(text: str, length: int) -> str:
    if length == 19 or text[19] not in ".,":
        return text[19:]
    position = 20
    while position < length and text[position].isdigit():
        position += 1
    return text[position:]


def _up_to(most: int, text: str) -> int:
    number = _number(text)
    if number > most or len(text) != 2:
        raise ValueError(text)
    return number


def _offset(zone: str) -> int:
    """Seconds east of UTC in `Z`, `+01:00`, `+0100`, `+01` or nothing."""
    zone = zone.strip()
    if not zone or zone in ("Z", "z"):
        return 0
    digits = zone[1:].replace(":", "")
    if zone[0] not in "+-" or len(digits) not in (2, 4):
        raise ValueError(zone)
    seconds = _up_to(14, digits[:2]) * 3600 + (_up_to(59, digits[2:]) * 60 if len(digits) == 4 else 0)
    return -seconds if zone[0] == "-" else seconds
