"""Results, vital signs and social history: how Observations are sorted, grouped and said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Write = Callable[..., Any]
SCT, LNC = "http://snomed.info/sct", "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}type"


def concept(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def amount(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def observation(code: str, category: str | None = None, **more: Any) -> dict[str, Any]:
    kind = {"category": [{"coding": [{"code": category}]}]} if category else {}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(LNC, code),
        "effectiveDateTime": "2024-01-10T09:30:00Z",
        **kind,
        **more,
    }


# ── results ───────────────────────────────────────────────────────────────────────────────────────


def test_an_observation_stands_once_in_the_report_that_names_it(write: Write) -> None:
    panel = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "final",
        "code": concept(LNC, "24323-8", "CMP"),
        "effectiveDateTime": "2024-01-10",
        "result": [{"reference": "Observation/a"}, {"reference": "Observation/gone"}],
    }
    inside = observation("2345-7", "laboratory", id="a", valueQuantity=amount(95, "mg/dL"))
    alone = observation("4548-4", "laboratory", id="b", valueQuantity=amount(5.6, "%"))

    document = write(panel, panel | {"id": "again"}, inside, alone)

    # the second report is there too, with a frame instead of a result, and its id says which result is its own
    codes = document.find("//c:organizer/c:component/c:observation/c:code/@code")
    assert codes == ["4548-4", "2345-7", "24323-8"]
    assert document.find("//c:organizer/c:code/@code") == ["4548-4", "24323-8", "24323-8"]
    assert document.ccd.left_out == ()


def test_a_panel_without_a_report_is_one_organizer(write: Write) -> None:
    panel = observation("57021-8", "laboratory", id="p", hasMember=[{"reference": "Observation/m"}])
    member = observation("6690-2", "laboratory", id="m", valueQuantity=amount(6, "10*3/uL"))

    document = write(member, panel)

    assert document.find("//c:organizer/c:code/@code") == ["57021-8"]
    assert document.find("//c:organizer//c:observation/c:code/@code") == ["6690-2"]


@pytest.mark.parametrize(
    ("value", "type_", "content"),
    [
        ({"valueQuantity": amount(5.6, "%")}, "PQ", {"value": "5.6", "unit": "%"}),
        ({"valueCodeableConcept": concept(SCT, "260385009")}, "CD", {"code": "260385009"}),
        ({"valueInteger": 3}, "INT", {"value": "3"}),
        ({"valueBoolean": False}, "BL", {"value": "false"}),
        ({"valueDateTime": "2024"}, "TS", {"value": "2024"}),
        ({"valueString": "clear"}, "ST", {}),
        ({"valueRange": {"low": amount(1, "%")}}, "IVL_PQ", {}),
        ({"dataAbsentReason": concept("x", "asked-unknown")}, "PQ", {"nullFlavor": "ASKU"}),
        ({"dataAbsentReason": concept("x", "masked")}, "PQ", {"nullFlavor": "MSK"}),
        ({}, "PQ", {"nullFlavor": "NI"}),
        ({"valueQuantity": {"unit": "mg"}}, "PQ", {"nullFlavor": "NI"}),
    ],
)
def test_every_kind_of_value_has_its_type(
    write: Write, value: dict[str, Any], type_: str, content: dict[str, str]
) -> None:
    found = write(observation("1-1", "laboratory", **value)).one("//c:organizer//c:observation/c:value")

    assert found.get(XSI) == type_
    assert content.items() <= dict(found.attrib).items()


def test_less_than_is_an_interval_without_its_end(write: Write) -> None:
    less = amount(0.5, "mg/L") | {"comparator": "<"}
    value = write(observation("1988-5", "laboratory", valueQuantity=less)).one(
        "//c:organizer//c:observation/c:value"
    )

    assert value.get(XSI) == "IVL_PQ"
    assert dict(value[0].attrib) == {"value": "0.5", "unit": "mg/L", "inclusive": "false"}


def test_out_of_the_ordinary_is_bold_with_the_word(write: Write) -> None:
    system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
    limits = [{"low": amount(4, "%"), "high": amount(5.6, "%")}]

    def cell(**more: Any) -> Any:
        document = write(observation("4548-4", "laboratory", valueQuantity=amount(9.1, "%"), **more))
        return document.find("//c:section[c:code/@code='30954-2']//c:tbody/c:tr/c:td")[2]

    said = cell(interpretation=[concept(system, "HH")])
    assert said[0].get("styleCode") == "Bold" and said[0].text == "9.1 % (critically high)"
    assert cell(referenceRange=limits)[0].text == "9.1 % (above range)"
    assert cell(referenceRange=[{"text": "4.0-5.6"}])[0].text == "9.1 % (above range)"
    assert cell(referenceRange=limits * 2).text == "9.1 %"
    assert cell(interpretation=[concept(system, "N")], referenceRange=limits).text == "9.1 %"


def test_what_nobody_said_about_normal_is_not_coded(write: Write) -> None:
    limits = [{"low": amount(4, "%"), "high": amount(5.6, "%")}]
    document = write(
        observation("4548-4", "laboratory", valueQuantity=amount(9.1, "%"), referenceRange=limits)
    )

    assert document.find("//c:interpretationCode") == []
    assert document.one("//c:referenceRange//c:high").get("value") == "5.6"


# ── vital signs ───────────────────────────────────────────────────────────────────────────────────


def test_vital_signs_of_one_moment_are_one_organizer_and_pressure_is_two(write: Write) -> None:
    pressure = observation(
        "85354-9",
        "vital-signs",
        id="bp",
        component=[
            {"code": concept(LNC, "8480-6", "Systolic"), "valueQuantity": amount(128, "mm[Hg]")},
            {"code": concept(LNC, "8462-4", "Diastolic"), "valueQuantity": amount(78, "mm[Hg]")},
        ],
    )
    weight = observation("29463-7", "vital-signs", id="w", valueQuantity=amount(70, "kg"))
    later = observation(
        "29463-7", "vital-signs", id="l", valueQuantity=amount(71, "kg"), effectiveDateTime="2024-02-01"
    )

    document = write(pressure, weight, later)

    organizers = document.find("//c:section[c:code/@code='8716-3']/c:entry/c:organizer")
    assert [len(organizer.findall("{*}component")) for organizer in organizers] == [1, 3]
    assert "85354-9" not in document.find("//c:organizer//c:observation/c:code/@code")
    assert document.rows("8716-3")[1] == ["Systolic", "2024-01-10 09:30 UTC", "128 mm[Hg]", ""]


def test_vital_signs_none_of_which_has_a_measured_unit_are_results(write: Write) -> None:
    refused = observation("29463-7", "vital-signs", id="a", dataAbsentReason={"text": "declined"})
    odd = observation("29463-7", "vital-signs", id="b", valueQuantity={"value": 11, "unit": "stone"})

    document = write(refused, odd)

    assert document.find("//c:section[c:code/@code='8716-3']/c:entry") == []
    assert document.section("8716-3").get("nullFlavor") == "NI"
    assert [row[2] for row in document.rows("30954-2")] == ["declined", "11 stone"]
    assert len(document.find("//sdtc:category")) == 2  # they say that they are vital signs
    assert document.ccd.left_out == ()


def test_a_vital_sign_without_a_measured_unit_is_a_result_among_the_vital_signs(write: Write) -> None:
    odd = observation("29463-7", "vital-signs", id="b", valueQuantity={"value": 11, "unit": "stone"})
    good = observation("8867-4", "vital-signs", id="c", valueQuantity=amount(70, "/min"))

    document = write(odd, good)

    templates = document.find("//c:section[c:code/@code='8716-3']//c:observation/c:templateId[1]/@root")
    assert [each.rpartition(".")[2] for each in templates] == ["27", "2"]
    assert [row[2] for row in document.rows("8716-3")] == ["11 stone", "70 /min"]


def test_a_loinc_vital_sign_without_a_category_is_one(write: Write) -> None:
    assert write(observation("8867-4", valueQuantity=amount(60, "/min"))).ccd.sections["8716-3"] == 1


# ── social history ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"valueCodeableConcept": concept(SCT, "266919005", "Never")}, "266919005"),
        ({"valueCodeableConcept": concept(LNC, "LA15920-4", "Former smoker")}, "8517006"),
        ({}, "266927001"),
        ({"dataAbsentReason": concept("x", "unknown")}, "266927001"),
    ],
)
def test_smoking_status_is_never_null(write: Write, answer: dict[str, Any], code: str) -> None:
    document = write(observation("72166-2", "social-history", **answer))

    value = document.one("//c:observation[c:templateId/@root='2.16.840.1.113883.10.20.22.4.78']/c:value")
    assert (value.get("code"), value.get("nullFlavor")) == (code, None)


def test_a_finer_smoking_answer_is_kept_as_it_is(write: Write) -> None:
    document = write(
        observation("72166-2", "social-history", valueCodeableConcept=concept(SCT, "160603005", "Light"))
    )

    entry = document.one("//c:section[c:code/@code='29762-2']/c:entry/c:observation")
    assert entry.find("{*}templateId").get("root").endswith(".4.38")
    assert entry.find("{*}value").get("code") == "160603005"


def test_birth_sex_comes_from_the_patient(write: Write) -> None:
    url = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"
    patient = {"resourceType": "Patient", "birthDate": "1970", "extension": [{"url": url, "valueCode": "F"}]}

    document = write(patient)

    assert document.one("//c:observation[c:code/@code='76689-9']/c:value").get("code") == "F"
    assert document.rows("29762-2") == [["Sex assigned at birth", "1970", "Female"]]


def test_without_a_word_about_smoking_nothing_is_said(write: Write) -> None:
    assert write({"resourceType": "Patient"}).ccd.sections["29762-2"] == 0
