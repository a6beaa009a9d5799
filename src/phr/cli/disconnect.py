"""`phr disconnect`: end a connection; its records stay unless the person says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import DryRun, Json, Yes, complete_connections
from phr.cli.text import count
from phr.errors import UsageError, typed

if TYPE_CHECKING:
    from phr.workspace.leave import Disconnected


def disconnect(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(help="The connection to end.", autocompletion=complete_connections, metavar="N"),
    ] = None,
    every_one: Annotated[
        bool, typer.Option("--all", help="End all of them.", allow_from_autoenv=False)
    ] = False,
    purge: Annotated[
        bool,
        typer.Option(
            "--purge", help="Also remove every record that came this way.", allow_from_autoenv=False
        ),
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """End a connection: revoke the sign-in where the provider can, and forget its secrets and keys.

    The records stay, unless you say --purge. A provider that is gone keeps nobody from leaving. To sign in again
    later: phr reconnect N.

    \b
    phr disconnect clinic
    phr disconnect --all --purge --yes

    Exit statuses: 0 fine, 1 failed, 2 usage, 5 another run holds the lock, 6 locked.
    """
    if name is not None and every_one:
        raise UsageError(
            "Give a name or --all, not both.", hint=f"Only this one: phr disconnect {typed(name)}"
        )
    if name is None and not every_one:
        raise UsageError(
            "Which connection?", hint="Give one name, or --all. See which there are: phr connections"
        )
    here = workspace(ctx)
    with here.store() as store:
        if name:
            names = [store.connections.get(name).name]
        else:
            names = [one.name for one in store.connections.all() if purge or one.state != "revoked"]
        counts = {one: store.sources.resources(one) for one in names}
    listed = ", ".join(names) or "nothing"
    if dry_run:
        what = (
            f"; {count(sum(counts.values()), 'resource')} would be removed"
            if purge
            else "; its records would stay"
        )
        output.talk(f"Would end: {listed}{what}.")
        if json:
            output.emit_json(
                {"dry_run": True, "disconnected": [{"name": one, "resources": counts[one]} for one in names]}
            )
        return
    if purge:
        output.confirm(
            f"This removes {count(sum(counts.values()), 'resource')} of {listed} for good.", yes=yes
        )
    elif every_one:
        output.confirm(f"This ends {listed}. The records stay.", yes=yes)
    done = [here.disconnect(one, purge=purge) for one in names]
    for one in done:
        output.talk(_sentence(one, purged=purge))
    if json:
        output.emit_json(
            {
                "disconnected": [
                    {
                        "name": d.name,
                        "revoked": d.revoked,
                        "unregistered": d.unregistered,
                        "already": d.already,
                        "forgotten": d.forgotten,
                        "records_removed": d.records_removed,
                    }
                    for d in done
                ]
            }
        )


def _sentence(one: Disconnected, *, purged: bool) -> str:
    records = f"{count(one.records_removed, 'resource')} removed." if purged else "Its records stay."
    if one.already and one.readable and one.forgotten:
        return f"{one.name} was already disconnected. {records}"
    portal = "look at the list of apps in the provider's portal"
    if not one.readable:
        return (
            f"{one.name} is disconnected. What was kept of its sign-in is damaged or locked, so nothing could be "
            f"revoked from here: {portal}. {records}"
        )
    revoked = {
        True: "The provider has revoked the sign-in.",
        False: f"The provider did not confirm that the sign-in is revoked: {portal}.",
        None: f"There was nothing that could be revoked from here: {portal}.",
    }[one.revoked]
    if one.unregistered is not None:
        ended = "is gone" if one.unregistered else "may still be listed there"
        revoked += f" The app's own registration {ended}."
    secrets = "its secrets are forgotten" if one.forgotten else "its secrets could not be removed"
    return f"{one.name} is disconnected and {secrets}. {revoked} {records}"
