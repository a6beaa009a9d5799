"""What a hostile or broken server can cost: time, memory, words. All against real sockets or real bytes."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import httpx
import pytest

from phr.errors import PhrError, Refused, Unreachable
from phr.fhir import links, outcome, read
from phr.fhir.bundle import split
from phr.fhir.client import FhirClient
from phr.fhir.network import is_packed_plainly
from phr.model import Search

GOAL = b'{"resourceType":"Goal","id":"1"}'
HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server on one thread that answers each connection as it likes."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(5)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with closing(connection), suppress(OSError):
                        connection.recv(65536)
                        answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/r4"


def ask(base: str, **more: Any) -> list[Any]:
    with FhirClient(base, retry_attempts=0, sleep=lambda _: None, **more) as client:
        return list(client.search(Search("Goal")))


def drip(connection: socket.socket, first: bytes, drop: bytes) -> None:
    connection.sendall(first)
    for _ in range(60):
        connection.sendall(drop)
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (HEAD + b"Content-Length: 1000\r\n\r\n", b" "),
        (HEAD + b"X-Long: ", b"a"),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    ],
    ids=["body", "header", "endless 102"],
)
def test_a_server_that_drips_is_left_after_a_while(first: bytes, drop: bytes) -> None:
    started = time.monotonic()
    with server(lambda connection: drip(connection, first, drop)) as base, pytest.raises(Unreachable):
        ask(base, timeout=0.2)
    assert time.monotonic() - started < 2


def test_an_answer_that_comes_in_time_is_taken_packed_or_not() -> None:
    for coding, body in (("gzip", gzip.compress(GOAL)), ("deflate", zlib.compress(GOAL)), ("identity", GOAL)):
        head = HEAD + f"Content-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with server(lambda connection, answer=head + body: connection.sendall(answer)) as base:  # type: ignore[misc]
            assert ask(base)[0].received[0].id == "1"


def test_gzip_inside_gzip_is_not_unpacked() -> None:
    body = gzip.compress(gzip.compress(b"\0" * 30_000_000))
    head = HEAD + f"Content-Encoding: gzip, gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    tracemalloc.start()
    try:
        with (
            server(lambda connection: connection.sendall(head + body)) as base,
            pytest.raises(Unreachable, match="unpacked"),
        ):
            ask(base)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_only_packings_that_were_asked_for_are_plain() -> None:
    assert all(map(is_packed_plainly, ("", "gzip", "GZIP", "identity", "deflate")))
    assert not any(map(is_packed_plainly, ("gzip, gzip", "br", "zstd", "gzip,deflate")))


def test_a_page_of_brackets_is_refused_before_it_fills_the_memory(ehr: Any) -> None:
    body = b'{"resourceType":"Bundle","entry":[' + b"{}," * 6_000_000 + b"{}]}"
    world = ehr.World(lambda request: httpx.Response(200, content=body), retry_attempts=0)
    with pytest.raises(Unreachable, match="more parts"):
        world.search()


def test_a_very_long_refusal_is_told_by_its_status_alone(ehr: Any) -> None:
    words = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": "no"}], "x": "y" * 2_000_000}
    world = ehr.World(lambda request: httpx.Response(400, json=words))
    with pytest.raises(Refused, match="not accepted"):
        world.search()


def test_thousands_of_refused_entries_are_counted_and_not_each_named() -> None:
    page = split(b'{"resourceType":"Bundle","entry":[' + b"{}," * 20_000 + b'{"resource":' + GOAL + b"}]}")
    assert len(page.received) == 1 and len(page.problems) == 5001
    assert page.problems[-1].reason.startswith("15000 further")


def test_thousands_of_different_remarks_are_read_in_short_time() -> None:
    def remark(number: int) -> dict[str, Any]:
        words = " ".join("abcdefghij"[int(digit)] for digit in str(number))
        return {"resource": {"resourceType": "OperationOutcome", "issue": [{"diagnostics": words}]}}

    body = json.dumps({"resourceType": "Bundle", "entry": [remark(number) for number in range(12_000)]})
    started = time.monotonic()
    assert len(split(body.encode()).problems) == 5001
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("words", ["a." * 1000, "Aaaa/" * 400, "a/" * 1000, "é" * 2000, "x:" * 1000])
def test_no_words_of_a_server_take_long_to_clean(words: str) -> None:
    started = time.monotonic()
    for _ in range(20):
        outcome.clean(words)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "resource",
    [
        b'{"resourceType":"Goal","id":"a\\ud800"}',
        b'{"resourceType":"Goal","id":"a\xff"}',
    ],
)
def test_an_id_can_always_be_written_down(resource: bytes) -> None:
    (received,) = split(b'{"resourceType":"Bundle","entry":[{"resource":' + resource + b"}]}").received
    assert received.id.encode() and "\ufffd" in received.id
    assert received.raw == resource


def test_a_type_of_broken_bytes_is_a_broken_entry() -> None:
    resource = b'{"resourceType":"Go\xffal","id":"a"}'
    page = split(b'{"resourceType":"Bundle","entry":[{"resource":' + resource + b"}]}")
    assert page.received == () and [one.raw for one in page.problems] == [resource]


@pytest.mark.parametrize("raw", [b'{"a":1.20,"b":"x\\ud800y"}', b'{"a":1.20,"b":"x\xed\xa0\x80y"}'])
def test_no_half_pair_survives_beside_a_decimal_with_its_zeros(raw: bytes) -> None:
    value = read.parse_as_written(raw)
    assert isinstance(value, dict) and value["b"].encode() and value["b"][0] == "x"


def test_a_next_link_of_broken_bytes_stops_the_walk_and_says_so(ehr: Any) -> None:
    body = (
        b'{"resourceType":"Bundle","link":[{"relation":"next","url":"Goal?x=\xff"}],"entry":[{"resource":'
        + GOAL
        + b"}]}"
    )
    pages = ehr.World(lambda request: httpx.Response(200, content=body)).search("Goal")
    assert ehr.ids(pages)[0] == "1" and len(pages) <= 2
    for link in ("https://h/\ud800", "/x?\udcff"):
        with pytest.raises(links.ForeignLinkError):
            links.next_address("https://h/r4", "https://h/r4/Goal", link, "Goal")


def test_one_client_does_not_wait_for_days(ehr: Any) -> None:
    later = httpx.Response(503, headers={"Retry-After": "3600"})
    world = ehr.World(lambda request: later)
    for _ in range(40):
        with pytest.raises(PhrError):
            world.client.read("Practitioner", "1")
    assert sum(world.waits) <= 1800


@pytest.mark.parametrize("accept", ["text/plain\r\nX-Evil: 1", "text/pläin", "x", "a/b, c/d"])
def test_what_an_attachment_calls_itself_is_no_header(ehr: Any, accept: str) -> None:
    world = ehr.World(lambda request: httpx.Response(200, content=b"ok"))
    assert world.client.binary("Binary/1", accept)[0] == b"ok"
    assert world.asked[0].headers["accept"] == "*/*"


@pytest.mark.parametrize(
    "host",
    (
        "localhost 127.0.0.1 [::1] 10.0.0.1 169.254.169.254 192.168.1.1. nas nas.local 0x7f.1 2130706433"
        " [fe80::1%25eth0] [::ffff:10.0.0.1] box.home.arpa"
    ).split(),
)
def test_a_record_cannot_make_us_knock_at_doors_of_the_own_network(ehr: Any, host: str) -> None:
    world = ehr.World(lambda request: httpx.Response(200, content=b"x"))
    with pytest.raises(Refused):
        world.client.binary(f"https://{host}/admin", None)
    assert world.asked == []


def test_a_hospital_inside_the_own_network_may_keep_documents_there(ehr: Any) -> None:
    world = ehr.World(lambda request: httpx.Response(200, content=b"x"), base="https://hapi.lan/fhir")
    assert world.client.binary("https://files.lan/1", None)[0] == b"x"
    assert "authorization" not in world.asked[0].headers


def test_a_server_that_repeats_the_bearer_does_not_get_it_into_words(ehr: Any) -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        told = ehr.outcome(403, f"you sent {request.headers['authorization']}", "processing")
        if request.url.path.endswith("/Goal"):
            entry = {"resource": json.loads(told.content) | {"id": "o"}}
            return httpx.Response(200, json={"resourceType": "Bundle", "entry": [entry]})
        return told

    world = ehr.World(echo)
    (page,) = world.search("Goal")
    assert page.problems and "you sent" in page.problems[0].reason
    words = page.problems[0].reason
    for ask_again in (lambda: world.client.read("Goal", "1"), lambda: world.client.binary("Binary/1", None)):
        with pytest.raises(Refused, match="you sent") as caught:
            ask_again()
        words += caught.value.message
    assert "secret-1" not in words


def test_a_page_of_more_than_64_mb_is_refused_and_a_document_has_its_own_limit(ehr: Any) -> None:
    piece = b'{"resourceType":"Bundle"' + b" " * 1_000_000

    def large(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=(piece for _ in range(65)))

    with pytest.raises(Refused, match="more than 64 MB"):
        ehr.World(large).client.read("Patient", "p")
    assert len(ehr.World(large).client.binary("Binary/1", None)[0]) == 65 * len(piece)
