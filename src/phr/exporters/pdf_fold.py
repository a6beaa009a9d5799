"""Rows that say the same but for their day, as one row: an infusion each week for years is told once, with all its days."""

from __future__ import annotations

from collections.abc import Sequence

from phr.exporters.pdf_blocks import Cell, Row, text_of

OFTEN = 4
"""So many rows that say the same are one."""
DATES = ("When", "Date")
VALUES = frozenset(("Result", "Value", "Answer", "Answer or score"))
"""What was measured is read day by day, also where it did not change."""


def folded(columns: Sequence[str], rows: Sequence[Row]) -> list[list[Cell]]:
    """The rows, those that differ by their date alone as one where the first of them stood. No date is lost."""
    at = next((number for number, name in enumerate(columns) if name in DATES), None)
    whole = [list(row) for row in rows]
    if at is None or len(rows) < OFTEN:
        return whole
    measured = [number for number, name in enumerate(columns) if name in VALUES]
    groups: dict[tuple[str, ...], list[int]] = {}
    for number, row in enumerate(whole):
        if len(row) > at and text_of(row[at]).strip() and not any(_said(row, each) for each in measured):
            key = tuple(text_of(cell).strip() for place, cell in enumerate(row) if place != at)
            groups.setdefault(key, []).append(number)
    found: list[list[Cell]] = []
    first = {numbers[0]: numbers for numbers in groups.values() if len(numbers) >= OFTEN}
    gone = {number for numbers in first.values() for number in numbers[1:]}
    for number, row in enumerate(whole):
        if number in gone:
            continue
        if number in first:
            dates = [text_of(whole[each][at]).strip() for each in first[number]]
            row = _one(row, at, len(columns), dates)
        found.append(row)
    return found


def _said(row: Sequence[Cell], at: int) -> bool:
    return at < len(row) and bool(text_of(row[at]).strip())


def _one(row: list[Cell], at: int, wide: int, dates: Sequence[str]) -> list[Cell]:
    """The row that stands for all: from when to when, and below it how often and each day."""
    days = sorted(dates)
    told = [*row[:wide], *([""] * (wide - len(row)))]
    told[at] = f"{days[0][:10]} to {days[-1][:10]}"
    before = _runs(row[wide]) if len(row) > wide and row[wide] else []
    runs = [
        *before,
        *([["n", ""]] if before else []),
        ["b", f"{len(dates):,} times: "],
        ["", ", ".join(dates)],
    ]
    return [*told, runs]


def _runs(cell: Cell) -> list[list[str]]:
    return [["s", cell]] if isinstance(cell, str) else list(cell)
