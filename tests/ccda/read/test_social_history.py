"""Social history and status of C-CDA: smoking, pregnancy, what belongs to the Patient, scales and findings."""

from __future__ import annotations

import pytest

from .statements import LOINC, SNOMED, T, codes, made, of, one

AUTHOR = """<author><time value="20240301"/><assignedAuthor><id root="1.2.3.4.5" extension="a"/><assignedPerson><name>
  <given>Ann</given><family>Lee</family></name></assignedPerson></assignedAuthor></author>"""


def observation(
    template: str,
    code: str,
    value: str,
    *,
    time: str = '<effectiveTime value="20240103"/>',
    inside: str = "",
    attributes: str = "",
) -> str:
    """An observation of any template."""
    return f"""<observation classCode="OBS" moodCode="EVN" {attributes}><templateId root="{template}"/>
      <id root="1.2.3.4.5.6.9" extension="{template}"/>{code}<statusCode code="completed"/>{time}{value}{inside}
      </observation>"""


def loinc(code: str) -> str:
    return f'<code code="{code}" codeSystem="{LOINC}"/>'


def snomed(code: str, display: str = "answer") -> str:
    return f'<value xsi:type="CD" code="{code}" codeSystem="{SNOMED}" displayName="{display}"/>'


ASSERTION = '<code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>'


@pytest.mark.parametrize(
    ("template", "code", "value", "asked"),
    [
        (f"{T}.78", loinc("72166-2"), "266919005", "72166-2"),
        (f"{T}.78", ASSERTION, "8517006", "72166-2"),
        (f"{T}.85", ASSERTION, "160603005", "11367-0"),
        ("2.16.840.1.113883.10.20.15.3.8", ASSERTION, "77386006", "82810-3"),
        (f"{T}.501", loinc("76690-7"), "42035005", "76690-7"),
        (f"{T}.503", loinc("11341-5"), "224571005", "11341-5"),
        (f"{T}.38", f'<code code="160573003" codeSystem="{SNOMED}"/>', "228276006", "160573003"),
    ],
)
def test_what_is_asked_and_answered_about_a_life(template: str, code: str, value: str, asked: str) -> None:
    found = one("Observation", made(observation(template, code, snomed(value)), section="29762-2"))
    assert codes(found["code"]) == [asked]
    assert codes(found["valueCodeableConcept"]) == [value]
    assert codes(found["category"][0]) == ["social-history"]
    assert found["effectiveDateTime"] == "2024-01-03"


def test_not_pregnant_is_an_answer_of_its_own() -> None:
    whole = observation(
        "2.16.840.1.113883.10.20.15.3.8", ASSERTION, snomed("77386006"), attributes='negationInd="true"'
    )
    assert codes(one("Observation", made(whole, section="29762-2"))["valueCodeableConcept"]) == ["60001007"]


US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"


@pytest.mark.parametrize(
    ("template", "code", "value", "name", "expected"),
    [
        (
            f"{T}.200",
            "76689-9",
            '<value xsi:type="CD" code="F" codeSystem="2.16.840.1.113883.5.1"/>',
            "birthsex",
            "F",
        ),
        (f"{T}.200", "76689-9", '<value xsi:type="CD" nullFlavor="UNK"/>', "birthsex", "UNK"),
        (f"{T}.507", "46098-0", snomed("248152002"), "sex", "248152002"),
    ],
)
def test_the_sex_at_birth_goes_back_to_the_patient(
    template: str, code: str, value: str, name: str, expected: str
) -> None:
    whole = observation(template, loinc(code), value, time='<effectiveTime value="19500601"/>')
    found = made(whole, section="29762-2")
    assert {"url": US_CORE + name, "valueCode": expected} in one("Patient", found)["extension"]
    assert of("Observation", found) == []


@pytest.mark.parametrize(("time", "inside"), [("20240103", ""), ("19500601", AUTHOR)])
def test_what_the_patient_cannot_hold_is_an_observation_as_well(time: str, inside: str) -> None:
    whole = observation(
        "2.16.840.1.113883.10.20.34.3.45",
        loinc("76691-5"),
        snomed("446151000124109"),
        time=f'<effectiveTime><low value="{time}"/></effectiveTime>',
        inside=inside,
    )
    found = made(whole, section="29762-2")
    urls = [each["url"] for each in one("Patient", found)["extension"]]
    assert urls == [US_CORE + "genderIdentity"]
    assert codes(one("Observation", found)["code"]) == ["76691-5"]


def test_a_journey_of_a_case_report_is_an_observation_in_words() -> None:
    whole = f"""<act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.15.2.3.1"/>
      <code code="420008001" codeSystem="{SNOMED}" displayName="Travel"/><statusCode code="completed"/>
      <effectiveTime><low value="20240101"/><high value="20240109"/></effectiveTime>
      <participant typeCode="LOC"><participantRole classCode="TERR"><addr><city>Springfield</city><country>US</country>
      </addr></participantRole></participant></act>"""
    found = one("Observation", made(whole, section="29762-2"))
    assert (codes(found["code"]), found["valueString"]) == (["420008001"], "Springfield, US")
    assert found["effectivePeriod"] == {"start": "2024-01-01", "end": "2024-01-09"}


def test_a_scale_has_its_items_and_a_second_value_is_not_lost() -> None:
    item = observation(f"{T}.86", loinc("9267-6"), '<value xsi:type="INT" value="3"/>' + snomed("1234567"))
    whole = observation(
        f"{T}.69",
        loinc("35088-4"),
        '<value xsi:type="INT" value="9"/>',
        inside=f'<entryRelationship typeCode="COMP">{item}</entryRelationship>',
    )
    found = of("Observation", made(whole, section="47420-5"))
    scale = next(each for each in found if "hasMember" in each)
    question = next(each for each in found if each is not scale)
    assert scale["hasMember"] == [{"reference": f"Observation/{question['id']}"}]
    assert (scale["valueInteger"], question["valueInteger"]) == (9, 3)
    assert codes(question["component"][0]["valueCodeableConcept"]) == ["1234567"]
    assert [codes(each)[0] for each in scale["category"]] == ["survey", "functional-status"]


@pytest.mark.parametrize(
    ("section", "template", "category"),
    [("47420-5", f"{T}.67", "functional-status"), ("10190-7", f"{T}.74", "cognitive-status")],
)
def test_a_finding_has_the_category_of_its_section(section: str, template: str, category: str) -> None:
    found = one("Observation", made(observation(template, ASSERTION, snomed("66557003")), section=section))
    assert [codes(each)[0] for each in found["category"]] == [category]


def test_words_of_the_narrative_are_kept_where_no_value_is_but_not_those_of_a_whole_row() -> None:
    narrative = (
        '<table><tbody><tr ID="r1"><td ID="c1">Walks with a cane</td><td>2024</td></tr></tbody></table>'
    )
    null = '<value xsi:type="CD" nullFlavor="UNK"/>'
    texts = ['<text><reference value="#c1"/></text>', '<text><reference value="#r1"/></text>']
    notes = []
    for said in texts:
        whole = observation(f"{T}.68", loinc("54522-8"), null, inside=said)
        found = one("Observation", made(whole, section="47420-5", narrative=narrative))
        notes.append([each["text"] for each in found.get("note", ())])
    assert notes == [["Walks with a cane"], []]
