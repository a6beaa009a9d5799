"""The document as a whole: header, required sections, what is left out, the same bytes each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

REQUIRED = ["48765-2", "10160-0", "11450-4", "30954-2", "29762-2", "8716-3"]
PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "identifier": [{"system": "urn:oid:1.2.3.4", "value": "MRN-7"}],
    "name": [{"use": "official", "family": "Sample", "given": ["Eve", "Jane"]}],
    "gender": "female",
    "birthDate": "1970-04-15",
    "address": [{"use": "home", "line": ["2 Sample Road"], "city": "Boston", "state": "Massachusetts"}],
    "telecom": [{"system": "phone", "use": "mobile", "value": "+1 617 555 0199"}],
}


def _condition(id_: str, words: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": id_,
        "code": {"text": words},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "subject": {"reference": "Patient/p"},
        **more,
    }


def test_an_empty_bundle_gives_six_sections_that_say_no_information(write: Callable[..., Any]) -> None:
    document = write({"resourceType": "Bundle", "type": "collection"})

    assert document.ccd.sections == dict.fromkeys(REQUIRED, 0)
    for code in REQUIRED:
        section = document.section(code)
        assert section.get("nullFlavor") == "NI"
        assert "No information" in "".join(section.itertext())
    assert document.find("//c:entry") == []
    assert document.find("//@negationInd") == []


def test_without_a_patient_the_header_is_null_and_not_invented(write: Callable[..., Any]) -> None:
    document = write({"resourceType": "Bundle", "type": "collection", "entry": []})

    role = document.one("//c:patientRole")
    assert [child.get("nullFlavor") for child in role][:3] == ["UNK", "UNK", "UNK"]
    assert document.one("//c:patient/c:name").get("nullFlavor") == "UNK"
    assert document.one("//c:patient/c:birthTime").get("nullFlavor") == "UNK"


def test_the_header_tells_whose_record_it_is_and_who_made_the_document(write: Callable[..., Any]) -> None:
    document = write(PATIENT, software="phr 9.9")

    assert document.one("//c:patientRole/c:id").attrib == {"root": "1.2.3.4", "extension": "MRN-7"}
    assert document.find("//c:patient/c:name/c:given/text()") == ["Eve", "Jane"]
    assert document.one("//c:patient/c:administrativeGenderCode").get("code") == "F"
    assert document.one("//c:patientRole/c:addr/c:state").text == "MA"
    assert document.one("//c:patientRole/c:addr/c:postalCode").get("nullFlavor") == "UNK"
    assert document.one("//c:patientRole/c:telecom").get("value") == "tel:+16175550199"
    assert document.one("/*/c:author//c:softwareName").text == "phr 9.9"
    assert document.one("/*/c:id").get("root") == "0F5B8C7E-2F6D-4C55-9A3E-3D1F6A7B8C9D"
    assert document.one("/*/c:effectiveTime").get("value") == "20260301093000+0000"


def test_a_composition_in_front_names_the_patient(
    write: Callable[..., Any], bundle: Callable[..., Any]
) -> None:
    composition = {"resourceType": "Composition", "id": "c", "subject": {"reference": "Patient/b"}}
    other = {"resourceType": "Patient", "id": "a", "name": [{"family": "Other", "given": ["A"]}]}
    meant = {"resourceType": "Patient", "id": "b", "name": [{"family": "Meant", "given": ["B"]}]}

    document = write(bundle(composition, other, meant))

    assert document.one("//c:patient/c:name/c:family").text == "Meant"


def test_the_service_event_covers_the_content_up_to_today(write: Callable[..., Any]) -> None:
    document = write(
        PATIENT, _condition("1", "A", onsetDateTime="2019-05-01"), _condition("2", "B", onsetDateTime="2011")
    )

    assert document.one("//c:serviceEvent/c:effectiveTime/c:low").get("value") == "2011"
    assert document.one("//c:serviceEvent/c:effectiveTime/c:high").get("value") == "20260301"


def test_a_date_of_death_is_in_the_header(write: Callable[..., Any]) -> None:
    dated = write(PATIENT | {"deceasedDateTime": "2025-02-03"})
    undated = write(PATIENT | {"deceasedBoolean": True})

    assert dated.one("//sdtc:deceasedTime").get("value") == "20250203"
    assert undated.one("//sdtc:deceasedInd").get("value") == "true"
    assert undated.one("//sdtc:deceasedTime").get("nullFlavor") == "UNK"


def test_security_labels_make_the_document_confidential(write: Callable[..., Any]) -> None:
    system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
    labelled = _condition("1", "A", meta={"security": [{"system": system, "code": "R"}]})

    assert write(PATIENT, labelled).one("/*/c:confidentialityCode").get("code") == "R"
    assert write(PATIENT).one("/*/c:confidentialityCode").get("code") == "N"


def test_what_was_entered_in_error_is_left_out_and_named(write: Callable[..., Any]) -> None:
    wrong = _condition("1", "Wrong leg", verificationStatus={"coding": [{"code": "entered-in-error"}]})
    wrong_too = {
        "resourceType": "Observation",
        "id": "2",
        "status": "entered-in-error",
        "code": {"text": "X"},
    }

    document = write(PATIENT, wrong, wrong_too)

    assert {(p.type, p.id) for p in document.ccd.left_out} == {("Condition", "1"), ("Observation", "2")}
    assert all("entered in error" in p.reason for p in document.ccd.left_out)
    assert b"Wrong leg" not in document.ccd.xml


def test_a_type_without_a_section_is_named_and_staff_is_not(write: Callable[..., Any]) -> None:
    claim = {"resourceType": "Claim", "id": "c1"}
    doctor = {"resourceType": "Practitioner", "id": "d1", "name": [{"family": "Example"}]}

    left_out = write(PATIENT, claim, doctor).ccd.left_out

    assert [(p.type, p.id) for p in left_out] == [("Claim", "c1")]


def test_no_resource_is_lost_without_a_word(write: Callable[..., Any]) -> None:
    """Whatever is not in the document is in left_out."""
    types = """AllergyIntolerance Condition MedicationRequest MedicationStatement Observation DiagnosticReport
    Procedure Immunization Encounter ServiceRequest CarePlan Goal CareTeam DocumentReference Device Coverage
    FamilyMemberHistory Consent ClinicalImpression Appointment Communication Task QuestionnaireResponse""".split()

    document = write(
        *[{"resourceType": type_, "id": f"x{n}", "status": "active"} for n, type_ in enumerate(types)]
    )

    named = {problem.type for problem in document.ccd.left_out}
    assert {"CareTeam", "Consent", "Device", "Task", "Communication", "DocumentReference"} <= named
    written = {"AllergyIntolerance", "Condition", "Observation", "Procedure", "Goal", "ServiceRequest"}
    assert not written & named
    assert len(document.ccd.left_out) == len({(p.type, p.id) for p in document.ccd.left_out})


def test_the_same_bundle_gives_the_same_bytes(write: Callable[..., Any]) -> None:
    content = [_condition(str(n), f"Problem {n}", onsetDateTime=f"20{n:02}") for n in range(10, 30)]

    first, second = (write(PATIENT, *content).ccd for _ in range(2))

    assert first.xml == second.xml
    assert first == second


def test_ids_in_the_narrative_are_unique_and_every_link_leads_somewhere(write: Callable[..., Any]) -> None:
    note = [{"text": "seen twice"}, {"text": "watch"}]
    document = write(PATIENT, *[_condition(str(n), f"P{n}", note=note) for n in range(12)])

    names = document.find("//@ID")
    links = document.find("//c:entry//c:reference/@value")
    assert len(names) == len(set(names)) == 12 * 3
    assert {link[1:] for link in links} == set(names)


def test_control_characters_do_not_break_the_document(write: Callable[..., Any]) -> None:
    document = write(PATIENT, _condition("1", "Cough\x00 \x0b& <fever>\ud800"))

    assert document.rows("11450-4")[0][0] == "Cough & <fever>"


def test_newest_comes_first_and_undated_last(write: Callable[..., Any]) -> None:
    document = write(
        PATIENT,
        _condition("1", "old", onsetDateTime="2001"),
        _condition("2", "undated"),
        _condition("3", "new", onsetDateTime="2020-02-03T10:00:00Z"),
    )

    assert [row[0] for row in document.rows("11450-4")] == ["new", "old", "undated"]
    assert document.rows("11450-4")[0][1] == "2020-02-03"


def test_several_sources_are_named_in_the_narrative_and_as_authors(
    write: Callable[..., Any], bundle: Callable[..., Any]
) -> None:
    one = bundle(PATIENT, _condition("1", "from one"))
    two = bundle(_condition("1", "from two"), base="https://two.example/r4")
    both = one | {"entry": one["entry"] + two["entry"]}

    document = write(both, sources={"https://one.example/fhir/": "Denver Health"})

    assert document.columns("11450-4")[-1] == "Source"
    assert {(row[0], row[-1]) for row in document.rows("11450-4")} == {
        ("from one", "Denver Health"),
        ("from two", "two.example"),
    }
    names = document.find("//c:entry//c:author//c:representedOrganization/c:name/text()")
    assert sorted(names) == ["Denver Health", "two.example"]


def test_one_source_needs_no_column(write: Callable[..., Any]) -> None:
    assert "Source" not in write(PATIENT, _condition("1", "A")).columns("11450-4")


def test_the_same_id_at_two_sources_stays_two_things(
    write: Callable[..., Any], bundle: Callable[..., Any]
) -> None:
    one, two = (
        bundle(_condition("1", "A"), base=base) for base in ("https://a.example", "https://b.example")
    )
    document = write(one | {"entry": one["entry"] + two["entry"]})

    roots = document.find("//c:entry//c:observation[c:code/@code='64572001']/c:id/@root")
    assert len(set(roots)) == 2


def test_a_later_version_of_a_resource_wins_and_the_other_is_named(
    write: Callable[..., Any], bundle: Callable[..., Any]
) -> None:
    document = write(bundle(_condition("1", "first"), _condition("1", "second"), _condition("1", "second")))

    assert [row[0] for row in document.rows("11450-4")] == ["second"]
    assert ["later one" in problem.reason for problem in document.ccd.left_out] == [True]
