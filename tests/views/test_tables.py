"""The definition of the tables: what each column means, how cells are written, and that no code is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies

from phr.model import KINDS, Received
from phr.records.measures import BY_ID
from phr.records.units import parse
from phr.store.store import Store
from phr.views.tables import cells, moments, page
from phr.views.tables.codes import codings
from phr.views.tables.listing import OBSERVATIONS, OF_KIND, TABLES
from phr.views.tables.measured import digits_of
from phr.views.tables.observations import observed
from phr.views.tables.shape import TYPES, Fact, Said
from phr.views.tables.ucum import _OF_MEASURE, STANDARD, standard, ucum


def test_every_kind_has_a_table_and_every_column_a_meaning() -> None:
    assert set(OF_KIND) == set(KINDS)
    for table in TABLES:
        assert len(set(table.names)) == len(table.names), table.name
        for one in table.columns:
            assert one.type in TYPES
            assert one.meaning and not one.meaning.endswith("."), (table.name, one.name)
            assert one.name.isidentifier() and one.name == one.name.lower()
        assert set(table.keys) <= set(table.names)


def test_the_page_of_the_tables_is_made_from_their_definition() -> None:
    text = (Path(__file__).parents[2] / "docs" / "tables.md").read_text("utf-8")
    assert page.with_tables(text) == text


@pytest.mark.parametrize(
    ("said", "day", "precision", "time", "zone"),
    [
        ("2015", "2015-01-01", "year", None, None),
        ("2015-03", "2015-03-01", "month", None, None),
        ("2015-03-31", "2015-03-31", "day", None, None),
        ("20150331", "2015-03-31", "day", None, None),
        ("2015-03-31T23:30:00-05:00", "2015-03-31", "second", "23:30:00", "UTC-05:00"),
        ("2015-03-31T08:30Z", "2015-03-31", "minute", "08:30", "UTC"),
        ("2015-03-31 08:30:01.250", "2015-03-31", "second", "08:30:01.250", None),
        ("around Easter", None, None, None, None),
        (None, None, None, None, None),
    ],
)
def test_a_partial_date_is_a_day_and_says_how_much_of_it_was_said(
    said: str | None, day: str | None, precision: str | None, time: str | None, zone: str | None
) -> None:
    assert (moments.day(said), moments.precision(said)) == (day, precision)
    assert (moments.time(said), moments.zone(said)) == (time, zone)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1-202", "'+1-202"),
        ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'=1"),
        ("\t=1", "'=1"),
        ("\r\n=1", "'=1"),
        ("＝1+1", "'＝1+1"),
        ("'=1", "''=1"),
        ("a;=1", "a;'=1"),
        ('a",=1', 'a",=1'),
        ('"=1', "\"'=1"),
        ("a; - b", "a;' - b"),
        ("-1.5", "-1.5"),
        ("+3e5", "+3e5"),
        ("-inf", "'-inf"),
        ("'s-Hertogenbosch", "'s-Hertogenbosch"),
        ("alpha-1, =ok", "alpha-1, =ok"),
        ("a\x1b[2Jb\u202ec", "a [2Jb c"),
        ("naïve µ 1–2", "naïve µ 1–2"),
    ],
)
def test_no_text_runs_as_a_formula_and_the_text_can_be_had_back(text: str, cell: str) -> None:
    assert cells.written(text, "text") == cell
    assert cells.bare(cell) == cells.plain(text)


@given(strategies.text(alphabet="=+-@;\"' a1,.\t\n＝", max_size=12))
def test_every_text_can_be_had_back(text: str) -> None:
    guarded = cells.guarded(text)
    assert cells.bare(guarded) == cells.plain(text)
    if guarded and guarded[0] in "=+-@＝":
        assert float(guarded)  # a plain number, zero too


def test_a_long_text_is_looked_at_in_a_moment() -> None:
    for text in ("a " * 20_000 + "\x00", "a;" * 20_000 + '"', ";" + " " * 20_000 + "x"):
        assert cells.guarded(text)


@pytest.mark.parametrize(
    ("value", "type_", "cell"),
    [
        ("1.20", "number", "1.20"),
        (1.5e-05, "number", "0.000015"),
        (3.0, "number", "3"),
        (True, "boolean", "true"),
        (False, "boolean", "false"),
        (None, "text", ""),
        (7, "number", "7"),
    ],
)
def test_numbers_keep_their_digits(value: Any, type_: str, cell: str) -> None:
    assert cells.written(value, type_) == cell


@pytest.mark.parametrize(
    ("text", "comparator", "digits"),
    [("1.20", None, "1.20"), ("<5", "<", "5"), ("≥ 60", ">=", "60"), ("1:40", None, None), ("-1.5", None, "-1.5"),
     ("negative", None, None), (None, None, None)],
)  # fmt: skip
def test_a_value_is_a_number_only_where_it_is_nothing_else(
    text: str | None, comparator: str | None, digits: str | None
) -> None:
    assert digits_of(text) == (comparator, digits)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("mg/dl", "mg/dL"),
        ("K/uL", "10*3/uL"),
        ("10^3/µL", "10*3/uL"),
        ("x10E3/uL", "10*3/uL"),
        ("mIU/L", "m[IU]/L"),
        ("IU/L", "[IU]/L"),
        ("mmHg", "mm[Hg]"),
        ("beats/minute", "/min"),
        ("degF", "[degF]"),
        ("mL/min/1.73m2", "mL/min/{1.73_m2}"),
        ("ml/min/mmHg", "mL/min/mm[Hg]"),
        ("kg/m2", "kg/m2"),
        ("%", "%"),
        ("mEq/L", "meq/L"),
        ("fl", "fL"),
        ("Ehrlich units", None),
        ("score", None),
        ("", None),
        (None, None),
    ],
)
def test_a_unit_is_told_as_a_code_of_ucum_where_that_is_certain(
    written: str | None, code: str | None
) -> None:
    assert ucum(written) == code


def test_every_unit_to_compare_in_is_one_and_belongs_to_a_measurement() -> None:
    assert set(_OF_MEASURE) <= set(BY_ID)
    for unit, ids in STANDARD.items():
        assert parse(unit) is not None and ucum(unit) == unit
        for id_ in ids.split():
            code = BY_ID[id_].codes[0]
            assert standard("1.20", unit, code) == ("1.20", unit), id_


@pytest.mark.parametrize(
    ("value", "unit", "loinc", "into"),
    [
        ("5.55", "mmol/L", "14749-6", ("99.9866", "mg/dL")),
        ("2240", "mL", "20150-9", ("2.24", "L")),
        ("6.1", "%", "4548-4", ("6.1", "%")),
        ("98.6", "[degF]", "8310-5", ("37.0", "Cel")),
        ("5", "mmol/L", "1751-7", None),  # albumin: nobody says what a mole of it is
        ("5", "mg/dL", "99999-9", None),
    ],
)
def test_a_value_is_converted_only_by_a_fact(
    value: str, unit: str, loinc: str, into: tuple[str, str] | None
) -> None:
    assert standard(value, unit, loinc) == into


def test_every_coding_is_found_and_nothing_that_is_none() -> None:
    resource = {
        "resourceType": "AllergyIntolerance",
        "meta": {"tag": [{"system": "t", "code": "T"}]},
        "identifier": [{"system": "urn:x", "value": "1", "type": {"coding": [{"code": "MR"}]}}],
        "telecom": [{"system": "phone", "value": "1"}],
        "code": {
            "coding": [
                {"system": "s", "code": "1", "extension": [{"valueCoding": {"code": "e"}}]},
                {"code": "2"},
            ]
        },
        "reaction": [
            {"manifestation": [{"coding": [{"system": "s", "code": "3"}]}, {"coding": {"code": "4"}}]}
        ],
        "class": {"system": "c", "code": "AMB"},
        "valueQuantity": {"value": 1, "system": "http://unitsofmeasure.org", "code": "g"},
        "contained": [{"resourceType": "Medication", "code": {"coding": [{"system": "s", "code": "5"}]}}],
        "extension": [{"url": "u", "valueCodeableConcept": {"coding": [{"display": "only words"}]}}],
    }
    found = [(one.element, one.code) for one in codings(resource)]

    assert Counter(code for _, code in found) == Counter(
        ["T", "MR", "1", "e", "2", "3", "4", "AMB", "5", None]
    )
    assert ("reaction.manifestation", "4") in found


def _pressure(**more: Any) -> dict[str, Any]:
    def part(code: str, value: float) -> dict[str, Any]:
        loinc = [{"system": "http://loinc.org", "code": code}]
        return {"code": {"coding": loinc, "text": code}, "valueQuantity": {"value": value, "unit": "mmHg"}}

    return {
        "status": "final",
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        "effectiveDateTime": "2024-03-12T08:30:00-05:00",
        "component": [part("8480-6", 142), part("8462-4", 88)],
        **more,
    }


def _fact(store: Store) -> Fact:
    from phr.views.timeline import all_events

    (event,) = all_events(store)
    raw = store.db.execute("SELECT raw FROM resource").fetchone()[0]
    return Fact(event, (Said("clinic", event["resource"], bytes(raw)),))


def test_a_blood_pressure_is_two_measurements(
    store: Store, source: str, received: Callable[..., Received]
) -> None:
    store.save(source, [received("Observation", "bp", **_pressure())])
    fact = _fact(store)
    told = [
        (one["part"], one["loinc"], one["value"], one["unit"], one["standard_value"])
        for one in observed(fact)
    ]
    row = dict(zip(OF_KIND["vital_sign"].names, OF_KIND["vital_sign"].row(fact), strict=True))

    assert told == [(1, "8480-6", "142", "mm[Hg]", "142"), (2, "8462-4", "88", "mm[Hg]", "88")]
    assert (row["systolic"], row["diastolic"], row["value_text"]) == ("142", "88", "142/88")


def test_a_corrected_blood_pressure_is_told_as_the_person_says(
    store: Store, source: str, received: Callable[..., Received]
) -> None:
    store.save(source, [received("Observation", "bp", **_pressure())])
    store.own.correct(1, {"value": "124/79"})
    fact = _fact(store)

    assert [(one["loinc"], one["value"]) for one in observed(fact)] == [("8480-6", "124"), ("8462-4", "79")]
    row = dict(zip(OF_KIND["vital_sign"].names, OF_KIND["vital_sign"].row(fact), strict=True))
    assert (row["systolic"], row["diastolic"], row["corrected"]) == ("124", "79", "value")


def test_a_value_beside_its_parts_is_told_too(
    store: Store, source: str, received: Callable[..., Received]
) -> None:
    store.save(
        source, [received("Observation", "sum", **_pressure(valueQuantity={"value": 7, "unit": "{score}"}))]
    )
    assert [one["part"] for one in observed(_fact(store))] == [0, 1, 2]
    assert OBSERVATIONS.names[1] == "part"


def test_a_month_in_a_column_of_its_own_says_that_nobody_said_a_day(
    store: Store, source: str, received: Callable[..., Received]
) -> None:
    store.save(
        source,
        [received("Condition", "c", code={"text": "x"}, onsetDateTime="2011-06", abatementDateTime="2012")],
    )
    row = dict(zip(OF_KIND["problem"].names, OF_KIND["problem"].row(_fact(store)), strict=True))
    assert (row["onset"], row["onset_precision"], row["onset_text"]) == ("2011-06-01", "month", "2011-06")
    assert (row["abatement"], row["abatement_precision"]) == ("2012-01-01", "year")
