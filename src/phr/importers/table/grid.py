"""Rows of a table in text (RFC 4180, and what spreadsheets and portals make of it).

Lines are read one by one, so that a quotation mark that is never closed costs one line and not the rest of the
file. A row that cannot be read is given with its line number and the reason.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, TextIO

from phr.errors import UnreadableFile

DELIMITERS = ",;\t|"
LONGEST = 100_000
"""Characters of a line; a longer one is no row of a health record."""
_SPAN = 100
"""Lines over which one row may go, where cells hold line ends."""
TOO_LONG = "is too long for a row"
NO_TEXT = "holds bytes that are no text"
OPEN_QUOTE = "has a quotation mark that is never closed"
BAD_QUOTE = "has quotation marks in the wrong places"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line, its cells, or why it cannot be read."""

    line: int
    cells: tuple[str, ...] = field(repr=False, default=())
    wrong: str | None = None


def looks_like_table(head: bytes) -> bool:
    """Whether text begins with two lines that one delimiter cuts into equally many cells."""
    words = (
        head.decode("utf-8", "replace").removeprefix("\ufeff")
        if not _utf16(head)
        else head.decode("utf-16", "replace")
    )
    if "\x00" in words:
        return False
    lines = [line for line in words.splitlines()[:-1] or words.splitlines() if line.strip()][:2]
    return any(
        len({line.count(mark) for line in lines}) == 1 and lines[0].count(mark) > 0
        for mark in DELIMITERS
        if lines
    )


def rows(text: TextIO, delimiter: str, encoding: str | None, name: str, skip: int = 0) -> Iterator[Row]:
    """The rows of a table from its first line on, blank ones left out."""
    waiting: list[tuple[int, str]] = []
    lines = _lines(text, encoding, name)
    for _ in range(skip):
        next(lines, None)
    while True:
        number, line = waiting.pop(0) if waiting else next(lines, (0, None))
        if number == 0:
            return
        if line is None or wrong_text(line):
            yield Row(number, wrong=TOO_LONG if line is None else NO_TEXT)
            continue
        if not line.strip():
            continue
        yield _row(number, line, lines, waiting, delimiter)


def _row(
    number: int,
    line: str,
    lines: Iterator[tuple[int, str | None]],
    waiting: list[tuple[int, str]],
    delimiter: str,
) -> Row:
    """One row, with the lines after it as far as its quotation marks reach; they wait if it reaches nowhere."""
    text, taken = line, list[tuple[int, str]]()
    while True:
        try:
            cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
            return Row(number, tuple(cell.strip() for cell in cells))
        except csv.Error as error:
            if "unexpected end of data" not in str(error):
                waiting[:0] = taken
                return Row(number, wrong=BAD_QUOTE)
        except StopIteration:
            return Row(number, ())
        following = waiting.pop(0) if waiting else next(lines, (0, None))
        if following[1] is None or len(taken) >= _SPAN or len(text) > LONGEST:
            if following[1] is not None:
                taken.append((following[0], following[1]))
            waiting[:0] = taken
            return Row(number, wrong=OPEN_QUOTE)
        taken.append((following[0], following[1]))
        text += following[1]


def wrong_text(line: str) -> bool:
    """Whether a line holds what no text holds: NUL and its like, or bytes that could not be decoded."""
    return any((c < " " and c not in "\t\r\n\f\v") or "\ud800" <= c <= "\udfff" for c in line)


def _utf16(head: bytes) -> bool:
    return head.startswith((b"\xff\xfe", b"\xfe\xff"))


def opened(stream: BinaryIO, encoding: str | None) -> TextIO:
    """The bytes of a table as text, to be closed; without a word about the encoding as UTF-8 or what a mark says."""
    head = stream.read(4)
    stream.seek(0)
    codec = encoding or ("utf-16" if _utf16(head) else "utf-8")
    return io.TextIOWrapper(stream, encoding=codec, errors="surrogateescape", newline=None)


def _lines(text: TextIO, encoding: str | None, name: str) -> Iterator[tuple[int, str | None]]:
    """Numbered lines with their ends; None for one that is too long."""
    try:
        number = 0
        while line := text.readline(LONGEST + 1):
            number += 1
            if number == 1:
                line = line.removeprefix("\ufeff")
            if len(line) > LONGEST and not line.endswith("\n"):
                while (rest := text.readline(LONGEST)) and not rest.endswith("\n"):
                    pass
                yield number, None
            else:
                yield number, _mended(line) if encoding is None else line
    except UnicodeError:
        raise UnreadableFile(
            f"{name} is not written in {text.encoding}.",
            hint='Say how in the mapping: [file] encoding = "windows-1252"',
        ) from None


def _mended(line: str) -> str:
    """A line that is no UTF-8 is most likely Windows-1252; files put together by hand hold both."""
    if line.isascii() or not any("\udc80" <= c <= "\udcff" for c in line):
        return line
    try:
        return line.encode("utf-8", "surrogateescape").decode("cp1252")
    except UnicodeError:
        return line


def first_line(text: TextIO, encoding: str | None, name: str, skip: int) -> str | None:
    """The first line that says something, after those to skip; None where there is none that can be read."""
    for number, line in _lines(text, encoding, name):
        if number > skip and (line is None or line.strip()):
            return line
    return None


def best_delimiter(header: str, wanted: Sequence[str]) -> str:
    """The mark that cuts the header into most of the columns that the mapping names."""
    wishes = {one.casefold() for one in wanted}

    def found(mark: str) -> tuple[int, int]:
        cells = [cell.strip().casefold() for cell in next(csv.reader([header], delimiter=mark), [])]
        return len(wishes.intersection(cells)), len(cells)

    return max(DELIMITERS, key=found)
