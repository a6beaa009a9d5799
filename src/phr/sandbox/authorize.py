"""Checks an authorization request before anyone sees a page (RFC 6749, section 4.1.1; SMART App Launch 2.2).

What is wrong with the client or its redirect address is told to the person, never sent to that address;
everything else goes back to the app as `error` (RFC 6749, section 4.1.2.1).
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from phr.sandbox import scopes
from phr.sandbox.vendors import VendorHabits

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_LOOPBACK = frozenset(["127.0.0.1", "localhost", "::1"])
_TRANSACTION_SECONDS = 600.0


class PageError(Exception):
    """An error that must not be redirected."""


class RedirectError(Exception):
    """An error that the app is told; `location` is its redirect address with the error in it."""

    def __init__(
        self, redirect_uri: str, error: str, description: str, state: str | None, issuer: str
    ) -> None:
        super().__init__(error)
        answer = {"error": error, "error_description": description, "iss": issuer}
        self.location = with_query(redirect_uri, {**answer, **({"state": state} if state else {})})


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that may go on to sign-in and consent."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str = field(repr=False)
    challenge: str | None = field(repr=False)
    nonce: str | None = field(default=None, repr=False)

    def answer(self, code: str, issuer: str) -> str:
        """The redirect that brings the code; with `iss` (RFC 9207)."""
        return with_query(self.redirect_uri, {"code": code, "state": self.state, "iss": issuer})

    def denied(self, issuer: str) -> str:
        """The redirect that says no."""
        described = "The person did not allow it."
        return RedirectError(self.redirect_uri, "access_denied", described, self.state, issuer).location


def check_request(
    pairs: list[tuple[str, str]], clients: Mapping[str, str | None], habits: VendorHabits, base: str
) -> AuthorizationRequest:
    """The request, if nothing is wrong with it. Raises PageError or RedirectError."""
    params = dict(pairs)
    twice = sorted(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    client_id, redirect_uri = params.get("client_id", ""), params.get("redirect_uri", "")
    if client_id not in clients or "client_id" in twice:
        raise PageError("This app is not registered here (client_id).")
    if "redirect_uri" in twice or not redirect_allowed(redirect_uri, habits):
        raise PageError("The address to go back to is not registered for this app (redirect_uri).")
    state = params.get("state") if "state" not in twice else None

    def refuse(error: str, description: str) -> RedirectError:
        return RedirectError(redirect_uri, error, description, state, base)

    if twice:
        raise refuse("invalid_request", "A parameter is there twice: " + ", ".join(twice))
    if params.get("response_type") != "code":
        raise refuse("unsupported_response_type", "response_type must be code")
    if not state:
        raise refuse("invalid_request", "state is missing")
    if params.get("aud", "").rstrip("/") != base:
        raise refuse("invalid_request", "aud must be the FHIR base of this server")
    challenge = params.get("code_challenge")
    if challenge is None and clients[client_id] is None:
        raise refuse("invalid_request", "code_challenge is missing")
    if challenge is not None and params.get("code_challenge_method") != "S256":
        raise refuse("invalid_request", "code_challenge_method must be S256")
    if challenge is not None and not _CHALLENGE.fullmatch(challenge):
        raise refuse("invalid_request", "code_challenge is not a SHA-256 in base64url")
    granted = scopes.grantable(params.get("scope", ""))
    if not scopes.resource_scopes(granted) and not {"openid", "launch/patient"} & set(granted):
        raise refuse("invalid_scope", "None of the scopes can be granted here")
    return AuthorizationRequest(client_id, redirect_uri, granted, state, challenge, params.get("nonce"))


def redirect_allowed(uri: str, habits: VendorHabits) -> bool:
    """Whether a redirect address may be used: exact match at a vendor, else loopback on any port (RFC 8252, 7.3)."""
    if habits.redirect_uris:
        return uri in habits.redirect_uris
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    # A backslash or a space is read differently by browsers and by urlsplit.
    odd = any(character in uri for character in "\\ \t\r\n") or "@" in parts.netloc or "#" in uri
    return parts.scheme in ("http", "https") and parts.hostname in _LOOPBACK and not odd


def with_query(uri: str, params: Mapping[str, str]) -> str:
    """The address with parameters added; a query that is there already stays."""
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(params)}"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One step of a sign-in that a page is open for."""

    request: AuthorizationRequest
    patient: str | None
    """None until someone has signed in."""
    expires: float


class Transactions:
    """Remembers open pages by a random name that works once, so that nobody can post a form he was not given."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[str, Transaction] = {}

    def open(self, request: AuthorizationRequest, patient: str | None = None) -> str:
        now = self._clock()
        self._open = {name: found for name, found in self._open.items() if found.expires > now}
        name = secrets.token_urlsafe(24)
        self._open[name] = Transaction(request, patient, now + _TRANSACTION_SECONDS)
        return name

    def take(self, name: str, *, signed_in: bool) -> Transaction:
        """The transaction, which is then over. Raises PageError for one that is unknown or at another step."""
        found = self._open.pop(name, None)
        if found is None or found.expires <= self._clock() or (found.patient is not None) != signed_in:
            raise PageError("This page was used before or is too old. Start the sign-in again in your app.")
        return found
