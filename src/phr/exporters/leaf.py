"""One page, whatever it is written as: a title, what it is about, and blocks one below the other.

What a command has to say is put together once, as a Leaf; `leaf_pdf`, `leaf_html` and `leaf_markdown` write it. All text is
text: whoever writes it escapes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phr.exporters.about import About


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 2 stands below the title."""

    text: str = field(repr=False)
    level: int = 2


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph. `style`: `plain`, `soft` (less important) or `alarm` (must be seen)."""

    text: str = field(repr=False)
    style: str = "plain"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list; with `boxes` each point has a box to tick."""

    items: tuple[str, ...] = field(repr=False)
    boxes: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under column titles. A cell that begins with an alarm sign (`▲ `, `▼ `, `! `) is set off."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = field(repr=False)
    widths: tuple[float, ...] = ()
    """Shares of the width; empty: as the contents need it."""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture as SVG, and the same in words for who cannot see it."""

    svg: str = field(repr=False)
    alt: str = field(repr=False)
    caption: str = field(default="", repr=False)


Block = Heading | Words | Bullets | Table | Figure


@dataclass(frozen=True, slots=True)
class Leaf:
    """The whole page."""

    title: str = field(repr=False)
    subtitle: str = field(repr=False)
    blocks: tuple[Block, ...] = field(repr=False)
    about: About | None = None
    lang: str = "en"
