"""What counts as a change, which of several is kept, and what is noted beside a save."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pytest

from phr.fhir import read
from phr.model import Change, Received
from phr.store.store import Store

Make = Callable[..., Received]
URL = "https://files.example/doc/5?version=2"
SIGNED = [
    "&X-Amz-Signature={0}&X-Amz-Date={0}&X-Amz-Expires=60",
    "&sv=2022-11-02&se={0}&sr=b&sp=r&sig={0}",
    "&Expires={0}&Signature={0}&Key-Pair-Id=K",
    "&GoogleAccessId=a&Expires={0}&Signature={0}",
    "&token={0}",
    "&access_token={0}",
    "&jsessionid={0}",
    ";jsessionid={0}",
    "&session-id={0}",
    "#sid={0}",
]


def document(url: str) -> dict[str, object]:
    return {"content": [{"attachment": {"url": url, "contentType": "application/pdf"}}]}


VOLATILE: list[tuple[dict[str, object], dict[str, object]]] = [
    ({"meta": {"versionId": "1"}}, {"meta": {"versionId": "2"}}),
    ({}, {"meta": {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00Z"}}),
    ({"meta": {"lastUpdated": "2026-05-01T00:00:00Z"}}, {"meta": {"lastUpdated": "2020-01-01T00:00:00Z"}}),
    ({"meta": {"source": "#a1"}}, {"meta": {"source": "#b2"}}),
    ({"meta": {"tag": [{"code": "x"}], "profile": ["p"]}}, {"meta": None}),
    (
        {"text": {"status": "generated", "div": "<div>one</div>"}},
        {"text": {"status": "generated", "div": "<div>two</div>"}},
    ),
    ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}),
    *((document(URL + one.format("aaa")), document(URL + one.format("bbb"))) for one in SIGNED),
]
FACTS: list[tuple[dict[str, object], dict[str, object]]] = [
    ({"status": "final"}, {"status": "amended"}),
    ({}, {"meta": {"security": [{"code": "R"}]}}),
    (
        {"text": {"status": "additional", "div": "<div>one</div>"}},
        {"text": {"status": "additional", "div": "<div>two</div>"}},
    ),
    ({"note": ["a", "b"]}, {"note": ["b", "a"]}),
    (document(URL), document(URL.replace("=2", "=3"))),
    (document(URL + "&sig=a"), document(URL.replace("=2", "=3") + "&sig=b")),
    (document("https://files.example/a?date=2020"), document("https://files.example/a?date=2021")),
    (document("https://files.example/a?sig=1"), document("https://files.example/b?sig=1")),
]


@pytest.mark.parametrize(("before", "after"), VOLATILE)
def test_what_is_volatile_is_no_change_and_makes_no_version(
    store: Store, source: str, received: Make, before: dict[str, Any], after: dict[str, Any]
) -> None:
    store.save(source, [received("DocumentReference", "1", **before)])
    for _ in range(2):  # the second time the hash is known
        newest = received("DocumentReference", "1", **after)
        saved = store.save(source, [newest])
        assert saved.changes == {("DocumentReference", Change.UNCHANGED): 1}
        assert store.raw("DocumentReference", "1")[0][1] == newest.raw
        before, after = after, before
    assert not store.db.execute("SELECT 1 FROM resource_version").fetchall()


@pytest.mark.parametrize(("before", "after"), FACTS)
def test_what_says_something_else_is_a_change(
    store: Store, source: str, received: Make, before: dict[str, Any], after: dict[str, Any]
) -> None:
    store.save(source, [received("DocumentReference", "1", **before)])
    saved = store.save(source, [received("DocumentReference", "1", **after)])
    assert saved.changes == {("DocumentReference", Change.UPDATED): 1}
    assert store.db.execute("SELECT count(*) FROM resource_version").fetchone() == (1,)


def test_a_hash_leaves_the_resource_as_it_was() -> None:
    resource = {"meta": None, "text": {"status": "empty"}, "url": "https://x.example/?sig=a"}
    kept = orjson.dumps(resource)
    read.content_hash(resource)
    assert orjson.dumps(resource) == kept


OLD, NEW = "2026-01-01T10:00:00Z", "2026-01-01T12:00:00+01:00"


@pytest.mark.parametrize(
    ("dates", "kept"),
    [
        ((OLD, NEW), 1),
        ((NEW, OLD), 0),
        ((OLD, OLD), 1),
        ((NEW, None), 1),
        ((None, None), 1),
        (("2026-01-01T10:00:00.500Z", "2026-01-01T10:00:00.25Z"), 0),
        (("2026-01-01T10:00:00.500Z", "2026-01-01T10:00:00Z"), 0),
        ((OLD, NEW, "2026-01-01T10:30:00Z"), 1),
    ],
)
def test_of_one_id_twice_in_a_batch_the_newest_wins(
    store: Store, source: str, dates: Sequence[str | None], kept: int
) -> None:
    batch = [
        Received("Goal", "1", orjson.dumps({"resourceType": "Goal", "id": "1", "n": n}), when)
        for n, when in enumerate(dates)
    ]
    assert store.save(source, batch).changes == {("Goal", Change.NEW): 1}
    assert store.raw("Goal", "1")[0][1] == batch[kept].raw


def test_within_gets_every_stored_row_and_belongs_to_the_transaction(
    store: Store, source: str, received: Make
) -> None:
    seen: list[Sequence[int]] = []
    store.save(source, [received("Goal", "1"), received("Goal", "2")], within=seen.append)
    batch = [
        received("Goal", "2"),
        received("Goal", "1", description={"text": "walk"}),
        Received("Goal", "3", b"{"),
        received("Goal", "4"),
    ]
    store.save(source, batch, within=seen.append)
    store.save(source, [], within=seen.append)
    assert [sorted(ids) for ids in seen] == [[1, 2], [1, 2, 3], []]

    def fails(ids: Sequence[int]) -> None:
        assert store.db.in_transaction
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk"):
        store.save(source, [received("Goal", "5")], within=fails)
    assert not store.raw("Goal", "5")
    assert store.save(source, [received("Goal", "5")]).changes == {("Goal", Change.NEW): 1}


@pytest.mark.parametrize("id_", ["x" * 300, "a.b=c", "a/b", "ä 1", "..", "%2F", "a'b\"c"])
def test_ids_are_opaque(store: Store, source: str, received: Make, id_: str) -> None:
    one = received("Observation", id_, status="final")
    assert store.save(source, [one]).changes == {("Observation", Change.NEW): 1}
    assert store.save(source, [one]).changes == {("Observation", Change.UNCHANGED): 1}
    assert store.raw("Observation", id_) == [("clinic", one.raw)]


BASE = "https://Ehr.example/Fhir/"
FOLLOWED = {
    "Practitioner/1": ("Practitioner", "1"),
    "Practitioner/1/_history/4": ("Practitioner", "1"),
    "Practitioner\\/1": ("Practitioner", "1"),
    "https://ehr.example/Fhir/Location/2": ("Location", "2"),
    "https://EHR.EXAMPLE:443/fhir/Location/2": ("Location", "2"),
    "HTTPS://ehr.example/Fhir/Location/2/_history/1": ("Location", "2"),
    "Organization/a.b=c": ("Organization", "a.b=c"),
    "Organization/a/b": ("Organization", "a/b"),
    "Organization/" + "x" * 200: ("Organization", "x" * 200),
    "Practitioner?identifier=x|1": ("Practitioner", "?identifier=x|1"),
}
NOT_FOLLOWED = [
    "none",
    "",
    "/",
    "Practitioner/",
    "#contained",
    "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
    "urn:oid:1.2.3",
    "https://elsewhere.example/Fhir/Location/2",
    "https://ehr.example:8443/Fhir/Location/2",
    "http://ehr.example/Fhir/Location/2",
    "http://hl7.org/fhir/CodeSystem/x",
    "CodeSystem/x",
    "ValueSet/x",
    "Patient/p",
    "Group/g",
    "practitioner/1",
    "1/2",
]


@pytest.mark.parametrize("spelled", [*FOLLOWED, *NOT_FOLLOWED])
def test_only_what_can_be_read_here_is_wanted(store: Store, spelled: str) -> None:
    source = store.sources.ensure("clinic", "connection", BASE).key
    raw = b'{"resourceType":"Encounter","id":"1","x":{"reference" : "%s"}}' % spelled.encode()
    store.save(source, [Received("Encounter", "1", raw)])
    rows = store.db.execute("SELECT type, fhir_id FROM wanted_reference").fetchall()
    assert rows == ([FOLLOWED[spelled]] if spelled in FOLLOWED else [])


def test_what_is_here_already_is_not_wanted(store: Store, source: str, received: Make) -> None:
    store.save(source, [received("Location", "1")])
    pointers = [{"reference": f"Location/{n}"} for n in (1, 2, 3)]
    store.save(source, [received("Location", "2"), received("Encounter", "1", x=pointers)])
    assert store.db.execute("SELECT fhir_id FROM wanted_reference").fetchall() == [("3",)]
    store.save(source, [received("Encounter", "2", x=pointers)])
    assert store.db.execute("SELECT fhir_id FROM wanted_reference").fetchall() == [("3",)]
