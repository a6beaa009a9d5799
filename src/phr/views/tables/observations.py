"""One row per measured value: what a registry, a statistics program or a plot wants to have.

An Observation's own value, and each of its components (FHIR R4 10.1, Observation.component): a blood pressure is two rows.
Beside the value as it was sent stands the same in the unit in which this measurement is compared, where a fact converts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from phr.fhir import read
from phr.records.elements import codes_of, words_of
from phr.records.measurements import (
    NO_RANGE,
    READERS,
    interpretation_of,
    judged,
    number_of,
    number_text,
    range_of,
    value_of,
)
from phr.views.tables.common import DAY, LOINC, RECORD, WHEN, code_sql
from phr.views.tables.measured import _TOGETHER, DIASTOLIC, SYSTOLIC, VALUE, comparator, digits, unit_code
from phr.views.tables.shape import Cell, Column, Fact, Table
from phr.views.tables.ucum import standard

Row = dict[str, Cell]
_CODE = code_sql(LOINC)
_UNIT = "coalesce(phr_ucum(record.unit), phr_cell('lab_results', 'unit_ucum', record.id, record.value, record.unit))"
_DIGITS = "phr_number(record.value)"
_SPECS: tuple[tuple[str, str, str, str], ...] = (
    ("record", "number", RECORD.meaning, "record.id"),
    ("part", "number", "Which component of the record it is, from 1; 0 for its own value", "0"),
    ("kind", "text", "Kind of record: lab_result, vital_sign …", "record.kind"),
    ("date", "date", WHEN[0].meaning, DAY),
    ("date_precision", "text", WHEN[1].meaning, "record.precision"),
    ("time", "time", "Time of day, as the source wrote it, where it did", "phr_date(record.date, 'time')"),
    ("loinc", "text", "LOINC code of what was measured", _CODE),
    ("loinc_display", "text", "Its name, in the words of the source", "record.title"),
    ("code", "text", "Its first code, of whatever system", "json_extract(record.codes, '$[0][1]')"),
    ("code_system", "text", "The system of that code", "json_extract(record.codes, '$[0][0]')"),
    ("value", "number", "The value where it is a number; beyond it where comparator says so", _DIGITS),
    ("comparator", "text", "<, <=, > or >= where the value lies beyond the number", "phr_comparator(record.value)"),
    ("unit", "text", "Unit as a code of UCUM, where that is certain; else see source_unit", _UNIT),
    ("standard_value", "number", "The value in the unit in which this measurement is compared, where a fact converts it",
     f"phr_standard({_DIGITS}, {_UNIT}, {_CODE}, 0)"),
    ("standard_unit", "text", "That unit, as a code of UCUM", f"phr_standard({_DIGITS}, {_UNIT}, {_CODE}, 1)"),
    ("low", "number", "Lower end of the normal range, in the unit of the value", "record.low"),
    ("high", "number", "Upper end of the normal range", "record.high"),
    ("range_text", "text", "The range in words, where its source wrote words", "record.range_text"),
    ("interpretation", "text", "H, L, HH, LL, A, N … (HL7 v3), as said or as value and range show", "record.interpretation"),
    ("source_value", "text", "The value as its source wrote it, every digit", "record.value"),
    ("source_unit", "text", "Its unit, as its source wrote it", "record.unit"),
    ("status", "text", "FHIR status: final, amended, corrected, preliminary …", "record.status"),
)  # fmt: skip
_LAST = (
    ("facility", "text", "Where: a place or an organisation"),
    ("sources", "text", "Every source that says it"),
    ("corrected", "text", "Fields of the record that you corrected: what stands here is yours"),
)


def _none(fact: Fact) -> Cell:
    raise AssertionError(fact)  # these rows are made by `observed`, several of a record


def table(common: dict[str, Column]) -> Table:
    """The table, with the last columns as every table has them."""
    first = tuple(Column(name, type_, meaning, _none, sql) for name, type_, meaning, sql in _SPECS)
    last = tuple(
        Column(name, type_, meaning, common[name].read, common[name].sql) for name, type_, meaning in _LAST
    )
    return Table(
        "observations",
        "Every measured value, one a row, with LOINC code and UCUM unit; a blood pressure is two rows",
        (*first, *last),
        keys=("record", "loinc", "date"),
    )


OF_PART = frozenset(
    "part loinc loinc_display code code_system value comparator unit standard_value standard_unit low high range_text"
    " interpretation source_value source_unit".split()
)
"""What differs between the parts of a record."""


def rows(fact: Fact, common: dict[str, Column], columns: tuple[Column, ...]) -> Iterator[list[Cell]]:
    """The values of a record, a row each."""
    found = observed(fact)
    if not found:
        return
    same: Row = {
        name: common[name].read(fact)
        for name in ("record", "kind", "date", "date_precision", "time", "status")
    }
    same |= {name: common[name].read(fact) for name, *_ in _LAST}
    for one in found:
        whole = same | one
        yield [whole.get(column.name) for column in columns]


def observed(fact: Fact) -> list[Row]:
    """What a record measured: its own value, else and also its components."""
    event = fact.event
    if not str(event["resource"]).startswith("Observation/"):
        return []
    text, resource = event.get("value_text"), fact.resource
    parts = read.dicts(resource.get("component"))
    yours = "value" in (event.get("corrected") or ())
    told = [row for number, part in enumerate(parts, 1) if (row := _part(part, number))]
    if yours and told and (pair := _TOGETHER.fullmatch(text or "")):
        told = [_corrected(row, pair) for row in told]
    elif yours:
        told = []
    elif text is not None and not _has_value(resource):
        text = None if told else text  # made of the components
    return [*([_own(fact)] if text is not None and not (yours and told) else []), *told]


def _has_value(resource: dict[str, Any]) -> bool:
    return any(name in resource for name in ("valueQuantity", *READERS))


def _own(fact: Fact) -> Row:
    event = fact.event
    codes = event["codes"]
    row: Row = {
        "part": 0,
        "loinc": next((one["code"] for one in codes if one["system"] == LOINC and one["code"]), None),
        "loinc_display": event["title"],
        "code": codes[0]["code"] if codes else None,
        "code_system": codes[0]["system"] if codes else None,
        "source_value": event.get("value_text"),
        "source_unit": event.get("unit"),
        "unit": unit_code(event.get("unit"), fact.resource),
    }
    row |= {name: _LIMITS[name](fact) for name in _LIMITS}
    return _reckoned(row)


_LIMITS: dict[str, Callable[[Fact], Cell]] = {
    one.name: one.read for one in VALUE if one.name in ("low", "high", "range_text", "interpretation")
}


def _part(part: dict[str, Any], number: int) -> Row | None:
    """A component; None for one without a value."""
    value = value_of(part)
    if value.text is None:
        return None
    within = range_of(part["referenceRange"], value.unit) if "referenceRange" in part else NO_RANGE
    said = interpretation_of(part.get("interpretation")) if "interpretation" in part else None
    codes = codes_of(part.get("code"))
    return _reckoned(
        {
            "part": number,
            "loinc": next((one.code for one in codes if one.system == LOINC and one.code), None),
            "loinc_display": words_of(part.get("code")),
            "code": codes[0].code if codes else None,
            "code_system": codes[0].system if codes else None,
            "source_value": value.text,
            "source_unit": value.unit,
            "unit": unit_code(value.unit, part),
            "low": _limit(part, "low", within.low),
            "high": _limit(part, "high", within.high),
            "range_text": within.text,
            "interpretation": said or judged(value, within),
        }
    )


def _limit(part: dict[str, Any], end: str, number: float | None) -> Cell:
    for one in read.dicts(part.get("referenceRange")):
        limit = one.get(end)
        if isinstance(limit, dict) and number is not None and number_of(limit.get("value")) == number:
            return number_text(limit.get("value"))
    return number


def _corrected(row: Row, pair: Any) -> Row:
    """A part of a blood pressure that the person corrected as a whole: `130/80`."""
    place = 1 if row["code"] in SYSTOLIC else 2 if row["code"] in DIASTOLIC else None
    if place is None:
        return row
    return _reckoned(row | {"source_value": pair[place], "interpretation": None})


def _reckoned(row: Row) -> Row:
    """With the number, and the number in the unit to compare in."""
    text, unit, loinc = row["source_value"], row["unit"], row["loinc"]
    row |= {"value": digits(text), "comparator": comparator(text)}
    value = row["value"]
    into = standard(str(value), str(unit), str(loinc)) if value and unit and loinc else None
    row["standard_value"], row["standard_unit"] = into or (None, None)
    return row
