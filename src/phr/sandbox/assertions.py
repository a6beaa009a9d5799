"""Checks what an app signs to show who it is (RFC 7523, section 3; SMART App Launch 2.2, private_key_jwt)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
from joserfc import jwk, jwt
from joserfc.errors import JoseError

LONGEST_SECONDS = 300
"""How far ahead `exp` may lie (SMART: five minutes)."""
LEEWAY_SECONDS = 60
"""By how much the clocks may differ."""
_KEY_OF = {"RS384": ("RSA", None), "ES384": ("EC", "P-384")}


class BadAssertion(Exception):
    """An assertion that shows nothing; the message says why, never what was in it."""


class Assertions:
    """Reads assertions and remembers their ids, so that none counts twice."""

    def __init__(
        self, audiences: Iterable[str], algorithms: Iterable[str], clock: Callable[[], float]
    ) -> None:
        self._audiences = frozenset(audiences)
        self._algorithms = frozenset(algorithms)
        self._clock = clock
        self._seen: dict[tuple[str, str], float] = {}

    def check(self, assertion: str, keys_of: Callable[[str], Mapping[str, Any] | None]) -> str:
        """The client id that the assertion proves. `keys_of` answers a client's JWK Set. Raises BadAssertion."""
        header, claims = _taken_apart(assertion)
        client_id = claims.get("iss")
        if not isinstance(client_id, str) or claims.get("sub") != client_id:
            raise BadAssertion("iss and sub must both be the client id")
        algorithm = header.get("alg")
        if algorithm not in self._algorithms:
            raise BadAssertion("alg must be one of " + ", ".join(sorted(self._algorithms)))
        key = _key(keys_of(client_id), header.get("kid"), str(algorithm))
        try:
            jwt.decode(assertion, key, algorithms=[str(algorithm)])
        except (JoseError, ValueError) as error:
            raise BadAssertion("the signature does not fit the registered key") from error
        self._check_claims(claims)
        self._remember(client_id, claims)
        return client_id

    def _check_claims(self, claims: dict[str, Any]) -> None:
        said = claims.get("aud")
        if not self._audiences & set(said if isinstance(said, list) else [said]):
            raise BadAssertion("aud must be the address of the token endpoint")
        now, ends = self._clock(), claims.get("exp")
        if isinstance(ends, bool) or not isinstance(ends, int | float):
            raise BadAssertion("exp is missing or not a number")
        if ends <= now - LEEWAY_SECONDS:
            raise BadAssertion("it has expired")
        if ends > now + LONGEST_SECONDS + LEEWAY_SECONDS:
            raise BadAssertion("exp is more than five minutes ahead")
        for name in ("iat", "nbf"):
            moment = claims.get(name, now)
            if not isinstance(moment, int | float) or moment > now + LEEWAY_SECONDS:
                raise BadAssertion(f"{name} is not a moment in the past")

    def _remember(self, client_id: str, claims: dict[str, Any]) -> None:
        now, name = self._clock(), claims.get("jti")
        if not isinstance(name, str) or not name:
            raise BadAssertion("jti is missing")
        # Kept past its end by the leeway: until then the same assertion would still be taken.
        self._seen = {key: ends for key, ends in self._seen.items() if ends + LEEWAY_SECONDS > now}
        if (client_id, name) in self._seen:
            raise BadAssertion("jti was used before")
        self._seen[client_id, name] = claims["exp"]


def public_keys(value: object) -> str | None:
    """What is wrong with a JWK Set that an app would register; None: nothing."""
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list) or not keys:
        return "jwks must be a JWK Set with keys"
    for key in keys:
        if not isinstance(key, dict) or not isinstance(key.get("kid"), str) or not key["kid"]:
            return "every key needs a kid, which is a text"
        if {"d", "p", "q", "k"} & set(key):
            return "jwks must hold public keys only"
        try:
            jwk.import_key(key)
        except (JoseError, ValueError, TypeError, KeyError):
            return "a key cannot be read"
    return None


def _key(jwks: Mapping[str, Any] | None, kid: object, algorithm: str) -> jwk.Key:
    if not isinstance(kid, str):
        raise BadAssertion("kid is missing or not a text")
    keys = jwks.get("keys") if jwks is not None else None
    named = [key for key in keys or () if isinstance(key, dict) and key.get("kid") == kid]
    kty, curve = _KEY_OF[algorithm]
    for found in named:
        fits = found.get("kty") == kty and (curve is None or found.get("crv") == curve)
        if fits and found.get("alg", algorithm) == algorithm and found.get("use", "sig") == "sig":
            try:
                return jwk.import_key(found)
            except (JoseError, ValueError) as error:
                raise BadAssertion("the registered key cannot be read") from error
    raise BadAssertion("no registered key has this kid and fits alg")


def _taken_apart(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    parts = assertion.split(".")
    if len(parts) != 3:
        raise BadAssertion("it is not a compact JWS")
    try:
        header, claims = (
            orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2]
        )
    except (ValueError, binascii.Error) as error:
        raise BadAssertion("it cannot be read") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise BadAssertion("it cannot be read")
    return header, claims
