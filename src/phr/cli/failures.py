"""How a failure is told: one sentence and one line what to do next; with --json also as a document."""

from __future__ import annotations

import errno
import os
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
            return PhrError("The folder of the record cannot be written.", hint=_MENDS[errno.EACCES])
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
        message = str(error.format_message()).replace("\n", " ")
    if name == "--json" and path == "phr":
        return UsageError(message, hint="It goes after the command: phr timeline --json")
    if possible:
        return UsageError(message, hint=f"Did you mean {' or '.join(possible[:3])}?")
    hint = f"See {path} --help"
    if hasattr(error, "option_name") and str(name).startswith("-") and hasattr(error, "possibilities"):
        hint += ". A value that begins with - goes after --, or as --option=VALUE."
    return UsageError(message, hint=hint)
