"""Makes tokens: opaque ones, or JWTs where a vendor is known to put something into them (RFC 9068, loosely)."""

from __future__ import annotations

import secrets
from typing import Any

from phr.sandbox.grants import Grant
from phr.sandbox.habits import VendorHabits
from phr.sandbox.identity import Signer


class Mint:
    """Tokens as one vendor makes them."""

    def __init__(self, signer: Signer, habits: VendorHabits, issuer: str, audience: str) -> None:
        self._signer = signer
        self._habits = habits
        self._issuer = issuer
        self._audience = audience

    def access(self, grant: Grant, scopes: tuple[str, ...], now: float, expires: float) -> str:
        """An access token."""
        if not self._habits.access_claims:
            return secrets.token_urlsafe(32)
        claims: dict[str, Any] = {
            "aud": self._audience,
            "scp": list(scopes),
            "sub": grant.patient or grant.client_id,
        }
        for name, text in self._habits.access_claims.items():
            if "{patient}" not in text or grant.patient is not None:
                claims[name] = text.replace("{patient}", grant.patient or "")
        return self._jwt(grant, claims, now, expires)

    def refresh(self, grant: Grant, now: float, ends: float | None) -> str:
        """A refresh token; a JWT where its end is told by `exp` (Epic)."""
        if self._habits.refresh_end_as != "jwt" or ends is None:
            return secrets.token_urlsafe(32)
        return self._jwt(grant, {"aud": self._issuer}, now, ends)

    def _jwt(self, grant: Grant, claims: dict[str, Any], now: float, expires: float) -> str:
        common = {
            "iss": self._issuer,
            "client_id": grant.client_id,
            "iat": int(now),
            "exp": int(expires),
            "jti": secrets.token_urlsafe(16),
        }
        return self._signer.sign({**common, **claims})
