"""`phr doctor --network`: what stands between this computer and each provider, looked at one step after the other.

Each step says what was found as data; the words for a person's screen are the command line's. Nothing is signed in and
nothing is fetched but one Patient that is thrown away. No finding holds a token, a patient's id or a server's own words
about a patient.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from phr.errors import PhrError, Refused, UsageError, typed
from phr.fhir import capability, outcome
from phr.fhir.client import ACCEPT
from phr.fhir.transport import Answer, Wire, host_of
from phr.model import Connection, Provider, SmartConfiguration
from phr.smart import launch, scopes
from phr.smart.answer import server_time
from phr.smart.discovery import WELL_KNOWN, check_base, discover
from phr.smart.pkce import new_pkce, new_state
from phr.smart.probe import authorize_page
from phr.workspace import tokens
from phr.workspace.finding import DAY, LATER, LIMIT, SOON, Finding, Probed, Target
from phr.workspace.goal import WITHOUT_PERSON
from phr.workspace.probe_sign_in import signed_in
from phr.workspace.way_back import usual

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace

SLOW, WRONG = 60.0, 300.0
"""Seconds by which clocks may differ before it is said, and before sign-ins fail of it."""
_AT_ONCE = 8


def probe(
    workspace: Workspace, names: Sequence[str] = (), *, now: Callable[[], float] = time.time
) -> list[Probed]:
    """Look at these connections or providers; without names at every connection, none of which may be there.

    One server that is down does not keep the others from being looked at. Raises UsageError for an unknown name,
    Locked when the record does not open.
    """
    targets = _targets(workspace, names, now)
    if any(one.connection is not None for one in targets):
        workspace.vault.secrets.get("token/none")  # the vault is opened once, by this thread
    with ThreadPoolExecutor(_AT_ONCE) as several:
        return list(several.map(_probed, targets))


def _targets(workspace: Workspace, names: Sequence[str], now: Callable[[], float]) -> list[Target]:
    known: dict[str, Connection] = {}
    if workspace.paths.records(workspace.user).exists():
        with workspace.store() as store:
            known = {one.name: one for one in store.connections.all()}
    if not names:
        names = [name for name, one in known.items() if one.state != "revoked"]
    found = []
    for name in dict.fromkeys(names):
        if one := known.get(name):
            vendor = workspace.catalog.vendor_of(one.vendor)
            found.append(Target(workspace, name, one.fhir_base, vendor, one.auth, one.client_id, now, one))
        else:
            found.append(_as_provider(workspace, workspace.catalog.find(name), now))
    return found


def _as_provider(workspace: Workspace, provider: Provider, now: Callable[[], float]) -> Target:
    if provider.fhir_base is None:
        raise UsageError(
            f"{provider.name} is used by many organisations, and each has an address of its own.",
            hint='Name one: phr providers search "NAME OF THE HOSPITAL"',
        )
    client_id = workspace.settings.vendor(provider.vendor.id).client_id or provider.client_id
    auth = provider.auth or provider.vendor.auth[0]
    return Target(workspace, provider.id, provider.fhir_base, provider.vendor, auth, client_id, now)


def _probed(target: Target) -> Probed:
    return Probed(target.name, target.connection is not None, tuple(_steps(target)))


def _steps(target: Target) -> Iterator[Finding]:
    """Step by step; what needs a step that failed is left out."""
    try:
        check_base(target.base)
        well_known, asked_at = _ask(target, f"{target.base.rstrip('/')}/{WELL_KNOWN}", "application/json")
    except PhrError as error:
        yield Finding("server", ok=False, detail=error.message, mend=error.hint or LATER)
        return
    yield _server(target, well_known)
    yield from _clock(well_known, asked_at)
    yield _metadata(target)
    configuration = None
    if target.auth != "none":
        try:
            configuration = discover(
                target.base, timeout=LIMIT, needs_authorize=target.auth not in WITHOUT_PERSON
            )
            yield _discovery(target, configuration, well_known)
        except PhrError as error:
            yield Finding("discovery", ok=False, detail=error.message, mend=error.hint or LATER)
    if configuration is not None:
        if target.auth not in WITHOUT_PERSON and configuration.authorization_endpoint:
            yield _authorize(target, configuration)
        if target.auth != "bearer":
            yield _token_endpoint(configuration)
    if target.connection is not None:
        yield from signed_in(target, target.connection, configuration)


def _ask(target: Target, url: str, accept: str) -> tuple[Answer, float]:
    """The answer, and what our clock said in the middle of the exchange."""
    begun = target.now()
    with Wire(target.base, timeout=LIMIT) as wire:
        answer = wire.send("GET", url, {"Accept": accept}, limit=30_000_000)
    return answer, (begun + target.now()) / 2


def _server(target: Target, answer: Answer) -> Finding:
    host = host_of(target.base)
    if answer.certificate_ends is None:
        return Finding("server", ok=True, detail=f"{host} answers, without TLS, as it is on this computer.")
    until = datetime.fromtimestamp(answer.certificate_ends, UTC).strftime(DAY)
    detail = f"{host} answers; its certificate is good until {until}."
    if answer.certificate_ends - target.now() < SOON:
        return Finding("server", ok=True, detail=detail, mend="The provider has to renew it soon.")
    return Finding("server", ok=True, detail=detail)


def _clock(answer: Answer, asked_at: float) -> Iterator[Finding]:
    """Assertions and tokens carry times; servers were seen to allow five minutes, and some hardly one."""
    shown = server_time(answer)
    if shown is None:
        return
    skew = asked_at - shown
    if abs(skew) <= SLOW:
        yield Finding("clock", ok=True, detail="The server's clock and this computer's agree.")
        return
    detail = f"This computer's clock is {abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} the server's."
    yield Finding(
        "clock", ok=abs(skew) <= WRONG, detail=detail, mend="Let this computer set its clock by the network."
    )


def _metadata(target: Target) -> Finding:
    try:
        answer, _ = _ask(target, f"{target.base.rstrip('/')}/metadata", ACCEPT)
    except PhrError as error:
        return Finding("metadata", ok=False, detail=error.message, mend=error.hint or LATER)
    if answer.status in (401, 403):
        return Finding("metadata", ok=True, detail="It is shown to those who are signed in only.")
    found = capability.parse(outcome.parse(answer.body)) if answer.status == 200 else None
    if found is None:
        detail = f"There is no FHIR server at this address (status {answer.status})."
        return Finding(
            "metadata", ok=False, detail=detail, mend="Check the address: phr providers search NAME"
        )
    version = found.fhir_version or "of unknown version"
    if found.fhir_version and not found.fhir_version.startswith("4."):
        mend = "phr reads FHIR R4; look for the provider's R4 address: phr providers search NAME"
        return Finding("metadata", ok=False, detail=f"The server speaks FHIR {version}.", mend=mend)
    return Finding("metadata", ok=True, detail=f"FHIR {version}, {len(found.types)} types of resource.")


def _discovery(target: Target, configuration: SmartConfiguration, well_known: Answer) -> Finding:
    said = outcome.parse(well_known.body) if well_known.status == 200 else None
    direct = isinstance(said, dict) and bool(said.get("token_endpoint"))
    where = WELL_KNOWN if direct else "the CapabilityStatement or the root of the host"
    hosts = dict.fromkeys(
        host_of(one) for one in (configuration.authorization_endpoint, configuration.token_endpoint) if one
    )
    detail = f"Found in {where}; signing in at {', '.join(hosts)}."
    if target.connection is not None and target.connection.auth != "bearer":
        try:
            kept = tokens.server(target.workspace, target.connection)
        except PhrError:
            return Finding("discovery", ok=True, detail=detail)
        if urlsplit(kept.token_endpoint) != urlsplit(configuration.token_endpoint):
            mend = f"Renewals go on at the old address. If they fail: phr reconnect {typed(target.name)}"
            return Finding(
                "discovery", ok=True, detail=f"{detail} It has moved since the sign-in.", mend=mend
            )
    return Finding("discovery", ok=True, detail=detail)


def _authorize(target: Target, configuration: SmartConfiguration) -> Finding:
    """Whether the sign-in page takes our client id, redirect address and scopes."""
    if not target.client_id:
        mend = f"How to get one: phr providers show {target.vendor.id}"
        return Finding("sign-in page", ok=True, detail="Not tried: there is no client id yet.", mend=mend)
    known = target.connection
    asked = (known.requested_scopes if known else ()) or scopes.requested(target.vendor, configuration)
    try:
        url = launch.authorize_url(
            configuration,
            client_id=target.client_id,
            redirect_uri=(known and known.redirect_uri) or usual(target.workspace, target.vendor).address,
            scope=" ".join(asked),
            state=new_state(),
            aud=launch.audience(target.base, target.vendor),
            challenge=new_pkce().challenge,
            nonce=new_state() if "openid" in asked else None,
        )
        wrong = authorize_page(configuration, url, timeout=LIMIT)
    except PhrError as error:
        return Finding("sign-in page", ok=False, detail=error.message, mend=error.hint or LATER)
    if wrong:
        mend = f"Compare with your registration at the vendor: phr providers show {target.vendor.id}"
        return Finding("sign-in page", ok=False, detail=wrong, mend=mend)
    return Finding(
        "sign-in page", ok=True, detail="It takes the client id, the redirect address and the scopes."
    )


def _token_endpoint(configuration: SmartConfiguration) -> Finding:
    """Only whether somebody is there: a GET is not how tokens are had (RFC 6749 section 3.2), so any answer will do."""
    url = configuration.token_endpoint
    try:
        with Wire(url, timeout=LIMIT) as wire:
            answer = wire.send("GET", url, {"Accept": "application/json"}, limit=1_000_000)
    except Refused:
        pass  # a very long page is an answer too
    except PhrError as error:
        return Finding("token address", ok=False, detail=error.message, mend=error.hint or LATER)
    else:
        if answer.status in (502, 503, 504):
            detail = f"{host_of(url)} has trouble right now ({answer.status})."
            return Finding("token address", ok=False, detail=detail, mend=LATER)
    return Finding("token address", ok=True, detail=f"{host_of(url)} answers.")
