"""Ways to fail on purpose, as real servers have been seen to fail.

FHIR requests only. Each fault hits the first time for each resource type and then heals for the life of the
process; only `broken-resource` stays. Several faults hit one after another, in the order they were named.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from phr.sandbox.problems import OutcomeError, invalid_token

SLOW_SECONDS = 0.2
_AT_ONCE = ("429", "500-once", "503", "expired-token", "truncated", "html-error", "reset")


class Faults:
    """Remembers which fault has hit which resource type."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(dict.fromkeys(names))
        self._hit: set[tuple[str, str]] = set()

    def first(self, type_: str) -> str | None:
        """The fault that spoils this request, or None; the next request of the type meets the next one."""
        return next((name for name in self._names if name in _AT_ONCE and self.hits(name, type_)), None)

    def hits(self, name: str, type_: str) -> bool:
        """Whether a fault was asked for and has not yet hit this type; from now on it has."""
        if name not in self._names or (name, type_) in self._hit:
            return False
        self._hit.add((name, type_))
        return True

    @property
    def breaks_resources(self) -> bool:
        return "broken-resource" in self._names


def instead(fault: str) -> Response | None:
    """The whole answer of a fault that leaves the real answer out; None for one that needs it.

    Raises OutcomeError for those that answer with an OperationOutcome.
    """
    if fault == "429":
        raise OutcomeError(429, "throttled", "Too many requests; try again.", {"Retry-After": "1"})
    if fault == "500-once":
        raise OutcomeError(500, "exception", "Something went wrong in the hospital's server.")
    if fault == "503":
        raise OutcomeError(503, "transient", "The server is being looked after.")
    if fault == "expired-token":
        raise invalid_token("The access token has expired")
    if fault == "html-error":
        page = "<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"
        return Response(page, 502, media_type="text/html")
    return ResetResponse() if fault == "reset" else None


def broken_resource(type_: str) -> bytes:
    """JSON that stands where a resource should be; the shape differs from type to type."""
    shapes = (b'"this is not a resource"', b"42", b'{"id":"broken-1","status":"final"}')
    return shapes[crc32(type_.encode()) % len(shapes)]


def truncated(whole: Response) -> Response:
    """Half of an answer; where there is nothing to halve, none."""
    return TruncatedResponse(whole) if whole.body else ResetResponse()


class TruncatedResponse(Response):
    """The right headers, half of the body, then the end of the connection."""

    def __init__(self, whole: Response) -> None:
        super().__init__(bytes(whole.body), whole.status_code)
        self.raw_headers = list(whole.raw_headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        transport = _transport(scope)
        if transport is not None:
            transport.close()
            await asyncio.sleep(0)


class ResetResponse(Response):
    """No answer at all: the connection is reset (RST), as by a firewall or a crashed worker."""

    def __init__(self) -> None:
        super().__init__(status_code=500)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = _transport(scope)
        if transport is None:
            return
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        # The server must have noticed the loss before this returns, else it tries to answer 500.
        while (await receive())["type"] != "http.disconnect":
            pass


_transports: dict[tuple[Any, ...], asyncio.Transport] = {}


class OpenHandedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which lets a response reach its own connection in order to spoil it."""

    _peer: tuple[Any, ...] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._peer = tuple(transport.get_extra_info("sockname")) + tuple(transport.get_extra_info("peername"))
        _transports[self._peer] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._peer is not None:
            _transports.pop(self._peer, None)
        super().connection_lost(exc)


def _transport(scope: Scope) -> asyncio.Transport | None:
    ends: Iterable[Any] = (*(scope.get("server") or ()), *(scope.get("client") or ()))
    return _transports.get(tuple(ends))
