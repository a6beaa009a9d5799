"""A correction laid over a line: what changes, what is judged anew, and what stays."""

from __future__ import annotations

from typing import Any

import pytest

from phr.records.derive import derive_line
from phr.records.lines import COLUMNS, WITHDRAWN, Line
from phr.records.overlay import FIELDS, as_value, lay_over, said, same

_NAMES = COLUMNS.replace(" ", "").split(",")
RANGE = [{"low": {"value": 70, "unit": "mg/dL"}, "high": {"value": 99, "unit": "mg/dL"}}]


def _result(**elements: Any) -> tuple[Line, dict[str, Any]]:
    body = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"text": "Glucose"},
        "effectiveDateTime": "2020-05-04",
        "valueQuantity": {"value": 80, "unit": "mg/dL"},
        "referenceRange": RANGE,
        "interpretation": [{"coding": [{"code": "N"}]}],
        **elements,
    }
    body = {name: value for name, value in body.items() if value is not None}
    return derive_line(body, lambda _: None), body


def _row(line: Line) -> dict[str, Any]:
    return dict(zip(_NAMES, line.columns, strict=True))


def test_nothing_corrected_is_the_very_same_line() -> None:
    line, body = _result()

    assert lay_over(line, body, {}) is line


@pytest.mark.parametrize(
    ("ranges", "value", "interpretation", "abnormal"),
    [
        (RANGE, "120", "H", 1),
        (RANGE, "60", "L", 1),
        (RANGE, "99", "N", 0),
        (RANGE, "<60", "L", 1),
        (RANGE, "<75", None, None),  # it may lie within or below
        ([{**RANGE[0], "appliesTo": [{"text": "children"}]}], "120", None, None),  # not for everybody
        (None, "120", None, None),
        ([{"text": "70-99"}], "120", "H", 1),
    ],
)
def test_a_corrected_value_is_judged_by_the_range_and_only_without_doubt(
    ranges: Any, value: str, interpretation: str | None, abnormal: int | None
) -> None:
    line, body = _result(referenceRange=ranges, interpretation=[{"coding": [{"code": "HH"}]}])
    row = _row(lay_over(line, body, {"value": value}))

    assert (row["value"], row["interpretation"], row["abnormal"]) == (value, interpretation, abnormal)
    assert row["value_number"] == float(value.lstrip("<"))


def test_a_corrected_unit_is_not_held_against_a_range_in_another_unit() -> None:
    line, body = _result()
    row = _row(lay_over(line, body, {"unit": "mmol/L"}))

    assert (row["unit"], row["low"], row["high"], row["interpretation"]) == ("mmol/L", None, None, None)
    assert "mg/dL" in row["range_text"]


def test_a_range_without_a_unit_is_in_the_unit_of_the_source() -> None:
    line, body = _result(referenceRange=[{"low": {"value": 70}, "high": {"value": 99}}])
    row = _row(lay_over(line, body, {"unit": "mmol/L", "value": "4.4"}))

    assert (row["low"], row["abnormal"]) == (None, None)


def test_a_text_in_place_of_a_number_is_not_judged() -> None:
    line, body = _result()
    row = _row(lay_over(line, body, {"value": "hemolyzed"}))

    assert (row["value"], row["value_number"], row["abnormal"]) == ("hemolyzed", None, None)


def test_a_corrected_date_keeps_its_precision_and_its_place_in_the_timeline() -> None:
    line, body = _result()
    row = _row(lay_over(line, body, {"date": "2019-05"}))

    assert (row["date"], row["precision"]) == ("2019-05", "month")
    assert row["date_from"] < row["date_to"] < _row(line)["date_from"]


def test_a_date_may_be_said_to_be_unknown() -> None:
    line, body = _result()
    row = _row(lay_over(line, body, {"date": None}))

    assert [row[name] for name in ("date", "precision", "date_from", "date_to")] == [None] * 4


def test_an_error_as_a_whole_leaves_the_life() -> None:
    line, body = _result()

    assert _row(lay_over(line, body, {"status": "entered-in-error"}))["supporting"] == WITHDRAWN


def test_the_words_for_the_search_follow_the_correction() -> None:
    line, body = _result()
    after = lay_over(line, body, {"value": "81", "description": "taken at night"})

    assert "81" in after.detail
    assert "taken at night" in after.detail
    assert " 80 " not in f" {after.detail} "


def test_codes_attachments_and_what_was_looked_up_stay() -> None:
    line, body = _result()
    after = lay_over(line, body, {"title": "Sugar"})

    assert (after.codes, after.attachments, after.wanted, after.text) == (
        line.codes, line.attachments, line.wanted, line.text,
    )  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_can_be_read_back(field: str) -> None:
    line, body = _result(effectivePeriod={"start": "2020", "end": "2021"}, effectiveDateTime=None)
    words = {"value": "81", "date": "2019", "end": "2022", "kind": "vital_sign", "sensitivity": "sensitive"}
    wanted = words.get(field, "something")

    assert said(lay_over(line, body, {field: wanted}), field) == wanted


@pytest.mark.parametrize(
    ("field", "one", "other", "equal"),
    [
        ("value", "5.40", "5.4", True),
        ("value", "<5", "5", False),
        ("value", "positive", "positive", True),
        ("title", " Asthma", "Asthma", True),
        ("date", "2019", "2019-01", False),
        ("end", None, None, True),
        ("end", None, "2019", False),
    ],
)
def test_when_two_values_say_the_same(field: str, one: str | None, other: str | None, equal: bool) -> None:
    assert same(field, one, other) is equal


@pytest.mark.parametrize("words", ["5,4", "1e400", "five", "5 mg", "", "--5"])
def test_what_is_no_plain_number(words: str) -> None:
    assert as_value(words) is None
