"""The token endpoint over HTTP (RFC 6749, sections 3.2 and 5; RFC 7523; SMART App Launch 2.2)."""

from __future__ import annotations

from collections import Counter
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from phr.sandbox import token_faults
from phr.sandbox.assertions import BadAssertion
from phr.sandbox.clients import JWT_BEARER
from phr.sandbox.faults import ResetResponse
from phr.sandbox.grants import Answer, OAuthError
from phr.sandbox.habits import VendorHabits
from phr.sandbox.hospital import Hospital, hospital_of
from phr.sandbox.scopes import grantable_to_system
from phr.sandbox.token_answer import answer_body

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_FORM = "application/x-www-form-urlencoded"


async def token(request: Request) -> Response:
    """Tokens for a code, a refresh token, an assertion, or for a machine."""
    hospital = hospital_of(request)
    trouble = hospital.token_faults.next()
    instead = token_faults.instead(trouble) if trouble else None
    if instead is not None:
        return instead
    try:
        form = await token_form(request)
        answer = _answer(hospital, request, form)
    except OAuthError as error:
        return refused(request, error)
    if trouble == "lost":
        return ResetResponse()
    return Response(orjson.dumps(answer_body(hospital, answer)), 200, NO_STORE, "application/json")


def routes(habits: VendorHabits) -> list[Route]:
    return [Route(habits.path("token"), token, methods=["POST"])]


def _answer(hospital: Hospital, request: Request, form: dict[str, str]) -> Answer:
    grant_type = form.get("grant_type")
    if grant_type is None:
        raise OAuthError("invalid_request", "grant_type is missing")
    if grant_type == "authorization_code":
        return _exchange(hospital, request, form)
    if grant_type == "refresh_token":
        return _renew(hospital, request, form)
    if grant_type == "client_credentials" and hospital.habits.backend != "no":
        return _system(hospital, request, form)
    if grant_type == JWT_BEARER and hospital.habits.registration == "after-sign-in":
        return _by_assertion(hospital, form)
    raise OAuthError("unsupported_grant_type", "grant_type is not one of those offered")


def _exchange(hospital: Hospital, request: Request, form: dict[str, str]) -> Answer:
    client_id = authenticated(hospital, request, form)
    if client_id is None:
        raise OAuthError("invalid_request", "client_id is missing")
    _may(hospital, client_id, "authorization_code")
    code, redirect_uri = needed(form, "code"), needed(form, "redirect_uri")
    return hospital.authorization.exchange(client_id, code, redirect_uri, form.get("code_verifier"))


def _renew(hospital: Hospital, request: Request, form: dict[str, str]) -> Answer:
    client_id = authenticated(hospital, request, form)
    for name in hospital.habits.refresh_needs:
        needed(form, name)
    if client_id is not None:
        _may(hospital, client_id, "refresh_token")
    return hospital.authorization.renew(client_id, needed(form, "refresh_token"), form.get("scope"))


def _system(hospital: Hospital, request: Request, form: dict[str, str]) -> Answer:
    """SMART App Launch 2.2, "Backend Services"."""
    client_id = authenticated(hospital, request, form)
    client = hospital.clients.find(client_id) if client_id else None
    if client_id is None or client is None:
        raise OAuthError("invalid_client", "This client has to authenticate.", 401)
    if client.public or hospital.habits.backend == "refused":
        raise OAuthError("unauthorized_client", "This client may not come without a person.")
    _may(hospital, client_id, "client_credentials")
    scopes = grantable_to_system(needed(form, "scope"), client.scopes)
    if not scopes:
        raise OAuthError("invalid_scope", "None of the scopes can be granted; ask for system/ scopes.")
    return hospital.authorization.issue_to_system(client_id, scopes)


def _by_assertion(hospital: Hospital, form: dict[str, str]) -> Answer:
    """A dynamic client comes back without its person (RFC 7523, section 2.1)."""
    assertion = needed(form, "assertion")
    try:
        client_id = hospital.assertions.check(assertion, hospital.dynamic.keys_of)
    except BadAssertion as error:
        raise OAuthError("invalid_grant", f"The assertion is not good: {error}.") from error
    if form.get("client_id", client_id) != client_id:
        raise OAuthError("invalid_grant", "client_id is not the one of the assertion.")
    return hospital.authorization.issue_again(hospital.dynamic.grants[client_id])


def _may(hospital: Hospital, client_id: str, grant_type: str) -> None:
    client = hospital.clients.find(client_id)
    if client is None or grant_type not in client.grant_types:
        raise OAuthError("unauthorized_client", f"This client is not registered for {grant_type}.")


def authenticated(hospital: Hospital, request: Request, form: dict[str, str]) -> str | None:
    """The client that a request comes from; None when it names nobody. Raises OAuthError."""
    return hospital.authentication.client_id(request.headers.get("authorization", ""), form)


async def token_form(request: Request) -> dict[str, str]:
    """The parameters, from the body alone unless the vendor reads the address. Raises OAuthError."""
    rule = hospital_of(request).habits.token_in_query
    asked = parse_qsl(request.url.query) if rule != "no" else []
    body = await request.body()
    if rule != "only" and (rule == "no" or body):
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
            raise OAuthError("invalid_request", f"Send {_FORM}")
        asked += parse_qsl(body.decode(errors="replace"))
    # Saying the same thing in both places is no contradiction.
    pairs = list(dict.fromkeys(asked)) if rule == "both" else asked
    if any(times > 1 for times in Counter(name for name, _ in pairs).values()):
        raise OAuthError("invalid_request", "A parameter is there twice")
    return dict(pairs)


def needed(form: dict[str, str], name: str) -> str:
    if name not in form:
        raise OAuthError("invalid_request", f"{name} is missing")
    return form[name]


def refused(request: Request, error: OAuthError) -> Response:
    """An error answer (RFC 6749, section 5.2)."""
    hospital, headers = hospital_of(request), dict(NO_STORE)
    if error.status == 401 and request.headers.get("authorization"):
        headers["WWW-Authenticate"] = 'Basic realm="phr sandbox"'
    body = {"error": error.error, "error_description": error.description}
    if hospital.habits.error_uri:
        body["error_uri"] = hospital.error_page(error.error)
    return Response(orjson.dumps(body), error.status, headers, "application/json")
