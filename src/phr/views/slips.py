"""Slips of the finger: a word that no record holds, and the one that was probably meant.

One slip (a letter too many, too few, another, or two exchanged) is tried out against the index: some hundred questions
of microseconds, whatever the size of the record. Two slips are looked for among the words of the synonym table only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from phr.views.concepts import Concept, meant
from phr.views.query import Query, Term
from phr.views.words import apart, one_slip

if TYPE_CHECKING:
    from phr.views.retrieval import Retrieval
    from phr.views.synonyms import Synonyms


def corrected(retrieval: Retrieval, concept: Concept, table: Synonyms) -> Concept | None:
    """The concept that was probably meant, or None. A word that the table knows is no slip: it is just not there."""
    word = concept.ways[0].words[0]
    known = table.all_words()
    if word in known:
        return None
    if parted := _parted(retrieval, word, table):
        return parted
    near = [other for other in one_slip(word) if _likely(word, other)]
    for columns in ("{title codes} : ", "{detail} : "):
        there = [other for other in near if retrieval.word(other, columns)]
        if there:
            return _meant(min(there, key=lambda other: (other[:1] != word[:1], near.index(other))), table)
    for other in near:
        if other in known and retrieval.exists(_meant(other, table)):
            return _meant(other, table)
    if len(word) > 7:
        for other in sorted(known):
            if other[:1] == word[:1] and len(other) > 5 and apart(word, other) <= 2:
                better = _meant(other, table)
                if retrieval.exists(better):
                    return better
    return None


def _likely(word: str, other: str) -> bool:
    """A short word is near to too many others: `gone` is no slip of `gene`, but `iorn` is one of `iron`."""
    if len(word) < 5:
        return sorted(word) == sorted(other)
    return len(word) > 5 or word[:1] == other[:1]


def _parted(retrieval: Retrieval, word: str, table: Synonyms) -> Concept | None:
    """`bloodtest`: two words of the table without the blank between them."""
    for at in range(3, len(word) - 2):
        if table.mentions(f"{word[:at]} {word[at:]}"):
            found = meant(Query(terms=(Term(word[:at]), Term(word[at:]))), table).concepts
            if len(found) == 1 and retrieval.exists(found[0]):
                return found[0]
    return None


def _meant(word: str, table: Synonyms) -> Concept:
    return meant(Query(terms=(Term(word),)), table).concepts[0]
