"""The members of a tar archive, one after the other (POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar).

Python's `tarfile` holds a whole extended header in memory, however long it says to be, and looks for its records
in time that grows with the square of its length. Here a header is bounded before it is read. Only what health
records need is understood: long names and sizes, no sparse files.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from phr.errors import UnreadableFile

_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 1 << 16
_LONGEST_HEADER = 1_000_000
"""Bytes of an extended header; names and times take some hundreds."""
_ALL_HEADERS = 100_000_000
"""Bytes of all of them together: as many files as are read, with a kilobyte each."""
_PAX = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_IGNORED = (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK)
"""Headers that say nothing about where a file is and how long: they are passed over."""


@dataclass(slots=True)
class TapeMember:
    """One file of the archive; its bytes can be read once, before the next is asked for."""

    name: str = field(repr=False)
    size: int
    kind: bytes
    stream: BinaryIO = field(repr=False)
    left: int = 0
    """Bytes of its blocks that were not read yet."""

    @property
    def is_folder(self) -> bool:
        """Whether it is a directory."""
        return self.kind == tarfile.DIRTYPE

    @property
    def is_file(self) -> bool:
        """Whether it is a file as such, and no link, device or sparse file."""
        return self.kind in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)

    def read(self) -> bytes:
        """All its bytes. Raises EOFError when the archive ends before."""
        content = _exactly(self.stream, self.size)
        self.left -= self.size
        return content


def members(stream: BinaryIO, name: str) -> Iterator[TapeMember]:
    """The members in their order. Raises tarfile.TarError, EOFError, or UnreadableFile for what is made to do harm."""
    path, size, headers = None, None, 0
    while True:
        block = stream.read(_BLOCK)
        if not block.strip(b"\0"):
            return
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        if info.size < 0:
            raise tarfile.ReadError
        if info.type in _PAX or info.type == tarfile.GNUTYPE_LONGNAME:
            headers += info.size
            said = _header(stream, info.size, name, headers)
            if info.type == tarfile.GNUTYPE_LONGNAME:
                path = said.partition(b"\0")[0].decode("utf-8", "surrogateescape")
            else:
                told = _records(said)
                path = told.get("path", path)
                size = int(told["size"]) if told.get("size", "").isdecimal() else size
            continue
        if info.type in _IGNORED:
            _pass_over(stream, _blocks(info.size))
            continue
        held = info.size if size is None else size
        if info.type in tarfile.SUPPORTED_TYPES and info.type not in tarfile.REGULAR_TYPES:
            held = 0  # a folder, a link, a device
        member = TapeMember(path or info.name, held, info.type, stream, _blocks(held))
        yield member
        _pass_over(stream, member.left)
        path, size = None, None


def _header(stream: BinaryIO, size: int, name: str, so_far: int) -> bytes:
    if size > _LONGEST_HEADER or so_far > _ALL_HEADERS:
        raise UnreadableFile(
            f"{name} holds names that are longer than any archive needs.",
            hint="It may be made to do harm: ask whoever sent it",
        )
    return _exactly(stream, _blocks(size))[:size]


def _records(said: bytes) -> dict[str, str]:
    """`LENGTH KEY=VALUE\\n` …: the records of a pax header, as far as they are whole."""
    found, at = {}, 0
    while at < len(said):
        digits, blank, _ = said[at : at + 10].partition(b" ")
        if not blank or not digits.isdigit() or not int(digits):
            break
        key, equals, value = said[at + len(digits) + 1 : at + int(digits) - 1].partition(b"=")
        if not equals:
            break
        found[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        at += int(digits)
    return found


def _blocks(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _exactly(stream: BinaryIO, size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content


def _pass_over(stream: BinaryIO, size: int) -> None:
    while size > 0:
        size -= len(_exactly(stream, min(size, _CHUNK)))
