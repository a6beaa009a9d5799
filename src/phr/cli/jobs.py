"""`phr jobs`: the runs of the past."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json, PhrCommand, complete_connections, group
from phr.cli.text import Screen, clean, size, table, when

if TYPE_CHECKING:
    from phr.model import SyncRun

app = group(no_args_is_help=False)
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.", metavar="N")]
Of = Annotated[
    str | None,
    typer.Option("--connection", help="Only of this one.", metavar="N", autocompletion=complete_connections),
]


@app.callback(invoke_without_command=True)
def jobs(ctx: typer.Context, json: Json = False) -> None:
    """List past runs: when, what changed, how long it took, what failed.

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx, 20, None, json=json)


@app.command("list", cls=PhrCommand)
def list_(ctx: typer.Context, limit: Limit = 20, connection: Of = None, json: Json = False) -> None:
    """List past runs, the newest first.

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    _list(ctx, limit, connection, json=json)


def _list(ctx: typer.Context, limit: int, connection: str | None, *, json: bool) -> None:
    with workspace(ctx).store() as store:
        if connection is not None:
            store.connections.get(connection)
        runs = store.runs.recent(connection, limit)
    if json:
        by_status = Counter(run.status for run in runs)
        output.emit_json({"jobs": [_document(run) for run in runs], "by_status": dict(by_status)})
        return
    output.emit(_lines(runs, output.out()) if runs else ["No run yet: phr sync"])


def _lines(runs: list[SyncRun], view: Screen) -> list[str]:
    rows, roomy = [], view.columns is None or view.columns >= 110
    for run in runs:
        counts = _counts(run)
        row = [run.job_id, run.connection, run.status, when(run.started), f"{run.seconds:.1f}"]
        row += [f"{counts['new']:,}", f"{counts['updated']:,}"]
        rows.append([*row, run.trigger, size(run.bytes), clean(run.error)] if roomy else row)
    heads = [
        "ID",
        "CONNECTION",
        "STATUS",
        "STARTED",
        "SECONDS",
        "NEW",
        "UPDATED",
        "TRIGGER",
        "BYTES",
        "ERROR",
    ]
    return table(rows, heads if roomy else heads[:7], view, wide=9 if roomy else 1)


def _counts(run: SyncRun) -> dict[str, int]:
    names = ("new", "updated", "unchanged", "gone", "failed")
    return {name: sum(getattr(one, name) for one in run.types.values()) for name in names}


def _document(run: SyncRun) -> dict[str, Any]:
    errors = [
        {
            "time": run.finished or run.started,
            "type": one.type,
            "code": one.http_status,
            "message": one.reason,
        }
        for one in run.skipped
        if not one.known
    ]
    if run.error:
        errors.append({"time": run.finished or run.started, "type": None, "code": None, "message": run.error})
    return {
        "id": run.job_id,
        "type": "import" if run.mode == "file" else "sync",
        "direction": "in",
        "connection": run.connection,
        "trigger": run.trigger,
        "status": run.status,
        "mode": run.mode,
        "priority": 0,
        "progress": 1.0 if run.finished else None,
        "attempts": 1,
        "retry_of": None,
        "started": run.started,
        "finished": run.finished or None,
        "seconds": run.seconds,
        "requests": run.requests,
        "counts": _counts(run),
        "bytes": run.bytes,
        "errors": errors,
    }
