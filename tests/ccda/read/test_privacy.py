"""How confidential what is read from a document is: by the document, the section, the entry."""

from __future__ import annotations

from typing import Any

import pytest

from phr.ccda.read.document import read
from phr.records.derive import derive

SECLASS = (
    '<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN">'
    '<templateId root="2.16.840.1.113883.3.445.12"/><code code="SECCLASSOBS" codeSystem="2.16.840.1.113883.5.4"/>'
    '<value xsi:type="CE" code="{code}" codeSystem="{system}"/></observation></entryRelationship>'
)
CODE = '<confidentialityCode code="{}" codeSystem="2.16.840.1.113883.5.25"/>'


def _document(code: str, *sections: str) -> bytes:
    return (
        '<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<templateId root="2.16.840.1.113883.10.20.22.1.1"/><id root="1.2.3" extension="d"/>'
        f'<code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/><effectiveTime value="2020"/>{CODE.format(code)}'
        '<recordTarget><patientRole><id root="1.2.3" extension="p"/><patient><name><given>Ada</given></name></patient>'
        f"</patientRole></recordTarget><component><structuredBody>{''.join(sections)}</structuredBody></component>"
        "</ClinicalDocument>"
    ).encode()


def _section(name: str, inner: str = "", own: str = "") -> str:
    return (
        f'<component><section><code code="{name}" codeSystem="2.16.840.1.113883.6.1"/><title>S {name}</title>'
        f"<text>Words</text>{own}<entry><observation classCode='OBS' moodCode='EVN'><id root='1.9' extension='{name}'/>"
        f'<code code="{name}" codeSystem="2.16.840.1.113883.6.1" displayName="Code {name}"/><statusCode code="completed"/>'
        f'<value xsi:type="PQ" value="1" unit="cm"/>{inner}</observation></entry></section></component>'
    )


def _levels(found: list[dict[str, Any]]) -> dict[str, str]:
    return {
        one["code"]["coding"][0]["code"]: derive(one, lambda _: None).sensitivity
        for one in found
        if one["resourceType"] == "Observation"
    }


@pytest.mark.parametrize(
    ("code", "level"), [("N", "normal"), ("R", "restricted"), ("V", "restricted"), ("L", "normal")]
)
def test_the_document_holds_for_all_that_is_in_it(code: str, level: str) -> None:
    found = read(_document(code, _section("1-1"), _section("2-2")), name="d.xml").resources

    assert _levels(found) == {"1-1": level, "2-2": level}
    papers = [derive(one, lambda _: None) for one in found if one["resourceType"] == "DocumentReference"]
    assert {one.sensitivity for one in papers} == {level}


def test_a_section_holds_for_itself() -> None:
    body = _document("N", _section("1-1"), _section("2-2", own=CODE.format("R")))

    assert _levels(list(read(body, name="d.xml").resources)) == {"1-1": "normal", "2-2": "restricted"}


@pytest.mark.parametrize(
    ("inner", "level"),
    [
        (CODE.format("R"), "restricted"),
        (SECLASS.format(code="R", system="2.16.840.1.113883.5.25"), "restricted"),
        (SECLASS.format(code="PSY", system="2.16.840.1.113883.5.4"), "sensitive"),
    ],
)
def test_an_entry_holds_for_itself(inner: str, level: str) -> None:
    body = _document("N", _section("1-1", inner), _section("2-2"))
    found = _levels(list(read(body, name="d.xml").resources))

    assert (found["1-1"], found["2-2"]) == (level, "normal")


def test_what_two_sections_say_is_as_private_as_in_the_stricter_one() -> None:
    open_, private = _section("1-1"), _section("1-1", own=CODE.format("R"))

    for sections in ((open_, private), (private, open_)):
        found = read(_document("N", *sections), name="d.xml").resources
        assert set(_levels(list(found)).values()) == {"restricted"}
