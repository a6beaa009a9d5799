"""Where the files of a backup go while it is read: nowhere when it is only checked, else into a folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from phr.errors import UsageError
from phr.paths import open_private
from phr.vault.envelope import Damaged
from phr.vault.manifest import BackedUpFile

RECORD_KEY = "record.key"
"""The name under which the record key travels; it is never written to disk when a backup is opened."""

_LONGEST_IN_MEMORY = 64 * 1024


class Nowhere:
    """Takes the files of a backup that is only looked at."""

    def begin(self, file: BackedUpFile) -> None: ...

    def take(self, portion: bytes) -> None: ...


class Folder:
    """Takes the files into a folder, under temporary names until the whole backup has proved sound."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record_key: bytes | None = None
        self._names: list[str] = []
        self._handle: BinaryIO | None = None

    def begin(self, file: BackedUpFile) -> None:
        self._close()
        if file.name == RECORD_KEY:
            if file.bytes > _LONGEST_IN_MEMORY:
                raise Damaged
            self.record_key = b""
            return
        if (self.folder / file.name).exists():
            raise UsageError(
                f"{self.folder / file.name} is already there, and a restore replaces nothing.",
                hint="Choose an empty folder.",
            )
        self._names.append(file.name)
        self._part(file.name).unlink(missing_ok=True)  # left by a run that was killed
        self._handle = open_private(self._part(file.name))

    def take(self, portion: bytes) -> None:
        if self._handle:
            self._handle.write(portion)
        else:
            self.record_key = (self.record_key or b"") + portion

    def settle(self) -> None:
        self._close()
        for name in self._names:
            self._part(name).rename(self.folder / name)

    def clear(self) -> None:
        self._close()
        for name in self._names:
            with suppress(FileNotFoundError):
                self._part(name).unlink()

    def _part(self, name: str) -> Path:
        return self.folder / f".{name}.part"

    def _close(self) -> None:
        if self._handle:
            self._handle.flush()
            os.fsync(self._handle.fileno())
            self._handle.close()
            self._handle = None
