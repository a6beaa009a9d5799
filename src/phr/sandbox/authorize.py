"""Checks an authorization request before anyone sees a page (RFC 6749, section 4.1.1; SMART App Launch 2.2).

What is wrong with the client or its redirect address is told to the person, never sent to that address;
everything else goes back to the app as `error` (RFC 6749, section 4.1.2.1).
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from phr.sandbox import scopes
from phr.sandbox.clients import Clients, RegisteredClient, redirect_allowed
from phr.sandbox.habits import VendorHabits

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_TRANSACTION_SECONDS = 600.0


class PageError(Exception):
    """An error that must not be redirected."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the app is told, and how it gets there."""

    redirect_uri: str
    params: dict[str, str] = field(repr=False)
    by: str
    """`query`, `fragment` or `post`."""

    @property
    def location(self) -> str:
        if self.by == "fragment":
            return f"{self.redirect_uri}#{urlencode(self.params)}"
        return with_query(self.redirect_uri, self.params)


class RedirectError(Exception):
    """An error that the app is told."""

    def __init__(self, error: str, reply: Reply) -> None:
        super().__init__(error)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Rules:
    """What a request is held against."""

    clients: Clients
    habits: VendorHabits
    base: str
    issuer: str
    redirect_uris: tuple[str, ...]
    types: tuple[str, ...]
    """Those that the server holds, for an app whose registration decides."""
    error_page: Callable[[str], str]
    always: str | None = None
    """An error that every request goes back with."""

    def error(self, redirect_uri: str, error: str, description: str, state: str | None) -> Reply:
        """An error for the app (RFC 6749, section 4.1.2.1)."""
        said = {"error": error, "error_description": description}
        if self.habits.error_uri:
            said["error_uri"] = self.error_page(error)
        return self.reply(redirect_uri, said, state)

    def reply(
        self, redirect_uri: str, params: Mapping[str, str], state: str | None, issuer: str | None = None
    ) -> Reply:
        """An answer with `state`, and with `iss` where the vendor sends it (RFC 9207)."""
        said = dict(params)
        if state:
            said["state"] = state
        if self.habits.iss_parameter:
            said["iss"] = issuer or self.issuer
        return Reply(redirect_uri, said, self.habits.answer_by)


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that may go on to sign-in and consent."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str = field(repr=False)
    challenge: str | None = field(repr=False)
    nonce: str | None = field(default=None, repr=False)


def check_request(pairs: list[tuple[str, str]], rules: Rules) -> AuthorizationRequest:
    """The request, if nothing is wrong with it. Raises PageError or RedirectError."""
    habits = rules.habits
    if habits.authorize_query:
        # The address of the endpoint says `aud` already; an app that says the same once more is no liar.
        pairs = list(
            dict.fromkeys((name, value.rstrip("/") if name == "aud" else value) for name, value in pairs)
        )
    params = dict(pairs)
    twice = sorted(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    client, redirect_uri = _client_and_redirect(params, twice, rules)
    state = params.get("state") if "state" not in twice else None

    def refuse(error: str, description: str) -> RedirectError:
        return RedirectError(error, rules.error(redirect_uri, error, description, state))

    if rules.always is not None:
        raise refuse(rules.always, "This is what the server was told to say.")
    if twice:
        raise refuse("invalid_request", "A parameter is there twice: " + ", ".join(twice))
    if params.get("response_type") != "code":
        raise refuse("unsupported_response_type", "response_type must be code")
    if "authorization_code" not in client.grant_types:
        raise refuse("unauthorized_client", "This client is not registered for authorization_code")
    if not state:
        raise refuse("invalid_request", "state is missing")
    if not _aud_fits(params.get("aud", ""), rules):
        raise refuse("invalid_request", "aud must be the FHIR base of this server")
    wrong = _wrong_challenge(params, habits, public=client.public)
    if wrong:
        raise refuse("invalid_request", wrong)
    asked = params.get("scope", "")
    if habits.needs_nonce and "openid" in asked.split() and not params.get("nonce"):
        raise refuse("invalid_request", "nonce is missing")
    granted = _granted(asked, client.scopes, rules)
    if not granted:
        raise refuse("invalid_scope", "None of the scopes can be granted here, or one of them is not known")
    challenge = params.get("code_challenge") if habits.pkce != "ignored" else None
    return AuthorizationRequest(
        params["client_id"], redirect_uri, granted, state, challenge, params.get("nonce")
    )


def _client_and_redirect(
    params: Mapping[str, str], twice: list[str], rules: Rules
) -> tuple[RegisteredClient, str]:
    client, redirect_uri = rules.clients.find(params.get("client_id", "")), params.get("redirect_uri", "")
    if client is None or "client_id" in twice:
        raise PageError("This app is not registered here (client_id).")
    if "redirect_uri" in twice or not redirect_allowed(
        redirect_uri, rules.habits, rules.redirect_uris, client.redirect_uris
    ):
        raise PageError("The address to go back to is not registered for this app (redirect_uri).")
    return client, redirect_uri


def _aud_fits(aud: str, rules: Rules) -> bool:
    if rules.habits.aud_exact:
        return aud == rules.base + ("/" if rules.habits.aud_slash else "")
    return aud.rstrip("/") == rules.base


def _wrong_challenge(params: Mapping[str, str], habits: VendorHabits, *, public: bool) -> str | None:
    """What is wrong with the proof key (RFC 7636, section 4.3), if anything."""
    challenge = params.get("code_challenge")
    if habits.pkce == "ignored":
        return None
    if challenge is None:
        return "code_challenge is missing" if public and habits.pkce == "required" else None
    if params.get("code_challenge_method") != "S256":
        return "code_challenge_method must be S256"
    return None if _CHALLENGE.fullmatch(challenge) else "code_challenge is not a SHA-256 in base64url"


def _granted(asked: str, registered: Iterable[str], rules: Rules) -> tuple[str, ...]:
    """What can be granted; nothing where that would be no sign-in at all, or where the vendor wants exact scopes."""
    habits = rules.habits
    if habits.exact_scopes and not set(asked.split()) <= set(habits.exact_scopes):
        return ()
    granted = scopes.grantable(asked, habits, registered)
    if habits.registered_scopes and not scopes.resource_scopes(granted) and granted:
        known = (name for name in rules.types if name in scopes.KNOWN_TYPES)
        granted += tuple(f"patient/{name}.read" for name in known)
    # Where the vendor drops what it does not grant, the sign-in goes on with what is left.
    enough = {"openid", "launch/patient"} & set(granted) or scopes.resource_scopes(granted)
    return granted if enough else ()


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
