"""Is a medicine still taken? Why one has to ask, and where asking would say nothing.

A prescription that is active on paper says little: nobody ends it when the last tablet is taken (FHIR R4,
MedicationRequest.status: "may be different from what the patient does"). Some reasons to ask stand for themselves: a
course that is over, an end that has passed, another entry that says stopped. That it is long ago is a weaker one: a
source that writes a prescription once and never notes its renewals would have every medicine asked about, and a mark on
all of them marks none. There only the oldest are asked about, as long as the source is one that still sees the person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from phr.fhir import dates, read
from phr.views.summary_drugs import course_days, is_short_course
from phr.views.summary_rows import Desk, Row

DAY = 86_400
LONG_AGO = 456 * DAY
"""A prescription is renewed at least each year in most places; fifteen months without any sign is long."""
_GRACE = 60 * DAY
_SHORTLY = 45 * DAY
_FEW = 3
"""So many a source must have of long ago, before their number says anything about the source."""
_MOST = 2
"""So many times as many as those without doubt: then it is how this source writes, not what the person takes."""
_TOO_LONG = 3653 * DAY
"""Ten years: nothing is taken for granted for longer."""
_LOOKED = 3_000


class Drug(NamedTuple):
    """One medicine, with all that is said of it."""

    now: list[Row]
    """What is active, the newest first."""
    past: list[Row]

    def __repr__(self) -> str:
        return f"<Drug {len(self.now)}>"

    @property
    def newest(self) -> Row:
        return self.now[0]

    @property
    def dispensed(self) -> list[Row]:
        """What was handed out."""
        return [
            row
            for row in (*self.now, *self.past)
            if row.type == "MedicationDispense" and row.status == "completed"
        ]


class Signs(NamedTuple):
    """The newest of each sign that a medicine is taken."""

    rows: dict[str, Row | None]
    """`prescribed`, `dispensed`, `given`, `noted`."""
    told: int | None
    """When somebody last said that it is taken, where the entry says so apart from when it began."""

    def __repr__(self) -> str:
        return "<Signs>"

    @property
    def times(self) -> list[int]:
        found = [one.date_from for one in self.rows.values() if one and one.date_from]
        return [*found, self.told] if self.told else found

    @property
    def last(self) -> int:
        """The last of all; 0 where there is none."""
        return max(self.times, default=0)


class Doubt(NamedTuple):
    """Why one has to ask."""

    reason: str
    by_age: bool = False
    """Whether nothing but the time that has passed speaks for it."""
    seen: int | None = None
    """The last sign of it."""

    def __repr__(self) -> str:
        return "<Doubt>"


# ── is it still so? ───────────────────────────────────────────────────────────────────────────────────


def doubt(desk: Desk, drug: Drug, bodies: dict[int, list[dict[str, Any]]], signs: Signs) -> Doubt | None:
    """Why one has to ask whether it is still taken; None where the record gives no reason."""
    row, resource, last = drug.newest, bodies.get(drug.newest.id, [{}])[0], signs.last
    if reason := _said_so(drug, resource, last):
        return Doubt(reason)
    ended = row.end if row.ended(desk.now) else None
    if ended and not _again_after(signs, ended):
        return Doubt(f"it was meant until {_day(ended)}")
    out = _runs_out(drug, resource, bodies, signs)
    if out is not None:
        over = out + _GRACE < desk.now
        return (
            Doubt(f"prescribed supply lasted until {iso(out)}", by_age=True, seen=last or out)
            if over
            else None
        )
    if days := _course(drug, resource):
        over = bool(last) and last + days * DAY < desk.now
        return Doubt(f"a course of {days} days, begun {iso(last)}") if over else None
    if is_short_course(row) and last and last + _SHORTLY < desk.now:
        return Doubt(f"usually a short course, last seen {iso(last)}")
    return _unseen(desk, row, signs)


def _said_so(drug: Drug, resource: dict[str, Any], last: int) -> str | None:
    """What an entry itself says against it."""
    row = drug.newest
    if row.status == "on-hold":
        return "on hold"
    if row.status == "intended":
        return "planned, not begun as far as the record says"
    if resource.get("intent") in ("proposal", "option"):
        return "proposed, not ordered"
    stopped = [
        one
        for one in drug.past
        if one.status in ("stopped", "not-taken", "ended") and (one.date_from or 0) > last
    ]
    if stopped:
        said = (stopped[0].status or "stopped").replace("-", " ")
        return f"another entry says {said}, {_day(stopped[0].date)}"
    return None


def _unseen(desk: Desk, row: Row, signs: Signs) -> Doubt | None:
    last = signs.last
    if not last:
        undated = "the record does not say since when"
        return Doubt(undated, by_age=True) if row.date_from is None else None
    if last + LONG_AGO < desk.now:
        name = max(signs.rows, key=lambda name: getattr(signs.rows[name], "date_from", None) or 0)
        sign = signs.rows[name]
        day = _day(sign.date) if sign and (sign.date_from or 0) == last else iso(last)
        return Doubt(f"{name if sign else 'noted'} {day}, no sign of it since", by_age=True, seen=last)
    return Doubt("its source does not know whether it is taken") if row.status == "unknown" else None


def _again_after(signs: Signs, end: str) -> bool:
    """Whether it was prescribed, dispensed or given after this."""
    found = dates.parse(end)
    return found is not None and any(one > found.end for one in signs.times)


# ── where asking says nothing ─────────────────────────────────────────────────────────────────────────


def asked(desk: Desk, found: Sequence[tuple[str, Doubt | None]]) -> list[bool]:
    """Of each `(source, doubt)` whether to ask.

    Where a source that still sees the person has at least three medicines of long ago, more than twice as many as those
    without doubt, only those are asked about that are twice as old as is usual there, or ten years old.
    """
    limits = {
        source: _limit(desk, [doubt for name, doubt in found if name == source])
        if _tells_now(desk, source)
        else 0
        for source in dict.fromkeys(name for name, doubt in found if doubt is not None and doubt.by_age)
    }
    return [
        doubt is not None
        and (
            not doubt.by_age
            or not limits[source]
            or (doubt.seen is not None and desk.now - doubt.seen > limits[source])
        )
        for source, doubt in found
    ]


def _limit(desk: Desk, doubts: Sequence[Doubt | None]) -> int:
    """From what age on one asks; 0: about everything of long ago."""
    old = [doubt for doubt in doubts if doubt is not None and doubt.by_age]
    if len(old) < _FEW or len(old) <= _MOST * doubts.count(None):
        return 0
    ages = sorted(desk.now - doubt.seen for doubt in old if doubt.seen is not None)
    usual = ages[len(ages) // 2] if ages else _TOO_LONG
    return min(_TOO_LONG, max(LONG_AGO, 2 * usual))


def _tells_now(desk: Desk, source: str) -> bool:
    """Whether anything of the last fifteen months is from there: a file of 2015 says nothing of today's medicines."""
    found = desk.db.execute(
        "SELECT 1 FROM (SELECT id FROM record WHERE supporting = 0 AND date_from <= ?1 AND date_from > ?2"
        " ORDER BY date_from DESC LIMIT ?3) r CROSS JOIN record_source rs ON rs.record_id = r.id"
        " JOIN source s ON s.id = rs.source_id WHERE s.name = ?4 LIMIT 1",
        (desk.now, desk.now - LONG_AGO, _LOOKED, source),
    )
    return found.fetchone() is not None


# ── how long it lasts ─────────────────────────────────────────────────────────────────────────────────


def _course(drug: Drug, resource: dict[str, Any]) -> int | None:
    """For how many days, where its bounds or its words say so and it was not ordered again."""
    for dosage in dosages(resource):
        timing = dosage.get("timing")
        repeat = timing.get("repeat") if isinstance(timing, dict) else None
        length = repeat.get("boundsDuration") if isinstance(repeat, dict) else None
        if (days := _days(length)) is not None:
            return days
    words = [read.text(one.get("text")) for one in dosages(resource)]
    return course_days([*words, drug.newest.description])


def _runs_out(
    drug: Drug,
    resource: dict[str, Any],
    bodies: dict[int, list[dict[str, Any]]],
    signs: Signs,
) -> int | None:
    """Until when the last that was handed out or prescribed lasts; None where nobody said how much it was."""
    ends = []
    wish = resource.get("dispenseRequest")
    prescribed = drug.newest.date_from if drug.newest.type == "MedicationRequest" else None
    if isinstance(wish, dict):
        supply, repeats = _days(wish.get("expectedSupplyDuration")), wish.get("numberOfRepeatsAllowed")
        if supply and prescribed is not None:
            times = 1 + (repeats if isinstance(repeats, int) and 0 <= repeats < 100 else 0)
            ends.append(prescribed + supply * times * DAY)
        period = wish.get("validityPeriod")
        until = dates.parse(period.get("end")) if isinstance(period, dict) else None
        if until is not None and not ends:
            ends.append(until.end)
    for row in drug.dispensed[:1]:
        supply = _days(bodies.get(row.id, [{}])[0].get("daysSupply"))
        if supply and row.date_from is not None:
            ends.append(row.date_from + supply * DAY)
    if not ends:
        return None
    return max(*ends, *signs.times, 0)


def dosages(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """How it is to be taken, of an order or of a statement."""
    return read.dicts(resource.get("dosageInstruction") or resource.get("dosage"))


_UNITS = {"d": 1, "day": 1, "days": 1, "wk": 7, "week": 7, "weeks": 7, "mo": 30, "month": 30, "months": 30}


def _days(quantity: object) -> int | None:
    """A Duration or a `daysSupply` in days."""
    if not isinstance(quantity, dict):
        return None
    value = quantity.get("value")
    unit = _UNITS.get(str(quantity.get("code") or quantity.get("unit") or "d").casefold().strip("{}"))
    if (
        unit is None
        or not isinstance(value, int | float)
        or isinstance(value, bool)
        or not 0 < value < 10_000
    ):
        return None
    return round(value * unit)


def iso(epoch: int) -> str:
    """An instant as a day, UTC."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d")


def _day(date: str | None) -> str:
    return (date or "without a date")[:10]
