"""Registering phr with a provider by itself (RFC 7591, RFC 7592; Epic's clients of a connection's own).

An access token goes only to a registration endpoint on the origin of the token endpoint that discovery named for
this very server, over https (or to this computer), and no redirect is followed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from phr.errors import FhirError, SignInError, Unreachable
from phr.fhir import outcome
from phr.fhir.links import same_origin
from phr.fhir.transport import Answer, Wire, host_of, is_safe
from phr.model import LOOPBACK, SmartConfiguration, Vendor
from phr.smart import jwt
from phr.smart.answer import comes_later
from phr.smart.keys import ClientKeys
from phr.smart.refusal import refusal

if TYPE_CHECKING:
    from phr.fhir.transport import BaseTransport

_LIMIT = 1_000_000
_LONGEST = 16_000
"""Letters of an id or a token that still fit into a header or an address."""
_BY_HAND = "Register by hand instead: phr providers show"
_METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
_NOT_SENT_BACK = frozenset(
    {
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
    }
)
"""RFC 7592 section 2.2."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What a registration gave; the repr shows no secret."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    method: str = "public"
    """How this client shows who it is, in the words of AUTH_METHODS."""
    uri: str | None = field(default=None, repr=False)
    """Where the registration can be read, changed and ended (RFC 7592); None where it cannot."""
    access_token: str | None = field(default=None, repr=False)
    """Opens `uri` and nothing else."""
    secret_expires_at: float | None = None


def registration_endpoint(configuration: SmartConfiguration, vendor: Vendor) -> str | None:
    """Where apps register themselves; Epic does not say, there it lies beside the token endpoint."""
    if configuration.registration_endpoint is not None:
        return configuration.registration_endpoint
    return _beside(configuration) if vendor.registration == "after-sign-in" else None


def register(
    configuration: SmartConfiguration,
    *,
    redirect_uris: tuple[str, ...],
    scopes: tuple[str, ...],
    method: str,
    keys: ClientKeys | None = None,
    access_token: str | None = None,
    transport: BaseTransport | None = None,
    timeout: float = 30.0,
) -> Registration:
    """Register phr before anybody signs in (RFC 7591 section 3). `access_token`: an initial one, where the server gave one.

    Raises SignInError when the server does not offer it or refuses what was asked for, Unreachable.
    """
    url = configuration.registration_endpoint
    if url is None:
        raise SignInError("This provider does not let apps register themselves.", hint=_BY_HAND)
    metadata = _metadata(redirect_uris, scopes, method, keys)
    answer = _send(configuration, url, metadata, access_token, transport, timeout)
    if answer.status == 400 and _error(answer) == "invalid_client_metadata":
        # Some know no such scope and refuse all of it; what may be asked for is seen at the sign-in.
        metadata.pop("scope", None)
        answer = _send(configuration, url, metadata, access_token, transport, timeout)
    if answer.status == 404:
        raise SignInError("This provider does not let apps register themselves.", hint=_BY_HAND)
    return _read(_checked(answer, url, access_token), url, asked=method, keys=keys)


def register_dynamic(
    configuration: SmartConfiguration,
    *,
    software_id: str,
    access_token: str,
    keys: ClientKeys,
    transport: BaseTransport | None = None,
    timeout: float = 30.0,
) -> Registration | None:
    """Make a client of this connection's own, right after the sign-in (Epic); None where that is not offered.

    `software_id` is the client id of the sign-in, `access_token` what it gave. The first assertion of the new client
    may be refused for a moment: see `token.jwt_bearer`. Raises SignInError, Unreachable.
    """
    url = configuration.registration_endpoint or _beside(configuration)
    body = {"software_id": software_id, "jwks": keys.public()}
    answer = _send(configuration, url, body, access_token, transport, timeout)
    if answer.status == 404:
        return None
    return _read(_checked(answer, url, access_token), url, asked="private_key_jwt", keys=keys)


def read(
    registration: Registration, *, transport: BaseTransport | None = None, timeout: float = 30.0
) -> dict[str, Any]:
    """What the provider holds of this registration (RFC 7592 section 2.1). Raises SignInError, Unreachable."""
    url, bearer = _management(registration)
    return _checked(_ask("GET", url, None, bearer, transport, timeout), url, bearer)


def update(
    registration: Registration,
    *,
    keys: ClientKeys | None = None,
    redirect_uris: tuple[str, ...] = (),
    transport: BaseTransport | None = None,
    timeout: float = 30.0,
) -> Registration:
    """Tell the provider of new keys or redirect addresses (RFC 7592 section 2.2); all else stays as it holds it.

    The answer may bring a new secret and a new access token: keep what comes back. Raises SignInError, Unreachable.
    """
    url, bearer = _management(registration)
    held = read(registration, transport=transport, timeout=timeout)
    registration = _changed(registration, held, url)  # reading may already have given a new access token
    wanted = {name: value for name, value in held.items() if name not in _NOT_SENT_BACK}
    wanted["client_id"] = registration.client_id
    if keys is not None:
        wanted.pop("jwks_uri", None)  # RFC 7591 section 2: never both
        wanted["jwks"] = keys.public()
    if redirect_uris:
        wanted["redirect_uris"] = list(redirect_uris)
    bearer = registration.access_token or bearer
    said = _checked(_ask("PUT", url, wanted, bearer, transport, timeout), url, bearer)
    return _changed(registration, said, url)


def unregister(
    registration: Registration, *, transport: BaseTransport | None = None, timeout: float = 30.0
) -> bool:
    """End a registration (RFC 7592 section 2.3): True when it is gone, False when the provider cannot or will not.

    Never raises.
    """
    if registration.uri is None or registration.access_token is None:
        return False
    try:
        answer = _ask("DELETE", registration.uri, None, registration.access_token, transport, timeout)
    except (SignInError, FhirError):
        return False
    return answer.status in (200, 204, 404, 410)


# ── what is sent ──────────────────────────────────────────────────────────────────────────────────


def _metadata(
    redirect_uris: tuple[str, ...], scopes: tuple[str, ...], method: str, keys: ClientKeys | None
) -> dict[str, Any]:
    """RFC 7591 section 2. `application_type` is from OpenID Connect Registration, which takes no https address of
    this computer for a native app."""
    local = any(_is_https_loopback(uri) for uri in redirect_uris)
    metadata: dict[str, Any] = {
        "application_type": "web" if local else "native",
        "client_name": "phr",
        "redirect_uris": list(redirect_uris),
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none" if method == "public" else method,
        "scope": " ".join(scopes),
    }
    if method == "private_key_jwt":
        if keys is None:
            raise SignInError("This registration is proved by keys, and there are none.", hint=_BY_HAND)
        metadata["jwks"] = keys.public()
    return metadata


def _is_https_loopback(uri: str) -> bool:
    parts = urlsplit(uri)
    return parts.scheme == "https" and parts.hostname in LOOPBACK


def _beside(configuration: SmartConfiguration) -> str:
    parts = urlsplit(configuration.token_endpoint)
    return urljoin(f"{parts.scheme}://{parts.netloc}{parts.path}", "register")


def _send(
    configuration: SmartConfiguration,
    url: str,
    body: Mapping[str, Any],
    bearer: str | None,
    transport: BaseTransport | None,
    timeout: float,
) -> Answer:
    if bearer is not None and not same_origin(url, configuration.token_endpoint):
        raise SignInError(
            "The provider registers apps at another address than it signs people in; the sign-in is not shown there.",
            hint=_BY_HAND,
        )
    return _ask("POST", url, body, bearer, transport, timeout)


def _ask(
    verb: str,
    url: str,
    body: Mapping[str, Any] | None,
    bearer: str | None,
    transport: BaseTransport | None,
    timeout: float,
) -> Answer:
    if not is_safe(url, loopback=True):
        raise SignInError(
            "The provider's address for registering apps is not an https address.", hint=_BY_HAND
        )
    headers = {"Accept": "application/json"}
    if bearer is not None:
        headers["Authorization"] = f"Bearer {bearer}"
    content = None if body is None else json.dumps(body).encode()
    with Wire(url, transport=transport, timeout=timeout) as wire:
        answer = wire.send(verb, url, headers, json=content, limit=_LIMIT)
    if 300 <= answer.status < 400:
        raise SignInError(
            f"{host_of(url)} sends the registration on to another address; secrets do not follow.",
            hint="Check the provider's address.",
        )
    return answer


def _management(registration: Registration) -> tuple[str, str]:
    if registration.uri is None or registration.access_token is None:
        raise SignInError(
            "The provider gave no way to change this registration.", hint="Sign in again: phr reconnect NAME"
        )
    return registration.uri, registration.access_token


# ── what comes back ───────────────────────────────────────────────────────────────────────────────


def _checked(answer: Answer, url: str, bearer: str | None) -> dict[str, Any]:
    """The JSON of a good answer. Raises SignInError in a person's words, Unreachable when it may pass."""
    found = outcome.parse(answer.body)
    source = found if isinstance(found, dict) else {}
    if answer.status in (200, 201) and source and "error" not in source:
        return source
    if comes_later(answer):
        raise Unreachable(
            f"{host_of(url)} cannot register apps right now ({answer.status}).",
            http_status=answer.status,
            hint="Try again later.",
        )
    error = _error(answer)
    if error is not None:
        said = source.get("error_description")
        told = refusal(error, said if isinstance(said, str) else None, secrets=(bearer,))
        words = told.message.replace("The sign-in failed", "The registration failed")
        raise SignInError(words, hint=told.hint)
    if answer.status in (401, 403):
        words = f"{host_of(url)} does not let this app register itself ({answer.status})."
        raise SignInError(words, hint=_BY_HAND)
    raise SignInError(
        f"{host_of(url)} gave no readable answer about the registration ({answer.status}).", hint=_BY_HAND
    )


def _error(answer: Answer) -> str | None:
    source = outcome.parse(answer.body)
    error = source.get("error") if isinstance(source, dict) else None
    return error if isinstance(error, str) and error else None


def _read(source: Mapping[str, Any], endpoint: str, *, asked: str, keys: ClientKeys | None) -> Registration:
    """RFC 7591 section 3.2.1, leniently: what is missing is as asked for."""
    client_id = source.get("client_id")
    if isinstance(client_id, int) and not isinstance(client_id, bool):
        client_id = str(client_id)
    if not isinstance(client_id, str) or not _fit(client_id):
        raise SignInError("The provider registered the app without giving it a client id.", hint=_BY_HAND)
    secret = _text(source.get("client_secret"))
    said = _text(source.get("token_endpoint_auth_method"))
    method = said or ("client_secret_basic" if secret and asked in ("public", "auto") else asked)
    method = "public" if method in ("none", "auto") else method
    if method not in ("public", *_METHODS) or (method == "private_key_jwt" and keys is None):
        raise SignInError(
            "The provider registered the app for a way of proof that phr does not have.", hint=_BY_HAND
        )
    plain = Registration(client_id, secret if method.startswith("client_secret") else None, method)
    return _changed(plain, source, endpoint)


def _changed(known: Registration, source: Mapping[str, Any], endpoint: str) -> Registration:
    """The registration with what this answer says anew. Its `uri` stays on the server that gave it."""
    uri, bearer = _text(source.get("registration_client_uri")), _text(source.get("registration_access_token"))
    uri = urljoin(endpoint, uri) if uri else known.uri
    if uri is None or not is_safe(uri, loopback=True) or not same_origin(uri, endpoint):
        uri = known.uri
    secret = _text(source.get("client_secret")) if known.method.startswith("client_secret") else None
    dated = jwt.moment(source.get("client_secret_expires_at"))
    return replace(
        known,
        client_secret=secret or known.client_secret,
        uri=uri,
        access_token=bearer if bearer and _fit(bearer) else known.access_token,
        secret_expires_at=known.secret_expires_at if dated is None else dated or None,  # 0: never
    )


def _fit(text: str) -> bool:
    """Whether this can be shown and sent as it is (RFC 6749 appendix A.1, a little wider)."""
    plain = text.isprintable() and "\N{REPLACEMENT CHARACTER}" not in text
    return plain and bool(text.strip()) and len(text) <= _LONGEST


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
