"""FHIR data types as HL7 v3 data types."""

from __future__ import annotations

from typing import Any

import pytest

from phr.ccda.codes import LOINC, RXNORM, SNOMED, SYSTEMS, backward
from phr.ccda.datatypes import bounds, coded, identifier, number, quantity, timestamp, ucum
from phr.ccda.xml import Element, el, serialize


@pytest.mark.parametrize(
    ("fhir", "cda"),
    [
        ("2024", "2024"),
        ("2024-05", "202405"),
        ("2024-05-03", "20240503"),
        ("2024-05-03T08:15:30Z", "20240503081530+0000"),
        ("2024-05-03T08:15:30.123-07:00", "20240503081530-0700"),
        ("2024-05-03T08:15+05:30", "202405030815+0530"),
        ("2024-05-03T08:15:30", "20240503081530"),
        ("2024-05-03 08:15:30+0200", "20240503081530+0200"),
        ("20240503", "20240503"),
        ("2024-13-03", None),
        ("yesterday", None),
        (None, None),
        (2024, None),
    ],
)
def test_a_time_keeps_its_precision_and_its_offset(fhir: object, cda: str | None) -> None:
    assert timestamp(fhir) == cda


@pytest.mark.parametrize(
    ("value", "attributes"),
    [
        ({"system": "urn:oid:1.2.3", "value": "7"}, {"root": "1.2.3", "extension": "7"}),
        (
            {"system": "http://hl7.org/fhir/sid/us-npi", "value": "12"},
            {"root": "2.16.840.1.113883.4.6", "extension": "12"},
        ),
        ({"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.9"}, {"root": "1.2.9"}),
        (
            {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:7c1e6b0a-52d4-4d0f-9a63-000000000001"},
            {"root": "7C1E6B0A-52D4-4D0F-9A63-000000000001"},
        ),
        (
            {"system": "https://x.example/mrn", "value": "7"},
            {"root": "2.16.840.1.113883.4.873", "extension": "https://x.example/mrn/7"},
        ),
        (
            {"system": "urn:example", "value": "7"},
            {"root": "2.16.840.1.113883.4.873", "extension": "urn:example:7"},
        ),
    ],
)
def test_an_identifier_becomes_root_and_extension(value: dict[str, str], attributes: dict[str, str]) -> None:
    element = identifier(value, "https://a.example")

    assert element is not None and element.attributes == attributes


def test_an_identifier_without_a_system_belongs_to_its_server() -> None:
    one, same, other = (identifier({"value": "7"}, f"https://{host}.example") for host in "aab")

    assert one == same != other
    assert identifier({"system": "urn:oid:1.2"}, "") is None
    assert identifier("7", "") is None


def _coding(system: str, code: str, display: str | None = None, **more: object) -> dict[str, Any]:
    return {"system": system, "code": code, "display": display, **more}


RX = "http://www.nlm.nih.gov/research/umls/rxnorm"
SCT = "http://snomed.info/sct"


def test_the_coding_that_fits_is_the_root_and_the_others_translate() -> None:
    concept = {"coding": [_coding(SCT, "1"), _coding(RX, "2", "Two")], "text": "two pills"}

    element = coded("code", concept, [RXNORM])

    assert (element.attributes["code"], element.attributes["codeSystem"]) == ("2", RXNORM)
    assert [child.tag for child in element.children if isinstance(child, Element)] == [
        "originalText",
        "translation",
    ]


def test_what_the_user_chose_goes_before_the_order_of_the_binding() -> None:
    concept = {"coding": [_coding(SCT, "1"), _coding("http://loinc.org", "2", userSelected=True)]}

    assert coded("code", concept, [SNOMED, LOINC]).attributes["code"] == "2"
    assert coded("code", {"coding": concept["coding"][:1]}, [LOINC, SNOMED]).attributes["code"] == "1"


def test_a_code_that_does_not_fit_is_other_with_translation_and_words_are_unknown() -> None:
    icd_only = coded("value", {"coding": [_coding("http://hl7.org/fhir/sid/icd-10-cm", "I10")]}, [SNOMED])
    words = coded("value", {"text": "High blood pressure"}, [SNOMED])
    nothing = coded("value", None, [SNOMED])

    assert icd_only.attributes == {"nullFlavor": "OTH"}
    assert words.attributes == {"nullFlavor": "UNK"} and words.children == [
        el("originalText", "High blood pressure")
    ]
    assert nothing.attributes == {"nullFlavor": "UNK"} and not nothing.children


def test_a_local_code_without_an_oid_keeps_its_words() -> None:
    element = coded("code", {"coding": [_coding("https://ehr.example/codes", "x 1", "Local thing")]}, [LOINC])

    assert b"Local thing" in serialize(element)
    assert b"x 1" not in serialize(element)


def test_units_are_ucum_or_stand_in_a_translation() -> None:
    exact = {"value": 5.6, "unit": "percent", "system": "http://unitsofmeasure.org", "code": "%"}

    assert quantity("value", exact).attributes == {"xsi:type": "PQ", "value": "5.6", "unit": "%"}
    assert ucum({"value": 1, "unit": "Beats / minute"}) == "/min"
    assert ucum({"value": 1, "unit": "mmHg"}) == "mm[Hg]"
    odd = quantity("value", {"value": 25, "unit": "blobs"})
    assert odd.attributes == {"xsi:type": "PQ", "value": "25"}
    assert b'<translation nullFlavor="OTH" value="25"><originalText>blobs' in serialize(odd).replace(
        b"\n  ", b""
    ).replace(b"  ", b"")
    assert quantity("value", {"unit": "mg"}).attributes == {"xsi:type": "PQ", "nullFlavor": "UNK"}


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        (5, "5"),
        (1.5, "1.5"),
        ("1.20", "1.20"),
        (1e-7, "0.0000001"),
        (float("nan"), None),
        (True, None),
        ("many", None),
        (1e400, None),
    ],
)
def test_numbers_are_plain_decimals(value: object, digits: str | None) -> None:
    assert number(value) == digits


def test_a_range_may_have_one_end() -> None:
    element = bounds("value", {"value": 4, "unit": "%"}, None)

    assert [child.tag for child in element.children if isinstance(child, Element)] == ["low"]
    assert bounds("value", None, {"unit": "%"}).attributes["nullFlavor"] == "UNK"


def test_code_systems_go_both_ways() -> None:
    back = backward(SYSTEMS)

    assert len(back) == len(SYSTEMS)
    assert all(SYSTEMS[back[oid]] == oid for oid in back)
