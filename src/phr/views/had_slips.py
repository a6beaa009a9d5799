"""Slips of the finger in a question of `phr had`: which are surely slips, and which may be another word.

A letter too many, too few, or two exchanged in a long word is a slip, and the word that was meant is asked for. Anything
more is a guess, and a guess never answers yes: hypernatremia is no hyponatremia, a lobotomy no lobectomy. A word that is
built as medicine builds its words (`-ectomy`, `-oscopy`, `-emia`) is taken at its word; what is like it is named as near.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from phr.views import synonyms
from phr.views.had_exam import vocabulary
from phr.views.had_sides import PURPOSE, SIDES, SKIPPED
from phr.views.had_words import EQUIVALENT, NATURE_WORDS
from phr.views.words import apart, stem, tokens

if TYPE_CHECKING:
    from phr.views.query import Query

SURE, GUESS, ALIKE = "sure", "guess", "alike"


class Mended(NamedTuple):
    """The words of a question, without what was said about time."""

    words: str
    """As they are asked for: with slips mended."""
    corrected: tuple[tuple[str, str], ...] = ()
    """What was typed, and what is asked for instead."""
    guessed: bool = False
    """Whether any of that may have been another word."""
    alike: str = ""
    """The question with words that look like it, where what was typed is a word of its own."""


FILLING = frozenset(
    "done taken past ago before ever already any kind type low dose routine screening diagnostic follow up repeat low-dose"
    " emergency complete limited image study exam examination procedure test testing report result picture need".split()
)
_PLAIN = FILLING | frozenset(
    "right left both side upper lower front behind middle anterior posterior lateral medial with without contrast after"
    " from into that this these those when where which what have been does need needed last first second third recent"
    " recently live hear heat night light sight eight tight might bright weight height blood levels values check checked"
    " checkup full whole total partial annual yearly daily weekly monthly child adult home hospital doctor clinic plain"
    " simple single double small large early late open closed inside outside time times week month year".split()
)
"""Words of every day that are no slip of a medical one: `right` is no `night`."""
_BUILT = re.compile(
    r"(ectomy|otomy|ostomy|oscopy|plasty|pexy|desis|centesis|lysis|graphy|gram|metry|emia|aemia|uria|itis|osis|iasis|oma"
    r"|pathy|penia|philia|plegia|paresis|trophy|algia|rrhea|rrhage|sclerosis|stenosis|thyroidism|tension|therapy|cillin"
    r"|mycin|olol|pril|sartan|statin|azole|idone|pine|zepam|zolam|triptan|gliptin|gliflozin|mab|nib|vir|prazole)s?$"
)


def mended(query: Query, exists: Callable[[str], bool]) -> Mended:
    """The words that were typed, without slips. `exists` says whether a word is in any title of the record."""
    said, other, corrected = [], [], []
    kinds = set()
    for term in query.terms:
        word = term.text.lower()
        small = word.strip("'.,")
        near = ""
        if term.role == "word" and len(small) > 3 and small.isalpha() and not _is_known(small, exists):
            near = _nearest(small, _every() if len(small) > 4 else vocabulary()) or ""
        kind = _sureness(small, near) if near else ""
        kinds.add(kind)
        if kind in (SURE, GUESS):
            corrected.append((term.text, near))
            word = near
        said.append(word)
        other.append(near or word)
    alike = " ".join(other) if ALIKE in kinds else ""
    return Mended(" ".join(said), tuple(corrected), GUESS in kinds, alike)


def _is_known(word: str, exists: Callable[[str], bool]) -> bool:
    forms = {word, stem(word)}
    return bool(forms & (_every() | _PLAIN | _ordinary())) or exists(word)


@lru_cache(maxsize=1)
def _every() -> frozenset[str]:
    return synonyms.packaged().all_words() | vocabulary() | _measure_words()


@lru_cache(maxsize=1)
def _ordinary() -> frozenset[str]:
    """Words that questions are made of and that are no slip, whatever the tables say."""
    equal = {word for name, others in EQUIVALENT.items() for way in (name.split(), *others) for word in way}
    return frozenset(SIDES) | frozenset(PURPOSE) | SKIPPED | NATURE_WORDS | equal


def _measure_words() -> frozenset[str]:
    from phr.records.measures import MEASURES

    return frozenset(
        word for one in MEASURES for words in one.words for word in tokens(words) if len(word) > 4
    )


def _nearest(word: str, known: frozenset[str]) -> str | None:
    most = 2 if len(word) > 7 else 1
    fits = [
        (apart(word, other, most), not _same_letters(word, other), other[:1] != word[:1], other)
        for other in known
        if len(other) > 3
    ]
    best = min(fits, default=(9, True, True, ""))
    return best[3] if best[0] <= most and (not best[2] or (best[0] == 1 and len(word) > 4)) else None


def _same_letters(word: str, other: str) -> bool:
    """Whether they differ only in letters that are doubled or exchanged."""
    return sorted(word) == sorted(other) or re.sub(r"(.)\1", r"\1", word) == re.sub(r"(.)\1", r"\1", other)


def _sureness(word: str, near: str) -> str:
    """How sure it is that the one was typed for the other."""
    here, there = _BUILT.search(word), _BUILT.search(near)
    if _same_letters(word, near) and apart(word, near, 1) == 1 and len(word) > 4:
        return SURE
    if len(word) == len(near) - 1 and near.startswith(word) and near in vocabulary():
        return SURE  # its last letter was not typed
    if here and there and here[1] == there[1] and word[0] == near[0] and apart(word, near, 1) == 1:
        return SURE if len(word) > 9 and len(word) != len(near) else GUESS
    if here:  # a word of its own
        return ALIKE
    if len(word) > 6 and word[0] == near[0] and apart(word, near, 1) == 1 and len(word) != len(near):
        return SURE
    if len(word) > 8 and there and apart(word, near, 2) <= 2 and word[:3] == near[:3]:
        return SURE  # no word ends as `colonscpy` does
    return GUESS
