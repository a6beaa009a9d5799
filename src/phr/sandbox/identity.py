"""Signs id_tokens (OpenID Connect Core 1.0, section 2; SMART App Launch 2.2, "Scopes for identity").

ES256 with a key made when the sandbox starts; its public half is published as a JWK Set.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


class Signer:
    """One P-256 key and what it signs."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        self._jwk = {"crv": "P-256", "kty": "EC", "x": _coordinate(numbers.x), "y": _coordinate(numbers.y)}
        # RFC 7638: the thumbprint is over exactly these members in this order.
        self._kid = _base64url(hashlib.sha256(orjson.dumps(self._jwk)).digest())

    def jwks(self) -> dict[str, Any]:
        """The public key as a JWK Set (RFC 7517)."""
        return {"keys": [{**self._jwk, "kid": self._kid, "alg": "ES256", "use": "sig"}]}

    def sign(self, claims: dict[str, Any]) -> str:
        """A compact JWS over the claims (RFC 7515, RFC 7518 section 3.4)."""
        header = {"alg": "ES256", "typ": "JWT", "kid": self._kid}
        signed = f"{_base64url(orjson.dumps(header))}.{_base64url(orjson.dumps(claims))}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _coordinate(number: int) -> str:
    return _base64url(number.to_bytes(32, "big"))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
