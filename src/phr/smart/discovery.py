"""Where to sign in: `.well-known/smart-configuration` (SMART App Launch 2.2 section 7), or older ways.

Seen: absent, 404, 400, an HTML label on JSON (tolerated), at the root of the host (MEDITECH), and only in the
CapabilityStatement's oauth-uris extension, under its current and its DSTU2-era URL. The lists in the document
are incomplete nearly everywhere and never a reason to refuse.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from phr.errors import FhirError, SignInError, Unreachable
from phr.fhir import outcome
from phr.fhir.links import same_origin
from phr.fhir.transport import Answer, Wire, host_of, is_loopback, is_safe
from phr.fhir.wire_words import Untrusted
from phr.model import SmartConfiguration

if TYPE_CHECKING:
    from phr.fhir.transport import BaseTransport

WELL_KNOWN = ".well-known/smart-configuration"
_OAUTH_URIS = (
    "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
    "http://fhir-registry.smarthealthit.org/Profile/oauth-uris",
    "http://fhir-registry.smartplatforms.org/Profile/oauth-uris",
)
_ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "revocation_endpoint",
    "registration_endpoint",
    "introspection_endpoint",
    "management_endpoint",
    "jwks_uri",
)
_TAKES_TOKENS = ("revocation_endpoint", "introspection_endpoint")
_ACCEPT = "application/json, application/fhir+json;q=0.9"
_MAX_REDIRECTS = 3
_LIMIT = 2_000_000
_STATEMENT_LIMIT = 20_000_000
"""A CapabilityStatement lists every type with all its search parameters."""
log = logging.getLogger(__name__)


def discover(
    fhir_base: str,
    transport: BaseTransport | None = None,
    *,
    timeout: float = 30.0,
    needs_authorize: bool = True,
) -> SmartConfiguration:
    """What the server says about signing in. `needs_authorize`: a person will; else a token endpoint is enough.

    Raises Unreachable when nobody answers, SignInError when the address is not one to sign in at: not https,
    not a FHIR server, no sign-in there, or endpoints that cannot be trusted (all of them named at once).
    """
    check_base(fhir_base)
    with Wire(fhir_base, transport=transport, timeout=timeout) as wire:
        base = fhir_base.rstrip("/") + "/"
        document = _try(wire, base + WELL_KNOWN)
        if _has_endpoints(document, needs_authorize):
            return read_configuration(document, fhir_base, needs_authorize=needs_authorize)
        statement = _get(wire, base + "metadata", limit=_STATEMENT_LIMIT)
        found = _oauth_uris(statement)
        if found:
            log.debug("sign-in found in the CapabilityStatement")
            return read_configuration(found, fhir_base, needs_authorize=needs_authorize)
        at_root = _try(wire, urljoin(base, "/" + WELL_KNOWN))
        if _has_endpoints(at_root, needs_authorize):
            log.debug("sign-in found at the root of the host")
            return read_configuration(at_root, fhir_base, needs_authorize=needs_authorize)
    if isinstance(document, dict) and document:
        return read_configuration(document, fhir_base, needs_authorize=needs_authorize)
    raise _nothing(fhir_base, statement)


def check_base(fhir_base: str) -> None:
    """Raises SignInError unless the address is https, or http to this computer."""
    if not is_safe(fhir_base, loopback=True):
        raise SignInError(
            "The provider's address must begin with https://.",
            hint="Plain http is only for servers on this computer.",
        )


def read_configuration(
    document: object, fhir_base: str, *, needs_authorize: bool = True
) -> SmartConfiguration:
    """Validate a smart-configuration at the door. Raises SignInError naming all that is wrong with it."""
    source: dict[str, Any] = document if isinstance(document, dict) else {}
    problems: list[str] = []
    endpoints: dict[str, str] = {}
    for name in _ENDPOINTS:
        needed = name == "token_endpoint" or (name == "authorization_endpoint" and needs_authorize)
        value = source.get(name)
        if not isinstance(value, str) or not value.strip():
            if needed:
                problems.append(f"{name} is missing")
            continue
        url = urljoin(fhir_base.rstrip("/") + "/", value.strip())
        # A server elsewhere has no business sending us to a plain port of this computer.
        if is_safe(url, loopback=is_loopback(fhir_base)):
            endpoints[name] = url
        elif needed:
            problems.append(f"{name} is not an https address")
    for name in _TAKES_TOKENS:
        # Tokens go to nobody but the server that gives them: one that names another for this does not offer it.
        if name in endpoints and not same_origin(endpoints[name], endpoints.get("token_endpoint", "")):
            del endpoints[name]
    if problems:
        raise SignInError(
            f"{host_of(fhir_base)} does not describe its sign-in properly: {', '.join(problems)}.",
            hint="Check the address; if it is right, only the provider can mend this.",
        )
    issuer = source.get("issuer")
    return SmartConfiguration(
        authorization_endpoint=endpoints.get("authorization_endpoint", ""),
        token_endpoint=endpoints["token_endpoint"],
        revocation_endpoint=endpoints.get("revocation_endpoint"),
        issuer=issuer.strip() or None if isinstance(issuer, str) else None,
        scopes_supported=_texts(source.get("scopes_supported")),
        capabilities=_texts(source.get("capabilities")),
        token_auth_methods=_texts(source.get("token_endpoint_auth_methods_supported"))
        or _texts(source.get("token_endpoint_auth_methods")),  # Veradigm's spelling
        registration_endpoint=endpoints.get("registration_endpoint"),
        introspection_endpoint=endpoints.get("introspection_endpoint"),
        management_endpoint=endpoints.get("management_endpoint"),
        jwks_uri=endpoints.get("jwks_uri"),
        iss_parameter=source.get("authorization_response_iss_parameter_supported") in (True, "true"),
        signing_algorithms=_texts(source.get("token_endpoint_auth_signing_alg_values_supported")),
    )


def _try(wire: Wire, url: str) -> object:
    """As `_get`, but an error inside the server counts as "not here": another place may answer."""
    try:
        return _get(wire, url)
    except Unreachable as error:
        if error.http_status is None:
            raise
        return None


def _get(wire: Wire, url: str, *, limit: int = _LIMIT) -> object:
    """JSON from this address, or None. Raises Unreachable only when there is no answer at all."""
    for _ in range(_MAX_REDIRECTS + 1):
        try:
            answer = wire.send("GET", url, {"Accept": _ACCEPT}, limit=limit)
        except Unreachable as error:
            if isinstance(error, Untrusted):
                raise
            raise Unreachable(
                error.message, hint="Check the address and the network, then try again."
            ) from None
        except FhirError:
            return None
        location = answer.headers.get("location")
        if not 300 <= answer.status < 400 or not location:
            return _json(answer)
        # Nothing secret is on the way here, so another host is fine; another level of safety is not.
        target = urljoin(url, location)
        if not is_safe(target, loopback=urlsplit(url).scheme == "http"):
            return None
        url = target
    return None


def _json(answer: Answer) -> object:
    if answer.status >= 500 or answer.status == 429:
        raise Unreachable("The provider's server has trouble right now.", http_status=answer.status)
    return outcome.parse(answer.body) if answer.status == 200 else None


def _has_endpoints(document: object, needs_authorize: bool) -> bool:
    needed = "authorization_endpoint" if needs_authorize else "token_endpoint"
    return isinstance(document, dict) and bool(document.get(needed))


def _oauth_uris(statement: object) -> dict[str, str]:
    """Endpoints from CapabilityStatement.rest.security.extension (SMART App Launch 1.0)."""
    found: dict[str, str] = {}
    if not isinstance(statement, dict):
        return found
    for rest in _dicts(statement.get("rest")):
        for security in _dicts(rest.get("security")):
            for extension in _dicts(security.get("extension")):
                kind, _, flat = str(extension.get("url")).partition("#")
                if kind not in _OAUTH_URIS:
                    continue
                if flat and isinstance(extension.get("valueUri"), str):  # before DSTU2 was final
                    found[flat] = extension["valueUri"]
                for part in _dicts(extension.get("extension")):
                    name, uri = part.get("url"), part.get("valueUri") or part.get("valueUrl")
                    if isinstance(name, str) and isinstance(uri, str):
                        found[name] = uri
    names = {
        "authorize": "authorization_endpoint",
        "token": "token_endpoint",
        "revoke": "revocation_endpoint",
        "register": "registration_endpoint",
        "introspect": "introspection_endpoint",
        "manage": "management_endpoint",
    }
    return {names[name]: uri for name, uri in found.items() if name in names}


def _nothing(fhir_base: str, statement: object) -> SignInError:
    host = host_of(fhir_base)
    if isinstance(statement, dict) and statement.get("resourceType") in (
        "CapabilityStatement",
        "Conformance",
    ):
        return SignInError(
            f"{host} is a FHIR server, but there is no sign-in for patients at this address.",
            hint="Look up the patient address of the organisation: phr providers search",
        )
    return SignInError(
        f"There is no FHIR server at this address of {host}.",
        hint="Check the whole address, also what comes after the host: phr providers search",
    )


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield item


def _texts(value: object) -> tuple[str, ...]:
    """A list of strings without repeats; a single string counts as a list of its words."""
    if isinstance(value, str):
        value = value.split()
    if not isinstance(value, list):
        return ()
    return tuple(dict.fromkeys(item for item in value if isinstance(item, str)))
