"""Swim lanes in words, for who cannot see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from phr.charts.lanes import KINDS, NOUNS, Bar, Lane, Lanes
from phr.charts.scale import moment

_MANY = 4


def described(lanes: Lanes) -> str:
    """From when to when, each lane with its times, and what has none."""
    if not lanes.lanes:
        return "A timeline with nothing in it."
    begin = f"Timeline from {moment(lanes.begin):%Y-%m} to {moment(lanes.end):%Y-%m}."
    return " ".join([begin, *_groups(lanes), *([not_drawn(lanes)] if lanes.unborn else [])])


def not_drawn(lanes: Lanes) -> str:
    """How many are not there, and why."""
    one = lanes.unborn == 1
    return f"{lanes.unborn:,} {'is' if one else 'are'} dated before the birth and not drawn."


def _groups(lanes: Lanes) -> Iterator[str]:
    for heading in dict.fromkeys(KINDS.get(lane.kind, lane.kind) for lane in lanes.lanes):
        inside = [lane for lane in lanes.lanes if KINDS.get(lane.kind, lane.kind) == heading]
        said = "; ".join(_lane(lane) for lane in inside)
        rest = [
            f"and {many} more {NOUNS.get(kind, ('', ''))[many != 1]}".strip()
            for kind, many in lanes.more
            if KINDS.get(kind, kind) == heading
        ]
        yield f"{heading}: {'; '.join([said, *rest])}."


def _lane(lane: Lane) -> str:
    parts = [*_bars(lane.bars)]
    if lane.points:
        abnormal = sum(one.abnormal for one in lane.points)
        outside = f", {abnormal:,} of them outside the range" if abnormal else ""
        first, last = lane.points[0].middle, lane.points[-1].middle
        span = (
            f"{moment(first):%Y-%m}"
            if len(lane.points) == 1
            else f"{moment(first):%Y-%m} to {moment(last):%Y-%m}"
        )
        parts.append(
            f"{len(lane.points):,} times, {span}{outside}" if len(lane.points) > 1 else span + outside
        )
    if lane.note:
        parts.append(lane.note)
    return f"{lane.name}: {', '.join(parts)}"


def _bars(bars: Sequence[Bar]) -> Iterator[str]:
    yield from (bar.label for bar in bars[-_MANY:])
    if len(bars) > _MANY:
        yield f"{len(bars) - _MANY} times before"


_STRETCHES = {1: "one month", 3: "a quarter of a year", 6: "half a year", 12: "one year"}


def stretch(months: Iterable[int]) -> str:
    """`a quarter of a year`, `half a year or one year`."""
    return " or ".join(_STRETCHES.get(each, f"{each // 12} years") for each in sorted(months))
