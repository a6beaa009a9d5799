"""Runs the pretend hospital on 127.0.0.1: in the foreground for `phr sandbox`, in a thread for demo and tests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from types import FrameType, TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from phr.errors import UsageError
from phr.sandbox import (
    bulk_api,
    changes,
    control,
    discovery,
    fhir_api,
    pages,
    registration_endpoint,
    token_care,
    token_endpoint,
)
from phr.sandbox.config import TOKEN_FAULTS, SandboxConfig
from phr.sandbox.faults import OpenHandedProtocol
from phr.sandbox.grants import Grant
from phr.sandbox.hospital import Hospital, open_hospital
from phr.sandbox.ledger import Gatekeeper, Ledger
from phr.sandbox.links import OTHER_CASE
from phr.sandbox.oauth import AuthorizationServer
from phr.sandbox.problems import OutcomeError
from phr.sandbox.resources import ResourceStore, Stored

_START_SECONDS = 10.0


def build_app(config: SandboxConfig, clock: Callable[[], float] = time.time) -> Starlette:
    """The ASGI application; its FHIR base is `http://127.0.0.1:{config.port}/fhir`. Raises UsageError."""
    hospital = open_hospital(config, f"http://127.0.0.1:{config.port}/fhir", clock)
    habits = hospital.habits
    fhir = [*discovery.routes(habits), *bulk_api.routes(), *fhir_api.routes()]
    app = Starlette(
        routes=[
            *pages.routes(habits),
            *token_endpoint.routes(habits),
            *token_care.routes(habits),
            *registration_endpoint.routes(habits),
            *discovery.root_routes(habits),
            *control.routes(config.control),
            *bulk_api.root_routes(),
            *fhir_api.root_routes(),
            *fhir_api.base_routes(),
            Mount("/fhir", routes=fhir),
            Mount(OTHER_CASE, routes=fhir),
        ],
        exception_handlers={HTTPException: _http_error},
    )
    app.state.hospital = hospital
    app.add_middleware(Gatekeeper, ledger=hospital.ledger, clock=clock, habits=lambda: hospital.habits)
    app.add_middleware(_OwnHostOnly)
    return app


def serve_forever(config: SandboxConfig, announce: Callable[[str, str, int, str], None]) -> None:
    """Serve until SIGTERM, which returns at once, or SIGINT, which raises KeyboardInterrupt.

    `announce` gets FHIR base, client id, process id and who signs in once the server listens. Raises UsageError.
    """
    with _listening(config) as (sock, bound):
        app = build_app(bound)
        hospital: Hospital = app.state.hospital
        server = _Server(
            app, lambda: announce(hospital.base, config.client_id, os.getpid(), hospital.main_patient)
        )
        with _signals(server) as received:
            asyncio.run(server.serve(sockets=[sock]))
        if signal.SIGINT in received:
            raise KeyboardInterrupt


class Sandbox:
    """The sandbox in a thread of this process, as a context manager.

    ``with Sandbox(SandboxConfig(auto_approve=True)) as sandbox: … sandbox.fhir_base …``
    """

    def __init__(
        self, config: SandboxConfig | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._config = config or SandboxConfig()
        self._clock = clock
        self._ahead = 0.0
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Load the data and listen; returns when requests are answered. Raises UsageError."""
        with contextlib.ExitStack() as stack:
            sock, bound = stack.enter_context(_listening(self._config))
            app = build_app(bound, lambda: self._clock() + self._ahead)
            self._hospital: Hospital = app.state.hospital
            started = threading.Event()
            server = _Server(app, started.set)
            thread = threading.Thread(target=server.run_on, args=(sock,), name="phr-sandbox", daemon=True)
            thread.start()
            stack.callback(thread.join, timeout=5)
            stack.callback(server.stop)
            if not started.wait(_START_SECONDS):
                raise UsageError("The sandbox did not start in time.", hint="Try again.")
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Stop at once and free the port; closing twice is fine."""
        self._stack.close()

    @property
    def fhir_base(self) -> str:
        return self._hospital.base

    @property
    def client_id(self) -> str:
        return self._config.client_id

    @property
    def patient(self) -> str:
        """Id of the Patient who signs in under `auto_approve`."""
        return self._hospital.main_patient

    @property
    def store(self) -> ResourceStore:
        return self._hospital.store

    @property
    def authorization(self) -> AuthorizationServer:
        """For tests that let tokens expire or revoke them behind the client's back."""
        return self._hospital.authorization

    @property
    def requests(self) -> list[tuple[str, str, int]]:
        """Every request that came: method, path without query, status (0: no answer)."""
        return self._hospital.ledger.requests

    @property
    def ledger(self) -> Ledger:
        """The same counted: by type and status, the most in two seconds, in a minute, at once."""
        return self._hospital.ledger

    def put(self, resource: Mapping[str, Any] | bytes, *, noticed: bool = True) -> Stored:
        """Create or change a resource; a dict gets a new version and time unless its `meta` brings new ones.

        `noticed=False`: searches by `_lastUpdated` do not see the change.
        """
        return changes.put(self._hospital, resource, noticed=noticed)

    def delete(self, address: str) -> None:
        """Delete `Type/id`: gone from searches, 410 when it is read."""
        changes.delete(self._hospital, address)

    def hide(self, address: str, *, readable: bool = False) -> None:
        """Leave `Type/id` out of searches; reads are answered as before or with 404."""
        changes.hide(self._hospital, address, readable=readable)

    def show(self, address: str) -> None:
        """Take back `hide`."""
        changes.show(self._hospital, address)

    def merge(self, address: str, into: str) -> None:
        """Let another resource take the place of `address`: reads are redirected, references and sign-ins follow."""
        changes.merge(self._hospital, address, into)

    def change(self, **habits: Any) -> None:
        """Let the hospital have other habits of records (see `record_habits`) from now on."""
        changes.change(self._hospital, habits)

    @property
    def time(self) -> float:
        """What the sandbox's clock shows."""
        return self._clock() + self._ahead

    def issue_token(self, scope: str = "patient/*.rs", patient: str | None = None) -> str:
        """An access token without the dance of signing in, for tests of the FHIR side; `system/` sees everybody."""
        whose = patient or (None if "system/" in scope else self.patient)
        grant = Grant(self.client_id, whose, tuple(scope.split()))
        return self.authorization.issue(grant).access_token

    def advance(self, seconds: float) -> None:
        """Let the sandbox's clock run ahead: tokens grow old without anybody waiting."""
        self._ahead += seconds

    def trouble_tokens(self, *names: str) -> None:
        """Let the token endpoint fail like this, each once, from the next request on (see TOKEN_FAULTS)."""
        unknown = set(names) - set(TOKEN_FAULTS)
        if unknown:
            raise ValueError("unknown token faults: " + ", ".join(sorted(unknown)))
        self._hospital.token_faults.add(names)

    @property
    def token_endpoint(self) -> str:
        return self._hospital.endpoint("token")


class _Server(uvicorn.Server):
    """uvicorn, quiet, that says when it listens and stops without waiting for open connections."""

    _loop: asyncio.AbstractEventLoop
    _ending: asyncio.Event

    def __init__(self, app: ASGIApp, started: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=OpenHandedProtocol,
                ws="none",
                lifespan="off",
                loop="asyncio",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                timeout_keep_alive=30,
            )
        )
        self._when_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets=sockets)
        self._when_started()

    async def main_loop(self) -> None:
        while not self.should_exit:
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), timeout=1.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for sock in sockets or ():
            sock.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    def stop(self) -> None:
        """End at once; may be called from another thread or from a signal handler."""
        self.should_exit = True
        with contextlib.suppress(RuntimeError, AttributeError):  # not started yet, or ended already
            self._loop.call_soon_threadsafe(self._ending.set)

    def run_on(self, sock: socket.socket) -> None:
        asyncio.run(self.serve(sockets=[sock]))


@contextlib.contextmanager
def _listening(config: SandboxConfig) -> Iterator[tuple[socket.socket, SandboxConfig]]:
    """A bound socket, and the configuration with the port it got."""
    config.check()
    # asyncio turns Nagle's algorithm off only where the protocol is named; else each answer waits 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", config.port))
        except OSError as error:
            raise UsageError(
                f"Port {config.port} cannot be used.", hint="Use another one, or --port 0 for a free one."
            ) from error
        yield sock, replace(config, port=sock.getsockname()[1])


@contextlib.contextmanager
def _signals(server: _Server) -> Iterator[list[int]]:
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        server.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _OwnHostOnly:
    """Refuses other host names, so that no web page can reach the sandbox by DNS rebinding."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"host"]
        if scope["type"] == "http" and (len(hosts) != 1 or _PORT.sub("", hosts[0]) not in _OWN_NAMES):
            await PlainTextResponse("Not this host.", 421)(scope, receive, send)
            return
        await self._app(scope, receive, send)


_PORT = re.compile(r":\d+$")
_OWN_NAMES = frozenset(["127.0.0.1", "localhost", "[::1]"])


async def _http_error(request: Request, error: Exception) -> Response:
    """404 and 405: an OperationOutcome under the FHIR base, plain text elsewhere."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if not request.url.path.startswith("/fhir"):
        return PlainTextResponse("Nothing here.", status, headers)
    code = "not-supported" if status == 405 else "not-found"
    return OutcomeError(status, code, "This server does not answer that.", headers).response()
