"""What a swim-lane timeline is made of: lanes with bars and points, in seconds since 1970."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from phr.charts.scale import moment, seconds

KINDS = {
    "problem": "Problems",
    "medication": "Medications",
    "stay": "What happened",
    "procedure": "What happened",
    "visit": "What happened",
    "result": "What happened",
    "immunization": "What happened",
}
"""The heading above lanes of a kind."""
NOUNS = {"problem": ("problem", "problems"), "medication": ("medication", "medications")}


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that lasted. A partial date is as broad as it is: the bar may begin anywhere in `begin`."""

    begin: tuple[float, float]
    end: tuple[float, float]
    begin_known: bool = True
    """Otherwise it is only known to have been there at `begin`."""
    end_known: bool = True
    """Otherwise it came to an end, and nobody says when."""
    goes_on: bool = False
    """Still there, as far as anybody knows."""
    seen: float | None = None
    """The last sign of what goes on, where that is so long ago that one has to ask."""
    label: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Point:
    """Something that happened, in the time that its date can mean."""

    when: tuple[float, float]
    abnormal: bool = False
    label: str = field(default="", repr=False)

    @property
    def middle(self) -> float:
        """Where it stands."""
        return (self.when[0] + self.when[1]) / 2


@dataclass(frozen=True, slots=True)
class Lane:
    """One line of the picture."""

    name: str = field(repr=False)
    kind: str
    bars: tuple[Bar, ...] = field(default=(), repr=False)
    points: tuple[Point, ...] = field(default=(), repr=False)
    note: str = field(default="", repr=False)
    """What could not be drawn, and why."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """All lanes, those of one kind together, and what there was no room for."""

    lanes: tuple[Lane, ...] = field(repr=False)
    begin: float
    end: float
    more: tuple[tuple[str, int], ...] = ()
    """`(kind, how many)` that have no lane."""
    unborn: int = 0
    """So many are dated before the birth, and not drawn."""


@dataclass(frozen=True, slots=True)
class Heap:
    """Points of one stretch of time together."""

    where: float
    many: int
    abnormal: int
    label: str = field(repr=False)


_STRETCHES = (1, 3, 6, 12, 24, 60, 120)
"""Months."""


def heaps(points: Sequence[Point], begin: float, end: float, least: float) -> tuple[list[Heap], int]:
    """Points by the shortest stretch of the calendar that is `least` seconds long; its months, 0 where each stands alone."""
    inside = sorted(
        (one for one in points if begin <= one.middle and one.when[0] <= end), key=lambda one: one.middle
    )
    if all(later.middle - one.middle >= least for one, later in pairwise(inside)):
        return [Heap(min(one.middle, end), 1, int(one.abnormal), one.label) for one in inside], 0
    months = next((each for each in _STRETCHES if each * 30.4 * 86_400 >= least), _STRETCHES[-1])
    found: dict[int, list[Point]] = {}
    for one in inside:
        day = moment(min(one.middle, end))
        found.setdefault((day.year * 12 + day.month - 1) // months, []).append(one)
    return [_heap(number * months, months, group, begin, end) for number, group in found.items()], months


def _heap(first: int, months: int, group: Sequence[Point], begin: float, end: float) -> Heap:
    last = first + months
    start, stop = max(_start_of(first), begin), min(_start_of(last), end)
    abnormal = sum(one.abnormal for one in group)
    said = f"{_month(first)}" if months == 1 else f"{_month(first)} to {_month(last - 1)}"
    outside = f", {abnormal} outside the range" if abnormal else ""
    label = group[0].label if len(group) == 1 else f"{said}: {len(group)}{outside}"
    return Heap((start + stop) / 2, len(group), abnormal, label)


def _start_of(month: int) -> float:
    return seconds(month // 12, month % 12 + 1)


def _month(month: int) -> str:
    return f"{month // 12}-{month % 12 + 1:02}"
