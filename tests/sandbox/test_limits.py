"""How much a server lets itself be asked, and how it says so (RFC 9110, 10.2.3; RFC 6585; RateLimit headers)."""

from __future__ import annotations

import threading
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from phr.sandbox.ledger import Ledger

from .conftest import App, Clock, Start


def statuses(app: App, count: int, path: str = "Patient/ada") -> list[int]:
    token = app.sandbox.issue_token()
    return [app.fhir(path, token).status_code for _ in range(count)]


def test_a_minute_of_the_clock_has_room_for_so_many(start: Start, clock: Clock) -> None:
    clock.now += 59  # one second before the minute ends
    app = start(clock=clock, change={"per_minute": 3})

    assert statuses(app, 5) == [200, 200, 200, 429, 429]
    clock.now += 1
    assert statuses(app, 2) == [200, 200]
    assert app.sandbox.ledger.largest_minute() == 5


def test_signing_in_counts_too_unless_fhir_alone_does(start: Start, clock: Clock) -> None:
    app = start(clock=clock, change={"per_minute": 4})
    code = app.code()  # discovery and authorize
    assert app.http.post(f"{app.origin}/oauth/token", data={"grant_type": "x"}).status_code == 400
    assert statuses(app, 2) == [200, 429]
    assert app.http.post(f"{app.origin}/oauth/token", data={"code": code}).status_code == 429

    lenient = start(clock=clock, change={"per_minute": 1, "limit_counts": "fhir"})
    assert [lenient.http.get(f"{lenient.origin}/oauth/jwks").status_code for _ in range(3)] == [200] * 3
    assert statuses(lenient, 2) == [200, 429]


def test_a_burst_may_be_so_large_in_any_two_seconds(start: Start, clock: Clock) -> None:
    app = start(clock=clock, change={"per_second": 7, "burst": 14})

    assert statuses(app, 15) == [200] * 14 + [429]
    clock.now += 1.9
    assert statuses(app, 1) == [429]
    clock.now += 0.2
    assert statuses(app, 14) == [200] * 14


def test_without_a_burst_a_second_has_room_for_so_many(start: Start, clock: Clock) -> None:
    app = start(clock=clock, change={"per_second": 2})

    assert statuses(app, 3) == [200, 200, 429]
    clock.now += 1
    assert statuses(app, 3) == [200, 200, 429]


def test_a_day_has_its_limit(start: Start, clock: Clock) -> None:
    app = start(clock=clock, change={"per_day": 2})

    assert statuses(app, 3) == [200, 200, 429]
    clock.now += 3600
    assert statuses(app, 1) == [429]
    clock.now += 86_400
    assert statuses(app, 1) == [200]


@pytest.mark.parametrize("how", ["seconds", "date", "past", "epoch", "absurd", "text", "none"])
def test_when_to_come_back_is_said_in_many_ways(start: Start, clock: Clock, how: str) -> None:
    clock.now += 40
    app = start(clock=clock, change={"per_minute": 1, "retry_after": how})
    token = app.sandbox.issue_token()
    answers = [app.fhir("Patient/ada", token) for _ in range(2)]
    said = answers[1].headers.get("retry-after")

    assert answers[1].status_code == 429
    assert answers[1].json()["issue"][0]["code"] == "throttled"
    expected = {"seconds": "20", "epoch": str(int(clock.now) + 20), "absurd": "31536000", "text": "soon"}
    if how == "none":
        assert said is None
    elif how in ("date", "past"):
        assert said is not None
        when = parsedate_to_datetime(said).timestamp()
        assert when == clock.now + (20 if how == "date" else -3600)
    else:
        assert said == expected[how]


def test_headers_tell_of_the_limit_before_it_is_met(start: Start, clock: Clock) -> None:
    clock.now += 40
    app = start(clock=clock, change={"per_minute": 2, "limit_headers": "both", "retry_after": "none"})
    token = app.sandbox.issue_token()
    told = [app.fhir("Patient/ada", token).headers for _ in range(3)]

    assert [one["ratelimit-remaining"] for one in told] == ["1", "0", "0"]
    assert {one["ratelimit-limit"] for one in told} == {"2"}
    assert {one["ratelimit-reset"] for one in told} == {"20"}
    assert {one["x-ratelimit-reset"] for one in told} == {str(int(clock.now) + 20)}
    assert "retry-after" not in told[2]


def test_va_says_when_by_a_header_of_its_own(start: Start, clock: Clock) -> None:
    app = start(vendor="va", clock=clock, change={"per_minute": 1})
    token = app.sandbox.issue_token()
    second = [app.fhir("Patient/ada", token) for _ in range(2)][1]

    assert second.status_code == 429
    assert second.headers["x-ratelimit-reset"] == str(int(clock.now) + 60)
    assert not {"retry-after", "ratelimit-reset"} & set(second.headers)


def test_athenahealth_shows_its_limit_and_eclinicalworks_does_not(start: Start, clock: Clock) -> None:
    athena = start(vendor="athenahealth", clock=clock)
    shown = athena.fhir("Patient/ada", athena.sandbox.issue_token()).headers
    assert (shown["ratelimit-limit"], shown["ratelimit-remaining"], shown["ratelimit-reset"]) == (
        "500",
        "499",
        "1",
    )
    ecw = start(vendor="eclinicalworks", clock=clock)
    found: list[int] = []
    for _ in range(18):
        found += statuses(ecw, 14)
        clock.now += 2.1
    assert found.count(429) == 2  # 252 asked in one minute of the clock
    assert clock.now < 1_800_000_060


def test_without_limits_nothing_is_told(app: App) -> None:
    assert not [
        name
        for name in app.fhir("Patient/ada", app.sandbox.issue_token()).headers
        if "rate" in name or "retry" in name
    ]


def test_tests_can_read_what_was_asked(start: Start) -> None:
    app = start(change={"latency": 0.1})
    token = app.sandbox.issue_token()
    asking = [threading.Thread(target=app.fhir, args=("Observation", token)) for _ in range(3)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    app.fhir("Goal/x", token)

    ledger = app.sandbox.ledger
    assert ledger.counts == {("Observation", 200): 3, ("Goal", 404): 1}
    assert ledger.most_at_once == 3
    assert ledger.at_once == 0
    assert ledger.largest(2.0) == 4


@pytest.mark.parametrize(
    ("times", "largest", "minute"),
    [([], 0, 0), ([0, 1.9, 2.0], 2, 3), ([59.5, 59.9, 60.1], 3, 2), ([5, 5, 5, 100], 3, 3)],
)
def test_the_largest_crowd_is_counted_right(times: list[Any], largest: int, minute: int) -> None:
    ledger = Ledger()
    for when in times:
        ledger.note("GET", "/fhir/Patient", when)

    assert (ledger.largest(2.0), ledger.largest_minute()) == (largest, minute)


def test_a_slow_server_takes_its_time(start: Start) -> None:
    app = start(change={"slow_searches": {"Observation": 0.15}})
    token = app.sandbox.issue_token()

    def seconds(path: str) -> float:
        began = time.monotonic()
        assert app.fhir(path, token).status_code == 200
        return time.monotonic() - began

    assert seconds("Observation") >= 0.15
    assert seconds("Patient") < 0.15
