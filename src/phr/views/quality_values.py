"""Numbers that cannot be, of measurements whose possible span is known (`quality_limits`). Pure.

Outside of that span a number is worth asking about. Within it only where the person's own values near in time agree with
each other and the number would agree with them too, had its decimal point stood elsewhere or its unit been another; and
that alone for measurements which no illness makes ten times as large, or where the number is far from usual as well.
Ratios are compared, never differences: a slip of the point is the same slip for a platelet count and a potassium.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from math import log10
from statistics import median
from typing import NamedTuple

from phr.fhir.dates import PartialDate
from phr.records.measures import BY_ID, Measure
from phr.records.units import conversion
from phr.views.figures import unit_words
from phr.views.quality_limits import LIMITS, Limit
from phr.views.quality_points import written
from phr.views.quality_rows import Point, Verdict

_YEAR = 365.25 * 86_400
_NEAREST = 6
"""So many of the person's own values, the nearest in time, are compared with."""
_ALIKE = 0.2
"""Decimal logarithm: values within a factor of 1.6 of each other agree."""
_EXACT = 0.12
"""How near to a power of ten the ratio lies where a point has slipped: within a third."""
_SAME_UNIT = 0.045
"""How near a value read in another unit has to come to the own ones: within a tenth."""
_APART = 0.25
"""What two units have to differ by to be told apart by a number: a factor of 1.8."""
_SHIFTS = (-1, 1, -2, 2, -3, 3)
_PLACES = {1: "one place", 2: "two places", 3: "three places"}


class Meant(NamedTuple):
    """What a number may have been meant as."""

    reason: str
    amount: float
    """In the standard unit."""
    words: str


class Own(NamedTuple):
    """The person's own values to compare with, and what they have in common."""

    middle: float
    points: tuple[Point, ...]
    around: bool
    """Some lie before and some after, or one lies very near."""


def judged(id_: str, points: Sequence[Point], birth: PartialDate | None) -> Iterator[Verdict]:
    """What is worth asking about among the values of one measure."""
    measure, limit = BY_ID[id_], LIMITS[id_]
    ordered = sorted(points, key=lambda one: (one.start is None, one.start or 0, one.id))
    possible = [one for one in ordered if _possible(one, limit, birth)]
    steps = {(one.id, one.part): at for at, one in enumerate(possible)}
    for one in ordered:
        at = steps.get((one.id, one.part))
        own = _own(one, possible, at, limit, birth)
        if at is None:
            yield _beyond(one, measure, _grown(limit, one, birth), own)
        elif own is not None and (found := _within(one, measure, limit, own, birth)):
            yield found


def _grown(limit: Limit, one: Point, birth: PartialDate | None) -> Limit:
    age = _age(one, birth)
    return limit._replace(low=limit.grown) if limit.grown and age is not None and age >= 18 else limit


def _age(one: Point, birth: PartialDate | None) -> float | None:
    return None if birth is None or one.start is None else (one.start - birth.start) / _YEAR


def _possible(one: Point, limit: Limit, birth: PartialDate | None) -> bool:
    if one.amount == 0 and limit.zero:
        return True
    return _grown(limit, one, birth).low <= one.amount <= limit.high


# ── the person's own values ───────────────────────────────────────────────────────────────────────


def _own(
    one: Point, possible: Sequence[Point], at: int | None, limit: Limit, birth: PartialDate | None
) -> Own | None:
    """The nearest values that agree with each other; None where there are fewer than two, or they do not."""
    window = _window(one, limit, birth)
    near = [
        other
        for other in _nearest(one, possible, at)
        if other.amount > 0 and (window is None or _apart(one, other) <= window)
    ][:_NEAREST]
    if len(near) < 2:
        return None
    middle = median(other.amount for other in near)
    kept = [other for other in near if abs(log10(other.amount / middle)) <= _ALIKE]
    if len(kept) < 2 or len(kept) < 0.6 * len(near):
        return None
    starts = [other.start for other in kept if other.start is not None]
    around = (
        one.start is not None
        and bool(starts)
        and (
            min(starts) < one.start < max(starts)
            or min(abs(start - one.start) for start in starts) < _YEAR / 2
        )
    )
    return Own(median(other.amount for other in kept), tuple(kept[:3]), around)


def _nearest(one: Point, possible: Sequence[Point], at: int | None) -> list[Point]:
    place = at if at is not None else bisect_left(possible, _order(one), key=_order)
    low, high = max(0, place - 2 * _NEAREST), place + 2 * _NEAREST + 1
    others = [other for other in possible[low:high] if other.id != one.id]
    return sorted(others, key=lambda other: _apart(one, other))


def _order(one: Point) -> tuple[bool, int]:
    return one.start is None, one.start or 0


def _apart(one: Point, other: Point) -> float:
    return 0.0 if one.start is None or other.start is None else abs(one.start - other.start)


def _window(one: Point, limit: Limit, birth: PartialDate | None) -> float | None:
    """How far apart values of something that grows may lie to be compared."""
    if not limit.grows:
        return None
    age = _age(one, birth)
    if age is None or age >= 20:
        return 3 * _YEAR
    return (1 if age >= 2 else 0.35) * _YEAR


# ── what is wrong ─────────────────────────────────────────────────────────────────────────────────


def _beyond(one: Point, measure: Measure, limit: Limit, own: Own | None) -> Verdict:
    """A value that no person has."""
    meant = sorted(_meanings(one, measure, limit), key=lambda each: _fit(each, own))
    fitting = [each for each in meant if _fits(each, limit, own)]
    span = {"low": limit.low, "high": limit.high, "unit": unit_words(limit.unit) or None}
    about = measure.name[0].lower() + measure.name[1:] if measure.name[1:2].islower() else measure.name
    between = f"{written(limit.low)} to {written(limit.high)} {unit_words(limit.unit)}".strip()
    said = f"{_said(one)} is not possible for {about} ({between})."
    if limit.most and one.amount > limit.high:
        said = f"{_said(one)} is more than there can be of {about}."
    if one.said < 0:
        said = f"{_said(one)} is below nothing, which {about} cannot be."
    if one.said == 0:
        said += " A 0 often stands where nothing was measured."
    compared = own.points if own else ()
    if not fitting:
        return Verdict(one, "impossible", said, compared, span)
    first = fitting[0]
    also = tuple(dict.fromkeys(each.reason for each in fitting if each.reason != first.reason))
    detail = f"{said} {first.words}{_like(first, own)}."
    if second := next((each for each in fitting if _as_likely(each, first, limit, own)), None):
        detail += f" Or: {second.words[0].lower()}{second.words[1:]}{_like(second, own)}."
    return Verdict(one, first.reason, detail, compared, span, also)


def _as_likely(each: Meant, first: Meant, limit: Limit, own: Own | None) -> bool:
    """Whether another explanation leads to another number that is to be expected too."""
    if each.reason == first.reason or abs(each.amount / first.amount - 1) < 0.05:
        return False
    return bool(_like(each, own)) if own else limit.steady


def _like(meant: Meant, own: Own | None) -> str:
    return ", like your other values" if own and abs(log10(meant.amount / own.middle)) <= _ALIKE else ""


def _within(
    one: Point, measure: Measure, limit: Limit, own: Own, birth: PartialDate | None
) -> Verdict | None:
    """A value that could be, but not beside the person's own."""
    if one.amount <= 0 or abs(log10(one.amount / own.middle)) <= _APART:
        return None
    usual = limit.usual[0] <= one.amount <= limit.usual[1]
    child = limit.grows and ((age := _age(one, birth)) is None or age < 20)
    for each in _meanings(one, measure, limit):
        ratio = abs(log10(each.amount / own.middle))
        if each.reason == "factor_of_ten":
            sure = limit.steady or (not usual and len(own.points) >= 3)
            if not sure or ratio > (_EXACT if limit.steady else _EXACT / 2) or _slight(each, one):
                continue
        elif ratio > _SAME_UNIT or not own.around or child or (usual and not limit.steady):
            continue
        said = f"Your other values near that time are about {written(own.middle)} {unit_words(limit.unit)}".rstrip()
        return Verdict(one, each.reason, f"{said}. {each.words}.", own.points, None)
    return None


def _slight(each: Meant, one: Point) -> bool:
    """A thousandfold slip within what is possible is no slip that anybody makes."""
    return abs(log10(each.amount / one.amount)) > 2.5


def _meanings(one: Point, measure: Measure, limit: Limit) -> Iterator[Meant]:
    """The number in the units that it is mistaken for, and with its point elsewhere."""
    for unit in (*limit.mixed, limit.unit):
        into = conversion(unit, limit.unit, measure)
        if into is None or (amount := into.of(one.said)) <= 0 or abs(amount / (one.amount or 1) - 1) < 0.05:
            continue
        told = "" if into.same else f", which is {written(amount)} {unit_words(limit.unit)}"
        name = "as a fraction of 1" if unit == "1" else f"in {unit_words(unit)}"
        yield Meant("unit", amount, f"It may be meant {name}{told}")
    own_unit = conversion(one.unit, limit.unit, measure)
    for shift in _SHIFTS:
        amount = own_unit.of(one.said * 10**shift) if own_unit else one.amount * 10**shift
        if amount > 0:
            way = f"{_PLACES[abs(shift)]} to the {'left' if shift < 0 else 'right'}"
            told = f"{written(one.said * 10**shift)} {unit_words(one.unit or '')}".strip()
            yield Meant("factor_of_ten", amount, f"With the decimal point {way} it would be {told}")


def _fit(each: Meant, own: Own | None) -> tuple[float, int, float]:
    """What is like the own values first, then the nearest; a unit that is often mistaken before a slip of the point."""
    away = abs(log10(each.amount / own.middle)) if own else 0.0
    return 0.0 if away <= _ALIKE else round(away, 1), each.reason != "unit", round(away, 1)


def _fits(each: Meant, limit: Limit, own: Own | None) -> bool:
    if not limit.low <= each.amount <= limit.high:
        return False
    if own and abs(log10(each.amount / own.middle)) <= _ALIKE:
        return True
    return limit.usual[0] <= each.amount <= limit.usual[1]


def _said(one: Point) -> str:
    return f"{written(one.said)} {unit_words(one.unit or '')}".strip()
