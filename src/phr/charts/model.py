"""What is drawn: dots in time with a value, the range each was held against, and how it stands to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

NORMAL, PLAIN, HIGH, LOW, ABNORMAL = "normal", "plain", "high", "low", "abnormal"
"""Within its range; nobody says; above; below; outside in some other way."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One value. A bound (`<5`) stands at its limit and is drawn open, because the value itself is not known."""

    when: float
    """Epoch seconds."""
    value: float = field(repr=False)
    mark: str = PLAIN
    bound: str | None = None
    """`<` or `>` where the value is only a limit."""
    low: float | None = field(default=None, repr=False)
    high: float | None = field(default=None, repr=False)
    label: str = ""
    """Its date, to read."""
    said: str = field(default="", repr=False)
    """The value, to read."""
    source: str = ""
    """Who tells it; several names in one text."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One measurement, oldest dot first."""

    name: str
    unit: str
    dots: tuple[Dot, ...] = field(repr=False)

    @property
    def exact(self) -> tuple[Dot, ...]:
        """Those that a line may join."""
        return tuple(dot for dot in self.dots if dot.bound is None)

    def stretches(self) -> list[list[Dot]]:
        """Exact values that follow each other: a line through a bound would tell a value that nobody measured.

        Nor does a line go over a gap that is many times as long as is usual here: nobody knows what was in it.
        """
        found: list[list[Dot]] = [[]]
        longest = _longest_gap(self.dots)
        before: Dot | None = None
        for dot in self.dots:
            if (dot.bound is not None or (before and dot.when - before.when > longest)) and found[-1]:
                found.append([])
            if dot.bound is None:
                found[-1].append(dot)
            before = dot
        return [one for one in found if one]


_DAY = 86_400.0
_MANY_TIMES = 10
_ALONE = 5 * 365.25 * _DAY
"""With two or three values nobody knows what is usual; a gap of so many years is long all the same."""


def _longest_gap(dots: Sequence[Dot]) -> float:
    """Over how long a time a line may go: many times what three in four of the gaps are at most."""
    # Several values of one day are one visit: only what lies between visits says how often there is one.
    every = (later.when - one.when for one, later in pairwise(dots))
    gaps = sorted(gap for gap in every if gap >= _DAY)
    if not gaps or len(dots) < 3:
        return math.inf
    if len(gaps) == 1:
        return _ALONE
    # The longest is compared with the others.
    usual = gaps[math.ceil(0.75 * (len(gaps) - 1)) - 1]
    return max(_MANY_TIMES * usual, _ALONE if len(gaps) < 4 else 0.0)


@dataclass(frozen=True, slots=True)
class Picture:
    """One plot with its words."""

    title: str = field(repr=False)
    words: str = field(repr=False)
    curves: tuple[Curve, ...] = field(repr=False)
    sources: tuple[str, ...] = ()
    code: str | None = None
    """What it is kept under, to point at it."""


def has_range(curve: Curve) -> bool:
    """Whether anything can be shaded."""
    return any(dot.low is not None or dot.high is not None for dot in curve.dots)


def by_source(curves: Sequence[Curve]) -> list[str]:
    """The sources of these lines, those with most values first."""
    counts: dict[str, int] = {}
    for curve in curves:
        for dot in curve.dots:
            counts[dot.source] = counts.get(dot.source, 0) + 1
    return sorted((name for name in counts if name), key=lambda name: (-counts[name], name))


def range_at(dots: Sequence[Dot], when: float) -> tuple[float | None, float | None]:
    """The range of the dot that is nearest in time: ranges change, and nobody knows on which day."""
    near = min(dots, key=lambda dot: abs(dot.when - when))
    return near.low, near.high


def plain_unit(unit: str) -> str:
    """A unit without the braces of what is only a remark in it (UCUM section 2.1, §12)."""
    return unit.replace("{", "").replace("}", "")


def figures(value: float, step: float) -> str:
    """A number on an axis: as many digits as the step between two of them needs; powers of ten where that is long."""
    if step < 1e-5 or abs(value) + step >= 1e9:
        return _powers(value, step)
    digits = 0
    while digits < 6 and abs(round(step, digits) - step) > step * 1e-6:
        digits += 1
    text = f"{value:,.{digits}f}" if abs(value) >= 10_000 else f"{value:.{digits}f}"
    return text.replace("-", "−") if float(f"{value:.{digits}f}") else text.lstrip("-")


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _powers(value: float, step: float) -> str:
    if abs(value) < step / 2:
        return "0"
    size = math.floor(math.log10(abs(value)) + 1e-9)
    digits = max(0, min(9, size - math.floor(math.log10(step) + 1e-9) + 1))
    front = f"{value / 10.0**size:.{digits}f}"
    front = (front.rstrip("0").rstrip(".") if "." in front else front).replace("-", "−")
    return f"{front}×10{str(size).translate(_RAISED)}"


def range_words(low: float | None, high: float | None) -> str:
    """`90–200`, `≥ 90`, `≤ 5.6`; empty for none."""
    if low is not None and high is not None:
        return f"{limit(low)}–{limit(high)}"
    return f"≥ {limit(low)}" if low is not None else f"≤ {limit(high)}" if high is not None else ""


def limit(value: float) -> str:
    """A limit as it was written; three digits that count of one that conversion gave a tail."""
    text = f"{value:.10f}".rstrip("0").rstrip(".") if abs(value) < 1e12 else f"{value:g}"
    whole, _, tail = text.lstrip("-").partition(".")
    if len(tail) <= 2 or len((whole + tail).lstrip("0")) <= 4:
        return text.replace("-", "−")
    return f"{value:.3g}".replace("-", "−") if abs(value) < 1000 else f"{value:.0f}".replace("-", "−")
