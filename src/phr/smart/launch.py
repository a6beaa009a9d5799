"""Signing in: SMART App Launch 2.2 standalone launch for a native app (section 3; RFC 8252, RFC 7636).

The whole dance in order: listen, send the browser out, take the code back, trade it for a Token, learn whose
record it is. The answer comes back in one of four ways (see `address`); `state`, `iss` and PKCE are checked alike in
all of them. When nobody comes back, the provider's page is asked once what it has against us (see `probe`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from phr.errors import SignInError, SignInTimeout, UsageError
from phr.model import SmartConfiguration, Token, Vendor
from phr.smart import certificate, identity, probe, redirect
from phr.smart import issuer as issuers
from phr.smart.address import PASTE_PAGE as PASTE_PAGE
from phr.smart.address import Redirect as Redirect
from phr.smart.client import Client as Client
from phr.smart.loopback import RedirectListener
from phr.smart.pkce import Pkce, new_pkce, new_state
from phr.smart.redirect import Expected
from phr.smart.token import exchange_code
from phr.smart.token import revoke as revoke

if TYPE_CHECKING:
    from phr.fhir.transport import BaseTransport

TIMEOUT = 600.0
"""A first sign-in with a forgotten password takes minutes (more than four were seen)."""
PASTE_TRIES = 3
log = logging.getLogger(__name__)


def audience(fhir_base: str, vendor: Vendor) -> str:
    """The `aud` parameter: the FHIR base as published, unless the vendor insists on a slash or on none."""
    if vendor.aud_slash is None:
        return fhir_base
    return fhir_base.rstrip("/") + ("/" if vendor.aud_slash else "")


def authorize_url(
    configuration: SmartConfiguration,
    *,
    client_id: str,
    redirect_uri: str,
    scope: str,
    state: str,
    aud: str,
    challenge: str,
    nonce: str | None = None,
) -> str:
    """The address for the browser. Keeps a query the endpoint already has (NextGen Office)."""
    params = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": scope,
        "state": state,
        "aud": aud,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    if not scope:  # the registration decides (RFC 6749 section 3.3)
        del params["scope"]
    if nonce is not None:
        params["nonce"] = nonce
    parts = urlsplit(configuration.authorization_endpoint)
    # What we say counts: a parameter of ours in the published query would make two of them.
    kept = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k not in params]
    query = urlencode([*kept, *params.items()], quote_via=quote)
    return urlunsplit((parts.scheme, _printed(parts.netloc), _printed(parts.path), query, ""))


def _printed(text: str) -> str:
    """Percent-encoded where it has blanks and control characters, at which a shell or a terminal would cut it."""
    return "".join(quote(one) if one.isspace() or not one.isprintable() else one for one in text)


def sign_in(
    fhir_base: str,
    configuration: SmartConfiguration,
    vendor: Vendor,
    client: Client,
    *,
    scopes: tuple[str, ...],
    open_browser: Callable[[str], bool],
    announce: Callable[[str], None],
    timeout: float = TIMEOUT,
    redirect_to: Redirect | None = None,
    paste: Callable[[], str] | None = None,
    transport: BaseTransport | None = None,
    clock: Callable[[], float] = time.time,
) -> Token:
    """Sign one person in and answer with the Token; `token.patient` is None if nobody said whose record it is.

    `open_browser` gets the address and answers whether a browser took it; if not, `announce` gets it.
    `paste` is asked for the address on which the browser ended, where `redirect_to.mode` is `paste`; it answers with
    an empty text at the end of input.
    Raises SignInDenied, SignInTimeout, StateMismatch, PortTaken, SignInError, UsageError, Unreachable.
    """
    goal = redirect_to or Redirect.of(vendor)
    attempt = _Attempt(fhir_base, configuration, vendor, client, scopes)

    def send_out(redirect_uri: str, state: str) -> None:
        url = attempt.url(redirect_uri, state)
        if not open_browser(url):
            announce(url)

    if goal.mode == "paste":
        redirect_uri = goal.address
        code, issuer = _by_hand(attempt.expected, redirect_uri, send_out, paste)
    else:
        listener = _listener(goal, attempt.expected)
        try:
            with listener:
                redirect_uri = goal.uri or listener.redirect_uri
                send_out(redirect_uri, listener.state)
                code, issuer = listener.wait(timeout), listener.issuer
        except SignInTimeout as error:
            raise _explained(error, attempt, goal.uri or listener.redirect_uri, transport) from None
    if not vendor.issuer_differs:
        issuers.check(issuer, configuration, fhir_base, transport=transport)
    log.debug("a code came back, asking for the token")
    return attempt.finish(code, redirect_uri, transport=transport, now=clock())


def _listener(goal: Redirect, expected: Expected) -> RedirectListener:
    own = None
    if goal.mode == "https-loopback":
        if goal.certificate is None:
            raise UsageError(
                "There is no place for the certificate that an https address of this computer needs.",
                hint="Choose another way back: --redirect paste",
            )
        own = certificate.ensure(goal.certificate)
    return RedirectListener(
        expected.state,
        host=goal.host,
        port=goal.port,
        path=goal.path,
        issuers=expected.issuers,
        iss_required=expected.iss_required,
        certificate=own,
        port_in_state=goal.mode == "relay",
    )


def _by_hand(
    expected: Expected,
    redirect_uri: str,
    send_out: Callable[[str, str], None],
    paste: Callable[[], str] | None,
) -> tuple[str, str | None]:
    """The code out of what the person pastes, and its `iss`; asked again when it is something else altogether."""
    if paste is None:
        raise UsageError(
            "The final address has to be pasted, but nobody can be asked here.",
            hint="Run it in a terminal, or choose another way back: --redirect loopback",
        )
    send_out(redirect_uri, expected.state)
    tries = 0
    while True:
        text = paste()
        if not text:
            raise SignInError(
                "No address was pasted, so nobody is signed in.",
                hint="Start again, and paste the whole address line of the page you ended on.",
            )
        try:
            params = redirect.pasted(text)
            return expected.code_from(params), params.get("iss")
        except redirect.NotAnAnswerError:
            tries += 1
            if tries == PASTE_TRIES:
                raise
            log.info("what was pasted holds no answer, asking again")


def _explained(
    error: SignInTimeout, attempt: _Attempt, redirect_uri: str, transport: BaseTransport | None
) -> SignInTimeout:
    """Nobody came back: perhaps because the provider showed an error page and stopped there (RFC 6749 section 4.1.2.1)."""
    said = probe.authorize_page(
        attempt.configuration, attempt.throw_away_url(redirect_uri), transport=transport
    )
    return SignInTimeout(
        f"{error.message} {said}" if said else error.message,
        hint=f"Start again; --timeout gives more seconds. If the provider showed an error instead of a login, register "
        f"exactly this redirect address there: {redirect_uri}",
    )


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One sign-in on its way: what was made up for it, and what must come back the same."""

    fhir_base: str
    configuration: SmartConfiguration
    vendor: Vendor
    client: Client
    scopes: tuple[str, ...]
    state: str = field(default_factory=new_state, repr=False)
    nonce: str = field(default_factory=new_state, repr=False)
    pkce: Pkce = field(default_factory=new_pkce)

    @property
    def expected(self) -> Expected:
        """RFC 9207: a server that promises `iss` is held to its issuer; else some name their FHIR base, or anything."""
        issuer = self.configuration.issuer
        if self.configuration.iss_parameter:
            return Expected(self.state, (issuer,) if issuer else (), iss_required=True)
        if not issuer or self.vendor.issuer_differs:
            return Expected(self.state)
        return Expected(self.state, (issuer, self.fhir_base))

    @property
    def sent_nonce(self) -> str | None:
        wanted = "openid" in self.scopes if self.vendor.nonce is None else self.vendor.nonce
        return self.nonce if wanted else None

    def url(self, redirect_uri: str, state: str) -> str:
        return self._url(redirect_uri, state, self.pkce.challenge, self.sent_nonce)

    def throw_away_url(self, redirect_uri: str) -> str:
        """The same request with words that are good for nothing."""
        nonce = new_state() if self.sent_nonce else None
        return self._url(redirect_uri, new_state(), new_pkce().challenge, nonce)

    def _url(self, redirect_uri: str, state: str, challenge: str, nonce: str | None) -> str:
        return authorize_url(
            self.configuration,
            client_id=self.client.client_id,
            redirect_uri=redirect_uri,
            scope=" ".join(self.scopes),
            state=state,
            aud=audience(self.fhir_base, self.vendor),
            challenge=challenge,
            nonce=nonce,
        )

    def finish(self, code: str, redirect_uri: str, *, transport: BaseTransport | None, now: float) -> Token:
        token = exchange_code(
            self.configuration,
            self.client,
            code=code,
            verifier=self.pkce.verifier,
            redirect_uri=redirect_uri,
            asked=" ".join(self.scopes),
            now=now,
            transport=transport,
        )
        return identity.verify(
            token,
            self.configuration,
            self.client.client_id,
            self.vendor,
            nonce=self.sent_nonce,
            fhir_base=self.fhir_base,
            transport=transport,
            now=now,
        )
