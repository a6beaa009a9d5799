from __future__ import annotations

from typing import Any

import httpx
import pytest

from phr.errors import Refused, Unreachable
from phr.fhir.client import ACCEPT
from phr.model import Search

BASE = "https://fhir.example.org/r4"


def test_search_follows_next_links_and_counts(ehr: Any) -> None:
    world = ehr.World(ehr.in_turn(ehr.bundle("a", "b", next_="Observation?page=2"), ehr.bundle("c")))
    pages = world.search(page_size=2, patient="1")
    assert ehr.ids(pages) == ["a", "b", "c"]
    assert [str(r.url) for r in world.asked] == [
        f"{BASE}/Observation?patient=1&_count=2",
        f"{BASE}/Observation?page=2",
    ]
    assert pages[0].next_url == f"{BASE}/Observation?page=2" and pages[1].next_url is None
    assert world.client.requests == 2 and world.client.bytes == sum(p.bytes for p in pages)


def test_every_request_carries_accept_and_bearer(ehr: Any) -> None:
    world = ehr.World(ehr.in_turn(ehr.bundle("a")))
    world.search()
    assert world.asked[0].headers["accept"] == ACCEPT
    assert world.asked[0].headers["authorization"] == "Bearer secret-1"


def test_a_next_link_on_another_host_is_taken_home(ehr: Any) -> None:
    world = ehr.World(
        ehr.in_turn(ehr.bundle("a", next_="http://other.example.org/r4/Observation?p=2"), ehr.bundle("b"))
    )
    assert ehr.ids(world.search()) == ["a", "b"]
    assert str(world.asked[1].url) == f"{BASE}/Observation?p=2"


def test_a_next_link_to_a_stranger_is_named_and_never_asked(ehr: Any) -> None:
    world = ehr.World(ehr.in_turn(ehr.bundle("a", next_="https://evil.example/steal?all=1")))
    pages = world.search()
    assert ehr.ids(pages) == ["a"]
    assert [(p.type, p.known) for p in pages[0].problems] == [("Observation", False)]
    assert len(world.asked) == 1


def test_a_next_link_that_leads_back_ends_the_search_with_a_problem(ehr: Any) -> None:
    loop = ehr.bundle("a", next_="Observation?page=2")
    world = ehr.World(lambda request: loop)
    pages = world.search()
    assert len(world.asked) == 2
    assert "one we had" in pages[-1].problems[0].reason


def test_too_many_pages_end_the_search_with_a_problem(ehr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phr.fhir.search.MAX_PAGES", 4)
    numbers = iter(range(100))
    world = ehr.World(lambda request: ehr.bundle("a", next_=f"Observation?page={next(numbers)}"))
    pages = world.search()
    assert len(pages) == 4
    assert "too many pages" in pages[-1].problems[0].reason


def test_a_server_that_does_not_know_count_is_asked_without_it(ehr: Any) -> None:
    world = ehr.World(
        ehr.in_turn(
            ehr.outcome(400, "Does not know how to handle get operation with parameter [patient,_count]"),
            ehr.bundle("a"),
        )
    )
    assert ehr.ids(world.search(page_size=50, patient="1")) == ["a"]
    assert str(world.asked[1].url) == f"{BASE}/Observation?patient=1"


def test_a_refusal_that_is_not_about_count_is_told(ehr: Any) -> None:
    world = ehr.World(lambda request: ehr.outcome(400, "Must have either code or category."))
    with pytest.raises(Refused, match="Must have either code or category") as caught:
        world.search(page_size=50)
    assert caught.value.http_status == 400


def test_a_failing_page_keeps_what_came_before_and_names_itself(ehr: Any) -> None:
    world = ehr.World(
        ehr.in_turn(ehr.bundle("a", next_="Observation?page=2"), *[httpx.Response(503)] * 3), retry_attempts=2
    )
    came = []
    with pytest.raises(Unreachable, match="page 2") as caught:
        for page in world.client.search(Search("Observation")):
            came.append(page)
    assert ehr.ids(came) == ["a"]
    assert caught.value.http_status == 503


def test_an_expired_next_link_starts_the_search_over_once(ehr: Any) -> None:
    first = ehr.bundle("a", next_="Observation?sessionID=1")
    world = ehr.World(ehr.in_turn(first, httpx.Response(410), first, ehr.bundle("b")))
    assert set(ehr.ids(world.search())) == {"a", "b"}

    world = ehr.World(lambda request: httpx.Response(404) if b"session" in request.url.query else first)
    with pytest.raises(Unreachable, match="page 2"):
        world.search()


def test_a_shortfall_is_named_but_known(ehr: Any) -> None:
    world = ehr.World(ehr.in_turn(ehr.bundle("a", "b", total=109)))
    problems = world.search()[-1].problems
    assert [(p.reason, p.known) for p in problems] == [("109 were announced, 2 came.", True)]


def test_a_total_of_the_page_alone_is_no_shortfall(ehr: Any) -> None:
    world = ehr.World(ehr.in_turn(ehr.bundle("a", next_="?p=2", total=1), ehr.bundle("b", total=1)))
    assert all(page.problems == () for page in world.search())


def test_page_size_zero_sends_no_count(ehr: Any) -> None:
    world = ehr.World(ehr.in_turn(ehr.bundle("a")))
    world.search(page_size=0)
    assert str(world.asked[0].url) == f"{BASE}/Observation"
