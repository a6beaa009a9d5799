"""The keys of our registrations: shown to be registered, rotated, and told to the server where it takes that.

`private_key_jwt` (RFC 7523, SMART App Launch 2.2 "Asymmetric client authentication"). Keys belong to one connection,
or wait under a name: a provider's or vendor's id, or that of a connection to come.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from phr import paths
from phr.errors import PhrError, SignInError, UsageError, typed
from phr.model import Connection
from phr.smart import registration as registrations
from phr.smart.client import Client
from phr.smart.keys import ClientKeys
from phr.smart.token import jwt_bearer
from phr.workspace import leave, tokens
from phr.workspace.goal import key_names

if TYPE_CHECKING:
    from phr.smart.registration import Registration
    from phr.workspace.workspace import Workspace

_NEAR = 80.0
"""So alike in a hundred are two names of which one is probably a slip of the other."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The public keys. `made`: there were none, and now there are. `told`: the server knows them already."""

    name: str
    jwks: dict[str, Any]
    connection: bool
    made: bool = False
    told: bool = False


def show(workspace: Workspace, name: str) -> Shown:
    """The public keys of a connection, a provider, a vendor, or a connection to come; made where there are none."""
    place, connection = _place(workspace, name)
    keys = _kept(workspace, place, connection)
    if keys is not None:
        return Shown(name, keys.public(), connection is not None)
    if connection is None:
        _check_no_slip(workspace, name)
    keys = ClientKeys.new()
    _folder(workspace)
    tokens.keep_keys(workspace.vault.secrets, place, keys)
    return Shown(name, keys.public(), connection is not None, made=True)


def rotate(workspace: Workspace, name: str) -> Shown:
    """New keys first, the former ones behind them until the next rotation.

    A client that the app registered is told at once; otherwise the person registers the new keys by hand.
    Raises UsageError when there are none yet, SignInError or Unreachable when the server does not take them: then
    nothing has changed.
    """
    place, connection = _place(workspace, name)
    keys = _kept(workspace, place, connection)
    if keys is None:
        raise UsageError(f"There are no keys for {name} yet.", hint=f"Make them: phr keys show {typed(name)}")
    fresh = keys.rotated()
    told = False
    if connection is not None:
        with workspace.lock():
            told = _told(workspace, connection, keys, fresh)
    secrets = workspace.vault.secrets
    for holder in _holders(workspace, keys):
        tokens.keep_keys(secrets, holder, fresh)
    tokens.keep_keys(secrets, connection.key if connection is not None else place, fresh)
    return Shown(name, fresh.public(), connection is not None, told=told)


def _place(workspace: Workspace, name: str) -> tuple[str, Connection | None]:
    """Under which name the keys are kept. Raises UsageError for one that no connection can have."""
    connection = next((one for one in _connections(workspace) if one.name == name), None)
    if connection is not None:
        return connection.key, connection
    if not name or len(name) > 64 or any(c.isspace() or not c.isprintable() or c == "/" for c in name):
        raise UsageError(
            "That is no name for a connection.", hint="Take a short word, or a vendor: phr keys show epic"
        )
    return tokens.BEFORE + name, None


def _check_no_slip(workspace: Workspace, name: str) -> None:
    """Keys under a name that nobody will ask for again are lost. Raises UsageError for one that is nearly a known one."""
    from rapidfuzz import fuzz, process
    from rapidfuzz.distance import OSA

    catalog, word = workspace.catalog, name.strip().lower()
    if catalog.vendor_named(word) or word in catalog.providers or catalog.organisation(word):
        return
    aliases = (alias.lower() for one in catalog.vendors.values() for alias in one.aliases)
    known = [*(one.name for one in _connections(workspace)), *aliases, *catalog.beginning("")]
    # In a short word two letters the wrong way round are much; one slip in it is a slip all the same.
    near = process.extractOne(word, known, scorer=OSA.distance, score_cutoff=1) if len(word) > 3 else None
    found = near or process.extractOne(word, known, scorer=fuzz.ratio, score_cutoff=_NEAR)
    if found is None or re.fullmatch(re.escape(found[0]) + r"-?\d+", word):
        return  # `clinic-2` is a second connection, and no slip
    raise UsageError(
        f"There is nothing called {name}.",
        hint=f"Did you mean {found[0]}? For a connection to come, take a name that is less like it.",
    )


def _connections(workspace: Workspace) -> list[Connection]:
    if not workspace.paths.records(workspace.user).exists():
        return []
    with workspace.store() as store:
        return store.connections.all()


def _kept(workspace: Workspace, place: str, connection: Connection | None) -> ClientKeys | None:
    """The keys of a connection may still wait under the name that they were made for."""
    found = tokens.kept_keys(workspace, place)
    if found is not None or connection is None:
        return found
    for waiting in key_names(connection.name, connection.provider, connection.vendor):
        if found := tokens.kept_keys(workspace, waiting):
            return found
    return None


def _holders(workspace: Workspace, keys: ClientKeys) -> list[str]:
    """Everything that signs with these very keys: one registration at a vendor serves several connections."""
    names: list[str] = []
    for one in _connections(workspace):
        names += [one.key, *key_names(one.name, one.provider, one.vendor)]
    same = keys.dump()
    return [
        name
        for name in dict.fromkeys(names)
        if (found := tokens.kept_keys(workspace, name)) is not None and found.dump() == same
    ]


def _folder(workspace: Workspace) -> None:
    """Keys may be made before there is a record; the vault's own key is made with the record's."""
    paths.make_private(workspace.paths.user_dir(workspace.user))
    if not workspace.paths.records(workspace.user).exists():
        workspace.vault.record_key(create=True)


# ── telling the server ────────────────────────────────────────────────────────────────────────────


def _told(workspace: Workspace, connection: Connection, keys: ClientKeys, fresh: ClientKeys) -> bool:
    """Give the new keys to the server where the app registered itself; False where a person has to."""
    kept = tokens.kept_registration(workspace, connection)
    if kept is None:
        return False
    if kept.uri is not None and kept.access_token is not None:
        new = registrations.update(kept, keys=fresh)
    elif connection.auth == "dynamic":
        new = _registered_anew(workspace, connection, kept, keys, fresh)
    else:
        return False
    tokens.keep_keys(workspace.vault.secrets, connection.key, fresh)
    tokens.keep_registration(workspace.vault.secrets, connection, new)
    with workspace.store() as store:
        store.audit.note("rotate client keys", connection.name)
    return True


def _registered_anew(
    workspace: Workspace, connection: Connection, kept: Registration, keys: ClientKeys, fresh: ClientKeys
) -> Registration:
    """A second client with the new keys, allowed by a token that the old keys gave (Epic)."""
    configuration = tokens.server(workspace, connection)
    old = Client(kept.client_id, method="private_key_jwt", keys=keys)
    token = jwt_bearer(configuration, old, now=time.time())
    vendor = workspace.catalog.vendor_of(connection.vendor)
    endpoint = registrations.registration_endpoint(
        configuration, replace(vendor, registration="after-sign-in")
    )
    made = registrations.register_dynamic(
        replace(configuration, registration_endpoint=endpoint),
        software_id=connection.client_id,
        access_token=token.access_token,
        keys=fresh,
    )
    if made is None:
        raise SignInError(
            "The provider no longer offers lasting access, so the keys stay as they are.",
            hint=f"While they work, so does phr sync {typed(connection.name)}.",
        )
    try:
        jwt_bearer(
            configuration, Client(made.client_id, method="private_key_jwt", keys=fresh), now=time.time()
        )
    except PhrError as error:
        leave.unregister(made)
        raise SignInError(
            f"The provider does not take the new keys yet: {error.message} The old ones stay in use.",
            hint=f"Try again later: phr keys rotate {typed(connection.name)}",
        ) from None
    return made
