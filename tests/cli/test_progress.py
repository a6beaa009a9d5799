"""What moves on a terminal while a sync runs."""

from __future__ import annotations

import io

from rich.console import Console

from phr.cli.progress import SyncProgress
from phr.sync.pull import Progress


def test_progress_sums_up_each_connection_and_names_the_type_coming_in() -> None:
    screen = io.StringIO()
    with SyncProgress(Console(file=screen, force_terminal=True, width=80)) as moving:
        moving.note(Progress("clinic", "Observation", 100, 90))
        moving.note(Progress("clinic", "Condition", 5, 5))
        moving.note(Progress("clinic", "Observation", 250, 190))
        moving.note(Progress("lab\x1b[2J", "Patient", 1, 0, done=True))
        assert moving.lines() == [
            "clinic: 255 came, 195 new  Observation (250)",
            "lab [2J: 1 came, 0 new  Patient (1)",
        ]
    assert "clinic" in screen.getvalue()
