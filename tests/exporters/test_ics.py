"""The calendar file: read back by the rules of RFC 5545, and the same bytes each time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from icalendar import Calendar

from phr.exporters.ics import to_ics
from phr.views.due_days import Due

REVIEW = Due(
    uid="5d1c7a5e-0000-5000-8000-000000000001",
    kind="appointment",
    title="Lung review; bring films, and: questions\nplease",
    start="2026-03-16T10:00:00-04:00",
    end="2026-03-16T10:45:00-04:00",
    status="confirmed",
    changed="2026-02-01T08:00:00Z",
    sequence=2,
    facility="Lakeside",
    performer="Elena Martinez, MD",
    description="Nothing to eat before",
    source="office",
)


def entries(*events: Due, **how: object) -> list:
    return list(Calendar.from_ical(to_ics(events, **how)).walk("VEVENT"))


def test_an_event_is_what_the_source_said() -> None:
    entry = entries(REVIEW)[0]
    assert entry["UID"] == f"{REVIEW.uid}@phr.invalid"
    assert entry["SUMMARY"] == REVIEW.title and entry["LOCATION"] == "Lakeside"
    assert entry["DTSTART"].dt == datetime(2026, 3, 16, 14, tzinfo=UTC)
    assert entry["DTEND"].dt == datetime(2026, 3, 16, 14, 45, tzinfo=UTC)
    assert (entry["STATUS"], entry["SEQUENCE"], entry["CLASS"]) == ("CONFIRMED", 2, "PRIVATE")
    assert entry["DTSTAMP"].dt == entry["LAST-MODIFIED"].dt == datetime(2026, 2, 1, 8, tzinfo=UTC)
    assert entry["DESCRIPTION"].split("\n") == [
        "With Elena Martinez, MD",
        "Nothing to eat before",
        "From office",
    ]


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("2026-03-16", None, date(2026, 3, 16), date(2026, 3, 17)),
        ("2026-03-16", "2026-03-18", date(2026, 3, 16), date(2026, 3, 19)),
        ("2026-03-16T00:00:00Z", None, date(2026, 3, 16), date(2026, 3, 17)),
        ("2026-03-16T23:30:00Z", None, datetime(2026, 3, 16, 23, 30, tzinfo=UTC), None),
        ("2026-10-25T02:30:00+02:00", None, datetime(2026, 10, 25, 0, 30, tzinfo=UTC), None),
        ("2026-03-16T09:15:00", None, datetime(2026, 3, 16, 9, 15), None),  # noqa: DTZ001 - a clock without a place
        ("2026-03-16T09:15:00Z", "2026-03-16T09:00:00Z", datetime(2026, 3, 16, 9, 15, tzinfo=UTC), None),
    ],
)
def test_a_day_stays_a_day_and_a_moment_a_moment(
    start: str, end: str | None, first: date, last: date | None
) -> None:
    entry = entries(replace(REVIEW, start=start, end=end))[0]
    assert entry["DTSTART"].dt == first
    assert (entry["DTEND"].dt if "DTEND" in entry else None) == last


def test_the_file_is_built_as_the_rules_say() -> None:
    raw = to_ics([replace(REVIEW, description="ä" * 200)])
    assert raw.startswith(b"BEGIN:VCALENDAR\r\n") and raw.endswith(b"END:VCALENDAR\r\n")
    assert b"VERSION:2.0" in raw and b"PRODID:" in raw
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    assert raw == to_ics([replace(REVIEW, description="ä" * 200)])


def test_discreet_says_when_and_nothing_else() -> None:
    raw = to_ics(
        [REVIEW, replace(REVIEW, uid="2", kind="treatment")], discreet=True, remind=timedelta(days=1)
    ).decode()
    for word in ("Lung", "Lakeside", "Martinez", "office", "eat", "Health"):
        assert word not in raw
    assert raw.count("SUMMARY:Appointment") == 2 and "DTSTART:20260316T140000Z" in raw


def test_a_reminder_rings_before_but_not_for_what_is_cancelled() -> None:
    on, off = entries(REVIEW, replace(REVIEW, uid="2", status="cancelled"), remind=timedelta(hours=2))
    assert [alarm["TRIGGER"].dt for alarm in on.walk("VALARM")] == [timedelta(hours=-2)]
    assert off["STATUS"] == "CANCELLED" and off.walk("VALARM") == []


@pytest.mark.parametrize(
    ("kind", "status", "summary"),
    [
        ("task", "confirmed", "To do: Blood test"),
        ("treatment", "tentative", "Blood test (about this day)"),
        ("appointment", "tentative", "Blood test"),
    ],
)
def test_the_summary_says_what_it_is(kind: str, status: str, summary: str) -> None:
    entry = entries(replace(REVIEW, title="Blood test", kind=kind, status=status))[0]
    assert entry["SUMMARY"] == summary


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("2026-03-16T23:59:60Z", "2026-03-17T01:00:00Z", datetime(2026, 3, 17, tzinfo=UTC),
         datetime(2026, 3, 17, 1, tzinfo=UTC)),
        ("2026-03-16T24:00:00Z", None, date(2026, 3, 17), date(2026, 3, 18)),
        ("2026-03-16T10:00:00Zrubbish", None, date(2026, 3, 16), date(2026, 3, 17)),
        ("2026-03-16T10:00:00+0200", "rubbish", datetime(2026, 3, 16, 8, tzinfo=UTC), None),
        ("2026-03-16", "2026-03-18T24:00:00Z", date(2026, 3, 16), date(2026, 3, 20)),
        ("9999-12-31", None, date(9999, 12, 31), None),
        ("9999-12-31T23:59:59-14:00", None, date(9999, 12, 31), None),
        ("0001-01-01T00:00:00+14:00", None, date(1, 1, 1), date(1, 1, 2)),
    ],
)  # fmt: skip
def test_no_date_stops_the_file(start: str, end: str | None, first: date, last: date | None) -> None:
    entry = entries(replace(REVIEW, start=start, end=end))[0]
    assert entry["DTSTART"].dt == first
    assert (entry["DTEND"].dt if "DTEND" in entry else None) == last


def test_no_control_and_no_reordering_character_is_in_any_text() -> None:
    evil = "a\x00b\x07c\x1b[2Jd\x9be\u202ef\u2066g\r\nh\u2028i\u200fj"
    raw = to_ics([replace(REVIEW, title=evil, facility=evil, performer=evil, description=evil)])
    text = raw.decode().replace("\r\n ", "").replace("\r\n", "\n")
    assert not [char for char in text if char in "\x00\x07\x1b\x9b\u202e\u2066\u2028\u200f\r"]
    assert "SUMMARY:abc[2Jdefg\\nhij" in text and "DESCRIPTION:With abc[2Jdefg\\nhij" in text
