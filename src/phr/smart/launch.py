"""Signing in: SMART App Launch 2.2 standalone launch for a native app (section 3; RFC 8252, RFC 7636).

The whole dance in order: listen, send the browser out, take the code back, trade it for a Token, learn whose
record it is. The provider is told the redirect address exactly as registered, so host, port and path are
settings; https redirect pages and other machines are served by pasting the final address.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from phr.errors import StateMismatch
from phr.model import SmartConfiguration, Token, Vendor
from phr.smart import redirect
from phr.smart.loopback import RedirectListener
from phr.smart.pkce import Pkce, new_pkce, new_state
from phr.smart.token import Client as Client
from phr.smart.token import claims, exchange_code
from phr.smart.token import revoke as revoke

if TYPE_CHECKING:
    from phr.fhir.transport import BaseTransport

TIMEOUT = 600.0
_JWT_PATIENT_CLAIMS = ("patient", "local_patient_id", "launch_response_patient")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where the provider sends the browser back. `uri` set: a page elsewhere, its address pasted by hand."""

    host: str = "127.0.0.1"
    port: int = 8765
    path: str = "/callback"
    uri: str | None = None

    @property
    def address(self) -> str:
        return self.uri or f"http://{self.host}:{self.port}/{self.path.lstrip('/')}"

    @classmethod
    def of(cls, vendor: Vendor, port: int | None = None) -> Redirect:
        return cls(vendor.redirect_host, vendor.redirect_port if port is None else port, vendor.redirect_path)


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
    if nonce is not None:
        params["nonce"] = nonce
    parts = urlsplit(configuration.authorization_endpoint)
    # What we say counts: a parameter of ours in the published query would make two of them.
    kept = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k not in params]
    query = urlencode([*kept, *params.items()], quote_via=quote)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


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
    `paste` replaces the listener: it answers with the address on which the browser ended.
    Raises SignInDenied, SignInTimeout, StateMismatch, PortTaken, SignInError, Unreachable.
    """
    attempt = _Attempt(
        configuration,
        client,
        scope=" ".join(scopes),
        aud=audience(fhir_base, vendor),
        issuers=(configuration.issuer, fhir_base) if configuration.issuer else (),
        nonce=new_state() if "openid" in scopes else None,
    )

    def send_out(redirect_uri: str) -> None:
        url = attempt.url(redirect_uri)
        if not open_browser(url):
            announce(url)

    goal = redirect_to or Redirect.of(vendor)
    if paste is not None:
        redirect_uri = goal.address
        send_out(redirect_uri)
        code = redirect.code_from(redirect.pasted(paste()), attempt.state, attempt.issuers)
    else:
        listener = RedirectListener(
            attempt.state, host=goal.host, port=goal.port, path=goal.path, issuers=attempt.issuers
        )
        with listener:
            redirect_uri = listener.redirect_uri
            send_out(redirect_uri)
            code = listener.wait(timeout)
    log.debug("a code came back, asking for the token")
    return attempt.finish(code, redirect_uri, transport=transport, now=clock())


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One sign-in on its way: what was made up for it, and what must come back the same."""

    configuration: SmartConfiguration
    client: Client
    scope: str
    aud: str
    issuers: tuple[str, ...]
    nonce: str | None = field(repr=False)
    state: str = field(default_factory=new_state, repr=False)
    pkce: Pkce = field(default_factory=new_pkce)

    def url(self, redirect_uri: str) -> str:
        return authorize_url(
            self.configuration,
            client_id=self.client.client_id,
            redirect_uri=redirect_uri,
            scope=self.scope,
            state=self.state,
            aud=self.aud,
            challenge=self.pkce.challenge,
            nonce=self.nonce,
        )

    def finish(self, code: str, redirect_uri: str, *, transport: BaseTransport | None, now: float) -> Token:
        token = exchange_code(
            self.configuration,
            self.client,
            code=code,
            verifier=self.pkce.verifier,
            redirect_uri=redirect_uri,
            asked=self.scope,
            now=now,
            transport=transport,
        )
        check_nonce(claims(token.id_token), self.nonce)
        return replace(token, patient=patient_of(token, self.client.client_id))


def check_nonce(identity: dict[str, Any], nonce: str | None) -> None:
    """OpenID Connect Core section 3.1.3.7 step 11; servers that leave the nonce out are let through."""
    given = identity.get("nonce")
    if nonce is None or given is None:
        return
    if not isinstance(given, str) or not hmac.compare_digest(
        given.encode("utf-8", "replace"), nonce.encode()
    ):
        raise StateMismatch("The provider's answer belongs to another sign-in; it was not used.")


def patient_of(token: Token, client_id: str) -> str | None:
    """Whose record this is: `patient` of the token answer, else `fhirUser`, else a claim of the access token.

    Oracle and healow name the patient only in `fhirUser`; older Veradigm only inside the access token.
    An id_token made out to another client is not read.
    """
    if token.patient:
        return token.patient
    identity = claims(token.id_token)
    audiences = identity.get("aud", client_id)
    if client_id in (audiences if isinstance(audiences, list) else [audiences]):
        found = _patient_in(identity.get("fhirUser")) or _patient_in(identity.get("profile"))
        if found:
            return found
    access = claims(token.access_token)
    for name in _JWT_PATIENT_CLAIMS:
        value = access.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip().rpartition("/")[2] or None
    return _patient_in(access.get("fhirUser"))


def _patient_in(url: object) -> str | None:
    """The id out of `…/Patient/<id>`; a Practitioner or RelatedPerson is not the patient."""
    if not isinstance(url, str):
        return None
    segments = urlsplit(url).path.rstrip("/").split("/") if "//" in url else url.rstrip("/").split("/")
    if "_history" in segments:
        segments = segments[: segments.index("_history")]
    if len(segments) >= 2 and segments[-2] == "Patient" and segments[-1]:
        return segments[-1]
    return None
