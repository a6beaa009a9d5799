"""`phr messages`: what was written between the person and their care teams, by conversation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json
from phr.cli.selecting import Packs, Search, Sensitivity, Since, Sources, Tags, Until, select
from phr.cli.text import clean, clean_lines, count, day, elide, pad, width, wrapped

if TYPE_CHECKING:
    from phr.cli.text import Screen

_ON_SCREEN = 20
_YOU = "you"
_PRIORITIES = {"urgent": "urgent", "asap": "as soon as possible", "stat": "at once"}
_STATES = {
    "preparation": "only a draft",
    "in-progress": "not sent yet",
    "not-done": "not sent",
    "stopped": "broken off",
    "on-hold": "on hold",
    "draft": "only a draft",
    "revoked": "cancelled",
}
Event = dict[str, Any]

Thread = Annotated[
    str | None,
    typer.Option(
        "--thread",
        help="One conversation, with every word: the number of a message in it, or Type/id.",
        metavar="ID",
        allow_from_autoenv=False,
    ),
]
With = Annotated[
    str | None,
    typer.Option(
        "--with",
        envvar="PHR_MESSAGES_WITH",
        help="Only with somebody of this name, such as “Okafor”.",
        metavar="WHO",
    ),
]
Text = Annotated[bool, typer.Option("--text", help="Every conversation with every word.")]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        "-n",
        min=0,
        help="At most so many conversations (default: 20 on a screen, with --json all).",
        metavar="N",
    ),
]


def messages(
    ctx: typer.Context,
    thread: Thread = None,
    with_: With = None,
    since: Since = None,
    until: Until = None,
    source: Sources = None,
    tag: Tags = None,
    pack: Packs = None,
    search: Search = None,
    sensitivity: Sensitivity = None,
    text: Text = False,
    limit: Limit = None,
    json: Json = False,
) -> None:
    """Messages with your care teams, by conversation, the newest first.

    An answer stands with what it answers. The number at the end of a line is what --thread takes. Whether a message
    has been read is nothing that a source says.

    \b
    phr messages --with okafor
    phr messages --thread 247          (one conversation, every word)
    phr messages --since 2024 --text

    Exit statuses: 0 fine, 1 failed (also: no record yet), 2 usage (also: no such conversation), 6 locked.
    """
    from phr.views import messages as view

    chosen = select(None, since, until, source, tag, search, sensitivity, pack)
    most = limit if limit is not None else None if json or thread else _ON_SCREEN
    with workspace(ctx).store() as store:
        found = view.messages(store, chosen, with_=with_, thread=thread, limit=most)
        if json:
            from phr.views.timeline import with_pack_tags

            output.emit_json(found | {"messages": list(with_pack_tags(found["messages"]))})
            return
    if not found["threads"]:
        asked = bool(chosen.described()) or with_ is not None
        output.talk("No message fits." if asked else "No source has sent a message so far.")
    else:
        output.emit(_whole(found, output.out()) if thread or text else _listed(found, output.out()))
    if found["older"]:
        output.talk(f"{count(found['older'], 'message')} older than these were not looked at.")


def _of(found: dict[str, Any], thread: dict[str, Any]) -> list[Event]:
    return [one for one in found["messages"] if one["thread"] == thread["id"]]


# ── one line each ─────────────────────────────────────────────────────────────────────────────────


def _listed(found: dict[str, Any], view: Screen) -> Iterator[str]:
    """Each conversation: when, with whom, about what; below it how its last message begins."""
    rows = found["threads"]
    size = min(24, max(width(_with(one)) for one in rows))
    for one in rows:
        number = f"  {count(one['messages'], 'message')}" if one["messages"] > 1 else ""
        tail = f"{number}  {one['id']}"
        head = f"{day(one['last'])[:10] or 'no date':10}  {pad(elide(_with(one), size), size)}  "
        subject = clean(one["subject"])
        if view.columns:
            room = max(12, view.columns - width(head) - width(tail))
            subject = pad(elide(subject, room), room)
        yield view.spell(head) + view.paint(view.spell(subject), "bold") + view.paint(tail, "dim")
        last = _of(found, one)[-1]
        words = clean(last["text"]) or _files(last)
        if words:
            room = (view.columns or 120) - 12
            who = "" if _from(last) == _with(one) else f"{_from(last)}: "
            yield view.paint(view.spell(f"{'':12}{elide(who + words, room)}"), "dim")
    left = found["total"] - len(rows)
    yield ""
    said = f"{count(found['total'], 'conversation')}." + (f" Shown: {len(rows)} (--limit N)." if left else "")
    yield from (
        view.paint(line, "dim")
        for line in wrapped(f"{said} One with every word: phr messages --thread NUMBER", view, indent=0)
    )


def _with(thread: dict[str, Any]) -> str:
    return ", ".join(clean(name) for name in thread["with"]) or _YOU


# ── every word ────────────────────────────────────────────────────────────────────────────────────


def _whole(found: dict[str, Any], view: Screen) -> Iterator[str]:
    for at, thread in enumerate(found["threads"]):
        if at:
            yield ""
        about = ", ".join(clean(name) for name in thread["sources"])
        yield view.fit(view.paint(view.spell(clean(thread["subject"])), "heading")) + view.paint(
            f"  {about}", "dim"
        )
        for one in _of(found, thread):
            yield ""
            yield from _message(one, thread, view)


def _message(one: Event, thread: dict[str, Any], view: Screen) -> Iterator[str]:
    to = ", ".join(_YOU if len(one["to"]) == 1 and one["to_you"] else clean(name) for name in one["to"])
    who = f"{_from(one)} to {to}" if to else _from(one)
    when = day(one["sent"]) or day(one["date"]) or "no date"
    head = f"{when}  {who}"
    tail = f"  {one['id']}"
    if view.columns:
        head = pad(elide(head, view.columns - width(tail)), view.columns - width(tail))
    yield view.paint(view.spell(head), "bold") + view.paint(tail, "dim")
    said = [
        _STATES.get(str(one["status"]), ""),
        _PRIORITIES.get(str(one["priority"]), ""),
        f"by {clean(one['medium'])}" if one["medium"] else "",
        f"received {day(one['received'])}" if _later(one) else "",
    ]
    if any(said):
        yield view.paint(view.spell(view.fit(f"  {', '.join(word for word in said if word)}")), "dim")
    yield from _lines(clean_lines(one["text"] or ""), view)
    if one["attachments"]:
        yield view.paint(view.spell(view.fit(f"  {_files(one)}: phr show {one['id']} --open")), "dim")
    elif not one["text"]:
        yield view.paint("  (the source sent no text)", "dim")


def _lines(text: str, view: Screen) -> Iterator[str]:
    for line in text.split("\n"):
        if line:
            for at, part in enumerate(wrapped(line, view)):
                yield view.spell(part if at == 0 else part[2:])
        else:
            yield ""


def _from(one: Event) -> str:
    return _YOU if one["from_you"] else clean(one["from"]) or "somebody"


def _later(one: Event) -> bool:
    """Whether it was received on another day than it was sent."""
    return bool(one["received"]) and day(one["received"])[:10] != (day(one["sent"]) or "")[:10]


def _files(one: Event) -> str:
    found: Sequence[dict[str, Any]] = one["attachments"]
    names = ", ".join(clean(each["filename"]) or "document" for each in found)
    return f"attached: {names}" if names else ""
