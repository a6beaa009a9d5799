"""What the check of a record's quality has in its hands: one line of a record, one thing worth asking about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from phr.views.events import number


class Row(NamedTuple):
    """One record as its source tells it."""

    id: int
    source: int
    kind: str
    title: str
    date: str | None
    precision: str | None
    start: int | None
    stop: int | None
    end: str | None
    recorded: str | None
    value: str | None
    number: float | None
    unit: str | None
    low: float | None
    high: float | None
    range_text: str | None
    interpretation: str | None
    status: str | None
    category: str | None
    codes: str
    facility: str | None
    performer: str | None
    encounter: str | None
    description: str | None
    supporting: int
    resource: str
    wanted: int


COLUMNS = (
    "record.id, x.source_id, record.kind, record.title, record.date, record.precision, record.date_from,"
    " record.date_to, record.end, record.recorded, record.value, record.value_number, record.unit, record.low,"
    " record.high, record.range_text, record.interpretation, record.status, record.category, record.codes,"
    " record.facility, record.performer, record.encounter, record.description, record.supporting, record.resource"
)


class Point(NamedTuple):
    """One number of one measurement, small: a long life has a hundred thousand."""

    id: int
    start: int | None
    date: str | None
    amount: float
    """In the standard unit of its measure, where it has one; else as written."""
    said: float
    """As written."""
    unit: str | None
    low: float | None = None
    high: float | None = None
    wanted: bool = True
    part: str | None = None
    """What it is called, where it is a part of a record."""

    def beside(self) -> dict[str, Any]:
        """As JSON, for what it was held against."""
        return {"record": str(self.id), "date": self.date, "value": number(self.said), "unit": self.unit}


class Verdict(NamedTuple):
    """What is worth asking about a number."""

    point: Point
    reason: str
    detail: str
    compared: tuple[Point, ...] = ()
    limits: dict[str, Any] | None = None
    also: tuple[str, ...] = ()


@dataclass(slots=True)
class Finding:
    """One thing worth asking about. Nothing is changed."""

    row: Row = field(repr=False)
    reason: str
    """`future`, `before_birth`, `after_death`, `end_before_start`, `birth_date`, `factor_of_ten`, `unit`,
    `impossible`, `range`, `duplicate` or `code`."""
    detail: str = field(repr=False)
    value: object = field(default=None, repr=False)
    unit: str | None = field(default=None, repr=False)
    compared: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    """Records that it was held against."""
    limits: dict[str, Any] | None = field(default=None, repr=False)
    also: tuple[str, ...] = ()
    """Further reasons that fit as well."""
    title: str | None = field(default=None, repr=False)

    def document(self, source: str) -> dict[str, Any]:
        """As JSON."""
        row = self.row
        value = self.value if self.value is not None else _value(row)
        return {
            "record": str(row.id),
            "resource": row.resource,
            "source": source,
            "kind": row.kind,
            "title": self.title or row.title,
            "date": row.date,
            "value": value,
            "unit": self.unit or row.unit,
            "reason": self.reason,
            "also": list(self.also),
            "detail": self.detail,
            "compared_with": list(self.compared),
            "limits": self.limits,
        }


def beside(row: Row, value: object = None, unit: str | None = None) -> dict[str, Any]:
    """A record that something was held against."""
    return {
        "record": str(row.id),
        "date": row.date,
        "value": value if value is not None else _value(row),
        "unit": unit or row.unit,
    }


def _value(row: Row) -> object:
    if row.number is None or (row.value or "").startswith(("<", ">")):
        return row.value
    return number(row.number)
