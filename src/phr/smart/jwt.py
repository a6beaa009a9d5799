"""JSON Web Tokens of a provider: looking into one, and checking its signature (RFC 7519, RFC 7515, RFC 7517).

Only signatures that a public key can check are believed. `none` is no signature, and an HMAC would let whoever
knows a shared word sign as the provider (RFC 8725 sections 2.1 and 3.1).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from phr.fhir import outcome

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"})
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_LAST_MOMENT = 1e11
"""Seconds since the epoch: the year 5138. What lies beyond is no date, but milliseconds, or meant to do harm."""
_MOST_KEYS = 50
"""A key set longer than this is cut off: each key that fits costs a try."""


def claims(jwt: str | None) -> dict[str, Any]:
    """The payload of a JWT without checking its signature; empty if it is not one.

    OpenID Connect Core section 3.1.3.7 allows this for a token that came straight from the token endpoint:
    TLS has already said who sent it. It must never be done with a JWT that came through the browser.
    """
    return _part(jwt, 1)


def header(jwt: str | None) -> dict[str, Any]:
    """The JOSE header of a JWT; empty if it is not one."""
    return _part(jwt, 0)


def is_readable(jwt: str) -> bool:
    """Whether there is anything in it to read; what is no JWT at all says nothing, right or wrong."""
    return bool(header(jwt) or claims(jwt))


def moment(value: object) -> float | None:
    """A NumericDate (RFC 7519 section 2); None for what is none, however large or odd."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    # Compared before it is made a float, which an integer of some hundred digits cannot become.
    return float(value) if -_LAST_MOMENT < value < _LAST_MOMENT else None


def _part(jwt: str | None, number: int) -> dict[str, Any]:
    parts = (jwt or "").split(".")
    if len(parts) < 3:
        return {}
    try:
        text = parts[number].rstrip("=")
        payload = outcome.parse(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return {}
    return payload if isinstance(payload, dict) else {}


def usable(jwks: object, algorithm: str) -> list[dict[str, Any]]:
    """The public keys of a JWKS that may have made a signature with this algorithm; broken ones fall away."""
    listed = jwks.get("keys") if isinstance(jwks, dict) else None
    found = listed if isinstance(listed, list) else []
    return [key for key in found[:_MOST_KEYS] if isinstance(key, dict) and _fits(key, algorithm)]


def _fits(key: dict[str, Any], algorithm: str) -> bool:
    kind = "EC" if algorithm.startswith("ES") else "RSA"
    if key.get("kty") != kind or key.get("use") not in (None, "sig"):
        return False
    if kind == "EC" and key.get("crv") != _CURVES[algorithm]:
        return False
    # `alg` is often wrong by the number alone (a key listed for RS256 that signs RS384), so only its kind counts.
    said = key.get("alg")
    return not isinstance(said, str) or (said[:2] in ("RS", "PS")) == (kind == "RSA")


def is_signed_by(jwt: str, keys: list[dict[str, Any]]) -> bool:
    """Whether one of these keys made the signature.

    With a `kid` that one of them has, only that one counts; without, or with one that none has, all are tried.
    """
    algorithm, kid = header(jwt).get("alg"), header(jwt).get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        return False
    named = [key for key in keys if kid is not None and key.get("kid") == kid]
    return any(_checks(jwt, key, algorithm) for key in _plain(named or keys))


def _plain(keys: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Just the numbers of each key: what else stands in it was seen to be wrong (`key_ops`, `x5c`, `alg`)."""
    for key in keys:
        yield {name: key[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in key}


def _checks(jwt: str, key: dict[str, Any], algorithm: str) -> bool:
    import warnings

    from joserfc import jws
    from joserfc.jwk import import_key

    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = 20_000  # some carry a chain of certificates
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # short RSA keys: the provider's to mend, and TLS still holds
            jws.deserialize_compact(jwt, import_key(key), registry=registry)
    except Exception:  # noqa: BLE001 (whatever is wrong with a stranger's key, it is not the one)
        return False
    return True
