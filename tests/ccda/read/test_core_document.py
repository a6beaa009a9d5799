"""A document as a whole: who is who, what becomes of each entry and each section, and what is kept."""

from __future__ import annotations

import base64
import json
import tarfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from phr.ccda.read import entries
from phr.ccda.read.document import read
from phr.ccda.read.nodes import Node
from phr.ccda.read.reading import Reading, Where
from phr.ccda.read.report import ReadDocument

HEAD = """<?xml version="1.0"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<templateId root="2.16.840.1.113883.10.20.22.1.1" extension="2015-08-01"/><id root="1.2.3.4.5" extension="doc-1"/>
<code code="34133-9" codeSystem="2.16.840.1.113883.6.1" displayName="Summary"/><title>Summary of care</title>
<effectiveTime value="20200102030405+0000"/><confidentialityCode code="R" codeSystem="2.16.840.1.113883.5.25"/>
<recordTarget><patientRole><id root="1.2.3.4.5" extension="p1"/>
<addr use="HP"><streetAddressLine>1 Elm</streetAddressLine><city>Ayr</city></addr><telecom use="MC" value="tel:+15551234"/>
<patient><name use="L"><given>Ada</given><family>Vale</family></name><name use="P"><given>Addy</given></name>
<administrativeGenderCode code="F"/><birthTime value="19800203"/><sdtc:deceasedInd value="true"/>
<sdtc:deceasedTime value="20191231"/><maritalStatusCode code="M" codeSystem="2.16.840.1.113883.5.2"/>
<religiousAffiliationCode code="1013" codeSystem="2.16.840.1.113883.5.1076"/>
<raceCode code="2106-3" codeSystem="2.16.840.1.113883.6.238" displayName="White"/>
<sdtc:raceCode code="2108-9" codeSystem="2.16.840.1.113883.6.238" displayName="European"/>
<ethnicGroupCode nullFlavor="ASKU"/>
<guardian><code code="MTH" codeSystem="2.16.840.1.113883.5.111"/><guardianPerson><name><given>Eve</given></name>
</guardianPerson></guardian><birthplace><place><addr><city>Oban</city></addr></place></birthplace>
<languageCommunication><languageCode code="en"/><preferenceInd value="true"/></languageCommunication></patient>
</patientRole></recordTarget>
<author><time value="20200102"/><assignedAuthor><id root="2.16.840.1.113883.4.6" extension="111"/>
<assignedPerson><name><given>Henry</given><family>Seven</family><suffix>MD</suffix></name></assignedPerson>
<representedOrganization><id root="1.2.3.9.9" extension="o"/><name>Good Health Clinic</name></representedOrganization>
</assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization><id root="1.2.3.9.9" extension="o"/>
<name>Good Health  Clinic</name><telecom value="tel:555-1"/></representedCustodianOrganization></assignedCustodian>
</custodian>
<documentationOf><serviceEvent><effectiveTime><low value="2019"/></effectiveTime><performer typeCode="PRF">
<functionCode code="PCP" codeSystem="2.16.840.1.113883.5.88"/><assignedEntity><id root="1.2.3.4.7" extension="h7"/>
<assignedPerson><name>Dr. Henry Seven</name></assignedPerson></assignedEntity></performer></serviceEvent></documentationOf>
<componentOf><encompassingEncounter><id root="1.2.3.4.6" extension="visit"/><effectiveTime><low value="20200101"/>
<high value="20200102"/></effectiveTime></encompassingEncounter></componentOf>
<component><structuredBody>"""
TAIL = "</structuredBody></component></ClinicalDocument>"


def section(content: str, code: str = "99999-1", title: str = "Odd things", words: str = "Words.") -> str:
    return (
        f'<component><section><code code="{code}" codeSystem="2.16.840.1.113883.6.1"/><title>{title}</title>'
        f"<text>{words}</text>{content}</section></component>"
    )


def observation(code: str, id_: str = "", inner: str = "", template: str = "1.9.9") -> str:
    return (
        f'<entry><observation classCode="OBS" moodCode="EVN"><templateId root="{template}"/>{id_}'
        f'<code code="{code}" codeSystem="2.16.840.1.113883.6.1" displayName="Code {code}"/>'
        f'<statusCode code="completed"/><value xsi:type="PQ" value="1.0" unit="cm"/>{inner}</observation></entry>'
    )


def document(*sections: str) -> ReadDocument:
    return read((HEAD + "".join(sections) + TAIL).encode(), name="summary.xml")


def of(found: ReadDocument, type_: str) -> list[dict[str, Any]]:
    return [each for each in found.resources if each["resourceType"] == type_]


def test_the_header_becomes_the_patient() -> None:
    patient = document().resources[0]
    assert patient["resourceType"] == "Patient"
    assert patient["identifier"] == [{"system": "urn:oid:1.2.3.4.5", "value": "p1"}]
    assert [name["use"] for name in patient["name"]] == ["usual", "nickname"]
    assert (patient["gender"], patient["birthDate"], patient["deceasedDateTime"]) == (
        "female",
        "1980-02-03",
        "2019-12-31",
    )
    assert "deceasedBoolean" not in patient
    assert patient["telecom"] == [{"system": "phone", "value": "+15551234", "use": "mobile"}]
    assert patient["maritalStatus"]["coding"][0]["code"] == "M"
    assert patient["communication"][0]["preferred"] is True
    assert [each["code"] for one in patient["contact"][0]["relationship"] for each in one["coding"]] == [
        "GUARD",
        "MTH",
    ]
    assert patient["meta"]["security"][0]["code"] == "R"
    extensions = {each["url"].rpartition("/")[2]: each for each in patient["extension"]}
    assert set(extensions) == {"us-core-race", "us-core-ethnicity", "patient-religion", "patient-birthPlace"}
    race = {each["url"]: each for each in extensions["us-core-race"]["extension"]}
    assert race["text"]["valueString"] == "White, European"
    assert race["detailed"]["valueCoding"]["code"] == "2108-9"
    ethnicity = extensions["us-core-ethnicity"]["extension"][0]["valueCoding"]
    assert ethnicity["code"] == "ASKU"


def test_one_person_is_one_practitioner_and_one_organisation_one_organization() -> None:
    author = (
        '<author><time value="20191201"/><assignedAuthor><id root="2.16.840.1.113883.4.6" extension="111"/></assignedAuthor>'
        "</author>"
    )
    found = document(section(observation("8302-2", '<id root="1.2.3.4.8" extension="x"/>', author)))
    assert len(of(found, "Practitioner")) == 1
    assert len(of(found, "Organization")) == 1
    person = of(found, "Practitioner")[0]
    assert {each["value"] for each in person["identifier"]} == {"111", "h7"}
    assert of(found, "Organization")[0]["telecom"] == [{"system": "phone", "value": "555-1"}]
    team = of(found, "CareTeam")[0]
    role = team["participant"][0]
    assert role["role"][0]["coding"][0]["code"] == "PCP"
    assert role["member"]["reference"] == f"Practitioner/{person['id']}"


def test_two_people_of_one_name_with_different_numbers_stay_two() -> None:
    other = (
        '<author><assignedAuthor><id root="2.16.840.1.113883.4.6" extension="222"/><assignedPerson><name>'
        "<given>Henry</given><family>Seven</family></name></assignedPerson></assignedAuthor></author>"
    )
    assert len(of(document(section(observation("8302-2", inner=other))), "Practitioner")) == 2


def test_an_unknown_template_is_read_by_its_class_with_what_it_holds() -> None:
    inner = (
        '<entryRelationship typeCode="COMP"><observation classCode="OBS" moodCode="EVN"><code code="inner" '
        'codeSystem="1.2.3.4"/><value xsi:type="ST">deep</value></observation></entryRelationship>'
    )
    wrapped = f'<entry><act classCode="ACT" moodCode="EVN"><code code="CONC"/>{inner}</act></entry>'
    planned = (
        '<entry><act classCode="ACT" moodCode="INT"><code code="to-do" codeSystem="1.2.3.4"/></act></entry>'
    )
    found = document(
        section(observation("8302-2", inner=inner.replace("inner", "other")) + wrapped + planned)
    )
    codes = {each["code"]["coding"][0]["code"] for each in of(found, "Observation")}
    assert codes == {"8302-2", "other", "inner"}
    assert [each["code"]["coding"][0]["code"] for each in of(found, "ServiceRequest")] == ["to-do"]
    assert found.sections[0].found == 3
    assert found.sections[0].made == {"Observation": 3, "ServiceRequest": 1}


def test_a_denied_finding_is_not_read_as_one() -> None:
    denied = (
        '<entry><observation classCode="OBS" moodCode="EVN" negationInd="true"><code code="ASSERTION" '
        'codeSystem="2.16.840.1.113883.5.4"/><value xsi:type="CD" code="49727002" codeSystem="2.16.840.1.113883.6.96" '
        'displayName="Cough"/></observation></entry>'
    )
    (made,) = of(document(section(denied)), "Observation")
    assert made["code"]["coding"][0]["code"] == "49727002"
    assert made["valueCodeableConcept"]["coding"][0]["code"] == "2667000"


def test_a_reader_that_fails_is_named_and_the_generic_one_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(reading: Reading, where: Where, statement: Node) -> list[dict[str, Any]]:
        reading.resource("Goal", statement, where, {"half": "done"})
        raise KeyError("private")

    monkeypatch.setattr(entries, "readers", lambda: ({"1.9.9": failing}, {}))
    monkeypatch.setattr("phr.ccda.read.document.readers", lambda: ({"1.9.9": failing}, {}))
    found = document(section(observation("8302-2")))
    assert [each["resourceType"] for each in found.resources if each["resourceType"] == "Goal"] == []
    assert len(of(found, "Observation")) == 1
    assert found.sections[0].skipped == [("An entry is built in an unexpected way (KeyError).", 1)]
    assert "private" not in str(found.problems)


def test_a_refined_template_goes_before_the_general_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def reader(name: str) -> Any:
        def said(reading: Reading, where: Where, statement: Node) -> None:
            asked.append(name)

        return said

    general, refined = "2.16.840.1.113883.10.20.22.4.38", "2.16.840.1.113883.10.20.22.4.78"
    table = {general: reader("general"), refined: reader("refined"), "1.9.9": reader("old")}
    monkeypatch.setattr("phr.ccda.read.document.readers", lambda: (table, {"99999-1": reader("section")}))
    entry = observation("8302-2").replace(
        '<templateId root="1.9.9"/>',
        f'<templateId root="1.9.9"/><templateId root="{general}"/><templateId root="{refined}"/>',
    )
    found = document(section(entry))
    assert asked == ["refined", "old", "general", "section"]
    assert len(of(found, "Observation")) == 1


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("<paragraph>Walk <content styleCode='Bold'>daily</content> &lt;now&gt;</paragraph>", True),
        ("<table><tr><td>Walk</td><td>daily</td></tr></table>", True),
        ("No known problems", True),
        ("Patient denies any pain", True),
        ("No information", False),
        ("No data available for this section.", False),
        ("There are no records on file", False),
        ("None recorded", False),
        ("N/A", False),
        ("", False),
    ],
)
def test_words_that_nothing_structures_stay_as_a_document(words: str, kept: bool) -> None:
    found = document(section("", words=words))
    pages = [
        each
        for each in of(found, "DocumentReference")
        if each["content"][0]["attachment"]["contentType"] == "text/html"
    ]
    assert bool(pages) is kept
    for page in pages:
        html = base64.b64decode(page["content"][0]["attachment"]["data"]).decode()
        assert "<script" not in html and "styleCode" not in html
        assert page["type"]["coding"][0]["code"] == "99999-1"
        if "Walk" in words:
            assert "Walk" in html
        if "&lt;now" in words:
            assert "<b>daily</b> &lt;now&gt;" in html


def test_entries_of_which_nothing_can_be_made_are_named_and_their_words_kept() -> None:
    empty = '<entry><observation classCode="OBS" moodCode="EVN"><code nullFlavor="NI"/></observation></entry>'
    found = document(section(empty * 2))
    (report,) = found.sections
    assert (report.found, report.made) == (2, {"DocumentReference": 1})
    assert report.skipped == [("An entry says neither in a code nor in words what it is about.", 2)]
    assert found.problems == ()  # what the section tells is not told twice


def test_the_original_is_kept_byte_for_byte_with_what_the_header_says() -> None:
    content = (HEAD + section("") + TAIL).encode()
    found = read(content)
    (original,) = [each for each in of(found, "DocumentReference") if "masterIdentifier" in each]
    attachment = original["content"][0]["attachment"]
    assert base64.b64decode(attachment["data"]) == content
    assert attachment["contentType"] == "application/xml"
    assert original["content"][0]["format"]["code"] == "urn:hl7-org:sdwg:ccda-structuredBody:2.1"
    assert original["date"] == "2020-01-02T03:04:05+00:00"
    assert original["custodian"]["display"] == "Good Health Clinic"
    assert original["type"]["coding"][0]["code"] == "34133-9"
    assert (found.title, found.custodian, found.made) == (
        "Summary of care",
        "Good Health Clinic",
        "2020-01-02T03:04:05+00:00",
    )
    provenance = of(found, "Provenance")[0]
    targets = {each["reference"] for each in provenance["target"]}
    assert f"Patient/{found.resources[0]['id']}" in targets
    assert provenance["entity"][0]["what"]["reference"] == f"DocumentReference/{original['id']}"


def test_the_visit_of_the_header_is_that_of_the_encounters_section() -> None:
    visit = (
        '<entry><encounter classCode="ENC" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.49"/>'
        '<id root="1.2.3.4.6" extension="visit"/><code code="99213" codeSystem="2.16.840.1.113883.6.12"/>'
        '<effectiveTime value="20200101"/></encounter></entry>'
    )
    assert len(of(document(section("")), "Encounter")) == 1
    (encounter,) = of(document(section(visit, code="46240-8")), "Encounter")
    assert encounter["type"][0]["coding"][0]["code"] == "99213"


def test_statements_nested_to_the_limit_do_not_end_the_reading() -> None:
    opening = '<observation classCode="OBS" moodCode="EVN"><code code="{}" codeSystem="1.2.3.4"/>'
    inner, levels = "", 94
    for level in range(levels):
        holder = f'<entryRelationship typeCode="COMP">{inner}</entryRelationship>' if inner else ""
        inner = f"{opening.format(level)}{holder}</observation>"
    found = document(section(f"<entry>{inner}</entry>" + observation("8302-2")))
    made = {each["code"]["coding"][0]["code"] for each in of(found, "Observation")}
    assert "8302-2" in made
    assert len(made) == levels + 1 or found.sections[0].skipped == [
        ("An entry is nested too deeply to be read.", 1)
    ]


def test_one_identifier_for_two_statements_names_neither() -> None:
    same = '<id root="1.2.3.4.8" extension="same"/>'
    one, two = observation("8302-2", same), observation("29463-7", same)
    first = of(document(section(one + two)), "Observation")
    turned = of(document(section(two + one)), "Observation")
    assert len({each["id"] for each in first}) == 2
    by_code = lambda found: {each["code"]["coding"][0]["code"]: each["id"] for each in found}  # noqa: E731
    assert by_code(first) == by_code(turned)
    (again,) = of(document(section(one + one)), "Observation")
    assert again["identifier"] == [{"system": "urn:oid:1.2.3.4.8", "value": "same"}]


def test_a_statement_said_in_two_sections_is_one_resource() -> None:
    entry = observation("8302-2", '<id root="1.2.3.4.8" extension="x"/>')
    found = document(section(entry), section(entry, code="8716-3", title="Vitals"))
    assert len(of(found, "Observation")) == 1
    assert sum(count for report in found.sections for count in report.made.values()) == 1


def test_sections_inside_sections_are_read_and_counted_on_their_own() -> None:
    inner = section(observation("8302-2"), code="51847-2", title="Inner")
    found = document(section(inner, code="18776-5", title="Outer"))
    assert [(each.title, each.found, each.made) for each in found.sections] == [
        ("Outer", 0, {"DocumentReference": 1}),
        ("Inner", 1, {"Observation": 1}),
    ]


def _samples(shared: Path) -> Iterator[tuple[str, bytes]]:
    folder = shared / "samples"
    if not (folder / "ccda").is_dir():
        pytest.skip("the sample documents are not here")
    for path in sorted([*(folder / "ccda").glob("*.xml"), *(folder / "ccda-eicr").glob("*.xml")]):
        yield path.name, path.read_bytes()
    with tarfile.open(folder / "ccda" / "hl7-c-cda-examples-snippets.tar.gz") as archive:
        for member in archive:
            held = archive.extractfile(member) if member.isfile() else None
            if held is not None and member.name.endswith(".xml"):
                yield member.name, held.read()


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_every_sample_is_read_valid_whole_and_the_same_each_time(shared: Path) -> None:
    seen = 0
    for name, content in _samples(shared):
        found = read(content, name=name)
        written = [json.dumps(each, default=str) for each in found.resources]
        assert written == [json.dumps(each, default=str) for each in read(content, name=name).resources], name
        there = {f"{each['resourceType']}/{each['id']}" for each in found.resources}
        assert len(there) == len(found.resources), name
        for each in found.resources:
            type_ = each["resourceType"]
            model = getattr(import_module(f"fhir.resources.R4B.{type_.lower()}"), type_)
            model.model_validate(json.loads(json.dumps(each, default=float)))
            outside = {target for target in _references(each) if not target.startswith("#")} - there
            assert not outside, f"{name}: {type_} refers to {outside}"
        seen += 1
    assert seen > 80
