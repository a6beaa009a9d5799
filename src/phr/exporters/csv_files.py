"""Where tables are written to as CSV: the files of a folder, or the members of a ZIP.

A table becomes a file with its first row. Each line is written at once, so that a long life needs no more memory than a
short one; only a ZIP is put together in memory, because its members come one after the other.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from phr.exporters.files import Counted, private_file
from phr.views.tables.cells import line, written
from phr.views.tables.shape import Cell, Column


class Sink(Protocol):
    """Where files go."""

    def open(self, name: str) -> BinaryIO:
        """A new file of this name."""
        ...


class Folder:
    """Files in a folder, 0600 each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = ExitStack()

    def open(self, name: str) -> BinaryIO:
        """A new file."""
        return self._open.enter_context(private_file(self._folder / name))

    def close(self) -> None:
        """Close all of them."""
        self._open.close()


class Zipped:
    """Members of a ZIP, in the order in which they were begun."""

    def __init__(self) -> None:
        self._members: dict[str, io.BytesIO] = {}

    def open(self, name: str) -> BinaryIO:
        """A new member."""
        return self._members.setdefault(name, io.BytesIO())

    def write(self, out: Counted, made: datetime) -> None:
        """The whole ZIP (APPNOTE 6.3), its members dated when the file was made."""
        # Writes to a stream that only goes forward; the members' sizes follow their bytes.
        with zipfile.ZipFile(_Forward(out), "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in self._members.items():
                member = zipfile.ZipInfo(name, (max(made.year, 1980), *made.timetuple()[1:6]))
                member.compress_type = zipfile.ZIP_DEFLATED
                member.external_attr = 0o600 << 16
                packed.writestr(member, content.getvalue())


class _Forward:
    """What zipfile wants of a stream that cannot be sought."""

    def __init__(self, out: Counted) -> None:
        self._out = out

    def write(self, data: bytes) -> int:
        self._out.write(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Whoever opened the stream closes it."""


class Sheets:
    """Tables that are begun when their first row comes; knows how many rows and bytes each has."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._files: dict[str, Counted] = {}
        self._types: dict[str, tuple[str, ...]] = {}
        self.columns: dict[str, tuple[Column, ...]] = {}
        self.counts: dict[str, int] = {}

    def add(self, name: str, columns: tuple[Column, ...], row: Sequence[Cell]) -> None:
        """One more row of a table."""
        file = self.begun(name, columns)
        cells = (written(cell, type_) for cell, type_ in zip(row, self._types[name], strict=True))
        file.write(line(cells))
        self.counts[name] += 1

    def add_lines(self, name: str, columns: tuple[Column, ...], lines: Iterable[bytes], count: int) -> None:
        """A whole table, its rows written already."""
        file = self.begun(name, columns)
        for one in lines:
            file.write(one)
        self.counts[name] += count

    def begun(self, name: str, columns: tuple[Column, ...]) -> Counted:
        """The file of a table, with its line of names."""
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = Counted(self._sink.open(f"{name}.csv"))
            self.columns[name] = columns
            self._types[name] = tuple(one.type for one in columns)
            self.counts[name] = 0
            file.write(line(one.name for one in columns))
        return file

    def plain(self, name: str, content: bytes) -> None:
        """A file that is no table."""
        file = self._files[name] = Counted(self._sink.open(name))
        file.write(content)

    @property
    def bytes(self) -> int:
        """How much was written."""
        return sum(one.bytes for one in self._files.values())
