"""A Leaf as Markdown."""

from __future__ import annotations

from phr.exporters.about import NO_CLINICIAN
from phr.exporters.leaf import Block, Bullets, Figure, Heading, Leaf, Table, Words
from phr.exporters.markdown_text import inline, opening, table


def to_markdown(leaf: Leaf) -> str:
    """The whole page, with what it says of itself at the end. All text is escaped; a picture is told in words."""
    parts = [f"# {inline(leaf.title)}"]
    if leaf.subtitle:
        parts.append(opening(leaf.subtitle))
    parts += [written for block in leaf.blocks if (written := _block(block))]
    if leaf.about is not None:
        told = [*leaf.about.sentences(), NO_CLINICIAN]
        parts += ["---", "\n".join(f"{opening(line)}  " for line in told).rstrip()]
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * min(6, max(2, block.level))} {inline(block.text)}"
        case Words():
            return (
                f"**{inline(block.text)}**" if block.style == "alarm" and block.text else opening(block.text)
            )
        case Bullets():
            box = "[ ] " if block.boxes else ""
            return "\n".join(f"- {box}{opening(item)}" for item in block.items)
        case Table():
            caption = f"{opening(block.caption)}\n\n" if block.caption else ""
            return caption + table(
                block.columns, tuple(_filled(row, len(block.columns)) for row in block.rows)
            )
        case Figure():
            caption = f"{opening(block.caption)}: " if block.caption else ""
            return caption + (inline(block.alt) if caption else opening(block.alt))


def _filled(row: tuple[str, ...], columns: int) -> tuple[str, ...]:
    """A row with as many cells as there are columns; what is too much stands in the last one."""
    if len(row) > columns:
        return (*row[: columns - 1], " ".join(row[columns - 1 :]))
    return (*row, *[""] * (columns - len(row)))
