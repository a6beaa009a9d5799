"""What moves on a terminal while a sync runs."""

from __future__ import annotations

import io
import threading

import pytest
from rich.console import Console

from phr.cli.progress import SyncProgress
from phr.sync.pull import Progress


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def console(columns: int = 80, rows: int = 24, **more: object) -> Console:
    wide = io.TextIOWrapper(io.BytesIO(), encoding=str(more.pop("encoding", "utf-8")), write_through=True)
    return Console(file=wide, force_terminal=True, width=columns, height=rows, **more)  # type: ignore[arg-type]


def seen(screen: Console) -> str:
    return screen.file.buffer.getvalue().decode()  # type: ignore[attr-defined,no-any-return]


def shown(moving: SyncProgress, cells: int = 76) -> list[str]:
    return [line for line, _ in moving.lines(cells)]


def test_progress_sums_up_each_connection_and_names_the_types_coming_in() -> None:
    clock = Clock()
    with SyncProgress(screen := console(), clock=clock) as moving:
        moving.note(Progress("clinic", "Observation", 100, 90))
        moving.note(Progress("clinic", "Condition", 5, 5))
        moving.note(Progress("clinic", "Observation", 250, 190))
        moving.note(Progress("lab\x1b[2J", "Patient", 1, 0, done=True))
        clock.now = 72.0
        assert shown(moving) == [
            "clinic   255 came, 195 new  1 min 12 s",
            "  records: Observation 250, Condition 5",
            "lab [2J  1 came, 0 new  1 min 12 s",
            "  records",
        ]
    assert "clinic" in seen(screen)
    assert "\x1b[2J" not in seen(screen)


def test_a_bar_stands_where_the_share_is_known_and_never_goes_back() -> None:
    moving = SyncProgress(console(), clock=Clock())
    moving.note(Progress("clinic", "Observation", 1, 1, share=0.5))
    moving.note(Progress("clinic", "Observation", 2, 2, share=None))
    moving.note(Progress("clinic", "Observation", 3, 3, share=0.4))
    assert shown(moving)[0] == "clinic  ━━━━━━━━────────  50 %  3 came, 3 new  0.0 s"
    assert "50 %" in shown(moving, 40)[0]
    assert "━" not in shown(moving, 40)[0]


@pytest.mark.parametrize(
    ("notes", "words"),
    [
        ([Progress("c", "Goal", 4, 4, done=True)], "records"),
        ([Progress("c", "Goal", 4, 4), Progress("c", "Practitioner", 2, 2, phase="references")],
         "what they refer to: Practitioner 2"),
        ([Progress("c", "Binary", 3, 3, phase="documents"), Progress("c", "Binary", 7, 7, phase="documents")],
         "documents: 7"),
        ([Progress("c", "", 0, 0, phase="bulk", share=0.4)], "bulk export: the server is preparing it, 40 %"),
        ([Progress("c", "", 0, 0, phase="bulk")], "bulk export: the server is preparing it"),
        ([Progress("c", "Goal", 9, 9, phase="bulk", share=0.1)], "bulk export: Goal 9"),
        ([Progress("c", "", 0, 0, phase="file")], "reading the file"),
        ([Progress("c", "", 0, 0, phase="file"), Progress("c", "Goal", 9, 9, phase="file")], "records: Goal 9"),
    ],
)  # fmt: skip
def test_what_it_is_at_is_said_in_words(notes: list[Progress], words: str) -> None:
    moving = SyncProgress(console(), clock=Clock())
    for one in notes:
        moving.note(one)
    assert shown(moving)[1] == f"  {words}"


@pytest.mark.parametrize("columns", [30, 60, 80, 120])
def test_no_line_wraps_and_there_are_never_more_than_the_terminal_has(columns: int) -> None:
    screen = console(columns, rows=10)
    moving = SyncProgress(screen, clock=Clock())
    for at in range(30):
        for type_ in ("Observation", "DiagnosticReport", "MedicationAdministration", "ExplanationOfBenefit"):
            moving.note(Progress(f"st-marys-hospital-of-the-north-{at}", type_, 123_456, 99_999, share=0.2))
    screen.print(moving, end="")
    lines = seen(screen).rstrip("\n").split("\n")
    assert len(lines) <= 8
    assert max(map(len, lines)) <= columns
    assert "more" in lines[-1]
    assert "st-mary" in lines[0]


def test_a_connection_that_has_ended_stands_still_with_its_final_counts() -> None:
    clock = Clock()
    moving = SyncProgress(screen := console(), clock=clock)
    for name in ("clinic", "lab"):
        moving.note(Progress(name, "Goal", 3, 1, share=0.5))
    clock.now = 4.0
    moving.note(Progress("clinic", "completed", 7, 2, done=True, phase="ended"))
    moving.note(Progress("lab", "failed", 0, 0, done=True, phase="ended"))
    clock.now = 60.0
    assert moving.lines() == [
        ("clinic  ━━━━━━━━━━━━━━━━ 100 %  7 came, 2 new  4.0 s", "✓"),
        ("  done", " "),
        ("lab     ━━━━━━━━────────  50 %  3 came, 1 new  4.0 s", "✗"),
        ("  failed", " "),
    ]
    screen.print(moving, end="")
    assert "✓ clinic" in seen(screen)


def test_blocks_lose_their_second_line_before_any_is_left_out() -> None:
    moving = SyncProgress(console(), clock=Clock())
    for at in range(4):
        moving.note(Progress(f"c{at}", "Goal", 1, 1))
    assert len(moving.lines(76, 8)) == 8
    assert [mark for _, mark in moving.lines(76, 7)] == [None] * 4
    assert moving.lines(76, 3)[-1] == ("and 2 more", " ")


def test_without_unicode_and_without_colour_it_stays_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = console(encoding="ascii")
    moving = SyncProgress(screen, clock=Clock())
    moving.note(Progress("clinic", "Goal", 1, 1, share=0.25))
    screen.print(moving, end="")
    assert seen(screen).isascii()
    assert "####------------  25 %" in seen(screen)
    assert "\x1b[3" not in seen(screen)


def test_many_threads_may_tell_at_once() -> None:
    with SyncProgress(console(), clock=Clock()) as moving:

        def tell(name: str) -> None:
            for n in range(200):
                moving.note(Progress(name, f"T{n % 7}", n, n))
                moving.lines()

        threads = [threading.Thread(target=tell, args=(f"c{n}",)) for n in range(6)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert len(moving.lines()) == 12
