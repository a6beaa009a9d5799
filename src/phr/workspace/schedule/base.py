"""What every scheduler has in common: the plan, how a program of the system is run, and our mark in a file."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from phr.errors import PhrError, UsageError
from phr.paths import write_private

MARK = "Made by phr schedule install; phr schedule remove takes it away."
WAIT = 30.0
"""Seconds that a program of the system may take."""


@dataclass(frozen=True)
class Plan:
    """One run an hour, at `minute`: what starts it, and with which variables. Holds no secret."""

    label: str
    """What it is called by the system: `phr-sync`."""
    minute: int
    command: tuple[str, ...]
    variables: Mapping[str, str]
    home: Path
    """The person's folder, for the files of the system's own."""
    config: Path
    """Where their settings of other programs lie (XDG Base Directory Specification)."""
    logs: Path
    environ: Mapping[str, str] = field(repr=False, default_factory=dict)
    """What the programs of the system are started with."""
    left_out: tuple[str, ...] = ()
    """Variables that a run would need, whose values may hold a secret."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A file, or a part of one, that is put in place."""

    where: str
    text: str


class Scheduler(Protocol):
    """Starts programs by the clock. Installing twice gives one; only what carries our mark is replaced or removed."""

    name: str
    program: str
    """What has to be there for it."""

    def pieces(self, plan: Plan) -> tuple[Piece, ...]:
        """What would be put in place."""

    def install(self, plan: Plan) -> None:
        """Put it in place and start it. Raises PhrError when the system refuses; then nothing is left behind."""

    def remove(self, plan: Plan) -> bool:
        """Take it away; whether there was one."""

    def installed(self, plan: Plan) -> str | None:
        """Where it is; None when it is not."""

    def answers(self, plan: Plan) -> bool:
        """Whether it can be used here."""


def run(plan: Plan, *words: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run a program of the system and wait for it. Raises PhrError when it is not there or does not come back."""
    path = find(plan, words[0])
    if path is None:
        raise PhrError(
            f"There is no {words[0]} on this computer.",
            hint="See what would be installed, and choose another way: phr schedule install --print --by cron",
        )
    try:
        return subprocess.run(  # noqa: S603 - a program of the system, split by us
            [path, *words[1:]],
            env={**plan.environ, "LC_ALL": "C"},
            input=stdin or b"",
            capture_output=True,
            timeout=WAIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise PhrError(f"{words[0]} could not be run, or did not come back.") from None


def must(plan: Plan, *words: str, stdin: bytes | None = None) -> bytes:
    """As `run`; raises PhrError with the program's first line when it fails."""
    done = run(plan, *words, stdin=stdin)
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().partition("\n")[0][:200]
        raise PhrError(
            f"{words[0]} refused: {said or f'status {done.returncode}'}",
            hint="See what would be installed: phr schedule install --print",
        )
    return done.stdout


def find(plan: Plan, program: str) -> str | None:
    """Where a program of the system is."""
    return shutil.which(program, path=plan.environ.get("PATH"))


def is_ours(path: Path) -> bool:
    """Whether a file is there, and of our making."""
    try:
        return MARK.encode() in path.read_bytes()
    except OSError:
        return False


def refuse_others(paths: Sequence[Path]) -> None:
    """Raises UsageError when a file is in the way that somebody else has written."""
    for path in paths:
        if path.exists() and not is_ours(path):
            raise UsageError(
                f"{path} was not made by phr schedule, so it is left alone.",
                hint="Move it away, then run this again.",
            )


def put(pieces: Sequence[Piece]) -> None:
    """Write files that are ours alone to read."""
    for piece in pieces:
        write_private(Path(piece.where), piece.text.encode())
