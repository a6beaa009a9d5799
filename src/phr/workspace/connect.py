"""Connections come: sign in, sign in again.

The vault is opened before the browser is, so that nobody signs in at a hospital only to learn that there is no place
to keep the token; and what an unattended run will lack is said now, not at three in the morning.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from phr import settings
from phr.errors import PhrError, SignInError, UsageError, typed
from phr.model import Connection
from phr.smart import scopes
from phr.smart.token import ends_at
from phr.store.connections import new_key
from phr.store.store import Store
from phr.workspace import lasting, leave, tokens, whose
from phr.workspace.goal import WITH_SECRET, WITHOUT_PERSON, Goal, goal
from phr.workspace.sign_in import OWN_TO_ONE_PERSON, ConnectRequest, Speaker
from phr.workspace.ways_in import Fresh, sign_in

if TYPE_CHECKING:
    from phr.smart.registration import Registration
    from phr.workspace.workspace import Workspace

_SHOW_ID = re.compile(r"phr providers show(?: ID\b)?(?=$|[.,;]| More:| names)")

_BY_RIGHTS = ("unsupported", "no-everything")
"""What a server teaches (`sync.learn`) that may be due to what the sign-in was good for."""


def connect(workspace: Workspace, request: ConnectRequest, speaker: Speaker) -> Connection:
    """Sign in at a provider and keep the connection.

    The same patient at the same server stays the same connection; another patient becomes one of its own.
    Raises UsageError (no such provider, no client id), Locked, SignInError and its kin, Unreachable.
    """
    wanted = goal(workspace, request, speaker.say)
    # A file that is there is opened, not begun: an emptied one is said to be so before anybody signs in.
    begin = not workspace.paths.records(workspace.user).exists()
    with _naming(wanted), workspace.store(create=begin) as store:
        _name_is_free(store, request, wanted)
        workspace.vault.secrets.get("token/none")  # a locked vault is found out before the browser opens
        _say_what_cron_lacks(workspace, wanted, speaker)
        fresh = sign_in(workspace, wanted, request, speaker)
        known = _same_record(store, wanted, fresh)
        fresh = _finished(workspace, replace(wanted, known=known), fresh, speaker)
        if known is None:
            name = store.connections.free_name(request.name or _default_name(request, wanted))
            connection = replace(_connection(workspace, wanted, fresh), key=new_key(), name=name)
        else:
            connection = _renewed(known, _connection(workspace, wanted, fresh))
            if request.name not in (None, known.name):
                speaker.say(
                    f"This record is connected already, as {known.name}; it keeps that name "
                    f"(phr connections rename {typed(known.name)} {typed(request.name)})."
                )
        _keep(workspace, store, connection, known, fresh)
        _keep_client_id(workspace, wanted, request)
        store.audit.note("connect", connection.name)
        return connection


def reconnect(workspace: Workspace, name: str, request: ConnectRequest, speaker: Speaker) -> Connection:
    """Sign in again, in the same way. Raises SignInError when the new sign-in is for somebody else's record."""
    with workspace.store() as store, ExitStack() as again:
        known = store.connections.get(name)
        request = replace(request, provider=known.provider, url=known.fhir_base)
        wanted = goal(workspace, request, speaker.say, known)
        again.enter_context(_naming(wanted))
        if wanted.method in WITHOUT_PERSON and request.patient is None:  # nobody signs in who could say it
            claimed = whose.claimed_patient(wanted.vendor, request.bearer_token)
            request = replace(request, patient=claimed or known.patient_id)
        workspace.vault.secrets.get("token/none")
        _say_what_cron_lacks(workspace, wanted, speaker)
        fresh = sign_in(workspace, wanted, request, speaker)
        if known.patient_id and fresh.patient != known.patient_id:
            leave.take_back(fresh, unless=tokens.kept_registration(workspace, known))
            raise SignInError(
                f"This sign-in is for another person's record than {name}; nothing was changed.",
                hint=f"Sign in as the same person, or make a connection of its own: phr connect {known.provider}",
            )
        fresh = _finished(workspace, wanted, fresh, speaker)
        known = _again(store, known)
        connection = _renewed(known, _connection(workspace, wanted, fresh))
        _keep(workspace, store, connection, known, fresh)
        store.audit.note("reconnect", connection.name)
        return connection


# ── before ────────────────────────────────────────────────────────────────────────────────────────


def _name_is_free(store: Store, request: ConnectRequest, wanted: Goal) -> None:
    """A name that belongs to another server cannot be had; better said before the browser opens."""
    for one in store.connections.all():
        if one.name == request.name and one.fhir_base.rstrip("/") != wanted.fhir_base.rstrip("/"):
            raise UsageError(
                f"{request.name} is already the name of another connection.", hint="Choose another --name."
            )


@contextmanager
def _naming(wanted: Goal) -> Iterator[None]:
    """Errors from below know no vendor: here their “phr providers show ID” gets the id."""
    try:
        yield
    except PhrError as error:
        if error.hint:
            error.hint = _SHOW_ID.sub(f"phr providers show {wanted.vendor.id}", error.hint)
        raise


def _say_what_cron_lacks(workspace: Workspace, wanted: Goal, speaker: Speaker) -> None:
    from phr.workspace import headless

    words = headless.warning(workspace)
    if words:
        speaker.say(words)


# ── after ─────────────────────────────────────────────────────────────────────────────────────────


def _finished(workspace: Workspace, wanted: Goal, fresh: Fresh, speaker: Speaker) -> Fresh:
    """Made lasting where that is the method, and told in words what the sign-in says of itself."""
    if wanted.method == "dynamic" and fresh.registration is None and fresh.token is not None:
        fresh = lasting.made_lasting(workspace, wanted, fresh, speaker.say)
    if fresh.name:
        speaker.say(f"This is the record of {fresh.name}.")
    proxy = whose.proxy_words(fresh.token.fhir_user, fresh.patient) if fresh.token else None
    if proxy:
        speaker.say(proxy)
    for words in _lost(wanted, fresh):
        speaker.say(words)
    return fresh


def _lost(wanted: Goal, fresh: Fresh) -> list[str]:
    """What was asked for and silently not given (Oracle drops v1 scopes of an app registered as v2)."""
    if fresh.token is None or not fresh.asked:
        return []
    found = []
    if scopes.other_version(fresh.granted, fresh.asked):
        found.append(
            f"{wanted.vendor.name} granted none of the permissions for records that were asked for. Compare what was "
            f"ticked at registration, above all the SMART version (v1 or v2): phr providers show {wanted.vendor.id}"
        )
    elif fresh.auth in ("dynamic", "backend"):
        return []
    elif fresh.token.refresh_token is None and "offline_access" in {*fresh.asked} - {*fresh.granted}:
        found.append(
            "The provider did not grant offline_access, so it may be that the app is registered as online only: "
            f"phr providers show {wanted.vendor.id}"
        )
    return found


def _connection(workspace: Workspace, wanted: Goal, fresh: Fresh) -> Connection:
    """What the sign-in means for the record; its key and its name come later."""
    token = fresh.token
    label = wanted.organisation
    if not wanted.named:
        label = whose.practice(wanted.vendor, token) or label
    renewable = fresh.auth in ("dynamic", "backend") and fresh.proven
    ends = ends_at(token, wanted.vendor, renewable=renewable) if token else None
    # Where a client of its own was made after the sign-in, the app's id signs in again; the other is in the vault.
    own = wanted.client_id if fresh.auth == "dynamic" else None
    return Connection(
        key="",
        name="",
        provider=wanted.provider.id,
        vendor=wanted.vendor.id,
        organisation=label,
        fhir_base=wanted.fhir_base,
        client_id=own or fresh.client.client_id,
        patient_id=fresh.patient,
        requested_scopes=fresh.asked,
        granted_scopes=scopes.words(token.scope) if token and token.scope else fresh.granted,
        refused=fresh.refused,
        connected=tokens.instant(time.time()),
        token_expires=tokens.instant(token.expires_at) if token else None,
        sign_in_before=tokens.instant(ends),
        auth=fresh.auth,
        redirect=fresh.redirect,
        redirect_uri=fresh.redirect_uri,
        fhir_user=token.fhir_user if token else None,
        patient_name=fresh.name,
        every_hours=round(workspace.settings.sync.interval / settings.HOUR),
    )


def _same_record(store: Store, wanted: Goal, fresh: Fresh) -> Connection | None:
    """The connection that has been reading this very record before."""
    for one in store.connections.all():
        if whose.same_patient(one, wanted.fhir_base, fresh.patient):
            return one
    return None


def _again(store: Store, known: Connection) -> Connection:
    """The connection as it is now: a sync may have ended, or a name changed, while somebody signed in."""
    return next((one for one in store.connections.all() if one.key == known.key), known)


def _renewed(known: Connection, fresh: Connection) -> Connection:
    """The known connection with what the new sign-in gave. It keeps its name: records are named after it."""
    return replace(
        fresh,
        key=known.key,
        name=known.name,
        fhir_base=known.fhir_base,
        organisation=known.organisation,
        redirect=fresh.redirect if fresh.redirect_uri else known.redirect,
        redirect_uri=fresh.redirect_uri or known.redirect_uri,
        last_sync=known.last_sync,
        auto_sync=known.auto_sync,
        every_hours=known.every_hours,
    )


def _default_name(request: ConnectRequest, wanted: Goal) -> str:
    """The organisation that was named, the provider's id, or the host of a server that the person named."""
    if request.organisation and (wanted.provider.shared or request.url):
        words = re.findall(r"[a-z0-9]+", request.organisation.lower())
        if words:
            return "-".join(words)[:40].rstrip("-")
    if wanted.provider.id != "custom":
        return wanted.provider.id
    return (urlsplit(wanted.fhir_base).hostname or "custom").removeprefix("www.")


def _keep(
    workspace: Workspace, store: Store, connection: Connection, known: Connection | None, fresh: Fresh
) -> None:
    """Secrets first: a connection without its token would look signed in."""
    secrets = workspace.vault.secrets
    before = tokens.kept_registration(workspace, known) if known else None
    keys = fresh.keys or (tokens.kept_keys(workspace, connection.key) if known else None)
    with leave.alone(workspace, connection):
        if before is not None and before != fresh.registration:
            leave.unregister(before)
        if known is not None and _leaves_something(known, fresh, before):
            tokens.forget(secrets, connection.key)
        if fresh.configuration is not None:
            tokens.keep_server(secrets, connection, fresh.configuration)
        if fresh.registration is not None:
            tokens.keep_registration(secrets, connection, fresh.registration)
        if keys is not None:
            tokens.keep_keys(secrets, connection.key, keys)
        if fresh.client.secret is not None:
            tokens.keep_secret(secrets, connection, fresh.client.secret)
        if fresh.token is not None:
            tokens.keep(secrets, connection, fresh.token)
    store.connections.save(connection)
    if known is not None and _may_see_other_things(known, connection):
        # What was refused may be granted now, and what is granted now may be older than the last watermark.
        store.learned.forget_kinds(connection.key, _BY_RIGHTS)
        store.passes.void(connection.key)


def _may_see_other_things(known: Connection, now: Connection) -> bool:
    """Whether the new sign-in gave other rights than the former one, or to another person."""
    return {*known.granted_scopes} != {*now.granted_scopes} or known.fhir_user != now.fhir_user


def _leaves_something(known: Connection, fresh: Fresh, before: Registration | None) -> bool:
    """Whether the last way in kept something that the new one has no use for."""
    had_secret = known.auth in WITH_SECRET and fresh.client.secret is None
    return had_secret or (before is not None and fresh.registration is None) or fresh.token is None


def _keep_client_id(workspace: Workspace, wanted: Goal, request: ConnectRequest) -> None:
    """A client id that is good for all organisations of a vendor is typed once."""
    if request.client_id and not request.url and wanted.vendor.id not in OWN_TO_ONE_PERSON:
        settings.set_vendor_client_id(workspace.paths.config_file, wanted.vendor.id, request.client_id)
