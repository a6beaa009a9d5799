"""Time as people say it in a search: `since 2023`, `in march 2024`, `last year`, `past 6 months`.

A time after `since`, `before`, `until` is a condition; one said in passing (`glucose 2023`) is kept to as long as
anything is left. Pure: what today is comes from outside.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

from phr.fhir import dates

_MONTHS = "january february march april may june july august september october november december".split()
_SHORT = {name[:3]: at for at, name in enumerate(_MONTHS, 1)} | {"sept": 9}
_YEAR = re.compile(r"(?:19|20)\d\d")
_ISO = re.compile(r"(?:19|20)\d\d-\d\d?(?:-\d\d?)?")
_AMERICAN = re.compile(r"(\d\d?)/(\d\d?)/((?:19|20)\d\d)")
_DAY = re.compile(r"(\d\d?)(?:st|nd|rd|th)?")
_NUMBERS = dict(zip("one two three four five six seven eight nine ten".split(), range(1, 11), strict=True))
_NUMBERS |= {"a": 1, "an": 1, "few": 3, "couple": 2}
_SINCE = ("since", "after", "from", "starting")
_UNTIL = ("until", "till", "through", "to")
_PASSING = ("in", "during", "of", "around", "year", "on", "for", "from")
Range = tuple[str | None, str | None]


class Parted:
    """Which words are left, and the time that the others said."""

    def __init__(self) -> None:
        self.left: list[int] = []
        self.after: str | None = None
        self.before: str | None = None
        self.around: Range | None = None


def parted_from_time(words: Sequence[str], today: date | None) -> Parted:
    """Take the words that say a time out of the others."""
    found = Parted()
    small = [word.lower().strip(",.;?!") for word in words]
    at = 0
    while at < len(small):
        taken = _taken(small, at, today, found)
        if not taken:
            found.left.append(at)
        at += taken or 1
    return found


def _taken(words: list[str], at: int, today: date | None, found: Parted) -> int:
    """How many words from here on say a time; it is noted in `found`."""
    word = words[at]
    size, date_ = _date(words, at + 1)
    if date_ and word in (*_SINCE, "before", *_UNTIL):
        if word in _SINCE and not (word == "from" and not _goes_on(words, at + 1 + size)):
            found.after = date_
        elif word == "before":
            found.before = day_before(date_)
        elif word in _UNTIL:
            found.before = date_
        else:
            found.around = (date_, date_)
        return 1 + size
    if date_ and word in _PASSING:
        found.around = (date_, date_)
        return 1 + size
    size, date_ = _date(words, at)
    if date_:
        found.around = (date_, date_)
        return size
    if today and word in (*_SINCE, "before", "until", "till"):
        size, span = _span(words, at + 1, today)
        if span and (word != "from" or _goes_on(words, at + 1 + size)):
            if word in _SINCE:
                found.after = span[0]
            else:
                found.before = span[1] if word != "before" else day_before(span[0] or "")
            return 1 + size
    return _relative(words, at, today, found) if today else 0


def _goes_on(words: list[str], at: int) -> bool:
    """`from 2019 to 2021`, or `from 2019 on`."""
    return at < len(words) and words[at] in (*_UNTIL, "on", "onwards", "now")


def _date(words: list[str], at: int) -> tuple[int, str | None]:
    """A date that begins here: `(words taken, partial date)`."""
    if at >= len(words):
        return 0, None
    if date_ := dated_word(words[at]):
        return 1, date_
    month = _month(words[at])
    if month:
        following = words[at + 1] if at + 1 < len(words) else ""
        if _YEAR.fullmatch(following):
            return 2, f"{following}-{month:02}"
        day = _DAY.fullmatch(following)
        year = words[at + 2] if at + 2 < len(words) else ""
        if day and _YEAR.fullmatch(year):
            date_ = dated_word(f"{year}-{month:02}-{int(day[1]):02}")
            return (3, date_) if date_ else (0, None)
    return 0, None


def _month(word: str) -> int:
    return _SHORT.get(word, 0) or (_MONTHS.index(word) + 1 if word in _MONTHS else 0)


def dated_word(word: str) -> str | None:
    """One word as a partial date: `2024`, `2024-3`, `2024-03-15`, `3/15/2024`; None when it is none."""
    word = word.strip()
    if american := _AMERICAN.fullmatch(word):
        word = f"{american[3]}-{american[1]}-{american[2]}"
    if _YEAR.fullmatch(word):
        return word
    if not _ISO.fullmatch(word):
        return None
    year, *others = word.split("-")
    text = "-".join([year, *(f"{int(part):02}" for part in others)])
    return text if dates.parse(text) else None


def day_before(text: str) -> str:
    """The last day before a partial date begins."""
    when = dates.parse(text)
    assert when is not None, "read before"  # noqa: S101
    return (date(1970, 1, 1) + timedelta(days=when.start // 86_400 - 1)).isoformat()


def _span(words: list[str], at: int, today: date) -> tuple[int, Range | None]:
    """`last year`, `last march`, `yesterday`, `3 years ago`: `(words taken, from and until)`."""
    inner = Parted()
    size = _relative(words, at, today, inner) if at < len(words) else 0
    return size, inner.around


def _ago_said(words: list[str], at: int, today: date) -> tuple[int, Range | None]:
    """`3 years ago`, `a month ago`, `two weeks ago`."""
    number, unit, ago = (*words[at : at + 3], "", "", "")[:3]
    count = int(number) if number.isdecimal() and len(number) < 4 else _NUMBERS.get(number, 0)
    unit = unit.rstrip("s")
    if ago != "ago" or not count or unit not in ("day", "week", "month", "year"):
        return 0, None
    when = _ago(count, unit, today)
    if unit == "week":
        return 3, ((when - timedelta(days=4)).isoformat(), (when + timedelta(days=4)).isoformat())
    text = when.isoformat()[: {"day": 10, "month": 7, "year": 4}[unit]]
    return 3, (text, text)


def _relative(words: list[str], at: int, today: date | None, found: Parted) -> int:
    """`last year`, `this month`, `past 6 months`, `last march`, `yesterday`."""
    assert today is not None  # noqa: S101
    word, following = words[at], words[at + 1] if at + 1 < len(words) else ""
    if word in ("today", "yesterday"):
        day = (today - timedelta(days=word == "yesterday")).isoformat()
        found.around = (day, day)
        return 1
    size, span = _ago_said(words, at, today)
    if span:
        found.around = span
        return size
    if word in ("last", "past", "this", "in", "previous"):
        if (month := _month(following)) and word != "past":
            year = today.year if month <= today.month else today.year - 1
            found.around = (f"{year}-{month:02}",) * 2
            return 2
        if word != "in" and (range_ := _named(word, following.rstrip("s"), today)):
            found.around = range_
            return 2
        unit = words[at + 2].rstrip("s") if at + 2 < len(words) else ""
        if (
            word != "in"
            and (count := int(following) if following.isdecimal() else _NUMBERS.get(following, 0))
            and count < 1000
            and unit in ("day", "week", "month", "year")
        ):
            found.after = _ago(count, unit, today).isoformat()
            return 3
    return 0


def _named(word: str, unit: str, today: date) -> Range | None:
    back = 0 if word == "this" else 1
    if unit == "year":
        if word == "past":
            return _ago(1, "year", today).isoformat(), None
        return (str(today.year - back),) * 2
    if unit == "month":
        first = _ago(back, "month", today.replace(day=1))
        return (first.isoformat()[:7],) * 2
    if unit == "week":
        monday = today - timedelta(days=today.weekday() + 7 * back)
        return monday.isoformat(), (monday + timedelta(days=6)).isoformat()
    return None


def _ago(number: int, unit: str, today: date) -> date:
    if unit in ("day", "week"):
        return today - timedelta(days=number * (7 if unit == "week" else 1))
    months = today.year * 12 + today.month - 1 - number * (12 if unit == "year" else 1)
    year, month = max(1, months // 12), months % 12 + 1
    return date(year, month, min(today.day, monthrange(year, month)[1]))
