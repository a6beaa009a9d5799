"""Taking leave: tell the server, forget the secrets, keep the records unless asked not to.

RFC 7009 (revocation) and RFC 7592 (the end of a registration). A server that is gone, or that will not hear of it,
never keeps a person from leaving.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from phr.errors import Locked, PhrError, SecretsError
from phr.model import Connection
from phr.smart import registration as registrations
from phr.smart.token import revoke
from phr.store.imports import documents_key
from phr.workspace import tokens
from phr.workspace.tokens import alone as alone

if TYPE_CHECKING:
    from phr.smart.registration import Registration
    from phr.workspace.ways_in import Fresh
    from phr.workspace.workspace import Workspace

log = logging.getLogger(__name__)
_UNREADABLE = (Locked, SecretsError, OSError)


@dataclass(frozen=True, slots=True)
class Disconnected:
    """What taking leave did. `revoked` is None when there was nothing to revoke, or no way to."""

    name: str
    revoked: bool | None
    records_removed: int
    unregistered: bool | None = None
    """Whether the app's own client is gone; None when there was none, or no way to end it."""
    already: bool = False
    """It had been disconnected before."""
    readable: bool = True
    """False: what was kept of the sign-in is damaged or locked, so that nothing could be revoked."""
    forgotten: bool = True
    """False: it could not be removed either, and stays where it is, of no use to anybody who cannot open it."""


def disconnect(workspace: Workspace, name: str, *, purge: bool = False) -> Disconnected:
    """Revoke at the server when it can, forget the secrets; keep the records unless `purge`."""
    with workspace.lock(), workspace.store() as store:
        connection = store.connections.get(name)
        with tokens.alone(workspace, connection):
            revoked, unregistered, readable = _told(workspace, connection)
            forgotten = _forgotten(workspace, connection)
        removed = 0
        if purge:  # and what was read out of its documents
            beside = documents_key(connection.key)
            removed = store.sources.purge(beside) + store.sources.purge(connection.key)
        if not purge:
            store.connections.save(
                replace(connection, state="revoked", token_expires=None, sign_in_before=None)
            )
        store.audit.note("purge" if purge else "disconnect", name)
        already = connection.state == "revoked"
        return Disconnected(name, revoked, removed, unregistered, already, readable, forgotten)


def _told(workspace: Workspace, connection: Connection) -> tuple[bool | None, bool | None, bool]:
    """What the server said to the end of the sign-in and of the client; last, whether the secrets could be read."""
    try:
        revoked = _revoke(workspace, connection)
        kept = tokens.kept_registration(workspace, connection)
    except (*_UNREADABLE, msgspec.MsgspecError, ValueError) as error:
        log.debug("what was kept cannot be read: %s", type(error).__name__)
        return None, None, False
    return revoked, unregister(kept) if kept else None, True


def _forgotten(workspace: Workspace, connection: Connection) -> bool:
    """Remove the secrets as far as that can be done: a damaged store keeps nobody from leaving."""
    try:
        tokens.forget(workspace.vault.secrets, connection.key)
    except _UNREADABLE as error:
        log.debug("what was kept cannot be removed: %s", type(error).__name__)
        return False
    return True


def _revoke(workspace: Workspace, connection: Connection) -> bool | None:
    """Ask the server to end the sign-in: refresh token, then access token.

    A token that came by hand was not given to this app, and may be in use elsewhere: it is only forgotten.
    """
    token = tokens.kept_token(workspace, connection)
    if token is None or connection.auth in ("bearer", "none"):
        return None
    try:
        configuration = tokens.server(workspace, connection)
        if configuration.revocation_endpoint is None:
            return None
        return revoke(configuration, token, tokens.client_of(workspace, connection))
    except PhrError:
        return False


def take_back(fresh: Fresh, unless: Registration | None) -> None:
    """Undo a sign-in that will not be kept, as far as the server lets us; `unless` is a registration still in use."""
    try:
        if (
            fresh.token
            and fresh.configuration
            and fresh.configuration.revocation_endpoint
            and fresh.auth != "bearer"
        ):
            revoke(fresh.configuration, fresh.token, fresh.client)
    except PhrError as error:
        log.debug("could not be revoked: %s", type(error).__name__)
    if fresh.registration is not None and fresh.registration != unless:
        unregister(fresh.registration)


def unregister(kept: Registration) -> bool | None:
    """End a client of our own; None where the server gave no way to. Never raises for what a server does."""
    if kept.uri is None or kept.access_token is None:
        return None
    try:
        return registrations.unregister(kept)
    except PhrError as error:
        log.debug("could not be unregistered: %s", type(error).__name__)
        return False
