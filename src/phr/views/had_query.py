"""What is asked for: an examination, a measurement or panel, a vaccine, or a thing by its words.

The first that fits, in this order: a vaccine that is named as one, a measurement by its name, an examination or operation
(`had_exam`), a panel, and the words as `phr search` understands them. A slip of the finger is mended before that.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from phr.views import synonyms
from phr.views.concepts import Concept, meant
from phr.views.had_exam import NO_EXAM, Exam, exam
from phr.views.had_slips import FILLING, mended
from phr.views.had_strains import strains
from phr.views.had_words import EQUIVALENT, falls_ill_of, is_illness, nature_of, vaccine_groups
from phr.views.panels import PANEL_BY_WORD, Panel
from phr.views.query import parse
from phr.views.words import stem, tokens

if TYPE_CHECKING:
    from phr.records.measures import Measure


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """A question, understood."""

    text: str
    kind: str
    """`exam`, `measure`, `panel`, `vaccine` or `words`."""
    exam: Exam = NO_EXAM
    rest: tuple[str, ...] = ()
    """Words of an examination that the tables do not know: a record has to say them."""
    measures: tuple[str, ...] = ()
    panel: Panel | None = None
    vaccines: tuple[str, ...] = ()
    bare: bool = False
    """Nothing but the name of what the vaccine is against: `covid` may mean the illness too."""
    pertussis: bool = False
    """Whether the vaccine has to be one against whooping cough too."""
    strains: frozenset[str] = frozenset()
    """Which of the vaccines of a group: against meningococci B, not ACWY."""
    concepts: tuple[Concept, ...] = ()
    kinds: tuple[str, ...] = ()
    """Kinds of record that answer it; none: any that tells what was had."""
    corrected: tuple[tuple[str, str], ...] = ()
    guessed: bool = False
    """Whether a corrected word may have been another one: then nothing of it is sure."""
    alike: Asked | None = None
    """The same question with a word that only looks like it: what answers that is near."""
    since: str | None = None
    until: str | None = None

    def __repr__(self) -> str:
        return f"<Asked {self.kind}>"


_REASON = re.compile(r"\s+(?:for|because|due to|at|by|from)\s+.*$", re.IGNORECASE)
_WAVES = re.compile(
    r"(?i)^(?:have|did|has|had|was|were)\s+(?:i|he|she|they|we)\s+(?:ever\s+)?(?:had|have|get|got|been)?\s*"
)
_NO_PANEL = frozenset(
    "diabetes diabetic heart cardiac lungs lung breathing pulmonary liver hepatic kidney kidneys renal thyroid iron"
    " inflammation vital vitals vitamins salts".split()
)
_NO_MEASURE = frozenset(
    ("fever", "pulse", "breaths", "salt", "temp", "k", "na", "hr", "sugar", "weight", "height", "respiration")
)
_PANEL_WORDS = re.compile(r"\b(?:panel|profile|tests?|function|labs?|studies|enzymes|bloods?|blood tests?)\b")
_NOISE = frozenset(
    "my the a an test tests level levels blood lab labs result results value values check for".split()
)


def understood(text: str, exists: Callable[[str], bool], today: date | None = None) -> Asked:
    """The question. `exists` says whether a word is in any title of the record."""
    bare = _WAVES.sub("", text.strip().rstrip("?!. ")) or text
    query = parse(bare, today)
    slips = mended(query, exists)
    since, until = (
        query.after or (query.around or (None, None))[0],
        query.before or (query.around or (None, None))[1],
    )
    return replace(
        _meaning(slips.words),
        text=text.strip(),
        corrected=slips.corrected,
        guessed=slips.guessed,
        alike=_meaning(slips.alike) if slips.alike else None,
        since=since,
        until=until,
    )


def _meaning(words: str) -> Asked:
    nature = nature_of(words)
    groups, bare, pertussis = vaccine_groups(words)
    if groups and (nature == "immunization" or (bare and nature is None)):
        concepts = _by_words(words, None).concepts
        return Asked(
            words,
            "vaccine",
            vaccines=groups,
            pertussis=pertussis,
            strains=strains(groups, words),
            concepts=concepts,
            bare=nature is None and falls_ill_of(words),
        )
    if measures := _measures(words):
        return Asked(words, "measure", measures=tuple(one.id for one in measures))
    asked = exam(_REASON.sub("", words))
    panel = _panel(words)
    if asked.acts:
        return Asked(words, "exam", exam=asked, rest=_rest(asked.rest))
    if panel:
        return Asked(words, "panel", panel=panel)
    return _by_words(words, nature)


def _rest(words: tuple[str, ...]) -> tuple[str, ...]:
    terms = {term.text for term in parse(" ".join(words)).terms if term.role == "word"}
    return tuple(word for word in words if word in terms and word not in FILLING and len(word) > 2)


def _measures(words: str) -> list[Measure]:
    from phr.records.measures import BY_CODE, MEASURES

    small = " ".join(words.casefold().split())
    if small.upper() in BY_CODE:
        return [BY_CODE[small.upper()]]
    less = " ".join(word for word in small.split() if word not in _NOISE)
    for said in dict.fromkeys((small, less)):
        if said in _NO_MEASURE and said == small:
            continue
        fits = [one for one in MEASURES if said in (*one.words, one.name.casefold(), one.id)]
        if fits:
            return fits
    return []


def _panel(words: str) -> Panel | None:
    small = " ".join(words.casefold().split())
    plain = (
        small.replace("profile", "panel")
        .removesuffix(" blood test")
        .removesuffix(" test")
        .removesuffix(" tests")
    )
    for said in dict.fromkeys((small, plain, f"{plain} panel", plain.removesuffix(" panel"))):
        found = PANEL_BY_WORD.get(said)
        if found and not (small in _NO_PANEL or (said in _NO_PANEL and not _PANEL_WORDS.search(small))):
            return found
    return None


def _by_words(words: str, nature: str | None) -> Asked:
    kinds: tuple[str, ...] = (nature,) if nature else ("problem",) if is_illness(words) else ()
    groups = vaccine_groups(words)[0] if kinds == ("problem",) else ()
    query = parse(words)
    concepts = list(meant(query, synonyms.packaged()).concepts)
    stripped = []
    for one in concepts:
        less = _without_nature(one.text)
        if less != one.text and less:
            stripped += list(meant(parse(less), synonyms.packaged()).concepts) or [one]
        elif less:
            stripped.append(one)
    if not stripped:
        stripped = concepts
    return Asked(words, "words", concepts=tuple(stripped), kinds=kinds, vaccines=groups)


def _without_nature(words: str) -> str:
    from phr.views.had_words import NATURE_WORDS

    return " ".join(word for word in words.split() if stem(word.lower()) not in NATURE_WORDS)


def equivalents(concept: Concept) -> tuple[tuple[str, ...], ...]:
    """Other names for the very same thing."""
    said = " ".join(stem(word) for word in tokens(concept.text))
    return EQUIVALENT.get(said, ()) + EQUIVALENT.get(f"{said} test", ())
