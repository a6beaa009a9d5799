"""What a source takes back stays, is marked, and is left out of a life until the source stands by it again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from phr.model import Change, Received
from phr.store.store import Store
from phr.views.bundle import bundle
from phr.views.record import raw, show
from phr.views.timeline import timeline

Make = Callable[..., Received]
ERROR = "entered-in-error"


def coded(code: str) -> dict[str, object]:
    return {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": code}]
    }


def standing(store: Store, address: str) -> tuple[str, str | None, int]:
    """State of the resource, reason of its tombstone, and what its record is."""
    type_, _, id_ = address.partition("/")
    return tuple(  # type: ignore[return-value]
        store.db.execute(
            "SELECT r.state, t.reason, c.supporting FROM resource r JOIN record c ON c.id = r.id"
            " LEFT JOIN tombstone t ON t.resource_id = r.id WHERE r.type = ? AND r.fhir_id = ?",
            (type_, id_),
        ).fetchone()
    )


def found(store: Store, word: str) -> int:
    query = "SELECT count(*) FROM record_search WHERE record_search MATCH ?"
    return int(store.db.execute(query, (word,)).fetchone()[0])


IN_ERROR = [
    ("Observation", {"status": ERROR}),
    ("Observation", {"status": " Entered-In-Error "}),
    ("Observation", {"status": "nullified"}),
    ("Observation", {"status": [ERROR]}),
    ("Condition", {"verificationStatus": coded(ERROR)}),
    ("Condition", {"verificationStatus": ERROR}),
    ("Condition", {"clinicalStatus": coded("resolved"), "verificationStatus": coded(ERROR)}),
    ("AllergyIntolerance", {"verificationStatus": {"coding": {"code": ERROR}}}),
    ("AllergyIntolerance", {"clinicalStatus": coded(ERROR)}),
    ("Goal", {"lifecycleStatus": ERROR}),
    ("DocumentReference", {"status": "current", "docStatus": ERROR}),
    ("DocumentReference", {"status": ERROR}),
    *(
        (type_, {"status": ERROR})
        for type_ in ("Encounter", "Immunization", "Claim", "CareTeam", "Medication")
    ),
]
STANDS = [
    ("Observation", {"status": "final"}),
    ("Observation", {"status": "cancelled"}),
    ("Condition", {"verificationStatus": coded("refuted")}),
    ("Observation", {"status": {"text": ERROR}, "note": [{"text": ERROR}]}),
    ("Observation", {"status": None, "component": [{"status": ERROR}]}),
]


@pytest.mark.parametrize(("type_", "elements"), IN_ERROR)
def test_each_type_says_entered_in_error_in_its_own_place(
    store: Store, source: str, received: Make, type_: str, elements: dict[str, object]
) -> None:
    saved = store.save(source, [received(type_, "1", **elements)])
    assert saved.changes == {(type_, Change.NEW): 1}
    assert standing(store, f"{type_}/1") == ("gone", ERROR, 2)
    assert timeline(store).total == 0
    assert store.counts() == ({}, {})
    assert store.save(source, [received(type_, "1", **elements)]).changes == {(type_, Change.UNCHANGED): 1}


@pytest.mark.parametrize(("type_", "elements"), STANDS)
def test_other_statuses_take_nothing_back(
    store: Store, source: str, received: Make, type_: str, elements: dict[str, object]
) -> None:
    store.save(source, [received(type_, "1", **elements)])
    assert standing(store, f"{type_}/1") == ("current", None, 0)


def test_what_was_current_is_gone_once_and_keeps_its_bytes_history_and_tags(
    store: Store, source: str, received: Make
) -> None:
    first = received("Condition", "1", code={"text": "Xylophonitis"})
    error = received("Condition", "1", code={"text": "Xylophonitis"}, verificationStatus=coded(ERROR))
    store.save(source, [first])
    store.db.execute("INSERT INTO tag VALUES (1, 'mine')")
    assert found(store, "xylophonitis") == 1

    assert store.save(source, [error]).changes == {("Condition", Change.GONE): 1}
    assert standing(store, "Condition/1") == ("gone", ERROR, 2)
    assert found(store, "xylophonitis") == 0
    assert raw(store, "Condition/1") == error.raw
    assert store.db.execute("SELECT raw FROM resource_version").fetchall() == [(first.raw,)]
    assert store.db.execute("SELECT tag FROM tag").fetchall() == [("mine",)]

    other_meta = received(
        "Condition",
        "1",
        code={"text": "Xylophonitis"},
        verificationStatus=coded(ERROR),
        meta={"versionId": "7"},
    )
    assert store.save(source, [other_meta]).changes == {("Condition", Change.UNCHANGED): 1}
    store.rebuild()
    assert standing(store, "Condition/1") == ("gone", ERROR, 2)
    assert found(store, "xylophonitis") == 0
    assert store.save(source, [first]).changes == {("Condition", Change.UPDATED): 1}
    assert standing(store, "Condition/1") == ("current", None, 0)
    assert found(store, "xylophonitis") == 1


def test_what_was_deleted_becomes_current_when_it_is_sent_again(
    store: Store, source: str, received: Make
) -> None:
    one = received("Condition", "1", code={"text": "Xylophonitis"})
    store.save(source, [one])
    assert store.gone(source, "Condition", "1")
    assert not store.gone(source, "Condition", "1")
    assert not store.gone(source, "Condition", "2")
    assert standing(store, "Condition/1") == ("gone", "deleted", 2)
    assert (found(store, "xylophonitis"), timeline(store).total) == (0, 0)
    store.rebuild()
    assert standing(store, "Condition/1") == ("gone", "deleted", 2)

    assert store.save(source, [one]).changes == {("Condition", Change.UPDATED): 1}
    assert standing(store, "Condition/1") == ("current", None, 0)
    assert (found(store, "xylophonitis"), timeline(store).total) == (1, 1)
    assert not store.db.execute("SELECT 1 FROM resource_version").fetchall()


def test_what_was_deleted_and_then_entered_in_error_stays_gone(
    store: Store, source: str, received: Make
) -> None:
    store.save(source, [received("Condition", "1")])
    store.gone(source, "Condition", "1", "merged", "Condition/2")
    error = received("Condition", "1", verificationStatus=coded(ERROR))
    assert store.save(source, [error]).changes == {("Condition", Change.UPDATED): 1}
    assert standing(store, "Condition/1") == ("gone", ERROR, 2)


def test_gone_works_inside_the_transaction_of_a_save(store: Store, source: str, received: Make) -> None:
    store.save(source, [received("Condition", "1")])
    store.save(source, [], within=lambda ids: store.gone(source, "Condition", "1") and None)
    assert standing(store, "Condition/1") == ("gone", "deleted", 2)


def test_a_name_is_still_looked_up_in_what_was_taken_back(store: Store, source: str, received: Make) -> None:
    store.save(source, [received("Practitioner", "p", name=[{"text": "Dr. Ada Quill"}])])
    store.gone(source, "Practitioner", "p")
    store.save(
        source, [received("Encounter", "e", participant=[{"individual": {"reference": "Practitioner/p"}}])]
    )
    assert timeline(store).events[0]["performer"] == "Dr. Ada Quill"
    assert standing(store, "Practitioner/p") == ("gone", "deleted", 2)


def test_a_visit_that_was_taken_back_lends_its_place_to_nobody(
    store: Store, source: str, received: Make
) -> None:
    visit = {"reference": "Encounter/e"}
    store.save(
        source,
        [
            received("Encounter", "e", serviceProvider={"display": "General"}),
            received("Observation", "o", encounter=visit),
        ],
    )
    assert {event["facility"] for event in timeline(store).events} == {"General"}
    store.gone(source, "Encounter", "e")
    assert [event["facility"] for event in timeline(store).events] == [None]
    assert show(store, "Observation/o")["related"] == []


def test_exports_leave_it_out_and_name_it(store: Store, source: str, received: Make) -> None:
    store.save(source, [received("Condition", "1", code={"text": "Gout"}), received("Patient", "p")])
    store.gone(source, "Condition", "1")
    gathered = bundle(store)
    assert [entry["resource"]["resourceType"] for entry in gathered.bundle["entry"]] == [
        "Composition",
        "Patient",
    ]
    assert [(one.type, one.known) for one in gathered.left_out] == [("Condition", True)]


@pytest.mark.parametrize(
    ("reason", "detail", "expected"),
    [
        ("deleted", None, {"reason": "deleted", "gone_since": "2026-03-01T00:00:00Z"}),
        (
            "merged",
            "Condition/2",
            {"reason": "merged", "gone_since": "2026-03-01T00:00:00Z", "merged_into": "Condition/2"},
        ),
    ],
)
def test_show_still_has_it_and_says_since_when_and_why(
    store: Store, source: str, received: Make, reason: str, detail: str | None, expected: dict[str, str]
) -> None:
    one = received("Condition", "1", code={"text": "Gout"})
    store.save(source, [one])
    store.gone(source, "Condition", "1", reason, detail)
    for ref in ("1", "Condition/1"):
        report = show(store, ref)
        assert report["title"] == "Gout"
        (origin,) = report["provenance"]
        assert origin["state"] == "gone"
        assert expected.items() <= origin.items()
        assert raw(store, ref) == one.raw


def test_what_is_only_absent_is_current_and_shows_since_when(
    store: Store, source: str, received: Make
) -> None:
    store.save(source, [received("Condition", "1")])
    store.db.execute("INSERT INTO absence (resource_id, since) VALUES (1, '2026-02-01T00:00:00Z')")
    (origin,) = show(store, "1")["provenance"]
    assert (origin["state"], origin["not_returned_since"]) == ("current", "2026-02-01T00:00:00Z")
    assert timeline(store).total == 1
    store.gone(source, "Condition", "1")
    assert not store.db.execute("SELECT 1 FROM absence").fetchall()


def test_a_file_from_before_is_marked_when_it_is_read_again(
    store: Store, source: str, received: Make
) -> None:
    store.save(source, [received("Condition", "1", verificationStatus=coded(ERROR))])
    store.db.execute("DELETE FROM tombstone")
    store.db.execute("UPDATE resource SET state = 'current'")
    store.rebuild()
    assert standing(store, "Condition/1") == ("gone", ERROR, 2)
