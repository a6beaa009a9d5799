"""The answer to a query as it is read: a table where it fits, else each row as a block of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from phr.cli.text import Screen, clean, elide, pad, width, wrapped
from phr.records.measurements import number_text

if TYPE_CHECKING:
    from phr.views.tables.shape import Table

_GAP = 2
_LEAST = 10
"""No column becomes narrower than this for the sake of the others."""
_MEASURED, _MEASURED_TEXT = 20_000, 2**24
"""So many rows, or characters in them, say how wide the columns are."""


def drawn(columns: Sequence[str], rows: Iterable[Sequence[Any]], view: Screen) -> Iterator[str]:
    """Rows under their names; numbers to the right. Without an edge (a pipe, a file) nothing is cut.

    The first rows say how wide a column is; those behind them go out one by one, as many as there are.
    """
    heads = [clean(name) for name in columns]
    rest = iter(rows)
    first = _first(rest)
    cells = [_cells(row) for row in first]
    right = [_is_number([row[at] for row in first]) for at in range(len(heads))]
    first.clear()
    sizes = [max([width(head), *(width(row[at]) for row in cells)]) for at, head in enumerate(heads)]
    every = chain(cells, map(_cells, rest))
    if view.columns:
        fitting = fitted(
            sizes,
            [min(size, max(_LEAST, width(head))) for size, head in zip(sizes, heads, strict=True)],
            view.columns,
        )
        if fitting is None:
            yield from _blocks(heads, every, view)
            return
        sizes = fitting
    for number, row in enumerate(chain([heads], every)):
        line = (
            (" " * _GAP)
            .join(
                pad(elide(cell, size) if view.columns else cell, size, right=to_right)
                for cell, size, to_right in zip(row, sizes, right, strict=True)
            )
            .rstrip()
        )
        yield view.paint(view.spell(view.fit(line)), "bold" if not number else None)


def _first(rows: Iterator[Sequence[Any]]) -> list[Sequence[Any]]:
    """The rows that are measured."""
    found, size = [], 0
    for row in rows:
        found.append(row)
        size += sum(len(cell) for cell in row if isinstance(cell, str))
        if len(found) >= _MEASURED or size > _MEASURED_TEXT:
            break
    return found


def _cells(row: Sequence[Any]) -> list[str]:
    return [_words(cell) for cell in row]


def fitted(sizes: Sequence[int], least: Sequence[int], room: int) -> list[int] | None:
    """Widths that fit: the widest give way first, none below its least; None where even that is too much."""
    found = list(sizes)
    spare = room - sum(found) - _GAP * (len(found) - 1)
    if spare < 0 and sum(least) + _GAP * (len(found) - 1) > room:
        return None
    while spare < 0:
        at = max(range(len(found)), key=lambda one: found[one] - least[one])
        found[at] -= 1
        spare += 1
    return found


def _blocks(heads: Sequence[str], cells: Iterable[Sequence[str]], view: Screen) -> Iterator[str]:
    """A row below the other, each name with its value; what is empty is left out."""
    room = max(width(head) for head in heads)
    number = 0
    for number, row in enumerate(cells, 1):
        if number > 1:
            yield ""
        yield view.paint(view.spell(f"── row {number} ──"), "dim")
        for head, cell in zip(heads, row, strict=True):
            if not cell:
                continue
            lines = wrapped(cell, _narrower(view, room + _GAP), indent=0)
            for at, line in enumerate(lines):
                name = view.paint(pad(head, room), "bold") if not at else " " * room
                yield view.spell(f"{name}{' ' * _GAP}{line.strip()}")
    if not number:
        yield view.paint(view.spell(view.fit((" " * _GAP).join(heads))), "bold")


def _narrower(view: Screen, cells: int) -> Screen:
    return Screen(max(20, (view.columns or 120) - cells), view.colour, view.unicode)


def _is_number(cells: Sequence[Any]) -> bool:
    there = [cell for cell in cells if cell is not None]
    return bool(there) and all(isinstance(cell, int | float) for cell in there)


def _words(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bytes):
        return f"({len(cell):,} bytes)"
    return clean(number_text(cell) if isinstance(cell, float) else cell)


# ── what there is ─────────────────────────────────────────────────────────────────────────────────


def overview(tables: Sequence[Table], view: Screen) -> Iterator[str]:
    """Every table with its columns; what all kinds have in common is told once."""
    common = next((table.names for table in tables if table.name == "records"), ())
    for number, table in enumerate(tables):
        if number:
            yield ""
        yield from _title(table, view)
        own = [name for name in table.names if table.kind is None or name not in common]
        if table.kind is not None:
            also = ", ".join(own)
            own_words = f"as records, and {also}" if also else "as records"
        else:
            own_words = ", ".join(own)
        yield from (view.spell(line) for line in wrapped(own_words, view, indent=2))
    yield ""
    yield view.paint("What a column means: phr sql --tables lab_results", "dim")


def described(table: Table, view: Screen) -> Iterator[str]:
    """One table, column by column."""
    yield from _title(table, view)
    names = max(width(name) for name in table.names)
    types = max(width(one.type) for one in table.columns)
    for one in table.columns:
        lines = wrapped(one.meaning, _narrower(view, names + types + 3 * _GAP), indent=0)
        for at, line in enumerate(lines):
            lead = (
                f"  {pad(one.name, names)}  {pad(one.type, types)}"
                if not at
                else " " * (2 + names + _GAP + types)
            )
            yield view.spell(f"{lead}  {line.strip()}")


def _title(table: Table, view: Screen) -> Iterator[str]:
    lines = wrapped(f"{table.name}  {table.meaning}", view, indent=0)
    yield view.spell(lines[0].replace(table.name, view.paint(table.name, "bold"), 1))
    yield from (view.spell(line) for line in lines[1:])
