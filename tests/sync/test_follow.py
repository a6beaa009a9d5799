"""What records point at: read in rounds, several at once where that works, refusals remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from .ward import Record, Ward, outcome, refusing

DOCTORS = 70


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "records.db")


def ward(**how: Any) -> Ward:
    made = Ward(**how)
    made.put("Patient", "p")
    for n in range(DOCTORS):
        made.put("Observation", f"o{n}", performer=[{"reference": f"Practitioner/d{n}"}])
        made.put("Practitioner", f"d{n}", name=[{"text": f"Dr. {n}"}])
    return made


def doctors(record: Record) -> int:
    return int(record.ask("SELECT count(*) FROM resource WHERE type = 'Practitioner'")[0][0])


@pytest.mark.parametrize(
    ("how", "requests"),
    [({}, DOCTORS), ({"ids": True}, 3), ({"batch": True}, 3)],
    ids=["alone", "by id", "batch"],
)
def test_many_are_read_with_few_requests_where_that_is_declared(
    record: Record, how: dict[str, bool], requests: int
) -> None:
    here = ward(page_size=100, **how)
    run = record.pull(here)
    assert (run.status, doctors(record)) == ("completed", DOCTORS)
    asked = [one for one in here.asked if one.startswith("Practitioner") or one == ""]
    assert len(asked) == requests
    here.asked.clear()
    record.later(days=1).pull(here)
    assert not [one for one in here.asked if one.startswith("Practitioner")]


@pytest.mark.parametrize("answer", ["refused", "empty"])
def test_a_server_that_cannot_do_what_it_declares_is_asked_one_by_one_and_remembered(
    record: Record, answer: str
) -> None:
    here = ward(page_size=100, ids=True)
    nothing = {"resourceType": "Bundle", "type": "searchset", "entry": []}
    here.answers["Practitioner"] = lambda request: (
        None
        if not request.url.query
        else refusing(400)(request)
        if answer == "refused"
        else httpx.Response(200, content=orjson.dumps(nothing))
    )
    assert record.pull(here).status == "completed"
    assert doctors(record) == DOCTORS
    assert record.ask("SELECT kind FROM learned WHERE type = 'Practitioner'") == [("no-many",)]
    here.put(
        "Observation", "more", performer=[{"reference": "Practitioner/e1"}, {"reference": "Practitioner/e2"}]
    )
    here.put("Practitioner", "e1")
    here.put("Practitioner", "e2")
    here.asked.clear()
    record.later(days=1).pull(here)
    assert sorted(one for one in here.asked if one.startswith("Practitioner")) == [
        "Practitioner/e1",
        "Practitioner/e2",
    ]


def test_of_several_the_missing_ones_are_asked_by_themselves_and_say_why(record: Record) -> None:
    here = ward(page_size=100, ids=True)
    for n in range(3):
        del here.resources["Practitioner", f"d{n}"]
    here.answers["Practitioner/d0"] = refusing(403)
    run = record.pull(here)
    refused = {one.id: (one.http_status, one.known) for one in run.skipped if one.type == "Practitioner"}
    assert refused == {"d0": (403, True), "d1": (404, True), "d2": (404, True)}
    assert (run.status, doctors(record)) == ("completed", DOCTORS - 3)
    here.asked.clear()
    record.later(days=29).pull(here)
    assert not [one for one in here.asked if one.startswith("Practitioner")], "not every night"
    here.put("Practitioner", "d1")
    record.later(days=31).pull(here)
    assert record.ask("SELECT 1 FROM resource WHERE fhir_id = 'd1' AND type = 'Practitioner'")


def test_a_500_that_comes_again_is_one_that_stays(record: Record) -> None:
    here = ward(page_size=100)
    here.answers["Practitioner/d0"] = refusing(500, outcome("exception"))
    assert record.pull(here).status == "partial"
    assert record.later(days=1).pull(here).status == "completed"
    here.asked.clear()
    record.later(days=2).pull(here)
    assert "Practitioner/d0" not in here.asked


def test_what_came_by_reference_is_read_again_after_a_month_or_on_wish(record: Record) -> None:
    here = ward(page_size=100, ids=True)
    record.pull(here)
    here.put("Practitioner", "d5", name=[{"text": "Dr. Newname"}])
    assert record.later(days=20).pull(here).types.get("Practitioner") is None
    assert record.later(days=31).pull(here).types["Practitioner"].updated == 1
    here.put("Practitioner", "d6", name=[{"text": "Dr. Other"}])
    assert record.later(days=32).pull(here, full=True).types["Practitioner"].updated == 1


def test_a_type_that_was_searched_is_still_read_where_something_points_at_one_more(record: Record) -> None:
    here = Ward()
    here.put("Patient", "p")
    here.put("Encounter", "shown")
    here.put("Encounter", "old")
    here.hidden.add(("Encounter", "old"))
    here.put("Condition", "c", encounter={"reference": "Encounter/old"})
    run = record.pull(here)
    assert record.ask("SELECT 1 FROM resource WHERE fhir_id = 'old'")
    again = record.later(days=1).pull(here)
    assert [one for one in (*run.skipped, *again.skipped) if "not returned" in one.reason] == [], (
        "what never came by a search is not missed by one"
    )


@pytest.mark.parametrize(
    "reference",
    [
        "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
        "#inside",
        "none",
        "https://other.example/Practitioner/1",
        "",
    ],
)
def test_what_cannot_be_followed_is_not(record: Record, reference: str) -> None:
    here = Ward()
    here.put("Patient", "p")
    here.put("Observation", "o", performer=[{"reference": reference}, {"identifier": {"value": "7"}}])
    assert record.pull(here).status == "completed"
    assert not [one for one in here.asked if "Practitioner" in one]


def test_a_versioned_reference_leads_to_the_resource_itself(record: Record) -> None:
    here = Ward()
    here.put("Patient", "p")
    here.put("Observation", "o", performer=[{"reference": "Practitioner/d/_history/3"}])
    here.put("Practitioner", "d")
    record.pull(here)
    assert [one for one in here.asked if "Practitioner" in one] == ["Practitioner/d"]


def test_rounds_have_an_end(record: Record) -> None:
    here = Ward()
    here.put("Patient", "p")
    here.put("Observation", "o", performer=[{"reference": "Organization/0"}])
    for n in range(20):
        here.put("Organization", str(n), partOf={"reference": f"Organization/{n + 1}"})
    record.pull(here)
    assert 4 <= record.ask("SELECT count(*) FROM resource WHERE type = 'Organization'")[0][0] < 20


@pytest.mark.parametrize("how", [{}, {"ids": True}, {"batch": True}], ids=["alone", "by id", "batch"])
def test_what_belongs_to_another_person_is_not_kept_and_not_asked_for_again(
    record: Record, how: dict[str, bool]
) -> None:
    here = Ward(**how)
    here.put("Patient", "p")
    here.put(
        "Observation", "o", hasMember=[{"reference": f"Specimen/{id_}"} for id_ in ("own", "hers", "his")]
    )
    here.put("Specimen", "own", subject={"reference": "Patient/p"})
    here.put("Specimen", "hers", subject={"reference": "Patient/mother"})
    here.put("Specimen", "his", subject={"reference": "https://clinic.example/fhir/Patient/father"})
    run = record.pull(here)
    assert record.ask("SELECT fhir_id FROM resource WHERE type = 'Specimen'") == [("own",)]
    assert ("Specimen", "2 referenced, another person's, so left out") in {
        (one.type, one.reason) for one in run.skipped
    }
    here.asked.clear()
    record.later(days=1).pull(here)
    assert not [one for one in here.asked if one.startswith("Specimen")]
