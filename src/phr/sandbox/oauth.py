"""The authorization server's memory: codes, access and refresh tokens, and the rules for them.

RFC 6749 (authorization code, refresh, client credentials), RFC 7636 (PKCE), RFC 7009 (revocation), RFC 7523 (JWT
bearer), RFC 9700 (rotation, replay). No HTTP here. Secrets are kept only as their SHA-256 and only in memory.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from phr.sandbox.clients import Clients
from phr.sandbox.grants import Access, Answer, Grant, OAuthError
from phr.sandbox.habits import VendorHabits
from phr.sandbox.minting import Mint

CODE_SECONDS = 60.0
SYSTEM_SECONDS = 300
"""Life of a machine's access token at most (SMART App Launch 2.2, "Backend Services": recommended)."""
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


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
        self, clients: Clients, clock: Callable[[], float], habits: VendorHabits, mint: Mint
    ) -> None:
        self.clients = clients
        self._clock = clock
        self._habits = habits
        self._mint = mint
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, Access] = {}
        self._refresh: dict[str, Grant] = {}
        self._grants: list[Grant] = []

    def issue_code(self, grant: Grant, redirect_uri: str, challenge: str | None) -> str:
        """A code for one use within a minute."""
        code = secrets.token_urlsafe(32)
        self._begin(grant)
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
        if self._habits.pkce != "ignored":
            _check_verifier(found.challenge, verifier)
        return self.issue(found.grant)

    def issue(self, grant: Grant) -> Answer:
        """The first tokens of a grant; a refresh token only where it lasts and the vendor gives one."""
        self._begin(grant)
        return self._answer(
            grant, grant.scopes, self._new_refresh(grant) if self._lasts(grant) else None, first=True
        )

    def issue_to_system(self, client_id: str, scopes: tuple[str, ...]) -> Answer:
        """An access token for a machine (RFC 6749, section 4.4): no person, no refresh token."""
        grant = Grant(client_id, None, scopes)
        self._begin(grant)
        return self._answer(grant, scopes, None, first=False)

    def issue_again(self, grant: Grant) -> Answer:
        """An access token for an assertion of the client that this grant belongs to (RFC 7523, section 2.1)."""
        if not grant.lives:
            raise OAuthError("invalid_grant", "The person has taken back the consent.")
        return self._answer(grant, grant.scopes, None, first=False)

    def descend(self, parent: Grant, client_id: str) -> Grant:
        """A grant for a client that registered itself with a token of this one: same person, same scopes."""
        grant = Grant(client_id, parent.patient, parent.scopes, parent=parent)
        self._begin(grant)
        return grant

    def renew(self, client_id: str | None, refresh_token: str, scope: str | None) -> Answer:
        """Tokens for a refresh token. An old one that comes again ends the whole grant. Raises OAuthError."""
        grant, now = self._renewable(client_id, refresh_token), self._clock()
        scopes = tuple(scope.split()) if scope else grant.scopes
        if not set(scopes) <= set(grant.scopes):
            raise OAuthError("invalid_scope", "A refresh cannot ask for more than was granted.")
        early = grant.renewed is not None and now - grant.renewed < self._habits.refresh_pause
        if early and self._has_access(grant):
            raise OAuthError("temporarily_unavailable", "Refreshed a moment ago; wait a minute.", 429)
        grant.renewed, grant.renewals = now, grant.renewals + 1
        turn = {"always": True, "sometimes": grant.renewals % 2 == 0}.get(self._habits.rotation, False)
        return self._answer(grant, scopes, self._new_refresh(grant) if turn else None, first=False)

    def _has_access(self, grant: Grant) -> bool:
        """Whether an access token of this grant is good still, so that another is not needed."""
        now = self._clock()
        return any(one.grant is grant and now < one.expires for one in self._access.values())

    def _renewable(self, client_id: str | None, refresh_token: str) -> Grant:
        hashed = _hash(refresh_token)
        grant = self._refresh.get(hashed)
        if grant is None or not grant.lives:
            raise OAuthError("invalid_grant", "The refresh token is not valid any more.")
        if client_id is None and not self._public(grant.client_id):
            raise OAuthError("invalid_client", "This client has to authenticate.", 401)
        if client_id is not None and client_id != grant.client_id:
            raise OAuthError("invalid_grant", "The refresh token is another client's.")
        if grant.refresh != hashed:
            grant.alive = False
            raise OAuthError("invalid_grant", "The refresh token was used before; sign in again.")
        now, idle = self._clock(), self._habits.refresh_idle_seconds
        ends, last = self._refresh_ends(grant), grant.renewed or grant.began or now
        if (ends is not None and now >= ends) or (idle is not None and now - last >= idle):
            grant.alive = False
            raise OAuthError("invalid_grant", "The refresh token has come to its end; sign in again.")
        return grant

    def access(self, token: str) -> Access | None:
        """What a token allows; None when it is unknown, expired or revoked."""
        found = self._access.get(_hash(token))
        if found is None or not found.grant.lives or self._clock() >= found.expires:
            return None
        return found

    def describe(self, client_id: str, token: str) -> dict[str, Any]:
        """What introspection says about a token (RFC 7662, section 2.2); another client's is not active."""
        access, grant = self.access(token), self._refresh.get(_hash(token))
        if access is not None and access.grant.client_id == client_id:
            grant, expires, scopes = access.grant, int(access.expires), access.scopes
            said: dict[str, Any] = {"token_type": "Bearer", "exp": expires, "scope": " ".join(scopes)}
        elif grant and grant.lives and grant.refresh == _hash(token) and grant.client_id == client_id:
            said = {"scope": " ".join(grant.scopes)}
        else:
            return {"active": False}
        if grant.patient is not None:
            said |= {"patient": grant.patient, "sub": grant.patient}
        return {"active": True, "client_id": client_id, **said}

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

    def living(self) -> list[Grant]:
        """The consents that count now, in the order they were given."""
        return [grant for grant in self._grants if grant.lives]

    def revoke_all(self, client_id: str | None = None) -> None:
        """End every grant, or those of one client, as a person does on the hospital's portal."""
        for grant in self._grants:
            if client_id in (None, grant.client_id):
                grant.alive = False

    def _begin(self, grant: Grant) -> None:
        if grant.began is None:
            grant.began = self._clock()
            self._grants.append(grant)

    def _lasts(self, grant: Grant) -> bool:
        """Whether a refresh token comes with it: asked for, registered for, and given to such clients."""
        client = self.clients.find(grant.client_id)
        asked = bool({"offline_access", "online_access"} & set(grant.scopes))
        return (
            (asked or self._habits.refresh_by_registration)
            and client is not None
            and "refresh_token" in client.grant_types
            and (self._habits.refresh_for_public or not client.public)
        )

    def _public(self, client_id: str) -> bool:
        client = self.clients.find(client_id)
        return client is not None and client.public

    def _refresh_ends(self, grant: Grant) -> float | None:
        seconds = self._habits.refresh_ends_seconds
        return None if seconds is None else (grant.began or 0.0) + seconds

    def _new_refresh(self, grant: Grant) -> str:
        token = self._mint.refresh(grant, self._clock(), self._refresh_ends(grant))
        grant.refresh = _hash(token)
        self._refresh[grant.refresh] = grant
        return token

    def _answer(self, grant: Grant, scopes: tuple[str, ...], refresh: str | None, *, first: bool) -> Answer:
        now, seconds = self._clock(), self._habits.token_seconds
        if grant.patient is None:
            seconds = min(seconds, SYSTEM_SECONDS)
        token = self._mint.access(grant, scopes, now, now + seconds)
        self._access[_hash(token)] = Access(grant, scopes, now + seconds)
        return Answer(token, refresh, seconds, scopes, grant, first, self._refresh_ends(grant))


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
