"""The commands of `phr add`, one for each kind: their options are the fields of the kind."""

from __future__ import annotations

import inspect
import sys
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any

import typer

from phr.cli import output
from phr.cli.options import SETTINGS, DryRun, Json, PhrCommand, Yes
from phr.cli.text import screen
from phr.workspace.own import fields as f
from phr.workspace.own.fields import Field
from phr.workspace.own.kinds import BY_NAME, KINDS, Kind
from phr.workspace.own.vitals import BY_WORD, VITALS, Vital

NAMES = (*(kind.name for kind in KINDS), *(vital.words[0] for vital in VITALS))
WORDS = {**dict.fromkeys(BY_NAME), **dict.fromkeys(BY_WORD)}
"""Every word that can stand behind `phr add`."""
_NO_EXAMPLE = (f.CODE, f.RECORD, f.FILE, f.CHOICE)
_METAVARS = {
    f.DATE: "D",
    f.NUMBER: "N",
    f.COUNT: "N",
    f.CODE: "SYSTEM|CODE",
    f.RECORD: "RECORD",
    f.FILE: "FILE",
}
_ORDER = Annotated[
    str | None,
    typer.Option(
        "--date-order",
        envvar="PHR_DATE_ORDER",
        help="How you write 03/04/2024: mdy (March) or dmy (April).",
        metavar="mdy|dmy",
    ),
]


def spelled(word: str) -> str:
    """A word as the tables have it."""
    return word.strip().lower().replace("-", "_").replace(" ", "_") if word.lower() != "x-ray" else "x-ray"


@lru_cache(maxsize=4)
def command(word: str) -> Any:
    """The command behind a word; None for a word that is none."""
    word = spelled(word)
    kind, vital = BY_NAME.get(word), BY_WORD.get(word)
    if kind is None and vital is None:
        return None
    if kind is None and vital is not None:
        kind = replace(BY_NAME["vital_sign"], kind=vital.makes)  # measured at home, so dated today
    assert kind is not None  # noqa: S101 - one of the two
    single = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=SETTINGS)
    name = vital.words[0] if vital is not None and word not in BY_NAME else kind.name
    single.command(
        name, cls=PhrCommand, short_help=vital.title if name != kind.name and vital else kind.about
    )(_function(kind, vital if name != kind.name else None))
    made = typer.main.get_command(single)
    made.name = name
    return made


def asked_kind() -> str:
    """Which kind a person at a terminal wants to write."""
    output.tell("What do you want to write down?", style="bold")
    words = [vital.words[0] for vital in VITALS]
    output.talk_lines([", ".join(words[:6]) + ",", ", ".join(words[6:]) + "; or one of these:"], indent="  ")
    output.talk_lines(
        [f"{_shown(kind):<16}{screen(sys.stderr).fit(kind.about)}" for kind in KINDS], indent="  "
    )
    while True:
        output.ask("A word of these: ")
        typed = _line()
        if spelled(typed) in WORDS:
            return spelled(typed)
        output.tell("That is none of them. Ctrl-C stops.")


def _shown(kind: Kind) -> str:
    """The word that people type first, where it is a plain one."""
    return (
        kind.name.replace("_", " ")
        if "_" not in kind.name or not kind.words
        else kind.words[0].replace("_", " ")
    )


def _line() -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip()


# ── options ───────────────────────────────────────────────────────────────────────────────────────


def _function(kind: Kind, vital: Vital | None) -> Any:
    """A function with one parameter for each field, as Typer reads it."""
    parameters = [_parameter("ctx", typer.Context, inspect.Parameter.empty), *_places(kind, vital)]
    for one in kind.all_fields:
        parameters.append(_option(one))
    if kind.files:
        parameters.append(_option(kind.title))
    parameters += [
        _parameter("date_order", _ORDER, None),
        _parameter("yes", Yes, False),
        _parameter("dry_run", DryRun, False),
        _parameter("json", Json, False),
    ]

    def run(**told: Any) -> None:
        from phr.cli.add_entry import enter

        enter(kind, vital, told)

    signature = inspect.Signature(parameters)
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__doc__ = _help(kind, vital)
    return run


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _places(kind: Kind, vital: Vital | None) -> list[inspect.Parameter]:
    """What stands behind the word without an option."""

    def place(name: str, metavar: str, about: str) -> inspect.Parameter:
        return _parameter(name, Annotated[str | None, typer.Argument(help=about, metavar=metavar)], None)

    if vital is not None:
        return [place("value_", "VALUE", f"Such as {vital.example}."), place("unit_", "UNIT", "Its unit.")]
    if kind.files:
        words = typer.Argument(help="Files: PDF, pictures, texts; each becomes a record.", metavar="FILE...")
        return [_parameter("files_", Annotated[list[str] | None, words], None)]
    found = [place("title", "TITLE", f"{kind.title.about} Such as: {kind.title.example}")]
    if kind.measured:
        found += [place("value_", "VALUE", "What was found."), place("unit_", "UNIT", "Its unit.")]
    return found


def _option(one: Field) -> inspect.Parameter:
    about = (
        f"{one.about} Such as: {one.example}" if one.example and one.type not in _NO_EXAMPLE else one.about
    )
    spellings = (one.flag, *one.also)
    if one.type == f.FLAG:
        return _parameter(_name(one), Annotated[bool, typer.Option(*spellings, help=about)], False)
    option = typer.Option(*spellings, help=about, metavar=_METAVARS.get(one.type, "TEXT"))
    kind: Any = list[str] | None if one.many else str | None
    return _parameter(_name(one), Annotated[kind, option], None)


def _name(one: Field) -> str:
    """The parameter's name: `from` and `class` are words of Python."""
    return f"{one.name}_" if one.name in ("from", "class") else one.name


def _short(kind: Kind, vital: Vital | None) -> str:
    """One line of the list, with the other word that people type first."""
    words = vital.words[1:2] if vital is not None else kind.words[:1]
    about = vital.title if vital is not None else kind.about
    return f"{about} ({words[0]})" if words else about


def _help(kind: Kind, vital: Vital | None) -> str:
    about, examples, other = f"{kind.about}.", kind.examples, kind.words
    if vital is not None:
        about, other = f"{vital.title}, as you measured it.", vital.words[1:]
        examples = (f"phr add {vital.words[0]} {vital.example}",)
    called = f" Other words for it: {', '.join(other)}." if other else ""
    shown = "\n    ".join(examples)
    return f"""{about}{called}

    \b
    {shown}

    Exit statuses: 0 fine, 1 failed, 2 usage (also: something is missing and nobody can be asked), 5 another run holds
    the lock, 6 locked, 130 interrupted.
    """
