"""Where to sign in and as whom: the catalogue, the settings and what was kept, put together before anybody is asked.

Nothing here goes out to the network, so every slip of the pen is named at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from phr.errors import UsageError, typed
from phr.model import Connection, Provider, Vendor
from phr.providers import recipe
from phr.settings import vendor_variable
from phr.workspace import tokens
from phr.workspace.sign_in import OWN_TO_ONE_PERSON, SECRET, ConnectRequest, auth_method

if TYPE_CHECKING:
    from collections.abc import Callable

    from phr.smart.keys import ClientKeys
    from phr.workspace.workspace import Workspace

WITH_SECRET = frozenset({SECRET, "client_secret_basic", "client_secret_post"})
WITHOUT_PERSON = frozenset({"backend", "bearer", "none"})
"""Methods for which no browser opens."""


@dataclass(frozen=True, slots=True)
class Goal:
    """Where to sign in and as whom."""

    provider: Provider
    fhir_base: str
    organisation: str
    named: bool
    """Whether the organisation's name is one that somebody chose, and not just the address or the vendor."""
    method: str
    """One of AUTH_METHODS, or `secret`: whichever of its ways the server takes."""
    client_id: str | None = None
    secret: str | None = field(default=None, repr=False)
    keys: ClientKeys | None = None
    known: Connection | None = None
    """The connection that is signed in again."""

    @property
    def vendor(self) -> Vendor:
        return self.provider.vendor


def goal(
    workspace: Workspace,
    request: ConnectRequest,
    say: Callable[[str], None],
    known: Connection | None = None,
) -> Goal:
    """What a request means. Raises UsageError that says what is missing and where it is had."""
    if request.url is not None:
        check_url(request.url)
    provider = _provider(workspace, request, known)
    base = request.url or provider.fhir_base
    if base is None:
        raise _no_address(provider, listed=recipe.has_organisations(workspace.catalog, provider.vendor))
    own = workspace.settings.vendor(provider.vendor.id)
    client_id, secret = request.client_id, request.client_secret
    if known is not None and client_id in (None, known.client_id):
        client_id = known.client_id or own.client_id or provider.client_id
        secret = secret or tokens.kept_secret(workspace, known)
    elif client_id is None:
        client_id = own.client_id or provider.client_id
    secret = secret or own.client_secret
    method = _method(request, provider, known, secret)
    _check_person(request, method)
    registers = client_id is None and _may_register(request, provider, method)
    if client_id is None and method not in ("bearer", "none") and not registers:
        raise no_client_id(workspace, provider, request.url)
    if method == "public" and provider.vendor.auth[0] in WITH_SECRET and not secret and known is None:
        say(
            f"{provider.vendor.name} usually hands out a client secret with the client id; going on without one. "
            "If the sign-in is refused, give it with --client-secret-stdin."
        )
    if method in WITH_SECRET and not secret and not registers and not _registered(workspace, known):
        raise UsageError(
            "This way of signing in needs the client secret of your app.",
            hint=f"Pipe it in with --client-secret-stdin, or set {vendor_variable(provider.vendor.id, 'client_secret')}.",
        )
    label, named = _organisation(request, provider, base, known)
    return Goal(
        provider=provider,
        fhir_base=base,
        organisation=label,
        named=named,
        method=method,
        client_id=client_id if method not in ("bearer", "none") else "",
        secret=secret if method in WITH_SECRET or method == "backend" else None,
        keys=_keys(workspace, request, provider, method, secret, known, bound=client_id is not None),
        known=known,
    )


def key_names(name: str | None, provider: str, vendor: str) -> tuple[str, ...]:
    """Under which names keys may wait for a connection, those made for it first."""
    return tuple(dict.fromkeys(f"for/{word}" for word in (name, provider, vendor) if word))


def _may_register(request: ConnectRequest, provider: Provider, method: str) -> bool:
    """Whether an app without a client id may ask this server for one (RFC 7591): where that is usual, or was asked for."""
    usual = provider.vendor.registration == "open" or provider.vendor.id in OWN_TO_ONE_PERSON
    return method != "backend" and (usual or (method == "dynamic" and request.auth is not None))


def no_client_id(workspace: Workspace, provider: Provider, url: str | None = None) -> UsageError:
    """What to tell somebody who has no client id yet: where the recipe is, and what to type once there is one."""
    vendor = provider.vendor
    own_server = url is not None or vendor.id in OWN_TO_ONE_PERSON
    place = "with the connection" if own_server else f"in {workspace.paths.config_file}"
    again, hospital = f"phr connect {provider.id}", []
    if own_server:
        again += f" --url {url or 'FHIR_BASE'}"
    elif provider.fhir_base is None and recipe.has_organisations(workspace.catalog, vendor):
        again, hospital = "phr connect ITS-ID", ['Your hospital: phr providers search "ITS NAME"']
    elif provider.fhir_base is None:
        again += " --url FHIR_BASE"
    again += " --client-id ID" + (" --client-secret-stdin" if vendor.auth[0] in WITH_SECRET else "")
    lines = [
        f"How to get one: phr providers show {vendor.id}",
        *hospital,
        f"Then: {again} (kept {place}), or set {vendor_variable(vendor.id, 'client_id')}.",
    ]
    return UsageError(
        f"{vendor.name} knows apps by a client id, and there is none yet.", hint="\n".join(lines)
    )


def check_url(url: str) -> None:
    """Raises UsageError unless this is an address where a sign-in may be looked for."""
    from phr.fhir.transport import is_safe

    try:
        parts = urlsplit(url)
        named, host, _ = "@" in parts.netloc, parts.hostname, parts.port
    except ValueError:
        named, host = False, None
    if named:
        raise UsageError(
            "The address may hold no name or password.",
            hint="Leave out what stands before the @; you sign in at the provider's own page.",
        )
    if not host:
        raise UsageError(
            "That is no address of a server.", hint="Write it whole: --url https://fhir.example.org/r4"
        )
    if not is_safe(url, loopback=True):
        raise UsageError(
            "The provider's address must begin with https://.",
            hint="Plain http is only for servers on this computer.",
        )


def _provider(workspace: Workspace, request: ConnectRequest, known: Connection | None) -> Provider:
    catalog = workspace.catalog
    if known is None:
        return catalog.find(request.provider)
    vendor = catalog.vendor_of(known.vendor)
    try:
        return catalog.find(known.provider)
    except UsageError:  # gone from the catalogue since: the connection itself knows enough
        return Provider(known.provider, known.organisation, vendor, fhir_base=known.fhir_base)


def _no_address(provider: Provider, *, listed: bool) -> UsageError:
    if provider.id == "sandbox":
        return UsageError(
            "Where is that server?",
            hint="phr connect sandbox --url http://127.0.0.1:PORT/fhir, as phr sandbox prints it",
        )
    if provider.id in OWN_TO_ONE_PERSON:
        return UsageError(
            "Where is that server?",
            hint=f"Give its FHIR address: phr connect {provider.id} --url https://… --client-id ID",
        )
    if not listed:
        return UsageError(
            f"{provider.name} is used by many organisations, and each has an address of its own.",
            hint=f"Ask yours for its FHIR address: phr connect {provider.id} --url FHIR_BASE",
        )
    return UsageError(
        f"{provider.name} is used by many organisations, and each has an address of its own.",
        hint=f'Find yours: phr providers search "NAME OF THE HOSPITAL", then phr connect ITS-ID; '
        f"or give its address: phr connect {provider.id} --url FHIR_BASE",
    )


def _method(request: ConnectRequest, provider: Provider, known: Connection | None, secret: str | None) -> str:
    """Which way in: the one asked for, the one kept, the provider's own, the vendor's usual one."""
    asked = auth_method(request.auth) if request.auth else None
    if request.bearer_token is not None:
        if asked not in (None, "bearer"):
            raise UsageError(f"A token from stdin is for --auth bearer, not for {asked}.")
        return "bearer"
    if asked == "bearer" or (asked is None and known is not None and known.auth == "bearer"):
        where = f"phr reconnect {typed(known.name)}" if known else f"phr connect {provider.id}"
        raise UsageError(
            "This way in needs a token that was given to you.",
            hint=f"Pipe it in: {where} --token-stdin < FILE",
        )
    if asked is not None:
        return asked
    if known is not None:
        return SECRET if request.client_secret and known.auth in ("public", "dynamic") else known.auth
    if provider.auth is not None:
        return provider.auth
    usual = provider.vendor.auth
    if usual[0] in WITHOUT_PERSON:
        return usual[0]
    if secret:
        return (
            next((one for one in usual if one in WITH_SECRET), SECRET) if usual[0] in WITH_SECRET else SECRET
        )
    return "public" if usual[0] in WITH_SECRET else usual[0]


def _check_person(request: ConnectRequest, method: str) -> None:
    """Name and birth date find a patient where nobody signs in. Raises UsageError for half of it."""
    if request.patient_name is None and request.birth_date is None:
        return
    if method not in WITHOUT_PERSON:
        raise UsageError(
            "Whose record it is, the sign-in says.",
            hint="--patient-name and --birth-date are for --auth backend, bearer and none.",
        )
    from phr.fhir import dates

    born = dates.parse(request.birth_date) if request.birth_date else None
    if not (request.patient_name or "").split() or born is None or len(request.birth_date or "") != 10:
        raise UsageError(
            "To find a patient, both the name and the whole date of birth are needed.",
            hint='Give both: --patient-name "GIVEN FAMILY" --birth-date 1970-12-31; or --patient ID',
        )


def _registered(workspace: Workspace, known: Connection | None) -> bool:
    return known is not None and tokens.kept_registration(workspace, known) is not None


def _keys(
    workspace: Workspace,
    request: ConnectRequest,
    provider: Provider,
    method: str,
    secret: str | None,
    known: Connection | None,
    *,
    bound: bool,
) -> ClientKeys | None:
    """The keys to sign with. Raises UsageError when the method needs them and none were made yet."""
    if method != "private_key_jwt" and (method != "backend" or secret):
        return None
    name = known.name if known else request.name
    names = key_names(name, provider.id, provider.vendor.id)
    for one in (*((known.key,) if known else ()), *names):
        if found := tokens.kept_keys(workspace, one):
            return found
    if not bound:
        return None  # the app registers itself, and makes its keys for that
    raise UsageError(
        "This way of signing in needs keys that the provider knows, and there are none yet.",
        hint=f"phr keys show {provider.vendor.id} prints the public keys to register; then run this again.",
    )


def _organisation(
    request: ConnectRequest, provider: Provider, base: str, known: Connection | None
) -> tuple[str, bool]:
    if request.organisation:
        return request.organisation, True
    if known is not None:
        return known.organisation, True
    if request.url:
        return urlsplit(base).netloc, False
    return provider.name, provider.id != provider.vendor.id
