"""`probe` against the sandbox, and against servers that have something wrong with them."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from phr.errors import UsageError
from phr.model import Connection, Token
from phr.sandbox.config import SandboxConfig
from phr.sandbox.server import Sandbox
from phr.workspace import Workspace, tokens
from phr.workspace.finding import Finding
from phr.workspace.probe import probe
from phr.workspace.sign_in import ConnectRequest, Speaker


def follow(url: str) -> bool:
    return httpx.get(url, follow_redirects=True, timeout=20).status_code < 500


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    key = tmp_path / "key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    return Workspace({"PHR_HOME": str(tmp_path / "home"), "PHR_KEY_FILE": str(key)})


@pytest.fixture
def hospital() -> Iterator[Callable[..., Sandbox]]:
    with ExitStack() as stack:
        yield lambda **config: stack.enter_context(Sandbox(SandboxConfig(auto_approve=True, **config)))


def connect(here: Workspace, sandbox: Sandbox, **more: Any) -> Connection:
    request = ConnectRequest(
        provider="custom", url=sandbox.fhir_base, client_id=sandbox.client_id, port=0, timeout=20, **more
    )
    return here.connect(request, Speaker(follow, lambda _: None))


def change(here: Workspace, connection: Connection, **more: Any) -> None:
    with here.store() as store:
        store.connections.save(replace(connection, **more))


def found(here: Workspace, *names: str, **more: Any) -> dict[str, Finding]:
    (one,) = probe(here, names, **more)
    return {step.name: step for step in one.findings}


STEPS = "server,clock,metadata,discovery,sign-in page,token address,scopes,sign-in,ends,revocation".split(",")


def test_a_connection_that_is_well_passes_every_step(here: Workspace, hospital: Any) -> None:
    made = connect(here, hospital(), name="clinic")

    steps = found(here)

    assert list(steps) == STEPS
    assert all(step.ok for step in steps.values())
    assert str(made.patient_id) not in repr(steps)
    token = tokens.kept_token(here, made)
    assert token is not None and token.access_token not in repr(steps)


def test_where_nothing_can_be_revoked_the_page_that_ends_the_access_is_named(
    here: Workspace, hospital: Any
) -> None:
    sandbox = hospital(change={"revocation": False, "management": True})
    connect(here, sandbox)

    (step,) = (one for name, one in found(here).items() if name == "revocation")
    assert step.detail.endswith(sandbox.token_endpoint.replace("/token", "/manage"))


def test_a_provider_is_tried_with_the_redirect_address_that_a_sign_in_would_take(
    tmp_path: Path, here: Workspace, hospital: Any
) -> None:
    relay = "https://me.example/back"
    sandbox = hospital(vendor="epic", redirect_uris=(relay,))
    here.paths.providers_file.parent.mkdir(parents=True, exist_ok=True)
    here.paths.providers_file.write_text(
        f'[providers.ward]\nvendor = "epic"\nfhir_base = "{sandbox.fhir_base}"\nclient_id = "phr-sandbox"\n'
    )
    environ = {**here.environ, "PHR_CONNECT_REDIRECT": "relay", "PHR_CONNECT_RELAY": relay}
    assert found(Workspace(environ), "ward")["sign-in page"].ok

    environ["PHR_CONNECT_RELAY"] = "https://another.example/back"
    assert not found(Workspace(environ), "ward")["sign-in page"].ok


def test_one_server_that_is_down_does_not_keep_the_others_from_being_looked_at(
    here: Workspace, hospital: Any
) -> None:
    made = connect(here, hospital(), name="clinic")
    with here.store() as store:
        store.connections.save(replace(made, key="k2", name="down", fhir_base="http://127.0.0.1:1/r4"))

    reports = {one.name: one.findings for one in probe(here)}

    assert [step.name for step in reports["down"]] == ["server"] and not reports["down"][0].ok
    assert all(step.ok for step in reports["clinic"])
    assert [one.name for one in probe(here, ["clinic"])] == ["clinic"]


@pytest.mark.parametrize(
    ("seconds", "ok", "words"),
    [(0, True, "agree"), (90, True, "90 seconds ahead"), (-120, True, "120 seconds behind"), (400, False, "400 seconds")],
)  # fmt: skip
def test_a_clock_that_is_wrong_is_told(
    here: Workspace, hospital: Any, seconds: float, ok: bool, words: str
) -> None:
    connect(here, hospital())

    step = found(here, now=lambda: time.time() + seconds)["clock"]

    assert step.ok is ok and re.search(re.sub(r"\d+", r"\\d+", words), step.detail)
    told = [int(number) for number in re.findall(r"\d+", step.detail)]
    assert all(abs(number - abs(seconds)) <= 10 for number in told)  # a busy machine answers late
    assert bool(step.mend) is (seconds != 0)


def test_a_client_id_that_the_provider_does_not_know_is_found(here: Workspace, hospital: Any) -> None:
    made = connect(here, hospital(), name="clinic")
    change(here, made, client_id="not-registered")

    step = found(here)["sign-in page"]

    assert not step.ok and "phr providers show" in str(step.mend)


def test_a_redirect_address_that_is_not_registered_is_found(here: Workspace, hospital: Any) -> None:
    made = connect(here, hospital(), name="clinic")
    change(here, made, redirect_uri="https://elsewhere.example.org/callback")

    assert not found(here)["sign-in page"].ok


def test_a_token_that_is_dead_asks_for_a_new_sign_in(here: Workspace, hospital: Any) -> None:
    made = connect(here, hospital(), name="clinic")
    tokens.keep(here.vault.secrets, made, Token("dead", time.time() + 999, None, refresh_token="dead-too"))

    step = found(here)["sign-in"]

    assert not step.ok and step.mend == "Sign in again: phr reconnect clinic"
    assert "dead" not in step.detail


def test_a_sign_in_that_is_not_in_the_vault_is_found(here: Workspace, hospital: Any) -> None:
    made = connect(here, hospital(), name="clinic")
    tokens.forget(here.vault.secrets, made.key)

    assert not found(here)["sign-in"].ok


def test_the_end_of_a_sign_in_is_told_and_warned_of(here: Workspace, hospital: Any) -> None:
    made = connect(here, hospital(), name="clinic")
    token = tokens.kept_token(here, made)
    assert token is not None
    tokens.keep(here.vault.secrets, made, replace(token, refresh_ends_at=time.time() + 5 * 86_400))
    assert found(here)["ends"].mend == "phr reconnect clinic"
    tokens.keep(here.vault.secrets, made, replace(token, refresh_ends_at=time.time() - 5))
    assert not found(here)["ends"].ok


@pytest.mark.parametrize(
    ("granted", "ok", "words"),
    [
        (("patient/*.read", "launch/patient"), True, "openid"),
        ((), True, "did not say"),
        (("openid", "fhirUser", "offline_access"), False, "Nothing of the record"),
        (("openid", "fhirUser", "offline_access", "patient/Goal.rs"), True, "All"),
    ],
)
def test_what_is_granted_is_compared_by_meaning(
    here: Workspace, hospital: Any, granted: tuple[str, ...], ok: bool, words: str
) -> None:
    made = connect(here, hospital(), name="clinic")
    asked = ("openid", "fhirUser", "launch/patient", "offline_access", "patient/*.rs")
    change(here, made, granted_scopes=granted, requested_scopes=asked)

    step = found(here)["scopes"]

    assert step.ok is ok and words in step.detail and "launch" not in step.detail


def test_a_provider_is_looked_at_before_anybody_connects(
    here: Workspace, hospital: Any, tmp_path: Path
) -> None:
    sandbox = hospital()
    here.paths.config.mkdir(parents=True)
    (here.paths.providers_file).write_text(
        f'[providers.mine]\nvendor = "custom"\nname = "Mine"\nfhir_base = "{sandbox.fhir_base}"\n'
        f'client_id = "{sandbox.client_id}"\n'
    )
    steps = found(Workspace(here.environ), "mine")
    assert list(steps) == STEPS[:6] and all(step.ok for step in steps.values())


def test_nobody_connected_and_names_nobody_has(here: Workspace) -> None:
    assert probe(here) == []
    with pytest.raises(UsageError):
        probe(here, ["no-such-hospital"])
    with pytest.raises(UsageError, match="many organisations"):
        probe(here, ["epic"])


# ── servers with something wrong ──────────────────────────────────────────────────────────────────


@contextmanager
def server(answers: dict[str, tuple[int, Any]]) -> Iterator[str]:
    """A server that answers each path with a status and JSON; everything else with 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path.partition("?")[0], (404, "<html>"))
            raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args: object) -> None: ...

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{running.server_address[1]}/r4"
    running.shutdown()
    running.server_close()
    thread.join()


STATEMENT = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": []}


@pytest.mark.parametrize(
    ("answers", "step", "words"),
    [
        ({}, "metadata", "no FHIR server"),
        ({"/r4/metadata": (200, {**STATEMENT, "fhirVersion": "1.0.2"})}, "metadata", "FHIR 1.0.2"),
        ({"/r4/metadata": (200, STATEMENT)}, "discovery", "no sign-in"),
        ({"/r4/metadata": (503, "busy")}, "metadata", "status 503"),
    ],
)
def test_what_is_wrong_with_a_server_is_found(
    here: Workspace, answers: dict[str, tuple[int, Any]], step: str, words: str
) -> None:
    with server(answers) as base:
        one = Connection("k", "clinic", "custom", "custom", "Clinic", base, "app", patient_id="pat-77")
        with here.store(create=True) as store:
            store.connections.save(one)
        steps = found(here)
    assert not steps[step].ok and words in steps[step].detail and steps[step].mend
    assert not steps["sign-in"].ok


@pytest.mark.parametrize(
    ("status", "ok"), [(200, True), (403, False), (404, True), (500, False), (401, False)]
)
def test_an_open_server_is_asked_for_one_patient_whose_id_is_not_told(
    here: Workspace, status: int, ok: bool
) -> None:
    body = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": "Patient/pat-77 of Jane"}]}
    answers = {"/r4/metadata": (200, STATEMENT), "/r4/Patient/pat-77": (status, body)}
    with server(answers) as base:
        one = Connection("k", "clinic", "custom", "custom", "C", base, "", patient_id="pat-77", auth="none")
        with here.store(create=True) as store:
            store.connections.save(one)
        steps = found(here)
    assert list(steps) == ["server", "clock", "metadata", "sign-in"]
    assert steps["sign-in"].ok is ok
    assert "pat-77" not in repr(steps) and "Jane" not in repr(steps)
