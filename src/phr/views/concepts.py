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
    while at < len(terms):
        run = _run(terms[: at + 1] if alone else terms, at)
        # A word that says nothing by itself begins no phrase, unless the phrase goes on: `high blood pressure`.
        stands, taken = _known(run, table)
        if taken and terms[at].wish and _known(run[1:], table)[1] > taken - 1:
            taken = 0  # `high` in `high cholesterol medicine`: the longer phrase begins behind it
        if stands and taken and (taken > 1 or terms[at].role == "word"):
            required.append(_phrase(terms[at : at + taken], stands))
            at += taken
            continue
        term = terms[at]
        if term.role == "weak":
            if term.wish != "recent":
                welcome.append(_word(term)._replace(weak=True))
        elif term.role != "stop":
            required.append(_word(term))
        at += 1
    if not required:
        return _said_little(query, welcome)
    return Meant(tuple(required), tuple(welcome))


def farther(concept: Concept, table: Synonyms) -> Concept:
    """A concept with what stands behind the words that mean the same; for when it is not found without."""
    stands = table.longest(tokens(concept.text), far=True)
    if stands is None or stands.size != len(tokens(concept.text)):
        return concept
    ways = [way for meaning in stands.meanings if (way := meaning_way(meaning))]
    return concept._replace(ways=tuple(_once([*concept.ways, *ways])))


def word_by_word(concept: Concept, table: Synonyms) -> list[Concept]:
    """The words of a phrase, each a concept of its own; none for a single word. Words that say little are left out."""
    if len(concept.text.split()) < 2:
        return []
    return list(meant(parse(concept.text), table, alone=True).concepts)


_FOR = ("for", "against", "of")
_TURNED = ("medicine", "test", "shot", "vaccine", "screening", "surgery", "scan")


def _turned(terms: tuple[Term, ...], table: Synonyms) -> tuple[Term, ...]:
    """`medicine for blood pressure` as the table says it: `blood pressure medicine`."""
    for at, term in enumerate(terms[:-2]):
        if (
            term.role in ("word", "weak")
            and terms[at + 1].text.lower() in _FOR
            and table.plain(term.text.lower()) in _TURNED
        ):
            return (*terms[:at], *terms[at + 2 :], term)
    return terms


def _known(run: Sequence[Term], table: Synonyms) -> tuple[Stands | None, int]:
    """What the table knows from here on, and how many terms that are."""
    stands = table.longest([word for one in run for word in one.tokens]) if run else None
    return stands, _covered(run, stands.size) if stands else 0


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
        return Meant(
            tuple(_word(term)._replace(kinds=kinds_said(term.text)) for term in plain[:1]),
            tuple(_word(term)._replace(weak=True) for term in plain[1:]),
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
    return Concept(term.text, _literal(words), correctable=len(words) == 1 and len(words[0]) > 3)


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


def _phrase(terms: Sequence[Term], stands: Stands) -> Concept:
    words = tuple(word for term in terms for word in term.tokens)
    typed = tuple(word for term in terms if term.role != "stop" for word in term.tokens)
    ways = list(_literal(words))
    if len(words) > 1 and len(typed) > 1:
        ways.append(Way(typed, 0.9, apart=True))
    if len(words) > 1 and (one := (*words[:-1], stem(words[-1]))) != words:
        ways.append(Way(one, 0.97))
        ways.append(Way(one, 0.9, apart=True))
    ways += [way for meaning in stands.meanings if (way := meaning_way(meaning))]
    return Concept(" ".join(term.text for term in terms), tuple(_once(ways)), kinds=stands.kinds)


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
