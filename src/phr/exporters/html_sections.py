"""The sections of the page: the words of the Continuity of Care Document, said as the rest of the page says them.

Names and ranges are in plain language, as on the screens, so that one test has one name; what a source wrote to the letter
stands in the line of the record below. What is grave in a table has a sign and a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from phr.ccda import xhtml
from phr.ccda.xml import Element
from phr.exporters.chapters import Chapter
from phr.exporters.html_frame import words
from phr.exporters.html_words import clean
from phr.views.figures import unit_words
from phr.views.titles import plain

_LONG = 12
"""Rows of a table that is folded on a screen."""
_NAMES = frozenset(
    "Allergy|Medicine|Condition|Procedure|Test|Measurement|Vaccine|Encounter|Device|Question or scale|Report".split(
        "|"
    )
)
"""Columns that hold what a record is called."""
_RANGE = "Usual range"
_REMARKS = ("Details", "Comments")
_RISK = "Criticality"
_TO = re.compile(r"(?<=\d)(?: to |\s?-\s?)(?=[\d.])")
_UNIT = re.compile(r"(?<=\d) ([^\s()]+)(?=$| \()")
"""A unit behind its number, at the end or before a remark."""
_VALUES = frozenset(("Result", "Value", "Dose", "Answer or score"))
_ENDS = (("<=", "≤"), (">=", "≥"))


def section(chapter: Chapter, nothing: str) -> str:
    """One section; long tables can be folded by script."""
    for table in _tables(chapter.blocks):
        _say(table)
    body = xhtml.fragment(chapter.blocks, styled=True) or f'<p class="none">{words(nothing)}</p>'
    title = words(chapter.title)
    tables = body.split("<table>")
    for at, table_ in enumerate(tables[1:], 1):
        rows = table_.split("</table>", 1)[0].count("<tr>") - 1
        folded = f' long" data-rows="{rows}' if rows > _LONG else ""
        tables[at] = (
            f'<div class="wide{folded}" tabindex="0" role="group" aria-label="{title}, table {at}"><table>{table_}'
        ).replace("</table>", "</table></div>")
    return f'<section id="{chapter.part.name}">\n<h2>{title}</h2>\n{"".join(tables)}\n</section>\n'


def _tables(blocks: Iterable[Element | str]) -> Iterator[Element]:
    for one in blocks:
        if isinstance(one, Element):
            if one.tag == "table":
                yield one
            else:
                yield from _tables(one.children)


def _say(table: Element) -> None:
    """Cell by cell, where the head says what a column is."""
    rows = [row for part in _inside(table, ("thead", "tbody")) for row in _inside(part, ("tr",))]
    if not rows:
        return
    columns = [_text(cell) for cell in _inside(rows[0], ("th",))]
    for row in rows[1:]:
        cells = _inside(row, ("td",))
        if len(cells) == len(columns):
            for column, cell in zip(columns, cells, strict=True):
                _cell(column, cell)


def _cell(column: str, cell: Element) -> None:
    if column in _REMARKS and cell.children:
        _styled(cell, "remark")
    if column in _VALUES:
        _units(cell)
    if len(cell.children) != 1 or not isinstance(said := cell.children[0], str):
        return
    if column in _NAMES:
        cell.children[0] = plain(clean(said)) or said
    elif column == _RANGE:
        cell.children[0] = _range(said)
    elif column == _RISK and said.strip().casefold() == "high":
        cell.children[0] = f"! {said.strip()} risk"
        _styled(cell, "alarm")


def _units(element: Element) -> None:
    """`mmHg` for `mm[Hg]`, as everywhere else."""
    for at, one in enumerate(element.children):
        if isinstance(one, Element):
            _units(one)
        else:
            element.children[at] = _plain_unit(one)


def _plain_unit(said: str) -> str:
    return _UNIT.sub(lambda found: f" {unit_words(found[1])}".rstrip(), said)


def _range(said: str) -> str:
    """`≥ 2.04 L`, `90–200`."""
    said = _plain_unit(said)
    for sign, shown in _ENDS:
        if said.startswith(sign):
            return f"{shown} {said.removeprefix(sign).strip()}"
    return _TO.sub("–", said) if said[:1].isdigit() else said


def _styled(cell: Element, name: str) -> None:
    cell.attributes["styleCode"] = f"{cell.attributes.get('styleCode', '')} {name}".strip()


def _inside(element: Element, tags: Sequence[str]) -> list[Element]:
    return [one for one in element.children if isinstance(one, Element) and one.tag in tags]


def _text(element: Element) -> str:
    return "".join(one if isinstance(one, str) else _text(one) for one in element.children).strip()
