"""`phr vault`: where the keys are, and the recovery key for the day they are lost."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json, PhrCommand, Yes, group
from phr.cli.text import clean, table
from phr.errors import UsageError

app = group(no_args_is_help=False)


@app.callback(invoke_without_command=True)
def vault(ctx: typer.Context, json: Json = False) -> None:
    """Where the key of your record and the tokens of your connections are kept.

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    if ctx.invoked_subcommand is None:
        _status(ctx, json=json)


@app.command("status", cls=PhrCommand)
def status(ctx: typer.Context, json: Json = False) -> None:
    """Which source gives the key, and where tokens are kept. Shows no secret.

    Exit statuses: 0 fine, 2 usage, 6 locked: no source gives a key.
    """
    _status(ctx, json=json)


def _status(ctx: typer.Context, *, json: bool) -> None:
    here = workspace(ctx)
    found = here.vault.status()
    locked = found.source is None or any(one.state == "failed" for one in found.candidates)
    if json:
        output.emit_json({**asdict(found), "locked": locked})
    else:
        output.emit(
            [
                f"Key from:    {clean(found.source or 'nowhere')}",
                f"Tokens in:   {clean(found.tokens or 'nowhere')}",
                "",
                *table(
                    [(one.name, one.state, one.sentence) for one in found.candidates],
                    ("SOURCE", "STATE", ""),
                    output.out(),
                    wide=2,
                ),
            ]
        )
    if locked and here.paths.records(here.user).exists():
        raise typer.Exit(6)


@app.command("recovery-key", cls=PhrCommand)
def recovery_key(ctx: typer.Context, yes: Yes = False, json: Json = False) -> None:
    """Print the key of your record, for paper. Whoever has it can open the record.

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    from phr.vault import recovery

    if output.has_terminal():  # elsewhere nobody can look over a shoulder
        output.confirm(
            "This shows a key that opens your whole record. Nobody should look over your shoulder.", yes=yes
        )
    here = workspace(ctx)
    with here.store() as store:
        printed = recovery.recovery_key(here.vault.record_key())
        store.audit.note("recovery-key")
    if json:
        output.emit_json({"recovery_key": printed})
        return
    groups = printed.split("-")
    output.emit("  ".join(groups[at : at + 7]) for at in range(0, len(groups), 7))
    output.talk("Write it down, keep it where you keep papers that matter. To use it: phr vault recover")


@app.command("recover", cls=PhrCommand)
def recover(
    ctx: typer.Context,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read the recovery key from stdin.")] = False,
) -> None:
    """Open your record again with its recovery key.

    The key is then kept where it should be. Set a source for it first (phr vault status). Tokens are not
    brought back: phr reconnect N.

    Exit statuses: 0 fine, 1 failed, 2 usage (also: a mistyped key), 6 locked: it is not the key of this record.
    """
    from phr.store.store import Store
    from phr.vault import recovery

    piped = stdin or not output.has_terminal()
    if not piped:
        output.ask("Recovery key (dashes, spaces and capitals do not matter): ")
    typed = sys.stdin.read() if piped else sys.stdin.readline()
    if not typed.strip():
        raise UsageError(
            "The recovery key is needed, and nobody can be asked here.",
            hint="Pipe it in: phr vault recover < FILE",
        )
    key = recovery.parse(typed)
    here = workspace(ctx)
    with here.lock(), Store(here.paths.records(here.user), key) as store:
        here.vault.restore_key(key, replace_unreadable=True)
        store.audit.note("recover")
    output.talk(
        "The record opens again. Sign in again at each provider: phr connections, then phr reconnect N"
    )


@app.command("rotate", cls=PhrCommand)
def rotate(ctx: typer.Context, yes: Yes = False) -> None:
    """Encrypt the record anew with a new key: the old one, and its recovery key, open nothing any more.

    Backups that were made before keep opening with their own passphrase.

    Exit statuses: 0 fine, 1 failed, 2 usage, 5 another run holds the lock, 6 locked.
    """
    here = workspace(ctx)
    output.confirm(
        "Make a new key for this record? The recovery key that you wrote down will be void.", yes=yes
    )
    here.rotate_key()
    output.talk("The record has a new key. Write down the new recovery key: phr vault recovery-key")
