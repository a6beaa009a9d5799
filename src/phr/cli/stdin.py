"""Lines from standard input, with an end to the waiting.

Read below Python's own buffer, since whether more will come can be asked only of the file itself: a client secret and
a pasted address may come through the same pipe.
"""

from __future__ import annotations

import os
import sys
import time

_CHUNK = 65_536
_LIMIT = 1_000_000
_left = bytearray()
"""What came behind the last line."""


def line_within(seconds: float | None) -> str | None:
    """The next line, at the end of input whatever is left of it; None when nothing came within so many seconds."""
    source = _descriptor()
    if source is None:
        return sys.stdin.readline() if sys.stdin is not None else ""
    import select

    ends = None if seconds is None else time.monotonic() + seconds
    while b"\n" not in _left and len(_left) < _LIMIT:
        left = None if ends is None else max(0.0, ends - time.monotonic())
        if not select.select([source], [], [], left)[0]:
            return None
        chunk = os.read(source, _CHUNK)
        if not chunk:
            break
        _left.extend(chunk)
    line, newline, rest = bytes(_left).partition(b"\n")
    _left[:] = rest
    return (line + newline).decode("utf-8", "replace")


def _descriptor() -> int | None:
    """The file behind standard input; None where there is none, or where it cannot be waited for."""
    if os.name != "posix" or sys.stdin is None:
        return None
    try:
        return sys.stdin.fileno()
    except (OSError, ValueError):
        return None
