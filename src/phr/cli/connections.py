"""`phr connections`: what is connected, under which name, how often it is asked."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Connection, Json, PhrCommand, group
from phr.cli.status import attention_lines, connection_table
from phr.cli.text import clean, table, when
from phr.errors import UsageError, typed

app = group()


class OnOff(StrEnum):
    """A switch."""

    ON = "on"
    OFF = "off"


@app.callback(invoke_without_command=True)
def connections(ctx: typer.Context, json: Json = False) -> None:
    """List connections and their state: active, expired, revoked or error; rename and set them; what each can do.

    \b
    phr connections
    phr connections set clinic --every 6h
    phr connections capabilities clinic

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx, json=json)


@app.command("list", cls=PhrCommand)
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List connections and their state.

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    _list(ctx, json=json)


def _list(ctx: typer.Context, *, json: bool) -> None:
    from phr.views.status import connections as listed

    here = workspace(ctx)
    if not here.paths.records(here.user).exists():
        found: list[dict[str, Any]] = []
    else:
        with here.store() as store:
            found = listed(store, here.idle_hours)
    if json:
        output.emit_json({"connections": found})
    elif not found:
        output.talk("No connection yet: phr connect PROVIDER. Find yours: phr providers search TEXT")
    else:
        view = output.out()
        output.emit(connection_table(found, view))
        output.emit(attention_lines(found, view))


@app.command("show", cls=PhrCommand)
def show(ctx: typer.Context, name: Connection, json: Json = False) -> None:
    """Everything about one connection, without its secrets.

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no such connection), 6 locked.
    """
    from phr.views.status import connections as listed

    with (here := workspace(ctx)).store() as store:
        store.connections.get(name)
        found = next(one for one in listed(store, here.idle_hours) if one["name"] == name)
    if json:
        output.emit_json(found)
        return
    times = ("connected", "last_sync", "next_due", "token_expires", "sign_in_before")
    for key, value in found.items():
        if key in ("sign_in_soon", "renewed_by_sync", "stale", "skipped", "queued"):
            continue
        if key == "running" and value:
            value = f"job {value['id']}"
        if key in times:
            value = when(value) if value else None
        elif key == "refused":
            value = ", ".join(f"{one['type']} ({one['reason']})" for one in value)
        elif isinstance(value, list):
            value = ", ".join(map(str, value)) if all(isinstance(one, str) for one in value) else len(value)
        if value not in (None, "", []):
            output.emit([f"{key.replace('_', ' '):<16}{clean(value)}"])


@app.command("capabilities", cls=PhrCommand)
def capabilities(ctx: typer.Context, name: Connection, json: Json = False) -> None:
    """Ask a provider what it can do, and lay beside it what your sign-in allows.

    For each resource type: whether it can be searched for a patient, whether it was granted, whether only what
    changed can be asked for (_lastUpdated), and which parameters its searches need. Then bulk export, $everything,
    writing, and the rate limit that is known.

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no such connection), 6 locked.
    """
    found = workspace(ctx).capabilities(name)
    if json:
        output.emit_json(found.document())
        return
    rows = [
        (
            one.type,
            _yes(one.searchable),
            _yes(one.granted),
            _yes(one.last_updated),
            ", ".join(one.required),
        )
        for one in found.types
    ]
    view = output.out()
    if not found.declared:
        output.talk("The server does not say what it can do; this is what its vendor is known for.")
    output.emit(table(rows, ("TYPE", "SEARCH", "GRANTED", "SINCE", "NEEDS"), view, wide=4))
    limits = found.rate_limit or {}
    words = [f"{number:,} {what.replace('_', ' ')}" for what, number in limits.items()]
    output.emit(
        [
            "",
            f"Bulk export:  {clean(found.bulk or 'no')}",
            f"$everything:  {_yes(found.everything)}",
            f"Writing:      {clean(', '.join(found.write) or 'no')}",
            f"Rate limit:   {', '.join(words) or 'none known'}",
        ]
    )


def _yes(value: bool | None) -> str:
    """`?` where only asking shows."""
    return "?" if value is None else "yes" if value else "no"


@app.command("rename", cls=PhrCommand)
def rename(
    ctx: typer.Context,
    name: Connection,
    new_name: Annotated[str, typer.Argument(metavar="M", help="Its new name.")],
) -> None:
    """Give a connection another name. Its records are named after it too.

    Exit statuses: 0 fine, 1 failed, 2 usage, 5 another run holds the lock, 6 locked.
    """
    wanted = check_name(new_name)
    with (here := workspace(ctx)).lock(), here.store() as store:
        found = store.connections.get(name)
        if wanted != name and any(source.name == wanted for source in store.sources.all()):
            raise UsageError(f"{wanted} is already the name of another source.", hint="Choose another name.")
        store.connections.save(replace(found, name=wanted))
        store.audit.note("rename", f"{name} to {wanted}")
    output.talk(f"{name} is now called {wanted}.")


@app.command("set", cls=PhrCommand)
def set_(
    ctx: typer.Context,
    name: Connection,
    every: Annotated[
        str | None, typer.Option("--every", help="How often phr sync --due asks: 1h to 7d.", metavar="6h")
    ] = None,
    auto: Annotated[OnOff | None, typer.Option("--auto", help="Whether phr sync --due asks at all.")] = None,
) -> None:
    """Set how often phr sync --due asks a connection.

    Exit statuses: 0 fine, 1 failed, 2 usage, 5 another run holds the lock, 6 locked.
    """
    if every is None and auto is None:
        raise UsageError(
            "There is nothing to set.",
            hint=f"Say --every 6h, or --auto off: phr connections set {typed(name)} --every 6h",
        )
    hours = _hours(every) if every else None
    with (here := workspace(ctx)).lock(), here.store() as store:
        found = store.connections.get(name)
        changed = replace(
            found,
            every_hours=hours or found.every_hours,
            auto_sync=found.auto_sync if auto is None else auto is OnOff.ON,
        )
        store.connections.save(changed)
        store.audit.note(
            "set", f"{name} every {changed.every_hours}h auto {'on' if changed.auto_sync else 'off'}"
        )
    output.talk(
        f"{name}: {'every ' + str(changed.every_hours) + ' h' if changed.auto_sync else 'only by hand'}."
    )


def _hours(text: str) -> int:
    from phr.settings import duration

    try:
        seconds = duration(text)
    except ValueError:
        seconds = 0
    if not 3600 <= seconds <= 7 * 86400 or seconds % 3600:
        raise UsageError(
            f"--every {text} is not between an hour and a week.", hint="Write 6h, 24h or 7d: whole hours."
        )
    return int(seconds // 3600)


def check_name(name: str) -> str:
    """A name that can be typed again. Raises UsageError."""
    if not name or clean(name) != name or name.startswith("-") or "/" in name or len(name) > 64:
        raise UsageError(
            "A name has 1 to 64 characters, no slash, and does not begin with a dash.",
            hint="Take a short word.",
        )
    return name
