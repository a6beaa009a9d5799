"""Proof Key for Code Exchange (RFC 7636, S256 only) and the unguessable words of one sign-in.

The challenge is always sent, also to servers that ignore it (SMART App Launch 2.2, section 3.1.2).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pkce:
    """`verifier` stays here until the code is exchanged; `challenge` travels in the authorize URL."""

    verifier: str = field(repr=False)
    challenge: str = field(repr=False)


def challenge_of(verifier: str) -> str:
    """BASE64URL(SHA256(ASCII(verifier))) without padding (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def new_pkce() -> Pkce:
    """A fresh pair; 86 characters of verifier out of 43 to 128 allowed."""
    verifier = secrets.token_urlsafe(64)
    return Pkce(verifier, challenge_of(verifier))


def new_state() -> str:
    """256 random bits: nobody else can make an answer that fits this sign-in. Also good as a nonce."""
    return secrets.token_urlsafe(32)
