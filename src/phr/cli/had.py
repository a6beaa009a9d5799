"""`phr had`: have I had this? When, where, and where is the report?"""

from __future__ import annotations

from typing import Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json
from phr.cli.selecting import Since


def had(
    ctx: typer.Context,
    text: Annotated[
        list[str], typer.Argument(help="What you may have had, as you would say it.", metavar="TEXT...")
    ],
    since: Since = None,
    json: Json = False,
) -> None:
    """Have I had this? Every time with its day, place and report, before it is done again.

    Understands examinations with their part of the body and side, operations, laboratory tests and panels, vaccines,
    medicines and illnesses. What was only ordered, planned or cancelled is told apart; what is near is named as near.

    \b
    phr had chest ct
    phr had tetanus shot
    phr had "left knee mri" --since 2020
    phr had lipid panel --json

    Exit statuses: 0 fine (also: no record of it), 1 failed, 2 usage, 6 locked.
    """
    from phr.views.had import had as find

    with workspace(ctx).store() as store:
        answer = find(store, " ".join(text), since=since)
        if json:
            output.emit_json(answer.document())
            return
        from phr.cli.had_lines import had_lines

        output.emit(had_lines(answer, output.out()))
