"""A partial date as columns that every program can reckon with: a whole day, how much of it was said, and the time.

FHIR R4, Datatypes: a date can be a year or a month alone. The first day of it stands in the column, and the precision
beside it says that nobody said a day.
"""

from __future__ import annotations

import re

from phr.fhir import dates

_TIME = re.compile(r"[Tt ](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)\s*(.*)")


def day(text: object) -> str | None:
    """`2015` as 2015-01-01; None where no date can be read."""
    when = dates.parse(text)
    if when is None:
        return None
    words = when.text
    if when.precision == "year":
        return f"{words[:4]}-01-01"
    if when.precision == "month":
        return f"{words[:7]}-01"
    return f"{words[:4]}-{words[4:6]}-{words[6:8]}" if len(words) == 8 else words[:10]


def precision(text: object) -> str | None:
    """`year`, `month`, `day`, `minute` or `second`."""
    when = dates.parse(text)
    return when.precision if when else None


def time(text: object) -> str | None:
    """The time of the day as it was written, without its zone."""
    found = _timed(text)
    return found[1].replace(",", ".") if found else None


def zone(text: object) -> str | None:
    """`UTC` or `UTC-05:00`; so it begins with no sign that a spreadsheet would reckon with."""
    found = _timed(text)
    said = found[2].strip() if found else ""
    return None if not said else "UTC" if said in "Zz" else f"UTC{said}"


def _timed(text: object) -> re.Match[str] | None:
    when = dates.parse(text)
    if when is None or when.precision not in ("minute", "second"):
        return None
    return _TIME.match(when.text, 10)


PARTS = {"day": day, "precision": precision, "time": time, "zone": zone}
