"""Bulk Data Access over HTTP: kick-off, status, cancel, manifest and files (FHIR Bulk Data Access 2.0.0)."""

from __future__ import annotations

import zlib
from email.utils import formatdate
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from phr.sandbox import dates, exports, negotiation
from phr.sandbox.call import Call, endpoint
from phr.sandbox.exports import Export, File
from phr.sandbox.faults import broken_resource
from phr.sandbox.hospital import Hospital, hospital_of
from phr.sandbox.problems import OutcomeError, not_found
from phr.sandbox.serving import FILES

_PLACES = {"$export": "system", "Patient/$export": "patient"}
_BUSY = {"Retry-After": "60"}


async def _kick_off(call: Call) -> Response:
    """202 and where to ask how far it is ("Bulk Data Kick-off Request")."""
    hospital, habits = call.hospital, call.hospital.habits
    group = call.path.get("id")
    level = "group" if group else "patient" if call.route.startswith("Patient") else "system"
    if level not in habits.bulk:
        raise OutcomeError(404, "not-supported", "This export is not offered here.")
    if not negotiation.takes_fhir_json(call.accept):
        raise OutcomeError(406, "not-supported", "Ask for application/fhir+json.")
    if habits.bulk_needs_prefer and "respond-async" not in call.headers.get("prefer", ""):
        raise OutcomeError(400, "required", "Prefer: respond-async is needed for an export.")
    if call.access.grant.patient is not None and not habits.bulk_for_people:
        raise OutcomeError(403, "forbidden", "Exports are for system accounts only.")
    if hospital.nth("kick-off", call.access.grant.client_id) <= habits.bulk_kickoff_fails:
        raise OutcomeError(503, "transient", "The export could not be started; try again.")
    members = exports.group_members(hospital, group) if group else None
    if group and members is None:
        raise not_found("This Group")
    wish = exports.wish(call.params, repeats_type=habits.bulk_repeats_type)
    if habits.bulk_at_once and hospital.exports.under_way(call.access.grant.client_id) >= habits.bulk_at_once:
        raise OutcomeError(429, "throttled", "Another export of this client is under way.", _BUSY)
    export = exports.begin(hospital, call.access, wish, members, level)
    export.request = call.url
    hospital.exports.add(export)
    return Response(b"", 202, {"Content-Location": f"{hospital.base}/bulk-status/{export.id}"})


async def _status(call: Call) -> Response:
    """202 while it is under way, then the manifest ("Bulk Data Status Request")."""
    hospital, habits = call.hospital, call.hospital.habits
    export = _found(call)
    if hospital.nth("status", export.id) <= habits.bulk_status_fails:
        raise OutcomeError(503, "transient", "Ask again later.")
    if export.polls_left > 0:
        export.polls_left -= 1
        export.polls += 1
        share = round(100 * export.polls / (export.polls + export.polls_left + 1))
        headers = {"X-Progress": f"{share}% complete"} if habits.bulk_progress else {}
        if habits.bulk_retry_after:
            headers["Retry-After"] = habits.bulk_retry_after
        return Response(b"", 202, headers)
    export.done = export.done or hospital.clock()
    if habits.bulk_ends_badly:
        raise OutcomeError(500, "exception", "The export has failed.")
    headers = {"Cache-Control": "no-store"}
    if habits.bulk_seconds is not None:
        headers["Expires"] = formatdate(export.done + habits.bulk_seconds, usegmt=True)
    page = dict(call.params).get("page", "1")
    body = _manifest(hospital, export, int(page) if page.isdecimal() else 1)
    return Response(orjson.dumps(body), 200, headers, "application/json")


async def _cancel(call: Call) -> Response:
    """Forgotten, with all its files ("Bulk Data Delete Request")."""
    call.hospital.exports.cancel(_found(call).id)
    return Response(b"", 202)


async def _file(call: Call) -> Response:
    export = _found(call)
    return _ndjson(call.hospital, export, call.path["n"], call.headers.get("accept-encoding", ""))


async def _file_elsewhere(request: Request) -> Response:
    """The same file under a signed address on another host name, which wants no bearer."""
    hospital = hospital_of(request)
    if request.headers.get("authorization"):
        hospital.ledger.strayed.append(request.url.path)
    export = hospital.exports.find(request.path_params["job"])
    good = request.query_params.get("key") == hospital.signature(request.url.path)
    if export is None or not good or request.headers.get("authorization"):
        return Response(b"", 403)
    try:
        _check_life(hospital, export)
        return _ndjson(hospital, export, request.path_params["n"], request.headers.get("accept-encoding", ""))
    except OutcomeError as problem:
        return problem.response()


def _found(call: Call) -> Export:
    """The export of this client. Raises OutcomeError 404 for one that is unknown, another's, or past its time."""
    export = call.hospital.exports.find(call.path["job"])
    if export is None or export.client_id != call.access.grant.client_id:
        raise not_found("This export")
    _check_life(call.hospital, export)
    return export


def _check_life(hospital: Hospital, export: Export) -> None:
    seconds = hospital.habits.bulk_seconds
    if export.done is not None and seconds is not None and hospital.clock() >= export.done + seconds:
        raise OutcomeError(404, "expired", "The files of this export are not kept any more.")


def _manifest(hospital: Hospital, export: Export, page: int) -> dict[str, Any]:
    """The answer of a finished export ("Response - Complete Status")."""
    habits, status = hospital.habits, f"{hospital.base}/bulk-status/{export.id}"
    size = habits.bulk_page or max(1, len(export.output))
    shown = export.output[(page - 1) * size : page * size]
    said: dict[str, Any] = {
        "transactionTime": dates.instant(export.began),
        "request": export.request,
        "requiresAccessToken": habits.bulk_token,
        "output": _listed(hospital, export, shown, (page - 1) * size),
        "error": [],
    }
    if page == 1:
        said["error"] = _listed(hospital, export, export.error, len(export.output))
        gone = _listed(hospital, export, export.deleted, len(export.output) + len(export.error))
        said |= {"deleted": gone} if gone else {}
    if page * size < len(export.output):
        said["link"] = [{"relation": "next", "url": f"{status}?page={page + 1}"}]
    return said


def _listed(hospital: Hospital, export: Export, files: list[File], first: int) -> list[dict[str, Any]]:
    found = []
    for index, file in enumerate(files, first):
        address = f"{hospital.base}/bulk-files/{export.id}/{index}.ndjson"
        if not hospital.habits.bulk_token:
            path = f"{FILES}/bulk/{export.id}/{index}.ndjson"
            address = f"{hospital.elsewhere}{path}?key={hospital.signature(path)}"
        found.append({"type": file.type, "url": address, "count": file.count})
    return found


def _ndjson(hospital: Hospital, export: Export, name: str, encodings: str) -> Response:
    """One file, gzipped for who takes that ("Bulk Data Output File Request")."""
    number = name.removesuffix(".ndjson")
    files, habits = export.files, hospital.habits
    if export.done is None or not number.isdecimal() or int(number) >= len(files):
        raise not_found("This file")
    if hospital.nth("file", f"{export.id}/{number}") <= habits.bulk_file_fails:
        raise OutcomeError(503, "transient", "The file could not be read; try again.")
    file = files[int(number)]
    lines = list(exports.lines(hospital, file))
    if hospital.faults.breaks_resources and file.addresses:
        lines.append(broken_resource(file.type))
    body = b"\n".join(lines) + b"\n"
    headers = {"Content-Type": "application/fhir+ndjson", "Cache-Control": "no-store"}
    if habits.bulk_gzip and "gzip" in encodings:
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        body = packer.compress(body) + packer.flush()
        headers["Content-Encoding"] = "gzip"
    return Response(body, 200, headers)


def routes() -> list[Route]:
    """Under the FHIR base. An export that is not offered is a 404 all the same."""
    begins = endpoint(_kick_off, "$export")
    found = [Route(f"/{path}", begins, methods=["GET", "POST"]) for path in (*_PLACES, "Group/{id}/$export")]
    status = "/bulk-status/{job}"
    return [
        *found,
        Route(status, endpoint(_status, "$status"), methods=["GET"]),
        Route(status, endpoint(_cancel, "$status"), methods=["DELETE"]),
        Route("/bulk-files/{job}/{n}", endpoint(_file, _type_of_file), methods=["GET"]),
    ]


def _type_of_file(hospital: Hospital, path: dict[str, str]) -> str:
    """The type that a file holds, by which faults go."""
    export, number = hospital.exports.find(path["job"]), path["n"].removesuffix(".ndjson")
    if export is None or not number.isdecimal() or int(number) >= len(export.files):
        return "$file"
    return export.files[int(number)].type


def root_routes() -> list[Route]:
    return [Route(FILES + "/bulk/{job}/{n}", _file_elsewhere, methods=["GET"])]
