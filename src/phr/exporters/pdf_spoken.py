"""Cells of a document for programs in the words of a page: titles, units and ranges as in the summary and the charts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from phr.exporters.pdf_blocks import Cell, text_of
from phr.views.figures import short, unit_words
from phr.views.titles import plain

_NAMES = frozenset(("Report", "Reason", "Diagnoses or reason", "Condition", "Reactions", "Kind", "Target"))
"""Columns whose cells are names, beside the first one."""
_FREE = frozenset(("Comments",))
"""What somebody wrote stays as they wrote it."""
_RANGE = "Usual range"
_UNIT = re.compile(r"(?<=\d) (?P<unit>[^\s;,()]*[\[{*][^\s;,()]*|Cel)(?=[\s;,)]|$)")
_NUMBER = re.compile(r"(?<![\w.])\d+\.\d{5,}(?![\w.])")
_LIMIT = re.compile(r"\d+(?:\.\d+)?")
_REMARK = re.compile(r"(?P<name>.+\S) (?P<remark>\([^()]*\))")
_BETWEEN = re.compile(r"(?<![\d.])(?P<low>-?\d+(?:\.\d+)?)\s*-\s*(?P<high>\d+(?:\.\d+)?)(?![\d-])")
_FROM = ((re.compile(">= ?"), "≥ "), (re.compile("<= ?"), "≤ "), (re.compile(r"([<>])(?=\d)"), r"\1 "))


def spoken(columns: Sequence[str], row: Sequence[Cell]) -> list[Cell]:
    """The row in plain words; `columns` say what stands where."""
    limits = [float(one) for name, cell in zip(columns, row, strict=False) if name == _RANGE
              for one in _LIMIT.findall(text_of(cell))]  # fmt: skip
    found: list[Cell] = []
    for at, (name, cell) in enumerate(zip(columns, row, strict=False)):
        if name in _FREE:
            found.append(cell)
        elif name == _RANGE:
            found.append(_each(cell, ranged))
        elif at == 0 or name in _NAMES:
            found.append(_each(cell, titled))
        else:
            found.append(_each(cell, lambda said: united(said, limits)))
    return found


def _each(cell: Cell, change: Callable[[str], str]) -> Cell:
    if isinstance(cell, str):
        return "\n".join(map(change, cell.split("\n")))
    return [[how, said if how == "n" else change(said)] for how, said in cell]


def titled(said: str) -> str:
    """A name as people say it, with what stands in brackets behind it; of `name: value` both."""
    if (found := plain(said)) != said.strip() or not said.strip():
        return united(found)
    if remark := _REMARK.fullmatch(said):
        return f"{titled(remark['name'])} {remark['remark']}"
    name, colon, value = said.partition(": ")
    return f"{titled(name)}: {united(value)}" if colon and "[" in name else united(said)


def united(said: str, limits: Sequence[float] = ()) -> str:
    """Numbers without digits that nobody measured, and units as people write them."""
    said = _UNIT.sub(lambda one: f" {unit_words(one['unit'])}".rstrip(), said)
    return _NUMBER.sub(lambda one: short(one[0], *limits), said)


def ranged(said: str) -> str:
    """`90-200` with the dash that people write, `>=2.04 L` with its sign."""
    said = _BETWEEN.sub(r"\g<low>–\g<high>", united(said))
    for pattern, sign in _FROM:
        said = pattern.sub(sign, said)
    return said
