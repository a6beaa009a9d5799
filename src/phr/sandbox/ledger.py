"""What was asked of the sandbox, for tests, and how much it lets itself be asked: the limits of `record_habits`.

Every request but those of the control interface is written down: never a query, a header or a body.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from email.utils import formatdate
from itertools import groupby

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phr.sandbox.problems import OutcomeError
from phr.sandbox.record_habits import RecordHabits

CONTROL = "/_control"
_YEAR = 365 * 86_400


class Ledger:
    """Every request that came, when, and how many at once."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, int]] = []
        """Method, path without query, status (0: no answer)."""
        self.times: list[float] = []
        """When each came, by the sandbox's clock."""
        self.at_once = 0
        self.most_at_once = 0
        """FHIR requests under way at the same time, at most."""
        self.strayed: list[str] = []
        """Paths outside the FHIR server that came with a bearer, which should not have been sent there."""

    def note(self, method: str, path: str, when: float) -> int:
        """Write down a request; answers its place in the list."""
        self.requests.append((method, path, 0))
        self.times.append(when)
        return len(self.requests) - 1

    def answered(self, index: int, status: int) -> None:
        """Write down how a request was answered."""
        method, path, _ = self.requests[index]
        self.requests[index] = (method, path, status)

    @property
    def counts(self) -> Counter[tuple[str, int]]:
        """FHIR requests by resource type (or `$export`, `metadata` …) and status."""
        return Counter(
            (_type(path), status) for _, path, status in list(self.requests) if path.startswith("/fhir")
        )

    def largest(self, seconds: float, under: str = "/") -> int:
        """The most requests that came within any so many seconds."""
        window: deque[float] = deque()
        most = 0
        for when in sorted(self._times(under)):
            window.append(when)
            while window[0] <= when - seconds:
                window.popleft()
            most = max(most, len(window))
        return most

    def largest_minute(self, under: str = "/") -> int:
        """The most requests that came in one minute of the clock."""
        minutes = groupby(sorted(int(when // 60) for when in self._times(under)))
        return max((len(list(group)) for _, group in minutes), default=0)

    def _times(self, under: str) -> list[float]:
        asked = zip(list(self.requests), list(self.times), strict=False)
        return [when for (_, path, _), when in asked if path.startswith(under)]


def _type(path: str) -> str:
    parts = [part for part in path.split("/")[2:] if part]
    if not parts:
        return "batch"
    return parts[-1] if parts[-1].startswith("$") else parts[0]


class Limits:
    """Lets only so many requests in. Refused ones are not counted against who asks."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._recent: deque[float] = deque()
        self._minute = (0, 0)
        self._day = (0, 0)

    def take(self, habits: RecordHabits, path: str) -> tuple[float | None, dict[str, str]]:
        """Seconds until there is room again (None: come in), and the headers that tell of the limit."""
        if habits.limit_counts == "fhir" and not path.startswith("/fhir"):
            return None, {}
        now = self._clock()
        self._minute = _counted(self._minute, int(now // 60))
        self._day = _counted(self._day, int(now // 86_400))
        rooms = [*self._window(habits, now)]
        if habits.per_minute is not None:
            rooms.append((habits.per_minute, self._minute[1], 60 - now % 60))
        if habits.per_day is not None:
            rooms.append((habits.per_day, self._day[1], 86_400 - now % 86_400))
        waits = [ends for most, taken, ends in rooms if taken >= most]
        wait = max(waits) if waits else None
        if wait is None:
            self._recent.append(now)
            self._minute = (self._minute[0], self._minute[1] + 1)
            self._day = (self._day[0], self._day[1] + 1)
        return wait, _told(habits, rooms, now, 0 if wait is not None else 1)

    def _window(self, habits: RecordHabits, now: float) -> Sequence[tuple[int, int, float]]:
        seconds = habits.burst_seconds if habits.burst is not None else 1.0
        while self._recent and self._recent[0] <= now - seconds:
            self._recent.popleft()
        most = habits.burst if habits.burst is not None else habits.per_second
        if most is None:
            return []
        ends = self._recent[0] + seconds - now if self._recent else seconds
        return [(int(most), len(self._recent), ends)]


def _counted(kept: tuple[int, int], period: int) -> tuple[int, int]:
    return kept if kept[0] == period else (period, 0)


def _told(
    habits: RecordHabits, rooms: Sequence[tuple[int, int, float]], now: float, used: int
) -> dict[str, str]:
    """RateLimit headers for the limit with the least room left (draft-ietf-httpapi-ratelimit-headers-07)."""
    if habits.limit_headers == "none" or not rooms:
        return {}
    most, taken, ends = min(rooms, key=lambda room: room[0] - room[1])
    said = {"Limit": str(most), "Remaining": str(max(0, most - taken - used))}
    headers: dict[str, str] = {}
    if habits.limit_headers in ("ratelimit", "both"):
        headers |= {f"RateLimit-{name}": value for name, value in said.items()}
        headers["RateLimit-Reset"] = str(math.ceil(ends))
    if habits.limit_headers in ("x-ratelimit", "both"):
        headers |= {f"X-RateLimit-{name}": value for name, value in said.items()}
        headers["X-RateLimit-Reset"] = str(math.ceil(now + ends))
    return headers


def throttled(habits: RecordHabits, wait: float, now: float) -> OutcomeError:
    """429, and when to come back as the vendor says it (RFC 9110, section 10.2.3)."""
    said = {
        "seconds": str(math.ceil(wait)),
        "date": formatdate(now + math.ceil(wait), usegmt=True),
        "past": formatdate(now - 3600, usegmt=True),
        "epoch": str(math.ceil(now + wait)),
        "absurd": str(_YEAR),
        "text": "soon",
    }.get(habits.retry_after)
    headers = {"Retry-After": said} if said else {}
    return OutcomeError(429, "throttled", "Too many requests; try again later.", headers)


def _led_astray(scope: Scope) -> bool:
    """Whether a bearer came under the host name that only a wrong link has."""
    headers = dict(scope["headers"])
    return b"authorization" in headers and headers.get(b"host", b"").startswith(b"localhost")


class Gatekeeper:
    """The outermost layer: writes requests down, and turns away those that are too many."""

    def __init__(
        self, app: ASGIApp, ledger: Ledger, clock: Callable[[], float], habits: Callable[[], RecordHabits]
    ) -> None:
        self._app = app
        self._ledger = ledger
        self._clock = clock
        self._habits = habits
        self._limits = Limits(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL):
            await self._app(scope, receive, send)
            return
        # Written before anything is sent: who has the answer finds it in the list.
        ledger, habits = self._ledger, self._habits()
        told: dict[str, str] = {}
        index = ledger.note(scope["method"], scope["path"], self._clock())
        app = self._app
        if habits.next_as == "localhost" and _led_astray(scope):
            ledger.strayed.append(scope["path"])
        if habits.per_minute or habits.per_second or habits.burst or habits.per_day:
            wait, told = self._limits.take(habits, scope["path"])
            if wait is not None:
                app = throttled(habits, wait, self._clock()).response()

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                ledger.answered(index, message["status"])
                if told:
                    more = [(name.lower().encode(), value.encode()) for name, value in told.items()]
                    message["headers"] = [*message.get("headers", ()), *more]
            await send(message)

        if not scope["path"].startswith("/fhir"):
            await app(scope, receive, watch)
            return
        ledger.at_once += 1
        ledger.most_at_once = max(ledger.most_at_once, ledger.at_once)
        try:
            await app(scope, receive, watch)
        finally:
            ledger.at_once -= 1
