"""A pH that cannot be. It has no unit by nature, so a table of units does not know it; what fluid it is of decides. Pure.

Blood: survivors of single reports from 6.3 to 7.9, rounded outwards. Urine: kidneys make 4.5 to 8, bacteria and a sample
that stood make it higher. Of anything else nothing is known but the scale itself, which goes from 0 to 14.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from phr.views.quality_points import written
from phr.views.quality_rows import Point, Verdict

_WORDS = re.compile(r"[a-z0-9]+")
_UNITS = ("", "1", "ph", "[ph]", "{ph}", "ph units", "[ph]unit", "units", "ph unit")
_OF_BLOOD = frozenset(
    "arterial artery venous vein capillary blood serum plasma cord umbilical abg vbg cbg".split()
)
_BLOOD_CODES = frozenset("2744-1 2745-8 2746-6 2753-2 11558-4 33254-4".split())
_URINE_CODES = frozenset("2756-5 5803-2 50560-2".split())
_PLACES = {-1: "one place to the left", -2: "two places to the left", 1: "one place to the right"}


class _Fluid(NamedTuple):
    name: str
    low: float
    high: float
    usual: tuple[float, float]


_BLOOD = _Fluid("the pH of blood", 6.2, 8.1, (6.7, 7.9))
_URINE = _Fluid("the pH of urine", 3.5, 10, (4.5, 9))
_ANY = _Fluid("a pH", 0, 14, (4, 9))


def is_ph(key: str, title: str) -> bool:
    """Whether this series is one of pH values: by its code, or by its name, and without a unit of something else."""
    code, _, unit = key.rpartition(" in ")
    named = code in _BLOOD_CODES or code in _URINE_CODES or "ph" in _WORDS.findall(title.casefold())
    return named and unit.strip().casefold() in _UNITS


def judged(key: str, title: str, points: Sequence[Point]) -> Iterator[Verdict]:
    """Those that no such fluid has."""
    fluid = _fluid(key.rpartition(" in ")[0], set(_WORDS.findall(title.casefold())))
    for one in points:
        if not fluid.low <= one.said <= fluid.high:
            yield _verdict(one, fluid)


def _fluid(code: str, words: set[str]) -> _Fluid:
    if code in _BLOOD_CODES or words & _OF_BLOOD:
        return _BLOOD
    return _URINE if code in _URINE_CODES or words & {"urine", "ur"} else _ANY


def _verdict(one: Point, fluid: _Fluid) -> Verdict:
    said = f"{written(one.said)} is not possible for {fluid.name} ({written(fluid.low)} to {written(fluid.high)})."
    span = {"low": fluid.low, "high": fluid.high, "unit": None}
    for shift, way in _PLACES.items():
        meant = one.said * 10.0**shift
        if fluid.usual[0] <= meant <= fluid.usual[1]:
            more = f"{said} With the decimal point {way} it would be {written(meant)}."
            return Verdict(one, "factor_of_ten", more, (), span)
    return Verdict(one, "impossible", said, (), span)
