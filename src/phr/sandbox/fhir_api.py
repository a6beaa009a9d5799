"""The FHIR interactions: read, vread, history, search, batch and Patient/$everything (FHIR R4 http.html)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from phr.sandbox import faults, negotiation
from phr.sandbox.call import Call, Handler, endpoint, failure
from phr.sandbox.cursors import NUMBERED, Position, Result
from phr.sandbox.hospital import hospital_of
from phr.sandbox.pagination import history_bundle, page_bundle
from phr.sandbox.problems import OutcomeError, insufficient_scope, outcome, vendors_answer
from phr.sandbox.resources import Stored
from phr.sandbox.scopes import permits
from phr.sandbox.search import allowed, check_served, everything, search
from phr.sandbox.serving import DOCUMENTS, FILES

_DAY = 86_400
_PARENTS = ("DocumentReference", "DiagnosticReport")


async def _search(call: Call) -> Response:
    hospital, habits = call.hospital, call.hospital.habits
    check_served(hospital, call.type)
    if call.type in habits.fails:
        raise failure(habits.fails[call.type])
    cursor = dict(call.params).get(habits.next_by) if habits.next_by not in NUMBERED else None
    if cursor is not None:
        return await _page(call, hospital.cursors.find(cursor, call.type, call.access.grant, habits))
    return await _first_page(call, search(hospital, call.access, call.type, call.params))


async def _everything(call: Call) -> Response:
    hospital = call.hospital
    if not hospital.habits.everything:
        raise OutcomeError(404, "not-found", "This server does not answer that.")
    cursor = dict(call.params).get(hospital.habits.next_by)
    if cursor is not None:
        return await _page(call, hospital.cursors.find(cursor, "Patient", call.access.grant, hospital.habits))
    return await _first_page(call, Position(everything(hospital, call.access, call.id, call.params), 0))


async def _first_page(call: Call, position: Position) -> Response:
    result: Result = position.result
    if call.hospital.faults.hits("slow", result.type):
        position = replace(position, result=replace(result, slow=True))
    return await _page(call, position)


async def _page(call: Call, position: Position) -> Response:
    hospital, habits, type_ = call.hospital, call.hospital.habits, position.result.type
    hospital.cursors.check(position, habits, hospital.clock())
    if position.page == 2 and hospital.faults.hits("page-2", type_):
        raise OutcomeError(500, "exception", "The second page could not be made.")
    if position.result.slow:
        await asyncio.sleep(faults.SLOW_SECONDS)
    if habits.slow_searches:
        await asyncio.sleep(habits.slow_searches.get(type_, habits.slow_searches.get("*", 0.0)))
    return call.json(page_bundle(hospital, position))


async def _read(call: Call) -> Response:
    hospital, habits = call.hospital, call.hospital.habits
    into = hospital.store.merged(call.type, call.id)
    if into is not None:
        said = outcome("conflict", "This resource was merged into another.", habits=habits, own="4107")
        where = {"Location": f"{hospital.base}/{into}"}
        return Response(orjson.dumps(said), 302, where, habits.content_type or None)
    stored = _visible(call, hospital.store.get(call.type, call.id))
    if habits.fails and stored.address in habits.fails:
        raise failure(habits.fails[stored.address])
    return _binary(call, stored) if stored.type == "Binary" else _answer(call, stored, hospital.raw(stored))


async def _vread(call: Call) -> Response:
    wanted = call.path["version"]
    versions = call.hospital.store.versions(call.type, call.id)
    stored = _visible(call, next((v for v in versions if v.version == wanted), None))
    return _answer(call, stored, call.hospital.raw(stored))


async def _history(call: Call) -> Response:
    versions = call.hospital.store.versions(call.type, call.id)
    _visible(call, versions[-1] if versions else None)
    return call.json(history_bundle(call.hospital, versions))


async def _document(call: Call) -> Response:
    """The bytes of a Binary at an address that is no FHIR: the bearer is needed all the same."""
    own = replace(call, path={"type": "Binary", "id": call.id})
    return _bytes(own, _visible(own, call.hospital.store.get("Binary", call.id)))


def _visible(call: Call, stored: Stored | None) -> Stored:
    """The resource, if this sign-in may see it: 403 without the scope, 404 for another person's."""
    check_served(call.hospital, call.type)
    store, habits = call.hospital.store, call.hospital.habits
    queries = permits(call.access.scopes, call.type, "r")
    parents = any(permits(call.access.scopes, parent, "r") for parent in _PARENTS)
    if not queries or (call.type == "Binary" and habits.binary_needs_parent and not parents):
        raise insufficient_scope(call.type, "r")
    if stored is None and store.deleted(call.type, call.id):
        raise OutcomeError(410, "deleted", "This resource was deleted.")
    if stored is None or not store.visible(stored, call.access.grant.patient):
        where = f"{call.type}/{call.id}"
        raise OutcomeError(
            404, "not-found", "This resource is not known here.", type_=where, way=habits.unknown_id
        )
    if not allowed(stored, queries):
        raise insufficient_scope(call.type, "r")
    return stored


def _answer(call: Call, stored: Stored, raw: bytes) -> Response:
    name, etag = call.hospital.habits.etag, f'W/"{stored.version}"'
    headers = {name: etag, "Last-Modified": formatdate(stored.last_updated, usegmt=True)} if name else {}
    known = call.headers.get("if-none-match", "") if name == "ETag" else ""
    if known and any(tag.strip() in (etag, etag[2:], "*") for tag in known.split(",")):
        return Response(status_code=304, headers=headers)
    return call.json(raw, headers)


def _binary(call: Call, stored: Stored) -> Response:
    """A Binary as FHIR JSON or as its own bytes, as `Accept` says (FHIR R4 binary.html#rest)."""
    hospital, habits = call.hospital, call.hospital.habits
    if habits.binary_by == "redirect":
        return Response(b"", 302, {"Location": hospital.serving.elsewhere(stored.id, habits)})
    media_type = stored.content.get("contentType")
    own = media_type if isinstance(media_type, str) else "application/octet-stream"
    chosen = negotiation.choose(call.accept, own)
    if chosen is None:
        raise OutcomeError(406, "not-supported", f"This Binary is {own}.")
    if chosen == "native":
        return _bytes(call, stored)
    _count_read(call, stored)
    return _answer(call, stored, hospital.serving.binary(stored, habits))


def _bytes(call: Call, stored: Stored) -> Response:
    """What a Binary holds."""
    _count_read(call, stored)
    try:
        data, own = call.hospital.serving.document(stored, call.hospital.habits)
    except (ValueError, TypeError):
        raise OutcomeError(500, "exception", "This Binary holds no readable data.") from None
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if call.hospital.habits.etag:
        headers[call.hospital.habits.etag] = f'W/"{stored.version}"'
    # Given as a header: Starlette would add a charset of its own to a text type.
    return Response(data, 200, {**headers, "Content-Type": own})


def _count_read(call: Call, stored: Stored) -> None:
    most = call.hospital.habits.documents_a_day
    day = int(call.hospital.clock() // _DAY)
    if most is not None and call.hospital.nth(f"read on day {day}", stored.address) > most:
        raise OutcomeError(403, "throttled", "No more today; try again tomorrow.", own="4135")


# ── batch ─────────────────────────────────────────────────────────────────────────────────────────


async def _batch(call: Call) -> Response:
    """Several reads and searches in one request (FHIR R4 http.html#transaction); nothing is written."""
    if not call.hospital.habits.batch:
        raise OutcomeError(405, "not-supported", "This server does not answer that.")
    asked = orjson.loads(call.body) if call.body else {}
    if asked.get("resourceType") != "Bundle" or asked.get("type") != "batch":
        raise OutcomeError(400, "structure", "Only a Bundle of type batch can be posted here.")
    entries = [await _batch_entry(call, entry) for entry in asked.get("entry") or ()]
    head = b'{"resourceType":"Bundle","type":"batch-response"'
    return call.json(head + (b',"entry":[' + b",".join(entries) + b"]}" if entries else b"}"))


async def _batch_entry(call: Call, entry: Mapping[str, Any]) -> bytes:
    request = entry.get("request") or {}
    address = urlsplit(str(request.get("url", "")))
    parts = [unquote(part) for part in address.path.strip("/").split("/") if part]
    names = ("type", "id", "history", "version")
    headers = {"accept": "application/fhir+json"}
    inner = replace(
        call,
        path=dict(zip(names, parts, strict=False)),
        params=tuple(parse_qsl(address.query)),
        headers=headers,
    )
    handlers: dict[int, Handler] = {1: _search, 2: _read, 4: _vread}
    handler = handlers.get(len(parts)) if request.get("method") == "GET" else None
    try:
        if handler is None:
            raise OutcomeError(400, "not-supported", "A batch may read and search here.")
        answer = await handler(inner)
    except OutcomeError as problem:
        answer = vendors_answer(problem, call.hospital.habits, call.hospital.elsewhere)
    said: dict[str, Any] = {"status": str(answer.status_code)}
    body = bytes(answer.body)
    if answer.status_code == 200:
        if "etag" in answer.headers:
            said["etag"] = answer.headers["etag"]
        return b'{"resource":%s,"response":%s}' % (body, orjson.dumps(said))
    if "location" in answer.headers:
        said["location"] = answer.headers["location"]
    if body.startswith(b"{"):
        said["outcome"] = orjson.loads(body)
    return orjson.dumps({"response": said})


# ── outside FHIR ──────────────────────────────────────────────────────────────────────────────────


async def _file(request: Request) -> Response:
    """A Binary's bytes on another host name. A bearer has no business here and is refused, as by object stores."""
    hospital = hospital_of(request)
    path = request.url.path
    strayed = bool(request.headers.get("authorization"))
    if strayed:
        hospital.ledger.strayed.append(path)
    stored = hospital.store.get("Binary", request.path_params["id"])
    if stored is None or strayed or request.query_params.get("key") != hospital.signature(path):
        return Response(b"", 403)
    data, own = hospital.serving.document(stored, hospital.habits)
    return Response(data, 200, {"Content-Type": own})


async def _login(request: Request) -> Response:
    """Where a server sends to whom it does not want to answer."""
    if request.headers.get("authorization"):
        hospital_of(request).ledger.strayed.append(request.url.path)
    return HTMLResponse("<!doctype html><title>Sign in</title><h1>Please sign in</h1>")


def root_routes() -> list[Route]:
    """Routes at the root of the host."""
    return [Route(FILES + "/{id}", _file, methods=["GET"]), Route("/login", _login, methods=["GET"])]


def base_routes() -> list[Route]:
    """The FHIR base itself, written without a slash at its end."""
    return [Route("/fhir", endpoint(_batch, "Bundle"), methods=["POST"])]


def routes() -> list[Route]:
    """The routes under the FHIR base, most specific first."""
    return [
        Route("/", endpoint(_batch, "Bundle"), methods=["POST"]),
        Route("/{type}/_search", endpoint(_search), methods=["POST"]),
        Route("/Patient/{id}/$everything", endpoint(_everything, "Patient"), methods=["GET"]),
        Route(DOCUMENTS + "/{id}", endpoint(_document, "Binary"), methods=["GET"]),
        Route("/{type}/{id}/_history/{version}", endpoint(_vread), methods=["GET"]),
        Route("/{type}/{id}/_history", endpoint(_history), methods=["GET"]),
        Route("/{type}/{id}", endpoint(_read), methods=["GET"]),
        Route("/{type}", endpoint(_search), methods=["GET"]),
    ]
