"""Work on a stranger's bytes that is given up after a while.

What is read here comes from somebody else, and readers of large formats were seen to run for hours over a file
of a few kilobytes. The work runs in a thread of its own; when its time is over it is interrupted between two
steps of Python, and where that does not help (deep inside C), nobody waits for it any longer.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
_NUDGES = 5


class OutOfTime(BaseException):
    """Raised inside the work; no `except Exception` of a library keeps it."""


def within(seconds: float, work: Callable[[], T], otherwise: T) -> T:
    """What `work` answers, or `otherwise` when it raises anything or takes longer. Never raises, never hangs."""
    found: list[T] = []

    def run() -> None:
        with suppress(BaseException):  # a stranger's file: whatever is wrong with it
            found.append(work())

    thread = threading.Thread(target=run, name="phr-reading", daemon=True)
    thread.start()
    thread.join(seconds)
    for _ in range(_NUDGES):
        if not thread.is_alive():
            break
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(OutOfTime)
        )
        thread.join(0.2)
    return found[0] if found else otherwise
