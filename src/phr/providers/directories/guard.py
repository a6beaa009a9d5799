"""A stream of JSON that a small list may not use to take all memory or to bring the parser down.

Nesting without end takes all memory there is, an entry without end too, and a number of thousands of digits ends
ijson's parser in C with a crash that no `except` sees. So all three are looked for before the parser has the bytes.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import BinaryIO

from phr.errors import UnreadableFile

_DEEPEST = 200
_LONGEST_NUMBER = 400
_LARGEST_ENTRY = 8_000_000
# Possessive: a text without an end is looked at once, not from each of its quotes again.
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_NO_BRACKETS = bytes(code for code in range(256) if code not in b"[]{}")
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_DIGITS = bytes(ord("0") if chr(code).isascii() and chr(code).isdigit() else ord(" ") for code in range(256))


class Guarded:
    """The handle, as long as its JSON is nested no deeper and its numbers are no longer than any list's."""

    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle
        self._depth = 0
        self._in_text = False
        self._escape = b""
        self._digits = b""
        self._level = 0
        """How deep the list is of which the entries are handed out: 1 where it is the whole document."""
        self._since = 0
        """Bytes since the last entry ended."""

    def read(self, size: int = -1) -> bytes:
        content = self._handle.read(size)
        if content:
            self._look(content)
        return content

    def _look(self, content: bytes) -> None:
        """Brackets and digits outside of texts. A text, an escape and a number may go on in the next piece."""
        part = self._escape + content
        odd = (len(part) - len(part.rstrip(b"\\"))) % 2
        self._escape = b"\\" if odd else b""
        part = part[: len(part) - odd]
        # One quote more ends a text that is still open here; where none is open, it is what is left over.
        plain = _TEXT.sub(b" ", (b'"' if self._in_text else b"") + part + b'"')
        self._in_text = not plain.endswith(b'"')
        steps = memoryview(plain.translate(_STEPS, _NO_BRACKETS)).cast("b")
        depths = list(accumulate(steps, initial=self._depth))
        self._depth = depths[-1]
        if max(depths) > _DEEPEST:
            raise UnreadableFile("It is damaged: it is nested without end.", hint="Fetch it again.")
        if steps and not self._level:
            self._level = 1 if plain.lstrip().startswith(b"[") else 2
        self._since = 0 if steps and min(depths) <= self._level else self._since + len(content)
        if self._since > _LARGEST_ENTRY:
            raise UnreadableFile(
                "It is damaged: there is an entry without end in it.", hint="Fetch it again."
            )
        digits = self._digits + plain.removesuffix(b'"').translate(_DIGITS)
        if b"0" * (_LONGEST_NUMBER + 1) in digits:
            raise UnreadableFile(
                "It is damaged: there is a number without end in it.", hint="Fetch it again."
            )
        self._digits = digits[-_LONGEST_NUMBER:]
