"""Items 26 to 37 of what a tolerant client must cope with: searching and pages, through two nights or more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from .conftest import Stay, news, quiet, refused, rows, said

Begin = Callable[..., Stay]
LAB = [{"coding": [{"code": "laboratory"}]}]
VITALS = [{"coding": [{"code": "vital-signs"}]}]
PLAN = [{"coding": [{"code": "734163000"}]}]
COMBINATIONS = (
    "The search query could not be performed because one of the required parameter combinations "
    "{combinations} was not provided."
)
SNOMED = (
    "This resource requires a category for searching. Use 38717003 for longitudinal, 734163000 for encounter."
)


def observations(count: int = 3) -> list[dict[str, Any]]:
    found = rows("Observation", count, category=LAB)
    found[0]["category"] = VITALS
    return found


# ── 26 to 29: what a type wants, and what it refuses ──────────────────────────────────────────────


@pytest.mark.parametrize(
    ("resources", "needs", "habits"),
    [
        (observations(), ("category", "code", "_id"), {"needs_words": "Must have either code or category."}),
        (observations(), ("category",), {"needs_status": 422}),
        (rows("CarePlan", 2, category=PLAN), ("category", "_id"), {"needs_status": 404}),
        (rows("CarePlan", 2, category=PLAN), ("category", "_id"), {"needs_words": SNOMED}),
        (rows("MedicationRequest", 2, intent="plan"), ("intent", "_id"),
         {"needs_status": 403, "needs_code": "forbidden", "needs_words": COMBINATIONS, "issue_text": "details"}),
        (rows("CareTeam", 2, status="inactive"), ("status", "_id"),
         {"needs_words": "Invalid request: Does not know how to handle get operation with parameter [{given}]"}),
        (rows("Appointment", 2, start="1999-12-31T10:00:00Z", participant=[{"actor": {"reference": "Patient/p"}}]),
         ("date", "_id"), {}),
    ],
    ids=["code-or-category", "422", "404", "epic-careplan", "athena-403", "healow-status", "date"],
)  # fmt: skip
def test_26_what_a_search_must_have_is_learned_once(
    resources: list[dict[str, Any]], needs: tuple[str, ...], habits: dict[str, Any], stay: Begin
) -> None:
    type_ = resources[0]["resourceType"]
    here = stay(resources, needs={type_: needs}, **habits)
    first = here.sync()
    assert (first.status, first.exit_status) == ("completed", 0), first.skipped
    assert here.kept(type_) == here.held(type_)
    assert any(needs[0] not in one for one in here.asked(type_)), "nobody knew it before"
    assert quiet(second := here.sync()), second.skipped
    assert here.asked(type_) and all(needs[0] in one for one in here.asked(type_)), (
        "the split is asked at once"
    )


def test_27_a_refused_category_costs_only_itself(stay: Begin) -> None:
    both = rows("Observation", 4, category=LAB + VITALS)
    refuses = {"Observation.category": ("procedure", "therapy", "activity")}
    here = stay(both, needs={"Observation": ("category",)}, refused_values=refuses)
    first = here.sync()
    assert (first.status, first.exit_status) == ("completed", 0)
    assert first.types["Observation"].new == 4, "the union, by id"
    assert here.kept("Observation") == here.held("Observation")
    assert here.sql("SELECT count(*) FROM resource_version") == [(0,)]
    second = here.sync()
    assert quiet(second) and not [one for one in second.skipped if not one.known]
    assert not {one.get("category") for one in here.asked("Observation")} & {
        "procedure",
        "therapy",
        "activity",
    }


def test_27_a_category_of_a_known_cut_that_is_refused_is_named_once(stay: Begin) -> None:
    here = stay(observations(5), needs={"Observation": ("category",)})
    here.sync()
    here.sandbox.change(refused_values={"Observation.category": ("laboratory",)})
    run = here.sync(full=True)
    assert len(here.kept("Observation")) == 5 and here.sql("SELECT count(*) FROM absence") == [(0,)]
    assert [one.reason.partition(":")[0] for one in run.skipped] == ["category=laboratory"]


UNSUPPORTED = (
    "outcome-404",
    "html-404",
    "html-401",
    "outcome-403",
    "empty-403",
    "denied-403",
    "stack-400",
    "500-not-known",
)


@pytest.mark.parametrize("way", UNSUPPORTED)
def test_28_a_type_that_is_refused_is_remembered_and_asked_again_rarely(way: str, stay: Begin) -> None:
    here = stay([*observations(), *rows("Goal", 2)], refuses={"Goal": way}, promises=("Goal",))
    first = here.sync()
    assert first.exit_status in (0, 3) and refused(first, "Goal"), first.skipped
    assert here.kept("Observation") == here.held("Observation") and here.kept("Goal") == {}
    assert len(here.asked("Goal")) <= 6, "and the other ways to put it, once"
    assert here.sandbox.ledger.strayed == []
    tokens = len(here.desk.tokens("refresh_token"))
    second = here.sync()
    assert quiet(second), second.skipped
    assert refused(second, "Goal") and all(known for _, known in refused(second, "Goal")), "still named"
    assert here.asked("Goal") == [] and tokens <= 3, "a page of HTML is no dead token"
    here.sandbox.change(refuses={})
    assert quiet(here.sync()) and here.kept("Goal") == {}
    here.later(days=31)
    assert here.sync().types["Goal"].new == 2, "asked again after a month"
    assert here.kept() == here.held()


def test_28_a_401_that_a_fresh_token_does_not_mend_is_about_the_type(stay: Begin) -> None:
    here = stay([*observations(), *rows("Goal", 2)], refuses={"Goal": "outcome-401"}, promises=("Goal",))
    assert here.sync().exit_status == 3 and here.kept("Observation") == here.held("Observation")
    assert quiet(second := here.sync()) and refused(second, "Goal")
    assert len(here.asked("Goal")) <= 1 and len(here.desk.tokens("refresh_token")) <= 1


@pytest.mark.parametrize("way", ["empty-403", "html-404", "500-not-known"])
def test_28_a_wish_for_everything_asks_a_refused_type_at_once(way: str, stay: Begin) -> None:
    here = stay(rows("Goal", 2), refuses={"Goal": way}, promises=("Goal",))
    here.sync()
    here.sandbox.change(refuses={})
    here.sync(full=True)
    assert here.kept("Goal") == here.held("Goal")
    assert quiet(here.sync()) and here.asked("Goal"), "from now on as ever"


def test_29_what_is_promised_fails_and_what_is_concealed_still_answers(stay: Begin) -> None:
    resources = [*observations(), *rows("Goal", 2), *rows("Immunization", 1)]
    here = stay(
        resources, promises=("Device", "Flag"), types=("Patient", "Observation", "Goal", "Immunization"),
        conceals=("Goal",), undeclared=("_count", "_id"),
    )  # fmt: skip
    first = here.sync()
    assert refused(first, "Device") and refused(first, "Flag")
    assert len(here.kept("Observation")) == 3 and len(here.kept("Immunization")) == 1
    assert quiet(here.sync())
    asked = here.sync(types=("Goal",))
    assert asked.types["Goal"].new == 2, "a type that a person names is asked though nobody declares it"


def test_29_a_type_that_is_no_longer_declared_is_asked_or_named(stay: Begin) -> None:
    here = stay([*observations(), *rows("Goal", 2)])
    here.sync()
    here.sandbox.change(conceals=("Goal",))
    run = here.sync()
    assert here.asked("Goal") or said(run, "Goal")


# ── 30 to 37: pages ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "habits",
    [
        {"count": "refused"},
        {"count": "ignored", "page_size": 7},
        {"count": "all"},
        *({"max_page_size": most, "page_size": most} for most in (10, 25, 50)),
    ],
    ids=str,
)
def test_30_any_size_of_page_brings_all(habits: dict[str, Any], stay: Begin) -> None:
    here = stay(rows("Observation", 60), **habits)
    first = here.sync()
    assert (first.status, first.types["Observation"].new) == ("completed", 60), first.skipped
    assert here.kept() == here.held()
    assert quiet(second := here.sync(full=True))
    if habits.get("count") == "refused":
        assert all("_count" not in one for one in here.asked("Observation")), "it is not sent again"
    assert second.requests <= first.requests


LINKS = ("absolute", "relative", "rooted", "other-host", "localhost", "https", "other-case", "unescaped")


@pytest.mark.parametrize(
    ("how", "by"), [*((how, "_cursor") for how in LINKS), ("other-host", "page"), ("unescaped", "startIndex")]
)
def test_31_next_links_of_any_spelling_lead_on_at_home(how: str, by: str, stay: Begin) -> None:
    here = stay(rows("Observation", 45), next_as=how, next_by=by, next_keeps_query=True)
    run = here.sync()
    assert (run.status, run.types["Observation"].new) == ("completed", 45), run.skipped
    assert here.kept() == here.held()
    assert here.sandbox.ledger.strayed == [], "the bearer went nowhere else"
    assert all(one.headers["host"].startswith("127.0.0.1") for one in here.desk.records())
    assert quiet(here.sync())


@pytest.mark.parametrize("loop", ["self", "again", "first"])
def test_32_pages_that_lead_in_a_circle_end(loop: str, stay: Begin) -> None:
    here = stay([*rows("Observation", 45), *rows("Goal", 2)], next_loops=loop)
    first = here.sync()
    assert "Stopped after page" in said(first, "Observation"), first.skipped
    assert len(here.asked("Observation")) <= 60
    came = here.kept("Observation")
    assert len(came) == {"self": 20, "again": 40, "first": 45}[loop]
    assert all(here.held()[address] == raw for address, raw in came.items())
    second = here.sync()
    assert quiet(second), "the same circle is no news"
    assert "not returned" not in said(second, "Observation"), "a circle proves no absence"
    here.sandbox.change(next_loops="no")
    here.sync()
    assert here.kept() == here.held()


@pytest.mark.parametrize(("dead", "by"), [("404", "_cursor"), ("410", "page"), ("4113", "sessionID")])
def test_32_a_dead_link_begins_only_that_search_anew(dead: str, by: str, stay: Begin) -> None:
    here = stay([*rows("Observation", 45), *rows("Goal", 2)], next_dies=1, dead_as=dead, next_by=by)
    run = here.sync()
    assert (run.status, run.types["Observation"].new) == ("completed", 45), run.skipped
    assert here.kept() == here.held()
    assert len(here.asked("Goal")) == 1
    assert len([one for one in here.asked("Observation") if "patient" in one and by not in one]) == 2


def test_32_what_came_before_a_dead_link_is_not_absent(stay: Begin) -> None:
    here = stay(rows("Observation", 45), next_dies=1)
    here.sync()
    assert not [one for one in here.desk.records() if one.path.startswith("/fhir/Observation/")]


def test_32_what_came_before_a_dead_link_is_not_taken_for_deleted(stay: Begin) -> None:
    unread = {f"Observation/obs-{n:02}": 404 for n in range(1, 46)}
    here = stay(rows("Observation", 45), next_dies=1, fails=unread)
    assert here.sync().types["Observation"].gone == 0


def test_32_a_link_that_is_always_dead_keeps_what_came_and_says_so(stay: Begin) -> None:
    here = stay([*rows("Observation", 45), *rows("Goal", 2)], next_dies=-1)
    first = here.sync()
    assert (first.status, first.exit_status) == ("partial", 3)
    assert len(here.kept("Observation")) == 20 and len(here.kept("Goal")) == 2
    assert "page 2" in said(first, "Observation")
    here.sandbox.change(next_dies=0)
    assert here.sync().exit_status == 0 and here.kept() == here.held()


@pytest.mark.parametrize("total", ["none", "page", "size", "text", "more"])
def test_33_a_total_drives_nothing(total: str, stay: Begin) -> None:
    here = stay([*rows("Observation", 45), *rows("Goal", 2)], total=total)
    first = here.sync()
    assert (first.status, first.types["Observation"].new) == ("completed", 45), first.skipped
    here.sandbox.hide("Observation/obs-03")
    second = here.sync(full=True)
    assert second.exit_status == 0 and len(here.kept("Observation")) == 45
    absent = here.sql("SELECT count(*) FROM absence")
    tombs = here.sql("SELECT count(*) FROM tombstone")
    if total == "more":
        assert "announced" in said(second, "Observation"), second.skipped
        assert (absent, tombs) == ([(0,)], [(0,)]), "a shortfall proves nothing"


def test_33_a_total_without_entries_is_a_shortfall(stay: Begin) -> None:
    here = stay([*rows("Observation", 2), *rows("Goal", 3)])
    here.sync()
    here.sandbox.change(total_without_entries={"Goal": 50})
    second = here.sync(full=True)
    assert second.exit_status == 0 and "announced" in said(second, "Goal")
    assert len(here.kept("Goal")) == 3 and here.sql("SELECT count(*) FROM absence") == [(0,)]
    assert not [path for _, path, _ in here.sandbox.requests if path.startswith("/fhir/Goal/")]


@pytest.mark.parametrize("by", ["page", "startIndex"])
def test_34_pages_that_are_not_linked_are_looked_for(by: str, stay: Begin) -> None:
    here = stay(rows("Observation", 90), next_by=by, next_stops_after=2, next_as="other-case")
    run = here.sync()
    assert (run.status, run.types["Observation"].new) == ("completed", 90), run.skipped
    assert here.kept() == here.held() and here.sandbox.ledger.strayed == []
    assert quiet(here.sync())


def test_34_where_pages_have_no_numbers_the_end_is_said(stay: Begin) -> None:
    here = stay(rows("Observation", 90), next_stops_after=2)
    run = here.sync()
    assert len(here.kept("Observation")) == 40
    assert "90 were announced, 40 came" in said(run, "Observation")
    here.sandbox.delete("Observation/obs-01")
    run = here.sync(full=True)
    assert run.types["Observation"].gone == 0 and here.sql("SELECT count(*) FROM absence") == [(0,)]


@pytest.mark.parametrize("where", ["page", "next"])
def test_35_the_same_resource_twice_is_one(where: str, stay: Begin) -> None:
    here = stay(rows("Observation", 45), twice=where)
    first = here.sync()
    assert (first.status, first.types["Observation"].new) == ("completed", 45), first.skipped
    assert quiet(here.sync()) and here.kept() == here.held()
    here.sandbox.put({**rows("Observation", 20)[-1], "status": "amended"})
    assert news(here.sync()) == {"Observation": (0, 1, 0, 0)}, "counted once"
    assert here.sql("SELECT count(*) FROM resource_version") == [(1,)]


@pytest.mark.parametrize(
    "habits",
    [
        {"outcome_entry": True},
        {"outcome_entry": True, "entry_mode": False},
        {"odd_entries": ("outcome",), "entry_mode": False},
        {"entry_url": "missing"},
        {"entry_url": "relative", "entry_mode": False},
        {"entry_url": "other-host"},
        {"entry_url": "urn"},
        {"no_entries": "null"},
        {"no_entries": "empty"},
        {"bundle_type": "collection"},
        {"bundle_type": ""},
        {"bare": "single"},
        {"bare": "outcome"},
    ],
    ids=str,
)
def test_36_bundles_of_any_shape_are_read(habits: dict[str, Any], stay: Begin) -> None:
    here = stay([*rows("Observation", 25), *rows("Goal", 1)], promises=("Device",), **habits)
    first = here.sync()
    assert (first.status, first.exit_status) == ("completed", 0), first.skipped
    assert here.kept() == here.held()
    assert quiet(here.sync())


@pytest.mark.parametrize("odd", ["no-resource", "no-id", "null"])
def test_36_an_odd_entry_is_named_once_and_the_rest_is_kept(odd: str, stay: Begin) -> None:
    here = stay(rows("Observation", 25), odd_entries=(odd,))
    first = here.sync()
    assert first.exit_status in (0, 3) and len(here.kept("Observation")) >= 25
    assert here.held().items() <= here.kept().items()
    second = here.sync()
    assert (second.exit_status, news(second).get("Observation", (0,))[:1]) == (0, (0,)), "known by now"
    if odd != "no-id":
        assert said(first, "Observation") and said(second, "Observation"), "and named every time"


def test_37_warnings_inside_a_good_answer_are_told_and_alarm_nobody(stay: Begin) -> None:
    words = "Client not authorized for CONDITION - GENOMICS."
    part = "It may not contain the entire record available in the system."
    resources = [*rows("Condition", 3), *rows("Goal", 1)]
    here = stay(resources, warnings={"Condition": words, "Goal": part}, outcome_entry=True)
    first = here.sync()
    assert (first.status, first.exit_status) == ("completed", 0)
    assert "not authorized for CONDITION" in said(first, "Condition")
    assert "entire record" in said(first, "Goal")
    assert "not authorized" in said(here.sync(), "Condition"), "every night"
    here.sandbox.delete("Condition/con-01")
    gone = here.sync(full=True)
    assert gone.types["Condition"].gone == 1, "a remark does not keep a deletion from being seen"


def test_36_a_page_that_is_an_error_with_status_200_is_no_empty_record(stay: Begin) -> None:
    here = stay(rows("Observation", 3))
    here.sync()
    here.sandbox.change(refuses={"Observation": "html-200"}, promises=("Observation",))
    second = here.sync(full=True)
    assert (second.status, second.exit_status) == ("partial", 3)
    assert len(here.kept("Observation")) == 3 and here.sql("SELECT count(*) FROM absence") == [(0,)]
    assert orjson.loads(here.kept()["Observation/obs-01"])["id"] == "obs-01"
