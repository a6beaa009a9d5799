"""How far an export is, on a terminal: one line that goes away when the file is there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phr.exporters.base import Progress


@contextmanager
def watching() -> Iterator[Progress | None]:
    """Something to tell how far it is; None where nobody looks."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=8) as shown:
        task = shown.add_task("Looking", total=None)

        def tell(doing: str, done: int, of: int | None) -> None:
            shown.update(task, description=doing, completed=done, total=of)

        yield tell
