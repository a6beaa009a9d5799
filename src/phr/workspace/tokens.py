"""Tokens of a connection: kept in the vault, handed to the FHIR client as a Session that renews them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from phr.fhir import dates
from phr.model import Connection, SmartConfiguration, Token
from phr.paths import exclusive_lock
from phr.smart.discovery import discover
from phr.smart.session import Session
from phr.vault.base import SecretStore

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace

_TOKEN, _CLIENT_SECRET, _SERVER = "token/", "client-secret/", "sign-in-server/"
"""What the items of a connection are called in the vault, before the connection's key."""


def session(workspace: Workspace, connection: Connection) -> Session | None:
    """A sign-in in use, for the FHIR client; None when its token is not in the vault."""
    token = kept_token(workspace, connection)
    if token is None:
        return None
    secrets = workspace.vault.secrets
    lock = workspace.paths.lock(workspace.user).with_suffix(f".{connection.key}.lock")
    return Session(
        connection,
        server(workspace, connection),
        token,
        keep=lambda fresh: keep(secrets, connection, fresh),
        reload=lambda: kept_token(workspace, connection),
        lock=lambda: exclusive_lock(lock, wait=60.0),
        client_secret=kept_secret(workspace, connection),
    )


def server(workspace: Workspace, connection: Connection) -> SmartConfiguration:
    """Where this sign-in was made, as kept with its token.

    The token is for that server alone: whoever can change what the FHIR base says of its endpoints today must
    not be sent it.
    """
    raw = workspace.vault.secrets.get(_SERVER + connection.key)
    return msgspec.json.decode(raw, type=SmartConfiguration) if raw else discover(connection.fhir_base)


def kept_token(workspace: Workspace, connection: Connection) -> Token | None:
    """The token of a connection as the vault holds it."""
    raw = workspace.vault.secrets.get(_TOKEN + connection.key)
    return msgspec.json.decode(raw, type=Token) if raw else None


def instant(seconds: float | None) -> str | None:
    """Seconds since the epoch as a FHIR instant."""
    return None if seconds is None else dates.instant(datetime.fromtimestamp(seconds, UTC))


def keep(secrets: SecretStore, connection: Connection, token: Token) -> None:
    """Put a token into the vault; it returns only when it is safe there."""
    secrets.set(_TOKEN + connection.key, msgspec.json.encode(token))


def keep_server(secrets: SecretStore, connection: Connection, configuration: SmartConfiguration) -> None:
    """Remember where this sign-in was made."""
    secrets.set(_SERVER + connection.key, msgspec.json.encode(configuration))


def keep_secret(secrets: SecretStore, connection: Connection, secret: str) -> None:
    """Put the client secret of a confidential client into the vault."""
    secrets.set(_CLIENT_SECRET + connection.key, secret.encode())


def forget(secrets: SecretStore, key: str) -> None:
    """Remove everything of the connection with this key."""
    secrets.delete(_TOKEN + key)
    secrets.delete(_CLIENT_SECRET + key)
    secrets.delete(_SERVER + key)


def kept_secret(workspace: Workspace, connection: Connection) -> str | None:
    """The client secret of a confidential client: the one given with the connection, else the one that is set."""
    raw = workspace.vault.secrets.get(_CLIENT_SECRET + connection.key)
    return raw.decode() if raw else workspace.settings.vendor(connection.vendor).client_secret
