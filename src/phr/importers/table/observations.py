"""Rows that measure something: one Observation each, a blood pressure as one with two components."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from phr.importers.table import notation
from phr.importers.table.cells import Cells, Json, coded, named, people, span, text

_PRESSURE = re.compile(r"(\d{2,3})\s*/\s*(\d{2,3})", re.ASCII)
_MMHG = (None, "mmhg", "mm[hg]", "mm hg")
_PRESSURE_PANEL = {"coding": [{"system": "http://loinc.org", "code": "85354-9"}], "text": "Blood pressure"}


def observation(category: str) -> Callable[[Cells, Json], Json | None]:
    def make(cells: Cells, subject: Json) -> Json | None:
        values = _values(cells)
        named_by_row = any(
            cells.rows.columns.get(one) and cells.get(one) for one in ("text", "code", *notation.SYSTEMS)
        )
        if values is None and not named_by_row:
            return None  # one of several measurements in a row that were not all taken
        pressure = values is not None and "component" in values
        code = cells.concept() or (_PRESSURE_PANEL if pressure else None)
        status = cells.status() or "unknown"
        return {
            "status": status,
            "category": [coded("observation-category", category)],
            "code": code or named(cells),
            "subject": subject,
            **span(cells, "effective"),
            "performer": people(cells.get("performer"), cells.get("facility")),
            **(values or {"dataAbsentReason": coded("data-absent-reason", "unknown")}),
            "interpretation": [notation.interpretation(flag)]
            if (flag := cells.get("interpretation"))
            else None,
            "method": text(cells.get("method")),
            "bodySite": text(cells.get("body_site")),
            "specimen": {"display": cells.get("specimen")} if cells.get("specimen") else None,
            "referenceRange": _ranges(cells),
            "note": cells.annotations(),
        }

    return make


def _values(cells: Cells) -> Json | None:
    """`value[x]`, or the two components of a blood pressure; None when the row measures nothing."""
    value, unit = cells.get("value"), cells.get("unit")
    parts: list[tuple[str, str, Decimal]] = []
    if cells.rows.kind == "vital_sign":
        pair = _PRESSURE.fullmatch(value or "") if (unit.lower() if unit else None) in _MMHG else None
        upper = Decimal(pair[1]) if pair else cells.number("systolic")
        lower = Decimal(pair[2]) if pair else cells.number("diastolic")
        parts = [
            (code, words, number)
            for code, words, number in (
                ("8480-6", "Systolic blood pressure", upper),
                ("8462-4", "Diastolic blood pressure", lower),
            )
            if number is not None
        ]
    if parts:
        mmhg = notation.unit_of("mmHg")
        return {
            "component": [
                {
                    "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": words},
                    "valueQuantity": {"value": number, **mmhg},
                }
                for code, words, number in parts
            ]
        }
    return notation.value(value, unit, cells.mapping.decimal) if value is not None else None


def _ranges(cells: Cells) -> list[Json]:
    unit, decimal = cells.get("unit"), cells.mapping.decimal
    words = cells.get("range")
    found = notation.reference_range(words, unit, decimal) if words else {}
    for side in ("low", "high"):
        if (said := cells.get(side)) is not None:
            amount = notation.number(said, decimal)
            found |= {side: {"value": amount, **notation.unit_of(unit)}} if amount is not None else {}
            if amount is None and "text" not in found:
                found["text"] = f"{side}: {said}"
    return [found] if found else []
