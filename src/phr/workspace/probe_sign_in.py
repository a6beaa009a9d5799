"""What a sign-in is still good for: what it may read, whether the server honours it, when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from phr.errors import FhirError, PhrError, ReconnectNeeded, Refused, SignInError, typed
from phr.fhir.client import FhirClient
from phr.fhir.transport import host_of
from phr.model import Connection, SmartConfiguration
from phr.smart import scopes
from phr.smart.token import ends_at, introspect
from phr.views.status import is_put_off
from phr.workspace import tokens
from phr.workspace.finding import DAY, LATER, LIMIT, SOON, Finding, Target


def signed_in(
    target: Target, connection: Connection, configuration: SmartConfiguration | None
) -> Iterator[Finding]:
    """The steps that need a connection. `configuration` is what the server says today; None when it says nothing."""
    if connection.auth not in ("none", "bearer"):
        yield _scopes(connection)
    try:
        yield _token(target, connection)
        yield from _ends(target, connection)
    except PhrError as error:
        mend = error.hint or f"phr reconnect {typed(connection.name)}"
        yield Finding("sign-in", ok=False, detail=error.message, mend=mend)
    if configuration is not None and connection.auth not in ("none", "bearer", "backend"):
        detail = "phr disconnect ends the sign-in at the provider, too."
        if configuration.revocation_endpoint is None:
            portal = configuration.management_endpoint
            where = f"at {portal}" if portal else "in the provider's portal."
            detail = f"Not offered: after phr disconnect, end the access yourself {where}"
        yield Finding("revocation", ok=True, detail=detail)


def _scopes(connection: Connection) -> Finding:
    """Granted against asked, by meaning and not by spelling."""
    granted, again = connection.granted_scopes, f"phr reconnect {typed(connection.name)}"
    if not granted:
        return Finding("scopes", ok=True, detail="The provider did not say what it grants.")
    asked = [one for one in connection.requested_scopes if not one.startswith("launch")]  # seldom repeated
    missing = [one for one in asked if not _is_granted(one, granted)]
    readable = not scopes.names_resources(connection.requested_scopes) or scopes.names_resources(granted)
    if not readable:
        mend = f"Compare the permissions of your registration, then: {again}"
        return Finding("scopes", ok=False, detail="Nothing of the record may be read.", mend=mend)
    if not missing:
        return Finding("scopes", ok=True, detail="All that was asked for is granted.")
    warning = "Without it the sign-in cannot be renewed." if "offline_access" in missing else None
    return Finding(
        "scopes", ok=True, detail=f"Asked for and not granted: {', '.join(missing)}.", mend=warning
    )


def _is_granted(asked: str, granted: tuple[str, ...]) -> bool:
    if not scopes.names_resources([asked]):
        return asked in granted
    type_ = asked.partition("/")[2].partition(".")[0]
    # All types may be granted one by one.
    return bool(scopes.permissions(granted, type_)) or (type_ == "*" and scopes.names_resources(granted))


def _token(target: Target, connection: Connection) -> Finding:
    """Whether the server still honours the sign-in: by introspection, else by one cheap read."""
    workspace = target.workspace
    session = None
    if connection.auth != "none":
        session = tokens.session(workspace, connection)
        if session is None:
            raise ReconnectNeeded(connection.name, "There is no sign-in in the vault.")
        bearer = session.bearer()
        client = tokens.client_of(workspace, connection)
        if connection.auth != "bearer":
            kept = tokens.server(workspace, connection)
            if introspect(kept, client, bearer, timeout=LIMIT) is True:
                return Finding("sign-in", ok=True, detail="The server says that it is active.")
    if not connection.patient_id:
        return Finding("sign-in", ok=True, detail="Not tried: it is not known whose record it is.")
    try:
        with FhirClient(target.base, session, timeout=LIMIT, retry_attempts=0) as fhir:
            fhir.read("Patient", connection.patient_id)
    except (SignInError, ReconnectNeeded):
        raise
    except Refused as error:  # not its words: they may name the patient
        if error.http_status == 403 or error.http_status is None:
            detail = "The server knows the sign-in, but does not let it read the patient."
            return Finding("sign-in", ok=False, detail=detail, mend=f"phr reconnect {typed(connection.name)}")
    except FhirError as error:
        if error.http_status == 401:
            raise ReconnectNeeded(connection.name) from None
        detail = f"{host_of(target.base)} did not answer a read (status {error.http_status or 'none'})."
        return Finding("sign-in", ok=False, detail=detail, mend=LATER)
    return Finding("sign-in", ok=True, detail="The server honours it.")


def _ends(target: Target, connection: Connection) -> Iterator[Finding]:
    token = tokens.kept_token(target.workspace, connection)
    if token is None or connection.auth == "none":
        return
    renewable = connection.auth in ("dynamic", "backend")
    end = ends_at(token, target.vendor, renewable=renewable)
    if end is None:
        yield Finding("ends", ok=True, detail="It is not known to end.")
        return
    again = f"phr reconnect {typed(connection.name)}"
    moment = datetime.fromtimestamp(end, UTC).strftime(f"{DAY} %H:%M UTC")
    if end <= target.now():
        yield Finding("ends", ok=False, detail=f"The sign-in has ended ({moment}).", mend=again)
    else:
        # Where it ends only for want of use, the next sync that is planned may come first.
        put_off = target.vendor.refresh_idle_hours and is_put_off(connection, datetime.now(UTC))
        soon = end - target.now() < SOON and not put_off
        yield Finding("ends", ok=True, detail=f"Sign in again before {moment}.", mend=again if soon else None)
