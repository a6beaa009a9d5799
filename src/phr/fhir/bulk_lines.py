"""NDJSON read as it arrives: a sink for `FhirClient.request` that hands on whole lines (ndjson.org; Bulk Data 2.0).

Nothing is written to a disk and no more than one line is held, however large the file. Lines are cut at LF; CR before
it, blank lines and a byte order mark are dropped; the last line may lack its end. A file that is itself gzip, whatever
its headers say, is unpacked on the way, in small pieces: some kilobytes of gzip can become gigabytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from phr.errors import Unreachable

LONGEST_LINE = 64_000_000
"""Bytes of one resource; a document inside one may be large."""
_PIECE = 1 << 18
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31


class Lines:
    """Cuts what is written into it; `each(number, line)` is called for every line that is not blank.

    A line beyond `longest` is handed on as None, and the rest goes on.
    """

    def __init__(self, each: Callable[[int, bytes | None], None], *, longest: int = LONGEST_LINE) -> None:
        self._each = each
        self._longest = longest
        self._first = b""
        self._sniffed = False
        self._gunzip: zlib._Decompress | None = None
        self._parts: list[bytes] = []
        self._held = 0
        self._skipping = False
        self.number = 0
        """The number of the last line that was begun, blank ones included."""
        self.bytes = 0
        self.unpacked = 0
        """Bytes of lines until now; a file that is gzip itself holds more of them than arrive."""

    def write(self, content: bytes, /) -> int:
        """Take the next bytes of the file. Raises Unreachable when it is damaged gzip."""
        self.bytes += len(content)
        if self._sniffed:
            self._unpack(content)
        else:
            self._first += content
            if len(self._first) >= 3:
                self._sniff()
        return len(content)

    def close(self) -> None:
        """The file is at its end. Raises Unreachable when its gzip is not."""
        if not self._sniffed:
            self._sniff()
        if self._gunzip is not None and not self._gunzip.eof:
            raise Unreachable("A file of the export is cut off.")
        if self._parts or self._skipping:
            self._line(b"")

    def _sniff(self) -> None:
        self._sniffed, first, self._first = True, self._first, b""
        if first.startswith(_GZIP):
            self._gunzip = zlib.decompressobj(_GZIP_WINDOW)
        self._unpack(first)

    def _unpack(self, content: bytes) -> None:
        if self._gunzip is None:
            self._cut(content)
            return
        try:
            more = True
            while content or more:
                if self._gunzip.eof:  # gzip members may follow one another (RFC 1952, section 2.2)
                    if not content or not content.startswith(_GZIP[: len(content)]):
                        return  # padding
                    self._gunzip = zlib.decompressobj(_GZIP_WINDOW)
                piece = self._gunzip.decompress(content, _PIECE)
                self._cut(piece)
                content = self._gunzip.unconsumed_tail or self._gunzip.unused_data
                more = len(piece) == _PIECE
        except zlib.error:
            raise Unreachable("A file of the export is damaged.") from None

    def _cut(self, content: bytes) -> None:
        self.unpacked += len(content)
        start = 0
        while (end := content.find(b"\n", start)) >= 0:
            self._line(content[start:end])
            start = end + 1
        if start < len(content):
            self._hold(content[start:])

    def _hold(self, part: bytes) -> None:
        self._held += len(part)
        if self._held > self._longest:
            self._skipping = True
            self._parts.clear()
        else:
            self._parts.append(part)

    def _line(self, end: bytes) -> None:
        self.number += 1
        if self._parts or self._skipping:
            self._hold(end)
            whole = None if self._skipping else b"".join(self._parts)
            self._parts.clear()
            self._skipping = False
        else:
            whole = end
        self._held = 0
        if whole is not None:
            whole = whole.removeprefix(b"\xef\xbb\xbf").strip()
        if whole != b"":
            self._each(self.number, whole)
