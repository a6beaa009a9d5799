"""What a document does not say is not read into it, and what it says beside its entries is kept."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from phr.ccda.read.report import ReadDocument

from .test_bounds import ONE_ID, T, document, organizer, problem, section

SCT = "2.16.840.1.113883.6.96"


def of(found: ReadDocument, kind: str) -> list[dict[str, Any]]:
    return [each for each in found.resources if each["resourceType"] == kind]


def words(found: ReadDocument) -> str:
    """The narrative that was kept as notes."""
    pages = [each["content"][0]["attachment"] for each in of(found, "DocumentReference")]
    return "".join(
        base64.b64decode(each["data"]).decode() for each in pages if each["contentType"] == "text/html"
    )


@pytest.mark.parametrize("negated", ["", ' negationInd="true"'])
def test_no_known_latex_allergy_is_never_called_latex(negated: str) -> None:
    code = f'<code code="1003774007" codeSystem="{SCT}" displayName="Latex"/>'
    entry = (
        f'<observation classCode="OBS" moodCode="EVN"{negated}><templateId root="{T}7"/>{ONE_ID}<code code="ASSERTION"/>'
        f'<value xsi:type="CD" code="419199007" codeSystem="{SCT}"/><participant typeCode="CSM"><participantRole>'
        f"<playingEntity>{code}</playingEntity></participantRole></participant></observation>"
    )

    (told,) = of(document(section("48765-2", "x", entry)), "AllergyIntolerance")

    assert told["code"]["text"] == told["code"]["coding"][0]["display"] == "No known latex allergy"


def test_a_bare_code_of_the_senders_own_is_no_result() -> None:
    result = (
        '<observation classCode="OBS" moodCode="EVN"><code nullFlavor="UNK"/><statusCode code="completed"/>'
        '<value xsi:type="CD" code="16" codeSystem="1.2.3.4.5.6"/></observation>'
    )

    found = document(section("30954-2", "x", organizer(result)))

    assert of(found, "Observation") == []
    assert [count for _, count in found.sections[0].skipped] == [1]


def test_a_visit_that_did_not_happen_is_cancelled() -> None:
    entry = (
        f'<encounter classCode="ENC" moodCode="EVN" negationInd="true"><templateId root="{T}49"/>{ONE_ID}'
        '<code displayName="Follow-up"/><effectiveTime value="20230101"/></encounter>'
    )

    assert [each["status"] for each in of(document(section("46240-8", "x", entry)), "Encounter")] == [
        "cancelled"
    ]


FINDING = (
    '<observation classCode="OBS" moodCode="EVN"><id nullFlavor="NI"/><code code="1" displayName="Heart"/>'
    '<text><reference value="#h"/></text><value xsi:type="ST">Heart normal in size</value></observation>'
)
HEART = '<paragraph ID="h">Heart normal in size</paragraph>'


@pytest.mark.parametrize(
    ("narrative", "kept"),
    [
        (f"{HEART}<paragraph>No fracture seen</paragraph>", "No fracture seen"),
        (f"{HEART}<list><item>No fracture seen</item></list>", "No fracture seen"),
        (f"No fracture <content>seen</content>{HEART}", "No fracture seen"),
        (f"{HEART}<paragraph>Heart normal in size</paragraph>", ""),
        (f"<content styleCode='Bold'>What was found there</content>{HEART}", ""),
        (f"{HEART}<paragraph>No information is available</paragraph>", ""),
        (f"<paragraph>Of the examination</paragraph><table><tr><td>{'x'}</td></tr></table>{HEART}", ""),
    ],
)
def test_what_a_report_says_beside_its_entries_is_kept_as_a_note(narrative: str, kept: str) -> None:
    found = document(section("18782-3", narrative, FINDING))

    assert [each["valueString"] for each in of(found, "Observation")] == ["Heart normal in size"]
    assert (kept in words(found).replace("<b>", "") and kept != "") == bool(kept)
    assert found.sections[0].made.get("DocumentReference", 0) == bool(kept)


def test_a_list_of_problems_is_not_repeated_as_a_note() -> None:
    found = document(
        section("11450-4", "<list><item>High blood pressure, active</item></list>", problem(38341003))
    )

    assert words(found) == ""


def test_a_second_patient_is_named_and_bytes_that_are_no_file_make_none() -> None:
    more = '<recordTarget><patientRole><id root="1.2.3.4.5" extension="q"/></patientRole></recordTarget>'
    said = '<text mediaType="application/pdf" representation="B64">@@</text>'
    damaged = f"<component><nonXMLBody>{said}</nonXMLBody></component>"

    found = document("", more + damaged)

    assert len(of(found, "Patient")) == 1
    assert {each["content"][0]["attachment"]["contentType"] for each in of(found, "DocumentReference")} == {
        "application/xml"
    }
    told = " ".join(each.reason for each in found.problems if each.known)
    assert "2 patients" in told and "damaged" in told


def test_a_date_in_unknown_order_keeps_its_year_and_is_named() -> None:
    inner = '<effectiveTime><low value="03/04/2019"/></effectiveTime>'

    found = document(section("11450-4", "x", problem(38341003, inner)))

    assert [each["onsetDateTime"] for each in of(found, "Condition")] == ["2019"]
    assert ["which number is the day" in each.reason for each in found.problems] == [True]


def test_the_pictures_of_a_report_are_an_imaging_study() -> None:
    picture = (
        '<observation classCode="DGIMG" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.6.2.8"/>'
        '<id root="1.2.3.4.5.6.7.8"/><code code="1.2.840.10008.5.1.4.1.1.1"/></observation>'
    )
    series = (
        f'<act classCode="ACT" moodCode="EVN"><templateId root="{T}63"/><id root="1.2.3.4.5.6.7"/><code code="113015"/>'
        f'<entryRelationship typeCode="COMP">{picture}</entryRelationship></act>'
    )
    study = (
        '<act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.6.2.6"/><id root="1.2.3.4.5.6"/>'
        f'<code code="113014"/><entryRelationship typeCode="COMP">{series}</entryRelationship></act>'
    )

    found = document(section("121181", "x", study))

    (told,) = of(found, "ImagingStudy")
    assert told["identifier"][0]["value"] == "urn:oid:1.2.3.4.5.6"
    assert [each["uid"] for each in told["series"][0]["instance"]] == ["1.2.3.4.5.6.7.8"]
    assert of(found, "Procedure") == []


@pytest.mark.parametrize("mood", ["RQO", "INT"])
def test_a_group_of_tests_that_is_asked_for_is_an_order(mood: str) -> None:
    asked = organizer().replace('moodCode="EVN"', f'moodCode="{mood}"')

    found = document(section("30954-2", "x", asked))

    assert of(found, "DiagnosticReport") == []
    assert [each["code"]["coding"][0]["code"] for each in of(found, "ServiceRequest")] == ["24323-8"]
