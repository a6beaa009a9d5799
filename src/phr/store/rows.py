"""Records into rows: derive, index, and derive again when something that was looked up changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from phr.fhir import read
from phr.fhir.content import lasting, taken_back
from phr.model import Attachment, Received, Resource
from phr.records.derive import derive_line
from phr.records.lines import COLUMNS, EVENT, WITHDRAWN, Line
from phr.store import tombstones
from phr.store.copies import leaving, own_again
from phr.store.db import BATCH, batches, marks
from phr.store.documents import keep_document, texts_of

CACHED_LOOKUPS = 4096

INSERT_RECORD = f"INSERT INTO record (id, {COLUMNS}, resource) VALUES ({','.join('?' * 28)})"
INSERT_SEARCH = "INSERT INTO record_search (rowid, title, detail, codes, body) VALUES (?, ?, ?, ?, ?)"


class Stored(msgspec.Struct, frozen=True, gc=False):
    """A stored resource: its row id, its address `Type/id`, and what was read of it."""

    id: int
    address: str
    line: Line
    gone: bool = False
    """Its source took it back."""


class RecordWriter:
    """Writes the records of one source, inside the transaction of its caller."""

    def __init__(self, db: Any, source_id: int) -> None:
        self._db = db
        self._source = source_id
        self._found: dict[str, Resource | None] = {}
        self._arriving: Mapping[tuple[str, str], Received] = {}

    def forget(self) -> None:
        """Drop what was looked up: the transaction it belonged to is gone."""
        self._found.clear()
        self._arriving = {}

    def expect(self, arriving: Mapping[tuple[str, str], Received]) -> None:
        """What is about to be stored: it is looked up here first, so each is read while its bytes are at hand."""
        self._arriving = arriving
        if self._found:
            for type_, id_ in arriving:
                self._found.pop(f"{type_}/{id_}", None)

    def line(self, resource: Resource) -> Line:
        """Read one resource."""
        return derive_line(resource, self._lookup)

    def write(self, fresh: Sequence[Stored], changed: Sequence[Stored]) -> None:
        """Store the records of these resources, then derive again those that had looked them up.

        `fresh` were not there before, and their row ids follow each other.
        """
        self._store(fresh, fresh=True)
        self._store(changed)
        self._store(self._dependants([*fresh, *changed]))
        self._arriving = {}

    def rebuild(self) -> int:
        """Derive every record of the source again; answers how many. Inside the caller's transaction."""
        count, last = 0, 0
        while rows := self._db.execute(
            f"SELECT {_STORED} FROM resource WHERE source_id = ? AND id > ? ORDER BY id LIMIT ?",
            (self._source, last, BATCH),
        ).fetchall():
            self._store([self._read(row) for row in rows])
            count, last = count + len(rows), rows[-1][0]
        return count

    def refresh(self, ids: Sequence[int]) -> None:
        """Derive the records of these resource rows again. Inside the caller's transaction."""
        for part in batches(ids):
            rows = self._db.execute(
                f"SELECT {_STORED} FROM resource WHERE source_id = ? AND id IN ({marks(part)})",
                (self._source, *part),
            ).fetchall()
            self._store([self._read(row) for row in rows])

    def show_again(self, ids: Sequence[int]) -> None:
        """Another record stood for these: from now on each is shown as a record of its own, and is found by its words."""
        own_again(self._db, ids)
        for part in batches(ids):
            rows = self._db.execute(f"SELECT {_STORED} FROM resource WHERE id IN ({marks(part)})", part)
            found = [self._read(row) for row in rows.fetchall()]
            self._db.executemany(
                "UPDATE record SET supporting = ? WHERE id = ?",
                [(WITHDRAWN if one.gone else one.line.columns[-1], one.id) for one in found],
            )
            texts = texts_of(self._db, [one.id for one in found if one.line.attachments])
            self._index(found, texts)

    def _read(self, row: Sequence[Any]) -> Stored:
        """A row of `_STORED`, read. What says `entered-in-error` from before that was looked for is marked now."""
        identity, type_, id_, raw, state = row
        data = read.parse_as_written(raw)
        resource = data if isinstance(data, dict) else {"resourceType": type_, "id": id_}
        gone = state != tombstones.CURRENT
        if not gone and taken_back(resource):
            tombstones.found_in_error(self._db, identity)
            gone = True
        return Stored(identity, f"{type_}/{id_}", self.line(resource), gone)

    def _dependants(self, changed: Sequence[Stored]) -> list[Stored]:
        """Stored resources whose records looked up one of `changed`, without those themselves."""
        if not self._db.execute(
            "SELECT 1 FROM record_link WHERE source_id = ? LIMIT 1", (self._source,)
        ).fetchone():
            return []
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
            rows = self._db.execute(f"SELECT {_STORED} FROM resource WHERE id IN ({marks(ids)})", ids)
            found += [self._read(row) for row in rows.fetchall()]
        return found

    def _store(self, resources: Sequence[Stored], *, fresh: bool = False) -> None:
        if not resources:
            return
        known, copies = (set[int](), {}) if fresh else self._clear([one.id for one in resources])
        self._db.executemany(
            INSERT_RECORD,
            [
                (
                    one.id,
                    *(one.line.columns if not one.gone else (*one.line.columns[:-1], WITHDRAWN)),
                    one.address,
                )
                for one in resources
            ],
        )
        if fresh:
            self._db.execute(
                "INSERT INTO record_source (record_id, source_id, resource_id)"
                " SELECT id, ?, id FROM record WHERE id BETWEEN ? AND ?",
                (self._source, resources[0].id, resources[-1].id),
            )
        else:
            self._db.executemany(
                "INSERT INTO record_source (record_id, source_id, resource_id) VALUES (?, ?, ?)",
                [(one.id, self._source, one.id) for one in resources],
            )
        attached = [
            (one.id, one.line.attachments) for one in resources if one.line.attachments or one.id in known
        ]
        texts = texts_of(self._db, [identity for identity, found in attached if found]) if attached else {}
        self._index(resources, texts)
        links = [(self._source, target, one.id) for one in resources for target in one.line.wanted]
        if links:
            self._db.executemany("INSERT OR IGNORE INTO record_link VALUES (?, ?, ?)", links)
        for identity, attachments in attached:
            self._attach(identity, attachments, known=not fresh)
        for source, ids in copies.items():
            RecordWriter(self._db, source).show_again(ids)

    def _index(self, resources: Sequence[Stored], texts: Mapping[int, str]) -> None:
        """The words of what is shown, for the full text."""
        self._db.executemany(
            INSERT_SEARCH,
            [
                (one.id, line.columns[1], line.detail, line.codes, _with(line.text, texts.get(one.id)))
                for one in resources
                if (line := one.line).columns[-1] == EVENT and not one.gone
            ],
        )

    def _clear(self, identities: Sequence[int]) -> tuple[set[int], dict[int, list[int]]]:
        """Make room: drop what an earlier derivation of the same resources wrote.

        Says of which, and, by source, what the records of other sources were that they stood for.
        """
        known: set[int] = set()
        for part in batches(identities):
            rows = self._db.execute(f"SELECT id FROM record WHERE id IN ({marks(part)})", part)
            known.update(row[0] for row in rows)
        copies = leaving(self._db, sorted(known)) if known else {}
        for part in batches(sorted(known)):
            self._db.execute(f"DELETE FROM record_search WHERE rowid IN ({marks(part)})", part)
            self._db.execute(f"DELETE FROM record_source WHERE resource_id IN ({marks(part)})", part)
            self._db.execute(f"DELETE FROM record WHERE id IN ({marks(part)})", part)
        return known, copies

    def _lookup(self, reference: str) -> Resource | None:
        if reference in self._found:
            return self._found[reference]
        type_, _, id_ = reference.partition("/")
        arriving = self._arriving.get((type_, id_))
        data = _readable(arriving.raw) if arriving is not None else None
        if data is None:
            row = self._db.execute(
                "SELECT raw FROM resource WHERE source_id = ? AND type = ? AND fhir_id = ?",
                (self._source, type_, id_),
            ).fetchone()
            data = _readable(row[0]) if row else None
        if len(self._found) >= CACHED_LOOKUPS:
            self._found.clear()
        self._found[reference] = data
        return data

    def signed_anew(self, identity: int, resource: Resource) -> None:
        """A resource says what it said before, but its addresses may be signed anew: only the new ones are of use."""
        if self._db.execute(
            "SELECT 1 FROM attachment WHERE resource_id = ? AND url IS NOT NULL LIMIT 1", (identity,)
        ).fetchone():
            self._sign(identity, self.line(resource).attachments)

    def _sign(self, identity: int, attachments: Sequence[Attachment]) -> None:
        """Take over addresses that differ from the known ones in nothing but their signature.

        What was fetched stays; what was refused may have been so because a signature had ended.
        """
        rows = self._db.execute("SELECT position, url FROM attachment WHERE resource_id = ?", (identity,))
        before = dict(rows.fetchall())
        for one in attachments:
            url = before.get(one.index)
            if url and one.url and url != one.url and lasting(url) == lasting(one.url):
                self._db.execute(
                    "UPDATE attachment SET url = ?, state = iif(state = 'refused', 'failed', state)"
                    " WHERE resource_id = ? AND position = ?",
                    (one.url, identity, one.index),
                )

    def _attach(self, identity: int, attachments: Sequence[Attachment], *, known: bool) -> None:
        """Note what is attached. Inline bytes are stored now; addresses are fetched at the end of a sync."""
        if known:
            self._sign(identity, attachments)
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
                " reason = excluded.reason, document_id = excluded.document_id, http_status = NULL, tries = 0,"
                " tried = NULL, fetched = NULL"
                # the same address keeps what was fetched from it
                " WHERE excluded.url IS NULL OR url IS NOT excluded.url",
                (identity, one.index, one.title, one.media_type, one.url, state, reason or None, document),
            )
        positions = [one.index for one in attachments]
        self._db.execute(
            f"DELETE FROM attachment WHERE resource_id = ? AND position NOT IN ({marks(positions)})",
            (identity, *positions),
        )


_STORED = "id, type, fhir_id, raw, state"


def _readable(raw: bytes) -> Resource | None:
    try:
        data = read.parse_json(raw)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _with(text: str, documents: str | None) -> str:
    """The words of a record and those of what is attached; an inline text was read already."""
    return f"{text}\n{documents}" if documents and documents[:200] not in text else text
