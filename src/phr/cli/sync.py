"""`phr sync`: bring connections up to date, and say in words what changed."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Connections, DryRun, Json, Quiet
from phr.cli.sync_report import quiet_words, report_lines, run_document
from phr.cli.text import clean, screen, when
from phr.cli.types import (
    bulk_level,
    complete_bulk,
    complete_types,
    past_instant,
    resource_type,
    time_span,
)
from phr.errors import Busy, UsageError, typed

if TYPE_CHECKING:
    from phr.workspace import Workspace
    from phr.workspace.sync import SyncReport, SyncWish

__all__ = ["conclude", "report_lines", "run_document", "run_sync", "sync", "tell"]

Full = Annotated[
    bool,
    typer.Option("--full", help="Ask for everything again, also for what a server is known to refuse."),
]
Changed = Annotated[
    str | None,
    typer.Option("--since", help="Only what changed since then: 2026-03-15, or an instant.", metavar="D"),
]
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--type",
        "-t",
        envvar="PHR_SYNC_TYPE",
        help="Only this resource type; may be repeated.",
        autocompletion=complete_types,
        metavar="T",
    ),
]
NoDocuments = Annotated[
    bool, typer.Option("--no-documents", help="Leave the bytes of documents where they are.")
]
Bulk = Annotated[
    str | None,
    typer.Option(
        "--bulk",
        help="Have the server prepare an export, and fetch it: patient, group:ID or system.",
        autocompletion=complete_bulk,
        metavar="LEVEL",
    ),
]
Due = Annotated[bool, typer.Option("--due", help="Only those whose interval has passed: the form for cron.")]
Priority = Annotated[
    int,
    typer.Option("--priority", help="Before others that wait: the higher, the sooner.", min=-100, max=100),
]
MaxDuration = Annotated[
    str | None,
    typer.Option("--max-duration", help="Stop in good order after this: 90s, 30m, 2h.", metavar="D"),
]


def sync(
    ctx: typer.Context,
    names: Connections = None,
    full: Full = False,
    since: Changed = None,
    type_: Types = None,
    no_documents: NoDocuments = False,
    bulk: Bulk = None,
    due: Due = False,
    priority: Priority = 0,
    max_duration: MaxDuration = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Bring connections up to date: all, or those named, several side by side.

    Where a server can say what changed, only that is asked for, and everything once a month. A record that a
    provider no longer sends stays here. One connection that fails does not stop the others. What was interrupted
    goes on where it was.

    \b
    phr sync
    phr sync clinic --dry-run     (what would be asked, and why)
    phr sync --due --quiet        (in a crontab, every hour)

    Exit statuses: 0 fine, also when what a server is known to refuse was skipped and named; 1 failed; 2 usage;
    3 partly done, the rest is kept; 4 every selected connection asks for a new sign-in; 5 another run holds the
    lock; 6 locked; 130 interrupted.
    """
    from phr.workspace.sync import SyncWish

    if full and since:
        raise UsageError(
            "--full asks for everything, --since only for what changed.", hint="Choose one of the two."
        )
    wish = SyncWish(
        names=tuple(names or ()),
        types=tuple(dict.fromkeys(resource_type(one) for one in type_ or ())),
        documents=not no_documents,
        due=due,
        trigger="schedule" if due else "manual",
        full=full,
        since=past_instant("--since", since) if since else None,
        bulk=bulk_level(bulk) if bulk else None,
        priority=priority,
        max_duration=time_span("--max-duration", max_duration) if max_duration else None,
    )
    output.hush(quiet)
    here = workspace(ctx)
    if dry_run:
        _plan(here, wish, quiet=quiet, json=json)
        return
    try:
        report = run_sync(here, wish, quiet=quiet or json)
    except Busy as error:
        if not (due and quiet):
            raise
        # The hourly run meets a long one: nothing is wrong, and cron would mail every word of it.
        if json:
            output.emit_json(
                {"error": {"message": error.message, "hint": error.hint, "status": error.exit_status}}
            )
        raise typer.Exit(error.exit_status) from None
    conclude(here, report, quiet=quiet, json=json, names=wish.names)


def conclude(
    here: Workspace, report: SyncReport, *, quiet: bool, json: bool, names: tuple[str, ...] = ()
) -> None:
    """Say how it went, then carry out the hooks. Ends the command with the exit status of the sync."""
    from phr.cli.hooks import carry_out

    try:
        if report.quiet_until:
            _kept_away(here, names, report, run_document(report), quiet=quiet, json=json)
        else:
            tell(report, quiet=quiet, json=json)
    finally:
        carry_out(here, report)


def run_sync(here: Workspace, wish: SyncWish, *, quiet: bool) -> SyncReport:
    """Run it, with moving progress where somebody looks at a terminal."""
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return here.sync(wish)
    from phr.cli.progress import SyncProgress

    with SyncProgress() as moving:
        return here.sync(replace(wish, progress=moving.note))


def _kept_away(
    here: Workspace,
    names: tuple[str, ...],
    report: SyncReport,
    document: dict[str, Any],
    *,
    quiet: bool,
    json: bool,
) -> None:
    """Nobody is asked in quiet hours: until when, and for how many that is. Under `quiet` the record stays shut."""
    from phr.workspace.schedule import quiet as hours

    until = report.quiet_until or ""
    if quiet and not json:
        return
    due = None if quiet else hours.due_then(here, names, until)
    if json:
        output.emit_json({**document, "quiet_until": until, "due_then": due})
    else:
        output.emit([quiet_words(until, due)])


def tell(report: SyncReport, *, quiet: bool, json: bool) -> None:
    """Say how it went; under `quiet` only what went wrong, on stderr. Ends the command with its exit status."""
    if json:
        output.emit_json(run_document(report))
    elif not quiet:
        output.emit(report_lines(report, output.out()))
    if report.exit_status and (quiet or json):
        troubled = replace(report, runs=tuple(run for run in report.runs if run.exit_status), unread=0)
        output.hush(False)
        output.talk_lines(report_lines(troubled, screen(sys.stderr)))
    for name, ends in () if quiet else report.sign_in_soon:
        output.talk(f"{clean(name)}: sign in again before {when(ends)}: phr reconnect {typed(clean(name))}")
    if report.exit_status:
        raise typer.Exit(report.exit_status)


def _plan(here: Workspace, wish: SyncWish, *, quiet: bool, json: bool) -> None:
    """What each connection would be asked; of its records nothing is."""
    from phr.cli.sync_plan import plan_document, plan_lines
    from phr.workspace.schedule import quiet as hours
    from phr.workspace.sync import dry_run

    report = hours.kept_away(here, wish)
    if report is not None:
        _kept_away(here, wish.names, report, plan_document((), wish.types), quiet=quiet, json=json)
        return
    planned = dry_run(here, wish)
    if json:
        output.emit_json(plan_document(planned, wish.types))
    elif not quiet:
        output.emit(plan_lines(planned, output.out()))
    unplanned = sum(not one.searches for one in planned)
    if unplanned:
        raise typer.Exit(1 if unplanned == len(planned) else 3)
