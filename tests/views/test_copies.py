"""What a person does to a record that two sources tell, by whichever of its numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from phr.model import Received
from phr.store.store import Store
from phr.views import documents, record

Make = Callable[..., Received]


@pytest.fixture
def told_twice(store: Store, received: Make) -> tuple[int, int]:
    """The numbers of one letter that a hospital and a file both hold: the one shown, and its copy."""
    letter = {
        "status": "current",
        "type": {"text": "Letter"},
        "date": "2024-05-01",
        "content": [
            {"attachment": {"contentType": "text/plain", "data": "RGVhciBjb2xsZWFndWU=", "title": "Letter"}}
        ],
    }
    for name in ("hospital", "file"):
        store.save(store.sources.ensure(name).key, [received("DocumentReference", "1", **letter)])
    assert store.matches.settle() == 1
    rows = store.db.execute("SELECT id, supporting FROM record ORDER BY supporting").fetchall()
    assert [row[1] for row in rows] == [0, 3]
    return rows[0][0], rows[1][0]


def test_a_copy_is_shown_in_its_own_words_and_both_are_named(store: Store, received: Make) -> None:
    number = {"identifier": [{"system": "urn:oid:1.2.3", "value": "7"}]}
    same = {"clinicalStatus": {"coding": [{"code": "active"}]}, **number}
    code = [{"system": "http://snomed.info/sct", "code": "84757009"}]
    for name, words in (("hospital", "Epilepsy"), ("file", "Falling sickness")):
        concept = {"coding": code, "text": words}
        store.save(store.sources.ensure(name).key, [received("Condition", name, code=concept, **same)])
    assert store.matches.settle() == 1

    one, other = record.show(store, "Condition/hospital"), record.show(store, "Condition/file")
    assert (one["title"], other["title"]) == ("Epilepsy", "Falling sickness")
    assert one["id"] == other["id"] and one["sources"] == other["sources"] == ["file", "hospital"]
    for each in (one, other):
        assert [part["resource"] for part in each["provenance"]] == ["Condition/hospital", "Condition/file"]
    assert b"Falling sickness" in record.raw(store, "Condition/file")
    assert b"Falling sickness" not in record.raw(store, "Condition/hospital")


def test_show_and_documents_take_either_number(store: Store, told_twice: tuple[int, int]) -> None:
    shown, copy = told_twice

    assert record.show(store, str(copy))["id"] == record.show(store, str(shown))["id"] == str(shown)
    for ref in (f"{copy}.0", str(copy), str(shown), "DocumentReference/1"):
        assert documents.one(store, ref)["bytes"] == 14
