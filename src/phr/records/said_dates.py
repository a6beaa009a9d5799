"""Dates as people say them: `last march`, `3/14/2024`, `when I was 12`, `today 8:30`; as FHIR dates of honest precision.

A small grammar of our own. Libraries that read any text as a date answer with a day whatever was said (`2019` becomes
the day of today in 2019), and guess whether 03/04 is in March or in April. Here the answer is as precise as the words
were (FHIR R4, datatypes.html#date), and what can be read in two ways is asked about. Pure: `today` is handed in.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, tzinfo

from phr.fhir import dates
from phr.records.said_days import (
    COUNT,
    EXAMPLES,
    ORDERS,
    AmbiguousDate,
    Context,
    NotADate,
    day_of,
    number_of,
    unreadable,
)

__all__ = ["EXAMPLES", "ORDERS", "AmbiguousDate", "NotADate", "before", "in_future", "said"]

_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[t ]\d\d:\d\d(:\d\d(\.\d+)?)?\s*(z|[+-]\d\d:?\d\d)?", re.ASCII)
_CLOCK = (
    r"(?:at\s+)?(?:(?P<hour>\d{1,2})(?::(?P<minute>\d\d))(?::\d\d)?\s*(?P<half>[ap]\.?m\b\.?)?"
    r"|(?P<hour12>\d{1,2})\s*(?P<half12>[ap]\.?m\b\.?)|(?P<word>noon|midday|midnight))"
)
_TIME_LAST = re.compile(rf"(?:(?P<day>.*?\S)\s+)?{_CLOCK}")
_TIME_FIRST = re.compile(rf"{_CLOCK}\s+(?P<day>\S.*)")


def said(
    text: str,
    today: date,
    *,
    order: str | None = None,
    born: date | None = None,
    zone: tzinfo | None = None,
    ahead: bool = False,
) -> str:
    """The FHIR date or dateTime that the words mean, no more precise than they are.

    `today` may be a datetime, for “now” and “2 hours ago”; `zone` is where times of day are meant; `ahead` reads “march” and
    “monday” as the next one instead of the last. Raises NotADate, AmbiguousDate (one of `ORDERS` decides it).
    """
    if len(text) > 60:
        raise NotADate("This is too long for a date.")
    words = " ".join(text.replace(",", " ").lower().split()).rstrip(".")
    day = today.date() if isinstance(today, datetime) else today
    here = Context(day, order, born, ahead, text.strip()[:40])
    if not words:
        raise NotADate("No date was given.")
    if _ISO_TIME.fullmatch(words):
        return _iso_time(words, zone, here)
    if (moment := _moment(words, today, zone)) is not None:
        return moment
    found = _TIME_LAST.fullmatch(words) or _TIME_FIRST.fullmatch(words)
    if found is not None:
        on = day_of(found["day"] or "today", here)
        if len(on) != 10:
            raise NotADate(f"{here.text}: a time of day needs a day.")
        return _at(date.fromisoformat(on), *_clock(found, here), zone)
    return day_of(words, here)


def in_future(when: str, today: date) -> bool:
    """Whether all of a FHIR date lies after today, or a time after that moment."""
    found = dates.parse(when)
    if found is None:
        return False
    if len(when) > 10 and isinstance(today, datetime) and today.tzinfo is not None:
        return found.start > today.timestamp() + 60
    last = date(today.year, today.month, today.day).isoformat()
    return when[:10] > last[: len(when[:10])]


def before(when: str, day: date) -> bool:
    """Whether all of a FHIR date lies before a day."""
    return when[:10] < day.isoformat()[: len(when[:10])]


# ── times of day ──────────────────────────────────────────────────────────────────────────────────


def _iso_time(words: str, zone: tzinfo | None, here: Context) -> str:
    try:
        moment = datetime.fromisoformat(words.upper().replace(" ", "T", 1).replace(" ", ""))
    except ValueError:
        raise unreadable(here) from None
    if moment.tzinfo is None:
        return _at(moment.date(), moment.hour, moment.minute, zone, moment.second)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _moment(words: str, today: date, zone: tzinfo | None) -> str | None:
    """`now`, `2 hours ago`: only where the hour is known."""
    found = re.fullmatch(rf"{COUNT} (?P<unit>minute|hour|min|hr)s? ago", words)
    if not isinstance(today, datetime) or (found is None and words not in ("now", "just now", "right now")):
        return None
    back = timedelta()
    if found is not None:
        back = timedelta(**{"hours" if found["unit"][0] == "h" else "minutes": number_of(found["count"])})
    moment = today - back
    return _at(moment.date(), moment.hour, moment.minute, zone or moment.tzinfo)


def _clock(found: re.Match[str], here: Context) -> tuple[int, int]:
    if found["word"]:
        return (0 if found["word"] == "midnight" else 12), 0
    hour, minute = int(found["hour"] or found["hour12"]), int(found["minute"] or 0)
    half = (found["half"] or found["half12"] or "")[:1]
    if half:
        if not 1 <= hour <= 12:
            raise unreadable(here)
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or minute > 59:
        raise NotADate(f"{here.text}: there is no such time of day.")
    return hour, minute


def _at(day: date, hour: int, minute: int, zone: tzinfo | None, second: int = 0) -> str:
    """A dateTime. FHIR has none without an offset, so without a zone the day is what is known."""
    if zone is None:
        return day.isoformat()
    moment = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
