"""What changed between two versions, in words: fields before and after, lists by what they hold, long texts by words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.model import Received
from phr.store.store import Store
from phr.views.changes import changes, word_by_word
from phr.views.record import show


def _changed(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    both = ({"resourceType": "MedicationRequest", "id": "m", **one} for one in (before, after))
    return [
        (one["label"], one["before"], one["after"]) for one in changes(*(orjson.dumps(one) for one in both))
    ]


DOSE = {"dosageInstruction": [{"text": "One tablet"}]}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"status": "active"}, {"status": "stopped"}, [("Status", "active", "stopped")]),
        ({}, DOSE, [("How to take it", None, "One tablet")]),
        (DOSE, {}, [("How to take it", "One tablet", None)]),
        ({"meta": {"versionId": "1"}}, {"meta": {"versionId": "2", "lastUpdated": "2024-01-01"}}, []),
        ({"text": {"div": "<div>active</div>"}, "status": "a"}, {"text": {"div": "<div>x</div>"}, "status": "a"}, []),
        (
            {"category": [{"text": "A"}, {"text": "B"}]},
            {"category": [{"text": "B"}, {"text": "A"}], "priority": "urgent"},
            [("Category", "A, B", "B, A"), ("Priority", None, "urgent")],
        ),
        (
            {"note": [{"text": "first"}, {"text": "second"}]},
            {"note": [{"text": "first"}, {"text": "third"}]},
            [("Note", "second", "third")],
        ),
        (
            {"dispenseRequest": {"numberOfRepeatsAllowed": 3}},
            {"dispenseRequest": {"numberOfRepeatsAllowed": 2}},
            [("Refills", "3", "2")],
        ),
    ],
)  # fmt: skip
def test_a_change_is_said_by_its_field(
    before: dict[str, Any], after: dict[str, Any], expected: list[Any]
) -> None:
    assert _changed(before, after) == expected


def test_a_list_in_another_order_is_no_change() -> None:
    one = {"identifier": [{"id": "a", "value": "1"}, {"id": "b", "value": "2"}]}
    other = {"identifier": [{"id": "b", "value": "2"}, {"id": "a", "value": "1"}]}
    assert _changed(one, other) == []


def test_digits_that_a_source_added_are_a_change() -> None:
    raw = b'{"resourceType":"Observation","valueQuantity":{"value":%s,"unit":"g"}}'
    assert [(one["before"], one["after"]) for one in changes(raw % b"1.2", raw % b"1.20")] == [
        ("1.2 g", "1.20 g")
    ]


def test_a_long_text_is_compared_word_by_word() -> None:
    before = "The chest is clear. No nodule was seen in the left lung. Follow up in a year."
    after = "The chest is clear. A nodule was seen in the left lung. Follow up in a year."
    (found,) = _changed({"note": [{"text": before}]}, {"note": [{"text": after}]})
    assert found[1:] == (before, after)
    assert ["-", "No"] in word_by_word(before, after)
    assert ["+", "A"] in word_by_word(before, after)


@given(st.text(max_size=200), st.text(max_size=200))
def test_the_pieces_make_both_texts_again(before: str, after: str) -> None:
    pieces = word_by_word(before, after)
    assert "".join(piece for kind, piece in pieces if kind in "=-") == before
    assert "".join(piece for kind, piece in pieces if kind in "=+") == after


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"a":[[1]]}', b"null"])
def test_any_bytes_are_borne(body: bytes) -> None:
    assert isinstance(changes(body, b'{"resourceType":"Condition"}'), list)
    assert changes(body, body) == []


def test_history_is_newest_first_and_says_what_changed(
    store: Store, source: str, received: Callable[..., Received]
) -> None:
    for status in ("active", "on-hold", "stopped"):
        store.save(
            source,
            [received("MedicationRequest", "m", status=status, medicationCodeableConcept={"text": "Iron"})],
        )
    found = show(store, "MedicationRequest/m", versions=5)
    told = [
        [(one["label"], one["before"], one["after"]) for one in version["changes"]]
        for version in found["history"]
    ]
    assert told == [[("Status", "on hold", "stopped")], [("Status", "active", "on hold")]]
    assert found["history_count"] == 2
    assert [version["changes"] is None for version in show(store, "MedicationRequest/m")["history"]] == [
        False,
        True,
    ]
