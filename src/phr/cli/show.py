"""`phr show`: one record whole, or exactly as its source sent it."""

from __future__ import annotations

from typing import Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json
from phr.cli.selecting import complete_sources
from phr.cli.text import clean
from phr.errors import UsageError

Record = Annotated[str, typer.Argument(help="The number from phr timeline, or Type/id.", metavar="RECORD")]


def _which(number: str | None) -> int | None:
    """Which attachment is meant. Raises UsageError for what is no number from 1 on."""
    if number is not None and not (number.isascii() and number.isdigit() and int(number[:9]) > 0):
        raise UsageError(
            f"{clean(number)} is not the number of an attachment.",
            hint="They are counted from 1: phr show RECORD",
        )
    return int(number[:9]) if number is not None else None


def show(
    ctx: typer.Context,
    record: Record,
    number: Annotated[
        str | None,
        typer.Argument(
            help="Which attachment, for --open and --save: 1 is the first.",
            metavar="[N]",
            show_default=False,
        ),
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Exactly the bytes that the source sent.")] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Also how it was before, and what changed each time.")
    ] = False,
    brief: Annotated[bool, typer.Option("--brief", help="Only what matters most.")] = False,
    text: Annotated[bool, typer.Option("--text", help="All the words of what is attached.")] = False,
    open_: Annotated[
        bool,
        typer.Option("--open", envvar="PHR_SHOW_OPEN", help="Open what is attached with the program for it."),
    ] = False,
    save: Annotated[
        str | None,
        typer.Option(
            "--save",
            help="Save what is attached into a folder or file; - is stdout.",
            metavar="FOLDER|FILE",
            allow_from_autoenv=False,
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--source", help="Which one, where several sources have it.", autocompletion=complete_sources
        ),
    ] = None,
    json: Json = False,
) -> None:
    """One record whole: what it says, where it came from, what it belongs to.

    \b
    phr show 412
    phr show 412 --open
    phr show 412 --save letters/ 2
    phr show Observation/abc --raw | jq .

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no such record), 6 locked.
    """
    from phr.views import record as view

    if open_ or save is not None:
        from phr.cli.show_files import hand_out

        hand_out(ctx, record, _which(number), save=save, source=source, json=json)
        return
    if number is not None:
        raise UsageError(
            "One record at a time.",
            hint=f"The other one: phr show {clean(number)}. What is attached goes with --open or --save.",
        )
    with workspace(ctx).store() as store:
        if raw:
            output.write(view.raw(store, record, source))
            return
        report = view.show(store, record, source, versions=100 if history or json else 1)
        if text:
            from phr.views.beside import whole_texts

            whole_texts(store.db, report["attachments"])
    if json:
        output.emit_json(report)
        return
    from phr.cli.show_page import Wish, page

    output.emit(page(report, output.out(), Wish(history=history, brief=brief, text=text)))
