"""Putting a request to the sign-in server, however often it takes (RFC 6749 sections 2.3, 3.2, 5.2).

Redirects of these posts are never followed. A refusal that is about how we showed who we are is answered by
showing it another way, each way once: by the server's clock, with the former keys, in the other place. What may
have been done already is never asked twice: a code or a rotating refresh token that comes a second time ends the
sign-in for good (RFC 6749 section 4.1.2, RFC 9700 section 4.14).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit, urlunsplit

from phr.errors import SignInError, Unreachable
from phr.fhir import retry
from phr.fhir.links import same_origin
from phr.fhir.transport import Answer, Wire, host_of, is_safe
from phr.model import SmartConfiguration
from phr.smart.answer import error_of, server_time
from phr.smart.client import SECRET_METHODS, Client, Way, method_of

if TYPE_CHECKING:
    from phr.fhir.transport import BaseTransport

SKEW = 5.0
"""Seconds of difference between two clocks that an assertion survives without help."""
_MOST_SKEW = 25 * 3600.0
"""A day with the wrong zone on top is believed. A clock further off is not to date our assertions far ahead."""
_LIMIT = 1_000_000
_REPEATS = 2
_PATIENCE = 30.0
"""Seconds waited in all for a server that says "later"; others may be waiting for this one."""
_QUICK = 5.0
"""Seconds within which a failed connection was no time-out."""
_IN_BODY = frozenset({"client_secret", "client_assertion", "client_assertion_type"})
"""Never in an address (RFC 6749 section 2.3.1)."""


@dataclass(frozen=True, slots=True)
class Call:
    """One thing asked of the sign-in server."""

    configuration: SmartConfiguration
    client: Client
    form: Mapping[str, str] = field(repr=False)
    now: float
    url: str | None = None
    """None: the token endpoint."""
    signed: bool = False
    """The grant itself is an assertion of ours (RFC 7523 section 2.1): made anew for each try."""
    repeatable: bool = False
    """Asking twice does no harm, so a broken connection may be tried again."""
    transport: BaseTransport | None = field(default=None, repr=False)
    timeout: float = 60.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def answer(self) -> Answer:
        """The answer, good or not, to the last way that was tried; of equal refusals the first, which fits best.

        Raises Unreachable, SignInError for a redirect and for an address that no secret may be sent to.
        """
        url = self.url or self.configuration.token_endpoint
        if not is_safe(url, loopback=True):
            raise SignInError("The provider's sign-in server has no https address.")
        began = time.monotonic()
        method = "public" if self.signed else method_of(self.client, self.configuration)
        way = Way(method, next(audiences(self.configuration, url)))
        tried = {way}
        first: Answer | None = None
        with Wire(url, transport=self.transport, timeout=self.timeout) as wire:
            while True:
                now = self.now + time.monotonic() - began
                answer = self._patiently(wire, url, way, now)
                other = self._another(way, url, answer, now)
                first = first or answer
                if other is None or other in tried:
                    alike = answer.status >= 400 and error_of(first) == error_of(answer)
                    return first if alike else answer
                tried.add(other)
                way = other

    def _patiently(self, wire: Wire, url: str, way: Way, now: float) -> Answer:
        """One way, put again after a short pause where the server asks for one or nothing can have happened."""
        waited = 0.0
        for attempt in range(_REPEATS + 1):
            began = time.monotonic()
            try:
                answer = self._send(wire, url, way, now + waited)
            except Unreachable:
                quick = time.monotonic() - began < _QUICK
                if not (self.repeatable and quick) or attempt == _REPEATS:
                    raise
                pause = 0.5 * 2.0**attempt
            else:
                asked = retry.retry_after(answer.headers, now) if answer.status in (429, 503) else None
                if asked is None or attempt == _REPEATS or waited + asked > _PATIENCE:
                    return answer
                pause = max(asked, 0.2)
            self.sleep(pause)
            waited += pause
        raise AssertionError

    def _send(self, wire: Wire, url: str, way: Way, now: float) -> Answer:
        form = dict(self.form) | way.parameters(self.client, self.configuration, now)
        if self.signed:
            form["assertion"] = way.assertion(self.client, self.configuration, now)
        headers = {"Accept": "application/json"} | way.headers(self.client)
        if way.in_query:
            url, form = _in_query(url, form)
        answer = wire.send("POST", url, headers, form=form, limit=_LIMIT)
        if 300 <= answer.status < 400:
            raise SignInError(
                f"{host_of(url)} sends the sign-in on to another address; secrets do not follow.",
                hint="Check the provider's address.",
            )
        return answer

    def _another(self, way: Way, url: str, answer: Answer, now: float) -> Way | None:
        """What to try next after this answer; None when there is nothing to gain."""
        error = error_of(answer)
        doubted = error == "invalid_client" or (self.signed and error == "invalid_grant")
        if self.signed or way.method == "private_key_jwt":
            skew = _skew(answer, now)
            if (doubted or error == "invalid_request") and way.skew == 0.0 and abs(skew) > SKEW:
                return replace(way, skew=skew)
            if doubted and not way.former and self.client.keys is not None and self.client.keys.has_former:
                return replace(way, former=True)
        if error == "invalid_client":
            if way.method == "private_key_jwt":
                return _next_audience(way, self.configuration, url)
            if self.client.method == "auto" and way.method in SECRET_METHODS:
                basic, post = SECRET_METHODS
                return replace(way, method=post if way.method == basic else basic)
        unread = error is None and answer.status == 400
        if (unread or error in ("invalid_request", "unsupported_grant_type")) and self.client.token_in_query:
            return replace(way, in_query=True)
        return None


def audiences(configuration: SmartConfiguration, url: str) -> Iterator[str]:
    """For whom an assertion sent to `url` may be, the likeliest first.

    RFC 7523 section 3 names the token endpoint, servers also want the address itself or, lately, their issuer. A
    name on another origin than where it is sent is never used: the receiver could pass the assertion on there.
    """
    token = configuration.token_endpoint
    if same_origin(token, url):
        yield token
    if url != token:
        yield url
    issuer = configuration.issuer
    if issuer and issuer not in (token, url) and same_origin(issuer, url):
        yield issuer


def _next_audience(way: Way, configuration: SmartConfiguration, url: str) -> Way | None:
    rest = list(audiences(configuration, url))
    later = rest[rest.index(way.audience) + 1 :]
    return replace(way, audience=later[0], former=False) if later else None


def _skew(answer: Answer, now: float) -> float:
    shown = server_time(answer)
    return shown - now if shown is not None and abs(shown - now) <= _MOST_SKEW else 0.0


def _in_query(url: str, form: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The same parameters in the address; what proves who we are stays in the body."""
    parts = urlsplit(url)
    said = urlencode({name: value for name, value in form.items() if name not in _IN_BODY})
    query = f"{parts.query}&{said}" if parts.query else said
    kept = {name: value for name, value in form.items() if name in _IN_BODY}
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, "")), kept
