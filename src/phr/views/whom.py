"""Who is meant by “Dr. Martinez”: which persons, places and sources of the record.

Persons are those who performed something, took part in a visit or an appointment, or belong to a care team; places those
where it happened. Several that fit are asked about, nobody is guessed: a page for the wrong office tells it too much.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from phr.errors import UsageError
from phr.views.visit_names import (
    EXACT,
    SHORTENED,
    SLIP,
    distinctive,
    fits,
    people,
    person,
    place_fits,
    same_person,
    titled,
    words_of,
)
from phr.views.visit_people import Known, Person, Place, known_people
from phr.views.visit_specialties import stems_of, tells

if TYPE_CHECKING:
    from phr.store.store import Store

_LISTED = 8


@dataclass(frozen=True, slots=True)
class Whom:
    """Who is meant."""

    query: str = field(repr=False)
    name: str = field(repr=False)
    """How to call them."""
    practitioners: tuple[str, ...] = field(default=(), repr=False)
    """As the record spells them."""
    facilities: tuple[str, ...] = field(default=(), repr=False)
    sources: tuple[str, ...] = field(default=(), repr=False)
    """Names of the sources that are that office's own; none where that cannot be told."""
    by: str = "practitioner"
    """What was named: `practitioner`, `facility`, `source`, or `nobody` who is in the record so far."""
    taken: bool = False
    """Whether the name was taken for a typing slip."""
    located: frozenset[int] = field(default=frozenset(), repr=False)
    """Numbers of visits that were in a room or a department of theirs, and are told as of the whole hospital."""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "query": self.query,
            "name": self.name,
            "practitioners": list(self.practitioners),
            "facilities": list(self.facilities),
            "sources": list(self.sources),
        }

    def is_with(self, performer: str | None, facility: str | None, sources: Iterable[str] = ()) -> bool:
        """Whether something happened with them, or there where no person was named."""
        if self.by == "practitioner":
            names = people(performer or "")
            return bool(names) and not set(names).isdisjoint(self.practitioners)
        if self.by == "facility":
            return facility in self.facilities
        return self.by == "source" and not set(sources).isdisjoint(self.sources)

    def at_their_place(self, performer: str | None, facility: str | None) -> bool:
        """Whether something happened where they work, and nobody says with whom."""
        return not performer and facility is not None and facility in self.facilities

    def means(self, words: str) -> bool:
        """Whether a name that the person said another time means them too."""
        asked = person(words)
        if not asked:
            return False
        if words_of(words) == words_of(self.query):
            return True
        beside = frozenset(word for place in self.facilities for word in words_of(place))
        if self.by == "practitioner" and any(
            fits(asked, person(name), beside) for name in (*self.practitioners, self.query)
        ):
            return True
        places = (*self.facilities, *self.sources) if not titled(words) else ()
        if any(place_fits(words_of(words), words_of(place)) >= EXACT for place in places):
            return True
        stems = stems_of(words)
        return bool(stems) and any(tells(stems, text) for text in (*self.facilities, self.query))


def nobody(query: str) -> Whom:
    """Somebody who is not in the record so far: a first visit."""
    name = " ".join(query.split())
    return Whom(name, name, by="nobody")


def whom(store: Store, query: str, known: Known | None = None) -> Whom:
    """Who is meant. Raises UsageError that lists the choices, or the nearest names. `known`: who is, where that was read."""
    query = " ".join(query.split())
    if not words_of(query):
        raise UsageError("Whom is it for?", hint='Name a doctor or an office: phr visit "Dr. Martinez"')
    known = known or known_people(store)
    for find in (_exactly, _with_more, _by_source, _by_specialty, _by_slip):
        found = find(known, query)
        if found:
            return _made(known, query, found, taken=find is _by_slip)
    raise UsageError(f"Nobody in your record is called {query.rstrip('.')}.", hint=_nearest(known, query))


Found = list[Person | Place | str]
"""Persons, places, or names of sources."""


def _exactly(known: Known, query: str) -> Found:
    """By name: a whole name before one with an initial, the whole name of a place before a part of it."""
    found: list[tuple[int, Person | Place]] = []
    for score, one in _persons(known, query):
        if score >= SHORTENED:
            found.append((score, one))
    if not titled(query):
        asked = words_of(query)
        for place in known.places:
            score = place_fits(asked, words_of(place.name))
            if score >= EXACT:
                found.append((score, place))
    best = max((score for score, _ in found), default=0)
    return [one for score, one in found if score == best]


_BETWEEN = frozenset("at in of from the with and my our".split())


def _with_more(known: Known, query: str) -> Found:
    """A person by name, with the place where they work or what they are: `Dr. Martinez at Riverbend`."""
    words = [word for word in person(query) if word not in _BETWEEN]
    stems = [told for word in words if (told := stems_of(word))]
    plain = [word for word in words if not stems_of(word)]
    if not plain or len(plain) == len(person(query)):
        return []
    found = [
        (score, one)
        for one in known.people
        if (score := max(fits(plain, name, one.beside) for name in one.words)) >= SHORTENED
        and all(any(tells(stem, text) for text in (*one.specialties, *one.places)) for stem in stems)
    ]
    best = max((score for score, _ in found), default=0)
    return [one for score, one in found if score == best]


def _persons(known: Known, query: str) -> list[tuple[int, Person]]:
    asked = person(query)
    return [
        (score, one)
        for one in known.people
        if (score := max(fits(asked, words, one.beside) for words in one.words))
    ]


def _by_source(known: Known, query: str) -> Found:
    asked = words_of(query)
    fits = [
        (max(place_fits(asked, words_of(text)) for text in texts), name)
        for name, texts in known.sources.items()
    ]
    best = max((score for score, _ in fits), default=0)
    return [name for score, name in fits if score == best] if best >= EXACT else []


def _by_specialty(known: Known, query: str) -> Found:
    """Persons of that specialty; where nobody is known to have it, places that are called so."""
    stems = stems_of(query)
    if not stems:
        return []
    persons: Found = [one for one in known.people if any(tells(stems, text) for text in one.specialties)]
    places = [one for one in known.places if one.visits and tells(stems, one.name)]
    if not persons:
        return list(places)
    named = {place.name for place in places}
    # who has the specialty and is seen in an office that is called so, before who only has it
    there = [one for one in persons if isinstance(one, Person) and not named.isdisjoint(one.places)]
    seen = [one for one in persons if isinstance(one, Person) and one.visits]
    return list(there or seen or persons)


def _by_slip(known: Known, query: str) -> Found:
    found: Found = [one for score, one in _persons(known, query) if score == SLIP]
    if not titled(query) and not found:
        asked = words_of(query)
        found += [one for one in known.places if place_fits(asked, words_of(one.name)) == SLIP]
        found += [
            name
            for name, texts in known.sources.items()
            if not found and any(place_fits(asked, words_of(text)) == SLIP for text in texts)
        ]
    return found


# ── one of several ────────────────────────────────────────────────────────────────────────────────────


def _made(known: Known, query: str, found: Found, *, taken: bool) -> Whom:
    """The one who is meant. Raises UsageError where several are."""
    persons = [one for one in found if isinstance(one, Person)]
    places = [one for one in found if isinstance(one, Place)]
    if persons and places and not titled(query):
        # an office is often called like who works there: then both are one
        own = {name for one in persons for name in one.places}
        places = [one for one in places if one.name not in own]
    if len(persons) > 1 or (persons and places):
        raise _several(query, [*persons, *places])
    if persons:
        return _of_person(known, query, persons[0], taken=taken)
    if places:
        offices = known.offices(places)
        if len(offices) > 1:
            raise _several(query, places)
        return _of_place(known, query, known.with_rooms(offices[0]), taken=taken)
    names = [one for one in found if isinstance(one, str)]
    if len(names) > 1:
        raise _several(query, names)
    return Whom(query, names[0], (), known.places_of(names[0]), (names[0],), "source", taken)


def _of_person(known: Known, query: str, one: Person, *, taken: bool) -> Whom:
    from phr.views.visit_sources import own_sources

    spelt = tuple(sorted(one.spellings))
    found = Whom(query, one.name, spelt, tuple(one.places), (), "practitioner", taken)
    return _with_sources(found, own_sources(known.store, found))


def _of_place(known: Known, query: str, office: list[Place], *, taken: bool) -> Whom:
    from phr.views.visit_sources import own_sources

    names = tuple(place.name for place in office)
    seen: Counter[str] = Counter()
    for place in office:
        seen.update(place.people)
    shortest = min(names, key=lambda name: (-len(distinctive(name)), len(name)))
    best = max(office, key=lambda place: place.visits)
    name = best.name if best.visits else shortest
    persons = tuple(who for who, _ in seen.most_common(20))
    located = frozenset(id_ for place in office for id_ in place.located)
    found = Whom(query, name, persons, names, (), "facility", taken, located)
    return _with_sources(found, own_sources(known.store, found))


def _with_sources(one: Whom, sources: Iterable[str]) -> Whom:
    from dataclasses import replace

    return replace(one, sources=tuple(sources))


def _several(query: str, found: Iterable[Person | Place | str]) -> UsageError:
    lines = []
    for one in found:
        if isinstance(one, Person):
            more = ", ".join([*one.places[:1], *sorted(one.specialties)[:1]])
            lines.append(f"{one.name}" + (f" ({more})" if more else ""))
        else:
            lines.append(one if isinstance(one, str) else one.name)
    lines = list(dict.fromkeys(lines))
    listed = "\n".join(lines[:_LISTED])
    more = f"\nand {len(lines) - _LISTED} more" if len(lines) > _LISTED else ""
    return UsageError(
        f"“{query}” can be {len(lines)} in your record. Which one?",
        hint=f"{listed}{more}\nSay a whole name, or the office with it.",
    )


def _nearest(known: Known, query: str) -> str:
    from phr.views.selection import near

    called = " ".join(person(query)) or query
    names = tuple(dict.fromkeys([*(one.name for one in known.people), *(one.name for one in known.places)]))
    bare = {" ".join(person(name)) or name: name for name in names}
    likely = [bare[one] for one in near(called, tuple(bare))] if bare else []
    often = [one.name for one in sorted(known.people, key=lambda one: -one.visits) if one.visits][:5]
    lines = []
    if likely:
        lines.append(f"Did you mean {' or '.join(likely)}?")
    elif often:
        lines.append(f"In your record are: {'; '.join(often)}")
    lines.append('A first visit there? Say from when on: --since 2023, or: phr export --for "Dr. …"')
    return "\n".join(lines)


__all__ = ["Whom", "nobody", "same_person", "whom"]
