"""Keys and assertions for the tests, made with another library than the one the sandbox checks them with."""

from __future__ import annotations

import uuid
from typing import Any

from jwcrypto import jwk, jwt

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

EC: jwk.JWK = jwk.JWK.generate(kty="EC", crv="P-384", kid="ec-1", alg="ES384", use="sig")
RSA: jwk.JWK = jwk.JWK.generate(kty="RSA", size=2048, kid="rsa-1", alg="RS384", use="sig")
JWKS: dict[str, Any] = {"keys": [RSA.export_public(as_dict=True), EC.export_public(as_dict=True)]}


def assertion(
    client_id: str,
    audience: Any,
    now: float,
    *,
    key: jwk.JWK = EC,
    header: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    """A signed assertion; a claim or header member given as None is left out."""
    algorithm = "ES384" if key["kty"] == "EC" else "RS384"
    head = {"alg": algorithm, "kid": key["kid"], "typ": "JWT", **(header or {})}
    said = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "exp": int(now) + 300,
        "jti": str(uuid.uuid4()),
        **claims,
    }
    token = jwt.JWT(
        header={name: value for name, value in head.items() if value is not None},
        claims={name: value for name, value in said.items() if value is not None},
    )
    token.make_signed_token(key)
    return str(token.serialize())
