"""`phr jobs`: the runs of the past, those that are under way, and what can be done about them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import further, workspace
from phr.cli.job_lines import job_lines, job_table
from phr.cli.options import Json, PhrCommand, Quiet, complete_connections, group
from phr.errors import PhrError

if TYPE_CHECKING:
    from phr.model import SyncRun
    from phr.store.store import Store
    from phr.workspace import Workspace
    from phr.workspace.sync import SyncWish

app = group(no_args_is_help=False)
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.", metavar="N")]
After = Annotated[
    str | None, typer.Option("--after", help="Go on after this cursor: the last ID seen.", metavar="CURSOR")
]
Of = Annotated[
    str | None,
    typer.Option("--connection", help="Only of this one.", metavar="N", autocompletion=complete_connections),
]
Id = Annotated[str, typer.Argument(help="The number of a job: phr jobs", metavar="ID")]
_CONFIRM_SECONDS = 5.0


class Status(StrEnum):
    """How a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


Of_status = Annotated[Status | None, typer.Option("--status", help="Only those that stand so.")]


@app.callback(invoke_without_command=True)
def jobs(
    ctx: typer.Context,
    limit: Limit = 20,
    after: After = None,
    connection: Of = None,
    status: Of_status = None,
    json: Json = False,
) -> None:
    """List jobs: when, what changed, how long it took, what failed; watch, stop and repeat them.

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx, limit, connection, status=status, after=after, json=json)


@app.command("list", cls=PhrCommand)
def list_(
    ctx: typer.Context,
    limit: Limit = 20,
    after: After = None,
    connection: Of = None,
    status: Of_status = None,
    json: Json = False,
) -> None:
    """List jobs, the newest first.

    Every job is kept. What a job skipped is kept for the last 200 of each source.

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    _list(ctx, limit, connection, status=status, after=after, json=json)


def _list(
    ctx: typer.Context,
    limit: int = 20,
    connection: str | None = None,
    *,
    status: str | None = None,
    after: str | None = None,
    json: bool,
) -> None:
    from phr.views.jobs import jobs as listed

    with (here := workspace(ctx)).store() as store:
        if connection is not None and all(one.name != connection for one in store.sources.all()):
            store.connections.get(connection)  # says which there are
        settle(here, store)
        found = listed(store, connection, status=status and str(status), limit=limit, after=after)
    if json:
        output.emit_json(found)
        return
    fits = "No job fits." if after or status or connection else "No job yet: phr sync"
    output.emit(job_table(found["jobs"], output.out()) if found["jobs"] else [fits])
    if found.get("next"):
        output.emit(["", output.out().paint(f"Older: {further(ctx, found['next'])}", "dim")])


@app.command("show", cls=PhrCommand)
def show(ctx: typer.Context, job: Id, json: Json = False) -> None:
    """Everything about one job: counts by type, errors, what was skipped and why.

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no such job), 6 locked.
    """
    from phr.views.jobs import whole

    with (here := workspace(ctx)).store() as store:
        settle(here, store)
        found = whole(store, job)
    if json:
        output.emit_json(found)
    else:
        output.emit(job_lines(found, output.out()))


@app.command("watch", cls=PhrCommand)
def watch(
    ctx: typer.Context,
    job: Annotated[str | None, typer.Argument(help="Only this job: phr jobs", metavar="[ID]")] = None,
    json: Json = False,
) -> None:
    """Look on until the jobs under way, or the one named, have ended. Ctrl-C stops looking, not the job.

    On a terminal in a moving line, else a line for each change. With --json: one document when they have ended.

    Exit statuses: 0 they have ended, or nothing runs; 1 failed; 2 usage (also: no such job); 6 locked;
    130 interrupted.
    """
    from phr.cli.watching import Watch

    with (here := workspace(ctx)).store() as store:
        wanted = None if job is None else store.runs.get(job).job_id
        ended = Watch(store, lambda: settle(here, store), wanted, silent=json).until_the_end()
    if json:
        output.emit_json({"jobs": ended})
    elif not ended:
        output.talk("Nothing runs.")
    else:
        output.emit(job_table(ended, output.out()))


@app.command("cancel", cls=PhrCommand)
def cancel(ctx: typer.Context, job: Id, json: Json = False) -> None:
    """Ask a job to stop in good order. What it brought is kept; the next sync goes on from there.

    An export that a server still prepares for a job that ended is called off there.

    Exit statuses: 0 it has stopped, or was asked to; 1 failed (also: it had ended before); 2 usage (also: no
    such job); 5 the record is being written; 6 locked.
    """
    from phr.cli.watching import wait_for

    with (here := workspace(ctx)).store() as store:
        found = store.runs.get(job)
        settle(here, store)
        gone = found.status in ("queued", "running") and store.runs.get(job).status == "cancelled"
        asked = not gone and store.runs.cancel(int(found.job_id))
        if asked:
            output.talk(f"Job {found.job_id} was asked to stop.")
            wait_for(lambda: bool(store.runs.get(job).finished), _CONFIRM_SECONDS)
            settle(here, store)
        now = store.runs.get(job)
    called_off = not asked and now.mode == "bulk" and _call_off(here, now.connection)
    if not (asked or gone or called_off):
        raise PhrError(
            f"Job {now.job_id} has ended already: {now.status}.",
            hint="See what runs: phr jobs list --status running",
        )
    if json:
        output.emit_json({"id": now.job_id, "status": now.status, "asked": asked, "export_ended": called_off})
    elif called_off:
        output.talk("The export that the server prepared for it was called off.")
    elif now.finished:
        output.talk(
            f"Job {now.job_id} had stopped without saying so." if gone else f"Job {now.job_id} stopped."
        )
    else:
        output.talk(f"It has not stopped yet. Look on: phr jobs watch {now.job_id}")


def _call_off(here: Workspace, connection: str) -> bool:
    """End a bulk export at the server that nobody fetches any more; answers whether there was one."""
    from phr.workspace.exports import call_off

    return call_off(here, connection)


@app.command("retry", cls=PhrCommand)
def retry(ctx: typer.Context, job: Id, quiet: Quiet = False, json: Json = False) -> None:
    """Do a job again that has ended: the same connection, the same wishes.

    Exit statuses: those of phr sync; 1 also when the job still runs or was an import; 2 also for no such job.
    """
    from phr.cli.sync import conclude, run_sync

    output.hush(quiet)
    with (here := workspace(ctx)).store() as store:
        settle(here, store)
        found = store.runs.get(job)
        kept, connected = store.runs.wish(job), {one.name for one in store.connections.all()}
    if found.status in ("queued", "running"):
        raise PhrError(
            f"Job {found.job_id} is {'waiting' if found.status == 'queued' else 'at work'} still.",
            hint=f"Look on: phr jobs watch {found.job_id}. Stop it first: phr jobs cancel {found.job_id}",
        )
    if found.mode == "file" or found.connection not in connected:
        raise PhrError(
            f"Job {found.job_id} took in a file, which phr has not kept.",
            hint="Take it in again: phr import FILE",
        )
    if found.mode == "documents":
        raise PhrError(
            f"Job {found.job_id} fetched documents.", hint="Fetch them again: phr documents fetch --failed"
        )
    wish = _again(found, kept)
    conclude(here, run_sync(here, wish, quiet=quiet or json), quiet=quiet, json=json)


def _again(job: SyncRun, kept: dict[str, Any]) -> SyncWish:
    """The wish of a job, for one more attempt. One without a kept wish asks for what every sync asks for."""
    from phr.workspace.sync import SyncWish

    kinds = {"documents": bool, "full": bool, "since": str, "bulk": str}
    again = {name: kept[name] for name, kind in kinds.items() if isinstance(kept.get(name), kind)}
    return SyncWish(
        names=(job.connection,),
        types=tuple(one for one in kept.get("types") or () if isinstance(one, str)),
        trigger="retry",
        priority=job.priority,
        retry_of=job.job_id,
        **again,
    )


def settle(here: Workspace, store: Store) -> None:
    """Close jobs that no process works at any more, so that nothing is shown as running that is dead.

    Whoever works holds the lock. It is only tried when some job seems open; a record that cannot be written stays.
    """
    if not any(store.runs.recent(limit=1, status=status) for status in ("running", "queued")):
        return
    try:
        with here.lock():
            store.runs.abandon()
    except (PhrError, OSError):
        return  # Busy: somebody is at work
    except Exception as error:
        if type(error).__name__ != "OperationalError":  # of SQLite: the file cannot be written by this person
            raise
