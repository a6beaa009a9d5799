"""The road to a server: straight, or through the proxy of this network.

HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY are honoured, and what macOS and Windows have set. A server on this very
computer is never asked through a proxy, whatever is set. httpx would choose by itself, but it stumbles over some
spellings of NO_PROXY, reads no address ranges there, and gives https proxies other roots than ours.
"""

from __future__ import annotations

import ipaddress
import ssl
import urllib.request
from contextlib import suppress
from threading import Lock

import httpx

from phr.errors import UsageError
from phr.fhir import network, trust
from phr.fhir.wire_words import causes
from phr.model import LOOPBACK


class Roads(httpx.BaseTransport):
    """Takes each request down its road; a road is opened when it is first needed."""

    def __init__(self, deadline: network.Deadline) -> None:
        self._deadline = deadline
        self._open: dict[tuple[str | None, bool], httpx.HTTPTransport] = {}
        self._chosen: dict[tuple[str, str, int | None], str | None] = {}
        self._opening = Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it on. Raises UsageError for a proxy or an own CA that makes no sense."""
        proxy, road = self._road(request.url)
        try:
            return road.handle_request(request)
        except httpx.ConnectError as error:
            if proxy is None or any(isinstance(cause, ssl.SSLError) for cause in causes(error)):
                raise
            raise httpx.ProxyError("the proxy cannot be reached") from None

    def close(self) -> None:
        for road in self._open.values():
            road.close()

    def _road(self, url: httpx.URL) -> tuple[str | None, httpx.HTTPTransport]:
        aim = (url.scheme, url.host, url.port)
        with self._opening:
            if aim not in self._chosen:
                self._chosen[aim] = proxy_for(*aim)
            proxy = self._chosen[aim]
            kind = (proxy, url.scheme == "https")
            if kind not in self._open:
                self._open[kind] = _opened(*kind, self._deadline)
            return proxy, self._open[kind]


def proxy_for(scheme: str, host: str, port: int | None) -> str | None:
    """The proxy for this server, as the environment or the system says; None: none."""
    if host in LOOPBACK:
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(f"{host}:{port}" if port else host):
        return None
    if urllib.request.proxy_bypass(host) or _in_a_range(host, proxies.get("no", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _in_a_range(host: str, without: str) -> bool:
    """Whether NO_PROXY names this address or a range that holds it, as curl reads it (`10.0.0.0/8`)."""
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        for word in without.replace(" ", ",").split(","):
            with suppress(ValueError):
                if address in ipaddress.ip_network(word.strip("[]"), strict=False):
                    return True
    return False


def _opened(proxy: str | None, secure: bool, deadline: network.Deadline) -> httpx.HTTPTransport:
    # Plain http goes to this computer alone and needs nobody's certificate: a context that trusts nobody is quick.
    trusted = trust.context() if secure or proxy else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        through = None if proxy is None else httpx.Proxy(proxy, ssl_context=_if_https(proxy, trusted))
        road = httpx.HTTPTransport(verify=trusted, proxy=through, trust_env=False)
    except (httpx.InvalidURL, ValueError, ImportError):  # the words of these may hold the proxy's password
        raise UsageError(
            "The proxy that is set for this network cannot be used.",
            hint="Give it as http://HOST:PORT in HTTPS_PROXY; SOCKS proxies are not known here.",
        ) from None
    network.bound(road, deadline)
    return road


def _if_https(proxy: str, trusted: ssl.SSLContext) -> ssl.SSLContext | None:
    return trusted if proxy.lower().startswith("https://") else None
