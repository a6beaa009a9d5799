"""`phr search`: ranked full text, in the words of a patient.

Read what was typed (`query`), see what it means (`concepts`, with the table of synonyms), find candidates within fixed
bounds (`retrieval`), weigh them (`search_score`), put them in order (`search_order`), and show the words around what
matched (`snippets`). If no record holds a word, a slip of the finger is looked for; if none holds all words, the best of
the others come (`search_answer`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from phr.errors import UsageError
from phr.views import synonyms
from phr.views.concepts import Concept, Meant, meant
from phr.views.events import Event, events
from phr.views.narrowing import limits_of
from phr.views.query import Query, parse
from phr.views.search_answer import Answer, answered, store_now
from phr.views.search_order import by_date, spread
from phr.views.search_score import Candidate
from phr.views.snippets import Snippets

if TYPE_CHECKING:
    from phr.store.store import Store

PAGE = 20


@dataclass(frozen=True, slots=True)
class Hits:
    """One page of answers, and what has to be said about them."""

    total: int
    total_is_least: bool = False
    hits: list[Event] = field(default_factory=list)
    """Events, each with `snippet`, `highlights` and `score`."""
    next: str | None = None
    missing: tuple[str, ...] = ()
    """Words that no record holds."""
    partial: bool = False
    """No record holds all words: these hold most of them."""
    corrected: tuple[tuple[str, str], ...] = ()
    """Slips: what was typed, and what was looked for instead."""
    instead: tuple[str, ...] = ()
    """What was looked for is not there; these are the others of these kinds."""
    also: tuple[str, ...] = ()
    """What was looked for beside the words themselves."""
    said: tuple[str, ...] = ()
    """Sentences about what could not be kept to."""
    pattern: str = ""
    """What to highlight, on folded text."""

    def document(self) -> dict[str, Any]:
        """What `search --json` prints."""
        return {
            "schema": 1,
            "total": self.total,
            "total_is_least": self.total_is_least,
            "hits": self.hits,
            "next": self.next,
            "not_found": list(self.missing),
            "partial": self.partial,
            "corrected": dict(self.corrected),
            "also": list(self.also),
            "said": list(self.said),
        }


def search(
    store: Store,
    text: str,
    narrowed: Query | None = None,
    *,
    limit: int = PAGE,
    after: str | None = None,
    today: date | None = None,
) -> Hits:
    """The best answers to what was typed. `narrowed`: filters that were given as options.

    Raises UsageError when there is nothing to look for, or `after` is no place of a former answer.
    """
    query = _joined(parse(text, today or _today(store)), narrowed)
    if not query.terms and not query.filtered() and not query.around and not query.wishes:
        raise UsageError("There is no word to look for.", hint="For example: phr search blood pressure")
    start = _place(after)
    said: list[str] = list(query.said)
    limits = limits_of(store, query, said)
    asked = meant(query, synonyms.packaged())
    answer = _only_abnormal(store, query, asked, start + limit)
    if answer is None:
        answer = answered(store, query, asked, limits, start + limit)
    if query.around and not answer.found.held:
        query = replace(query, around=None)
        loose = answered(store, query, asked, limits_of(store, query, []), start + limit)
        if loose.found.held:
            said.append("Nothing fits that time; these are from other times.")
            answer = loose
    if answer.concepts:
        ordered = spread(answer.candidates, query.wishes, int(store_now(store).timestamp()))
    else:
        ordered = by_date(answer.candidates, query.wishes)
    return _page(store, query, answer, ordered, (start, limit), said)


def _only_abnormal(store: Store, query: Query, asked: Meant, wanted: int) -> Answer | None:
    """`abnormal labs`: where nothing but kinds was named, what is not abnormal is no answer."""
    if not asked.concepts or not query.wishes & {"abnormal", "high", "low"}:
        return None
    if not all(one.kinds for one in asked.concepts):
        return None
    narrowed = replace(query, states=(*query.states, "abnormal"))
    answer = answered(store, query, asked, limits_of(store, narrowed, []), wanted)
    return answer if answer.found.held and not answer.partial else None


def _page(
    store: Store,
    query: Query,
    answer: Answer,
    ordered: list[Candidate],
    page: tuple[int, int],
    said: list[str],
) -> Hits:
    start, limit = page
    shown = ordered[start : start + limit]
    snippets = Snippets(store.db, answer.concepts)
    more = _more(answer, ordered, shown)
    hits = []
    for one, event in zip(shown, events(store.db, [one.id for one in shown]), strict=False):
        text, places = snippets.of(event, everything_above=one.seen.bit_count() == len(answer.concepts))
        hits.append(
            event
            | {
                "snippet": text,
                "highlights": places,
                "score": round(one.score, 3),
                "like_this": more.get(one.id, 0),
            }
        )
    found = answer.found
    total = max(found.total, len(ordered)) if not found.least else found.total
    if answer.loosened and query.terms and any(term.role == "quoted" for term in query.terms):
        said = [*said, "No record holds these words side by side; here they stand apart."]
    return Hits(
        total=total,
        total_is_least=found.least,
        hits=hits,
        next=str(start + limit) if len(ordered) > start + limit else None,
        missing=answer.missing,
        partial=answer.partial and not answer.missing,
        corrected=answer.corrected,
        instead=answer.instead,
        also=_also(answer.concepts),
        said=tuple(said),
        pattern=snippets.pattern,
    )


def _more(answer: Answer, ordered: list[Candidate], shown: list[Candidate]) -> dict[int, int]:
    """How many more of the same title there are, beside the last of it that is shown."""
    here: dict[tuple[str, str], int] = {}
    last: dict[tuple[str, str], Candidate] = {}
    for one in shown:
        here[one.group] = here.get(one.group, 0) + 1
        last[one.group] = one
    every: dict[tuple[str, str], int] = {}
    for one in ordered:
        every[one.group] = every.get(one.group, 0) + 1
    found = {}
    for group, one in last.items():
        known = every[group]
        if answer.found.cut and one.measured:
            known = max(known, answer.retrieval.like(one))
        if known > here[group]:
            found[one.id] = known - here[group]
    return found


def _also(concepts: Sequence[Concept]) -> tuple[str, ...]:
    """What was looked for beside the words themselves, the nearest first; codes say nothing to a reader."""
    found = [
        " ".join(way.words)
        for concept in concepts
        for way in concept.ways
        if not way.literal and any(word.isalpha() for word in way.words)
    ]
    return tuple(dict.fromkeys(found))


def _joined(query: Query, more: Query | None) -> Query:
    if more is None:
        return query
    return replace(
        query,
        kinds=(*query.kinds, *more.kinds),
        after=more.after or query.after,
        before=more.before or query.before,
        sources=(*query.sources, *more.sources),
        tags=(*query.tags, *more.tags),
    )


def _place(after: str | None) -> int:
    if after is None:
        return 0
    if not after.isdecimal() or len(after) > 6:
        raise UsageError(
            "--after does not hold a cursor of this search.",
            hint="Take the word that the page before gave as `next`, or leave --after out.",
        )
    return int(after)


def _today(store: Store) -> date:
    return store_now(store).date()
