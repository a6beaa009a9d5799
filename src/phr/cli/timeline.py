"""`phr timeline`: what happened, newest first."""

from __future__ import annotations

import shutil
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from phr.cli import output
from phr.cli.context import further, workspace
from phr.cli.options import Json, usage
from phr.cli.selecting import Kinds, Packs, Search, Sensitivity, Since, Sources, Tags, Until, select
from phr.cli.text import cell, count, day, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from phr.store.store import Store
    from phr.views.selection import Selection
    from phr.views.timeline import Timeline

_COLUMNS = (
    "id date precision end recorded kind title description value unit low high range_text interpretation abnormal"
    " status category facility performer sources origin sensitivity codes resource tags encounter pack_tags bookmarked"
    " corrected"
).split()
_COUNTED = 1000
"""On a screen it is enough to know that there are more."""


class TimelineFormat(StrEnum):
    """How the timeline is written."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    HTML = "html"


Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        "-n",
        min=0,
        help="At most so many (default: a screenful on a terminal, else all).",
        metavar="N",
    ),
]
After = Annotated[
    str | None,
    typer.Option("--after", help="Go on after this place: the page before says it below.", metavar="PLACE"),
]
Milestones = Annotated[
    bool,
    typer.Option(
        "--milestones", help="Only what stands out: diagnoses, treatments begun, operations, stays."
    ),
]
Bookmarked = Annotated[bool, typer.Option("--bookmarked", help="Only what you have bookmarked.")]
Follow = Annotated[
    str | None,
    typer.Option(
        "--follow",
        help="What is related to this record (its number, or Type/id), and how.",
        metavar="RECORD",
    ),
]
Flat = Annotated[
    bool, typer.Option("--flat", help="One by one: do not gather what happened in a visit under it.")
]
Layout = Annotated[
    TimelineFormat, typer.Option("--format", envvar="PHR_TIMELINE_FORMAT", help="How it is written.")
]


class _Asked(NamedTuple):
    """What of the timeline is wanted, and how."""

    selection: Selection
    limit: int | None
    after: str | None
    milestones: bool
    bookmarked: bool
    flat: bool


def timeline(
    ctx: typer.Context,
    kind: Kinds = None,
    since: Since = None,
    until: Until = None,
    source: Sources = None,
    tag: Tags = None,
    pack: Packs = None,
    search: Search = None,
    sensitivity: Sensitivity = None,
    milestones: Milestones = False,
    bookmarked: Bookmarked = False,
    follow: Follow = None,
    flat: Flat = False,
    limit: Limit = None,
    after: After = None,
    layout: Layout = TimelineFormat.TABLE,
    json: Json = False,
) -> None:
    """Everything that happened, newest first, grouped by year and month.

    What happened in a visit stands beneath it, the results of a panel beneath the panel. Values outside their range
    carry a mark: ↑ above, ↓ below, doubled when critical, ! when abnormal otherwise; ★ marks a milestone. The number
    at the end of a line is what phr show takes. All filters can be combined.

    \b
    phr timeline --kind labs --since 2023
    phr timeline --search "blood pressure" --format csv > bp.csv
    phr timeline --milestones          (a life on one page)
    phr timeline --follow 117          (what led to it, and what came of it)
    phr timeline --since 2024 --format html > 2024.html     (to print)

    Exit statuses: 0 fine, 1 failed (also: no record yet), 2 usage, 6 locked.
    """
    layout = TimelineFormat.JSON if json else layout
    on_screen = layout is TimelineFormat.TABLE and sys.stdout.isatty()
    if limit is None and on_screen and not milestones:
        limit = _screenful()
    chosen = select(kind, since, until, source, tag, search, sensitivity, pack)
    asked = _Asked(chosen, limit, after, milestones, bookmarked, flat)
    if follow is not None and (milestones or bookmarked or after):
        raise usage(
            "--follow stands without --milestones, --bookmarked and --after.", "Ask for one after the other."
        )
    with workspace(ctx).store() as store:
        if follow is not None:
            _follow(store, follow, asked, layout)
        elif layout is TimelineFormat.JSON:
            output.emit_json(_document(store, asked))
        elif layout in (TimelineFormat.NDJSON, TimelineFormat.CSV):
            events = _told(store, asked)
            output.emit_ndjson(events) if layout is TimelineFormat.NDJSON else write_csv(events)
        elif layout is TimelineFormat.HTML:
            from phr.cli.timeline_html import emit_page

            emit_page(ctx, store, _page(store, asked), chosen, flat=flat, milestones=milestones)
        elif milestones:
            _print_milestones(ctx, _page(store, asked))
        else:
            _print(ctx, store, _page(store, asked, count_to=_COUNTED), asked)


def _screenful() -> int:
    """So many that the newest can still be seen above the rest."""
    return max(12, shutil.get_terminal_size((80, 24)).lines - 10)


def _page(store: Store, asked: _Asked, count_to: int | None = None) -> Timeline:
    from phr.views import timeline as view

    if asked.milestones:
        from phr.views.milestone_page import milestone_page

        return milestone_page(store, asked.selection, asked.limit, asked.after, bookmarked=asked.bookmarked)
    return view.timeline(
        store,
        asked.selection,
        limit=asked.limit,
        after=asked.after,
        bookmarked=asked.bookmarked,
        count_to=count_to,
    )


def _document(store: Store, asked: _Asked) -> dict[str, Any]:
    from phr.views import timeline as view

    page = _page(store, asked)
    found = page.document()
    found["events"] = list(view.with_pack_tags(page.events))
    standing_out = page.events if asked.milestones else view.milestones_of(store, asked.selection)
    found["milestones"] = list(view.with_pack_tags(standing_out))
    return found


def _told(store: Store, asked: _Asked) -> Iterator[dict[str, Any]]:
    from phr.views import timeline as view
    from phr.views.selection import check_sources

    check_sources(store, asked.selection)
    if asked.milestones or asked.limit is not None or asked.after is not None:
        return view.with_pack_tags(_page(store, asked, count_to=0).events)
    return view.with_pack_tags(view.all_events(store, asked.selection, bookmarked=asked.bookmarked))


def _follow(store: Store, record: str, asked: _Asked, layout: TimelineFormat) -> None:
    from phr.cli import timeline_follow as following
    from phr.views.follow import MOST, follow
    from phr.views.timeline import with_pack_tags

    events = follow(store, record, asked.selection, limit=MOST if asked.limit is None else asked.limit + 1)
    if layout is TimelineFormat.JSON:
        output.emit_json(following.document(list(with_pack_tags(events))))
    elif layout is TimelineFormat.NDJSON:
        output.emit_ndjson(with_pack_tags(events))
    elif layout is TimelineFormat.CSV:
        write_csv(with_pack_tags(events), ("relation", "steps", "via"))
    elif layout is TimelineFormat.HTML:
        raise usage("--follow has no page of its own.", "Leave --format html out, or write --format csv.")
    else:
        following.show(events)


def _print(ctx: typer.Context, store: Store, page: Timeline, asked: _Asked) -> None:
    from phr.cli.timeline_lines import drawn
    from phr.views import gather
    from phr.views import timeline as view

    if not page.events:
        filtered = bool(asked.selection.described()) or asked.bookmarked
        output.talk(
            "No record fits." if filtered else "The record is empty so far: phr connect, or phr import FILE"
        )
        if asked.selection.tags:
            from phr.views.tagging import unknown_tags

            output.talk_lines(unknown_tags(store, asked.selection.tags))
        return
    shown = gather.flat(page.events) if asked.flat else gather.gathered(store.db, page.events, page.selected)
    output.emit(drawn(shown, output.out(), starred=view.starred(store, page.events)))
    _print_extent(ctx, page, "record")


def _print_milestones(ctx: typer.Context, page: Timeline) -> None:
    from phr.cli.timeline_milestones import drawn

    if not page.events:
        output.talk("No milestone was found. What makes one is said by the condition packs: phr packs list")
        return
    output.emit(drawn(page.events, output.out()))
    _print_extent(ctx, page, "milestone")


def _print_extent(ctx: typer.Context, page: Timeline, noun: str) -> None:
    first, last = (day(one)[:10] for one in (page.earliest, page.latest))
    span = f", from {first} to {last}" if first != last else f", {first}" if first else ""
    whole = page.counted or page.next is None
    total = page.total if page.counted else max(page.total, len(page.events))
    said = f"{'' if whole else 'More than '}{count(total, noun)}{span}."
    if len(page.events) < total or not whole:
        said += f" Shown: {len(page.events):,}."
    lines = wrapped(said, output.out(), indent=0)
    if page.next:
        lines.append(f"Older: {further(ctx, page.next)}")
    output.emit(["", *(output.out().paint(line, "dim") for line in lines)])


def write_csv(events: Iterable[dict[str, Any]], more: tuple[str, ...] = ()) -> None:
    """Events as CSV (RFC 4180) with a line of names. A text that a spreadsheet would run as a formula begins
    with an apostrophe."""
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\r\n")
    writer.writerow([*_COLUMNS, *more])
    for event in events:
        writer.writerow([cell(value) for value in _values(event, [*_COLUMNS, *more])])
    sys.stdout.flush()


def _values(event: dict[str, Any], names: list[str]) -> Iterator[object]:
    for name in names:
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
