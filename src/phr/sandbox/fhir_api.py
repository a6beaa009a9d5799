"""The FHIR interactions: read, vread, history, search and Patient/$everything (FHIR R4 http.html).

Every request goes through `_serve`: access token, faults, then the interaction; what fails becomes an
OperationOutcome.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from phr.sandbox import faults, negotiation
from phr.sandbox.grants import Access
from phr.sandbox.habits import VendorHabits
from phr.sandbox.hospital import Hospital, bearer, hospital_of
from phr.sandbox.pagination import Position, Result, history_bundle, page_bundle
from phr.sandbox.problems import (
    OutcomeError,
    insufficient_scope,
    invalid_token,
    not_found,
    not_served,
    vendors_answer,
)
from phr.sandbox.resources import Stored
from phr.sandbox.scopes import permits
from phr.sandbox.search import Pairs, allowed, everything, search

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came with a good access token."""

    hospital: Hospital
    access: Access
    request: Request
    params: Pairs

    @property
    def type(self) -> str:
        return str(self.request.path_params.get("type", "Patient"))

    @property
    def id(self) -> str:
        return str(self.request.path_params["id"])

    @property
    def accept(self) -> str | None:
        return self.request.headers.get("accept")

    def json(self, body: bytes, headers: dict[str, str] | None = None) -> Response:
        """A FHIR JSON answer. Raises OutcomeError 406 when the client takes none."""
        if not negotiation.takes_fhir_json(self.accept, dict(self.params).get("_format")):
            raise OutcomeError(406, "not-supported", "Only application/fhir+json is spoken here.")
        kept = {"Cache-Control": "no-store", **(headers or {})}
        return Response(body, 200, kept, self.hospital.habits.content_type)


Handler = Callable[[Call], Awaitable[Response]]


async def _search(call: Call) -> Response:
    cursor = dict(call.params).get("_cursor")
    if cursor is not None:
        return await _page(call, call.hospital.cursors.find(cursor, call.type, call.access.grant))
    return await _first_page(call, search(call.hospital, call.access, call.type, call.params))


async def _everything(call: Call) -> Response:
    cursor = dict(call.params).get("_cursor")
    if cursor is not None:
        return await _page(call, call.hospital.cursors.find(cursor, "Patient", call.access.grant))
    return await _first_page(call, everything(call.hospital, call.access, call.id, call.params))


async def _first_page(call: Call, result: Result) -> Response:
    result = replace(result, slow=call.hospital.faults.hits("slow", result.type))
    return await _page(call, Position(result, 0))


async def _page(call: Call, position: Position) -> Response:
    type_ = position.result.type
    if position.page == 2 and call.hospital.faults.hits("page-2", type_):
        raise OutcomeError(500, "exception", "The second page could not be made.")
    if position.result.slow:
        await asyncio.sleep(faults.SLOW_SECONDS)
    return call.json(page_bundle(call.hospital, position))


async def _read(call: Call) -> Response:
    stored = _visible(call, call.hospital.store.get(call.type, call.id))
    if stored.type == "Binary":
        return _binary(call, stored)
    return _answer(call, stored)


async def _vread(call: Call) -> Response:
    wanted = str(call.request.path_params["version"])
    versions = call.hospital.store.versions(call.type, call.id)
    return _answer(call, _visible(call, next((v for v in versions if v.version == wanted), None)))


async def _history(call: Call) -> Response:
    versions = call.hospital.store.versions(call.type, call.id)
    _visible(call, versions[-1] if versions else None)
    return call.json(history_bundle(call.hospital.base, versions, call.hospital.clock()))


def _visible(call: Call, stored: Stored | None) -> Stored:
    """The resource, if this sign-in may see it: 403 without the scope, 404 for another person's."""
    served = call.hospital.habits.types
    if served and call.type not in served:
        raise not_served(call.type)
    queries = permits(call.access.scopes, call.type, "r")
    if not queries:
        raise insufficient_scope(call.type, "r")
    store = call.hospital.store
    if stored is None:
        if store.deleted(call.type, call.id):
            raise OutcomeError(410, "deleted", "This resource was deleted.")
        raise not_found("This resource")
    if not store.visible(stored, call.access.grant.patient):
        raise not_found("This resource")
    if not allowed(stored, queries):
        raise insufficient_scope(call.type, "r")
    return stored


def _answer(call: Call, stored: Stored) -> Response:
    etag = f'W/"{stored.version}"'
    headers = {"ETag": etag, "Last-Modified": formatdate(stored.last_updated, usegmt=True)}
    known = call.request.headers.get("if-none-match", "")
    if known and any(tag.strip() in (etag, etag[2:], "*") for tag in known.split(",")):
        return Response(status_code=304, headers=headers)
    return call.json(stored.raw, headers)


def _binary(call: Call, stored: Stored) -> Response:
    """A Binary as FHIR JSON or as its own bytes, as `Accept` says (FHIR R4 binary.html#rest)."""
    content = stored.content
    media_type = content.get("contentType")
    own = media_type if isinstance(media_type, str) else "application/octet-stream"
    chosen = negotiation.choose(call.accept, own)
    if chosen == "fhir":
        return _answer(call, stored)
    if chosen is None:
        raise OutcomeError(406, "not-supported", f"This Binary is {own}.")
    try:
        data = base64.b64decode(content.get("data") or "")
    except (ValueError, TypeError):
        raise OutcomeError(500, "exception", "This Binary holds no readable data.") from None
    headers = {
        "ETag": f'W/"{stored.version}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    # Given as a header: Starlette would add a charset of its own to a text type.
    return Response(data, 200, {**headers, "Content-Type": own})


def _endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return await _serve(request, handler)
        except OutcomeError as problem:
            return vendors_answer(problem, hospital_of(request).habits)
        except Exception:
            # A bug of the sandbox must look like one, not like a broken connection.
            log.exception("the sandbox failed to answer a FHIR request")
            return OutcomeError(500, "exception", "The sandbox itself has failed.").response()

    return endpoint


async def _serve(request: Request, handler: Handler) -> Response:
    hospital = hospital_of(request)
    token = bearer(request)
    access = hospital.authorization.access(token) if token else None
    if token is None and hospital.habits.open_access:
        access = hospital.anyone
    if access is None:
        raise invalid_token("The access token is missing, expired or not known here")
    call = Call(hospital, access, request, await _params(request))
    fault = hospital.faults.first(call.type)
    if fault == "expired-token" and token is not None:
        hospital.authorization.expire(token)
    instead = faults.instead(fault) if fault else None
    if instead is not None:
        return instead
    if fault != "truncated":
        return await handler(call)
    try:
        return faults.TruncatedResponse(await handler(call))
    except OutcomeError as problem:
        return faults.TruncatedResponse(problem.response())


async def _params(request: Request) -> Pairs:
    """The search parameters of the address and, for POST _search, of the form; empty ones do not count."""
    pairs = parse_qsl(request.url.query)
    if request.method == "POST":
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if kind != "application/x-www-form-urlencoded":
            raise OutcomeError(415, "not-supported", "Send the search as application/x-www-form-urlencoded.")
        pairs += parse_qsl((await request.body()).decode(errors="replace"))
    if hospital_of(request).habits.practice:
        _check_practice(request)
        pairs = [(name, value) for name, value in pairs if name != "ah-practice"]
    return tuple(pairs)


def _check_practice(request: Request) -> None:
    """athenahealth: the practice as it is, its slash not percent-encoded; without it was seen to work too."""
    habits = hospital_of(request).habits
    said = [
        part.partition("=")[2] for part in request.url.query.split("&") if part.startswith("ah-practice=")
    ]
    if any(value != habits.practice for value in said) or (habits.needs_practice and not said):
        raise OutcomeError(403, "forbidden", "ah-practice has to be " + habits.practice)


def routes(habits: VendorHabits) -> list[Route]:
    """The routes under the FHIR base, most specific first."""
    everything_ = Route("/Patient/{id}/$everything", _endpoint(_everything), methods=["GET"])
    return [
        Route("/{type}/_search", _endpoint(_search), methods=["POST"]),
        *([everything_] if habits.everything else []),
        Route("/{type}/{id}/_history/{version}", _endpoint(_vread), methods=["GET"]),
        Route("/{type}/{id}/_history", _endpoint(_history), methods=["GET"]),
        Route("/{type}/{id}", _endpoint(_read), methods=["GET"]),
        Route("/{type}", _endpoint(_search), methods=["GET"]),
    ]
