"""Files inside an archive: each is looked into as if it stood alone, and what cannot be read is named and passed over.

They are read out of the archive into memory; nothing is unpacked to disk, so names with `../` lead nowhere.
"""

from __future__ import annotations

import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from phr.errors import PhrError, UnreadableFile
from phr.importers.base import Part
from phr.importers.bounded import BOMB, Budget, is_bomb
from phr.importers.found import Found, Opener
from phr.importers.sniffing import ForeignFile
from phr.model import Problem

Look = Callable[[Opener, int, str], Found]
"""Looks into a file of an archive: how to open it, its size, its name."""
MOST = 65_535
"""Files in one archive: as many as ZIP could count before its 64-bit form."""
IN_MEMORY = 64_000_000
"""Bytes of a member up to which it is held whole; a larger one is read as a stream."""
TOTAL = 4_000_000_000
"""Unpacked bytes of one file that are read, archives in it included."""
KEPT = 64_000_000
"""Bytes of read documents that are kept between the first look and the second."""
LOCKED = "is locked with a password"
TOO_MUCH = "was not read: the archive unpacks to far more than its size allows"
TOO_MANY = f"holds more than {MOST:,} files, which no health record does"
DAMAGED = "is damaged inside the archive"
# What reading a broken member can raise, depending on how it was packed and what in it is broken.
BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError,
    RuntimeError, struct.error, ValueError, OverflowError, IndexError, KeyError,
)  # fmt: skip
_LEFTOVERS = ("__macosx/", ".ds_store", "thumbs.db", "desktop.ini")


class Members:
    """What became of the members of one archive in one reading."""

    def __init__(self, name: str, look: Look, budget: Budget, *, outermost: bool = True) -> None:
        self.name, self.budget, self._look, self._outermost = name, budget, look, outermost
        self._kept: dict[int, Found] = {}
        self._room = KEPT
        self._sections: list[dict[str, Any]] = []
        self._senders: set[str | None] = set()
        self._at: tuple[str, Found | None] = ("", None)

    def begin(self) -> None:
        """A new reading from the start."""
        if self._outermost:
            self.budget.begin()
        self._sections.clear()
        self._senders.clear()

    def sender(self) -> str | None:
        """Who sent all that came of the last reading; None where nobody is named, or several are."""
        return next(iter(self._senders)) if len(self._senders) == 1 else None

    def where(self) -> str | None:
        """The file that is being read."""
        name, found = self._at
        inside = found.where() if found is not None and found.where is not None else None
        return f"{name}/{inside}" if inside else name or None

    def sections(self) -> list[dict[str, Any]]:
        """The reports of all documents of the last reading."""
        return list(self._sections)

    def report(self, sections: Sequence[dict[str, Any]]) -> None:
        """Add what something else than a document gave."""
        self._sections += sections

    def member(self, index: int, path: str, size: int, packed: int, opener: Opener) -> Iterator[Part]:
        """The resources of one member, or the reason why there are none."""
        name = shown(path)
        if path.lower().startswith(_LEFTOVERS[0]) or name.lower() in _LEFTOVERS:
            yield refused(path, "is a note of the operating system, no record", known=True)
            return
        if is_bomb(size, packed):
            yield refused(path, BOMB)
            return
        found = self._kept.get(index)
        if not self.budget.enter() or (found is None and not self.budget.spend(size)):
            yield refused(path, TOO_MUCH)
            return
        came = False
        try:
            found = found or self._looked(index, name, size, opener)
            self._at = (name, found)
            for received, names, problems in found.parts():
                came = came or bool(received)
                yield received, names, tuple(_placed(one, name) for one in problems)
        except PhrError as error:
            yield refused(path, reason(error, name), known=isinstance(error, ForeignFile))
        except (*BROKEN, RecursionError, MemoryError):
            yield refused(path, DAMAGED)
        else:
            if found.sections is not None:
                self._sections += found.sections()
            if came:
                self._senders.add(found.sender() if found.sender is not None else None)

    def _looked(self, index: int, name: str, size: int, opener: Opener) -> Found:
        if size <= IN_MEMORY:
            with opener() as stream:
                content = stream.read(IN_MEMORY + 1)
            opener = partial(io.BytesIO, content)
        found = self._look(opener, size, name)
        if found.weight and found.weight <= self._room:
            self._room -= found.weight
            self._kept[index] = found
        return found


def _placed(problem: Problem, name: str) -> Problem:
    """What is said of a whole document, with the name of its file."""
    return replace(problem, id=name) if problem.type == "document" and problem.id is None else problem


def refused(path: str, why: str, *, known: bool = False) -> Part:
    """A member that does not come in, by its name without folders: these may be named after the person."""
    return (), {}, (Problem("file", why, id=shown(path), known=known),)


def shown(path: str) -> str:
    """The name of a member as it can be printed: its last part, in one line."""
    name = path.replace("\\", "/").rstrip("/").rpartition("/")[2] or "a file"
    return "".join(c if c.isprintable() else "?" for c in name)[:100]


def reason(error: PhrError, name: str) -> str:
    """The sentence of an error without the name it begins with, so that equal ones can be counted."""
    return error.message.removeprefix(name).strip().rstrip(".")


def nothing_in(kind: str, name: str, problems: Sequence[Problem]) -> UnreadableFile:
    """What to say of an archive in which there was not one resource."""
    found = Counter(one.reason for one in problems if one.type == "file")
    if not found:
        return UnreadableFile(f"{name} is {kind} without a record in it.", hint="Download it again")
    if set(found) == {LOCKED}:
        return UnreadableFile(
            f"{name} is {kind} that is locked with a password.",
            hint="Unpack it with its password, then import the files inside",
        )
    told = "; ".join(
        f"{count} × “{why}”" if count > 1 else f"one {why}" for why, count in found.most_common(3)
    )
    return UnreadableFile(
        f"{name} is {kind} without a record that can be read: {told}{' …' if len(found) > 3 else ''}.",
        hint="Records are read as FHIR (JSON, NDJSON) or C-CDA (XML)",
    )
