"""From when to when a life goes, as the sources say it, and where they do not agree on the day of birth."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from phr.fhir import dates, read
from phr.fhir.dates import PartialDate
from phr.views.quality_dates import Life
from phr.views.quality_rows import COLUMNS, Finding, Row, beside
from phr.views.whose import patient

if TYPE_CHECKING:
    from phr.store.store import Store


class Person(NamedTuple):
    """One source's Patient whose record this is."""

    row: Row
    source: str
    birth: PartialDate | None
    death: PartialDate | None


def lives(store: Store) -> list[Person]:
    """The own Patient of each source, the one of whom it tells; whoever it merely points at is somebody else."""
    found = []
    for name in [row[0] for row in store.db.execute("SELECT name FROM source ORDER BY id")]:
        own = patient(store.db, (name,))
        if own is None:
            continue
        row = store.db.execute(
            f"SELECT {COLUMNS}, 1, x.raw FROM resource x JOIN record ON record.id = x.id"
            " WHERE x.source_id = ? AND x.type = 'Patient' AND x.fhir_id = ?",
            own,
        ).fetchone()
        if row is None:
            continue
        try:
            resource = read.parse_json(bytes(row[-1]))
        except ValueError:
            continue
        if isinstance(resource, dict):
            birth, death = (
                dates.parse(resource.get("birthDate")),
                dates.parse(resource.get("deceasedDateTime")),
            )
            found.append(Person(Row._make(row[:-1]), name, birth, death))
    return found


def life(people: list[Person], now: str) -> Life:
    """As early and as late as any source says."""
    births = [one.birth for one in people if one.birth is not None]
    deaths = [one.death for one in people if one.death is not None]
    moment = dates.parse(now)
    return Life(
        moment.start if moment else 0,
        min(births, key=lambda one: one.start, default=None),
        max(deaths, key=lambda one: one.end, default=None),
        now[:10],
        max(births, key=lambda one: one.end, default=None),
    )


def differing(people: list[Person]) -> list[Finding]:
    """Sources that name another day of birth than most do; a year alone contradicts no day in it."""
    said = [one for one in people if one.birth is not None]
    days = Counter(_day(one) for one in said)
    if len(days) < 2:
        return []
    most = max(days, key=lambda day: (days[day], len(day)))
    first = next(one for one in said if _day(one) == most)
    return [
        Finding(
            one.row,
            "birth_date",
            f"Here the birth date is {_day(one)}, but {first.source} has {most}.",
            value=_day(one),
            compared=(beside(first.row, most),),
        )
        for one in said
        if not _agree(_day(one), most)
    ]


def _day(one: Person) -> str:
    return one.birth.text[:10] if one.birth else ""


def _agree(one: str, other: str) -> bool:
    length = min(len(one), len(other))
    return one[:length] == other[:length]
