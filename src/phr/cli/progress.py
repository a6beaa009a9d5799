"""What a sync is doing just now, moving on a terminal. Rich is imported here and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from phr.cli.text import clean

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import TaskID

    from phr.sync.pull import Progress


class SyncProgress:
    """One moving line for each connection: how much came, how much of it is new, and the type just coming in."""

    def __init__(self, console: Console | None = None) -> None:
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=console or Console(stderr=True),
            transient=True,
        )
        self._lines: dict[str, TaskID] = {}
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def note(self, one: Progress) -> None:
        """Take in where a pull is."""
        self._counts[one.connection, one.type] = (one.seen, one.new)
        if one.connection not in self._lines:
            self._lines[one.connection] = self._bars.add_task("", total=None)
        self._bars.update(self._lines[one.connection], description=self._words(one))

    def lines(self) -> list[str]:
        """What stands on the screen now."""
        return [str(task.description) for task in self._bars.tasks]

    def _words(self, one: Progress) -> str:
        found = [counts for (name, _), counts in self._counts.items() if name == one.connection]
        came, new = sum(seen for seen, _ in found), sum(new for _, new in found)
        return f"{clean(one.connection)}: {came:,} came, {new:,} new  {clean(one.type)} ({one.seen:,})"
