"""The blocks that `paper/blocks.typ` sets: headings, words, lists, tables, pictures, as plain JSON.

A cell is a string, or runs `[how, text]` (`b` bold, `s` soft, `n` a new line). A string that begins with an alarm sign is
set in bold. Widths of columns are shares, measured here from what stands in them: Typst would have to lay out every row of
a long table twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

Block = dict[str, Any]
Cell = str | list[list[str]]
Row = Sequence[Cell]

LONGEST = 400
"""Rows of one table: a longer one goes on as another, below the same column titles."""
_MEASURED = 40
_LINE, _GAP = 122, 2
"""Letters in a line of a table, and what the white between two columns takes of them."""
_WORD, _LEAST = 24, 4
_STEPS = (3, 6, 12, 24, 36)


def heading(text: str, level: int = 2, *, listed: bool = True) -> Block:
    """A heading; `listed` in the table of contents."""
    return {"k": "h", "t": text, "level": level, "out": listed and 1 < level <= 3}


def words(text: Cell, style: str = "plain") -> Block:
    """A paragraph."""
    return {"k": "p", "t": text, "style": style}


def bullets(items: Iterable[Cell], *, boxes: bool = False) -> Block:
    """A list."""
    return {"k": "ul", "items": list(items), "boxes": boxes}


def tables(
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    widths: Sequence[float] = (),
    caption: str = "",
    size: float = 8.6,
) -> list[Block]:
    """A table, in as many pieces as it takes. Columns in which nothing stands go, unless widths were given."""
    if not widths:
        filled = [at for at in range(len(columns)) if any(at < len(row) and row[at] for row in rows)] or [0]
        columns = [columns[at] for at in filled]
        rows = [[row[at] if at < len(row) else "" for at in filled] for row in rows]
        widths = shares(columns, rows)
    found = []
    for at in range(0, max(1, len(rows)), LONGEST):
        part = [_filled(row, len(columns)) for row in rows[at : at + LONGEST]]
        found.append(
            {
                "k": "table",
                "columns": list(columns),
                "widths": [max(0.01, one) for one in widths],
                "rows": part,
                "caption": "" if at else caption,
                "size": size,
            }
        )
    return found


def _filled(row: Row, wide: int) -> list[Cell]:
    return [*row[:wide], *([""] * (wide - len(row)))]


def figure(file: str, alt: str, caption: str = "", *, width: float = 100) -> Block:
    """A picture."""
    return {"k": "fig", "file": file, "alt": alt, "caption": caption, "width": width}


def text_of(cell: Cell) -> str:
    """The words of a cell."""
    return cell if isinstance(cell, str) else "".join("\n" if how == "n" else said for how, said in cell)


def shares(columns: Sequence[str], rows: Sequence[Row]) -> list[float]:
    """How wide each column is, in letters: none narrower than its longest word, and the table as low as that allows.

    What is left over goes where it saves most lines, some letters at a time, as measured on a part of the rows.
    """
    step = max(1, len(rows) // _MEASURED)
    sample = [[_lengths(cell) for cell in row] for row in islice(rows, 0, None, step)]
    least = [
        max(_LEAST, 1 + max((_longest_word(row[at]) for row in [columns, *rows[::step]]), default=0))
        for at in range(len(columns))
    ]
    spare = _LINE - _GAP * len(columns) - sum(least)
    wide = list(least)
    heights = [[_height(row[at], wide[at]) for at in range(len(columns))] for row in sample]
    while (best := _best(sample, heights, wide, spare)) is not None:
        at, more = best
        wide[at] += more
        spare -= more
        for told, row in zip(heights, sample, strict=True):
            told[at] = _height(row[at], wide[at])
    rest = max(0, spare) / sum(wide)
    return [one * (1 + rest) + _GAP for one in wide]


def _best(
    sample: Sequence[Sequence[list[float]]], heights: Sequence[list[int]], wide: Sequence[int], spare: int
) -> tuple[int, int] | None:
    """`(column, letters)` that save most lines for each letter; None where no column needs more."""
    found, most = None, 0.0
    for at in range(len(wide)):
        for more in _STEPS:
            if more > spare:
                break
            saved = 0.0
            for told, row in zip(heights, sample, strict=True):
                new = _height(row[at], wide[at] + more)
                if new < told[at]:
                    saved += max(told) - max(*told[:at], new, *told[at + 1 :], 0) + (told[at] - new) / 8
            if saved / more > most:
                found, most = (at, more), saved / more
    return found


def _lengths(cell: Cell) -> list[float]:
    """The letters in each line of a cell; bold ones are wider."""
    if isinstance(cell, str):
        return [float(len(line)) for line in cell.split("\n")]
    lines = [0.0]
    for how, said in cell:
        if how == "n":
            lines.append(0.0)
        for number, line in enumerate(said.split("\n")):
            if number:
                lines.append(0.0)
            lines[-1] += len(line) * (1.1 if how == "b" else 1)
    return lines


def _height(lines: Sequence[float], wide: int) -> int:
    return sum(1 + int(max(0.0, one - 1) // wide) for one in lines)


def _longest_word(cell: Cell) -> int:
    return max((min(len(word), _WORD) for word in text_of(cell)[:400].split()), default=0)
