"""The way in: finds the command, runs it, and is the one place that prints errors and ends the process.

A command's module is imported when that command is run or asked for its help, never before, and the page of
`phr --help` is made without importing Typer at all. Exit statuses are those of `phr.errors` and of the commands.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from phr import __version__
from phr.cli import commands

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPLETING = "_PHR_COMPLETE"


def run(args: Sequence[str] | None = None) -> NoReturn:
    """Run one command line (default: the one of this process) and end the process."""
    words = list(sys.argv[1:] if args is None else args)
    _widen_streams()
    try:
        status = _quick_answer(words) if COMPLETING not in os.environ else None
        if status is None:
            status = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        status = _reader_left()
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def _quick_answer(words: list[str]) -> int | None:
    """`phr`, `phr --help` and `phr --version` need no Typer."""
    if words in ([], ["--help"], ["-h"], ["help"]):
        sys.stdout.write(commands.page() + "\n")
        return 0
    if words == ["--version"]:
        sys.stdout.write(f"phr {__version__}\n")
        return 0
    return None


def _run(words: list[str]) -> int:
    from phr.cli import output
    from phr.cli.root import invoke

    output.begin()
    _end_in_order()
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    try:
        return invoke(words)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        from phr.cli import failures

        return failures.tell_interrupted(words)
    except Exception as error:  # noqa: BLE001 - the last door: whatever it is, a person reads one sentence
        if os.environ.get("PHR_DEBUG") == "1":
            import traceback

            traceback.print_exc()
        from phr.cli import failures

        return failures.tell(error, words)


def _end_in_order() -> None:
    """A closed terminal and a kind `kill` end a command as Ctrl-C does, so that nothing half-written stays behind."""
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # not under nohup
            signal.signal(number, signal.default_int_handler)


def _reader_left() -> int:
    """Whoever read our output has seen enough (`phr timeline | head`); nothing more is to be said, not even at exit."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(quiet, stream.fileno())
        except (OSError, ValueError, AttributeError):
            continue
    return 0


def _widen_streams() -> None:
    """A letter that the terminal's encoding lacks becomes a question mark instead of a failure."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def load(command: commands.Command) -> Any:
    """The function or Typer app behind a command."""
    return getattr(import_module(f"phr.cli.{command.module}"), command.attribute)
