"""The essentials for whoever finds the person, and the short text of the QR code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from phr.model import Received
from phr.store.store import Store
from phr.views.emergency import emergency, grouped_name
from phr.views.emergency_text import text

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


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Substance with penicillin structure and antibacterial mechanism of action", "Penicillin"),
        ("Product containing only anastrozole", "Anastrozole"),
        ("Latex", "Latex"),
    ],
)
def test_groups_of_substances_have_a_plain_name(title: str, expected: str) -> None:
    assert grouped_name(title)[:9].casefold() == expected[:9].casefold()


def test_a_sure_medicine_has_no_question_mark(life: Store, source: str, received: Make) -> None:
    old: dict[str, Any] = {"text": "Ramipril 5 mg"}
    life.save(source, [received("MedicationRequest", "m9", status="active", intent="order", authoredOn="2019-01-01",
                                medicationCodeableConcept=old)])  # fmt: skip
    said = text(emergency(life), 5000)
    assert "Ramipril 5 mg ?" in said
    assert "Aspirin 81 mg;" in said
