"""A moment on two clocks: nobody comes at the hour of another zone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from phr.views.due_clock import clock, day_here, here, moment, words

pytestmark = pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system keeps one clock for all")


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "EST5EDT,M3.2.0,M11.1.0")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "screen", "paper", "day"),
    [
        ("2027-03-16T14:00:00Z", "2027-03-16 14:00 UTC (10:00 here)", "2027-03-16 14:00 UTC (10:00 EDT)", "2027-03-16"),
        ("2027-01-16T14:00:00Z", "2027-01-16 14:00 UTC (09:00 here)", "2027-01-16 14:00 UTC (09:00 EST)", "2027-01-16"),
        ("2027-03-17T02:00:00Z", "2027-03-17 02:00 UTC (Tue 22:00 here)",
         "2027-03-17 02:00 UTC (Tue 22:00 EDT)", "2027-03-16"),
        ("2027-03-16T10:00:00-04:00", "2027-03-16 10:00", "2027-03-16 10:00", "2027-03-16"),
        ("2027-03-16T10:00:00+05:30", "2027-03-16 10:00 UTC+05:30 (00:30 here)",
         "2027-03-16 10:00 UTC+05:30 (00:30 EDT)", "2027-03-16"),
        ("2027-03-16T10:00", "2027-03-16 10:00", "2027-03-16 10:00", "2027-03-16"),
        ("2027-03-16T00:00:00Z", "2027-03-16", "2027-03-16", "2027-03-16"),
        ("2027-03-16T24:00:00Z", "2027-03-17", "2027-03-17", "2027-03-17"),
        ("2027-03-16", "2027-03-16", "2027-03-16", "2027-03-16"),
        ("2027-03-16T10:00:00Zrubbish", "2027-03-16", "2027-03-16", "2027-03-16"),
        ("2027-03", "2027-03", "2027-03", "2027-03"),
    ],
)  # fmt: skip
def test_a_moment_is_told_on_both_clocks_where_they_differ(
    new_york: None, text: str, screen: str, paper: str, day: str
) -> None:
    assert (words(text), words(text, paper=True), day_here(text)) == (screen, paper, day)


def test_the_leap_second_is_the_one_after_it() -> None:
    assert moment("2016-12-31T23:59:60Z") == datetime(2017, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+14:00", "9999-12-31T24:00:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"]
)  # fmt: skip
def test_what_no_clock_can_show_is_a_day(new_york: None, text: str) -> None:
    at = moment(text)
    assert at is None or here(at) is None or at.year == here(at).year  # type: ignore[union-attr]
    assert words(text)[:10] == day_here(text)[:10] == text[:10]
    assert clock(text) in ("", "00:00 UTC")
