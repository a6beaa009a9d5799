"""Visits, documents, money, messages, and types that nobody has heard of."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from phr.model import Record
from phr.records.derive import derive, type_words


def record_of(type_: str, **elements: Any) -> Record:
    return derive({"resourceType": type_, "id": "1", **elements}, {}.get)


def coded(code: str, display: str | None = None, system: str = "http://loinc.org") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


# ── visits and orders ─────────────────────────────────────────────────────────────────────────────


def test_a_visit_with_its_type_place_and_people() -> None:
    record = record_of(
        "Encounter",
        status="finished",
        type=[{"text": "Follow-up"}],
        period={"start": "2024-01-01T09:00:00Z", "end": "2024-01-01T09:30:00Z"},
        serviceProvider={"reference": "urn:uuid:1", "display": "Example Clinic"},
        participant=[{"individual": {"reference": "Practitioner/1", "display": "Dr. Ada Example"}}],
        reasonCode=[{"text": "Cough"}],
        **{"class": {"code": "AMB"}},
    )

    assert (record.kind, record.title, record.category) == ("encounter", "Follow-up", "AMB")
    assert (record.date, record.end) == ("2024-01-01T09:00:00Z", "2024-01-01T09:30:00Z")
    assert (record.facility, record.performer, record.description) == (
        "Example Clinic",
        "Dr. Ada Example",
        "reason: Cough",
    )


def test_a_visit_without_a_type_is_named_by_class_and_reason() -> None:
    assert record_of("Encounter", reasonCode=[{"text": "Cough"}], **{"class": {"code": "EMER"}}).title == (
        "Emergency visit: Cough"
    )
    assert record_of("Encounter", **{"class": {"code": "IMP"}}).title == "Hospital stay"
    absent = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason"}]}
    assert record_of("Encounter", type=[absent], **{"class": absent}).title == "Visit"


def test_an_appointment_is_dated_by_its_start_and_not_by_its_booking() -> None:
    record = record_of(
        "Appointment", description="Video visit", start="2024-05-03T14:30:00Z", created="2024-04-01"
    )

    assert (record.kind, record.title, record.date, record.recorded) == (
        "appointment",
        "Video visit",
        "2024-05-03T14:30:00Z",
        "2024-04-01",
    )


def test_an_order_says_why() -> None:
    record = record_of(
        "ServiceRequest",
        code={"text": "Chest X-ray"},
        authoredOn="2024-01-01",
        reasonCode=[{"text": "Cough"}],
    )

    assert (record.kind, record.title, record.date, record.description) == (
        "order",
        "Chest X-ray",
        "2024-01-01",
        "reason: Cough",
    )


# ── documents ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("elements", "kind", "title"),
    [
        (
            {"category": [coded("clinical-note")], "type": {"text": "Progress Notes"}},
            "clinical_note",
            "Progress Notes",
        ),
        ({"type": coded("34133-9")}, "clinical_note", "Summary of episode note"),
        ({"type": coded("11488-4", "Consult note")}, "clinical_note", "Consult note"),
        ({"type": {"text": "Referral letter"}}, "document", "Referral letter"),
        ({"category": [coded("42348-3")], "type": {"text": "Living will"}}, "directive", "Living will"),
        (
            {
                "category": [{"text": "Knee MRI"}],
                "type": coded("UNK", "unknown", "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"),
            },
            "document",
            "Knee MRI",
        ),
        (
            {"type": {"text": "Unknown"}, "category": [coded("clinical-note", "Clinical Note")]},
            "clinical_note",
            "Clinical Note",
        ),
        ({}, "document", "Document without a name"),
    ],
)
def test_documents_are_notes_documents_or_directives(elements: dict[str, Any], kind: str, title: str) -> None:
    record = record_of("DocumentReference", **elements)

    assert (record.kind, record.title) == (kind, title)


def test_a_document_has_its_pages_and_the_words_of_inline_ones() -> None:
    html = b64encode(b"<p>Walk <b>more</b></p>").decode()
    record = record_of(
        "DocumentReference",
        date="2024-01-01T00:00:00Z",
        context={"encounter": [{"reference": "Encounter/1"}], "period": {"start": "2023"}},
        custodian={"display": "Example Clinic"},
        author=[{"reference": "Practitioner/1", "display": "UNK"}],
        content=[
            {"attachment": {"contentType": "text/html", "data": f"{html[:8]}\n{html[8:].rstrip('=')}"}},
            {"attachment": {"contentType": "application/pdf", "url": "Binary/7", "title": "Plan"}},
            {"attachment": {"url": "none"}},
        ],
    )

    assert [(page.index, page.media_type, page.url) for page in record.attachments] == [
        (0, "text/html", None),
        (1, "application/pdf", "Binary/7"),
        (2, None, None),
    ]
    assert "Walk more" in record.text
    assert (record.title, record.date, record.encounter) == ("Plan", "2024-01-01T00:00:00Z", "Encounter/1")
    assert (record.facility, record.performer) == ("Example Clinic", None)


def test_rtf_pages_are_searchable() -> None:
    data = b64encode(rb"{\rtf1\ansi{\b Knee} pain\par since May}").decode()
    record = record_of(
        "DocumentReference", content=[{"attachment": {"contentType": "application/rtf", "data": data}}]
    )

    assert "Knee" in record.text
    assert "since May" in record.text
    assert "rtf1" not in record.text


def test_pictures_from_the_inside_are_imaging_and_photos_are_documents() -> None:
    study = record_of(
        "ImagingStudy", started="2024-01-01", series=[{"modality": {"code": "DX", "display": "X-ray"}}]
    )
    scan = record_of("Media", modality={"text": "Ultrasound"}, createdDateTime="2024-01-01")
    photo = record_of("Media", content={"contentType": "image/jpeg", "title": "Rash"})

    assert (study.kind, study.title, study.date) == ("imaging", "X-ray", "2024-01-01")
    assert (scan.kind, photo.kind, photo.title) == ("imaging", "document", "Rash")
    assert photo.attachments[0].media_type == "image/jpeg"


def test_a_questionnaire_shows_its_answers() -> None:
    record = record_of(
        "QuestionnaireResponse",
        questionnaire="https://example.org/Questionnaire/phq-2|1.0",
        authored="2024-01-01",
        author={"reference": "Patient/p"},
        item=[
            {"text": "Number of years:", "answer": [{"valueInteger": 20}]},
            {"text": "Group", "item": [{"text": "Ready?", "answer": [{"valueCoding": {"display": "Yes"}}]}]},
        ],
    )

    assert (record.kind, record.title, record.origin) == ("questionnaire", "Questionnaire phq-2", "patient")
    assert record.description == "Number of years: 20; Ready?: Yes"


def test_only_wishes_for_care_are_directives() -> None:
    assert record_of("Consent", category=[coded("acd", system="x")]).kind == "directive"
    assert record_of("Consent", category=[coded("59284-0")], scope=coded("patient-privacy")).kind == "other"


def test_a_message_begins_with_what_was_written() -> None:
    record = record_of(
        "Communication",
        topic={"text": "Lab question"},
        sent="2024-01-01T00:00:00Z",
        sender={"reference": "Patient/p"},
        payload=[
            {"contentString": "Is my <b>potassium</b> fine?"},
            {"contentAttachment": {"title": "photo"}},
        ],
    )

    assert (record.kind, record.title, record.origin) == ("message", "Lab question", "patient")
    assert record.description == "Is my potassium fine?"
    assert record.attachments[0].title == "photo"


# ── money, devices, tasks ─────────────────────────────────────────────────────────────────────────


def test_a_claim_says_for_what_and_how_much() -> None:
    record = record_of(
        "Claim",
        type=coded("pharmacy", system="http://terminology.hl7.org/CodeSystem/claim-type"),
        billablePeriod={"start": "2024-01-01", "end": "2024-01-02"},
        provider={"reference": "Organization/1", "display": "Example Pharmacy"},
        item=[{"productOrService": {"text": "Lisinopril"}}],
        total={"value": 12.5, "currency": "USD"},
    )

    assert (record.kind, record.title, record.origin) == ("claim", "Pharmacy claim: Lisinopril", "payer")
    assert (record.description, record.facility) == ("total: 12.5 USD", "Example Pharmacy")
    assert (record.date, record.end) == ("2024-01-01", "2024-01-02")


def test_an_explanation_of_benefits_leaves_out_what_came_to_nothing() -> None:
    total = [
        {"category": {"text": "Submitted"}, "amount": {"value": 100, "currency": "USD"}},
        {"category": {"text": "Copay"}, "amount": {"value": 0, "currency": "USD"}},
    ]
    record = record_of(
        "ExplanationOfBenefit",
        total=total,
        payment={"amount": {"value": 80, "currency": "USD"}},
        item=[{"servicedDate": "2016-12-01"}],
    )

    assert record.title == "Explanation of benefits"
    assert record.description == "submitted: 100 USD; paid: 80 USD"
    assert record.date == "2016-12-01"


def test_insurance_is_named_by_payer_and_plan() -> None:
    record = record_of(
        "Coverage",
        payor=[{"display": "Example Health"}],
        type={"text": "PPO"},
        period={"start": "2024", "end": "2025"},
    )

    assert (record.kind, record.title, record.origin) == ("coverage", "Example Health: PPO", "payer")
    assert (record.date, record.end, record.facility) == ("2024", "2025", "Example Health")


def test_a_device_is_not_dated_by_its_making() -> None:
    record = record_of(
        "Device",
        patient={"reference": "Patient/1"},
        type={"text": "Pacemaker"},
        manufactureDate="2017-01-09",
        expirationDate="2040-07-02T10:00:00Z",
    )

    assert (record.kind, record.title, record.date) == ("device", "Pacemaker", None)
    assert record.description == "expires: 2040-07-02"


def test_a_task_is_named_by_its_code_or_description() -> None:
    record = record_of("Task", description="Call the clinic", authoredOn="2024-01-01", status="requested")

    assert (record.kind, record.title, record.status, record.date) == (
        "task",
        "Call the clinic",
        "requested",
        "2024-01-01",
    )


# ── the world around, and the unknown ─────────────────────────────────────────────────────────────


def test_people_and_places_are_supporting_and_shown_by_name() -> None:
    person = record_of("Practitioner", name=[{"given": ["Ada"], "family": "Example"}])
    place = record_of("Location", name="Room 5")
    role = record_of("PractitionerRole", practitioner={"display": "Dr. Ada Example"})

    assert [(entry.kind, entry.supporting) for entry in (person, place, role)] == [("other", True)] * 3
    assert [entry.title for entry in (person, place, role)] == ["Ada Example", "Room 5", "Dr. Ada Example"]
    assert record_of("Binary").title == "Binary"


def test_an_unheard_of_type_is_kept_under_its_name_in_words() -> None:
    record = record_of("MolecularSequence", type="dna", date="2024")

    assert (record.kind, record.supporting, record.title, record.date) == (
        "other",
        False,
        "Molecular sequence: dna",
        "2024",
    )
    assert type_words("MolecularSequence") == "Molecular sequence"
    assert record_of("Zzz").title == "Zzz"


def test_a_resource_without_an_id_or_with_a_strange_one_is_still_a_record() -> None:
    assert derive({"resourceType": "Condition"}, {}.get).resource == "Condition/"
    assert derive({"resourceType": "Condition", "id": ["x"]}, {}.get).resource == "Condition/"
    assert derive({"resourceType": "Condition", "id": "a.b=c"}, {}.get).resource == "Condition/a.b=c"


def test_what_two_readers_ask_for_is_remembered_once() -> None:
    pointer = {"reference": "Practitioner/1"}
    record = record_of("Condition", recorder=pointer, asserter=pointer)

    assert record.wanted == ("Practitioner/1",)


def test_a_role_is_followed_to_the_person() -> None:
    world = {
        "PractitionerRole/r": {
            "resourceType": "PractitionerRole",
            "practitioner": {"reference": "Practitioner/p"},
        },
        "Practitioner/p": {"resourceType": "Practitioner", "name": [{"text": "Ada Example"}]},
    }
    resource = {"resourceType": "Condition", "recorder": {"reference": "PractitionerRole/r"}}

    record = derive(resource, world.get)

    assert record.performer == "Ada Example"
    assert record.wanted == ("PractitionerRole/r", "Practitioner/p")
