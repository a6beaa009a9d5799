"""Where things stand: axes whose labels are round numbers and lie exactly where they say.

Steps are 1, 2, 2.5 or 5 times a power of ten. Dates are marked at the beginning of years, months or days. An axis shows
at least a span that means something for its value: drawn from edge to edge, 63 to 62 would look like a cliff.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta

from phr.charts.model import Curve, Dot

DAY = 86_400.0
YEAR = 365.25 * DAY


@dataclass(frozen=True, slots=True)
class Axis:
    """From `start` to `end`, with marks of `(place, label)`."""

    start: float
    end: float
    marks: tuple[tuple[float, str], ...]
    step: float = 0.0

    def share(self, value: float) -> float:
        """0 at the start, 1 at the end."""
        return (value - self.start) / (self.end - self.start)


_LEAST = 0.12
"""Of its value, an axis shows at least so much."""
_SMALLEST = 4
"""And so many of the smallest steps that its values are written in: of a score from 14 to 15, not the one step alone."""
_WITHOUT_ZERO = {"°c": 4.0, "cel": 4.0, "k": 4.0, "°f": 7.0, "[degf]": 7.0, "ph": 0.4, "[ph]": 0.4}
"""Scales whose zero is where somebody put it: a part of their value means nothing."""
_ALL = 100.0
"""Per cent: where nothing is above, neither is the axis."""


def least_span(dots: Sequence[Dot], unit: str = "") -> float:
    """How much an axis shows at least, so that a small step looks like one."""
    biggest = max(abs(dot.value) for dot in dots)
    digits = max(_digits(dot.value) for dot in dots)
    least = _WITHOUT_ZERO.get(unit.casefold(), _LEAST * biggest)
    # A usual range of 7.35 to 7.45 says how fine the differences are that count.
    widths = [dot.high - dot.low for dot in dots if dot.low is not None and dot.high is not None]
    fine = min((2 * each for each in widths if each > 0), default=least)
    return max(min(least, fine), _SMALLEST * 10.0**-digits if digits < _NO_DIGITS else 0.0)


_NO_DIGITS = 10


def _digits(value: float) -> int:
    """How many stand behind the point."""
    if 0 < abs(value) < 10.0**-_NO_DIGITS:
        return _NO_DIGITS
    text = f"{value:.{_NO_DIGITS}f}".rstrip("0")
    return min(_NO_DIGITS, len(text) - text.index(".") - 1)


def extent(curves: Sequence[Curve]) -> tuple[float, float]:
    """The lowest and the highest value to show: all dots, and the limits of ranges that do not squeeze them."""
    dots = [dot for curve in curves for dot in curve.dots]
    unit = curves[0].unit
    bottom, top = min(dot.value for dot in dots), max(dot.value for dot in dots)
    least = least_span(dots, unit)
    room = max(top - bottom, least, 1e-9)
    lows = {dot.low for dot in dots if dot.low is not None}
    highs = {dot.high for dot in dots if dot.high is not None}
    outside = sorted(lows | highs, key=lambda each: max(bottom - each, each - top, 0.0))
    for number, each in enumerate(outside):
        if max(bottom - each, each - top) <= room * (3.0 if number == 0 else 1.0):
            # A range that begins where all values end has to be seen a little.
            bottom = min(bottom, each - (0.1 * room if each in highs and each <= bottom else 0.0))
            top = max(top, each + (0.1 * room if each in lows and each >= top else 0.0))
    return widened(bottom, top, least, highest=_ALL if unit == "%" else math.inf)


def widened(bottom: float, top: float, least: float, *, highest: float = math.inf) -> tuple[float, float]:
    """At least so wide, as much above as below; not below nothing, nor above all there can be."""
    more = least - (top - bottom)
    if more <= 0:
        return bottom, top
    under, over = bottom - more / 2, top + more / 2
    if bottom >= 0 > under:
        under, over = 0.0, over - under
    if top <= highest < over:
        under, over = under - (over - highest), highest
    return under, over


def in_sight(axis: Axis, low: float | None, high: float | None) -> str:
    """Where a range lies: empty where the picture shows any of it, else `above` or `below`."""
    if low is not None and low >= axis.end:
        return "above"
    return "below" if high is not None and high <= axis.start else ""


def values(curves: Sequence[Curve], steps: int = 5) -> Axis:
    """The axis of values, in about so many steps."""
    from phr.charts.model import figures

    bottom, top = extent(curves)
    if top - bottom < 1e-12 + 1e-9 * abs(top):
        room = abs(top) * 0.1 or 1.0
        bottom, top = bottom - room, top + room
    step = round_step((top - bottom) / steps)
    first, last = math.floor(bottom / step + 1e-9), math.ceil(top / step - 1e-9)
    if all(dot.value >= 0 for curve in curves for dot in curve.dots):
        first = max(first, 0)  # nothing that is measured here is below nothing
    if last <= first:
        last = first + 1
    marks = tuple((each * step, figures(each * step, step)) for each in range(first, last + 1))
    return Axis(first * step, last * step, marks, step)


def round_step(least: float) -> float:
    """The next step that people count in."""
    size = 10.0 ** math.floor(math.log10(least))
    for much in (1.0, 2.0, 2.5, 5.0, 10.0):
        if much * size >= least * 0.999:
            return float(f"{much * size:.10g}")
    return size * 10


def times(curves: Sequence[Curve], most: int) -> Axis:
    """The axis of time, with at most so many labels."""
    dots = sorted((dot for curve in curves for dot in curve.dots), key=lambda dot: dot.when)
    start, end = dots[0].when, dots[-1].when
    if end - start < 1.0:
        return Axis(start - DAY, start + DAY, ((start, dots[0].label),))
    if end - start < 3 * DAY:
        return Axis(start, end, _ends(dots))
    span = end - start
    if span >= 3 * YEAR:
        return Axis(start, end, _years(start, end, most * 3 // 2))
    if span >= 100 * DAY:
        return Axis(start, end, _months(start, end, most))
    return Axis(start, end, _days(start, end, most))


def calendar(start: float, end: float, most: int) -> tuple[tuple[float, str], ...]:
    """Marks at the beginning of years, of months where that is a short time."""
    found = _years(start, end, most) if end - start >= 3 * YEAR else _months(start, end, most)
    return found or ((start, f"{moment(start):%Y-%m-%d}"),)


def _ends(dots: Sequence[Dot]) -> tuple[tuple[float, str], ...]:
    return (dots[0].when, dots[0].label), (dots[-1].when, dots[-1].label)


_FIRST, _LAST = -62_135_596_800.0, 253_402_300_799.0
"""The first second of year 1, and the last one of year 9999."""


def moment(when: float) -> datetime:
    """Epoch seconds as a date, within the calendar: 9999-12-31 is how some systems write “for ever”."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=min(max(when, _FIRST), _LAST))


def seconds(year: int, month: int = 1, day: int = 1) -> float:
    """A date as epoch seconds."""
    year = min(max(year, MINYEAR), MAXYEAR)
    return (datetime(year, month, day, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()


def _years(start: float, end: float, most: int) -> tuple[tuple[float, str], ...]:
    first, last = moment(start).year + 1, moment(end).year
    step = next((each for each in (1, 2, 5, 10, 20, 50) if (last - first) / each < most), 100)
    return tuple((seconds(year), str(year)) for year in range(first, last + 1) if (year - first) % step == 0)


def _months(start: float, end: float, most: int) -> tuple[tuple[float, str], ...]:
    first, last = moment(start), moment(end)
    many = (last.year - first.year) * 12 + last.month - first.month
    step = next((each for each in (1, 2, 3, 6, 12) if many / each <= most), 24)
    found = []
    for each in range(1, many + 1):
        year, month = divmod(first.year * 12 + first.month - 1 + each, 12)
        if month % step == 0:
            found.append((seconds(year, month + 1), f"{year}-{month + 1:02}"))
    return tuple(found)


def _days(start: float, end: float, most: int) -> tuple[tuple[float, str], ...]:
    first = math.ceil(start / DAY)
    many = int(end // DAY) - first
    step = next((each for each in (1, 2, 3, 7, 14, 28) if many / each < most), 56)
    return tuple(
        ((first + each) * DAY, f"{moment((first + each) * DAY):%Y-%m-%d}")
        for each in range(0, many + 1, step)
    )
