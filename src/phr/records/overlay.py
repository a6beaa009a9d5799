"""A person's correction laid over what a source says: a Line in, a Line out. The resource is never touched.

What the source's interpretation said of its own value says nothing of a corrected one (FHIR R4, Observation.interpretation
belongs to `value[x]`), so that is judged anew, by the range of the source and only where that leaves no doubt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from phr.model import Resource
from phr.records.elements import NORMAL, SENSITIVITIES
from phr.records.lines import COLUMNS, EVENT, WITHDRAWN, Column, Line, dated, detail
from phr.records.measurements import (
    ABNORMAL,
    NO_RANGE,
    Range,
    Value,
    judged,
    number_of,
    quantity,
    range_of,
    value_of,
)

FIELDS = ("title", "date", "end", "value", "unit", "status", "description", "kind", "sensitivity")
"""What a person may correct; each is the name of a column."""
EMPTIABLE = frozenset(("date", "end", "unit", "description"))
"""What may be said to be nothing at all."""
IN_ERROR = "entered-in-error"
"""The status that takes a record out of a life (FHIR R4, such as observation-status)."""

_AT = {name: at for at, name in enumerate(COLUMNS.replace(" ", "").split(","))}
_NUMBER = re.compile(r"(<=|>=|<|>)?([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)")

Corrections = Mapping[str, str | None]
"""By field what the person says; None: there is nothing."""


def said(line: Line, field: str) -> str | None:
    """What a line says in one field."""
    found = line.columns[_AT[field]]
    return None if found is None else str(found)


def same(field: str, one: str | None, other: str | None) -> bool:
    """Whether two values of a field say the same."""
    if one is None or other is None:
        return one == other
    if field == "value" and (first := as_value(one)) and (second := as_value(other)):
        return first.number == second.number and first.comparator == second.comparator
    return " ".join(one.split()) == " ".join(other.split())


def as_value(text: str) -> Value | None:
    """`<5.4` as a Value; None for what is not a plain number, with or without a comparator."""
    found = _NUMBER.fullmatch(text.replace("≤", "<=").replace("≥", ">=").replace(" ", ""))
    if found is None or (number := number_of(found[2])) is None:
        return None
    return Value((found[1] or "") + found[2], number, None, found[1])


def lay_over(line: Line, resource: Resource, corrections: Corrections) -> Line:
    """The line as the person says it is. `resource` is what the line was read from."""
    if not corrections:
        return line
    row: dict[str, Column] = dict(zip(_AT, line.columns, strict=True))
    for field in ("title", "end", "status", "description", "kind", "sensitivity"):
        if field in corrections:
            row[field] = corrections[field]
    row["title"] = row["title"] or line.columns[_AT["title"]]
    if row["sensitivity"] not in SENSITIVITIES:
        row["sensitivity"] = NORMAL
    if "date" in corrections:
        names = ("date", "precision", "date_from", "date_to")
        row.update(zip(names, dated(corrections["date"]), strict=True))
    if "value" in corrections or "unit" in corrections:
        row.update(_measured(row, resource, corrections))
    if corrections.get("status") == IN_ERROR and row["supporting"] == EVENT:
        row["supporting"] = WITHDRAWN
    words = [row[name] for name in ("value", "unit", "description", "facility", "performer", "category")]
    return msgspec.structs.replace(
        line,
        columns=tuple(row[name] for name in _AT),
        detail=detail(*(None if word is None else str(word) for word in words)),
    )


def _measured(row: Mapping[str, Column], resource: Resource, corrections: Corrections) -> dict[str, Column]:
    """Value, unit, range and judgement once one of the first two was corrected."""
    text = corrections.get("value", _text(row["value"]))
    unit = corrections.get("unit", _text(row["unit"]))
    plain = as_value(text) if text else None
    value = plain._replace(unit=unit) if plain else Value(text, None, unit)
    span = _range(resource, unit)
    interpretation = judged(value, span)
    abnormal = ABNORMAL.get(interpretation) if interpretation else None
    found: dict[str, Column] = {
        "value": value.text,
        "value_number": value.number,
        "unit": unit,
        "interpretation": interpretation,
        "abnormal": None if abnormal is None else int(abnormal),
    }
    if resource.get("resourceType") == "Observation" and resource.get("referenceRange"):
        found |= {"low": span.low, "high": span.high, "range_text": span.text}
    return found


def _range(resource: Resource, unit: str | None) -> Range:
    """The source's range for this unit. A range without a unit of its own is in the unit that the source gave."""
    if resource.get("resourceType") != "Observation":
        return NO_RANGE
    ranges = resource.get("referenceRange")
    span = range_of(ranges, unit)
    given = value_of(resource).unit
    if given and unit and given.lower() != unit.lower() and not _has_unit(ranges):
        return Range(None, None, span.text)
    return span


def _has_unit(ranges: object) -> bool:
    entries = ranges if isinstance(ranges, list) else [ranges]
    ends = [each.get(end) for each in entries if isinstance(each, dict) for end in ("low", "high")]
    return any(quantity(end).unit for end in ends)


def _text(value: Column) -> str | None:
    return None if value is None else str(value)
