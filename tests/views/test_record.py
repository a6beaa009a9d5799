"""One record whole, and its exact bytes."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.store.store import Store
from phr.views.details import details
from phr.views.record import raw, show
from phr.views.timeline import timeline


def test_raw_gives_exactly_the_bytes_that_came(store: Store, source: str) -> None:
    body = b'{ "resourceType":"Observation",\r\n "id":"x", "valueQuantity":{"value":1.20}, "code":{"text":"\\u00e4"}}'
    store.save(source, [Received("Observation", "x", body)])

    assert raw(store, "Observation/x") == body
    assert raw(store, timeline(store).events[0]["id"]) == body


def test_an_address_that_several_sources_use_needs_a_source(life: Store) -> None:
    with pytest.raises(UsageError) as caught:
        raw(life, "Observation/o1")
    assert caught.value.hint is not None
    assert "clinic, hospital" in caught.value.hint
    with pytest.raises(UsageError):
        show(life, "Observation/o1")

    assert b"14.0" in raw(life, "Observation/o1", source="hospital")
    assert show(life, "Observation/o1", source="clinic")["value"] == 13.5


@pytest.mark.parametrize("ref", ["999", "Observation/none", "hemoglobin", "", "9" * 30, "Observation/"])
def test_an_unknown_record_is_a_usage_error_with_help(life: Store, ref: str) -> None:
    for ask in (show, raw):
        with pytest.raises(UsageError) as caught:
            ask(life, ref)
        assert caught.value.hint


def test_show_joins_the_event_with_its_relations_trend_and_origin(life: Store) -> None:
    found = show(life, "Observation/o1", source="clinic")

    assert {"label": "Result", "value": "13.5 g/dL", "element": "value[x]", "more": False} in found["details"]
    assert ("Encounter/e", "encounter") in [(one["resource"], one["relation"]) for one in found["related"]]
    assert [(one["value"], one["source"]) for one in found["trend"] if one["value"] is not None] == [
        (13.5, "clinic"),
        (12.1, "clinic"),
        (14, "hospital"),
    ]
    assert [one["source"] for one in found["provenance"]] == ["clinic"]
    assert (found["notes"], found["shared_with"], found["conflicts"], found["history"]) == ([], [], [], [])


def test_a_visit_shows_what_happened_in_it_of_its_own_source_only(life: Store) -> None:
    found = show(life, "Encounter/e", source="hospital")

    assert [(one["resource"], one["relation"]) for one in found["related"]] == [
        ("Observation/o1", "same visit")
    ]
    assert found["related"][0]["date"] == "2022-01-01T09:30:00+01:00"


def test_history_says_when_a_record_was_replaced(life: Store, received: Callable[..., Received]) -> None:
    clinic = next(s.key for s in life.sources.all() if s.name == "clinic")
    life.save(clinic, [received("Condition", "c1", code={"text": "Changed"}, onsetDateTime="2019")])

    found = show(life, "Condition/c1")
    assert found["history_count"] == 1
    assert found["history"][0]["replaced"] == "2026-03-01T00:00:00Z"
    assert found["title"] == "Changed"


def test_attachments_carry_their_size_and_fingerprint(
    store: Store, source: str, received: Callable[..., Received]
) -> None:
    data = base64.b64encode(b"hello").decode()
    content = [{"attachment": {"contentType": "text/plain", "data": data, "title": "letter.txt"}}]
    store.save(source, [received("DocumentReference", "d", content=content, date="2020-01-01")])

    found = show(store, "DocumentReference/d")["attachments"]
    assert [(one["filename"], one["media_type"], one["bytes"], one["state"]) for one in found] == [
        ("letter.txt", "text/plain", 5, "stored")
    ]
    assert len(found[0]["sha256"]) == 64


def test_people_can_be_shown_although_they_are_not_events(life: Store) -> None:
    assert show(life, "Practitioner/d")["resource"] == "Practitioner/d"


def test_a_former_name_is_not_shown_as_the_present_one() -> None:
    body = (
        b'{"resourceType":"Patient","name":[{"use":"official","family":"New","given":["A"]},'
        b'{"use":"old","family":"Old","given":["A"]}],"address":[{"use":"temp","city":"Elsewhere"}]}'
    )
    assert [(pair["label"], pair["value"]) for pair in details(body)] == [
        ("Name", "A New"),
        ("Name (old)", "A Old"),
        ("Address (temp)", "Elsewhere"),
    ]


def test_details_keep_the_digits_and_name_the_parts() -> None:
    body = (
        b'{"resourceType":"Observation","id":"x","status":"final","valueQuantity":{"value":1.20,"unit":"mg"},'
        b'"effectivePeriod":{"start":"2020-01-01"},"code":{"coding":[{"code":"8"}],"text":"Pressure"},'
        b'"component":[{"code":{"text":"Systolic"},"valueQuantity":{"value":120.0,"unit":"mmHg"}}],'
        b'"referenceRange":[{"low":{"value":0.50,"unit":"mg"},"high":{"value":2}}],"issued":null,'
        b'"note":[{"text":"after rest"}],"performer":[{"reference":"Practitioner/1","display":"Dr. Who"}]}'
    )
    found = {pair["label"]: pair["value"] for pair in details(body)}

    assert found["Result"] == "1.20 mg"
    assert found["Systolic"] == "120.0 mmHg"
    assert found["When"] == "from 2020-01-01"
    assert found["What"] == "Pressure"
    assert found["Usual range"] == "0.50 mg to 2"
    assert found["Note"] == "after rest"
    assert found["Done by"] == "Dr. Who"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"nonsense", b'{"a":[[{"b":1}]]}', b'{"code":5,"value":{"value":{}}}']
)
def test_details_bear_any_bytes(body: bytes) -> None:
    assert isinstance(details(body), list)
