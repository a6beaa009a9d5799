"""A small FHIR server whose every answer can be spoilt by a schedule: for walks through bad days.

It knows a handful of types, pages, `_lastUpdated` and reads; nothing else. Written from FHIR R4 "Search" and "http".
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson

FAULTS = (
    "",
    "429",
    "429-date",
    "500",
    "502",
    "503",
    "408",
    "html",
    "truncated",
    "reset",
    "empty",
    "dead-link",
    "login-page",
)
"""What can be done to one answer; the empty word leaves it as it is."""


@dataclass
class Clinic:
    """What the server holds, and what it does wrong: the n-th request about records gets the n-th fault, once."""

    page_size: int = 3
    schedule: list[str] = field(default_factory=list)
    last_updated: bool = False
    resources: dict[tuple[str, str], bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _count: Iterator[int] = field(default_factory=itertools.count, repr=False)

    def put(self, type_: str, id_: str, **elements: Any) -> None:
        """Keep a resource; its bytes are exactly what any answer will hold."""
        subject = {} if type_ in ("Patient", "Organization") else {"subject": {"reference": "Patient/p1"}}
        resource = {"resourceType": type_, "id": id_, **subject, **elements}
        self.resources[type_, id_] = orjson.dumps(resource)

    def fault(self, path: str) -> str:
        """What happens to this request. What the server says about itself is never spoilt."""
        with self.lock:
            self.asked.append(path)
            if path.rstrip("/").endswith("metadata") or ".well-known" in path:
                return ""
            at = next(self._count)
            return self.schedule[at] if at < len(self.schedule) else ""

    def found(self, type_: str, params: dict[str, str]) -> list[bytes]:
        """The resources of a type, in a steady order."""
        since = params.get("_lastUpdated", "").removeprefix("ge")
        with self.lock:
            chosen = [(id_, raw) for (kind, id_), raw in sorted(self.resources.items()) if kind == type_]
        return [raw for _, raw in chosen if not since or _changed(raw) >= since[:19]]

    def statement(self) -> bytes:
        with self.lock:
            types = sorted({type_ for type_, _ in self.resources})
        names = ["patient", *(["_lastUpdated"] if self.last_updated else [])]
        params = [{"name": name, "type": "reference"} for name in names]
        interaction = [{"code": "read"}, {"code": "search-type"}]
        resource = [{"type": one, "interaction": interaction, "searchParam": params} for one in types]
        rest = [{"mode": "server", "resource": resource}]
        return orjson.dumps({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": rest})


def _changed(raw: bytes) -> str:
    return str(orjson.loads(raw).get("meta", {}).get("lastUpdated", ""))[:19]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        fault = self.server.clinic.fault(self.path)
        status, body = self._answer(parts.path.removeprefix("/fhir").strip("/"), dict(parse_qsl(parts.query)))
        self._send(status, body, fault, paged="_page=" in self.path)

    def _answer(self, path: str, params: dict[str, str]) -> tuple[int, bytes]:
        clinic = self.server.clinic
        if path == "metadata":
            return 200, clinic.statement()
        type_, _, id_ = path.partition("/")
        if id_:
            raw = clinic.resources.get((type_, id_))
            return (200, raw) if raw else (404, _outcome("not-found"))
        if not any(kind == type_ for kind, _ in clinic.resources):
            return 404, _outcome("not-supported")
        return 200, self._page(type_, params)

    def _page(self, type_: str, params: dict[str, str]) -> bytes:
        clinic = self.server.clinic
        found, at = clinic.found(type_, params), int(params.get("_page", "0"))
        shown = found[at : at + clinic.page_size]
        link = b""
        if at + clinic.page_size < len(found):
            query = urlencode({**params, "_page": at + clinic.page_size})
            url = f"http://127.0.0.1:{self.server.server_port}/fhir/{type_}?{query}"
            link = b'"link":[{"relation":"next","url":%s}],' % orjson.dumps(url)
        entries = b",".join(b'{"resource":%s}' % raw for raw in shown)
        head = b'{"resourceType":"Bundle","type":"searchset","total":%d,' % len(found)
        return head + link + b'"entry":[' + entries + b"]}"

    def _send(self, status: int, body: bytes, fault: str, *, paged: bool) -> None:
        headers = {"Content-Type": "application/fhir+json"}
        if fault == "reset":
            self.close_connection = True
            return
        if fault in ("500", "502", "503", "408"):
            status, body = int(fault), b""
        elif fault == "429":
            status, body, headers["Retry-After"] = 429, b"", "0"
        elif fault == "429-date":
            status, body, headers["Retry-After"] = 429, b"", "Wed, 21 Oct 2015 07:28:00 GMT"
        elif fault in ("html", "login-page"):
            body, headers["Content-Type"] = (
                b"<!DOCTYPE html><html><body>We will be back soon</body></html>",
                "text/html",
            )
        elif fault == "empty":
            body = b""
        elif fault == "dead-link" and paged:
            status, body = 410, _outcome("expired")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault == "truncated":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        else:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


def _outcome(code: str) -> bytes:
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code}]})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, clinic: Clinic) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.clinic = clinic


@contextmanager
def opened(clinic: Clinic) -> Iterator[str]:
    """Serve a clinic on a free port; gives its FHIR base."""
    server = _Server(clinic)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/fhir"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def filled(counts: Sequence[int], **how: Any) -> Clinic:
    """A clinic with so many resources of a few types, and one practice that all of them name."""
    clinic = Clinic(**how)
    clinic.put("Patient", "p1", name=[{"family": "Sample", "given": ["Robin"]}])
    clinic.put("Organization", "o1", name="Sample Practice")
    for type_, count in zip(TYPES, counts, strict=False):
        for number in range(count):
            clinic.put(
                type_,
                f"{type_.lower()}-{number}",
                meta={"lastUpdated": f"2024-0{number % 9 + 1}-01T00:00:00Z"},
                identifier=[{"system": "urn:example:clinic", "value": str(number)}],
                performer=[{"reference": "Organization/o1"}],
            )
    return clinic


TYPES = ("Observation", "Condition", "Procedure", "Immunization", "Encounter")
