"""Rows of a CSV file in an order in which programs guess its types right.

DuckDB, like others, guesses by the beginning (`sample_size`, 20,480 rows): a column that is empty there becomes text, one
with whole numbers there fails at the first 1.5. So of a longer table the rows that settle each column come first; the
others keep their order. A line takes some two hundred bytes while it waits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from phr.views.tables.cells import line, written
from phr.views.tables.shape import Cell, Column

SAMPLE = 20_000
_LIKE_OTHERS = re.compile(
    r"[+-]?[\d.]+(?:[eE][+-]?\d+)?|\d{4}-\d\d-\d\d.*|\d\d:\d\d.*|true|false|t|f|", re.IGNORECASE
)


class Settled:
    """A table that is written when all its rows are there."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        self.columns = columns
        self.filled = [0] * len(columns)
        """How many rows have something in each column."""
        self._types = [one.type for one in columns]
        self._lines: list[bytes] = []
        self._settles: dict[int, tuple[int, bool]] = {}
        self._open = set(range(len(columns)))

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._lines)

    def add(self, cells: Sequence[Cell]) -> None:
        """One more row."""
        texts = [written(cell, type_) for cell, type_ in zip(cells, self._types, strict=True)]
        for at, text in enumerate(texts):
            if text:
                self.filled[at] += 1
                if at in self._open:
                    self._look(at, text)
        self._lines.append(line(texts))

    def _look(self, at: int, text: str) -> None:
        """Whether this row shows what a column is: a number with a point, a text that is nothing else."""
        type_ = self._types[at]
        sure = (
            "." in text
            if type_ == "number"
            else not _LIKE_OTHERS.fullmatch(text)
            if type_ == "text"
            else True
        )
        if sure or at not in self._settles:
            self._settles[at] = (len(self._lines), sure)
        if sure:
            self._open.discard(at)

    def lines(self) -> Iterator[bytes]:
        """The rows as they are written."""
        first = sorted({row for row, _ in self._settles.values()}) if len(self._lines) > SAMPLE else []
        yield from (self._lines[row] for row in first)
        skipped = set(first)
        yield from (
            (one for row, one in enumerate(self._lines) if row not in skipped)
            if skipped
            else iter(self._lines)
        )
