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


def test_show_and_documents_take_either_number(store: Store, told_twice: tuple[int, int]) -> None:
    shown, copy = told_twice

    assert record.show(store, str(copy))["id"] == record.show(store, str(shown))["id"] == str(shown)
    for ref in (f"{copy}.0", str(copy), str(shown), "DocumentReference/1"):
        assert documents.one(store, ref)["bytes"] == 14
