"""Partial dates and what their prefixes mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.sandbox import dates


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2023", 365 * 86400),
        ("2024", 366 * 86400),
        ("2024-02", 29 * 86400),
        ("2024-12", 31 * 86400),
        ("2024-02-29", 86400),
        ("2024-02-29T10:00", 60),
        ("2024-02-29T10:00:00Z", 1),
    ],
)
def test_a_date_is_as_wide_as_its_precision(text: str, seconds: float) -> None:
    found = dates.interval(text)

    assert found is not None
    assert found[1] - found[0] == seconds


def test_a_zone_moves_the_time() -> None:
    east, west = dates.interval("2024-01-01T02:00:00+02:00"), dates.interval("2023-12-31T19:00:00-05:00")

    assert east == west == dates.interval("2024-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "text", [None, 5, "", "yesterday", "2024-13", "2023-02-29", "2024-1-1", "0000", "2024-01-01 10:00"]
)
def test_what_is_no_date_is_none(text: object) -> None:
    assert dates.interval(text) is None


@pytest.mark.parametrize(
    ("asked", "has", "fits"),
    [
        ("2024-03", "2024-03-05", True),
        ("2024-03-05", "2024-03", False),
        ("gt2024-03-05", "2024-03", True),
        ("gt2024", "2024-12-31", False),
        ("ge2024", "2024-01-01", True),
        ("lt2024-03-05", "2024-03", True),
        ("le2024-03", "2024-03-31", True),
        ("sa2024-03", "2024-03-31", False),
        ("sa2024-03", "2024-04-01", True),
        ("eb2024-03", "2024-02-29", True),
        ("ne2024", "2024-01-01", False),
    ],
)
def test_prefixes_compare_the_whole_of_both_times(asked: str, has: str, fits: bool) -> None:
    compare, found = dates.comparison(asked), dates.interval(has)

    assert compare is not None
    assert found is not None
    assert compare(found) is fits


def test_a_period_may_be_open() -> None:
    compare = dates.comparison("ge2030")
    assert compare is not None

    assert [compare(at) for at in dates.element_intervals({"start": "2020"})] == [True]
    assert [compare(at) for at in dates.element_intervals({"end": "2020"})] == [False]
    assert [compare(at) for at in dates.element_intervals({"event": ["2020", "2031"]})] == [False, True]


@given(st.text(max_size=30) | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", fullmatch=True))
def test_any_text_is_a_time_or_none(text: str) -> None:
    found = dates.interval(text)

    assert found is None or found[0] < found[1]
