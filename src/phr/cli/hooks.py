"""`phr hooks`: what is done after a sync, tried out; and the two secrets it may need, kept."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json, PhrCommand, group
from phr.cli.text import clean, table
from phr.errors import UsageError

if TYPE_CHECKING:
    from phr.workspace import Workspace
    from phr.workspace.sync import SyncReport

app = group()
_WAIT = 30.0
"""Seconds for the first line of standard input."""


class Happening(StrEnum):
    """What a hook can be for."""

    POST_SYNC = "post_sync"
    FAILED = "failed"
    SIGN_IN_SOON = "sign_in_soon"
    NEW_ABNORMAL = "new_abnormal"


class Kept(StrEnum):
    """A secret that hooks need."""

    MAIL_PASSWORD = "mail-password"  # noqa: S105 - its name
    WEBHOOK_SECRET = "webhook-secret"  # noqa: S105 - its name


def carry_out(here: Workspace, report: SyncReport) -> None:
    """Do what the settings want done after a sync. What goes wrong is said, and changes nothing of its exit status."""
    if not here.settings.hooks:
        return
    from phr.cli.sync_report import run_document
    from phr.workspace import hooks

    for sentence in hooks.after(here, report, run_document(report)):
        output.tell(sentence)


@app.callback(invoke_without_command=True)
def hooks(ctx: typer.Context, json: Json = False) -> None:
    """What happens after a sync, as [hooks] in config.toml says: a command, a notice, a mail, a webhook.

    \b
    phr hooks
    phr hooks test failed
    phr hooks keep mail-password

    Exit statuses: 0 fine, 2 usage.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx, json=json)


@app.command("list", cls=PhrCommand)
def list_(ctx: typer.Context, json: Json = False) -> None:
    """The hooks that are set.

    Exit statuses: 0 fine, 2 usage.
    """
    _list(ctx, json=json)


@app.command("test", cls=PhrCommand)
def test(
    ctx: typer.Context,
    event: Annotated[Happening, typer.Argument(help="As if this had happened.", metavar="EVENT")],
    json: Json = False,
) -> None:
    """Carry out the hooks of an event, with an empty report, and say how it went.

    EVENT is post_sync, failed, sign_in_soon or new_abnormal.

    Exit statuses: 0 fine; 1 a hook failed; 2 usage (also: none is set for this event); 6 locked.
    """
    from phr.workspace import hooks as working

    tried = working.rehearse(workspace(ctx), event.value)
    if not tried:
        raise UsageError(
            f"There is no hook for {event.value}.", hint=f"Set one in config.toml: [hooks.{event.value}]"
        )
    if json:
        output.emit_json({"hooks": [{"way": way, "error": sentence} for way, sentence in tried]})
    for way, sentence in tried:
        if sentence:
            output.tell(sentence)
        elif not json:
            output.emit([f"{event.value} ({way}): done"])
    if any(sentence for _, sentence in tried):
        raise typer.Exit(1)


@app.command("keep", cls=PhrCommand)
def keep(
    ctx: typer.Context,
    name: Annotated[Kept, typer.Argument(help="Which secret.", metavar="NAME")],
) -> None:
    """Put the password of the mail server, or the secret that signs webhooks, into the vault.

    NAME is mail-password or webhook-secret. It is asked for, or read from standard input.

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    from phr.workspace.hooks import secrets

    here = workspace(ctx)
    secrets.keep(here, name.value, _asked(name.value.replace("-", " ")))
    output.talk(f"The {name.value.replace('-', ' ')} is kept.")


def _asked(what: str) -> str:
    """A secret, typed unseen, or the first line of standard input. Raises UsageError when there is none."""
    import getpass

    from phr.cli.stdin import line_within

    given = getpass.getpass(f"The {what}: ") if output.has_terminal() else line_within(_WAIT) or ""
    if not given.strip():
        raise UsageError(
            "Nothing was given, so nothing was kept.", hint="Type it, or send it through a pipe."
        )
    return given.rstrip("\r\n")


def _list(ctx: typer.Context, *, json: bool) -> None:
    found = workspace(ctx).settings.hooks
    if json:
        output.emit_json(
            {
                "hooks": [
                    {
                        "event": one.event,
                        "command": one.command,
                        "notify": one.notify,
                        "mail": one.mail,
                        "webhook": one.webhook,
                        "include_values": one.include_values,
                    }
                    for one in found
                ]
            }
        )
    elif not found:
        output.talk("No hook is set. They are in config.toml, under [hooks]: see docs/syncing.md")
    else:
        rows = [
            (
                one.event,
                clean(one.command or one.mail or one.webhook or "notify"),
                "yes" if one.include_values else "no",
            )
            for one in found
        ]
        output.emit(table(rows, ("EVENT", "DOES", "VALUES"), output.out(), wide=1))
