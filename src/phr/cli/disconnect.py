"""`phr disconnect`: end a connection; its records stay unless the person says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import DryRun, Json, Yes, complete_connections
from phr.cli.text import count
from phr.errors import UsageError

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
    if (name is None) is not every_one:
        raise UsageError(
            "Which connection?", hint="Give one name, or --all. See which there are: phr connections"
        )
    here = workspace(ctx)
    with here.store() as store:
        if name:
            names = [store.connections.get(name).name]
        else:
            names = [one.name for one in store.connections.all() if purge or one.state != "revoked"]
        counts = {one: _resources(store.db, one) for one in names}
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
                        "records_removed": d.records_removed,
                    }
                    for d in done
                ]
            }
        )


def _resources(db: object, name: str) -> int:
    rows = db.execute(  # type: ignore[attr-defined]
        "SELECT count(*) FROM resource r JOIN source s ON s.id = r.source_id WHERE s.name = ?", (name,)
    )
    return int(rows.fetchone()[0])


def _sentence(one: Disconnected, *, purged: bool) -> str:
    revoked = {
        True: "The provider has revoked the sign-in.",
        False: "The provider did not confirm that the sign-in is revoked: look at the list of apps in its portal.",
        None: "There was nothing that could be revoked from here: look at the list of apps in its portal.",
    }[one.revoked]
    if one.unregistered is not None:
        ended = "is gone" if one.unregistered else "may still be listed there"
        revoked += f" The app's own registration {ended}."
    records = f"{count(one.records_removed, 'resource')} removed." if purged else "Its records stay."
    return f"{one.name} is disconnected and its secrets are forgotten. {revoked} {records}"
