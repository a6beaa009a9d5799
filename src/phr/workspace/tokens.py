"""Tokens of a connection: kept in the vault, handed to the FHIR client as a Session that renews them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from phr.model import Connection, Token
from phr.paths import exclusive_lock
from phr.smart.discovery import discover
from phr.smart.session import Session
from phr.vault.base import SecretStore

if TYPE_CHECKING:
    from phr.workspace.house import Workspace


def session(workspace: Workspace, connection: Connection) -> Session | None:
    """A sign-in in use, for the FHIR client; None when its token is not in the vault."""
    token = kept_token(workspace, connection)
    if token is None:
        return None
    secrets = workspace.vault.secrets
    lock = workspace.paths.lock(workspace.user).with_suffix(f".{connection.key}.lock")
    return Session(
        connection,
        discover(connection.fhir_base),
        token,
        keep=lambda fresh: keep(secrets, connection, fresh),
        reload=lambda: kept_token(workspace, connection),
        lock=lambda: exclusive_lock(lock, wait=60.0),
        client_secret=kept_secret(workspace, connection),
    )


def kept_token(workspace: Workspace, connection: Connection) -> Token | None:
    """The token of a connection as the vault holds it."""
    raw = workspace.vault.secrets.get(f"token/{connection.key}")
    return msgspec.json.decode(raw, type=Token) if raw else None


def instant(seconds: float | None) -> str | None:
    """Seconds since the epoch as an ISO 8601 instant."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def keep(secrets: SecretStore, connection: Connection, token: Token) -> None:
    """Put a token into the vault; it returns only when it is safe there."""
    secrets.set(f"token/{connection.key}", msgspec.json.encode(token))


def kept_secret(workspace: Workspace, connection: Connection) -> str | None:
    """The client secret of a confidential client: the one given with the connection, else the one that is set."""
    raw = workspace.vault.secrets.get(f"client-secret/{connection.key}")
    return raw.decode() if raw else workspace.settings.vendor(connection.vendor).client_secret
