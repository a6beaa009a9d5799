"""The registered apps: who they are, where they may be sent back to, how they authenticate (RFC 6749, section 2).

A list in memory. Apps that register themselves (RFC 7591) are added here and can be taken out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from phr.sandbox.habits import VendorHabits

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials", JWT_BEARER)
_LOOPBACK = frozenset(["127.0.0.1", "localhost", "::1"])


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """One app, as the server knows it."""

    secret: str | None = field(default=None, repr=False)
    jwks: Mapping[str, Any] | None = None
    """Public keys (RFC 7517) for private_key_jwt."""
    redirect_uris: tuple[str, ...] = ()
    """Empty: what the vendor's rule allows."""
    scopes: tuple[str, ...] = ()
    """Those it was registered with; empty: it may ask for everything."""
    method: str = "auto"
    """One of `none`, `client_secret_basic`, `client_secret_post`, `private_key_jwt`; `auto`: what fits what it has."""
    grant_types: tuple[str, ...] = GRANT_TYPES

    @property
    def public(self) -> bool:
        """It has nothing to show who it is (RFC 6749, section 2.1)."""
        return self.secret is None and self.jwks is None

    def takes(self, method: str) -> bool:
        """Whether it may authenticate like this."""
        if self.method != "auto":
            return method == self.method
        if method == "private_key_jwt":
            return self.jwks is not None
        return self.public if method == "none" else self.secret is not None


class Clients:
    """Client id to app."""

    def __init__(self, known: Mapping[str, RegisteredClient], *, any_client: bool = False) -> None:
        self._known = dict(known)
        self._any = any_client

    def find(self, client_id: str) -> RegisteredClient | None:
        found = self._known.get(client_id)
        return RegisteredClient() if found is None and self._any and client_id else found

    def put(self, client_id: str, client: RegisteredClient) -> None:
        self._known[client_id] = client

    def remove(self, client_id: str) -> None:
        self._known.pop(client_id, None)


def registered(value: RegisteredClient | str | None) -> RegisteredClient:
    """A client from what `SandboxConfig.clients` says: a whole one, a secret, or None for a public one."""
    return value if isinstance(value, RegisteredClient) else RegisteredClient(secret=value)


def redirect_allowed(
    uri: str,
    habits: VendorHabits,
    registered_uris: Iterable[str] = (),
    own: Iterable[str] = (),
) -> bool:
    """Whether a redirect address may be used (RFC 6749, section 3.1.2; RFC 8252, section 7.3).

    `registered_uris` are the server's, `own` those that the app itself was registered with.
    """
    parts = _parts(uri)
    if parts is None:
        return False
    own = tuple(own)
    loopback = parts.scheme in ("http", "https") and parts.hostname in _LOOPBACK
    if own:
        return uri in own or (
            habits.redirects == "loopback" and loopback and _portless(uri) in [_portless(one) for one in own]
        )
    if habits.redirects == "https" and parts.scheme != "https":
        return False
    if habits.redirects == "registered-https" and parts.scheme != "https":
        return False
    if uri in registered_uris:
        return True
    elsewhere = parts.scheme == "https" and bool(parts.hostname) and not loopback
    return {"loopback": loopback, "https": elsewhere, "any": loopback or elsewhere}.get(
        habits.redirects, False
    )


def redirect_registrable(uri: str) -> bool:
    """Whether an app may register it: https, this computer, or a scheme of its own with a dot (RFC 8252, 7.1)."""
    parts = _parts(uri)
    if parts is None:
        return False
    if parts.scheme == "http":
        return parts.hostname in _LOOPBACK
    return bool(parts.hostname) if parts.scheme == "https" else "." in parts.scheme


def _parts(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    # A backslash or a space is read differently by browsers and by urlsplit; a fragment is not allowed at all.
    odd = any(character in uri for character in "\\ \t\r\n") or "@" in parts.netloc or "#" in uri
    return None if odd or not parts.scheme else parts


def _portless(uri: str) -> tuple[str, str | None, str, str]:
    parts = urlsplit(uri)
    return parts.scheme, parts.hostname, parts.path, parts.query
