"""The answer to a query before it is cut into pages: all words if any record holds them all, else without slips, else most.

Where nothing holds all of it, what was left out is remembered, so that it can be said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from phr.views import synonyms
from phr.views.concepts import Concept, Meant, farther, meant, word_by_word
from phr.views.query import Query
from phr.views.retrieval import Retrieval
from phr.views.search_limits import Found, Limits
from phr.views.search_score import Candidate, Scale
from phr.views.words import tokens

if TYPE_CHECKING:
    from phr.store.store import Store


class Answer:
    """What was found, before it is cut into pages."""

    def __init__(
        self,
        retrieval: Retrieval,
        concepts: tuple[Concept, ...],
        found: Found,
        missing: tuple[str, ...] = (),
        corrected: tuple[tuple[str, str], ...] = (),
        *,
        partial: bool = False,
        most: bool = False,
        loosened: bool = False,
        instead: tuple[str, ...] = (),
    ) -> None:
        self.retrieval = retrieval
        self.concepts = concepts
        self.found = found
        self.missing = missing
        self.corrected = corrected
        self.partial = partial
        self.most = most
        """Whether no record holds all of the concepts, and these hold most of them."""
        self.loosened = loosened
        self.instead = instead
        """Kinds of which there are others, but not what was looked for."""
        self.candidates: list[Candidate] = []


def answered(store: Store, query: Query, asked: Meant, limits: Limits, wanted: int) -> Answer:
    """Candidates, weighed. All words if any record holds them all, else without slips, else most of the words."""
    retrieval = Retrieval(store.db, limits, room=3 * wanted)
    concepts = asked.concepts
    answer = Answer(retrieval, concepts, retrieval.all_of(concepts))
    if concepts and not answer.found.held:
        answer = _less(store, query, answer)
    held = answer.found.held
    candidates = {one.id: one for one in retrieval.rows(list(held))}
    typed = tuple(word for concept in answer.concepts for word in tokens(concept.text))
    scale = Scale(answer.concepts, asked.welcome, query.wishes, typed, int(store_now(store).timestamp()))
    for one in candidates.values():
        scale.weigh(one, held[one.id])
    if 1 < len(answer.concepts) < 5 and not answer.most and not _any_close(candidates.values(), answer):
        # All words only somewhere in long texts: what has most of them in its title may be the better answer.
        others = retrieval.most_of(answer.concepts).held
        for one in retrieval.rows([id_ for id_ in others if id_ not in candidates]):
            scale.weigh(one, others[one.id])
            candidates[one.id] = one
    if answer.found.cut and concepts:
        leading = _leading(candidates.values())
        expression = " AND ".join(one.expression() for one in answer.concepts if not one.kinds)
        newer = retrieval.newest_like(leading, expression)
        bits = max(held.values(), default=0)
        for one in retrieval.rows([id_ for id_ in dict.fromkeys(newer) if id_ not in candidates]):
            scale.weigh(one, bits)
            candidates[one.id] = one
    answer.candidates = list(candidates.values())
    return answer


def _any_close(candidates: Iterable[Candidate], answer: Answer) -> bool:
    """Whether any candidate has every word in its title, codes or details; a bill names whatever was done that day."""
    return any(one.seen.bit_count() == len(answer.concepts) and one.kind != "claim" for one in candidates)


def _less(store: Store, query: Query, answer: Answer) -> Answer:
    """Nothing holds all of it: look for slips, for phrases word by word, then for most of the words."""
    from phr.views.slips import corrected

    retrieval = answer.retrieval
    loosened = tuple(_loosened(one) for one in answer.concepts)
    if loosened != answer.concepts:
        found = retrieval.all_of(loosened)
        if found.held:
            return Answer(retrieval, loosened, found, loosened=True)
    concepts, slips, missing = [], [], []
    kinds: list[str] = []
    for one in loosened:
        if retrieval.exists(one) or retrieval.exists(one := farther(one, synonyms.packaged())):
            concepts.append(one)
        elif one.correctable and (better := corrected(retrieval, one, synonyms.packaged())):
            concepts.append(better)
            slips.append((one.text, better.text))
        else:
            missing.append(one.text)
            # `liver tests` is a phrase of the table; without it, what there is of the liver is better than nothing.
            parts = [part for part in word_by_word(one, synonyms.packaged()) if retrieval.exists(part)]
            if all(
                part.kinds for part in parts
            ):  # nothing of the `water` in `water pill`: the medicines there are
                parts = [part._replace(ways=()) for part in parts]
                kinds += [kind for part in parts for kind in part.kinds]
            concepts += parts
    if slips and (better_phrase := _without_slips(query, slips, answer)):
        return better_phrase
    whole = tuple(concepts)
    found = retrieval.all_of(whole) if whole else Found()
    most = bool(whole) and not found.held
    if most:
        found = retrieval.most_of(whole)
    return Answer(
        retrieval,
        whole,
        found,
        tuple(missing),
        tuple(slips),
        partial=most or bool(missing),
        most=most,
        loosened=loosened != answer.concepts,
        instead=tuple(dict.fromkeys(kinds)) if not any(one.ways for one in whole) else (),
    )


def _without_slips(query: Query, slips: list[tuple[str, str]], answer: Answer) -> Answer | None:
    """The query with its slips mended, read again: `pneumonya vaccine` is a phrase of the table."""
    mended = dict(slips)
    terms = tuple(
        term._replace(text=mended[term.text]) if term.text in mended else term for term in query.terms
    )
    concepts = meant(replace(query, terms=terms), synonyms.packaged()).concepts
    found = answer.retrieval.all_of(concepts) if len(concepts) < len(answer.concepts) else Found()
    return Answer(answer.retrieval, concepts, found, (), tuple(slips)) if found.held else None


def _loosened(concept: Concept) -> Concept:
    """A phrase whose words need not stand side by side."""
    first = concept.ways[0]
    if len(first.words) < 2 or any(way.apart and way.literal for way in concept.ways):
        return concept
    return concept._replace(ways=(*concept.ways, first._replace(apart=True, weight=0.7)))


def _leading(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The best of each title."""
    best: dict[tuple[str, str], Candidate] = {}
    for one in candidates:
        if one.group not in best or best[one.group].score < one.score:
            best[one.group] = one
    return sorted(best.values(), key=lambda one: -one.score)[:12]


def store_now(store: Store) -> datetime:
    """The clock of the store."""
    return datetime.fromisoformat(store.now().replace("Z", "+00:00")).astimezone(UTC)
