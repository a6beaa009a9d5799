"""Lists on a screen of any width: the columns that matter stay, and a reason that does not fit stands below its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from phr.cli.text import Screen, clean, table, width

WHY = "WHY"
"""The column of the reason; a row without one has it empty, or not at all."""
_GAP = 2


def listing(
    rows: Sequence[Mapping[str, str]],
    heads: Sequence[str],
    view: Screen,
    *,
    wide: str,
    give: Sequence[str] = (),
    least: int = 12,
) -> list[str]:
    """Rows under heads. `wide` gives way down to `least` cells; what is in `give` is left out, in this order.

    Columns in which no row has anything are left out too. The reason is a column where it fits whole.
    """
    cells = [{head: clean(row.get(head)) for head in (*heads, WHY)} for row in rows]
    shown = [head for head in heads if any(row[head] for row in cells)]
    reasons = any(row[WHY] for row in cells)
    if not view.columns or _taken(cells, [*shown, *([WHY] if reasons else [])]) <= view.columns:
        shown += [WHY] if reasons else []
        return table([[row[head] for head in shown] for row in cells], shown, view)
    for head in give:
        if _taken(cells, shown, wide, least) <= view.columns:
            break
        shown = [one for one in shown if one != head]
    at = shown.index(wide)
    head, *lines = table([[row[one] for one in shown] for row in cells], shown, view, wide=at)
    return [head, *noted(lines, [row[WHY] for row in cells], view)]


def noted(lines: Sequence[str], notes: Sequence[str], view: Screen, *, indent: int = 4) -> list[str]:
    """Each line, and below it its note where it has one."""
    found = []
    for line, note in zip(lines, notes, strict=True):
        found.append(line)
        if note:
            found.append(view.paint(view.spell(view.fit(" " * indent + clean(note))), "dim"))
    return found


def _taken(
    cells: Sequence[Mapping[str, str]], heads: Sequence[str], wide: str | None = None, least: int = 0
) -> int:
    """So many cells these columns take, the wide one when it is as narrow as it may be."""
    sizes = {head: max(width(head), *(width(row[head]) for row in cells)) for head in heads}
    if wide in sizes:
        sizes[wide] = min(sizes[wide], least)
    return sum(sizes.values()) + _GAP * (len(heads) - 1)
