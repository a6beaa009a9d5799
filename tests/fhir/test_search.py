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


@pytest.mark.parametrize(("total", "short"), [(3, False), (4, True)])
def test_of_an_operation_every_entry_counts(ehr: Any, total: int, short: bool) -> None:
    all_ = [{"resource": {"resourceType": type_, "id": "x"}} for type_ in ("Patient", "Goal", "Observation")]
    body = {"resourceType": "Bundle", "type": "searchset", "total": total, "entry": all_}
    world = ehr.World(lambda request: httpx.Response(200, json=body))
    (page,) = world.client.search(Search("Patient/x/$everything"))
    assert bool(page.flawed) is short and bool(page.problems) is short


@pytest.mark.parametrize(
    ("trouble", "anew"),
    [
        (httpx.Response(500), True),
        (httpx.Response(200, content=b'{"resourceType":'), True),
        (httpx.Response(503), False),
        (httpx.Response(504), False),
        (httpx.ConnectError("no route"), False),
    ],
    ids=str,
)
def test_a_page_that_fails_again_is_not_where_it_ends_each_night(ehr: Any, trouble: Any, anew: bool) -> None:
    """What is before that page may have news."""

    def answer(request: httpx.Request) -> httpx.Response:
        if b"p=2" not in request.url.query:
            return ehr.bundle("a", next_="Observation?p=2")
        if isinstance(trouble, Exception):
            raise trouble
        return trouble

    world, came = ehr.World(answer, retry_attempts=0), []
    with pytest.raises(Unreachable, match="did not arrive"):
        for page in world.client.search(Search("Observation"), start=f"{BASE}/Observation?p=2"):
            came.append(page)
    assert [page.restarted for page in came] == ([True] if anew else [])


def test_what_is_not_built_is_not_asked_for_in_smaller_pages(ehr: Any) -> None:
    world = ehr.World(lambda request: ehr.outcome(400, "NotImplementedException: The method is missing."))
    with pytest.raises(Refused):
        world.search(page_size=50)
    assert len(world.asked) == 1


# ── why absence says nothing ──────────────────────────────────────────────────────────────────────


def numbered(ehr: Any, *, size: int, total: int, link_until: int, last: int, style: str = "page") -> Any:
    """A server of `last` pages that announces `total`, and links them only until `link_until`."""

    def handle(request: httpx.Request) -> httpx.Response:
        first = {"page": 1, "offset": 0}[style]
        step = {"page": 1, "offset": size}[style]
        at = (int(request.url.params.get(style, first)) - first) // step
        more = at + 1 < link_until
        ids = [f"i{at * size + n}" for n in range(size)] if at < last else []
        link = f"Observation?{style}={first + (at + 1) * step}&patient=1" if more else None
        return ehr.bundle(*ids, next_=link, total=total)

    return ehr.World(handle)


@pytest.mark.parametrize("style", ["page", "offset"])
def test_a_page_that_nobody_linked_is_looked_for_where_pages_are_counted(ehr: Any, style: str) -> None:
    world = numbered(ehr, size=25, total=75, link_until=2, last=3, style=style)
    pages = world.search()
    assert len(ehr.ids(pages)) == 75 and len(world.asked) == 3
    assert all(page.flawed is None and page.problems == () for page in pages)
    assert pages[1].next_url and style in pages[1].next_url and "patient=1" in pages[1].next_url


@pytest.mark.parametrize(
    ("last", "came", "asked"),
    [(2, 50, 3), (3, 75, 4), (9, 125, 5)],  # NextGen announced 109 and linked two pages of 25
)
def test_looking_for_more_ends_when_nothing_new_comes(ehr: Any, last: int, came: int, asked: int) -> None:
    world = numbered(ehr, size=25, total=109, link_until=2, last=last)
    pages = world.search()
    assert len(ehr.ids(pages)) == came and len(world.asked) == asked
    assert (pages[-1].flawed is not None) is (came < 109)
    assert pages[-1].next_url is None


@pytest.mark.parametrize("answer", [httpx.Response(404), httpx.Response(500), "again"], ids=str)
def test_a_page_that_was_only_guessed_may_be_missing(ehr: Any, answer: Any) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        page = request.url.params.get("page")
        if page == "3" and answer != "again":
            return answer
        return ehr.bundle(
            f"{page or 1}" if page != "3" else "2", next_=None if page else "Observation?page=2", total=9
        )

    world = ehr.World(handle, retry_attempts=0)
    pages = world.search()
    assert set(ehr.ids(pages)) == {"1", "2"} and len(world.asked) == 3
    assert pages[-1].flawed == "9 were announced, 2 came." and pages[-1].problems[-1].known


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"next_": "Observation?sessionID=2"}, {}),  # no number to count on
        ({"next_": "Observation?page=2"}, {"ids": ("c",)}),  # the last page was not full
    ],
)
def test_nothing_is_guessed_where_there_is_no_reason_to(ehr: Any, first: Any, second: Any) -> None:
    world = ehr.World(
        ehr.in_turn(
            ehr.bundle("a", "b", total=9, **first), ehr.bundle(*second.get("ids", ("c", "d")), total=9)
        )
    )
    pages = world.search()
    assert len(world.asked) == 2 and pages[-1].flawed


@pytest.mark.parametrize(
    ("make", "flawed"),
    [
        (lambda ehr: [ehr.bundle("a", total=5)], "5 were announced, 1 came."),
        (lambda ehr: [ehr.bundle(total=5)], "5 were announced, 0 came."),
        (lambda ehr: [ehr.bundle("a", total=1)], None),
        (lambda ehr: [ehr.bundle("a", "b", total=1)], None),
        (lambda ehr: [ehr.bundle("a")], None),
        (lambda ehr: [ehr.bundle("a", next_="https://evil.example/x")], "another server"),
        (lambda ehr: [ehr.bundle("a", next_="Observation")], "one we had"),
        (lambda ehr: [ehr.bundle("a", next_="?p=2"), ehr.bundle("b", next_="?p=2")], "one we had"),
        (lambda ehr: [ehr.bundle("a", next_="?p=2"), ehr.bundle("b", next_="?p=1"), ehr.bundle("a", next_="?p=2")],
         "one we had"),
    ],
)  # fmt: skip
def test_why_a_search_proves_nothing_by_what_it_left_out(ehr: Any, make: Any, flawed: str | None) -> None:
    pages = ehr.World(ehr.in_turn(*make(ehr))).search()
    assert all(page.flawed is None for page in pages[:-1])
    assert (pages[-1].flawed is None) if flawed is None else (flawed in pages[-1].flawed)


def test_pages_without_end_that_bring_nothing_new_are_left(ehr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phr.fhir.search.STALE", 5)
    numbers = iter(range(1000))
    world = ehr.World(lambda request: ehr.bundle("a", "b", next_=f"Observation?sessionID={next(numbers)}"))
    pages = world.search()
    assert len(pages) == 6 and "nothing new" in str(pages[-1].flawed)


def test_ids_that_come_again_are_not_counted_twice_and_memory_stays_flat() -> None:
    import tracemalloc

    from phr.fhir.search import Walk
    from phr.model import Page, Received

    def page(number: int, of: int) -> Page:
        ids = range(number * 100 - 5, number * 100 + 100)  # five of the page before again
        link = f"{BASE}/Observation?session={number + 1}" if number + 1 < of else None
        return Page(
            tuple(Received("Observation", f"observation-{n}", b"") for n in ids),
            next_url=link,
            total=of * 100 + 5,
        )

    def peak(of: int) -> int:
        numbers = iter(range(of))
        walk = Walk(lambda url, type_: page(next(numbers), of), BASE, Search("Observation"), None)
        tracemalloc.start()
        last = None
        for last in walk.pages():
            assert last.problems == ()
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert last is not None and last.flawed is None
        return size

    peak(3)
    assert peak(1500) < 1.1 * peak(500) + 200_000


def test_a_million_resources_fit_at_ten_a_page() -> None:
    from phr.fhir import search

    assert search.MAX_PAGES * 10 >= 1_000_000


# ── going on where a search was left ──────────────────────────────────────────────────────────────


def test_a_search_goes_on_from_a_next_link(ehr: Any) -> None:
    world = ehr.World(
        ehr.in_turn(ehr.bundle("c", next_="Observation?page=3", total=4), ehr.bundle("d", total=4))
    )
    pages = list(world.client.search(Search("Observation"), 2, start=f"{BASE}/Observation?page=2"))
    assert ehr.ids(pages) == ["c", "d"] and [p.restarted for p in pages] == [False, False]
    assert str(world.asked[0].url) == f"{BASE}/Observation?page=2"
    assert all(page.flawed is None and page.problems == () for page in pages)


@pytest.mark.parametrize(("came", "flawed"), [(2, None), (1, "4 were announced, 3 came."), (None, None)])
def test_what_came_before_counts_when_a_search_goes_on(
    ehr: Any, came: int | None, flawed: str | None
) -> None:
    world = ehr.World(ehr.in_turn(ehr.bundle("c", "d", total=4)))
    (page,) = world.client.search(Search("Observation"), start=f"{BASE}/Observation?s=2", came=came)
    assert page.flawed == flawed


@pytest.mark.parametrize(
    "dead",
    [
        httpx.Response(400),
        httpx.Response(404),
        httpx.Response(410),
        httpx.Response(404, html="<html>no such session</html>"),
        httpx.Response(403, json={"resourceType": "OperationOutcome", "issue": [
            {"severity": "fatal", "code": "expired", "details": {"coding": [{"code": "4113"}]}}]}),
        httpx.Response(500, json={"resourceType": "OperationOutcome", "issue": [
            {"severity": "error", "code": "processing", "diagnostics": "Search ID 5 is not known"}]}),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("resumed", [True, False])
def test_a_dead_link_begins_the_search_anew_and_says_so(
    ehr: Any, dead: httpx.Response, resumed: bool
) -> None:
    anew = [ehr.bundle("a", next_="Observation?page=2"), ehr.bundle("b")]
    before = [] if resumed else [ehr.bundle("a", next_="Observation?page=2")]
    world = ehr.World(ehr.in_turn(*before, dead, *anew))
    start = f"{BASE}/Observation?session=dead" if resumed else None
    pages = list(world.client.search(Search("Observation"), start=start))
    assert [page.restarted for page in pages[-2:]] == [True, False] and ehr.ids(pages[-2:]) == ["a", "b"]
    assert sum(page.restarted for page in pages) == 1


def test_a_link_to_another_server_is_never_gone_on_from(ehr: Any) -> None:
    world = ehr.World(ehr.in_turn(ehr.bundle("a")))
    (page,) = world.client.search(Search("Observation"), start="https://evil.example/steal")
    assert page.restarted and [request.url.host for request in world.asked] == ["fhir.example.org"]


@pytest.mark.parametrize(("answer", "error"), [(503, Unreachable), (403, Refused)])
def test_trouble_that_is_not_a_dead_link_is_told(ehr: Any, answer: int, error: type[Exception]) -> None:
    world = ehr.World(lambda request: httpx.Response(answer), retry_attempts=0)
    with pytest.raises(error, match="the page to go on from"):
        list(world.client.search(Search("Observation"), start=f"{BASE}/Observation?page=2"))
    assert len(world.asked) == 1


def test_what_a_refused_later_page_said_is_kept(ehr: Any) -> None:
    world = ehr.World(ehr.in_turn(ehr.bundle("a", next_="?p=2"), ehr.outcome(403, "no", "forbidden")))
    with pytest.raises(Refused) as caught:
        world.search()
    assert caught.value.said.codes == {"forbidden"}


# ── _count ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("refusal", "asked_again"),
    [
        ((400, "Does not know how to handle get operation with parameter [patient,_count]"), True),
        ((400, "Unsupported parameter: _count"), True),
        ((422, "no"), True),
        ((403, "Observation cannot be searched by: _count."), True),
        ((400, "Does not know how to handle get operation with parameter [patient]"), False),
        ((400, "Must have either code or category."), False),
        ((403, "required parameter combinations [[patient,intent],[_id]] were missing"), False),
        ((404, "no such type"), False),
    ],
)
def test_a_refusal_is_asked_again_without_count_where_that_may_help(
    ehr: Any, refusal: tuple[int, str], asked_again: bool
) -> None:
    world = ehr.World(ehr.in_turn(ehr.outcome(*refusal), ehr.bundle("a", next_="?p=2"), ehr.bundle("b")))
    if not asked_again:
        with pytest.raises(Refused):
            world.search(page_size=50, patient="1")
        assert len(world.asked) == 1
        return
    pages = world.search(page_size=50, patient="1")
    assert ehr.ids(pages) == ["a", "b"] and all(page.no_count for page in pages)
    assert [b"_count" in request.url.query for request in world.asked] == [True, False, False]


def test_pages_say_nothing_of_count_where_it_is_taken(ehr: Any) -> None:
    assert not any(page.no_count for page in ehr.World(ehr.in_turn(ehr.bundle("a"))).search(page_size=50))


def test_page_size_zero_sends_no_count(ehr: Any) -> None:
    world = ehr.World(ehr.in_turn(ehr.bundle("a")))
    world.search(page_size=0)
    assert str(world.asked[0].url) == f"{BASE}/Observation"
