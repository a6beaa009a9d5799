"""How fast one server may be asked: limits that are known beforehand, and what it says on the way.

Known: eClinicalWorks counts 7 a second with bursts of 14 in 2 seconds, 250 in each minute of the clock, token
calls included. Said: `Retry-After` (RFC 9110 section 10.2.3), `RateLimit-*` and `X-RateLimit-*`, and the newer
`RateLimit: "default";r=0;t=5` with `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from phr.errors import Stopped, Unreachable
from phr.fhir import retry

LONGEST_HOLD = 600.0
"""Seconds: whoever wants more than this is not waited for at all (see `retry.ABSURD`)."""
_MARGIN = 0.5
"""Seconds that the server's minute may begin later than ours."""
_ROOM = 0.85
"""So much of a burst is used: requests arrive closer together than they were sent, and a sign-in, or a program that
has just ended, may have asked before."""
_LATE = 0.25
"""Seconds by which a request may arrive late."""
_DAY = 86_400.0
_ITEM = re.compile(r'"[^"]{0,100}"(?:;[^",]{0,200})?|[^,"]{1,200}')
_PAIR = re.compile(r"(?:^|[;,\s])([a-z]{1,12})\s?=\s?\"?(\d{1,15})", re.IGNORECASE)
_FIRST_NUMBER = re.compile(r"\s*(\d{1,15}(?:\.\d{1,6})?)")
_FAMILIES = ("ratelimit", "x-ratelimit", "x-rate-limit")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a vendor is known to allow. None: no limit is known."""

    per_second: float | None = None
    burst: int | None = None
    """How many may go at once, and at most in any `burst_seconds`."""
    burst_seconds: float = 2.0
    per_minute: int | None = None
    """In each minute of the clock."""
    per_day: int | None = None


class Spent(Unreachable):
    """Today's requests are used up: no waiting helps."""


class Pace:
    """Whose turn it is; one for each server, shared by all threads that ask it."""

    def __init__(
        self,
        limits: Limits = Limits(),
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] | None = None,
        spent_today: int = 0,
    ) -> None:
        """`spent_today` requests went out earlier on this day (UTC). `sleep` stands in for waiting in tests."""
        self.limits = limits
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._never = threading.Event()
        self._ahead = 0.0
        self._last = clock()
        self._held_until = 0.0
        self._behind = 0.0
        """Seconds that the server's clock is ahead of ours: minutes are counted by its own."""
        rate, burst = limits.per_second, limits.burst
        burst = max(1, int(burst * _ROOM)) if burst else None
        self._capacity = float(burst or max(1.0, rate or 1.0))
        self._tokens, self._filled = max(1.0, self._capacity / 2), self._now()
        self._recent: deque[float] = deque(maxlen=burst if rate and burst else 0)
        self._minute, self._in_minute = -1, 0
        self._day, self._in_day = self._now() // _DAY, spent_today

    def take(self, stopping: threading.Event | None = None) -> None:
        """Wait until one request may go. Raises Stopped, and Unreachable when the day's requests are used up."""
        while True:
            if stopping is not None and stopping.is_set():
                raise Stopped
            with self._lock:
                now = self._now()
                wait = self._wait(now)
                if wait <= 0:
                    self._spend(now)
                    return
            self._nap(wait, stopping or self._never)

    def hold(self, seconds: float) -> None:
        """Let nobody ask this server for so long; a longer hold that is already there stays."""
        with self._lock:
            self._held_until = max(self._held_until, self._now() + max(0.0, min(seconds, LONGEST_HOLD)))

    def heard(self, headers: Mapping[str, str]) -> None:
        """Take in what an answer says about limits: where nothing remains, wait until it is filled again."""
        named = {name.lower(): value for name, value in headers.items()}
        date = retry.date_of(named)
        with self._lock:
            now = self._now()
            if date is not None:
                self._behind = date - now if abs(date - now) > 2.0 else 0.0
                now = date
        waits = [retry.until(reset, now) for remaining, reset in _allowances(named) if remaining <= 0]
        if waits and max(waits) > 0:
            self.hold(min(max(waits), retry.LONGEST))

    # ── the sums ──────────────────────────────────────────────────────────────────────────────────

    def _now(self) -> float:
        """Our clock, which never goes back, whatever is done to that of this computer."""
        read = self._clock()
        self._ahead += max(0.0, self._last - read)
        self._last = read
        return read + self._ahead

    def _wait(self, now: float) -> float:
        """Seconds until the next request may go; 0: now."""
        limits = self.limits
        if limits.per_day is not None:
            if now // _DAY > self._day:
                self._day, self._in_day = now // _DAY, 0
            if self._in_day >= limits.per_day:
                raise Spent(
                    f"This server allows {limits.per_day} requests a day; the rest comes tomorrow.",
                    http_status=429,
                    hint="Nothing is lost: the next sync goes on from here.",
                )
        waits = [self._held_until - now]
        if limits.per_second:
            gained = max(0.0, now - self._filled) * limits.per_second
            self._tokens, self._filled = min(self._capacity, self._tokens + gained), now
            waits.append((1.0 - self._tokens) / limits.per_second if self._tokens < 1.0 - 1e-9 else 0.0)
            if len(self._recent) == self._recent.maxlen and self._recent:
                waits.append(self._recent[0] + limits.burst_seconds + _LATE - now)
        if limits.per_minute is not None and self._in_minute >= limits.per_minute:
            there = now + self._behind
            if there // 60 == self._minute:
                waits.append(60.0 - there % 60 + _MARGIN)
        return max(waits)

    def _spend(self, now: float) -> None:
        self._in_day += 1
        self._tokens -= 1.0
        self._recent.append(now)
        minute = int((now + self._behind) // 60)
        if minute != self._minute:
            self._minute, self._in_minute = minute, 0
        self._in_minute += 1

    def _nap(self, seconds: float, stopping: threading.Event) -> None:
        if self._sleep is None:
            stopping.wait(seconds)
            return
        before = self._clock()
        self._sleep(seconds)
        with self._lock:  # what stands in for sleeping need not move the clock
            self._ahead += max(0.0, seconds - max(0.0, self._clock() - before))


def _allowances(headers: Mapping[str, str]) -> Iterator[tuple[float, float]]:
    """How much remains and when it is filled again, as far as an answer says both."""
    for family in _FAMILIES:
        remaining, reset = headers.get(f"{family}-remaining"), headers.get(f"{family}-reset")
        if remaining is not None and reset is not None:
            left, at = _FIRST_NUMBER.match(remaining), _FIRST_NUMBER.match(reset)
            if left and at:
                yield float(left[1]), float(at[1])
    combined = headers.get("ratelimit", "")[:2000]
    if not combined:
        return
    windows = [
        float(value)
        for key, value in _PAIR.findall(headers.get("ratelimit-policy", "")[:2000])
        if key.lower() == "w"
    ]
    # An earlier draft wrote one list of `limit=…, remaining=…, reset=…`, the later ones an item for each policy.
    for item in [combined] if "remaining" in combined else _ITEM.findall(combined):
        said = {key.lower(): float(value) for key, value in _PAIR.findall(item)}
        left_, at_ = said.get("r", said.get("remaining")), said.get("t", said.get("reset"))
        if left_ is not None and (at_ is not None or windows):
            yield left_, at_ if at_ is not None else max(windows)
