"""The day, month or year that words mean: the rules of `said_dates`, one function each, tried in their order."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from phr.errors import UsageError

ORDERS = ("mdy", "dmy")
"""How dates of numbers alone are written: month first, as in the United States, or day first."""
EXAMPLES = "2019, march 2019, last march, yesterday, 3 weeks ago, 2026-11-03, yesterday 8:30"


class NotADate(UsageError):
    """The words are no date."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint or f"Such as: {EXAMPLES}")


class AmbiguousDate(UsageError):
    """03/04/2024: in March or in April? `readings` has the date by each order."""

    def __init__(self, text: str, readings: dict[str, str]) -> None:
        month_first, day_first = readings["mdy"], readings["dmy"]
        super().__init__(
            f"{text} can be {month_first} or {day_first}.",
            hint=f"Write {month_first}, or say how you write dates: --date-order mdy (or dmy)",
        )
        self.readings = readings


_MONTHS = "january february march april may june july august september october november december".split()
_MONTH = {name[:length]: at for at, name in enumerate(_MONTHS, 1) for length in range(3, len(name) + 1)}
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_WEEKDAY = {name: at for at, name in enumerate(_WEEKDAYS)} | {
    name[:3]: at for at, name in enumerate(_WEEKDAYS)
}
_WEEKDAY |= {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}
_NUMBERS = {
    word: number
    for number, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split(), 1
    )
} | {"a": 1, "an": 1, "a couple of": 2, "a couple": 2, "twenty": 20, "thirty": 30}
_MONTH_WORD = r"(?P<month>[a-z]{3,9})"
COUNT = r"(?P<count>\d{1,3}|" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + r")"
_UNIT = r"(?P<unit>day|week|month|year)s?"
_SEASONS = {"spring": 5, "summer": 8, "autumn": 11, "fall": 11, "winter": 0}
"""The last month of each, in the north; a winter lies in two years."""
_HALVES = r"(?:early|late|mid|the (?:start|beginning|middle|end) of|(?:start|beginning|middle|end) of)"
_ABOUT = re.compile(r"(?:about|around|approximately|approx|roughly|circa|ca|c)\b\.?\s*|~\s*")
_LEADING = re.compile(r"(?:on|in|since|from|at|the|of|during)\s+")


@dataclass(frozen=True, slots=True)
class Context:
    """What the words are held against."""

    today: date
    order: str | None
    born: date | None
    ahead: bool
    text: str
    """What was typed, to be named in an error."""


def day_of(words: str, here: Context) -> str:
    """The date of words without a time of day; each rule answers or passes."""
    if vague := _ABOUT.match(words):
        return _coarser(day_of(words[vague.end() :], here))
    for rule in _RULES:
        answer = rule(words, here)
        if answer is not None:
            return answer
    if leading := _LEADING.match(words):
        return day_of(words[leading.end() :], here)
    if re.fullmatch(r"(?:the )?(?:\d{2}|\d{4})'?s|(?:the )?[a-z]+ties", words):
        raise NotADate(f"{here.text} are ten years.", "Write the year as well as you know it: about 1994")
    raise unreadable(here)


def unreadable(here: Context) -> NotADate:
    return NotADate(f"{here.text} cannot be read as a date.")


def _coarser(when: str) -> str:
    """What “about” leaves of a date: the month of a day, the year of a month."""
    return when[:7] if len(when) >= 10 else when[:4]


def _simple(words: str, here: Context) -> str | None:
    shift = {"today": 0, "this morning": 0, "this afternoon": 0, "this evening": 0, "tonight": 0}
    shift |= {"yesterday": -1, "last night": -1, "yesterday morning": -1, "yesterday evening": -1}
    shift |= {
        "the day before yesterday": -2,
        "tomorrow": 1,
        "tomorrow morning": 1,
        "the day after tomorrow": 2,
    }
    if words in shift:
        return (here.today + timedelta(days=shift[words])).isoformat()
    return here.today.isoformat() if words in ("now", "just now", "right now") else None


def _iso(words: str, here: Context) -> str | None:
    """`2019`, `2019-03`, `2019-03-14`, also with slashes or as one number; `march 2019` is another rule."""
    found = re.fullmatch(r"(\d{4})(?:([-/.])(\d{1,2})(?:\2(\d{1,2}))?)?|(\d{4})(\d\d)(\d\d)", words, re.ASCII)
    if found is None:
        return None
    return _made(found[1] or found[5], found[3] or found[6], found[4] or found[7], here)


def _numbers(words: str, here: Context) -> str | None:
    """`3/14/2024`, `14.3.2024`, `3/2019`, `3/14`: a dot means the day is first; a slash or a dash means nobody knows."""
    if found := re.fullmatch(r"(\d{1,2})[/.-](\d{4})", words, re.ASCII):
        return _made(found[2], found[1], None, here)
    found = re.fullmatch(r"(\d{1,2})([/.-])(\d{1,2})(?:\2(\d{4}|\d\d))?", words, re.ASCII)
    if found is None:
        return None
    first, mark, second, year = found.groups()

    def reading(order: str) -> str | None:
        month, day = (first, second) if order == "mdy" else (second, first)
        try:
            return _made(year, month, day, here) if year else _nearest(int(month), int(day), here)
        except NotADate:
            return None

    readings = {order: reading(order) for order in (("dmy",) if mark == "." else ORDERS)}
    possible = {order: when for order, when in readings.items() if when is not None}
    if not possible:
        raise NotADate(f"{here.text}: there is no such day.")
    if len(set(possible.values())) == 1:
        return next(iter(possible.values()))
    if here.order in possible:
        return possible[here.order]
    raise AmbiguousDate(here.text, possible)


def _named(words: str, here: Context) -> str | None:
    """`march 2019`, `14 march`, `march 14th 2024`, `march last year`; without a year the nearest one."""
    for shift, name in ((-1, "last"), (0, "this"), (1, "next")):
        words = re.sub(rf"(?<=\w) (?:of )?{name} year$", f" {here.today.year + shift}", words)
    patterns = (
        rf"{_MONTH_WORD}(?:\.? of|\.)? (?P<year>\d{{4}})",
        rf"{_MONTH_WORD}\.?",
        rf"{_MONTH_WORD}\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: (?P<year>\d{{4}}))?",
        rf"(?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?[ -](?:of )?{_MONTH_WORD}\.?(?:[ -](?P<year>\d{{4}}))?",
    )
    for pattern in patterns:
        found = re.fullmatch(pattern, words, re.ASCII)
        month = _MONTH.get(found["month"]) if found else None
        if found is None or month is None:
            continue
        parts = found.groupdict()
        if parts.get("year"):
            return _made(parts["year"], str(month), parts.get("day"), here)
        return _nearest(month, int(parts["day"]) if parts.get("day") else None, here)
    return None


def _around(words: str, here: Context) -> str | None:
    """`last march`, `next monday`, `this year`, `last summer`, `monday`."""
    found = re.fullmatch(r"(?:(last|past|this|next|this past) )?([a-z]+)", words)
    if found is None:
        return None
    which, name = found.groups()
    which = "last" if which in ("past", "this past") else which
    if name in _WEEKDAY:
        return _weekday(which, _WEEKDAY[name], here)
    if which is None:
        return None
    step = {"last": -1, "this": 0, "next": 1}[which]
    if name == "week":
        return _month_of(here.today + timedelta(days=7 * step))
    if name in ("month", "year"):
        return _shifted(here.today, name, step)
    if name in _SEASONS:
        return _season(name, step, here)
    month = _MONTH.get(name)
    if month is None:
        return None
    year = here.today.year
    if step < 0 and month >= here.today.month:
        year -= 1
    if step > 0 and month <= here.today.month:
        year += 1
    return f"{year:04}-{month:02}"


def _weekday(which: str | None, wanted: int, here: Context) -> str:
    """The last one before today, or the next one after it: who means today says so."""
    forward = which == "next" or (which in (None, "this") and here.ahead)
    days = (wanted - here.today.weekday()) % 7
    return (here.today + timedelta(days=(days or 7) if forward else days - 7)).isoformat()


def _season(name: str, step: int, here: Context) -> str:
    last_month = _SEASONS[name]
    if not last_month:
        raise NotADate("A winter lies in two years.", f"Write the year: winter {here.today.year - 1}")
    over = here.today.month > last_month
    year = here.today.year + (step if step >= 0 else (0 if over else -1))
    return f"{year:04}"


def _of_a_year(words: str, here: Context) -> str | None:
    """`spring 2018`, `early 2019`, `late march 2019`, `q1 2019`: FHIR has no seasons, so the year or the month stays."""
    found = re.fullmatch(rf"(?:{'|'.join(_SEASONS)}|q[1-4])(?: of| in)? (\d{{4}})", words, re.ASCII)
    if found:
        return _made(found[1], None, None, here)
    halves = re.fullmatch(rf"{_HALVES}[ -](.+)", words)
    return _coarser_than_day(day_of(halves[1], here)) if halves else None


def _coarser_than_day(when: str) -> str:
    return when[:7]


def _ago(words: str, here: Context) -> str | None:
    """`3 days ago` is a day; who counts in weeks or months knows the month, who counts in years the year."""
    found = re.fullmatch(rf"{COUNT}(?P<more> and a half)? {_UNIT} (?:ago|back|earlier)", words)
    ahead = None if found else re.fullmatch(rf"in {COUNT} {_UNIT}", words)
    found = found or ahead
    if found is None:
        half = re.fullmatch(r"half a year ago", words)
        return _shifted(here.today, "month", -6) if half else None
    steps, unit = number_of(found["count"]) * (1 if ahead else -1), found["unit"]
    if unit == "day":
        return (here.today + timedelta(days=steps)).isoformat()
    if unit == "week":
        return _month_of(here.today + timedelta(days=7 * steps))
    if found.groupdict().get("more"):
        return _shifted(here.today, "month", steps * 12 + (6 if steps > 0 else -6))[:4]
    return _shifted(here.today, unit, steps)


def _aged(words: str, here: Context) -> str | None:
    """`when I was 12`: the year of that birthday."""
    if words in ("at birth", "since birth", "when i was born", "birth") and here.born is not None:
        return here.born.isoformat()
    found = re.fullmatch(
        r"(?:when i (?:was|turned)|at (?:the )?age(?: of)?|at|aged?|when (?:he|she|they) (?:was|were)) (\d{1,3})"
        r"(?: years old)?|(\d{1,3}) years old",
        words,
        re.ASCII,
    )
    if found is None:
        return None
    if here.born is None:
        raise NotADate(
            f"{here.text}: no date of birth is known to count from.", "Write the year instead: 2009"
        )
    return f"{here.born.year + int(found[1] or found[2]):04}"


_Rule = Callable[[str, Context], str | None]
_RULES: tuple[_Rule, ...] = (_simple, _iso, _numbers, _around, _named, _of_a_year, _ago, _aged)


# ── the calendar ──────────────────────────────────────────────────────────────────────────────────


def number_of(word: str) -> int:
    return int(word) if word.isdigit() else _NUMBERS[word]


def _made(year: str | None, month: str | None, day: str | None, here: Context) -> str:
    """A date of its parts. Raises NotADate where the calendar has none."""
    number = int(year or 0)
    if year is not None and len(year) == 2:  # the latest one that fits, as people mean it
        number += 2000 if here.ahead or 2000 + number <= here.today.year else 1900
    if not 1850 <= number <= 2200:
        raise NotADate(f"{here.text}: the year cannot be right.")
    try:
        date(number, int(month or 1), int(day or 1))
    except ValueError:
        raise NotADate(f"{here.text}: there is no such {'day' if day else 'month'}.") from None
    parts = [f"{number:04}", *(f"{int(part):02}" for part in (month, day) if part)]
    return "-".join(parts)


def _nearest(month: int, day: int | None, here: Context) -> str:
    """A month, or a day of it, without a year: the last one (this month and today count), or the next one."""
    year, this = here.today.year, (here.today.month, here.today.day if day else 0)
    if here.ahead and (month, day or 0) < this:
        year += 1
    if not here.ahead and (month, day or 0) > this:
        year -= 1
    if month == 2 and day == 29:
        while monthrange(year, 2)[1] < 29:
            year += 1 if here.ahead else -1
    return _made(f"{year:04}", str(month), str(day) if day else None, here)


def _month_of(day: date) -> str:
    return day.isoformat()[:7]


def _shifted(day: date, unit: str, steps: int) -> str:
    if unit == "year":
        return f"{day.year + steps:04}"
    months = day.year * 12 + day.month - 1 + steps
    return f"{months // 12:04}-{months % 12 + 1:02}"
