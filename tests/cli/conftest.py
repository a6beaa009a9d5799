"""A small record with a connection and a file, and `phr` run in this process or in one of its own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from phr.cli.app import run
from phr.model import Connection, Received
from phr.workspace import Workspace


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        """The one JSON document on stdout."""
        assert self.out.count("\n") == 1, "exactly one document"
        return orjson.loads(self.out)


Phr = Callable[..., Answer]


@pytest.fixture(autouse=True)
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "test.key"
    path.write_bytes(bytes(range(32)))
    path.chmod(0o600)
    monkeypatch.setenv("PHR_KEY_FILE", str(path))
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def phr(capsys: pytest.CaptureFixture[str]) -> Phr:
    """Run one command line in this process."""

    def call(*words: str) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run(words)
        said = capsys.readouterr()
        return Answer(int(ended.value.code or 0), said.out, said.err)

    return call


@pytest.fixture
def process(tmp_path: Path) -> Phr:
    """Run one command line in a process of its own."""

    def call(*words: str, stdin: str = "", **environ: str) -> Answer:
        done = subprocess.run(
            [sys.executable, "-m", "phr", *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env={**os.environ, **environ},
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def on_a_terminal(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run a command with all its streams on a terminal, typing these lines: exit status and what was seen."""

    def call(
        *words: str, typed: str = "", columns: int = 80, term: str = "xterm-256color"
    ) -> tuple[int, str]:
        mine, theirs = pty.openpty()
        environ = {**os.environ, "TERM": term, "COLUMNS": str(columns), "PYTHONUTF8": "1"}
        environ.pop("TERMINAL_WIDTH", None)
        streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        child = subprocess.Popen(
            [sys.executable, "-m", "phr", *words],
            env=environ,
            cwd=tmp_path,
            start_new_session=True,
            **streams,
        )
        os.close(theirs)
        waiting = typed.splitlines(keepends=True)
        seen = b""
        while True:
            try:
                portion = os.read(mine, 65536)
            except OSError:  # Linux says so when the last writer has gone
                break
            if not portion:
                break
            seen += portion
            # A prompt is the only thing that leaves the cursor behind a colon.
            if waiting and seen.endswith(b": "):
                os.write(mine, waiting.pop(0).encode())
        os.close(mine)
        return child.wait(timeout=30), seen.decode()

    return call


def observation(id_: str, when: str | None, text: str, **more: object) -> Received:
    body = {"resourceType": "Observation", "id": id_, "status": "final", "code": {"text": text}, **more}
    laboratory = {
        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
        "code": "laboratory",
    }
    body["category"] = [{"coding": [laboratory]}]
    if when:
        body["effectiveDateTime"] = when
    return Received("Observation", id_, orjson.dumps(body))


RAW = b'{"resourceType" : "Condition","id":"c1", "code":{"text":"Asthma"},"onsetDateTime":"2015","x":1.20}'
EVIL = "Glucose\x1b]0;owned\x07\x1b[2J\u202eesrever"
CLINIC = Connection(
    key="k1",
    name="clinic",
    provider="custom",
    vendor="custom",
    organisation="Harrow Clinic",
    fhir_base="http://127.0.0.1:9/fhir",
    client_id="app",
    patient_id="p1",
    granted_scopes=("patient/*.rs",),
    connected="2026-01-01T00:00:00Z",
)


@pytest.fixture
def record() -> Workspace:
    """Six records of one person: from a connection, and one of them from a file too."""
    here = Workspace(os.environ)
    quantity = {"value": 9.1, "unit": "mmol/L"}
    high = [{"high": {"value": 5.6, "unit": "mmol/L"}}]
    received = [
        Received("Patient", "p1", b'{"resourceType":"Patient","id":"p1","name":[{"text":"Ada Example"}]}'),
        observation("o1", "2024-03-12T08:30:00-05:00", EVIL, valueQuantity=quantity, referenceRange=high),
        observation("o2", "2024-03-12", "Sodium", valueQuantity={"value": 140, "unit": "mmol/L"}),
        observation("o3", "2023-11", "=HYPERLINK(1)"),
        observation("o4", None, "Potassium"),
        Received("Condition", "c1", RAW),
    ]
    with here.store(create=True) as store:
        store.connections.save(CLINIC)
        store.save(CLINIC.key, received)
        store.save(store.sources.ensure("old-file").key, [observation("f1", "2020-02-01", "Ferritin")])
        store.audit.note("import", "old-file")
    return here
