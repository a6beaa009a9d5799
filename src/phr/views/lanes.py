"""The events of a life as swim lanes: problems and medications as bars, what happened as points.

From the events alone, without a clock: what has not ended goes on until the last thing that happened. The same problem
from two sources is one bar, several prescriptions of one drug are one lane.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from phr.charts.lanes import Bar, Lane, Lanes, Point
from phr.charts.scale import moment, seconds
from phr.fhir import dates
from phr.views.events import Event
from phr.views.lanes_bars import joined, spell_of
from phr.views.lanes_doubts import last_signs
from phr.views.lanes_drugs import drugs
from phr.views.lanes_events import ONCE, row_of
from phr.views.lanes_points import HAPPENING, happenings, point_of
from phr.views.pictures_born import before_birth
from phr.views.summary_rows import grouped
from phr.views.summary_words import denies, is_circumstance, says_nothing
from phr.views.tagging import pack_tags
from phr.views.titles import plain

MOST = 14
"""So many problems, and so many medications, have a lane; the rest is counted."""
_ENOUGH = 8
"""Work, schooling and housing have no lane where so many illnesses have one."""
_NEVER = frozenset(("entered-in-error", "cancelled", "refuted", "not-taken", "draft", "not-done", "proposed"))
_YEAR = 365.25 * 86_400
_FAR = 20 * _YEAR
"""A date so far from all others is a slip of the pen."""


def lanes(
    events: Iterable[Event],
    *,
    born: str | None = None,
    doubted: Mapping[str, str | None] | None = None,
    today: str | None = None,
    most: int = MOST,
) -> Lanes:
    """What there is to see, the most important first. `today`: until when what has not ended goes on.

    `born`: the birth date; nothing that is dated before it is drawn. `doubted`: the medicines that the summary asks about
    (“still taking?”), by the number of their record, with the day when each was last seen; else the events decide.
    """
    given = [one for one in events if one["status"] not in _NEVER]
    early = {one["id"] for one in before_birth(given, born)}
    given = [one for one in given if one["id"] not in early]
    begin, end = _extent(given, today)
    several = len({name for one in given for name in one["sources"]}) > 1
    problems, more_problems = _chosen(_problems(given, end, several=several), most)
    medications, more_drugs = _chosen(_medications(given, end, doubted, several=several), most)
    counted = (("problem", more_problems), ("medication", more_drugs))
    found = (*problems, *medications, *happenings(given))
    return Lanes(found, begin, end, tuple(one for one in counted if one[1]), len(early))


class _Sorted:
    """A lane and what it is chosen by."""

    def __init__(self, lane: Lane, *, minor: bool, tagged: bool) -> None:
        self.lane, self.minor = lane, minor
        on = any(bar.goes_on for bar in lane.bars)
        first = min((bar.begin[0] for bar in lane.bars), default=0.0)
        last = max((bar.end[1] for bar in lane.bars), default=0.0)
        self.worth = (minor, not on, not tagged, first if on else -last, -len(lane.bars), lane.name)
        self.place = (not on, first if on else -last, lane.name)


def _chosen(found: Sequence[_Sorted], most: int) -> tuple[list[Lane], int]:
    ordered = sorted(found, key=lambda one: one.worth)
    best = [one for at, one in enumerate(ordered[:most]) if at < _ENOUGH or not one.minor]
    return [one.lane for one in sorted(best, key=lambda one: one.place)], len(found) - len(best)


# ── from when to when ─────────────────────────────────────────────────────────────────────────────────


def _extent(given: Sequence[Event], today: str | None) -> tuple[float, float]:
    """The time that has something in it: single things long before the rest do not squeeze it."""
    happened = sorted(when.start for one in given if (when := _happened(one)) is not None)
    lasting = sorted(
        when.start
        for one in given
        if one["kind"] in ("problem", "medication")
        for date in (one["date"] or one["recorded"], one["end"])
        if (when := dates.parse(date)) is not None
    )
    moments = _without_slips(happened or lasting)
    said = dates.parse(today)
    if not moments:
        end = float(said.end if said else dates_end(given))
        return end - _YEAR, end
    end = float(said.end) if said else float(moments[-1]) + 86_400.0
    early = [one for one in _without_slips(sorted((*moments, *lasting))) if one <= end]
    begin = float(early[0]) if early else end - _YEAR
    dense = float(moments[len(moments) // 50])  # one in fifty may lie before
    if end - dense < 0.6 * (end - begin):
        begin = seconds(moment(dense).year)
    if end - begin < 0.5 * _YEAR:
        begin = end - 0.5 * _YEAR
    return begin, end


def dates_end(given: Sequence[Event]) -> int:
    """The last date of anything."""
    return max((when.end for one in given if (when := dates.parse(one["date"])) is not None), default=0)


def _happened(event: Event) -> dates.PartialDate | None:
    if event["kind"] not in HAPPENING and not str(event["resource"]).startswith(
        ("MedicationAdministration/", "MedicationDispense/")
    ):
        return None
    return dates.parse(event["date"])


def _without_slips(moments: Sequence[int]) -> Sequence[int]:
    """Without a last or first one that lies decades from its neighbour, where there are enough to say so."""
    while len(moments) > 20 and moments[-1] - moments[-2] > _FAR:
        moments = moments[:-1]
    while len(moments) > 20 and moments[1] - moments[0] > _FAR * 2:
        moments = moments[1:]
    return moments


# ── problems and medications ──────────────────────────────────────────────────────────────────────────


def _problems(given: Sequence[Event], end: float, *, several: bool) -> list[_Sorted]:
    rows = {int(one["id"]): one for one in given if one["kind"] == "problem"}
    found = []
    for group in grouped([row_of(one) for one in rows.values()]):
        events = [rows[row.id] for row in group]
        codes = {code[1] for row in group for code in row.codes}
        if denies(group[0].title, codes) or says_nothing(group[0].title, codes):
            continue
        lane = _lane("problem", plain(group[0].title), events, end, together=True, several=several)
        minor = any(is_circumstance(row.title, row.category, row.codes) for row in group)
        found.append(_Sorted(lane, minor=minor, tagged=any(pack_tags(one) for one in events)))
    return found


def _medications(
    given: Sequence[Event], end: float, doubted: Mapping[str, str | None] | None, *, several: bool
) -> list[_Sorted]:
    found = []
    every = drugs([one for one in given if one["kind"] == "medication"])
    signs = last_signs(every, given, end, doubted)
    for at, (name, events) in enumerate(every):
        lane = _lane("medication", name, events, end, together=False, several=several)
        if at in signs:
            lane = replace(lane, bars=tuple(_asked(bar, signs[at]) for bar in lane.bars))
        found.append(_Sorted(lane, minor=False, tagged=any(pack_tags(one) for one in events)))
    return found


def _asked(bar: Bar, seen: float) -> Bar:
    if not bar.goes_on:
        return bar
    seen = max(seen, bar.begin[0])
    return replace(
        bar, seen=seen, label=f"{bar.label}, last sign of it {moment(seen):%Y-%m-%d}, still taken?"
    )


def _lane(
    kind: str, name: str, events: Sequence[Event], end: float, *, together: bool, several: bool
) -> Lane:
    """Bars of what lasted; what was given or handed out once is a point."""
    once: Callable[[Event], bool] = lambda one: str(one["resource"]).startswith(ONCE)  # noqa: E731
    spells = [
        spell
        for one in events
        if not once(one) and (spell := spell_of(one, end, sources=several)) is not None
    ]
    bars: list[Bar] = [spell.bar() for spell in joined(spells, overlapping=together)]
    points: list[Point] = [point for one in events if once(one) and (point := point_of(one)) is not None]
    return Lane(name, kind, tuple(bars), tuple(points), "" if bars or points else "no date known")
