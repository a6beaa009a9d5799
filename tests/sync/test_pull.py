"""One pull: what is asked, what is kept, what is said; and what the next one asks."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from phr.fhir.client import FhirClient
from phr.fhir.pace import Limits, Pace
from phr.model import TypeCounts
from phr.sync import tally as tallies
from phr.sync.ending import NOT_FINISHED
from phr.sync.pull import Wish, pull
from phr.sync.searches import GIVEN_UP
from phr.sync.stop import Stop

from .ward import ANNA, BASE, Record, Ward, outcome, refusing


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "records.db")


@pytest.fixture
def ward() -> Ward:
    made = Ward(last_updated=True)
    made.put("Patient", "p")
    for n in range(8):
        made.put("Observation", f"o{n}", "2026-01-01T00:00:00Z" if n == 7 else "2025-03-04T05:06:07Z")
    made.put("Condition", "c")
    return made


def reasons(run: Any, type_: str) -> list[str]:
    return [one.reason for one in run.skipped if one.type == type_]


# ── full and incremental ──────────────────────────────────────────────────────────────────────────


def test_a_second_run_asks_only_for_what_changed_where_the_server_tells(record: Record, ward: Ward) -> None:
    first = record.pull(ward)
    assert (first.mode, first.types["Observation"]) == ("full", TypeCounts(new=8))
    ward.asked.clear()
    ward.put("Observation", "o8", "2026-03-02T00:00:00Z")
    second = record.later(days=2).pull(ward)
    assert (second.mode, second.types["Observation"]) == ("incremental", TypeCounts(new=1, unchanged=1))
    (asked,) = ward.searches("Observation")
    assert "_lastUpdated=ge2025-12-31T00:00:00Z" in asked.replace("%3A", ":"), "a day of overlap"


def test_after_thirty_days_everything_is_asked_for_again(record: Record, ward: Ward) -> None:
    record.pull(ward)
    assert record.later(days=29).pull(ward).mode == "incremental"
    assert record.later(days=31).pull(ward).mode == "full"


def test_without_dates_of_change_every_run_is_full(record: Record, ward: Ward) -> None:
    del ward.resources["Observation", "o0"]["meta"]
    record.pull(ward)
    ward.asked.clear()
    record.later(days=1).pull(ward)
    assert all("_lastUpdated" not in one for one in ward.searches("Observation"))
    assert any("_lastUpdated" in one for one in ward.searches("Condition")), "others are told by themselves"


def test_a_watermark_ignores_the_future_and_goes_back_only_with_a_full_pass(
    record: Record, ward: Ward
) -> None:
    ward.put("Observation", "o1", "2099-01-01T00:00:00Z")
    record.pull(ward)
    (mark,) = record.ask("SELECT watermark FROM search_state WHERE type = 'Observation'")
    assert mark == ("2026-01-01T00:00:00Z",)
    ward.put("Observation", "o2", "2026-02-01T00:00:00Z")
    record.later(days=1).pull(ward)
    ward.put("Observation", "o2", "2026-01-15T00:00:00Z")
    record.later(days=2).pull(ward)
    (mark,) = record.ask("SELECT watermark FROM search_state WHERE type = 'Observation'")
    assert mark == ("2026-02-01T00:00:00Z",)
    record.later(days=40).pull(ward)
    (mark,) = record.ask("SELECT watermark FROM search_state WHERE type = 'Observation'")
    assert mark == ("2026-01-15T00:00:00Z",), "all was asked for: this is the newest there is"


def test_a_mark_in_the_future_is_none(record: Record, ward: Ward) -> None:
    record.pull(ward)
    with record.open() as store:
        store.db.execute("UPDATE search_state SET watermark = '2071-01-01T00:00:00Z'")
    ward.asked.clear()
    record.later(days=1).pull(ward)
    assert "_lastUpdated" not in "".join(ward.searches("Observation"))
    (mark,) = record.ask("SELECT watermark FROM search_state WHERE type = 'Observation'")
    assert mark == ("2026-01-01T00:00:00Z",)


def test_late_arrivals_with_an_old_date_come_with_the_next_full_pass(record: Record, ward: Ward) -> None:
    record.pull(ward)
    ward.put("Observation", "late", "2025-06-01T00:00:00Z")
    assert record.later(days=1).pull(ward).types["Observation"].new == 0
    assert record.later(days=31).pull(ward).types["Observation"].new == 1


def test_a_day_given_by_hand_leaves_the_watermark_where_it_was(record: Record, ward: Ward) -> None:
    record.pull(ward)
    ward.put("Observation", "o9", "2026-02-20T00:00:00Z")
    record.pull(ward, since="2026-02-10T00:00:00Z")
    assert record.ask("SELECT watermark FROM search_state WHERE type = 'Observation'") == [
        ("2026-01-01T00:00:00Z",)
    ]


def test_the_same_id_on_two_pages_keeps_the_later_version_and_counts_once(record: Record, ward: Ward) -> None:
    new = {
        **ward.resources["Observation", "o0"],
        "status": "new",
        "meta": {"lastUpdated": "2026-02-01T00:00:00Z"},
    }
    old = {**ward.resources["Observation", "o0"], "status": "old"}
    same = ward.resources["Observation", "o1"]

    def twice(type_: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [new, same, *found[2:4], old, same] if type_ == "Observation" else found

    ward.page_of = twice
    run = record.pull(ward)
    assert run.types["Observation"] == TypeCounts(new=4)
    ((raw,),) = record.ask("SELECT raw FROM resource WHERE fhir_id = 'o0'")
    assert orjson.loads(raw)["status"] == "new"


# ── interruption ──────────────────────────────────────────────────────────────────────────────────


def test_the_next_run_goes_on_from_the_next_link_and_does_not_ask_what_has_ended(
    record: Record, ward: Ward
) -> None:
    stop = Stop()

    def at_the_end(_number: int, request: httpx.Request) -> None:
        if "at=3" in str(request.url):
            stop.end("partial", "time is up")

    ward.before = at_the_end
    cut = record.pull(ward, stopping=stop, workers=1)
    assert (cut.status, cut.error, cut.exit_status) == ("partial", "time is up", 3)
    assert record.ask("SELECT last_sync FROM connection") == [(None,)], "it is still due"
    ward.before = lambda _number, _request: None
    ward.asked.clear()
    run = record.later(hours=1).pull(ward, workers=1)
    assert run.status == "completed"
    assert [one.partition("at=")[2] for one in ward.searches("Observation")] in (["6"], ["3", "6"])
    assert record.ask("SELECT count(*) FROM resource WHERE type = 'Observation'") == [(8,)]
    ward.asked.clear()
    record.later(hours=2).pull(ward)
    assert ward.searches("Observation")[0].count("at=") == 0, "and the one after that begins anew"


def test_a_dead_link_begins_that_search_anew(record: Record, ward: Ward) -> None:
    stop = Stop()
    ward.before = lambda _n, request: stop.set() if "at=3" in str(request.url) else None
    assert record.pull(ward, stopping=stop, workers=1).status == "cancelled"
    ward.before = lambda _n, _request: None
    died: list[str] = []

    def dies(request: httpx.Request) -> httpx.Response | None:
        if b"at=" in request.url.query and not died:
            died.append("once")
            return refusing(410, outcome("expired"))(request)
        return None

    ward.answers["Observation"] = dies
    run = record.pull(ward, workers=1)
    assert run.status == "completed", run.skipped
    assert died and record.ask("SELECT count(*) FROM resource WHERE type = 'Observation'") == [(8,)]


@pytest.mark.parametrize(("hours", "again"), [(25, False), (37, True)])
def test_what_ended_the_night_before_last_is_asked_again(
    record: Record, ward: Ward, hours: int, again: bool
) -> None:
    stop = Stop()
    ward.before = lambda _n, request: stop.set() if "Observation" in str(request.url) else None
    record.pull(ward, stopping=stop, workers=1)
    ward.before = lambda _n, _request: None
    assert ward.searches("Condition")
    ward.asked.clear()
    run = record.later(hours=hours).pull(ward)
    assert bool(ward.searches("Condition")) is again
    assert ward.searches("Observation") and run.status == "completed"
    ward.asked.clear()
    record.later(hours=hours + 1).pull(ward)
    assert ward.searches("Condition"), "the effort is at its end"


@pytest.mark.parametrize(("days", "goes_on"), [(6, True), (8, False)])
def test_a_pass_may_take_some_nights(record: Record, ward: Ward, days: int, goes_on: bool) -> None:
    stop = Stop()
    ward.before = lambda _n, request: stop.set() if "at=3" in str(request.url) else None
    record.pull(ward, stopping=stop, workers=1)
    ward.before = lambda _n, _request: None
    came = len(record.ask("SELECT 1 FROM resource WHERE type = 'Observation'"))
    ward.asked.clear()
    assert record.later(days=days).pull(ward).types["Observation"].new == 8 - came
    assert ("at=" in ward.searches("Observation")[0]) is goes_on


def test_what_changed_while_a_pass_took_some_nights_is_asked_for_after_it(record: Record, ward: Ward) -> None:
    stop = Stop()
    ward.before = lambda _n, request: stop.set() if "at=3" in str(request.url) else None
    record.later(days=-5).pull(ward, stopping=stop, workers=1)
    ward.before = lambda _n, _request: None
    ward.put(
        "Observation", "o0", "2026-02-26T00:00:00Z", status="new"
    )  # on the first page, which has been read
    ward.put("Observation", "o7", "2026-02-28T00:00:00Z", status="new")  # on the last one
    record.pull(ward)
    run = record.later(days=1).pull(ward)
    assert (run.mode, run.types["Observation"].updated) == ("incremental", 1)


def test_a_run_that_was_stopped_names_each_type_that_is_not_complete(record: Record, ward: Ward) -> None:
    stop = Stop()

    def in_the_middle(_number: int, request: httpx.Request) -> None:
        if "at=3" in str(request.url):
            stop.end("partial", "time is up")

    ward.before = in_the_middle
    run = record.pull(ward, stopping=stop, workers=1)
    named = {one.type for one in run.skipped if one.reason == NOT_FINISHED and one.known}
    complete = {type_ for (type_,) in record.ask("SELECT type FROM search_state WHERE mode IS NULL")}
    assert named == {"Observation", "Condition", "Encounter"} - complete and "Observation" in named
    ward.before = lambda _number, _request: None
    assert not [one for one in record.pull(ward).skipped if one.reason == NOT_FINISHED]


def test_a_run_that_was_stopped_at_the_documents_says_that(record: Record, ward: Ward) -> None:
    ward.types += ("DocumentReference",)
    ward.put(
        "DocumentReference", "d", content=[{"attachment": {"contentType": "text/plain", "url": "Binary/b"}}]
    )
    ward.put("Binary", "b", contentType="text/plain", data="SGVsbG8=")
    stop = Stop()
    ward.before = lambda _n, request: (
        stop.end("partial", "time is up") if "Binary" in str(request.url) else None
    )
    run = record.pull(ward, stopping=stop)
    assert [(one.type, one.reason) for one in run.skipped] == [
        ("DocumentReference", f"documents: {NOT_FINISHED}")
    ]


def test_types_that_a_days_budget_did_not_reach_come_first_the_next_day(record: Record, ward: Ward) -> None:
    """Else a record with more types than requests a day would never come."""
    ward.types = ("Observation", "Condition", "Encounter", "Goal", "Flag", "Procedure")
    for type_ in ward.types[2:]:
        ward.put(type_, type_.lower())
    ward.page_size = 20
    for night in range(3):
        with record.later(days=night).open() as store:
            pace = Pace(
                Limits(per_day=4), clock=lambda: 0.0
            )  # two for the Patient and what the server declares
            with FhirClient(BASE, None, transport=ward, retry_attempts=0, pace=pace) as client:
                how = Wish(workers=1, debug=True)
                run = pull(client, store, store.connections.get("clinic"), record.vendor, how)
        said = [one.reason for one in run.skipped if not one.known]
        assert run.exit_status == 3 and all("a day" in one for one in said), "nothing is left out unsaid"
    assert {type_ for (type_,) in record.ask("SELECT DISTINCT type FROM resource")} == {
        "Patient",
        *ward.types,
    }


def test_a_hanging_server_does_not_hold_up_the_end(record: Record, ward: Ward) -> None:
    stop, reached, leave = Stop(), threading.Event(), threading.Event()

    def hangs(_request: httpx.Request) -> None:
        reached.set()
        leave.wait(20)

    ward.answers["Observation"] = hangs  # type: ignore[assignment]
    threading.Thread(target=lambda: reached.wait(10) and stop.end("cancelled", None), daemon=True).start()
    run = record.pull(ward, stopping=stop)
    leave.set()
    assert (run.status, run.exit_status) == ("cancelled", 130)


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────


def needs_category(request: httpx.Request) -> httpx.Response | None:
    if b"category" in request.url.query:
        refused = b"category=exam" in request.url.query
        return refusing(400, outcome("invalid", "no such category"))(request) if refused else None
    return refusing(400, outcome("required", "Must have either code or category.", "59108"))(request)


def test_a_refusal_that_names_what_is_missing_is_tried_with_it_and_remembered(
    record: Record, ward: Ward
) -> None:
    ward.answers["Observation"] = needs_category
    for n in range(8):
        ward.resources["Observation", f"o{n}"]["category"] = [
            "laboratory" if n < 5 else "vital-signs",
            "survey",
        ]
    run = record.pull(ward)
    assert run.types["Observation"] == TypeCounts(new=8), "the union of the categories, each once"
    assert run.status == "completed", run.skipped
    assert any("category=exam" in reason for reason in reasons(run, "Observation"))
    ward.asked.clear()
    again = record.later(days=1).pull(ward)
    assert all("category=" in one for one in ward.searches("Observation")), "it is not asked without any more"
    assert not any("category=exam" in one for one in ward.searches("Observation"))
    assert again.status == "completed"


def test_a_type_that_is_not_to_be_had_is_remembered_named_and_asked_again_later(
    record: Record, ward: Ward
) -> None:
    ward.answers["Condition"] = refusing(403)
    assert record.pull(ward).status == "partial", "it is news"
    ward.asked.clear()
    asked = []
    for day in range(1, 46):
        ward.asked.clear()
        night = record.later(days=day).pull(ward)
        assert night.status == "completed" and reasons(night, "Condition"), day
        asked += [day] if ward.searches("Condition") else []
    assert asked == [1, 4, 11, 41], "after a day, three, a week, and a month"
    del ward.answers["Condition"]
    third = record.later(days=80).pull(ward)
    assert third.types["Condition"].new == 1
    assert not record.ask("SELECT 1 FROM learned WHERE type = 'Condition' AND kind = 'unsupported'")


def in_parts(record: Record, ward: Ward, *parts: str) -> None:
    record.vendor = replace(record.vendor, splits={"Observation": tuple(("category", one) for one in parts)})
    for n in range(8):
        ward.resources["Observation", f"o{n}"]["category"] = [parts[n % len(parts)]]


def test_a_part_that_came_before_and_is_refused_now_is_news_once_and_asked_on(
    record: Record, ward: Ward
) -> None:
    in_parts(record, ward, "laboratory", "exam", "survey")
    record.pull(ward)
    ward.answers["Observation"] = lambda request: (
        refusing(403)(request) if b"exam" in request.url.query else None
    )
    for night, status in enumerate(("partial", "completed", "completed"), start=1):
        run = record.later(days=night).pull(ward, full=True)
        assert run.status == status, night
        (named,) = [one for one in run.skipped if one.type == "Observation"]
        assert named.reason.startswith("category=exam") and named.known is (night > 1)
    ward.answers.clear()
    run = record.later(days=5).pull(ward)
    assert (run.status, run.skipped) == ("completed", ())


def test_a_type_that_came_before_and_is_refused_now_is_news_once_and_asked_on(
    record: Record, ward: Ward
) -> None:
    record.pull(ward)
    ward.answers["Condition"] = refusing(400, outcome("invalid"))
    asked = []
    for night, status in enumerate(("partial", "completed", "completed"), start=1):
        ward.asked.clear()
        run = record.later(days=night).pull(ward)
        assert run.status == status, night
        assert [one.known for one in run.skipped if one.type == "Condition"] == [night > 1]
        asked.append(len(ward.searches("Condition")))
    assert asked[0] > asked[1] == asked[2] == 1, "in every way once, then only in the plain one"


def test_a_size_that_the_server_does_not_take_is_not_sent_again(record: Record, ward: Ward) -> None:
    def counts_nothing(request: httpx.Request) -> httpx.Response | None:
        return refusing(400, outcome("invalid"))(request) if b"_count" in request.url.query else None

    ward.answers["Observation"] = counts_nothing
    assert record.pull(ward, page_size=50).types["Observation"].new == 8
    ward.asked.clear()
    record.later(days=1).pull(ward, page_size=50)
    assert not any("_count" in one for one in ward.searches("Observation"))
    assert any("_count" in one for one in ward.searches("Condition"))


def test_after_two_failures_the_rest_of_a_type_waits_for_the_next_run(record: Record, ward: Ward) -> None:
    categories = tuple(("category", name) for name in ("a", "b", "c", "d", "e"))
    record.vendor = replace(record.vendor, splits={"Observation": categories})
    ward.answers["Observation"] = refusing(503, outcome("transient"))
    run = record.pull(ward, workers=1)
    assert len(ward.searches("Observation")) == 2
    assert GIVEN_UP in reasons(run, "Observation")
    assert (run.status, run.types["Condition"].new) == ("partial", 1), "others go on"
    del ward.answers["Observation"]
    assert record.pull(ward, workers=1).status == "completed"


def test_of_a_hundred_thousand_problems_the_first_are_named_and_all_are_counted() -> None:
    tally = tallies.Tally()
    for n in range(tallies.MOST + 500):
        tally.note(tallies.Problem("Observation", "odd", id=str(n)))
    told = tally.told()
    assert len(told) == tallies.MOST + 1 and "500 further" in told[-1].reason and told[-1].known


# ── the patient ───────────────────────────────────────────────────────────────────────────────────


def test_a_merged_patient_is_followed_remembered_and_named(record: Record, ward: Ward) -> None:
    ward.put("Patient", "p", **ANNA)
    record.pull(ward)
    link = [{"other": {"reference": f"{BASE}/Patient/q"}, "type": "replaced-by"}]
    ward.put("Patient", "p", link=link, active=False, **ANNA)
    ward.put("Patient", "q", **ANNA)
    run = record.later(days=1).pull(ward)
    assert any("merged" in reason for reason in reasons(run, "Patient"))
    assert record.ask("SELECT patient_id FROM connection") == [("q",)]
    stones = "SELECT r.fhir_id, t.reason, t.detail FROM tombstone t JOIN resource r ON r.id = t.resource_id"
    assert record.ask(stones) == [("p", "merged", "Patient/q")]
    assert any("patient=q" in one for one in ward.searches("Observation"))
    ward.asked.clear()
    record.later(days=2).pull(ward)
    assert "Patient/p" not in ward.asked


def test_a_redirect_to_another_patient_is_a_merge(record: Record, ward: Ward) -> None:
    ward.put("Patient", "q")

    def moved(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/Patient/p"):
            return httpx.Response(302, headers={"Location": f"{BASE}/Patient/q"})
        return None

    ward.answers["Patient"] = moved
    run = record.pull(ward)
    assert run.status == "completed"
    assert record.ask("SELECT patient_id FROM connection") == [("q",)]
    ward.answers.clear()
    again = record.later(days=31).pull(ward)
    assert again.status == "completed" and again.types["Observation"].unchanged == 8, "under the old id too"


BOB = {"name": [{"family": "Stranger"}], "birthDate": "1999-09-09"}


@pytest.mark.parametrize("how", ["answer", "redirect", "link"])
def test_one_wrong_answer_does_not_lead_to_a_stranger(record: Record, ward: Ward, how: str) -> None:
    ward.put("Patient", "p", **ANNA)
    record.pull(ward)
    ward.put("Patient", "q", **BOB)
    if how == "link":
        link = [{"other": {"reference": "Patient/q"}, "type": "replaced-by"}]
        ward.put("Patient", "p", link=link, **ANNA)
    elif how == "redirect":
        there = {"Location": f"{BASE}/Patient/q"}
        ward.answers["Patient/p"] = lambda _: httpx.Response(302, headers=there)
    else:
        ward.answers["Patient/p"] = lambda _: httpx.Response(200, json=ward.resources["Patient", "q"])
    run = record.later(days=1).pull(ward)
    said = "another patient's record" if how == "answer" else "it was not followed: phr reconnect clinic"
    assert run.status == "partial" and any(said in reason for reason in reasons(run, "Patient"))
    assert record.ask("SELECT patient_id FROM connection") == [("p",)]
    assert record.ask("SELECT fhir_id, state FROM resource WHERE type = 'Patient'") == [("p", "current")]
    assert all("patient=q" not in one for one in ward.asked)


def test_a_search_that_brings_what_is_anothers_keeps_it_out(record: Record, ward: Ward) -> None:
    ward.put("Observation", "his", subject={"reference": "Patient/pq"})
    ward.put("Observation", "hers", subject={"reference": f"{BASE}/Patient/p"})
    ward.put("Observation", "elsewhere", subject={"reference": "https://other.example/Patient/9"})
    ward.put("Observation", "nobody's", subject={"reference": "Group/1"})
    run = record.pull(ward)
    assert run.status == "partial" and "1 of other people were left out" in reasons(run, "Observation")
    kept = {row[0] for row in record.ask("SELECT fhir_id FROM resource WHERE type = 'Observation'")}
    assert kept == {"hers", "elsewhere", "nobody's", *(f"o{n}" for n in range(8))}
    assert record.ask("SELECT full_pass FROM search_state WHERE type = 'Observation'") == [(None,)]
    assert record.later(days=1).pull(ward).status == "completed", "it is news once"


@pytest.mark.parametrize(("known", "kept"), [(False, True), (True, False)])
def test_everything_under_another_id_is_hers_only_while_nobody_is_known(
    record: Record, ward: Ward, known: bool, kept: bool
) -> None:
    record.vendor = replace(record.vendor, everything=True)
    if not known:
        ward.answers["Patient/p"] = refusing(404)
    theirs = {"resourceType": "Goal", "id": "g", "subject": {"reference": "Patient/x"}}
    ward.answers["Patient/p/$everything"] = everything({"resourceType": "Patient", "id": "x"}, theirs)
    run = record.pull(ward)
    assert bool(record.ask("SELECT 1 FROM resource WHERE fhir_id = 'g'")) is kept
    assert any("left out" in one.reason and not one.known for one in run.skipped) is not kept


def test_asking_for_some_types_leaves_what_is_known_of_the_others(record: Record, ward: Ward) -> None:
    ward.answers["Condition"] = refusing(403)
    record.pull(ward)
    before = record.ask("SELECT refused, last_sync FROM connection")
    record.later(days=1).pull(ward, types=("Observation",))
    assert "Condition" in str(before) and record.ask("SELECT refused, last_sync FROM connection") == before


def test_a_merge_that_cannot_be_read_changes_nothing(record: Record, ward: Ward) -> None:
    ward.put("Patient", "p", link=[{"other": {"reference": "Patient/q"}, "type": "replaced-by"}])
    run = record.pull(ward)
    assert any("cannot be read" in reason for reason in reasons(run, "Patient"))
    assert record.ask("SELECT patient_id FROM connection") == [("p",)]
    assert run.types["Observation"].new == 8


# ── $everything ───────────────────────────────────────────────────────────────────────────────────


def everything(*resources: dict[str, Any]) -> Any:
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": one} for one in resources],
    }
    body = orjson.dumps(bundle)
    return lambda _request: httpx.Response(
        200, content=body, headers={"Content-Type": "application/fhir+json"}
    )


def test_everything_leaves_out_what_is_of_others_and_says_so(record: Record, ward: Ward) -> None:
    record.vendor = replace(record.vendor, everything=True)
    stranger = {"resourceType": "Observation", "id": "x", "subject": {"reference": "Patient/other"}}
    stub = {"resourceType": "Patient", "id": "other"}
    ward.answers["Patient/p/$everything"] = everything(
        ward.resources["Patient", "p"], ward.resources["Condition", "c"], stranger, stub
    )
    run = record.pull(ward)
    assert "2 entries of other patients were left out" in reasons(run, "Patient")
    assert not record.ask("SELECT 1 FROM resource WHERE fhir_id IN ('x', 'other')")
    assert not ward.searches("Condition"), "it came with everything"
    assert run.types["Observation"].new == 8, "of this type everything held nothing of hers"


def test_everything_that_is_refused_gives_way_to_searches(record: Record, ward: Ward) -> None:
    record.vendor = replace(record.vendor, everything=True)
    ward.answers["Patient/p/$everything"] = refusing(403)
    run = record.pull(ward)
    assert (run.status, run.types["Observation"].new) == ("completed", 8)
    ward.asked.clear()
    record.later(days=1).pull(ward)
    assert not any("$everything" in one for one in ward.asked)
