"""`phr tasks`: what is to be done, by whom, until when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json, usage
from phr.cli.selecting import Kinds, Packs, Sensitivity, Sources, Tags, select
from phr.cli.text import clean, count, day, elide, kind_word, pad, width, wrapped

if TYPE_CHECKING:
    from phr.cli.text import Screen

Event = dict[str, Any]
_HEADS = {
    "overdue": ("Overdue", "alarm"),
    "today": ("Today", "bold"),
    "this week": ("Within a week", "bold"),
    "later": ("Later", "bold"),
    "no date": ("Without a date", "bold"),
    "done": ("Done, or no longer to be done", "dim"),
}


def _due(text: str | None) -> str | None:
    """A date ahead: `friday` is the next one."""
    from phr.fhir import dates

    if text is None or dates.parse(text) is not None:
        return text
    from datetime import date

    from phr.records.said_dates import AmbiguousDate, NotADate, said

    try:
        return said(text, date.today(), ahead=True)[:10]  # noqa: DTZ011 - the person's own day
    except AmbiguousDate as error:
        raise usage(f"--due: {error.message}", f"Write {' or '.join(error.readings.values())}.") from None
    except NotADate:
        raise usage(
            f"--due {text} is not a date.", "Such as: 2026-12, 2026-12-01, friday, next week"
        ) from None


def tasks(
    ctx: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", envvar="PHR_TASKS_ALL", help="Also what is done or was called off.")
    ] = False,
    due: Annotated[
        str | None,
        typer.Option(
            "--due", help="Only what is due until then: 2026-12-01, friday.", metavar="D", callback=_due
        ),
    ] = None,
    kind: Kinds = None,
    source: Sources = None,
    tag: Tags = None,
    pack: Packs = None,
    sensitivity: Sensitivity = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=0, help="At most so many.", metavar="N")
    ] = None,
    json: Json = False,
) -> None:
    """What is to be done, by whom, until when: overdue first, then by when it is due.

    Tasks that a clinic or you yourself wrote down, forms that were begun, vaccines that a source recommends, and steps
    of plans and goals for which a day was set.

    \b
    phr tasks
    phr tasks --due friday
    phr tasks --all --kind task

    Exit statuses: 0 fine, 1 failed (also: no record yet), 2 usage, 6 locked.
    """
    from phr.views import tasks as view

    chosen = select(kind, None, None, source, tag, None, sensitivity, pack)
    with workspace(ctx).store() as store:
        found = view.tasks(store, chosen, done=everything, due=due, limit=limit)
        if json:
            from phr.views.timeline import with_pack_tags

            output.emit_json(found | {"tasks": list(with_pack_tags(found["tasks"]))})
            return
    if found["total"]:
        output.emit(_drawn(found, output.out()))
    else:
        done = (
            f" {count(found['done'], 'thing')} done or called off: phr tasks --all" if found["done"] else ""
        )
        asked = chosen.described() or due
        output.talk(f"{'Nothing that fits is' if asked else 'Nothing is'} to be done.{done}")


def _drawn(found: dict[str, Any], view: Screen) -> Iterator[str]:
    group = None
    for one in found["tasks"]:
        if one["group"] != group:
            if group is not None:
                yield ""
            group = one["group"]
            words, style = _HEADS[group]
            yield view.paint(f"{words} ({found['by_group'][group]})", style)
        yield from _task(one, view)
    if found["total"] > len(found["tasks"]):
        yield view.paint(f"  and {found['total'] - len(found['tasks']):,} more (--limit N)", "dim")
    if found["done"] and "done" not in found["by_group"]:
        yield ""
        yield view.paint(f"{count(found['done'], 'thing')} done or called off: phr tasks --all", "dim")


def _task(one: Event, view: Screen) -> Iterator[str]:
    from phr.views.titles import plain

    when = _on(one["due"]) if one["group"] != "done" else day(one["performed"] or one["date"])[:10]
    head, tail = f"  {pad(when, 10)}  ", f"  {one['id']}"
    title = plain(clean(one["title"])) or "(no title)"
    if one["kind"] not in ("task", "immunization"):
        title = f"{kind_word(one['kind']).replace('_', ' ').capitalize()}: {title}"
    if view.columns:
        room = max(12, view.columns - width(head) - width(tail))
        title = pad(elide(title, room), room)
    yield view.spell(head + title) + view.paint(tail, "dim")
    said = "; ".join(word for word in _details(one) if word)
    if said:
        yield from (view.paint(view.spell(line), "dim") for line in wrapped(said, view, indent=14))


def _on(due: str | None) -> str:
    """Until when, on the person's own clock, as it is grouped."""
    from phr.fhir import dates
    from phr.views.due_clock import day_here, here, moment

    if due is None or (found := dates.parse(due)) is None:
        return clean(due)[:16]
    at = moment(due)
    if at is None or (at.hour, at.minute) == (0, 0):  # midnight is how systems write a day
        return day_here(found.text)
    return f"{day_here(due)} {here(at) or at:%H:%M}"


def _details(one: Event) -> Iterator[str]:
    """Whose it is, who asked, what for, how it stands."""
    owner, asked = clean(one["owner"]), clean(one["requester"])
    if one["yours"]:
        yield "yours"
    elif owner:
        yield f"to be done by {owner}"
    elif one["kind"] == "task":
        yield "nobody is named for it"
    yield f"asked by {asked}" if asked and asked != owner else ""
    yield f"for: {clean(one['for'])}" if one["for"] else ""
    yield clean(one["state"]) if one["state"] not in (None, "asked for", "due", "overdue") else ""
