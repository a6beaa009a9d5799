"""A query as concepts: each is one thing the person means, with all the ways in which a record may say it.

`blood pressure pills` is one concept (the table of synonyms knows it), `chest ct` are two. Each becomes an FTS5
expression (https://sqlite.org/fts5.html, 3), and the same ways are compared with a row to see where it matched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from phr.views.query import Query, Term, kinds_said, parse
from phr.views.synonyms import LONGEST, Meaning, Stands, Synonyms
from phr.views.words import forms, stem, tokens


class Way(NamedTuple):
    """One way to say it."""

    words: tuple[str, ...]
    weight: float
    prefix: bool = False
    """The last word may go on."""
    apart: bool = False
    """All words are there, but not side by side."""
    literal: bool = True
    """As the person typed it, but for endings."""

    def expression(self) -> str:
        """In FTS5."""
        if self.apart:
            ends = " *" if self.prefix else ""
            return (
                "("
                + " AND ".join(f'"{word}"' for word in self.words[:-1])
                + f' AND "{self.words[-1]}"{ends})'
            )
        return f'"{" ".join(self.words)}"' + (" *" if self.prefix else "")

    def found_in(self, text: str) -> float:
        """How well it stands in ` words parted and edged by blanks `: 0 not at all, 1 exactly."""
        if self.apart:
            return float(all(f" {word} " in text for word in self.words))
        phrase = " " + " ".join(self.words)
        if f"{phrase} " in text:
            return 1.0
        at = text.find(phrase) if self.prefix else -1
        if at < 0:
            return 0.0
        end = text.find(" ", at + len(phrase))
        return 0.6 + 0.4 * (len(phrase) - 1) / max(1, end - at - 1)


class Concept(NamedTuple):
    """One thing that is looked for."""

    text: str
    ways: tuple[Way, ...]
    kinds: tuple[str, ...] = ()
    """Records of these kinds answer it, whatever their words."""
    weak: bool = False
    """Welcome, but nothing is left out for want of it."""
    correctable: bool = False
    """One plain word, in which a slip can be."""
    prefers: tuple[str, ...] = ()
    """Kinds that the words say: a vaccine for `flu shot`."""

    def expression(self, *, literal: bool = False) -> str:
        """All its ways (or those as typed) in FTS5, the same one once."""
        ways = [way for way in self.ways if way.literal or not literal]
        return "(" + " OR ".join(dict.fromkeys(way.expression() for way in ways)) + ")" if ways else ""

    def pattern(self) -> str:
        """Its ways as a regular expression on folded text, the longest first."""
        parts = set()
        for way in self.ways:
            for words in [(word,) for word in way.words] if way.apart else [way.words]:
                parts.add(
                    r"[\W_]+".join(map(re.escape, words)) + (r"[^\W_]*" if way.prefix else r"(?![^\W_])")
                )
        return "|".join(sorted(parts, key=len, reverse=True))


class Meant(NamedTuple):
    """What a query means."""

    concepts: tuple[Concept, ...] = ()
    """Each has to be found."""
    welcome: tuple[Concept, ...] = ()


def meant(query: Query, table: Synonyms, *, alone: bool = False) -> Meant:
    """The concepts of a query: the longest phrases that the table knows, and the words between them.

    `alone`: each word by itself.
    """
    terms = _turned(query.terms, table)
    required: list[Concept] = []
    welcome: list[Concept] = []
    at = 0

    def require(concept: Concept) -> None:
        if required and at > 1 and terms[at - 1].role == "stop" and terms[at - 1].text.lower() == "or":
            required[-1] = _either(required[-1], concept)
        else:
            required.append(concept)

    while at < len(terms):
        run = _run(terms[: at + 1] if alone else terms, at)
        # A word that says nothing by itself begins no phrase, unless the phrase goes on: `high blood pressure`.
        stands, taken = _known(run, table)
        if stands and taken and (longer := _for_what_means_the_same(stands, run[taken : taken + 1], table)):
            stands, taken = longer, taken + 1
        if taken and terms[at].wish and _known(run[1:], table)[1] > taken - 1:
            taken = 0  # `high` in `high cholesterol medicine`: the longer phrase begins behind it
        passing = bool(required) and _where_of_it(terms, at)
        if stands and taken and (taken > 1 or (terms[at].role == "word" and not passing)):
            require(_phrase(terms[at : at + taken], stands, table))
            at += taken
            continue
        term = terms[at]
        if term.role == "weak" or passing:
            if term.wish != "recent":
                kinds = _LEANS.get(stem(term.text.lower()), ())
                welcome.append(_word(term)._replace(weak=True, kinds=kinds))
        elif term.role != "stop":
            require(_word(term))
        elif term.text.lower() in _SPOKEN:
            welcome.append(Concept(term.text, (), kinds=("clinical_note", "message", "document"), weak=True))
        at += 1
    if not required:
        return _said_little(query, welcome)
    return Meant(tuple(required), tuple(welcome))


def farther(concept: Concept, table: Synonyms) -> Concept:
    """A concept with what stands behind the words that mean the same; for when it is not found without."""
    ways = []
    for text in concept.text.split(" or "):
        stands = table.longest(tokens(text), far=True)
        if stands and stands.size == len(tokens(text)):
            ways += [way for meaning in stands.meanings if (way := meaning_way(meaning))]
    return concept._replace(ways=tuple(_once([*concept.ways, *ways])))


def word_by_word(concept: Concept, table: Synonyms) -> list[Concept]:
    """The words of a phrase, each a concept of its own; none for a single word. Words that say little are left out."""
    if len(concept.text.split()) < 2:
        return []
    *terms, last = parse(concept.text).terms
    if (
        table.plain(last.text.lower()) in _SAY_KIND
    ):  # `blood pressure` of `blood pressure medicine` stays together
        parts = [meant(Query(terms=tuple(some)), table).concepts for some in (terms, (last,))]
        return [*parts[0], *parts[1]]
    return list(meant(parse(concept.text), table, alone=True).concepts)


_LEANS: dict[str, tuple[str, ...]] = {"visit": ("encounter", "appointment")} | dict.fromkeys(
    ("due", "pending", "outstanding", "overdue"), ("order", "task", "appointment")
)
"""Kinds to which a word inclines that leaves nothing out."""


_SPOKEN = ("say", "said", "says", "told", "tell", "explained", "mentioned")


def _either(one: Concept, other: Concept) -> Concept:
    """`miscarriage or abortion`."""
    return Concept(
        f"{one.text} or {other.text}",
        tuple(_once([*one.ways, *other.ways])),
        kinds=(*one.kinds, *other.kinds),
        prefers=(*one.prefers, *other.prefers),
    )


def _where_of_it(terms: Sequence[Term], at: int) -> bool:
    """`salt in my blood`: nearly every result is of blood, and few say so."""
    if terms[at].text.lower() not in ("blood", "body", "system"):
        return False
    before = [term.text.lower() for term in terms[max(0, at - 2) : at]]
    return before[-1:] == ["in"] or (
        before[:1] == ["in"] and before[1] in ("my", "the", "your", "his", "her")
    )


_TURNED = ("medicine", "test", "shot", "vaccine", "screening", "surgery", "scan")
_FEW = 6
_TAKEN = ("take", "takes", "taking", "took", "taken", "using", "given", "prescribed")
_BETWEEN = frozenset("for against of in on to from with at".split())


def _turned(terms: tuple[Term, ...], table: Synonyms) -> tuple[Term, ...]:
    """`medicine for my blood pressure`, `infection on the chest`: as the table says it, the other way round."""
    for at, term in enumerate(terms[:-2]):
        if term.text.lower() in _TAKEN and terms[at + 1].text.lower() in ("for", "against"):
            return (*terms[:at], *terms[at + 2 :], Term("medicine"))
        if term.role not in ("word", "weak") or not term.tokens:
            continue
        then = next((n for n in range(at + 1, len(terms)) if terms[n].role != "stop"), len(terms))
        if not any(one.text.lower() in _BETWEEN for one in terms[at + 1 : then]):
            continue
        if _known(_run(terms, at), table)[1] > 1:  # `blood in urine`
            continue
        for size in (2, 1):
            turned = (*terms[then : then + size], term)
            if len(turned) == size + 1 and all(one.role in ("word", "weak") for one in turned):
                words = [word for one in turned for word in one.tokens]
                stands = table.longest(words)
                if stands and stands.size == len(words):
                    return (*terms[:at], *turned, *_turned(terms[then + size :], table))
        if table.plain(term.text.lower()) in _TURNED and then < len(terms):
            return (*terms[:at], *terms[then:], term)
    return terms


def _known(run: Sequence[Term], table: Synonyms) -> tuple[Stands | None, int]:
    """What the table knows from here on, and how many terms that are; `heart beat` is `heartbeat`."""
    words = [word for one in run for word in one.tokens]
    stands = table.longest(words) if words else None
    for at in range(min(3, len(words) - 1)):
        one = words[at] + words[at + 1]
        if len(one) > 4 and one.isalpha() and table.mentions(one):
            other = table.longest([*words[:at], one, *words[at + 2 :]])
            if other and other.size > at and other.size + 1 > (stands.size if stands else 0):
                stands = other._replace(size=other.size + 1)
    return stands, _covered(run, stands.size) if stands else 0


def _for_what_means_the_same(stands: Stands, following: Sequence[Term], table: Synonyms) -> Stands | None:
    """`weak bones medicine`: what the table says of `osteoporosis medicine`."""
    kind = table.plain(following[0].text.lower()) if following else ""
    if kind not in _SAY_KIND:
        return None
    for meaning in stands.meanings[:_FEW]:
        words = tokens(meaning.text)
        if (
            " + " not in meaning.text
            and (found := table.longest([*words, kind]))
            and found.size == len(words) + 1
        ):
            return found._replace(size=stands.size + 1)
    return None


def _run(terms: Sequence[Term], at: int) -> list[Term]:
    """The terms from here on that a phrase may be made of."""
    run = []
    for term in terms[at : at + LONGEST]:
        if term.role in ("quoted",) or not term.tokens:
            break
        run.append(term)
    return run


def _covered(run: Sequence[Term], size: int) -> int:
    """How many terms so many words are; 0 when they end within a term."""
    count = 0
    for number, term in enumerate(run, 1):
        count += len(term.tokens)
        if count >= size:
            return number if count == size else 0
    return 0


def _said_little(query: Query, welcome: list[Concept]) -> Meant:
    """Only words that say little: `latest results`, `abnormal labs`, `who`."""
    plain = [term for term in query.terms if not term.wish and term.role == "weak"]
    if plain:
        named = next((term for term in plain if kinds_said(term.text)), plain[0])  # `active problems`
        return Meant(
            (_word(named)._replace(kinds=kinds_said(named.text)),),
            tuple(_word(term)._replace(weak=True) for term in plain if term is not named),
        )
    if (
        query.filtered()
        or query.around
        or query.wishes & {"recent", "oldest", "next", "abnormal", "high", "low"}
    ):
        return Meant()
    return Meant(tuple(_word(term) for term in query.terms))


def _word(term: Term) -> Concept:
    words = term.tokens
    if term.role == "quoted":
        return Concept(term.text, (Way(words, 1.0),))
    if term.role == "code" or not any(word.isalpha() and len(word) > 1 for word in words):
        return Concept(term.text, (Way(words, 1.0),))
    kinds = kinds_said(term.text) if term.role == "word" else ()
    return Concept(term.text, _literal(words), kinds=kinds, correctable=len(words) == 1 and len(words[0]) > 3)


def _literal(words: tuple[str, ...]) -> tuple[Way, ...]:
    ways = [Way(words, 1.0)]
    if len(words) == 1:
        word = words[0]
        ways += [Way((other,), 0.95) for other in forms(word)]
        if len(word) > 2 and word.isalpha():
            ways.append(Way(words, 0.85, prefix=True))
            if (one := stem(word)) != word and len(one) > 3:
                ways.append(Way((one,), 0.8, prefix=True))
    elif len(words[-1]) > 2:
        ways.append(Way(words, 0.9, prefix=True))
    return tuple(ways)


_SAY_KIND = ("medicine", "shot", "vaccine", "surgery", "scan", "appointment", "allergy")


def _phrase(terms: Sequence[Term], stands: Stands, table: Synonyms) -> Concept:
    words = tuple(word for term in terms for word in term.tokens)
    typed = tuple(word for term in terms if term.role != "stop" for word in term.tokens)
    ways = list(_literal(words))
    if len(words) > 1 and len(typed) > 1:
        ways.append(Way(typed, 0.9, apart=True))
    if len(words) > 1 and (one := (*words[:-1], stem(words[-1]))) != words:
        ways.append(Way(one, 0.97))
        ways.append(Way(one, 0.9, apart=True))
    ways += [way for meaning in stands.meanings if (way := meaning_way(meaning))]
    last = table.plain(words[-1])
    prefers = kinds_said(last) if len(words) > 1 and last in _SAY_KIND else ()
    if stands.drugs:
        prefers = ("medication",)
    text = " ".join(term.text for term in terms)
    return Concept(text, tuple(_once(ways)), kinds=stands.kinds, prefers=prefers)


def meaning_way(meaning: Meaning) -> Way | None:
    """What the table says, as a way."""
    words = tokens(meaning.text)
    return Way(words, meaning.weight, apart=" + " in meaning.text, literal=False) if words else None


def _once(ways: list[Way]) -> list[Way]:
    """The heaviest of those that say the same."""
    found: dict[tuple[object, ...], Way] = {}
    for way in ways:
        found.setdefault((way.words, way.prefix, way.apart), way)
    return list(found.values())
