from __future__ import annotations

from typing import Any

import pytest

from phr.model import Record
from phr.records.derive import derive

LOINC = "http://loinc.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def observation(**elements: Any) -> Record:
    return derive({"resourceType": "Observation", "id": "o1", "status": "final", **elements}, {}.get)


def coded(code: str, display: str | None = None, system: str = LOINC) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def in_category(code: str) -> list[dict[str, Any]]:
    return [coded(code, system=CATEGORY)]


def test_a_lab_result_is_read_whole() -> None:
    record = observation(
        category=in_category("laboratory"),
        code={"text": "Potassium", **coded("2823-3", "Potassium [Moles/volume] in Serum or Plasma")},
        effectiveDateTime="2024-03-01T08:15:00-05:00",
        issued="2024-03-01T12:00:00Z",
        valueQuantity={
            "value": 5.9,
            "unit": "mmol/L",
            "system": "http://unitsofmeasure.org",
            "code": "mmol/L",
        },
        referenceRange=[{"low": {"value": 3.5, "unit": "mmol/L"}, "high": {"value": 5.1, "unit": "mmol/L"}}],
        encounter={"reference": "Encounter/e1"},
        performer=[
            {"reference": "Organization/lab", "display": "Example Lab"},
            {"display": "Dr. Ada Example"},
        ],
        note=[{"text": "Slightly\nhaemolysed"}],
    )

    assert (record.kind, record.title, record.resource) == ("lab_result", "Potassium", "Observation/o1")
    assert (record.value, record.value_number, record.unit) == ("5.9", 5.9, "mmol/L")
    assert (record.low, record.high, record.interpretation, record.abnormal) == (3.5, 5.1, "H", True)
    assert (record.date, record.recorded) == ("2024-03-01T08:15:00-05:00", "2024-03-01T12:00:00Z")
    assert (record.status, record.category, record.encounter) == ("final", "laboratory", "Encounter/e1")
    assert (record.facility, record.performer) == ("Example Lab", "Dr. Ada Example")
    assert record.codes[0].code == "2823-3"
    assert record.description == "Slightly haemolysed"
    assert "haemolysed" in record.text


@pytest.mark.parametrize(
    ("elements", "kind"),
    [
        ({"category": in_category("laboratory")}, "lab_result"),
        ({"category": in_category("vital-signs")}, "vital_sign"),
        ({"category": [{"text": "Vital Signs"}]}, "vital_sign"),
        ({"category": in_category("social-history")}, "social_history"),
        ({"category": [*in_category("survey"), *in_category("sdoh")]}, "social_history"),
        ({"category": in_category("survey")}, "questionnaire"),
        ({"category": in_category("imaging")}, "imaging"),
        ({"category": in_category("exam"), "code": coded("8867-4")}, "vital_sign"),
        ({"category": in_category("procedure"), "valueQuantity": {"value": 3.1, "unit": "L"}}, "lab_result"),
        ({"category": in_category("exam"), "valueString": "normal gait"}, "other"),
        ({"code": coded("72166-2")}, "social_history"),
        ({"referenceRange": [{"text": "negative"}]}, "lab_result"),
        ({}, "other"),
    ],
)
def test_category_then_code_then_looks_decide_the_kind(elements: dict[str, Any], kind: str) -> None:
    assert observation(**elements).kind == kind


@pytest.mark.parametrize(
    ("value", "text", "number", "unit"),
    [
        ({"valueQuantity": {"value": 6000.0, "unit": "/mL"}}, "6000", 6000.0, "/mL"),
        ({"valueQuantity": {"value": 0.00001, "code": "g"}}, "0.00001", 0.00001, "g"),
        ({"valueQuantity": {"value": 0.01, "comparator": "<", "unit": "ng/mL"}}, "<0.01", 0.01, "ng/mL"),
        ({"valueQuantity": {"value": "1.20", "unit": "mg"}}, "1.20", 1.2, "mg"),
        ({"valueString": "1.020"}, "1.020", 1.02, None),
        ({"valueString": " NOT\nDETECTED "}, "NOT DETECTED", None, None),
        ({"valueCodeableConcept": coded("260373001", "Detected")}, "Detected", None, None),
        ({"valueBoolean": False}, "no", None, None),
        ({"valueInteger": 3}, "3", 3.0, None),
        ({"valueRange": {"low": {"value": 5, "unit": "d"}, "high": {"value": 7}}}, "5–7", None, "d"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}, "1:128", None, None),
        (
            {
                "valueRatio": {
                    "numerator": {"value": 30, "unit": "mg"},
                    "denominator": {"value": 1, "unit": "g"},
                }
            },
            "30",
            30.0,
            "mg/g",
        ),
        ({"valuePeriod": {"start": "2024-01-01", "end": "2024-01-03"}}, "2024-01-01–2024-01-03", None, None),
        ({"valueTime": "10:30:00"}, "10:30:00", None, None),
        ({"valueQuantity": {"unit": "mg"}}, None, None, None),
        ({"valueQuantity": {"value": True}}, None, None, None),
    ],
)
def test_values_of_every_type(
    value: dict[str, Any], text: str | None, number: float | None, unit: str | None
) -> None:
    record = observation(**value)

    assert (record.value, record.value_number, record.unit) == (text, number, unit)


def component(code: str, value: float, **more: Any) -> dict[str, Any]:
    return {"code": coded(code, code), "valueQuantity": {"value": value, "unit": "mm[Hg]"}, **more}


def test_blood_pressure_is_one_value() -> None:
    record = observation(
        code=coded("85354-9"), component=[component("8462-4", 80), component("8480-6", 120.0)]
    )

    assert (record.value, record.unit, record.kind) == ("120/80", "mm[Hg]", "vital_sign")
    assert record.description is None


def test_other_components_are_listed() -> None:
    record = observation(component=[component("a", 1), {"code": {"text": "b"}, "valueString": "two"}])

    assert record.value == "a: 1 mm[Hg]; b: two"


def test_one_abnormal_component_is_abnormal() -> None:
    high = [{"coding": [{"code": "H"}]}]
    record = observation(component=[component("8480-6", 180, interpretation=high), component("8462-4", 80)])

    assert record.abnormal is True


def test_components_beside_a_value_are_described() -> None:
    record = observation(
        valueQuantity={"value": 95, "unit": "%"},
        component=[{"code": {"text": "Oxygen flow"}, "valueQuantity": {"value": 2, "unit": "L/min"}}],
    )

    assert (record.value, record.description) == ("95", "Oxygen flow: 2 L/min")


def test_a_missing_value_says_why() -> None:
    record = observation(dataAbsentReason=coded("unknown", "Unknown", system="x"))

    assert (record.value, record.description) == (None, "no value: Unknown")


def test_a_panel_says_how_many_results_it_has() -> None:
    assert observation(hasMember=[{}, {}]).description == "2 results in this panel"


def judged(
    value: dict[str, Any], ranges: list[dict[str, Any]], **more: Any
) -> tuple[str | None, bool | None]:
    record = observation(valueQuantity=value, referenceRange=ranges, **more)
    return record.interpretation, record.abnormal


def test_value_and_range_show_what_nobody_said() -> None:
    span = [{"low": {"value": 3.5}, "high": {"value": 5.1}}]

    assert judged({"value": 3.4}, span) == ("L", True)
    assert judged({"value": 3.5}, span) == ("N", False)
    assert judged({"value": 5.2}, span) == ("H", True)
    assert judged({"value": 5.2}, [{"text": "< 5.2"}]) == ("H", True)
    assert judged({"value": 5.2}, [{"text": "<=5.2"}]) == ("N", False)
    assert judged({"value": 70}, [{"text": "65-99"}]) == ("N", False)
    assert judged({"value": 3.5, "comparator": "<"}, span) == ("L", True)
    assert judged({"value": 5.1, "comparator": ">"}, span) == ("H", True)


def test_nothing_is_judged_where_a_doubt_remains() -> None:
    span = {"low": {"value": 3.5}, "high": {"value": 5.1}}

    assert judged({"value": 4, "comparator": "<"}, [span]) == (None, None)
    assert judged({"value": 9}, [span, {**span, "text": "another"}]) == (None, None)
    assert judged({"value": 9}, [{**span, "appliesTo": [{"text": "children"}]}]) == (None, None)
    assert judged({"value": 9}, [{**span, "age": {"high": {"value": 18}}}]) == (None, None)
    assert judged({"value": 9, "unit": "mg"}, [{"low": {"value": 1, "unit": "g"}}]) == (None, None)
    assert judged({"value": 9}, [{"text": "see note"}]) == (None, None)


def test_a_range_in_another_unit_is_only_quoted() -> None:
    span = [{"low": {"value": 1, "unit": "g/L"}, "high": {"value": 2, "unit": "g/L"}}]
    record = observation(valueQuantity={"value": 9, "unit": "mg/dL"}, referenceRange=span)

    assert (record.low, record.high, record.range_text) == (None, None, "1–2 g/L")


def test_the_range_for_everybody_is_chosen() -> None:
    for_some = {"low": {"value": 1}, "appliesTo": [{"text": "pregnant"}]}
    normal = {"low": {"value": 3}, "type": coded("normal")}
    critical = {"low": {"value": 9}, "type": coded("treatment")}

    assert observation(referenceRange=[for_some, critical, normal]).low == 3


@pytest.mark.parametrize(
    ("said", "code", "abnormal"),
    [
        (coded("HH"), "HH", True),
        (coded("N"), "N", False),
        ({"text": "above high normal"}, "H", True),
        ({"text": "High"}, "H", True),
        ({"coding": [{"system": "local", "code": "211", "display": "LOW"}]}, "L", True),
        (coded("POS"), "POS", None),
        (coded("R"), "R", None),
        ({"text": "depends on kidney function"}, None, None),
    ],
)
def test_interpretation_is_a_code_also_where_only_words_came(
    said: dict[str, Any], code: str | None, abnormal: bool | None
) -> None:
    record = observation(interpretation=[said])

    assert (record.interpretation, record.abnormal) == (code, abnormal)


def test_what_the_source_said_counts_more_than_its_range() -> None:
    assert judged({"value": 9}, [{"high": {"value": 5}}], interpretation=[coded("N")]) == ("N", False)


def test_a_period_with_an_end_only_dates_after_issued() -> None:
    record = observation(effectivePeriod={"end": "2025-12-20"}, issued="2021-08-05T05:00:00Z")

    assert (record.date, record.end) == ("2021-08-05T05:00:00Z", "2025-12-20")


def test_unreadable_dates_are_none() -> None:
    record = observation(effectiveDateTime="10:30", issued="yesterday")

    assert (record.date, record.recorded) == (None, None)


def test_who_measured_it_tells_the_origin() -> None:
    assert observation(performer=[{"reference": "Patient/p"}]).origin == "patient"
    assert observation(performer=[{"reference": "Device/d"}]).origin == "device"
    assert (
        observation(performer=[{"reference": "Patient/p"}, {"reference": "Practitioner/x"}]).origin
        == "provider"
    )


def test_performers_without_display_are_looked_up_and_remembered() -> None:
    world = {
        "Practitioner/x": {"resourceType": "Practitioner", "name": [{"given": ["Ada"], "family": "Example"}]}
    }
    resource = {
        "resourceType": "Observation",
        "performer": [
            {"reference": "Practitioner/x"},
            {"reference": "https://ehr.example.org/Practitioner/y"},
        ],
    }
    record = derive(resource, world.get)

    assert record.performer == "Ada Example"
    assert set(record.wanted) == {"Practitioner/x", "Practitioner/y"}


def test_a_bare_code_is_named_with_what_it_is() -> None:
    assert observation(category=in_category("laboratory"), code=coded("1234-5")).title == "Lab result 1234-5"
    assert observation(category=in_category("laboratory")).title == "Lab result without a name"


def test_a_standard_display_speaks_before_a_local_one() -> None:
    codes = [
        {"system": "urn:local", "code": "77", "display": "K SERPL"},
        *coded("2823-3", "Potassium")["coding"],
    ]
    record = observation(code={"coding": codes})

    assert record.title == "Potassium"
    assert [code.code for code in record.codes] == ["2823-3", "77"]


def report(**elements: Any) -> Record:
    return derive({"resourceType": "DiagnosticReport", "id": "r1", **elements}, {}.get)


PAGE = [{"contentType": "text/plain", "data": "Tm8gZnJhY3R1cmUu"}]


@pytest.mark.parametrize(
    ("elements", "kind"),
    [
        ({"category": [coded("LAB")], "result": [{}]}, "lab_result"),
        ({"category": [coded("LP29684-5")], "presentedForm": PAGE}, "imaging"),
        ({"category": [coded("RAD")]}, "imaging"),
        ({"category": [coded("LP29708-2")], "presentedForm": PAGE, "result": [{}]}, "clinical_note"),
        ({"category": [coded("LP7839-6")], "result": [{}]}, "lab_result"),
        ({"category": [coded("34117-2")], "presentedForm": PAGE}, "clinical_note"),
        ({"presentedForm": PAGE}, "clinical_note"),
        ({"presentedForm": PAGE, "result": [{}]}, "lab_result"),
        ({}, "lab_result"),
    ],
)
def test_reports_are_results_pictures_or_notes(elements: dict[str, Any], kind: str) -> None:
    assert report(**elements).kind == kind


def test_a_report_has_no_value_but_its_conclusion_its_pages_and_their_words() -> None:
    record = report(
        category=[coded("LP29684-5")],
        code={"text": "X-ray of wrist"},
        conclusion="No fracture seen.",
        presentedForm=PAGE,
        issued="2024-01-02T00:00:00Z",
    )

    assert (record.title, record.value, record.date) == ("X-ray of wrist", None, "2024-01-02T00:00:00Z")
    assert record.description == "No fracture seen."
    assert record.attachments[0].media_type == "text/plain"
    assert "No fracture." in record.text


def test_a_panel_report_names_its_results() -> None:
    record = report(category=[coded("LAB")], result=[{"display": "Glucose"}, {"display": "Sodium"}])

    assert record.description == "Glucose, Sodium"
