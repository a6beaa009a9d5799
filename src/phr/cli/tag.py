"""`phr tag`: the person's own words beside a record."""

from __future__ import annotations

from typing import Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json
from phr.cli.show import Record
from phr.cli.text import clean
from phr.errors import UsageError

# A record that several sources tell has the tags of all of them.
_TAKE_OFF = "DELETE FROM tag WHERE resource_id IN (SELECT resource_id FROM record_source WHERE record_id = ?) AND tag = ?"
_TAGS = (
    "SELECT DISTINCT tag FROM tag WHERE resource_id IN (SELECT resource_id FROM record_source WHERE record_id = ?)"
    " ORDER BY tag"
)


def tag(
    ctx: typer.Context,
    record: Record,
    tags: Annotated[list[str] | None, typer.Argument(help="Tags to put on it.", metavar="TAG...")] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option(
            "--remove", help="Take this tag off; may be repeated.", metavar="TAG", allow_from_autoenv=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Put your own words beside a record, or take them off; without any, show them.

    \b
    phr tag 412 insurance "second opinion"
    phr timeline --tag insurance

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no such record), 6 locked.
    """
    from phr.views.record import show

    wanted = [_checked(word) for word in tags or ()]
    with workspace(ctx).store() as store:
        id_ = int(show(store, record)["id"])
        store.db.executemany(
            "INSERT OR IGNORE INTO tag (resource_id, tag) VALUES (?, ?)", [(id_, word) for word in wanted]
        )
        store.db.executemany(_TAKE_OFF, [(id_, word) for word in remove or ()])
        rows = store.db.execute(_TAGS, (id_,))
        found = [str(row[0]) for row in rows]
    if json:
        output.emit_json({"id": str(id_), "tags": found})
    else:
        output.emit(clean(word) for word in found)
        if not found:
            output.talk("No tags.")


def _checked(word: str) -> str:
    if not clean(word) or clean(word) != word or len(word) > 100:
        raise UsageError("A tag is a short text on one line.", hint="Up to 100 characters.")
    return word
