"""Which records a person asked for, as one SQL condition that every view and every export shares.

Dates follow the search rule of FHIR R4 (3.1.1.4.6): a partial date stands for the whole period it can mean,
and a record belongs to a range when the two periods overlap. So `--since 2020` finds what is dated
`2020`, `2020-06` or `2020-06-01T08:00:00Z`, and `--until 2020` goes to the last second of that year. A day is the day
that the source wrote, on the clock of the place where it happened: what is shown under a day is found by it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phr.errors import UsageError
from phr.fhir import dates
from phr.views.query import full_text_query
from phr.views.tagging import of_packs, tagged

if TYPE_CHECKING:
    from phr.model import Problem
    from phr.store.store import Store

SENSITIVITIES = ("normal", "sensitive", "restricted")
"""From what anyone treating you may see to what was marked as private (see `records.elements`)."""

_OF_SOURCES = (
    "record.id IN (SELECT rs.record_id FROM record_source rs JOIN source s ON s.id = rs.source_id"
    " WHERE s.name IN ({marks}))"
)
MARKED = (
    "(record.id IN (SELECT rs.record_id FROM correction c JOIN record_source rs ON rs.resource_id = c.resource_id"
    " WHERE c.field = 'sensitivity' AND c.value <> 'normal')"
    " OR (record.sensitivity <> 'normal' AND record.id IN (SELECT rs.record_id FROM source s"
    " JOIN resource x ON x.source_id = s.id JOIN record_source rs ON rs.resource_id = x.id WHERE s.kind = 'person')))"
)
"""What the person marked as private by hand: beside a record of a source, or in an entry of their own."""
_FOUND = "record.id IN (SELECT rowid FROM record_search WHERE record_search MATCH ?)"


@dataclass(frozen=True, slots=True)
class Selection:
    """What to show or hand on. Empty means everything; supporting resources are never records of a life."""

    kinds: tuple[str, ...] = ()
    since: str | None = None
    """A FHIR partial date, inclusive from its first second."""
    until: str | None = None
    """A FHIR partial date, inclusive to its last second."""
    sources: tuple[str, ...] = ()
    """Names; a record belongs when any of its sources is named."""
    tags: tuple[str, ...] = ()
    """All of them have to be on the record."""
    packs: tuple[str, ...] = ()
    """Ids of condition packs; a record belongs when one of them is about it."""
    search: str | None = None
    sensitivity: str | None = None
    """The most private level to include: `normal` leaves out sensitive and restricted records."""
    include_undated: bool | None = None
    """None: records without a date belong unless a range was asked for."""
    standing: bool = False
    """Whether what began before `since` and still stands belongs too: active problems, medicines and allergies."""
    marked: bool = True
    """Whether what the person marked as private by hand belongs too, where no `sensitivity` decides; an export says no."""
    without: tuple[int, ...] = ()
    """Numbers of records that do not belong, whatever else is asked: they would tell what is withheld."""

    def where(self, *, withdrawn: bool = False) -> tuple[str, list[object]]:
        """An SQL condition on the table `record`, and its parameters.

        `withdrawn`: what the sources took back instead of what stands; the full text does not know it any more.
        Raises UsageError when a kind, a date or a sensitivity makes no sense.
        """
        parts: list[str] = ["record.supporting = 2" if withdrawn else "record.supporting = 0"]
        values: list[object] = []
        if self.kinds:
            # The plus sign keeps the planner on record_by_date, which holds the kind too and needs no sorting.
            parts.append(f"+record.kind IN ({_marks(self.kinds)})")
            from phr.model import KINDS  # a plain timeline starts faster without

            values += _known(self.kinds, KINDS, "kind of record")
        self._within_range(parts, values)
        if self.sources:
            parts.append(_OF_SOURCES.format(marks=_marks(self.sources)))
            values += self.sources
        for tag in self.tags:
            condition, parameters = tagged(tag)
            parts.append(condition)
            values += parameters
        if self.packs:
            condition, parameters = of_packs(self.packs)
            parts.append(condition)
            values += parameters
        if self.search is not None and self.search.strip():
            query = full_text_query(self.search)
            parts.append(_FOUND if query else "0")
            values += [query] if query else []
        allowed = self.sensitivities()
        if len(allowed) < len(SENSITIVITIES):
            parts.append(f"record.sensitivity IN ({_marks(allowed)})")
            values += allowed
        elif not self.marked and self.sensitivity is None:
            parts.append(f"NOT {MARKED}")
        if self.without:
            import json

            parts.append("record.id NOT IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(self.without))
        return " AND ".join(parts), values

    def sensitivities(self) -> tuple[str, ...]:
        """The levels that may be handed on. Raises UsageError for a level that does not exist."""
        if self.sensitivity is None:
            return SENSITIVITIES
        _known((self.sensitivity,), SENSITIVITIES, "sensitivity")
        return SENSITIVITIES[: SENSITIVITIES.index(self.sensitivity) + 1]

    def keeps_undated(self) -> bool:
        """Whether records without a date belong."""
        if self.include_undated is None:
            return self.since is None and self.until is None
        return self.include_undated

    def asks_nothing(self) -> bool:
        """Whether every record belongs."""
        return self == EVERYTHING

    def described(self) -> dict[str, object]:
        """The selection in plain JSON, without what was not asked."""
        asked = {
            "kinds": list(self.kinds),
            "since": self.since,
            "standing": self.standing and self.since is not None,
            "until": self.until,
            "sources": list(self.sources),
            "tags": list(self.tags),
            "packs": list(self.packs),
            "search": self.search,
            "sensitivity": self.sensitivity,
        }
        return {name: value for name, value in asked.items() if value}

    def _within_range(self, parts: list[str], values: list[object]) -> None:
        limits: list[str] = []
        if self.since is not None:
            when = _date(self.since, "--since")
            condition, given = _since(when)
            limits.append(f"({condition} OR {_STANDING})" if self.standing else condition)
            values += [*given, *([_day(when)] * 2 if self.standing else [])]
        if self.until is not None:
            condition, given = _until(_date(self.until, "--until"))
            limits.append(condition)
            values += given
        if limits and self.keeps_undated():
            parts.append(f"(record.date_from IS NULL OR ({' AND '.join(limits)}))")
        else:
            parts += limits
            if not self.keeps_undated() and not limits:
                parts.append("record.date_from IS NOT NULL")


EVERYTHING = Selection()

_ZONES = 86_400
"""No clock is further from UTC than this. Only what lies so near to a limit is looked at more closely."""
_TIMED = "record.precision IN ('minute', 'second')"


_STANDING = (
    "(record.kind IN ('problem', 'medication', 'allergy')"
    " AND record.status IN ('active', 'recurrence', 'relapse', 'intended')"
    " AND (record.end IS NULL OR substr(record.end, 1, length(?)) >= ?))"
)
"""What a source calls active, with no end before that time."""


def _since(when: dates.PartialDate) -> tuple[str, list[object]]:
    """What ends after this begins: by the day its source wrote, where it has a time of the day."""
    if when.precision in ("minute", "second"):
        return "record.date_to > ?", [when.start]
    day = _day(when)
    return (
        "(record.date_to > ? OR (record.date_to > ? AND"
        f" CASE WHEN {_TIMED} THEN substr(record.date, 1, ?) >= ? ELSE record.date_to > ? END))",
        [when.start + _ZONES, when.start - _ZONES, len(day), day, when.start],
    )


def _until(when: dates.PartialDate) -> tuple[str, list[object]]:
    """What begins before this ends; as above."""
    if when.precision in ("minute", "second"):
        return "record.date_from < ?", [when.end]
    day = _day(when)
    return (
        "(record.date_from < ? OR (record.date_from < ? AND"
        f" CASE WHEN {_TIMED} THEN substr(record.date, 1, ?) <= ? ELSE record.date_from < ? END))",
        [when.end - _ZONES, when.end + _ZONES, len(day), day, when.end],
    )


def _day(when: dates.PartialDate) -> str:
    """The year, month or day as FHIR spells it."""
    if when.precision == "day" and len(when.text) == 8:
        return f"{when.text[:4]}-{when.text[4:6]}-{when.text[6:]}"
    return when.text[: {"year": 4, "month": 7}.get(when.precision, 10)]


def check_sources(store: Store, selection: Selection) -> None:
    """Raise UsageError when the selection names a source that is not in the record."""
    if selection.sources:
        _known(selection.sources, tuple(source.name for source in store.sources.all()), "source")


def left_out(store: Store, selection: Selection) -> tuple[Problem, ...]:
    """What the selection leaves out without the person having said so: records that have no date.

    What is withheld for its sensitivity is not named here: these words may travel inside an export.
    """
    if selection.keeps_undated() or (selection.since is None and selection.until is None):
        return ()
    condition, values = replace(selection, since=None, until=None, include_undated=None).where()
    row = store.db.execute(
        f"SELECT count(*) FROM record WHERE {condition} AND record.date_from IS NULL", values
    ).fetchone()
    if not row[0]:
        return ()
    from phr.model import Problem

    return (Problem("record", f"{row[0]} without a date: nobody can say whether it belongs to this time"),)


def fitting(store: Store, selection: Selection) -> int:
    """How many records the selection has."""
    condition, values = selection.where()
    row = store.db.execute(f"SELECT count(*) FROM record WHERE {condition}", values).fetchone()
    return int(row[0])


def withheld(store: Store, selection: Selection) -> int:
    """How many records of the selection are held back for their sensitivity: for the person alone."""
    everything = len(selection.sensitivities()) == len(SENSITIVITIES)
    if everything and not selection.without and (selection.marked or selection.sensitivity is not None):
        return 0
    open_ = replace(selection, sensitivity=None, marked=True, without=())
    return fitting(store, open_) - fitting(store, selection)


def _marks(values: tuple[str, ...]) -> str:
    return ",".join("?" * len(values))


def _known(given: tuple[str, ...], known: tuple[str, ...], noun: str) -> tuple[str, ...]:
    for one in given:
        if one not in known:
            there = f"There is: {', '.join(known)}" if known else "There is none yet."
            likely = near(one, known)
            meant = f"Did you mean {' or '.join(likely)}? " if likely else ""
            raise UsageError(f"There is no {noun} named {one}.", hint=f"{meant}{there}")
    return given


def near(typed: str, known: tuple[str, ...]) -> list[str]:
    """What was probably meant: spelt nearly like it, as a whole or in one of its words."""
    import unicodedata
    from difflib import SequenceMatcher

    def plain(words: str) -> str:
        apart = unicodedata.normalize("NFKD", words.casefold().replace("_", " ").replace("-", " "))
        return "".join(char for char in apart if not unicodedata.combining(char)).strip()

    def likeness(name: str) -> float:
        parts = [plain(name), *(word for word in plain(name).split() if len(word) > 2)]
        return max(SequenceMatcher(None, plain(typed), part).ratio() for part in parts)

    found = sorted(((likeness(name), name) for name in known), key=lambda one: -one[0])
    return [name for score, name in found if score >= max(0.7, found[0][0] - 0.05)][:3]


def _date(text: str, option: str) -> dates.PartialDate:
    when = dates.parse(text)
    if when is None:
        raise UsageError(
            f"{option} {text} is not a date.",
            hint="Write a year, a month or a day: 2024, 2024-03 or 2024-03-31",
        )
    return when
