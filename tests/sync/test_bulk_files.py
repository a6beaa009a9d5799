"""The files of an export: where they may be fetched, how they arrive, what is in them, and what when they do not come."""

from __future__ import annotations

import contextlib
import gzip
import threading
import tracemalloc
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler

import httpx
import orjson
import pytest

from phr.errors import NotAuthorized, Refused, Stopped
from phr.fhir.bulk_manifest import File
from phr.fhir.client import FhirClient
from phr.model import Change
from phr.store.store import Store
from phr.sync.bulk import cancel
from phr.sync.bulk_files import Order, Portion, fetch
from phr.sync.bulk_wait import Wait
from phr.sync.bulk_whose import Whose
from phr.sync.desk import Desk

from .bulk_server import TIME, Asked, BulkServer, Reply, ndjson, of, resource, running
from .bulk_world import Tokens, World, a_world, small


@pytest.fixture
def world(store: Store, source: str) -> Iterator[World]:
    with a_world(store, source) as found:
        yield found


def observations(count: int, start: int = 0) -> list[dict[str, object]]:
    return [resource("Observation", f"o{n}", **of("me")) for n in range(start, start + count)]


# ── where files may be fetched ──────────────────────────────────────────────────────────────────────


def test_files_that_need_no_sign_in_are_fetched_elsewhere_without_the_bearer(world: World) -> None:
    small(world.server)
    with running(BulkServer(files=world.server.files, needs_token=False)) as elsewhere:
        world.server.needs_token, world.server.file_base = False, elsewhere.origin
        assert world.pull().complete
        assert len(elsewhere.asked) == 2
        assert not any("authorization" in one.headers for one in elsewhere.asked)


def test_files_of_ones_own_server_get_no_bearer_either_when_they_need_none(world: World) -> None:
    small(world.server)
    world.server.needs_token = False
    assert world.pull().complete
    files = [one for one in world.server.asked if one.path.startswith("/files/")]
    assert files and not any("authorization" in one.headers for one in files)


def test_files_elsewhere_that_want_the_bearer_are_refused_by_name(world: World) -> None:
    small(world.server)
    with running(BulkServer(files=world.server.files)) as elsewhere:
        world.server.file_base = elsewhere.origin
        done = world.pull()
        assert not elsewhere.asked
    assert not done.complete and done.transaction_time is None
    assert sum("on another server, where the sign-in does not belong" in words for words in world.words) == 2
    assert world.tally.failed == Counter(Patient=1, Observation=1)
    assert world.state == ["failed"]


def test_a_redirect_to_a_file_store_at_home_is_followed(world: World) -> None:
    small(world.server)
    world.server.broken = {"Patient.0": [(307, {"Location": "/files/Patient.0?again"}, b"moved")]}
    assert world.pull().complete
    assert "Patient/me" in world.kept


def test_a_redirect_to_a_file_store_elsewhere_is_followed_without_the_bearer() -> None:
    """Oracle Health keeps files in a store of another origin and sends on there."""
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.url.host == "fhir.example.org":
            return httpx.Response(
                307, headers={"Location": "https://store.example.com/f?sig=1"}, content=b"{}\n"
            )
        return httpx.Response(200, content=ndjson(*observations(3)))

    order = Order(0, File("output", "Observation", "https://fhir.example.org/f/1"), needs_token=True)
    wait = Wait(lambda: 0.0, lambda _: None, threading.Event())
    with FhirClient(
        "https://fhir.example.org/r4", Tokens(), transport=httpx.MockTransport(handle), retry_attempts=0
    ) as client:
        events = list(fetch(client, [order], Whose(frozenset({"me"})), wait, workers=1))
    assert [len(event.own) for event in events if isinstance(event, Portion)] == [3]
    assert ["authorization" in one.headers for one in asked] == [True, False]


@pytest.mark.parametrize("page", [1, 2])
def test_a_list_in_pages_is_followed_to_its_end(world: World, page: int) -> None:
    small(world.server)
    world.server.add("Condition", resource("Condition", "c", **of("me")))
    whole = world.server.list_of_files()
    output = whole["output"]
    second = {**whole, "output": output[page:], "link": []}
    first = {**whole, "output": output[:page], "link": [{"relation": "next", "url": "/bulkstatus/page2"}]}
    world.server.known.add("/bulkstatus/page2")
    world.server.status = [
        (200, {}, orjson.dumps(first)),
        (202, {"Retry-After": "3"}, b""),
        (200, {}, orjson.dumps(second)),
    ]
    assert world.pull().files == 3
    assert {"Patient/me", "Condition/c", "Observation/o4"} <= world.kept


def test_a_list_whose_pages_go_round_in_circles_ends(world: World) -> None:
    small(world.server)
    world.server.manifest = {"link": [{"relation": "next", "url": "/bulkstatus/1"}]}
    with pytest.raises(Exception, match="goes round in circles"):
        world.pull()


def test_a_file_that_is_listed_twice_is_fetched_once(world: World) -> None:
    small(world.server)
    listed = world.server.list_of_files()["output"]
    world.server.exports = 0
    for entry in listed:
        entry["url"] = entry["url"].replace("sig=0", "sig=1")
    world.server.manifest = {"output": listed + listed}
    assert world.pull().files == 2
    assert world.tally.changes["Observation", Change.NEW] == 5


# ── how they arrive ─────────────────────────────────────────────────────────────────────────────────


def chunked(body: bytes, size: int, headers: tuple[tuple[str, str], ...] = ()):  # type: ignore[no-untyped-def]
    """Answer with `body` in chunks of this size, so that lines are cut anywhere."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(200)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for at in range(0, len(body), size):
            part = body[at : at + size]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        handler.wfile.write(b"0\r\n\r\n")

    return reply


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("packing", ["plain", "encoding", "content", "two members"])
def test_lines_survive_any_cut_and_any_packing(world: World, size: int, packing: str) -> None:
    lines = [orjson.dumps(one) for one in observations(20)]
    body = b"\xef\xbb\xbf" + lines[0] + b"\r\n\r\n\n" + b"\n".join(lines[1:])
    sent = {
        "plain": body,
        "encoding": gzip.compress(body),
        "content": gzip.compress(body),
        "two members": gzip.compress(body[:100]) + gzip.compress(body[100:]),
    }[packing]
    headers = (("Content-Encoding", "gzip"),) if packing == "encoding" else ()
    world.server.files["o"] = ("output", "Observation", body)
    world.server.broken["o"] = [chunked(sent, size, headers)]
    assert world.pull().complete
    assert world.kept == {f"Observation/o{n}" for n in range(20)}
    assert not world.tally.failed


def test_a_broken_line_is_named_with_its_number_and_the_rest_is_kept(world: World) -> None:
    body = (
        ndjson(*observations(2))
        + b'\n{"resourceType":"Observ\n'
        + ndjson(*observations(2, 2))
        + b'{"resourceType"'
    )
    world.server.files["o"] = ("output", "Observation", body)
    world.server.counts = False
    done = world.pull()
    assert world.kept == {f"Observation/o{n}" for n in range(4)}
    named = [(one.type, one.id, one.reason, one.raw) for one in world.tally.skipped]
    assert named == [
        ("Observation", "line 4", "is not a readable resource", None),
        ("Observation", "line 7", "is not a readable resource", None),
    ]
    assert done.complete and world.tally.status == "partial"


def test_a_million_broken_lines_are_not_named_one_by_one(world: World) -> None:
    world.server.files["o"] = ("output", "Observation", b"x\n" * 5000)
    world.pull()
    assert len(world.tally.skipped) == 101
    assert "4900 further lines of a file cannot be read" in world.words


def test_a_file_with_fewer_lines_than_promised_is_named_and_asked_for_again_next_time(world: World) -> None:
    small(world.server)
    listed = world.server.list_of_files()["output"]
    listed[1]["count"] = 9
    world.server.manifest = {"output": listed}
    done = world.pull()
    assert not done.complete
    assert "the export says 9 resources for one file, and 5 came" in world.words
    assert world.state == ["failed"]
    assert world.store.bulk.last_time(world.source, f"{world.server.base}/Patient/$export") is None


@pytest.mark.parametrize("reply", [(503, {"Retry-After": "9"}, b""), (500, {}, b"<html>"), (429, {}, b"")])
def test_a_file_that_stumbles_is_asked_for_again(
    world: World, reply: tuple[int, dict[str, str], bytes]
) -> None:
    small(world.server)
    world.server.broken["Observation.1"] = [reply, reply]
    assert world.pull().complete
    assert world.server.paths().count("/files/Observation.1") == 3


def test_a_web_page_instead_of_a_file_is_waited_through_or_named(world: World) -> None:
    small(world.server)
    page = (200, {"Content-Type": "text/html"}, b"<!doctype html>\n" + b"<p>Maintenance</p>\n" * 700)
    world.server.broken["Observation.1"] = [page]
    assert world.pull().complete
    assert not world.tally.skipped
    world.server.broken["Observation.1"] = [page] * 3
    assert not world.pull(full=True).complete
    assert [one.reason for one in world.tally.skipped] == [
        "a file of the export: 127.0.0.1 sent a web page instead of resources."
    ]


def half(body: bytes):  # type: ignore[no-untyped-def]
    """Promise the whole and send half."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2])
        handler.wfile.flush()
        handler.close_connection = True

    return reply


@pytest.mark.parametrize("packed", [False, True])
def test_half_a_file_is_asked_for_as_a_whole_again(world: World, packed: bool) -> None:
    body = ndjson(*observations(1200))
    world.server.files["o"] = ("output", "Observation", gzip.compress(body) if packed else body)
    cut = world.server.files["o"][2]
    whole_but_short = (200, {}, cut[: len(cut) // 2])  # only the gzip itself shows it
    world.server.broken["o"] = [half(cut), whole_but_short] if packed else [half(cut)]
    assert world.pull().complete
    assert len(world.kept) == 1200
    assert not world.tally.failed


def test_a_file_that_never_comes_is_named_and_is_the_only_one_asked_for_next_time(world: World) -> None:
    small(world.server)
    world.server.broken["Observation.1"] = [(500, {}, b"")] * 3
    done = world.pull()
    assert not done.complete and world.kept == {"Patient/me"}
    assert world.tally.status == "partial"
    assert world.state == ["downloading"]

    before = len(world.server.asked)
    done = world.pull()
    assert done.complete and done.transaction_time == TIME
    assert [one.path for one in world.server.asked[before:]] == ["/files/Observation.1", "/bulkstatus/1"]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_expired_files_are_fetched_from_fresh_addresses_once(world: World, status: int) -> None:
    small(world.server)
    world.server.broken["Observation.1"] = [(status, {}, b"Expired")]
    world.server.broken["Patient.0"] = [(status, {}, b"Expired")]
    done = world.pull()
    assert "Patient/me" in world.kept
    # One was asked anew at a fresh address; the list is not asked for a third time.
    assert world.server.paths().count("/bulkstatus/1") == 2
    assert not done.complete
    assert [one.http_status for one in world.tally.skipped] == [status]


def test_fresh_addresses_replace_expired_ones_wherever_they_lead(world: World) -> None:
    small(world.server)
    world.server.add("Observation", *observations(1, 90), name="fresh")
    listed = world.server.list_of_files()
    old = {**listed, "output": listed["output"][:2]}
    new = {**listed, "output": [listed["output"][0], listed["output"][2]]}
    world.server.status = [(200, {}, orjson.dumps(old)), (200, {}, orjson.dumps(new))]
    world.server.broken["Observation.1"] = [(410, {}, b"")]
    assert world.pull().complete
    assert world.kept == {"Patient/me", "Observation/o90"}


def test_a_file_that_the_sign_in_no_longer_opens_asks_for_the_person(world: World) -> None:
    small(world.server)
    world.server.broken["Observation.1"] = [(401, {"WWW-Authenticate": "Bearer"}, b"")]
    with pytest.raises(NotAuthorized):
        world.pull()
    assert world.state == ["downloading"]


# ── interrupted ─────────────────────────────────────────────────────────────────────────────────────


def test_a_run_that_dies_while_polling_is_gone_on_from_the_status_address(world: World) -> None:
    small(world.server)
    world.server.status = [(202, {}, b"")] * 3

    def die() -> None:
        raise KeyboardInterrupt

    world.on_sleep = die
    with pytest.raises(KeyboardInterrupt):
        world.pull()
    world.on_sleep = lambda: None
    assert world.state == ["preparing"]
    assert world.pull().complete
    assert world.server.exports == 1


def test_an_export_that_the_server_has_forgotten_meanwhile_is_kicked_off_anew(world: World) -> None:
    small(world.server)
    world.stopping.set()
    world.server.status = [(202, {}, b"")]
    _stopped(world)
    world.server.known.clear()
    assert world.pull().complete
    assert world.server.exports == 2
    assert world.state == ["failed", "completed"]


def _stopped(world: World) -> None:
    """A run that is told to stop while the export is prepared."""
    world.stopping.clear()
    world.server.status = [(202, {}, b"")] * 3
    world.on_sleep = world.stopping.set
    with pytest.raises(Stopped):
        world.pull()
    world.on_sleep = lambda: None
    world.stopping.clear()
    world.server.status = []


def test_an_export_that_is_forgotten_again_at_once_is_an_error(world: World) -> None:
    world.server.status = [(404, {}, b"")]
    with pytest.raises(Exception, match="has forgotten the export"):
        world.pull()
    assert world.server.exports == 1


def test_stopping_keeps_the_export_and_nothing_is_deleted(world: World) -> None:
    small(world.server)
    _stopped(world)
    assert world.state == ["preparing"]
    assert world.server.paths("DELETE") == []
    assert world.pull().complete


def test_a_run_that_dies_in_a_download_asks_only_for_what_is_not_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(world.server)
    for n in range(4):
        world.server.add("Condition", *(resource("Condition", f"c{n}-{k}", **of("me")) for k in range(700)))
    save, calls = world.store.save, Counter[str]()

    def dies(source_key: str, received, **more):  # type: ignore[no-untyped-def]
        calls["save"] += 1
        if calls["save"] == 6:
            raise OSError("the power went")
        return save(source_key, received, **more)

    monkeypatch.setattr(world.store, "save", dies)
    with pytest.raises(OSError, match="the power went"):
        world.pull(workers=1)
    monkeypatch.undo()
    assert world.state == ["downloading"]
    done_before = sum(entry["state"] == "done" for entry in _files(world))
    assert 2 <= done_before < 6

    before = len(world.server.asked)
    assert world.pull().complete
    asked = [one.path for one in world.server.asked[before:] if one.path.startswith("/files/")]
    # A thread of the run that died may still send the request that it had begun: it counts once.
    assert len(set(asked)) == 6 - done_before
    assert len(world.kept) == 1 + 5 + 2800


def _files(world: World) -> list[dict[str, object]]:
    row = world.store.db.execute("SELECT manifest FROM bulk_export ORDER BY id DESC").fetchone()
    return list(orjson.loads(row[0])["files"])


def test_stopping_ends_downloads_in_the_middle_of_a_file(world: World) -> None:
    small(world.server)
    begun, go = threading.Event(), threading.Event()
    world.server.held["Observation.1"] = (begun, go)

    def stop() -> None:
        begun.wait(10)
        world.stopping.set()
        go.set()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(Stopped):
        world.pull()
    thread.join()
    world.stopping.clear()
    world.server.held.clear()
    assert world.state == ["downloading"]
    assert world.pull().complete
    assert len(world.kept) == 6


def test_cancelling_tells_the_server_and_forgets_the_address(world: World) -> None:
    small(world.server)
    _stopped(world)
    assert cancel(world.client, world.store, world.connection)
    assert world.server.paths("DELETE") == ["/bulkstatus/1"]
    assert world.state == ["cancelled"]
    assert world.store.db.execute("SELECT status_url FROM bulk_export").fetchone()[0] is None
    assert not cancel(world.client, world.store, world.connection)
    assert world.pull().complete
    assert world.server.exports == 2


def test_cancelling_works_when_the_server_does_not(world: World) -> None:
    small(world.server)
    _stopped(world)
    world.server.known.clear()
    world.server.broken = {}
    assert cancel(world.client, world.store, world.connection)
    assert world.state == ["cancelled"]


def test_another_question_gives_up_the_export_under_way(world: World) -> None:
    small(world.server)
    _stopped(world)
    assert world.pull(types=("Patient",)).complete
    assert world.state == ["cancelled", "completed"]
    assert world.server.paths("DELETE")[0] == "/bulkstatus/1"


class Dying(Desk):
    """The process ends at one of its dealings with the store: before it, or when it was just done."""

    def __init__(self, store: Store, at: int, *, after: bool) -> None:
        super().__init__(store)
        self.at, self.after, self.count = at, after, 0

    def do(self, work):  # type: ignore[no-untyped-def]
        self.count += 1
        if self.count == self.at and not self.after:
            raise KeyboardInterrupt
        result = super().do(work)
        if self.count >= self.at:
            self.at = 0  # nothing is written any more
            raise KeyboardInterrupt
        return result


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "at", [2, 3, 4, 5, 7, 9, 12, *(pytest.param(n, marks=pytest.mark.full) for n in range(13, 40))]
)
def test_wherever_a_run_dies_the_next_ends_as_if_nothing_had_happened(
    world: World, at: int, after: bool
) -> None:
    small(world.server)
    add = world.server.add
    add("Patient", resource("Patient", "her"))
    add("Practitioner", resource("Practitioner", "p"), resource("Practitioner", "q"))
    add("Condition", resource("Condition", "c", asserter={"reference": "Practitioner/p"}, **of("me")))
    add("Provenance", resource("Provenance", "v", target=[{"reference": "Condition/c"}]))
    world.desk = Dying(world.store, at, after=after)
    with contextlib.suppress(KeyboardInterrupt):
        world.pull("system")
    world.desk = None
    done = world.pull("system")
    assert done.complete
    assert world.kept == {
        "Patient/me",
        *(f"Observation/o{n}" for n in range(5)),
        "Condition/c",
        "Practitioner/p",
        "Provenance/v",
    }
    assert world.store.integrity() == []


def test_the_store_may_belong_to_another_thread(world: World) -> None:
    """As in a sync: the connection runs in a thread of its own, the main thread keeps."""
    small(world.server)
    world.desk = desk = Desk(world.store)
    with ThreadPoolExecutor(1) as pool:
        pulling = pool.submit(world.pull)
        pulling.add_done_callback(lambda _: desk.wake())
        desk.serve(until=pulling.done)
        assert pulling.result().complete
    assert len(world.kept) == 6


LATER = "2026-02-09T00:00:00Z"

# ── from when ───────────────────────────────────────────────────────────────────────────────────────


def _since(world: World) -> list[str]:
    return [one.query.get("_since", [""])[0] for one in world.server.asked if one.path.endswith("$export")]


def test_the_next_export_asks_for_what_changed_since_the_last_completed_one(world: World) -> None:
    small(world.server)
    world.pull()
    world.pull()
    world.pull(full=True)
    world.pull("system")
    world.pull(types=("Patient",))
    assert _since(world) == ["", TIME, "", "", ""]


@pytest.mark.parametrize(
    ("since", "next_"), [("2026-01-31T23:00:00-02:00", TIME), ("2026-01-01T00:00:00Z", LATER)]
)
def test_an_export_from_a_later_instant_leaves_a_gap_and_moves_nothing(
    world: World, since: str, next_: str
) -> None:
    small(world.server)
    world.pull()
    world.server.manifest = {"transactionTime": LATER}
    world.pull(since=since)
    world.pull()
    assert _since(world) == ["", since, next_]


def test_an_export_with_a_gap_does_not_move_the_time(world: World) -> None:
    small(world.server)
    world.server.broken["Observation.1"] = [(404, {}, b"")] * 2
    world.pull()
    world.pull()
    assert _since(world) == ["", ""]


def test_a_list_without_a_time_is_kept_and_the_next_export_asks_for_everything(world: World) -> None:
    small(world.server)
    world.server.manifest = {"transactionTime": None}
    assert world.pull().complete
    assert any("does not say of which time" in words for words in world.words)
    world.pull()
    assert _since(world) == ["", ""]


# ── memory ──────────────────────────────────────────────────────────────────────────────────────────


def _big(size: int) -> Iterator[bytes]:
    filler = "x" * 1800
    for n in range(size // 2000):
        yield orjson.dumps(resource("Observation", f"o{n % 50}", note=[{"text": filler}], **of("me"))) + b"\n"


def _stream(size: int):  # type: ignore[no-untyped-def]
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        for line in _big(size):
            handler.wfile.write(line)
        handler.close_connection = True

    return reply


@pytest.mark.parametrize("megabytes", [4, pytest.param(50, marks=pytest.mark.full)])
def test_memory_stays_flat_however_large_a_file_is(world: World, megabytes: int) -> None:
    world.server.files["o"] = ("output", "Observation", b"")
    world.server.counts = False
    world.server.broken["o"] = [_stream(megabytes * 1_000_000)]
    world.pull(workers=1)  # imports, caches
    world.server.broken["o"] = [_stream(megabytes * 1_000_000)]
    tracemalloc.start()
    try:
        done = world.pull(workers=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert done.bytes > megabytes * 900_000
    assert peak < 12_000_000


def test_nothing_is_written_beside_the_record(world: World) -> None:
    small(world.server)
    folder = world.store.path.parent
    before = set(folder.rglob("*"))
    world.pull()
    assert {one.name for one in set(folder.rglob("*")) - before} <= {"records.db-wal", "records.db-shm"}
    assert b"Observation" not in world.store.path.read_bytes()


# ── what a stranger may not do ──────────────────────────────────────────────────────────────────────


def test_an_export_of_a_time_to_come_moves_nothing(world: World) -> None:
    small(world.server)
    world.server.manifest = {"transactionTime": "2099-01-01T00:00:00Z"}
    assert world.pull().transaction_time is None
    assert any("of none that can be" in words for words in world.words)
    world.server.manifest = {}
    world.pull()
    world.pull()
    assert _since(world) == ["", "", TIME]


def test_a_time_to_come_that_was_written_down_before_is_not_asked_from(world: World) -> None:
    small(world.server)
    world.pull()
    world.store.db.execute("UPDATE bulk_export SET transaction_time = '2099-01-01T00:00:00Z'")
    world.pull()
    assert _since(world) == ["", ""]


def _endless_list(world: World, files: int) -> list[int]:
    pages = [0]
    real = world.server.answer

    def answer(asked: Asked) -> Reply:
        if not asked.path.startswith("/bulkstatus/") or asked.method != "GET":
            return real(asked)
        pages[0] += 1
        listed = world.server.list_of_files()
        listed["link"] = [{"relation": "next", "url": f"/bulkstatus/1?page={pages[0]}"}]
        listed["output"] = [{"type": "Observation", "url": f"/files/{pages[0]}-{n}"} for n in range(files)]
        return 200, {"Content-Type": "application/json"}, orjson.dumps(listed)

    world.server.answer = answer  # type: ignore[method-assign]
    return pages


@pytest.mark.parametrize(("files", "most"), [(0, 40), (30, 4)])
def test_a_list_without_end_is_left_and_not_hurried_through(
    world: World, monkeypatch: pytest.MonkeyPatch, files: int, most: int
) -> None:
    monkeypatch.setattr("phr.sync.bulk_wait.PAGES", 40)
    monkeypatch.setattr("phr.sync.bulk_wait.MOST_FILES", 100)
    pages = _endless_list(world, files)
    with pytest.raises(Refused, match="more files than an export has"):
        world.pull()
    assert pages == [most]
    assert world.waited == [0.5] * (most - 1)
    assert world.state == ["failed"]


def test_a_long_list_is_not_written_down_again_and_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(400):
        world.server.files[f"f{n}"] = ("output", "Observation", b"")
    written: list[int] = []
    monkeypatch.setattr(type(world.store.bulk), "keep", lambda _, export, manifest: written.append(export))
    monkeypatch.setattr("phr.sync.bulk_keep._SECONDS", 600.0)
    assert world.pull().files == 400
    assert 1 <= len(written) <= 2


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("line", [b"\n", orjson.dumps(resource("Observation", "z", **of("you"))) + b"\n"])
@pytest.mark.parametrize("bound", ["IDLE_BYTES", "IDLE_SECONDS"])
def test_a_file_that_brings_nothing_without_end_is_left_and_named(
    world: World, monkeypatch: pytest.MonkeyPatch, bound: str, line: bytes, packed: bool
) -> None:
    small(world.server)
    world.server.counts = False
    world.server.files["endless"] = ("output", "Observation", b"")

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
        with contextlib.suppress(OSError):
            while True:
                portion = line * (20_000 // len(line))
                world.now += 60
                handler.wfile.write(
                    squeeze.compress(portion) + squeeze.flush(zlib.Z_SYNC_FLUSH) if packed else portion
                )

    world.server.broken["endless"] = [endless]
    monkeypatch.setattr(f"phr.sync.bulk_files.{bound}", 3_000_000 if bound == "IDLE_BYTES" else 7200.0)
    other = "IDLE_SECONDS" if bound == "IDLE_BYTES" else "IDLE_BYTES"
    monkeypatch.setattr(f"phr.sync.bulk_files.{other}", 1 << 50)
    assert not world.pull(workers=1).complete
    assert any("does not belong to this record" in words for words in world.words)
    assert "Observation/o4" in world.kept
