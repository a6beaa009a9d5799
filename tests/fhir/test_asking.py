"""How often a question is asked, how long is waited in between, and who else waits."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import pytest

from phr.errors import Refused, Stopped, Unreachable
from phr.fhir.client import FhirClient
from phr.fhir.pace import Limits, Pace
from phr.model import Search

NOT_KNOWN = "HAPI-2001: Resource Practitioner/5 is not known"


def later(status: int, after: str | None = None, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=({"Retry-After": after} if after is not None else {}) | headers)


@pytest.mark.parametrize(
    ("after", "least", "most"),
    [
        ("7", 7, 7.3),
        ("0", 1.5, 10),
        ("-5", 1.5, 10),
        ("120", 60, 60),
        ("Thu, 01 Jan 1970 00:00:30 GMT", 30, 30.3),
        ("Mon, 01 Jan 1900 00:00:00 GMT", 1.5, 10),
        ("soon", 1.5, 10),
        (None, 1.5, 10),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_all_its_spellings(
    ehr: Any, status: int, after: str | None, least: float, most: float
) -> None:
    world = ehr.World(ehr.in_turn(later(status, after), ehr.bundle("a")))
    world.search()
    assert least <= sum(world.waits) <= most


def test_a_date_is_read_by_the_clock_of_the_server_that_sent_it(ehr: Any) -> None:
    headers = {"Date": "Tue, 14 Nov 2023 22:13:20 GMT"}
    world = ehr.World(ehr.in_turn(later(503, "Tue, 14 Nov 2023 22:13:29 GMT", **headers), ehr.bundle("a")))
    world.search()
    assert 9 <= sum(world.waits) < 9.3
    assert world.client.server_now == pytest.approx(1_700_000_000 + sum(world.waits))


@pytest.mark.parametrize("after", ["3600", "1700000000", "Fri, 31 Dec 2100 00:00:00 GMT", "1e300"])
def test_an_absurd_wait_is_waited_for_once_and_then_told(ehr: Any, after: str) -> None:
    world = ehr.World(lambda request: later(429, after), retry_attempts=5)
    with pytest.raises(Unreachable, match="wants to be asked again") as caught:
        world.search()
    assert caught.value.http_status == 429 and caught.value.hint
    assert sum(world.waits) == pytest.approx(60) and len(world.asked) == 2
    with pytest.raises(Unreachable):
        world.search("Condition")
    assert sum(world.waits) == pytest.approx(60)


def test_when_to_come_back_is_said(ehr: Any) -> None:
    world = ehr.World(lambda request: later(503, "7200"))
    with pytest.raises(Unreachable, match=r"after 1970-01-01 02:01 UTC"):
        world.search()


@pytest.mark.parametrize(
    ("status", "text", "code", "asked"),
    [
        (500, NOT_KNOWN, "processing", 1),  # Cigna
        (500, "The method or operation is not implemented.", "processing", 1),
        (500, "No rights", "not-supported", 1),  # DrChrono
        (500, "No such thing", "not-found", 1),
        (500, "A required field is missing in the source", "processing", 2),  # Oracle
        (500, "NullPointerException at com.example.Foo.bar(Foo.java:12)", "exception", 2),
        (500, "The database is locked", "lock-error", 4),
        (500, "Try again", "transient", 4),
        (502, "The method or operation went away", "processing", 4),
        (503, "A required field is missing in the source", "processing", 4),
    ],
)
def test_a_500_that_says_the_same_twice_is_final(
    ehr: Any, status: int, text: str, code: str, asked: int
) -> None:
    world = ehr.World(lambda request: ehr.outcome(status, text, code=code))
    with pytest.raises(Unreachable if asked == 4 else Refused) as caught:
        world.search()
    assert caught.value.http_status == status and len(world.asked) == asked
    assert caught.value.said.codes == {code} and caught.value.said.shape == "outcome"


@pytest.mark.parametrize(
    "troubles",
    [
        ["500"],
        ["500", "503"],
        ["500", "429", "500", "503"][:3],
        ["plain", "plain"],
        ["plain", "500"],
        ["500", "html"],
    ],
)
def test_servers_that_heal_are_waited_for(ehr: Any, troubles: list[str]) -> None:
    answers = {
        "500": ehr.outcome(500, "Something went wrong in the hospital's server.", "exception"),
        "503": ehr.outcome(503, "The server is being looked after.", "transient"),
        "429": later(429, "1"),
        "plain": httpx.Response(500),
        "html": httpx.Response(502, html="<html>Bad Gateway</html>"),
    }
    if troubles.count("500") > 1:
        answers["500"] = httpx.Response(500)
    world = ehr.World(ehr.in_turn(*(answers[name] for name in troubles), ehr.bundle("a")))
    assert ehr.ids(world.search()) == ["a"]
    assert world.client.failed_requests == len(troubles)


def test_pauses_double_and_differ(ehr: Any) -> None:
    pauses = []
    for _ in range(8):
        world = ehr.World(lambda request: later(502), retry_attempts=3, retry_delay=1)
        with pytest.raises(Unreachable):
            world.search()
        pauses.append(world.waits)
        assert all(0.75 * 2**n <= wait <= 1.25 * 2**n for n, wait in enumerate(world.waits))
    assert len({wait for waits in pauses for wait in waits}) > 8


def test_whoever_was_told_later_holds_all_who_ask_this_server(ehr: Any) -> None:
    waits: list[float] = []
    pace = Pace(clock=lambda: sum(waits), sleep=waits.append)
    one = ehr.World(lambda request: later(429, "30"), retry_attempts=0, pace=pace)
    other = ehr.World(lambda request: ehr.bundle("a"), pace=pace)
    with pytest.raises(Unreachable):
        one.search()
    assert waits == []
    other.search()
    assert 30 <= sum(waits) < 30.3 and other.waits == []


def test_a_server_that_stumbles_holds_nobody_else(ehr: Any) -> None:
    waits: list[float] = []
    pace = Pace(clock=lambda: sum(waits), sleep=waits.append)
    world = ehr.World(ehr.in_turn(later(503), ehr.bundle("a")), pace=pace)
    world.search()
    assert waits == [] and len(world.waits) == 1


def test_every_request_takes_its_turn(ehr: Any) -> None:
    turns: list[float] = []

    class Counted(Pace):
        def take(self, stopping: threading.Event | None = None) -> None:
            turns.append(0.0)
            super().take(stopping)

    tokens = ehr.Tokens()
    answers = [
        httpx.Response(200, json={"resourceType": "CapabilityStatement"}),
        later(502),
        httpx.Response(401),
        httpx.Response(302, headers={"location": "/r4/Observation?x"}),
        ehr.bundle("a"),
        httpx.Response(200, content=b"pdf"),
        httpx.Response(202),
    ]
    world = ehr.World(ehr.in_turn(*answers), pace=Counted(), token=tokens)
    world.client.capabilities()
    world.search()
    world.client.binary("Binary/1", None)
    world.client.request("GET", f"{ehr.BASE}/x", {})
    assert len(turns) == len(answers) == world.client.requests
    assert world.client.response_seconds > 0


def test_a_days_budget_that_is_used_up_is_not_waited_for(ehr: Any) -> None:
    world = ehr.World(lambda request: ehr.bundle("a"), pace=Pace(Limits(per_day=2), clock=lambda: 0.0))
    world.search()
    world.search()
    with pytest.raises(Unreachable, match="allows 2 requests a day"):
        world.search()
    assert len(world.asked) == 2 and world.waits == []


def test_a_limit_that_is_said_beside_a_good_answer_is_kept(ehr: Any) -> None:
    said = {"RateLimit-Remaining": "0", "RateLimit-Reset": "9"}
    world = ehr.World(
        lambda request: httpx.Response(200, json={"resourceType": "Goal", "id": "1"}, headers=said)
    )
    world.client.read("Goal", "1")
    assert world.waits == []
    world.client.read("Goal", "1")
    assert world.waits == [9]


# ── stopping ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "trouble", [later(503), later(429, "60"), httpx.ConnectError("no route"), later(500, "50")], ids=str
)
def test_waiting_ends_at_once_when_the_run_is_to_stop(ehr: Any, trouble: httpx.Response | Exception) -> None:
    stopping = threading.Event()
    world = ehr.World(lambda request: raise_or(trouble), stopping=stopping, sleep=None, retry_delay=30.0)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(world.search) for _ in range(3)]
        time.sleep(0.1)
        began = time.monotonic()
        stopping.set()
        for one in waiting:
            with pytest.raises(Stopped):
                one.result(5)
        assert time.monotonic() - began < 1
    asked = len(world.asked)
    with pytest.raises(Stopped):
        world.search()
    assert len(world.asked) == asked


def raise_or(answer: httpx.Response | Exception) -> httpx.Response:
    if isinstance(answer, Exception):
        raise answer
    return answer


def test_a_server_that_hangs_is_left_at_once_when_the_run_is_to_stop() -> None:
    import socket

    stopping = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        base = f"http://127.0.0.1:{listening.getsockname()[1]}/r4"
        with FhirClient(base, timeout=30, stopping=stopping) as client, ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(lambda: list(client.search(Search("Goal"))))
            connection, _ = listening.accept()
            with closing(connection):
                time.sleep(0.1)
                began = time.monotonic()
                stopping.set()
                with pytest.raises(Stopped):
                    waiting.result(5)
                assert time.monotonic() - began < 2


def test_an_answer_that_is_slow_but_comes_is_taken_while_nobody_stops() -> None:
    import socket

    body = b'{"resourceType":"Goal","id":"1"}'
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with closing(connection):
                connection.recv(65536)
                time.sleep(0.6)  # longer than two looks whether the run is to stop
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        base = f"http://127.0.0.1:{listening.getsockname()[1]}/r4"
        with FhirClient(base, timeout=5, retry_attempts=0) as client:
            assert client.read("Goal", "1").received[0].raw == body
        thread.join(5)


def test_tidying_up_goes_out_although_the_run_is_to_stop(ehr: Any) -> None:
    stopping = threading.Event()
    stopping.set()
    world = ehr.World(lambda request: httpx.Response(202), stopping=stopping)
    with pytest.raises(Stopped):
        world.client.request("DELETE", f"{ehr.BASE}/job/1", {})
    assert world.client.request("DELETE", f"{ehr.BASE}/job/1", {}, even_stopped=True).status == 202


# ── requests beyond search and read ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [200, 202, 400, 404, 410, 429, 500, 503])
def test_any_status_of_a_request_is_the_business_of_its_caller(ehr: Any, status: int) -> None:
    world = ehr.World(lambda request: later(status, "30", **{"x-progress": "1 of 5"}))
    answer = world.client.request("GET", f"{ehr.BASE}/$export", {"Prefer": "respond-async"})
    assert answer.status == status and answer.headers["x-progress"] == "1 of 5"
    assert world.asked[0].headers["prefer"] == "respond-async" and len(world.asked) == 1
    assert world.asked[0].headers["authorization"] == "Bearer secret-1"


def test_a_request_renews_the_token_and_sends_its_body(ehr: Any) -> None:
    world = ehr.World(ehr.in_turn(httpx.Response(401), httpx.Response(200)))
    world.client.request("POST", f"{ehr.BASE}/$x", {"content-type": "application/fhir+json"}, body=b"{}")
    assert world.asked[1].headers["authorization"] == "Bearer secret-2" and world.asked[1].content == b"{}"
    assert world.asked[1].headers.get_list("content-type") == ["application/fhir+json"]


def test_trouble_in_the_network_is_tried_again_but_not_for_a_post(ehr: Any) -> None:
    world = ehr.World(ehr.in_turn(httpx.ReadTimeout("slow"), httpx.Response(200)))
    assert world.client.request("GET", f"{ehr.BASE}/x", {}).status == 200
    world = ehr.World(ehr.in_turn(httpx.ReadTimeout("slow"), httpx.Response(200)))
    with pytest.raises(Unreachable):
        world.client.request("POST", f"{ehr.BASE}/x", {}, body=b"{}")
    assert len(world.asked) == 1


class Broken(httpx.SyncByteStream):
    def __iter__(self) -> Any:
        yield b"half of "
        raise httpx.ReadError("gone")


def test_what_was_half_written_is_taken_back_before_the_next_try(ehr: Any, tmp_path: Any) -> None:
    world = ehr.World(
        ehr.in_turn(httpx.Response(200, stream=Broken()), httpx.Response(200, content=b"whole"))
    )
    with (tmp_path / "f").open("wb+") as file:
        file.write(b"before ")
        answer = world.client.request("GET", f"{ehr.BASE}/x", {}, into=file)
        file.seek(0)
        assert file.read() == b"before whole" and answer.status == 200


def test_what_cannot_be_taken_back_is_not_tried_again(ehr: Any) -> None:
    class Pipe:
        def write(self, content: bytes, /) -> int:
            return len(content)

    world = ehr.World(ehr.in_turn(httpx.Response(200, stream=Broken()), httpx.Response(200)))
    with pytest.raises(Unreachable):
        world.client.request("GET", f"{ehr.BASE}/x", {}, into=Pipe())
    assert len(world.asked) == 1


def test_a_refusal_is_not_written_where_the_content_should_go(ehr: Any, tmp_path: Any) -> None:
    world = ehr.World(lambda request: ehr.outcome(404, "expired", "not-found"))
    with (tmp_path / "f").open("wb+") as file:
        answer = world.client.request("GET", f"{ehr.BASE}/x", {}, into=file)
        assert file.tell() == 0 and b"expired" in answer.body


@pytest.mark.parametrize(
    ("url", "bearer", "fine"),
    [
        ("https://fhir.example.org/r4/x", True, True),
        ("https://fhir.example.org/elsewhere/x", True, True),
        ("https://files.example.org/x", True, False),
        ("https://files.example.org/x", False, True),
        ("http://files.example.org/x", False, False),
        ("http://fhir.example.org/r4/x", True, False),
        ("https://10.0.0.1/x", False, False),
        ("http://127.0.0.1/x", False, False),
        ("ftp://files.example.org/x", False, False),
    ],
)
def test_a_request_goes_with_the_bearer_only_home(ehr: Any, url: str, bearer: bool, fine: bool) -> None:
    world = ehr.World(lambda request: httpx.Response(200))
    if not fine:
        with pytest.raises(Refused):
            world.client.request("GET", url, {}, bearer=bearer)
        assert world.asked == []
        return
    world.client.request("GET", url, {}, bearer=bearer)
    assert ("authorization" in world.asked[0].headers) is bearer


# ── redirects ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("way", ["binary", "request"])
def test_a_document_may_lie_on_another_server_which_sees_no_bearer(ehr: Any, status: int, way: str) -> None:
    away = httpx.Response(status, headers={"location": "https://files.example.net/signed?x=1"})
    home = httpx.Response(status, headers={"location": "https://fhir.example.org/r4/again"})
    world = ehr.World(ehr.in_turn(away, home, httpx.Response(200, content=b"pdf")))
    if way == "binary":
        assert world.client.binary("Binary/1", "application/pdf")[0] == b"pdf"
    else:
        assert world.client.request("GET", f"{ehr.BASE}/x", {}).body == b"pdf"
    assert ["authorization" in request.headers for request in world.asked] == [True, False, False]


@pytest.mark.parametrize(
    "location",
    [
        "http://files.example.net/x",
        "https://10.0.0.1/x",
        "https://nas.local/x",
        "file:///x",
        "https://[fe80::1]/x",
    ],
)
def test_a_document_is_not_followed_to_where_nobody_should_be_sent(ehr: Any, location: str) -> None:
    world = ehr.World(lambda request: httpx.Response(302, headers={"location": location}))
    with pytest.raises(Refused):
        world.client.binary("Binary/1", None)
    assert len(world.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_patient_that_was_merged_is_said_to_have_moved(ehr: Any, status: int) -> None:
    world = ehr.World(
        ehr.in_turn(
            httpx.Response(status, headers={"location": "https://fhir.example.org/r4/Patient/2"}),
            ehr.bundle_of({"resourceType": "Patient", "id": "2"}),
        )
    )
    page = world.client.read("Patient", "1")
    assert page.moved_to == "Patient/2" and ehr.ids([page]) == ["2"]


@pytest.mark.parametrize(
    ("asked", "came", "moved"),
    [("1", "1", None), ("1", "2", None), ("a/b", "a/b", None), ("A", "a", None)],
)
def test_another_resource_without_a_redirect_has_not_moved(
    ehr: Any, asked: str, came: str, moved: str | None
) -> None:
    world = ehr.World(lambda request: ehr.bundle_of({"resourceType": "Patient", "id": came}))
    assert world.client.read("Patient", asked).moved_to == moved
    assert world.client.fetch(f"{ehr.BASE}/Patient/{asked}", "Patient").moved_to is None
    assert world.search("Patient", _id=asked)[0].moved_to is None


# ── several at once ───────────────────────────────────────────────────────────────────────────────


def test_several_are_read_by_their_ids_over_all_pages(ehr: Any) -> None:
    first = ehr.bundle("a", "b", next_="Observation?page=2")
    world = ehr.World(ehr.in_turn(first, ehr.bundle("b", "c,d")))
    page = world.client.read_many("Observation", ["a", "b", "c,d"])
    assert ehr.ids([page]) == ["a", "b", "c,d"] and page.flawed is None
    assert world.asked[0].url.params["_id"] == "a,b,c\\,d"


def test_several_are_read_in_a_batch_and_each_failure_is_named(ehr: Any) -> None:
    import json

    gone = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "deleted"}]}
    denied = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "forbidden", "diagnostics": "not you"}],
    }
    entries = [
        {"response": {"status": "200 OK"}, "resource": {"resourceType": "Location", "id": "a"}},
        {"response": {"status": "410 Gone", "outcome": gone}},
        {"response": {"status": "403"}, "resource": denied},
        {"response": {"status": "404 Not Found"}},
        {"response": {"status": "200"}},
    ]
    body = {"resourceType": "Bundle", "type": "batch-response", "entry": entries}
    world = ehr.World(ehr.in_turn(later(503), httpx.Response(200, json=body)))
    page = world.client.read_many("Location", ["a", "b", "c/1", "d", "e"], batch=True)
    assert ehr.ids([page]) == ["a"]
    assert [(p.id, p.http_status) for p in page.problems] == [
        ("b", 410),
        ("c/1", 403),
        ("d", 404),
        ("e", 200),
    ]
    assert [p.reason for p in page.problems][:3] == ["deleted", "not you", "it is not offered there"]
    sent = json.loads(world.asked[1].content)
    assert sent["type"] == "batch" and str(world.asked[1].url) == ehr.BASE
    assert [entry["request"]["url"] for entry in sent["entry"]][:3] == [
        "Location/a",
        "Location/b",
        "Location/c%2F1",
    ]


def test_a_batch_that_was_answered_in_part_names_what_is_left(ehr: Any) -> None:
    entries = [{"resource": {"resourceType": "Location", "id": "b"}}]
    body = {"resourceType": "Bundle", "type": "batch-response", "entry": entries}
    page = ehr.World(lambda request: httpx.Response(200, json=body)).client.read_many(
        "Location", ["a", "b"], batch=True
    )
    assert ehr.ids([page]) == ["b"] and [p.id for p in page.problems] == ["a"] and page.flawed


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(405),
        httpx.Response(501),
        httpx.Response(302, headers={"location": "https://fhir.example.org/r4/"}),
        httpx.Response(200, json={"resourceType": "OperationOutcome", "issue": []}),
    ],
    ids=str,
)
@pytest.mark.parametrize("retry_attempts", [0, 3])
def test_a_server_without_batches_refuses_as_a_read_does(
    ehr: Any, answer: httpx.Response, retry_attempts: int
) -> None:
    world = ehr.World(lambda request: answer, retry_attempts=retry_attempts)
    with pytest.raises(Refused):
        world.client.read_many("Location", ["a"], batch=True)
    assert len(world.asked) == 1
