"""Columns of a trend on a screen, as wide as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from phr.cli.text import Screen, elide, pad, width

_SPELLED = str.maketrans({"−": "-", "≤": "<=", "≥": ">=", "µ": "u", "μ": "u", "°": "", "²": "2"})


def spelled(text: str, view: Screen) -> str:
    """The text in characters that this screen has."""
    return text if view.unicode else view.spell(text.translate(_SPELLED))


def columns(
    heads: Sequence[str],
    rows: Sequence[Sequence[tuple[str, str | None]]],
    view: Screen,
    give: Sequence[str] = (),
) -> Iterator[str]:
    """Rows in columns; one that nobody fills is left out.

    On a narrow screen the longest texts give way, then the columns `give`, in their order.
    """
    kept = [at for at in range(len(heads)) if any(row[at][0] for row in rows)]
    sizes = _sizes(heads, rows, kept, view)
    for name in give:
        if view.columns and sum(sizes) + 2 * (len(sizes) - 1) > view.columns:
            kept = [at for at in kept if heads[at] != name]
            sizes = _sizes(heads, rows, kept, view)
    texts = [[spelled(row[at][0], view) for at in kept] for row in rows]
    yield view.paint(
        "  ".join(pad(heads[at], size) for at, size in zip(kept, sizes, strict=True)).rstrip(), "bold"
    )
    for row, words in zip(rows, texts, strict=True):
        line = [
            view.paint(pad(elide(word, size) if view.columns else word, size), row[at][1])
            for at, word, size in zip(kept, words, sizes, strict=True)
        ]
        yield view.spell("  ".join(line).rstrip())


def _sizes(
    heads: Sequence[str],
    rows: Sequence[Sequence[tuple[str, str | None]]],
    kept: Sequence[int],
    view: Screen,
    least: int = 12,
) -> list[int]:
    """How wide each column is; the widest are cut down as far as they can be read."""
    sizes = [max([width(heads[at]), *(width(spelled(row[at][0], view)) for row in rows)]) for at in kept]
    if view.columns:
        spare = view.columns - sum(sizes) - 2 * (len(sizes) - 1)
        while spare < 0 and max(sizes) > least:
            sizes[sizes.index(max(sizes))] -= 1
            spare += 1
    return sizes
