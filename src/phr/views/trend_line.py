"""Values as points of one line: numbers in one unit, each with what its source wrote.

Nothing is made exact that is not: a bound (`<5`), a range, a titre or a word is a point without `value`. What is told
in a unit that does not convert for certain, or without a date, is no point at all but stands in `refused` with the
reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from phr.fhir import dates
from phr.records.measures import Measure
from phr.records.unit_words import spelled
from phr.records.units import Conversion, basis, conversion
from phr.views.events import number
from phr.views.trend_points import NUMBER, Reading

Point = dict[str, Any]

_SPAN = rf"({NUMBER})\s*(?:-|–|to)\s*({NUMBER})\s*(.*)"
_LIMIT = rf"(<=|>=|<|>|≤|≥)\s*({NUMBER})\s*(.*)"
HIGH = frozenset(("H", "HH", "HU", ">"))
LOW = frozenset(("L", "LL", "LU", "<"))


class Scale(NamedTuple):
    """What a line is drawn in."""

    unit: str | None
    code: str | None = None
    """That of its values, where the unit alone does not say what they are a number of."""


def common_unit(told: Sequence[Reading], measure: Measure | None = None) -> Scale:
    """The unit into which most exact values go; of such the one most were written in, of equals the most recent.

    None for what has none.
    """
    exact = [one for one in told if one.exact] or [one for one in told if one.number is not None]
    if not exact:
        return Scale(next((one.unit for one in told if one.unit), None))
    written = Counter((one.unit, basis(one.unit, measure, one.code), one.code) for one in exact)
    counts, examples = Counter[tuple[str, str | None]](), dict[tuple[str, str | None], str | None]()
    for (unit, of, _), many in written.items():
        counts[spelled(unit), of] += many
        examples.setdefault((spelled(unit), of), unit)

    def reached(kind: tuple[str, str | None]) -> int:
        return sum(
            many
            for (unit, _, code), many in written.items()
            if conversion(unit, examples[kind], measure, code, kind[1]) is not None
        )

    # Of equals the first: the most recent.
    best, of = max(counts, key=lambda kind: (reached(kind), counts[kind], bool(kind[0])))
    said = Counter[str | None]()
    for (unit, own, _), many in written.items():
        if (spelled(unit), own) == (best, of):
            said[unit] += many
    return Scale(said.most_common(1)[0][0] or None, of)


class Line:
    """Readings in one unit: points, and what cannot be one."""

    def __init__(self, told: Sequence[Reading], scale: Scale, measure: Measure | None) -> None:
        self.unit, self._code, self._measure = scale.unit, scale.code, measure
        self._known: dict[tuple[str | None, str | None], Conversion | None] = {}
        self.points: list[Point] = []
        self.refused: list[Point] = []
        self.conversions: dict[tuple[str, float, float], dict[str, Any]] = {}
        for one in reversed(told):
            self._add(one)

    def _way(self, unit: str | None, code: str | None) -> Conversion | None:
        key = (unit, code)
        if key not in self._known:
            self._known[key] = conversion(unit, self.unit, self._measure, code, self._code)
        return self._known[key]

    def _add(self, one: Reading) -> None:
        way = self._way(one.unit, one.code) if one.number is not None else None
        reason = None
        if one.row.start is None:
            reason = "it has no date"
        elif one.number is not None and way is None:
            reason = self._reason(one.unit)
        if reason:
            self.refused.append(_base(one) | {"unit": one.unit, "reason": reason})
            return
        if way is not None and not way.same:
            assert one.unit is not None and self.unit is not None  # noqa: S101 - else they were the same
            fact = {
                "from": one.unit,
                "to": self.unit,
                "factor": way.factor,
                "offset": way.offset,
                "why": way.why,
            }
            self.conversions.setdefault((one.unit, way.factor, way.offset), fact)
        self.points.append(self._point(one, way))

    def _reason(self, unit: str | None) -> str:
        if not unit or not spelled(unit):
            return f"its source gives no unit, and the others are in {self.unit}"
        if not self.unit or not spelled(self.unit):
            return "it has a unit, and the others have none"
        if spelled(unit) == spelled(self.unit):
            return f"its code says that this is another {unit} than that of the others"
        return f"{unit} cannot be turned into {self.unit} for certain"

    def _point(self, one: Reading, way: Conversion | None) -> Point:
        value = way.of(one.number) if way and one.number is not None else None
        low, high = self._range(one, way)
        sign = one.comparator
        if (
            sign and way and way.factor < 0
        ):  # no unit that is known turns round, but a wrong sign would be a lie
            sign = None
        return _base(one) | {
            "value": number(value) if one.exact else None,
            "unit": self.unit if value is not None else one.unit,
            "bound": number(value) if one.comparator else None,
            "comparator": sign,
            "exact": one.exact,
            "converted": way is not None and not way.same,
            "low": number(low),
            "high": number(high),
            "range_text": one.range_text,
        }

    def _range(self, one: Reading, way: Conversion | None) -> tuple[float | None, float | None]:
        """The range that came with the value, in the unit of the line."""
        if one.low is not None or one.high is not None:
            if way is None:
                return None, None
            return (
                way.of(one.low) if one.low is not None else None,
                way.of(one.high) if one.high is not None else None,
            )
        low, high, unit = range_in_words(one.range_text)
        own = self._way(unit, one.code) if unit else None
        if own is None:
            return None, None
        return own.of(low) if low is not None else None, own.of(high) if high is not None else None


def range_in_words(text: str | None) -> tuple[float | None, float | None, str | None]:
    """`>=70 %`, `3.5–5.0 g/dL`: low, high and the unit that stands behind them."""
    words = " ".join((text or "").split())
    if not words:
        return None, None, None
    if found := re.fullmatch(_SPAN, words):
        return float(found[1]), float(found[2]), found[3] or None
    if found := re.fullmatch(_LIMIT, words):
        bound = float(found[2])
        return (
            (None, bound, found[3] or None)
            if found[1] in ("<", "<=", "≤")
            else (bound, None, found[3] or None)
        )
    return None, None, None


def _base(one: Reading) -> Point:
    unit = one.unit if one.words is None else one.words
    text = one.text if not unit or one.text.endswith(unit) else f"{one.text} {unit}"
    return {
        "date": one.row.date,
        "precision": one.row.precision,
        "value": None,
        "original": text,
        "abnormal": one.abnormal,
        "interpretation": one.interpretation,
        "direction": direction(one),
        "status": one.row.status,
        "code": one.code,
        "corrected": one.corrected,
        "source": ", ".join(one.sources) or None,
        "sources": one.sources,
        "id": str(one.row.id),
        "ids": [str(id_) for id_ in one.ids],
        "resource": one.row.resource,
    }


def direction(one: Reading) -> str | None:
    """`high` or `low` where that is known of an abnormal value."""
    if one.interpretation in HIGH:
        return "high"
    if one.interpretation in LOW:
        return "low"
    if one.abnormal and one.exact and one.number is not None:
        if one.high is not None and one.number > one.high:
            return "high"
        if one.low is not None and one.number < one.low:
            return "low"
    return None


def instant(point: Point) -> float:
    """Where a point stands in time: the middle of what its date can mean."""
    return _middle(point["date"])


@lru_cache(maxsize=1 << 16)
def _middle(date: str | None) -> float:
    when = dates.parse(date)
    return (when.start + when.end) / 2 if when else 0.0
