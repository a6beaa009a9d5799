"""`store.save`: the only way in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phr.model import Change, Received
from phr.store.store import Store

Make = Callable[..., Received]


def test_bytes_are_kept_exactly_as_they_came(store: Store, source: str) -> None:
    raw = b'{ "resourceType":"Observation",\n "id":"1", "valueQuantity":{"value":1.20} , "id2":"\\u00e9" }'
    store.save(source, [Received("Observation", "1", raw)])
    assert store.raw("Observation", "1") == [("clinic", raw)]


def test_a_value_keeps_the_digits_of_its_source(store: Store, source: str) -> None:
    raw = (
        b'{"resourceType":"Observation","id":"1","valueQuantity":{"value":1.20},'
        b'"referenceRange":[{"high":{"value":1.10}}]}'
    )
    store.save(source, [Received("Observation", "1", raw)])
    row = store.db.execute("SELECT value, value_number, high, abnormal FROM record").fetchone()
    assert row == ("1.20", 1.2, 1.1, 1)


def test_saving_twice_changes_nothing(store: Store, source: str, received: Make) -> None:
    batch = [received("Observation", str(n), status="final") for n in range(900)]
    first = store.save(source, batch)
    second = store.save(source, batch)
    assert first.changes == {("Observation", Change.NEW): 900}
    assert second.changes == {("Observation", Change.UNCHANGED): 900}


def test_a_change_of_content_keeps_what_was_said_before(store: Store, source: str, received: Make) -> None:
    store.save(source, [received("Observation", "1", status="preliminary")])
    saved = store.save(source, [received("Observation", "1", status="final")])
    assert saved.changes == {("Observation", Change.UPDATED): 1}
    old = store.db.execute("SELECT raw FROM resource_version").fetchall()
    assert [orjson.loads(row[0])["status"] for row in old] == ["preliminary"]
    assert store.db.execute("SELECT status FROM record").fetchall() == [("final",)]


def test_only_new_meta_is_no_update_but_the_newest_bytes_are_kept(
    store: Store, source: str, received: Make
) -> None:
    store.save(source, [received("Observation", "1", meta={"versionId": "1"}, status="final")])
    newest = received(
        "Observation", "1", meta={"versionId": "2", "lastUpdated": "2026-01-01T00:00:00Z"}, status="final"
    )
    saved = store.save(source, [newest])
    assert saved.changes == {("Observation", Change.UNCHANGED): 1}
    assert store.raw("Observation", "1")[0][1] == newest.raw
    assert not store.db.execute("SELECT 1 FROM resource_version").fetchall()


def test_two_sources_may_use_the_same_id(store: Store, received: Make) -> None:
    one, two = store.sources.ensure("one").key, store.sources.ensure("two").key
    store.save(one, [received("Condition", "1", code={"text": "Asthma"})])
    store.save(two, [received("Condition", "1", code={"text": "Gout"})])
    assert [name for name, _ in store.raw("Condition", "1")] == ["one", "two"]
    assert store.db.execute("SELECT count(*) FROM record").fetchone() == (2,)


def test_an_unreadable_resource_is_named_and_the_rest_is_kept(
    store: Store, source: str, received: Make
) -> None:
    saved = store.save(
        source, [Received("Observation", "x", b'{"resourceType":'), received("Observation", "1")]
    )
    assert [(p.type, p.id, p.raw) for p in saved.problems] == [("Observation", "x", b'{"resourceType":')]
    assert saved.changes == {("Observation", Change.NEW): 1}


def test_a_medication_that_comes_later_gives_its_name_to_the_order(
    store: Store, source: str, received: Make
) -> None:
    order = received(
        "MedicationRequest", "1", status="active", medicationReference={"reference": "Medication/m"}
    )
    store.save(source, [order])
    store.save(source, [received("Medication", "m", code={"text": "Prolastin-C"})])
    title = store.db.execute("SELECT title FROM record WHERE resource = 'MedicationRequest/1'").fetchone()
    assert title == ("Prolastin-C",)
    hits = store.db.execute(
        "SELECT count(*) FROM record_search WHERE record_search MATCH 'prolastin'"
    ).fetchone()
    assert hits == (1,)


def test_inline_attachments_become_documents_once(store: Store, source: str, received: Make) -> None:
    content = [{"attachment": {"contentType": "text/plain", "data": "SGVs\nbG8"}}]
    store.save(source, [received("DocumentReference", str(n), content=content) for n in range(3)])
    assert store.db.execute("SELECT content, bytes FROM document").fetchall() == [(b"Hello", 5)]
    assert store.documents.stored(source) == 3


def test_inline_bytes_in_the_url_alphabet_are_a_document_too(
    store: Store, source: str, received: Make
) -> None:
    content = [{"attachment": {"contentType": "application/pdf", "data": "JVBERi0_Pz4-"}}]
    store.save(source, [received("DocumentReference", "d", content=content)])
    assert store.db.execute("SELECT content FROM document").fetchall() == [(b"%PDF-??>>",)]


def test_an_attachment_keeps_its_bytes_when_the_resource_changes(
    store: Store, source: str, received: Make
) -> None:
    content = [{"attachment": {"url": "Binary/1", "contentType": "application/pdf"}}]
    store.save(source, [received("DocumentReference", "d", content=content, description="old")])
    (wanted,) = store.documents.wanted(source)
    assert store.documents.keep(wanted, b"%PDF", None)
    store.save(source, [received("DocumentReference", "d", content=content, description="new")])
    assert store.documents.wanted(source) == []
    other = [{"attachment": {"url": "Binary/2", "contentType": "application/pdf"}}]
    store.save(source, [received("DocumentReference", "d", content=other, description="new")])
    assert [one.url for one in store.documents.wanted(source)] == ["Binary/2"]


def test_a_failing_save_leaves_nothing_behind(store: Store, source: str, received: Make) -> None:
    class Unreadable:
        type, id, raw = "Observation", "2", None

    with pytest.raises(TypeError):
        store.save(source, [received("Observation", "1"), Unreadable()])  # type: ignore[list-item]
    assert store.db.execute("SELECT count(*) FROM resource").fetchone() == (0,)
    assert store.save(source, [received("Observation", "1")]).changes == {("Observation", Change.NEW): 1}


def test_a_rebuild_gives_the_same_records(store: Store, source: str, received: Make) -> None:
    store.save(
        source, [received("MedicationRequest", "1", medicationReference={"reference": "Medication/m"})]
    )
    store.save(source, [received("Medication", "m", code={"text": "Albuterol"}), received("Goal", "g")])
    store.db.execute("INSERT INTO tag VALUES (1, 'lungs')")
    before = store.db.execute("SELECT * FROM record ORDER BY id").fetchall()
    store.db.execute("UPDATE record SET title = 'spoilt'")
    assert store.rebuild() == 3
    assert store.db.execute("SELECT * FROM record ORDER BY id").fetchall() == before
    assert (
        store.db.execute(
            "SELECT count(*) FROM record_search WHERE record_search MATCH 'albuterol'"
        ).fetchone()[0]
        == 1
    )
    assert store.db.execute("SELECT tag FROM tag").fetchall() == [("lungs",)]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(6)), cut=st.integers(1, 6))
def test_any_order_of_pages_gives_the_same_store(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], cut: int
) -> None:
    def row(type_: str, id_: str, **elements: object) -> Received:
        return Received(type_, id_, orjson.dumps({"resourceType": type_, "id": id_, **elements}))

    world = [
        row("Medication", "m", code={"text": "Albuterol"}),
        row("MedicationRequest", "1", medicationReference={"reference": "Medication/m"}),
        row("Practitioner", "p", name=[{"text": "Dr. Ada Quill"}]),
        row("Encounter", "e", participant=[{"individual": {"reference": "Practitioner/p"}}]),
        row("Organization", "o", name="Lakeside"),
        row("Observation", "v", performer=[{"reference": "Organization/o"}], valueQuantity={"value": 1}),
    ]
    path: Path = tmp_path_factory.mktemp("order") / "records.db"
    with Store(path, bytes(32), create=True) as store:
        key = store.sources.ensure("clinic").key
        shuffled = [world[n] for n in order]
        for part in (shuffled[:cut], shuffled[cut:]):
            store.save(key, part)
        rows = store.db.execute(
            "SELECT resource, title, performer, facility FROM record ORDER BY resource"
        ).fetchall()
    assert [(name, title) for name, title, *_ in rows if name.startswith("Medication")] == [
        ("Medication/m", "Albuterol"),
        ("MedicationRequest/1", "Albuterol"),
    ]
    assert next(row[2] for row in rows if row[0] == "Encounter/e") == "Dr. Ada Quill"
