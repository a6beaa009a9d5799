"""The root of the command tree, for Typer: knows every command by name and imports one when it is needed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from phr.cli import app as door
from phr.cli import commands, context
from phr.cli.options import SETTINGS, LogFormat, PhrCommand, near
from phr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

root = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, context_settings=SETTINGS)


class Root(TyperGroup):
    """Commands by the table; each is imported at its first use."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command's name, in the order of the table."""
        return [command.name for command in commands.COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now; None when there is none of this name."""
        command = commands.BY_NAME.get(cmd_name)
        return build(command) if command else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; a name that is none of ours raises UsageError with the nearest one."""
        name = args[0]
        if name not in commands.BY_NAME and not name.startswith("-"):
            nearest = near(name, tuple(commands.BY_NAME))
            raise UsageError(f"There is no command phr {name}.", hint=nearest or "See phr --help")
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The same page that `phr --help` gives without Typer."""
        formatter.write(commands.page() + "\n")


def build(command: commands.Command) -> Any:
    """The command as Typer makes it."""
    found = door.load(command)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=SETTINGS)
        single.command(command.name, cls=PhrCommand)(found)
        found = single
    made = typer.main.get_command(found)
    made.name = command.name
    return made


@root.callback(cls=Root, invoke_without_command=True)
def _main(
    ctx: typer.Context,
    user: Annotated[str | None, typer.Option(metavar="NAME", allow_from_autoenv=False)] = None,
    credential_command: Annotated[str | None, typer.Option(allow_from_autoenv=False)] = None,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True)] = 0,
    log_file: Annotated[Path | None, typer.Option()] = None,
    log_format: Annotated[LogFormat, typer.Option()] = LogFormat.TEXT,
    version: Annotated[bool, typer.Option("--version", allow_from_autoenv=False)] = False,
) -> None:
    run = context.invocation(ctx)
    run.user, run.credential_command = user, credential_command
    run.verbose, run.log_file, run.log_format = verbose, log_file, log_format.value
    if version:
        door.run(["--version"])
    if ctx.invoked_subcommand is None:
        typer.echo(commands.page())


def invoke(words: Sequence[str]) -> int:
    """Run one command line; answers the exit status it asks for. Errors are the caller's."""
    tree = typer.main.get_command(root)
    tree.name = "phr"
    if door.COMPLETING in os.environ:
        tree.main(list(words), prog_name="phr", complete_var=door.COMPLETING)
        return 0
    settings: dict[str, Any] = {"obj": context.Invocation(tuple(words)), "auto_envvar_prefix": "PHR"}
    try:
        with tree.make_context("phr", list(words), **settings) as ctx:
            tree.invoke(ctx)
    except typer.Exit as asked:
        return int(asked.exit_code)
    return 0
