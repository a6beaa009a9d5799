"""`phr note`: what the person writes beside a record."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json
from phr.cli.tag import Record, Source
from phr.cli.text import clean, clean_lines, when
from phr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from phr.store.own import Note


def note(
    ctx: typer.Context,
    record: Record,
    text: Annotated[
        list[str] | None,
        typer.Argument(help="Your words; - reads them from stdin.", metavar="[TEXT]..."),
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Show the notes beside it.", envvar="PHR_NOTE_LIST")
    ] = False,
    edit: Annotated[
        int | None,
        typer.Option("--edit", help="Write TEXT instead of note N.", metavar="N", allow_from_autoenv=False),
    ] = None,
    remove: Annotated[
        int | None,
        typer.Option("--remove", help="Take note N away.", metavar="N", allow_from_autoenv=False),
    ] = None,
    source: Source = None,
    json: Json = False,
) -> None:
    """Write a note beside a record. The search finds it, and it stays with you: an export has it with --notes alone.

    \b
    phr note 412 The doctor said to ask again in spring
    phr note 412 --list
    phr note 412 --edit 1 To ask again in May

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no such record), 5 another run writes, 6 locked.
    """
    from phr.views.own import record_of
    from phr.views.own_checks import note_text

    if (edit is not None) + (remove is not None) + list_ > 1 or (text and (list_ or remove is not None)):
        raise UsageError(
            "Only one at a time: a new note, --list, --edit or --remove.", hint="See phr note --help"
        )
    with workspace(ctx).store() as store:
        id_ = record_of(store, record, source)
        writes = not list_ and remove is None
        words = note_text(_words(text)) if writes else ""
        if remove is not None:
            store.own.remove_note(id_, remove)
        elif edit is not None:
            store.own.change_note(id_, edit, words)
        elif writes:
            store.own.note(id_, words)
        found = store.own.notes(id_)
    if json:
        output.emit_json(
            {"id": str(id_), "notes": [_told(number, one) for number, one in enumerate(found, 1)]}
        )
    elif list_:
        output.emit(_lines(found))
        if not found:
            output.talk("No notes.")
    else:
        number = f"{len(found)} note{'' if len(found) == 1 else 's'}" if found else "no notes"
        done = "Noted" if edit is None and remove is None else "Changed" if remove is None else "Taken away"
        output.talk(f"{done}. Record {id_} has {number}: phr note {id_} --list" if found else f"{done}.")


def _words(given: Sequence[str] | None) -> str:
    """What was typed, piped in or is typed now. Raises UsageError where nobody can be asked."""
    if given and list(given) != ["-"]:
        return " ".join(given)
    if given:
        from phr.views.own_checks import NOTE_LIMIT

        words = sys.stdin.read(NOTE_LIMIT + 1)
        if len(words) > NOTE_LIMIT:
            raise UsageError(
                f"A note has at most {NOTE_LIMIT:,} characters.",
                hint="Keep a long text as a document: phr add document FILE",
            )
        return words
    if not output.has_terminal():
        raise UsageError(
            "There are no words for the note.", hint="phr note RECORD your words, or - to read stdin"
        )
    output.tell("Your note; an empty line ends it.")
    lines: list[str] = []
    while True:
        output.ask("> ")
        line = sys.stdin.readline()
        if not line.strip():
            return "\n".join(lines)
        lines.append(line.rstrip("\n"))


def _told(number: int, one: Note) -> dict[str, Any]:
    return {"number": number, "text": one.text, "written": one.written, "changed": one.changed}


def _lines(notes: Sequence[Note]) -> Iterator[str]:
    view = output.out()
    for number, one in enumerate(notes, 1):
        changed = f", changed {when(one.changed)}" if one.changed else ""
        yield view.paint(clean(f"{number}  {when(one.written)}{changed}"), "dim")
        for line in clean_lines(one.text).split("\n"):
            yield view.spell(f"   {line}".rstrip())
