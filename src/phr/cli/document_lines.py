"""Documents in lines: the list of `phr documents`, and what `phr documents fetch` brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phr.cli.columns import listing
from phr.cli.text import Screen, clean, count, day, elide, size, wrapped
from phr.errors import typed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phr.views.documents import Listing
    from phr.workspace.sync import SyncReport


def document_lines(found: Listing, view: Screen) -> Iterator[str]:
    """A table; why something is not here stands in it, or below its line on a narrow screen."""
    if not found.documents:
        return
    several = len({one["source"] for one in found.documents}) > 1
    rows = [
        {
            "ID": one["id"],
            "DATE": day(one["date"])[:10],
            "TITLE": one["title"] or "",
            "TYPE": _type_words(one["type"]),
            "SIZE": size(one["bytes"]) if one["bytes"] is not None else "–",
            "STATE": one["state"],
            "FORMAT": one["media_type"] or "",
            "FROM": elide(clean(one["source"]), 20) if several or view.columns is None else "",
            "WHY": clean(one["reason"]) if one["state"] != "stored" else "",
        }
        for one in found.documents
    ]
    yield from listing(rows, _HEADS, view, wide="TITLE", give=("FORMAT", "FROM", "SIZE"), least=30)


_HEADS = ("ID", "DATE", "TITLE", "TYPE", "SIZE", "STATE", "FORMAT", "FROM")


def _type_words(type_: str | None) -> str:
    return (type_ or "").replace("_", " ")


def fetch_lines(report: SyncReport, view: Screen) -> Iterator[str]:
    """What came from each connection, and why the rest did not."""
    if not report.runs:
        yield "There is no connection to ask."
    for run in report.runs:
        mark, colour = {0: ("✓", "green"), 3: ("!", "yellow")}.get(run.exit_status, ("✗", "alarm"))
        new, missing = run.documents.get("new", 0), run.documents.get("failed", 0)
        words = f"{count(new, 'new document')}, {size(run.documents.get('bytes', 0))}"
        words += f"; {missing:,} did not come" if missing else ""
        yield f"{view.paint(view.spell(mark), colour)} {clean(run.connection)}: {clean(run.error) or words}"
        reasons: dict[str, int] = {}
        for one in run.skipped:
            reasons[clean(one.reason)] = reasons.get(clean(one.reason), 0) + 1
        for reason, number in reasons.items():
            yield from wrapped(f"{reason}{f' ({number} times)' if number > 1 else ''}", view)
        if run.exit_status == 4:
            yield f"  Sign in again: phr reconnect {typed(clean(run.connection))}"
