"""Answers that real systems once gave, given again: status, headers and bodies as they were recorded.

A recording is a folder with an `index.json`: a list of exchanges with method, URL, status, headers and the file of
the body. They are matched by path and by the parameters that matter; what was not recorded is a 404 without a
body. The path of each vendor stays as it was, only the host is this computer.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

IGNORED = frozenset({"_count", "_format"})
HOP = frozenset({"content-length", "transfer-encoding", "connection", "content-encoding", "date"})

Key = tuple[str, frozenset[tuple[str, str]]]


def key_of(url: str) -> Key:
    """What tells two requests apart: the path in small letters up to the type, and the parameters that matter."""
    parts = urlsplit(url)
    params = frozenset(
        (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in IGNORED
    )
    return parts.path.rstrip("/"), params


@dataclass
class Exchange:
    """One recorded request with its answer."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)
    host: str = ""

    @property
    def key(self) -> Key:
        return key_of(self.url)


@dataclass
class Recording:
    """One system's answers, and how to reach them."""

    name: str
    base_path: str
    patient: str
    exchanges: list[Exchange] = field(repr=False)

    @classmethod
    def read(cls, folder: Path) -> Recording:
        """A folder with an index.json. The FHIR base is what stands before the type in most paths."""
        index: list[dict[str, Any]] = orjson.loads((folder / "index.json").read_bytes())
        exchanges = [
            Exchange(
                one["url"],
                one["status"],
                one.get("headers") or {},
                (folder / one["file"]).read_bytes() if one.get("file") else b"",
                urlsplit(one["url"]).netloc,
            )
            for one in index
            if one["method"] == "GET"
        ]
        bases = Counter(base for one in exchanges if (base := base_of(one.url)))
        base = bases.most_common(1)[0][0]
        return cls(folder.name, urlsplit(base).path, _patient(exchanges), exchanges)


def base_of(url: str) -> str | None:
    """What stands before the first segment that looks like a resource type."""
    parts = urlsplit(url)
    segments = parts.path.split("/")
    for at, segment in enumerate(segments):
        if segment in TYPES:
            return f"{parts.scheme}://{parts.netloc}{'/'.join(segments[:at])}"
    return None


TYPES = frozenset(
    "Patient Account Appointment AllergyIntolerance Binary CarePlan CareTeam Condition Coverage Device DiagnosticReport"
    " DocumentReference Encounter Endpoint FamilyMemberHistory Goal Immunization Location Medication"
    " MedicationAdministration MedicationDispense MedicationRequest MedicationStatement NutritionOrder Observation"
    " Organization Person Practitioner PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse"
    " RelatedPerson Schedule ServiceRequest Slot Specimen ExplanationOfBenefit".split()
)


def _patient(exchanges: list[Exchange]) -> str:
    for one in exchanges:
        path, params = one.key
        found = dict(params).get("patient")
        if found:
            return found
        head, _, tail = path.partition("/Patient/")
        if tail and head:
            return tail.partition("/")[0]
    return "unknown"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        found = self.server.find(self.path)
        if found is None:
            self._answer(404, {}, b"")
            return
        self.server.given.add(self.server.exchanges.index(found))
        self._answer(found.status, found.headers, found.body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(404, {}, b"")

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, recording: Recording) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.exchanges = recording.exchanges
        self.asked: list[str] = []
        self.given: set[int] = set()

    def find(self, path: str) -> Exchange | None:
        wanted = key_of(path)
        return next((one for one in self.exchanges if one.key == wanted), None)


@dataclass
class Replay:
    """A recording that answers."""

    recording: Recording
    server: _Server

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{self.recording.base_path}"

    @property
    def given(self) -> list[Exchange]:
        """The exchanges that were asked for."""
        return [one for at, one in enumerate(self.recording.exchanges) if at in self.server.given]

    @property
    def never_asked(self) -> list[Exchange]:
        return [one for at, one in enumerate(self.recording.exchanges) if at not in self.server.given]


@contextmanager
def replay(recording: Recording) -> Iterator[Replay]:
    """Serve a recording on a free port of this computer."""
    server = _Server(recording)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Replay(recording, server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
