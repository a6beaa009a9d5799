"""The tables of fields: every row shows its label and its value, and says nothing where the element is missing."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from phr.records.derive import SHAPES
from phr.views.details import details
from phr.views.fields import everything
from phr.views.fields.saying import Found
from phr.views.fields.table import (
    ADDRESS,
    ANY,
    CODE,
    CONCEPT,
    CONTACT,
    DATE,
    LIMITS,
    MONEY,
    NAME,
    NOTE,
    NUMBER,
    NUMBERED,
    PAGES,
    PERIOD,
    QUANTITY,
    RANGE,
    RATIO,
    REFERENCE,
    TEXT,
    WHEN,
    YES_NO,
    Field,
    Form,
)  # fmt: skip

# ── a value of each data type, and how it is said ─────────────────────────────────────────────────

EXAMPLES: dict[str, tuple[Any, str]] = {
    CODE.name: ("on-hold", "on hold"),
    CONCEPT.name: ({"coding": [{"system": "http://example.org", "code": "q", "display": "Blue heron"}]}, "Blue heron"),
    TEXT.name: ("Walk to the pond", "Walk to the pond"),
    NUMBER.name: (7, "7"),
    YES_NO.name: (True, "yes"),
    DATE.name: ("2023-12-04T09:30:00-05:00", "2023-12-04 09:30"),
    PERIOD.name: ({"start": "2023-12-04", "end": "2023-12-07"}, "2023-12-04 to 2023-12-07 (3 days)"),
    WHEN.name: ("2023-12", "2023-12"),
    QUANTITY.name: ({"value": 1.5, "unit": "mg"}, "1.5 mg"),
    RANGE.name: ({"low": {"value": 2, "unit": "mg"}, "high": {"value": 3, "unit": "mg"}}, "2 to 3 mg"),
    RATIO.name: ({"numerator": {"value": 5, "unit": "mg"}, "denominator": {"value": 1, "unit": "mL"}}, "5 mg per mL"),
    MONEY.name: ({"value": 25, "currency": "USD"}, "$25"),
    LIMITS.name: ([{"low": {"value": 4, "unit": "g"}, "high": {"value": 6, "unit": "g"}}], "4 to 6 g"),
    ANY.name: ({"value": 2.5, "unit": "kg"}, "2.5 kg"),
    REFERENCE.name: ({"reference": "Practitioner/heron"}, "Ida Heron"),
    NOTE.name: ([{"text": "After rest", "time": "2020-01-02"}], "After rest (2020-01-02)"),
    NAME.name: ([{"given": ["Ida"], "family": "Heron"}], "Ida Heron"),
    ADDRESS.name: ([{"line": ["1 Pond"], "city": "Reed"}], "1 Pond, Reed"),
    CONTACT.name: ([{"system": "phone", "value": "555-0100"}], "555-0100"),
    NUMBERED.name: ([{"type": {"text": "Chart"}, "value": "88"}], "88 (Chart)"),
    PAGES.name: ({"contentType": "text/plain", "title": "Letter"}, "Letter (text/plain)"),
    "boolean, Age or dateTime": ("2001", "yes: 2001"),
    "any data type, unless it says unknown": ({"value": 2.5, "unit": "mL"}, "2.5 mL"),
    "Dosage": ([{"text": "One at night"}], "One at night"),
    "boolean or CodeableConcept": (True, "allowed"),
    "boolean or Reference": ({"reference": "Practitioner/heron"}, "Ida Heron"),
    "category and Money": ([{"category": {"text": "submitted"}, "amount": {"value": 9, "currency": "USD"}}], "submitted $9"),
}  # fmt: skip
COMPOUND: dict[str, tuple[Any, str]] = {
    "Observation.component": ([{"code": {"text": "Upper"}, "valueQuantity": {"value": 120, "unit": "mmHg"}}], "120 mmHg"),
    "Observation.hasMember": ([{"reference": "Observation/heron"}], "5 mg"),
    "DiagnosticReport.result": ([{"reference": "Observation/heron"}], "5 mg"),
    "QuestionnaireResponse.item": ([{"text": "Tired?", "answer": [{"valueBoolean": True}]}], "yes"),
    "Composition.section": ([{"title": "Plan", "text": {"div": "<div>Rest</div>"}}], "Rest"),
    "item": ([{"sequence": 1, "productOrService": {"text": "Visit"}}], "Visit"),
    "addItem": ([{"productOrService": {"text": "Visit"}}], "Visit"),
}  # fmt: skip
CHOICES = {"medication[x]": "CodeableConcept", "code[x]": "CodeableConcept"}


def _find(address: str) -> Found | None:
    if address == "Practitioner/heron":
        return Found("Ida Heron")
    return Found("Sodium", "lab_result", "2020-01-01", "5 mg") if address == "Observation/heron" else None


def _example(type_: str, row: Field, path: str) -> tuple[Any, str] | None:
    if row.own is not None:
        return COMPOUND.get(f"{type_}.{path}") or COMPOUND[path.rpartition(".")[2]]
    if row.form.name == "boolean":  # one that has words of its own
        return True, str(row.form.say(True, None))  # type: ignore[arg-type]
    return EXAMPLES.get(row.form.name) or _made(row.form)


def _made(form: Form) -> tuple[Any, str] | None:
    """A value of a compound element, by the first part of it that has an example."""
    parts = next(
        (cell.cell_contents for cell in form.say.__closure__ or () if isinstance(cell.cell_contents, tuple)),
        (),
    )
    for part in parts:
        found = EXAMPLES.get(part.form.name) or _made(part.form)
        if found and "boolean" not in part.form.name:
            return _nested(part.element, found[0]), found[1]
    return None


def _nested(path: str, value: Any) -> dict[str, Any]:
    *above, last = path.split(".")
    if last.endswith("[x]"):
        kind = "Quantity" if isinstance(value, dict) and "value" in value else "DateTime"
        last = last[:-3] + CHOICES.get(last, kind)
    made: Any = {last: value}
    for step in reversed(above):
        made = {step: made}
    return made


ROWS = [(type_, row, path) for type_, rows in everything().items() for row in rows for path in row.paths]


@pytest.mark.parametrize(("type_", "row", "path"), ROWS, ids=[f"{t}-{p}" for t, _, p in ROWS])
def test_a_row_shows_its_label_and_value_and_nothing_without_its_element(
    type_: str, row: Field, path: str
) -> None:
    example = _example(type_, row, path)
    assert example is not None, f"no example of {row.form.name}"
    value, words = example
    if path.endswith("medication[x]"):
        value, words = EXAMPLES[CONCEPT.name]
    body = {"resourceType": type_, "id": "x", **_nested(path, value)}
    told = details(json.dumps(body).encode(), _find)
    labels = [one["label"] for one in told if words in one["value"] and not one["more"]]
    assert labels, f"{path} says {[(one['label'], one['value']) for one in told]}, not {words}"
    if row.own is None:
        assert row.label in labels
    assert not [one for one in told if one["more"]], "said twice"
    without = details(json.dumps({"resourceType": type_, "id": "x"}).encode(), _find)
    assert without == []


def test_every_type_that_becomes_a_record_has_a_table() -> None:
    assert not {*SHAPES, "Observation", "DiagnosticReport"} - set(everything())


def test_labels_of_a_type_are_told_apart() -> None:
    for type_, rows in everything().items():
        labels = [row.label for row in rows]
        assert len(labels) == len(set(labels)), type_


def _fields_of(model: Any) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


@pytest.mark.parametrize("type_", sorted(everything()))
def test_every_element_is_one_of_the_specification(type_: str) -> None:
    module = importlib.import_module(f"fhir.resources.R4B.{type_.lower()}")
    for row in everything()[type_]:
        for path in row.paths:
            _check(module, type_, path.split("."), f"{type_}.{path}")


def _check(module: Any, model: str, steps: list[str], path: str) -> None:
    names = set(_fields_of(getattr(module, model)))
    step = steps[0]
    known = any(name.startswith(step[:-3]) for name in names) if step.endswith("[x]") else step in names
    assert known, f"{path}: {model} has no {step}"
    if len(steps) > 1:
        inner = f"{model}{step[0].upper()}{step[1:]}"
        if hasattr(module, inner):
            _check(module, inner, steps[1:], path)


def test_the_page_in_the_docs_is_made_of_the_tables() -> None:
    from phr.views.fields.page import page

    path = Path(__file__).parents[2] / "docs" / "fields.md"
    assert path.read_text(encoding="utf-8") == page(), "write it anew: make docs"
