"""Who signed in, and whose record it is (OpenID Connect Core section 3.1.3.7; SMART App Launch 2.2 section 3.1.5).

The id_token is checked when there is one: signature, issuer, audience, time and nonce. What is there must be right;
what a server leaves out is let through, since all of this came straight from the token endpoint over TLS. For the
same reason keys that cannot be had end no sign-in.
"""

from __future__ import annotations

import hmac
import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from phr.errors import FhirError, SignInError, StateMismatch
from phr.fhir import outcome
from phr.fhir.transport import Answer, Wire, is_loopback, is_safe
from phr.model import SmartConfiguration, Token, Vendor
from phr.smart import jwt
from phr.smart.answer import bare_id, server_time

if TYPE_CHECKING:
    from phr.fhir.transport import BaseTransport

LEEWAY = 300.0
"""Seconds by which two clocks may differ."""
_LIMIT = 1_000_000
_TIMEOUT = 20.0
_PERSON = re.compile(
    r"(?:^|/)(Patient|RelatedPerson|Practitioner|PractitionerRole|Person)/([^/\s?#]{1,256})(?:/_history/[^/]*)?/?$"
)
_AGAIN = "Try the sign-in again; if it stays so, only the provider can mend this."
log = logging.getLogger(__name__)


def verify(
    token: Token,
    configuration: SmartConfiguration,
    client_id: str,
    vendor: Vendor,
    *,
    nonce: str | None,
    fhir_base: str,
    transport: BaseTransport | None = None,
    now: float,
) -> Token:
    """The token with `patient` and `fhir_user` filled in, once its id_token has been found in order.

    Raises StateMismatch for the nonce of another sign-in, SignInError for an id_token that is forged, that ended, or
    that was made out to another app or by another server.
    """
    if token.id_token and jwt.is_readable(token.id_token):
        identity = jwt.claims(token.id_token)
        check_nonce(identity, nonce, required=vendor.nonce is True)
        _check_audience(identity, client_id)
        if not vendor.issuer_differs:
            _check_issuer(identity, configuration)
        server_time = _check_signature(token.id_token, configuration, fhir_base, transport)
        _check_times(identity, now, server_time)
    return replace(token, patient=patient_of(token, vendor), fhir_user=fhir_user_of(token))


def check_nonce(identity: dict[str, Any], nonce: str | None, *, required: bool = False) -> None:
    """OpenID Connect Core section 3.1.3.7 step 11; a server that leaves it out is let through unless `required`."""
    given = identity.get("nonce")
    if nonce is None or (given is None and not required):
        return
    if not isinstance(given, str) or not hmac.compare_digest(
        given.encode("utf-8", "replace"), nonce.encode()
    ):
        raise StateMismatch(
            "The provider's answer belongs to another sign-in; it was not used.",
            hint="Try the sign-in again.",
        )


def patient_of(token: Token, vendor: Vendor) -> str | None:
    """Whose record this is, looked for where the vendor says; None: the workspace searches.

    Oracle and healow name the patient only in `fhirUser`; older Veradigm only inside the access token.
    """
    for place in vendor.patient_from:
        found = None
        if place == "token":
            found = token.patient
        elif place == "id_token":
            identity = jwt.claims(token.id_token)
            found = _patient_in(identity.get("fhirUser")) or _patient_in(identity.get("profile"))
        elif place == "access_token":
            found = claimed_patient(token.access_token, vendor)
        if found:
            return found
    return None


def fhir_user_of(token: Token) -> str | None:
    """`Type/id` of the person who signed in: a RelatedPerson, or another Patient, acts for the patient."""
    identity = jwt.claims(token.id_token)
    places = (
        identity.get("fhirUser"),
        identity.get("profile"),  # what SMART 1.0 called it first
        token.fhir_user,
        jwt.claims(token.access_token).get("fhirUser"),
    )
    for place in places:
        found = _person_in(place)
        if found is not None:
            return "/".join(found)
    return None


def claimed_patient(access_token: str | None, vendor: Vendor) -> str | None:
    """The patient that an access token names itself, where it is a JWT."""
    access = jwt.claims(access_token)
    found = (bare_id(access.get(name)) for name in vendor.patient_claims)
    return next(filter(None, found), None) or _patient_in(access.get("fhirUser"))


def _patient_in(value: object) -> str | None:
    """The id out of `…/Patient/<id>`; a Practitioner or RelatedPerson is not the patient."""
    found = _person_in(value)
    return found[1] if found is not None and found[0] == "Patient" else None


def _person_in(value: object) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return None
    match = _PERSON.search(value.strip())
    id_ = bare_id(match[2]) if match else None
    return (match[1], id_) if match and id_ else None


# ── the checks ────────────────────────────────────────────────────────────────────────────────────


def _check_audience(identity: dict[str, Any], client_id: str) -> None:
    """Steps 3 to 5: made out to this app, and to no other one acting in its place."""
    audience = identity.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    azp = identity.get("azp")
    if (audience is not None and client_id not in named) or (azp is not None and azp != client_id):
        raise SignInError(
            "The provider's answer says who signed in to another app; it was not used.",
            hint="Check the client id, then try the sign-in again.",
        )


def _check_issuer(identity: dict[str, Any], configuration: SmartConfiguration) -> None:
    """Step 2. A slash at the end was seen on one side only."""
    issuer = identity.get("iss")
    if issuer is None or configuration.issuer is None:
        return
    if not isinstance(issuer, str) or issuer.rstrip("/") != configuration.issuer.rstrip("/"):
        raise SignInError(
            "The provider's answer says who signed in at another server; it was not used.", hint=_AGAIN
        )


def _check_times(identity: dict[str, Any], now: float, server_time: float | None) -> None:
    """Steps 9 and 10, by the clock that is kinder: ours, or the server's where it told the time."""
    clocks = (now,) if server_time is None else (now, server_time)
    ends, made = jwt.moment(identity.get("exp")), jwt.moment(identity.get("iat"))
    over = ends is not None and min(clocks) > ends + LEEWAY
    early = made is not None and max(clocks) < made - LEEWAY
    if over or early:
        raise SignInError(
            "The provider's answer who signed in is not from now; it was not used.",
            hint="Check the clock of this computer, then try the sign-in again.",
        )


def _check_signature(
    id_token: str,
    configuration: SmartConfiguration,
    fhir_base: str,
    transport: BaseTransport | None,
) -> float | None:
    """Steps 6 and 7. Answers the server's time, if it said so while giving its keys."""
    algorithm = jwt.header(id_token).get("alg")
    if not isinstance(algorithm, str) or algorithm not in jwt.ALGORITHMS:
        raise SignInError(
            "The provider does not sign who signed in, or in a way that anybody could; it was not used.",
            hint=_AGAIN,
        )
    keys, answer = _keys(configuration, fhir_base, algorithm, transport)
    if keys is None:
        log.info("the provider's signing keys cannot be had; its id_token is taken as TLS brought it")
    elif not jwt.is_signed_by(id_token, keys):
        raise SignInError("The provider's answer who signed in is forged; it was not used.", hint=_AGAIN)
    return None if answer is None else server_time(answer)


def _keys(
    configuration: SmartConfiguration, fhir_base: str, algorithm: str, transport: BaseTransport | None
) -> tuple[list[dict[str, Any]] | None, Answer | None]:
    """The provider's keys for this algorithm, fresh; None when it shows no keys at all."""
    loopback = is_loopback(fhir_base)
    uri = configuration.jwks_uri
    if uri is None and configuration.issuer is not None:
        # OpenID Connect Discovery section 4
        _, found = _get(
            configuration.issuer.rstrip("/") + "/.well-known/openid-configuration", loopback, transport
        )
        uri = found.get("jwks_uri") if isinstance(found, dict) else None
    if not isinstance(uri, str):
        return None, None
    answer, jwks = _get(uri, loopback, transport)
    shown = jwks.get("keys") if isinstance(jwks, dict) else None
    return (jwt.usable(jwks, algorithm) if shown else None), answer


def _get(url: str, loopback: bool, transport: BaseTransport | None) -> tuple[Answer | None, object]:
    """JSON from this very address, or None. A redirect is not followed: the keys would be somebody else's word."""
    if not is_safe(url, loopback=loopback):
        return None, None
    try:
        with Wire(url, transport=transport, timeout=_TIMEOUT) as wire:
            answer = wire.send("GET", url, {"Accept": "application/json"}, limit=_LIMIT)
    except FhirError:
        return None, None
    return answer, outcome.parse(answer.body) if answer.status == 200 else None
