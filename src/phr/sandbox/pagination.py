"""Searchset Bundles, a page at a time, behind opaque links (FHIR R4 http.html#paging).

The page is put together from the exact bytes of each resource, so an entry and a read say the same.
"""

from __future__ import annotations

import secrets
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import orjson

from phr.sandbox import compartment, dates
from phr.sandbox.faults import broken_resource
from phr.sandbox.grants import Grant
from phr.sandbox.problems import OutcomeError, outcome
from phr.sandbox.resources import Stored

if TYPE_CHECKING:
    from phr.sandbox.hospital import Hospital

_KEPT = 10_000
"""Links that are remembered; older ones answer 410, as at servers whose sessions end."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a search found, as it was at that moment."""

    type: str
    found: tuple[tuple[str, str], ...]
    """(type, id) of every match, in order."""
    path: str
    params: tuple[tuple[str, str], ...]
    page_size: int
    grant: Grant
    provenance: bool = False
    """`_revinclude=Provenance:target`."""
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """A page of a Result: where it begins."""

    result: Result
    offset: int

    @property
    def page(self) -> int:
        """Its number, from 1."""
        return self.offset // max(self.result.page_size, 1) + 1


class Cursors:
    """The opaque names of further pages."""

    def __init__(self) -> None:
        self._positions: OrderedDict[str, Position] = OrderedDict()

    def name(self, position: Position) -> str:
        name = secrets.token_urlsafe(18)
        self._positions[name] = position
        if len(self._positions) > _KEPT:
            self._positions.popitem(last=False)
        return name

    def find(self, name: str, type_: str, grant: Grant) -> Position:
        """The page behind a link. Raises OutcomeError 410 for one that is unknown or another sign-in's."""
        position = self._positions.get(name)
        if position is None or position.result.grant is not grant or position.result.type != type_:
            raise OutcomeError(
                410, "expired", "This link to a further page is not known any more; search again."
            )
        return position


def page_bundle(hospital: Hospital, position: Position) -> bytes:
    """One page as a Bundle of type searchset."""
    result = position.result
    window = result.found[position.offset : position.offset + result.page_size]
    matches = [stored for stored in (hospital.store.get(*address) for address in window) if stored]
    entries = [_entry(hospital.base, stored, b"match") for stored in matches]
    entries += [
        _entry(hospital.base, stored, b"include") for stored in _provenance(hospital, result, matches)
    ]
    breaks = hospital.faults.breaks_resources and bool(matches)
    if breaks:
        url = orjson.dumps(f"{hospital.base}/{result.type}/broken-1")
        entries.append(b'{"fullUrl":%s,"resource":%s}' % (url, broken_resource(result.type)))
    if hospital.habits.outcome_entry:
        entries.append(_remark())
    head = {
        "resourceType": "Bundle",
        "id": str(uuid.uuid4()),
        "meta": {"lastUpdated": dates.instant(hospital.clock())},
        "type": "searchset",
        **_total(hospital, len(window), len(result.found), breaks),
        "link": list(_links(hospital, position)),
    }
    body = orjson.dumps(head)[:-1]
    return body + (b',"entry":[' + b",".join(entries) + b"]}" if entries else b"}")


def history_bundle(base: str, versions: list[Stored], now: float) -> bytes:
    """The versions of one resource, newest first, as a Bundle of type history."""
    entries = []
    for index, stored in reversed(list(enumerate(versions))):
        request = {"method": "PUT" if index else "POST", "url": stored.address if index else stored.type}
        response = {
            "status": "200" if index else "201",
            "etag": f'W/"{stored.version}"',
            "lastModified": dates.instant(stored.last_updated),
        }
        url = orjson.dumps(f"{base}/{stored.address}")
        entries.append(
            b'{"fullUrl":%s,"resource":%s,"request":%s,"response":%s}'
            % (url, stored.raw, orjson.dumps(request), orjson.dumps(response))
        )
    head = {
        "resourceType": "Bundle",
        "id": str(uuid.uuid4()),
        "meta": {"lastUpdated": dates.instant(now)},
        "type": "history",
        "total": len(versions),
    }
    return orjson.dumps(head)[:-1] + b',"entry":[' + b",".join(entries) + b"]}"


def _entry(base: str, stored: Stored, mode: bytes) -> bytes:
    url = orjson.dumps(f"{base}/{stored.address}")
    return b'{"fullUrl":%s,"resource":%s,"search":{"mode":"%s"}}' % (url, stored.raw, mode)


def _remark() -> bytes:
    said = outcome("informational", "This may not be the entire record.", "information")
    url = f"urn:uuid:{uuid.uuid4()}"
    return orjson.dumps({"fullUrl": url, "resource": said, "search": {"mode": "outcome"}})


def _total(hospital: Hospital, on_page: int, in_all: int, breaks: bool) -> dict[str, int]:
    counted = {"all": in_all, "page": on_page}.get(hospital.habits.total)
    return {} if counted is None else {"total": counted + breaks}


def _links(hospital: Hospital, position: Position) -> Iterator[dict[str, str]]:
    result = position.result
    here = f"{hospital.base}/{result.path}"
    yield {"relation": "self", "url": f"{here}?{urlencode(result.params)}" if result.params else here}
    after = position.offset + result.page_size
    if result.page_size > 0 and after < len(result.found):
        cursor = hospital.cursors.name(Position(result, after))
        yield {"relation": "next", "url": f"{here}?_cursor={cursor}"}


def _provenance(hospital: Hospital, result: Result, matches: list[Stored]) -> Iterator[Stored]:
    if not result.provenance or not matches:
        return
    wanted = {stored.address for stored in matches}
    for stored in hospital.store.of("Provenance", result.grant.patient):
        targets = compartment.references(stored.content, "target")
        if any(wanted.intersection((target, "/".join(target.split("/")[-2:]))) for target in targets):
            yield stored
