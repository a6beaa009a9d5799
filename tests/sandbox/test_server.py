"""Starting and stopping: threads, ports, signals, settings that make no sense."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from phr.errors import UsageError
from phr.sandbox.config import SandboxConfig
from phr.sandbox.server import Sandbox

from .conftest import ADA, BEN, App, Start, answer, world

SERVE = """
import sys
from pathlib import Path
from phr.sandbox.config import SandboxConfig
from phr.sandbox.server import serve_forever
try:
    serve_forever(SandboxConfig(data=(Path(sys.argv[1]),)), lambda *said: print(*said, flush=True))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "world.ndjson"
    path.write_bytes(b"\n".join(item if isinstance(item, bytes) else orjson.dumps(item) for item in world()))
    return path


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_says_when_it_listens_and_ends_at_once_on_a_signal(
    data: Path, number: signal.Signals, status: int
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(data)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        base, client_id, pid, patient = process.stdout.readline().split()
        with httpx.Client(trust_env=False) as http:
            assert http.get(base + "/metadata").status_code == 200
            began = time.monotonic()
            process.send_signal(number)
            assert process.wait(timeout=5) == status
        assert time.monotonic() - began < 2
        assert (client_id, int(pid), patient) == ("phr-sandbox", process.pid, ADA)
        assert process.stdout.read() == ""


def test_closing_frees_the_port_also_with_a_connection_open(start: Start) -> None:
    app = start()
    assert app.fhir("metadata").status_code == 200
    port = int(app.origin.rpartition(":")[2])

    began = time.monotonic()
    app.sandbox.close()
    app.sandbox.close()

    assert time.monotonic() - began < 2
    with Sandbox(SandboxConfig(port=port, resources=world())) as again:
        assert again.fhir_base == f"http://127.0.0.1:{port}/fhir"


def test_closing_does_not_wait_for_an_answer_that_is_under_way(start: Start) -> None:
    app = start(faults=("slow",))
    token = app.sandbox.issue_token()
    lost: list[type[Exception]] = []

    def ask() -> None:
        try:
            app.fhir("Observation", token)
        except httpx.HTTPError as error:
            lost.append(type(error))

    asking = threading.Thread(target=ask)
    asking.start()
    while not app.sandbox.requests:
        time.sleep(0.005)
    began = time.monotonic()
    app.sandbox.close()

    assert time.monotonic() - began < 0.15
    asking.join(timeout=5)
    assert len(lost) == 1


def test_a_taken_port_is_a_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"Port {port}"):
            Sandbox(SandboxConfig(port=port, resources=world())).start()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"faults": ("429", "fire")}, "fire"),
        ({"vendor": "acme"}, "vendor"),
        ({"port": 70000}, "port"),
        ({"scale": 0}, "scale"),
        ({"patient": "nobody"}, "nobody"),
        ({"resources": (world()[2],)}, "no Patient"),
        ({"resources": None, "data": (Path("/nowhere/x.json"),)}, r"x\.json"),
    ],
)
def test_settings_that_make_no_sense_are_usage_errors(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        Sandbox(SandboxConfig(**{"resources": world(), **changed})).start()

    assert raised.value.hint


def test_the_unknown_fault_lists_the_known_ones() -> None:
    with pytest.raises(UsageError) as raised:
        SandboxConfig(faults=("fire",)).check()

    assert "broken-resource" in (raised.value.hint or "")


def test_auto_approve_signs_in_the_person_named_or_the_first(start: Start) -> None:
    def patient(app: App) -> str:
        return str(app.token(code=app.code()).json()["patient"])

    assert patient(start()) == ADA
    assert patient(start(patient=BEN)) == BEN


def test_without_auto_approve_a_page_is_shown(start: Start) -> None:
    assert start(auto_approve=False).authorize().status_code == 200
    assert "code" in answer(start().authorize())


def test_without_data_a_synthetic_family_lives_here() -> None:
    pytest.importorskip("phr.sandbox.synthetic", reason="the synthetic family is not built")
    with Sandbox() as sandbox:
        assert len(sandbox.store.of("Patient")) > 1
        assert sandbox.store.count("Observation", sandbox.patient) > 0


def test_no_secret_shows_in_a_repr(app: App) -> None:
    code = app.code()
    tokens = app.token(code=code).json()

    shown = repr(vars(app.sandbox.authorization)) + repr(app.sandbox.store.of("Observation"))

    assert tokens["access_token"] not in shown
    assert tokens["refresh_token"] not in shown
    assert code not in shown
    assert "4548-4" not in shown
