"""The words of a Bulk Data export: addresses, the list of files, where these may lie, and lines as they arrive."""

from __future__ import annotations

import gzip
import random
import time
from typing import Any

import httpx
import orjson
import pytest

from phr.errors import Refused, Unreachable
from phr.fhir import bulk
from phr.fhir.bulk import Ask, Begun, Later, Lost, Preparing
from phr.fhir.bulk_lines import Lines
from phr.fhir.bulk_manifest import MOST_FILES, File, Manifest, file_address, read_manifest
from phr.fhir.client import FhirClient
from phr.fhir.transport import Answer

BASE = "https://fhir.example.org/r4"
NOW = 1_790_000_000.0


def answer(body: object, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return Answer(200, headers, raw)


class Server:
    """A client whose server answers as told."""

    def __init__(self, *replies: httpx.Response) -> None:
        self.asked: list[httpx.Request] = []
        self._left = list(replies)
        self.client = FhirClient(BASE, transport=httpx.MockTransport(self._handle), retry_attempts=0)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self._left.pop(0)


# ── asking ──────────────────────────────────────────────────────────────────────────────────────────


def test_plus_signs_of_a_time_and_a_media_type_survive_the_address() -> None:
    url = Ask("patient", since="2026-01-01T00:00:00+01:00").url(BASE)
    assert "_since=2026-01-01T00:00:00%2B01:00" in url
    assert "_outputFormat=application/fhir%2Bndjson" in url


@pytest.mark.parametrize(
    ("location", "status_url"),
    [
        ("https://fhir.example.org/jobs/1?x=1", "https://fhir.example.org/jobs/1?x=1"),
        ("/jobs/1", "https://fhir.example.org/jobs/1"),
        ("http://fhir.example.org/jobs/1", "https://fhir.example.org/jobs/1"),
        ("jobs/1", "https://fhir.example.org/r4/Patient/jobs/1"),
    ],
)
def test_a_status_address_is_understood_however_it_is_written(location: str, status_url: str) -> None:
    server = Server(httpx.Response(202, headers={"Content-Location": location}))
    assert bulk.kick_off(server.client, Ask("patient"), NOW) == Begun(status_url)


@pytest.mark.parametrize(
    "location", ["https://evil.example.net/jobs/1", "https://fhir.example.org:8443/x", "ftp://a/b"]
)
def test_a_status_address_elsewhere_is_refused(location: str) -> None:
    server = Server(httpx.Response(202, headers={"Content-Location": location}))
    with pytest.raises(Refused, match="another server"):
        bulk.kick_off(server.client, Ask("patient"), NOW)
    with pytest.raises(Refused, match="another server"):
        bulk.status(server.client, "https://evil.example.net/jobs/1", NOW)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_an_export_that_the_server_does_not_know_is_lost(status: int) -> None:
    found = bulk.status(Server(httpx.Response(status)).client, f"{BASE}/jobs/1", NOW)
    assert found == Lost()


def test_a_server_that_answers_a_kick_off_at_once_is_refused() -> None:
    server = Server(httpx.Response(200, json={"resourceType": "Bundle"}))
    with pytest.raises(Refused, match="does not prepare exports"):
        bulk.kick_off(server.client, Ask("system"), NOW)


def test_letting_go_never_fails_and_stays_at_home() -> None:
    server = Server(httpx.Response(404), httpx.Response(202))
    assert not bulk.let_go(server.client, f"{BASE}/jobs/1")
    assert bulk.let_go(server.client, f"{BASE}/jobs/1")
    assert not bulk.let_go(server.client, "https://evil.example.net/jobs/1")
    assert [one.method for one in server.asked] == ["DELETE", "DELETE"]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "864000"}, 864000.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": "Mon, 21 Sep 2026 14:14:20 GMT"}, 60.0),
        ({"retry-after": "Mon, 21 Sep 2020 14:14:20 GMT"}, 0.0),
        ({"retry-after": "Mon, 21 Sep 2026 16:00:10 GMT", "date": "Mon, 21 Sep 2026 16:00:00 GMT"}, 10.0),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert bulk.retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("words", "share"),
    [
        ("40%", 0.4),
        ("Processed 12.5 % of it", 0.125),
        ("3 of 4", 0.75),
        ("17/34 files", 0.5),
        ("1000%", 1.0),
        ("5 of 0", None),
        ("queued", None),
        (None, None),
    ],
)
def test_a_share_is_read_from_the_words_where_there_is_one(words: str | None, share: float | None) -> None:
    assert bulk.share(words) == share


def test_words_of_the_server_are_made_fit_for_eyes() -> None:
    words = "Exporting Patient/stranger-77 at https://fhir.example.org/secret\x07 50%"
    reply = httpx.Response(202, headers={"X-Progress": words.replace("\x07", " ")})
    found = bulk.status(Server(reply).client, f"{BASE}/jobs/1", NOW)
    assert isinstance(found, Preparing)
    assert found.share == 0.5
    assert "stranger-77" not in (found.progress or "") and "secret" not in (found.progress or "")


def test_a_503_is_later_and_an_outcome_with_500_may_be_the_end() -> None:
    body = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    server = Server(httpx.Response(503, json=body), httpx.Response(500, json=body), httpx.Response(502))
    told = []
    for _ in range(3):
        found = bulk.status(server.client, f"{BASE}/jobs/1", NOW)
        assert isinstance(found, Later)
        told.append(found.told)
    assert told == [False, True, False]


# ── the list of files ───────────────────────────────────────────────────────────────────────────────

LIST: dict[str, Any] = {
    "transactionTime": "2026-01-01T00:00:00Z",
    "request": f"{BASE}/Patient/$export",
    "requiresAccessToken": True,
    "output": [
        {"type": "Patient", "url": f"{BASE}/f/1", "count": 3},
        {"type": "Patient", "url": f"{BASE}/f/1"},
    ],
    "deleted": [{"type": "Bundle", "url": "/f/2"}],
    "error": [{"type": "OperationOutcome", "url": f"{BASE}/f/3"}],
}


def test_a_list_is_read() -> None:
    assert read_manifest(answer(LIST), f"{BASE}/jobs/1") == Manifest(
        files=(
            File("output", "Patient", f"{BASE}/f/1", 3),
            File("deleted", "Bundle", "https://fhir.example.org/f/2"),
            File("error", "OperationOutcome", f"{BASE}/f/3"),
        ),
        transaction_time="2026-01-01T00:00:00Z",
        needs_token=True,
        next_url=None,
    )


def test_newer_names_are_understood() -> None:
    """Version 4 says `outcome` for `error` and leaves the types out; version 3 has pages."""
    found = read_manifest(
        answer(
            {
                "output": [{"url": f"{BASE}/f/1"}],
                "outcome": [{"url": f"{BASE}/f/2"}],
                "link": [{"relation": "self", "url": "x"}, {"relation": "next", "url": "page2"}],
            }
        ),
        f"{BASE}/jobs/1",
    )
    assert found.files == (File("output", "", f"{BASE}/f/1"), File("error", "", f"{BASE}/f/2"))
    assert found.next_url == f"{BASE}/jobs/page2"
    assert (found.needs_token, found.transaction_time) == (None, None)


@pytest.mark.parametrize(
    "change",
    [
        {"output": [None, 7, {}, {"url": 5}, {"url": "http://["}]},
        {"link": {"relation": "next"}},
        {"link": ["x", {"relation": "next", "url": None}]},
        {"error": None, "deleted": "no"},
        {"output": [{"type": 5, "url": "u", "count": -1}, {"type": "a/b", "url": "v", "count": True}]},
        {"transactionTime": 5, "requiresAccessToken": "yes"},
    ],
)
def test_odd_lists_are_read_as_far_as_they_go(change: dict[str, Any]) -> None:
    found = read_manifest(answer({**LIST, **change}), f"{BASE}/jobs/1")
    assert found.next_url is None
    assert all(file.count is None or file.count >= 0 for file in found.files)
    assert all(file.type.isalpha() or not file.type for file in found.files)


def test_addresses_of_files_stay_out_of_reprs() -> None:
    found = read_manifest(
        answer({**LIST, "link": [{"relation": "next", "url": "secret-page"}]}), f"{BASE}/jobs/1"
    )
    assert "f/1" not in repr(found) and "secret-page" not in repr(found)


OWN, OTHER, INSIDE = f"{BASE}/f/1", "https://files.example.com/f?sig=1", "https://10.0.0.7/f"


@pytest.mark.parametrize(
    ("url", "needs", "expected"),
    [
        (OWN, True, (OWN, True)),
        (OWN, None, (OWN, True)),
        (OWN, False, (OWN, False)),
        ("http://fhir.example.org/f", True, ("https://fhir.example.org/f", True)),
        (OTHER, False, (OTHER, False)),
        (OTHER, None, (OTHER, False)),
        (OTHER, True, "another server, where the sign-in does not belong"),
        ("http://files.example.com/f", False, "does not use https"),
        ("ftp://files.example.com/f", False, "does not use https"),
        ("https://me@files.example.com/f", False, "does not use https"),
        ("http://127.0.0.1/f", False, "does not use https"),
        (INSIDE, False, "inside a private network"),
        ("https://intranet/f", False, "inside a private network"),
        ("https://0x7f.1/f", False, "inside a private network"),
        ("https://[::1]/f", False, "inside a private network"),
        ("", False, "without an address"),
    ],
)
def test_a_file_is_fetched_only_where_it_may_be(url: str, needs: bool | None, expected: object) -> None:
    if isinstance(expected, str):
        with pytest.raises(Refused, match=expected):
            file_address(BASE, url, needs)
    else:
        assert file_address(BASE, url, needs) == expected


# ── lines ───────────────────────────────────────────────────────────────────────────────────────────


def cut(
    body: bytes, sizes: list[int] | None = None, **more: Any
) -> tuple[list[tuple[int, bytes | None]], Lines]:
    found: list[tuple[int, bytes | None]] = []
    lines = Lines(lambda number, line: found.append((number, line)), **more)
    at = 0
    for size in sizes or [len(body)]:
        lines.write(body[at : at + size])
        at += size
    if at < len(body):
        lines.write(body[at:])
    lines.close()
    return found, lines


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", []),
        (b"\n\n \r\n", []),
        (b"a\nb\n", [(1, b"a"), (2, b"b")]),
        (b"a\nb", [(1, b"a"), (2, b"b")]),
        (b"a\r\n\r\nb\r\n", [(1, b"a"), (3, b"b")]),
        (b"\xef\xbb\xbfa\n", [(1, b"a")]),
        (b"\xef\xbb\xbf", []),
        (b"a", [(1, b"a")]),
        (b"\x1f", [(1, b"\x1f")]),
    ],
)
def test_lines_are_cut_and_numbered(body: bytes, expected: list[tuple[int, bytes]]) -> None:
    assert cut(body)[0] == expected
    assert cut(body, [1] * len(body))[0] == expected


@pytest.mark.parametrize("seed", range(5))
def test_lines_do_not_depend_on_how_the_bytes_are_cut(seed: int) -> None:
    rng = random.Random(seed)
    body = b"\n".join(b"%d" % rng.randrange(10 ** rng.randrange(1, 400)) for _ in range(300))
    whole = cut(body)[0]
    for packed in (body, gzip.compress(body), gzip.compress(body[:777]) + gzip.compress(body[777:])):
        found, lines = cut(packed, [rng.randrange(1, 900) for _ in range(40)])
        assert found == whole
        assert lines.bytes == len(packed)


def test_a_line_that_never_ends_is_skipped_and_the_rest_goes_on() -> None:
    body = b"a\n" + b"x" * 5000 + b"\nb\n" + b"y" * 5000
    expected = [(1, b"a"), (2, None), (3, b"b"), (4, None)]
    assert cut(body, [700] * 10, longest=1000)[0] == expected


def test_a_small_gzip_that_becomes_gigabytes_is_not_held() -> None:
    body = gzip.compress(b"x" * 30_000_000)
    found, _ = cut(body, longest=1000)
    assert found == [(1, None)]


@pytest.mark.parametrize(
    "body", [gzip.compress(b"a\n" * 500)[:-9], b"\x1f\x8b" + b"nonsense" * 9], ids=["cut off", "nonsense"]
)
def test_damaged_gzip_is_trouble_and_not_the_end_of_the_file(body: bytes) -> None:
    with pytest.raises(Unreachable):
        cut(body)


def test_padding_behind_gzip_is_no_content() -> None:
    assert cut(gzip.compress(b"a\n") + b"\0" * 100)[0] == [(1, b"a")]


# ── what a stranger may not do ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("body", [b"a " * 9990 + b" export", b"one " * 1500 + b" export", b"export " * 3000])
def test_a_long_refusal_of_a_kick_off_is_read_in_no_time(body: bytes) -> None:
    began = time.perf_counter()
    server = Server(httpx.Response(429, content=body))
    assert isinstance(bulk.kick_off(server.client, Ask("patient"), NOW), Later)
    assert time.perf_counter() - began < 2


def test_a_server_that_repeats_the_bearer_does_not_get_it_into_words_of_an_export() -> None:
    secret = "AbCdEfGhIjKlMnOpQrStUvWxYz"
    body = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "invalid", "diagnostics": f"bad {secret}"}],
    }

    class Token:
        def bearer(self) -> str:
            return secret

        def renew(self, rejected: str) -> str:
            return secret

    replies = [httpx.Response(400, json=body), httpx.Response(400, json=body), httpx.Response(503, json=body)]
    client = FhirClient(
        BASE, Token(), transport=httpx.MockTransport(lambda _: replies.pop(0)), retry_attempts=0
    )
    for ask in (
        lambda: bulk.kick_off(client, Ask("patient"), NOW),
        lambda: bulk.status(client, f"{BASE}/jobs/1", NOW),
    ):
        with pytest.raises(Refused, match="bad") as caught:
            ask()
        assert secret not in str(caught.value)
    later = bulk.status(client, f"{BASE}/jobs/1", NOW)
    assert isinstance(later, Later) and secret not in later.words


@pytest.mark.parametrize(
    "body",
    [
        orjson.dumps({"output": [{"url": f"/f/{n}"} for n in range(MOST_FILES + 1)]}),
        b'{"a":[' + b"{}," * 2_000_000 + b'{}],"output":[]}',
    ],
    ids=["files", "parts"],
)
def test_a_list_of_more_files_than_an_export_has_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match="more files than an export has"):
        read_manifest(answer(body), f"{BASE}/jobs/1")


@pytest.mark.parametrize(
    ("date", "time_"),
    [
        ("Thu, 01 Jan 2026 00:00:30 GMT", "2026-01-01T00:00:00Z"),
        ("Wed, 31 Dec 2025 23:59:30 GMT", "2026-01-01T00:00:00Z"),
        ("Wed, 31 Dec 2025 12:00:00 GMT", None),
    ],
)
def test_an_export_of_a_time_after_its_own_answer_is_of_none(date: str, time_: str | None) -> None:
    assert read_manifest(answer(LIST, date=date), f"{BASE}/jobs/1").transaction_time == time_
