from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.fhir import dates
from phr.fhir.dates import instant, parse


def _epoch(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("text", "precision", "start", "end"),
    [
        ("2024", "year", _epoch(2024, 1, 1), _epoch(2025, 1, 1)),
        ("2024-02", "month", _epoch(2024, 2, 1), _epoch(2024, 3, 1)),
        ("2023-12", "month", _epoch(2023, 12, 1), _epoch(2024, 1, 1)),
        ("2024-02-29", "day", _epoch(2024, 2, 29), _epoch(2024, 3, 1)),
        ("2024-05-01T10:30Z", "minute", _epoch(2024, 5, 1, 10, 30), _epoch(2024, 5, 1, 10, 31)),
        ("2024-05-01T10:30:15Z", "second", _epoch(2024, 5, 1, 10, 30, 15), _epoch(2024, 5, 1, 10, 30, 16)),
    ],
)
def test_a_date_means_the_whole_time_it_can_mean(text: str, precision: str, start: int, end: int) -> None:
    found = parse(text)

    assert found is not None
    assert (found.text, found.precision, found.start, found.end) == (text, precision, start, end)


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01T06:30:00-04:00",
        "2024-05-01T10:30:00",  # without a zone it counts as UTC
        "2024-05-01 10:30:00Z",
        "2024-05-01T16:00:00+05:30",
        "2024-05-01T11:30:00+0100",
        "2024-05-01T11:30:00+01",
        "2024-05-01T10:30:00.123456789Z",
        "  2024-05-01T10:30:00Z ",
    ],
)
def test_spellings_of_one_moment_start_at_the_same_second(text: str) -> None:
    found = parse(text)

    assert found is not None
    assert found.start == _epoch(2024, 5, 1, 10, 30)


def test_a_leap_second_is_the_first_second_of_the_next_minute() -> None:
    found = parse("2016-12-31T23:59:60Z")

    assert found is not None
    assert found.start == _epoch(2017, 1, 1)


def test_midnight_may_be_the_end_of_the_day() -> None:
    found = parse("2024-05-01T24:00:00Z")

    assert found is not None
    assert found.start == _epoch(2024, 5, 2)


def test_first_and_last_year_are_read() -> None:
    first, last = parse("0001"), parse("9999-12-31")

    assert first is not None
    assert last is not None
    assert first.start == _epoch(1, 1, 1)
    assert last.end - last.start == 86_400


def test_a_day_with_an_unreadable_time_is_the_day() -> None:
    for text in ("2024-05-01T", "2024-05-01T25:00:00Z", "2024-05-01T10:61Z", "2024-05-01T10:30:00 o'clock"):
        found = parse(text)
        assert found is not None
        assert (found.precision, found.start) == ("day", _epoch(2024, 5, 1))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "10:30",
        "2024-13",
        "2024-02-30",
        "2023-02-29",
        "0000",
        "+024",
        "２０２４",
        "2024-1-5",
        "2024/05/01",
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    "value", [None, 2024, 20240501, True, ["2024"], {"start": "2024"}, b"2024", "x" * 10_000]
)
def test_other_types_are_none(value: object) -> None:
    assert parse(value) is None


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)))  # noqa: DTZ001
def test_every_moment_agrees_with_the_standard_library(moment: datetime) -> None:
    found = parse(moment.isoformat(timespec="milliseconds") + "Z")

    assert found is not None
    exact = moment.replace(microsecond=0, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    assert found.start == exact.days * 86_400 + exact.seconds


def test_a_moment_of_our_own_is_written_in_utc_to_the_second() -> None:
    here = datetime(2024, 3, 1, 1, 30, 5, 999_999, tzinfo=timezone(timedelta(hours=2)))

    assert instant(here) == "2024-02-29T23:30:05Z"


@given(st.text(alphabet="0123456789-:TZ+. /", max_size=32))
def test_no_text_raises_and_every_interval_is_forward(text: str) -> None:
    found = parse(text)

    assert found is None or found.start < found.end


@given(
    st.from_regex(r"\A(0000|1600|19(00|69|70)|20(00|24)|9999)-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\d\Z"),
    st.sampled_from(["", ".5", ".000", ".123456789"]),
    st.sampled_from(["Z", "+00:00", "-05:30", "+14:00", "-14:59", "+15:00", "-00:00", "+0100", "z", ""]),
)
def test_the_short_way_reads_an_instant_like_the_long_one(wall: str, fraction: str, zone: str) -> None:
    text = wall + fraction + zone
    plain = dates._plain_instant(text)
    if plain is not None:
        assert plain == dates._with_time(text, len(text))
