"""Grants: code, refresh token, assertion or client credentials in, Token out; and ending or asking after one.

RFC 6749 sections 4.1.3, 4.4 and 6, RFC 7523 section 2.1, SMART App Launch 2.2 (backend services), RFC 7009, RFC 7662.
How a request is put stands in `endpoint`, how an answer is read in `answer`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from phr.errors import FhirError, SignInError
from phr.fhir import outcome
from phr.fhir.links import same_origin
from phr.fhir.transport import Wire
from phr.model import SmartConfiguration, Token, Vendor
from phr.smart.answer import TokenRefusedError, error_of, read_answer
from phr.smart.client import JWT_BEARER, Client, method_of
from phr.smart.endpoint import Call
from phr.smart.jwt import claims as claims

if TYPE_CHECKING:
    from phr.fhir.transport import BaseTransport

_LIMIT = 100_000


def exchange_code(
    configuration: SmartConfiguration,
    client: Client,
    *,
    code: str,
    verifier: str,
    redirect_uri: str,
    asked: str,
    now: float,
    transport: BaseTransport | None = None,
    timeout: float = 60.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Token:
    """Trade the code for a Token (RFC 6749 section 4.1.3, RFC 7636 section 4.5).

    Raises TokenRefusedError, SignInError for an answer that makes no sense, Unreachable.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    answer = Call(
        configuration, client, form, now, transport=transport, timeout=timeout, sleep=sleep
    ).answer()
    token = read_answer(answer, asked=asked, now=now, secrets=(code, verifier, client.secret))
    return replace(token, signed_in_at=now)


def refresh(
    configuration: SmartConfiguration,
    client: Client,
    token: Token,
    *,
    now: float,
    repeat_scope: bool = False,
    transport: BaseTransport | None = None,
    timeout: float = 60.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Token:
    """Trade the refresh token for a new Token; what the answer leaves out is carried over from the old one.

    The scope is left out first, as RFC 6749 section 6 allows and Oracle wants; athenahealth wants it repeated
    (`repeat_scope`). Where that is refused as such, the other way is tried.
    Raises TokenRefusedError, SignInError, Unreachable.
    """
    bare = {"grant_type": "refresh_token", "refresh_token": token.refresh_token or ""}
    ways = [bare]
    if token.scope:
        ways.insert(0 if repeat_scope else 1, bare | {"scope": token.scope})
    if method_of(client, configuration) not in ("public", "client_secret_post"):
        # The client id is in the header or the assertion then; athenahealth wants it repeated in the body, too.
        named = [way | {"client_id": client.client_id} for way in ways]
        ways = [*named, *ways] if repeat_scope else [*ways, *named]
    secrets = (token.refresh_token, token.access_token, client.secret)
    while True:
        form = ways.pop(0)
        call = Call(configuration, client, form, now, transport=transport, timeout=timeout, sleep=sleep)
        try:
            fresh = read_answer(call.answer(), asked=token.scope, now=now, secrets=secrets)
        except TokenRefusedError as error:
            if error.error not in ("invalid_request", "invalid_scope") or not ways:
                raise
        else:
            return carried_over(fresh, token)


def carried_over(fresh: Token, old: Token) -> Token:
    """The renewed token with what its answer left out."""
    # A new refresh token that says nothing of its end is taken to keep the old end: at Epic it does.
    ends, known = fresh.refresh_ends_at, old.refresh_ends_at
    if (
        ends is None
        and known is not None
        and (fresh.refresh_token is None or known > (fresh.renewed_at or 0))
    ):
        ends = known
    return replace(
        fresh,
        refresh_token=fresh.refresh_token or old.refresh_token,
        patient=fresh.patient or old.patient,
        id_token=fresh.id_token or old.id_token,
        fhir_user=old.fhir_user or fresh.fhir_user,
        signed_in_at=old.signed_in_at,
        refresh_ends_at=ends,
    )


def jwt_bearer(
    configuration: SmartConfiguration,
    client: Client,
    *,
    now: float,
    scope: str | None = None,
    asked: str | None = None,
    transport: BaseTransport | None = None,
    timeout: float = 60.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Token:
    """A Token by our own signature alone (RFC 7523 section 2.1), as Epic gives one to a client of this connection's own.

    `scope` is sent, `asked` is what a missing scope in the answer means. Right after the client was registered the
    first one may be refused with `invalid_grant` for a moment (seen at one Epic site): whoever has just registered
    waits some seconds and tries again. Raises TokenRefusedError, SignInError, Unreachable.
    """
    form = {"grant_type": JWT_BEARER, "client_id": client.client_id}
    if scope:
        form["scope"] = scope
    call = Call(
        configuration,
        client,
        form,
        now,
        signed=True,
        repeatable=True,
        transport=transport,
        timeout=timeout,
        sleep=sleep,
    )
    token = read_answer(call.answer(), asked=scope or asked, now=now, secrets=(client.secret,))
    return replace(token, refresh_token=None, refresh_ends_at=None)


def client_credentials(
    configuration: SmartConfiguration,
    client: Client,
    *,
    scopes: tuple[str, ...],
    now: float,
    transport: BaseTransport | None = None,
    timeout: float = 60.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Token:
    """A Token without any person (RFC 6749 section 4.4; SMART Backend Services), by key or by secret.

    A refresh token, which section 4.4.3 says should not be there, is not kept.
    Raises TokenRefusedError, SignInError, Unreachable.
    """
    form = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
    call = Call(
        configuration,
        client,
        form,
        now,
        repeatable=True,
        transport=transport,
        timeout=timeout,
        sleep=sleep,
    )
    token = read_answer(call.answer(), asked=form["scope"], now=now, secrets=(client.secret,))
    return replace(token, refresh_token=None, refresh_ends_at=None)


def revoke(
    configuration: SmartConfiguration,
    token: Token,
    client: Client,
    *,
    transport: BaseTransport | None = None,
    timeout: float = 30.0,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Ask the server to forget this sign-in (RFC 7009), refresh token first.

    True when it agreed to all; False when it cannot, will not, or does not answer. Never raises for that.
    """
    url = _beside(configuration, configuration.revocation_endpoint)
    if url is None:
        return False
    agreed = True
    for hint, secret in (("refresh_token", token.refresh_token), ("access_token", token.access_token)):
        if not secret:
            continue
        call = Call(
            configuration,
            client,
            {"token": secret, "token_type_hint": hint},
            time.time(),
            url=url,
            repeatable=True,
            transport=transport,
            timeout=timeout,
            sleep=sleep,
        )
        try:
            answer = call.answer()
        except (FhirError, SignInError):
            return False
        # Section 2.1: with the refresh token its access tokens end too; a server need not take those one by one.
        moot = hint == "access_token" and token.refresh_token and error_of(answer) == "unsupported_token_type"
        agreed = agreed and (200 <= answer.status < 300 or bool(moot))
    return agreed


def introspect(
    configuration: SmartConfiguration,
    client: Client,
    token: str,
    *,
    transport: BaseTransport | None = None,
    timeout: float = 30.0,
    sleep: Callable[[float], None] = time.sleep,
) -> bool | None:
    """Whether the server still honours this access token (RFC 7662); None when it does not offer that or say.

    A public client has nothing to prove itself by, so where its name is not enough the token speaks for itself
    (section 2.1; a peer does so at Epic). Never raises.
    """
    url = _beside(configuration, configuration.introspection_endpoint)
    if url is None:
        return None
    form = {"token": token, "token_type_hint": "access_token"}
    call = Call(
        configuration,
        client,
        form,
        time.time(),
        url=url,
        repeatable=True,
        transport=transport,
        timeout=timeout,
        sleep=sleep,
    )
    try:
        answer = call.answer()
        if error_of(answer) == "invalid_client" and client.secret is None and client.keys is None:
            with Wire(url, transport=transport, timeout=timeout) as wire:
                headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
                answer = wire.send("POST", url, headers, form=form, limit=_LIMIT)
    except (FhirError, SignInError):
        return None
    said = outcome.parse(answer.body) if answer.status == 200 else None
    active = said.get("active") if isinstance(said, dict) else None
    return active if isinstance(active, bool) else None


def _beside(configuration: SmartConfiguration, url: str | None) -> str | None:
    """An address that may get a token: discovery leaves out others, but one that was kept may be older than that."""
    return url if url and same_origin(url, configuration.token_endpoint) else None


def ends_at(token: Token, vendor: Vendor, *, renewable: bool) -> float | None:
    """When a person has to sign in again, as far as anybody knows; None: not known to end.

    `renewable`: this connection renews without a refresh token, by a registration of its own or as a backend.
    """
    ends: list[float] = []
    if token.signed_in_at is not None and vendor.consent_days is not None:
        ends.append(token.signed_in_at + vendor.consent_days * 86_400)
    if token.refresh_token:
        if token.refresh_ends_at is not None:
            ends.append(token.refresh_ends_at)
        if token.renewed_at is not None and vendor.refresh_idle_hours is not None:
            ends.append(token.renewed_at + vendor.refresh_idle_hours * 3_600)
    elif not renewable and token.expires_at is not None:
        ends.append(token.expires_at)
    return min(ends, default=None)
