"""Packed bytes that are read without being trusted: a small file may unpack to any size.

Text of health records packs 5 to 40 times smaller; what a bomb is made of packs 1000 times (RFC 1951 allows no
more). Nothing is unpacked to disk.
"""

from __future__ import annotations

import gzip
import io
from typing import Any, BinaryIO, cast

from phr.errors import UnreadableFile

HARMLESS = 64_000_000
"""Bytes that nobody minds, however well they are packed."""
RATIO = 200
"""How many times larger than packed the unpacked bytes may be."""
BOMB = "unpacks to far more than a record could hold"


class Budget:
    """What may be unpacked of one file: archives and packed files inside archives draw on the same budget.

    Without it, each of a thousand members may be harmless and all together be no end of work.
    """

    def __init__(self, packed: int, *, most_bytes: int, most_members: int) -> None:
        self._most = min(most_bytes, max(RATIO * packed, 4 * HARMLESS))
        self._most_members = most_members
        self._bytes = self._members = 0

    def begin(self) -> None:
        """A new reading from the start."""
        self._bytes = self._members = 0

    def spend(self, size: int) -> bool:
        """Whether so many bytes more may be unpacked; they count from now on."""
        if self._bytes + size > self._most:
            return False
        self._bytes += size
        return True

    def enter(self) -> bool:
        """Whether one member more may be looked at."""
        self._members += 1
        return self._members <= self._most_members


class _Bounded(io.RawIOBase):
    """The unpacked bytes of a file of `packed` bytes; ends in an error once they cannot be honest."""

    def __init__(self, stream: BinaryIO, packed: int, name: str, budget: Budget | None) -> None:
        self._outside, self._stream, self._budget = stream, gzip.GzipFile(fileobj=stream), budget
        self._packed, self._name, self._count = packed, name, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        self._count = 0
        return self._stream.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        found = self._stream.read(len(view))
        view[: len(found)] = found
        self._count += len(found)
        spent = self._budget is None or self._budget.spend(len(found))
        if not spent or is_bomb(self._count, self._packed):
            raise UnreadableFile(
                f"{self._name} {BOMB}.", hint="It may be made to do harm: ask whoever sent it"
            )
        return len(found)

    def close(self) -> None:
        self._stream.close()
        self._outside.close()
        super().close()


def is_bomb(size: int, packed: int) -> bool:
    """Whether so many bytes from so few are no honest text."""
    return size > HARMLESS and size > RATIO * max(packed, 1)


def unpacked(stream: BinaryIO, packed: int, name: str, budget: Budget | None = None) -> BinaryIO:
    """The bytes inside a gzip file (RFC 1952), for as long as they are believable and the budget lasts."""
    return cast(BinaryIO, io.BufferedReader(_Bounded(stream, packed, name, budget), 1 << 16))
