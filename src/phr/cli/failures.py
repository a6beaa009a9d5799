"""How a failure is told: one sentence and one line what to do next; with --json also as a document."""

from __future__ import annotations

import errno
import os
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phr.cli import output
from phr.cli.commands import BY_NAME
from phr.errors import PhrError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130
DECLINED = "Nothing was changed."
_GO_ON = {
    "sync": "What came is kept. Go on where it stopped: phr sync",
}
_DAMAGED = "See what is wrong: phr doctor. With a backup: phr restore FILE"
_MENDS = {
    errno.ENOSPC: "Make room on the disk, then try again.",
    errno.EDQUOT: "Make room on the disk, then try again.",
    errno.EACCES: "See who may read and write there: phr paths, phr doctor",
    errno.EPERM: "See who may read and write there: phr paths, phr doctor",
    errno.EROFS: "The disk can only be read: choose another place, or mount it for writing.",
}


def tell(error: Exception, words: Sequence[str]) -> int:
    """Tell it, and answer the exit status. An error that nobody foresaw is named by its class only: its text may
    hold what nobody else should read."""
    known = _known(error, words)
    if known.message == DECLINED:  # a person said no: that is no error
        output.tell(known.message)
    else:
        output.tell(f"Error: {known.message}", style="alarm")
    for line in (known.hint or "").splitlines():
        output.tell(f"  {line}")
    _document(words, known.message, known.hint, known.exit_status)
    return known.exit_status


def tell_interrupted(words: Sequence[str]) -> int:
    """Ctrl-C: no fault of anybody's."""
    return _stopped(words, "Interrupted.", _GO_ON.get(next((word for word in words if word in _GO_ON), "")))


def tell_import_interrupted(words: Sequence[str], job: str | None, kept: int) -> int:
    """Ctrl-C, or SIGTERM, while a file came in: how much of it did, and what to do about that."""
    if not kept:
        return _stopped(words, "Interrupted. Nothing was changed.", None)
    return _stopped(
        words,
        f"Interrupted. {kept:,} {'entry' if kept == 1 else 'entries'} came in and {'is' if kept == 1 else 'are'} kept.",
        f"Import the same again for the rest, or take back what came:\nphr import --undo {job}",
    )


def _stopped(words: Sequence[str], message: str, hint: str | None) -> int:
    output.tell(message)
    for line in (hint or "").splitlines():
        output.tell(f"  {line}")
    _document(words, message, hint, INTERRUPTED)
    return INTERRUPTED


def _document(words: Sequence[str], message: str, hint: str | None, status: int) -> None:
    if wants_json(words) and not output.reported():
        output.emit_json({"error": {"message": message, "hint": hint, "status": status}})


def wants_json(words: Sequence[str]) -> bool:
    """Whether this command line asks for one JSON document as its answer (`export --format json` makes a file)."""
    options = list(words[: words.index("--")] if "--" in words else words)
    if "--json" in options or "export" in options:
        return "--json" in options
    return "--format=json" in options or ("--format", "json") in pairwise(options)


def _known(error: Exception, words: Sequence[str]) -> PhrError:
    if isinstance(error, PhrError):
        return error
    if hasattr(error, "format_message") and hasattr(error, "ctx"):
        return _usage(error, words)
    if type(error).__name__ == "Abort" or isinstance(error, EOFError):
        return PhrError("Nothing was answered, so nothing was changed.")
    if type(error).__name__ in (
        "DatabaseError",
        "OperationalError",
    ):  # of SQLite, which is not imported for help
        if any(word in str(error) for word in ("readonly", "read-only", "unable to open")):
            return PhrError(
                "The folder of the record cannot be written, so nothing was changed.",
                hint=f"Looking at it works. {_MENDS[errno.EACCES]}",
            )
        if any(word in str(error) for word in ("is full", "disk I/O error")):
            return PhrError("The disk with the record is full, or it refuses.", hint=_MENDS[errno.ENOSPC])
        return PhrError("The records file cannot be read or written; it may be damaged.", hint=_DAMAGED)
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if isinstance(error.filename, str) else ""
        if isinstance(error.filename, str) and _cannot_be_written(error):
            return PhrError(
                f"This folder cannot be written: {Path(error.filename).parent}",
                hint=_MENDS.get(error.errno or 0),
            )
        return PhrError(f"The computer says: {error.strerror}{where}.", hint=_MENDS.get(error.errno or 0))
    return PhrError(
        f"Something went wrong that phr did not expect ({type(error).__name__}).",
        hint="To see where, and to report it: set PHR_DEBUG=1 and run it again.",
    )


def _cannot_be_written(error: OSError) -> bool:
    """Whether it is the folder that takes no file: the disk is read-only, or the folder somebody else's."""
    folder = Path(error.filename).parent
    return error.errno == errno.EROFS or (
        error.errno in (errno.EACCES, errno.EPERM) and folder.is_dir() and not os.access(folder, os.W_OK)
    )


def _usage(error: Any, words: Sequence[str]) -> UsageError:
    """What Typer says of a command line it cannot read, in our words."""
    command = next((word for word in words if word in BY_NAME), None)
    # An option without its value is found before the command is: then there is no context.
    path = error.ctx.command_path if error.ctx else f"phr {command}" if command else "phr"
    possible = getattr(error, "possibilities", None) or []
    name = getattr(error, "command_name", None) or getattr(error, "option_name", None)
    if hasattr(error, "command_name"):
        message = f"There is no command {path} {name}."
    elif hasattr(error, "possibilities"):
        message = f"{path} has no option {name}."
    else:
        return _in_plain_words(error, path)
    if name == "--json" and path == "phr":
        return UsageError(message, hint="It goes after the command: phr timeline --json")
    if possible:
        return UsageError(message, hint=f"Did you mean {' or '.join(possible[:3])}?")
    hint = f"See {path} --help"
    if hasattr(error, "option_name") and str(name).startswith("-") and hasattr(error, "possibilities"):
        hint += ". A value that begins with - goes after --, or as --option=VALUE."
    return UsageError(message, hint=hint)


_EXTRA = re.compile(r"Got unexpected extra arguments? \((.*)\)", re.DOTALL)
_NO_NUMBER = re.compile(r"'(.*)' is not a valid (integer|float)( range)?\.", re.DOTALL)
_OUTSIDE = re.compile(r"(\S+) is not in the range (.+)\.")
_CHOICES = re.compile(r"(.*) is not one of (.*)\.", re.DOTALL)
_NO_VALUE = re.compile(r"Option '(.+)' requires an argument\.")


def _in_plain_words(error: Any, path: str) -> UsageError:
    """What Click says of arguments and values (its `exceptions` and `types`), as a person would say it."""
    said, see = str(getattr(error, "message", "") or ""), f"See {path} --help"
    option = _option(error)
    if found := _EXTRA.fullmatch(said):
        return _too_much(path, found[1])
    if found := _NO_VALUE.fullmatch(said):
        return UsageError(f"{found[1]} needs a value after it.", hint=see)
    if found := _NO_NUMBER.fullmatch(said):
        whole = "a whole number" if found[2] == "integer" else "a number"
        return UsageError(f"{option} takes {whole}; {found[1] or 'nothing'} is none.", hint=see)
    if found := _OUTSIDE.fullmatch(said):
        return UsageError(f"{option} {found[1]} is too {_too(found[1], found[2])}.", hint=_limits(found[2]))
    if found := _CHOICES.fullmatch(said):
        choices = found[2].replace("'", "")
        return UsageError(f"{option} {found[1].strip(chr(39))} is not known.", hint=f"It can be: {choices}")
    if hasattr(error, "param_type") and error.param is not None:
        return _missing(error, path, option, see)
    return UsageError(str(error.format_message()).replace("\n", " "), hint=see)


def _missing(error: Any, path: str, option: str, see: str) -> UsageError:
    """An argument or an option that has to be there."""
    wanted = option
    if error.param.param_type_name == "argument":
        wanted = str(error.param.make_metavar(error.ctx)).strip("[].").upper()
    described = str(getattr(error.param, "help", "") or "").strip()
    if wanted == "RECORD":
        described = "the number at the end of its line in phr timeline"
    return UsageError(f"{path} needs {wanted}.", hint=f"{wanted}: {described}\n{see}" if described else see)


def _option(error: Any) -> str:
    """The option or argument that an error is about, by its long name."""
    param: Any = getattr(error, "param", None)
    if param is None:
        return "The value"
    if param.param_type_name == "argument":
        return str(param.human_readable_name)
    return str(max(param.opts, key=len))


def _too(value: str, span: str) -> str:
    lowest = re.match(r"(-?[\d.]+)<=?x|x>=?(-?[\d.]+)", span)
    try:
        return "small" if lowest and float(value) <= float(lowest[1] or lowest[2]) else "large"
    except ValueError:
        return "large"


def _limits(span: str) -> str:
    """`x>=0`, `0<=x<=5` in words."""
    words = (("x>=", "or more"), ("x<=", "or less"))
    for sign, told in words:
        if span.startswith(sign):
            return f"It has to be {span.removeprefix(sign)} {told}."
    if found := re.fullmatch(r"(-?[\d.]+)<=x<=(-?[\d.]+)", span):
        return f"It can be {found[1]} to {found[2]}."
    return f"It has to be in this range: {span}"


def _too_much(path: str, words: str) -> UsageError:
    """Words behind a command that takes none (so many): most often a record, a kind or something to look for."""
    from phr.errors import typed

    first, one = words.split(" ")[0], typed(words)
    message = f"{path} does not take this: {words}"
    if path == "phr show":
        return UsageError(message, hint=f"One record at a time: phr show {typed(first)}")
    if path not in ("phr timeline", "phr summary", "phr status", "phr bookmark"):
        return UsageError(message, hint=f"See {path} --help")
    if first.isdecimal() or re.fullmatch(r"[A-Z][A-Za-z]+/\S+", first):
        return UsageError(message, hint=f"One record whole: phr show {typed(first)}")
    from phr.packs.loading import packs
    from phr.views.kind_words import kind_of

    ways = [f"To look for it: phr search {one}"]
    if kind_of(words) is not None:
        ways.insert(0, f"Of this kind only: phr timeline --kind {one}")
    elif any(rule.name == words.casefold() for pack in packs() for rule in pack.tags):
        ways.insert(0, f"With this tag only: phr timeline --tag {typed(words.casefold())}")
    return UsageError(message, hint="\n".join(ways))
