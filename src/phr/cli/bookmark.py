"""`phr bookmark`: records to find again."""

from __future__ import annotations

from typing import Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json
from phr.cli.tag import Source


def bookmark(
    ctx: typer.Context,
    record: Annotated[
        str | None, typer.Argument(help="The number from phr timeline, or Type/id.", metavar="[RECORD]")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="No longer.", allow_from_autoenv=False)] = False,
    source: Source = None,
    json: Json = False,
) -> None:
    """Keep a record at hand; without one, show those that are.

    \b
    phr bookmark 412
    phr bookmark
    phr bookmark 412 --remove

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no such record), 5 another run writes, 6 locked.
    """
    from phr.errors import UsageError
    from phr.views.own import record_of

    if record is None and remove:
        raise UsageError("Which bookmark is to go?", hint="phr bookmark RECORD --remove")
    with workspace(ctx).store() as store:
        if record is None:
            _list(store, json=json)
            return
        id_ = record_of(store, record, source)
        changed = store.own.bookmark(id_, remove=remove)
    if json:
        output.emit_json({"id": str(id_), "bookmarked": not remove, "changed": changed})
    elif remove:
        output.talk(f"Record {id_} is no longer bookmarked." if changed else "It was not bookmarked.")
    else:
        output.talk(f"Record {id_} is at hand now: phr bookmark" if changed else "It is bookmarked already.")


def _list(store: object, *, json: bool) -> None:
    from phr.store.store import Store
    from phr.views.events import events

    assert isinstance(store, Store)  # noqa: S101 - for the type alone
    marked = store.own.bookmarks()
    since = dict(marked)
    found = [
        event | {"since": since[int(event["id"])]} for event in events(store.db, [id_ for id_, _ in marked])
    ]
    if json:
        output.emit_json({"total": len(found), "bookmarks": found})
        return
    from phr.cli import lines
    from phr.cli.text import day, kind_word, table

    rows = [(one["id"], day(one["date"]), kind_word(one["kind"]), lines.titled(one)) for one in found]
    if rows:
        output.emit(table(rows, ("RECORD", "DATE", "KIND", "WHAT"), output.out(), wide=3))
    else:
        output.talk("No bookmarks yet: phr bookmark RECORD")
