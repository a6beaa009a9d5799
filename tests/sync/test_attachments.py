"""Attachments: every kind of address, every way to fail, and what must never happen on the way."""

from __future__ import annotations

import base64
import itertools
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from phr.errors import ReconnectNeeded, Refused, Stopped
from phr.fhir.client import FhirClient
from phr.model import Connection, Received
from phr.sandbox.synthetic.pdf import page
from phr.store.store import Store
from phr.sync import attachments
from phr.sync.desk import Desk
from phr.sync.tally import Tally
from phr.views.documents import documents

BASE = "https://fhir.example.org/r4"
KEY = bytes(range(32))
TOKEN = "bearer-of-the-test"
Make = Callable[..., Received]
CCDA = """<?xml version="1.0"?>
<ClinicalDocument xmlns="urn:hl7-org:v3"><id extension="{copy}"/><effectiveTime value="{time}"/>
<setId extension="{copy}"/><versionNumber value="{copy}"/><author><time value="{time}"/></author>
<component><structuredBody><component><section><title>Allergies</title><text>{words}</text></section></component>
<component><section><title>Other</title><text><table><caption>Performance Information</caption>
<tbody><tr><td>{time} ms</td></tr></tbody></table></text></section></component>
</structuredBody></component></ClinicalDocument>"""


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def later(self, **ahead: float) -> None:
        self.now += timedelta(**ahead)


class Bearer:
    """A sign-in that has no refresh token."""

    def bearer(self) -> str:
        return TOKEN

    def renew(self, rejected: str) -> str:
        raise ReconnectNeeded("clinic")


@dataclass
class World:
    """A store with one connection, and a server that is a function."""

    store: Store
    clock: Clock
    answer: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(404)
    asked: list[httpx.Request] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    base: str = BASE
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def connection(self) -> Connection:
        return self.store.connections.get("clinic")

    def save(self, *received: Received) -> None:
        self.store.save(self.connection.key, received)

    def fetch(self, **how: Any) -> dict[str, int]:
        self.asked.clear()
        self.tally = Tally()
        transport = None if self.base.startswith("http:") else httpx.MockTransport(self._handle)
        client = FhirClient(
            self.base,
            Bearer(),
            transport=transport,
            retry_attempts=0,
            retry_delay=0,
            sleep=lambda _: None,
            stopping=self.stopping,
        )
        with client:
            return attachments.fetch(
                client, Desk(self.store), self.connection, self.tally, **{"workers": 3, **how}
            )

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answer(request)

    def rows(self, columns: str = "state, reason") -> list[tuple[Any, ...]]:
        return self.store.db.execute(
            f"SELECT {columns} FROM attachment ORDER BY resource_id, position"
        ).fetchall()

    def contents(self) -> list[bytes]:
        return [row[0] for row in self.store.db.execute("SELECT content FROM document ORDER BY id")]

    def reasons(self) -> list[str]:
        return [one.reason for one in self.tally.skipped]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = Clock()
    with Store(tmp_path / "records.db", KEY, create=True, clock=clock) as store:
        store.connections.save(
            Connection(
                key="k",
                name="clinic",
                provider="p",
                vendor="custom",
                organisation="Clinic",
                fhir_base=BASE,
                client_id="c",
                patient_id="ada",
            )
        )
        yield World(store, clock)


def letter(make: Make, id_: str, *attached: dict[str, Any], **more: Any) -> Received:
    content = [{"attachment": one} for one in attached]
    return make("DocumentReference", id_, status="current", content=content, **more)


def found(world: World, word: str) -> list[str]:
    rows = world.store.db.execute(
        "SELECT r.resource FROM record_search s JOIN record r ON r.id = s.rowid WHERE record_search MATCH ?",
        (word,),
    )
    return [row[0] for row in rows]


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "asked", "bearer"),
    [
        ("Binary/1", f"{BASE}/Binary/1", True),
        (f"{BASE}/Binary/1", f"{BASE}/Binary/1", True),
        ("https://fhir.example.org/document/pdf-1", "https://fhir.example.org/document/pdf-1", True),
        ("https://files.vendor.example.com/Binary/1", "https://files.vendor.example.com/Binary/1", False),
        (
            "https://bucket.example.net/x?X-Amz-Signature=abc%2F",
            "https://bucket.example.net/x?X-Amz-Signature=abc%2F",
            False,
        ),
    ],
)
def test_the_bearer_goes_to_its_own_origin_and_nowhere_else(
    world: World, received: Make, url: str, asked: str, bearer: bool
) -> None:
    world.answer = lambda _: httpx.Response(200, content=b"words", headers={"content-type": "text/plain"})
    world.save(letter(received, "1", {"url": url, "contentType": "text/plain"}))
    assert world.fetch() == {"new": 1, "unchanged": 0, "failed": 0, "bytes": 5}
    (request,) = world.asked
    assert str(request.url) == asked
    assert (request.headers.get("authorization") == f"Bearer {TOKEN}") is bearer
    assert ("authorization" in request.headers) is bearer
    assert world.contents() == [b"words"]


def test_a_redirect_to_another_server_takes_no_bearer_along(world: World, received: Make) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "fhir.example.org":
            return httpx.Response(302, headers={"location": "https://bucket.example.net/x?sig=1"})
        return httpx.Response(200, content=b"words")

    world.answer = answer
    world.save(letter(received, "1", {"url": "Binary/1"}))
    world.fetch()
    abroad = [one for one in world.asked if one.url.host != "fhir.example.org"]
    assert all("authorization" not in one.headers for one in abroad)


def test_what_has_no_address_is_named_and_no_failure(world: World, received: Make) -> None:
    absent = {"_data": {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason"}]}}
    world.save(letter(received, "1", {"url": "none"}, absent, {"contentType": "application/octet-stream"}))
    assert world.fetch() == {"new": 0, "unchanged": 0, "failed": 0, "bytes": 0}
    assert world.asked == [] and world.tally.status == "completed"
    assert {row[0] for row in world.rows()} == {"absent"}
    assert all("neither bytes nor an address" in row[1] for row in world.rows())


def test_a_data_address_and_inline_bytes_are_read_without_asking_anyone(world: World, received: Make) -> None:
    inline = base64.encodebytes(page("Letter", ["The zebrafish result"])).decode().rstrip("=\n")
    world.save(
        letter(received, "1", {"url": "data:text/plain;base64,b2thcGk="}),
        letter(received, "2", {"data": inline, "contentType": "application/octet-stream"}),
    )
    assert world.fetch()["new"] == 2
    assert world.asked == []
    assert found(world, "okapi") == ["DocumentReference/1"]
    assert found(world, "zebrafish") == ["DocumentReference/2"]
    assert world.fetch() == {"new": 0, "unchanged": 2, "failed": 0, "bytes": 0}


def test_damaged_base64_is_named_and_the_rest_is_kept(world: World, received: Make) -> None:
    wrapper = {"resourceType": "Binary", "contentType": "text/plain", "data": "abc$"}
    world.answer = lambda _: httpx.Response(200, json=wrapper)
    world.save(letter(received, "1", {"data": "a"}, {"data": "b2s="}, {"url": "Binary/1"}))
    assert world.fetch()["failed"] == 1
    states = [row[0] for row in world.rows()]
    assert states == ["refused", "stored", "failed"]
    assert world.rows()[2][1].startswith("damaged:")


def test_several_formats_of_one_document_are_all_kept(world: World, received: Make) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("pdf"):
            return httpx.Response(200, content=page("Letter", ["ocelot"]))
        return httpx.Response(200, content=CCDA.format(copy=1, time=2026, words="peanut").encode())

    world.answer = answer
    resource = received(
        "DocumentReference",
        "1",
        content=[
            {"attachment": {"url": "Binary/pdf", "contentType": "application/pdf"}},
            {
                "attachment": {"url": "Binary/xml"},
                "format": {"code": "urn:hl7-org:sdwg:ccda-structuredBody:2.1"},
            },
        ],
    )
    world.save(resource)
    assert world.fetch()["new"] == 2
    assert world.rows("media_type, format") == [
        ("application/pdf", "application/pdf"),
        ("application/hl7-cda+xml", "urn:hl7-org:sdwg:ccda-structuredBody:2.1"),
    ]
    assert found(world, "ocelot") == found(world, "peanut") == ["DocumentReference/1"]


@pytest.mark.parametrize(
    ("type_", "elements"),
    [
        ("DiagnosticReport", {"presentedForm": [{"url": "Binary/1"}]}),
        ("Media", {"content": {"url": "Binary/1"}}),
        ("Communication", {"payload": [{"contentAttachment": {"url": "Binary/1"}}]}),
        ("Consent", {"sourceAttachment": {"url": "Binary/1"}}),
    ],
)
def test_other_types_attach_documents_too(
    world: World, received: Make, type_: str, elements: dict[str, Any]
) -> None:
    world.answer = lambda _: httpx.Response(200, content=b"quokka")
    world.save(received(type_, "1", **elements))
    assert world.fetch()["new"] == 1
    assert found(world, "quokka") == [f"{type_}/1"]


def test_a_photo_of_the_patient_is_a_document_and_no_event(world: World, received: Make) -> None:
    world.answer = lambda _: httpx.Response(200, content=b"\xff\xd8\xff\xe0")
    world.save(received("Patient", "ada", photo=[{"url": "Binary/1", "contentType": "image/jpg"}]))
    assert world.fetch()["new"] == 1
    (photo,) = documents(world.store).documents
    assert (photo["type"], photo["media_type"], photo["state"]) == ("photo", "image/jpeg", "stored")


def test_the_accepted_type_is_the_attachments_own_and_fhir_json_the_second(
    world: World, received: Make
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if "json" not in request.headers["accept"]:
            return httpx.Response(406)
        data = base64.b64encode(b"wrapped").decode()
        return httpx.Response(200, json={"resourceType": "Binary", "contentType": "text/xml", "data": data})

    world.answer = answer
    world.save(letter(received, "1", {"url": "Binary/1", "contentType": "text/xml; charset=utf-8"}))
    assert world.fetch()["new"] == 1
    accepts = [one.headers["accept"] for one in world.asked]
    assert accepts[0] == "text/xml" and "fhir+json" in accepts[1]
    assert world.contents() == [b"wrapped"]


def test_the_same_bytes_are_kept_once_and_the_same_binary_id_is_not_trusted(
    world: World, received: Make
) -> None:
    bodies = iter([b"first letter", b"second letter", b"first letter"])
    world.answer = lambda _: httpx.Response(200, content=next(bodies))
    world.save(*(letter(received, str(n), {"url": "Binary/200058"}) for n in range(3)))
    assert world.fetch(workers=1)["new"] == 3
    assert world.contents() == [b"first letter", b"second letter"]
    documents = [row[0] for row in world.rows("document_id")]
    assert documents[0] == documents[2] != documents[1]


def test_a_binary_that_is_a_stored_resource_is_taken_from_there(world: World, received: Make) -> None:
    data = base64.b64encode(b"axolotl").decode()
    world.save(
        letter(received, "1", {"url": f"{BASE}/Binary/own"}),
        received("Binary", "own", contentType="text/plain", data=data),
    )
    assert world.fetch()["new"] == 1 and world.asked == []
    assert found(world, "axolotl") == ["DocumentReference/1"]


# ── failures ──────────────────────────────────────────────────────────────────────────────────────


def outcome(code: str, vendor: str | None = None) -> dict[str, Any]:
    details = {"coding": [{"code": vendor}], "text": "Some words"} if vendor else {}
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "details": details}],
    }


@pytest.mark.parametrize(
    ("answer", "category", "again"),
    [
        (httpx.Response(404), "gone", False),
        (httpx.Response(410), "gone", False),
        (httpx.Response(400, json=outcome("deleted", "4103")), "gone", False),
        (httpx.Response(403), "forbidden", False),
        (httpx.Response(408), "timeout", True),
        (httpx.Response(504), "timeout", True),
        (httpx.Response(500), "unavailable", True),
        (httpx.Response(503), "unavailable", True),
        (httpx.Response(413), "too large", False),
        (httpx.Response(400), "not offered", False),
        (httpx.Response(501), "not offered", False),
        (httpx.Response(200, json=outcome("transient")), "not offered", True),
        (httpx.Response(200, html="<html>log in</html>"), "damaged", True),
        (httpx.Response(200, content=b""), "damaged", True),
    ],
)
def test_a_failure_says_why_in_fixed_words(
    world: World, received: Make, answer: httpx.Response, category: str, again: bool
) -> None:
    world.answer = lambda _: answer
    world.save(letter(received, "1", {"url": "Binary/1", "contentType": "application/pdf"}))
    assert world.fetch()["failed"] == 1
    reason = f"{category}: {attachments.WORDS[category]}"
    assert world.rows("state, reason, http_status, tries") == [
        ("failed" if again else "refused", reason, answer.status_code, 1)
    ]
    assert world.reasons() == [f"attachment {reason}"]
    assert world.tally.alarming == int(again)


@pytest.mark.parametrize(
    "url", ["http://files.example.com/x", "ftp://x/y", "https://192.168.0.1/x", "urn:uuid:1"]
)
def test_an_address_that_must_not_be_asked_is_elsewhere(world: World, received: Make, url: str) -> None:
    world.save(letter(received, "1", {"url": url}))
    assert world.fetch()["failed"] == 1
    assert world.asked == [] and world.rows("state, reason")[0][1].startswith("elsewhere:")


@pytest.mark.parametrize("page_", [{"html": "<html>Unauthorized</html>"}, {"json": {}}])
def test_a_401_for_a_document_is_no_dead_token(world: World, received: Make, page_: dict[str, Any]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/Patient/ada"):
            return httpx.Response(200, json={"resourceType": "Patient", "id": "ada"})
        return (
            httpx.Response(401, **page_)
            if "Binary/1" in str(request.url)
            else httpx.Response(200, content=b"x")
        )

    world.answer = answer
    world.save(letter(received, "1", {"url": "Binary/1"}, {"url": "Binary/2"}))
    assert world.fetch(workers=1) == {"new": 1, "unchanged": 0, "failed": 1, "bytes": 1}
    assert world.rows()[0] == ("refused", f"forbidden: {attachments.WORDS['forbidden']}")


def test_a_dead_token_is_one(world: World, received: Make) -> None:
    world.answer = lambda _: httpx.Response(401, json={})
    world.save(letter(received, "1", {"url": "Binary/1"}))
    with pytest.raises(ReconnectNeeded):
        world.fetch()
    assert world.rows("state, tries") == [("wanted", 0)]


def test_try_tomorrow_ends_the_documents_of_this_run_and_blames_none(world: World, received: Make) -> None:
    world.answer = lambda _: httpx.Response(403, json=outcome("throttled", "4135"))
    world.save(*(letter(received, str(n), {"url": f"Binary/{n}"}) for n in range(9)))
    world.fetch(workers=2)
    assert len(world.asked) <= 4
    assert world.rows("DISTINCT state") == [("wanted",)]
    assert world.reasons() == ["documents: the server hands out no more today; 9 are left for the next run"]
    assert world.tally.alarming == 1
    world.answer = lambda _: httpx.Response(200, content=b"x")
    assert world.fetch()["new"] == 9


def test_a_server_that_only_says_later_is_left_alone(world: World, received: Make) -> None:
    world.answer = lambda _: httpx.Response(503)
    world.save(*(letter(received, str(n), {"url": f"Binary/{n}"}) for n in range(20)))
    world.fetch(workers=2)
    assert len(world.asked) <= 8
    assert any("left for the next run" in reason for reason in world.reasons())


def test_what_fails_is_tried_again_ever_more_seldom(world: World, received: Make) -> None:
    world.answer = lambda _: httpx.Response(500)
    world.save(letter(received, "1", {"url": "Binary/1"}))
    tried, alarms = [], []
    for hour in range(24 * 60):
        world.fetch()
        if world.asked:
            tried.append(hour)
            alarms.append(world.tally.alarming)
        world.clock.later(hours=1)
    assert tried[:4] == [0, 1, 2, 3], "the very next runs try again"
    gaps = [b - a for a, b in itertools.pairwise(tried)]
    assert gaps == sorted(gaps) and len(tried) < 16
    assert alarms[:4] == [1] * 4 and set(alarms[4:]) == {0}, "what keeps failing is no news"
    world.answer = lambda _: httpx.Response(200, content=b"x")
    assert world.fetch(only_failed=True)["new"] == 1


def test_failed_asks_also_for_what_was_refused_but_not_for_the_rest(world: World, received: Make) -> None:
    world.answer = lambda _: httpx.Response(403)
    world.save(letter(received, "1", {"url": "Binary/1"}))
    world.fetch()
    assert world.fetch()["failed"] == 0 and world.asked == [], "a refusal is not asked again each night"
    world.save(letter(received, "2", {"url": "Binary/2"}))
    world.answer = lambda _: httpx.Response(200, content=b"x")
    world.fetch(only_failed=True)
    assert [one.url.path for one in world.asked] == ["/r4/Binary/1"]


def test_a_run_that_is_stopped_leaves_the_rest_for_the_next(world: World, received: Make) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/1"):
            world.stopping.set()
        return httpx.Response(200, content=b"x")

    world.answer = answer
    world.save(*(letter(received, str(n), {"url": f"Binary/{n}"}) for n in range(5)))
    with pytest.raises(Stopped):
        world.fetch(workers=1)
    world.stopping.clear()
    before = [row[0] for row in world.rows("state")].count("stored")
    assert before < 5
    world.answer = lambda _: httpx.Response(200, content=b"x")
    assert world.fetch()["new"] == 5 - before


# ── made anew at each read ────────────────────────────────────────────────────────────────────────


def test_a_document_made_anew_each_night_is_one_version(world: World, received: Make) -> None:
    made = 0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal made
        made += 1
        return httpx.Response(
            200, content=CCDA.format(copy=made, time=2026_0301 + made, words="peanut").encode()
        )

    world.answer = answer
    world.save(letter(received, "1", {"url": "Binary/1"}, description="Summary"))
    world.fetch()
    first = world.contents()
    for night in range(3):  # nothing changed: nobody asks
        world.clock.later(days=1)
        assert world.fetch() == {"new": 0, "unchanged": 1, "failed": 0, "bytes": 0}, night
    assert made == 1
    for night in range(3):  # the parent changes each night: asked once, and the same
        world.clock.later(days=1, hours=1)
        world.save(letter(received, "1", {"url": "Binary/1"}, description=f"Summary {night}"))
        assert world.fetch()["new"] == 0
        assert world.fetch()["new"] == 0
    assert made == 4
    assert world.contents() == first
    world.clock.later(hours=2)  # it changes twice within a day
    world.save(letter(received, "1", {"url": "Binary/1"}, description="Summary once more"))
    world.fetch()
    assert made == 4


def test_a_document_that_says_something_new_replaces_the_old_one(world: World, received: Make) -> None:
    bodies = iter(["peanut", "walnut"])
    world.answer = lambda _: httpx.Response(
        200, content=CCDA.format(copy=1, time=2026, words=next(bodies)).encode()
    )
    world.save(letter(received, "1", {"url": "Binary/1"}, description="a"))
    world.fetch()
    world.clock.later(days=2)
    world.save(letter(received, "1", {"url": "Binary/1"}, description="b"))
    assert world.fetch()["new"] == 1
    assert found(world, "walnut") == ["DocumentReference/1"] and found(world, "peanut") == []


def test_a_stored_document_stays_when_it_cannot_be_read_again(world: World, received: Make) -> None:
    world.answer = lambda _: httpx.Response(200, content=b"tapir")
    world.save(letter(received, "1", {"url": "Binary/1"}, description="a"))
    world.fetch()
    world.clock.later(days=2)
    world.save(letter(received, "1", {"url": "Binary/1"}, description="b"))
    world.answer = lambda _: httpx.Response(404)
    world.fetch()
    assert [row[0] for row in world.rows()] == ["stored"] and found(world, "tapir")
    world.clock.later(days=2)
    world.fetch()
    assert world.asked == []


# ── size ──────────────────────────────────────────────────────────────────────────────────────────


class Files(BaseHTTPRequestHandler):
    """Real bytes on loopback; `/big/N` is a stream of N megabytes without a length."""

    protocol_version = "HTTP/1.1"
    sent = 0
    together = 0
    most = 0

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        cls = type(self)
        size = int(self.path.rpartition("/")[2]) * 1_000_000
        self.send_response(200)
        self.send_header("content-type", "application/octet-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        block = b"\x00\x01" * 250_000
        try:
            while size > 0:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
                cls.sent += len(block)
                size -= len(block)
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True


@pytest.fixture
def files() -> Iterator[tuple[str, type[Files]]]:
    handler = type("OwnFiles", (Files,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()


def test_a_stream_of_150_mb_is_refused_at_the_cap_without_taking_memory(
    world: World, received: Make, files: tuple[str, type[Files]]
) -> None:
    world.base, handler = files
    world.save(letter(received, "1", {"url": "big/150"}))
    tracemalloc.start()
    try:
        assert world.fetch(limit_bytes=5_000_000)["failed"] == 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 30_000_000
    assert handler.sent < 60_000_000, "the rest is not taken from the wire"
    assert world.rows() == [("refused", f"too large: {attachments.WORDS['too large']}")]
    assert world.contents() == []


def test_a_large_document_within_the_cap_is_kept_whole(
    world: World, received: Make, files: tuple[str, type[Files]]
) -> None:
    world.base, _ = files
    world.save(letter(received, "1", {"url": "big/12"}), letter(received, "2", {"url": "big/1"}))
    assert world.fetch()["new"] == 2
    assert [len(one) for one in world.contents()] == [1_000_000, 12_000_000]


# ── nothing says more than it should ──────────────────────────────────────────────────────────────


def test_neither_address_nor_content_stands_in_a_repr(world: World, received: Make) -> None:
    world.save(letter(received, "1", {"url": "Binary/secret-id"}))
    (wanted,) = world.store.documents.wanted(world.connection.key)
    assert "secret-id" not in repr(wanted)
    came = attachments._Fetched(b"secret words", "text/plain", attachments.text_of(b"secret words"))
    assert "secret" not in repr(came)


def test_every_category_has_words() -> None:
    for status in (None, 200, 302, 400, 401, 403, 404, 406, 408, 410, 413, 415, 422, 500, 501):
        assert attachments.category(Refused("x", http_status=status)) in attachments.WORDS


# ── other people's servers ────────────────────────────────────────────────────────────────────────


def test_a_record_cannot_make_us_flood_somebody_elses_server(world: World, received: Make) -> None:
    urls = [f"https://victim.example.com/search?q={n}" for n in range(120)]
    world.save(letter(received, "d", *({"url": url} for url in [*urls, "Binary/own"])))
    under_way, most = [0], [0]
    lock = threading.Lock()

    def answer(request: httpx.Request) -> httpx.Response:
        with lock:
            under_way[0] += request.url.host == "victim.example.com"
            most[0] = max(most[0], under_way[0])
        time.sleep(0.002)
        with lock:
            under_way[0] -= request.url.host == "victim.example.com"
        return httpx.Response(200, content=str(request.url).encode())

    world.answer = answer
    came = []
    for _ in range(3):
        world.fetch()
        came.append(sum(one.url.host == "victim.example.com" for one in world.asked))
        if len(came) == 1:
            (words,) = world.reasons()
            assert "victim.example.com" in words and "70 are left for the next run" in words
            assert len(world.contents()) == 51
    assert came == [50, 50, 20] and world.reasons() == []
    assert most == [1]


def test_of_many_other_hosts_no_more_are_asked_than_of_all(
    world: World, received: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "FROM_ANYWHERE", 5)
    world.save(letter(received, "d", *({"url": f"https://h{n}.example.com/x"} for n in range(9))))
    world.answer = lambda request: httpx.Response(200, content=str(request.url).encode())
    assert world.fetch()["new"] == 5
    assert "and 3 other hosts" in world.reasons()[0] and "4 are left" in world.reasons()[0]


def test_what_the_known_server_has_of_an_address_elsewhere_is_not_counted_as_elsewhere(
    world: World, received: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "FROM_ELSEWHERE", 1)
    world.base = "https://fhir.example.org/api/r4"
    urls = [f"https://inner.example.com/api/r4/Binary/{n}" for n in range(4)]
    world.save(letter(received, "d", *({"url": url} for url in urls)))
    world.answer = lambda request: httpx.Response(
        200 if request.url.host == "fhir.example.org" else 404, content=str(request.url).encode()
    )
    assert world.fetch()["new"] == 4 and world.reasons() == []
