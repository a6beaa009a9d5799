"""Where the provider sends the browser back, in four ways (RFC 8252 section 7.3; RFC 6749 section 3.1.2).

`loopback`: http to this computer. `https-loopback`: the same behind a certificate made here. `relay`: a static page
on an https host that sends the browser on to this computer. `paste`: the person copies the final address by hand.
Providers compare the address letter by letter, so one that was given is told to them exactly as it was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from phr.errors import UsageError
from phr.fhir.transport import is_safe
from phr.model import LOOPBACK, REDIRECTS, Vendor
from phr.settings import vendor_variable

PASTE_PAGE = "https://phr.invalid/callback"
"""Told to providers that want https when answers are pasted: a name that no server has (RFC 2606 section 2), so that the
code goes nowhere but into the address line."""
RELAY_PORTS = range(1024, 65_536)
RELAY_PATH = "/callback"
"""The relay page knows no other (examples/relay)."""
_SET_RELAY = (
    "Put the page of examples/relay on an https host and name its address: PHR_CONNECT_RELAY, or for one "
    "vendor {variable}. Without one: --redirect paste"
)


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where the provider sends the browser back, and where we wait for it."""

    mode: str = "loopback"
    """One of model.REDIRECTS."""
    host: str = "127.0.0.1"
    port: int = 8765
    path: str = "/callback"
    uri: str | None = None
    """What the provider is told, where it is not made of the three above."""
    certificate: Path | None = None
    """PEM with key, for https-loopback; made when it is needed."""

    @property
    def address(self) -> str:
        """What the provider is told, and what to register there. Port 0 stands for a free one."""
        if self.uri:
            return self.uri
        scheme = "https" if self.mode == "https-loopback" else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}/{self.path.lstrip('/')}"

    @classmethod
    def of(
        cls,
        vendor: Vendor,
        port: int | None = None,
        mode: str | None = None,
        uri: str | None = None,
        certificate: Path | None = None,
    ) -> Redirect:
        """What the person asked for, else what the vendor usually takes.

        A way that the vendor is not known to allow is not refused when it is asked for: the person may know better.
        Raises UsageError for one that cannot work.
        """
        parts = _checked(uri) if uri else None
        if port is not None and not 0 <= port <= 65_535:
            raise UsageError(f"{port} is not a port.", hint="Ports go from 1 to 65535: --port 8765")
        mode = named(mode) if mode else implied(uri) if uri else vendor.redirects[0]
        if mode == "paste":
            return cls(mode, uri=uri or _pasted_address(vendor, port))
        if mode == "relay":
            return _relay(vendor, port, uri)
        scheme = "https" if mode == "https-loopback" else "http"
        certificate = certificate if mode == "https-loopback" else None
        if parts is None:
            # A certificate for a bare address is refused more often than one for a name.
            host = "localhost" if mode == "https-loopback" else vendor.redirect_host
            own = vendor.redirect_port if port is None else port
            return cls(mode, host, own, vendor.redirect_path, certificate=certificate)
        if parts.scheme != scheme or parts.hostname not in LOOPBACK:
            raise UsageError(
                f"The redirect address does not fit --redirect {mode}.",
                hint=f"It has to look like {scheme}://localhost:8765/callback",
            )
        given = parts.port if parts.port is not None else {"http": 80, "https": 443}[scheme]
        own = given if port is None else port
        return cls(
            mode, parts.hostname or "", own, parts.path or "/", uri if own == given else None, certificate
        )


def named(text: str) -> str:
    """A way back as a person writes it. Raises UsageError."""
    wanted = text.strip().lower().replace("_", "-")
    if wanted not in REDIRECTS:
        raise UsageError(
            f"“{text[:40]}” is not a way back from a sign-in.",
            hint=f"Choose one of: {', '.join(REDIRECTS)}",
        )
    return wanted


def implied(uri: str) -> str:
    """The way back that an address means: one on another computer is a relay."""
    parts = urlsplit(uri)
    if parts.hostname in LOOPBACK:
        return "loopback" if parts.scheme == "http" else "https-loopback"
    return "relay"


def _checked(uri: str) -> SplitResult:
    """The parts of a redirect address that may be used at all: https, or http to this computer; no fragment."""
    if not is_safe(uri, loopback=True):
        raise UsageError(
            "The redirect address must begin with https://, or with http:// and name this computer.",
            hint="For example http://127.0.0.1:8765/callback or https://localhost:8765/callback",
        )
    if "#" in uri or not uri.isprintable() or " " in uri:
        raise UsageError(
            "The redirect address may hold neither a # nor blanks (RFC 6749 section 3.1.2).",
            hint="Write it exactly as it is registered with the provider.",
        )
    return urlsplit(uri)


def _pasted_address(vendor: Vendor, port: int | None) -> str:
    """Where nobody listens, so that the browser stops there with the answer in its address line.

    A portal takes the https address, as the recipes say; a server of one's own is told this computer's.
    """
    if vendor.registration == "open" and "loopback" in vendor.redirects:
        return Redirect.of(vendor, port, "loopback").address
    return PASTE_PAGE


def _relay(vendor: Vendor, port: int | None, uri: str | None) -> Redirect:
    if not uri:
        raise UsageError(
            "The sign-in is to come back through a relay page, but there is no address of one.",
            hint=_SET_RELAY.format(variable=vendor_variable(vendor.id, "redirect_uri")),
        )
    own = vendor.redirect_port if port is None else port
    if own and own not in RELAY_PORTS:
        raise UsageError(
            f"A relay page does not send anybody to port {own}.",
            hint="Take one from 1024 to 65535: --port 8765",
        )
    return Redirect("relay", "127.0.0.1", own, RELAY_PATH, uri)
