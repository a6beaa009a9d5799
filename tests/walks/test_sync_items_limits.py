"""Items 55 to 60 and 62 of what a tolerant client must cope with: limits, troubles, interruptions, late arrivals."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from phr.fhir import retry
from phr.sandbox.server import Sandbox
from phr.sync.searches import GIVEN_UP
from phr.workspace.sign_in import ConnectRequest, Speaker

from .clinic import filled, opened
from .conftest import Person, Stay, news, quiet, refused, rows, said

Begin = Callable[..., Stay]


def named(run: Any) -> list[str]:
    """The types of what is an alarm."""
    return [one.type for one in run.skipped if not one.known]


# ── 55: limits ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("headers", ["none", "both"])
@pytest.mark.parametrize("after", ["seconds", "date", "past", "epoch", "absurd", "text", "none"])
def test_55_a_429_is_waited_for_however_it_says_when(
    after: str, headers: str, stay: Begin, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "LONGEST", 0.5)  # an absurd wait is cut to this
    person.environ["PHR_SYNC_RETRY_DELAY"] = "0.05"
    here = stay([*rows("Observation", 65), *rows("Goal", 2)])
    here.sandbox.change(
        burst=6, burst_seconds=0.4, retry_after=after, limit_headers=headers, limit_counts="fhir"
    )
    run = here.sync()
    assert (run.status, run.exit_status) == ("completed", 0), run.skipped
    assert here.kept() == here.held()
    statuses = [status for _, _, status in here.sandbox.requests]
    if headers == "none":
        assert statuses.count(429) >= 1
    assert statuses.count(429) <= 12


def test_55_a_server_that_tells_of_its_limit_is_not_pushed_over_it(stay: Begin) -> None:
    here = stay(rows("Observation", 120))
    here.sandbox.change(burst=5, burst_seconds=0.6, limit_headers="ratelimit", limit_counts="fhir")
    before = len(here.sandbox.requests)
    assert here.sync().exit_status == 0 and here.kept() == here.held()
    assert [status for _, _, status in here.sandbox.requests[before:]].count(429) <= 4


def test_55_token_calls_are_counted_with_the_others(stay: Begin, person: Any) -> None:
    file = person.workspace.paths.providers_file
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_text("[vendors.custom]\nrequests_per_second = 20\nburst = 4\n")
    here = stay([*rows("Observation", 45), *rows("Goal", 1)])
    here.sandbox.change(burst=12, burst_seconds=0.5)
    time.sleep(0.5)
    here.sandbox.authorization.expire_all()
    before = len(here.sandbox.requests)
    assert here.sync().exit_status == 0
    statuses = [status for _, _, status in here.sandbox.requests[before:]]
    assert 429 not in statuses and "/fhir/Observation" in {path for _, path, _ in here.sandbox.requests}


def five_a_day(person: Person) -> None:
    file = person.workspace.paths.providers_file
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_text("[vendors.custom]\nrequests_per_day = 5\n")


def test_55_a_day_that_is_used_up_ends_the_run_and_the_next_day_goes_on(stay: Begin, person: Any) -> None:
    five_a_day(person)
    here = stay(rows("Observation", 95))
    first = here.sync()
    assert first.exit_status in (1, 3) and first.requests <= 5
    assert len(here.kept("Observation")) == 60
    assert here.sync().requests <= 1, "what other runs of the day have asked counts"
    here.later(seconds=86_400 - time.time() % 86_400 + 60)
    third = here.sync()
    assert (third.status, third.requests) == ("completed", 4), third.skipped
    assert here.kept("Observation") == here.held("Observation")


def test_55_a_record_that_takes_many_days_comes_in_the_end(stay: Begin, person: Any) -> None:
    five_a_day(person)
    here = stay(rows("Observation", 195))
    for _ in range(6):
        if here.sync().exit_status == 0:
            break
        here.later(days=1)
    assert len(here.kept("Observation")) == 195


# ── 56 and 57: troubles that pass, and those that stay ────────────────────────────────────────────


@pytest.mark.parametrize(
    "fault",
    [
        "429",
        "429-date",
        "500",
        "502",
        "503",
        "408",
        "html",
        "truncated",
        "reset",
        "empty",
        "dead-link",
        "login-page",
    ],
)
def test_56_a_trouble_of_any_kind_costs_nothing_but_another_try(fault: str, person: Any) -> None:
    clinic = filled((7, 3, 2))
    with opened(clinic) as base:
        request = ConnectRequest(provider="custom", url=base, auth="none", patient="p1", name="clinic")
        person.workspace.connect(request, Speaker(lambda _: False, lambda _: None))
        clinic.schedule = ["", fault, "", fault, "", "", fault, "", "", "", fault]
        clinic._count = iter(range(10_000))
        (run,) = person.sync().runs
    assert (run.status, run.exit_status) == ("completed", 0), run.skipped
    with person.workspace.store() as store:
        found = store.db.execute("SELECT type, fhir_id, raw FROM resource").fetchall()
    assert {(type_, id_): bytes(raw) for type_, id_, raw in found} == clinic.resources


@pytest.mark.parametrize("status", [408, 502, 503, 504])
def test_56_a_type_that_stays_down_is_asked_a_few_times_and_the_rest_is_kept(
    status: int, stay: Begin
) -> None:
    here = stay([*rows("Observation", 25), *rows("Goal", 2)], fails={"Goal": status})
    for night in range(2):
        run = here.sync()
        assert (run.status, run.exit_status, named(run)) == ("partial", 3, ["Goal"]), night
        assert len(here.asked("Goal")) == 4, "once, and three tries"
        assert here.kept("Observation") == here.held("Observation")
    here.sandbox.change(fails={})
    assert here.sync().types["Goal"].new == 2 and here.kept() == here.held()


def test_56_after_two_failures_the_other_parts_of_a_type_wait(stay: Begin, person: Any) -> None:
    person.environ["PHR_SYNC_CONCURRENCY"] = "1"
    lab = [{"coding": [{"code": "laboratory"}]}]
    resources = [*rows("Observation", 5, category=lab), *rows("Goal", 2)]
    here = stay(resources, needs={"Observation": ("category",)})
    here.sync()
    here.sandbox.change(fails={"Observation": 503})
    run = here.sync(full=True)
    assert run.exit_status == 3 and GIVEN_UP in said(run, "Observation")
    assert len(here.asked("Observation")) <= 8 and len(here.asked("Goal")) == 1
    here.sandbox.change(fails={})
    assert here.sync().exit_status == 0 and here.kept() == here.held()


def test_57_a_500_for_good_is_given_up_soon_remembered_and_named(stay: Begin) -> None:
    here = stay([*rows("Observation", 25), *rows("Goal", 2)], fails={"Goal": 500})
    first = here.sync()
    assert (first.exit_status, named(first)) == (3, ["Goal"]), first.skipped
    assert len(here.asked("Goal")) <= 6, "with and without what may be to blame"
    assert here.kept("Observation") == here.held("Observation")
    second = here.sync()
    assert (second.exit_status, refused(second, "Goal")) == (0, [(500, True)]), second.skipped
    here.sandbox.change(fails={})
    here.later(days=31)
    here.sync()
    assert here.kept() == here.held()


def test_57_a_500_that_was_the_same_last_night_is_not_asked_in_every_way_again(stay: Begin) -> None:
    here = stay([*rows("Observation", 25), *rows("Goal", 2)], fails={"Goal": 500})
    here.sync()
    here.sync()
    here.sync()
    assert len(here.asked("Goal")) <= 2


@pytest.mark.parametrize("way", ["500", "500-not-known"])
def test_57_a_500_for_one_resource_is_remembered(way: str, stay: Begin) -> None:
    doctor = {"resourceType": "Practitioner", "id": "doc", "name": [{"text": "Dr. Falk"}]}
    broken = {"fails": {"Practitioner/doc": 500}} if way == "500" else {"unknown_id": way}
    reference = "Practitioner/doc" if way == "500" else "Practitioner/nobody"
    resources = [doctor, *rows("Observation", 3, performer=[{"reference": reference}])]
    here = stay(resources, batch=False, undeclared=("_id",), **broken)
    first = here.sync()
    assert here.kept("Observation") == here.held("Observation")
    assert len(here.asked("Practitioner")) <= 2
    assert reference.partition("/")[2] in {one.id for one in first.skipped}
    assert here.sync().exit_status == 0, "what is known is no alarm"
    assert quiet(here.sync()) and here.asked("Practitioner") == []


# ── 58 and 59: slow servers, and those that send elsewhere ────────────────────────────────────────


def test_58_a_slow_type_ends_at_its_time_and_holds_nobody_up(stay: Begin, person: Any) -> None:
    person.environ |= {"PHR_SYNC_TIMEOUT": "1", "PHR_SYNC_RETRY_ATTEMPTS": "0"}
    here = stay([*rows("Observation", 25), *rows("Goal", 2)])
    here.sandbox.change(slow_searches={"Goal": 3.0})
    began = time.monotonic()
    run = here.sync()
    assert time.monotonic() - began < 2.9
    assert (run.exit_status, named(run)) == (3, ["Goal"]), run.skipped
    assert here.kept("Observation") == here.held("Observation")


def test_58_one_slow_hospital_does_not_stop_another(
    person: Person, hospital: Callable[..., Sandbox], stay: Begin
) -> None:
    person.environ |= {"PHR_SYNC_TIMEOUT": "1", "PHR_SYNC_RETRY_ATTEMPTS": "0"}
    quick = stay([*rows("Observation", 25)])
    patient = {"resourceType": "Patient", "id": "p"}
    slow = hospital(resources=(patient, *rows("Goal", 2)), patient="p")
    person.connect(slow, name="slow")
    slow.change(latency=3.0)
    report = person.sync()
    assert {run.connection: run.exit_status for run in report.runs} == {"clinic": 0, "slow": 1}
    assert (report.status, report.exit_status) == ("partial", 3)
    assert len(quick.kept("Observation")) == 25


@pytest.mark.parametrize("most", [1, 3])
def test_58_no_more_is_asked_at_once_than_is_set(most: int, stay: Begin, person: Any) -> None:
    person.environ["PHR_SYNC_CONCURRENCY"] = str(most)
    types = ("Goal", "Condition", "Procedure", "Encounter", "Immunization", "CarePlan", "Flag", "Observation")
    here = stay([row for type_ in types for row in rows(type_, 1)])
    here.sandbox.change(latency=0.03)
    here.sandbox.ledger.most_at_once = 0
    assert here.sync().exit_status == 0
    assert here.sandbox.ledger.most_at_once <= most


def test_59_a_redirect_elsewhere_takes_no_bearer_along(stay: Begin) -> None:
    here = stay(
        [*rows("Observation", 25), *rows("Goal", 2)], refuses={"Goal": "redirect"}, promises=("Goal",)
    )
    first = here.sync()
    assert refused(first, "Goal") == [(302, False)] and "another server" in said(first, "Goal")
    assert here.sandbox.ledger.strayed == []
    assert not [one for one in here.desk.seen if one.path == "/login"], "nor is it asked without one"
    assert here.kept("Observation") == here.held("Observation")
    assert quiet(second := here.sync()) and refused(second, "Goal") == [(302, True)]


# ── 60: interruptions ─────────────────────────────────────────────────────────────────────────────


def test_60_a_run_that_is_out_of_time_goes_on_at_the_page_where_it_was(stay: Begin, person: Any) -> None:
    person.environ["PHR_SYNC_CONCURRENCY"] = "1"
    resources = [*rows("Goal", 2), *rows("Observation", 130), *rows("Immunization", 2)]
    here = stay(resources, refuses={"Encounter": "empty-403"}, promises=("Encounter",))
    here.sandbox.change(slow_searches={"Observation": 0.4})
    first = here.sync(max_duration=1.3)
    assert (first.status, first.exit_status) == ("partial", 3) and "time" in (first.error or "")
    came = here.kept("Observation")
    assert 0 < len(came) < 130 and all(here.held()[address] == raw for address, raw in came.items())
    assert here.sql("SELECT mode, came FROM search_state WHERE type = 'Observation'") == [("full", len(came))]
    here.sandbox.change(slow_searches={})
    second = here.sync()
    assert (second.status, named(second)) == ("partial", ["Encounter"]), (
        "its other ways were not tried before"
    )
    assert here.kept() == here.held()
    assert not [one for one in here.asked("Observation") if "patient" in one], "not from the beginning"
    assert second.types["Observation"].new == 130 - len(came)
    assert here.sql("SELECT count(*) FROM absence") == [(0,)]
    assert quiet(here.sync())


def test_60_a_run_that_was_stopped_names_what_is_left(stay: Begin, person: Any) -> None:
    person.environ["PHR_SYNC_CONCURRENCY"] = "1"
    here = stay([*rows("Goal", 2), *rows("Observation", 130), *rows("Immunization", 2)])
    here.sandbox.change(slow_searches={"Observation": 0.4})
    first = here.sync(max_duration=1.0)
    left = {
        type_ for type_ in ("Goal", "Observation", "Immunization") if here.kept(type_) != here.held(type_)
    }
    assert left and left == {one.type for one in first.skipped}, first.skipped


@pytest.mark.parametrize("dead", ["410", "4113"])
def test_60_where_the_page_has_died_meanwhile_that_search_begins_anew(
    dead: str, stay: Begin, person: Any
) -> None:
    person.environ["PHR_SYNC_CONCURRENCY"] = "1"
    here = stay([*rows("Goal", 2), *rows("Observation", 130)], next_seconds=300, dead_as=dead)
    here.sandbox.change(slow_searches={"Observation": 0.4})
    assert here.sync(max_duration=1.0).status == "partial"
    assert 0 < len(here.kept("Observation")) < 130
    here.sandbox.change(slow_searches={})
    here.later(hours=2)
    run = here.sync()
    assert (run.status, run.exit_status) == ("completed", 0), run.skipped
    assert here.kept() == here.held() and quiet(here.sync())


def test_60_what_came_before_the_interruption_is_not_taken_for_deleted(stay: Begin, person: Any) -> None:
    person.environ["PHR_SYNC_CONCURRENCY"] = "1"
    unread = {f"Observation/obs-{n:02}": 404 for n in range(1, 131)}
    here = stay(rows("Observation", 130), next_seconds=300, fails=unread)
    here.sandbox.change(slow_searches={"Observation": 0.4})
    here.sync(max_duration=1.0)
    here.sandbox.change(slow_searches={})
    here.later(hours=2)
    assert here.sync().types["Observation"].gone == 0


# ── 62: what is released late ─────────────────────────────────────────────────────────────────────


def released(day: str) -> dict[str, Any]:
    (one,) = rows(
        "Observation", 1, status="final", meta={"versionId": "1", "lastUpdated": f"{day}T09:00:00Z"}
    )
    return {**one, "id": f"of-{day}"}


def test_62_what_is_released_late_comes_with_the_overlap_or_the_next_full_pass(stay: Begin) -> None:
    days = ("2025-01-10", "2025-05-04", "2025-05-05")
    here = stay([released(day) for day in days])
    for day in days[:2]:
        here.sandbox.hide(f"Observation/of-{day}")
    assert here.sync().types["Observation"].new == 1
    here.sandbox.show("Observation/of-2025-05-04")
    here.sandbox.show("Observation/of-2025-01-10")
    here.later(days=1)
    second = here.sync()
    assert (second.mode, news(second)) == ("incremental", {"Observation": (1, 0, 0, 0)}), "a day of overlap"
    assert "Observation/of-2025-01-10" not in here.kept()
    here.later(days=31)
    third = here.sync()
    assert (third.mode, news(third)) == ("full", {"Observation": (1, 0, 0, 0)})
    assert here.kept() == here.held()


def test_62_a_person_who_cannot_wait_asks_for_everything(stay: Begin) -> None:
    here = stay([released("2025-01-10"), released("2025-05-05")])
    here.sandbox.hide("Observation/of-2025-01-10")
    here.sync()
    here.sandbox.show("Observation/of-2025-01-10")
    assert quiet(here.sync())
    assert here.sync(full=True).types["Observation"].new == 1


def test_62_a_record_that_is_hidden_again_is_kept(stay: Begin) -> None:
    here = stay([released("2025-01-10"), released("2025-05-05")], unknown_id="stack-400")
    here.sync()
    here.sandbox.hide("Observation/of-2025-01-10")
    assert quiet(here.sync()), "what changed since says nothing of it"
    here.later(days=31)
    run = here.sync()
    assert run.types["Observation"].gone == 0 and "1 not returned since" in said(run, "Observation")
    assert "Observation/of-2025-01-10" in here.kept()
