"""`phr backup` and `phr restore`: everything in one sealed file, and back again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import DryRun, Json, Yes
from phr.cli.text import count, size, when
from phr.errors import UsageError

VARIABLE = "PHR_BACKUP_PASSPHRASE"
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        envvar=VARIABLE + "_FILE",
        help="A file with the passphrase on one line.",
        metavar="FILE",
    ),
]


def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to write it.", metavar="FILE")],
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Write your whole record into one file, sealed with a passphrase, and read it back to be sure.

    Inside: every resource, every record, the documents, and the key of the record. Not inside: the tokens of
    your connections; after a restore, sign in again. The passphrase is asked for twice on a terminal, or
    comes from --passphrase-file, PHR_BACKUP_PASSPHRASE(_FILE), or else from PHR_PASSPHRASE(_FILE). Without it nobody
    can open the file: not you either.

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no passphrase), 6 locked.
    """
    here = workspace(ctx)
    if not here.paths.records(here.user).exists():
        here.store()  # says that there is no record yet
    passphrase = output.new_passphrase(passphrase_file, VARIABLE, "the backup")
    done = here.backup(file, passphrase)
    output.talk(
        f"Sealed {count(done.resources, 'resource')} into {done.path} ({size(done.bytes)}), and read it back."
    )
    output.talk("Inside: the whole record and its key. Not inside: the tokens of your connections.")
    if json:
        output.emit_json(
            {"path": str(Path(done.path).absolute()), "bytes": done.bytes, "resources": done.resources}
        )


def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that phr backup wrote.", metavar="FILE")],
    passphrase_file: PassphraseFile = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Take the place of the record here, which is put aside.",
            allow_from_autoenv=False,
        ),
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Bring a backup back. A record that is here already is put aside, never overwritten.

    Afterwards sign in again at each provider: phr reconnect N.

    Exit statuses: 0 fine, 1 failed, 2 usage, 5 another run holds the lock, 6 locked (also: wrong passphrase).
    """
    here = workspace(ctx)
    if not file.is_file():
        raise UsageError(f"There is no file {file}.", hint="Give the file that phr backup wrote.")
    there = here.paths.records(here.user).exists()
    if there and not dry_run and not replace:
        output.confirm(
            f"{here.user} has a record here already. The backup takes its place; it is put aside.", yes=yes
        )
    passphrase = output.known_passphrase(passphrase_file, VARIABLE, "the backup")
    done = here.restore(file, passphrase, dry_run=dry_run, replace=replace or there)
    would = "Would bring" if done.dry_run else "Brought"
    what = f"{count(done.resources, 'resource')} and {count(done.connections, 'connection')}"
    output.talk(f"{would} back {what}, as of {when(done.created)}.")
    if done.put_aside:
        output.talk(f"What was here before: {done.put_aside}")
    if done.connections and not done.dry_run:
        output.talk("Sign in again at each: phr connections, then phr reconnect N")
    if json:
        output.emit_json(
            {
                "created": done.created,
                "resources": done.resources,
                "connections": done.connections,
                "put_aside": str(done.put_aside) if done.put_aside else None,
                "dry_run": done.dry_run,
            }
        )
