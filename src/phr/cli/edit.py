"""`phr edit`: a correction laid over what a source says, never over it."""

from __future__ import annotations

import sys
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import lines, output
from phr.cli.context import workspace
from phr.cli.options import Json
from phr.cli.selecting import complete_kinds, complete_sensitivities
from phr.cli.tag import Source
from phr.cli.text import clean, count, day, elide, when, wrapped
from phr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from phr.store.store import Store

LABELS = {
    "title": "What it is",
    "date": "When",
    "end": "Until",
    "value": "Result",
    "unit": "Unit",
    "status": "Status",
    "description": "Details",
    "kind": "Kind of record",
    "sensitivity": "How private",
}
_WIDEST = 60
"""So many cells of what stands there are shown in a question."""


def _field(help_: str, *, complete: Any = None, metavar: str = "TEXT") -> Any:
    name = {"autocompletion": complete} if complete else {}
    return typer.Option(help=help_, metavar=metavar, allow_from_autoenv=False, **name)


def edit(
    ctx: typer.Context,
    record: Annotated[
        str | None, typer.Argument(help="The number from phr timeline, or Type/id.", metavar="[RECORD]")
    ] = None,
    title: Annotated[str | None, _field("What it is.")] = None,
    date: Annotated[str | None, _field("When it was: 2019-05, “last march”; none.", metavar="D")] = None,
    end: Annotated[str | None, _field("Until when; none: it goes on.", metavar="D")] = None,
    value: Annotated[str | None, _field("The result, without its unit.", metavar="V")] = None,
    unit: Annotated[str | None, _field("Its unit, such as mg/dL.", metavar="U")] = None,
    status: Annotated[
        str | None, _field("active, resolved …; entered-in-error hides it.", metavar="S")
    ] = None,
    description: Annotated[str | None, _field("The words beside it.")] = None,
    kind: Annotated[
        str | None, _field("What kind of record it is.", complete=complete_kinds, metavar="K")
    ] = None,
    sensitivity: Annotated[
        str | None,
        _field(
            "normal, sensitive or restricted: the last two stay out of exports.",
            complete=complete_sensitivities,
            metavar="LEVEL",
        ),
    ] = None,
    reason: Annotated[str | None, _field("Why you correct it.")] = None,
    undo: Annotated[
        str | None, _field("Take the correction of this field back, or all of them: all.", metavar="FIELD")
    ] = None,
    source: Source = None,
    json: Json = False,
) -> None:
    """Correct what a source says: yours is shown, and what the source said stays beside it, as it was sent.

    Without a record all corrections are listed. An export hands on what the source said, with your correction as a note
    to it.

    \b
    phr edit 412 --date 2019-05 --reason "It was the year we moved"
    phr edit 412 --undo date
    phr edit 412 --sensitivity restricted

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no such record), 5 another run writes, 6 locked.
    """
    from phr.views.own import record_of

    given = {
        "title": title, "date": date, "end": end, "value": value, "unit": unit, "status": status,
        "description": description, "kind": kind, "sensitivity": sensitivity,
    }  # fmt: skip
    asked = {name: text for name, text in given.items() if text is not None}
    if undo is not None and (asked or reason):
        raise UsageError("Take back or correct: one at a time.", hint="phr edit RECORD --undo FIELD")
    with workspace(ctx).store() as store:
        if record is None:
            if asked or undo is not None:
                raise UsageError(
                    "Which record is meant?", hint="phr edit RECORD …, with a number from phr timeline"
                )
            _list(store, json=json)
            return
        id_ = record_of(store, record, source)
        if undo is not None:
            _undo(store, id_, undo)
        elif asked:
            _correct(store, id_, asked, reason)
        elif not json and output.has_terminal():
            typed, why = _asked(store, id_)
            if typed:
                _correct(store, id_, typed, reason or why)
        _show(store, id_, json=json, after=undo is not None)


def _correct(store: Store, id_: int, asked: Mapping[str, str], reason: str | None) -> None:
    from phr.views.own import checked
    from phr.views.own_checks import REASON_LIMIT, one_line

    why = one_line(reason, "The reason")[:REASON_LIMIT] if reason else None
    fields = checked(store, id_, asked, today=_today())
    store.own.correct(id_, fields, why or None)
    output.talk(f"Record {id_} shows it as you say. What its source said stays: phr show {id_}")
    if fields.get("status") == "entered-in-error":
        output.talk(f"It is out of timeline, search and exports. Bring it back: phr edit {id_} --undo status")
    if fields.get("sensitivity") in ("sensitive", "restricted"):
        output.talk(
            "It stays out of every export, with what would tell it, unless you say --sensitivity there."
        )


def _today() -> date:
    return date.today()  # noqa: DTZ011 - the person's own day


def _undo(store: Store, id_: int, field: str) -> None:
    from phr.records.overlay import FIELDS

    name = field.strip().lower()
    if name not in (*FIELDS, "all"):
        raise UsageError(
            f"There is no field named {clean(field)}.", hint=f"There is: {', '.join(FIELDS)}, all"
        )
    gone = store.own.undo(id_, () if name == "all" else (name,))
    if not gone:
        raise UsageError(f"Record {id_} has no such correction of yours.", hint=f"See which: phr edit {id_}")
    from phr.views.own import words_of

    words = ", ".join(LABELS[one].lower() for one in gone)
    if words_of(store.db, id_)["corrections"]:
        output.talk(f"Taken back: {words}. There record {id_} shows again what its source says.")
        output.talk("Still as you corrected it:")
    else:
        output.talk(f"Taken back: {words}. Record {id_} shows again what its source says.")


def _asked(store: Store, id_: int) -> tuple[dict[str, str], str | None]:
    """Field by field, with what stands there; an empty line leaves it. What cannot be is asked again at once."""
    from phr.views.events import events
    from phr.views.own import checked, correctable

    [event] = events(store.db, [id_])
    said = " · ".join(
        part for part in (lines.titled(event), lines.measured(event), day(event["date"])) if part
    )
    output.tell(output.out().fit(f"Correcting {id_}: {said}"), style="bold")
    output.tell("Type only what is wrong. Enter leaves what stands there, Ctrl-C changes nothing.")
    found: dict[str, str] = {}
    for name, now in correctable(store, id_).items():
        shown = elide(plainly(name, now), _WIDEST)
        while True:
            output.ask(f"{LABELS[name]}{_CHOICE.get(name, '')} [{shown}]: ")
            text = sys.stdin.readline().strip()
            if not text or text == shown:
                break
            try:
                checked(store, id_, {**found, name: text}, today=_today())
            except UsageError as error:
                for words in filter(None, (error.message, error.hint)):
                    for line in wrapped(words, output.out(), indent=4):
                        output.tell(line)
                continue
            found[name] = text
            break
    if not found:
        output.tell("Nothing was changed.")
        return {}, None
    output.ask("Why (may be left empty): ")
    return found, sys.stdin.readline().strip() or None


_CHOICE = {"sensitivity": " (normal, sensitive or restricted)"}


def _show(store: Store, id_: int, *, json: bool, after: bool) -> None:
    """The corrections of one record as they are now; `after` one was taken back."""
    from phr.views.own import words_of

    found = words_of(store.db, id_)["corrections"]
    if json:
        output.emit_json({"id": str(id_), "corrections": found})
        return
    output.emit(line for one in found for line in _lines(one))
    if not found and not after:
        output.talk(f"Record {id_} stands as its source says it.")


def _list(store: Store, *, json: bool) -> None:
    from phr.views.events import events
    from phr.views.own import words_of

    ids = list(dict.fromkeys(one.record for one in store.own.corrections()))
    found = [
        {"record": {name: event[name] for name in ("id", "kind", "date", "title", "resource")}, **one}
        for event in events(store.db, ids)
        for one in words_of(store.db, int(event["id"]))["corrections"]
    ]
    if json:
        output.emit_json({"total": len(found), "corrections": found})
        return
    view, last = output.out(), None
    for one in found:
        if one["record"]["id"] != last:
            last = one["record"]["id"]
            title = lines.titled(one["record"])
            output.emit(
                [view.fit(view.paint(f"{title}  {day(one['record']['date'])}  {last}".rstrip(), "bold"))]
            )
        output.emit(_lines(one, indent="  "))
    output.talk(f"{count(len(found), 'correction')}." if found else "No corrections yet: phr edit RECORD")


def _lines(one: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """One correction: yours, the source's, and how the two stand to each other."""
    view = output.out()
    field = one["field"]
    yield view.fit(f"{indent}{LABELS[field]}: {plainly(field, one['value'])}")
    if not one["in_effect"]:
        yield view.fit(f"{indent}  Its source says the same by now, so your correction rests.")
    else:
        yield view.fit(f"{indent}  its source says: {plainly(field, one['source_value'])}")
        if one["source_changed"]:
            yield view.fit(f"{indent}  and has changed since: it was {plainly(field, one['source_before'])}")
    if one["reason"]:
        yield view.fit(f"{indent}  because: {clean(one['reason'])}")
    yield view.paint(f"{indent}  corrected {when(one['made'])}", "dim")


def plainly(field: str, value: str | None) -> str:
    """What a field says, as screens say it."""
    if value is None:
        return "nothing"
    if field in ("date", "end"):
        return day(value)
    if field == "kind":
        from phr.cli.show_page import KINDS

        return KINDS.get(value, value.replace("_", " ").capitalize())
    if field == "title":
        from phr.views.titles import plain

        return plain(clean(value))
    if field == "unit":
        from phr.views.figures import unit_words

        return unit_words(clean(value))
    return clean(value)
