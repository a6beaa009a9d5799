"""Whether the issuer that an answer names is the server whose token endpoint gets the code (RFC 9207, RFC 8414).

A FHIR base says of itself which issuer it has, so a dishonest one can name an honest server, send the browser on to
it, and be given that server's code to trade. The name in the answer comes from the server where the person signed in:
it must be at home where the code goes, or say of itself that its token endpoint is that one.
"""

from __future__ import annotations

import logging
from urllib.parse import urlsplit, urlunsplit

from phr.errors import FhirError, StateMismatch
from phr.fhir import outcome
from phr.fhir.links import same_origin
from phr.fhir.transport import BaseTransport, Wire, host_of, is_loopback, is_safe
from phr.model import SmartConfiguration

_LIMIT = 1_000_000
log = logging.getLogger(__name__)


def check(
    issuer: str | None,
    configuration: SmartConfiguration,
    fhir_base: str,
    *,
    transport: BaseTransport | None = None,
    timeout: float = 15.0,
) -> None:
    """Raises StateMismatch when the code came from a server that is not the one it would be sent to."""
    goal = configuration.token_endpoint
    if not issuer or same_origin(issuer, goal) or issuer.rstrip("/") == fhir_base.rstrip("/"):
        return
    # A server elsewhere has no business sending us to a plain port of this computer.
    places = [url for url in _places(issuer) if is_safe(url, loopback=is_loopback(fhir_base))]
    if any(_token_endpoint(url, issuer, transport, timeout) == goal for url in places):
        return
    raise StateMismatch(
        f"The sign-in was at {host_of(issuer)}, but its code would go to {host_of(goal)}, which {host_of(issuer)} does "
        "not name as its own; it was not used.",
        hint="Do not trust this address before the provider has told you that it is right: phr providers search",
    )


def _places(issuer: str) -> tuple[str, ...]:
    """Where a server describes itself: RFC 8414 section 3.1, OpenID Connect Discovery section 4."""
    parts = urlsplit(issuer.rstrip("/"))
    inserted = urlunsplit(
        (parts.scheme, parts.netloc, f"/.well-known/oauth-authorization-server{parts.path}", "", "")
    )
    return (f"{issuer.rstrip('/')}/.well-known/openid-configuration", inserted)


def _token_endpoint(url: str, issuer: str, transport: BaseTransport | None, timeout: float) -> object:
    """The token endpoint that the issuer says it has; None when it says nothing that counts. Redirects are not followed."""
    try:
        with Wire(url, transport=transport, timeout=timeout) as wire:
            answer = wire.send("GET", url, {"Accept": "application/json"}, limit=_LIMIT)
    except FhirError:
        return None
    found = outcome.parse(answer.body) if answer.status == 200 else None
    if not isinstance(found, dict) or str(found.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
        log.debug("the issuer does not describe itself")
        return None
    return found.get("token_endpoint")
