"""The authorization server's memory: codes, access and refresh tokens, and the rules for them.

RFC 6749 (authorization code, refresh), RFC 7636 (PKCE), RFC 7009 (revocation), RFC 9700 (rotation, replay).
No HTTP here. Secrets are kept only as their SHA-256 and only in memory.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

CODE_SECONDS = 60.0
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


class OAuthError(Exception):
    """An error answer of the token endpoint (RFC 6749, section 5.2)."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


@dataclass(slots=True)
class Grant:
    """One consent: who, to which app, what. All tokens that come from it point here."""

    client_id: str
    patient: str
    scopes: tuple[str, ...]
    nonce: str | None = None
    alive: bool = True
    refresh: str | None = field(default=None, repr=False)
    """Hash of the refresh token that is good now."""


@dataclass(frozen=True, slots=True)
class Access:
    """What an access token allows."""

    grant: Grant
    scopes: tuple[str, ...]
    expires: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the token endpoint hands out."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: int
    scopes: tuple[str, ...]
    grant: Grant
    first: bool
    """True for the answer to a code, which carries an id_token."""


@dataclass(slots=True)
class _Code:
    grant: Grant
    redirect_uri: str
    challenge: str | None
    expires: float
    used: bool = False


class AuthorizationServer:
    """Hands out codes and tokens and takes them back."""

    def __init__(
        self,
        clients: Mapping[str, str | None],
        clock: Callable[[], float],
        *,
        token_seconds: int = 3600,
        rotates: bool = True,
        refresh_for_public: bool = True,
    ) -> None:
        self.clients = clients
        """Client id to secret; None for a public client."""
        self._clock = clock
        self._token_seconds = token_seconds
        self._rotates = rotates
        self._refresh_for_public = refresh_for_public
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, Access] = {}
        self._refresh: dict[str, Grant] = {}

    def authenticate(self, client_id: str, secret: str | None) -> str:
        """The client id, if the secret is right. Raises OAuthError `invalid_client`."""
        expected = self.clients.get(client_id, "")
        if expected is None:
            right = secret is None
        else:
            right = bool(expected) and hmac.compare_digest(expected.encode(), (secret or "").encode())
        if right:
            return client_id
        raise OAuthError("invalid_client", "The client is unknown or its secret is wrong.", 401)

    def issue_code(self, grant: Grant, redirect_uri: str, challenge: str | None) -> str:
        """A code for one use within a minute."""
        code = secrets.token_urlsafe(32)
        self._codes[_hash(code)] = _Code(grant, redirect_uri, challenge, self._clock() + CODE_SECONDS)
        return code

    def exchange(self, client_id: str, code: str, redirect_uri: str, verifier: str | None) -> Answer:
        """Tokens for a code. A code that comes again takes down what it gave. Raises OAuthError."""
        found = self._codes.get(_hash(code))
        if found is None or found.grant.client_id != client_id:
            raise OAuthError("invalid_grant", "The code is unknown, expired or another client's.")
        if found.used:
            found.grant.alive = False
            raise OAuthError("invalid_grant", "The code was used before; its tokens are revoked.")
        found.used = True
        if self._clock() >= found.expires:
            raise OAuthError("invalid_grant", "The code is unknown, expired or another client's.")
        if redirect_uri != found.redirect_uri:
            raise OAuthError("invalid_grant", "redirect_uri is not the one the code was asked with.")
        _check_verifier(found.challenge, verifier)
        return self.issue(found.grant)

    def issue(self, grant: Grant) -> Answer:
        """The first tokens of a grant; a refresh token only where `offline_access` or the like is granted."""
        lasting = "offline_access" in grant.scopes or "online_access" in grant.scopes
        public = self.clients.get(grant.client_id) is None
        refresh = self._new_refresh(grant) if lasting and (self._refresh_for_public or not public) else None
        return self._answer(grant, grant.scopes, refresh, first=True)

    def renew(self, client_id: str | None, refresh_token: str, scope: str | None) -> Answer:
        """Tokens for a refresh token. An old one that comes again ends the whole grant. Raises OAuthError."""
        hashed = _hash(refresh_token)
        grant = self._refresh.get(hashed)
        if grant is None or not grant.alive:
            raise OAuthError("invalid_grant", "The refresh token is not valid any more.")
        if client_id is None and self.clients.get(grant.client_id) is not None:
            raise OAuthError("invalid_client", "This client has to authenticate.", 401)
        if client_id is not None and client_id != grant.client_id:
            raise OAuthError("invalid_grant", "The refresh token is another client's.")
        if grant.refresh != hashed:
            grant.alive = False
            raise OAuthError("invalid_grant", "The refresh token was used before; sign in again.")
        scopes = tuple(scope.split()) if scope else grant.scopes
        if not set(scopes) <= set(grant.scopes):
            raise OAuthError("invalid_scope", "A refresh cannot ask for more than was granted.")
        return self._answer(grant, scopes, self._new_refresh(grant) if self._rotates else None, first=False)

    def access(self, token: str) -> Access | None:
        """What a token allows; None when it is unknown, expired or revoked."""
        found = self._access.get(_hash(token))
        if found is None or not found.grant.alive or self._clock() >= found.expires:
            return None
        return found

    def revoke(self, client_id: str, token: str) -> None:
        """Take back an access token, or with a refresh token the whole grant. Unknown ones are fine."""
        hashed = _hash(token)
        access, refresh = self._access.get(hashed), self._refresh.get(hashed)
        grant = access.grant if access else refresh
        if grant is None:
            return
        if grant.client_id != client_id:
            raise OAuthError("unauthorized_client", "The token is another client's.")
        if access:
            del self._access[hashed]
        else:
            grant.alive = False

    def expire(self, token: str) -> None:
        """Let one access token expire now, as the fault `expired-token` does."""
        found = self._access.get(_hash(token))
        if found is not None:
            self._access[_hash(token)] = replace(found, expires=self._clock())

    def expire_all(self) -> None:
        """Let every access token expire now; refresh tokens stay good."""
        now = self._clock()
        self._access = {key: replace(found, expires=now) for key, found in self._access.items()}

    def revoke_all(self) -> None:
        """End every grant, as a person does on the hospital's portal."""
        for grant in [*self._refresh.values(), *(found.grant for found in self._access.values())]:
            grant.alive = False

    def _new_refresh(self, grant: Grant) -> str:
        token = secrets.token_urlsafe(32)
        grant.refresh = _hash(token)
        self._refresh[grant.refresh] = grant
        return token

    def _answer(self, grant: Grant, scopes: tuple[str, ...], refresh: str | None, *, first: bool) -> Answer:
        token = secrets.token_urlsafe(32)
        self._access[_hash(token)] = Access(grant, scopes, self._clock() + self._token_seconds)
        return Answer(token, refresh, self._token_seconds, scopes, grant, first)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _check_verifier(challenge: str | None, verifier: str | None) -> None:
    """RFC 7636, section 4.6; a verifier without a challenge is refused too (RFC 9700, section 2.1.1)."""
    if challenge is None and verifier is None:
        return
    if challenge is None or verifier is None or not _VERIFIER.fullmatch(verifier):
        raise OAuthError("invalid_grant", "code_verifier is missing or not as it should be.")
    digest = hashlib.sha256(verifier.encode()).digest()
    if not hmac.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), challenge):
        raise OAuthError("invalid_grant", "code_verifier does not fit the code_challenge.")
