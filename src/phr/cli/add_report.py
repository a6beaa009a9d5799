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
    """The new records."""
    from phr.views.events import events

    with here.store() as store:
        found = list(events(store.db, [one.record for one in written if one.record is not None]))
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


def _line(event: dict[str, Any]) -> str:
    # of a relative and of a bill the title alone says too little
    more = event["description"] if event["kind"] in ("family_history", "claim") else ""
    parts = (kind_word(event["kind"]), lines.titled(event), lines.measured(event), more, day(event["date"]))
    return f"{'  '.join(clean(part) for part in parts if part)}  ({event['id']})"


def tell_preview(here: Workspace, told: Sequence[Told], *, json: bool) -> None:
    """What would be written, as FHIR; the bytes of a file only by their number."""
    from phr.workspace.own import writing

    if here.paths.records(here.user).exists():
        with here.store() as store:
            made = [writing.preview(store, one) for one in told]
    else:
        made = [writing.preview(None, one) for one in told]
    if json:
        output.emit_json({"dry_run": True, "resources": made})
        return
    import orjson

    for one in made:
        output.emit(orjson.dumps(_short(one), option=orjson.OPT_INDENT_2).decode().splitlines())
    output.talk("Nothing was written.")


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: f"({len(one):,} characters)" if key == "data" and isinstance(one, str) else _short(one)
            for key, one in value.items()
        }
    return [_short(one) for one in value] if isinstance(value, list) else value
