"""What `phr add` says when it is done: the new record as every list shows it, or what would be written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from phr.cli import lines, output
from phr.cli.text import clean, command, day, kind_word

if TYPE_CHECKING:
    from phr.workspace import Workspace
    from phr.workspace.own.told import Told
    from phr.workspace.own.writing import Written

DEFAULT_USER = "default"


def tell_written(here: Workspace, written: Sequence[Written], *, json: bool) -> None:
    """The new records. They are kept by now: what cannot be shown of them is no failure."""
    try:
        found = _events(here, written)
    except Exception as error:
        if isinstance(error, OSError):  # nobody reads any more
            raise
        numbers = [str(one.record) for one in written]
        if json:
            output.emit_json({"id": numbers[0]} if len(numbers) == 1 else {"ids": numbers})
        words = "It is written" if len(numbers) == 1 else "They are written"
        output.tell(f"{words}, but cannot be shown just now. Later: phr show {numbers[0]}")
        return
    if json:
        documents = [
            {**event, "shown_as": str(one.shown_as) if one.shown_as else None}
            for event, one in zip(found, written, strict=True)
        ]
        output.emit_json(documents[0] if len(documents) == 1 else {"events": documents})
    else:
        for event, one in zip(found, written, strict=True):
            output.emit([f"Written: {_line(event)}"])
            if one.shown_as:
                output.emit([f"Another source says the same; both are shown as one: {one.shown_as}"])
        number = written[-1].record
        output.talk(f"See it: phr show {number}. Take it back: phr add --undo {number}")
    if written and written[0].began and here.user != DEFAULT_USER:
        remove = command("phr users remove", here.user)
        output.talk(f"A new record was begun for {here.user}. If that is a typing mistake: {remove}")


def _events(here: Workspace, written: Sequence[Written]) -> list[dict[str, Any]]:
    from phr.views.events import events

    with here.store() as store:
        found = list(events(store.db, [one.record for one in written if one.record is not None]))
    if len(found) != len(written):
        raise LookupError
    return found


def _line(event: dict[str, Any]) -> str:
    # of a relative and of a bill the title alone can say too little
    more = str(event["description"] or "") if event["kind"] in ("family_history", "claim") else ""
    if more.partition(" (")[0] in lines.titled(event):
        more = ""
    parts = (kind_word(event["kind"]), lines.titled(event), lines.measured(event), more, day(event["date"]))
    return f"{'  '.join(clean(part) for part in parts if part)}  ({event['id']})"


def tell_preview(here: Workspace, told: Sequence[Told], *, json: bool) -> None:
    """What would be written: in words, as FHIR with `json`."""
    from phr.workspace.own import writing

    if here.paths.records(here.user).exists():
        with here.store() as store:
            made = [writing.preview(store, one) for one in told]
    else:
        made = [writing.preview(None, one) for one in told]
    if json:
        output.emit_json({"dry_run": True, "resources": made})
        return
    from phr.cli.show_page import pairs
    from phr.views.details import exact, of_resource

    output.tell("This would be written, and nothing was:")
    for one, entry in zip(made, told, strict=True):
        details = of_resource(exact(writing.encoded(one).raw))
        said = [("Kind of record", kind_word(entry.kind.makes).capitalize())]
        output.emit(pairs([*said, *((pair["label"], pair["value"]) for pair in details)], output.out()))
    output.talk("The same as FHIR: --json")
