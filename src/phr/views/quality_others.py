"""Numbers of measurements that no table knows, flags that their own range contradicts, and what stands twice. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import log10
from statistics import median
from typing import Any

from phr.fhir import read
from phr.records.units import parse
from phr.views.figures import unit_words
from phr.views.quality_limits import BASIC, MAY_BE_NEGATIVE, VOLATILE
from phr.views.quality_points import written
from phr.views.quality_rows import Point, Row, Verdict

_WORDS = re.compile(r"[a-z0-9-]+")
_CLOSE = 0.18
"""Decimal logarithm: own values within a factor of 1.5 of their middle."""
_EXACT = 0.06
_ROUNDED = 0.02
"""A share of a limit by which a value may have been rounded."""


def judged(points: Sequence[Point], title: str) -> Iterator[Verdict]:
    """Values that are ten times as large as the person's own, where those agree and a range or a return says so too."""
    words = set(_WORDS.findall(title.casefold()))
    yield from _below_nothing(points, words)
    if words & VOLATILE or len(points) < 4:
        return
    ordered = sorted(points, key=lambda one: (one.start is None, one.start or 0, one.id))
    for at, one in enumerate(ordered):
        before, after = ordered[max(0, at - 4) : at], ordered[at + 1 : at + 5]
        if one.amount > 0 and (found := _slipped(one, before, after)):
            yield found


def _slipped(one: Point, before: Sequence[Point], after: Sequence[Point]) -> Verdict | None:
    others = [other for other in (*before, *after) if other.amount > 0]
    if len(others) < 3:
        return None
    middle = median(other.amount for other in others)
    kept = [other for other in others if abs(log10(other.amount / middle)) <= _CLOSE]
    if len(kept) < 3 or len(kept) < 0.75 * len(others):
        return None
    for shift in (-1, 1, -2, 2):
        meant = one.amount * 10**shift
        if abs(log10(meant / median(other.amount for other in kept))) > _EXACT:
            continue
        if not _told_by_range(one, meant) and not (_has_range(one) is False and before and after):
            return None
        unit = unit_words(one.unit or "")
        way = "left" if shift < 0 else "right"
        said = (
            f"Your other values near that time are about {written(middle)} {unit}".rstrip()
            + f". With the decimal point {'one place' if abs(shift) == 1 else 'two places'} to the {way}"
            + f" it would be {written(meant)} {unit}".rstrip()
        )
        return Verdict(one, "factor_of_ten", f"{said}.", tuple(kept[:3]))
    return None


def _has_range(one: Point) -> bool:
    return one.low is not None or one.high is not None


def _told_by_range(one: Point, meant: float) -> bool:
    """The number lies outside of its range, and what was probably meant within."""

    def within(value: float) -> bool:
        return (one.low is None or value >= one.low) and (one.high is None or value <= one.high)

    return _has_range(one) and not within(one.amount) and within(meant)


def _below_nothing(points: Sequence[Point], words: set[str]) -> Iterator[Verdict]:
    if words & MAY_BE_NEGATIVE:
        return
    for one in points:
        unit = parse(one.unit) if one.amount < 0 else None
        if unit is not None and (("length", -3) in unit.dimensions or unit.dimensions in BASIC):
            said = f"{written(one.said)} {unit_words(one.unit or '')}".strip()
            yield Verdict(one, "impossible", f"{said} is below nothing, which an amount cannot be.")


# ── flag and range ────────────────────────────────────────────────────────────────────────────────


def contradicts(row: Row) -> str | None:
    """How flag, value and range contradict each other; None where they do not, or nobody can tell.

    A limit itself belongs to neither side, since sources differ in whether it is inside.
    """
    value, low, high = row.number, row.low, row.high
    if low is not None and high is not None and low > high:
        return f"Its range goes from {written(low)} down to {written(high)}: the two ends are mixed up."
    if value is None or (low is None and high is None) or (row.value or "").startswith(("<", ">")):
        return None
    flag = (row.interpretation or "").upper()
    said, span = f"{written(value)} {unit_words(row.unit or '')}".strip(), _span(low, high)
    if flag in ("H", "HH", "HU") and high is not None and value < high:
        return f"It is flagged as high, but {said} is not above its range ({span})."
    if flag in ("L", "LL", "LU") and low is not None and value > low:
        return f"It is flagged as low, but {said} is not below its range ({span})."
    if flag == "N" and high is not None and value > high + abs(high) * _ROUNDED:
        return f"It is flagged as normal, but {said} is above its range ({span})."
    if flag == "N" and low is not None and value < low - abs(low) * _ROUNDED:
        return f"It is flagged as normal, but {said} is below its range ({span})."
    return None


def _span(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{written(low)} to {written(high)}"
    return f"up to {written(high)}" if high is not None else f"from {written(low or 0)}"


def one_range(resource: dict[str, Any]) -> bool:
    """Whether the source sent just one range, so that it is the one the flag was made with."""
    return len(read.dicts(resource.get("referenceRange"))) == 1


# ── twice ─────────────────────────────────────────────────────────────────────────────────────────

_APART = ("bodySite", "specimen", "method", "device", "component", "lotNumber", "site", "subject", "focus")
"""What tells two equal results apart: the other arm, another sample."""
_EARLY = frozenset(("preliminary", "registered"))


def double_key(row: Row) -> tuple[object, ...] | None:
    """What two records share when one of them is told twice; None for what may well come twice."""
    if not row.date or row.precision in ("year", "month"):
        return None
    if row.kind in ("lab_result", "vital_sign") and row.value and row.resource.startswith("Observation/"):
        return row.source, row.date, row.codes if row.codes != "[]" else row.title, row.value, row.unit
    if row.kind == "immunization" and row.resource.startswith("Immunization/") and row.status == "completed":
        return row.source, row.date[:10], row.codes if row.codes != "[]" else row.title, row.description
    return None


def same_twice(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two resources of one source say the same in all that could tell them apart."""
    early = [resource.get("status") in _EARLY for resource in (one, other)]
    return early[0] == early[1] and all(one.get(name) == other.get(name) for name in _APART)
