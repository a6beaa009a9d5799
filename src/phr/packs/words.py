"""Words of a pack, found as the full text finds them.

The tokenizer of the store is FTS5's `unicode61 remove_diacritics 2` (https://sqlite.org/fts5.html, section 4.3.1): letters
and digits are words, everything else parts them, case and accents do not count. Done again here, so that one record
can be judged without asking the database. No regular expressions come from a pack: one of them could take for ever.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_PLAIN = re.compile(r"[0-9a-z]+")
_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=8192)
def tokens(text: str) -> tuple[str, ...]:
    """The words of a text, folded."""
    if text.isascii():
        return tuple(_PLAIN.findall(text.lower()))
    apart = unicodedata.normalize("NFD", text)
    return tuple(_WORD.findall("".join(char for char in apart if not unicodedata.combining(char)).lower()))


class Words:
    """Phrases, ready to be asked: each a run of words, the last of which may be the beginning of one."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], bool]]] = {}
        self._beginnings: list[str] = []
        for phrase in phrases:
            found = tokens(phrase)
            open_ended = phrase.rstrip().endswith("*")
            if len(found) == 1 and open_ended:
                self._beginnings.append(found[0])
            elif found:
                self._by_first.setdefault(found[0], []).append((found, open_ended))
        self._begin = tuple(self._beginnings)

    def __bool__(self) -> bool:
        return bool(self._by_first or self._begin)

    def fit(self, text: str | None) -> bool:
        """Whether one of the phrases is in the text."""
        if not text or not self:
            return False
        return self._fit(tokens(text))

    def _fit(self, found: tuple[str, ...]) -> bool:
        for at, word in enumerate(found):
            if self._begin and word.startswith(self._begin):
                return True
            for phrase, open_ended in self._by_first.get(word, ()):
                here = found[at : at + len(phrase)]
                if here == phrase:
                    return True
                same = open_ended and len(here) == len(phrase) and here[:-1] == phrase[:-1]
                if same and here[-1].startswith(phrase[-1]):
                    return True
        return False


def matching(phrases: Iterable[str]) -> str:
    """The same phrases as an FTS5 expression."""
    found = []
    for phrase in phrases:
        words = " ".join(tokens(phrase))
        if words:
            found.append(f'"{words}"' + (" *" if phrase.rstrip().endswith("*") else ""))
    return " OR ".join(found)
