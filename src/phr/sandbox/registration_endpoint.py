"""The registration endpoint over HTTP (RFC 7591, section 3; RFC 7592, section 2)."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from phr.sandbox.grants import OAuthError
from phr.sandbox.habits import VendorHabits
from phr.sandbox.hospital import Hospital, bearer, hospital_of
from phr.sandbox.token_endpoint import NO_STORE


async def register(request: Request) -> Response:
    """A new app; at Epic only with the access token of a sign-in."""
    hospital = hospital_of(request)
    try:
        body = await _json(request)
        if hospital.habits.registration == "open":
            said = hospital.dynamic.register(body, _endpoint(hospital), hospital.clock())
        else:
            token = bearer(request)
            access = hospital.authorization.access(token) if token else None
            said = hospital.dynamic.register_after_sign_in(body, access, hospital.clock())
    except OAuthError as error:
        return _refused(error)
    return Response(orjson.dumps(said), 201, NO_STORE, "application/json")


async def manage(request: Request) -> Response:
    """An app reads, changes or removes its own registration."""
    hospital, client_id = hospital_of(request), str(request.path_params["client_id"])
    token = bearer(request) or ""
    try:
        if request.method == "DELETE":
            hospital.dynamic.remove(client_id, token)
            return Response(status_code=204, headers=NO_STORE)
        if request.method == "PUT":
            said = hospital.dynamic.update(client_id, token, await _json(request), _endpoint(hospital))
        else:
            said = hospital.dynamic.read(client_id, token, _endpoint(hospital))
    except OAuthError as error:
        return _refused(error)
    return Response(orjson.dumps(said), 200, NO_STORE, "application/json")


async def not_offered(_request: Request) -> Response:
    return PlainTextResponse("Nothing here.", 404)


def routes(habits: VendorHabits) -> list[Route]:
    path = habits.path("register")
    if habits.registration == "none":
        return [Route(path, not_offered, methods=["GET", "POST"])]
    if habits.registration == "after-sign-in":
        return [Route(path, register, methods=["POST"])]
    return [
        Route(path, register, methods=["POST"]),
        Route(path + "/{client_id}", manage, methods=["GET", "PUT", "DELETE"]),
    ]


async def _json(request: Request) -> Any:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise OAuthError("invalid_client_metadata", "Send application/json.")
    try:
        return orjson.loads(await request.body())
    except ValueError:
        raise OAuthError("invalid_client_metadata", "The body is not JSON.") from None


def _endpoint(hospital: Hospital) -> str:
    return hospital.endpoint("register")


def _refused(error: OAuthError) -> Response:
    headers = dict(NO_STORE)
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    body = {"error": error.error, "error_description": error.description}
    return Response(orjson.dumps(body), error.status, headers, "application/json")
