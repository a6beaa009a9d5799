"""Questions at a terminal: one line each, with an example. Enter skips, ? explains, Ctrl-C writes nothing."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from phr.cli import output
from phr.cli.text import clean, day, screen
from phr.errors import UsageError
from phr.records.said_dates import EXAMPLES, AmbiguousDate
from phr.workspace.own import checking
from phr.workspace.own import fields as f
from phr.workspace.own.fields import Field
from phr.workspace.own.suggest import Suggestion
from phr.workspace.own.told import OwnFile

_SAME = (
    "With its code, what you write stands in one line with what they measured; your words stay as they are."
)
_NOT_KNOWN = " If you do not know when: unknown"
Check = Callable[[Field, str], str]


def begin(about: str) -> None:
    """What is being written, and how the questions work."""
    output.tell(f"{about}.", style="bold")
    say("Enter skips what you do not know, ? explains, Ctrl-C stops and writes nothing.", 0)
    output.tell("")


def say(text: str, indent: int = 4) -> None:
    """A sentence in lines that fit the screen."""
    from textwrap import wrap

    for part in wrap(clean(text), (screen(sys.stderr).columns or 80) - indent - 1):
        output.tell(" " * indent + part)


def line(prompt: str) -> str:
    """One answer. Raises EOFError where there is none any more."""
    output.ask(prompt)
    typed = sys.stdin.readline()
    if not typed:
        output.tell("")
        raise EOFError
    return typed.strip()


def ask(one: Field, check: Check) -> Any:
    """The answer to one field, checked; None when it was skipped. A field that is needed is asked again."""
    if one.type == f.FLAG:
        return yes_or_no(one.about.rstrip("."))
    found: list[str] = []
    while True:
        typed = line(_prompt(one, again=bool(found)))
        if typed == "?":
            explain(one)
            continue
        typed = typed or one.default
        if not typed:
            if one.required and not found:
                say(f"This is needed.{_NOT_KNOWN if one.type == f.DATE else ''}")
                continue
            return (found or None) if one.many else None
        try:
            answer = check(one, typed)
        except AmbiguousDate as error:
            chosen = which_date(error)
            if chosen is None:
                continue
            answer = chosen
        except UsageError as error:
            say(" ".join(filter(None, (error.message, error.hint))))
            continue
        if not answer and one.type != f.DATE:  # nothing in it that can be shown
            say("There is nothing in it to write down.")
            continue
        if not one.many:
            return answer
        found.append(answer)


def _prompt(one: Field, *, again: bool) -> str:
    view = screen(sys.stderr)
    label = "And another one" if again else re.split("[;:.]", one.about)[0]
    if one.type == f.CHOICE:
        return f"  {label}: "
    or_not = ", or unknown" if one.type == f.DATE and one.required else ""
    hint = view.paint(f" (such as {one.example}{or_not})", "dim") if one.example and not again else ""
    enter = f" [{one.default}]" if one.default else ""
    return f"  {view.spell(label)}{hint}{enter}: "


def file() -> OwnFile:
    """A file, read once."""
    while True:
        typed = line("  Which file: ")
        if typed in ("", "?"):
            say("The path of a PDF, a picture or a text.")
            continue
        try:
            return checking.read_file(Path(typed.strip("'\"")).expanduser())
        except UsageError as error:
            say(" ".join(filter(None, (error.message, error.hint))))


def explain(one: Field) -> None:
    """What may be answered."""
    more = f"Such as: {one.example}." if one.example else ""
    if one.type == f.DATE:
        more = f"As you would say it: {EXAMPLES}. Only as exactly as you know it; if you do not: unknown."
    elif one.choices:
        more = f"It can be: {', '.join(dict.fromkeys(one.choices))}."
    needed = "This is needed." if one.required else "Enter leaves it out."
    say(" ".join(filter(None, (one.about, more, needed))))


def which_date(error: AmbiguousDate) -> str | None:
    """Which of two readings of a date is meant; None when it is to be typed again."""
    readings = list(dict.fromkeys(error.readings.values()))
    say(error.message)
    for number, when in enumerate(readings, 1):
        output.tell(f"      {number}  {_long(when)}")
    typed = line("    Which one? [1, 2]: ")
    return readings[int(typed) - 1] if typed in ("1", "2") and int(typed) <= len(readings) else None


def _long(when: str) -> str:
    from datetime import date

    try:
        found = date.fromisoformat(when)
    except ValueError:
        return day(when)
    return f"{found:%B} {found.day}, {found.year}"


def yes_or_no(question: str, default: bool | None = None, why: str = "") -> bool | None:
    """A yes or a no; `default` is what Enter means."""
    shown = {True: "Y/n", False: "y/N", None: "y/n, Enter: not sure"}[default]
    while True:
        typed = line(f"  {clean(question)} [{shown}]: ").lower()
        if typed in ("y", "yes"):
            return True
        if typed in ("n", "no"):
            return False
        if not typed:
            return default
        say(f"y for yes, n for no. {why}")


def which(found: Sequence[Suggestion]) -> Suggestion | None:
    """Which of the names that the record knows is meant; None for none of them."""
    if not found:
        return None
    if len(found) == 1:
        one = found[0]
        say(f"Your record knows {clean(one.title)} ({one.words}).")
        return one if yes_or_no("Is it that?", True, why=_SAME) else None
    say("Your record knows:")
    for number, one in enumerate(found, 1):
        output.tell(f"      {number}  {clean(one.title)} ({one.words})")
    while True:
        typed = line(f"  Is it one of these? [1-{len(found)}, Enter: none]: ")
        if not typed:
            return None
        if typed.isascii() and typed.isdigit() and 0 < int(typed[:3]) <= len(found):
            return found[int(typed) - 1]
        say(f"A number of the list, or Enter. {_SAME}")
