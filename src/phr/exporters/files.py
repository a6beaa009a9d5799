"""Where an export is written to: a file or a folder that appears only when it is whole."""

from __future__ import annotations

import gc
import glob
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

from phr.errors import PhrError, UsageError
from phr.paths import private_file_beside, settle

T = TypeVar("T")
_STALE = 86_400


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector of cyclic garbage: a document in the making is a tree of a million small things.

    None of them is part of a cycle, and walking all of them again and again makes each entry of a large record dearer.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class Counted:
    """A stream that counts what passes through it."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.bytes = 0

    def write(self, data: bytes) -> None:
        self._out.write(data)
        self.bytes += len(data)


def check_place(path: Path, *, folder: bool = False) -> None:
    """Raise UsageError where no such file (or folder) can be."""
    target = path.resolve()  # through a symbolic link, so that the link itself stays
    if not folder and target.is_dir():
        raise UsageError(f"{path} is a folder.", hint="Name a file: -o FILE, or -o - for the standard output")
    if folder and target.exists() and not target.is_dir():
        raise UsageError(f"{path} is a file, but a folder is needed.", hint="Name a folder: -o FOLDER/")
    if not target.parent.is_dir():
        place = "FOLDER/" if folder else "FILE"
        raise UsageError(
            f"There is no folder {path.parent}.", hint=f"Make it first, or choose another: -o {place}"
        )


def _sweep(target: Path) -> None:
    """Take away what an export to this place left when the computer went out: nobody works at it after a day."""
    for left in target.parent.glob(f".{glob.escape(target.name[:100])}.*.part"):
        with suppress(OSError):
            if time.time() - left.lstat().st_mtime > _STALE:
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()


def to_file(path: Path, write: Callable[[BinaryIO], T]) -> T:
    """Let `write` fill a file that appears at `path` only when it is whole; 0600 like everything else.

    Written beside and renamed; on any error nothing is left behind and an older file stays as it was. A pipe or
    a device is written to directly. Raises UsageError when there is no such folder, PhrError when the disk
    refuses.
    """
    check_place(path)
    target = path.resolve()
    try:
        if target.exists() and not target.is_file():
            if os.name == "posix" and target.stat().st_uid not in (0, os.getuid()):
                raise UsageError(f"{path} belongs to somebody else.", hint="Choose another place: -o FILE")
            with target.open("wb") as out:
                return write(out)
        _sweep(target)
        with private_file_beside(target) as (handle, temporary):
            answer = write(handle)
            settle(handle, temporary, target)
            return answer
    except OSError as error:
        raise PhrError(
            f"{path} could not be written: {error.strerror or type(error).__name__}.",
            hint="Nothing was left behind. Choose another place: -o FILE",
        ) from error


def to_path(path: Path, write: Callable[[Path], T]) -> T:
    """As `to_file`, for what has to be written by its name: `write` gets the path of an empty file beside the target."""
    check_place(path)
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise UsageError(f"{path} is not a file.", hint="Choose another place: -o FILE")
    try:
        _sweep(target)
        with private_file_beside(target) as (handle, temporary):
            answer = write(Path(temporary))
            settle(handle, temporary, target)
            return answer
    except OSError as error:
        raise PhrError(
            f"{path} could not be written: {error.strerror or type(error).__name__}.",
            hint="Nothing was left behind. Choose another place: -o FILE",
        ) from error


def private_file(path: Path) -> BinaryIO:
    """A new file that only its owner can read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def to_folder(path: Path, write: Callable[[Path], T], *, ours: Callable[[Sequence[Path]], bool]) -> T:
    """Let `write` fill a folder that appears at `path` only when it is whole; 0700, its files 0600.

    A folder of an earlier export (`ours`) is replaced; one that holds anything else stays, and raises UsageError. On
    any error nothing is left behind and the earlier folder stays as it was.
    """
    check_place(path, folder=True)
    target = path.resolve()
    there = list(target.iterdir()) if target.is_dir() else []
    if there and not (all(one.is_file() and not one.is_symlink() for one in there) and ours(there)):
        raise UsageError(
            f"{path} holds other files too, and would be replaced as a whole.",
            hint="Name a folder of its own: -o FOLDER/",
        )
    try:
        _sweep(target)
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))  # 0700
        try:
            answer = write(made)
            _take_place(made, target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise PhrError(
            f"{path} could not be written: {error.strerror or type(error).__name__}.",
            hint="Nothing was left behind. Choose another place: -o FOLDER/",
        ) from error
    return answer


def _take_place(made: Path, target: Path) -> None:
    """Put the new folder where the old one was; the old one goes last."""
    if not target.exists():
        made.rename(target)
        return
    aside = made.with_name(f"{made.name}.old")
    target.rename(aside)
    try:
        made.rename(target)
    except OSError:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)
