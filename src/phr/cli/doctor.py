"""`phr doctor`: check that all is well, and say the mend of what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json
from phr.cli.text import clean, count
from phr.errors import UsageError, typed

if TYPE_CHECKING:
    from phr.cli.checks import Check
    from phr.workspace import Workspace


def doctor(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="With --network: connections or providers to look at (default: every connection).",
            metavar="[NAME]...",
        ),
    ] = None,
    network: Annotated[
        bool,
        typer.Option("--network", help="Ask the providers: address, clock, sign-in page, scopes, sign-in."),
    ] = False,
    as_cron: Annotated[
        bool,
        typer.Option(
            "--as-cron", help="Try, as cron would tonight, to open the record and find each sign-in."
        ),
    ] = False,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            "--rebuild",
            help="Read every record again from what the sources sent.",
            allow_from_autoenv=False,
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Check versions, folders, keys, the record, its log and the clock. Each failing check says the mend.

    Without --network nobody is asked. With --network or --as-cron only what they are for is checked.
    --network signs in nowhere, but renews a sign-in whose time is over, as a sync would.
    --as-cron starts a process without terminal, desktop and this shell's variables, and prints the line for the
    crontab. --repair reads every record again from the resources as they were sent, which stay untouched.

    Exit statuses: 0 all is well, 1 a check failed, 2 usage, 5 another run holds the lock, 6 locked.
    """
    if names and not network:
        raise UsageError(
            "Names are for --network.", hint=f"phr doctor --network {' '.join(map(typed, names))}"
        )
    here = workspace(ctx)
    if repair:
        with here.lock(), here.store() as store:
            number = store.rebuild()
            store.audit.note("repair", f"{number} records")
        output.talk(f"Read {count(number, 'record')} again.")
    checks: list[Check] = []
    if as_cron:
        from phr.cli.cron import as_cron as tonight

        checks += tonight(here)
    if network:
        checks += _of_network(here, names or [])
    if not (as_cron or network):
        from phr.cli.checks import examine

        checks = examine(here)
    _say(checks, json=json)


def _of_network(here: Workspace, names: list[str]) -> list[Check]:
    from phr.cli.checks import Check, hooks
    from phr.workspace.probe import probe

    found = [
        Check(f"{one.name}: {step.name}", step.ok, step.detail, step.mend, warning=step.ok)
        for one in probe(here, names)
        for step in one.findings
    ]
    found += [] if names else hooks(here, network=True)
    nobody = "Nothing is connected yet, so there is nobody to ask. Before connecting: phr doctor --network PROVIDER"
    return found or [Check("network", True, nobody)]


def _say(checks: list[Check], *, json: bool) -> None:
    well = all(check.ok for check in checks)
    if json:
        shown = [
            {
                "name": one.name,
                "ok": one.ok,
                "detail": one.detail,
                "mend": one.mend if _is_news(one) else None,
            }
            for one in checks
        ]
        output.emit_json({"ok": well, "checks": shown})
    else:
        view = output.out()
        wide = max([10, *(len(clean(one.name)) for one in checks)])
        for one in checks:
            mark = view.paint(view.spell("✓" if one.ok else "✗"), "green" if one.ok else "alarm")
            output.emit([f"{mark} {clean(one.name):<{wide}} {clean(one.detail)}"])
            if one.mend and _is_news(one):
                output.emit([f"{' ' * (wide + 3)}{clean(one.mend)}"])
    if not well:
        raise typer.Exit(1)


def _is_news(check: Check) -> bool:
    """Whether the mend is to be told: of what is not well, and of a warning."""
    return not check.ok or check.warning
