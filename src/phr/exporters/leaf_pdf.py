"""One page as PDF: a Leaf with its headings, words, lists, tables and pictures, and what it says of itself at the end."""

from __future__ import annotations

from collections.abc import Iterable

from phr.exporters.about import NO_CLINICIAN, About
from phr.exporters.leaf import Block, Bullets, Figure, Heading, Leaf, Table, Words
from phr.exporters.pdf_blocks import Block as Set
from phr.exporters.pdf_blocks import bullets, figure, heading, tables, words
from phr.exporters.press import press

_UNSAID = "A picture without a description"


def to_pdf(leaf: Leaf) -> bytes:
    """The page. Raises PhrError where Typst is not installed."""
    pictures: dict[str, str] = {}
    blocks: list[Set] = [heading(leaf.title, 1)]
    if leaf.subtitle:
        blocks.append(words(leaf.subtitle, "soft"))
    blocks += set_blocks(leaf.blocks, pictures)
    about = leaf.about
    if about is not None:
        blocks += closing(about)
    data = {
        "blocks": blocks,
        "head_left": leaf.title,
        "head_right": leaf.subtitle if len(leaf.subtitle) < 60 else "",
        "foot": f"Made on {about.made:%Y-%m-%d} by {about.software}" if about else "",
    }
    return press(
        "record",
        data,
        title=leaf.title,
        lang=leaf.lang,
        pictures=pictures,
        made=about.made if about else None,
    )


def closing(about: About) -> list[Set]:
    """What the file says of itself, small."""
    return [{"k": "line"}, *(words(said, "soft") for said in (*about.sentences(), NO_CLINICIAN))]


def set_blocks(blocks: Iterable[Block], pictures: dict[str, str]) -> list[Set]:
    """The blocks of a leaf; their pictures are put into `pictures`. No level of heading is left out on the way down."""
    found: list[Set] = []
    depth = 1
    for one in blocks:
        match one:
            case Heading():
                depth = min(max(2, one.level), depth + 1, 4)
                found.append(heading(one.text, depth, listed=False))
            case Words():
                found.append(words(one.text, one.style))
            case Bullets():
                found += [bullets(one.items, boxes=one.boxes)] if one.items else []
            case Table():
                widths = one.widths if len(one.widths) == len(one.columns) else ()
                found += (
                    tables(one.columns, one.rows, widths=widths, caption=one.caption) if one.columns else []
                )
            case Figure():
                name = f"figure-{len(pictures) + 1}.svg"
                pictures[name] = one.svg
                found.append(figure(name, one.alt or one.caption or _UNSAID, one.caption))
    return found
