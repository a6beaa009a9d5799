"""What one exchange may cost in time, and how an answer may be packed.

httpx limits the wait for each read, so a server that sends one byte a minute, a header that never ends, or one
`102 Processing` after another is waited for without end, and a sync that holds its lock with it. Here each
exchange has an end, and whoever stops a run need not wait for it. Compression is taken in one layer only: of
gzip inside gzip (RFC 9110 section 8.4 allows it) some kilobytes fill any memory in a single step.
"""

from __future__ import annotations

import math
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpcore
import httpx

ACCEPT_ENCODING = "gzip, deflate"
PATIENCE = 3.0
"""How many times the wait for one read an exchange may take before its body counts."""
SLOWEST = 50_000
"""Bytes a second by which a body earns itself more time."""
_LOOK = 0.25
"""Seconds between two looks whether the run is to stop."""
_CODINGS = frozenset({"gzip", "x-gzip", "deflate", "identity"})


def is_packed_plainly(content_encoding: str) -> bool:
    """Whether an answer is packed at most once, in a way that was asked for."""
    codings = [coding.strip().lower() for coding in content_encoding.split(",") if coding.strip()]
    return len(codings) <= 1 and _CODINGS.issuperset(codings)


class Deadline(threading.local):
    """When the exchange that this thread is in must have ended; None outside of one."""

    at: float | None = None
    stopping: threading.Event | None = None
    """Once it is set, reading ends too."""

    @contextmanager
    def within(self, seconds: float, stopping: threading.Event | None = None) -> Iterator[None]:
        self.at, self.stopping = time.monotonic() + seconds, stopping
        try:
            yield
        finally:
            self.at = self.stopping = None

    def grow(self, received: int) -> None:
        """Give an answer that comes the time that it needs."""
        if self.at is not None:
            self.at += received / SLOWEST

    def left(self, timeout: float | None) -> float | None:
        """The shorter of `timeout` and what is left. Raises httpcore.ReadTimeout when nothing is."""
        if self.at is None:
            return timeout
        seconds = self.at - time.monotonic()
        if seconds <= 0:
            raise httpcore.ReadTimeout
        return seconds if timeout is None else min(timeout, seconds)

    def read(self, read: Callable[[float | None], bytes], timeout: float | None) -> bytes:
        """Read once, within what is left, and look now and then whether the run is to stop."""
        if self.stopping is None:
            return read(self.left(timeout))
        until = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            if self.stopping.is_set():
                raise httpcore.ReadError
            slice_ = min(_LOOK, self.left(until - time.monotonic()) or 0.0)
            if slice_ <= 0:
                raise httpcore.ReadTimeout
            with suppress(httpcore.ReadTimeout):
                return read(slice_)


def bound(transport: httpx.BaseTransport, deadline: Deadline) -> None:
    """Let every connection that this transport makes, through a proxy or not, keep to the deadline."""
    pool: Any = getattr(transport, "_pool", None)
    if pool is not None:  # a pretend transport has none
        pool._network_backend = _Backend(pool._network_backend, deadline)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._inner.connect_tcp(
            host, port, self._deadline.left(timeout), local_address, socket_options
        )
        return _Stream(stream, self._deadline)

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._deadline.read(lambda seconds: self._inner.read(max_bytes, seconds), timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _Stream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
