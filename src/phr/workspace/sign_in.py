"""Connections come and go: sign in, sign in again, take leave.

SMART App Launch 2.2, standalone launch. The vault is opened before the browser is, so that nobody signs in at a hospital
only to learn that there is no place to keep the token.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from phr import settings
from phr.errors import FhirError, PhrError, SignInError, UsageError
from phr.fhir.client import FhirClient
from phr.model import Connection, Provider, Search, SmartConfiguration, Token, Vendor
from phr.smart import launch, scopes
from phr.smart.discovery import discover
from phr.smart.token import Client, revoke
from phr.store.connections import new_key
from phr.store.store import Store
from phr.sync.plan import plan
from phr.workspace import tokens

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace

OWN_TO_ONE_PERSON = frozenset({"custom", "sandbox"})
"""Vendors whose client id belongs to one server: it is kept with the connection, not in the settings."""


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """What the person said on the command line; None is "not said"."""

    provider: str = "custom"
    url: str | None = None
    name: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    patient: str | None = None
    port: int | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Speaker:
    """How to reach the person: `open_browser` answers whether a browser took the address, else `announce` gets it."""

    open_browser: Callable[[str], bool]
    announce: Callable[[str], None]
    paste: Callable[[], str] | None = None
    """Asks for the address on which the browser ended; None when the loopback listener takes it."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """What taking leave did. `revoked` is None when the provider offers no way to revoke."""

    name: str
    revoked: bool | None
    records_removed: int


@dataclass(frozen=True, slots=True)
class _Goal:
    """Where to sign in and as whom."""

    provider: Provider
    fhir_base: str
    client: Client

    @property
    def vendor(self) -> Vendor:
        return self.provider.vendor


def connect(workspace: Workspace, request: ConnectRequest, speaker: Speaker) -> Connection:
    """Sign in at a provider and keep the connection.

    The same patient at the same server stays the same connection; another patient becomes one of its own.
    Raises UsageError (no such provider, no client id), Locked, SignInError and its kin, Unreachable.
    """
    goal = _goal(workspace, request)
    with workspace.store(create=True) as store:
        _name_is_free(store, request, goal)
        workspace.vault.secrets.get("token/none")  # a locked vault is found out before the browser opens
        fresh = _sign_in(workspace, goal, request, speaker)
        known = _same_record(store, fresh)
        if known is None:
            wanted = request.name or _default_name(goal)
            connection = replace(fresh.connection, name=store.connections.free_name(wanted))
        else:
            connection = _renewed(known, fresh.connection, request.name)
        _keep(workspace, store, connection, fresh, goal, request)
        store.audit.note("connect", connection.name)
        return connection


def reconnect(workspace: Workspace, name: str, request: ConnectRequest, speaker: Speaker) -> Connection:
    """Sign in again. Raises SignInError when the new sign-in is for somebody else's record."""
    with workspace.store() as store:
        known = store.connections.get(name)
        request = replace(
            request,
            provider=known.provider,
            url=known.fhir_base,
            client_id=request.client_id or known.client_id,
            client_secret=request.client_secret or tokens.kept_secret(workspace, known),
        )
        goal = _goal(workspace, request)
        fresh = _sign_in(workspace, goal, request, speaker)
        if known.patient_id and fresh.connection.patient_id != known.patient_id:
            raise SignInError(
                f"This sign-in is for another person's record than {name}; nothing was changed.",
                hint=f"Sign in as the same person, or make a connection of its own: phr connect {known.provider}",
            )
        connection = _renewed(known, fresh.connection, None)
        _keep(workspace, store, connection, fresh, goal, request)
        store.audit.note("reconnect", name)
        return connection


def disconnect(workspace: Workspace, name: str, *, purge: bool = False) -> Disconnected:
    """Revoke at the server when it can, forget the secrets; keep the records unless `purge`."""
    with workspace.lock(), workspace.store() as store:
        connection = store.connections.get(name)
        revoked = _revoke(workspace, connection)
        tokens.forget(workspace.vault.secrets, connection.key)
        removed = store.sources.purge(connection.key) if purge else 0
        if not purge:
            store.connections.save(
                replace(connection, state="revoked", token_expires=None, sign_in_before=None)
            )
        store.audit.note("purge" if purge else "disconnect", name)
        return Disconnected(name, revoked, removed)


# ── the steps ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Fresh:
    connection: Connection
    token: Token
    configuration: SmartConfiguration


def _goal(workspace: Workspace, request: ConnectRequest) -> _Goal:
    provider = workspace.catalog.find(request.provider)
    base = request.url or provider.fhir_base
    if base is None and provider.id in OWN_TO_ONE_PERSON:
        raise UsageError(
            "Where is that server?",
            hint=f"Give its FHIR address: phr connect {provider.id} --url https://… --client-id ID",
        )
    if base is None:
        raise UsageError(
            f"{provider.name} is used by many organisations, and each has an address of its own.",
            hint=f'Find yours: phr providers search "NAME OF THE HOSPITAL", then phr connect ITS-ID; '
            f"or give its address: phr connect {provider.id} --url FHIR_BASE",
        )
    own = workspace.settings.vendor(provider.vendor.id)
    client_id = request.client_id or own.client_id or provider.client_id
    if not client_id:
        raise UsageError(
            f"{provider.vendor.name} knows apps by a client id, and there is none yet.",
            hint=provider.vendor.recipe or "Give it with --client-id.",
        )
    return _Goal(provider, base, Client(client_id, request.client_secret or own.client_secret))


def _sign_in(workspace: Workspace, goal: _Goal, request: ConnectRequest, speaker: Speaker) -> _Fresh:
    """The dance, and what the answer says about whose record it is and what may be read."""
    chosen = workspace.settings.connect
    configuration = discover(goal.fhir_base)
    asked = scopes.requested(goal.vendor, configuration)
    port = request.port if request.port is not None else chosen.port
    token = launch.sign_in(
        goal.fhir_base,
        configuration,
        goal.vendor,
        goal.client,
        scopes=asked,
        open_browser=speaker.open_browser,
        announce=speaker.announce,
        timeout=request.timeout or chosen.timeout,
        redirect_to=_redirect(workspace, goal, port, pasted=speaker.paste is not None),
        paste=speaker.paste,
    )
    granted = scopes.words(token.scope)
    with FhirClient(
        goal.fhir_base, _Bearer(token.access_token), timeout=workspace.settings.sync.timeout
    ) as client:
        patient = request.patient or token.patient or _only_patient(client)
        capability = None
        with suppress(FhirError):  # the first sync asks again; a sign-in is not thrown away for this
            capability = client.capabilities()
    refused = plan(goal.vendor, capability, granted, patient).refused
    now = tokens.instant(time.time())
    connection = Connection(
        key=new_key(),
        name="",
        provider=goal.provider.id,
        vendor=goal.vendor.id,
        organisation=goal.provider.name if not request.url else urlsplit(goal.fhir_base).netloc,
        fhir_base=goal.fhir_base,
        client_id=goal.client.client_id,
        auth="public" if goal.client.secret is None else "secret",
        patient_id=patient,
        requested_scopes=asked,
        granted_scopes=granted,
        refused=refused,
        connected=now,
        token_expires=tokens.instant(token.expires_at),
        sign_in_before=None if token.refresh_token else tokens.instant(token.expires_at),
        every_hours=round(workspace.settings.sync.interval / settings.HOUR),
    )
    return _Fresh(connection, token, configuration)


def _redirect(workspace: Workspace, goal: _Goal, port: int | None, *, pasted: bool) -> launch.Redirect:
    """Where the browser is sent back to: what the person registered (`redirect_uri`), else the vendor's usual place.

    Raises UsageError for an address that cannot be listened on, unless its answer is pasted by hand.
    """
    usual = launch.Redirect.of(goal.vendor, port)
    uri = workspace.settings.vendor(goal.vendor.id).redirect_uri
    if uri is None:
        return usual
    if pasted:
        return replace(usual, uri=uri)
    parts = urlsplit(uri)
    if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost") or not parts.port:
        raise UsageError(
            "phr cannot listen at the redirect address that is set for this vendor.",
            hint="Paste the final address by hand instead: --redirect paste",
        )
    return launch.Redirect(parts.hostname, parts.port if port is None else port, parts.path or "/")


class _Bearer:
    """A fresh token for the few requests right after sign-in; it is not renewed."""

    def __init__(self, access_token: str) -> None:
        self._access_token = access_token

    def bearer(self) -> str:
        return self._access_token

    def renew(self, rejected: str) -> str:
        raise SignInError(
            "The provider does not accept the token it has just given.", hint="Try the sign-in again."
        )


def _only_patient(client: FhirClient) -> str:
    """The patient of a sign-in that did not name one: the only one that this token can see."""
    found: list[str] = []
    with suppress(FhirError):
        for page in client.search(Search("Patient", (), "the sign-in named no patient"), 2):
            found += [one.id for one in page.received if one.type == "Patient"]
            if len(found) > 1:
                break
    if len(set(found)) != 1:
        raise SignInError(
            "The provider did not say whose record this sign-in is for.",
            hint="Give the patient's FHIR id: --patient ID",
        )
    return found[0]


def _name_is_free(store: Store, request: ConnectRequest, goal: _Goal) -> None:
    """A name that belongs to another server cannot be had; better said before the browser opens."""
    for one in store.connections.all():
        if one.name == request.name and one.fhir_base.rstrip("/") != goal.fhir_base.rstrip("/"):
            raise UsageError(
                f"{request.name} is already the name of another connection.", hint="Choose another --name."
            )


def _same_record(store: Store, fresh: _Fresh) -> Connection | None:
    """The connection that has been reading this very record before."""
    for one in store.connections.all():
        same_server = one.fhir_base.rstrip("/") == fresh.connection.fhir_base.rstrip("/")
        if same_server and one.patient_id == fresh.connection.patient_id:
            return one
    return None


def _renewed(known: Connection, fresh: Connection, name: str | None) -> Connection:
    """The known connection with what the new sign-in gave."""
    return replace(
        fresh,
        key=known.key,
        name=name or known.name,
        fhir_base=known.fhir_base,
        organisation=known.organisation,
        last_sync=known.last_sync,
        auto_sync=known.auto_sync,
        every_hours=known.every_hours,
    )


def _default_name(goal: _Goal) -> str:
    """The provider's id, or the host for a server that the person named themselves."""
    if goal.provider.id != "custom":
        return goal.provider.id
    return (urlsplit(goal.fhir_base).hostname or "custom").removeprefix("www.")


def _keep(
    workspace: Workspace,
    store: Store,
    connection: Connection,
    fresh: _Fresh,
    goal: _Goal,
    request: ConnectRequest,
) -> None:
    """Secrets first: a connection without its token would look signed in."""
    secrets = workspace.vault.secrets
    tokens.keep_server(secrets, connection, fresh.configuration)
    tokens.keep(secrets, connection, fresh.token)
    if goal.client.secret is not None:
        tokens.keep_secret(secrets, connection, goal.client.secret)
    store.connections.save(connection)
    if request.client_id and not request.url and goal.vendor.id not in OWN_TO_ONE_PERSON:
        settings.set_vendor_client_id(workspace.paths.config_file, goal.vendor.id, request.client_id)


def _revoke(workspace: Workspace, connection: Connection) -> bool | None:
    """Ask the server to end the sign-in. It may be gone, or know no revocation: leave is taken all the same."""
    token = tokens.kept_token(workspace, connection)
    if token is None:
        return None
    try:
        configuration = tokens.server(workspace, connection)
        if configuration.revocation_endpoint is None:
            return None
        secret = tokens.kept_secret(workspace, connection)
        return revoke(configuration, token, connection.client_id, client_secret=secret)
    except PhrError:
        return False
