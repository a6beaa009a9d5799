"""The words of an RTF document (Rich Text Format 1.9.1), for the full-text index.

A tokenizer and a stack of groups: what stands in a destination (fonts, styles, pictures, `\\*` …) is no text of the
document. One pass, so its time is bounded by the length of what comes in; never raises.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\"
)
_DESTINATIONS = frozenset(
    """
    fonttbl colortbl stylesheet info pict object header footer headerl headerr headerf footerl footerr footerf
    listtable listoverridetable rsidtbl generator themedata colorschememapping datastore latentstyles filetbl
    revtbl xmlnstbl bkmkstart bkmkend fldinst objdata mmathPr
    """.split()
)
_BREAKS = frozenset("par line sect page tab cell row lbr".split())
_SIGNS = {
    "emdash": "—",
    "endash": "–",
    "bullet": "•",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "emspace": " ",
    "enspace": " ",
}
_DEPTH = 1000


def words(markup: str, limit: int) -> str:
    """The text of the document, at most some `limit` characters of it."""
    return _Reader(limit).read(markup)


class _Reader:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[str] = []
        self._size = 0
        self._codepage = "cp1252"
        self._stack: list[tuple[bool, int]] = []
        self._silent = False
        self._replaced = 1
        """How many characters after a `\\u` stand for it where Unicode is not read."""
        self._skip = 0

    def read(self, markup: str) -> str:
        for found in _TOKEN.finditer(markup):
            word, number, octet, symbol, brace, plain = found.groups()
            if brace:
                self._group(brace)
            elif word:
                self._word(word, int(number) if number else None)
            elif octet:
                self._say(bytes([int(octet, 16)]).decode(self._codepage, "replace"), one=True)
            elif symbol:
                self._symbol(symbol)
            elif plain:
                self._say(plain)
            if self._size >= self._limit:
                break
        return "".join(self._parts)

    def _group(self, brace: str) -> None:
        if brace == "{":
            if len(self._stack) < _DEPTH:
                self._stack.append((self._silent, self._replaced))
        elif self._stack:
            self._silent, self._replaced = self._stack.pop()
        self._skip = 0

    def _word(self, word: str, number: int | None) -> None:
        if word in _DESTINATIONS:
            self._silent = True
        elif word in _BREAKS:
            self._say("\n" if word != "tab" else "\t", whole=True)
        elif word in _SIGNS:
            self._say(_SIGNS[word], one=True)
        elif word == "u" and number is not None:
            code = number % 65536
            self._say("\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code), whole=True)
            self._skip = self._replaced
        elif word == "uc" and number is not None:
            self._replaced = max(0, min(number, 16))
        elif word == "ansicpg" and number is not None:
            self._use(f"cp{number}")

    def _use(self, codepage: str) -> None:
        try:
            b"a".decode(codepage)
        except (LookupError, UnicodeError):
            return
        self._codepage = codepage

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self._silent = True
        elif symbol in "\\{}":
            self._say(symbol, one=True)
        elif symbol in "~_":
            self._say(" " if symbol == "~" else "-", one=True)

    def _say(self, text: str, *, one: bool = False, whole: bool = False) -> None:
        """Add text, unless it stands for a `\\u` that was said already or belongs to no text."""
        if self._skip and not whole:
            if one:
                self._skip -= 1
                return
            text, self._skip = text[self._skip :], max(0, self._skip - len(text))
        if not self._silent and text:
            self._parts.append(text)
            self._size += len(text)
