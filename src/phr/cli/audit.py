"""`phr audit`: what was done with the data, and whether the log is whole."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json, PhrCommand, group
from phr.cli.text import table, when
from phr.errors import StoreError

app = group(no_args_is_help=False)
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.", metavar="N")]


@app.callback(invoke_without_command=True)
def audit(ctx: typer.Context, json: Json = False) -> None:
    """What was done with the data: append-only, each line bound to the one before.

    Exit statuses: 0 fine, 1 failed (verify: the log was changed), 2 usage, 6 locked.
    """
    if ctx.invoked_subcommand is None:
        _show(ctx, 100, json=json)


@app.command("show", cls=PhrCommand)
def show(ctx: typer.Context, limit: Limit = 100, json: Json = False) -> None:
    """The events, the newest first.

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    _show(ctx, limit, json=json)


def _show(ctx: typer.Context, limit: int, *, json: bool) -> None:
    with workspace(ctx).store() as store:
        events = store.audit.events(limit)
    if json:
        output.emit_json({"events": [asdict(event) for event in events]})
    else:
        rows = [(when(one.time), one.actor, one.action, one.objects, one.outcome) for one in events]
        output.emit(table(rows, ("TIME", "WHO", "WHAT", "OF", "OUTCOME"), output.out(), wide=3))


@app.command("verify", cls=PhrCommand)
def verify(ctx: typer.Context, json: Json = False) -> None:
    """Whether every line of the log is as it was written.

    Exit statuses: 0 it is, 1 it was changed, or failed; 2 usage; 6 locked.
    """
    with workspace(ctx).store() as store:
        intact = store.audit.intact()
        number = store.db.execute("SELECT count(*) FROM audit_event").fetchone()[0]
    if json:
        output.emit_json({"intact": intact, "events": number})
        if not intact:
            raise typer.Exit(1)
    elif not intact:
        raise StoreError(
            "The log is not as it was written.", hint="Compare with a backup: phr restore FILE --dry-run"
        )
    else:
        output.emit([f"The log is whole: {number:,} events."])
