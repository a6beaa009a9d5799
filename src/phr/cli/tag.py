"""`phr tag`: the person's own words on a record."""

from __future__ import annotations

from typing import Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json
from phr.cli.selecting import complete_sources, complete_tags
from phr.cli.text import clean

Record = Annotated[str, typer.Argument(help="The number from phr timeline, or Type/id.", metavar="RECORD")]
Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        help="Which one, where several sources have it.",
        autocompletion=complete_sources,
        metavar="N",
    ),
]


def tag(
    ctx: typer.Context,
    record: Record,
    tags: Annotated[
        list[str] | None,
        typer.Argument(help="Tags to put on it.", autocompletion=complete_tags, metavar="TAG..."),
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option(
            "--remove",
            help="Take this tag off; may be repeated.",
            autocompletion=complete_tags,
            metavar="TAG",
            allow_from_autoenv=False,
        ),
    ] = None,
    source: Source = None,
    json: Json = False,
) -> None:
    """Put your own words on a record, or take them off; without any, show them.

    \b
    phr tag 412 insurance "second opinion"
    phr timeline --tag insurance

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no such record), 5 another run writes, 6 locked.
    """
    from phr.views.own import record_of
    from phr.views.own_checks import tag_text

    put, off = [tag_text(word) for word in tags or ()], [tag_text(word) for word in remove or ()]
    with workspace(ctx).store() as store:
        id_ = record_of(store, record, source)
        if put or off:
            store.own.tag(id_, put, off)
        found = store.own.tags(id_)
    if json:
        output.emit_json({"id": str(id_), "tags": found})
    else:
        output.emit(clean(word) for word in found)
        if not found:
            output.talk("No tags.")
