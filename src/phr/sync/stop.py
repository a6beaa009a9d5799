"""The end of a run before its time: who wanted it, and in which words it is written down."""

from __future__ import annotations

import threading


class Stop(threading.Event):
    """Set when a run is to end. The first who ends it says how it is written down."""

    def __init__(self) -> None:
        super().__init__()
        self.status = "cancelled"
        self.sentence: str | None = None

    def end(self, status: str, sentence: str | None) -> None:
        """`status` is `cancelled` or `partial`."""
        if not self.is_set():
            self.status, self.sentence = status, sentence
            self.set()


def how(stopping: threading.Event) -> tuple[str, str | None]:
    """Status and sentence of a run that was stopped by this."""
    return (stopping.status, stopping.sentence) if isinstance(stopping, Stop) else ("cancelled", None)
