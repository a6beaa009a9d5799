"""`phr missing`: what should be in the record and is not."""

from __future__ import annotations

from typing import Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json
from phr.cli.selecting import Kinds, Since, Sources


def missing(
    ctx: typer.Context,
    since: Since = None,
    kind: Kinds = None,
    source: Sources = None,
    grace: Annotated[
        int | None,
        typer.Option(
            "--grace",
            min=0,
            max=3650,
            help="Wait so many days before anything counts (usual: tests 14, referrals 45).",
            metavar="DAYS",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """What should be in your record and is not: ordered without result, referred without visit, report without document.

    Nothing of this says that something was not done, only that no result is here. Each line says what, since when, and
    whom to ask.

    \b
    phr missing
    phr missing --since 2024 --kind orders
    phr missing --grace 30 --json

    Exit statuses: 0 fine (also: nothing is missing), 1 failed, 2 usage, 6 locked.
    """
    from phr.cli.selecting import select
    from phr.views.missing import missing as find

    chosen = select(kind, since, None, source)
    with workspace(ctx).store() as store:
        found = find(store, since=chosen.since, kinds=chosen.kinds, sources=chosen.sources, grace=grace)
        if json:
            output.emit_json(found.document())
            return
        from phr.cli.missing_lines import missing_lines

        output.emit(missing_lines(found, output.out()))
