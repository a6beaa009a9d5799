"""`phr sync`: bring connections up to date, and say in words what changed."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Connections, DryRun, Json, Quiet
from phr.cli.text import Screen, clean, count, screen, size, table, when, wrapped
from phr.cli.types import complete_types, resource_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phr.model import SyncRun
    from phr.workspace import Workspace
    from phr.workspace.sync import SyncReport, SyncWish


def sync(
    ctx: typer.Context,
    names: Connections = None,
    full: Annotated[
        bool, typer.Option("--full", help="Ask for everything again; today every sync does.")
    ] = False,
    type_: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            "-t",
            envvar="PHR_SYNC_TYPE",
            help="Only this resource type; may be repeated.",
            autocompletion=complete_types,
            metavar="T",
        ),
    ] = None,
    no_documents: Annotated[
        bool, typer.Option("--no-documents", help="Leave the bytes of documents where they are.")
    ] = False,
    due: Annotated[
        bool, typer.Option("--due", help="Only those whose interval has passed: the form for cron.")
    ] = False,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Bring connections up to date: all, or those named.

    A record that a provider no longer sends stays here. One connection that fails does not stop the others.

    \b
    phr sync
    phr sync --due --quiet        (in a crontab, every hour)

    Exit statuses: 0 fine, also when what a server is known to refuse was skipped and named; 1 failed; 2 usage;
    3 partly done, the rest is kept; 4 every selected connection asks for a new sign-in; 5 another run holds the
    lock; 6 locked; 130 interrupted.
    """
    from phr.workspace.sync import SyncWish

    output.hush(quiet)
    wish = SyncWish(
        names=tuple(names or ()),
        types=tuple(dict.fromkeys(resource_type(one) for one in type_ or ())),
        documents=not no_documents,
        due=due,
        trigger="schedule" if due else "manual",
    )
    here = workspace(ctx)
    if dry_run:
        _plan(here, wish, json=json)
        return
    report = run_sync(here, wish, quiet=quiet or json)
    if json:
        output.emit_json(run_document(report))
    elif not quiet:
        output.emit(report_lines(report, output.out()))
    if report.exit_status and (quiet or json):
        troubled = replace(report, runs=tuple(run for run in report.runs if run.exit_status))
        output.hush(False)
        output.talk_lines(report_lines(troubled, screen(sys.stderr)))
    for name, ends in () if quiet else report.sign_in_soon:
        output.talk(f"{clean(name)}: sign in again before {when(ends)}: phr reconnect {clean(name)}")
    if report.exit_status:
        raise typer.Exit(report.exit_status)


def run_sync(here: Workspace, wish: SyncWish, *, quiet: bool) -> SyncReport:
    """Run it, with moving progress where somebody looks at a terminal."""
    if quiet or not sys.stderr.isatty():
        return here.sync(wish)
    from phr.cli.progress import SyncProgress

    with SyncProgress() as moving:
        return here.sync(replace(wish, progress=moving.note))


def run_document(report: SyncReport) -> dict[str, Any]:
    """The report as `phr sync --json` prints it; the bytes of skipped resources are not in it."""
    return {"status": report.status, "runs": [_run(run) for run in report.runs]}


def _run(run: SyncRun) -> dict[str, Any]:
    plain = asdict(replace(run, skipped=()))
    plain.pop("exit_status")
    plain["skipped"] = [
        {
            "type": one.type,
            "id": one.id,
            "reason": one.reason,
            "http_status": one.http_status,
            "known": one.known,
        }
        for one in run.skipped
    ]
    return plain


def report_lines(report: SyncReport, view: Screen) -> Iterator[str]:
    """Each run in a few lines of words."""
    if not report.runs:
        yield "Nothing is due."
    for run in report.runs:
        yield from _run_lines(run, view)


def _run_lines(run: SyncRun, view: Screen) -> Iterator[str]:
    totals = {
        name: sum(getattr(one, name) for one in run.types.values())
        for name in ("new", "updated", "unchanged", "gone")
    }
    words = [f"{number:,} {name}" for name, number in totals.items() if number or name == "new"]
    mark, colour = {0: ("✓", "green"), 3: ("!", "yellow")}.get(run.exit_status, ("✗", "alarm"))
    head = view.paint(view.spell(mark), colour)
    if run.status == "failed" and not run.types:
        yield f"{head} {clean(run.connection)}: {clean(run.error)}"
    else:
        yield f"{head} {clean(run.connection)}: {', '.join(words)} ({run.seconds:.1f} s)"
        if run.error:
            yield f"  {clean(run.error)}"
    if run.exit_status == 4:
        yield f"  Sign in again: phr reconnect {clean(run.connection)}"
    elif run.exit_status == 1:
        yield f"  What is here stays. Try again later: phr sync {clean(run.connection)}"
    new, failed = run.documents.get("new", 0), run.documents.get("failed", 0)
    if new or failed:
        trouble = f", {failed} not to be had" if failed else ""
        yield f"  Documents: {count(new, 'new one', 'new ones')}, {size(run.documents.get('bytes', 0))}{trouble}"
    yield from _skipped(run, view)


def _skipped(run: SyncRun, view: Screen) -> Iterator[str]:
    """What was skipped, by reason; a type that was met several times is counted."""
    reasons: dict[str, dict[str, int]] = {}
    for one in run.skipped:
        types = reasons.setdefault(clean(one.reason), {})
        types[clean(one.type)] = types.get(clean(one.type), 0) + 1
    for reason, types in reasons.items():
        named = ", ".join(name if number == 1 else f"{name} ({number})" for name, number in types.items())
        yield from wrapped(f"Skipped: {reason.rstrip('.')}: {named}", view)


def _plan(here: Workspace, wish: SyncWish, *, json: bool) -> None:
    """Which connections would be asked; nobody is asked."""
    from phr.workspace.sync import chosen

    with here.store() as store:
        found = chosen(store, wish)
    if json:
        runs = [
            {"connection": one.name, "last_sync": one.last_sync, "types": list(wish.types)} for one in found
        ]
        output.emit_json({"status": "completed", "dry_run": True, "runs": runs})
    elif found:
        rows = [(one.name, one.organisation, when(one.last_sync)) for one in found]
        output.talk("Would ask, and has asked nobody:")
        output.emit(table(rows, ("CONNECTION", "AT", "LAST SYNC"), output.out(), wide=1))
    else:
        output.talk("Nothing is due.")
