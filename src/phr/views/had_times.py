"""The times it was done: what several resources tell of one day is one time, with its report and its documents.

An order, the study, the procedure, the report and the letter about one examination are one. Two of the same kind from one
source an hour or more apart are two. A letter or a bill joins the examination before it; without one it stands for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from phr.fhir import dates, read
from phr.records.elements import walk
from phr.views.events import marks
from phr.views.had_exam import NO, Exam, compare, places, related
from phr.views.had_record import LARGEST, Told

_DAY = 86_400
_RANK = {
    "DiagnosticReport": 0,
    "ImagingStudy": 1,
    "Procedure": 2,
    "Immunization": 2,
    "MedicationAdministration": 2,
    "Observation": 3,
    "Media": 4,
    "MedicationRequest": 4,
    "MedicationStatement": 5,
    "MedicationDispense": 5,
    "DocumentReference": 6,
    "Composition": 6,
    "Claim": 7,
    "ExplanationOfBenefit": 7,
    "ClaimResponse": 7,
    "Condition": 8,
}
_LETTER, _BILL, _HISTORY = 6, 7, 8
_LATER = {_LETTER: 21, _BILL: 10}
"""So many days after an examination its letter or bill is still about it."""
_POINTING = (
    "SELECT x.id, x.source_id, r.resource, x.raw FROM record r JOIN resource x ON x.id = r.id WHERE r.supporting = 0"
    " AND r.date_from >= ? AND r.date_from < ? AND (r.resource LIKE 'DiagnosticReport/%' OR r.resource LIKE"
    f" 'DocumentReference/%') AND length(x.raw) < {LARGEST} ORDER BY r.date_from LIMIT 60"
)
_LINKED_OF = 40
"""For so many times, the newest, reports are looked for that only point at them."""


@dataclass
class Time:
    """One time, with everything that tells it; the first is what it is called after."""

    members: list[Told] = field(default_factory=list)
    linked: list[tuple[int, str]] = field(default_factory=list)
    """Reports and letters that are not called so but point here: row and address."""

    @property
    def first(self) -> Told:
        """The best that tells it: a report before a bill."""
        return self.members[0]

    date_from: int | None = None
    """When it begins, by the most exact of the dates."""
    date: str | None = None
    stamps: dict[tuple[str, str | None, frozenset[int]], Told] = field(default_factory=dict, repr=False)
    """The first of each type, date and source: a panel of thirty results at one instant is looked at once."""
    _exact: int = 10**12

    def add(self, one: Told, whose: frozenset[int]) -> None:
        """One more that tells it."""
        self.members.append(one)
        self.stamps.setdefault((one.type, one.date, whose), one)
        if one.date_from is not None and _width(one) < self._exact:
            self.date_from, self.date, self._exact = one.date_from, one.date, _width(one)


def _width(one: Told) -> int:
    return (one.date_to or 0) - (one.date_from or 0)


def times(found: Sequence[Told], sources: dict[int, frozenset[int]], *, by_part: bool) -> list[Time]:
    """Each time once, the newest first; what has no date comes last. `by_part`: whether parts of the body matter."""
    done: list[Time] = []
    ordered = sorted(found, key=lambda one: (_rank(one), _width(one) // _DAY, one.date_from or 0, one.id))
    days: dict[int, list[Time]] = {}
    for one in ordered:
        rank = _rank(one)
        if (
            rank == _HISTORY
            and one.exam.acts
            and any(not _differs(time.first.exam, one.exam) for time in done)
        ):
            continue  # told better by when it was done
        home = _home(one, rank, days, done, sources, by_part=by_part)
        if home is None:
            home = Time()
            done.append(home)
            if one.date_from is not None:
                days.setdefault(one.date_from // _DAY, []).append(home)
        home.add(one, sources.get(one.id, frozenset()))
    return sorted(done, key=lambda time: (time.date_from is None, -(time.date_from or 0), -time.first.id))


def _rank(one: Told) -> int:
    return _RANK.get(one.type, 5)


def _home(
    one: Told,
    rank: int,
    days: dict[int, list[Time]],
    done: list[Time],
    sources: dict[int, frozenset[int]],
    *,
    by_part: bool,
) -> Time | None:
    """The time that this tells too."""
    if one.date_from is None:
        return None
    if _width(one) > 2 * _DAY:  # a month or a year: whichever lies in it
        fits = [
            time
            for time in done
            if time.date_from is not None and one.date_from <= time.date_from < (one.date_to or 0)
        ]
        return next((time for time in fits if _same(time, one, sources, by_part=by_part)), None)
    back = _LATER.get(rank, 1)
    day = one.date_from // _DAY
    near = [time for at in range(day - back, day + 2) for time in days.get(at, ())]
    near.sort(key=lambda time: abs((time.date_from or 0) - (one.date_from or 0)))
    for time in near:
        if (back > 1 or _one_day(time, one)) and _same(time, one, sources, by_part=by_part):
            return time
    return None


def _one_day(time: Time, one: Told) -> bool:
    """The same day by the calendar of either source, or less than twelve hours apart."""
    for other in time.stamps.values():
        if (other.date or "")[:10] == (one.date or "")[:10]:
            return True
        apart = max(other.date_from or 0, one.date_from or 0) - min(other.date_to or 0, one.date_to or 0)
        exact = len(other.date or "") > 10 and len(one.date or "") > 10
        if apart < (_DAY // 2 if exact else 1):
            return True
    return False


def _same(time: Time, one: Told, sources: dict[int, frozenset[int]], *, by_part: bool) -> bool:
    if time.first.group != one.group:
        return False
    if _RANK.get(one.type, 9) < _LETTER:
        mine = sources.get(one.id, frozenset())
        for (type_, _, whose), other in time.stamps.items():
            if type_ == one.type and whose & mine and _hours_apart(other, one):
                return False
    return not by_part or one.kind == "claim" or not _differs(time.first.exam, one.exam)


def _hours_apart(one: Told, other: Told) -> bool:
    """An hour or more, by two clocks."""
    if (
        len(one.date or "") <= 10
        or len(other.date or "") <= 10
        or one.date_from is None
        or other.date_from is None
    ):
        return False
    return abs(one.date_from - other.date_from) >= 3600


def _differs(one: Exam, other: Exam) -> bool:
    """Whether two examinations of one day are two: other parts of the body, another side, another kind."""
    if not one.acts or not other.acts:
        return False
    if not one.acts & other.acts:
        return True
    here, there = places(one), places(other)
    if here and there and all(related(part, there) == NO for part in here):
        return not any(related(part, here) != NO for part in there)
    return bool(one.side and other.side and {one.side, other.side} == {"left", "right"})


# ── reports and documents ─────────────────────────────────────────────────────────────────────────


def link(db: Any, found: Sequence[Time], sources: dict[int, frozenset[int]]) -> None:
    """Reports and letters that only point at what was done (`imagingStudy`, `basedOn`, `context.related`)."""
    for time in found[:_LINKED_OF]:
        if time.date_from is None or any(one.type == "DiagnosticReport" for one in time.members):
            continue
        if all(one.kind in ("immunization", "medication", "problem") for one in time.members):
            continue
        known = {one.id for one in time.members}
        wanted = {one.resource for one in time.members} | {
            target
            for one in time.members
            for target in references(one.raw, "basedOn", "report", "imagingStudy")
        }
        whose = frozenset[int]().union(*(sources.get(one.id, frozenset()) for one in time.members))
        for id_, source, address, raw in db.execute(
            _POINTING, (time.date_from - _DAY, time.date_from + 21 * _DAY)
        ):
            if id_ in known or source not in whose:
                continue
            named = references(
                read.parse_json(raw), "imagingStudy", "basedOn", "context.related", "related", "partOf"
            )
            if address in wanted or named & wanted:
                time.linked.append((id_, address))


def references(resource: object, *paths: str) -> set[str]:
    """The addresses that stand in these elements."""
    found = set()
    for path in paths:
        for pointer in walk(resource, tuple(path.split("."))) if isinstance(resource, dict) else ():
            if target := read.reference(pointer):
                found.add(target)
    return found


_DOCUMENTS = (
    "SELECT rs.record_id, a.resource_id || '.' || a.position, coalesce(rec.title, a.title), coalesce(t.media_type,"
    " a.media_type), d.bytes, CASE WHEN s.kind = 'import' AND a.state = 'wanted' THEN 'absent' ELSE a.state END"
    " FROM record_source rs JOIN attachment a ON a.resource_id = rs.resource_id JOIN resource x ON x.id = rs.resource_id"
    " JOIN source s ON s.id = x.source_id LEFT JOIN record rec ON rec.id = rs.record_id"
    " LEFT JOIN document d ON d.id = a.document_id LEFT JOIN document_text t ON t.document_id = a.document_id"
    " WHERE rs.record_id IN ({marks}) ORDER BY a.resource_id, a.position"
)


def documents(db: Any, ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """The documents of these records: `{id, title, media_type, bytes, state}`."""
    found: dict[int, list[dict[str, Any]]] = {}
    for at in range(0, len(ids), 400):
        part = ids[at : at + 400]
        for record, id_, title, media_type, size, state in db.execute(
            _DOCUMENTS.format(marks=marks(part)), part
        ):
            one = {"id": id_, "title": title, "media_type": media_type, "bytes": size, "state": state}
            found.setdefault(record, []).append(one)
    return found


def sources_of(db: Any, ids: Sequence[int]) -> dict[int, frozenset[int]]:
    """Which sources tell each record."""
    found: dict[int, set[int]] = {}
    for at in range(0, len(ids), 400):
        part = ids[at : at + 400]
        query = f"SELECT record_id, source_id FROM record_source WHERE record_id IN ({marks(part)})"
        for record, source in db.execute(query, part):
            found.setdefault(record, set()).add(source)
    return {record: frozenset(of) for record, of in found.items()}


# ── orders ────────────────────────────────────────────────────────────────────────────────────────

_LONGEST_WAIT = 400 * _DAY


def open_orders(
    orders: Iterable[Told], done: Sequence[Time], sources: dict[int, frozenset[int]]
) -> list[Told]:
    """Orders, appointments and tasks that none of the times has answered."""
    left = []
    for one in orders:
        if not any(_answers(time, one, sources) for time in done):
            left.append(one)
    return left


def _answers(time: Time, one: Told, sources: dict[int, frozenset[int]]) -> bool:
    own = sources.get(one.id, frozenset())
    based = set[str]()
    for member in time.members:
        if sources.get(member.id, frozenset()) & own:
            based |= references(member.raw, "basedOn", "request", "referral")
    if one.resource in based:
        return True
    asked = dates.parse(one.recorded) if one.recorded else None
    written = asked.start if asked else one.date_from
    when = time.date_from
    if when is None or written is None:
        return False
    due = one.date_from if one.date_from is not None else written
    if one.kind == "appointment":
        return abs(when - due) < 2 * _DAY
    if any(target.startswith(("ServiceRequest/", "ProcedureRequest/")) for target in based):
        return False  # it was done for another order
    last = max(member.date_to or 0 for member in time.members)
    if last < written or when > written + _LONGEST_WAIT:
        return False
    early = due - when
    return (
        early < 45 * _DAY and compare(one.exam, time.first.exam).level != NO
        if one.exam.acts
        else early < 45 * _DAY
    )
