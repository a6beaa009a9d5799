"""The sandbox as a hospital, and a person with a home of their own who follows its redirects."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import orjson
import pytest

from phr.model import Connection, SyncRun
from phr.sandbox import server as sandbox_server
from phr.sandbox.config import SandboxConfig
from phr.sandbox.server import Sandbox
from phr.smart import launch
from phr.smart.session import Session
from phr.store.store import Store
from phr.workspace import Workspace
from phr.workspace.sign_in import ConnectRequest, Speaker
from phr.workspace.sync import SyncReport, SyncWish


def follow(url: str) -> bool:
    """A browser in one line: follows redirects to their end."""
    return httpx.get(url, follow_redirects=True, timeout=20).status_code < 500


@dataclass
class Person:
    """Someone with a home of their own and a key file."""

    environ: dict[str, str]
    said: list[str] = field(default_factory=list)

    @property
    def workspace(self) -> Workspace:
        """As a new process would have it: nothing remembered but what is on disk."""
        return Workspace(self.environ)

    def connect(self, sandbox: Sandbox, browser: Callable[[str], bool] = follow, **wishes: Any) -> Connection:
        request = ConnectRequest(
            provider="custom", url=sandbox.fhir_base, client_id=sandbox.client_id, port=0, timeout=20
        )
        return self.workspace.connect(replace(request, **wishes), Speaker(browser, self.said.append))

    def sync(self, *names: str, **wishes: Any) -> SyncReport:
        return self.workspace.sync(SyncWish(names=names, **wishes))


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """A person with an empty home; retries do not wait."""
    key = tmp_path / "key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    return Person(
        {
            "PHR_HOME": str(tmp_path / "home"),
            "PHR_KEY_FILE": str(key),
            "PHR_SYNC_RETRY_DELAY": "0",
            "PHR_SYNC_BATCH_SIZE": "20",
        }
    )


@pytest.fixture
def hospital() -> Iterator[Callable[..., Sandbox]]:
    """Open a sandbox: `hospital(faults=("429",))`. It closes with the test."""
    with ExitStack() as stack:

        def open_sandbox(**config: Any) -> Sandbox:
            return stack.enter_context(Sandbox(SandboxConfig(**{"auto_approve": True, **config})))

        yield open_sandbox


# ── what a sandbox was asked ──────────────────────────────────────────────────────────────────────


@dataclass
class Asked:
    """One request as it arrived, and what was answered."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    status: int = 0
    answered: bytes = b""

    @property
    def said(self) -> dict[str, str]:
        """The parameters of the address."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def answer(self) -> dict[str, Any]:
        return dict(orjson.loads(self.answered))

    @property
    def shown(self) -> str:
        """How the client showed who it is (RFC 6749, section 2.3), by what really came."""
        ways = (
            [self.headers["authorization"].partition(" ")[0].lower()]
            if "authorization" in self.headers
            else []
        )
        ways += [
            name
            for name, word in (("post", "client_secret"), ("jwt", "client_assertion"))
            if word in self.form
        ]
        return "+".join(ways) or "none"


class Gate:
    """Holds requests of one kind until it is opened; `arrived` is set when the first one stands before it."""

    def __init__(self, kind: Callable[[Asked], bool], times: int) -> None:
        self.kind, self.left = kind, times
        self.arrived, self.opened = threading.Event(), threading.Event()

    def wait(self) -> None:
        assert self.arrived.wait(20), "the request never came"

    def open(self) -> None:
        self.opened.set()


class Desk:
    """Stands before every sandbox that is opened, reads along, and can keep a request waiting."""

    def __init__(self) -> None:
        self.seen: list[Asked] = []
        self._gates: list[Gate] = []

    def asked(self, method: str, start: str) -> list[Asked]:
        return [one for one in self.seen if one.method == method and one.path.startswith(start)]

    def tokens(self, grant_type: str = "") -> list[Asked]:
        """Requests for a token, by grant type (its last part is enough)."""
        return [
            one
            for one in self.seen
            if one.method == "POST"
            and (one.form | one.said).get("grant_type", "-").endswith(grant_type or "")
            and "grant_type" in one.form | one.said
        ]

    def authorize(self) -> dict[str, str]:
        """The last authorization request."""
        return next(one.said for one in reversed(self.seen) if "response_type" in one.said)

    def records(self) -> list[Asked]:
        """Requests for records."""
        return [one for one in self.seen if one.path.startswith("/fhir/") and "bearer" in one.shown]

    def forget(self) -> None:
        """Begin a new page."""
        self.seen.clear()

    def hold(self, kind: Callable[[Asked], bool], times: int = 1) -> Gate:
        gate = Gate(kind, times)
        self._gates.append(gate)
        return gate

    def before(self, app: Any) -> Any:
        """ASGI middleware around `app`."""

        async def reading(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            body, more = b"", True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
            headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
            one = Asked(scope["method"], scope["path"], scope["query_string"].decode(), headers, body)
            self.seen.append(one)
            for gate in self._gates:
                if gate.left and not gate.opened.is_set() and gate.kind(one):
                    gate.left -= 1
                    gate.arrived.set()
                    await asyncio.to_thread(gate.opened.wait, 20)
            unread = [{"type": "http.request", "body": body, "more_body": False}]

            async def again() -> Any:
                return unread.pop() if unread else await receive()

            async def watched(message: Any) -> None:
                one.status = message.get("status", one.status)
                one.answered += message.get("body", b"")
                await send(message)

            await app(scope, again, watched)

        return reading


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """What the sandboxes of this test are asked."""
    made, build = Desk(), sandbox_server.build_app

    def watched(*args: Any) -> Any:
        app = build(*args)
        app.add_middleware(made.before)
        return app

    monkeypatch.setattr(sandbox_server, "build_app", watched)
    yield made
    for gate in made._gates:
        gate.open()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let time pass for a sandbox and for this process alike: `later(sandbox, hours=48)`."""
    real, ahead = time.time, [0.0]

    def now() -> float:
        return real() + ahead[0]

    monkeypatch.setattr(time, "time", now)
    for bound in (Session.__init__, launch.sign_in):  # their default was taken when they were made
        monkeypatch.setitem(bound.__kwdefaults__ or {}, "clock", now)

    def pass_(sandbox: Sandbox, **duration: float) -> None:
        seconds = timedelta(**duration).total_seconds()
        ahead[0] += seconds
        sandbox.advance(seconds)

    return pass_


# ── a person at the command line ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return dict(orjson.loads(self.out))


@pytest.fixture
def begin(person: Person, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `phr` in a process of its own; whatever still runs is ended with the test."""
    running: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-m", "phr", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, **person.environ},
        )
        running.append(child)
        return child

    yield start
    for child in running:
        if child.poll() is None:
            child.kill()
        child.communicate()


@pytest.fixture
def phr(begin: Callable[..., subprocess.Popen[str]]) -> Callable[..., Ended]:
    """Run `phr` in a process of its own to its end."""

    def call(*words: str, stdin: str = "") -> Ended:
        child = begin(*words)
        out, err = child.communicate(stdin, timeout=60)
        return Ended(child.returncode, out, err)

    return call


@pytest.fixture
def phr_signs_in(begin: Callable[..., subprocess.Popen[str]]) -> Callable[..., Ended]:
    """Run `phr connect` or `reconnect`, and play the browser, and whoever pastes where it ended."""

    def call(*words: str, secret: str | None = None, pastes: bool = False) -> Ended:
        told = ("--client-secret-stdin",) if secret else ()
        child = begin(*words, *told, "--no-browser")
        assert child.stdin is not None and child.stdout is not None
        if secret:
            child.stdin.write(secret + "\n")
            child.stdin.flush()
        address = child.stdout.readline().strip()
        ended = ended_on(address) if pastes and address else None
        if address and not pastes:
            assert follow(address)
        out, err = child.communicate(ended and ended + "\n", timeout=60)
        return Ended(child.returncode, out, err)

    return call


def ended_on(address: str) -> str:
    """Where a browser ends that cannot reach the last page: it follows as long as the server answers."""
    origin = httpx.URL(address).copy_with(raw_path=b"/")
    while httpx.URL(address).copy_with(raw_path=b"/") == origin:
        answer = httpx.get(address, follow_redirects=False, timeout=20)
        assert answer.is_redirect, answer.text[:200]
        address = str(answer.url.join(answer.headers["location"]))
    return address


@pytest.fixture
def port() -> int:
    """A port that is free now, to be registered with a provider that compares letter by letter."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ward_of_everything() -> list[dict[str, Any]]:
    """One patient, and of each type one that every vendor's way of asking finds."""
    subject = {"reference": "Patient/p-1"}
    rows: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "p-1", "name": [{"text": "Ada Quill"}], "birthDate": "1970-12-31"},
        {"resourceType": "Condition", "id": "c", "subject": subject, "code": {"text": "Asthma"}},
        {
            "resourceType": "Observation",
            "id": "o",
            "subject": subject,
            "category": [{"coding": [{"code": "laboratory"}]}],
            "code": {"text": "Sodium"},
        },
        {
            "resourceType": "CarePlan",
            "id": "cp",
            "subject": subject,
            "category": [{"coding": [{"code": "38717003"}, {"code": "assess-plan"}]}],
        },
        {"resourceType": "CareTeam", "id": "ct", "subject": subject, "status": "active"},
        {"resourceType": "MedicationRequest", "id": "m", "subject": subject, "intent": "order"},
        {"resourceType": "Coverage", "id": "cov", "beneficiary": subject},
        {"resourceType": "ExplanationOfBenefit", "id": "eob", "patient": subject},
        {
            "resourceType": "Appointment",
            "id": "a",
            "start": "2026-01-01T10:00:00Z",
            "participant": [{"actor": subject}],
        },
        {
            "resourceType": "DiagnosticReport",
            "id": "dr",
            "subject": subject,
            "category": [{"coding": [{"code": "LAB"}]}],
        },
    ]
    return rows


# ── a record and what is kept of it ───────────────────────────────────────────────────────────────


def rows(type_: str, count: int, **elements: Any) -> list[dict[str, Any]]:
    """So many resources of a type about patient `p`."""
    who = {"reference": "Patient/p"}
    about = {"subject": who, "patient": who, "beneficiary": who}
    return [
        {"resourceType": type_, "id": f"{type_[:3].lower()}-{n:02}", **about, **elements}
        for n in range(1, count + 1)
    ]


@dataclass
class Stay:
    """A person who is connected to one hospital."""

    person: Person
    sandbox: Sandbox
    desk: Desk
    pass_: Callable[..., None]

    def sync(self, **wishes: Any) -> SyncRun:
        """One night; what was asked before it is forgotten."""
        self.desk.forget()
        (run,) = self.person.sync(**wishes).runs
        return run

    def later(self, **duration: float) -> None:
        self.pass_(self.sandbox, **duration)

    def sql(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.person.workspace.store() as store:
            return list(store.db.execute(question, values).fetchall())

    def kept(self, type_: str = "%") -> dict[str, bytes]:
        """`Type/id` to the bytes that are kept."""
        found = self.sql("SELECT type, fhir_id, raw FROM resource WHERE type LIKE ?", type_)
        return {f"{kind}/{id_}": bytes(raw) for kind, id_, raw in found}

    def held(self, type_: str | None = None) -> dict[str, bytes]:
        """The same as the hospital gives it out."""
        hospital = self.sandbox._hospital
        return {
            one.address: hospital.raw(one)
            for name in ([type_] if type_ else hospital.store.types())
            for one in hospital.store.of(name)
        }

    def asked(self, type_: str) -> list[dict[str, str]]:
        """The parameters of each request below a type in this night, reads too."""
        return [one.said for one in self.desk.asked("GET", f"/fhir/{type_}")]


@pytest.fixture
def stay(
    person: Person,
    hospital: Callable[..., Sandbox],
    desk: Desk,
    later: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Stay]:
    """Connect to a hospital with these habits: `stay(rows("Observation", 3), count="refused")`."""

    def now() -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)

    monkeypatch.setitem(Store.__init__.__kwdefaults__ or {}, "clock", now)
    monkeypatch.setattr("phr.workspace.sync.utc_now", now)

    def begin(resources: Sequence[Any], *, connect: dict[str, Any] | None = None, **change: Any) -> Stay:
        config = {name: change.pop(name) for name in ("faults", "drop_scopes", "vendor") if name in change}
        patient = {
            "resourceType": "Patient",
            "id": "p",
            "name": [{"family": "Quill", "given": ["Ada"]}],
            "birthDate": "1970-12-31",
        }
        sandbox = hospital(resources=(patient, *resources), patient="p", change=change, **config)
        person.connect(sandbox, **{"name": "clinic", **(connect or {})})
        return Stay(person, sandbox, desk, later)

    return begin


def refused(run: SyncRun, type_: str) -> list[tuple[int | None, bool]]:
    """What was skipped of a type as a whole: status, and whether it was known."""
    return [(one.http_status, one.known) for one in run.skipped if one.type == type_ and one.id is None]


def said(run: SyncRun, type_: str) -> str:
    """All that was said about a type."""
    return " | ".join(one.reason for one in run.skipped if one.type == type_)


def news(run: SyncRun) -> dict[str, tuple[int, int, int, int]]:
    """New, updated, gone and failed by type, where there was any."""
    found = {name: (one.new, one.updated, one.gone, one.failed) for name, one in run.types.items()}
    return {name: counts for name, counts in found.items() if any(counts)}


def quiet(run: SyncRun) -> bool:
    """A night without news and without an alarm; a failure that was known before is none."""
    moved = [counts for counts in news(run).values() if any(counts[:3])]
    return (run.status, run.exit_status, moved, run.documents["new"]) == ("completed", 0, [], 0)
