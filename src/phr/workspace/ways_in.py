"""Each method's way to a token; what that shows, `first_look` finds out.

SMART App Launch 2.2 standalone launch in the browser; SMART Backend Services without a person; a token given by
hand; an open server. Nothing is kept here: `connect` keeps it when all is well.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from phr.errors import PhrError, SignInError, UsageError, typed
from phr.fhir.links import same_origin
from phr.fhir.transport import host_of
from phr.model import Refusal, SmartConfiguration, Token, Vendor
from phr.smart import launch, scopes
from phr.smart.client import Client
from phr.smart.discovery import check_base, discover
from phr.smart.jwt import moment
from phr.smart.token import claims, client_credentials
from phr.workspace import lasting, leave, tokens, whose
from phr.workspace.bounded import Budget
from phr.workspace.first_look import looked
from phr.workspace.goal import WITH_SECRET, Goal, no_client_id
from phr.workspace.sign_in import ConnectRequest, Speaker
from phr.workspace.way_back import told, way_back, words_before

if TYPE_CHECKING:
    from phr.smart.keys import ClientKeys
    from phr.smart.registration import Registration
    from phr.workspace.workspace import Workspace

NO_SERVER = SmartConfiguration("", "")
"""The sign-in server of a token that came by hand."""
DISCOVERY_SECONDS = 60.0
"""What is asked before the sign-in may take so long; `--timeout` is for the person."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """What a sign-in gave, before it is kept. `auth` is one of AUTH_METHODS."""

    auth: str
    patient: str
    client: Client
    token: Token | None = None
    configuration: SmartConfiguration | None = None
    asked: tuple[str, ...] = ()
    granted: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()
    redirect: str = "loopback"
    redirect_uri: str | None = None
    registration: Registration | None = None
    keys: ClientKeys | None = None
    name: str | None = field(default=None, repr=False)
    """The patient's, as the record writes it; for the person's own screen."""
    proven: bool = True
    """False while a lasting access has been registered but did not answer yet."""


def sign_in(workspace: Workspace, goal: Goal, request: ConnectRequest, speaker: Speaker) -> Fresh:
    """Go the way that the goal's method needs.

    Raises SignInError and its kin, UsageError, Unreachable.
    """
    ways: dict[str, Callable[[Workspace, Goal, ConnectRequest, Speaker], Fresh]] = {
        "backend": _as_backend,
        "bearer": _with_given_token,
        "none": _without_sign_in,
    }
    return ways.get(goal.method, _in_browser)(workspace, goal, request, speaker)


# ── in the browser ────────────────────────────────────────────────────────────────────────────────


def _in_browser(workspace: Workspace, goal: Goal, request: ConnectRequest, speaker: Speaker) -> Fresh:
    """SMART App Launch 2.2, standalone: the person signs in and says what may be read."""
    configuration = _discovered(goal)
    _check_not_moved(workspace, goal, request, configuration)
    way = way_back(workspace, goal, request)
    asked = scopes.requested(goal.vendor, configuration)
    registration, keys = None, goal.keys
    if lasting.registers_openly(workspace, goal):
        if lasting.open_endpoint(configuration, goal.vendor) is None:
            raise no_client_id(workspace, goal.provider)
        way, registration, keys = lasting.openly(workspace, goal, configuration, way, asked)
        client = lasting.as_registered(registration, keys)
    else:
        client = as_client(goal, configuration)
    sent: list[str] = []

    def note(address: str) -> None:
        sent.append(told(address) or way.address)
        for words in words_before(goal, way, sent[-1]):
            speaker.say(words)

    def open_browser(address: str) -> bool:
        note(address)
        return speaker.open_browser(address)

    try:
        token = launch.sign_in(
            goal.fhir_base,
            configuration,
            goal.vendor,
            client,
            scopes=asked,
            open_browser=open_browser,
            announce=speaker.announce,
            timeout=request.timeout or workspace.settings.connect.timeout,
            redirect_to=way,
            paste=speaker.paste,
        )
    except BaseException:
        _unregister_new(workspace, goal, registration)
        raise
    fresh = Fresh(
        auth=client.method,
        patient="",
        client=client,
        token=token,
        configuration=configuration,
        asked=asked,
        granted=scopes.words(token.scope),
        redirect=way.mode,
        redirect_uri=sent[-1] if sent else way.address,
        registration=registration,
        keys=keys,
    )
    return looked(workspace, goal, request, fresh)


def _unregister_new(workspace: Workspace, goal: Goal, registration: Registration | None) -> None:
    """A client that was registered for a sign-in that came to nothing is not left behind at the provider."""
    kept = tokens.kept_registration(workspace, goal.known) if goal.known else None
    if registration is not None and registration != kept:
        leave.unregister(registration)


def as_client(goal: Goal, configuration: SmartConfiguration) -> Client:
    """The registration of the goal, with the one method that goal, vendor and server agree on."""
    method = goal.method
    if method in WITH_SECRET and method == "secret":
        method = _secret_method(goal.vendor, configuration)
    elif method == "dynamic":
        method = "public"
    elif method == "backend":
        method = _secret_method(goal.vendor, configuration) if goal.secret else "private_key_jwt"
    return Client(
        goal.client_id or "",
        goal.secret,
        method=method,
        keys=goal.keys,
        token_in_query=goal.vendor.token_in_query,
    )


def _secret_method(vendor: Vendor, configuration: SmartConfiguration) -> str:
    """How to send a secret: as the vendor's profile says, unless the server lists only the other way."""
    usual = next((one for one in vendor.auth if one in WITH_SECRET), "client_secret_basic")
    listed = [one for one in configuration.token_auth_methods if one in WITH_SECRET]
    return usual if not listed or usual in listed else listed[0]


def _discover(goal: Goal, *, person: bool) -> SmartConfiguration:
    """The server's sign-in. Raises TimeIsUp as well as what `discover` raises."""
    found: list[SmartConfiguration] = []
    budget = Budget(DISCOVERY_SECONDS, host_of(goal.fhir_base))
    budget.spend(lambda: found.append(discover(goal.fhir_base, needs_authorize=person)))
    return found[0]


def _discovered(goal: Goal, *, person: bool = True) -> SmartConfiguration:
    try:
        return _discover(goal, person=person)
    except SignInError as error:
        if "no sign-in" not in error.message:
            raise
        raise SignInError(
            error.message,
            hint="An open server needs none: --auth none. Else look up the patient address of the organisation: "
            "phr providers search",
        ) from None


def _check_not_moved(
    workspace: Workspace, goal: Goal, request: ConnectRequest, configuration: SmartConfiguration
) -> None:
    """A secret that was kept is for the sign-in server it was kept with; another one has to be given it by the person."""
    if goal.known is None or goal.secret is None or request.client_secret is not None:
        return
    kept = tokens.server(workspace, goal.known).token_endpoint
    if kept and not same_origin(kept, configuration.token_endpoint):
        raise SignInError(
            f"The sign-in of {goal.known.name} has moved to another server ({host_of(configuration.token_endpoint)}); "
            "the client secret was not sent there.",
            hint="Ask the provider whether that is right; if so, give the secret again: "
            f"phr reconnect {typed(goal.known.name)} --client-secret-stdin",
        )


# ── without a browser ─────────────────────────────────────────────────────────────────────────────


def _as_backend(workspace: Workspace, goal: Goal, request: ConnectRequest, speaker: Speaker) -> Fresh:
    """SMART Backend Services: the program signs in as itself (SMART App Launch 2.2 section 5)."""
    configuration = _discovered(goal, person=False)
    _check_not_moved(workspace, goal, request, configuration)
    client = as_client(goal, configuration)
    asked = scopes.system_scopes(goal.vendor, configuration)
    token = client_credentials(configuration, client, scopes=asked, now=time.time())
    fresh = Fresh(
        auth="backend",
        patient="",
        client=client,
        token=token,
        configuration=configuration,
        asked=asked,
        granted=scopes.words(token.scope),
        keys=goal.keys,
    )
    return looked(workspace, goal, request, fresh)


def _with_given_token(workspace: Workspace, goal: Goal, request: ConnectRequest, speaker: Speaker) -> Fresh:
    """A token that the person got elsewhere. When it ends, they bring another."""
    access_token = (request.bearer_token or "").strip()
    if not access_token.isascii() or not access_token.isprintable() or " " in access_token:
        raise UsageError(
            "That is not a token: it holds spaces or characters that no token has.",
            hint="Pipe the token alone, without “Bearer ”.",
        )
    check_base(goal.fhir_base)
    said = claims(access_token)
    scope = said.get("scope") or said.get("scp")
    token = Token(
        access_token,
        expires_at=moment(said.get("exp")),
        scope=" ".join(scopes.words(scope)) if isinstance(scope, str | list) else None,
        patient=whose.claimed_patient(goal.vendor, access_token),
        signed_in_at=time.time(),
        renewed_at=time.time(),
    )
    configuration = NO_SERVER
    with suppress(PhrError):  # only used to show the person where the token is from
        configuration = _discover(goal, person=False)
    fresh = Fresh(
        auth="bearer",
        patient="",
        client=Client(""),
        token=token,
        configuration=configuration,
        granted=scopes.words(token.scope),
    )
    return looked(workspace, goal, request, fresh)


def _without_sign_in(workspace: Workspace, goal: Goal, request: ConnectRequest, speaker: Speaker) -> Fresh:
    """An open server: everybody may read everything."""
    check_base(goal.fhir_base)
    return looked(workspace, goal, request, Fresh(auth="none", patient="", client=Client("")))
