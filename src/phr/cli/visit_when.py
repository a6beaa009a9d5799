"""When the appointment is: `--in 3d`, `--in "2 weeks"`, `--on 2026-12-03`, `--on "next monday"`."""

from __future__ import annotations

import re
from datetime import date, timedelta

from phr.cli.options import usage

_IN = re.compile(r"(\d{1,4}|an?|one|two|three|four)\s*(d|days?|w|wks?|weeks?|m|mo|months?|y|years?)?")
_WORDS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4}
_FURTHEST = 3_660


def said_day(within: str | None, on: str | None, today: date) -> date | None:
    """The day that the options say. Raises UsageError for what is no day, or has been."""
    if within is not None and on is not None:
        raise usage("--in and --on say the same thing.", "Leave one of them out.")
    if within is not None:
        return _ahead(within, today)
    return _on(on, today) if on is not None else None


def _ahead(text: str, today: date) -> date:
    words = " ".join(text.lower().replace("in ", " ").split())
    if words in ("today", "0"):
        return today
    if words == "tomorrow":
        return today + timedelta(days=1)
    found = _IN.fullmatch(words)
    if found is None:
        raise usage(f"--in {text} is not a time.", "Such as: --in 3d, --in 2w, --in 1m, --in tomorrow")
    number = _WORDS.get(found[1]) or int(found[1] if found[1].isdigit() else 0)
    unit = (found[2] or "d")[0]
    days = number * {"d": 1, "w": 7}.get(unit, 0)
    if unit in "my":
        days = (
            (_months(today, number * (12 if unit == "y" else 1)) - today).days
            if number <= 120
            else _FURTHEST + 1
        )
    if days > _FURTHEST:
        raise usage(f"--in {text} is too far ahead.", "Such as: --in 3d, --in 2w, --in 1m")
    return today + timedelta(days=days)


def _months(day: date, number: int) -> date:
    """The same day so many months later; the last one of a month that is shorter."""
    from calendar import monthrange

    months = day.year * 12 + day.month - 1 + number
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _on(text: str, today: date) -> date:
    from phr.records.said_dates import AmbiguousDate, NotADate, said

    try:
        found = said(text, today, ahead=True)[:10]
    except AmbiguousDate as error:
        raise usage(f"--on: {error.message}", f"Write {' or '.join(error.readings.values())}.") from None
    except NotADate:
        raise usage(f"--on {text} is not a date.", "Such as: 2026-12-03, 3 december, next monday") from None
    if len(found) != 10:
        raise usage(f"--on {text} is no day.", f"Say the day as well: --on {found}-15")
    day = date.fromisoformat(found)
    if day < today:
        raise usage(f"--on {found} is in the past.", "Say the day of the next appointment.")
    if (day - today).days > _FURTHEST:
        raise usage(f"--on {found} is too far ahead.", "Say the day of the next appointment.")
    return day
