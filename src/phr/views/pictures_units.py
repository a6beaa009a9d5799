"""Units told in words that `records.units` does not read: “millimeter of mercury” is mmHg.

An event has the unit that its source shows, not the code beside it. Only what means something once its words are codes
is turned into them; everything else stays as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache

from phr.records.units import parse

_WORDS = {
    r"(?:millimet(?:er|re)s?|mm) (?:of )?mercury(?: column)?": "mm[Hg]",
    r"per cent|percent(?:age)?(?: \(%\))?": "%",
    r"squared? met(?:er|re)s?|met(?:er|re)s? squared": "m2",
    r"milli ?international units?": "m[IU]",
    r"micro ?international units?": "u[IU]",
    r"international units?": "[IU]",
    r"units?": "U",
    r"minutes?": "min",
    r"hours?": "h",
    r"days?": "d",
}
_PREFIXES = {"kilo": "k", "deci": "d", "centi": "c", "milli": "m", "micro": "u", "nano": "n", "pico": "p",
             "femto": "f", "": ""}  # fmt: skip
_BASES = {r"gram(?:me)?s?": "g", r"lit(?:er|re)s?": "L", r"met(?:er|re)s?": "m", r"moles?": "mol"}
_WORDS |= {
    f"{long}{word}": f"{short}{sign}" for long, short in _PREFIXES.items() for word, sign in _BASES.items()
}
_ANY = re.compile("|".join(rf"(?P<n{at}>\b(?:{words})(?!\w))" for at, words in enumerate(_WORDS)))
_CODES = tuple(_WORDS.values())


@lru_cache(maxsize=1024)
def in_code(unit: str | None) -> str | None:
    """The unit as UCUM writes it, where words of this list stand in it and it means the same; else as it is."""
    if not unit:
        return unit
    words = " ".join(unit.casefold().split())
    code = _ANY.sub(lambda found: _CODES[int(str(found.lastgroup)[1:])], words)
    code = re.sub(r"\s+per\s+|\s*/\s*", "/", code)
    meant = parse(code) if code != words else None
    return code if meant is not None and parse(unit) in (None, meant) else unit
