"""What is measured: units that are known and fit, values that can be, and codes that the record has already."""

from __future__ import annotations

from typing import Any

import pytest

from phr.errors import UsageError
from phr.store.store import Store
from phr.workspace.own import links, measure, suggest, units, vitals
from phr.workspace.own.checking import LARGEST, code_of, read_file, words
from phr.workspace.own.values import Measured, number, pair_of, value_of

WEIGHT = vitals.named("weight")


@pytest.mark.parametrize(
    ("typed", "ucum"),
    {
        "mg/dl": "mg/dL", "MG/DL": "mg/dL", "mg/dL": "mg/dL", "kg": "kg", "kilos": "kg", "lbs": "[lb_av]",
        "°F": "[degF]",
        "C": "Cel", "mmol/l": "mmol/L", "umol/L": "umol/L", "µmol/l": "umol/L", "mcg/L": "ug/L", "IU/L": "[IU]/L",
        "U/L": "U/L",
        "mIU/L": "m[IU]/L", "10*3/uL": "10*3/uL", "K/uL": "10*3/uL", "x10^9/L": "10*9/L", "{cells}/uL": "{cells}/uL",
        "%": "%",
        "mm Hg": "mm[Hg]", "mmHg": "mm[Hg]", "bpm": "/min", "L/min": "L/min", "kg/m2": "kg/m2",
        "mL/min/1.73m2": "mL/min/{1.73_m2}",
        "g/L": "g/L", "mm/hr": "mm/h", "fL": "fL", "pg": "pg", "mmol/mol": "mmol/mol", "meq/L": "meq/L",
    }.items(),
)  # fmt: skip
def test_units_as_people_write_them(typed: str, ucum: str) -> None:
    assert units.known(typed) == ucum


@pytest.mark.parametrize(
    "typed", ["", "foo", "mg/", "//", "mg//dL", "bananas", "x" * 50, "m g d", "ⅿg", "mg/foo"]
)
def test_what_is_no_unit_is_not_known(typed: str) -> None:
    assert units.known(typed) is None


@pytest.mark.parametrize(
    ("one", "other", "fits"),
    [
        ("mg/dL", "mmol/L", True),
        ("mg/dL", "g/L", True),
        ("ug/L", "[IU]/L", True),
        ("10*3/uL", "10*9/L", True),
        ("%", "mmol/mol", True),
        ("kg", "mg/dL", False),
        ("kg", "[lb_av]", True),
        ("mm[Hg]", "kg", False),
        ("U/L", "%", False),
        ("h", "mg/dL", False),
    ],
)
def test_two_units_of_one_measurement_measure_the_same_sort_of_thing(
    one: str, other: str, fits: bool
) -> None:
    assert units.same_sort(one, other) is fits


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("6.1", Measured("6.1", "6.1")),
        ("68.5 kg", Measured("68.5 kg", "68.5", "kg")),
        ("68.5kg", Measured("68.5kg", "68.5", "kg")),
        ("<0.5", Measured("<0.5", "0.5", None, "<")),
        ("≥ 60 mL/min", Measured("≥ 60 mL/min", "60", "mL/min", ">=")),
        ("6,1", Measured("6,1", "6.1")),
        ("0,125", Measured("0,125", "0.125")),
        ("5'7\"", Measured("5'7\"", "67", "in")),
        ("5 ft 7 in", Measured("5 ft 7 in", "67", "in")),
        ("positive", Measured("positive")),
        ("2 plus", Measured("2 plus")),
        ("1:40", Measured("1:40")),
    ],
)
def test_a_value_is_a_number_or_words(typed: str, means: Measured) -> None:
    assert value_of(typed) == means


@pytest.mark.parametrize("typed", ["1,200", "1.2.3", "abc", "", "1,2,3", "--1", "१"])
def test_a_number_that_can_be_read_in_two_ways_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        number(typed)


def test_a_blood_pressure_has_two_numbers() -> None:
    assert pair_of("128/82") == pair_of("128 over 82") == pair_of("128/82 mmHg") == ("128", "82")
    assert pair_of("128") is None
    assert pair_of("128/82/3") is None


@pytest.mark.parametrize(
    ("value", "unit", "usual"),
    [("68.5", "mg/dL", "kg"), ("68.5", "cm", "kg"), ("68.5", "foo", "kg"), ("heavy", None, "68.5 kg")],
)
def test_a_weight_in_another_unit_is_refused_with_the_usual_one(
    value: str, unit: str | None, usual: str
) -> None:
    with pytest.raises(UsageError) as error:
        measure.checked("weight", value, unit, None, WEIGHT)
    assert usual in (error.value.hint or "")


def test_a_unit_goes_without_saying_only_where_there_is_one() -> None:
    pulse = measure.checked("pulse", "64", None, None, vitals.named("pulse"))
    assert pulse is not None and pulse.unit == "/min"
    with pytest.raises(measure.MissingUnit):
        measure.checked("weight", "68.5", None, None, WEIGHT)
    known = measure.Last(5.6, "%", "2025-01-01")
    with pytest.raises(measure.MissingUnit):
        measure.checked("Hemoglobin A1c", "6.1", None, known, None)
    ratio = measure.checked("INR", "1.1", None, None, None)
    assert ratio is not None and ratio.unit is None


@pytest.mark.parametrize(
    ("title", "value", "unit", "last", "is_odd"),
    [
        ("weight", "685", "kg", None, True),
        ("weight", "68.5", "kg", measure.Last(69.0, "kg", None), False),
        ("weight", "151", "lb", measure.Last(69.0, "kg", None), False),
        ("weight", "151", "kg", measure.Last(69.0, "kg", None), True),
        ("temperature", "98.6", "F", measure.Last(37.0, "Cel", None), False),
        ("temperature", "98.6", "C", None, True),
        ("bp", "128/82", None, None, False),
        ("bp", "82/128", None, None, True),
        ("ferritin", "610", "ng/mL", measure.Last(61.0, "ng/mL", "2025"), True),
        ("ferritin", "80", "ng/mL", measure.Last(61.0, "ng/mL", "2025"), False),
        ("ferritin", "none", None, measure.Last(61.0, "ng/mL", "2025"), True),
        ("ferritin", "61", "mmol/L", measure.Last(61.0, "ng/mL", "2025"), False),
    ],
)
def test_a_lost_decimal_point_is_odd(
    title: str, value: str, unit: str | None, last: measure.Last | None, is_odd: bool
) -> None:
    vital = vitals.named(title)
    found = measure.checked(title, value, unit, last, vital)
    assert (measure.odd(title, value, found, last, vital) is not None) is is_odd


# ── what the record knows ─────────────────────────────────────────────────────────────────────────


def lab(received: Any, id_: str, title: str, code: str, value: float = 6.0, unit: str = "%") -> Any:
    return received(
        "Observation", id_, status="final", category=[{"coding": [{"code": "laboratory"}]}],
        code={"coding": [{"system": "http://loinc.org", "code": code}], "text": title},
        effectiveDateTime=f"2025-01-{int(id_):02}", valueQuantity={"value": value, "unit": unit},
    )  # fmt: skip


def test_the_code_of_the_very_same_name_is_certain(store: Store, source: str, received: Any) -> None:
    store.save(
        source, [lab(received, "1", "Hemoglobin A1c", "4548-4"), lab(received, "2", "Hemoglobin", "718-7")]
    )
    found = suggest.suggestions(store.db, "lab_result", "hemoglobin a1c")
    certain = suggest.certain(found)
    assert certain is not None
    assert (certain.words, certain.unit) == ("LOINC 4548-4", "%")
    assert suggest.certain(suggest.suggestions(store.db, "lab_result", "hemoglob")) is None
    assert {one.words for one in suggest.suggestions(store.db, "lab_result", "hemoglob")} == {
        "LOINC 4548-4",
        "LOINC 718-7",
    }
    assert suggest.suggestions(store.db, "problem", "Hemoglobin A1c") == []


def test_two_codes_of_one_name_are_not_certain(store: Store, source: str, received: Any) -> None:
    store.save(source, [lab(received, "1", "Glucose", "2345-7"), lab(received, "2", "Glucose", "2339-0")])
    assert suggest.certain(suggest.suggestions(store.db, "lab_result", "Glucose")) is None


@pytest.mark.parametrize("typed", ["", '"', "' OR 1", "NEAR(", "*", "title:x", "a b c d e f g h i j", "Ω"])
def test_whatever_is_typed_is_no_error_of_the_search(store: Store, typed: str) -> None:
    assert suggest.suggestions(store.db, "lab_result", typed) == []


def test_the_last_value_is_found_by_code_and_by_index(store: Store, source: str, received: Any) -> None:
    store.save(source, [lab(received, "1", "A1c", "4548-4", 5.5), lab(received, "2", "HbA1c", "4548-4", 5.9)])
    last = measure.last_known(store.db, measure.keys_of("anything", ("4548-4",), None))
    assert last is not None
    assert (last.value, last.unit, last.date) == (5.9, "%", "2025-01-02")
    plan = " ".join(str(row) for row in store.db.execute(f"EXPLAIN QUERY PLAN {measure._LAST}", ("x",)))
    assert "record_measured" in plan


def test_a_link_leads_to_where_its_own_source_has_it(store: Store, source: str, received: Any) -> None:
    store.save(source, [lab(received, "1", "A1c", "4548-4"), received("Encounter", "e", status="finished")])
    (row,) = store.db.execute("SELECT id FROM resource WHERE type = 'Encounter'").fetchone()
    visit = links.visit(store.db, str(row))
    assert visit.url == f"https://phr.invalid/{source}/Encounter/e"
    (about,) = links.about(store.db, "document", ["Observation/1"])
    assert about.type == "Observation"
    with pytest.raises(UsageError, match="no visit"):
        links.visit(store.db, "Observation/1")
    with pytest.raises(UsageError, match="cannot point"):
        links.about(store.db, "coverage", ["Observation/1"])
    with pytest.raises(UsageError, match="no such record"):
        links.about(store.db, "document", ["99999"])


# ── files and words ───────────────────────────────────────────────────────────────────────────────


def test_a_file_is_what_its_bytes_say(tmp_path: Any) -> None:
    (tmp_path / "scan.txt").write_bytes(b"%PDF-1.4 really")
    assert read_file(tmp_path / "scan.txt").media_type == "application/pdf"
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    assert read_file(tmp_path / "a.jpg").media_type == "image/jpeg"


def test_what_is_no_file_is_refused(tmp_path: Any) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty.pdf").touch()
    with (tmp_path / "huge.pdf").open("wb") as handle:
        handle.truncate(LARGEST + 1)
    for name in ("pipe", "empty.pdf", "huge.pdf", "missing.pdf", "."):
        with pytest.raises(UsageError):
            read_file(tmp_path / name)


@pytest.mark.parametrize(("typed", "system"), [
    ("loinc|4548-4", "http://loinc.org"), ("SNOMED|195967001", "http://snomed.info/sct"),
    ("rxnorm|861007", "http://www.nlm.nih.gov/research/umls/rxnorm"), ("icd10|J45.909", "http://hl7.org/fhir/sid/icd-10-cm"),
    ("cvx|88", "http://hl7.org/fhir/sid/cvx"), ("http://example.org/codes|x", "http://example.org/codes"),
])  # fmt: skip
def test_a_code_is_said_with_the_short_name_of_its_system(typed: str, system: str) -> None:
    assert code_of(typed).system == system
    with pytest.raises(UsageError):
        code_of(typed.partition("|")[2])


def test_control_characters_never_come_into_the_record() -> None:
    assert words("a\x1b[31mb\x00c\u202e") == "a [31mb c"
    assert words("one\r\ntwo", lines=True) == "one\ntwo"
