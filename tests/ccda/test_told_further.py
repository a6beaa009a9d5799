"""What a source says beyond the main thing: further dosages, doses and sources, former names, who stands by."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from phr.ccda.datatypes import ucum
from phr.ccda.desk import Desk
from phr.ccda.sections.dosage import dosing, rate_quantity, taking_time
from phr.ccda.sections.dosage_words import sig, timing_words
from phr.ccda.sections.notes import WHOLE_DOCUMENT
from phr.ccda.sections.problems import problems
from phr.ccda.xml import Element, pieces

Write = Callable[..., Any]
Make = Callable[..., dict[str, Any]]
SCT = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"


def resource(type_: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": type_, **more}


# ── medicines ─────────────────────────────────────────────────────────────────────────────────────


def test_each_dosage_is_coded_in_its_place(write: Write) -> None:
    steps = [
        {
            "sequence": 1,
            "text": "Two a day",
            "doseAndRate": [{"doseQuantity": {"value": 2, "code": "mg", "system": UCUM}}],
        },
        {
            "sequence": 2,
            "text": "Then one",
            "doseAndRate": [{"doseQuantity": {"value": 1, "code": "mg", "system": UCUM}}],
        },
    ]
    document = write(
        resource("MedicationRequest", medicationCodeableConcept={"text": "Iron"}, dosageInstruction=steps)
    )

    own = "//c:section[c:code/@code='10160-0']/c:entry/c:substanceAdministration"
    assert document.one(f"{own}/c:doseQuantity").get("value") == "2"
    further = document.one(f"{own}/c:entryRelationship[c:sequenceNumber]")
    assert (further[0].get("value"), further[1].find("{*}doseQuantity").get("value")) == ("2", "1")
    assert further[1].find("{*}id").get("root") == document.one(f"{own}/c:id").get("root")
    assert document.rows("10160-0")[0][1] == "Two a day (step 1); Then one (step 2)"


@pytest.mark.parametrize(
    ("repeat", "expected"),
    [
        ({"frequency": 2, "period": 1, "periodUnit": "d"}, ("0.5", None, None)),
        ({"frequency": 1, "frequencyMax": 2, "period": 1, "periodUnit": "d"}, (None, "0.5", "1")),
        ({"frequency": 1, "period": 4, "periodMax": 6, "periodUnit": "h"}, (None, "4", "6")),
    ],
)
def test_how_often_may_be_from_to(repeat: dict[str, Any], expected: tuple[str | None, ...]) -> None:
    found = dosing({"timing": {"repeat": repeat}})

    assert found is not None
    period = found.children[0]
    assert isinstance(period, Element)
    ends = [each.attributes.get("value") for each in period.children if isinstance(each, Element)] or [
        None,
        None,
    ]
    assert (period.attributes.get("value"), *ends) == expected


def test_an_abbreviation_alone_says_how_often() -> None:
    found = dosing({"timing": {"code": {"coding": [{"code": "BID"}]}}})

    assert found is not None and isinstance(found.children[0], Element)
    assert found.children[0].attributes == {"value": "12", "unit": "h"}
    assert dosing({"timing": {"code": {"text": "when it hurts"}}}) is None


def test_a_ratio_becomes_a_rate_with_one_unit() -> None:
    ratio = {
        "numerator": {"value": 5, "code": "mg", "system": UCUM},
        "denominator": {"value": 2, "code": "h", "system": UCUM},
    }
    found = rate_quantity({"doseAndRate": [{"rateRatio": ratio}]})

    assert found is not None and found.attributes == {"value": "5", "unit": "mg/(2.h)"}


def test_for_ten_days_is_a_width() -> None:
    bounds = {"boundsDuration": {"value": 10, "code": "d", "system": UCUM}}
    found = taking_time({"timing": {"repeat": bounds}}, "2026-01-02", None)

    assert [each.tag for each in found.children if isinstance(each, Element)] == ["low", "width"]


@pytest.mark.parametrize(
    ("timing", "words"),
    [
        ({"repeat": {"period": 1, "periodUnit": "wk", "dayOfWeek": ["mon", "thu"]}}, "1 time every 1 wk, on mon, thu"),
        ({"repeat": {"when": ["ACM"], "offset": 30}}, "before breakfast, 30 minutes apart"),
        ({"repeat": {"timeOfDay": ["08:00:00"], "count": 5}}, "at 08:00:00, 5 times in all"),
        ({"event": ["2026-01-02"]}, "on 2026-01-02"),
        ({}, None),
    ],
)  # fmt: skip
def test_a_timing_is_told_in_words(timing: dict[str, Any], words: str | None) -> None:
    assert timing_words(timing) == words


def test_the_dose_is_told_beside_what_the_patient_is_to_do() -> None:
    dosage = {
        "patientInstruction": "With food",
        "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "tablet"}}],
    }

    assert sig(dosage) == "2 tablet; With food"


def test_the_code_of_another_system_is_no_unit_of_ucum() -> None:
    assert ucum({"value": 0.5, "unit": "mL", "system": "urn:oid:1.2.3", "code": "1"}) == "mL"
    assert ucum({"value": 0.5, "unit": "blob", "system": "urn:oid:1.2.3", "code": "mg"}) is None


def test_a_plan_not_to_do_something_is_never_written_as_a_plan_to_do_it(write: Write) -> None:
    plan = resource(
        "CarePlan",
        status="active",
        title="Diet",
        activity=[{"detail": {"status": "scheduled", "description": "Salt", "doNotPerform": True}}],
    )
    order = resource(
        "MedicationRequest",
        status="active",
        intent="plan",
        doNotPerform=True,
        medicationCodeableConcept={"text": "X"},
    )

    document = write(plan, order)

    assert document.find("//c:section[c:code/@code='18776-5']/c:entry") == []
    assert document.rows("18776-5")[0][0] == "NOT to be done: Salt"
    assert [each.type for each in document.ccd.left_out] == ["MedicationRequest"]


# ── who says it ───────────────────────────────────────────────────────────────────────────────────


def test_all_sources_of_a_fact_are_named(bundle: Make) -> None:
    whole = bundle(resource("Condition", id="c", code={"text": "Asthma"}))
    url = whole["entry"][0]["fullUrl"]
    desk = Desk(
        whole,
        {"https://one.example/fhir": "Clinic"},
        datetime(2026, 3, 1, tzinfo=UTC),
        {url: ("Hospital", "Clinic")},
    )

    section = etree.fromstring(
        b"<w xmlns:sdtc='s' xmlns:xsi='x'>%b</w>" % b"".join(pieces(problems(desk)[0].element(), 0))
    )

    assert [each.text for each in section.iter("name")].count("Hospital") == 2  # act and observation
    assert "Clinic, Hospital" in [each.text for each in section.iter("td")]


def test_a_provenance_tells_the_author(write: Write) -> None:
    told = resource(
        "Provenance",
        target=[{"reference": "Condition/c"}],
        recorded="2026-01-02T03:04:05Z",
        agent=[{"type": {"coding": [{"code": "author"}]}, "who": {"display": "Ida Penn"}}],
    )
    document = write(resource("Condition", id="c", code={"text": "Asthma"}), told)

    author = document.find("//c:section[c:code/@code='11450-4']//c:act/c:author")[0]
    assert "Ida Penn" in "".join(author.itertext())
    assert author.find("{*}time").get("value") == "20260102030405+0000"


def test_the_patient_is_the_informant_of_what_the_patient_told(write: Write) -> None:
    patient = resource("Patient", id="p", name=[{"family": "Vane", "given": ["Odo"]}])
    allergy = resource("AllergyIntolerance", code={"text": "Bee"}, asserter={"reference": "Patient/p"})

    document = write(patient, allergy)

    assert document.one("//c:observation/c:informant/c:relatedEntity/c:code").get("code") == "ONESELF"


def test_contacts_and_the_family_doctor_stand_in_the_header(write: Write, bundle: Make, errors: Any) -> None:
    whole = bundle(
        resource(
            "Patient",
            name=[{"family": "Vane", "given": ["Odo"]}],
            contact=[
                {"relationship": [{"coding": [{"code": "N"}]}], "name": {"family": "Vane", "given": ["Eve"]}},
                {
                    "relationship": [{"text": "Friend"}],
                    "organization": {"display": "Club", "type": "Organization"},
                },
            ],
            generalPractitioner=[{"display": "Ida Penn"}],
        )
    )

    document = write(whole)

    found = document.find("/c:ClinicalDocument/c:participant/c:associatedEntity/@classCode")
    assert [str(each) for each in found] == ["NOK", "PRS"]
    assert document.one("//c:serviceEvent/c:performer/c:functionCode").get("code") == "PCP"
    assert errors(whole) == []


# ── codes and links ───────────────────────────────────────────────────────────────────────────────


def test_the_code_of_a_system_without_an_oid_is_kept_with_its_system(write: Write) -> None:
    local = {"system": "https://ehr.example/codes", "code": "72", "display": "Wheeze"}
    document = write(resource("Condition", code={"coding": [local], "text": "Wheeze"}))

    found = document.one("//c:value/c:translation")
    assert (found.get("code"), found.get("codeSystemName")) == ("72", "https://ehr.example/codes")


def test_an_entry_names_its_visit_by_the_same_id(write: Write) -> None:
    visit = resource(
        "Encounter", id="e", status="finished", identifier=[{"system": "urn:oid:1.2.3", "value": "7"}]
    )
    problem = resource("Condition", code={"text": "Asthma"}, encounter={"reference": "Encounter/e"})

    document = write(visit, problem)

    path = "//c:section[c:code/@code='11450-4']//c:act[c:templateId/@root='2.16.840.1.113883.10.20.22.4.122']/c:id"
    assert document.one(path).get("extension") == "7"


def test_what_few_sources_say_has_a_column_only_where_it_is_said(write: Write) -> None:
    quiet = write(resource("Procedure", code={"text": "X"}))
    told = write(resource("Procedure", code={"text": "X"}, followUp=[{"text": "In a week"}]))

    assert "Details" not in quiet.columns("47519-4")
    assert told.rows("47519-4")[0][told.columns("47519-4").index("Details")] == "follow-up: In a week"


# ── notes ─────────────────────────────────────────────────────────────────────────────────────────


def note(content_type: str, data: bytes) -> dict[str, Any]:
    attachment = {"contentType": content_type, "data": base64.b64encode(data).decode()}
    return resource(
        "DocumentReference", status="current", type={"text": "Note"}, content=[{"attachment": attachment}]
    )


@pytest.mark.parametrize("content_type", ["text/xml", "application/xml", "application/hl7-cda+xml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_whole_clinical_document_is_not_poured_into_the_notes(
    write: Write, content_type: str, encoding: str
) -> None:
    xml = f'<?xml version="1.0" encoding="{encoding}"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3"/>'
    document = write(note(content_type, xml.encode(encoding)))

    assert [each.reason for each in document.ccd.left_out] == [WHOLE_DOCUMENT]
    assert "ClinicalDocument" not in "".join(document.one("//c:structuredBody").itertext())


def test_a_note_that_speaks_of_a_clinical_document_is_a_note(write: Write) -> None:
    document = write(note("text/plain", b"Sent as <ClinicalDocument> by fax."))

    assert document.ccd.left_out == ()
    assert len(document.find("//c:section[c:code/@code='34109-9']/c:entry")) == 1


def test_a_heading_that_repeats_the_title_is_not_said_twice(write: Write) -> None:
    page = b"<!DOCTYPE html><html><head><title>Plan</title></head><body>\n<h1>Plan</h1>\n<p>Rest.</p></body></html>"
    document = write(note("text/html", page))

    item = document.one("//c:section[c:code/@code='34109-9']/c:text/c:list/c:item")
    assert "".join(item.itertext()).strip() == "Rest."
    assert document.one("//c:act/c:text/c:reference").get("value") == f"#{item.get('ID')}"


def test_a_place_beside_a_dose_is_called_a_place_and_a_task_is_no_second_kind(write: Write) -> None:
    document = write(
        resource(
            "MedicationAdministration",
            status="completed",
            medicationCodeableConcept={"text": "Iron"},
            effectiveDateTime="2025-01-02",
            supportingInformation=[
                {"reference": "Location/9", "display": "Room 3"},
                {"reference": "Observation/9", "display": "a blood count"},
            ],
        ),
        resource(
            "CarePlan",
            status="active",
            intent="plan",
            category=[{"text": "Lungs"}],
            activity=[{"detail": {"kind": "Task", "status": "in-progress", "code": {"text": "Walk"}}}],
        ),
    )

    assert "at: Room 3; rests on: a blood count" in document.rows("10160-0")[0][-1]
    (walk,) = [row for row in document.rows("18776-5") if row[0] == "Walk"]
    assert "kind: task; kind of plan: Lungs" in walk[-1]
