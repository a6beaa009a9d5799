"""What was measured: the columns of results and vital signs."""

from __future__ import annotations

import re
from typing import Any

from phr.fhir import read
from phr.records.measurements import number_of, number_text, value_of
from phr.views.tables.common import said
from phr.views.tables.reading import column, found, names, words
from phr.views.tables.shape import Cell, Column, Fact
from phr.views.tables.ucum import ucum

UCUM = "http://unitsofmeasure.org"
_VALUE = re.compile(r"\s*(<=|>=|<|>|≤|≥)?\s*([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*")
_TOGETHER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)\s*(?:mm\s*\[?Hg\]?)?\s*", re.IGNORECASE)
_SIGNS = {"≤": "<=", "≥": ">="}
SYSTOLIC, DIASTOLIC = frozenset(("8480-6", "271649006")), frozenset(("8462-4", "271650006"))
_PRESSURES = frozenset(("85354-9", "55284-4", "75367002"))


def digits_of(text: object) -> tuple[str | None, str | None]:
    """`(comparator, digits)` of a value that is nothing but a number."""
    match = _VALUE.fullmatch(text) if isinstance(text, str) else None
    return (_SIGNS.get(match[1], match[1]), match[2]) if match else (None, None)


def comparator(text: object) -> str | None:
    """`<` of `<5`."""
    return digits_of(text)[0]


def digits(text: object) -> str | None:
    """`5` of `<5`, as it was written."""
    return digits_of(text)[1]


def _limit(end: str) -> Any:
    """A limit of the range in the digits of its source: the event knows only the number."""

    def read_(fact: Fact) -> Cell:
        number = fact.event.get(end)
        if number is None:
            return None
        for one in found(fact.resource, (f"referenceRange.{end}.value",)):
            if number_of(one) == number:
                return number_text(one)
        return number  # type: ignore[no-any-return]

    return read_


def unit_code(unit: str | None, resource: dict[str, Any]) -> str | None:
    """The unit in UCUM: by its words, else by the code that the source gives for these words."""
    if made := ucum(unit):
        return made
    quantity = resource.get("valueQuantity")
    if not isinstance(quantity, dict) or quantity.get("system") != UCUM:
        return None
    code = read.text(quantity.get("code"))
    return code if unit in (read.text(quantity.get("unit")), code) else None


def _pressure(codes: frozenset[str], place: int) -> Any:
    """A blood pressure's part: by its component, else of a text for the whole (`120/80`)."""

    def read_(fact: Fact) -> Cell:
        own = {code.code for code in read.codings(fact.resource.get("code"))}
        text = fact.event.get("value_text")
        parts = [
            part
            for part in read.dicts(fact.resource.get("component"))
            if codes & {code.code for code in read.codings(part.get("code"))}
        ]
        together = _TOGETHER.fullmatch(text) if isinstance(text, str) else None
        if together and (parts or own & _PRESSURES or not own):
            return together[place]
        if own & codes:
            return digits(text)
        return next((digits(value_of(part).text) for part in parts), None)

    return read_


VALUE: tuple[Column, ...] = (
    Column(
        "value_text",
        "text",
        "The value as its source wrote it, every digit: 1.20, <5, negative",
        said("value_text"),
        "record.value",
    ),
    Column(
        "value_number",
        "number",
        "The value where it is a number; beyond it where comparator says so",
        lambda fact: digits(fact.event.get("value_text")),
        "phr_number(record.value)",
    ),
    Column(
        "comparator",
        "text",
        "<, <=, > or >= where the value lies beyond the number",
        lambda fact: comparator(fact.event.get("value_text")),
        "phr_comparator(record.value)",
    ),
    Column("unit", "text", "Unit, as its source wrote it", said("unit"), "record.unit"),
    column(
        "unit_ucum",
        lambda fact: unit_code(fact.event.get("unit"), fact.resource),
        "The same unit as a code of UCUM, where that is certain",
    ),
    Column(
        "low",
        "number",
        "Lower end of the normal range, in the unit of the value",
        _limit("low"),
        "record.low",
    ),
    Column("high", "number", "Upper end of the normal range", _limit("high"), "record.high"),
    Column(
        "range_text",
        "text",
        "The range in words, where its source wrote words",
        said("range_text"),
        "record.range_text",
    ),
    Column(
        "interpretation",
        "text",
        "H, L, HH, LL, A, N … (HL7 v3), as said or as value and range show",
        said("interpretation"),
        "record.interpretation",
    ),
    Column(
        "abnormal",
        "boolean",
        "Whether it lies outside; empty: nobody says",
        said("abnormal"),
        "record.abnormal",
    ),
    column("absent_reason", words("dataAbsentReason"), "Why there is no value"),
    column("specimen", names("specimen"), "What it was measured in"),
    column("method", words("method"), "How it was measured"),
    column("body_site", words("bodySite"), "Where on the body"),
    column("device", names("device"), "With which device"),
)

PRESSURE: tuple[Column, ...] = (
    column("systolic", _pressure(SYSTOLIC, 1), "Upper blood pressure, in the unit of the value", "number"),
    column("diastolic", _pressure(DIASTOLIC, 2), "Lower blood pressure", "number"),
)
