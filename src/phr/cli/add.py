"""`phr add`: write down what no provider sends; one command for each kind of record, made from the table of kinds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import SETTINGS, DryRun, Json, PhrGroup, near
from phr.errors import UsageError


class _Kinds(PhrGroup):
    """The kinds as commands; each is made when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every kind, then what people measure most."""
        from phr.cli.add_commands import NAMES

        return list(NAMES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a kind, by any word for it."""
        from phr.cli.add_commands import command

        return command(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the kind; a word that is none raises UsageError with the nearest one."""
        from phr.cli.add_commands import WORDS, spelled

        if not args[0].startswith("-") and spelled(args[0]) not in WORDS:
            raise UsageError(
                f"There is no kind of record named {args[0]}.",
                hint=near(spelled(args[0]), tuple(WORDS)) or "See which there are: phr add --help",
            )
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_Kinds,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings=SETTINGS,
)


@app.callback(invoke_without_command=True)
def add(
    ctx: typer.Context,
    undo: Annotated[
        str | None,
        typer.Option(
            "--undo", help="Take an entry of yours back.", metavar="RECORD", allow_from_autoenv=False
        ),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Write down what no provider sends: a weight, an old diagnosis, a letter on paper. Yours stays marked as yours.

    \b
    phr add weight 68.5 kg
    phr add bp 128/82 --date "yesterday 8:30"
    phr add lab "Hemoglobin A1c" 6.1 % --date "last march"
    phr add med "Metformin 500 mg" --how-often "twice a day" --still-taking
    phr add document scan.pdf --title "Letter of the lung clinic" --date 2026-11-03
    phr add --undo 557

    At a terminal you are asked for what is missing; elsewhere it has to be said with options. Dates as you would say
    them: 2019, march 2019, last march, yesterday, 3 weeks ago, when I was 12, 3/14/2024, yesterday 8:30.

    Exit statuses: 0 fine, 1 failed, 2 usage (also: something is missing and nobody can be asked), 5 another run holds
    the lock, 6 locked, 130 interrupted.
    """
    if ctx.invoked_subcommand is not None:
        if undo is not None:
            raise UsageError(
                "--undo takes an entry back, and goes without a kind.", hint="phr add --undo RECORD"
            )
        return
    if undo is not None:
        _undo(ctx, undo, dry_run=dry_run, json=json)
        return
    from phr.cli.add_commands import asked_kind, command

    if json or not output.has_terminal():
        raise UsageError(
            "Say what kind of record it is: phr add KIND …", hint="See which there are: phr add --help"
        )
    name = asked_kind()
    made = command(name)
    with made.make_context(name, ["--dry-run"] if dry_run else [], parent=ctx) as inner:
        made.invoke(inner)


def _undo(ctx: typer.Context, ref: str, *, dry_run: bool, json: bool) -> None:
    from phr.workspace.own import writing

    found = writing.withdraw(workspace(ctx), ref, dry_run=dry_run)
    if json:
        output.emit_json({"id": str(found.record), "withdrawn": not dry_run, "dry_run": dry_run})
    elif dry_run:
        output.emit([f"Record {found.record} would be taken back."])
    else:
        output.emit([f"Taken back: {found.record}. It is in no list and no export any more."])
        output.talk(f"What it said is still there: phr show {found.record}")
