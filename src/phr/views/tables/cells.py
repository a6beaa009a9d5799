"""A cell of a CSV file: the digits of its number, and no text that a spreadsheet would run as a formula.

OWASP, CSV Injection: a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return is taken for a formula; so is
one that begins there only because a program cuts at semicolons, at tabs or at a stray quote. An apostrophe is put before
such a place. Line breaks and tabs inside of a text are blanks here, and control characters are left out.

It can be undone (`bare`): at the beginning of a text cell, and behind each `;` and `"` in it, take away one apostrophe where
after any blanks and further apostrophes one of the signs follows. A plain number (-1.5) stays as it is everywhere.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from functools import lru_cache

from phr.records.measurements import number_text
from phr.views.tables.shape import Cell

_SIGNS = "=+\\-@＝＋－＠"  # also as East Asian keyboards type them
_RISKY = re.compile(rf"(^|[;\"])(?=[ ']*[{_SIGNS}])")
_GUARDED = re.compile(rf"(^|[;\"])'(?=[ ']*[{_SIGNS}])")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
# C0 and C1 controls, line separators, marks that reorder text (UAX #9), and what takes no room.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]+")
_INVISIBLE = re.compile("[\u200b\u2060-\u2064\u206a-\u206f\ufeff\U000e0000-\U000e007f]+")
# What most cells are: one line of plain characters that begins with a letter, a digit or a bracket.
_HARMLESS = re.compile(r"[A-Za-z0-9(<>](?:[!#-:<-~]| (?=[!#-:<-~]))*+")
_HALF = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """One line without control characters."""
    if not text.isascii():
        text = _HALF.sub("\ufffd", _INVISIBLE.sub("", text))
    return " ".join(_UNSAFE.sub(" ", text).split())


def guarded(text: str) -> str:
    """A text as it can stand in a spreadsheet."""
    return text if _HARMLESS.fullmatch(text) else _guarded(text)


@lru_cache(maxsize=4096)
def _guarded(text: str) -> str:
    words = plain(text)
    return words if _NUMBER.fullmatch(words) else _RISKY.sub(r"\1'", words)


def bare(text: str) -> str:
    """The text behind `guarded`."""
    return _GUARDED.sub(r"\1", text)


def written(value: Cell, type_: str) -> str:
    """A value as it stands in a CSV file; empty for none."""
    if value is None:
        return ""
    if type(value) is str and type_ != "number":
        return guarded(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value) or ""
    if type_ == "number" and _NUMBER.fullmatch(value):
        return value
    return guarded(value)


def line(cells: Iterable[str]) -> bytes:
    """Cells as one line of RFC 4180, in UTF-8."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()
