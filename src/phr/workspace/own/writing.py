"""Own entries into the record, and out again: through the same door as what a server sends.

An entry, its Provenance and the Patient it is about are one transaction. What is withdrawn stays as a tombstone, as with
every source: `entered-in-error`, its words and its history kept.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from phr import paths
from phr.errors import UsageError
from phr.fhir import read
from phr.importers import ccda
from phr.model import Received
from phr.store.db import transaction
from phr.workspace.own import links, making, person
from phr.workspace.own.told import Told

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.workspace.workspace import Workspace

log = logging.getLogger(__name__)
Json = dict[str, Any]
Ids = Callable[[], str]
PATIENCE = 3.0
"""Seconds to wait for another run: a sync that is just ending should not cost what was typed."""
_WRITTEN_WHEN = frozenset(("id", "meta", "created"))
"""What differs each time the same is written down. When that was stands in the Provenance alone: as an element of the
entry it would be taken for the day on which something began."""
_STATUSES = {
    "Condition": "verificationStatus",
    "AllergyIntolerance": "verificationStatus",
    "Goal": "lifecycleStatus",
}


def random_id() -> str:
    """A new id."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Written:
    """What became of an entry."""

    resource: Json = field(repr=False)
    record: int | None
    """The number of its record; None when nothing was written."""
    shown_as: int | None = None
    """The record that tells the same and is shown for both, where there is one."""
    began: bool = False
    """It is the first of a record that was not there before."""


class AlreadyThere(UsageError):
    """The very same was written before."""

    def __init__(self, record: int) -> None:
        super().__init__(
            f"You wrote the same already ({record}).",
            hint=f"See it: phr show {record}. To write it once more: --yes",
        )
        self.record = record


def preview(store: Store | None, told: Told, new_id: Ids = random_id) -> Json:
    """The resource that would be written."""
    subject = person.patient(store, new_id())["id"] if store is not None else new_id()
    return _plain(making.resource(told, new_id(), f"Patient/{subject}"))


def add(
    workspace: Workspace,
    told: Told,
    *,
    tags: Sequence[str] = (),
    again: bool = False,
    new_id: Ids = random_id,
) -> Written:
    """Write one entry. Raises AlreadyThere unless `again`, Busy, Locked, StoreError."""
    began = not workspace.paths.records(workspace.user).exists()
    with (
        paths.exclusive_lock(workspace.paths.lock(workspace.user), wait=PATIENCE),
        workspace.store(create=True) as store,
    ):
        if began:  # else a rebuild after an upgrade is the next sync's: nobody waits a minute for a weight
            store.refresh_records()
        found = add_to(store, told, tags=tags, again=again, new_id=new_id)
        log.info("own entry %s written", found.record)
        return Written(found.resource, found.record, found.shown_as, began)


def add_to(
    store: Store, told: Told, *, tags: Sequence[str] = (), again: bool = False, new_id: Ids = random_id
) -> Written:
    """The same, into a record that is open and locked: all of it or nothing of it."""
    try:
        with transaction(store.db):
            made, record, shown = _added(store, told, tags, again, new_id)
    except BaseException:
        store.forget_writers()  # they remember rows that are not there
        raise
    try:
        _read_files(store)
    except Exception as error:  # noqa: BLE001 - the entry is kept; its files are read again with the next one
        log.warning("own entry %s is kept, its files could not be read (%s)", record, type(error).__name__)
    return Written(_plain(made), record, shown if shown != record else None)


def _added(store: Store, told: Told, tags: Sequence[str], again: bool, new_id: Ids) -> tuple[Json, int, int]:
    """The resource, its record, and the record that is shown for it."""
    _source(store)
    about = person.patient(store, new_id())
    made = making.resource(told, new_id(), f"Patient/{about['id']}")
    if not again and (before := _same(store, _plain(made))) is not None:
        raise AlreadyThere(before)
    address = f"{made['resourceType']}/{made['id']}"
    wrote = person.provenance(new_id(), address, f"Patient/{about['id']}", told.now)
    _save(store, [about, made, wrote])
    record = _row(store, made)
    store.matches.settle()
    store.audit.note("add", f"1 {told.kind.makes} ({record})")
    telling = "SELECT record_id FROM record_source WHERE resource_id = ?"
    (shown,) = store.db.execute(telling, (record,)).fetchone()
    if tags:
        store.own.tag(shown, tags)
    return made, record, int(shown)


def withdraw(workspace: Workspace, ref: str, *, dry_run: bool = False, new_id: Ids = random_id) -> Written:
    """Take an own entry back. Raises UsageError for what a source sent; Busy, Locked."""
    if dry_run:
        with workspace.store() as store:
            row = _own(store, ref)
            return Written(_body(store, row), row[0])
    with (
        paths.exclusive_lock(workspace.paths.lock(workspace.user), wait=PATIENCE),
        workspace.store() as store,
    ):
        row = _own(store, ref)
        body = _body(store, row)
        address = f"{row[2]}/{row[3]}"
        gone = _in_error(body)
        subject = (
            next(
                (
                    found["reference"]
                    for name in ("subject", "patient", "for", "beneficiary")
                    if isinstance(found := body.get(name), dict) and "reference" in found
                ),
                None,
            )
            or f"Patient/{person.patient(store, new_id())['id']}"
        )
        wrote = person.provenance(new_id(), address, subject, store.now(), "NULLIFY")
        _save(store, [gone, wrote])
        store.matches.settle()
        store.audit.note("withdraw own entry", f"record {row[0]}")
        log.info("own entry %s withdrawn", row[0])
        return Written(gone, row[0])


def _own(store: Store, ref: str) -> tuple[Any, ...]:
    """The row of the own resource behind a record. Raises UsageError when it is none of ours, or withdrawn already."""
    found = links.resources(store.db, ref)
    own = [row for row in found if row[5] == person.KIND and row[2] not in ("Patient", "Provenance")]
    if not own:
        number = found[0][7] or found[0][0]
        raise UsageError(
            "This was sent by a source, and what a source says stays as it is.",
            hint=f"Lay a correction over it: phr edit {number} --help. Or write a note beside it: phr note {number} TEXT",
        )
    if own[0][4] != "current":
        raise UsageError("This entry was withdrawn already.", hint=f"See it: phr show {own[0][0]}")
    return own[0]


def _body(store: Store, row: tuple[Any, ...]) -> Json:
    raw = store.db.execute("SELECT raw FROM resource WHERE id = ?", (row[0],)).fetchone()[0]
    body = read.parse_as_written(raw)
    return body if isinstance(body, dict) else {"resourceType": row[2], "id": row[3]}


def _in_error(body: Json) -> Json:
    """The same, said to have been an error."""
    name = _STATUSES.get(str(body.get("resourceType")), "status")
    if name != "verificationStatus":
        return {**body, name: "entered-in-error"}
    word = (
        "condition-ver-status" if body["resourceType"] == "Condition" else "allergyintolerance-verification"
    )
    system = f"http://terminology.hl7.org/CodeSystem/{word}"
    kept = {
        key: value for key, value in body.items() if key not in ("clinicalStatus", "abatementDateTime")
    }  # con-5, ait-2
    return {**kept, name: {"coding": [{"system": system, "code": "entered-in-error"}]}}


# ── the one door ──────────────────────────────────────────────────────────────────────────────────


def _source(store: Store) -> None:
    """The source `self`, made once."""
    if store.db.execute("SELECT 1 FROM source WHERE key = ?", (person.KEY,)).fetchone():
        return
    name = store.connections.free_name(person.NAME)
    store.db.execute(
        "INSERT INTO source (key, name, kind, fhir_base, created) VALUES (?, ?, ?, NULL, ?)",
        (person.KEY, name, person.KIND, store.now()),
    )


def _save(store: Store, made: Sequence[Json]) -> None:
    """All of it in one transaction."""
    store.save(person.KEY, [encoded(one) for one in made])


def _row(store: Store, made: Json) -> int:
    row = store.db.execute(
        "SELECT x.id FROM resource x JOIN source s ON s.id = x.source_id WHERE s.key = ? AND x.type = ? AND x.fhir_id = ?",
        (person.KEY, made["resourceType"], made["id"]),
    ).fetchone()
    return int(row[0])


def _read_files(store: Store) -> None:
    """The words of attached files, for the search."""
    from phr.records.document_text import MADE_BY, text_of

    texts = [
        (document, text_of(store.documents.bytes_of(document), called))
        for document, called, _ in store.documents.without_text(person.KEY, MADE_BY)
    ]
    if texts:
        store.documents.keep_texts(texts)


def _same(store: Store, made: Json) -> int | None:
    """The record of an own entry that says the very same."""
    wanted = _content(made)
    rows = store.db.execute(
        "SELECT x.id, x.raw FROM source s CROSS JOIN resource x ON x.source_id = s.id"
        " WHERE s.key = ? AND x.type = ? AND x.state = 'current' ORDER BY x.id DESC LIMIT 1000",
        (person.KEY, made["resourceType"]),
    )
    for id_, raw in rows:
        body = read.parse_json(raw)
        if isinstance(body, dict) and _content(body) == wanted:
            return int(id_)
    return None


def _content(body: Json) -> Json:
    return {key: value for key, value in body.items() if key not in _WRITTEN_WHEN}


def encoded(resource: Json) -> Received:
    """The bytes to keep, with the digits of its decimals (FHIR R4, json.html: precision has to be kept)."""
    return ccda.encoded(_with_digits(resource))


def _with_digits(value: Any) -> Any:
    if type(value) is read.Written:
        return Decimal(value.digits)
    if isinstance(value, dict):
        return {key: _with_digits(one) for key, one in value.items()}
    return [_with_digits(one) for one in value] if isinstance(value, list) else value


def _plain(resource: Json) -> Json:
    """As it is read back."""
    found = read.parse_json(encoded(resource).raw)
    assert isinstance(found, dict)  # noqa: S101 - it was one
    return found
