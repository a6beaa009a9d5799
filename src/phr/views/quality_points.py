"""Numbers out of records: which measurement each belongs to, in the unit in which all of them can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import orjson

from phr.records.measurements import number_text, value_of
from phr.records.measures import BY_CODE, BY_ID, MEASURES, Measure
from phr.records.units import conversion, parse
from phr.views.panels import PAIRS
from phr.views.quality_codes import LOINC
from phr.views.quality_limits import BASIC, LIMITS
from phr.views.quality_rows import Point, Row
from phr.views.trend_rows import TOGETHER, Part

_BY_WORD = {word: one for one in MEASURES if one.uncoded for word in (*one.words, one.name.casefold())}
_PRESSURE_WORDS = frozenset(word for pair in PAIRS for word in pair.words)
_PRESSURE_CODES = frozenset(code for pair in PAIRS for code in pair.codes)
_LOWEST_MMHG = 30.0
"""Whoever writes 118/76 without a unit means mmHg: in kPa it would be 16/10."""
SYSTOLIC, DIASTOLIC = "systolic", "diastolic"


class Found(NamedTuple):
    """One number with the series that it belongs to."""

    key: str
    """The id of a measure, or code and unit where there is no such measure."""
    point: Point
    misfit: str | None = None
    """What its unit measures, where that is something else."""


def points(row: Row, wanted: bool) -> Iterator[Found]:
    """The numbers of one record. Those of its components come by `parts`."""
    if row.number is not None:
        if not (row.value or "").startswith(("<", ">", "ad")):
            yield from _one(row, wanted, row.codes, row.title, row.number, row.unit)
    elif pair := _pressure(row):
        unit = row.unit or (pair[2] or None)
        if not unit and min(float(pair[0]), float(pair[1])) >= _LOWEST_MMHG:
            unit = "mmHg"
        for id_, said in ((SYSTOLIC, pair[0]), (DIASTOLIC, pair[1])):
            yield from _of_measure(row, wanted, BY_ID[id_], None, float(said), unit, BY_ID[id_].name)


def has_parts(row: Row) -> bool:
    """Whether the value is made of several, which only the resource has one by one."""
    return (
        row.number is None
        and row.value is not None
        and ": " in row.value
        and any(map(str.isdigit, row.value))
    )


def parts(row: Row, wanted: bool, found: Sequence[Part]) -> Iterator[Found]:
    """The numbers of its components."""
    for part in found:
        value = value_of(part.raw)
        if value.number is not None and not value.comparator:
            codes = orjson.dumps(
                [[LOINC if one in BY_CODE else None, one, None] for one in part.codes]
            ).decode()
            yield from _one(row, wanted, codes, part.title, value.number, value.unit, part=part.title)


def _pressure(row: Row) -> tuple[str, str, str] | None:
    if not row.value or not (found := re.fullmatch(TOGETHER, row.value)):
        return None
    measured = {code for _, code, _ in orjson.loads(row.codes)}
    if measured & _PRESSURE_CODES or " ".join(row.title.casefold().split()) in _PRESSURE_WORDS:
        return found[1], found[2], found[3].strip()
    return None


def _one(
    row: Row, wanted: bool, codes: str, title: str, number: float, unit: str | None, part: str | None = None
) -> Iterator[Found]:
    measure, code = measure_of(codes, title)
    if measure is not None:
        yield from _of_measure(row, wanted, measure, code, number, unit, part)
        return
    key = f"{code or title.casefold()} in {unit or ''}"
    yield Found(
        key, Point(row.id, row.start, row.date, number, number, unit, row.low, row.high, wanted, part)
    )


def _of_measure(
    row: Row,
    wanted: bool,
    measure: Measure,
    code: str | None,
    number: float,
    unit: str | None,
    part: str | None,
) -> Iterator[Found]:
    limit = LIMITS[measure.id]
    point = Point(row.id, row.start, row.date, number, number, unit, row.low, row.high, wanted, part)
    into = conversion(unit, limit.unit, measure, code)
    if into is not None:
        yield Found(measure.id, point._replace(amount=into.of(number)))
    elif misfit := _misfit(unit, limit.unit):
        yield Found(measure.id, point, misfit)
    elif not unit:
        yield Found(f"{measure.id} in ", point)  # its own numbers alone can say something


@lru_cache(maxsize=4096)
def measure_of(codes: str, title: str) -> tuple[Measure | None, str | None]:
    """The measure of a record, and the code that says so; by name only where nothing else is called so."""
    found = orjson.loads(codes)
    standard = [code for system, code, _ in found if system == LOINC and code]
    for code in standard:
        if code in BY_CODE:
            return BY_CODE[code], code
    if standard:
        return None, standard[0]
    named = _BY_WORD.get(" ".join(title.casefold().split()))
    return named, None if named else next((f"{system}|{code}" for system, code, _ in found if code), None)


@lru_cache(maxsize=1024)
def _misfit(unit: str | None, into: str) -> str | None:
    """What a unit measures, where that cannot be what is measured here; None in doubt."""
    one, other = parse(unit), parse(into)
    if one is None or other is None or one.dimensions == other.dimensions:
        return None
    wrong, right = BASIC.get(one.dimensions), BASIC.get(other.dimensions)
    if wrong is not None and wrong not in (right, "a rate"):
        return wrong
    if right is None or right == "a rate":
        return None
    if ("length", -3) in one.dimensions:
        return "a concentration"
    return "a share" if not one.dimensions and (unit or "").strip() == "%" else None


def written(value: float) -> str:
    """A number in plain digits."""
    return str(number_text(float(f"{value:.4g}")))
