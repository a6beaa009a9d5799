"""A sign-in in use: hands out access tokens and renews them (RFC 6749 section 6; SMART App Launch 2.2, 3.3).

How a connection renews is said by its `auth`: by a refresh token, by its own signature (`dynamic`, `backend`), or
never (`bearer`). A refresh token may be single-use, so three things must hold: threads of one sync refresh once, not
each; two processes never refresh at the same time (`lock`, then `reload` what the other kept); and a new token is
kept before it is used, because the old one is dead from the moment the server answered.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from phr.errors import Busy, PhrError, ReconnectNeeded, SignInError, Unreachable, typed
from phr.model import Connection, SmartConfiguration, Token, Vendor
from phr.smart.answer import TokenRefusedError
from phr.smart.client import Client
from phr.smart.token import carried_over, client_credentials, jwt_bearer, refresh

if TYPE_CHECKING:
    from phr.fhir.transport import BaseTransport

MARGIN = 60.0
"""Seconds before expiry at which a token is renewed ahead of time."""
_DEAD = frozenset(
    "invalid_grant invalid_token interaction_required login_required consent_required access_denied".split()
)
"""What only the person can mend."""
_GONE = frozenset({"invalid_client", "unauthorized_client"})
"""For a registration that phr made itself: the next sign-in makes a new one."""
log = logging.getLogger(__name__)


class Session:
    """The TokenSource of one connection.

    `keep` stores a new token and returns only when it is safe; `reload` reads what is stored now; `lock` makes
    the context manager that keeps other processes out. bearer() and renew() raise ReconnectNeeded when only
    the person can help, SignInError when the registration is not accepted, Unreachable when it may pass, Busy when
    another process renews for too long.
    """

    def __init__(
        self,
        connection: Connection,
        configuration: SmartConfiguration,
        token: Token,
        *,
        client: Client,
        vendor: Vendor | None = None,
        keep: Callable[[Token], None],
        reload: Callable[[], Token | None] | None = None,
        lock: Callable[[], AbstractContextManager[object]] = nullcontext,
        transport: BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._name = connection.name
        self._auth = connection.auth
        self._scopes = connection.requested_scopes
        self._configuration = configuration
        self._client = client
        self._vendor = vendor or Vendor("custom", "custom")
        self._token = token
        self._keep = keep
        self._reload = reload
        self._lock = lock
        self._transport = transport
        self._clock = clock
        self._sleep = sleep
        self._mutex = threading.Lock()

    def __repr__(self) -> str:
        return f"Session({self._name!r}, {self._token!r})"

    @property
    def token(self) -> Token:
        """The token as it stands."""
        return self._token

    def bearer(self) -> str:
        """The access token, renewed first when it ends within a minute."""
        with self._mutex:
            if not self._due(self._token) or (self._paused(self._token) and not self._expired(self._token)):
                return self._token.access_token
            try:
                return self._renewed(self._token.access_token)
            except (Busy, Unreachable, ReconnectNeeded):
                # It still has some seconds to live; whoever uses it will see a 401 soon enough.
                if self._expired(self._token):
                    raise
                return self._token.access_token

    def renew(self, rejected: str) -> str:
        """A token other than `rejected`, which met a 401. Many threads may ask at once: one refresh is done."""
        with self._mutex:
            if self._token.access_token != rejected:
                return self._token.access_token
            return self._renewed(rejected)

    # ── when ──────────────────────────────────────────────────────────────────────────────────────

    def _due(self, token: Token) -> bool:
        return token.expires_at is not None and self._clock() >= token.expires_at - self._margin(token)

    def _margin(self, token: Token) -> float:
        """Lives of five minutes and less were seen: half of a short life, so that not every request renews."""
        if token.expires_at is None or token.renewed_at is None:
            return MARGIN
        return min(MARGIN, max(0.0, token.expires_at - token.renewed_at) / 2)

    def _expired(self, token: Token) -> bool:
        return token.expires_at is not None and self._clock() >= token.expires_at

    def _paused(self, token: Token) -> bool:
        """Whether this vendor may throttle a renewal as soon as this (Oracle Health: one a minute).

        Then none is asked for ahead of time; a token that met a 401 has to be renewed all the same.
        """
        if token.renewed_at is None:
            return False
        return 0 <= self._clock() - token.renewed_at < self._vendor.refresh_pause

    # ── how ───────────────────────────────────────────────────────────────────────────────────────

    def _renewed(self, rejected: str) -> str:
        try:
            with self._lock():
                if not self._taken_over(rejected):
                    self._check_renewable()
                    self._adopt(self._fresh())
        except Busy:
            # Who held the lock for so long may have renewed it all the same.
            if not self._taken_over(rejected):
                raise
        return self._token.access_token

    def _taken_over(self, rejected: str) -> bool:
        """Whether what is stored now is newer than `rejected` and good: another process was first."""
        kept = self._reload() if self._reload is not None else None
        if kept is None:
            return False
        self._token = kept
        if kept.access_token == rejected or self._expired(kept):
            return False
        if self._due(kept) and not self._paused(kept):
            return False
        log.debug("another process has renewed the token of this connection")
        return True

    def _check_renewable(self) -> None:
        """Raises what is right where no renewal may be tried."""
        by_key = self._auth == "dynamic" and self._client.keys is not None
        if self._auth == "bearer":
            raise ReconnectNeeded(self._name, f"The token that was given for {self._name} has ended.")
        if not (self._token.refresh_token or by_key or self._auth == "backend"):
            raise ReconnectNeeded(self._name)

    def _fresh(self) -> Token:
        try:
            return self._granted()
        except TokenRefusedError as error:
            log.debug("renewal refused")
            raise self._why(error) from None

    def _granted(self) -> Token:
        """A new token, by whichever grant this connection has."""
        old, now = self._token, self._clock()
        if self._auth == "dynamic" and self._client.keys is not None:
            fresh = jwt_bearer(
                self._configuration,
                self._client,
                now=now,
                asked=old.scope,
                transport=self._transport,
                sleep=self._sleep,
            )
            return carried_over(fresh, replace(old, refresh_token=None, refresh_ends_at=None))
        if self._auth == "backend":
            fresh = client_credentials(
                self._configuration,
                self._client,
                scopes=self._scopes,
                now=now,
                transport=self._transport,
                sleep=self._sleep,
            )
            return carried_over(fresh, replace(old, refresh_token=None, refresh_ends_at=None))
        return refresh(
            self._configuration,
            self._client,
            old,
            now=now,
            repeat_scope=self._vendor.refresh_scope,
            transport=self._transport,
            sleep=self._sleep,
        )

    def _why(self, error: TokenRefusedError) -> PhrError:
        """Whether the person has to sign in again, or look after the registration."""
        dead = _DEAD | _GONE if self._auth == "dynamic" else _DEAD
        if error.error in dead and self._auth != "backend":
            again = ReconnectNeeded(self._name)
            # Oracle suspends a refresh token until the person approves it again at the address it names.
            again.hint = f"{again.hint}{'.' if error.more else ''}{error.more}"
            return again
        return SignInError(
            f"{self._name}: {error.message}",
            hint=error.hint
            or f"Check the client id of the registration, then: phr reconnect {typed(self._name)}",
        )

    def _adopt(self, fresh: Token) -> None:
        try:
            self._keep(fresh)
        finally:
            # Even if keeping failed: the old one is dead, and this process can still finish its work.
            self._token = fresh
        log.debug("token renewed")
