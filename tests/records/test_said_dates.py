"""Dates as people say them: as precise as the words, and never a guess."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.fhir import dates
from phr.records.said_dates import AmbiguousDate, NotADate, before, in_future, said

TODAY = date(2026, 11, 21)  # a Saturday
BORN = date(1976, 5, 4)

SAID = {
    "2019": "2019",
    "in 2019": "2019",
    "march 2019": "2019-03",
    "Mar. 2019": "2019-03",
    "March of 2019": "2019-03",
    "sept 2020": "2020-09",
    "3/2019": "2019-03",
    "2019-03": "2019-03",
    "2026-11-03": "2026-11-03",
    "2026/11/3": "2026-11-03",
    "20261103": "2026-11-03",
    "last march": "2026-03",
    "last december": "2025-12",
    "last november": "2025-11",
    "march": "2026-03",
    "in march": "2026-03",
    "december": "2025-12",
    "this march": "2026-03",
    "march last year": "2025-03",
    "14 march last year": "2025-03-14",
    "last year": "2025",
    "this year": "2026",
    "last month": "2026-10",
    "last week": "2026-11",
    "yesterday": "2026-11-20",
    "today": "2026-11-21",
    "this morning": "2026-11-21",
    "last night": "2026-11-20",
    "the day before yesterday": "2026-11-19",
    "3 days ago": "2026-11-18",
    "two days ago": "2026-11-19",
    "3 weeks ago": "2026-10",
    "a week ago": "2026-11",
    "a couple of months ago": "2026-09",
    "18 months ago": "2025-05",
    "half a year ago": "2026-05",
    "2 years ago": "2024",
    "a year ago": "2025",
    "two and a half years ago": "2024",
    "monday": "2026-11-16",
    "on Monday": "2026-11-16",
    "last saturday": "2026-11-14",
    "Saturday": "2026-11-14",
    "3/14/2024": "2024-03-14",
    "14/3/2024": "2024-03-14",
    "3/14/24": "2024-03-14",
    "3/14/48": "1948-03-14",
    "5/5/2024": "2024-05-05",
    "3-14-2024": "2024-03-14",
    "14.3.2024": "2024-03-14",
    "03.04.2024": "2024-04-03",
    "14.3.": "2026-03-14",
    "3/14": "2026-03-14",
    "12/24": "2025-12-24",
    "March 14, 2024": "2024-03-14",
    "march 14th": "2026-03-14",
    "14 march 2024": "2024-03-14",
    "the 14th of march 2024": "2024-03-14",
    "14-Mar-2024": "2024-03-14",
    "december 24": "2025-12-24",
    "spring 2018": "2018",
    "summer of 2018": "2018",
    "last summer": "2026",
    "early 2019": "2019",
    "late march 2019": "2019-03",
    "the end of march 2019": "2019-03",
    "q1 2019": "2019",
    "about 2015": "2015",
    "~2015": "2015",
    "around march 2019": "2019",
    "about 14 march 2024": "2024-03",
    "since 2019": "2019",
    "since march 2019": "2019-03",
    "when I was 12": "1988",
    "at age 12": "1988",
    "12 years old": "1988",
    "at birth": "1976-05-04",
    "29 february": "2024-02-29",
}


@pytest.mark.parametrize(("words", "means"), SAID.items())
def test_what_people_say_has_the_precision_of_their_words(words: str, means: str) -> None:
    assert said(words, TODAY, born=BORN) == means
    assert said(words.upper(), TODAY, born=BORN) == means


@pytest.mark.parametrize(
    ("words", "means"),
    {
        "monday": "2026-11-23",
        "next march": "2027-03",
        "march": "2027-03",
        "december": "2026-12",
        "tomorrow": "2026-11-22",
        "in 3 days": "2026-11-24",
        "in 3 weeks": "2026-12",
        "in two months": "2027-01",
        "next year": "2027",
        "next month": "2026-12",
        "march 14": "2027-03-14",
        "next friday": "2026-11-27",
    }.items(),
)
def test_what_lies_ahead_is_the_next_one(words: str, means: str) -> None:
    assert said(words, TODAY, ahead=True) == means


ZONE = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("words", "means"),
    {
        "today 8:30": "2026-11-21T08:30:00-05:00",
        "8:30": "2026-11-21T08:30:00-05:00",
        "yesterday at 8:30 pm": "2026-11-20T20:30:00-05:00",
        "8am": "2026-11-21T08:00:00-05:00",
        "12 am": "2026-11-21T00:00:00-05:00",
        "12:15 p.m.": "2026-11-21T12:15:00-05:00",
        "noon yesterday": "2026-11-20T12:00:00-05:00",
        "2026-07-03 14:30": "2026-07-03T14:30:00-04:00",
        "2026-07-03T14:30:05": "2026-07-03T14:30:05-04:00",
        "2026-07-03T14:30:00+02:00": "2026-07-03T14:30:00+02:00",
        "2026-07-03T14:30:00Z": "2026-07-03T14:30:00Z",
        "3/14/2024 2 pm": "2024-03-14T14:00:00-04:00",
        "monday 9:00": "2026-11-16T09:00:00-05:00",
    }.items(),
)
def test_a_time_of_day_is_an_instant_where_it_was_meant(words: str, means: str) -> None:
    assert said(words, TODAY, zone=ZONE) == means


def test_now_and_hours_ago_need_a_clock() -> None:
    now = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
    assert said("now", now) == "2026-11-21T00:30:00Z"
    assert said("2 hours ago", now) == "2026-11-20T22:30:00Z"
    assert said("now", TODAY) == "2026-11-21"


def test_a_time_without_a_zone_is_left_out() -> None:
    assert said("2026-07-03 14:30", TODAY) == "2026-07-03"


def test_what_can_be_read_in_two_ways_is_not_guessed() -> None:
    with pytest.raises(AmbiguousDate) as asked:
        said("03/04/2024", TODAY)
    assert asked.value.readings == {"mdy": "2024-03-04", "dmy": "2024-04-03"}
    assert said("03/04/2024", TODAY, order="dmy") == "2024-04-03"
    assert said("03/04/2024", TODAY, order="mdy") == "2024-03-04"
    assert said("3/14/2024", TODAY, order="dmy") == "2024-03-14"  # only one reading exists


@pytest.mark.parametrize(
    "words",
    [
        "", "soon", "once", "30 february", "2/30/2024", "13/13/2024", "2019-13", "25:00", "march 2019 8:30", "march 32",
        "the 90s", "1990s", "last winter", "a few years ago", "may be", "0000", "9999", "12", "13 pm", "x" * 200,
        "3/4/5/6", "²/4/2024", "١٢", "2019-03-14-15", "next", "ago",
    ],
)  # fmt: skip
def test_what_is_no_date_is_said_to_be_none(words: str) -> None:
    with pytest.raises(NotADate):
        said(words, TODAY, born=BORN)


def test_an_age_needs_a_birth_date() -> None:
    with pytest.raises(NotADate, match="no date of birth"):
        said("when I was 12", TODAY)


@given(st.text(max_size=70))
def test_whatever_is_typed_is_a_date_or_a_sentence(words: str) -> None:
    try:
        found = said(words, TODAY, born=BORN, zone=UTC)
    except (NotADate, AmbiguousDate) as error:
        assert error.message and error.hint
    else:
        assert dates.parse(found) is not None


@given(st.dates(date(1850, 1, 1), date(2200, 12, 31)))
def test_every_day_can_be_said_in_words(day: date) -> None:
    for spelled in (
        f"{day:%B} {day.day}, {day.year:04}",
        f"{day.day}.{day.month}.{day.year:04}",
        day.isoformat(),
    ):
        assert said(spelled, TODAY) == day.isoformat()


def test_the_future_and_the_time_before_birth_are_told_by_the_whole_date() -> None:
    now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert not in_future("2026", TODAY)
    assert not in_future("2026-11", TODAY)
    assert in_future("2026-12", TODAY)
    assert in_future("2026-11-22", TODAY)
    assert in_future("2026-11-21T23:00:00Z", now)
    assert not in_future((now - timedelta(hours=1)).isoformat(), now)
    assert before("1975", BORN)
    assert not before("1976", BORN)
    assert before("1976-05-03", BORN)
