"""References inside a Bundle (FHIR R4 2.36.4)."""

from __future__ import annotations

from typing import Any

from phr.ccda.bundle import Entry, Index, name_uuid


def _index(*entries: tuple[str | None, dict[str, Any]]) -> Index:
    listing = [{"resource": r} if url is None else {"fullUrl": url, "resource": r} for url, r in entries]
    return Index({"resourceType": "Bundle", "entry": listing})


def _entry(index: Index, number: int) -> Entry:
    return index.entries[number]


PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "1"}
VISIT: dict[str, Any] = {"resourceType": "Encounter", "id": "9"}


def test_a_relative_reference_stays_at_its_own_server() -> None:
    index = _index(
        ("https://a.example/fhir/Patient/1", PATIENT),
        ("https://b.example/fhir/Patient/1", PATIENT | {"gender": "male"}),
        ("https://b.example/fhir/Encounter/9", VISIT),
        ("https://c.example/fhir/Encounter/9", VISIT),
    )

    assert index.find(_entry(index, 2), {"reference": "Patient/1"}) is _entry(index, 1)
    assert index.find(_entry(index, 2), "Patient/1/_history/3") is _entry(index, 1)
    assert index.find(_entry(index, 3), "Patient/1") is None


def test_an_absolute_reference_and_a_urn_are_looked_up_by_full_url() -> None:
    urn = "urn:uuid:7c1e6b0a-52d4-4d0f-9a63-000000000001"
    index = _index((urn, PATIENT), ("https://a.example/Encounter/9", VISIT))

    assert index.find(_entry(index, 1), urn) is _entry(index, 0)
    assert index.find(_entry(index, 0), "https://a.example/Encounter/9") is _entry(index, 1)
    assert index.find(_entry(index, 0), "urn:uuid:nobody") is None


def test_without_full_urls_a_relative_reference_must_be_unambiguous() -> None:
    index = _index((None, PATIENT), (None, VISIT))

    assert index.find(_entry(index, 1), "Patient/1") is _entry(index, 0)
    assert index.find(_entry(index, 1), "Patient/2") is None


def test_contained_resources_are_found_and_find_each_other() -> None:
    resource = {
        "resourceType": "MedicationRequest",
        "id": "5",
        "contained": [
            {"resourceType": "Medication", "id": "m", "manufacturer": {"reference": "#o"}},
            {"resourceType": "Organization", "id": "o", "name": "Maker"},
        ],
    }
    index = _index(("https://a.example/MedicationRequest/5", resource))

    medicine = index.find(_entry(index, 0), {"reference": "#m"})
    assert medicine is not None and medicine.address == "https://a.example/MedicationRequest/5#m"
    maker = index.find(medicine, {"reference": "#o"})
    assert maker is not None and maker.resource["name"] == "Maker"


def test_a_conditional_reference_finds_staff_by_identifier() -> None:
    system = "http://hl7.org/fhir/sid/us-npi"
    doctor = {"resourceType": "Practitioner", "id": "d", "identifier": [{"system": system, "value": "99"}]}
    index = _index((None, doctor), (None, VISIT))

    assert index.find(_entry(index, 1), f"Practitioner?identifier={system}|99") is _entry(index, 0)
    assert index.find(_entry(index, 1), f"Practitioner?identifier={system}|98") is None


def test_odd_bundles_are_read_as_far_as_they_go() -> None:
    odd = {
        "entry": [
            None,
            "x",
            {"resource": None},
            {"resource": {"id": "1"}},
            {"fullUrl": 3, "resource": PATIENT},
        ]
    }

    assert [entry.type for entry in Index(odd).entries] == ["Patient"]
    assert Index({}).entries == ()


def test_an_id_depends_on_server_type_and_id_only() -> None:
    index = _index(("https://a.example/Patient/1", PATIENT), ("https://b.example/Patient/1", PATIENT))
    again = _index(("https://a.example/Patient/1", PATIENT | {"gender": "male"}))

    assert _entry(index, 0).uuid() != _entry(index, 1).uuid()
    assert _entry(index, 0).uuid() == _entry(again, 0).uuid() == name_uuid("https://a.example/Patient/1")
    assert _entry(index, 0).uuid("concern") != _entry(index, 0).uuid()
