"""`phr schedule`: let syncs happen by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json, PhrCommand, group
from phr.cli.text import clean, count, table, when
from phr.errors import PhrError, UsageError

if TYPE_CHECKING:
    from phr.settings import Hours
    from phr.store.store import Store
    from phr.workspace import Workspace
    from phr.workspace.schedule.base import Plan, Scheduler

app = group()


class By(StrEnum):
    """What starts the runs."""

    SYSTEMD = "systemd"
    LAUNCHD = "launchd"
    SCHTASKS = "schtasks"
    CRON = "cron"


@app.callback(invoke_without_command=True)
def schedule(ctx: typer.Context, json: Json = False) -> None:
    """Let phr sync run by itself: a systemd timer, launchd, the Task Scheduler of Windows, or a crontab line.

    It looks every hour whether something is due, and asks only the connections whose interval (24h) has passed.

    \b
    phr schedule install --every 24h --quiet-hours 08-18
    phr schedule show

    Exit statuses: 0 fine, 1 failed, 2 usage.
    """
    if ctx.invoked_subcommand is None:
        _show(ctx, json=json)


@app.command("install", cls=PhrCommand)
def install(
    ctx: typer.Context,
    every: Annotated[
        str | None,
        typer.Option("--every", help="How often each connection is asked: 1h to 7d.", metavar="24h"),
    ] = None,
    quiet_hours: Annotated[
        str | None,
        typer.Option(
            "--quiet-hours",
            help="When nobody is asked, local time: 08-18, 22-06; or off.",
            metavar="08-18",
        ),
    ] = None,
    by: Annotated[
        By | None, typer.Option("--by", help="What starts it (default: what this system has).")
    ] = None,
    print_: Annotated[
        bool,
        typer.Option(
            "--print",
            envvar="PHR_SCHEDULE_INSTALL_PRINT",
            help="Print what would be installed; change nothing.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Have phr sync --due look every hour whether something is due; installing again replaces what was there.

    With --every the interval of all connections is set, and that of those to come. Quiet hours keep away from the
    servers' busy time; they are kept in config.toml. No secret is written anywhere.

    Exit statuses: 0 fine; 1 failed; 2 usage; 5 another run holds the lock, so --every is not set; 6 locked.
    """
    from phr.workspace import schedule as scheduling

    hours, quiet = _hours(every), _quiet(quiet_hours)
    here = workspace(ctx)
    plan = _plan(here)
    chosen = scheduling.scheduler(plan, by or (By.CRON if print_ and not _answers(plan) else None))
    if print_:
        _print(plan, chosen, json=json)
        kept = {
            "interval": f"{hours}h" if hours else None,
            "quiet_hours": quiet_hours and str(quiet or "off"),
        }
        for key, value in kept.items():
            if value:
                output.talk(f'In {here.paths.config_file}, under [sync]: {key} = "{value}"')
        return
    with _opened(here) if hours else nullcontext() as store:  # what can fail comes before anything is written
        scheduling.install(plan, chosen)
        if hours:
            _set_every(here, store, hours)
    if quiet_hours is not None:
        _set(here, "quiet_hours", str(quiet) if quiet else "off")
        sync = replace(here.settings.sync, quiet_hours=quiet)
        here.settings = replace(here.settings, sync=sync)
    _say(here, plan, json=json)
    for words in _left_out(plan, chosen):
        output.talk(words)
    for words in _warnings(here, plan, chosen):
        output.talk(words, style="yellow")


@app.command("remove", cls=PhrCommand)
def remove(ctx: typer.Context, json: Json = False) -> None:
    """Take the schedule away. What phr did not install stays.

    Exit statuses: 0 fine, also when there was none; 1 failed; 2 usage.
    """
    from phr.workspace import schedule as scheduling

    found = scheduling.remove(_plan(workspace(ctx)))
    if json:
        output.emit_json({"removed": list(found)})
    elif found:
        output.talk(f"Removed: {', '.join(map(clean, found))}. Syncs no longer happen by themselves.")
    else:
        output.talk("Nothing was installed.")


@app.command("show", cls=PhrCommand)
def show(ctx: typer.Context, json: Json = False) -> None:
    """What is installed, when it runs next, and which connections are due.

    Exit statuses: 0 fine, also when nothing is installed; 1 failed; 2 usage.
    """
    _show(ctx, json=json)


def _show(ctx: typer.Context, *, json: bool) -> None:
    here = workspace(ctx)
    _say(here, _plan(here), json=json)


def _plan(here: Workspace) -> Plan:
    from phr.cli.cron import program
    from phr.workspace import schedule as scheduling

    return scheduling.planned(here, program())


def _answers(plan: Plan) -> bool:
    """Whether something here starts programs by the clock; what is only printed needs nothing of it."""
    from phr.workspace import schedule as scheduling

    try:
        scheduling.scheduler(plan)
    except PhrError:
        return False
    return True


def _print(plan: Plan, chosen: Scheduler, *, json: bool) -> None:
    pieces = chosen.pieces(plan)
    if json:
        found = [{"where": one.where, "text": one.text} for one in pieces]
        output.emit_json({"by": chosen.name, "pieces": found, "left_out": list(plan.left_out)})
        return
    for one in pieces:
        if len(pieces) > 1:
            output.emit([f"# {clean(one.where)}"])
        output.emit(one.text.splitlines())
    for words in _left_out(plan, chosen):
        output.talk(words)


def _say(here: Workspace, plan: Plan, *, json: bool) -> None:
    from phr.workspace import schedule as scheduling

    found = scheduling.standing(here, plan, datetime.now(UTC))
    if json:
        output.emit_json(found)
        return
    if not found["installed"]:
        output.emit(["Nothing is installed: phr schedule install"])
    else:
        output.emit([f"Installed: {found['by']}, {clean(found['where'])}"])
        output.emit([f"Next run:  {_when(found['next_run'])}"])
    last = found["last_run"]
    output.emit([f"Last run:  {when(last)}"] if last else [])
    output.emit([f"Quiet:     {found['quiet_hours']}"] if found["quiet_hours"] else [])
    if found["locked"]:
        output.talk(f"The record was not looked into: {clean(found['locked'])}")
    if found["connections"]:
        output.emit(
            [
                "",
                *table(
                    [*map(_row, found["connections"])], ("NAME", "EVERY", "LAST SYNC", "NEXT"), output.out()
                ),
            ]
        )


def _when(instant: str | None) -> str:
    return f"about {when(instant)}" if instant else "never: the quiet hours leave no time for it"


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    following = "due" if one["due"] else when(one["next_due"]) if one["next_due"] else "by hand"
    last = when(one["last_sync"]) if one["last_sync"] else "never"
    return (clean(one["name"]), one["every"] if one["auto_sync"] else "by hand", last, following)


# ── what is said, and kept ────────────────────────────────────────────────────────────────────────


def _warnings(here: Workspace, plan: Plan, chosen: Scheduler) -> list[str]:
    from phr.workspace import headless

    trouble = headless.warning(here)
    found = []
    if chosen.name == "systemd" and not _lingers(plan):
        found.append("It runs while you are signed in. To let it run always: loginctl enable-linger")
    if trouble:
        found.append(
            f"Warning: it is installed, but a run by itself would not open the record, so nothing comes. {trouble}"
        )
    return found


def _left_out(plan: Plan, chosen: Scheduler) -> list[str]:
    found = []
    if plan.left_out:
        found.append(
            f"{', '.join(plan.left_out)} may hold a secret and is not written down, so a run by itself goes without. "
            "A passphrase: in a file that PHR_PASSPHRASE_FILE names; a command: credential_command in config.toml."
        )
    if chosen.name == "schtasks" and plan.variables:
        found.append(f"Windows gives a task only variables set for good (setx): {', '.join(plan.variables)}")
    return found


def _lingers(plan: Plan) -> bool:
    """Whether systemd runs this person's units while they are not signed in (loginctl(1))."""
    name = plan.environ.get("USER") or plan.environ.get("LOGNAME") or ""
    return bool(name) and Path("/var/lib/systemd/linger", name).exists()


def _hours(every: str | None) -> int | None:
    from phr.settings import DAY, HOUR, duration

    try:
        seconds = duration(every) if every else HOUR
    except ValueError:
        seconds = 0.0
    if not HOUR <= seconds <= 7 * DAY or seconds % HOUR:
        raise UsageError(
            f"--every {clean(every)[:40]} is not between an hour and a week.",
            hint="Write 6h, 24h or 7d: whole hours.",
        )
    return round(seconds / HOUR) if every else None


def _quiet(text: str | None) -> Hours | None:
    from phr.settings import hours

    try:
        return hours(text) if text is not None else None
    except ValueError as error:
        raise UsageError(
            f"--quiet-hours {clean(text)[:40]} must be {error}.", hint="For example --quiet-hours 08-18"
        ) from None


def _set(here: Workspace, key: str, value: str) -> None:
    from phr.settings import set_sync

    set_sync(here.paths.config_file, key, value)


@contextmanager
def _opened(here: Workspace) -> Iterator[Store | None]:
    """The record for writing, where there is one. Raises Busy, Locked."""
    if not here.paths.records(here.user).exists():
        yield None
        return
    with here.lock(), here.store() as store:
        yield store


def _set_every(here: Workspace, store: Store | None, hours: int) -> None:
    _set(here, "interval", f"{hours}h")
    here.settings = replace(here.settings, sync=replace(here.settings.sync, interval=hours * 3600.0))
    if store is None:
        return
    changed = [one for one in store.connections.all() if one.every_hours != hours]
    for one in changed:
        store.connections.save(replace(one, every_hours=hours))
    if changed:
        store.audit.note("set", f"{count(len(changed), 'connection')} every {hours}h")
