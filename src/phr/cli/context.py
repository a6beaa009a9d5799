"""What holds for a whole run: whose record, which key command, how much to say; and the Workspace made of it."""

from __future__ import annotations

import logging
import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from phr.cli import output
from phr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from phr.workspace import Workspace


@dataclass
class Invocation:
    """The options that may stand before or after any command."""

    words: tuple[str, ...] = ()
    """The command line, for a hint that repeats it."""
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    user: str | None = None
    credential_command: str | None = field(default=None, repr=False)
    verbose: int = 0
    log_file: Path | None = None
    log_format: str = "text"


def invocation(ctx: typer.Context) -> Invocation:
    """The one Invocation of this run."""
    found = ctx.find_root().obj
    assert isinstance(found, Invocation)  # noqa: S101 - app.run made it
    return found


def workspace(ctx: typer.Context) -> Workspace:
    """The workspace of whoever was asked for. Raises UsageError for settings that make no sense."""
    return for_user(ctx, None)


def further(ctx: typer.Context, cursor: str) -> str:
    """This very command line, for the next page."""
    words = list(invocation(ctx).words)
    while "--after" in words:
        at = words.index("--after")
        del words[at : at + 2]
    words = [word for word in words if not word.startswith("--after=")]
    return f"phr {shlex.join([*words, '--after', cursor])}"


def for_user(ctx: typer.Context, user: str | None, *, ask: bool = True) -> Workspace:
    """The workspace of this person, or of the one that options, environment and settings name.

    Without `ask` nobody is asked for a passphrase, not even at a terminal.
    """
    from phr.workspace import Workspace

    run = invocation(ctx)
    output.hints_are_for(run.user)
    return Workspace(
        run.environ,
        user or run.user,
        credential_command=run.credential_command,
        ask_passphrase=_ask_passphrase if ask and output.has_terminal() else None,
    )


def _ask_passphrase() -> str:
    import getpass

    return getpass.getpass("Passphrase of your record: ")


def start_logging(run: Invocation) -> None:
    """Send what `phr` logs (ids and counts, never a value) to stderr and to the file asked for."""
    if not run.verbose and run.log_file is None:
        return

    logger = logging.getLogger("phr")
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    logger.propagate = False
    logger.setLevel(logging.DEBUG if run.verbose > 1 else logging.INFO)
    handlers: list[logging.Handler] = [logging.StreamHandler()] if run.verbose else []
    if run.log_file is not None:
        handlers.append(_file_handler(run.log_file))
    for handler in handlers:
        handler.setFormatter(
            _json_format() if run.log_format == "json" else logging.Formatter("%(levelname)s %(message)s")
        )
        logger.addHandler(handler)


def _file_handler(path: Path) -> logging.Handler:

    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        return logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The log file {path} cannot be written: {error.strerror}.") from None


def _json_format() -> logging.Formatter:

    import orjson

    class Line(logging.Formatter):
        """One JSON document a line."""

        def format(self, record: logging.LogRecord) -> str:
            line = {
                "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": record.getMessage(),
            }
            return orjson.dumps(line).decode()

    return Line()
