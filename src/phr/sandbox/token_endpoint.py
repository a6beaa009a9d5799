"""The token and the revocation endpoint over HTTP (RFC 6749, sections 3.2 and 5; RFC 7009; SMART App Launch 2.2)."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from phr.sandbox.hospital import Hospital, hospital_of
from phr.sandbox.identity import Signer
from phr.sandbox.oauth import Answer, OAuthError
from phr.sandbox.scopes import resource_scopes

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


async def token(request: Request) -> Response:
    """Tokens for a code or for a refresh token."""
    hospital = hospital_of(request)
    try:
        form = await _form(request)
        grant_type = form.get("grant_type")
        if grant_type == "authorization_code":
            answer = _exchange(hospital, request, form)
        elif grant_type == "refresh_token":
            answer = _renew(hospital, request, form)
        else:
            raise OAuthError(
                "invalid_request" if grant_type is None else "unsupported_grant_type",
                "grant_type must be authorization_code or refresh_token",
            )
    except OAuthError as error:
        return _refused(request, error)
    return Response(orjson.dumps(_body(hospital, answer)), 200, _NO_STORE, "application/json")


async def revoke(request: Request) -> Response:
    """Takes a token back; also one that is not known (RFC 7009, section 2.2)."""
    hospital = hospital_of(request)
    try:
        form = await _form(request)
        client_id = _client(hospital, request, form)
        if client_id is None:
            raise OAuthError("invalid_client", "client_id is missing", 401)
        hospital.authorization.revoke(client_id, _needed(form, "token"))
    except OAuthError as error:
        return _refused(request, error)
    return Response(status_code=200, headers=_NO_STORE)


def routes() -> list[Route]:
    return [
        Route("/oauth/token", token, methods=["POST"]),
        Route("/oauth/revoke", revoke, methods=["POST"]),
    ]


def _exchange(hospital: Hospital, request: Request, form: dict[str, str]) -> Answer:
    client_id = _client(hospital, request, form)
    if client_id is None:
        raise OAuthError("invalid_request", "client_id is missing")
    code, redirect_uri = _needed(form, "code"), _needed(form, "redirect_uri")
    return hospital.authorization.exchange(client_id, code, redirect_uri, form.get("code_verifier"))


def _renew(hospital: Hospital, request: Request, form: dict[str, str]) -> Answer:
    client_id = _client(hospital, request, form)
    return hospital.authorization.renew(client_id, _needed(form, "refresh_token"), form.get("scope"))


def _client(hospital: Hospital, request: Request, form: dict[str, str]) -> str | None:
    """The authenticated client by `client_secret_basic`, `client_secret_post` or, public, its id alone."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        client_id, secret = _basic(given)
        if form.get("client_id", client_id) != client_id or "client_secret" in form:
            raise OAuthError("invalid_request", "The client authenticates in two ways at once")
        return hospital.authorization.authenticate(client_id, secret)
    if scheme:
        raise OAuthError("invalid_client", "This way to authenticate is not known here", 401)
    if "client_id" not in form:
        return None
    return hospital.authorization.authenticate(form["client_id"], form.get("client_secret"))


def _basic(given: str) -> tuple[str, str]:
    """Client id and secret, each form-encoded before base64 (RFC 6749, section 2.3.1)."""
    try:
        client_id, colon, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = client_id = secret = ""
    if not colon:
        raise OAuthError("invalid_client", "The Basic credentials cannot be read", 401)
    return unquote_plus(client_id), unquote_plus(secret)


async def _form(request: Request) -> dict[str, str]:
    if (
        request.headers.get("content-type", "").partition(";")[0].strip()
        != "application/x-www-form-urlencoded"
    ):
        raise OAuthError("invalid_request", "Send application/x-www-form-urlencoded")
    pairs = parse_qsl((await request.body()).decode(errors="replace"))
    if any(times > 1 for times in Counter(name for name, _ in pairs).values()):
        raise OAuthError("invalid_request", "A parameter is there twice")
    return dict(pairs)


def _needed(form: dict[str, str], name: str) -> str:
    if name not in form:
        raise OAuthError("invalid_request", f"{name} is missing")
    return form[name]


def _body(hospital: Hospital, answer: Answer) -> dict[str, Any]:
    grant = answer.grant
    body: dict[str, Any] = {
        "access_token": answer.access_token,
        "token_type": "mac" if "token-type" in hospital.config.lies else "Bearer",
        "expires_in": answer.expires_in,
        "scope": " ".join(answer.scopes),
    }
    told = hospital.habits.patient_in_token and "no-patient" not in hospital.config.lies
    if told and ("launch/patient" in grant.scopes or resource_scopes(grant.scopes)):
        body["patient"] = grant.patient
    if answer.refresh_token is not None:
        body["refresh_token"] = answer.refresh_token
    if answer.first and "openid" in grant.scopes:
        body["id_token"] = _id_token(hospital, answer)
    return body


def _id_token(hospital: Hospital, answer: Answer) -> str:
    grant, now = answer.grant, int(hospital.clock())
    claims: dict[str, Any] = {
        "iss": hospital.base,
        "sub": grant.patient,
        "aud": "another-client" if "audience" in hospital.config.lies else grant.client_id,
        "iat": now,
        "exp": now + answer.expires_in,
    }
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    if "fhirUser" in grant.scopes or "profile" in grant.scopes:
        claims["fhirUser"] = f"{hospital.base}/Patient/{grant.patient}"
    # A stranger's key under our name is what a forged signature looks like.
    return (Signer() if "signature" in hospital.config.lies else hospital.signer).sign(claims)


def _refused(request: Request, error: OAuthError) -> Response:
    headers = dict(_NO_STORE)
    if error.status == 401 and request.headers.get("authorization"):
        headers["WWW-Authenticate"] = 'Basic realm="phr sandbox"'
    body = {"error": error.error, "error_description": error.description}
    return Response(orjson.dumps(body), error.status, headers, "application/json")
