"""Everybody who cared for the person, and every place: who they are under all their spellings, and where they work.

Read from visits, appointments, care teams, notes and orders, and from the Practitioners and Organizations that sources
sent along: bounded, along the index of kinds, never a whole life.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from phr.fhir import read
from phr.views.events import marks
from phr.views.visit_locations import locate
from phr.views.visit_names import distinctive, is_spoken, people, person, same_person, words_of

if TYPE_CHECKING:
    from phr.store.store import Store

MEETING = ("encounter", "appointment")
"""Kinds in which somebody is met."""
_KINDS = (
    *MEETING,
    "care_team",
    "clinical_note",
    "document",
    "order",
    "procedure",
    "imaging",
    "message",
    "task",
)
_MORE = ("medication", "immunization", "problem", "allergy", "lab_result", "care_plan", "goal", "device")
"""Of these the newest only: a life has many."""
_NEWEST = 3_000
_SENT = 5_000
_NOT_MET = ("cancelled", "noshow", "entered-in-error")


@dataclass(slots=True)
class Person:
    """One person who cares for the patient."""

    name: str
    """The fullest spelling."""
    spellings: set[str] = field(default_factory=set)
    words: set[tuple[str, ...]] = field(default_factory=set)
    places: list[str] = field(default_factory=list)
    """Where they were met, the most often first; else where they wrote something."""
    specialties: set[str] = field(default_factory=set)
    visits: int = 0

    def __repr__(self) -> str:
        return "<Person>"

    @property
    def beside(self) -> frozenset[str]:
        """Words that may stand beside their name to tell them from another."""
        return frozenset(word for text in (*self.places, *self.specialties) for word in words_of(text))


@dataclass(slots=True)
class Place:
    """One place."""

    name: str
    people: Counter[str] = field(default_factory=Counter)
    visits: int = 0
    located: set[int] = field(default_factory=set)
    """Numbers of visits of which only `Encounter.location` says that they were here."""

    def __repr__(self) -> str:
        return "<Place>"


@dataclass(slots=True)
class Known:
    """All of them."""

    store: Store
    people: list[Person]
    places: list[Place]
    sources: dict[str, tuple[str, ...]]
    """By name of a source what it is called: its name, and the organisation of a connection."""
    belongs: dict[str, str] = field(default_factory=dict)
    """By name of a location the organisation it belongs to."""

    def offices(self, places: list[Place]) -> list[list[Place]]:
        """Places that are one office together: one is a room of the other, or the same persons work in both."""
        found: list[list[Place]] = []
        for place in places:
            for office in found:
                if any(self._one(place, other) for other in office):
                    office.append(place)
                    break
            else:
                found.append([place])
        return found

    def with_rooms(self, office: list[Place]) -> list[Place]:
        """The office with its rooms, suites and wards."""
        names = {place.name for place in office}
        rooms = [
            place
            for place in self.places
            if place.name not in names
            and (
                self.belongs.get(place.name) in names
                or any(place.name.startswith((f"{name},", f"{name} -", f"{name} (")) for name in names)
            )
        ]
        return [*office, *rooms]

    def _one(self, one: Place, other: Place) -> bool:
        short, long = sorted((words_of(one.name), words_of(other.name)), key=len)
        if long[: len(short)] == short:
            return True
        if self.belongs.get(one.name) == other.name or self.belongs.get(other.name) == one.name:
            return True
        alike = distinctive(one.name) & distinctive(other.name)
        return bool(alike) and not set(one.people).isdisjoint(other.people)

    def places_of(self, source: str) -> tuple[str, ...]:
        """The places of the visits that a source tells, the most often first."""
        rows = self.store.db.execute(
            "SELECT r.facility, count(*) FROM source s CROSS JOIN resource x ON x.source_id = s.id"
            " AND x.type IN ('Encounter', 'Appointment') JOIN record_source rs ON rs.resource_id = x.id"
            " JOIN record r ON r.id = rs.record_id WHERE s.name = ? AND r.facility IS NOT NULL"
            " GROUP BY 1 ORDER BY 2 DESC LIMIT 20",
            (source,),
        )
        return tuple(row[0] for row in rows)


def known_people(store: Store) -> Known:
    """Everybody, and every place."""
    gathered = _Gathered()
    for performer, facility, kind, status, number in _rows(store.db):
        gathered.note(performer, facility, kind, status, number)
    for type_, title in _sent(store.db):
        gathered.sent(type_, title)
    known = Known(store, gathered.persons(), list(gathered.places.values()), _sources(store.db))
    _specialties(store.db, known)
    locate(store.db, known.places)
    return known


class _Gathered:
    """Names as they come, by their words."""

    def __init__(self) -> None:
        self.spelt: dict[tuple[str, ...], Counter[str]] = {}
        self.where: dict[str, Counter[str]] = {}
        self.wrote: dict[str, Counter[str]] = {}
        self.met: Counter[str] = Counter()
        self.places: dict[str, Place] = {}
        self.own: set[str] = set()
        """As Practitioners write themselves."""

    def note(
        self, performer: str | None, facility: str | None, kind: str, status: str | None, number: int
    ) -> None:
        place = self.places.setdefault(facility, Place(facility)) if facility else None
        meeting = kind in MEETING
        if place is not None and meeting and status not in _NOT_MET:
            place.visits += number
        for name in people(performer or ""):
            self._person(name, number)
            if meeting:
                self.met[name] += number
            if place is not None:
                (self.where if meeting else self.wrote).setdefault(name, Counter())[place.name] += number
                if meeting:
                    place.people[name] += number

    def sent(self, type_: str, title: str) -> None:
        if type_ == "Practitioner":
            self._person(title, 0)
            self.own.add(title)
        else:
            self.places.setdefault(title, Place(title))

    def _person(self, name: str, number: int) -> None:
        words = person(name)
        if any(len(word) > 1 for word in words):
            self.spelt.setdefault(tuple(sorted(words)), Counter())[name] += number

    def persons(self) -> list[Person]:
        """One Person for all spellings that can only mean one."""
        keys = sorted(self.spelt, key=lambda key: (-sum(len(word) > 1 for word in key), -len(key), key))
        found: list[tuple[list[tuple[str, ...]], Person]] = []
        for key in keys:
            fits = [one for one in found if all(same_person(key, other) for other in one[0])]
            if len(fits) == 1:
                fits[0][0].append(key)
                one = fits[0][1]
            else:  # nobody so far, or it could be two of them: then it is neither
                one = Person("")
                found.append(([key], one))
            one.spellings.update(self.spelt[key])
            one.words.update(person(name) for name in self.spelt[key])
        return [self._finished(one) for _, one in found]

    def _finished(self, one: Person) -> Person:
        counted: Counter[str] = Counter()
        for name in one.spellings:
            for counts in self.spelt.values():
                counted[name] += counts.get(name, 0)
        one.name = max(
            counted,
            key=lambda name: (
                *_fullness(name), not name.isupper(), is_spoken(name), name in self.own, counted[name], len(name), name
            ),
        )  # fmt: skip
        one.visits = sum(self.met[name] for name in one.spellings)
        where: Counter[str] = Counter()
        for name in one.spellings:
            where.update(self.where.get(name, {}))
        if not where:
            for name in one.spellings:
                where.update(self.wrote.get(name, {}))
        one.places = [name for name, _ in sorted(where.items(), key=lambda pair: (-pair[1], pair[0]))]
        return one


def _fullness(name: str) -> tuple[int, int]:
    """How many whole words a name has, and how many initials."""
    words = person(name)
    return sum(len(word) > 1 for word in words), len(words)


def _rows(db: Any) -> Iterable[tuple[str | None, str | None, str, str | None, int]]:
    """`(performer, facility, kind, status, how many)`."""
    for kind in _KINDS:
        yield from db.execute(
            "SELECT performer, facility, kind, status, count(*) FROM record WHERE kind = ? AND supporting = 0"
            " AND (performer IS NOT NULL OR facility IS NOT NULL) GROUP BY 1, 2, 4",
            (kind,),
        ).fetchall()
    for kind in _MORE:
        yield from db.execute(
            "SELECT performer, facility, kind, NULL, count(*) FROM (SELECT performer, facility, kind FROM record"
            " WHERE kind = ? AND supporting = 0 ORDER BY date_from DESC, id DESC LIMIT ?)"
            " WHERE performer IS NOT NULL OR facility IS NOT NULL GROUP BY 1, 2",
            (kind, _NEWEST),
        ).fetchall()


def _sent(db: Any) -> Iterable[tuple[str, str]]:
    """`(type, name)` of the persons and places that sources sent along."""
    types = ("Practitioner", "Organization", "Location")
    return list(
        db.execute(
            "SELECT DISTINCT x.type, r.title FROM source s CROSS JOIN resource x ON x.source_id = s.id"
            f" AND x.type IN ({marks(types)}) JOIN record r ON r.id = x.id WHERE r.supporting = 1 LIMIT ?",
            (*types, _SENT),
        )
    )


def _sources(db: Any) -> dict[str, tuple[str, ...]]:
    rows = db.execute(
        "SELECT s.name, c.organisation FROM source s LEFT JOIN connection c ON c.source_id = s.id"
        " WHERE s.kind <> 'person' ORDER BY s.name"
    )
    return {name: tuple(filter(None, (name, organisation))) for name, organisation in rows}


# ── what they are ─────────────────────────────────────────────────────────────────────────────────────

_BODIES = (
    "SELECT x.source_id, x.raw FROM source s CROSS JOIN resource x ON x.source_id = s.id AND x.type = ?"
    " WHERE x.state = 'current' ORDER BY x.id DESC LIMIT ?"
)
_LOOKED = {
    "PractitionerRole": 1_000,
    "Practitioner": 1_000,
    "CareTeam": 40,
    "Appointment": 200,
    "Location": 500,
}


def _specialties(db: Any, known: Known) -> None:
    """Note what each person is, as roles, qualifications, teams and appointments say."""
    by_words: dict[tuple[str, ...], Person] = {
        tuple(sorted(words)): one for one in known.people for words in one.words
    }
    names = {
        (row[0], f"{row[1]}/{row[2]}"): row[3]
        for row in db.execute(
            "SELECT x.source_id, x.type, x.fhir_id, r.title FROM source s CROSS JOIN resource x ON x.source_id = s.id"
            " AND x.type IN ('Practitioner', 'Organization') JOIN record r ON r.id = x.id WHERE r.supporting = 1 LIMIT ?",
            (_SENT,),
        )
    }

    def called(source: int, pointer: object) -> str | None:
        if not isinstance(pointer, dict):
            return None
        return read.text(pointer.get("display")) or names.get((source, read.reference(pointer) or ""))

    def note(name: str | None, *said: object) -> None:
        one = by_words.get(tuple(sorted(person(name)))) if name else None
        if one is not None:
            for concept in (each for part in said for each in read.listed(part)):
                words = read.concept_text(concept) if isinstance(concept, dict) else None
                if words:
                    one.specialties.add(words)

    for type_, limit in _LOOKED.items():
        for source, raw in db.execute(_BODIES, (type_, limit)).fetchall():
            body = _parsed(raw)
            if type_ == "PractitionerRole":
                note(called(source, body.get("practitioner")), body.get("specialty"), body.get("code"))
            elif type_ == "Practitioner":
                codes = [one.get("code") for one in read.dicts(body.get("qualification"))]
                note(read.human_name(body.get("name")), codes)
            elif type_ == "CareTeam":
                for one in read.dicts(body.get("participant")):
                    note(called(source, read.first(one.get("member"))), one.get("role"))
            elif type_ == "Appointment":
                for one in read.dicts(body.get("participant")):
                    note(called(source, one.get("actor")), body.get("specialty"), body.get("serviceType"))
            else:
                own = read.text(body.get("name"))
                over = called(source, body.get("managingOrganization"))
                if own and over and own != over:
                    known.belongs[own] = over


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        found = read.parse_json(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
