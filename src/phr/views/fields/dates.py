"""Dates, periods and times of day in plain words, each with the precision its source gave.

FHIR R4, Datatypes: date, dateTime, instant, Period, Timing. What is converted is only the form: the `T` becomes a
blank, seconds and a zone that is not UTC fall away (the clock is that of the place where it happened), and a midnight
that a program filled in stays the day it stands for.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from phr.fhir import read
from phr.records.measurements import number_text

_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,]\d+)?)?\s*(Z|z|[+-]\d\d:?\d\d|[+-]\d\d)?"
)
_UTC = ("Z", "z", "+00:00", "-00:00", "+0000")


def is_date(words: str) -> bool:
    """Whether it looks like a date of FHIR."""
    return words[:4].isdecimal() and words[4:5] in ("", "-") and _ANY.fullmatch(words) is not None


_ANY = re.compile(r"\d{4}(?:-\d\d(?:-\d\d(?:[T ]\d\d:\d\d.*)?)?)?")


def date_words(value: object) -> str | None:
    """`2023-12-04 09:30`, `2023-12`, `2023`; a text that is no date stays as it is."""
    words = read.text(value)
    found = _INSTANT.fullmatch(words) if words else None
    if found is None:
        return words
    day, time, second, zone = found.groups()
    if time == "00:00" and second in (None, "00"):
        return day
    return f"{day} {time} UTC" if zone in _UTC else f"{day} {time}"


def period_words(value: dict[str, Any]) -> str | None:
    """`2023-12-04 09:30 to 10:00 (30 minutes)`, `from 2020-05`, `until 2021`."""
    start, end = date_words(value.get("start")), date_words(value.get("end"))
    if not start or not end:
        return f"from {start}" if start else f"until {end}" if end else None
    if start == end:
        return start
    length = _length(str(value["start"]), str(value["end"]))
    if start[:10] == end[:10] and len(start) > 10 and len(end) > 10:
        start, end = start.removesuffix(" UTC"), end[11:]
    return f"{start} to {end} ({length})" if length else f"{start} to {end}"


def _length(start: str, end: str) -> str | None:
    """How long it took: exact up to two months, in whole months or years behind that."""
    clock = _minutes(start, end)
    if clock is not None and 0 < clock < 2880:
        if clock < 60 or (clock < 120 and clock % 60):
            return _count(clock, "minute")
        hours, rest = divmod(clock, 60)
        return f"{hours} h {rest} min" if rest else _count(hours, "hour")
    if len(start) >= 10 and len(end) >= 10:
        try:
            days = (date.fromisoformat(end[:10]) - date.fromisoformat(start[:10])).days
        except ValueError:
            return None
        if 0 < days <= 60:
            return _count(days, "day")
    end = _day_after(end) if len(start) == len(end) == 10 else end  # the last day counts too
    months = _months(start, end)
    if months is None or months < 1:
        return None
    years, rest = divmod(months, 12)
    exact = len(start) == len(end) == 4 or (start[8:10] == end[8:10] and (not rest or not years))
    length = _count(months, "month") if months < 24 and rest else _count(years, "year")
    return length if exact else f"about {length}"


def _day_after(day: str) -> str:
    try:
        return date.fromordinal(date.fromisoformat(day).toordinal() + 1).isoformat()
    except (ValueError, OverflowError):
        return day


def _minutes(start: str, end: str) -> int | None:
    from phr.fhir import dates

    begun, done = dates.parse(start), dates.parse(end)
    if begun is None or done is None or {begun.precision, done.precision} - {"second", "minute"}:
        return None
    return (done.start - begun.start) // 60


def _months(start: str, end: str) -> int | None:
    """Whole months between two dates; whole years where only those are known."""
    if not (start[:4].isdigit() and end[:4].isdigit()):
        return None
    years = int(end[:4]) - int(start[:4])
    if len(start) < 7 or len(end) < 7:
        return years * 12 if len(start) == 4 and len(end) == 4 else None
    if not (start[5:7].isdigit() and end[5:7].isdigit()):
        return None
    months = years * 12 + int(end[5:7]) - int(start[5:7])
    return months - 1 if end[8:10] < start[8:10] else months


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


# ── how often ─────────────────────────────────────────────────────────────────────────────────────

_UNITS = {"s": "second", "min": "minute", "h": "hour", "d": "day", "wk": "week", "mo": "month", "a": "year"}
_TIMES = {"1": "once", "2": "twice", "3": "three times", "4": "four times"}
_DAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
_MOMENTS = {
    "MORN": "in the morning",
    "MORN.early": "early in the morning",
    "MORN.late": "late in the morning",
    "NOON": "at noon",
    "AFT": "in the afternoon",
    "AFT.early": "early in the afternoon",
    "AFT.late": "late in the afternoon",
    "EVE": "in the evening",
    "EVE.early": "early in the evening",
    "EVE.late": "late in the evening",
    "NIGHT": "at night",
    "PHS": "after going to sleep",
    "HS": "at bedtime",
    "WAKE": "on waking",
    "C": "with meals",
    "CM": "with breakfast",
    "CD": "with lunch",
    "CV": "with dinner",
    "AC": "before meals",
    "ACM": "before breakfast",
    "ACD": "before lunch",
    "ACV": "before dinner",
    "PC": "after meals",
    "PCM": "after breakfast",
    "PCD": "after lunch",
    "PCV": "after dinner",
}
_CODES = {
    "BID": "twice a day",
    "TID": "three times a day",
    "QID": "four times a day",
    "AM": "every morning",
    "PM": "every afternoon",
    "QD": "every day",
    "QOD": "every other day",
    "Q1H": "every hour",
    "Q2H": "every 2 hours",
    "Q3H": "every 3 hours",
    "Q4H": "every 4 hours",
    "Q6H": "every 6 hours",
    "Q8H": "every 8 hours",
    "BED": "at bedtime",
    "WK": "once a week",
    "MO": "once a month",
}
"""GTSAbbreviation of HL7 v3, which `Timing.code` is taken from."""


def timing_words(value: dict[str, Any]) -> str | None:
    """`twice a day in the morning, for 7 days`; what its code says where it repeats nothing; the moments it names."""
    repeat = value.get("repeat")
    parts = list(_repeat(repeat)) if isinstance(repeat, dict) else []
    if not any(word for word in parts):
        parts = [words] if (words := _code(value.get("code"))) else []
    moments = [words for moment in read.listed(value.get("event")) if (words := date_words(moment))]
    return ", ".join([*parts, *([f"on {', '.join(moments)}"] if moments else [])]) or None


def _code(concept: object) -> str | None:
    from phr.records.elements import words_of

    code = next((one.code for one in read.codings(concept) if one.code), None)
    written = read.text(concept.get("text")) if isinstance(concept, dict) else None
    if written and written.upper() != (code or "").upper():
        return written
    return _CODES.get((code or written or "").upper()) or words_of(concept)


def _repeat(repeat: dict[str, Any]) -> list[str]:
    """The parts of a rule: how often, when, for how long, how many times."""
    often = _often(repeat)
    moments = [_MOMENTS.get(str(one), str(one)) for one in read.listed(repeat.get("when"))]
    offset = number_text(repeat.get("offset"))
    when = " and ".join(moments)
    if offset and offset != "0" and when:
        when = f"{offset} minutes {when}"
    days = [_DAYS.get(str(one).lower(), str(one)) for one in read.listed(repeat.get("dayOfWeek"))]
    times = [words[:5] for one in read.listed(repeat.get("timeOfDay")) if (words := read.text(one))]
    parts = [" ".join(word for word in (often, when) if word)]
    parts.append(f"on {' and '.join(days)}" if days else "")
    parts.append(f"at {' and '.join(times)}" if times else "")
    parts.append(_each_time(repeat))
    parts.append(_bounds(repeat))
    count, most = number_text(repeat.get("count")), number_text(repeat.get("countMax"))
    if count and (count, often) != ("1", ""):
        parts.append(f"{count} to {most} times in all" if most else f"{_times(count)} in all")
    elif count:
        parts.append("once")
    return [part for part in parts if part]


def _often(repeat: dict[str, Any]) -> str:
    unit = _UNITS.get(str(repeat.get("periodUnit")))
    period, longest = number_text(repeat.get("period")), number_text(repeat.get("periodMax"))
    frequency, most = number_text(repeat.get("frequency")) or "1", number_text(repeat.get("frequencyMax"))
    if unit is None or period is None:
        return ""
    times = f"{frequency} to {most} times" if most else _times(frequency)
    if longest:
        every = f"every {period} to {longest} {unit}s"
    elif _is_one(period):
        return f"{times} a{'n' if unit == 'hour' else ''} {unit}"
    else:
        every = f"every {period} {unit}s"
    return every if _is_one(frequency) and not most else f"{times} {every}"


def _times(number: str) -> str:
    return _TIMES.get(number.removesuffix(".0"), f"{number} times")


def _is_one(number: str) -> bool:
    return number in ("1", "1.0")


def _each_time(repeat: dict[str, Any]) -> str:
    length, longest = number_text(repeat.get("duration")), number_text(repeat.get("durationMax"))
    if not length:
        return ""
    unit = _UNITS.get(str(repeat.get("durationUnit")), str(repeat.get("durationUnit") or ""))
    many = unit + "s" if unit and not (_is_one(length) and not longest) else unit
    return f"each time {length}{f' to {longest}' if longest else ''} {many}".rstrip()


def _bounds(repeat: dict[str, Any]) -> str:
    period = repeat.get("boundsPeriod")
    if isinstance(period, dict):
        return period_words(period) or ""
    for key in ("boundsDuration", "boundsRange"):
        found = repeat.get(key)
        if isinstance(found, dict):
            from phr.views.fields.amounts import quantity_words, range_words

            words = quantity_words(found) or range_words(found)
            return f"for {words}" if words else ""
    return ""
