"""Several connections side by side over real HTTP: none holds up the others, and the end waits for nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from phr.workspace import Workspace
from phr.workspace.sign_in import ConnectRequest, Speaker
from phr.workspace.sync import SyncReport, SyncWish, dry_run

from .ward import Ward

LATENCY = 0.05


def ward(*, pages: int = 6) -> Ward:
    made = Ward(types=("Observation", "Condition", "Encounter", "Goal"))
    made.put("Patient", "p")
    for n in range(3 * pages):
        for type_ in made.types:
            made.put(type_, f"{type_[0].lower()}{n}")
    return made


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """A client that left is no news."""


@contextmanager
def serving(here: Ward, latency: float = 0.0) -> Iterator[str]:
    """A ward on a free port of this computer."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            time.sleep(latency)
            length = int(self.headers.get("Content-Length") or 0)
            request = httpx.Request(self.command, f"http://x{self.path}", content=self.rfile.read(length))
            answer = here.handle_request(request)
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if "content-length" not in answer.headers:
                self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_POST = do_GET  # noqa: N815 (as http.server calls it)

        def log_message(self, *_: object) -> None:
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/fhir"
        finally:
            server.shutdown()


class Home:
    """A person with a home of their own."""

    def __init__(self, folder: Path) -> None:
        key = folder / "key"
        key.write_bytes(os.urandom(32))
        key.chmod(0o600)
        self.environ = {
            "PHR_HOME": str(folder / "home"),
            "PHR_KEY_FILE": str(key),
            "PHR_SYNC_RETRY_DELAY": "1",
            "PHR_SYNC_TIMEOUT": "20",
        }

    def connect(self, name: str, base: str) -> None:
        request = ConnectRequest(provider="custom", url=base, auth="none", patient="p", name=name)
        Workspace(self.environ).connect(request, Speaker(lambda _: False, lambda _: None))

    def sync(self, *names: str, **wish: Any) -> SyncReport:
        return Workspace(self.environ).sync(SyncWish(names=names, **wish))

    def runs(self) -> list[Any]:
        with Workspace(self.environ).store() as store:
            return store.runs.recent()

    def begin(self, *words: str) -> subprocess.Popen[str]:
        line = [sys.executable, "-m", "phr", "sync", *words]
        environ = {**os.environ, **self.environ}
        return subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def leave() -> Iterator[threading.Event]:
    """What a server that hangs waits for."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def opened(leave: threading.Event) -> Iterator[Callable[..., str]]:
    with ExitStack() as stack:
        stack.callback(leave.set)

        def open_(here: Ward, latency: float = 0.0) -> str:
            return stack.enter_context(serving(here, latency))

        yield open_


def hanging(leave: threading.Event) -> Ward:
    """It knows the patient, and never answers anything else about records."""
    here = ward()

    def hangs(_request: httpx.Request) -> None:
        leave.wait(30)

    here.answers |= dict.fromkeys(here.types, hangs)  # type: ignore[arg-type]
    return here


def throttling() -> Ward:
    here = ward()
    answer = httpx.Response(429, headers={"Retry-After": "2"})
    here.answers |= {type_: lambda _request: answer for type_ in here.types}
    return here


def five(home: Home, opened: Any, leave: threading.Event, pages: int) -> tuple[float, dict[str, float]]:
    """How long the first of three takes alone, and how long each does beside a server that hangs and one that throttles."""
    bases = {name: opened(ward(pages=pages), LATENCY) for name in ("alone", "one", "two", "three")}
    bases |= {"hangs": opened(hanging(leave), LATENCY), "throttles": opened(throttling(), LATENCY)}
    for name, base in bases.items():
        home.connect(name, base)
    alone = home.sync("alone").runs[0]
    assert alone.status == "completed", alone.error
    report = home.sync("one", "two", "three", "hangs", "throttles", max_duration=3 * alone.seconds + 3)
    found = {run.connection: run for run in report.runs}
    assert {found[name].status for name in ("one", "two", "three")} == {"completed"}
    assert found["hangs"].status == "partial" and found["throttles"].status == "partial"
    assert (report.status, report.exit_status) == ("partial", 3)
    return alone.seconds, {name: found[name].seconds for name in ("one", "two", "three")}


def test_a_hanging_and_a_throttling_server_do_not_hold_up_three_others(
    home: Home, opened: Any, leave: threading.Event
) -> None:
    alone, beside = five(home, opened, leave, pages=6)
    assert max(beside.values()) < 2.5 * alone + 1.0


@pytest.mark.full
def test_three_of_five_take_no_longer_than_alone(home: Home, opened: Any, leave: threading.Event) -> None:
    alone, beside = five(home, opened, leave, pages=60)
    assert max(beside.values()) < 1.2 * alone


def test_more_connections_than_places_do_not_wait_for_those_that_hang(
    home: Home, opened: Any, leave: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    from phr.workspace import shift

    monkeypatch.setattr(shift, "STALLED", 0.5)
    home.environ["PHR_SYNC_SIDE_BY_SIDE"] = "1"
    home.connect("first", opened(hanging(leave)))
    home.connect("second", opened(ward(pages=1)))
    report = home.sync("first", "second", max_duration=4)
    assert {run.connection: run.status for run in report.runs} == {"first": "partial", "second": "completed"}


def until(found: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 130)])
def test_a_signal_ends_it_at_once_though_a_server_hangs(
    home: Home, opened: Any, leave: threading.Event, how: int, status: int
) -> None:
    here = hanging(leave)
    home.connect("hangs", opened(here))
    home.connect("well", opened(ward(pages=1)))
    with home.begin("--quiet") as child:
        until(lambda: here.searches("Observation"))
        until(lambda: any(run.status == "completed" for run in home.runs()))
        began = time.monotonic()
        child.send_signal(how)
        child.communicate(timeout=20)
        took = time.monotonic() - began
    assert child.returncode == status
    assert took < 4.0
    runs = {run.connection: run for run in home.runs()}
    assert (runs["hangs"].status, runs["well"].status) == ("cancelled", "completed")


def test_a_job_that_is_cancelled_from_outside_ends_and_the_others_go_on(
    home: Home, opened: Any, leave: threading.Event
) -> None:
    here = hanging(leave)
    home.connect("hangs", opened(here))
    home.connect("well", opened(ward(pages=1)))
    with home.begin("--json") as child:
        until(lambda: here.searches("Observation"))
        (job,) = [run for run in home.runs() if run.connection == "hangs"]
        with Workspace(home.environ).store() as store:
            assert store.runs.cancel(int(job.job_id))
        child.communicate(timeout=20)
    assert child.returncode == 3
    runs = {run.connection: run for run in home.runs()}
    assert (runs["hangs"].status, runs["well"].status) == ("cancelled", "completed")


def test_what_has_no_time_left_is_said_and_comes_first_next_time(
    home: Home, opened: Any, leave: threading.Event
) -> None:
    home.environ["PHR_SYNC_SIDE_BY_SIDE"] = "1"
    home.connect("a-hangs", opened(hanging(leave)))
    home.connect("b-waits", opened(ward(pages=1)))
    report = home.sync("a-hangs", "b-waits", max_duration=1.5)
    runs = {run.connection: run for run in report.runs}
    assert runs["a-hangs"].status == "partial" and "time" in (runs["a-hangs"].error or "")
    assert runs["b-waits"].status == "cancelled" and "no time" in (runs["b-waits"].error or "")
    assert report.exit_status == 3
    leave.set()
    assert home.sync("a-hangs", "b-waits").status == "completed"


def test_two_people_at_one_server_stay_apart(home: Home, opened: Any) -> None:
    here = ward(pages=1)
    here.put("Patient", "q")
    base = opened(here)
    home.connect("one", base)
    request = ConnectRequest(provider="custom", url=base, auth="none", patient="q", name="two")
    Workspace(home.environ).connect(request, Speaker(lambda _: False, lambda _: None))
    report = home.sync()
    # This server shows everybody the same: what is p's is left out of q's record, and that is said.
    assert {run.connection: run.status for run in report.runs} == {"one": "completed", "two": "partial"}
    with Workspace(home.environ).store() as store:
        rows = store.db.execute(
            "SELECT s.name, r.fhir_id FROM resource r JOIN source s ON s.id = r.source_id WHERE r.type = 'Patient'"
        ).fetchall()
        others = store.db.execute(
            "SELECT 1 FROM resource r JOIN source s ON s.id = r.source_id WHERE s.name = 'two' AND r.type = 'Observation'"
        ).fetchall()
    assert sorted(rows) == [("one", "p"), ("two", "q")]
    assert others == []


def test_a_dry_run_asks_nothing_of_the_record_and_keeps_nothing(home: Home, opened: Any) -> None:
    here = ward(pages=1)
    home.connect("clinic", opened(here))
    here.asked.clear()
    (planned,) = dry_run(Workspace(home.environ), SyncWish())
    assert here.asked == ["metadata"]
    assert (planned.mode, planned.error) == ("full", None)
    assert planned.searches[0].type == "Patient/p"
    assert {search.type for search in planned.searches[1:]} == set(here.types)
    assert all(search.reason for search in planned.searches)
    assert home.runs() == []


def test_a_dry_run_of_a_server_that_is_gone_says_so_and_plans_from_the_profile(home: Home) -> None:
    with serving(ward(pages=1)) as base:
        home.connect("clinic", base)
    home.environ |= {"PHR_SYNC_RETRY_ATTEMPTS": "0", "PHR_SYNC_RETRY_DELAY": "0"}
    (planned,) = dry_run(Workspace(home.environ), SyncWish())
    assert planned.error and len(planned.searches) > 10


WHOLE = (
    "SELECT type, fhir_id, raw, state FROM resource ORDER BY 1, 2",
    "SELECT resource, kind, title, status, performer, supporting FROM record ORDER BY 1",
    "SELECT type, fhir_id, http_status FROM wanted_reference ORDER BY 1, 2",
)


def whole(home: Home) -> list[Any]:
    with Workspace(home.environ).store() as store:
        assert store.integrity() == []
        return [store.db.execute(sql).fetchall() for sql in WHOLE]


def test_killed_by_the_system_again_and_again_it_ends_as_if_nothing_had_happened(
    tmp_path: Path, opened: Any
) -> None:
    here = ward(pages=4)
    for n in range(12):
        here.put("Observation", f"o{n}", performer=[{"reference": f"Practitioner/d{n}"}])
        here.put("Practitioner", f"d{n}", name=[{"text": f"Dr. {n}"}])
    base = opened(here, 0.01)
    homes = []
    for name in ("killed", "undisturbed"):
        (tmp_path / name).mkdir()
        homes.append(Home(tmp_path / name))
        homes[-1].connect("clinic", base)
    killed, undisturbed = homes
    assert undisturbed.sync().status == "completed"
    for point in (3, 9, 14, 6):
        here.asked.clear()
        with killed.begin("--quiet") as child:
            until(lambda point=point: len(here.asked) >= point or child.poll() is not None)
            child.kill()
            child.communicate()
    assert killed.sync().status == "completed"
    assert whole(killed) == whole(undisturbed)
    assert {run.status for run in killed.runs()} == {"completed", "cancelled"}
