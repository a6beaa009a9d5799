"""`phr quality`: how well each source keeps the record, and what in it is worth asking about."""

from __future__ import annotations

from typing import Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json
from phr.cli.selecting import Kinds, Since, Sources, Until, select

EACH = 5
Limit = Annotated[
    int, typer.Option("--limit", "-n", min=1, help="At most so many of each reason and source.", metavar="N")
]


def quality(
    ctx: typer.Context,
    source: Sources = None,
    since: Since = None,
    until: Until = None,
    kind: Kinds = None,
    limit: Limit = EACH,
    json: Json = False,
) -> None:
    """How much of what each source sends is coded, dated, has a unit and a range, and says who or where; and values that
    cannot be right: in the future, before birth, ten times too large, in a wrong unit, told twice.

    Each is named with its record. Nothing is ever changed: phr edit RECORD lays your correction over it.

    \b
    phr quality
    phr quality --source clinic --since 2024 --kind labs
    phr quality --limit 100

    Exit statuses: 0 fine, also when something is worth asking about; 1 failed; 2 usage; 6 locked.
    """
    from phr.cli.export_progress import watching
    from phr.cli.quality_screen import quality_lines
    from phr.views.quality import quality as checked

    selection = select(kind, since, until, source)
    with workspace(ctx).store() as store, watching() as tell:
        report = checked(store, selection, tell)
    if json:
        output.emit_json({"selection": selection.described(), **report})
    elif not report["sources"]:
        output.talk(
            "No record fits."
            if selection.described()
            else "The record is empty so far: phr connect, or phr import FILE"
        )
    else:
        output.emit(quality_lines(report, output.out(), limit))
