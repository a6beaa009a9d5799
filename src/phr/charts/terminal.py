"""A plot for a terminal, in characters: the usual range shaded, each mark a shape of its own, colour on top of that.

Lines are drawn in Braille dots (two by four in a cell, Unicode 2800–28FF), values stand on them as marks. A screen
without Unicode gets letters and no lines. Rows are lists of `(text, style)`; who prints them knows about colours.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from phr.charts import scale
from phr.charts.model import ABNORMAL, HIGH, LOW, NORMAL, PLAIN, Curve, Dot, by_source, has_range, range_at
from phr.charts.scale import Axis
from phr.charts.words import bounds_said, marks_said, range_in, range_said

Row = list[tuple[str, str | None]]

_SHAPES = {NORMAL: "●", PLAIN: "●", HIGH: "▲", LOW: "▼", ABNORMAL: "◆"}
_LETTERS = {NORMAL: "o", PLAIN: "o", HIGH: "^", LOW: "v", ABNORMAL: "!"}
_SECOND = {True: "■", False: "x"}
_OPEN = {True: {"<": "▽", ">": "△", "": "○"}, False: {"<": "<", ">": ">", "": "?"}}
_LETTER = "abcdefgh"
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_WORTH = {PLAIN: 0, NORMAL: 1, ABNORMAL: 2, LOW: 3, HIGH: 3}
SPARKS = "▁▂▃▄▅▆▇█"
SPARKS_ASCII = "_.-~=*#@"


@dataclass(frozen=True, slots=True)
class Size:
    """Cells of the whole picture, and what they can show."""

    columns: int = 80
    steps: int = 5
    """About so many labels at the side."""
    per_step: int = 2
    """Rows from one label to the next."""
    unicode: bool = True


def plot(curves: Sequence[Curve], size: Size) -> list[Row]:
    """The picture, from its top row to the dates beneath."""
    upright = scale.values(curves, size.steps)
    labels = {number: label for number, (_, label) in enumerate(reversed(upright.marks))}
    edge = max(len(label) for label in labels.values())
    columns = max(10, size.columns - edge - 3)
    along = scale.times(curves, max(2, (columns - 6) // 12))
    rows = (len(upright.marks) - 1) * size.per_step + 1
    cells = _Cells(columns, rows, upright, along, unicode=size.unicode)
    if len(curves) == 1 and has_range(curves[0]):
        cells.shade(curves[0])
    for curve in curves:
        cells.line(curve)
    for number, curve in enumerate(curves):
        cells.marks(curve, second=number > 0)
    if letters := source_letters(curves):
        cells.letters(curves, letters)
    bars = ("┤", "│", "└", "─", "┬") if size.unicode else ("+", "|", "+", "-", "+")
    found: list[Row] = []
    for row in range(rows):
        label = labels.get(row // size.per_step, "") if row % size.per_step == 0 else ""
        text = (label if size.unicode else _in_ascii(label)).rjust(edge)
        found.append([(text, None), (f" {bars[0] if label else bars[1]}", "dim"), *cells.row(row)])
    places = [(cells.column(when), label) for when, label in along.marks]
    ticks = "".join(bars[4] if any(at == place for place, _ in places) else bars[3] for at in range(columns))
    found.append([(" " * edge, None), (f" {bars[2]}{ticks}", "dim")])
    found.append([(" " * (edge + 2), None), (_dates(places, columns), None)])
    return found


_PLAINLY = str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")


def _in_ascii(label: str) -> str:
    return label.replace("×10", "e").translate(_PLAINLY)


def _dates(places: Sequence[tuple[int, str]], columns: int) -> str:
    """The labels beneath their marks, as many as fit without touching."""
    line = ""
    for at, label in places:
        begin = min(max(0, at - len(label) // 2), max(0, columns - len(label)))
        if begin >= len(line) + (2 if line else 0):
            line = line.ljust(begin) + label
    return line


class _Cells:
    """The field between the axes."""

    def __init__(self, columns: int, rows: int, upright: Axis, along: Axis, *, unicode: bool) -> None:
        self._columns, self._rows, self._unicode = columns, rows, unicode
        self._upright, self._along = upright, along
        self._pad = 1 if columns > 20 else 0
        self._cells: dict[tuple[int, int], tuple[str, str | None]] = {}
        self._dots: dict[tuple[int, int], int] = {}

    def column(self, when: float) -> int:
        """The column of a moment."""
        room = self._columns - 1 - 2 * self._pad
        return min(self._columns - 1, max(0, self._pad + round(self._along.share(when) * room)))

    def _row(self, value: float) -> int:
        share = min(1.0, max(0.0, self._upright.share(value)))
        return round((1 - share) * (self._rows - 1))

    def shade(self, curve: Curve) -> None:
        """The usual range, where one came with the values; a limit on one side goes on to the edge."""
        first, last = self.column(curve.dots[0].when), self.column(curve.dots[-1].when)
        room = max(1, self._columns - 1 - 2 * self._pad)
        wide = 0 if first != last else self._columns
        for column in range(
            max(0, first - self._pad - wide), min(self._columns, last + self._pad + 1 + wide)
        ):
            share = (column - self._pad) / room
            low, high = range_at(
                curve.dots, self._along.start + share * (self._along.end - self._along.start)
            )
            if low is None and high is None:
                continue
            for row in range(self._rows):
                value = self._upright.end - row / (self._rows - 1) * (self._upright.end - self._upright.start)
                tiny = self._upright.step * 1e-6
                if (low is None or value >= low - tiny) and (high is None or value <= high + tiny):
                    self._cells[row, column] = ("░" if self._unicode else ":", "green")

    def line(self, curve: Curve) -> None:
        """From each exact value to the next; where there are too many for a line, dots alone."""
        if not self._unicode:
            return
        if len(curve.exact) > 1.5 * self._columns:
            for dot in curve.exact:
                self._light(*self._fine(dot))
            return
        for stretch in curve.stretches():
            for (x, y), (u, v) in itertools.pairwise([self._fine(dot) for dot in stretch]):
                steps = max(abs(u - x), abs(v - y), 1)
                for step in range(steps + 1):
                    self._light(round(x + (u - x) * step / steps), round(y + (v - y) * step / steps))

    def _fine(self, dot: Dot) -> tuple[int, int]:
        share = min(1.0, max(0.0, self._upright.share(dot.value)))
        room = self._columns - 1 - 2 * self._pad
        across = self._pad + self._along.share(dot.when) * room
        return round(across * 2 + 0.5), round((1 - share) * (self._rows - 1) * 4 + 1.5)

    def _light(self, x: int, y: int) -> None:
        at = (min(self._rows - 1, y // 4), min(self._columns - 1, x // 2))
        self._dots[at] = self._dots.get(at, 0) | _BITS[y % 4][x % 2]

    def marks(self, curve: Curve, *, second: bool) -> None:
        """The values themselves; of several in one cell the most telling."""
        crowded = len(curve.dots) > 1.5 * self._columns and self._unicode
        shapes = _SHAPES if self._unicode else _LETTERS
        found: dict[tuple[int, int], Dot] = {}
        for dot in curve.dots:
            at = (self._row(dot.value), self.column(dot.when))
            if at not in found or _WORTH[dot.mark] >= _WORTH[found[at].mark]:
                found[at] = dot
        for at, dot in found.items():
            if crowded and dot.mark in (PLAIN, NORMAL) and dot.bound is None:
                continue
            shape = _OPEN[self._unicode][dot.bound] if dot.bound is not None else shapes[dot.mark]
            if second and dot.bound is None and dot.mark in (PLAIN, NORMAL):
                shape = _SECOND[self._unicode]
            style = "red" if dot.mark in (HIGH, LOW, ABNORMAL) else "bold" if not second else "cyan"
            self._cells[at] = (shape, style)
            self._dots.pop(at, None)

    def letters(self, curves: Sequence[Curve], letters: dict[str, str]) -> None:
        """Whose a mark is, in the next cell where that is free; of many values nobody could read them."""
        if sum(len(curve.dots) for curve in curves) > self._columns * 0.75:
            return
        taken = {at for at, (_, style) in self._cells.items() if style not in (None, "green")}
        for curve in curves:
            for dot in curve.dots:
                row, column = self._row(dot.value), self.column(dot.when)
                free = next(
                    (
                        at
                        for at in ((row, column + 1), (row, column - 1))
                        if at not in taken and 0 <= at[1] < self._columns
                    ),
                    None,
                )
                if free is not None and dot.source in letters:
                    self._cells[free] = (letters[dot.source], "dim")
                    self._dots.pop(free, None)
                    taken.add(free)

    def row(self, row: int) -> Row:
        """One row, neighbours of one style together."""
        found: Row = []
        for column in range(self._columns):
            bits = self._dots.get((row, column))
            text, style = (chr(0x2800 + bits), None) if bits else self._cells.get((row, column), (" ", None))
            if found and found[-1][1] == style:
                found[-1] = (found[-1][0] + text, style)
            else:
                found.append((text, style))
        return found


def legend(curves: Sequence[Curve], *, unicode: bool = True) -> list[str]:
    """What the marks mean, only those that are there."""
    shapes = _SHAPES if unicode else _LETTERS
    parts: list[str] = []
    if len(curves) > 1:
        parts += [f"{shapes[PLAIN]} {curves[0].name}", f"{_SECOND[unicode]} {curves[1].name}"]
    parts += [f"{shapes[mark]} {words}" for mark, words in marks_said(curves)]
    parts += [f"{_OPEN[unicode][sign]} {words}" for sign, words in bounds_said(curves)]
    if len(curves) == 1 and has_range(curves[0]):
        words, seen = range_in(curves[0], scale.values(curves))
        parts.append(f"{'░' if unicode else ':'} {words}" if seen else words)
    elif len(curves) > 1:
        told = [(one, range_said(one)) for one in curves]
        parts += [f"{one.name}, {words} {one.unit}".rstrip() for one, words in told if words]
    names = source_letters(curves)
    return parts + [f"{letter} from {name}" for name, letter in names.items()]


def source_letters(curves: Sequence[Curve]) -> dict[str, str]:
    """The letter beside the marks of each source, where there is room for it; empty where there is only one."""
    names = by_source(curves)
    if len(names) < 2:
        return {}
    return {name: _LETTER[number] if number < len(_LETTER) else "+" for number, name in enumerate(names)}


def sparkline(
    dots: Sequence[Dot], cells: int, *, unit: str = "", unicode: bool = True
) -> list[tuple[str, str | None]]:
    """The last values as bars, in their order; abnormal ones in red. A small step is small here too."""
    shown = [dot for dot in dots if dot.bound is None][-cells:]
    if not shown:
        return []
    lowest, highest = min(dot.value for dot in shown), max(dot.value for dot in shown)
    bottom, top = scale.widened(lowest, highest, scale.least_span(shown, unit))
    bars = SPARKS if unicode else SPARKS_ASCII
    found: list[tuple[str, str | None]] = []
    for dot in shown:
        share = (dot.value - bottom) / (top - bottom) if top > bottom else 0.5
        found.append(
            (bars[round(share * (len(bars) - 1))], "red" if dot.mark in (HIGH, LOW, ABNORMAL) else None)
        )
    return found
