"""A Leaf as a page for a browser: in the look of the whole record, without script, and small enough for one sheet of paper.

Inline styles are not allowed by its policy, so that widths are attributes and the size of letters on paper is one of a few
classes, chosen by how much there is to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from phr.charts.svg import STYLE
from phr.exporters import html_frame
from phr.exporters.html_frame import Sheet, part, words
from phr.exporters.leaf import Block, Bullets, Figure, Heading, Leaf, Table, Words

_ALARMS = ("▲ ", "▼ ", "! ")
_TONES = {"soft": ' class="soft"', "alarm": ' class="alarm"'}
_DAY, _DATE = ' class="day"', re.compile(r"\d{4}-\d\d(-\d\d)?( \d\d:\d\d)?")
"""A date, which is not broken into two lines."""
_SIZES = ((44, "roomy"), (58, "close"), (74, "small"))
"""Up to how many lines which size; what is longer gets the smallest."""
_SMALLEST = "tiny"
_LETTERS = 95
"""On a line of paper."""
_FIGURE = 14
"""Lines that a picture takes."""
_NOT_HERE = re.compile(r"^\s*<\?xml[^>]*\?>\s*|<style>.*?</style>\s*", re.DOTALL)


def to_html(leaf: Leaf) -> bytes:
    """The page. Whatever the leaf says is text; only its pictures are markup, and those are our own."""
    sheet = Sheet("\n".join((part("base.css"), part("leaf.css"), STYLE)))
    body = (
        f'<body class="leaf {_size(leaf)}">\n<header>\n<h1>{words(leaf.title)}</h1>\n'
        + (f"<p>{words(leaf.subtitle)}</p>\n" if leaf.subtitle else "")
        + "</header>\n<main>\n"
        + "".join(markup for block in leaf.blocks for markup in _block(block))
        + "</main>\n"
        + (html_frame.end(leaf.about) if leaf.about else "")
        + "</body>\n</html>\n"
    )
    return html_frame.utf8(html_frame.head(leaf.title, sheet, leaf.lang) + body)


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        level = min(max(block.level, 2), 4)
        yield f"<h{level}>{words(block.text)}</h{level}>\n"
    elif isinstance(block, Words):
        yield f"<p{_TONES.get(block.style, '')}>{words(block.text)}</p>\n"
    elif isinstance(block, Bullets):
        items = "".join(f"<li>{words(one)}</li>" for one in block.items)
        yield f"<ul{' class=' + chr(34) + 'boxes' + chr(34) if block.boxes else ''}>{items}</ul>\n"
    elif isinstance(block, Table):
        yield from _table(block)
    else:
        yield _figure(block)


def _table(table: Table) -> Iterator[str]:
    label = words(table.caption or ", ".join(table.columns))
    yield f'<div class="wide" tabindex="0" role="group" aria-label="{label}"><table>\n'
    yield f"<caption>{words(table.caption)}</caption>\n" if table.caption else ""
    whole = sum(table.widths)
    if whole > 0:
        yield "<colgroup>"
        yield from (f'<col width="{share / whole:.1%}"/>' for share in table.widths)
        yield "</colgroup>\n"
    yield "<thead><tr>"
    yield from (f'<th scope="col">{words(one)}</th>' for one in table.columns)
    yield "</tr></thead>\n<tbody>\n"
    for row in table.rows:
        yield "<tr>"
        for cell in row:
            class_ = _TONES["alarm"] if cell.startswith(_ALARMS) else _DAY if _DATE.fullmatch(cell) else ""
            yield f"<td{class_}>{words(cell)}</td>"
        yield "</tr>\n"
    yield "</tbody></table></div>\n"


def _figure(figure: Figure) -> str:
    caption = f"<figcaption>{words(figure.caption)}</figcaption>\n" if figure.caption else ""
    drawn = _NOT_HERE.sub("", figure.svg)
    return f'<figure>\n<div role="img" aria-label="{words(figure.alt)}">\n{drawn}</div>\n{caption}</figure>\n'


def _size(leaf: Leaf) -> str:
    lines = sum(map(_lines, leaf.blocks)) + (3 + len(leaf.about.left_out) if leaf.about else 0)
    return next((name for most, name in _SIZES if lines <= most), _SMALLEST)


def _lines(block: Block) -> int:
    """About how many lines it takes on paper."""
    if isinstance(block, Heading):
        return 2
    if isinstance(block, Words):
        return 1 + len(block.text) // _LETTERS
    if isinstance(block, Bullets):
        return sum(1 + len(one) // _LETTERS for one in block.items)
    if isinstance(block, Table):
        room = max(8, _LETTERS // max(1, len(block.columns)))
        return 2 + sum(max((1 + len(cell) // room for cell in row), default=1) for row in block.rows)
    return _FIGURE
