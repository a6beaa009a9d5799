"""Tokens taken back and looked up (RFC 7009, RFC 7662), and the page where a person sees which apps have access."""

from __future__ import annotations

import hmac
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from phr.sandbox.grants import OAuthError
from phr.sandbox.habits import VendorHabits
from phr.sandbox.hospital import Hospital, bearer, hospital_of
from phr.sandbox.pages import form_pairs, page
from phr.sandbox.token_endpoint import NO_STORE, authenticated, needed, refused, token_form


async def revoke(request: Request) -> Response:
    """Takes a token back; also one that is not known (RFC 7009, section 2.2)."""
    hospital = hospital_of(request)
    try:
        form = await token_form(request)
        client_id = authenticated(hospital, request, form)
        if client_id is None:
            raise OAuthError("invalid_client", "client_id is missing", 401)
        hospital.authorization.revoke(client_id, needed(form, "token"))
    except OAuthError as error:
        return refused(request, error)
    return Response(status_code=200, headers=NO_STORE)


async def introspect(request: Request) -> Response:
    """Whether a token is good (RFC 7662): for a client that authenticates, or with a living access token."""
    hospital = hospital_of(request)
    try:
        if hospital.habits.introspection == "get":
            form = dict(request.query_params)
            needed(form, "token_type_hint")
        else:
            form = await token_form(request)
        client_id = _asking(hospital, request, form)
        said: dict[str, Any] = hospital.authorization.describe(client_id, needed(form, "token"))
    except OAuthError as error:
        return refused(request, error)
    return Response(orjson.dumps(said), 200, NO_STORE, "application/json")


def _asking(hospital: Hospital, request: Request, form: dict[str, str]) -> str:
    """Who asks. A public client's id alone shows nothing (RFC 7662, section 2.1)."""
    token = bearer(request)
    if token is not None:
        access = hospital.authorization.access(token)
        if access is not None:
            return access.grant.client_id
        raise OAuthError("invalid_token", "The access token is not valid.", 401)
    client_id = authenticated(hospital, request, form)
    client = hospital.clients.find(client_id) if client_id else None
    if client_id is None or client is None or client.public:
        raise OAuthError("invalid_client", "The client has to authenticate.", 401)
    return client_id


async def manage(request: Request) -> Response:
    """The apps that have access; a POST takes it all back."""
    hospital = hospital_of(request)
    if request.method == "POST":
        said = dict(await form_pairs(request)).get("key", "")
        if hmac.compare_digest(said.encode(), hospital.page_key.encode()):
            hospital.authorization.revoke_all()
        return RedirectResponse(request.url.path, 303, NO_STORE)
    apps = sorted({grant.client_id for grant in hospital.authorization.living()})
    return page("manage.html", apps=apps, key=hospital.page_key, here=request.url.path)


def routes(habits: VendorHabits) -> list[Route]:
    found = [Route(habits.path("revoke"), revoke, methods=["POST"])] if habits.revocation else []
    if habits.introspection != "no":
        method = "GET" if habits.introspection == "get" else "POST"
        found.append(Route(habits.path("introspect"), introspect, methods=[method]))
    if habits.management:
        found.append(Route(habits.path("manage"), manage, methods=["GET", "POST"]))
    return found
