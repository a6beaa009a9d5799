"""Words in a picture: about how wide they are, where they break, and as XML.

Nobody measures a font here. The widths are those of wide sans-serif letters, so that what fits by them fits in any.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

_NARROW, _SLIM, _WIDE = frozenset("iljI.,:;'|!()[]{}`"), frozenset('frt-/ "*°·\u00a0'), frozenset("mwMW%@—…")


@lru_cache(maxsize=4096)
def width(text: str, size: float) -> float:
    """Of a line of this size, in the unit of the size."""
    return size * sum(map(_letter, text))


def _letter(char: str) -> float:
    if char in _NARROW:
        return 0.31
    if char in _SLIM:
        return 0.4
    if char in _WIDE:
        return 0.95
    if char.isascii():
        return 0.7 if char.isupper() else 0.59
    if unicodedata.combining(char):
        return 0.0
    return 1.05 if unicodedata.east_asian_width(char) in "WF" else 0.68


_MOST = 4_000
"""Letters that are looked at: no place in a picture has room for more."""


def cut(text: str, room: float, size: float) -> str:
    """As much of one line as there is room for; `…` where something is missing."""
    text = " ".join(text[:_MOST].split())
    if width(text, size) <= room:
        return text
    text = text[: int(room / size * 8) + 8]  # so many of the narrowest letters; the rest is never measured
    while text and width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip(" ,;:-") + "…"


def lines(text: str, room: float, size: float, most: int = 4) -> list[str]:
    """Words in so many lines at most; each line of the text begins a new one."""
    found: list[str] = []
    for said in text[:_MOST].split("\n"):
        line = ""
        for word in _together(said):
            longer = f"{line} {word}" if line else word
            if line and width(longer, size) > room:
                found.append(line)
                longer = word
            line = longer
        found += [line] if line else []
    if len(found) > most:
        found = [*found[: most - 1], " ".join(found[most - 1 :])]
    return [cut(line, room, size) for line in found]


_AFTER_NUMBER = re.compile(r"(?<=\d)\s+(?=[%°µμ]|[a-zA-Z]+/)")
"""A number and its unit are one word."""


def _together(said: str) -> list[str]:
    return [one for one in re.split("[^\\S\u00a0]+", _AFTER_NUMBER.sub("\u00a0", said)) if one]


_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def text(said: str) -> str:
    """Text as XML has it (1.0, section 2.2 and 2.4): no markup, no control characters, nothing that turns lines round."""
    plain = _UNSPEAKABLE.sub(" ", said)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1] if names else "") if part)
