"""How well one record answers a query: where its words stand, what kind of record it is, how long ago it was.

FTS5's bm25 looks at every hit and so takes longer the longer a life is; here only a bounded number of candidates is
weighed, by rules that can be read: title before description and value, these before codes, these before documents.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from phr.views.concepts import Concept
from phr.views.words import tokens

COLUMNS = (
    "id, kind, title, description, value, unit, codes, facility, performer, category, date_from, abnormal,"
    " interpretation, status, value IS NOT NULL"
)
TITLE, DETAIL, CODES, BODY = 10.0, 6.0, 5.0, 2.5
_KINDS = {
    "problem": 1.4,
    "allergy": 1.3,
    "medication": 1.2,
    "lab_result": 1.2,
    "vital_sign": 1.1,
    "immunization": 1.1,
    "procedure": 1.0,
    "imaging": 1.0,
    "encounter": 0.6,
    "clinical_note": 0.6,
    "appointment": 0.5,
    "family_history": 0.5,
    "directive": 0.5,
    "order": 0.3,
    "claim": -1.5,
    "coverage": -0.3,
}
_LONG_NAME = re.compile(r"\s*\[.*$| in (?:Serum|Blood|Urine|Plasma|Arterial).*$")
"""The grammar of a LOINC long common name, behind what was measured."""
_GENERAL = 0.5
_PREFERRED = 2.0
"""For the kind that the words say: a vaccine for `flu shot`."""
_YEAR = 31_557_600
_DOWN, _UP = ("L", "LL", "LU", "<"), ("H", "HH", "HU", ">")
_NOT_SO = ("refuted", "not-done", "not-taken", "entered-in-error", "cancelled")


class Candidate:
    """One record that may be an answer."""

    __slots__ = (
        "abnormal", "base", "date_from", "fields", "found", "id", "interpretation", "kind", "measured", "preferred",
        "score", "seen", "status", "title",
    )  # fmt: skip

    def __init__(self, row: Sequence[Any]) -> None:
        """A row of `COLUMNS`."""
        (
            id_,
            kind,
            title,
            description,
            value,
            unit,
            codes,
            facility,
            performer,
            category,
            date_from,
            *others,
        ) = row
        abnormal, interpretation, status, measured = others
        detail = " ".join(
            [part for part in (description, value, unit, facility, performer, category) if part]
        )
        self.id: int = id_
        self.kind: str = kind
        self.title: str = title
        self.date_from: int | None = date_from
        self.measured = bool(measured)
        self.abnormal = bool(abnormal)
        self.interpretation = str(interpretation or "").upper()
        self.status = str(status or "")
        self.fields = (_edged(title), _edged(detail), _edged(codes))
        """Title, details, codes: as parted words between blanks."""
        self.score = 0.0
        self.preferred = False
        """Of the kind that was asked for."""
        self.base = 0.0
        """The score, whatever its day."""
        self.found = 0
        """A bit for each concept that it holds."""
        self.seen = 0
        """A bit for each concept that stands in its title, codes or details; the others are further down."""

    @property
    def group(self) -> tuple[str, str]:
        """Results of the same test, visits of the same kind."""
        return self.kind, self.title.lower()


def _edged(text: str) -> str:
    return f" {' '.join(tokens(text))} "


class Scale(NamedTuple):
    """What candidates are weighed against."""

    concepts: tuple[Concept, ...]
    welcome: tuple[Concept, ...]
    wishes: frozenset[str]
    typed: tuple[str, ...]
    """The words that have to be found, parted."""
    now: int
    """Epoch seconds."""

    def weigh(self, one: Candidate, held: int) -> None:
        """Give a candidate its score. `held`: a bit for each concept that it is known to hold somewhere."""
        total, seen, whole = 0.0, 0, 0.0
        held_here = 0.0
        for at, concept in enumerate(self.concepts):
            here = self._stands(one, concept)
            if here:
                seen |= 1 << at
            elif held >> at & 1:
                here = BODY
            # That it is a medicine says less than what it is for.
            weight = _GENERAL if concept.kinds and len(self.concepts) > 1 else 1.0
            total += weight * here
            whole += weight
            held_here += weight * bool(here)
        one.seen, one.found = seen, seen | held
        if self.concepts:
            total = total / whole * (0.4 + 0.6 * held_here / whole)
        total += sum(min(2.0, 0.2 * self._stands(one, concept)) for concept in self.welcome)
        total += self._whole(one) + _KINDS.get(one.kind, 0.0) + self._flagged(one)
        general = [concept.kinds for concept in self.concepts if len(self.concepts) > 1]
        one.preferred = any(one.kind in concept.prefers for concept in self.concepts)
        if one.preferred or any(one.kind in kinds for kinds in general):
            total += _PREFERRED
        if one.status in _NOT_SO:
            total -= 0.6
        elif one.status == "active" and one.kind in ("problem", "medication", "allergy"):
            total += 0.4
        one.base = total
        one.score = total + self._time(one) + self._wished(one)

    def _stands(self, one: Candidate, concept: Concept) -> float:
        """Where a concept stands best."""
        best = 0.0
        if one.kind in concept.kinds:  # the kind that is named first is the nearest
            best = 1.15 * TITLE - min(1.0, 0.5 * concept.kinds.index(one.kind))
        title, detail, codes = one.fields
        for way in concept.ways:
            most = way.weight * TITLE
            if most <= best:
                continue
            for text, weight in ((title, TITLE), (detail, DETAIL), (codes, CODES)):
                if way.weight * weight <= best:
                    break
                if (how := way.found_in(text)) > 0:
                    best = max(best, way.weight * weight * how)
                    break
        return best

    def _whole(self, one: Candidate) -> float:
        """More for a title that is what was asked, or begins with it; less the more else it says."""
        core = tokens(_LONG_NAME.sub("", one.title)) or tokens(one.title)
        joined = f" {' '.join(core)} "
        if self.typed and core == self.typed:
            return 5.0
        bonus = 1.5 if self.typed and joined.startswith(f" {' '.join(self.typed)}") else 0.0
        covered: set[str] = set()
        share = 0.0
        for concept in self.concepts:
            for way in concept.ways:
                if way.found_in(joined):
                    covered.update(way.words)
                    share = max(share, way.weight)
        matched = sum(1 for word in core if word in covered or any(word.startswith(part) for part in covered))
        return bonus + 3.0 * share * matched / max(1, len(core))

    def _time(self, one: Candidate) -> float:
        """Newer before older, gently; what is to come counts as new."""
        if one.date_from is None:
            return 0.3
        years = max(0.0, (self.now - one.date_from) / _YEAR)
        return 1.2 / (1 + years / 4)

    def _flagged(self, one: Candidate) -> float:
        """What words such as `abnormal`, `high`, `low` prefer."""
        bonus = 0.0
        if "abnormal" in self.wishes and one.abnormal:
            bonus += 2.0
        if self.wishes & {"high", "low"} and one.abnormal:
            marks = _UP if "high" in self.wishes else _DOWN
            bonus += 2.0 if one.interpretation in marks else 0.8
        return bonus

    def _wished(self, one: Candidate) -> float:
        """What words such as `last` and `next` prefer."""
        bonus = 0.0
        if one.date_from is None:
            return bonus
        ahead = one.date_from > self.now
        if "next" in self.wishes and ahead:
            bonus += 6.0
        if "recent" in self.wishes:
            years = max(0.0, (self.now - one.date_from) / _YEAR)
            bonus += -2.0 if ahead else 3.0 / (1 + years)
        if "oldest" in self.wishes and not ahead:
            bonus += min(3.0, 0.3 * (self.now - one.date_from) / _YEAR)
        return bonus
