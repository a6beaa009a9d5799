"""`phr stats`: how the connections did, day by day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json, complete_connections
from phr.cli.sync_report import span
from phr.cli.text import Screen, clean, elide, pad, size, width
from phr.cli.types import day_of

Line = dict[str, Any]
_EIGHTHS = "▏▎▍▌▋▊▉█"


def stats(
    ctx: typer.Context,
    since: Annotated[
        str,
        typer.Option("--since", help="From this day on: 2026-03-01, or 90d for so long ago.", metavar="D"),
    ] = "30d",
    connection: Annotated[
        str | None,
        typer.Option(
            "--connection", help="Only of this one.", metavar="N", autocompletion=complete_connections
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Sums per day and connection: runs and how many succeeded, requests, how fast they were answered, amounts.

    Imports of files are not in it: phr jobs has them.

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no such connection), 6 locked.
    """
    from phr.views.stats import stats as summed
    from phr.views.stats import totals

    first = day_of("--since", since)
    with workspace(ctx).store() as store:
        days = summed(store, since=first, connection=connection)
    total = totals(days)
    if json:
        output.emit_json({"since": first, "days": days, "total": total})
    elif days:
        output.emit(stats_lines(days, total, output.out()))
    else:
        output.talk(f"No connection ran since {first}: phr sync")


_HEADS = ("DAY", "CONNECTION", "RUNS", "OK", "REQUESTS", "FAILED", "MEAN", "TIME", "CAME", "CHANGED", "BYTES")
_OPTIONAL = ("CHANGED", "BYTES", "MEAN", "TIME", "REQUESTS", "FAILED")
"""Left out in this order where there is no room for a bar."""
_SHORTEST, _LONGEST = 8, 24
"""Cells of the bar."""
_LEFT = 2  # columns of words; the others are numbers


def stats_lines(days: list[Line], total: Line, view: Screen) -> Iterator[str]:
    """A table, and beside each line a bar for the resources that came."""
    lines = [*days, {**total, "day": "all", "connection": ""}]
    room = view.columns or 120
    rows = [_row(line, 24 if room >= 100 else 17) for line in lines]
    heads = list(_HEADS)
    for gone in (None, *_OPTIONAL):
        if gone is not None:
            if _wide(rows, heads) + 2 + _SHORTEST <= room:
                break
            heads.remove(gone)
    sizes = [_size(rows, head) for head in heads]
    bar = min(_LONGEST, room - _wide(rows, heads) - 2)
    most = max((line["resources"] for line in days), default=0)
    yield view.paint(_joined(heads, heads, sizes), "bold")
    day = None
    for line, row in zip(lines, rows, strict=True):
        cells = dict(row)
        if cells["DAY"] == day:
            cells["DAY"] = ""
        day = row["DAY"]
        text = _joined([cells[head] for head in heads], heads, sizes)
        if line is lines[-1]:
            yield view.paint(view.spell(text), "bold")
            return
        drawn = _bar(line["resources"], most, bar, ascii_only=not view.unicode) if bar > 0 else ""
        colour = "alarm" if line["failed"] else "yellow" if line["partial"] else "green"
        yield f"{view.spell(text)}  {view.paint(drawn, colour)}".rstrip()


def _row(line: Line, cells: int) -> dict[str, str]:
    mean = line["mean_response_ms"]
    return {
        "DAY": line["day"],
        "CONNECTION": elide(clean(line["connection"]), cells),
        "RUNS": f"{line['runs']:,}",
        "OK": "–" if line["success"] is None else f"{_percent(line['success'])} %",
        "REQUESTS": f"{line['requests']:,}",
        "FAILED": f"{line['failed_requests']:,}",
        "MEAN": "–" if mean is None else f"{mean:,.0f} ms",
        "TIME": span(line["seconds"]) if line["seconds"] else "–",
        "CAME": f"{line['resources']:,}",
        "CHANGED": f"{line['changed']:,}",
        "BYTES": size(line["bytes"]),
    }


def _percent(share: float) -> int:
    """Rounded, but 100 only for all and 0 only for none."""
    return min(99, max(1, round(100 * share))) if 0 < share < 1 else round(100 * share)


def _size(rows: list[dict[str, str]], head: str) -> int:
    return max(width(head), *(width(row[head]) for row in rows))


def _wide(rows: list[dict[str, str]], heads: list[str]) -> int:
    return sum(_size(rows, head) for head in heads) + 2 * (len(heads) - 1)


def _joined(cells: list[str], heads: list[str], sizes: list[int]) -> str:
    return "  ".join(
        pad(cell, cells_, right=at >= _LEFT)
        for at, (cell, cells_) in enumerate(zip(cells, sizes, strict=True))
    )


def _bar(value: int, most: int, cells: int, *, ascii_only: bool) -> str:
    """A bar in eighths of a cell; whatever is not nothing can be seen."""
    if not value or not most:
        return ""
    eighths = max(1, round(8 * cells * value / most))
    if ascii_only:
        return "#" * max(1, eighths // 8)
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8 - 1] if eighths % 8 else "")
