"""Records into rows: derive, index, and derive again when something that was looked up changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from phr.fhir import dates, read
from phr.model import Attachment, Record, Resource
from phr.records.derive import derive
from phr.store.db import BATCH, batches, marks
from phr.store.documents import keep_document

CACHED_LOOKUPS = 4096

RECORD_COLUMNS = (
    "id, kind, title, description, date, precision, date_from, date_to, end, recorded, value, value_number, unit,"
    " low, high, range_text, interpretation, abnormal, status, category, codes, facility, performer, encounter,"
    " origin, sensitivity, supporting, resource"
)
INSERT_RECORD = f"INSERT INTO record ({RECORD_COLUMNS}) VALUES ({','.join('?' * 28)})"


class Stored(NamedTuple):
    """A stored resource: its row id, its address `Type/id`, and its parsed content."""

    id: int
    address: str
    data: Resource


class RecordWriter:
    """Writes the records of one source, inside the transaction of its caller."""

    def __init__(self, db: Any, source_id: int) -> None:
        self._db = db
        self._source = source_id
        self._found: dict[str, Resource | None] = {}

    def forget(self) -> None:
        """Drop what was looked up: the transaction it belonged to is gone."""
        self._found.clear()

    def write(self, changed: Sequence[Stored]) -> None:
        """Derive and store the records of these resources, then of those that had looked them up."""
        for one in changed:
            self._found.pop(one.address, None)
        self._store(changed)
        self._store(self._dependants(changed))

    def rebuild(self) -> int:
        """Derive every record of the source again; answers how many. Inside the caller's transaction."""
        count, last = 0, 0
        while rows := self._db.execute(
            "SELECT id, type, fhir_id, raw FROM resource WHERE source_id = ? AND id > ? ORDER BY id LIMIT ?",
            (self._source, last, BATCH),
        ).fetchall():
            self._store(list(_parsed(rows)))
            count, last = count + len(rows), rows[-1][0]
        return count

    def _dependants(self, changed: Sequence[Stored]) -> list[Stored]:
        """Stored resources whose records looked up one of `changed`, without those themselves."""
        own = {one.id for one in changed}
        waiting: set[int] = set()
        for part in batches([one.address for one in changed]):
            rows = self._db.execute(
                f"SELECT record_id FROM record_link WHERE source_id = ? AND target IN ({marks(part)})",
                (self._source, *part),
            )
            waiting.update(row[0] for row in rows if row[0] not in own)
        found: list[Stored] = []
        for ids in batches(sorted(waiting)):
            rows = self._db.execute(
                f"SELECT id, type, fhir_id, raw FROM resource WHERE id IN ({marks(ids)})", ids
            )
            found += _parsed(rows)
        return found

    def _store(self, resources: Sequence[Stored]) -> None:
        if not resources:
            return
        records = [(one, derive(one.data, self._lookup)) for one in resources]
        known = self._clear([one.id for one in resources])
        self._db.executemany(INSERT_RECORD, [_row(one, record) for one, record in records])
        self._db.executemany(
            "INSERT INTO record_source (record_id, source_id, resource_id) VALUES (?, ?, ?)",
            [(one.id, self._source, one.id) for one in resources],
        )
        self._db.executemany(
            "INSERT INTO record_search (rowid, title, detail, codes, body) VALUES (?, ?, ?, ?, ?)",
            [_search_row(one.id, record) for one, record in records if not record.supporting],
        )
        links = [(self._source, target, one.id) for one, record in records for target in record.wanted]
        if links:
            self._db.executemany("INSERT OR IGNORE INTO record_link VALUES (?, ?, ?)", links)
        for one, record in records:
            if record.attachments or one.id in known:
                self._attach(one.id, record.attachments)

    def _clear(self, identities: Sequence[int]) -> set[int]:
        """Make room: drop what an earlier derivation of the same resources wrote, and say of which."""
        known: set[int] = set()
        for part in batches(identities):
            rows = self._db.execute(f"SELECT id FROM record WHERE id IN ({marks(part)})", part)
            known.update(row[0] for row in rows)
        for part in batches(sorted(known)):
            self._db.execute(f"DELETE FROM record_search WHERE rowid IN ({marks(part)})", part)
            self._db.execute(f"DELETE FROM record WHERE id IN ({marks(part)})", part)
        return known

    def _lookup(self, reference: str) -> Resource | None:
        if reference in self._found:
            return self._found[reference]
        type_, _, id_ = reference.partition("/")
        row = self._db.execute(
            "SELECT raw FROM resource WHERE source_id = ? AND type = ? AND fhir_id = ?",
            (self._source, type_, id_),
        ).fetchone()
        data = read.parse_json(row[0]) if row else None
        if len(self._found) >= CACHED_LOOKUPS:
            self._found.clear()
        self._found[reference] = data if isinstance(data, dict) else None
        return self._found[reference]

    def _attach(self, identity: int, attachments: Sequence[Attachment]) -> None:
        """Note what is attached. Inline bytes are stored now; addresses are fetched at the end of a sync."""
        for one in attachments:
            document: int | None = None
            state, reason = "absent", "the source gives neither bytes nor an address"
            if one.data:
                content = read.base64_bytes(one.data)
                if content is None:
                    state, reason = "refused", "the attached bytes are not base64"
                else:
                    document, state, reason = keep_document(self._db, content), "stored", ""
            elif one.url:
                state, reason = "wanted", ""
            self._db.execute(
                "INSERT INTO attachment (resource_id, position, title, media_type, url, state, reason, document_id)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET title = excluded.title,"
                " media_type = excluded.media_type, url = excluded.url, state = excluded.state,"
                " reason = excluded.reason, document_id = excluded.document_id"
                # the same address keeps what was fetched from it
                " WHERE excluded.url IS NULL OR url IS NOT excluded.url",
                (identity, one.index, one.title, one.media_type, one.url, state, reason or None, document),
            )
        positions = [one.index for one in attachments]
        self._db.execute(
            f"DELETE FROM attachment WHERE resource_id = ? AND position NOT IN ({marks(positions)})",
            (identity, *positions),
        )


def _parsed(rows: Iterable[Sequence[Any]]) -> Iterator[Stored]:
    """Rows of (id, type, fhir_id, raw) as Stored; what is not a JSON object was a named problem already."""
    for identity, type_, id_, raw in rows:
        data = read.parse_as_written(raw)
        if isinstance(data, dict):
            yield Stored(identity, f"{type_}/{id_}", data)


def _row(one: Stored, record: Record) -> tuple[Any, ...]:
    when = dates.parse(record.date) if record.date else None
    return (
        one.id,
        record.kind,
        record.title,
        record.description,
        when.text if when else None,
        when.precision if when else None,
        when.start if when else None,
        when.end if when else None,
        record.end,
        record.recorded,
        record.value,
        record.value_number,
        record.unit,
        record.low,
        record.high,
        record.range_text,
        record.interpretation,
        record.abnormal,
        record.status,
        record.category,
        orjson.dumps([(c.system, c.code, c.display) for c in record.codes]).decode(),
        record.facility,
        record.performer,
        record.encounter,
        record.origin,
        record.sensitivity,
        record.supporting,
        one.address,
    )


def _search_row(identity: int, record: Record) -> tuple[Any, ...]:
    value = (record.value or "", record.unit or "", record.description or "")
    people = (record.facility or "", record.performer or "", record.category or "")
    codes = " ".join(f"{c.code or ''} {c.display or ''}" for c in record.codes)
    return identity, record.title, " ".join((*value, *people)), codes, record.text
