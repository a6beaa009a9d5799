"""Several reads in one request: a batch Bundle and the answer to it (FHIR R4 http.html#transaction).

The answer holds one entry for each that was asked, in the same order. What failed says so in
`response.status`, with an OperationOutcome in `response.outcome` or in the place of the resource.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from phr.errors import Refused
from phr.fhir import bundle, outcome
from phr.fhir.read import dicts
from phr.model import Page, Problem


def request(type_: str, ids: Sequence[str]) -> bytes:
    """The Bundle that asks for these."""
    entries = [{"request": {"method": "GET", "url": f"{type_}/{quote(id_, safe='')}"}} for id_ in ids]
    return json.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries}).encode()


def cut(body: bytes, type_: str, ids: Sequence[str], secrets: tuple[str, ...] = ()) -> Page:
    """The answer as a page: what came, and a Problem with id and status for each that did not.

    Raises ValueError when the bytes are not a whole FHIR answer, Refused when they are no answer to a batch.
    """
    try:
        page = bundle.split(body, source_type=type_, secrets=secrets)
    except ValueError:
        raise ValueError("an answer that is cut off or not FHIR") from None
    found = outcome.parse(body)
    if not isinstance(found, dict) or found.get("resourceType") != "Bundle":
        raise Refused("This server does not answer several reads at once.")
    entries = list(dicts(found.get("entry")))
    if len(entries) != len(ids):
        # Which entry belongs to which question cannot be told; what came says itself what it is.
        here = {one.id for one in page.received if one.type == type_}
        left = [
            Problem(type_, "The server left it out of its answer.", id=id_) for id_ in ids if id_ not in here
        ]
        return Page(
            page.received, tuple(left), bytes=page.bytes, flawed="a batch was not answered entry by entry"
        )
    problems = [
        one for id_, entry in zip(ids, entries, strict=True) if (one := _failed(type_, id_, entry, secrets))
    ]
    return Page(page.received, tuple(problems), bytes=page.bytes)


def _failed(type_: str, id_: str, entry: dict[str, Any], secrets: tuple[str, ...]) -> Problem | None:
    response = entry.get("response")
    response = response if isinstance(response, dict) else {}
    status = str(response.get("status") or "")[:3]
    number = int(status) if status.isdecimal() else None
    resource = entry.get("resource")
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if (number is None or number < 400) and kind not in (None, "OperationOutcome"):
        return None
    told = outcome.remarks(response.get("outcome"), secrets) or outcome.remarks(resource, secrets)
    words = (
        told[0].text
        if told
        else outcome.STATUS_WORDS.get(number or 0, "the server left it out of its answer")
    )
    return Problem(type_, words, id=id_, http_status=number)
