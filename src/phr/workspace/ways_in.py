"""Each method's way to a token, and what it shows: whose record it is, and what may be read.

SMART App Launch 2.2 standalone launch in the browser; SMART Backend Services without a person; a token given by
hand; an open server. Nothing is kept here: `connect` keeps it when all is well.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from phr.errors import FhirError, NotAuthorized, PhrError, Refused, SignInError, UsageError
from phr.fhir.client import FhirClient, TokenSource
from phr.fhir.links import same_origin
from phr.fhir.transport import host_of
from phr.model import Refusal, SmartConfiguration, Token, Vendor
from phr.smart import launch, scopes
from phr.smart.client import Client
from phr.smart.discovery import check_base, discover
from phr.smart.token import claims, client_credentials
from phr.sync.plan import plan
from phr.workspace import lasting, leave, tokens, whose
from phr.workspace.goal import WITH_SECRET, WITHOUT_PERSON, Goal, no_client_id
from phr.workspace.sign_in import ConnectRequest, Speaker
from phr.workspace.way_back import told, way_back, words_before

if TYPE_CHECKING:
    from phr.smart.keys import ClientKeys
    from phr.smart.registration import Registration
    from phr.workspace.workspace import Workspace

NO_SERVER = SmartConfiguration("", "")
"""The sign-in server of a token that came by hand."""


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
            raise no_client_id(goal.provider)
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
    return _looked(workspace, goal, request, fresh)


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


def _discovered(goal: Goal, *, person: bool = True) -> SmartConfiguration:
    try:
        return discover(goal.fhir_base, needs_authorize=person)
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
            f"phr reconnect {goal.known.name} --client-secret-stdin",
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
    return _looked(workspace, goal, request, fresh)


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
    ends, scope = said.get("exp"), said.get("scope") or said.get("scp")
    token = Token(
        access_token,
        expires_at=float(ends) if isinstance(ends, int | float) else None,
        scope=" ".join(scopes.words(scope)) if isinstance(scope, str | list) else None,
        patient=whose.claimed_patient(goal.vendor, access_token),
        signed_in_at=time.time(),
        renewed_at=time.time(),
    )
    configuration = NO_SERVER
    with suppress(PhrError):  # only used to show the person where the token is from
        configuration = discover(goal.fhir_base, needs_authorize=False)
    fresh = Fresh(
        auth="bearer",
        patient="",
        client=Client(""),
        token=token,
        configuration=configuration,
        granted=scopes.words(token.scope),
    )
    return _looked(workspace, goal, request, fresh)


def _without_sign_in(workspace: Workspace, goal: Goal, request: ConnectRequest, speaker: Speaker) -> Fresh:
    """An open server: everybody may read everything."""
    check_base(goal.fhir_base)
    return _looked(workspace, goal, request, Fresh(auth="none", patient="", client=Client("")))


# ── what it shows ─────────────────────────────────────────────────────────────────────────────────


class _Bearer:
    """A fresh token for the few requests right after sign-in; it is not renewed."""

    def __init__(self, access_token: str, *, given: bool) -> None:
        self._access_token, self._given = access_token, given

    def bearer(self) -> str:
        return self._access_token

    def renew(self, rejected: str) -> str:
        if self._given:
            raise SignInError("The server does not accept this token.", hint="Get a new one and try again.")
        raise SignInError(
            "The provider does not accept the token it has just given.", hint="Try the sign-in again."
        )


def _looked(workspace: Workspace, goal: Goal, request: ConnectRequest, fresh: Fresh) -> Fresh:
    """Whose record it is, and which types will come."""
    source: TokenSource | None = None
    if fresh.token is not None:
        source = _Bearer(fresh.token.access_token, given=fresh.auth == "bearer")
    always = whose.claim_params(goal.vendor, fresh.token)
    chosen = workspace.settings.sync
    with FhirClient(goal.fhir_base, source, always=always, timeout=chosen.timeout) as client:
        patient = _patient(client, request, fresh)
        name = whose.patient_name(client, patient)
        if name is None and goal.method in WITHOUT_PERSON:
            _check_read(client, patient)
        capability = None
        with suppress(FhirError):  # the first sync asks again; a sign-in is not thrown away for this
            capability = client.capabilities()
    refused = plan(goal.vendor, capability, fresh.granted, patient, asked=fresh.asked or None).refused
    return replace(fresh, patient=patient, name=name, refused=refused)


def _patient(client: FhirClient, request: ConnectRequest, fresh: Fresh) -> str:
    """Said by the person, by the sign-in, or found; nobody signed in where it is looked up by name."""
    known = request.patient or (fresh.token.patient if fresh.token else None)
    if known:
        return known
    if request.patient_name and request.birth_date:
        return whose.by_name(client, request.patient_name, request.birth_date)
    return whose.only_patient(client, signed_in=fresh.auth not in WITHOUT_PERSON)


def _check_read(client: FhirClient, patient: str) -> None:
    """Where nobody signed in, reading the patient is the proof that this will work. Raises UsageError or the refusal."""
    try:
        client.read("Patient", patient)
    except NotAuthorized as error:
        raise SignInError(error.message, hint="This server wants a sign-in: leave --auth out.") from None
    except Refused as error:
        if error.http_status not in (400, 404, 410):
            raise
        raise UsageError(
            f"There is no patient {patient} at this server.",
            hint='Check --patient ID; or find it by --patient-name "GIVEN FAMILY" --birth-date 1970-12-31',
        ) from None
