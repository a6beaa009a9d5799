from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.fhir.retry import LONGEST, retry_after, wait, worth_retrying

NOW = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "86400"}, LONGEST),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30.0),
        ({"retry-after": "Tue, 14 Nov 2000 22:13:50 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"x-ratelimit-reset": "1700000012"}, 12.0),
        ({"ratelimit-reset": "5"}, 5.0),
        ({"ratelimit-reset": "5", "ratelimit-remaining": "3"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_all_its_spellings(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@given(st.text(max_size=30))
def test_whatever_retry_after_says_the_wait_is_bounded(value: str) -> None:
    assert 0 <= wait(1, 2.0, headers={"retry-after": value}, now=NOW) <= LONGEST


def test_waits_grow_and_a_full_minute_passes_after_429() -> None:
    assert wait(0, 2.0) < 2.6 and 5.9 < wait(2, 2.0) < 10.1
    assert sum(wait(n, 2.0, status=429) for n in range(3)) > 40
    assert wait(400, 2.0) <= LONGEST


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_passing_trouble_is_tried_again(status: int) -> None:
    assert worth_retrying(status)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 410, 413, 422, 501, 505])
def test_final_answers_are_not_tried_again(status: int) -> None:
    assert not worth_retrying(status)


def test_a_500_that_says_not_supported_is_final() -> None:
    assert not worth_retrying(500, frozenset({"not-supported"}))
