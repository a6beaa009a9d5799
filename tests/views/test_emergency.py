"""The essentials for whoever finds the person, and the short text of the QR code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from phr.model import Received
from phr.store.store import Store
from phr.views.emergency import emergency
from phr.views.emergency_text import text, wishes
from phr.views.selection import Selection
from phr.views.summary_people import is_role

Make = Callable[..., Received]


@pytest.fixture
def life(store: Store, source: str, received: Make) -> Store:
    def drug(id_: str, name: str, written: str) -> Received:
        return received("MedicationRequest", id_, status="active", intent="order", authoredOn=written,
                        medicationCodeableConcept={"text": name})  # fmt: skip

    def blood(code: str, id_: str, value: str) -> Received:
        return received("Observation", id_, status="final", effectiveDateTime="2020", valueString=value,
                        code={"coding": [{"system": "http://loinc.org", "code": code}]})  # fmt: skip

    def device(id_: str, **more: Any) -> Received:
        return received("Device", id_, status="active", patient={"reference": "Patient/p"}, **more)

    store.save(
        source,
        [
            received("Patient", "p", name=[{"text": "Ada Example"}], birthDate="1980-03-02", contact=[
                {"name": {"text": "Bo Example"}, "telecom": [{"system": "phone", "value": "555 01"}]}]),
            received("AllergyIntolerance", "a", code={"text": "Bee venom"}, criticality="high"),
            received("AllergyIntolerance", "b", code={"text": "Apple"}),
            drug("m1", "Aspirin 81 mg", "2026-01-01"),
            drug("m2", "Warfarin 5 mg", "2026-01-01"),
            blood("883-9", "o1", "A"),
            blood("10331-7", "o2", "Rh positive"),
            device("d1", deviceName=[{"name": "Wheelchair"}]),
            device("d2", deviceName=[{"name": "Hip prosthesis"}]),
            device("d3", type={"text": "Cardiac pacemaker"}),
            received("Consent", "c", status="active", dateTime="2025-01-01", scope={"coding": [{"code": "adr"}]},
                     category=[{"coding": [{"code": "dnr", "display": "Do Not Resuscitate"}]}]),
        ],
    )  # fmt: skip
    return store


def test_what_kills_comes_first(life: Store) -> None:
    page = emergency(life)
    assert [one["title"] for one in page["allergies"]] == ["Bee venom", "Apple"]
    assert [one["class"] for one in page["medications"]] == ["blood thinner", None]
    assert [one["title"] for one in page["devices"]] == ["Cardiac pacemaker", "Hip prosthesis"]
    assert page["blood_type"] == "A Rh positive"
    assert page["directives"][0]["no_resuscitation"]
    assert [one["text"] for one in page["contacts"]] == ["Bo Example, 555 01"]


def test_blood_groups_that_differ_are_not_chosen_between(life: Store, source: str, received: Make) -> None:
    other = received("Observation", "o3", status="final", effectiveDateTime="2021", valueString="B",
                     code={"coding": [{"system": "http://loinc.org", "code": "883-9"}]})  # fmt: skip
    life.save(source, [other])
    assert emergency(life)["blood_type"].startswith("results differ: B, A")


def test_a_contact_that_the_person_noted_comes_first_and_is_not_said_twice(life: Store) -> None:
    life.note_setting("emergency_contacts", '["Cy Friend, 555 02", "Bo Example, husband, 555 03"]')
    assert [one["text"] for one in emergency(life)["contacts"]] == [
        "Cy Friend, 555 02",
        "Bo Example, husband, 555 03, 555 01",
    ]


@pytest.mark.parametrize("octets", [120, 200, 331, 450, 2000])
def test_the_text_fits_and_allergies_go_last(life: Store, octets: int) -> None:
    said = text(emergency(life), octets)
    assert len(said.encode()) <= octets or octets == 120
    assert "Bee venom" in said
    assert ("Apple" in said) or "+1 more" in said


def test_the_text_says_everything_where_there_is_room_and_names_what_is_missing_where_not(
    life: Store,
) -> None:
    page = emergency(life)
    whole = text(page, 5000)
    assert "ALLERGIES: ! Bee venom; Apple" in whole
    assert "TAKES: BLOOD THINNER Warfarin 5 mg; Aspirin 81 mg" in whole
    assert "DO NOT RESUSCITATE documented" in whole
    assert "NOT HERE" not in whole
    assert "NOT HERE" in text(page, 200)


def test_nothing_known_is_said_as_such(store: Store) -> None:
    assert "ALLERGIES: no information (not the same as none)" in text(emergency(store), 400)


def test_a_sure_medicine_stands_apart_from_an_old_one(life: Store, source: str, received: Make) -> None:
    old: dict[str, Any] = {"text": "Ramipril 5 mg"}
    life.save(source, [received("MedicationRequest", "m9", status="active", intent="order", authoredOn="2019-01-01",
                                medicationCodeableConcept=old)])  # fmt: skip
    said = text(emergency(life), 5000)
    assert "TAKES: BLOOD THINNER Warfarin 5 mg; Aspirin 81 mg\n" in said
    assert "ASK ABOUT: Ramipril 5 mg (last seen 2019-01)\n" in said


def test_the_patients_own_word_bears_a_mark(life: Store, received: Make) -> None:
    own = life.sources.ensure("self", "person").key
    life.save(own, [received("AllergyIntolerance", "own", code={"text": "Cherry"})])
    said = text(emergency(life), 5000)
    assert "Cherry*" in said
    assert "Apple*" not in said
    assert "* says the patient" in said
    assert "* says the patient" not in text(
        emergency(life, Selection(sensitivity="normal")) | {"allergies": []}, 5000
    )


def test_problems_of_a_condition_pack_come_first(life: Store, source: str, received: Make) -> None:
    def problem(id_: str, name: str, since: str) -> Received:
        return received("Condition", id_, code={"text": name}, onsetDateTime=since,
                        clinicalStatus={"coding": [{"code": "active"}]})  # fmt: skip

    life.save(
        source,
        [
            problem("c1", "Alpha-1 antitrypsin deficiency", "2001"),
            problem("c2", "Hay fever", "2024"),
            problem("c3", "Back pain", "2025"),
        ],
    )
    page = emergency(life)
    assert [one["title"] for one in page["problems"]] == [
        "Alpha-1 antitrypsin deficiency",
        "Back pain",
        "Hay fever",
    ]


def test_only_people_with_a_number_are_called(store: Store, source: str, received: Make) -> None:
    def relative(id_: str, name: str, number: str | None) -> Received:
        reached = [{"system": "phone", "value": number}] if number else []
        return received(
            "RelatedPerson", id_, name=[{"text": name}], telecom=reached, patient={"reference": "Patient/p"}
        )

    store.save(source, [relative(f"r{n}", f"Ann {n}", None) for n in range(3)])
    assert [one["text"] for one in emergency(store)["contacts"]] == ["Ann 0, no number known"]
    store.save(source, [relative("r9", "Bo", "555 09")])
    assert [one["text"] for one in emergency(store)["contacts"]] == ["Bo, 555 09"]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("Physician", True),
        ("Primary Care Provider", True),
        ("Dr. Doctor", True),
        ("Dr. Ann Nurse", False),
        ("Marrowby", False),
    ],
)
def test_a_role_is_no_name(name: str, is_one: bool) -> None:
    assert is_role(name) is is_one


def test_a_doctor_has_a_name(store: Store, source: str, received: Make) -> None:
    patient = received("Patient", "p", name=[{"text": "Ada"}], generalPractitioner=[{"display": "Physician"}])
    store.save(source, [patient])
    assert emergency(store)["doctor"] is None
    named = received("Practitioner", "d", name=[{"text": "Di Sample"}])
    known = received("Patient", "p", name=[{"text": "Ada"}],
                     generalPractitioner=[{"display": "Physician", "reference": "Practitioner/d"}])  # fmt: skip
    store.save(source, [named, known])
    assert emergency(store)["doctor"]["name"] == "Di Sample"


def test_a_directive_says_where_it_was_made_and_which_paper_was_signed(
    store: Store, source: str, received: Make
) -> None:
    attached = {"contentType": "application/pdf", "title": "Living will, signed", "data": "JVBERi0="}
    kind = {"coding": [{"system": "http://loinc.org", "code": "42348-3"}]}
    consent: dict[str, Any] = {
        "status": "active",
        "dateTime": "2022-06-14",
        "scope": {"coding": [{"code": "adr"}]},
        "category": [{"coding": [{"code": "hcd"}], "text": "Health care directive"}],
        "organization": [{"reference": "Organization/o", "display": "Harbor Clinic"}],
        "sourceReference": {"reference": "DocumentReference/d"},
    }
    paper: dict[str, Any] = {"status": "current", "type": kind, "date": "2022-06-14T10:00:00Z",
                             "content": [{"attachment": attached}]}  # fmt: skip
    store.save(source, [received("Consent", "c", **consent), received("DocumentReference", "d", **paper)])
    page = emergency(store)
    (one,) = page["directives"]
    assert [paper["title"] for paper in one["documents"]] == ["Living will, signed"]
    assert "“Living will, signed” (PDF)" in wishes(page)[0]
    assert "Harbor Clinic" in wishes(page)[0]
    assert wishes(page, brief=True) == ["Health care directive 2022-06-14"]
