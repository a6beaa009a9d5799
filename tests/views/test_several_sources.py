"""One fact of two sources, wherever it is looked at: shown once, named with both, handed on whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from phr.errors import UsageError
from phr.model import Connection, Received
from phr.store.store import Store
from phr.views import bundle, documents, record, timeline
from phr.views.events import events, new_abnormal
from phr.views.selection import EVERYTHING, Selection
from phr.views.status import status

LOINC = "http://loinc.org"
Make = Callable[..., Received]
HOSPITAL, CLINIC = "https://h.example/fhir", "https://phr.invalid/"


def lab(make: Make, id_: str, date: str, **more: Any) -> Received:
    return make(
        "Observation",
        id_,
        status="final",
        category=[{"coding": [{"code": "laboratory"}]}],
        code={"coding": [{"system": LOINC, "code": "718-7", "display": "Hemoglobin"}]},
        subject={"reference": "Patient/p"},
        valueQuantity={"value": 13.5, "unit": "g/dL"},
        effectiveDateTime=date,
        **more,
    )


def visit(make: Make, id_: str, **more: Any) -> Received:
    period = {"start": "2020-06-01T08:00:00Z", "end": "2020-06-01T09:00:00Z"}
    kind = [{"coding": [{"system": LOINC, "code": "v"}], "text": "Visit"}]
    return make("Encounter", id_, status="finished", period=period, type=kind, **more)


@pytest.fixture
def shared_life(store: Store, received: Make) -> Store:
    """A visit with its result, told by a hospital's server and by a file; the file also knows a note of that visit."""
    store.connections.save(
        Connection(
            key="k2",
            name="hospital",
            provider="h",
            vendor="epic",
            organisation="General",
            fhir_base=HOSPITAL,
            client_id="c",
            patient_id="p",
        )
    )
    clinic = store.sources.ensure("clinic").key
    at = {"encounter": {"reference": "Encounter/9"}}
    store.save(
        clinic,
        [
            received("Patient", "p", name=[{"text": "Ada Example"}]),
            visit(received, "9"),
            received(
                "Encounter", "e", status="finished", period={"start": "2011-01-01"}, type=[{"text": "Old"}]
            ),
            lab(received, "o", "2020-06-01", **at),
            received("Condition", "c", code={"text": "Anaemia"}, onsetDateTime="2020-06-01", **at),
            received(
                "DiagnosticReport",
                "r",
                status="final",
                code={"text": "Panel"},
                effectiveDateTime="2020-06-01",
                result=[{"reference": "Observation/o"}],
                **at,
            ),
        ],
    )
    store.save(
        "k2",
        [
            received("Patient", "p", name=[{"text": "Ada Example"}]),
            visit(received, "e", serviceProvider={"display": "General"}),
            lab(received, "1", "2020-06-01T08:30:00Z", encounter={"reference": "Encounter/e"}),
        ],
    )
    assert store.matches.settle() == 2
    return store


def number(store: Store, source: str, address: str) -> str:
    type_, _, id_ = address.partition("/")
    row = store.db.execute(
        "SELECT x.id FROM resource x JOIN source s ON s.id = x.source_id WHERE s.name = ? AND x.type = ? AND x.fhir_id = ?",
        (source, type_, id_),
    ).fetchone()
    return str(row[0])


def test_the_timeline_has_it_once_with_both_names(shared_life: Store) -> None:
    page = timeline.timeline(shared_life)
    found = [one for one in page.events if one["kind"] == "lab_result" and one["value"] == 13.5]

    assert [one["sources"] for one in found] == [["clinic", "hospital"]]
    assert page.total == len(page.events) == sum(shared_life.counts()[1].values()) == 5
    assert timeline.timeline(shared_life, Selection(search="hemoglobin")).total == 1


@pytest.mark.parametrize("name", ["clinic", "hospital"])
def test_it_is_selected_by_either_source(shared_life: Store, name: str) -> None:
    selection = Selection(sources=(name,), kinds=("lab_result",), search="hemoglobin")
    assert timeline.timeline(shared_life, selection).total == 1


@pytest.mark.parametrize(("source", "address"), [("clinic", "Observation/o"), ("hospital", "Observation/1")])
def test_either_number_and_either_address_show_the_same(
    shared_life: Store, source: str, address: str
) -> None:
    by_number = record.show(shared_life, number(shared_life, source, address))
    by_address = record.show(shared_life, address)

    assert by_number["id"] == by_address["id"] == number(shared_life, "hospital", "Observation/1")
    assert [one["source"] for one in by_number["provenance"]] == ["hospital", "clinic"]
    assert orjson.loads(record.raw(shared_life, address))["id"] == address.partition("/")[2]
    assert (
        orjson.loads(record.raw(shared_life, number(shared_life, source, address)))["id"]
        == address.partition("/")[2]
    )


def test_one_address_at_both_sources_is_no_question_where_they_say_the_same(
    store: Store, received: Make
) -> None:
    for name in ("a", "b"):
        store.save(store.sources.ensure(name).key, [lab(received, "1", "2020-06-01")])
    with pytest.raises(UsageError):
        record.show(store, "Observation/1")

    store.matches.settle()
    assert len(record.show(store, "Observation/1")["provenance"]) == 2
    assert record.raw(store, "Observation/1")
    assert [one["source"] for one in record.show(store, "Observation/1", "b")["provenance"]] == ["a", "b"]


def test_the_visit_is_that_of_its_own_source(shared_life: Store) -> None:
    """The clinic's `Encounter/e` is another visit than the hospital's."""
    event = next(events(shared_life.db, [int(number(shared_life, "hospital", "Observation/1"))]))
    problem = next(events(shared_life.db, [int(number(shared_life, "clinic", "Condition/c"))]))

    assert event["facility"] == "General"
    assert problem["facility"] == "General", "the visit is told by both, and one of them knows where it was"


def test_what_points_at_the_copy_is_related_to_what_is_shown(shared_life: Store) -> None:
    found = record.show(shared_life, "Observation/1")["related"]
    visit_ = record.show(shared_life, "Encounter/9")["related"]

    assert {one["resource"]: one["relation"] for one in found} == {
        "Encounter/e": "encounter",
        "Condition/c": "same visit",
        "DiagnosticReport/r": "points here",
    }
    assert {"Observation/1", "Condition/c"} <= {one["resource"] for one in visit_}
    panel = record.show(shared_life, "DiagnosticReport/r")["related"]
    assert "Observation/1" in {one["resource"] for one in panel}


@pytest.mark.parametrize(("source", "address"), [("clinic", "Observation/o"), ("hospital", "Observation/1")])
def test_a_tag_on_either_counts(shared_life: Store, source: str, address: str) -> None:
    id_ = number(shared_life, source, address)
    shared_life.db.execute("INSERT INTO tag (resource_id, tag) VALUES (?, 'mine')", (id_,))

    page = timeline.timeline(shared_life, Selection(tags=("mine",)))
    assert page.total == 1 and page.events[0]["tags"] == ["mine"]


def test_a_document_has_it_once_and_what_pointed_at_the_copy_points_at_it(shared_life: Store) -> None:
    gathered = bundle.bundle(shared_life)
    entries = {one["fullUrl"]: one["resource"] for one in gathered.bundle["entry"]}
    results = [url for url, one in entries.items() if one["resourceType"] == "Observation"]
    shown, visit_ = f"{HOSPITAL}/Observation/1", f"{HOSPITAL}/Encounter/e"
    (report,) = (one for one in entries.values() if one["resourceType"] == "DiagnosticReport")
    (condition,) = (one for one in entries.values() if one["resourceType"] == "Condition")

    assert results == [shown]
    assert report["result"] == [{"reference": shown}]
    assert report["encounter"] == condition["encounter"] == {"reference": visit_}
    assert entries[shown]["encounter"] == {"reference": "Encounter/e"}
    assert gathered.also == {shown: ("clinic",), visit_: ("clinic",)}
    assert sum(url.endswith("/Encounter/e") for url in entries) == 2, "the clinic's own of that number stays"


def test_references_by_urn_lead_to_it_too(store: Store, received: Make) -> None:
    id_ = "4b1f0d8e-9c1f-4c6e-8a37-0d6b0c1c9a11"
    file = store.sources.ensure("file").key
    panel = received(
        "DiagnosticReport", "r", status="final", code={"text": "P"}, result=[{"reference": f"urn:uuid:{id_}"}]
    )
    store.save(file, [lab(received, id_, "2020-06-01"), panel])
    server = store.sources.ensure("server", "connection", HOSPITAL).key
    store.save(server, [lab(received, "1", "2020-06-01")])
    store.matches.settle()
    (report,) = (
        one["resource"]
        for one in bundle.bundle(store).bundle["entry"]
        if one["resource"]["resourceType"] == "DiagnosticReport"
    )

    assert report["result"] == [{"reference": f"{HOSPITAL}/Observation/1"}]


def test_files_carry_every_resource_of_every_source_as_it_was_sent(shared_life: Store) -> None:
    sent = {bytes(row[0]) for row in shared_life.db.execute("SELECT raw FROM resource")}
    given = list(bundle.stream(shared_life))

    assert {raw for _, raw in given} == sent
    assert len(given) == len(sent) + 1, "both Patients are the same bytes"


@pytest.mark.parametrize(("name", "id_"), [("clinic", "o"), ("hospital", "1")])
def test_an_export_of_one_source_hands_on_its_own_resource(shared_life: Store, name: str, id_: str) -> None:
    selection = Selection(sources=(name,))
    streamed = [orjson.loads(raw) for _, raw in bundle.stream(shared_life, selection)]
    gathered = bundle.bundle(shared_life, selection)
    held = [one["resource"] for one in gathered.bundle["entry"]]

    for resources in (streamed, held):
        assert [one["id"] for one in resources if one["resourceType"] == "Observation"] == [id_]
    assert gathered.also == {}


def test_the_status_counts_facts_once_and_resources_all(shared_life: Store) -> None:
    report = status(shared_life, "default")

    assert report["records_by_kind"]["lab_result"] == 2  # the result and its panel
    assert report["resources_by_type"]["Observation"] == 2


def test_a_known_abnormal_result_is_no_news_from_a_second_source(store: Store, received: Make) -> None:
    high = {"interpretation": [{"coding": [{"code": "H"}]}]}
    store.save(store.sources.ensure("clinic").key, [lab(received, "1", "2020-06-01", **high)])
    store.db.execute("UPDATE resource SET first_seen = '2020-01-01T00:00:00Z'")
    hospital = store.sources.ensure("hospital").key
    run = (
        store.runs.get(str(store.runs.start(hospital, "manual", "full")))
        if hasattr(store.runs, "get")
        else None
    )
    store.save(hospital, [lab(received, "2", "2020-06-01", **high), lab(received, "3", "2021-06-01", **high)])
    store.matches.settle()

    found = new_abnormal(store, replace(run, started="2025-01-01T00:00:00Z"))
    assert [one["date"] for one in found] == ["2021-06-01"]


def test_its_documents_are_listed_once_each(store: Store, received: Make) -> None:
    attachment = {
        "contentType": "text/plain",
        "data": "U2VlbiB0b2RheSBmb3IgYSBzb3JlIGtuZWUsIHdoaWNoIGlzIGJldHRlciBub3cu",
    }
    for name in ("a", "b"):
        note = received("DocumentReference", name, status="current", content=[{"attachment": attachment}])
        store.save(store.sources.ensure(name).key, [note])
    assert store.matches.settle() == 1

    assert documents.documents(store).total == 2
    assert timeline.timeline(store, EVERYTHING).total == 1
