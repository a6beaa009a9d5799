"""`phr providers update` below the command line: from files and from addresses, with nothing lost."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from phr import paths
from phr.errors import Busy
from phr.providers import organisations
from phr.workspace import Workspace, directory
from phr.workspace.directory import Source

LIST = json.dumps(
    [{"name": f"Clinic {name}", "url": f"https://{name}.example.org/R4"} for name in ("ab", "cd")]
)


@pytest.fixture
def here() -> Workspace:
    return Workspace(os.environ)


def target(here: Workspace) -> Path:
    return here.paths.data / "organisations.tsv"


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.MockTransport:
    return httpx.MockTransport(answer)


def test_a_file_is_read_kept_privately_and_found_afterwards(here: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(LIST)
    report = directory.update(here, [Source(str(path))], vendor="epic")
    assert (report.exit_status, report.sources[0].counts.added, report.sources[0].vendor) == (0, 2, "epic")
    assert target(here).stat().st_mode & 0o777 == 0o600
    assert report.organisations == len(here.catalog.organisations.rows) + 2
    again = directory.update(here, [Source(str(path))], vendor="epic")
    assert (again.sources[0].counts.unchanged, again.organisations) == (2, report.organisations)


def test_a_dry_run_keeps_nothing(here: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(LIST)
    assert directory.update(here, [Source(str(path))], dry_run=True).sources[0].counts.added == 2
    assert not target(here).exists()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"<html>Sign in</html>", LIST.encode()[:-5], b'{"resourceType":"Bundle","entry":[]}', b"{}",
        b'[{"name":"A","url":"http://a.example.org"}]', b"\x00\x01\x02\x03", b"name,url\n",
    ],
)  # fmt: skip
def test_damaged_or_empty_input_changes_not_a_byte(here: Workspace, tmp_path: Path, content: bytes) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad"
    good.write_text(LIST)
    bad.write_bytes(content)
    directory.update(here, [Source(str(good))])
    before = target(here).read_bytes()
    report = directory.update(here, [Source(str(bad))])
    assert report.exit_status == 1 and report.sources[0].error and report.sources[0].hint
    assert target(here).read_bytes() == before


def test_one_source_that_fails_does_not_stop_the_others(here: Workspace, tmp_path: Path) -> None:
    good = tmp_path / "good.json"
    good.write_text(LIST)
    report = directory.update(here, [Source(str(tmp_path / "missing")), Source(str(good))])
    assert (report.exit_status, [bool(one.error) for one in report.sources]) == (3, [True, False])
    assert len(organisations.read(target(here))) == 2


def test_a_write_that_fails_keeps_the_old_list(
    here: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "list.json"
    path.write_text(LIST)
    directory.update(here, [Source(str(path))])
    before = target(here).read_bytes()

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(paths, "settle", broken)
    path.write_text(LIST.replace("Clinic ab", "Clinic of another name"))
    with pytest.raises(KeyboardInterrupt):
        directory.update(here, [Source(str(path))])
    assert target(here).read_bytes() == before
    assert [one.name for one in target(here).parent.iterdir()] == ["organisations.tsv"]


def test_two_updates_do_not_write_at_once(here: Workspace) -> None:
    with paths.exclusive_lock(here.paths.state / "locks" / "organisations.lock"), pytest.raises(Busy):
        directory.update(here, [])


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (httpx.Response(200, text="<!doctype html><title>Please sign in</title>"), "web page"),
        (httpx.Response(200, text="<div>hello", headers={"content-type": "text/html"}), "web page"),
        (httpx.Response(404, text="gone"), "404"),
        (httpx.Response(500), "500"),
        (httpx.Response(302, headers={"location": "http://plain.example.org/list"}), "without https"),
        (httpx.Response(302, headers={"location": "http://127.0.0.1:1/list"}), "without https"),
        (httpx.Response(302, headers={"location": "file:///etc/passwd"}), "without https"),
        (httpx.Response(302, headers={"location": "/again"}), "redirect"),
        (httpx.Response(302), "302"),
    ],
)
def test_answers_that_are_no_list_are_said_in_words(
    here: Workspace, response: httpx.Response, words: str
) -> None:
    source = Source("https://vendor.example.org/list?key=geheim")
    report = directory.update(here, [source], transport=answering(lambda _: response))
    [one] = report.sources
    assert words in (one.error or "") and "--from FILE" in (one.hint or "")
    assert "geheim" not in repr(report)
    assert not target(here).exists()


def test_redirects_are_followed_over_https_to_another_host(here: Workspace) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        assert not {"authorization", "cookie"} & set(request.headers)
        if request.url.host == "vendor.example.org":
            return httpx.Response(301, headers={"location": "https://files.example.net/list.json"})
        return httpx.Response(200, text=LIST)

    report = directory.update(
        here, [Source("https://vendor.example.org/x", "epic")], transport=answering(answer)
    )
    assert report.sources[0].counts.added == 2
    assert asked == ["https://vendor.example.org/x", "https://files.example.net/list.json"]
    assert report.sources[0].vendor == "epic"


def test_plain_http_is_for_this_computer_only(here: Workspace) -> None:
    report = directory.update(
        here, [Source("http://vendor.example.org/x")], transport=answering(lambda _: 1 / 0)
    )  # type: ignore[arg-type, return-value]
    assert "https" in (report.sources[0].error or "")


def test_an_answer_that_is_too_large_is_left(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "LARGEST", 1000)
    transport = answering(lambda _: httpx.Response(200, content=b" " * 5000))
    report = directory.update(here, [Source("https://vendor.example.org/x")], transport=transport)
    assert report.exit_status == 1 and report.sources[0].error


@pytest.fixture
def server() -> Iterator[str]:
    """A vendor's server on this computer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = LIST.encode() if self.path == "/list" else b"<html>no</html>"
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


def test_lists_come_over_a_real_connection(here: Workspace, server: str) -> None:
    report = directory.update(here, [Source(f"{server}/list"), Source(f"{server}/page")])
    assert (report.exit_status, report.sources[0].counts.added) == (3, 2)
    assert "web page" in (report.sources[1].error or "")


def test_vendors_of_the_catalogue_say_where_their_lists_are(here: Workspace) -> None:
    published = directory.published(here)
    assert {"epic", "oracle", "meditech", "veradigm"} <= {one.usual for one in published}
    assert all(one.where.startswith("https://") for one in published)
    assert [one.usual for one in directory.published(here, "epic")] == ["epic"]
    assert directory.published(here, "custom") == ()
