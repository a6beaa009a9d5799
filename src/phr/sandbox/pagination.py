"""Searchset Bundles, a page at a time (FHIR R4 http.html#paging), and every way in which pages were seen to go wrong.

The page is put together from the exact bytes of each resource, so an entry and a read say the same. The addresses
of pages are in `links.py`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson

from phr.sandbox import compartment, dates
from phr.sandbox.cursors import Position, Result
from phr.sandbox.faults import broken_resource
from phr.sandbox.links import links
from phr.sandbox.problems import issue, outcome
from phr.sandbox.record_habits import RecordHabits
from phr.sandbox.resources import Stored

if TYPE_CHECKING:
    from phr.sandbox.hospital import Hospital

_MORE = 59
"""How many more than there are a wrong total announces: 109 for 50."""


def page_bundle(hospital: Hospital, position: Position) -> bytes:
    """One page as a Bundle of type searchset."""
    result, habits = position.result, hospital.habits
    window = result.found[position.offset : position.offset + result.page_size]
    if window and habits.twice != "no":
        window = _twice(result, position, window, habits.twice)
    matches = [stored for stored in (hospital.store.get(*address) for address in window) if stored]
    if habits.bare == "single" and len(result.found) == 1 and matches:
        return hospital.raw(matches[0])
    if habits.bare == "outcome" and not result.found:
        return orjson.dumps(outcome("not-found", "No results.", "information", habits=habits))
    entries = [_entry(hospital, stored, b"match") for stored in matches]
    included = _provenance(hospital, result, matches)
    entries += [_entry(hospital, stored, b"include") for stored in included]
    if result.strangers and position.offset == 0:
        entries += _strangers(hospital, result.strangers)
    breaks = hospital.faults.breaks_resources and bool(matches)
    if breaks:
        url = orjson.dumps(f"{hospital.base}/{result.type}/broken-1")
        entries.append(b'{"fullUrl":%s,"resource":%s}' % (url, broken_resource(result.type)))
    entries += _odd(hospital, result.type) if matches else []
    entries += _remarks(hospital, result, bool(matches))
    head = {
        "resourceType": "Bundle",
        "id": str(uuid.uuid4()),
        "meta": {"lastUpdated": dates.instant(hospital.clock())},
        "type": habits.bundle_type,
        **_total(habits, result, len(window), breaks),
        "link": list(links(hospital, position)),
    }
    body = orjson.dumps(head)[:-1]
    if entries:
        return body + b',"entry":[' + b",".join(entries) + b"]}"
    return body + {"null": b',"entry":null}', "empty": b',"entry":[]}'}.get(habits.no_entries, b"}")


def history_bundle(hospital: Hospital, versions: list[Stored]) -> bytes:
    """The versions of one resource, newest first, as a Bundle of type history."""
    entries = []
    for index, stored in reversed(list(enumerate(versions))):
        request = {"method": "PUT" if index else "POST", "url": stored.address if index else stored.type}
        response = {
            "status": "200" if index else "201",
            "etag": f'W/"{stored.version}"',
            "lastModified": dates.instant(stored.last_updated),
        }
        url = orjson.dumps(f"{hospital.base}/{stored.address}")
        entries.append(
            b'{"fullUrl":%s,"resource":%s,"request":%s,"response":%s}'
            % (url, hospital.raw(stored), orjson.dumps(request), orjson.dumps(response))
        )
    head = {
        "resourceType": "Bundle",
        "id": str(uuid.uuid4()),
        "meta": {"lastUpdated": dates.instant(hospital.clock())},
        "type": "history",
        "total": len(versions),
    }
    return orjson.dumps(head)[:-1] + b',"entry":[' + b",".join(entries) + b"]}"


def _entry(hospital: Hospital, stored: Stored, mode: bytes) -> bytes:
    habits, raw = hospital.habits, hospital.raw(stored)
    search = b',"search":{"mode":"%s"}' % mode if habits.entry_mode else b""
    if habits.entry_url == "absolute":
        url = orjson.dumps(f"{hospital.base}/{stored.address}")
    elif habits.entry_url == "missing":
        return b'{"resource":%s%s}' % (raw, search)
    else:
        written = {
            "relative": stored.address,
            "other-host": f"http://fhir4.invalid/fhir/{stored.address}",
            "urn": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, stored.address)}",
        }[habits.entry_url]
        url = orjson.dumps(written)
    return b'{"fullUrl":%s,"resource":%s%s}' % (url, raw, search)


def _twice(
    result: Result, position: Position, window: tuple[tuple[str, str], ...], how: str
) -> tuple[tuple[str, str], ...]:
    if how == "page":
        return (*window, window[0])
    return (result.found[position.offset - 1], *window) if position.offset else window


def _odd(hospital: Hospital, type_: str) -> list[bytes]:
    """Entries beside the matches that are no whole resources."""
    shapes = {
        "no-resource": b'{"fullUrl":%s,"search":{"mode":"match"}}' % orjson.dumps(f"{hospital.base}/{type_}/x"),
        "no-id": b'{"resource":{"resourceType":%s,"status":"final"}}' % orjson.dumps(type_),
        "null": b"null",
        "outcome": orjson.dumps({"resource": outcome("informational", "All is well.", "information")}),
    }  # fmt: skip
    return [shapes[name] for name in hospital.habits.odd_entries]


def _strangers(hospital: Hospital, count: int) -> list[bytes]:
    """Other patients by name alone, as they come along with a relative or a shared account."""
    stubs = [{"resourceType": "Patient", "id": f"stub-{n}", "active": True} for n in range(1, count + 1)]
    urls = [f"{hospital.base}/Patient/{stub['id']}" for stub in stubs]
    return [orjson.dumps({"fullUrl": u, "resource": stub}) for u, stub in zip(urls, stubs, strict=True)]


def _remarks(hospital: Hospital, result: Result, any_: bool) -> list[bytes]:
    """What the server says beside the results, as one OperationOutcome."""
    habits, issues = hospital.habits, []
    if habits.outcome_entry and any_:
        text = "This may not be the entire record."
        issues.append(issue("informational", text, "information", habits=habits))
    elif habits.outcome_entry:
        issues.append(issue("processing", "Resource request returns no results.", "warning", habits=habits))
    if result.type in habits.warnings:
        issues.append(issue("suppressed", habits.warnings[result.type], "warning", habits=habits))
    own = "4122" if habits.issue_system else ""
    for name in result.ignored:
        issues.append(issue("informational", f"Unknown parameter: {name}", "warning", habits=habits, own=own))
    if not issues:
        return []
    said: dict[str, Any] = {"resourceType": "OperationOutcome", "issue": issues}
    entry: dict[str, Any] = {"fullUrl": f"urn:uuid:{uuid.uuid4()}", "resource": said}
    return [orjson.dumps({**entry, "search": {"mode": "outcome"}} if habits.entry_mode else entry)]


def _total(habits: RecordHabits, result: Result, on_page: int, breaks: bool) -> dict[str, object]:
    in_all = habits.total_without_entries.get(result.type, len(result.found))
    counted = {
        "all": in_all,
        "page": on_page,
        "size": result.page_size,
        "more": in_all + _MORE if in_all > result.page_size else in_all,
    }.get(habits.total)
    if habits.total == "text":
        return {"total": str(in_all)}
    return {} if counted is None else {"total": counted + breaks}


def _provenance(hospital: Hospital, result: Result, matches: list[Stored]) -> Iterator[Stored]:
    if not result.provenance or not matches:
        return
    wanted = {stored.address for stored in matches}
    for stored in hospital.store.of("Provenance", result.grant.patient):
        targets = compartment.references(stored.content, "target")
        if any(wanted.intersection((target, "/".join(target.split("/")[-2:]))) for target in targets):
            yield stored
