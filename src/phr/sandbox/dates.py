"""Partial FHIR dates as the time they can mean, and the prefixes that compare them (FHIR R4 search.html#date).

Own code on purpose: the client must not be tested against its own reading of a date.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

Interval = tuple[float, float]
"""[start, end) in epoch seconds; a date without a zone counts as UTC."""

_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?"
)
_OPEN_START, _OPEN_END = float("-inf"), float("inf")


def interval(text: object) -> Interval | None:
    """The time that a date, dateTime or instant can mean; None if it cannot be read."""
    return _read(text) if isinstance(text, str) else None


@lru_cache(maxsize=10_000)
def _read(text: str) -> Interval | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        start = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0),
            tzinfo=_zone(zone),
        )  # fmt: skip
        at = start.timestamp() + float(fraction or 0)
        if fraction:
            return at, at + 10.0 ** -(len(fraction) - 1)
        return at, at + _width(start, month, day, hour, second)
    except (ValueError, OverflowError):
        return None


def _width(
    start: datetime, month: str | None, day: str | None, hour: str | None, second: str | None
) -> float:
    if second:
        return 1.0
    if hour:
        return 60.0
    if day:
        return 86400.0
    if month:
        return ((start.replace(day=28) + timedelta(days=4)).replace(day=1) - start).total_seconds()
    return 86400.0 * (366 if start.replace(month=12, day=31).timetuple().tm_yday == 366 else 365)


def _zone(text: str | None) -> timezone:
    if text in (None, "Z"):
        return UTC
    sign = -1 if text.startswith("-") else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[4:6])))


def element_intervals(value: object) -> Iterator[Interval]:
    """The times in an element: dateTime, Period (open ends allowed) or Timing."""
    if isinstance(value, dict):
        if "start" in value or "end" in value:
            start, end = interval(value.get("start")), interval(value.get("end"))
            yield (start[0] if start else _OPEN_START), (end[1] if end else _OPEN_END)
        events = value.get("event")
        for event in events if isinstance(events, list) else ():
            yield from element_intervals(event)
        return
    found = interval(value)
    if found is not None:
        yield found


def comparison(text: str) -> Callable[[Interval], bool] | None:
    """What a parameter like `ge2020-01` asks of a resource's time; None if it cannot be read."""
    prefix, rest = (text[:2], text[2:]) if text[:2] in _COMPARE else ("eq", text)
    asked = interval(rest)
    if asked is None:
        return None
    compare = _COMPARE[prefix]
    return lambda found: compare(asked, found)


def _within(asked: Interval, found: Interval) -> bool:
    return asked[0] <= found[0] and found[1] <= asked[1]


_COMPARE: dict[str, Callable[[Interval, Interval], bool]] = {
    "eq": _within,
    "ne": lambda asked, found: not _within(asked, found),
    "gt": lambda asked, found: found[1] > asked[1],
    "lt": lambda asked, found: found[0] < asked[0],
    "ge": lambda asked, found: found[1] > asked[1] or _within(asked, found),
    "le": lambda asked, found: found[0] < asked[0] or _within(asked, found),
    "sa": lambda asked, found: found[0] >= asked[1],
    "eb": lambda asked, found: found[1] <= asked[0],
}


def instant(seconds: float) -> str:
    """Epoch seconds as a FHIR instant in UTC, with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
