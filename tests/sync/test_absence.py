"""What no longer comes is kept and named; only the server's word about the address itself makes a tombstone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from phr.sync.stop import Stop

from .ward import ANNA, Record, Ward, outcome, refusing

ABSENT = "SELECT r.type, r.fhir_id FROM absence a JOIN resource r ON r.id = a.resource_id ORDER BY r.fhir_id"
STONES = "SELECT r.type, r.fhir_id, t.reason FROM tombstone t JOIN resource r ON r.id = t.resource_id"


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "records.db")


@pytest.fixture
def ward() -> Ward:
    made = Ward()
    made.put("Patient", "p")
    for n in range(5):
        made.put("Observation", f"o{n}")
    made.put("Condition", "c")
    return made


def noted(run: Any) -> list[str]:
    return [f"{one.type}: {one.reason}" for one in run.skipped if "not returned" in one.reason]


def closed_to_reads(request: httpx.Request) -> httpx.Response | None:
    return None if request.url.query else refusing(403)(request)


def test_what_a_complete_pass_leaves_out_is_kept_and_named(record: Record, ward: Ward) -> None:
    record.pull(ward)
    ward.hidden |= {("Observation", "o1"), ("Observation", "o2")}
    ward.answers["Observation"] = closed_to_reads
    run = record.later(days=1).pull(ward)
    assert noted(run) == ["Observation: 2 not returned since 2026-03-02; they are kept as they were"]
    assert (run.status, run.types["Observation"].gone) == ("completed", 0)
    assert record.ask(ABSENT) == [("Observation", "o1"), ("Observation", "o2")]
    assert record.ask("SELECT count(*) FROM resource WHERE state = 'current' AND type = 'Observation'") == [
        (5,)
    ]
    again = record.later(days=3).pull(ward)
    assert noted(again) == noted(run), "since the first time"
    ward.hidden.clear()
    assert noted(record.later(days=4).pull(ward)) == []


@pytest.mark.parametrize(
    ("answer", "gone"),
    [
        pytest.param(refusing(410, outcome("deleted")), True, id="410"),
        pytest.param(refusing(404, outcome("not-found")), True, id="404 that names it"),
        pytest.param(refusing(404, outcome("deleted")), True, id="deleted"),
        pytest.param(refusing(404, outcome("processing", vendor="4103")), True, id="Epic 4103"),
        pytest.param(lambda _: httpx.Response(404), True, id="404 while others are read"),
        pytest.param(refusing(403), False, id="403"),
        pytest.param(refusing(400), False, id="400"),
        pytest.param(lambda _: httpx.Response(503), False, id="503"),
    ],
)
def test_only_a_word_about_the_address_makes_a_tombstone(
    record: Record, ward: Ward, answer: Any, gone: bool
) -> None:
    record.pull(ward)
    ward.hidden.add(("Observation", "o1"))
    ward.answers["Observation/o1"] = answer
    run = record.later(days=1).pull(ward)
    assert record.ask(STONES) == ([("Observation", "o1", "deleted")] if gone else [])
    assert bool(record.ask(ABSENT)) is not gone
    assert ("Observation" in run.types and run.types["Observation"].gone == 1) is gone
    assert record.ask("SELECT count(*) FROM resource WHERE fhir_id = 'o1'") == [(1,)], "the bytes stay"
    if gone:
        assert run.status == "completed"
        assert record.later(days=2).pull(ward).types["Observation"].gone == 0, "counted once"


def test_a_404_for_everything_says_nothing(record: Record, ward: Ward) -> None:
    """The server knows no reads at all, so it does not know this one either."""
    record.pull(ward)
    ward.hidden.add(("Observation", "o1"))
    ward.answers["Observation"] = lambda request: None if request.url.query else httpx.Response(404)
    record.later(days=1).pull(ward)
    assert record.ask(STONES) == []
    assert record.ask(ABSENT) == [("Observation", "o1")]


def test_a_404_that_names_it_says_nothing_either_where_nothing_can_be_read(
    record: Record, ward: Ward
) -> None:
    record.pull(ward)
    ward.hidden.add(("Observation", "o1"))
    ward.answers["Observation"] = lambda request: (
        None if request.url.query else refusing(404, outcome("not-found"))(request)
    )
    record.later(days=1).pull(ward)
    assert (record.ask(STONES), record.ask(ABSENT)) == ([], [("Observation", "o1")])


@pytest.mark.parametrize(
    ("answer", "patient", "gone"),
    [
        (refusing(410, outcome("deleted")), True, True),
        (refusing(404, outcome("not-found")), True, True),
        (refusing(404, outcome("not-found")), False, False),
        (lambda _: httpx.Response(404), True, False),
    ],
)
def test_the_last_of_its_type_is_gone_where_the_patient_can_be_read(
    record: Record, ward: Ward, answer: Any, patient: bool, gone: bool
) -> None:
    record.pull(ward)
    ward.hidden.add(("Condition", "c"))
    ward.answers["Condition/c"] = answer
    if not patient:
        ward.answers["Patient/p"] = refusing(404, outcome("not-found"))
    record.later(days=1).pull(ward)
    assert record.ask(STONES) == ([("Condition", "c", "deleted")] if gone else [])


def test_what_a_search_brings_is_missed_though_it_once_came_by_its_address(
    record: Record, ward: Ward
) -> None:
    ward.put("Encounter", "e")
    ward.put("Encounter", "e2")
    ward.put("Condition", "c", encounter={"reference": "Encounter/e"})
    ward.hidden.add(("Encounter", "e"))
    record.pull(ward)
    ward.hidden.clear()
    record.later(days=1).pull(ward)
    del ward.resources["Encounter", "e"]
    record.later(days=2).pull(ward)
    assert record.ask(STONES) == [("Encounter", "e", "deleted")]


@pytest.mark.parametrize("reads", [True, False])
def test_what_came_by_its_address_is_gone_where_others_like_it_are_read(
    record: Record, ward: Ward, reads: bool
) -> None:
    for n in range(2):
        ward.put("Practitioner", f"d{n}")
        ward.put("Observation", f"o{n}", performer=[{"reference": f"Practitioner/d{n}"}])
    record.pull(ward)
    del ward.resources["Practitioner", "d0"]
    if not reads:
        ward.answers["Practitioner"] = refusing(404, outcome("not-found"))
    record.later(days=31).pull(ward)
    assert record.ask(STONES) == ([("Practitioner", "d0", "deleted")] if reads else [])


def test_what_is_still_there_by_its_address_is_no_absence(record: Record, ward: Ward) -> None:
    record.pull(ward)
    ward.hidden.add(("Observation", "o1"))
    assert noted(record.later(days=1).pull(ward)) == []
    ward.asked.clear()
    assert noted(record.later(days=2).pull(ward)) == []
    assert "Observation/o1" not in ward.asked, "read like what is pointed at: once a month"


def vanish(ward: Ward) -> None:
    for n in range(1, 5):
        del ward.resources["Observation", f"o{n}"]


@pytest.mark.parametrize(
    "how",
    [
        "refused",
        "shortfall",
        "broken off",
        "one entry broken",
        "everything empty",
        "not granted",
        "category refused",
    ],
)
def test_doubtful_passes_delete_nothing(record: Record, ward: Ward, how: str) -> None:
    if how == "category refused":
        record.vendor = replace(
            record.vendor, splits={"Observation": (("category", "laboratory"), ("category", "exam"))}
        )
        for n in range(5):
            ward.resources["Observation", f"o{n}"]["category"] = ["exam" if n else "laboratory"]
    record.pull(ward)
    vanish(ward)
    if how == "refused":
        ward.answers["Observation"] = refusing(403)
    elif how == "shortfall":
        ward.totals["Observation"] = 5
    elif how == "broken off":
        ward.put("Observation", "o5")
        ward.page_size = 1
        ward.answers["Observation"] = lambda request: (
            httpx.Response(500) if b"at=" in request.url.query else None
        )
    elif how == "one entry broken":
        ward.page_of = lambda type_, found: [*found, {"resourceType": 7}] if type_ == "Observation" else found
    elif how == "everything empty":
        ward.resources = {("Patient", "p"): ward.resources["Patient", "p"]}
    elif how == "not granted":
        with record.open() as store:
            connection = replace(store.connections.get("clinic"), granted_scopes=("patient/Condition.rs",))
            store.connections.save(connection)
    elif how == "category refused":
        ward.answers["Observation"] = lambda request: (
            refusing(400)(request) if b"exam" in request.url.query else None
        )
    run = record.later(days=1).pull(ward)
    assert record.ask(STONES) == []
    assert (
        record.ask("SELECT count(*) FROM resource WHERE type = 'Observation' AND state = 'current'")[0][0]
        >= 5
    )
    if how != "everything empty":
        assert record.ask(ABSENT) == [], run.skipped


def dying(at: bytes, times: int) -> Any:
    """A next link that is dead so often, and no answer to any read."""
    died: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response | None:
        if not request.url.query:
            return refusing(404, outcome("not-found"))(request)
        if at in request.url.query and len(died) < times:
            died.append(1)
            return refusing(410, outcome("expired"))(request)
        return None

    return answer


@pytest.mark.parametrize("interrupted", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_what_came_before_a_dead_link_is_neither_absent_nor_gone(
    record: Record, ward: Ward, interrupted: bool, known: bool
) -> None:
    for n in range(5, 9):
        ward.put("Observation", f"o{n}")
    if known:
        record.pull(ward)
    if interrupted:
        stop = Stop()
        ward.before = lambda _n, request: (
            stop.set() if "Observation" in str(request.url) and "at=6" in str(request.url) else None
        )
        record.later(days=1).pull(ward, stopping=stop, workers=1)
        ward.before = lambda _n, _request: None
    ward.answers["Observation"] = dying(b"at=6", 1)
    run = record.later(days=1, hours=2).pull(ward, workers=1)
    assert run.status == "completed", run.skipped
    assert record.ask(STONES) == record.ask(ABSENT) == []
    assert record.ask("SELECT count(*) FROM resource WHERE type = 'Observation'") == [(9,)]
    assert not [one for one in ward.asked if one.startswith("Observation/")], "nobody was missed"
    assert record.ask("SELECT flawed FROM search_state WHERE type = 'Observation'") == [(None,)], (
        "it is whole"
    )


def cut(record: Record, *categories: str) -> None:
    splits = {"Observation": tuple(("category", name) for name in categories)}
    record.vendor = replace(record.vendor, splits=splits)


def test_a_part_that_is_not_asked_for_any_more_says_nothing_of_what_it_holds(
    record: Record, ward: Ward
) -> None:
    cut(record, "laboratory", "exam")
    for n in range(5):
        ward.resources["Observation", f"o{n}"]["category"] = ["exam" if n else "laboratory"]
    record.pull(ward)
    cut(record, "laboratory")
    ward.answers["Observation"] = lambda request: None if request.url.query else refusing(404)(request)
    record.later(days=1).pull(ward)
    assert record.ask(STONES) == record.ask(ABSENT) == []
    cut(record)
    del ward.resources["Observation", "o3"]
    record.later(days=2).pull(ward)
    assert record.ask(ABSENT) == [("Observation", "o3")], "the whole of it does"


def test_each_part_knows_what_it_brought_though_another_had_brought_it_already(
    record: Record, ward: Ward
) -> None:
    cut(record, "laboratory", "exam")
    for n in range(5):
        ward.resources["Observation", f"o{n}"]["category"] = ["exam", "laboratory"]
    stop = Stop()
    ward.before = lambda _n, request: stop.set() if "Condition" in str(request.url) else None
    record.pull(ward, stopping=stop, workers=1)
    seen = (
        "SELECT s.filter, count(*) FROM pass_seen p JOIN search_state s ON s.id = p.search_id"
        " JOIN resource r ON r.id = p.resource_id WHERE r.type = 'Observation' GROUP BY s.filter"
    )
    counted = record.ask(seen)
    assert len(counted) in (0, 2) and {number for _, number in counted} <= {5}
    record.pull(ward)
    assert record.ask(ABSENT) == []


def test_a_merged_patient_is_asked_for_from_the_beginning(record: Record) -> None:
    ward = Ward(last_updated=True)
    ward.put("Patient", "p", **ANNA)
    ward.put("Observation", "o1")
    record.pull(ward)
    ward.put("Patient", "p", link=[{"other": {"reference": "Patient/q"}, "type": "replaced-by"}], **ANNA)
    ward.put("Patient", "q", **ANNA)
    ward.put("Observation", "old", "2020-01-01T00:00:00Z")
    assert record.later(days=1).pull(ward).types["Observation"].new == 1


def test_an_incremental_pass_says_nothing_about_what_it_leaves_out(record: Record) -> None:
    ward = Ward(last_updated=True)
    ward.put("Patient", "p")
    for n in range(3):
        ward.put("Observation", f"o{n}")
    record.pull(ward)
    ward.delete("Observation", "o1")
    assert record.later(days=1).pull(ward).mode == "incremental"
    assert record.ask(STONES) == record.ask(ABSENT) == []
    assert record.later(days=2).pull(ward, full=True).types["Observation"].gone == 1


def test_entered_in_error_is_withdrawn_and_counted_once(record: Record, ward: Ward) -> None:
    record.pull(ward)
    ward.put("Observation", "o1", status="entered-in-error")
    run = record.later(days=1).pull(ward)
    assert run.types["Observation"].gone == 1
    assert record.ask(STONES) == [("Observation", "o1", "entered-in-error")]
    assert record.later(days=2).pull(ward).types["Observation"].gone == 0
