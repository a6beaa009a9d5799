"""A hospital without a network: a transport that answers as a FHIR server would, and a store to pull into.

Pages, `_lastUpdated`, `_id`, reads, batches and deletions; what it refuses is said per type or per category.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import orjson

from phr.fhir.client import FhirClient
from phr.model import Connection, SyncRun, Vendor
from phr.store.store import Store
from phr.sync.pull import Wish, pull

KEY = bytes(range(32))
BASE = "https://clinic.example/fhir"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ABOUT = {"Coverage": "beneficiary", "Immunization": "patient", "AllergyIntolerance": "patient"}
ANNA = {"name": [{"family": "Quill", "given": ["Anna"]}], "birthDate": "1970-01-01"}
UNSEARCHED = frozenset({"Patient", "Practitioner", "Organization", "Medication", "Location", "Binary"})


def outcome(code: str, text: str = "", vendor: str | None = None) -> dict[str, Any]:
    issue: dict[str, Any] = {"severity": "error", "code": code, "diagnostics": text or code}
    if vendor:
        issue["details"] = {"coding": [{"code": vendor}]}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


@dataclass
class Ward(httpx.BaseTransport):
    """What the server holds, how it answers, and what it was asked."""

    page_size: int = 3
    last_updated: bool = False
    """Whether `_lastUpdated` is declared, taken, and filled in."""
    ids: bool = False
    batch: bool = False
    declares: bool = True
    types: tuple[str, ...] = ("Observation", "Condition", "Encounter")
    resources: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    deleted: set[tuple[str, str]] = field(default_factory=set)
    hidden: set[tuple[str, str]] = field(default_factory=set)
    """Readable by their address, but no search brings them."""
    answers: dict[str, Callable[[httpx.Request], httpx.Response | None]] = field(default_factory=dict)
    """By the last part of a path: what comes instead; None: the usual."""
    asked: list[str] = field(default_factory=list)
    before: Callable[[int, httpx.Request], None] = lambda _number, _request: None
    totals: dict[str, int] = field(default_factory=dict)
    page_of: Callable[[str, list[dict[str, Any]]], list[dict[str, Any]]] = lambda _type, found: found
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, type_: str, id_: str, changed: str | None = None, **elements: Any) -> None:
        resource: dict[str, Any] = {"resourceType": type_, "id": id_}
        if self.last_updated:
            resource["meta"] = {"lastUpdated": changed or "2026-01-01T00:00:00Z"}
        if type_ not in UNSEARCHED:
            resource[ABOUT.get(type_, "subject")] = {"reference": "Patient/p"}
        self.resources[type_, id_] = {**resource, **elements}
        self.deleted.discard((type_, id_))

    def delete(self, type_: str, id_: str) -> None:
        del self.resources[type_, id_]
        self.deleted.add((type_, id_))

    def searches(self, type_: str) -> list[str]:
        """Every search of a type that was asked, without its first page's frame."""
        return [one for one in self.asked if one.startswith(f"{type_}?")]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/fhir").strip("/")
        query = request.url.query.decode()
        with self.lock:
            self.asked.append(f"{path}?{query}" if query else path)
            number = len(self.asked)
        self.before(number, request)
        special = self.answers.get(path) or self.answers.get(path.partition("/")[0])
        answer = special(request) if special else None
        return answer if answer is not None else self._usual(request, path, query)

    def _usual(self, request: httpx.Request, path: str, query: str) -> httpx.Response:
        if path == "metadata":
            return _json(
                self._statement() if self.declares else outcome("not-found"), 200 if self.declares else 404
            )
        if request.method == "POST" and not path:
            return _json(self._batch(orjson.loads(request.content)))
        type_, _, id_ = path.partition("/")
        if id_:
            status, body = self._read(type_, id_)
            return _json(body, status)
        return _json(self._search(type_, dict(parse_qsl(query))))

    def _read(self, type_: str, id_: str) -> tuple[int, dict[str, Any]]:
        if (type_, id_) in self.deleted:
            return 410, outcome("deleted")
        found = self.resources.get((type_, id_))
        return (200, found) if found else (404, outcome("not-found"))

    def _search(self, type_: str, said: dict[str, str]) -> dict[str, Any]:
        found = [one for (kind, _), one in sorted(self.resources.items()) if kind == type_]
        if "_id" in said:
            wanted = said["_id"].split(",")
            found = [one for one in found if one["id"] in wanted]
        else:
            found = [one for one in found if (type_, one["id"]) not in self.hidden]
        if said.get("_lastUpdated", "").startswith("ge"):
            found = [one for one in found if one["meta"]["lastUpdated"] >= said["_lastUpdated"][2:]]
        if "category" in said:
            found = [one for one in found if said["category"] in one.get("category", ())]
        found = self.page_of(type_, found)
        at = int(said.get("at", "0"))
        links = []
        if at + self.page_size < len(found):
            more = urlencode({**said, "at": str(at + self.page_size)})
            links.append({"relation": "next", "url": f"{BASE}/{type_}?{more}"})
        total = {"total": self.totals[type_]} if type_ in self.totals else {}
        entries = [{"resource": one} for one in found[at : at + self.page_size]]
        return {"resourceType": "Bundle", "type": "searchset", **total, "link": links, "entry": entries}

    def _batch(self, bundle: dict[str, Any]) -> dict[str, Any]:
        entries = []
        for one in bundle["entry"]:
            status, body = self._read(*one["request"]["url"].rstrip("/").split("/")[-2:])
            inside = {"resource": body} if status == 200 else {}
            entries.append(
                {**inside, "response": {"status": str(status), **({} if inside else {"outcome": body})}}
            )
        return {"resourceType": "Bundle", "type": "batch-response", "entry": entries}

    def _statement(self) -> dict[str, Any]:
        def declared(type_: str) -> dict[str, Any]:
            names = (
                []
                if type_ in UNSEARCHED
                else ["beneficiary" if type_ == "Coverage" else "patient", "category"]
            )
            names += ["_lastUpdated"] if self.last_updated else []
            names += ["_id"] if self.ids else []
            return {
                "type": type_,
                "interaction": [{"code": "read"}, {"code": "search-type"}],
                "searchParam": [{"name": name} for name in names],
            }

        known = {*self.types, *UNSEARCHED} - {"Binary"}
        rest: dict[str, Any] = {"mode": "server", "resource": [declared(one) for one in sorted(known)]}
        if self.batch:
            rest["interaction"] = [{"code": "batch"}]
        return {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [rest]}


def _json(body: object, status: int = 200) -> httpx.Response:
    headers = {"Content-Type": "application/fhir+json", "Date": "Sun, 01 Mar 2026 12:00:00 GMT"}
    return httpx.Response(status, content=orjson.dumps(body), headers=headers)


def refusing(status: int, body: dict[str, Any] | None = None) -> Callable[[httpx.Request], httpx.Response]:
    """An answer that says no."""
    return lambda _request: _json(body if body is not None else outcome("forbidden"), status)


@dataclass
class Record:
    """A store, a connection in it, and a clock that can be moved."""

    path: Path
    vendor: Vendor = field(default_factory=lambda: Vendor("custom", "Custom"))
    now: datetime = NOW

    @contextmanager
    def open(self) -> Iterator[Store]:
        with Store(self.path, KEY, create=not self.path.exists(), clock=lambda: self.now) as store:
            if not store.connections.all():
                store.connections.save(
                    Connection("k", "clinic", "custom", "custom", "Clinic", BASE, "", "p", auth="none")
                )
            yield store

    def pull(self, ward: Ward, *, attempts: int = 0, **wish: Any) -> SyncRun:
        """One run, as a new process would do it."""
        with self.open() as store:
            store.runs.abandon()
            return self.into(store, ward, attempts=attempts, **wish)

    def into(self, store: Store, ward: Ward, *, attempts: int = 0, **wish: Any) -> SyncRun:
        how = Wish(**{"debug": True, "workers": 3, **wish})
        with FhirClient(
            BASE,
            None,
            transport=ward,
            retry_attempts=attempts,
            retry_delay=0,
            sleep=lambda _: None,
            stopping=how.stopping,
        ) as client:
            return pull(client, store, store.connections.get("clinic"), self.vendor, how)

    def ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.open() as store:
            return list(store.db.execute(sql, values).fetchall())

    def whole(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that a person could notice, without numbers and times."""
        return {name: sorted(self.ask(sql), key=repr) for name, sql in WHOLE.items()}

    def later(self, **clock: Any) -> Record:
        return replace(self, now=replace_clock(self.now, **clock))


def replace_clock(now: datetime, **clock: Any) -> datetime:
    from datetime import timedelta

    return now + timedelta(**clock)


WHOLE = {
    "resources": "SELECT type, fhir_id, raw, state FROM resource",
    "versions": "SELECT r.type, r.fhir_id, v.raw FROM resource_version v JOIN resource r ON r.id = v.resource_id",
    "records": "SELECT resource, kind, title, description, date, value, unit, status, category, facility, performer,"
    " encounter, supporting FROM record",
    "attachments": "SELECT r.type, r.fhir_id, a.position, a.state, d.sha256 FROM attachment a"
    " JOIN resource r ON r.id = a.resource_id LEFT JOIN document d ON d.id = a.document_id",
    "tombstones": "SELECT r.type, r.fhir_id, t.reason FROM tombstone t JOIN resource r ON r.id = t.resource_id",
    "absences": "SELECT r.type, r.fhir_id FROM absence a JOIN resource r ON r.id = a.resource_id",
    "references": "SELECT type, fhir_id, http_status FROM wanted_reference",
}
