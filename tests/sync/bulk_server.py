"""A small Bulk Data server for tests, written from HL7 Bulk Data Access 2.0: kick-off, status, files, DELETE.

What it answers stands in fields that a test sets; what it was asked stands in `asked`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

TIME = "2026-02-01T00:00:00Z"
Reply = tuple[int, dict[str, str], bytes]


def outcome(text: str, code: str = "processing") -> bytes:
    issue = {"severity": "error", "code": code, "diagnostics": text}
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]})


def resource(type_: str, id_: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": type_, "id": id_, **elements}


def of(patient: str) -> dict[str, Any]:
    """The elements of something that is this Patient's."""
    return {"subject": {"reference": f"Patient/{patient}"}}


def ndjson(*resources: dict[str, Any]) -> bytes:
    return b"".join(orjson.dumps(one) + b"\n" for one in resources)


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class BulkServer:
    """One server. `files` are (kind, type, bytes) by name; `kick_off` and `status` are replies that come first."""

    files: dict[str, tuple[str, str, bytes]] = field(default_factory=dict)
    kick_off: list[Reply] = field(default_factory=list)
    status: list[Reply] = field(default_factory=list)
    broken: dict[str, list[Reply | Callable[[BaseHTTPRequestHandler], None]]] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    """What its list says besides or instead."""
    needs_token: bool = True
    counts: bool = True
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    exports: int = 0
    known: set[str] = field(default_factory=set)
    post_only: bool = False
    location: str = ""
    """How Content-Location is written; empty: absolute."""
    file_base: str = ""
    held: dict[str, tuple[threading.Event, threading.Event]] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base(self) -> str:
        return f"{self.origin}/r4"

    def add(self, type_: str, *resources: dict[str, Any], name: str = "", kind: str = "output") -> None:
        self.files[name or f"{type_}.{len(self.files)}"] = (kind, type_, ndjson(*resources))

    def paths(self, method: str = "GET") -> list[str]:
        return [one.path for one in self.asked if one.method == method]

    def list_of_files(self) -> dict[str, Any]:
        listed: dict[str, Any] = {
            "transactionTime": TIME,
            "request": f"{self.base}/Patient/$export",
            "requiresAccessToken": self.needs_token,
            "output": [],
            "error": [],
        }
        for name, (kind, type_, body) in self.files.items():
            entry: dict[str, Any] = {
                "type": type_,
                "url": f"{self.file_base or self.origin}/files/{name}?sig={self.exports}",
            }
            if self.counts and kind == "output" and not body.startswith(b"\x1f\x8b"):
                entry["count"] = sum(
                    bool(line.strip()) for line in body.removeprefix(b"\xef\xbb\xbf").split(b"\n")
                )
            listed.setdefault(kind, []).append(entry)
        return {**listed, **self.manifest}

    def answer(self, asked: Asked) -> Reply:
        if asked.path.endswith("$export"):
            return self._kick_off(asked)
        if asked.path.startswith("/bulkstatus/"):
            return self._status(asked)
        return 404, {}, b""

    def _kick_off(self, asked: Asked) -> Reply:
        if self.post_only and asked.method == "GET":
            return 405, {}, b""
        if self.kick_off:
            return self.kick_off.pop(0)
        self.exports += 1
        path = f"/bulkstatus/{self.exports}"
        self.known.add(path)
        return 202, {"Content-Location": (self.location or self.origin) + path}, b""

    def _status(self, asked: Asked) -> Reply:
        if asked.method == "DELETE":
            self.known.discard(asked.path)
            return 202, {}, b""
        if asked.path not in self.known:
            return 404, {}, outcome("no such export", "not-found")
        if self.status:
            return self.status.pop(0)
        return 200, {"Content-Type": "application/json"}, orjson.dumps(self.list_of_files())


@contextmanager
def running(server: BulkServer) -> Iterator[BulkServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            parts = urlsplit(self.path)
            size = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, parse_qs(parts.query), headers, self.rfile.read(size))
            server.asked.append(asked)
            name = parts.path.removeprefix("/files/")
            if name in server.files:
                self._file(name, asked)
                return
            self._reply(*server.answer(asked))

        do_GET = do_POST = do_DELETE = handle_one  # noqa: N815 (names of http.server)

        def _file(self, name: str, asked: Asked) -> None:
            if server.broken.get(name):
                first = server.broken[name].pop(0)
                if callable(first):
                    first(self)
                else:
                    self._reply(*first)
                return
            if server.needs_token and "authorization" not in asked.headers:
                self._reply(401, {}, b"")
                return
            if name in server.held:
                begun, go = server.held[name]
                begun.set()
                go.wait(10)
            self._reply(200, {"Content-Type": "application/fhir+ndjson"}, server.files[name][2])

        def _reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)  # without a Date of its own
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Silent."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    server.port = httpd.server_address[1]
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()
