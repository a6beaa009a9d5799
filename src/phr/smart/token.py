"""The token endpoint: code and refresh token in, Token out (RFC 6749 sections 4.1.3, 5, 6; RFC 7009).

The answer is validated at the door, all problems at once. Redirects of these posts are never followed, and of
a failing answer only `error` and `error_description` are read.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from phr.errors import FhirError, SignInError, Unreachable
from phr.fhir import outcome
from phr.fhir.transport import Answer, Wire, host_of
from phr.model import SmartConfiguration, Token
from phr.smart import redirect

if TYPE_CHECKING:
    from phr.fhir.transport import BaseTransport

_LIMIT = 1_000_000
_LONGEST_LIFE = 10 * 366 * 86_400
_BEARER = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Client:
    """What the registration with a provider gave. A public client has no secret."""

    client_id: str
    secret: str | None = field(default=None, repr=False)


class TokenRefusedError(SignInError):
    """The token endpoint said no; `error` is the OAuth error code."""

    def __init__(self, message: str, error: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.error = error


def exchange_code(
    configuration: SmartConfiguration,
    client: Client,
    *,
    code: str,
    verifier: str,
    redirect_uri: str,
    asked: str,
    now: float,
    transport: BaseTransport | None = None,
    timeout: float = 60.0,
) -> Token:
    """Trade the code for a Token (RFC 6749 section 4.1.3, RFC 7636 section 4.5).

    Raises TokenRefusedError, SignInError for an answer that makes no sense, Unreachable.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    answer = _post(configuration, client, form, transport, timeout)
    return read_answer(answer, asked=asked, now=now, secrets=(code, verifier, client.secret))


def refresh(
    configuration: SmartConfiguration,
    client: Client,
    token: Token,
    *,
    now: float,
    transport: BaseTransport | None = None,
    timeout: float = 60.0,
) -> Token:
    """Trade the refresh token for a new Token; what the answer leaves out is carried over from the old one.

    The scope is left out first, as RFC 6749 section 6 allows and Oracle wants; athenahealth wants it repeated.
    Raises TokenRefusedError, SignInError, Unreachable.
    """
    form = {"grant_type": "refresh_token", "refresh_token": token.refresh_token or ""}
    secrets = (token.refresh_token, token.access_token, client.secret)
    try:
        answer = _post(configuration, client, form, transport, timeout)
        fresh = read_answer(answer, asked=token.scope, now=now, secrets=secrets)
    except TokenRefusedError as error:
        if error.error not in ("invalid_request", "invalid_scope") or not token.scope:
            raise
        answer = _post(configuration, client, form | {"scope": token.scope}, transport, timeout)
        fresh = read_answer(answer, asked=token.scope, now=now, secrets=secrets)
    return Token(
        access_token=fresh.access_token,
        expires_at=fresh.expires_at,
        scope=fresh.scope,
        refresh_token=fresh.refresh_token or token.refresh_token,
        patient=fresh.patient or token.patient,
        id_token=fresh.id_token or token.id_token,
    )


def revoke(
    configuration: SmartConfiguration,
    token: Token,
    client_id: str,
    *,
    client_secret: str | None = None,
    transport: BaseTransport | None = None,
    timeout: float = 30.0,
) -> bool:
    """Ask the server to forget this sign-in (RFC 7009), refresh token first.

    True when it agreed to all; False when it cannot, will not, or does not answer. Never raises for that.
    """
    if configuration.revocation_endpoint is None:
        return False
    client = Client(client_id, client_secret)
    agreed = True
    for hint, secret in (("refresh_token", token.refresh_token), ("access_token", token.access_token)):
        if not secret:
            continue
        form = {"token": secret, "token_type_hint": hint}
        try:
            answer = _post(configuration, client, form, transport, timeout, configuration.revocation_endpoint)
        except (FhirError, SignInError):
            return False
        agreed = agreed and 200 <= answer.status < 300
    return agreed


def read_answer(
    answer: Answer, *, asked: str | None, now: float, secrets: tuple[str | None, ...] = ()
) -> Token:
    """Validate a token answer (RFC 6749 section 5). A missing scope means: as asked (section 5.1)."""
    if answer.status != 200:
        raise _refusal(answer, secrets)
    source = outcome.parse(answer.body)
    if not isinstance(source, dict):
        raise SignInError("The provider's token answer cannot be read.", hint="Try the sign-in again.")
    if "error" in source and "access_token" not in source:
        raise _refusal(answer, secrets)
    problems = []
    access = source.get("access_token")
    if not isinstance(access, str) or not _BEARER.fullmatch(access):
        problems.append("access_token is missing or malformed")
    kind = source.get("token_type")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        problems.append("token_type is not Bearer")
    fresh = source.get("refresh_token")
    if fresh is not None and not isinstance(fresh, str):
        problems.append("refresh_token is not text")
    if problems:
        raise SignInError(f"The provider's token answer makes no sense: {'; '.join(problems)}.")
    life = lifetime(source.get("expires_in"))
    return Token(
        access_token=str(access),
        expires_at=None if life is None else now + life,
        scope=_scope(source.get("scope"), asked),
        refresh_token=fresh or None,
        patient=_patient(source.get("patient")),
        id_token=source.get("id_token") if isinstance(source.get("id_token"), str) else None,
    )


def lifetime(value: object) -> float | None:
    """Seconds from `expires_in`: number or text; None when missing, unreadable, not positive or absurd."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and 0 < seconds <= _LONGEST_LIFE else None


def claims(jwt: str | None) -> dict[str, Any]:
    """The payload of a JWT without checking its signature; empty if it is not one.

    OpenID Connect Core section 3.1.3.7 allows this for a token that came straight from the token endpoint:
    TLS has already said who sent it. It must never be done with a JWT that came through the browser.
    """
    parts = (jwt or "").split(".")
    if len(parts) < 3:
        return {}
    try:
        text = parts[1].rstrip("=")
        payload = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _post(
    configuration: SmartConfiguration,
    client: Client,
    form: Mapping[str, str],
    transport: BaseTransport | None,
    timeout: float,
    url: str | None = None,
) -> Answer:
    url = url or configuration.token_endpoint
    headers = {"Accept": "application/json"}
    form = dict(form)
    methods = configuration.token_auth_methods
    if client.secret is None:
        form["client_id"] = client.client_id
    elif "client_secret_post" in methods and "client_secret_basic" not in methods:
        form |= {"client_id": client.client_id, "client_secret": client.secret}
    else:
        pair = f"{quote(client.client_id, safe='')}:{quote(client.secret, safe='')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    with Wire(url, transport=transport, timeout=timeout) as wire:
        answer = wire.send("POST", url, headers, form=form, limit=_LIMIT)
    if 300 <= answer.status < 400:
        raise SignInError(
            f"{host_of(url)} sends the sign-in on to another address; secrets do not follow.",
            hint="Check the provider's address.",
        )
    return answer


def _refusal(answer: Answer, secrets: tuple[str | None, ...]) -> Exception:
    """`error` decides. No readable error (Epic's empty 400, a maintenance page, any 5xx) is taken as passing."""
    source = outcome.parse(answer.body)
    error = source.get("error") if isinstance(source, dict) else None
    later = answer.status >= 500 or answer.status in (408, 425, 429)
    if later or not isinstance(error, str) or not error:
        return Unreachable(
            f"The provider's sign-in server has trouble right now ({answer.status}).",
            http_status=answer.status,
            hint="Try again later.",
        )
    said = source.get("error_description") if isinstance(source, dict) else None
    refusal = redirect.refusal(error, said if isinstance(said, str) else None, secrets=secrets)
    return TokenRefusedError(refusal.message, outcome.clean(error, 40), hint=refusal.hint)


def _scope(value: object, asked: str | None) -> str | None:
    if isinstance(value, list):
        value = " ".join(item for item in value if isinstance(item, str))
    return value if isinstance(value, str) else asked


def _patient(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        return None
    return value.strip().rstrip("/").rpartition("/")[2] or None
