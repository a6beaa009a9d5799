"""What a command says: results on stdout, talk on stderr, one JSON document where JSON was asked for."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from phr.cli.text import Screen, clean, screen
from phr.errors import UsageError

SCHEMA = 1
# JSON escapes C0 controls by itself; DEL and the C1 controls are as good as ESC to some terminals.
_C1 = re.compile(rb"\x7f|\xc2[\x80-\x9f]")
_RAW_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\x7f|\xc2[\x80-\x9f]")


class _Said:
    """What this process has said so far; `quiet` silences talk."""

    reported = False
    quiet = False
    user: str | None = None


def begin() -> None:
    """Start afresh: one process may run several commands (tests do)."""
    _Said.reported = _Said.quiet = False
    _Said.user = None


def reported() -> bool:
    """Whether the JSON document of this run is already out."""
    return _Said.reported


def hush(quiet: bool) -> None:
    """From now on `talk` is silent."""
    _Said.quiet = quiet


def hints_are_for(user: str | None) -> None:
    """Whoever says `--user mum` pastes hints that are about mum: `phr show 412` becomes `phr --user mum show 412`."""
    _Said.user = user


def _for_whom(line: str) -> str:
    """A line of ours, its commands for the person that was asked for."""
    if _Said.user is None or "phr" not in line:
        return line
    from phr.cli.commands import BY_NAME
    from phr.errors import typed

    def told(found: re.Match[str]) -> str:
        return f"phr --user {typed(_Said.user or '')} {found[1]}" if found[1] in BY_NAME else found[0]

    return _COMMAND.sub(told, line) if "--user" not in line else line


_COMMAND = re.compile(r"(?<![\w/.-])phr ([a-z]+)(?![\w-])")


def dump(value: Mapping[str, Any]) -> bytes:
    """One line of JSON without a raw control character."""
    return _C1.sub(_escape, orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS, default=str))


def emit_json(report: Mapping[str, Any]) -> None:
    """The one JSON document of this run, with `schema` at its top level, flushed."""
    _Said.reported = True
    write(dump({"schema": SCHEMA, **report}) + b"\n")


def emit_ndjson(rows: Iterable[Mapping[str, Any]]) -> None:
    """One JSON document a line."""
    for row in rows:
        write(dump(row) + b"\n", flush=False)
    sys.stdout.flush()


def emit(lines: Iterable[str]) -> None:
    """Lines of a result; they have been cleaned where they were made."""
    for line in lines:
        sys.stdout.write(_for_whom(line) + "\n")
    sys.stdout.flush()


def write(content: bytes, *, flush: bool = True) -> None:
    """Exact bytes to stdout. To a terminal, control characters go as `\\u00XX`."""
    if sys.stdout.isatty():
        content = _RAW_CONTROL.sub(_escape, content)
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:  # a text stream put in its place
        sys.stdout.write(content.decode("utf-8", "replace"))
    else:
        sys.stdout.flush()
        buffer.write(content)
    if flush:
        sys.stdout.flush()


def talk(text: str, *, style: str | None = None) -> None:
    """A sentence to the person, on stderr; silent after `hush`."""
    if not _Said.quiet:
        tell(text, style=style)


def talk_lines(lines: Iterable[str], *, indent: str = "") -> None:
    """Lines for the person that were cleaned, and perhaps painted for stderr, where they were made."""
    for line in lines:
        if not _Said.quiet:
            sys.stderr.write(f"{indent}{_for_whom(line)}\n")
    sys.stderr.flush()


def tell(text: str, *, style: str | None = None) -> None:
    """As `talk`, but also when silence was asked for: errors and what must be answered."""
    view = screen(sys.stderr)
    for line in map(_for_whom, text.split("\n")):
        sys.stderr.write(
            view.paint(view.spell(clean(line) if not line.startswith(" ") else _indented(line)), style)
        )
        sys.stderr.write("\n")
    sys.stderr.flush()


def _indented(line: str) -> str:
    bare = line.lstrip(" ")
    return " " * (len(line) - len(bare)) + clean(bare)


def out() -> Screen:
    """What stdout can show."""
    return screen(sys.stdout)


def has_terminal() -> bool:
    """Whether somebody can be asked: both ends of the conversation are a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str, *, yes: bool) -> None:
    """Go on when the person agrees. Raises UsageError when nobody can be asked, or the answer is no."""
    if yes:
        return
    if not has_terminal():
        raise UsageError(f"{question} Nobody can be asked here.", hint="Add --yes to agree beforehand.")
    tell(question, style="bold")
    ask("Type yes to go on: ")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("Nothing was changed.", hint="Run it again and answer yes when you are sure.")


def ask(prompt: str) -> None:
    """Leave the cursor behind a question on stderr."""
    sys.stderr.write(prompt)
    sys.stderr.flush()


def new_passphrase(file: Path | None, variable: str, what: str) -> str:
    """A passphrase to seal something with: from the file, the variable, or asked twice on a terminal.

    Raises UsageError when there is none, or the two do not match.
    """
    given = _given_passphrase(file, variable)
    if given is not None:
        return _checked(given)
    first = _ask(f"Passphrase for {what}: ", variable)
    if first != _ask("The same once more: ", variable):
        raise UsageError("The two passphrases are not the same.", hint="Run it again.")
    return _checked(first)


def known_passphrase(file: Path | None, variable: str, what: str) -> str:
    """The passphrase that something was sealed with; asked once. Raises UsageError when there is none."""
    given = _given_passphrase(file, variable)
    return given if given is not None else _ask(f"Passphrase of {what}: ", variable)


def _given_passphrase(file: Path | None, variable: str) -> str | None:
    """From the file, from the variable of its own, or from the one that opens the sealed file of the vault."""
    for name in (variable, "PHR_PASSPHRASE"):
        path = file or (Path(os.environ[name + "_FILE"]) if os.environ.get(name + "_FILE") else None)
        if path is not None:
            try:
                return path.read_text("utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError):
                raise UsageError(f"The passphrase file {path} cannot be read.") from None
        if os.environ.get(name):
            return os.environ[name]
    return None


def _ask(prompt: str, variable: str) -> str:
    if not has_terminal():
        raise UsageError(
            "A passphrase is needed, and nobody can be asked here.",
            hint=f"Give it with --passphrase-file FILE, {variable} or {variable}_FILE.",
        )
    import getpass

    return getpass.getpass(prompt)


def _checked(passphrase: str) -> str:
    if len(passphrase) < 8:
        raise UsageError(
            "The passphrase is too short.", hint="Take at least 8 characters; four random words are good."
        )
    return passphrase


def _escape(found: re.Match[bytes]) -> bytes:
    return b"\\u00%02x" % found[0][-1]
