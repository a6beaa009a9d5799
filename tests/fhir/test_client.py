from __future__ import annotations

from typing import Any

import httpx
import pytest

from phr.errors import NotAuthorized, ReconnectNeeded, Refused, Unreachable
from phr.fhir.client import FhirClient


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(429),
        httpx.Response(408),
        httpx.Response(500),
        httpx.Response(503, text="<html>maintenance</html>"),
        httpx.Response(200, html="<html>Please log in</html>"),
        httpx.Response(200, text="<!DOCTYPE html><p>", headers={"content-type": "application/json"}),
        httpx.Response(200, content=b'{"resourceType":"Bundle","entry":[{"resource":{"resourceTy'),
        httpx.Response(200, json={"message": "hello"}),
        httpx.Response(200, content=b""),
        httpx.Response(204),
        httpx.ConnectError("no route"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("peer closed connection"),
    ],
    ids=str,
)
def test_passing_trouble_is_outlived(ehr: Any, trouble: httpx.Response | Exception) -> None:
    world = ehr.World(ehr.in_turn(trouble, trouble, ehr.bundle("a")))
    assert ehr.ids(world.search()) == ["a"]
    assert len(world.waits) == 2 and world.waits[0] < world.waits[1]


@pytest.mark.parametrize("label", ["application/json+fhir; charset=utf-8", "text/html", "text/plain", ""])
def test_json_is_read_under_any_label(ehr: Any, label: str) -> None:
    body = b'\xef\xbb\xbf {"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Goal","id":"1"}}]}'
    world = ehr.World(lambda request: httpx.Response(200, content=body, headers={"content-type": label}))
    assert ehr.ids(world.search("Goal")) == ["1"]
    assert world.waits == []


def test_an_answer_of_endless_brackets_is_trouble_and_no_crash(ehr: Any) -> None:
    world = ehr.World(lambda request: httpx.Response(200, content=b"[" * 200_000), retry_attempts=0)
    with pytest.raises(Unreachable):
        world.search()


def test_trouble_that_stays_is_unreachable_after_the_last_try(ehr: Any) -> None:
    world = ehr.World(lambda request: httpx.Response(503), retry_attempts=2)
    with pytest.raises(Unreachable, match="service is down") as caught:
        world.search()
    assert caught.value.http_status == 503
    assert len(world.asked) == 3 and len(world.waits) == 2


def test_no_answer_at_all_is_unreachable_without_status(ehr: Any) -> None:
    world = ehr.World(lambda request: (_ for _ in ()).throw(httpx.ConnectError("x")), retry_attempts=1)
    with pytest.raises(Unreachable, match="cannot be reached") as caught:
        world.search()
    assert caught.value.http_status is None


def test_retry_after_is_honoured_and_capped(ehr: Any) -> None:
    world = ehr.World(
        ehr.in_turn(
            httpx.Response(429, headers={"Retry-After": "7"}),
            httpx.Response(429, headers={"Retry-After": "99999"}),
            ehr.bundle("a"),
        )
    )
    world.search()
    assert 7 <= world.waits[0] < 8 and world.waits[1] == pytest.approx(60)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 406, 410, 413, 422, 501])
def test_final_answers_are_refused_at_once_with_their_status(ehr: Any, status: int) -> None:
    world = ehr.World(lambda request: httpx.Response(status))
    with pytest.raises(Refused) as caught:
        world.search()
    assert caught.value.http_status == status
    assert len(world.asked) == 1 and world.waits == []


def test_a_permanent_500_is_refused_without_retries(ehr: Any) -> None:
    world = ehr.World(lambda request: ehr.outcome(500, "not known", code="not-supported"))
    with pytest.raises(Refused):
        world.search()
    assert len(world.asked) == 1


def test_plain_http_is_only_for_this_computer() -> None:
    with pytest.raises(Refused):
        FhirClient("http://fhir.example.org/r4")
    FhirClient("http://127.0.0.1:1/r4").close()


# ── the bearer ────────────────────────────────────────────────────────────────────────────────────


def test_a_401_renews_the_token_once_and_goes_on(ehr: Any) -> None:
    world = ehr.World(
        lambda r: ehr.bundle("a") if r.headers["authorization"] == "Bearer secret-2" else httpx.Response(401)
    )
    assert ehr.ids(world.search()) == ["a"]
    assert len(world.asked) == 2


def test_a_401_that_stays_is_not_authorized_after_a_few_renewals(ehr: Any) -> None:
    tokens = ehr.Tokens()
    world = ehr.World(lambda request: httpx.Response(401), token=tokens)
    with pytest.raises(NotAuthorized):
        world.search()
    assert tokens.number == 5 and len(world.asked) == 5


def test_a_401_without_any_token_is_not_authorized(ehr: Any) -> None:
    world = ehr.World(lambda request: httpx.Response(401), token=None)
    with pytest.raises(NotAuthorized):
        world.search()
    assert "authorization" not in world.asked[0].headers


def test_reconnect_needed_passes_through(ehr: Any) -> None:
    world = ehr.World(lambda request: httpx.Response(401), token=ehr.Tokens(renewable=False))
    with pytest.raises(ReconnectNeeded):
        world.search()


def test_a_401_web_page_for_a_token_that_works_elsewhere_refuses_only_this_type(ehr: Any) -> None:
    page = httpx.Response(401, html="<html>no such thing</html>")
    tokens = ehr.Tokens(renewable=False)
    world = ehr.World(lambda r: page if "Slot" in r.url.path else ehr.bundle("a"), token=tokens)
    world.search()
    with pytest.raises(Refused) as caught:
        world.search("Slot")
    assert caught.value.http_status == 401


def closed(*types: str, ehr: Any, dead: set[str] = set()) -> Any:  # noqa: B006 (only read)
    """A server that says 401 for some types, and for bearers that have ended."""

    def answer(request: httpx.Request) -> httpx.Response:
        type_ = request.url.path.rpartition("/")[2]
        if type_ in types or request.headers["authorization"].removeprefix("Bearer ") in dead:
            return ehr.outcome(401, "Login is required", "login")
        return ehr.bundle("a", type_=type_)

    return answer


def test_a_401_that_a_fresh_token_does_not_mend_refuses_only_this_type(ehr: Any) -> None:
    tokens = ehr.Tokens()
    world = ehr.World(closed("Slot", "Flag", ehr=ehr), token=tokens)
    world.search()
    for number, type_ in enumerate(("Slot", "Flag", "Slot")):
        before = len(world.asked)
        with pytest.raises(Refused) as caught:
            world.search(type_)
        assert caught.value.http_status == 401
        assert tokens.number == 2, "renewed once, and never again for such"
        assert len(world.asked) - before == (2 if number else 3), (
            "and the token tried where it was taken before"
        )
    assert ehr.ids(world.search("Goal")) == ["a"]


def test_a_token_that_ends_after_all_is_renewed_where_some_types_are_closed(ehr: Any) -> None:
    tokens, dead = ehr.Tokens(), set[str]()
    world = ehr.World(closed("Slot", ehr=ehr, dead=dead), token=tokens)
    world.search()
    with pytest.raises(Refused):
        world.search("Slot")
    dead.add(tokens.bearer())
    assert ehr.ids(world.search("Goal")) == ["a"] and tokens.number == 3
    with pytest.raises(Refused):
        world.search("Slot")
    assert tokens.number == 3


def test_a_closed_type_does_not_ask_for_the_person_where_a_token_cannot_be_renewed(ehr: Any) -> None:
    dead = set[str]()
    world = ehr.World(closed("Slot", ehr=ehr, dead=dead), token=ehr.Tokens(renewable=False))
    world.search()
    with pytest.raises(Refused):
        world.search("Slot")
    dead.add("secret-1")
    with pytest.raises(ReconnectNeeded):
        world.search("Slot")


def test_redirects_on_the_same_origin_are_followed_with_the_bearer(ehr: Any) -> None:
    world = ehr.World(
        ehr.in_turn(
            httpx.Response(302, headers={"location": "/r4/Patient/new"}), ehr.bundle("new", type_="Patient")
        )
    )
    assert ehr.ids([world.client.read("Patient", "old")]) == ["new"]
    assert world.asked[1].headers["authorization"] == "Bearer secret-1"


@pytest.mark.parametrize(
    "location", ["https://evil.example/", "http://fhir.example.org:81/", "//evil.example/x"]
)
def test_redirects_elsewhere_are_refused_and_never_asked(ehr: Any, location: str) -> None:
    world = ehr.World(lambda request: httpx.Response(307, headers={"location": location}))
    with pytest.raises(Refused, match="another server"):
        world.search()
    assert len(world.asked) == 1


def test_redirects_in_circles_end(ehr: Any) -> None:
    world = ehr.World(lambda request: httpx.Response(302, headers={"location": str(request.url)}))
    with pytest.raises(Refused, match="circles"):
        world.search()
    assert len(world.asked) < 10


def test_fetch_refuses_another_origin(ehr: Any) -> None:
    world = ehr.World(lambda request: ehr.bundle("a"))
    with pytest.raises(Refused):
        world.client.fetch("https://evil.example/r4/Observation", "Observation")
    assert world.asked == []


# ── reading one, and what the server can do ───────────────────────────────────────────────────────


def test_read_gives_a_page_of_one_and_quotes_odd_ids(ehr: Any) -> None:
    world = ehr.World(lambda request: httpx.Response(200, json={"resourceType": "Patient", "id": "a/b"}))
    assert ehr.ids([world.client.read("Patient", "a/b")]) == ["a/b"]
    assert world.asked[0].url.raw_path == b"/r4/Patient/a%2Fb"


def test_read_of_a_missing_resource_is_refused(ehr: Any) -> None:
    world = ehr.World(lambda request: ehr.outcome(404, "gone"))
    with pytest.raises(Refused) as caught:
        world.client.read("Patient", "x")
    assert caught.value.http_status == 404


def test_capabilities_are_asked_without_the_bearer_first(ehr: Any) -> None:
    statement = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}
    world = ehr.World(
        lambda r: httpx.Response(200, json=statement) if "authorization" in r.headers else httpx.Response(403)
    )
    found = world.client.capabilities()
    assert found is not None and found.fhir_version == "4.0.1"
    assert [("authorization" in r.headers) for r in world.asked] == [False, True]


@pytest.mark.parametrize(
    "answer", [httpx.Response(404), httpx.Response(500), httpx.Response(200, html="<html>")]
)
def test_a_server_that_does_not_say_what_it_can_do_has_no_capabilities(
    ehr: Any, answer: httpx.Response
) -> None:
    assert ehr.World(lambda request: answer, retry_attempts=0).client.capabilities() is None


def test_capabilities_of_a_server_that_is_not_there_are_unreachable(ehr: Any) -> None:
    world = ehr.World(lambda request: (_ for _ in ()).throw(httpx.ConnectError("x")), retry_attempts=0)
    with pytest.raises(Unreachable):
        world.client.capabilities()
