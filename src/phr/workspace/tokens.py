"""Tokens of a connection: kept in the vault, handed to the FHIR client as a Session that renews them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from phr.fhir import dates
from phr.model import Connection, SmartConfiguration, Token
from phr.paths import exclusive_lock
from phr.smart.client import Client
from phr.smart.discovery import discover
from phr.smart.keys import ClientKeys
from phr.smart.registration import Registration
from phr.smart.session import Session
from phr.vault.base import SecretStore

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace

_TOKEN, _CLIENT_SECRET, _SERVER = "token/", "client-secret/", "sign-in-server/"
_KEYS, _REGISTRATION = "client-keys/", "registration/"
"""What the items of a connection are called in the vault, before the connection's key."""
BEFORE = "for/"
"""Before the word of a provider or vendor: keys that were made before there was a connection."""
_WAIT = 120.0
"""Seconds to wait for another process that renews: longer than a slow server, shorter than a person's patience."""


def session(
    workspace: Workspace,
    connection: Connection,
    turn: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Session | None:
    """A sign-in in use, for the FHIR client; None when its token is not in the vault.

    `turn` is entered while a renewal holds the lock, before the server is asked: what it raises, the renewal raises.
    """
    token = kept_token(workspace, connection)
    if token is None:
        return None
    secrets = workspace.vault.secrets
    return Session(
        connection,
        server(workspace, connection),
        token,
        client=client_of(workspace, connection),
        vendor=workspace.catalog.vendor_of(connection.vendor),
        keep=lambda fresh: keep(secrets, connection, fresh),
        reload=lambda: kept_token(workspace, connection),
        lock=lambda: _in_turn(workspace, connection, turn),
    )


@contextmanager
def _in_turn(
    workspace: Workspace, connection: Connection, turn: Callable[[], AbstractContextManager[None]]
) -> Iterator[None]:
    with alone(workspace, connection), turn():
        yield


def alone(workspace: Workspace, connection: Connection) -> AbstractContextManager[None]:
    """Keep other processes from renewing this sign-in, or writing over what is kept of it. Raises Busy."""
    lock = workspace.paths.lock(workspace.user).with_suffix(f".{connection.key}.lock")
    return exclusive_lock(lock, wait=_WAIT)


def client_of(workspace: Workspace, connection: Connection) -> Client:
    """As which client a connection shows itself, with its secret, its keys and its registered id out of the vault."""
    own = kept_registration(workspace, connection)
    client_id, secret, keys = connection.client_id, None, None
    if connection.auth == "dynamic":
        method = "private_key_jwt"
        client_id = own.client_id if own is not None else client_id
        keys = kept_keys(workspace, connection.key)
    elif connection.auth == "private_key_jwt":
        method, keys = "private_key_jwt", _keys_for(workspace, connection)
    elif connection.auth == "backend":
        # A secret that was given with the connection counts before keys that were made for something else.
        has_secret = bool(workspace.vault.secrets.get(_CLIENT_SECRET + connection.key))
        keys = None if has_secret else _keys_for(workspace, connection)
        secret = None if keys is not None else kept_secret(workspace, connection)
        method = "private_key_jwt" if keys is not None else "auto"
    elif connection.auth in ("client_secret_basic", "client_secret_post", "secret"):
        method = "auto" if connection.auth == "secret" else connection.auth
        secret = kept_secret(workspace, connection)
    else:
        method = "public"
    in_query = workspace.catalog.vendor_of(connection.vendor).token_in_query
    return Client(client_id, secret, method, keys, token_in_query=in_query)


def server(workspace: Workspace, connection: Connection) -> SmartConfiguration:
    """Where this sign-in was made, as kept with its token.

    The token is for that server alone: whoever can change what the FHIR base says of its endpoints today must
    not be sent it.
    """
    raw = workspace.vault.secrets.get(_SERVER + connection.key)
    if raw:
        return msgspec.json.decode(raw, type=SmartConfiguration)
    return discover(connection.fhir_base, needs_authorize=connection.auth != "backend")


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


def keep_keys(secrets: SecretStore, name: str, keys: ClientKeys) -> None:
    """Put private keys into the vault: `name` is a connection's key, or BEFORE and a word."""
    secrets.set(_KEYS + name, keys.dump())


def kept_keys(workspace: Workspace, name: str) -> ClientKeys | None:
    """The private keys of that name. Raises SecretsError when they are damaged."""
    raw = workspace.vault.secrets.get(_KEYS + name)
    return ClientKeys.load(raw) if raw else None


def keep_registration(secrets: SecretStore, connection: Connection, registration: Registration) -> None:
    """Put what a registration gave into the vault: it may hold a secret, and the word that changes it."""
    secrets.set(_REGISTRATION + connection.key, msgspec.json.encode(registration))


def kept_registration(workspace: Workspace, connection: Connection) -> Registration | None:
    """The registration that phr made for this connection."""
    raw = workspace.vault.secrets.get(_REGISTRATION + connection.key)
    return msgspec.json.decode(raw, type=Registration) if raw else None


def forget(secrets: SecretStore, key: str) -> None:
    """Remove everything of the connection with this key."""
    for item in (_TOKEN, _CLIENT_SECRET, _SERVER, _KEYS, _REGISTRATION):
        secrets.delete(item + key)


def kept_secret(workspace: Workspace, connection: Connection) -> str | None:
    """The client secret of a confidential client: the one given with the connection, else the one that came with a
    registration, else the one that is set."""
    raw = workspace.vault.secrets.get(_CLIENT_SECRET + connection.key)
    if raw:
        return raw.decode()
    own = kept_registration(workspace, connection)
    if own is not None and own.client_secret:
        return own.client_secret
    return workspace.settings.vendor(connection.vendor).client_secret


def _keys_for(workspace: Workspace, connection: Connection) -> ClientKeys | None:
    """The connection's own keys, else those made for its provider or its vendor before there was one."""
    names = (connection.key, BEFORE + connection.provider, BEFORE + connection.vendor)
    return next((found for name in names if (found := kept_keys(workspace, name))), None)
