"""What a sync is doing just now, moving on a terminal. Rich is imported here and nowhere else.

A block for each connection: how much of it is done (a bar where that is known), how much came, and what is coming
in. Lines are cut, never wrapped, and there are never more of them than the terminal has: a display that wraps or
scrolls leaves its remains on the screen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from phr.cli.sync_report import span
from phr.cli.text import clean, elide, pad, width

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import ConsoleOptions, RenderResult

    from phr.sync.pull import Progress

_PHASES = {
    "searches": "records",
    "references": "what they refer to",
    "documents": "documents",
    "bulk": "bulk export",
    "file": "records",
}
_ENDS = {"completed": "✓", "partial": "!", "failed": "✗", "cancelled": "–"}
_ENDED = {"completed": "done", "partial": "partly done", "failed": "failed", "cancelled": "stopped"}
_BAR = 16
_NAME = 20
_FRAMES = 8  # a second


@dataclass
class _Block:
    """What is known of one connection."""

    name: str
    began: float
    phase: str = "searches"
    share: float | None = None
    counts: dict[tuple[bool, str], tuple[int, int]] = field(default_factory=dict)
    """By type how many came, how many of them new; documents (True) are counted by themselves."""
    ended: float | None = None
    status: str = "completed"
    final: tuple[int, int] | None = None
    """What came in all, and how much of it was new, once that is known."""
    open: dict[str, int] = field(default_factory=dict)
    """The types under way in this phase, in the order in which they began: so they keep their places."""

    def note(self, one: Progress, now: float) -> None:
        if one.phase == "ended":
            self.ended, self.status = (now if self.ended is None else self.ended), one.type
            if one.seen:
                self.final = one.seen, one.new
            self.share = 1.0 if one.type == "completed" and self.share is not None else self.share
            self.open.clear()
            return
        if one.phase != self.phase:
            self.phase = one.phase
            self.open.clear()
        if one.share is not None:
            # Side by side searches may tell out of order; an export begins anew when it is fetched.
            self.share = one.share if one.phase == "bulk" else max(self.share or 0.0, one.share)
        self.counts[one.phase == "documents", one.type] = (one.seen, one.new)
        if one.done:
            self.open.pop(one.type, None)
        else:
            self.open[one.type] = one.seen

    @property
    def mark(self) -> str | None:
        """How it ended; None while it is under way."""
        return None if self.ended is None else _ENDS.get(self.status, "!")

    def total(self, what: int, *, documents: bool = False) -> int:
        """How many came (0), how many of them are new (1)."""
        if self.final is not None and not documents:
            return self.final[what]
        return sum(counts[what] for (of, _), counts in self.counts.items() if of is documents)

    def head(self, now: float, cells: int, column: int, *, ascii_only: bool) -> str:
        """`clinic  ━━━━━━──────────  40 %  1,204 came, 30 new  12.0 s`, in this many cells;
        the name in a `column` of its own."""
        until = now if self.ended is None else self.ended
        words = f"{self.total(0):,} came, {self.total(1):,} new  {span(until - self.began)}"
        bars = [""]
        if self.share is not None:
            bars = [_bar(self.share, ascii_only=ascii_only), f"{round(100 * self.share):>3} %", ""]
        # The name comes first: a bar that would squeeze it shrinks to its number, or goes.
        least = min(width(self.name), 14)
        for bar in bars:
            room = cells - width(words) - 2 - (width(bar) + 2 if bar else 0)
            if room >= least:
                break
        name = elide(self.name, max(8, min(_NAME, room)))
        parts = [pad(name, min(column, room)), *([bar] if bar else []), words]
        return elide("  ".join(parts), cells)

    def below(self, cells: int) -> str:
        """What comes in just now: `records: Condition 44, Observation 812`; how it ended, once it has."""
        if self.ended is not None:
            return elide(_ENDED.get(self.status, "partly done"), cells)
        words = _PHASES.get(self.phase, self.phase)
        types = [f"{clean(type_)} {seen:,}" for type_, seen in self.open.items() if type_ and seen]
        if self.phase == "bulk" and not self.total(0):
            share = "" if self.share is None else f", {round(100 * self.share)} %"
            return elide(f"{words}: the server is preparing it{share}", cells)
        if self.phase == "file" and not types:
            return elide("reading the file", cells)
        if self.phase == "documents":
            types = [f"{self.total(0, documents=True):,}"]
        return elide(f"{words}: {', '.join(types)}" if types else words, cells)


class SyncProgress:
    """The moving display. `note` may be called from any thread."""

    def __init__(
        self, console: Console | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console or Console(stderr=True)
        self._clock = clock
        self._blocks: dict[str, _Block] = {}
        self._lock = threading.Lock()
        self._spinner = Spinner("dots" if _unicode(self._console) else "line")
        self._live = Live(
            self,
            console=self._console,
            transient=True,
            refresh_per_second=_FRAMES,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def note(self, one: Progress) -> None:
        """Take in where a pull is."""
        name = clean(one.connection)
        with self._lock:
            now = self._clock()
            if name not in self._blocks:
                self._blocks[name] = _Block(name, now)
            self._blocks[name].note(one, now)

    def lines(self, cells: int = 78, most: int = 1_000) -> list[tuple[str, str | None]]:
        """What stands on the screen now, and the mark before each line; None where something moves."""
        with self._lock:
            blocks, now = list(self._blocks.values()), self._clock()
            ascii_only = not _unicode(self._console)
            column = min(_NAME, max((width(one.name) for one in blocks), default=0))
            heads = [(one.head(now, cells, column, ascii_only=ascii_only), one.mark) for one in blocks]
            if 2 * len(blocks) <= most:
                below = [(f"  {one.below(cells - 2)}", " ") for one in blocks]
                return [line for pair in zip(heads, below, strict=True) for line in pair]
        if len(heads) <= most:
            return heads
        # Those that are under way are what somebody looks for.
        heads.sort(key=lambda head: head[1] is not None)
        return [*heads[: most - 1], (f"and {len(heads) - most + 1} more", " ")]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """For Rich: each line in as many cells as there are, the last one free."""
        frame = self._spinner.render(console.get_time())
        moving = frame.plain if isinstance(frame, Text) else ""
        plain = {} if _unicode(console) else {"✓": "+", "✗": "x", "–": "-"}
        found = self.lines(options.max_width - 3, max(2, console.height - 3))
        if found:
            yield Group(
                *(
                    Text(
                        f"{moving if mark is None else plain.get(mark, mark)} {line}",
                        style="dim" if mark == " " else "",
                        no_wrap=True,
                        overflow="crop",
                    )
                    for line, mark in found
                )
            )


def _bar(share: float, *, ascii_only: bool) -> str:
    done = round(_BAR * min(1.0, max(0.0, share)))
    full, rest = ("#", "-") if ascii_only else ("━", "─")
    return f"{full * done}{rest * (_BAR - done)} {round(100 * share):>3} %"


def _unicode(console: Console) -> bool:
    return console.encoding.lower().replace("-", "").startswith("utf")
