"""`urn:uuid:` and conditional references, resolved on the bytes."""

from __future__ import annotations

import orjson

from phr.sandbox.load import Draft
from phr.sandbox.references import resolve


def draft(type_: str, id_: str, body: str = "", bundle: int = 1, **more: str | None) -> Draft:
    raw = f'{{"resourceType":"{type_}","id":"{id_}"{"," if body else ""}{body}}}'
    return Draft(type_, id_, raw.encode(), bundle, **more)


def reference(text: str) -> str:
    return f'"subject":{{"reference":"{text}"}}'


def test_a_urn_becomes_the_type_and_id_of_its_entry() -> None:
    ada = draft("Patient", "ada", full_url="urn:uuid:1")
    result = draft("Observation", "a1", '"valueQuantity": {"value": 1.20}, ' + reference("urn:uuid:1"))

    resolved = resolve([ada, result])

    assert resolved.drafts[1].raw == (
        b'{"resourceType":"Observation","id":"a1","valueQuantity": {"value": 1.20},'
        b' "subject":{"reference":"Patient/ada"}}'
    )
    assert resolved.drafts[0] is ada
    assert resolved.unresolved == 0


def test_the_same_urn_in_two_bundles_means_two_resources() -> None:
    drafts = [
        draft("Patient", "ada", bundle=1, full_url="urn:uuid:1"),
        draft("Observation", "a1", reference("urn:uuid:1"), bundle=1),
        draft("Patient", "ben", bundle=2, full_url="urn:uuid:1"),
        draft("Observation", "b1", reference("urn:uuid:1"), bundle=2),
    ]

    found = [orjson.loads(each.raw).get("subject") for each in resolve(drafts).drafts]

    assert found == [None, {"reference": "Patient/ada"}, None, {"reference": "Patient/ben"}]


def test_a_urn_of_another_file_is_found_too() -> None:
    drafts = [
        draft("Observation", "a1", reference("urn:uuid:ada"), bundle=0),
        draft("Patient", "ada", bundle=2),
    ]

    assert b'"Patient/ada"' in resolve(drafts).drafts[0].raw


def test_a_conditional_reference_finds_an_identifier_in_any_file() -> None:
    doctor = draft("Practitioner", "doc", '"identifier":[{"system":"http://npi","value":"99"}]', bundle=2)
    drafts = [
        draft("Encounter", "e1", reference("Practitioner?identifier=http://npi|99")),
        draft("Encounter", "e2", reference("Practitioner?identifier=http:\\/\\/npi|99")),
        draft("Encounter", "e3", reference("Practitioner?identifier=http%3A%2F%2Fnpi%7C99")),
        draft("Encounter", "e4", reference("Practitioner?_id=doc")),
        doctor,
    ]

    for each in resolve(drafts).drafts[:4]:
        assert orjson.loads(each.raw)["subject"] == {"reference": "Practitioner/doc"}


def test_what_nothing_matches_stays_and_is_counted() -> None:
    drafts = [
        draft("Encounter", "e1", reference("Practitioner?identifier=http://npi|1")),
        draft("Encounter", "e2", reference("Location?name=x")),
        draft("Encounter", "e3", reference("urn:uuid:nobody")),
    ]

    resolved = resolve(drafts)

    assert [each.raw for each in resolved.drafts] == [each.raw for each in drafts]
    assert resolved.unresolved == 3


def test_identifiers_and_narrative_that_look_like_references_are_left_alone() -> None:
    ada = draft("Patient", "ada", full_url="urn:uuid:1")
    text = r'"identifier":[{"value":"urn:uuid:1"}],"text":{"div":"<p>\"reference\":\"urn:uuid:1\"</p>"}'
    result = draft("Observation", "a1", text)

    assert resolve([ada, result]).drafts[1].raw == result.raw


def test_attachments_follow_to_their_binary() -> None:
    drafts = [
        draft("Binary", "b", full_url="urn:uuid:2"),
        draft("DocumentReference", "d", '"content":[{"attachment":{"url":"urn:uuid:2"}}]'),
    ]

    assert b'"url":"Binary/b"' in resolve(drafts).drafts[1].raw


def test_a_conditional_create_is_done_once() -> None:
    said = "identifier=http://npi|99"
    drafts = [
        draft("Practitioner", "one", full_url="urn:uuid:1", if_none_exist=said),
        draft("Practitioner", "two", bundle=2, full_url="urn:uuid:2", if_none_exist=said),
        draft("Encounter", "e", reference("urn:uuid:2"), bundle=2),
    ]

    resolved = resolve(drafts)

    assert [each.id for each in resolved.drafts] == ["one", "e"]
    assert b'"Practitioner/one"' in resolved.drafts[1].raw
    assert resolved.merged == 1
