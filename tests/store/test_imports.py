"""What imports brought, and taking one back: the others stay as they would be without it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.model import Received
from phr.store.imports import EMPTIED
from phr.store.store import Store
from phr.store.undo import Undone, undo

Make = Callable[..., Received]


class Desk:
    """Imports one after the other, each of one file into the source `clinic`."""

    def __init__(self, store: Store, make: Make) -> None:
        self.store, self.make = store, make

    def brings(self, **conditions: str | None) -> int:
        """One import: `brings(a="Asthma")` is Condition/a; answers its number."""
        source = self.store.imports.source("clinic")
        run = self.store.imports.start(source.key, None, {"file": "clinic.json"})
        for id_, text in conditions.items():
            self.store.imports.save(source.key, [self.make("Condition", id_, code={"text": text})], run)
        self.store.runs.end(run, "completed")
        return run

    def undo(self, *runs: int) -> Undone:
        return undo(self.store, runs)

    @property
    def holds(self) -> dict[str, str]:
        """What stands there now, by the records."""
        rows = self.store.db.execute("SELECT resource, title FROM record ORDER BY resource")
        return {resource.removeprefix("Condition/"): title for resource, title in rows}

    @property
    def history(self) -> list[str]:
        rows = self.store.db.execute("SELECT raw FROM resource_version ORDER BY id")
        return [orjson.loads(row[0])["code"]["text"] for row in rows]


@pytest.fixture
def desk(store: Store, received: Make) -> Desk:
    return Desk(store, received)


def test_undone_is_as_though_it_had_never_been(desk: Desk) -> None:
    job = desk.brings(a="Asthma", b="Gout")
    desk.store.db.execute("INSERT INTO tag VALUES (1, 'mine')")
    told = desk.undo(job)
    assert (told.removed, told.tagged, told.sources) == ({"Condition": 2}, 1, ("clinic",))
    for table in ("resource", "record", "record_source", "tag", "import_item", "resource_version"):
        assert desk.store.db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    found = desk.store.db.execute(
        "SELECT rowid FROM record_search WHERE record_search MATCH 'asthma'"
    ).fetchall()
    assert found == []
    assert desk.store.imports.undone([job])
    assert desk.store.sources.all()[0].kind == EMPTIED


def test_it_can_be_imported_again_afterwards(desk: Desk) -> None:
    desk.undo(desk.brings(a="Asthma"))
    desk.brings(a="Asthma")
    assert desk.holds == {"a": "Asthma"}
    assert desk.store.sources.all()[0].kind == "import"


def test_a_dry_run_tells_the_same_and_changes_nothing(desk: Desk) -> None:
    first, second = desk.brings(a="Asthma", b="Gout"), desk.brings(a="Asthma, mild")
    before = list(desk.store.db.iterdump()) if hasattr(desk.store.db, "iterdump") else desk.holds
    looked = undo(desk.store, [second], dry_run=True)
    assert before == (list(desk.store.db.iterdump()) if hasattr(desk.store.db, "iterdump") else desk.holds)
    assert looked == desk.undo(second)
    assert looked.restored == {"Condition": 1}
    assert desk.holds == {"a": "Asthma", "b": "Gout"}
    assert desk.undo(first).removed == {"Condition": 2}


# What each import says of Condition/a, which of them are undone in which order, what stands there then, and its history.
LAYERS: list[tuple[list[str], list[int], dict[str, str], list[str]]] = [
    (["one"], [0], {}, []),
    (["one", "one"], [0], {"a": "one"}, []),
    (["one", "one"], [1], {"a": "one"}, []),
    (["one", "one"], [0, 1], {}, []),
    (["one", "one"], [1, 0], {}, []),
    (["one", "two"], [1], {"a": "one"}, []),
    (["one", "two"], [0], {"a": "two"}, []),
    (["one", "two"], [0, 1], {}, []),
    (["one", "two"], [1, 0], {}, []),
    (["one", "two", "three"], [1], {"a": "three"}, ["one"]),
    (["one", "two", "three"], [1, 2], {"a": "one"}, []),
    (["one", "two", "three"], [2, 1], {"a": "one"}, []),
    (["one", "two", "three"], [0, 1], {"a": "three"}, []),
    (["one", "two", "three"], [2, 0], {"a": "two"}, []),
    (["one", "two", "two"], [1], {"a": "two"}, ["one"]),
    (["one", "two", "two"], [1, 2], {"a": "one"}, []),
    (["one", "two", "two", "three"], [1], {"a": "three"}, ["one", "two"]),
    (["one", "two", "two", "three"], [1, 2], {"a": "three"}, ["one"]),
    (["one", "two", "two", "three"], [1, 3], {"a": "two"}, ["one"]),
    (["one", "two", "two", "three"], [1, 3, 2], {"a": "one"}, []),
    (["one", "one", "two"], [0], {"a": "two"}, ["one"]),
    (["one", "one", "two"], [0, 2], {"a": "one"}, []),
    (["one", "one", "two"], [0, 1], {"a": "two"}, []),
    (["one", "two", "one"], [1], {"a": "one"}, ["one"]),
    (["one", "two", "one"], [1, 2, 0], {}, []),
    (["one", "two", "one"], [2], {"a": "two"}, ["one"]),
]


@pytest.mark.parametrize(("said", "undone", "holds", "history"), LAYERS)
def test_layers_of_imports(
    desk: Desk, said: list[str], undone: list[int], holds: dict[str, str], history: list[str]
) -> None:
    jobs = [desk.brings(a=text) for text in said]
    for at in undone:
        desk.undo(jobs[at])
    assert (desk.holds, desk.history) == (holds, history)


def test_what_is_restored_was_changed_when_it_was_not_when_it_was_undone(
    received: Make, tmp_path: Path
) -> None:
    now = [datetime(2026, 3, 1, tzinfo=UTC)]
    with Store(tmp_path / "own.db", bytes(32), create=True, clock=lambda: now[0]) as store:
        desk = Desk(store, received)

        def resource() -> list[tuple[Any, ...]]:
            return list(store.db.execute("SELECT raw, raw_hash, state, first_seen, changed FROM resource"))

        desk.brings(a="one")
        before = resource()
        now[0] = datetime(2026, 4, 1, tzinfo=UTC)
        second = desk.brings(a="two")
        assert resource() != before
        now[0] = datetime(2026, 5, 1, tzinfo=UTC)
        desk.undo(second)
        assert resource() == before


def test_what_a_later_import_changed_is_left_and_said(desk: Desk) -> None:
    desk.brings(a="one")
    second, _ = desk.brings(a="two"), desk.brings(a="three")
    told = desk.undo(second)
    assert (told.removed, told.restored, told.changed_since) == ({}, {}, 1)


def test_a_job_of_several_runs_goes_as_one(desk: Desk) -> None:
    kept = desk.brings(a="one")
    told = desk.undo(desk.brings(a="two", b="x"), desk.brings(a="three", c="y"))
    assert (told.removed, told.restored) == ({"Condition": 2}, {"Condition": 1})
    assert desk.holds == {"a": "one"}
    desk.undo(kept)
    assert desk.holds == {}


def test_what_was_looked_up_in_a_removed_resource_is_read_again(desk: Desk, received: Make) -> None:
    store, source = desk.store, desk.store.imports.source("clinic")
    first = store.imports.start(source.key, None, {})
    ref = {"reference": "Medication/m"}
    store.imports.save(
        source.key,
        [received("MedicationRequest", "r", status="active", intent="order", medicationReference=ref)],
        first,
    )
    second = store.imports.start(source.key, None, {})
    store.imports.save(source.key, [received("Medication", "m", code={"text": "Metformin"})], second)

    def title() -> str:
        (row,) = store.db.execute(
            "SELECT title FROM record WHERE resource = 'MedicationRequest/r'"
        ).fetchall()
        return str(row[0])

    assert title() == "Metformin"
    undo(store, [second])
    assert title() != "Metformin"


def test_bytes_go_unless_another_document_has_the_same(desk: Desk, received: Make) -> None:
    store = desk.store
    clinic, other = store.imports.source("clinic"), store.imports.source("other")
    letter = [{"attachment": {"contentType": "text/plain", "data": "TGV0dGVy"}}]
    scan = [{"attachment": {"contentType": "text/plain", "data": "U2Nhbg=="}}]
    run = store.imports.start(clinic.key, None, {})
    store.imports.save(
        clinic.key,
        [
            received("DocumentReference", "d1", status="current", content=letter),
            received("DocumentReference", "d2", status="current", content=scan),
        ],
        run,
    )
    store.save(other.key, [received("DocumentReference", "d", status="current", content=letter)])
    assert store.documents.totals()[0] == 2
    assert undo(store, [run]).documents == 1
    assert store.documents.totals()[0] == 1


def test_nothing_is_undone_half(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    job = desk.brings(a="Asthma")

    def stumble(*_: Any) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("phr.store.undo._put_away", stumble)
    with pytest.raises(RuntimeError):
        desk.undo(job)
    assert desk.holds == {"a": "Asthma"}
    assert desk.store.imports.undone([job]) == {}
