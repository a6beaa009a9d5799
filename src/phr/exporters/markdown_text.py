"""Text of a record as text in Markdown: no markup, no link, no picture, no HTML, no structure that nobody meant.

CommonMark 0.31, sections 2.4 (backslash escapes), 4 (leaf blocks) and 6 (inlines); the tables, strikethrough and bare links
of GitHub as well. Whatever a source wrote is quoted as data: on one line, without control, reordering or invisible
characters, so that it cannot pose as a heading or as words of ours to whoever, or whatever, reads the file.
"""

from __future__ import annotations

import re

# C0 and C1 controls, line and paragraph separators, marks that reorder text; and what takes no room at all.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]+")
_INVISIBLE = re.compile("[\u200b-\u200d\u2060-\u2064\u206a-\u206f\ufeff\U000e0000-\U000e007f]+")
_MARKUP = re.compile(r"[\\`*_\[\]<>&|~#$]")
_LINKS = re.compile(r"(?i)\b(https?|ftp|mailto|xmpp)(?=:)|\bwww(?=\.)|(?<=\w)(?=@\w)")
_OPENING = re.compile(r"([-+=:])|(\d{1,9})(?=[.)])")


def one_line(text: object) -> str:
    """A single line of what can be seen."""
    words = "" if text is None else str(text)
    if not words.isascii():
        words = _INVISIBLE.sub("", words)
    return " ".join(_UNSAFE.sub(" ", words).split())


def inline(text: object) -> str:
    """Words within a line of ours."""
    words = one_line(text)
    words = _MARKUP.sub(lambda found: "\\" + found[0], words)
    if ":" in words or "@" in words or "." in words:
        words = _LINKS.sub(lambda found: found[0] + "\\", words)
    return words


def opening(text: object) -> str:
    """Words that a line begins with: no list, no line below a heading, no number of a list."""
    words = inline(text)
    found = _OPENING.match(words)
    if not found:
        return words
    return f"\\{words}" if found[1] else f"{found[2]}\\{words[found.end() :]}"


def cell(text: object) -> str:
    """A cell of a table."""
    return inline(text) or " "


def table(columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    """A table as GitHub writes it."""
    lines = [columns, tuple("---" for _ in columns), *rows]
    told = []
    for at, line in enumerate(lines):
        cells = [one if at == 1 else cell(one) for one in line]
        told.append(f"| {' | '.join(cells)} |")
    return "\n".join(told)


_PIECES = re.compile(
    r"(?P<word>[A-Za-z]+)|(?P<digits>\d{1,3})|(?P<other>[^\x00-\x7f])|(?P<sign>[^\w\s]{1,2}|_)|(?P<line>\n+)"
)
_WHOLE = 6
"""Letters of a word that is one token as a rule."""
_PART = 4
"""Letters of a part of a longer one: names of drugs and tests are cut into such parts."""


def tokens(text: str) -> int:
    """About how many tokens an assistant counts for this: within a fifth, since each of them cuts words its own way.

    Tokenisers in general use (byte pair encodings of some 100,000 pieces) keep a common word whole, cut rare ones into
    parts of about four letters, take digits by three at most, and give signs and line breaks one each.
    """
    found = 0.0
    for piece in _PIECES.finditer(text):
        kind, length = piece.lastgroup, piece.end() - piece.start()
        if kind == "word":
            found += 1 if length <= _WHOLE else 1 + (length - _WHOLE) / _PART
        else:
            found += 1
    return round(found)


def about_tokens(number: int) -> str:
    """So many in words that do not claim more than is known: two digits that count."""
    if number < 100:
        return f"{number}"
    step = 10 ** (len(str(number)) - 2)
    return f"{round(number / step) * step:,}"
