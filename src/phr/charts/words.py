"""What stands in a picture, in words: for its legend, on paper and on a screen, and for who cannot see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from phr.charts.lettering import listed
from phr.charts.model import (
    ABNORMAL,
    HIGH,
    LOW,
    NORMAL,
    PLAIN,
    Curve,
    Dot,
    Picture,
    limit,
    plain_unit,
    range_words,
)
from phr.charts.scale import Axis, in_sight


def marks_said(curves: Sequence[Curve]) -> Iterator[tuple[str, str]]:
    """`(mark, words)` of the standings that are there; a circle needs none where there is nothing else."""
    there = {dot.mark for curve in curves for dot in curve.dots if dot.bound is None}
    if there & {NORMAL, PLAIN} and len(curves) == 1:
        if PLAIN not in there:
            yield NORMAL, "within its range"
        elif NORMAL in there:
            yield PLAIN, "within its range, or no range given"
        elif len(there) > 1:
            yield PLAIN, "no range given"
    whole = "reading marked abnormal" if len(curves) > 1 else "abnormal"  # nobody says which of its numbers
    for mark, words in ((HIGH, "high"), (LOW, "low"), (ABNORMAL, whole)):
        if mark in there:
            yield mark, words


def bounds_said(curves: Sequence[Curve]) -> Iterator[tuple[str, str]]:
    """`(sign, words)` of the bounds that are there."""
    there = {dot.bound for curve in curves for dot in curve.dots}
    for sign, words in (("<", "less than this"), (">", "more than this"), ("", "a limit")):
        if sign in there:
            yield sign, words


def range_said(curve: Curve) -> str:
    """`usual range 3.5–5`; of several the latest, and that it is."""
    ranges = [(dot.low, dot.high) for dot in curve.dots if dot.low is not None or dot.high is not None]
    if not ranges:
        return ""
    latest = ", the latest" if len(set(ranges)) > 1 else ""
    return f"usual range{latest} {range_words(*ranges[-1])}"


def latest_range(curve: Curve) -> tuple[float | None, float | None]:
    """The range that `range_said` tells."""
    ranges = [(dot.low, dot.high) for dot in curve.dots if dot.low is not None or dot.high is not None]
    return ranges[-1] if ranges else (None, None)


def range_in(curve: Curve, axis: Axis) -> tuple[str, bool]:
    """`usual range 90–200 mg/dL, above this picture`, and whether any range of this line is in the picture."""
    said = f"{range_said(curve)} {plain_unit(curve.unit)}".strip()
    ranged = [dot for dot in curve.dots if dot.low is not None or dot.high is not None]
    seen = any(not in_sight(axis, dot.low, dot.high) for dot in ranged)
    beyond = in_sight(axis, *latest_range(curve))
    return f"{said}, {beyond} this picture" if beyond else said, seen


def described(pictures: Sequence[Picture]) -> str:
    """What is measured, from when to when, first, last, lowest and highest, how many are abnormal, and who says so."""
    return " ".join(" ".join(_sentences(one)) for one in pictures)


def _sentences(one: Picture) -> Iterator[str]:
    several = len(one.curves) > 1
    if several:
        yield f"{one.title}, {len(one.curves)} lines."
    for curve in one.curves:
        yield from _of_curve(curve, curve.name if several else one.title, part=several)
    if one.words:
        yield " ".join(one.words.split())
    if one.sources:
        yield f"{'Source' if len(one.sources) == 1 else 'Sources'}: {listed(one.sources)}."


def _of_curve(curve: Curve, name: str, *, part: bool) -> Iterator[str]:
    unit, dots = plain_unit(curve.unit), curve.dots
    measured = f"{name}, in {unit}" if unit else name
    if len(dots) == 1:
        yield f"{measured}: one value, {_figure(dots[0])} on {_day(dots[0])}{_standing(dots[0], part)}."
    else:
        yield f"{measured}: {len(dots):,} values from {_day(dots[0])} to {_day(dots[-1])}."
        yield f"First {_figure(dots[0])}, last {_figure(dots[-1])}{_standing(dots[-1], part)}."
        exact = curve.exact
        if len(exact) > 1:
            lowest, highest = min(exact, key=lambda dot: dot.value), max(exact, key=lambda dot: dot.value)
            yield (
                f"Lowest {_figure(lowest)} on {_day(lowest)}, highest {_figure(highest)} on {_day(highest)}."
                if lowest.value < highest.value
                else f"All are {_figure(lowest)}."
            )
        whole = "in a reading that is abnormal" if part else "abnormal"
        counted = ((HIGH, "high"), (LOW, "low"), (ABNORMAL, whole))
        counts = [(sum(dot.mark == mark for dot in dots), words) for mark, words in counted]
        said = [f"{many:,} {words}" for many, words in counts if many]
        if said:
            yield f"Marked: {listed(said)}."
        elif all(dot.mark == NORMAL for dot in dots):
            yield "None outside its range."
    if words := range_said(curve):
        yield f"{words[0].upper()}{words[1:]} {unit}".rstrip() + "."


def _figure(dot: Dot) -> str:
    signs = {"<": "less than ", ">": "more than ", "": "about "}
    return (signs.get(dot.bound, "") if dot.bound is not None else "") + limit(dot.value)


def _day(dot: Dot) -> str:
    return dot.label[:10]


def _standing(dot: Dot, part: bool) -> str:
    return f", {dot.mark}" if dot.mark in (HIGH, LOW) or (dot.mark == ABNORMAL and not part) else ""
