"""What lies ahead as an iCalendar file (RFC 5545), for any calendar program.

An event keeps its UID from run to run, so that importing the file again moves what was moved and strikes what was cancelled
(`STATUS`, `SEQUENCE`). Moments with an offset are written in UTC, days as days, and a time without an offset as it is said.
Nothing here asks a clock: the same agenda gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from phr.fhir import dates
from phr.views.due_clock import moment

if TYPE_CHECKING:
    from icalendar import Calendar
    from icalendar import Event as Entry

    from phr.views.due import Due

MEDIA_TYPE = "text/calendar"
SUFFIX = ".ics"
DISCREET = "Appointment"
"""All that is said of an event where calendars are seen by others."""
_UNSEEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
_STATUS = {"confirmed": "CONFIRMED", "tentative": "TENTATIVE", "cancelled": "CANCELLED"}


def to_ics(
    events: Iterable[Due], *, discreet: bool = False, remind: timedelta | None = None, version: str = "phr"
) -> bytes:
    """The calendar. `discreet`: that there is something, and when, and not a word more."""
    from icalendar import Calendar

    found = Calendar()
    found.add("prodid", f"-//phr//{version}//EN")
    found.add("version", "2.0")
    found.add("calscale", "GREGORIAN")
    if not discreet:
        found.add("x-wr-calname", "Health")
    for one in events:
        _add(found, one, discreet=discreet, remind=remind)
    return bytes(found.to_ical())


def _add(calendar: Calendar, one: Due, *, discreet: bool, remind: timedelta | None) -> None:
    from icalendar import Event as Entry

    entry = Entry()
    entry.add("uid", f"{one.uid}@phr.invalid")
    changed = _instant(one.changed)
    entry.add("dtstamp", changed)
    entry.add("last-modified", changed)
    entry.add("sequence", one.sequence)
    _when(entry, one)
    summary = DISCREET if discreet else _clean(_summary(one))
    entry.add("summary", summary)
    entry.add("status", _STATUS[one.status])
    entry.add("class", "PRIVATE")
    entry.add("transp", "TRANSPARENT" if one.all_day or one.kind == "sign_in" else "OPAQUE")
    if not discreet:
        if one.facility:
            entry.add("location", _clean(one.facility))
        if words := _words(one):
            entry.add("description", _clean(words))
    if remind is not None and one.status != "cancelled":
        _remind(entry, remind, summary)
    calendar.add_component(entry)


def _summary(one: Due) -> str:
    if one.kind == "task":
        return f"To do: {one.title}"
    return (
        f"{one.title} (about this day)"
        if one.kind == "treatment" and one.status == "tentative"
        else one.title
    )


def _when(entry: Entry, one: Due) -> None:
    start = None if one.all_day else one.moment
    if start is None:
        entry.add("dtstart", one.day)
        last = max(one.day, _last_day(one))
        if last < date.max:
            entry.add("dtend", last + timedelta(days=1))  # the end is not part of it (3.6.1)
        return
    entry.add("dtstart", _spelt(start))
    end = moment(one.end)
    if end is not None and (end.tzinfo is None) == (start.tzinfo is None) and end > start:
        entry.add("dtend", _spelt(end))


def _last_day(one: Due) -> date:
    found = dates.parse(one.end)
    if found is None or found.precision in ("year", "month"):
        return one.day
    at = moment(one.end)
    return at.date() if at is not None else date(1970, 1, 1) + timedelta(seconds=found.start)


def _remind(entry: Entry, before: timedelta, words: str) -> None:
    from icalendar import Alarm

    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", words)
    alarm.add("trigger", -before)
    entry.add_component(alarm)


def _words(one: Due) -> str:
    """Where, with whom, what was said, and who says so; a line each."""
    said = [
        f"With {one.performer}" if one.performer else None,
        one.description,
        "It can change: not confirmed." if one.status == "tentative" and one.kind == "appointment" else None,
        f"From {one.source}" if one.source and one.kind != "sign_in" else None,
    ]
    return "\n".join(filter(None, said))


def _spelt(at: datetime) -> datetime:
    """In UTC where it is known whose clock it is, else as the clock there shows it."""
    return at.astimezone(UTC) if at.tzinfo is not None else at


def _instant(text: str) -> datetime:
    """When it changed. A calendar asks for it, so what cannot be read is long ago."""
    found = moment(text) or datetime(1970, 1, 1, tzinfo=UTC)
    return _spelt(found if found.tzinfo is not None else found.replace(tzinfo=UTC))


def _clean(text: str) -> str:
    """Words of a source without control characters and without those that reorder what is read; lines stay."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return _UNSEEN.sub("", text).encode("utf-8", "replace").decode()
