"""The one place that imports httpx and moves bytes: every request of `fhir` and `smart` passes here.

Why one place: httpx logs every URL at INFO (patient ids and search terms stand in its query) and httpcore
logs headers at DEBUG. Both are silenced here, whatever the level of the root logger, so that no new caller
can forget it. Redirects are never followed here: whoever holds a bearer decides where it may go.
Whom to trust is `trust`'s business, proxies are that of `roads`. Failures become `Unreachable` in words that hold
neither the address's path nor its query, nor anything of a proxy's address.
"""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Protocol
from urllib.parse import urlsplit

import httpx
from httpx import BaseTransport as BaseTransport

from phr.errors import Refused
from phr.fhir import network, wire_words
from phr.fhir.roads import Roads
from phr.model import LOOPBACK

BODY_LIMIT = 64_000_000
"""Bytes of one answer that is read as a whole, such as a page; documents and exported files have limits of their own."""
_BEGINNING = 512
_REFUSAL = 1_000_000
USER_AGENT = "phr"
_CHATTY = (
    "httpx",
    "httpcore",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)


def _important(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def quiet_logging() -> None:
    """Let no request line and no header of httpx or httpcore reach any log, even with DEBUG everywhere."""
    for name in _CHATTY:
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        if _important not in logger.filters:
            logger.addFilter(_important)


quiet_logging()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. Header names are lower case; the repr shows neither headers nor body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    certificate_ends: float | None = field(default=None, repr=False)
    """When the server's certificate ends, in seconds since the epoch; None without TLS."""
    url: str = field(default="", repr=False)
    """Whose answer this is, after any redirects."""

    @property
    def media_type(self) -> str:
        """Without parameters, lower case; empty if the server named none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def looks_like_html(self) -> bool:
        """A web page where JSON was asked for. The label lies in both directions, so look inside."""
        start = self.body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        return start.startswith((b"<!doctype html", b"<html")) or (
            "html" in self.media_type and not start.startswith((b"{", b"["))
        )

    @property
    def phrase(self) -> str:
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return "unknown status"


class Sink(Protocol):
    """Where a body may be written to, a file for one."""

    def write(self, content: bytes, /) -> int: ...


def host_of(url: str) -> str:
    """The host alone, for messages: paths may hold tenant or patient ids."""
    try:
        return urlsplit(url).hostname or "the server"
    except ValueError:
        return "the server"


def is_loopback(url: str) -> bool:
    return host_of(url) in LOOPBACK


def is_safe(url: str, *, loopback: bool) -> bool:
    """Whether secrets may travel to this URL: https, or plain http to this very computer if `loopback`."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or "\\" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and loopback and parts.hostname in LOOPBACK)


class Wire:
    """A thin synchronous HTTP client; safe to share between threads.

    TLS 1.2 or later with the certificate checked, also on this computer. Servers on this computer are never asked
    through a proxy.
    """

    def __init__(self, url: str, *, transport: BaseTransport | None = None, timeout: float = 60.0) -> None:
        """`url` is whom this Wire is mainly for; `transport` stands in for the network in tests."""
        self._timeout = timeout
        self._deadline = network.Deadline()
        if transport is not None:
            network.bound(transport, self._deadline)
        self._client = httpx.Client(
            transport=transport or Roads(self._deadline),
            timeout=httpx.Timeout(timeout, connect=min(timeout, 20.0)),
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": network.ACCEPT_ENCODING},
        )

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        form: Mapping[str, str] | None = None,
        json: bytes | None = None,
        limit: int = BODY_LIMIT,
        into: Sink | None = None,
        stopping: threading.Event | None = None,
    ) -> Answer:
        """One request, one answer, at most `limit` bytes of body after decompression.

        With `into`, the body is written there as it comes, and only its beginning is kept in the answer; what
        comes with a failing status is not what was asked for, and only its beginning is kept too.

        Once `stopping` is set, an answer that does not come is no longer waited for.

        `form` is sent as application/x-www-form-urlencoded, `json` as application/json unless `headers` say
        otherwise, byte for byte. However slowly the bytes come, an exchange has an end (see `network`). Raises
        Unreachable when nothing or half an answer came, Untrusted when the server's certificate is not to be
        trusted, Refused when the body is too large, UsageError when a proxy or an own CA is set that cannot be
        used.
        """
        sent = dict(headers)
        if json is not None and not any(name.lower() == "content-type" for name in sent):
            sent.setdefault("Content-Type", "application/json")
        try:
            request = self._client.build_request(
                method, url, headers=sent, data=None if form is None else dict(form), content=json
            )
            with self._deadline.within(self._timeout * network.PATIENCE, stopping):
                return self._send(request, host_of(url), limit, into)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError):
            raise Refused("The address of the server makes no sense.") from None
        except (httpx.HTTPError, httpx.StreamError, ssl.SSLError, OSError) as error:
            raise wire_words.unreachable(error, host_of(url)) from None
        finally:
            # Servers set session cookies; two people's sign-ins must never share one.
            self._client.cookies.clear()

    def _send(self, request: httpx.Request, host: str, limit: int, into: Sink | None) -> Answer:
        response = self._client.send(request, stream=True)
        try:
            if not network.is_packed_plainly(response.headers.get("content-encoding", "")):
                raise httpx.DecodingError("packed in a way that was not asked for")
            ends = _certificate_ends(response)
            chunks, size = [], 0
            for chunk in response.iter_bytes():
                size += len(chunk)
                self._deadline.grow(len(chunk))
                if size > limit:
                    raise Refused(
                        f"{host} sent more than {limit // 1_000_000} MB at once; it was left out.",
                        http_status=response.status_code,
                    )
                if into is None:
                    chunks.append(chunk)
                elif response.is_success:
                    into.write(chunk)
                    chunks = [b"".join(chunks)[:_BEGINNING] + chunk[:_BEGINNING]]
                elif size <= _REFUSAL:
                    chunks.append(chunk)
            body = b"".join(chunks)
            return Answer(response.status_code, dict(response.headers.items()), body, ends, str(request.url))
        finally:
            response.close()

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _certificate_ends(response: httpx.Response) -> float | None:
    stream = response.extensions.get("network_stream")
    secured = stream.get_extra_info("ssl_object") if stream is not None else None
    shown = secured.getpeercert() if secured is not None else None
    try:
        return float(ssl.cert_time_to_seconds(str(shown["notAfter"]))) if shown else None
    except (KeyError, ValueError):  # a date beyond what C can count
        return None
