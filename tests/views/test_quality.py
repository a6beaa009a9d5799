"""What is worth asking about in a record: planted mistakes are named, and what only looks like one is not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.store.store import Store
from phr.views.quality import quality
from phr.views.quality_codes import LOINC, SNOMED, SUITED, check_digit, coded, verhoeff, wrong_codes
from phr.views.quality_limits import LIMITS
from phr.views.selection import Selection

Make = Callable[..., Received]
LAB, VITAL = "laboratory", "vital-signs"
_NUMBER = count(1)


def observed(
    make: Make,
    code: str,
    value: object,
    unit: str | None,
    date: str | None = "2024-05-01T08:00:00Z",
    **more: Any,
) -> Received:
    """One measurement under a LOINC code; `value` may be a number, words, or a whole element."""
    id_ = more.pop("id", None) or f"m{next(_NUMBER)}"
    told: dict[str, Any] = {"valueString": value} if isinstance(value, str) else {}
    if isinstance(value, int | float):
        told = {"valueQuantity": {"value": value} | ({"unit": unit} if unit else {})}
    kind = VITAL if code in ("29463-7", "8302-2", "8310-5", "8867-4", "59408-5", "85354-9") else LAB
    return make(
        "Observation",
        id_,
        status=more.pop("status", "final"),
        category=[{"coding": [{"code": kind}]}],
        code=more.pop(
            "concept", {"coding": [{"system": LOINC, "code": code}], "text": more.pop("text", code)}
        ),
        **({"effectiveDateTime": date} if date else {}),
        **told,
        **more,
    )


def person(make: Make, birth: str | None = "1970-05-05", **more: Any) -> Received:
    return make(
        "Patient", "p", name=[{"text": "Ada Example"}], **({"birthDate": birth} if birth else {}), **more
    )


def found(store: Store, selection: Selection | None = None) -> list[tuple[str, str]]:
    """`(id of the resource, reason)` of all that is worth asking about."""
    report = quality(store, selection or Selection())
    return [(one["resource"].partition("/")[2], one["reason"]) for one in report["implausible"]]


# ── numbers ───────────────────────────────────────────────────────────────────────────────────────

# code, the person's own values, unit, the odd one, its unit, what is said of it
SLIPS = [
    ("8302-2", (172, 171.5, 172), "cm", 17.2, "m", "factor_of_ten"),
    ("8302-2", (172, 171.5, 172), "cm", 172, "m", "unit"),
    ("8302-2", (172, 171.5, 172), "cm", 1.72, "cm", "unit"),
    ("8302-2", (172, 171.5, 172), "cm", 67.7, "cm", "unit"),  # inches
    ("29463-7", (70, 71, 69.5), "kg", 700, "kg", "factor_of_ten"),
    ("29463-7", (70, 71, 69.5), "kg", 7.0, "kg", "factor_of_ten"),
    ("29463-7", (70, 71, 69.5), "kg", 154, "kg", "unit"),  # pounds
    ("29463-7", (), "kg", 71, "cm", "unit"),
    ("29463-7", (), "kg", 71, "mg/dL", "unit"),
    ("8310-5", (), "Cel", 3.7, "Cel", "factor_of_ten"),
    ("8310-5", (), "Cel", 370, "Cel", "factor_of_ten"),
    ("8310-5", (), "Cel", 98.6, "Cel", "unit"),
    ("8310-5", (), "[degF]", 36.9, "[degF]", "unit"),
    ("2823-3", (), "mmol/L", 42, "mmol/L", "factor_of_ten"),
    ("2823-3", (4.1, 4.4), "mmol/L", 0.43, "mmol/L", "factor_of_ten"),
    ("2951-2", (), "mmol/L", 14.1, "mmol/L", "factor_of_ten"),
    ("718-7", (13.5, 13.9, 13.2), "g/dL", 135, "g/dL", "unit"),
    ("718-7", (13.5, 13.9, 13.2), "g/dL", 1.35, "g/dL", "factor_of_ten"),
    ("4548-4", (7.1, 6.9), "%", 54, "%", "unit"),
    ("4548-4", (), "%", 70, "%", "unit"),
    ("4548-4", (), "mmol/mol", 6.1, "mmol/mol", "unit"),
    ("59408-5", (), "%", 102, "%", "impossible"),
    ("59408-5", (), "%", 9.8, "%", "factor_of_ten"),
    ("59408-5", (), "%", 0.98, "%", "unit"),
    ("8867-4", (), "/min", 7, "/min", "factor_of_ten"),
    ("8867-4", (), "/min", 0, "/min", "impossible"),
    ("2160-0", (0.9, 1.0), "mg/dL", 88, "mg/dL", "unit"),
    ("2160-0", (), "umol/L", 0.9, "umol/L", "unit"),
    ("2345-7", (95, 99, 102), "mg/dL", 5.5, "mg/dL", "unit"),
    ("2345-7", (5.4, 5.6, 5.5), "mmol/L", 98, "mmol/L", "unit"),
    ("2093-3", (190, 201), "mg/dL", 5.2, "mg/dL", "unit"),
    ("17861-6", (), "mg/dL", 2.4, "mg/dL", "unit"),
    ("777-3", (250, 260), "10*3/uL", 250000, "10*3/uL", "unit"),
    ("1742-6", (), "U/L", -12, "U/L", "impossible"),
    ("20150-9", (2.1, 2.0, 2.05), "L", 21, "L", "factor_of_ten"),
    ("20150-9", (), "L", 2100, "L", "unit"),
    ("44261-6", (), "{score}", 90, "{score}", "factor_of_ten"),
    (
        "2472-9",
        (1.2, 1.3, 1.25, 1.2),
        "g/L",
        12.4,
        "g/L",
        "factor_of_ten",
    ),  # IgM: in no table, and not said to jump
]
TRUE = [  # real extremes, other units, growth
    ("2345-7", (95, 99, 102), "mg/dL", 600, "mg/dL"),
    ("2345-7", (95, 99, 102), "mg/dL", 980, "mg/dL"),
    ("2345-7", (95, 99, 102), "mg/dL", 5.5, "mmol/L"),
    ("1988-5", (2, 3, 2.5), "mg/L", 250, "mg/L"),
    ("2276-4", (60, 75, 80), "ng/mL", 3000, "ng/mL"),
    ("2276-4", (300, 310, 290), "ng/mL", 3000, "ng/mL"),
    ("3016-3", (2, 2.2, 1.9), "m[IU]/L", 80, "m[IU]/L"),
    ("3016-3", (2, 2.2, 1.9), "m[IU]/L", 0.2, "m[IU]/L"),
    ("2160-0", (0.9, 1.0, 0.95), "mg/dL", 9.2, "mg/dL"),
    ("2160-0", (0.9, 1.0, 0.95), "mg/dL", 84, "umol/L"),
    ("1742-6", (30, 28, 33), "U/L", 310, "U/L"),
    ("1975-2", (0.6, 0.7), "mg/dL", 17, "mg/dL"),
    ("6690-2", (7, 6.5, 7.1), "10*3/uL", 0.2, "10*3/uL"),
    ("6690-2", (7, 6.5, 7.1), "10*3/uL", 0, "10*3/uL"),
    ("718-7", (13.5, 13.9, 13.2), "g/dL", 6.1, "g/dL"),
    ("718-7", (13.5, 13.9, 13.2), "g/dL", 134, "g/L"),
    ("2823-3", (4.1, 4.4), "mmol/L", 7.9, "mmol/L"),
    ("4548-4", (7.1, 6.9), "%", 14.2, "%"),
    ("4548-4", (7.1, 6.9), "%", 55, "mmol/mol"),
    ("29463-7", (70, 71, 69.5), "kg", 155, "[lb_av]"),
    ("29463-7", (70, 71, 69.5), "kg", 110, "kg"),
    ("8310-5", (), "Cel", 41.8, "Cel"),
    ("8310-5", (), "Cel", 98.6, "[degF]"),
    ("59408-5", (97, 98), "%", 62, "%"),
    ("8867-4", (70, 72), "/min", 190, "/min"),
    ("20150-9", (2.1, 2.0, 2.05), "L", 2060, "mL"),
    ("1925-7", (0, -1, 1), "mmol/L", -8, "mmol/L"),  # base excess
    ("2039-6", (2, 2.1, 1.9, 2), "ng/mL", 21, "ng/mL"),  # CEA, a tumour marker
]


def series(
    make: Make, code: str, own: tuple[float, ...], unit: str, odd: float, odd_unit: str, **more: Any
) -> list[Received]:
    """The person's own values a month apart, the odd one among them."""
    days = [f"2024-0{at + 1}-10T08:00:00Z" for at in range(len(own))]
    told = [observed(make, code, value, unit, day, **more) for value, day in zip(own, days, strict=True)]
    return [
        person(make),
        *told,
        observed(make, code, odd, odd_unit, "2024-02-20T08:00:00Z", id="odd", **more),
    ]


@pytest.mark.parametrize(("code", "own", "unit", "odd", "odd_unit", "reason"), SLIPS)
def test_a_number_that_cannot_be_is_named_with_what_was_probably_meant(
    store: Store,
    source: str,
    received: Make,
    code: str,
    own: Any,
    unit: str,
    odd: float,
    odd_unit: str,
    reason: str,
) -> None:
    store.save(source, series(received, code, own, unit, odd, odd_unit, text="Measured"))
    assert found(store) == [("odd", reason)]


@pytest.mark.parametrize(("code", "own", "unit", "odd", "odd_unit"), TRUE)
def test_illness_other_units_and_growth_are_no_slips(
    store: Store, source: str, received: Make, code: str, own: Any, unit: str, odd: float, odd_unit: str
) -> None:
    names = {"1925-7": "Base excess", "2039-6": "Carcinoembryonic antigen"}
    store.save(source, series(received, code, own, unit, odd, odd_unit, text=names.get(code, "Measured")))
    assert found(store) == []


def test_a_child_grows_tenfold_and_nothing_is_said(store: Store, source: str, received: Make) -> None:
    told = [
        ("2014-05-05", 3.4),
        ("2014-09-05", 6.9),
        ("2015-05-05", 9.8),
        ("2018-05-05", 16),
        ("2024-05-05", 34),
    ]
    store.save(
        source,
        [person(received, "2014-05-05"), *(observed(received, "29463-7", kg, "kg", day) for day, kg in told)],
    )
    assert found(store) == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [("1280/80", "factor_of_ten"), ("80/128", "impossible"), ("128/8", "factor_of_ten"), ("128/80", None), ("230/140", None),
     ("60/20", None)],
)  # fmt: skip
def test_both_numbers_of_a_blood_pressure_are_looked_at(
    store: Store, source: str, received: Make, value: str, reason: str | None
) -> None:
    above, below = (float(one) for one in value.split("/"))
    parts = [
        {
            "code": {"coding": [{"system": LOINC, "code": code}]},
            "valueQuantity": {"value": number, "unit": "mm[Hg]"},
        }
        for code, number in (("8480-6", above), ("8462-4", below))
    ]
    others = (
        [observed(received, "8462-4", 80, "mm[Hg]", f"2024-0{at}-01") for at in (1, 2, 3)]
        if value == "128/8"
        else []
    )
    store.save(
        source,
        [person(received), *others, observed(received, "85354-9", None, None, id="bp", component=parts)],
    )
    assert found(store) == ([("bp", reason)] if reason else [])


def test_parts_of_other_observations_are_looked_at_too(store: Store, source: str, received: Make) -> None:
    parts = [
        {
            "code": {"coding": [{"system": LOINC, "code": code}]},
            "valueQuantity": {"value": number, "unit": "mmol/L"},
        }
        for code, number in (("2951-2", 139), ("2823-3", 42))
    ]
    store.save(source, [observed(received, "24326-1", None, None, id="salts", component=parts)])
    report = quality(store)
    (one,) = report["implausible"]
    assert (one["resource"], one["reason"], one["value"]) == ("Observation/salts", "factor_of_ten", 42)


# title, code, value, unit, reason
PH = [
    ("pH of Arterial blood", "2744-1", 74, None, "factor_of_ten"),
    ("Arterial pH", "x1", 74.1, None, "factor_of_ten"),
    ("Arterial pH", "x1", 0.74, None, "factor_of_ten"),
    ("Measured", "2746-6", 5.0, None, "impossible"),
    ("pH Urine", "5803-2", 60, None, "factor_of_ten"),
    ("Urine pH", "x2", 12, "[pH]", "impossible"),
    ("pH", "x3", 15, None, "impossible"),
    ("pH", "x3", -1, None, "impossible"),
    ("pH of Arterial blood", "2744-1", 6.8, None, None),
    ("pH of Arterial blood", "2744-1", 7.9, None, None),
    ("Urine pH", "5803-2", 4.5, None, None),
    ("Urine pH", "5803-2", 9, None, None),
    ("Gastric fluid pH", "x4", 1.2, None, None),
    ("Calcium adjusted to pH 7.4", "x5", 1.2, "mmol/L", None),
    ("Hydrogen ion at pH", "x6", 40, "nmol/L", None),
    ("Philadelphia score", "x7", 74, None, None),
]


@pytest.mark.parametrize(("title", "code", "value", "unit", "reason"), PH)
def test_a_ph_is_judged_by_what_it_is_of(
    store: Store,
    source: str,
    received: Make,
    title: str,
    code: str,
    value: float,
    unit: str | None,
    reason: str | None,
) -> None:
    coded_as = code if "-" in code else None
    told = observed(received, code, value, unit, text=title, id="ph")
    if coded_as is None:
        told = observed(received, code, value, unit, id="ph", concept={"text": title})
    store.save(source, [person(received), told])
    assert found(store) == ([("ph", reason)] if reason else [])


def test_of_two_explanations_the_unit_is_said_first_and_the_other_too(
    store: Store, source: str, received: Make
) -> None:
    store.save(source, series(received, "4548-4", (5.7, 5.8, 5.7), "%", 58, "%", text="HbA1c"))
    (one,) = quality(store)["implausible"]
    assert (one["reason"], one["also"]) == ("unit", ["factor_of_ten"])
    unit, point = (
        one["detail"].index("mmol/mol, which is 7.4"),
        one["detail"].index("Or: with the decimal point"),
    )
    assert unit < point


def test_what_leads_to_the_same_number_is_said_once(store: Store, source: str, received: Make) -> None:
    store.save(source, series(received, "718-7", (13.5, 13.9, 13.2), "g/dL", 135, "g/dL", text="Hemoglobin"))
    (one,) = quality(store)["implausible"]
    assert "in g/L" in one["detail"] and "Or:" not in one["detail"]


def test_what_it_was_held_against_stands_beside_it(store: Store, source: str, received: Make) -> None:
    store.save(source, series(received, "29463-7", (70, 71, 69.5), "kg", 700, "kg"))
    (one,) = quality(store)["implausible"]
    assert {each["value"] for each in one["compared_with"]} == {70, 71, 69.5}
    assert one["limits"]["high"] == 650
    assert "70 kg, like your other values" in one["detail"]
    assert (one["value"], one["unit"], one["source"]) == (700, "kg", "clinic")


# ── dates ─────────────────────────────────────────────────────────────────────────────────────────


def _condition(make: Make, when: str, **more: Any) -> Received:
    return make("Condition", "it", code={"text": more.pop("text", "Cough")}, onsetDateTime=when, **more)


def _visit(make: Make, start: str, end: str | None = None, status: str = "finished") -> Received:
    return make("Encounter", "it", status=status, period={"start": start} | ({"end": end} if end else {}))


# The clock of these tests stands at 2026-03-01T00:00:00Z; Ada was born on 1970-05-05 and died on 2025-06-01.
DATES: list[tuple[Callable[[Make], Received], str | None]] = [
    (lambda make: _condition(make, "2031-01-01"), "future"),
    (lambda make: _condition(make, "2026-03-03"), "future"),
    (lambda make: _condition(make, "2026-03-01"), None),  # today
    (lambda make: _condition(make, "2026"), None),  # the year is not over
    (lambda make: _condition(make, "2027"), "future"),
    (lambda make: _condition(make, "2019-01-01", recordedDate="2099-01-01"), "future"),
    (lambda make: _visit(make, "2026-03-01T00:20:00Z"), None),  # a clock that goes wrong
    (lambda make: _visit(make, "2026-03-01T09:00:00Z"), "future"),
    (lambda make: _visit(make, "2026-09-01", status="planned"), None),
    (lambda make: make("Appointment", "it", status="booked", start="2027-01-01T09:00:00Z"), None),
    (lambda make: make("Goal", "it", lifecycleStatus="active", description={"text": "Walk"}, startDate="2027-01"), None),
    (lambda make: make("Task", "it", status="requested", executionPeriod={"start": "2026-06-01"}), None),
    (lambda make: make("ServiceRequest", "it", status="active", occurrenceDateTime="2026-12-01", code={"text": "CT"}), None),
    (lambda make: make("ServiceRequest", "it", status="active", authoredOn="2028-12-01", occurrenceDateTime="2029-01-01",
                       code={"text": "CT"}), "future"),
    (lambda make: make("ServiceRequest", "it", status="active", authoredOn="2028-12-01", code={"text": "CT"}), "future"),
    (lambda make: make("MedicationStatement", "it", status="intended", effectiveDateTime="2026-07-01",
                       medicationCodeableConcept={"text": "Iron"}), None),
    (lambda make: make("Immunization", "it", status="completed", occurrenceDateTime="2062-01-01",
                       vaccineCode={"text": "Flu"}), "future"),
    (lambda make: make("Immunization", "it", status="not-done", occurrenceDateTime="2026-12-05",
                       vaccineCode={"text": "Flu"}), None),
    (lambda make: make("Procedure", "it", status="not-done", performedDateTime="2026-12-05", code={"text": "CT"}), None),
    (lambda make: _visit(make, "2026-12-05", status="cancelled"), None),
    (lambda make: _condition(make, "1969-12-31"), "before_birth"),
    (lambda make: _condition(make, "1900-01-01"), "before_birth"),
    (lambda make: _condition(make, "1970-05-05"), None),
    (lambda make: _condition(make, "1970-05"), None),
    (lambda make: _condition(make, "1970"), None),
    (lambda make: _condition(make, "1969"), "before_birth"),
    (lambda make: _condition(make, "1970-05-04T23:30:00Z"), None),  # the day before in another zone
    (lambda make: _condition(make, "1970-01-10", text="Maternal diabetes in pregnancy"), None),
    (lambda make: _condition(make, "1950-01-10", text="Pregnancy"), "before_birth"),
    (lambda make: make("FamilyMemberHistory", "it", status="completed", date="1960-01-01",
                       relationship={"text": "mother"}), None),
    (lambda make: make("Coverage", "it", status="active", period={"start": "1965-01-01"}), None),
    (lambda make: _visit(make, "2025-08-01"), "after_death"),
    (lambda make: _visit(make, "2025-06-01T20:00:00Z"), None),
    (lambda make: _visit(make, "2025"), None),
    (lambda make: make("Procedure", "it", status="completed", performedDateTime="2025-06-05",
                       code={"text": "Autopsy"}), None),
    (lambda make: make("DocumentReference", "it", status="current", date="2025-09-01T10:00:00Z",
                       type={"text": "Letter"}), None),
    (lambda make: _visit(make, "2020-03-05", "2020-03-01"), "end_before_start"),
    (lambda make: _visit(make, "2020-03-05T10:00:00Z", "2020-03-05T09:00:00Z"), "end_before_start"),
    (lambda make: _visit(make, "2020-03-05T10:00:00Z", "2020-03-05"), None),
    (lambda make: _visit(make, "2020-03-05", "2020-03-05T00:30:00+02:00"), None),
    (lambda make: _visit(make, "2020-03-05", "2020-03"), None),
    (lambda make: _condition(make, "2020-03", abatementDateTime="2019"), "end_before_start"),
]  # fmt: skip


@pytest.mark.parametrize(("make_it", "reason"), DATES)
def test_a_date_is_wrong_only_where_it_is_wrong_in_all_that_it_can_mean(
    store: Store, source: str, received: Make, make_it: Callable[[Make], Received], reason: str | None
) -> None:
    store.save(source, [person(received, deceasedDateTime="2025-06-01"), make_it(received)])
    report = quality(store)["implausible"]
    if reason == "future":  # who has died is found there too
        assert "future" in [one["reason"] for one in report]
    else:
        assert [one["reason"] for one in report if one["reason"] not in ("after_death",) or reason] == (
            [reason] if reason else []
        )


def test_two_birth_dates_are_named_and_a_year_agrees_with_its_days(store: Store, received: Make) -> None:
    for name, birth in (
        ("one", "1970-05-05"),
        ("two", "1970-05-05"),
        ("three", "1970"),
        ("four", "1970-05-06"),
    ):
        store.save(store.sources.ensure(name).key, [person(received, birth)])
    (one,) = quality(store)["implausible"]
    assert (one["reason"], one["source"], one["value"]) == ("birth_date", "four", "1970-05-06")


# ── flags, doubles, codes ─────────────────────────────────────────────────────────────────────────

FLAGS = [
    ("H", 5.0, 4, 6, "range"), ("HH", 5.0, 4, 6, "range"), ("L", 5.0, 4, 6, "range"), ("N", 7.5, 4, 6, "range"),
    ("H", 7.0, 4, 6, None), ("L", 3.0, 4, 6, None), ("N", 5.0, 4, 6, None), ("H", 6.0, 4, 6, None), ("A", 5.0, 4, 6, None),
    ("N", 6.05, 4, 6, None), (None, 5.0, 6, 4, "range"),
]  # fmt: skip


@pytest.mark.parametrize(("flag", "value", "low", "high", "reason"), FLAGS)
def test_a_flag_that_its_own_range_contradicts_is_named(
    store: Store,
    source: str,
    received: Make,
    flag: str | None,
    value: float,
    low: float,
    high: float,
    reason: str | None,
) -> None:
    said = {"interpretation": [{"coding": [{"code": flag}]}]} if flag else {}
    ranges = [{"low": {"value": low, "unit": "U"}, "high": {"value": high, "unit": "U"}}]
    store.save(source, [observed(received, "5000-0", value, "U", id="it", referenceRange=ranges, **said)])
    assert [one for one in found(store) if one[1] == "range"] == ([("it", reason)] if reason else [])


def test_a_flag_by_a_range_of_some_age_is_not_held_against_another(
    store: Store, source: str, received: Make
) -> None:
    ranges = [
        {"low": {"value": 4}, "high": {"value": 6}},
        {"high": {"value": 4.5}, "age": {"high": {"value": 10}}},
    ]
    said = {"interpretation": [{"coding": [{"code": "H"}]}]}
    store.save(source, [observed(received, "2823-3", 5, "mmol/L", referenceRange=ranges, **said)])
    assert found(store) == []


DOUBLES: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),
    ({}, {"date": "2024-05-01T09:00:00Z"}, False),
    ({}, {"value": 4.3}, False),
    ({}, {"code": "2951-2", "value": 139}, False),
    ({}, {"status": "preliminary"}, False),
    ({"bodySite": {"text": "left arm"}}, {"bodySite": {"text": "right arm"}}, False),
    ({"specimen": {"display": "1"}}, {"specimen": {"display": "2"}}, False),
    ({"date": "2024"}, {"date": "2024"}, False),
    ({"date": None}, {"date": None}, False),
]


@pytest.mark.parametrize(("one", "other", "double"), DOUBLES)
def test_a_result_that_stands_twice_in_one_source_is_named(
    store: Store, source: str, received: Make, one: dict[str, Any], other: dict[str, Any], double: bool
) -> None:
    plain = {"code": "2823-3", "value": 4.2, "unit": "mmol/L"}
    store.save(
        source, [observed(received, **(plain | one), id="a"), observed(received, **(plain | other), id="b")]
    )
    assert [reason for _, reason in found(store)] == (["duplicate"] if double else [])


def test_two_sources_that_say_the_same_are_no_double(store: Store, received: Make) -> None:
    for name in ("clinic", "hospital"):
        store.save(store.sources.ensure(name).key, [observed(received, "2823-3", 4.2, "mmol/L", id="a")])
    report = quality(store)
    assert report["implausible"] == []
    assert [one["records"] for one in report["sources"]] == [1, 1]


@pytest.mark.parametrize(
    ("system", "code", "wrong"),
    [
        (LOINC, "718-7", False), (LOINC, "718-8", True), (LOINC, "8302-2", False), (LOINC, "8302", True),
        (LOINC, "LA6576-8", False), (LOINC, "LP29684-5", False), (LOINC, "made up", True),
        (SNOMED, "73211009", False), (SNOMED, "73211008", True), (SNOMED, "1234", True), (SNOMED, "34552-0", True),
        ("http://www.nlm.nih.gov/research/umls/rxnorm", "314076", False),
        ("http://www.nlm.nih.gov/research/umls/rxnorm", "aspirin", True),
        ("http://hl7.org/fhir/sid/cvx", "140", False), ("http://hl7.org/fhir/sid/cvx", "1400", True),
        ("http://hl7.org/fhir/sid/icd-10-cm", "E88.01", False), ("http://hl7.org/fhir/sid/icd-10-cm", "88.01", True),
        ("https://loinc.org", "718-7", True), ("LOINC", "718-7", True), ("lab codes", "HGB", True),
        ("urn:oid:1.2.840.114350.1.13", "HGB", False), ("http://hospital.example/codes", "HGB", False),
        (None, "HGB", False), ("urn:oid:2.16.840.1.113883.6.1", "718-8", True),
    ],
)  # fmt: skip
def test_a_code_is_held_against_the_rules_of_its_own_system(
    system: str | None, code: str, wrong: bool
) -> None:
    import orjson

    assert bool(wrong_codes(orjson.dumps([[system, code, None]]).decode())) is wrong


def test_check_digits_are_computed_as_their_owners_do() -> None:
    assert [check_digit(one) for one in ("718", "4548", "29463", "59408")] == [7, 4, 7, 5]
    assert verhoeff("363679005")
    assert not verhoeff("363679006")
    from phr.records.measures import BY_CODE

    wrong = [code for code in BY_CODE if check_digit(code[:-2]) != int(code[-1])]
    assert wrong == ["48805-0"]  # met in real records, and no code of LOINC


# ── shares ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def mixed(store: Store, source: str, received: Make) -> Store:
    ranged = [{"low": {"value": 3.5}, "high": {"value": 5.1}}]
    visit = received(
        "Encounter",
        "e",
        status="finished",
        period={"start": "2024-05-01"},
        serviceProvider={"display": "Clinic"},
    )
    store.save(
        source,
        [
            person(received),
            visit,
            observed(received, "2823-3", 4.2, "mmol/L", referenceRange=ranged, encounter={"reference": "Encounter/e"}),
            observed(received, "2951-2", 139, None),
            observed(received, "600-7", "No growth", None),
            observed(received, "2756-5", 6.5, None, text="pH of urine", date=None),
            received("Observation", "local", status="final", category=[{"coding": [{"code": LAB}]}],
                     code={"coding": [{"system": "urn:oid:1.2.3", "code": "K"}], "text": "Potassium"},
                     valueQuantity={"value": 4, "unit": "mmol/L"}, effectiveDateTime="2023-01-01"),
            received("Condition", "c", code={"coding": [{"system": SNOMED, "code": "73211009"}]}),
            received("Communication", "m", status="completed", sent="2024-05-02"),
        ],
    )  # fmt: skip
    return store


def test_shares_count_only_where_they_apply(mixed: Store) -> None:
    (one,) = quality(mixed)["sources"]
    assert (one["source"], one["records"]) == ("clinic", 8)
    assert {
        name: (one[name]["have"], one[name]["of"])
        for name in ("coded", "dated", "unit", "range", "attributed")
    } == {
        "coded": (5, 7),  # the message needs none; the visit and one result have none that others can read
        "dated": (6, 8),
        "unit": (2, 3),  # words and a pH need none
        "range": (1, 4),
        "attributed": (2, 8),  # the visit, and the result that belongs to it
    }
    labs = one["by_kind"]["lab_result"]
    assert (labs["records"], labs["coded"]) == (5, {"have": 4, "of": 5, "share": 0.8})
    assert one["by_kind"]["message"]["coded"] == {"have": 0, "of": 0, "share": None}


def test_a_selection_narrows_what_is_counted_and_told_but_not_what_is_compared(
    store: Store, received: Make, source: str
) -> None:
    store.save(source, series(received, "29463-7", (70, 71, 69.5), "kg", 154, "kg"))
    only = Selection(since="2024-02-15", until="2024-02-25")
    assert quality(store, only)["sources"][0]["records"] == 1
    assert found(store, only) == [("odd", "unit")]
    assert found(store, Selection(since="2024-02-25")) == []
    assert found(store, Selection(kinds=("problem",))) == []


def test_a_source_that_is_not_there_is_said(mixed: Store) -> None:
    with pytest.raises(UsageError, match="no source named nowhere"):
        quality(mixed, Selection(sources=("nowhere",)))


def test_nothing_is_changed_and_a_correction_settles_it(store: Store, source: str, received: Make) -> None:
    store.save(source, series(received, "8302-2", (172, 171.5), "cm", 17.2, "m"))
    query = "SELECT id, raw_hash, changed FROM resource ORDER BY id"
    before = store.db.execute(query).fetchall()
    (one,) = quality(store)["implausible"]
    assert store.db.execute(query).fetchall() == before

    store.own.correct(int(one["record"]), {"value": "1.72"})
    assert found(store) == []


def test_an_empty_record_has_nothing_to_say(store: Store) -> None:
    report = quality(store)
    assert (report["sources"], report["implausible"], report["checked"]) == ([], [], 0)


# ── the tables ────────────────────────────────────────────────────────────────────────────────────


def test_every_measure_has_limits_that_hold_together() -> None:
    from phr.records.measures import BY_ID
    from phr.records.units import conversion, parse

    assert set(LIMITS) == set(BY_ID)
    for id_, limit in LIMITS.items():
        assert (
            limit.low <= limit.usual[0] < limit.usual[1] <= limit.high or id_ == "transferrin-saturation"
        ), id_
        assert not limit.unit or parse(limit.unit) is not None, id_
        for unit in limit.mixed:
            assert conversion(unit, limit.unit, BY_ID[id_]) is not None, (id_, unit)


def test_every_kind_with_a_system_is_a_kind() -> None:
    from phr.model import KINDS

    assert set(SUITED) <= set(KINDS)
    assert coded("lab_result", '[["http://loinc.org","718-7",null]]') is True
    assert coded("lab_result", '[["http://snomed.info/sct","73211009",null]]') is False
    assert coded("message", "[]") is None
