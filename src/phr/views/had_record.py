"""One record that has to do with a question of `phr had`, and where such records are looked for.

Candidates come out of the full text by the words and codes of what is asked: titles, details and codes, never the words of
a document, within a bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from phr.records.measures import BY_ID
from phr.views import had_codes
from phr.views.events import marks
from phr.views.had_exam import NO, NO_EXAM, Exam, accepted, beside, exam, phrases_of
from phr.views.had_lexicon import IMAGES
from phr.views.had_query import Asked, equivalents
from phr.views.words import forms, tokens

MOST = 15_000
"""So many candidates are looked at, the newest first."""
LARGEST = 300_000
_COLUMNS = (
    "r.id, r.kind, r.title, r.description, r.date, r.date_from, r.date_to, r.recorded, r.status, r.category, r.codes,"
    " r.encounter, r.resource, r.value, r.unit, r.facility"
)
_FOUND = (
    f"SELECT {_COLUMNS} FROM record_search s CROSS JOIN record r ON r.id = s.rowid WHERE s.record_search MATCH ?"
    " AND r.supporting = 0 AND r.kind IN ({kinds}) ORDER BY s.rowid DESC LIMIT ?"
)
_SHOTS = (
    f"SELECT {_COLUMNS} FROM record r WHERE r.kind = 'immunization' AND r.supporting = 0"
    " ORDER BY r.date_from DESC LIMIT ?"
)
DONE_KINDS = (
    "imaging procedure lab_result vital_sign clinical_note document immunization medication problem device claim"
    " questionnaire encounter other".split()
)
ASKED_KINDS = ["order", "appointment", "task", "care_plan", "goal", "family_history", "allergy"]
NEAR_KINDS = ["imaging", "procedure"]


@dataclass(slots=True, repr=False)
class Told:
    """One record that has to do with the question."""

    id: int
    kind: str
    title: str
    description: str | None
    date: str | None
    date_from: int | None
    date_to: int | None
    recorded: str | None
    status: str | None
    category: str | None
    codes: tuple[tuple[str | None, ...], ...] = field(repr=False)
    encounter: str | None
    resource: str
    value: str | None = field(repr=False)
    unit: str | None
    facility: str | None
    level: str = NO
    why: str = ""
    role: str = "done"
    said: str = ""
    """What the role has to say: `not given: ill that day`."""
    exam: Exam = NO_EXAM
    group: str = ""
    """What tells two things of one day apart that answer the same question: a drug, a measure."""
    raw: dict[str, Any] = field(default_factory=dict, repr=False)
    type: str = ""
    """The resource type."""

    def __repr__(self) -> str:
        return f"<Told {self.id}>"

    def __post_init__(self) -> None:
        self.type = self.resource.partition("/")[0]

    @property
    def names(self) -> list[str]:
        """The title and what its codes are called."""
        coded = [code[2] or had_codes.words_of(code[0], code[1]) for code in self.codes]
        return [self.title, *(one for one in coded if one)]


def row_of(row: Sequence[Any]) -> Told:
    codes = tuple(tuple(code) for code in orjson.loads(row[10]))
    values: list[Any] = [*row[:10], codes, *row[11:]]
    return Told(*values)


# ── candidates ────────────────────────────────────────────────────────────────────────────────────


def candidates(db: Any, asked: Asked) -> Iterator[Sequence[Any]]:
    every = [*DONE_KINDS, *ASKED_KINDS]
    if asked.kind == "exam":
        acts = frozenset(one for act in asked.exam.acts for one in accepted(act))
        words = [*phrases_of(acts), *_coded(had_codes.codes_for(acts))]
        if "xray" in acts:
            words += phrases_of(frozenset(("views",)))
        if asked.exam.acts <= IMAGES:
            every = [kind for kind in every if kind not in ("vital_sign", "questionnaire", "social_history")]
        yield from matching(db, words, every)
        yield from _by_file_names(db, acts)
        parts = asked.exam.parts
        if near := beside(asked.exam.acts):
            yield from matching(db, phrases_of(near), [*NEAR_KINDS, "lab_result"])
        if parts:
            yield from matching(db, phrases_of(parts), NEAR_KINDS)
    elif asked.kind in ("measure", "panel"):
        ids = asked.measures or (asked.panel.measures if asked.panel else ())
        measures = [BY_ID[id_] for id_ in ids if id_ in BY_ID]
        words = _coded(code for one in measures for code in one.codes)
        words += [tokens(word) for one in measures for word in (*one.words, one.name) if len(word) > 2]
        if asked.panel:
            words += [tokens(word) for word in (*asked.panel.words, asked.panel.name) if len(word) > 2]
        yield from matching(
            db,
            words,
            ["lab_result", "vital_sign", "other", "order", "appointment", "clinical_note", "document"],
        )
    elif asked.kind == "vaccine":
        yield from db.execute(_SHOTS, (MOST,))
        words = [word for one in _spelled(asked) for word in one if word]
        yield from matching(db, words, ["order", "appointment", "task", "problem", "claim", "medication"])
    else:
        for words in _spelled(asked):
            yield from matching(db, words, every)
        if asked.vaccines:
            yield from db.execute(_SHOTS, (MOST,))


def _by_file_names(db: Any, acts: frozenset[str]) -> Iterator[Sequence[Any]]:
    """Reports and letters whose own name says nothing, but whose attachment is called so."""
    titles = [
        str(row[0])
        for row in db.execute("SELECT DISTINCT title FROM attachment WHERE title IS NOT NULL LIMIT 20000")
        if exam(str(row[0])).acts & acts
    ]
    for at in range(0, len(titles), 400):
        part = titles[at : at + 400]
        query = (
            f"SELECT {_COLUMNS} FROM attachment a JOIN record_source rs ON rs.resource_id = a.resource_id"
            f" JOIN record r ON r.id = rs.record_id WHERE a.title IN ({marks(part)}) AND r.supporting = 0"
        )
        yield from db.execute(query, part)


def _spelled(asked: Asked) -> Iterator[list[tuple[str, ...]]]:
    """For each thing the ways in which it is spelled; of several things the rarest would do, so the first is asked."""
    for concept in asked.concepts[:1]:
        own = [word for word in tokens(concept.text) if len(word) > 1]
        ways = [tuple(own)] if len(own) == 1 else []
        longest = max(own, key=len, default="")
        ways += [(longest,)] if longest else []
        ways += [(form,) for form in forms(longest)]
        ways += [(longest + "*",)] if len(longest) > 3 else []
        ways += list(equivalents(concept))
        ways += [way.words for way in concept.ways if not way.literal]
        yield ways


def _coded(codes: Iterable[str]) -> list[tuple[str, ...]]:
    return [found for code in codes if (found := tokens(code))]


def matching(db: Any, words: Iterable[tuple[str, ...]], kinds: Sequence[str]) -> Iterator[Sequence[Any]]:
    """Records in whose title, details or codes all words of one of these stand; plurals too."""
    sets = {frozenset(phrase) for phrase in words if phrase}
    least = [one for one in sets if not any(other < one for other in sets)]
    if not least:
        return
    ways = sorted(" AND ".join(_forms(word) for word in sorted(one)) for one in least)
    expression = "{title detail codes} : (" + " OR ".join(f"({way})" for way in ways) + ")"
    yield from db.execute(_FOUND.format(kinds=marks(kinds)), (expression, *kinds, MOST))


def _forms(word: str) -> str:
    """A word in the full text: itself, its plural, its British spelling."""
    if word.endswith("*"):
        return f'"{word[:-1]}" *'
    found = [word]
    if len(word) > 2 and word.isalpha():
        found.append(word + "s")
        if word.endswith("y"):
            found.append(word[:-1] + "ies")
        for american, british in _BRITISH:
            if american in word and british not in word:
                found.append(word.replace(american, british))
    spelled = " OR ".join(f'"{one}"' for one in found)
    return f"({spelled})" if len(found) > 1 else spelled


_BRITISH = (
    ("esoph", "oesoph"),
    ("hem", "haem"),
    ("cesar", "caesar"),
    ("gynec", "gynaec"),
    ("ization", "isation"),
)


def with_bytes(db: Any, rows: Sequence[Told]) -> None:
    """As their sources sent them; a resource with a whole document inside stays closed."""
    for at in range(0, len(rows), 400):
        part = rows[at : at + 400]
        query = f"SELECT id, raw FROM resource WHERE id IN ({marks(part)}) AND length(raw) < {LARGEST}"
        found = dict(db.execute(query, [one.id for one in part]).fetchall())
        for one in part:
            try:
                raw = orjson.loads(found[one.id]) if one.id in found else {}
            except ValueError:
                raw = {}
            one.raw = raw if isinstance(raw, dict) else {}
