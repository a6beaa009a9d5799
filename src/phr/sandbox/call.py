"""One FHIR request on its way in: access token, faults, failures by habit, then the interaction itself.

What fails becomes an OperationOutcome, or what the vendor sends in its place.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response

from phr.sandbox import faults, negotiation
from phr.sandbox.grants import Access
from phr.sandbox.hospital import Hospital, bearer, hospital_of
from phr.sandbox.problems import OutcomeError, invalid_token, vendors_answer
from phr.sandbox.record_habits import RecordHabits
from phr.sandbox.search import Pairs

log = logging.getLogger(__name__)

_FORM = "application/x-www-form-urlencoded"
_CODES = {403: "forbidden", 404: "not-found", 408: "timeout", 410: "deleted", 413: "too-costly",
          429: "throttled", 503: "transient", 504: "timeout"}  # fmt: skip
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came with a good access token, or one entry of a batch."""

    hospital: Hospital
    access: Access
    path: Mapping[str, str]
    """What the route found in the address."""
    headers: Mapping[str, str]
    params: Pairs
    body: bytes = b""
    url: str = ""

    @property
    def type(self) -> str:
        return self.path.get("type", "Patient")

    @property
    def id(self) -> str:
        return self.path["id"]

    @property
    def route(self) -> str:
        """The address below the FHIR base."""
        return self.url.removeprefix(self.hospital.base + "/").partition("?")[0]

    @property
    def accept(self) -> str | None:
        return self.headers.get("accept")

    def json(self, body: bytes, headers: dict[str, str] | None = None) -> Response:
        """A FHIR JSON answer. Raises OutcomeError 406 when the client takes none."""
        if not negotiation.takes_fhir_json(self.accept, dict(self.params).get("_format")):
            raise OutcomeError(406, "not-supported", "Only application/fhir+json is spoken here.")
        habits = self.hospital.habits
        kept = {"Cache-Control": "no-store", **(headers or {})}
        if habits.byte_order_mark:
            body = _BYTE_ORDER_MARK + body
        return Response(body, 200, kept, habits.content_type or None)


Handler = Callable[[Call], Awaitable[Response]]
TypeOf = str | Callable[[Hospital, dict[str, str]], str]
"""The resource type by which faults go: given, or found from the address."""


def endpoint(handler: Handler, type_: TypeOf = "") -> Callable[[Request], Awaitable[Response]]:
    """An interaction as Starlette wants it."""

    async def answer(request: Request) -> Response:
        hospital = hospital_of(request)
        try:
            return await _serve(request, hospital, handler, type_)
        except OutcomeError as problem:
            return vendors_answer(problem, hospital.habits, hospital.elsewhere)
        except Exception:
            # A bug of the sandbox must look like one, not like a broken connection.
            log.exception("the sandbox failed to answer a FHIR request")
            return OutcomeError(500, "exception", "The sandbox itself has failed.").response()

    return answer


async def _serve(request: Request, hospital: Hospital, handler: Handler, type_: TypeOf) -> Response:
    habits = hospital.habits
    if habits.latency:
        await asyncio.sleep(habits.latency)
    token = bearer(request)
    access = hospital.authorization.access(token) if token else None
    if token is None and habits.open_access:
        access = hospital.anyone
    if access is None:
        raise invalid_token("The access token is missing, expired or not known here")
    pairs, body = await _params(request, habits)
    query = request.url.query
    url = hospital.base + request.url.path[len("/fhir") :] + (f"?{query}" if query else "")
    call = Call(hospital, access, request.path_params, request.headers, pairs, body, url)
    whose = type_ if isinstance(type_, str) else type_(hospital, dict(call.path))
    whose = whose or call.type
    fault = hospital.faults.first(whose)
    if fault == "expired-token" and token is not None:
        hospital.authorization.expire(token)
    instead = faults.instead(fault) if fault else None
    if instead is not None:
        return instead
    if whose in habits.fails_first:
        status, times = habits.fails_first[whose]
        if hospital.nth("failed", whose) <= times:
            raise failure(status)
    if fault != "truncated":
        return await handler(call)
    try:
        return faults.truncated(await handler(call))
    except OutcomeError as problem:
        return faults.truncated(problem.response())


def failure(status: int) -> OutcomeError:
    """An answer that says no more than that something went wrong."""
    return OutcomeError(status, _CODES.get(status, "exception"), "The request could not be answered.")


async def _params(request: Request, habits: RecordHabits) -> tuple[Pairs, bytes]:
    """The search parameters of the address and, for POST, of the form or of Parameters; the body, if it is JSON."""
    pairs, body = parse_qsl(request.url.query), b""
    if request.method == "POST":
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        sent = await request.body()
        searches = request.url.path.endswith("/_search")
        if kind == _FORM:
            pairs += parse_qsl(sent.decode(errors="replace"))
        elif not searches and kind in negotiation.FHIR_TYPES:
            body = sent
            pairs += _from_parameters(sent)
        else:
            raise OutcomeError(415, "not-supported", f"Send the search as {_FORM}.")
    if habits.practice:
        _check_practice(request, habits)
        pairs = [(name, value) for name, value in pairs if name != "ah-practice"]
    return tuple(pairs), body


def _from_parameters(body: bytes) -> list[tuple[str, str]]:
    """The parameters of an operation in a Parameters resource; none of anything else."""
    try:
        said: Any = orjson.loads(body)
    except ValueError:
        raise OutcomeError(400, "structure", "The body is no JSON.") from None
    found = []
    if isinstance(said, dict) and said.get("resourceType") == "Parameters":
        for one in said.get("parameter") or ():
            value = next((one[name] for name in one if name.startswith("value")), None)
            value = value.get("reference") if isinstance(value, dict) else value
            if isinstance(value, str):
                found.append((str(one.get("name")), value))
    return found


def _check_practice(request: Request, habits: RecordHabits) -> None:
    """athenahealth: the practice as it is, its slash not percent-encoded; without it was seen to work too."""
    said = [
        part.partition("=")[2] for part in request.url.query.split("&") if part.startswith("ah-practice=")
    ]
    if any(value != habits.practice for value in said) or (habits.needs_practice and not said):
        raise OutcomeError(403, "forbidden", "ah-practice has to be " + habits.practice)
