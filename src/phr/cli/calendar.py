"""`phr calendar`: what lies ahead, on the screen or as a file for a calendar."""

from __future__ import annotations

import re
import sys
from datetime import date, timedelta
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json, Quiet, usage
from phr.cli.selecting import Packs, Sensitivity, Since, Sources, Tags, Until, select
from phr.cli.text import Screen, clean, count, elide, pad, screen, size, width, wrapped
from phr.views.due_clock import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phr.store.store import Store
    from phr.views.due import Agenda, Due
    from phr.views.selection import Selection


class CalendarFormat(StrEnum):
    """How it is written."""

    TEXT = "text"
    ICS = "ics"
    JSON = "json"


Layout = Annotated[
    CalendarFormat | None,
    typer.Option("--format", "-f", envvar="PHR_CALENDAR_FORMAT", help="How it is written (default: text)."),
]
To = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        envvar="PHR_CALENDAR_OUTPUT",
        help="Write an .ics file; - is stdout.",
        metavar="FILE",
    ),
]
Discreet = Annotated[
    bool, typer.Option("--discreet", help="Say “Appointment” and the time, and not a word more.")
]
Remind = Annotated[
    str | None, typer.Option("--remind", help="Remind so long before: 1d, 2h, 30m.", metavar="TIME")
]
_LONGEST = 300
_DEFAULT = "phr-calendar.ics"
_KINDS = {"treatment": "planned", "vaccine": "vaccine", "task": "to do", "sign_in": "sign in"}
_TIME = re.compile(r"(\d{1,3}) ?(m|min|minutes?|h|hours?|d|days?|w|weeks?)")
_CLOUD = (
    "Calendars are often copied to a cloud, with what stands in them: --discreet says “Appointment” only."
)


def calendar(
    ctx: typer.Context,
    since: Since = None,
    until: Until = None,
    source: Sources = None,
    tag: Tags = None,
    pack: Packs = None,
    sensitivity: Sensitivity = None,
    discreet: Discreet = False,
    remind: Remind = None,
    layout: Layout = None,
    to: To = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """What lies ahead: appointments, treatments, vaccines due, tasks with a day, and when to sign in again.

    -o or --format ics writes a file for your calendar. Take the file in again later: what moved moves, what was
    cancelled is struck. Only what a source says with a day is in it. What is past needs --since. What you marked as
    private (phr edit) is in no file.

    \b
    phr calendar
    phr calendar -o health.ics --remind 1d
    phr calendar -o - --discreet > shared.ics

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    output.hush(quiet)
    chosen = select(None, since, until, source, tag, None, sensitivity, pack)
    before = _before(remind)
    file = _file(layout, to, json=json)
    if file is None and (discreet or remind):
        raise usage("--discreet and --remind belong to a file.", "Write one: -o health.ics")
    here = workspace(ctx)
    with here.store() as store:
        if file is None:
            found = _agenda(store, chosen, here.idle_hours)
            if json or layout is CalendarFormat.JSON:
                output.emit_json(found.document())
            else:
                _show(found)
            return
        _write(store, chosen, here.idle_hours, file, discreet=discreet, remind=before, json=json)


def _agenda(store: Store, chosen: Selection, idle: object, *, shut: bool = False) -> Agenda:
    from dataclasses import replace
    from typing import Any, cast

    from phr.views.due import agenda
    from phr.views.selection import check_sources

    check_sources(store, chosen)
    usual = cast(Any, idle)
    if not shut:
        return agenda(store, chosen, idle=usual)
    from phr.views.discreet import closed

    selection, discretion = closed(store.db, replace(chosen, marked=False))
    return agenda(store, selection, discretion, idle=usual)


def _before(text: str | None) -> timedelta | None:
    if text is None:
        return None
    found = _TIME.fullmatch(text.strip().lower())
    if found is None or not int(found[1]):
        raise usage(f"--remind {text} is not a time.", "Such as: 1d, 2h, 30m")
    unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[found[2][0]]
    return timedelta(**{unit: int(found[1])})


def _file(layout: CalendarFormat | None, to: str | None, *, json: bool) -> str | None:
    """Where the file goes; None: there is none. Raises UsageError."""
    if to is None:
        return _DEFAULT if layout is CalendarFormat.ICS else None
    if layout in (CalendarFormat.TEXT, CalendarFormat.JSON):
        raise usage(f"-o writes a calendar, and --format {layout} is none.", "Leave one of them out.")
    if to == "-" and json:
        raise usage("The calendar and the report cannot both go to stdout.", "Give a file: -o FILE --json")
    return str(Path(to) / _DEFAULT) if to.endswith("/") or Path(to).is_dir() else to


def _write(
    store: Store,
    chosen: Selection,
    idle: object,
    file: str,
    *,
    discreet: bool,
    remind: timedelta | None,
    json: bool,
) -> None:
    from phr import __version__
    from phr.exporters.files import to_file
    from phr.exporters.ics import to_ics

    found = _agenda(store, chosen, idle, shut=True)
    content = to_ics(found.events, discreet=discreet, remind=remind, version=__version__)
    if file == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    else:
        to_file(Path(file), lambda out: out.write(content))
    store.audit.note("export", f"calendar {count(len(found.events), 'entry', 'entries')}")
    whole = len(_agenda(store, chosen, idle).events) if found.events or not json else len(found.events)
    if file != "-":
        output.talk(
            f"Wrote {clean(file)}: {count(len(found.events), 'entry', 'entries')}, {size(len(content))}."
        )
    if whole > len(found.events):
        output.talk(f"  Left out, because you marked them as private: {whole - len(found.events)}")
    for line in _unplaced(found, screen(sys.stderr)):
        output.talk(line.strip())
    if found.events and not discreet:
        output.talk(_CLOUD)
    if json:
        output.emit_json({**found.document(), "path": str(Path(file).absolute()), "bytes": len(content)})


# ── on the screen ─────────────────────────────────────────────────────────────────────────────────────


def _show(found: Agenda) -> None:
    view = output.out()
    if not found.events:
        output.talk("Nothing with a day lies ahead in your record. To add: phr add appointment")
    output.emit(_lines(found.events, view))
    unplaced = list(_unplaced(found, view))
    if unplaced:
        output.emit([*([""] if found.events else []), *unplaced])


def _lines(events: list[Due], view: Screen) -> Iterator[str]:
    """By month; a line with day, time and title, and one with where and with whom."""
    clocks = {one.uid: "" if one.all_day else clock(one.start) for one in events}
    wide = max([12, *(width(said) for said in clocks.values())])
    for month, group in groupby(events, key=lambda one: (one.day.year, one.day.month)):
        yield view.paint(date(*month, 1).strftime("%B %Y"), "heading")
        for one in group:
            yield from _entry(one, clocks[one.uid], wide, view)


def _entry(one: Due, time: str, wide: int, view: Screen) -> Iterator[str]:
    kind = _KINDS.get(one.kind, "")
    mark = {"cancelled": "cancelled: ", "tentative": ""}.get(one.status, "")
    about = " (not confirmed)" if one.status == "tentative" and one.kind == "appointment" else ""
    if one.status == "tentative" and one.kind == "treatment":  # first, so that no narrow screen hides it
        kind = "about this day"
    title = f"{mark}{kind + ': ' if kind and not one.title.lower().startswith(kind) else ''}{clean(one.title)}{about}"
    head = f"  {one.day:%a} {one.day.day:>2} {one.day:%b}  {pad(time, wide)}  "
    lines = [title]
    if view.columns and width(head) + width(title) > view.columns:
        lines = wrapped(elide(title, _LONGEST), Screen(view.columns - width(head), colour=False), indent=0)
    for line in lines:
        style = "dim" if one.status == "cancelled" else None
        yield view.paint(view.spell(view.fit(f"{head}{line}".rstrip())), style)
        head = " " * width(head)
    more = ", ".join(filter(None, (clean(one.facility), clean(one.performer))))
    if one.kind == "sign_in":
        more = clean(one.description)
    if more:
        yield view.paint(view.spell(view.fit(f"{' ' * width(head)}{more}")), "dim")


def _unplaced(found: Agenda, view: Screen) -> Iterator[str]:
    """What is on no day, and why."""
    if not found.left_out:
        return
    yield view.paint("On no day of a calendar:", "bold")
    for one in found.left_out[:12]:
        when = f" {one.date}" if one.date and len(one.date) < 10 else ""
        for line in wrapped(f"{clean(one.title)}{when}: {clean(one.reason)}", view):
            yield view.spell(line)
    if len(found.left_out) > 12:
        yield f"  and {len(found.left_out) - 12} more (--json)"
