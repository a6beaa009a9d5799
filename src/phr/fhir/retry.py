"""When to ask again and after how long (RFC 9110 section 10.2.3 Retry-After; RateLimit header fields).

Servers were seen to send Retry-After in seconds, as a date, as a date in the past, as seconds since the epoch,
and far too long; to send only `X-RateLimit-Reset` (VA); and to count by the minute of the wall clock without
saying anything (healow). And to say 500 for good: a reference that leads nowhere (Cigna), a field that is
missing in the source (Oracle), a type that one may not see (DrChrono).
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from phr.errors import Said

LONGEST = 60.0
"""Seconds: what a server asks for beyond this is not waited for in one go."""
ABSURD = 600.0
"""Seconds: what a server asks for beyond this is not waited for again once it was said twice."""
_LATER = frozenset({408, 425, 429})
_FINAL = frozenset({501, 505})
_FINAL_CODES = frozenset({"not-supported", "not-found", "forbidden", "deleted"})
_PASSING_CODES = frozenset({"transient", "timeout", "lock-error", "throttled", "no-store", "incomplete"})
_FINAL_WORDS = re.compile(r"(?i)\bis not known\b|\bnot implemented\b|NotImplemented(Exception|Error)\b")
_A_YEAR = 366 * 86_400.0


def worth_retrying(
    status: int,
    issue_codes: frozenset[str] = frozenset(),
    *,
    said: Said = Said(),  # noqa: B008 (frozen)
    before: Said | None = None,
) -> bool:
    """Whether the same request may succeed later. A 500 that says "not supported" (DrChrono) will not.

    `before` is what the last try was told: a 500 whose OperationOutcome says the same thing twice says it for good.
    """
    if status in _LATER:
        return True
    if status < 500 or status in _FINAL or (issue_codes | said.codes) & _FINAL_CODES:
        return False
    if status != 500 or said.shape != "outcome":
        return True
    if is_not_built(said):
        return False
    return said != before or bool(said.codes & _PASSING_CODES)


def is_not_built(said: Said) -> bool:
    """Whether the server says that it has nothing of the kind: in no other words it will."""
    return _FINAL_WORDS.search(said.text) is not None


def wait(
    attempt: int, delay: float, *, headers: Mapping[str, str] | None = None, status: int = 0, now: float = 0.0
) -> float:
    """Seconds before the next try; `attempt` counts from 0. The server's word counts before ours.

    Jitter keeps the threads of one sync, and all who start at full hours, from coming back at once. A date in
    the past asks for nothing: then it is ours to be gentle.
    """
    asked = retry_after(headers or {}, now)
    jitter = random.uniform(0.75, 1.25)  # noqa: S311 (not a secret)
    if asked:
        return min(asked + max(0.0, jitter - 1.0), LONGEST)
    # Limits by the minute without a header need longer than a server that stumbled.
    factor = 4.0 if status == 429 else 1.0
    return min(delay * factor * 2.0 ** min(attempt, 16) * jitter, LONGEST)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait as the server says, between 0 and LONGEST; None if it says nothing readable."""
    seconds = asked(headers, now)
    return None if seconds is None else max(0.0, min(seconds, LONGEST))


def asked(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds as the server says, however long or past; None if it says nothing readable."""
    value = headers.get("retry-after")
    if value is not None:
        number = _number(value)
        seconds = _date(value) if number is None else None
        if seconds is not None:
            return seconds - now
        if number is not None:
            return until(number, now)
    for name in ("ratelimit-reset", "x-ratelimit-reset"):
        number = _number(headers.get(name, ""))
        if number is not None and (headers.get(name.replace("reset", "remaining")) or "0").strip() == "0":
            return until(number, now)
    return None


def until(number: float, now: float) -> float:
    """Seconds to go: some send just these, some the seconds or milliseconds since the epoch."""
    if number > 100_000_000_000 and number < 100_000_000_000_000:
        number /= 1000
    return number - now if 1_000_000_000 < number < 100_000_000_000 else number


def come_back(seconds: float, now: float) -> str:
    """When a server wants to be asked again, in words."""
    if seconds > _A_YEAR:
        return "in more than a year"
    try:
        moment = datetime.fromtimestamp(now + seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return "much later"
    return f"after {moment:%Y-%m-%d %H:%M} UTC"


def date_of(headers: Mapping[str, str]) -> float | None:
    """The server's clock, from the Date header; None if it does not say."""
    value = headers.get("date")
    return None if value is None else _date(value)


def _number(text: str) -> float | None:
    try:
        number = float(text.strip())
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        # "-0000" and no zone at all mean UTC (RFC 5322 section 3.3, RFC 9110 section 5.6.7).
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
