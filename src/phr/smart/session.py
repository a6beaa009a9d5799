"""A sign-in in use: hands out access tokens and renews them (RFC 6749 section 6; SMART App Launch 2.2, 3.3).

A refresh token may be single-use, so three things must hold: threads of one sync refresh once, not each; two
processes never refresh at the same time (`lock`, then `reload` what the other kept); and a new token is kept
before it is used, because the old one is dead from the moment the server answered.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from phr.errors import ReconnectNeeded, SignInError, Unreachable
from phr.model import Connection, SmartConfiguration, Token
from phr.smart.token import Client, TokenRefusedError, refresh

if TYPE_CHECKING:
    from phr.fhir.transport import BaseTransport

MARGIN = 60.0
"""Seconds before expiry at which a token is renewed ahead of time."""
_DEAD = frozenset({"invalid_grant", "invalid_token", "interaction_required", "login_required"})
log = logging.getLogger(__name__)


class Session:
    """The TokenSource of one connection.

    `keep` stores a new token and returns only when it is safe; `reload` reads what is stored now; `lock` makes
    the context manager that keeps other processes out. bearer() and renew() raise ReconnectNeeded when only
    the person can help, SignInError when the registration is not accepted, Unreachable when it may pass.
    """

    def __init__(
        self,
        connection: Connection,
        configuration: SmartConfiguration,
        token: Token,
        *,
        keep: Callable[[Token], None],
        reload: Callable[[], Token | None] | None = None,
        lock: Callable[[], AbstractContextManager[object]] = nullcontext,
        client_secret: str | None = None,
        transport: BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = connection.name
        self._configuration = configuration
        self._client = Client(connection.client_id, client_secret)
        self._token = token
        self._margin = MARGIN
        self._keep = keep
        self._reload = reload
        self._lock = lock
        self._transport = transport
        self._clock = clock
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
            if not self._due(self._token):
                return self._token.access_token
            try:
                return self._renewed(self._token.access_token)
            except (Unreachable, ReconnectNeeded):
                # It still has some seconds to live; whoever uses it will see a 401 soon enough.
                if self._expired():
                    raise
                return self._token.access_token

    def renew(self, rejected: str) -> str:
        """A token other than `rejected`, which met a 401. Many threads may ask at once: one refresh is done."""
        with self._mutex:
            if self._token.access_token != rejected:
                return self._token.access_token
            return self._renewed(rejected)

    def _due(self, token: Token) -> bool:
        return token.expires_at is not None and self._clock() >= token.expires_at - self._margin

    def _expired(self) -> bool:
        return self._token.expires_at is not None and self._clock() >= self._token.expires_at

    def _renewed(self, rejected: str) -> str:
        with self._lock():
            kept = self._reload() if self._reload is not None else None
            if kept is not None:
                self._token = kept
                if kept.access_token != rejected and not self._due(kept):
                    log.debug("another process has renewed the token of this connection")
                    return kept.access_token
            if not self._token.refresh_token:
                raise ReconnectNeeded(self._name)
            self._adopt(self._refresh())
        return self._token.access_token

    def _refresh(self) -> Token:
        try:
            return refresh(
                self._configuration,
                self._client,
                self._token,
                now=self._clock(),
                transport=self._transport,
            )
        except TokenRefusedError as error:
            log.debug("refresh refused")
            if error.error in _DEAD:
                raise ReconnectNeeded(self._name) from None
            raise SignInError(
                f"{self._name}: {error.message}",
                hint=error.hint
                or f"Check the client id of the registration, then: phr reconnect {self._name}",
            ) from None

    def _adopt(self, fresh: Token) -> None:
        try:
            self._keep(fresh)
        finally:
            # Even if keeping failed: the old one is dead, and this process can still finish its work.
            self._token = fresh
        # Very short lives (five minutes and less were seen) must not mean a refresh for every request.
        life = (fresh.expires_at or 0.0) - self._clock()
        self._margin = min(MARGIN, life / 2) if life > 0 else MARGIN
        log.debug("token renewed")
