"""One resource a line, as FHIR Bulk Data has it: easy to grep, and other programs read it line by line.

One stream, or a folder with one file for each type, which is the layout of a Bulk Data export (FHIR Bulk Data Access).
The bytes of a resource stay as its source sent them, with one exception: a resource that was sent over several
lines has its layout taken out, because a line may not contain a line break. Its numbers and texts stay.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Self

from phr.exporters.base import Exported, Handover
from phr.exporters.fhir import type_of
from phr.exporters.files import Counted, private_file

_TYPE = re.compile(r"[A-Za-z]{1,64}")
_FILE = re.compile(r"(?:[A-Z][A-Za-z]{1,63}|unknown)(?:~[0-9]+)?\.ndjson")
_MOST_OPEN = 64
_STRING_OR_SPACE = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+', re.DOTALL)


class NdjsonExporter:
    """`phr export --format ndjson`."""

    media_type = "application/fhir+ndjson"
    suffix = ".ndjson"
    folder_first = False
    file_suffixes = (".ndjson",)

    def made(self, files: Sequence[Path]) -> bool:
        return all(_FILE.fullmatch(one.name) for one in files)

    def write(self, given: Handover, out: BinaryIO) -> Exported:
        to, types = Counted(out), Counter[str]()
        for _, raw in given.resources():
            to.write(one_line(raw) + b"\n")
            types[type_of(raw)] += 1
        return Exported(to.bytes, dict(sorted(types.items())), given.missing())

    def write_folder(self, given: Handover, folder: Path) -> Exported:
        return write_folder(given, folder)


def write_folder(given: Handover, folder: Path) -> Exported:
    """One file for each type, such as `Condition.ndjson`, into a folder that is there and empty. 0600 each."""
    types, total = Counter[str](), 0
    with _Files(folder) as files:
        for _, raw in given.resources():
            type_ = type_of(raw)
            total += files.of(type_).write(one_line(raw) + b"\n")
            types[type_] += 1
    return Exported(total, dict(sorted(types.items())), given.missing())


class _Files:
    """The files of a folder, some of them open at a time: a source may make up more types than a process may open files.

    On many disks `condition.ndjson` is `Condition.ndjson`: the second of such names gets a number, `condition~2.ndjson`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stems: dict[str, str] = {}
        self._taken: set[str] = set()
        self._open: dict[str, BinaryIO] = {}

    def of(self, type_: str) -> BinaryIO:
        """The file of a type, open at its end."""
        name = type_ if _TYPE.fullmatch(type_) else "unknown"
        file = self._open.pop(name, None)
        if file is None:
            if len(self._open) >= _MOST_OPEN:
                self._open.pop(next(iter(self._open))).close()
            stem = self._stems.get(name)
            file = (
                private_file(self._folder / f"{self._new(name)}.ndjson")
                if stem is None
                else (self._folder / f"{stem}.ndjson").open("ab")
            )
        self._open[name] = file  # the latest last
        return file

    def _new(self, name: str) -> str:
        stem, number = name, 1
        while stem.casefold() in self._taken:
            number += 1
            stem = f"{name}~{number}"
        self._taken.add(stem.casefold())
        self._stems[name] = stem
        return stem

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._open.values():
            file.close()


def one_line(raw: bytes) -> bytes:
    """The same JSON on one line: untouched if it is on one already, else without its layout."""
    if b"\n" not in raw and b"\r" not in raw:
        return raw
    return _STRING_OR_SPACE.sub(lambda found: found[1] or b"", raw)
