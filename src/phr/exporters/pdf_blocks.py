"""The blocks that `paper/blocks.typ` sets: headings, words, lists, tables, pictures, as plain JSON.

A cell is a string, or runs `[how, text]` (`b` bold, `s` soft, `n` a new line, `k` on one line). A string that begins with
an alarm sign is set in bold. A cell beyond the columns stands below the row. Widths of columns are
shares, measured here from what stands in them: Typst would have to lay out every row of a long table twice.
"""

from __future__ import annotations

import re
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
_STEPS = (1, 3, 6, 12, 24, 36)
_MOVES = 12
_AMOUNT = re.compile(r"(?:[▲▼!◆]+ )?(?:[<>≤≥]=? ?)?\d[\d.,/–-]* [%°µA-Za-z/][^\s;,]{0,11}(?=[\s;,]|$)")
"""A number and its unit: they are not torn apart, nor is the sign before them."""
_SHORT = 40
"""Letters of a cell that is looked at for such."""
_TALL = 18
"""Lines of a cell; a row as tall as that may go on on the next page."""


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
        rows = [_picked(row, filled, len(columns)) for row in rows]
        columns = [columns[at] for at in filled]
        widths = shares(columns, rows)
        if sum(widths) <= _LINE + 1:
            rows = [[_kept(cell) for cell in row] for row in rows]
    found = []
    for at in range(0, max(1, len(rows)), LONGEST):
        part = [_filled(row, len(columns)) for row in rows[at : at + LONGEST]]
        found.append(
            {
                "k": "table",
                "columns": list(columns),
                "widths": [max(0.01, one) for one in widths],
                "rows": part,
                "long": [number for number, row in enumerate(part) if _is_tall(row, widths)],
                "caption": "" if at else caption,
                "size": size,
            }
        )
    return found


def _filled(row: Row, wide: int) -> list[Cell]:
    below = [row[wide]] if len(row) > wide and row[wide] and wide > 1 else []
    return [*row[:wide], *([""] * (wide - len(row))), *below]


def _picked(row: Row, filled: Sequence[int], wide: int) -> list[Cell]:
    below = row[wide] if len(row) > wide else ""
    kept: list[Cell] = [row[at] if at < len(row) else "" for at in filled]
    if below and len(filled) == 1:  # there is no column beside the first one
        return [[*_runs(kept[0]), ["n", ""], *_runs(below)]]
    return [*kept, *([below] if below else [])]


def _runs(cell: Cell) -> list[list[str]]:
    return [["", cell]] if isinstance(cell, str) else list(cell)


def _kept(cell: Cell) -> Cell:
    """The cell with its amounts on one line each."""
    if not cell or len(text_of(cell)) > _SHORT or not _AMOUNT.search(text_of(cell)):
        return cell
    runs = _runs(cell)
    if isinstance(cell, str) and cell.startswith(("▲", "▼", "!", "◆")):
        runs = [["b", cell]]
    found: list[list[str]] = []
    for how, said in runs:
        at = 0
        for one in _AMOUNT.finditer(said):
            found += [[how, said[at : one.start()]]] if one.start() > at else []
            found.append([f"{how}k", one[0]])
            at = one.end()
        found += [[how, said[at:]]] if at < len(said) or how == "n" else []
    return found


def _is_tall(row: Row, widths: Sequence[float]) -> bool:
    """Whether a row is too tall to be kept on one page."""
    whole = sum(widths)
    return any(
        _height(_lengths(cell), max(1, int(widths[at] if at < len(widths) else whole))) > _TALL
        for at, cell in enumerate(row)
        if cell
    )


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
    wide = [
        max(_LEAST, 1 + max((_longest_word(row[at]) for row in [columns, *rows]), default=0))
        for at in range(len(columns))
    ]
    spare = _LINE - _GAP * len(columns) - sum(wide)
    sample = _Sample(rows, len(columns))
    least = list(wide)
    while (found := sample.best(wide, spare)) is not None:
        at, more = found
        wide[at] += more
        spare -= more
    for _ in range(_MOVES):
        moved = sample.moved(wide, least)
        if moved is None:
            break
        wide = moved
    first = 0 if any(len(row) > len(columns) for row in rows) else wide[0]
    rest = max(0, spare) / max(
        1, sum(wide[1:]) + first
    )  # what stands below has no room under the first column
    return [one * (1 + (rest if at or first else 0)) + _GAP for at, one in enumerate(wide)]


class _Sample:
    """Some rows of a table, and how many lines each of them takes."""

    def __init__(self, rows: Sequence[Row], columns: int) -> None:
        step = max(1, len(rows) // _MEASURED)
        self._rows = [[_lengths(cell) for cell in row[:columns]] for row in islice(rows, 0, None, step)]
        self._known: dict[tuple[int, int], list[int]] = {}

    def _heights(self, at: int, wide: int) -> list[int]:
        if (at, wide) not in self._known:
            self._known[at, wide] = [_height(row[at], wide) for row in self._rows]
        return self._known[at, wide]

    def lines(self, wide: Sequence[int]) -> float:
        """All lines; those of the lower cells count a little, as they are nearly the highest."""
        by_column = [self._heights(at, one) for at, one in enumerate(wide)]
        return sum((max(row) + sum(row) / 8 for row in zip(*by_column, strict=True)), 0.0)

    def best(self, wide: Sequence[int], spare: int) -> tuple[int, int] | None:
        """`(column, letters)` that save most lines for each letter; None where no column needs more."""
        found, most, now = None, 0.0, self.lines(wide)
        for at in range(len(wide)):
            for more in _STEPS:
                if more > spare:
                    break
                saved = now - self.lines([*wide[:at], wide[at] + more, *wide[at + 1 :]])
                if saved / more > most:
                    found, most = (at, more), saved / more
        return found

    def moved(self, wide: Sequence[int], least: Sequence[int]) -> list[int] | None:
        """Some letters of one column given to another, where that saves most lines; None where it saves none."""
        found, fewest = None, self.lines(wide) - 0.01
        for giver in range(len(wide)):
            for taker in range(len(wide)):
                for more in _STEPS[:4]:
                    if giver == taker or wide[giver] - more < least[giver]:
                        continue
                    tried = list(wide)
                    tried[giver] -= more
                    tried[taker] += more
                    if (lines := self.lines(tried)) < fewest:
                        found, fewest = tried, lines
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
            lines[-1] += len(line) * (1.1 if "b" in how else 1)
    return lines


def _height(lines: Sequence[float], wide: int) -> int:
    return sum(1 + int(max(0.0, one - 1) // wide) for one in lines)


def _longest_word(cell: Cell) -> int:
    said = text_of(cell)[:400]  # an m is wider than a letter is
    if len(said) <= _SHORT:
        said = _AMOUNT.sub(lambda one: one[0].replace(" ", "_") + "_" * (one[0].count("m") // 2), said)
    return max((min(len(word), _WORD) for word in said.split()), default=0)
