"""A private copy of a document for the program that shows it, and taking it away again.

The one place where something decrypted lies outside of the record: below the state folder, for its owner alone, and
only because the person asked to see it.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from phr import paths

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace

OPEN_SECONDS = 3600.0
"""How long a copy lies there; the next `phr documents` takes it away."""
_AHEAD = 60.0
"""Seconds by which a file may be younger than now: coarse clocks of file systems."""


def lay_out(workspace: Workspace, name: str, content: bytes) -> Path:
    """A private copy of a document for a viewer, below the state folder (0700, the file 0600). It is taken away by
    `tidy`, which every `phr documents` calls."""
    folder = paths.make_private(_folder(workspace) / os.urandom(6).hex())
    target = folder / name
    paths.write_private(target, content)
    return target


def tidy(workspace: Workspace, *, older: float = OPEN_SECONDS) -> None:
    """Take away the copies that were laid out more than `older` seconds ago, and those of a day that has not come."""
    now = time.time()
    with suppress(OSError):
        for one in list(_real(_folder(workspace)).iterdir()):
            with suppress(OSError):
                if one.is_symlink():  # not ours, and what it leads to is nobody's copy
                    one.unlink()
                    continue
                age = now - one.stat().st_mtime
                if age < older and age > -_AHEAD:
                    continue
                if one.is_dir():
                    # Viewers put locks and folders beside; what cannot be taken away holds up nothing else.
                    shutil.rmtree(one, ignore_errors=True)
                else:
                    one.unlink()


def _real(folder: Path) -> Path:
    if folder.is_symlink():
        raise NotADirectoryError
    return folder


def _folder(workspace: Workspace) -> Path:
    return workspace.paths.state / "open" / workspace.user
