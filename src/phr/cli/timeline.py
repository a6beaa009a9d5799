"""`phr timeline`: what happened, newest first."""

from __future__ import annotations

import shutil
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import further, workspace
from phr.cli.options import Json, Kinds, Search, Sensitivity, Since, Sources, Tags, Until, select
from phr.cli.text import clean, count, day

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from phr.views.selection import Selection
    from phr.views.timeline import Timeline

_COLUMNS = (
    "id date precision end recorded kind title description value unit low high range_text interpretation abnormal"
    " status category facility performer sources origin sensitivity codes resource tags"
).split()


class TimelineFormat(StrEnum):
    """How the timeline is written."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


def timeline(
    ctx: typer.Context,
    kind: Kinds = None,
    since: Since = None,
    until: Until = None,
    source: Sources = None,
    tag: Tags = None,
    search: Search = None,
    sensitivity: Sensitivity = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            "-n",
            min=0,
            help="At most so many (default: a screenful on a terminal, else all).",
            metavar="N",
        ),
    ] = None,
    after: Annotated[
        str | None, typer.Option("--after", help="Go on after this cursor.", metavar="CURSOR")
    ] = None,
    layout: Annotated[
        TimelineFormat, typer.Option("--format", envvar="PHR_TIMELINE_FORMAT", help="How it is written.")
    ] = TimelineFormat.TABLE,
    json: Json = False,
) -> None:
    """Everything that happened, newest first, grouped by year and month.

    Values outside their range carry a mark: ↑ above, ↓ below, doubled when critical, ! when abnormal otherwise.
    The number at the end of a line is what phr show takes.

    \b
    phr timeline --kind lab_result --since 2023
    phr timeline --search "blood pressure" --format csv > bp.csv

    Exit statuses: 0 fine, 1 failed (also: no record yet), 2 usage, 6 locked.
    """
    chosen = select(kind, since, until, source, tag, search, sensitivity)
    layout = TimelineFormat.JSON if json else layout
    if limit is None and layout is TimelineFormat.TABLE and sys.stdout.isatty():
        limit = _screenful()
    from phr.views import timeline as view
    from phr.views.selection import check_sources

    with workspace(ctx).store() as store:
        if layout is TimelineFormat.JSON:
            output.emit_json(view.timeline(store, chosen, limit=limit, after=after).document())
        elif layout is TimelineFormat.TABLE:
            _print(ctx, view.timeline(store, chosen, limit=limit, after=after), chosen)
        else:
            check_sources(store, chosen)
            paged = limit is not None or after is not None
            events: Iterable[dict[str, Any]] = (
                view.timeline(store, chosen, limit=limit, after=after).events
                if paged
                else view.all_events(store, chosen)
            )
            output.emit_ndjson(events) if layout is TimelineFormat.NDJSON else write_csv(events)


def _screenful() -> int:
    """So many that the newest can still be seen above the rest."""
    return max(12, shutil.get_terminal_size((80, 24)).lines - 10)


def _print(ctx: typer.Context, page: Timeline, chosen: Selection) -> None:
    from phr.cli.lines import timeline_lines

    output.emit(timeline_lines(page.events, output.out()))
    if not page.events:
        filtered = bool(chosen.described())
        output.talk(
            "No record fits." if filtered else "The record is empty so far: phr connect, or phr import FILE"
        )
        return
    first, last = day(page.earliest), day(page.latest)
    span = f", from {first} to {last}" if first != last else f", {first}" if first else ""
    lines = [f"{count(page.total, 'record')}{span}."]
    if len(page.events) < page.total:
        lines[0] += f" Shown: {len(page.events):,}."
    if page.next:
        lines.append(f"Older: {further(ctx, page.next)}")
    output.emit(["", *(output.out().paint(line, "dim") for line in lines)])


def write_csv(events: Iterable[dict[str, Any]]) -> None:
    """Events as CSV (RFC 4180) with a line of names. A text that a spreadsheet would run as a formula begins
    with an apostrophe."""
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for event in events:
        writer.writerow([_cell(value) for value in _values(event)])
    sys.stdout.flush()


def _values(event: dict[str, Any]) -> Iterator[object]:
    for name in _COLUMNS:
        value = event.get(name)
        if name == "value":
            value = event.get("value_text") if event.get("value_text") is not None else value
        elif name == "codes":
            value = "; ".join(f"{code['system'] or ''}|{code['code'] or ''}" for code in value or ())
        elif isinstance(value, list):
            value = "; ".join(map(str, value))
        elif isinstance(value, bool):
            value = "yes" if value else "no"
        yield value


def _cell(value: object) -> str:
    text = clean(value)
    if not text or text[0] not in "=+-@":
        return text
    try:
        float(text)
    except ValueError:
        return "'" + text
    return text
