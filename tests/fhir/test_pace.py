"""Pace: at a pretend clock that sleeping moves on, and with real threads where waking matters."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import pytest

from phr.errors import Stopped, Unreachable
from phr.fhir.pace import Limits, Pace

NOW = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC, 20 seconds into a minute
NONE = Limits()


class Time:
    """A clock that only sleeping moves."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.waits.append(seconds)
        self.now += seconds

    def pace(self, limits: Limits = NONE, **more: Any) -> Pace:
        return Pace(limits, clock=lambda: self.now, sleep=self.sleep, **more)

    def times(self, pace: Pace, count: int) -> list[float]:
        found = []
        for _ in range(count):
            pace.take()
            found.append(self.now - NOW)
        return found


def busiest(times: list[float], seconds: float) -> int:
    return max(sum(start <= at < start + seconds - 1e-6 for at in times) for start in times)


def test_without_limits_nobody_waits() -> None:
    world = Time()
    world.times(world.pace(), 1000)
    assert world.waits == []


@pytest.mark.parametrize(
    ("limits", "count", "windows"),
    [
        # eClinicalWorks: 7 a second, bursts of 14 in 2 seconds.
        (Limits(per_second=7, burst=14, burst_seconds=2), 100, {2.0: 14, 10.0: 84}),
        (Limits(per_second=10), 100, {1.0: 20, 5.0: 60}),
        (Limits(per_second=0.5), 10, {1.9: 1, 20.0: 10}),
        (Limits(per_second=1, burst=10, burst_seconds=2), 40, {2.0: 10, 20.0: 30}),
    ],
)
def test_no_window_of_time_holds_more_than_it_may(
    limits: Limits, count: int, windows: dict[float, int]
) -> None:
    world = Time()
    times = world.times(world.pace(limits), count)
    assert times == sorted(times)
    for seconds, most in windows.items():
        assert busiest(times, seconds) <= most
    assert limits.per_second and times[-1] <= count / (0.65 * limits.per_second) + 3


def test_most_of_a_burst_goes_at_once_after_a_rest_and_half_of_it_at_the_beginning() -> None:
    """What arrives late stays within the limit; at the beginning somebody else may just have asked."""
    world = Time()
    pace = world.pace(Limits(per_second=7, burst=14))
    assert world.times(pace, 5) == [0.0] * 5
    world.now += 10
    assert world.times(pace, 11) == [10.0] * 11
    assert world.times(pace, 1)[0] > 12.0


def test_minutes_are_those_of_the_clock() -> None:
    world = Time()
    times = world.times(world.pace(Limits(per_minute=250)), 600)
    by_minute = Counter((NOW + at) // 60 for at in times)
    assert max(by_minute.values()) == 250
    assert len(world.waits) == 2 and world.waits[0] == pytest.approx(40, abs=1)


def test_minutes_are_those_of_the_servers_clock_where_it_says_its_time() -> None:
    world = Time()
    pace = world.pace(Limits(per_minute=1))
    pace.heard({"Date": "Tue, 14 Nov 2023 22:13:50 GMT"})  # half a minute ahead of us
    pace.take()
    pace.take()
    assert world.waits == [pytest.approx(10, abs=1)]


def test_a_day_that_is_used_up_is_told_and_the_next_day_goes_on() -> None:
    world = Time()
    pace = world.pace(Limits(per_day=100), spent_today=98)
    world.times(pace, 2)
    with pytest.raises(Unreachable, match="allows 100 requests a day; the rest comes tomorrow") as caught:
        pace.take()
    assert caught.value.hint and world.waits == []
    world.now += 86_400
    pace.take()


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"RateLimit-Limit": "500", "RateLimit-Remaining": "0", "RateLimit-Reset": "7"}, 7),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "7"}, 7),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000012"}, 12),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000012000"}, 12),
        ({"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "3"}, 3),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999"}, 60),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1600000000"}, 0),
        ({"RateLimit": '"default";r=0;t=5'}, 5),
        ({"RateLimit": '"default";r=12;t=5'}, 0),
        ({"RateLimit": '"burst";r=0;t=2, "daily";r=900;t=50000'}, 2),
        ({"RateLimit": '"a";r=0;t=2, "b";r=0;t=9'}, 9),
        ({"RateLimit": "limit=100, remaining=0, reset=8"}, 8),
        ({"RateLimit": '"default";r=0', "RateLimit-Policy": '"default";q=100;w=30'}, 30),
        ({"RateLimit": '"default";r=0'}, 0),
        ({"RateLimit-Limit": "500", "RateLimit-Remaining": "499", "RateLimit-Reset": "1"}, 0),
        ({"RateLimit-Remaining": "0"}, 0),
        ({"RateLimit-Remaining": "none", "RateLimit-Reset": "soon"}, 0),
        ({"RateLimit": "ü" * 5000, "RateLimit-Policy": '"' * 3000}, 0),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "5", "Date": "Tue, 14 Nov 2023 22:13:00 GMT"}, 5),
        (
            {
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": "1700000012",
                "Date": "Tue, 14 Nov 2023 22:13:22 GMT",
            },
            10,
        ),
    ],
)
def test_what_a_server_says_of_its_limits_is_heard(headers: dict[str, str], wait: float) -> None:
    world = Time()
    pace = world.pace()
    pace.heard(headers)
    pace.take()
    assert sum(world.waits) == wait


def test_a_hold_is_for_everybody_and_a_shorter_one_does_not_end_it() -> None:
    world = Time()
    pace = world.pace()
    pace.hold(30)
    pace.hold(5)
    assert world.times(pace, 3) == [30.0] * 3
    pace.hold(10**9)
    pace.take()
    assert world.waits[-1] == 600


def test_a_clock_that_stands_still_or_goes_back_does_not_wait_for_ever() -> None:
    waits: list[float] = []
    pace = Pace(Limits(per_second=1), clock=lambda: NOW, sleep=waits.append)
    for _ in range(5):
        pace.take()
    assert sum(waits) == pytest.approx(4)
    world = Time()
    pace = world.pace()
    pace.hold(20)
    world.now -= 86_400
    pace.take()
    assert sum(world.waits) == pytest.approx(20)


def test_threads_together_keep_to_the_limit() -> None:
    pace, times, lock = Pace(Limits(per_second=100, burst=10, burst_seconds=0.1)), [], threading.Lock()

    def work() -> None:
        for _ in range(8):
            pace.take()
            with lock:
                times.append(time.monotonic())

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(times) == 40 and max(times) - min(times) >= 0.28


@pytest.mark.parametrize("why", ["hold", "minute", "second"])
def test_whoever_waits_wakes_at_once_when_the_run_is_to_stop(why: str) -> None:
    limits = {"hold": Limits(), "minute": Limits(per_minute=1), "second": Limits(per_second=0.01)}[why]
    pace, stopping, ended = Pace(limits, clock=lambda: NOW), threading.Event(), []
    pace.take(stopping)
    if why == "hold":
        pace.hold(60)

    def wait() -> None:
        try:
            pace.take(stopping)
        except Stopped as error:
            ended.append(error)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    began = time.monotonic()
    stopping.set()
    for thread in threads:
        thread.join(5)
    assert len(ended) == 3 and time.monotonic() - began < 1


def test_nobody_asks_once_the_run_is_to_stop() -> None:
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(Stopped) as caught:
        Pace().take(stopping)
    assert caught.value.exit_status == 1
