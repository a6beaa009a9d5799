"""When to ask again and after how long (RFC 9110 section 10.2.3 Retry-After; RateLimit header fields).

Servers were seen to send Retry-After in seconds, as a date, as a date in the past, and far too long; to send
only `X-RateLimit-Reset` (VA); and to count by the minute of the wall clock without saying anything (healow).
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST = 60.0
"""Seconds: what a server asks for beyond this is not waited for in one go."""
_LATER = frozenset({408, 425, 429})
_FINAL = frozenset({501, 505})
_FINAL_CODES = frozenset({"not-supported", "not-found", "forbidden", "deleted"})


def worth_retrying(status: int, issue_codes: frozenset[str] = frozenset()) -> bool:
    """Whether the same request may succeed later. A 500 that says "not supported" (DrChrono) will not."""
    if status in _LATER:
        return True
    return status >= 500 and status not in _FINAL and not issue_codes & _FINAL_CODES


def wait(
    attempt: int, delay: float, *, headers: Mapping[str, str] | None = None, status: int = 0, now: float = 0.0
) -> float:
    """Seconds before the next try; `attempt` counts from 0. The server's word counts before ours.

    Jitter keeps the threads of one sync, and all who start at full hours, from coming back at once.
    """
    asked = retry_after(headers or {}, now)
    jitter = random.uniform(0.75, 1.25)  # noqa: S311 (not a secret)
    if asked is not None:
        return min(asked + max(0.0, jitter - 1.0), LONGEST)
    # Limits by the minute without a header need longer than a server that stumbled.
    factor = 4.0 if status == 429 else 1.0
    return min(delay * factor * 2.0 ** min(attempt, 16) * jitter, LONGEST)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait as the server says, between 0 and LONGEST; None if it says nothing readable."""
    value = headers.get("retry-after")
    if value is not None:
        seconds = _number(value)
        if seconds is None:
            seconds = _until(value, now)
        if seconds is not None:
            return _within(seconds)
    for name in ("ratelimit-reset", "x-ratelimit-reset"):
        seconds = _number(headers.get(name, ""))
        if seconds is not None and (headers.get(name.replace("reset", "remaining")) or "0").strip() == "0":
            # Some send seconds to go, some the time of day since the epoch.
            return _within(seconds - now if seconds > 1_000_000_000 else seconds)
    return None


def _number(text: str) -> float | None:
    try:
        number = float(text.strip())
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _until(text: str, now: float) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return None


def _within(seconds: float) -> float:
    return max(0.0, min(seconds, LONGEST))
