"""A moment on the clock of its source and on that of the person, so that nobody comes at the wrong hour.

A source says `14:00Z` and means ten o'clock in New York. Screens tell both (`14:00 UTC (10:00 here)`); on paper the person's
clock is named by its zone, because "here" means nothing there. A time without a zone is what the clock at the place shows.
Reads what `fhir.dates` reads: a leap second is the second after it, 24:00 the next midnight, rubbish behind a day the day.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from phr.fhir import dates

_START = datetime(1970, 1, 1)  # noqa: DTZ001 - the clock at the place, wherever that is
_ZONE = re.compile(r"(?:[Zz]|([+-])(\d\d):?(\d\d)?)$", re.ASCII)


def moment(text: str | None) -> datetime | None:
    """On the clock of its source, aware where that is said; None where only a day is known, or beyond all calendars."""
    found = dates.parse(text)
    if found is None or found.precision not in ("minute", "second"):
        return None
    zone = _ZONE.search(found.text, 16)
    try:
        at = _START + timedelta(seconds=found.start)
        if zone is None:
            return at
        east = timedelta(hours=int(zone[2] or 0), minutes=int(zone[3] or 0))
        return at.replace(tzinfo=UTC).astimezone(timezone(-east if zone[1] == "-" else east))
    except OverflowError:
        return None


def here(at: datetime | None) -> datetime | None:
    """The same on the clock of this computer; None where nobody says whose clock it was."""
    if at is None or at.tzinfo is None:
        return None
    try:
        return at.astimezone()
    except (OverflowError, ValueError, OSError):  # no computer knows its offset in the year 1
        return None


def day_here(text: str) -> str:
    """The day on the person's clock. Midnight at its source is how systems write a day, and moves nowhere."""
    at = moment(text)
    own = here(at)
    if at is None:
        return text[:10]
    return (at if own is None or _is_midnight(at) else own).date().isoformat()


def clock(text: str, *, paper: bool = False) -> str:
    """`14:00 UTC (10:00 here)`, on paper `14:00 UTC (10:00 EDT)`; `14:00` where both clocks agree; empty for a day."""
    at = moment(text)
    if at is None:
        return ""
    own = here(at)
    if own is None or own.utcoffset() == at.utcoffset():
        return f"{at:%H:%M}" + (" UTC" if at.tzinfo is not None and not at.utcoffset() else "")
    day = "" if own.date() == at.date() else f"{own:%a} "
    return f"{at:%H:%M} {_zone(at)} ({day}{own:%H:%M} {_named(own) if paper else 'here'})"


def words(text: str | None, *, paper: bool = False) -> str:
    """Day and time to read: `2027-03-16 14:00 UTC (10:00 here)`; midnight is no time of day. Empty for None."""
    at = moment(text)
    if at is None or text is None:
        return (text or "")[:10]
    return at.date().isoformat() + ("" if _is_midnight(at) else f" {clock(text, paper=paper)}")


def _is_midnight(at: datetime) -> bool:
    return (at.hour, at.minute) == (0, 0)


def _zone(at: datetime) -> str:
    """`UTC`, `UTC-04:00`."""
    return "UTC" if not at.utcoffset() else f"UTC{at.isoformat()[-6:]}"


def _named(own: datetime) -> str:
    """`EDT`; as an offset where the computer has no short name for its zone."""
    name = own.tzname() or ""
    return name if re.fullmatch(r"[A-Z]{2,5}", name) else _zone(own)
