"""FHIR validity: what is wrong and where, without repeating a value."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from phr.fhir.validity import judge, judge_bytes

GOOD = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "Pulse"}}
SECRET = "Quinceberry"


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ({"status": None}, "Observation.status", "is missing"),
        ({"code": SECRET}, "Observation.code", "has to be an object"),
        ({"wasNotTaken": SECRET}, "Observation.wasNotTaken", "is no element that FHIR R4 has here"),
        ({SECRET + " 7": 1}, "Observation.?", "is no element that FHIR R4 has here"),
        ({"category": {"text": SECRET}}, "Observation.category", "has to be a list"),
        ({"effectiveDateTime": SECRET}, "Observation.effectiveDateTime", "is not a date as FHIR writes it"),
        ({"issued": SECRET}, "Observation.issued", "is not a time as FHIR writes it"),
        ({"valueQuantity": {"value": SECRET}}, "Observation.valueQuantity.value", "is not a number"),
        ({"component": [{"valueString": SECRET}]}, "Observation.component[0].code", "is missing"),
        ({"valueString": SECRET, "valueBoolean": True}, "Observation", "more than one"),
        ({"id": SECRET + " x"}, "Observation.id", "is not written as FHIR has it"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_flaw_is_named_by_its_place_and_never_by_its_content(
    change: dict[str, Any], path: str, message: str
) -> None:
    resource = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    verdict = judge(resource)

    assert not verdict.valid
    assert any(one.path == path and message in one.message for one in verdict.issues), verdict
    assert SECRET not in repr(verdict)


def test_a_good_one_is_valid_and_a_uuid_of_any_version_is_too() -> None:
    named = {"valueUuid": "urn:uuid:6f3d8c52-9a0e-5f0b-8d7e-2b1c5a4e7f90", "url": "http://example.org/x"}

    assert judge(GOOD).valid
    assert judge({**GOOD, "extension": [named]}).valid


@pytest.mark.parametrize(
    ("resource", "valid", "judged"),
    [
        ({"resourceType": "MedicationOrder"}, False, True),  # DSTU2
        ({"resourceType": "MedicinalProduct"}, False, False),  # R4 has it, R4B has not
        ({"resourceType": "../../etc"}, False, True),
        ({"resourceType": "HumanName"}, False, True),
        ({"resourceType": 7}, False, True),
        ({}, False, True),
        ([], False, True),
    ],
)
def test_what_has_no_model_is_told_apart(resource: object, valid: bool, judged: bool) -> None:
    verdict = judge(resource)
    assert (verdict.valid, verdict.judged) == (valid, judged)


def test_bytes_have_to_be_json() -> None:
    assert judge_bytes(orjson.dumps(GOOD)).valid
    assert judge_bytes(b"{").issues[0].message == "is not JSON"


COMPOSITION = {
    "resourceType": "Composition", "id": "c", "status": "final", "type": {"text": "Summary"}, "date": "2026-01-01",
    "author": [{"reference": "urn:uuid:1"}], "title": "Summary",
}  # fmt: skip
DEVICE = {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Device", "id": "d"}}
DOCUMENT = {
    "resourceType": "Bundle", "type": "document", "timestamp": "2026-01-01T00:00:00Z",
    "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:2"},
    "entry": [{"fullUrl": "urn:uuid:3", "resource": COMPOSITION}, DEVICE],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"identifier": None}, "bdl-9"),
        ({"timestamp": None}, "bdl-10"),
        ({"entry": [DEVICE]}, "bdl-11"),
        ({"entry": [*DOCUMENT["entry"], DEVICE]}, "bdl-7"),  # type: ignore[misc]
        ({"entry": [DOCUMENT["entry"][0]]}, "refers to a resource that is not in the document"),  # type: ignore[index]
        (
            {"entry": [*DOCUMENT["entry"], {"resource": {"resourceType": "Device", "id": 1}}]},
            "entry[2].resource",
        ),  # type: ignore[misc]
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_document_follows_the_rules_of_documents(change: dict[str, Any], said: str) -> None:
    broken = {name: value for name, value in {**DOCUMENT, **change}.items() if value is not None}

    assert judge(DOCUMENT).valid
    assert said in " ".join(f"{one.path} {one.message}" for one in judge(broken).issues)
