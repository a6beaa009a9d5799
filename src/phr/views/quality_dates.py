"""Dates that cannot be: what has happened in the future, before birth, after death, and an end before its start. Pure.

A partial date stands for all that it can mean (FHIR R4 3.1.1.4.6), and only what is wrong in each meaning is named: the
year of birth is not before birth. An instant has a zone and a birth date has none, so a day between them is no mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from phr.fhir import dates
from phr.fhir.dates import PartialDate
from phr.views.quality_rows import Finding, Row

_EARLIEST_CLOCK = 14 * 3600
"""A day begins so many seconds earlier in the east of Kiribati than at Greenwich."""
_HOUR = 3600
_DAY = 86_400
_IN_THE_WOMB = 300 * _DAY
"""A pregnancy with its outermost length: what belongs to it may be dated so long before birth."""

# They speak of what is to come: an appointment, a plan, a due date, a contract.
_AHEAD = frozenset("appointment order care_plan goal task coverage care_team directive".split())
_AHEAD_TYPES = (
    "ImmunizationRecommendation/", "DeviceRequest/", "CommunicationRequest/", "Flag/", "RiskAssessment/",
)  # fmt: skip
_NOT_YET = frozenset(
    "planned proposed draft preparation booked pending intended scheduled requested waitlist not-started"
    " not-done not-taken cancelled declined rejected revoked on-hold".split()
)
"""What has not happened yet, or never did: its date says when it was to be."""
# Contracts of parents, illness of relatives, and when a device was made: not the life of the person.
_OLDER = frozenset("family_history coverage device".split())
_OF_BIRTH = re.compile(
    r"pregnan|prenatal|antenatal|perinatal|f(?:o)?etal|f(?:o)?etus|gestation|in utero|congenital|birth|newborn|neonat"
    r"|matern|mother|obstetr|trimester|amnio|apgar",
    re.IGNORECASE,
)
_OF_DEATH = re.compile(
    r"autops|post.?mortem|necrops|death|deceas|died|donat|donor|burial|funeral", re.IGNORECASE
)
# What happens to a living body. Letters, bills and messages come later as well.
_OF_LIFE = frozenset(
    "lab_result vital_sign problem medication allergy immunization procedure encounter imaging questionnaire"
    " social_history".split()
)
_SENTINELS = ("1753-01-01", "1800-01-01", "1840-12-31", "1850-01-01", "1899-12-30", "1899-12-31", "1900-01-01",
              "1901-01-01", "0001-01-01", "1970-01-01")  # fmt: skip
"""What computers write for “not known”: the first day that one of them can count from."""


@dataclass(frozen=True, slots=True)
class Life:
    """From when to when; as early and as late as any source says."""

    now: int
    birth: PartialDate | None = None
    death: PartialDate | None = None
    today: str = ""
    youngest: PartialDate | None = None
    """The latest birth date, for an age: nobody is called grown-up whom one source knows as a child."""


def wrong_dates(row: Row, life: Life) -> Iterator[Finding]:
    """What cannot be about the dates of one record."""
    when = dates.parse(row.date) if row.date else None
    if when is not None:
        if _has_happened(row) and _ahead(when, life.now):
            yield Finding(
                row, "future", f"{_day(row.date)} has not come yet, but this is told as something past."
            )
        elif life.birth is not None and _before_birth(row, when, life.birth):
            yield Finding(row, "before_birth", _too_early(when, life.birth))
        elif life.death is not None and _after_death(row, when, life.death):
            yield Finding(row, "after_death", f"This is dated after the death on {life.death.text[:10]}.")
        elif (written := _written_ahead(row, life.now)) is not None:
            yield Finding(
                row, "future", f"It says that it was written down on {written}, a day that has not come yet."
            )
    over = dates.parse(row.end) if row.end else None
    if when is not None and over is not None and _earlier(over, when):
        yield Finding(
            row, "end_before_start", f"It ends on {_day(row.end)}, before it begins on {_day(row.date)}."
        )


def _has_happened(row: Row) -> bool:
    if row.kind in _AHEAD or row.resource.startswith(_AHEAD_TYPES) or (row.status or "") in _NOT_YET:
        return False
    # a prescription that was not dated has the time when it is to be taken
    return not (row.resource.startswith("MedicationRequest/") and row.recorded is None)


def _ahead(when: PartialDate, now: int) -> bool:
    """An hour off is a clock that goes wrong; a day has not come when it has not begun anywhere on earth."""
    if when.precision in ("minute", "second"):
        return when.start > now + _HOUR
    return when.start - _EARLIEST_CLOCK > now


def _written_ahead(row: Row, now: int) -> str | None:
    when = dates.parse(row.recorded) if row.recorded else None
    return _day(row.recorded) if when is not None and _ahead(when, now) else None


def _before_birth(row: Row, when: PartialDate, birth: PartialDate) -> bool:
    if row.kind in _OLDER or not _all_before(when, birth):
        return False
    about = f"{row.title} {row.description or ''}"
    return not (_OF_BIRTH.search(about) and when.end > birth.start - _IN_THE_WOMB)


def _all_before(when: PartialDate, limit: PartialDate) -> bool:
    """Whether the first lies wholly before the second, which is a date without a clock."""
    if when.precision in ("minute", "second"):
        return when.end <= limit.start - _EARLIEST_CLOCK
    return when.end <= limit.start


def _too_early(when: PartialDate, birth: PartialDate) -> str:
    said = f"This is dated before the birth on {birth.text[:10]}."
    if when.text[:10] in _SENTINELS or when.text in ("1900", "0001", "1753"):
        said += " Computers often write this date for “not known”."
    return said


def _after_death(row: Row, when: PartialDate, death: PartialDate) -> bool:
    if row.kind not in _OF_LIFE or row.date == row.recorded or (row.status or "") in _NOT_YET:
        return False  # what was only written down afterwards is no mistake
    return when.start >= death.end + _DAY and not _OF_DEATH.search(f"{row.title} {row.description or ''}")


def _earlier(over: PartialDate, when: PartialDate) -> bool:
    """Whether the end lies before the start in all that both can mean."""
    timed = ("minute", "second")
    if over.precision in timed and when.precision in timed:
        return over.end <= when.start and over.start < when.start
    one, other = _written(over), _written(when)
    length = min(len(one), len(other))
    return one[:length] < other[:length]


def _written(when: PartialDate) -> str:
    """The day, month or year on the clock of whoever wrote it."""
    if when.precision == "day" and len(when.text) == 8:
        return f"{when.text[:4]}-{when.text[4:6]}-{when.text[6:]}"
    return when.text[:10]


def _day(text: str | None) -> str:
    return (text or "")[:10]
