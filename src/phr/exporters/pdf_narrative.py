"""The words of a section as they stand in a Continuity of Care Document, as blocks for paper.

What is out of its range is bold there, with the word for it in brackets; on paper a sign stands before it, which black and
white shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from phr.ccda.xml import Element
from phr.exporters.pdf_blocks import Block, Cell, Row, bullets, tables, text_of, words
from phr.exporters.pdf_fold import VALUES as _VALUES
from phr.exporters.pdf_fold import folded
from phr.exporters.pdf_spoken import spoken
from phr.exporters.pdf_words import HIGH, LOW, OFF

_REMARKS = frozenset(("Details", "Comments"))
_FEW, _LONG = 4, 60
_LINE, _NAME_ROOM, _REMARK_ROOM = 122, 40, 46
"""Letters of a line, of a name in it at most, and of remarks that may stand in a column."""
_REMARK = re.compile(r"\(([^()]*)\)\s*$")


def blocks_of(elements: Iterable[Element]) -> list[Block]:
    """Paragraphs, lists and tables."""
    found: list[Block] = []
    for one in elements:
        if one.tag == "table":
            found += _table(one)
        elif one.tag == "list":
            items = [cell for item in _all(one, "item") if text_of(cell := _cell(item)).strip()]
            found += [bullets(items)] if items else []
        elif text_of(cell := _cell(one)).strip():
            found.append(words(cell))
    return found


def _table(table: Element) -> list[Block]:
    heads = [
        [_plain(cell) for cell in _cells(row)] for part in _all(table, "thead") for row in _all(part, "tr")
    ]
    bodies = [part for part in table.children if isinstance(part, Element) and part.tag in ("tbody", "tfoot")]
    rows: list[list[Cell]] = [
        [_cell(cell) for cell in _cells(row)] for body in bodies for row in _all(body, "tr")
    ]
    rows += [[_cell(cell) for cell in _cells(row)] for row in _all(table, "tr")]
    widths = [len(row) for row in heads] + [len(row) for row in rows]
    wide = max(widths, default=0)
    if not wide:
        return []
    columns = heads[0] if heads else []
    columns = [*columns, *([""] * (wide - len(columns)))]
    if not any(columns):
        columns = [f"Column {at + 1}" for at in range(wide)] if wide > 1 else ["Text"]
    more: list[list[Cell]] = [[[["b", one]] for one in row] for row in heads[1:]]
    signed = [_signed(columns, spoken(columns, row)) for row in (*more, *rows)]
    named, told = _drawn_together(columns, signed)
    return tables(named, folded(named, told))


def _drawn_together(columns: Sequence[str], rows: Sequence[list[Cell]]) -> tuple[list[str], list[Row]]:
    """With fewer columns: remarks, what few rows have, and what is too long for its column, stand below the row."""
    often = [
        sum(bool(text_of(row[at]).strip()) for row in rows if at < len(row)) for at in range(len(columns))
    ]
    below = [
        at
        for at, name in enumerate(columns)
        if at
        and (
            (name in _REMARKS and not _has_room(columns, rows, at))
            or (len(rows) > _FEW and name not in _VALUES | _REMARKS and often[at] * 5 < len(rows))
        )
    ]
    if len(columns) < 4:
        below = []
    kept = [at for at in range(len(columns)) if at not in below]
    usual = {at: _usual_length(rows, at) for at in kept}
    told: list[Row] = []
    for row in rows:
        lines: list[list[str]] = []
        for at in range(1, len(columns)):
            said = text_of(row[at]).strip() if at < len(row) else ""
            if said and at in below:
                lines.append(["s", said if columns[at] in _REMARKS else f"{columns[at]}: {said}"])
            elif at in usual and len(said) > max(_LONG, 2 * usual[at]) and len(columns) > 2:
                named = said if columns[at] in _VALUES or not columns[at] else f"{columns[at]}: {said}"
                lines.append(["b" if said.startswith((HIGH, LOW, OFF)) else "", named])
                row[at] = ""
        beside: list[Cell] = [row[at] if at < len(row) else "" for at in kept]
        if below or lines:
            beside[0] = _bold(beside[0])
        rest: list[list[str]] = [run for one in lines for run in (["n", ""], one)][1:]
        told.append([*beside, *([rest] if rest else [])])
    return [columns[at] for at in kept], told


def _has_room(columns: Sequence[str], rows: Sequence[Sequence[Cell]], at: int) -> bool:
    """Whether short remarks that most rows have fit beside the other columns."""
    often = sum(bool(text_of(row[at]).strip()) for row in rows if at < len(row))
    if _longest(rows, at) > _REMARK_ROOM or often * 2 < len(rows):
        return False
    names = [
        number
        for number, name in enumerate(columns)
        if number == at or (name not in _REMARKS and _longest(rows, number))
    ]
    return sum(min(_NAME_ROOM, max(_longest(rows, each), len(columns[each]))) + 2 for each in names) <= _LINE


def _longest(rows: Sequence[Sequence[Cell]], at: int) -> int:
    """The letters of nearly the longest cell of a column."""
    lengths = sorted(len(text_of(row[at]).strip()) for row in rows if at < len(row)) or [0]
    return lengths[min(len(lengths) - 1, len(lengths) * 19 // 20)]


def _usual_length(rows: Sequence[Sequence[Cell]], at: int) -> int:
    lengths = sorted(len(text_of(row[at])) for row in rows if at < len(row)) or [0]
    return lengths[len(lengths) // 2]


def _bold(cell: Cell) -> Cell:
    said = [["", cell]] if isinstance(cell, str) else [list(one) for one in cell]
    return [["b" if how == "" else how, one] for how, one in said]


def _signed(columns: Sequence[str], row: list[Cell]) -> list[Cell]:
    """The row with a sign before a value that is out of the ordinary."""
    found: list[Cell] = []
    for column, cell in zip(columns, row, strict=False):
        if column in _VALUES and isinstance(cell, list) and any(how == "b" for how, _ in cell):
            (how, first), *rest = cell
            sign = _sign(text_of(cell))
            cell = [["b", f"{sign} {first}"], *rest] if how == "b" else [["b", f"{sign} "], *cell]
        found.append(cell)
    return found


def _sign(said: str) -> str:
    remark = _REMARK.search(said)
    told = remark[1].casefold() if remark else ""
    for word, sign in (("high", HIGH), ("above", HIGH), ("low", LOW), ("below", LOW)):
        if re.search(rf"\b{word}", told):
            return sign
    return OFF


def _cells(row: Element) -> list[Element]:
    return [one for one in row.children if isinstance(one, Element) and one.tag in ("td", "th")]


def _all(element: Element, tag: str) -> list[Element]:
    return [one for one in element.children if isinstance(one, Element) and one.tag == tag]


def _plain(element: Element) -> str:
    return text_of(_cell(element)).strip()


def _cell(element: Element) -> Cell:
    """Its words as runs; one string where nothing is set off."""
    runs: list[list[str]] = []
    _gather(element, "", runs)
    while runs and runs[-1][0] == "n":
        runs.pop()
    if all(how in ("", "n") for how, _ in runs):
        return "".join("\n" if how == "n" else said for how, said in runs)
    return runs


def _gather(element: Element, how: str, runs: list[list[str]]) -> None:
    if element.tag == "br":
        runs.append(["n", ""])
        return
    if element.tag == "renderMultiMedia":
        return
    if "Bold" in element.attributes.get("styleCode", "").split():
        how = "b"
    if element.tag in ("paragraph", "item", "tr", "list", "table") and runs and runs[-1][0] != "n":
        runs.append(["n", ""])
    for child in element.children:
        if isinstance(child, Element):
            _gather(child, how, runs)
        elif runs and runs[-1][0] == how and how != "n":
            runs[-1][1] += child
        else:
            runs.append([how, child])
