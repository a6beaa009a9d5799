"""Is a medicine still taken? From the events alone, by the rules of `summary_doubt` as far as events know enough for them.

The summary reads the prescriptions themselves and knows how long a supply lasts; where it was made, its answer is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from phr.fhir import dates
from phr.views.events import Event
from phr.views.lanes_bars import is_over
from phr.views.lanes_events import ONCE, row_of
from phr.views.summary_doubt import DAY, LONG_AGO
from phr.views.summary_drugs import course_days, is_short_course

Group = tuple[str, Sequence[Event]]
_SHORTLY = 45 * DAY
_FEW, _MOST, _TOO_LONG = 3, 2, 3653 * DAY
"""So many of long ago, so many times as many as those without doubt: how this source writes, until ten years are over."""


class _Sign(NamedTuple):
    last: float
    source: str
    by_age: bool = False
    sure: bool = False
    """Whether to ask, whatever the others are like."""


def last_signs(
    drugs: Sequence[Group], given: Sequence[Event], now: float, doubted: Mapping[str, str | None] | None
) -> dict[int, float]:
    """The place of each drug that one has to ask about, and when the last sign of it was.

    `doubted`: by their number the medicines that a summary of this record asks about, with the day when each was last
    seen; then its answer counts for all.
    """
    signs = {at: sign for at, (_, events) in enumerate(drugs) if (sign := _sign(events, now)) is not None}
    if doubted is not None:
        return {
            at: _said(events, doubted, signs[at].last)
            for at, (_, events) in enumerate(drugs)
            if at in signs and any(str(one["id"]) in doubted for one in events)
        }
    limits = {name: _limit(name, signs, given, now) for name in {one.source for one in signs.values()}}
    return {
        at: one.last
        for at, one in signs.items()
        if one.sure or (one.by_age and now - one.last > limits[one.source])
    }


def _said(events: Sequence[Event], doubted: Mapping[str, str | None], last: float) -> float:
    said = [dates.parse(doubted[str(one["id"])]) for one in events if str(one["id"]) in doubted]
    return max((float(one.start) for one in said if one is not None), default=last)


def _sign(events: Sequence[Event], now: float) -> _Sign | None:
    """What there is of a drug that has not ended; None for one that has, or has no date."""
    going = [one for one in events if not str(one["resource"]).startswith(ONCE) and not is_over(one, now)]
    times = [time for one in events for time in _times(one) if time <= now]
    if not going or not times:
        return None
    newest, last = max(going, key=lambda one: max(_times(one), default=0.0)), max(times)
    row, source = row_of(newest), " and ".join(newest["sources"])
    days = course_days([newest["description"]])
    sure = (
        newest["status"] in ("on-hold", "intended")
        or (days is not None and last + days * DAY < now)
        or (days is None and is_short_course(row) and last + _SHORTLY < now)
    )
    return _Sign(last, source, last + LONG_AGO < now, sure)


def _times(event: Event) -> list[float]:
    found = [dates.parse(event["date"])]
    if str(event["resource"]).startswith(("MedicationStatement/", "MedicationUsage/")):
        found.append(dates.parse(event["recorded"]))
    return [float(one.start) for one in found if one is not None]


def _limit(source: str, signs: Mapping[int, _Sign], given: Sequence[Event], now: float) -> float:
    """From what age on one asks: a source that never notes renewals would have every medicine asked about."""
    same = [one for one in signs.values() if one.source == source]
    old = sorted(now - one.last for one in same if one.by_age)
    none = sum(not one.by_age and not one.sure for one in same)
    if len(old) < _FEW or len(old) <= _MOST * none or not _tells_now(source, given, now):
        return 0.0
    return min(float(_TOO_LONG), max(float(LONG_AGO), 2 * old[len(old) // 2]))


def _tells_now(source: str, given: Sequence[Event], now: float) -> bool:
    """Whether anything of the last fifteen months is from there."""
    names = set(source.split(" and "))
    return any(
        (when := dates.parse(one["date"])) is not None and now - LONG_AGO < when.start <= now
        for one in given
        if names & set(one["sources"])
    )
