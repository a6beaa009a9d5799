"""Words on a screen: cleaned, measured in cells, cut to fit, coloured where that is welcome.

A record comes from elsewhere, so nothing of it reaches a terminal before control characters are gone: an
escape sequence in a lab name could otherwise rewrite the screen. Colour follows https://no-color.org and is
never the only carrier of a meaning. Rich is not used here: it costs more than everything else that a quick
command does.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# C0 and C1 controls, line and paragraph separators, and the marks that reorder text (UAX #9).
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]+")
# What takes no room: two words that differ in these only look the same. Taken away without a gap, since some scripts
# (Persian, Hindi) have joiners inside of words.
_INVISIBLE = re.compile("[\u200b-\u200d\u2060-\u2064\u206a-\u206f\ufeff\U000e0000-\U000e007f]+")
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35"}
_STYLES |= {"cyan": "36", "alarm": "1;31", "heading": "1;36"}
_PLAIN = {
    "↑": "^",
    "↓": "v",
    "…": "~",
    "·": "-",
    "–": "-",
    "—": "-",
    "─": "-",
    "✓": "ok",
    "✗": "x",
    "×": "x",
    "✎": "*",
    "≥": ">=",
    "≤": "<=",
    "°": "",
    "µ": "u",
    "“": '"',
    "”": '"',
}


def clean(text: object) -> str:
    """One line without control, reordering or invisible characters; runs of white space become one space."""
    if text is None:
        return ""
    words = str(text)
    if not words.isascii():
        words = _INVISIBLE.sub("", words)
    return " ".join(_UNSAFE.sub(" ", words).split())


def clean_lines(text: object) -> str:
    """As `clean`, but line breaks stay."""
    return "\n".join(clean(line) for line in str(text).splitlines())


def width(text: str) -> int:
    """How many cells of a terminal this takes: wide East Asian characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def elide(text: str, cells: int) -> str:
    """The text itself when it fits, else its beginning and “…”."""
    if width(text) <= cells:
        return text
    kept, used = [], 0
    for char in text:
        used += width(char)
        if used > cells - 1:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…" if cells > 0 else ""


def pad(text: str, cells: int, *, right: bool = False) -> str:
    """The text with spaces up to `cells`; a longer text stays whole."""
    space = " " * max(0, cells - width(text))
    return space + text if right else text + space


@dataclass(frozen=True, slots=True)
class Screen:
    """What stdout (or stderr) can show. `columns` is None where there is no edge: a pipe or a file."""

    columns: int | None
    colour: bool
    unicode: bool = True

    def paint(self, text: str, style: str | None) -> str:
        """The text in this style, or as it is where colour is not welcome."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style and self.colour and text else text

    def fit(self, text: str) -> str:
        """A line that does not wrap."""
        return elide(text, self.columns) if self.columns else text

    def spell(self, text: str) -> str:
        """Marks that this screen has: arrows become ^ and v where there is no Unicode."""
        return text if self.unicode else "".join(_PLAIN.get(char, char) for char in text)


def screen(stream: object = None) -> Screen:
    """What this stream (default: stdout) can show just now."""
    out = sys.stdout if stream is None else stream
    terminal = bool(getattr(out, "isatty", lambda: False)())
    given = os.environ.get("TERMINAL_WIDTH") or (None if terminal else os.environ.get("COLUMNS"))
    columns = int(given) if given and given.isdecimal() and int(given) else None
    if columns is None and terminal:
        columns = shutil.get_terminal_size((80, 24)).columns
    colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    encoding = str(getattr(out, "encoding", "") or "").lower().replace("-", "")
    return Screen(columns, colour, encoding.startswith("utf"))


def table(
    rows: Sequence[Sequence[object]], heads: Sequence[str], view: Screen, *, wide: int = 0
) -> list[str]:
    """Rows under heads, in aligned columns; column `wide` gives way when the screen is narrow.

    Cells are cleaned. Without an edge nothing is cut.
    """
    cells = [[clean(cell) for cell in row] for row in rows]
    sizes = [max([width(head), *(width(row[at]) for row in cells)]) for at, head in enumerate(heads)]
    if view.columns:
        spare = view.columns - sum(sizes) - 2 * (len(sizes) - 1)
        if spare < 0:
            sizes[wide] = max(12, sizes[wide] + spare)
    lines = []
    for number, row in enumerate([list(heads), *cells]):
        line = "  ".join(pad(elide(cell, size), size) for cell, size in zip(row, sizes, strict=True)).rstrip()
        lines.append(view.paint(view.spell(view.fit(line)), "bold" if number == 0 else None))
    return lines


def cell(value: object) -> str:
    """A cell of a CSV file. A text that a spreadsheet would run as a formula begins with an apostrophe."""
    text = clean(value)
    if not text or text[0] not in "=+-@":
        return text
    try:
        float(text)
    except ValueError:
        return "'" + text
    return text


_COMMAND = re.compile(r"\bphr(?: [a-z][a-z-]*){1,2} '(?:[^']|'\"'\"')*'")
"""A command with a name that the shell wants quoted."""


def command(words: str, name: object) -> str:
    """A command with a name behind it, as it can be pasted; held together where it is `wrapped`."""
    from phr.errors import typed

    return f"{words} {typed(clean(name))}".replace(" ", "\xa0")


def wrapped(text: str, view: Screen, *, indent: int = 2) -> list[str]:
    """A long sentence in lines that fit, the second and further ones two cells deeper; a no-break space holds.

    A command with a quoted name stays in one piece, even where that is wider than the screen: a line break in it
    would be pasted too.
    """
    import textwrap

    text = _COMMAND.sub(lambda found: found[0].replace(" ", "\xa0"), text)
    room = max(30, view.columns or 120)
    lead = " " * indent
    lines = textwrap.wrap(
        text,
        room,
        initial_indent=lead,
        subsequent_indent=lead + "  ",
        break_on_hyphens=False,
        break_long_words="phr\xa0" not in text,
    )
    return [line.replace("\xa0", " ") for line in lines]


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 record`, `1,234 records`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(octets: int) -> str:
    """Bytes as people say them: `812 B`, `3.4 MB`."""
    amount = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{octets} B" if unit == "B" else f"{amount:.1f} {unit}"


def when(instant: str | None) -> str:
    """An ISO 8601 instant to the minute, in the local time of this computer; `never` for None."""
    if not instant:
        return "never"
    from datetime import datetime

    try:
        return datetime.fromisoformat(instant).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return clean(instant)


_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?")


def day(date: str | None) -> str:
    """A FHIR date or dateTime to read: its own clock and offset, to the minute; empty for None.

    Midnight is no time of day: it is how systems write a day that they can only keep as an instant.
    """
    found = _INSTANT.fullmatch(date or "")
    if not found:
        return clean(date)
    if found[2] == "00:00":
        return found[1]
    return f"{found[1]} {found[2]} {'UTC' if found[3] == 'Z' else found[3] or ''}".rstrip()


def kind_word(kind: str) -> str:
    """How a kind of record is said on a narrow line."""
    return KIND_WORDS.get(kind, kind.replace("_", " "))


KIND_WORDS = {
    "lab_result": "lab",
    "vital_sign": "vital sign",
    "immunization": "vaccine",
    "appointment": "appt.",
    "encounter": "visit",
    "clinical_note": "note",
    "social_history": "social",
    "family_history": "family",
    "questionnaire": "form",
}
