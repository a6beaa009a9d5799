"""A client of the connection's own: registered by the app, so that nobody has to sign in again.

Two ways. Before the sign-in, where a server takes anybody's registration (RFC 7591). After it, where the first
access token is the permission to register keys, with which later tokens are had by assertion (RFC 7523): so Epic
gives lasting access to apps without a secret. Either is undone when leave is taken (RFC 7592).
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from phr.errors import PhrError, SignInError
from phr.model import SmartConfiguration, Token, Vendor
from phr.smart import registration as registrations
from phr.smart.client import Client
from phr.smart.keys import ClientKeys
from phr.smart.launch import Redirect
from phr.smart.token import jwt_bearer
from phr.workspace import tokens
from phr.workspace.goal import WITH_SECRET, Goal

if TYPE_CHECKING:
    from phr.smart.registration import Registration
    from phr.workspace.ways_in import Fresh
    from phr.workspace.workspace import Workspace

PAUSES = (0.0, 1.0, 2.0, 4.0)
"""Seconds before each try of a new client: `invalid_grant` right after registering was seen to pass."""
NOT_OFFERED = (
    "This organisation does not offer lasting access to apps like this; "
    "sign in again each time (about every hour)."
)
log = logging.getLogger(__name__)


# ── before the sign-in ────────────────────────────────────────────────────────────────────────────


def registers_openly(workspace: Workspace, goal: Goal) -> bool:
    """Whether this sign-in goes with a client id that the app asks for itself, or has asked for before."""
    if goal.client_id is None:
        return True
    if goal.known is None or goal.client_id != goal.known.client_id or goal.known.auth == "dynamic":
        return False
    kept = tokens.kept_registration(workspace, goal.known)
    return kept is not None and kept.client_id == goal.client_id


def open_endpoint(configuration: SmartConfiguration, vendor: Vendor) -> str | None:
    """Where anybody may register; None where nobody may."""
    return registrations.registration_endpoint(configuration, vendor)


def openly(
    workspace: Workspace, goal: Goal, configuration: SmartConfiguration, way: Redirect, asked: tuple[str, ...]
) -> tuple[Redirect, Registration, ClientKeys | None]:
    """The registration to sign in with: the one that was kept while it still fits, else a new one.

    Answers with the way back too, since a registered address must be known before anything listens there.
    """
    known = goal.known
    if way.port == 0 and way.uri is None:
        way = replace(way, port=_free_port(way.host))
    if known is not None and known.redirect_uri == way.address and goal.method in (known.auth, "dynamic"):
        kept = tokens.kept_registration(workspace, known)
        if kept is not None and (kept.secret_expires_at or float("inf")) > time.time() + 60:
            return way, kept, tokens.kept_keys(workspace, known.key)
    configuration = replace(configuration, registration_endpoint=open_endpoint(configuration, goal.vendor))
    refusal: PhrError | None = None
    for method in _methods(goal, configuration):
        keys = (goal.keys or ClientKeys.new()) if method == "private_key_jwt" else None
        try:
            made = registrations.register(
                configuration, redirect_uris=(way.address,), scopes=asked, method=method, keys=keys
            )
        except SignInError as error:  # it may take another way of authenticating
            refusal = refusal or error
            continue
        return way, made, keys
    assert refusal is not None  # noqa: S101 - at least one method was tried
    raise refusal


def as_registered(made: Registration, keys: ClientKeys | None) -> Client:
    """The client that a registration made."""
    method = made.method if made.method in (*WITH_SECRET, "private_key_jwt") else "public"
    return Client(
        made.client_id,
        made.client_secret if method in WITH_SECRET else None,
        method=method,
        keys=keys if method == "private_key_jwt" else None,
    )


def _methods(goal: Goal, configuration: SmartConfiguration) -> tuple[str, ...]:
    """Ways of authenticating to ask for, in order: the one said, else what the server lists, a public client first."""
    if goal.method == "private_key_jwt" or goal.method in WITH_SECRET:
        return (goal.method if goal.method != "secret" else "client_secret_basic",)
    listed = configuration.token_auth_methods
    found = ["public"] if not listed or "none" in listed else []
    found += [
        one for one in ("client_secret_basic", "client_secret_post", "private_key_jwt") if one in listed
    ]
    return tuple(found or ["public"])


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1" if host == "localhost" else host, 0))
        return int(probe.getsockname()[1])


# ── after the sign-in ─────────────────────────────────────────────────────────────────────────────


def made_lasting(
    workspace: Workspace,
    goal: Goal,
    fresh: Fresh,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Fresh:
    """The sign-in with a client of its own, where the server gives one; else as it was, and the person is told.

    A sign-in that worked is never thrown away for this.
    """
    assert fresh.token is not None and fresh.configuration is not None  # noqa: S101 - of a browser sign-in
    configuration = _with_endpoint(fresh.configuration, goal.vendor)
    if goal.known is not None and goal.known.auth == "dynamic":
        kept = tokens.kept_registration(workspace, goal.known)
        keys = tokens.kept_keys(workspace, goal.known.key)
        if kept is not None and keys is not None:
            with suppress(PhrError):
                return _proven(configuration, fresh, kept, keys, (0.0,), sleep)
    keys = ClientKeys.new()
    try:
        made = registrations.register_dynamic(
            configuration, software_id=goal.client_id or "", access_token=fresh.token.access_token, keys=keys
        )
    except PhrError as error:
        say(f"Lasting access could not be registered: {error.message} Sign in again when this one ends.")
        return fresh
    if made is None:
        say(NOT_OFFERED)
        return fresh
    try:
        return _proven(configuration, fresh, made, keys, PAUSES, sleep)
    except PhrError as error:
        log.debug("a new client did not answer yet: %s", type(error).__name__)
        say(
            f"Lasting access is registered, but did not work yet: {error.message} The next phr sync tries it again."
        )
        return replace(_lasting(fresh, made, keys), proven=False)


def _with_endpoint(configuration: SmartConfiguration, vendor: Vendor) -> SmartConfiguration:
    """Asked for by hand it may be tried at servers that do not mention it: beside the token endpoint."""
    after = replace(vendor, registration="after-sign-in")
    endpoint = registrations.registration_endpoint(configuration, after)
    return replace(configuration, registration_endpoint=endpoint)


def _proven(
    configuration: SmartConfiguration,
    fresh: Fresh,
    made: Registration,
    keys: ClientKeys,
    pauses: tuple[float, ...],
    sleep: Callable[[float], None],
) -> Fresh:
    """One token by the new keys, tried a few times. Raises what the last try met."""
    assert fresh.token is not None  # noqa: S101 - see made_lasting
    lasting = _lasting(fresh, made, keys)
    refusal: PhrError | None = None
    for pause in pauses:
        if pause:
            sleep(pause)
        try:
            token = jwt_bearer(configuration, lasting.client, now=time.time(), asked=fresh.token.scope)
        except PhrError as error:
            refusal = error
            continue
        return replace(lasting, token=_of_same_person(token, fresh.token))
    assert refusal is not None  # noqa: S101 - at least one try was made
    raise refusal


def _lasting(fresh: Fresh, made: Registration, keys: ClientKeys) -> Fresh:
    client = Client(made.client_id, method="private_key_jwt", keys=keys)
    return replace(fresh, auth="dynamic", client=client, registration=made, keys=keys)


def _of_same_person(token: Token, signed_in: Token) -> Token:
    """A token by assertion, with what only the sign-in knew."""
    return replace(
        token,
        scope=token.scope or signed_in.scope,
        patient=token.patient or signed_in.patient,
        id_token=token.id_token or signed_in.id_token,
        fhir_user=token.fhir_user or signed_in.fhir_user,
        signed_in_at=signed_in.signed_in_at,
    )
