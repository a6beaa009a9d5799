"""Text on a small card: what fits is measured before it is set, what does not is counted on the card itself.

An SVG has no line breaks of its own, so widths are reckoned. Nobody knows which font a computer has: they are those of the
widest that stand in for Helvetica and Arial (DejaVu Sans, Verdana), so that no line ends beyond the edge of the card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from xml.sax.saxutils import escape

FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
POINT = 25.4 / 72
"""Millimetres."""
_NARROW, _THIN, _WIDE = "ijlI'|.,:; ", 'frtJ()[]-/!"', "mwMW@%+&=<>"


LONGEST = 300
"""Letters of one entry: what is longer is a slip of its source, or means harm, and would push all else off the card."""


def within(words: str) -> str:
    """The words, cut where no card or page has room for them; that it was cut is said."""
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 20].rstrip()} … (cut: too long)"


def advance(text: str, points: float, *, bold: bool = False) -> float:
    """How wide this is in millimetres; rather too much than too little."""
    return sum(map(_cell, text)) * points * POINT * (1.12 if bold else 1.0)


@lru_cache(maxsize=4096)
def _cell(char: str) -> float:
    """The width of a letter, as a part of its size."""
    if char in _NARROW:
        return 0.34
    if char in _THIN:
        return 0.42
    if char in _WIDE:
        return 0.98
    if char.isupper():
        return 0.77
    if ord(char) < 0x250:
        return 0.64
    return 0.74 if ord(char) < 0x1100 else 1.05


def wrap(text: str, points: float, room: float, *, bold: bool = False) -> list[str]:
    """The text in lines that fit; a word that is wider than a line is broken. In one go, however long it is."""
    cells = room / (points * POINT * (1.12 if bold else 1.0)) + 1e-9
    lines: list[str] = []
    line, taken = "", 0.0
    for word in filter(None, text.split(" ")):  # a no-break space holds
        pieces = _pieces(word, cells)
        if line and (len(pieces) > 1 or taken + _cell(" ") + pieces[0][1] > cells):
            lines.append(line)
            line, taken = "", 0.0
        lines += [piece for piece, _ in pieces[:-1]]
        last, wide = pieces[-1]
        line, taken = (f"{line} {last}", taken + _cell(" ") + wide) if line else (last, wide)
    return [*lines, line] if line else lines


def _pieces(word: str, cells: float) -> list[tuple[str, float]]:
    """A word with its width, broken wherever a line is full; at least a letter goes on each."""
    found: list[tuple[str, float]] = []
    begin, taken = 0, 0.0
    for at, char in enumerate(word):
        wide = _cell(char)
        if at > begin and taken + wide > cells:
            found.append((word[begin:at], taken))
            begin, taken = at, 0.0
        taken += wide
    return [*found, (word[begin:], taken)]


@dataclass(slots=True)
class Block:
    """A heading with entries. `keep`: so many stay until all that stands below has given way."""

    label: str
    entries: list[str] = field(repr=False)
    points: float = 6.0
    strong: bool = False
    joined: bool = True
    """Entries behind each other; else each begins a line."""
    cut: int = 0
    colour: str = "#000"
    keep: int = 1
    brief: Callable[[str], str] | None = None
    """Fewer words for an entry, where there is no room for all of them."""

    where: str = "see the page"
    """Where those are that were cut."""

    def __post_init__(self) -> None:
        self.entries = [within(entry) for entry in self.entries]

    def lines(self, room: float) -> list[str]:
        more = [f"+{self.cut} more: {self.where}"] if self.cut else []
        said = ["; ".join([*self.entries, *more])] if self.joined else [*self.entries, *more]
        return [line for one in said for line in wrap(one, self.points, room, bold=self.strong)]

    def height(self, room: float) -> float:
        return (HEAD + sum(self.points for _ in self.lines(room)) * LEADING) * POINT + GAP

    def least(self, room: float) -> float:
        """How high it is with its first entry alone."""
        more = self.cut + len(self.entries) - 1
        first = [self.brief(entry) if self.brief else entry for entry in self.entries[:1]]
        return replace(self, entries=first, cut=max(0, more)).height(room)


LEAST = 5.4
"""Points: the smallest that the most important block is set in, before it loses anything."""
HEAD = 6.6
"""Points that a heading takes."""
LEADING = 1.16
GAP = 0.8


def fitted(blocks: list[Block], room: float, height: float, *, last: int = 1) -> list[Block]:
    """Take words and entries away from the last blocks until all of it fits; the first one is set smaller, and gives last.

    `last`: so many entries the first one has in any case. Without any, a block that does not fit at all is left out.
    """
    blocks = [block for block in blocks if block.entries]

    def total() -> float:
        return sum(block.height(room) for block in blocks)

    def shorten(block: Block, least: int) -> None:
        while total() > height and len(block.entries) > least:
            block.entries.pop()
            block.cut += 1

    for block in reversed(blocks):
        if block.brief and total() > height:
            block.entries = [block.brief(entry) for entry in block.entries]
    for block in reversed(blocks[1:]):
        shorten(block, block.keep)
    while blocks and total() > height and blocks[0].points > LEAST:
        blocks[0].points = max(LEAST, blocks[0].points - 0.3)
    for block in blocks[:1]:
        shorten(block, max(last, block.keep))
    for least in (1, 0):
        for block in reversed(blocks[1:]):
            shorten(block, least)
    for block in blocks[:1]:
        shorten(block, last)
    while not last and blocks and total() > height:
        blocks.pop()
    return blocks if last else [block for block in blocks if block.entries]


def beside(
    first: Block, columns: list[list[Block]], room: float, width: float, height: float
) -> list[list[Block]]:
    """Columns below a block that matters more than all of them: set smaller before they lose their last entries."""
    columns = [[block for block in column if block.entries] for column in columns]

    def needed() -> float:
        return max((sum(block.least(width) for block in column) for column in columns), default=0.0)

    while first.points > LEAST and first.height(room) + needed() > height:
        first.points = max(LEAST, first.points - 0.3)
    fitted([first], room, height)
    return [fitted(column, width, height - first.height(room), last=0) for column in columns]


def title(words: str, room: float, points: float, least: float = 6.0) -> list[tuple[str, float]]:
    """A name in one line, smaller where it is long; in several of the smallest size where that is not enough."""
    size, words = points, within(words)
    while size > least and advance(words, size, bold=True) > room:
        size = max(least, size - 0.5)
    return [(line, size) for line in wrap(words, size, room, bold=True)]


def set_blocks(blocks: Iterable[Block], x: float, y: float, room: float) -> tuple[str, float]:
    """SVG of blocks below each other from `y` on (millimetres), and where they end."""
    parts = []
    for block in blocks:
        y += HEAD * POINT * 0.86
        parts.append(text(x, y, block.label, 5.2, bold=True, colour=block.colour))
        y += HEAD * POINT * 0.14
        for line in block.lines(room):
            y += block.points * LEADING * POINT
            parts.append(text(x, y - 0.2 * block.points * POINT, line, block.points, bold=block.strong))
        y += GAP
    return "".join(parts), y


def text(
    x: float,
    y: float,
    words: str,
    points: float,
    *,
    bold: bool = False,
    colour: str = "#000",
    end: bool = False,
) -> str:
    """One line of text at this baseline (millimetres)."""
    weight = ' font-weight="700"' if bold else ""
    anchor = ' text-anchor="end"' if end else ""
    return (
        f'<text x="{x:.2f}" y="{y:.2f}" font-size="{points * POINT:.3f}" fill="{colour}"{weight}{anchor}>'
        f"{spelled(words)}</text>"
    )


def spelled(words: str) -> str:
    """Words as XML has them, without what it forbids and what reorders text."""
    kept = "".join(
        char for char in words if char >= " " and not "\x7f" <= char <= "\x9f" and char not in _REORDERS
    )
    return escape(kept.encode("utf-8", "replace").decode(), {'"': "&quot;"})


_REORDERS = frozenset(
    "\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufffe\uffff"
)
