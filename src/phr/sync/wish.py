"""What one pull is to do, and what it tells on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a pull is: how many resources of a type have come, how many of them are new."""

    connection: str
    type: str
    seen: int
    new: int
    done: bool = False
    phase: str = "searches"
    """`searches`, `references`, `documents` or `bulk`; `ended` once it is over, the type is then how (`completed` …)."""
    share: float | None = None
    """How much of the whole run is done, 0 to 1; None: not known."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What this pull is to do."""

    trigger: str = "manual"
    types: tuple[str, ...] = ()
    documents: bool = True
    full: bool = False
    since: str | None = None
    """An instant: only what changed since then, where a server can tell."""
    bulk: str | None = None
    """`patient`, `group:ID` or `system`: by one Bulk Data export instead of searches."""
    debug: bool = False
    """Let unexpected errors through, with their traceback."""
    workers: int = 4
    page_size: int | None = None
    full_every_days: float = 30
    document_limit: int = 100_000_000
    progress: Callable[[Progress], None] = lambda _: None
    stopping: threading.Event = field(default_factory=threading.Event)
    job: int | None = None
    """The job that this run is; None: it makes one of its own."""
