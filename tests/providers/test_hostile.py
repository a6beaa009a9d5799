"""Small lists that are made to take all memory, all time, or the process with them: what becomes of each."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from phr.errors import UnreadableFile
from phr.providers.directories import Directory, Found, entries
from phr.providers.directories.guard import Guarded
from phr.workspace import Workspace, directory
from phr.workspace.directory import Source

GOOD = '{"name": "Clinic", "url": "https://fhir.clinic.org/r4"}'


def read(content: str | bytes) -> list[Any]:
    return list(Directory(io.BytesIO(content.encode() if isinstance(content, str) else content)))


def in_a_process(content: str, tmp_path: Path, *, megabytes: int = 1000) -> str:
    """What is said of it, by a process of its own that may take so much memory: a crash in C is seen here only."""
    path = tmp_path / "list.json"
    path.write_text(content)
    code = (
        "import sys, resource; from phr.providers.directories import Directory\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({megabytes}_000_000,) * 2)\n"
        "try: print(len(list(Directory(open(sys.argv[1], 'rb')))))\n"
        "except Exception as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (done.returncode, done.stderr[-300:])
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[{"name": ' + "9" * 5000 + ', "url": "https://h.example.org/r4"}]', "number without end"),
        ('[{"n": -0.' + "1" * 401 + "}]", "number without end"),
        ('{"x":"' + "]" * 60_000 + '","entry":[' + "[" * 60_000, "nested without end"),
        (
            '{"x":"\\"' + "]" * 200_000 + '\\\\","entry":[' + "[" * 201 + "]" * 201 + "]}",
            "nested without end",
        ),
        ('[{"a":[' + "{}," * 4_000_000 + "{}]}]", "entry without end"),
        ('[{"name": "A", "n": 1e99999999999999999999, "url": "https://h.example.org/r4"}]', "damaged"),
        ('[{"name": "A", "n": 1e999999999, "url": "https://h.example.org/r4"}]', "1"),
        ('[{"name": "A", "n": ' + "9" * 400 + ', "url": "https://h.example.org/r4"}]', "1"),
    ],
    ids=["digits", "decimals", "brackets-in-text", "escapes", "entry", "overflow", "exponent", "400"],
)
def test_json_that_kills_parsers_is_said_in_words(content: str, said: str, tmp_path: Path) -> None:
    assert said in in_a_process(content, tmp_path)


def guarded(content: bytes, piece: int) -> None:
    handle = Guarded(io.BytesIO(content))
    while handle.read(piece):
        pass


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 64, 65_536])
def test_the_guard_tells_texts_from_brackets_wherever_the_pieces_end(piece: int) -> None:
    text = "".join(("[[[]]}{" * 50, '\\"', "\\" * 3, '"', "9" * 600, "\u00e9\n"))
    fine = json.dumps([{text: [text, 12345, {"\\": '"'}]}, {"b": "\\"}, 7] * 20).encode()
    guarded(fine, piece)
    for inner in (b"[" * 200, b'{"a":' * 200, b"9" * 401):
        with pytest.raises(UnreadableFile):
            guarded(fine[:-1] + b"," + inner, piece)
        with pytest.raises(UnreadableFile):
            guarded(b'["' + b"\\\\" * 9 + b'", ' + inner, piece)
    guarded(fine[:-1] + b"," + b"[" * 199, piece)
    guarded(fine[:-1] + b"," + b"9" * 400 + b"," + b"9" * 400, piece)


def test_the_guard_looks_at_each_byte_about_once() -> None:
    started = time.process_time()
    guarded(b'["' + b'\\"' * 2_000_000 + b'"]', 65_536)
    guarded(b"[" + b"1," * 2_000_000 + b'"', 65_536)
    assert time.process_time() - started < 5


def test_many_children_of_a_parent_with_many_endpoints() -> None:
    many = 1500
    parent = {"resourceType": "Organization", "id": "P", "name": "Parent"}
    ways = [{"reference": f"Endpoint/e{at}"} for at in range(many)]
    listed: list[dict[str, Any]] = [{**parent, "endpoint": ways}]
    listed += [
        {"resourceType": "Organization", "id": f"o{at}", "name": f"Clinic {at}", "partOf": {"reference": "Organization/P"}}
        for at in range(many)
    ]  # fmt: skip
    listed += [
        {"resourceType": "Endpoint", "id": f"e{at}", "status": "active", "address": f"https://h{at}.example.org/r4"}
        for at in range(many)
    ]  # fmt: skip
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in listed]}
    started = time.process_time()
    found = read(json.dumps(bundle))
    assert time.process_time() - started < 10
    assert len(found) == many + 50 * many, "all of its own, fifty of the parent's"


def test_resources_of_one_id_are_all_counted() -> None:
    same = {"resourceType": "Endpoint", "id": "e", "name": "A", "address": "https://a.org/r4"}
    assert len(read(json.dumps({"resourceType": "Bundle", "entry": [{"resource": same}] * 5}))) == 5


@pytest.mark.parametrize("row", ["{}", '{"a":1}', "1", GOOD])
def test_a_list_without_end_is_read_so_far_and_says_so(row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phr.providers.directories.reading.MOST", 1000)
    found = read("[" + ",".join([row] * 100_000) + "]")
    assert len(found) == 1001 and found[-1] == entries.TOO_MANY
    assert len(read("[" + ",".join([row] * 1000) + "]")) == 1000


def test_nine_megabytes_of_nothing_are_quickly_read() -> None:
    started = time.process_time()
    assert len(read("[" + ",".join(["{}"] * 3_000_000) + "]")) == entries.MOST + 1
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([{"fhir" * 300_000: "v", "name": "A", "b": "c"}]),
        "name,b," + ",".join(["fhir" * 30_000] * 4) + "\nA,B,C\n",
        json.dumps([{f"{'prod' * 15}{at}x{key}": "v" for key in range(150)} for at in range(2000)]),
        json.dumps([{f"prodfhir{at}": "v" for at in range(100_000)}]),
        "name," + "x" * 30_000_000 + "\n",
        "name,url\n" + '"' + "x\n" * 3_000_000,
    ],
    ids=["key", "heading", "shapes", "wide", "line", "quote"],
)
def test_headings_without_end_take_no_long_time(content: str) -> None:
    started = time.process_time()
    read(content)
    assert time.process_time() - started < 10


def test_texts_are_not_kept_at_full_length() -> None:
    [found] = read(json.dumps([{"name": "A" * 1_000_000, "url": "https://a.org/" + "a" * 1_000_000}]))
    assert isinstance(found, Found) and len(found.name) + len(found.base) < 5000


# ── what is opened, and what is said ──────────────────────────────────────────────────────────────


@pytest.fixture
def here() -> Workspace:
    return Workspace(os.environ)


def test_only_regular_files_are_opened(here: Workspace, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    good = tmp_path / "good.json"
    good.write_text(f"[{GOOD}]")
    odd = ["/dev/zero", str(pipe), str(tmp_path), "~nobody-of-this-name/list", "a\0b", str(good)]
    report = directory.update(here, [Source(one) for one in odd])
    assert [one.error is None for one in report.sources] == [False] * 5 + [True]
    assert all(one.hint for one in report.sources[:5])
    assert [("regular" in (one.error or "")) for one in report.sources[:3]] == [True] * 3


@pytest.mark.parametrize(
    "where",
    [
        "https://anna:geheim@vendor.example.org/list",
        "https://geheim@vendor.example.org/list",
        "HTTPS://anna:geheim@vendor.example.org/list?x#y",
        "https://anna:geheim/1@vendor.example.org/list",
        "https://:geheim@vendor.example.org:x/list",
    ],
)
def test_an_address_with_a_password_is_refused_and_not_repeated(here: Workspace, where: str) -> None:
    transport = httpx.MockTransport(lambda _: pytest.fail("it was asked"))
    [one] = directory.update(here, [Source(where)], transport=transport).sources
    assert one.error and "geheim" not in repr(one) and "anna" not in repr(one)
    assert "password" in one.error or "no address" in one.error


def test_a_fragment_is_neither_sent_nor_shown(here: Workspace) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, text=f"[{GOOD}]")

    where = "https://vendor.example.org/list?key=1#geheim"
    [one] = directory.update(here, [Source(where)], transport=httpx.MockTransport(answer)).sources
    assert (asked, one.source, one.error) == (
        ["https://vendor.example.org/list?key=1"], "https://vendor.example.org/list", None,
    )  # fmt: skip


@pytest.mark.parametrize("location", ["https://a:b@other.example.org/list", "https://[::1/x", "https://h:x/"])
def test_a_redirect_to_nonsense_is_not_followed(here: Workspace, location: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(302, headers={"location": location}))
    [one] = directory.update(here, [Source("https://vendor.example.org/x")], transport=transport).sources
    assert one.error and "a:b" not in repr(one) and "--from FILE" in (one.hint or "")


def test_what_nobody_expected_ends_one_source_and_not_the_others(
    here: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = tmp_path / "bad.json", tmp_path / "good.json"
    bad.write_text('[{"name": "bad", "url": "https://b.example.org"}]')
    good.write_text(f"[{GOOD}]")
    iterate = Directory.__iter__

    def broken(self: Directory) -> Any:
        if (
            b"bad" in self._handle.getvalue()
            if hasattr(self._handle, "getvalue")
            else "bad" in self._handle.name
        ):
            raise ZeroDivisionError("with a secret in it")
        return iterate(self)

    monkeypatch.setattr(Directory, "__iter__", broken)
    report = directory.update(here, [Source(str(bad)), Source(str(good))])
    assert (report.exit_status, report.sources[1].counts.added) == (3, 1)
    assert "ZeroDivisionError" in (report.sources[0].error or "") and "secret" not in repr(report)
    with pytest.raises(ZeroDivisionError):
        directory.update(Workspace({**os.environ, "PHR_DEBUG": "1"}), [Source(str(bad))])


def test_the_published_list_of_one_vendor_cannot_speak_for_another(here: Workspace) -> None:
    listed = [
        {"name": "Alder Clinic", "url": "https://fhir.evil-host.example/api/FHIR/R4"},
        {
            "name": "Birch Clinic",
            "url": "https://fhir.evil-host.example/fhir",
            "vendor": "NextGen Enterprise",
        },
    ]
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=listed))
    source = Source("https://vendor.example.org/list", "practice-fusion")
    [one] = directory.update(here, [source], transport=transport).sources
    assert one.counts.vendors == {"practice-fusion": 2}
    failed = httpx.MockTransport(lambda _: httpx.Response(500))
    [one] = directory.update(here, [source], transport=failed).sources
    assert (one.hint or "").endswith("--from FILE --vendor practice-fusion")


def test_a_download_goes_into_the_file_as_it_comes(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer of which only the beginning is in memory, and a list that is whole all the same."""
    from phr.fhir.transport import Wire

    kept: list[int] = []
    send = Wire.send

    def looked_at(self: Wire, *words: Any, **more: Any) -> Any:
        answer = send(self, *words, **more)
        kept.append(len(answer.body))
        return answer

    monkeypatch.setattr(Wire, "send", looked_at)
    rows = [{"name": f"Clinic {at}", "url": f"https://h{at}.example.org/r4"} for at in range(2000)]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/first":
            return httpx.Response(302, headers={"location": "/list"}, content=b"x" * 100_000)
        packed = gzip.compress(json.dumps(rows).encode())
        return httpx.Response(200, headers={"content-encoding": "gzip"}, content=packed)

    source = Source("https://vendor.example.org/first", "epic")
    [one] = directory.update(here, [source], transport=httpx.MockTransport(answer)).sources
    assert one.counts.added == 2000
    assert kept[-1] == 512 and kept[0] <= 1_000_000, "of what is no list no more than a refusal may have"
