"""Records into rows: derive, index, and derive again when something that was looked up changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from phr.fhir import read
from phr.fhir.content import taken_back
from phr.model import Received, Resource
from phr.records.derive import derive_line
from phr.records.lines import COLUMNS, EVENT, WITHDRAWN, Line, by_hand
from phr.store import tombstones, words
from phr.store.attached import attach, sign
from phr.store.copies import leaving, own_again
from phr.store.db import BATCH, batches, marks
from phr.store.documents import texts_of

CACHED_LOOKUPS = 4096

INSERT_RECORD = f"INSERT INTO record (id, {COLUMNS}, resource) VALUES ({','.join('?' * 28)})"
UPDATE_RECORD = f"UPDATE record SET ({COLUMNS}) = ({','.join('?' * 26)}) WHERE id = ?"
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
        kind = db.execute("SELECT kind FROM source WHERE id = ?", (source_id,)).fetchone()
        self._typed_in = kind is not None and kind[0] == "person"

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

    def write_again(self, ids: Sequence[int]) -> None:
        """Write these records anew where they are, with the person's words as they stand now.

        What tells the same stays with them, so nothing has to be compared again. Inside the caller's transaction.
        """
        for part in batches(ids):
            rows = self._db.execute(
                f"SELECT {_STORED} FROM resource WHERE source_id = ? AND id IN ({marks(part)})",
                (self._source, *part),
            ).fetchall()
            there = f"SELECT id, supporting FROM record WHERE id IN ({marks(part)})"
            standing = dict(self._db.execute(there, part).fetchall())
            found = self._corrected([self._read(row) for row in rows if row[0] in standing])
            if self._typed_in:
                found = [msgspec.structs.replace(one, line=by_hand(one.line)) for one in found]
            shown = []
            for one in found:
                before, after = standing[one.id], one.line.columns[-1]
                now = after if before in (EVENT, WITHDRAWN) and not one.gone else before
                shown += [one] if now == EVENT else []
                self._db.execute(UPDATE_RECORD, (*one.line.columns[:-1], now, one.id))
                if before in (EVENT, WITHDRAWN):
                    self._db.execute("DELETE FROM record_search WHERE rowid = ?", (one.id,))
            self._index(shown, texts_of(self._db, [one.id for one in shown if one.line.attachments]))

    def said(self, ids: Sequence[int]) -> dict[int, Line]:
        """What the source itself says, without any word of the person."""
        found: dict[int, Line] = {}
        for part in batches(ids):
            rows = self._db.execute(
                f"SELECT {_STORED} FROM resource WHERE source_id = ? AND id IN ({marks(part)})",
                (self._source, *part),
            ).fetchall()
            found.update((row[0], self.line(_resource(row))) for row in rows)
        return found

    def show_again(self, ids: Sequence[int]) -> None:
        """Another record stood for these: from now on each is shown as a record of its own, and is found by its words."""
        own_again(self._db, ids)
        for part in batches(ids):
            rows = self._db.execute(f"SELECT {_STORED} FROM resource WHERE id IN ({marks(part)})", part)
            found = self._corrected([self._read(row) for row in rows.fetchall()])
            self._db.executemany(
                "UPDATE record SET supporting = ? WHERE id = ?",
                [(WITHDRAWN if one.gone else one.line.columns[-1], one.id) for one in found],
            )
            texts = texts_of(self._db, [one.id for one in found if one.line.attachments])
            self._index(found, texts)

    def _read(self, row: Sequence[Any]) -> Stored:
        """A row of `_STORED`, read. What says `entered-in-error` from before that was looked for is marked now."""
        identity, type_, id_, _, state = row
        resource = _resource(row)
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
        if not fresh:
            resources = self._corrected(resources)
        if self._typed_in:
            resources = [msgspec.structs.replace(one, line=by_hand(one.line)) for one in resources]
        known, copies, left = (set[int](), {}, []) if fresh else self._clear([one.id for one in resources])
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
        self._index(resources, texts, fresh=fresh)
        links = [(self._source, target, one.id) for one in resources for target in one.line.wanted]
        if links:
            self._db.executemany("INSERT OR IGNORE INTO record_link VALUES (?, ?, ?)", links)
        for identity, attachments in attached:
            attach(self._db, identity, attachments, known=not fresh)
        for source, ids in copies.items():
            RecordWriter(self._db, source).show_again(ids)
        write_again(self._db, left)

    def _corrected(self, resources: Sequence[Stored]) -> Sequence[Stored]:
        """With the person's corrections laid over them. One that its source agrees with by now rests."""
        found = words.corrections(self._db, [one.id for one in resources])
        if not found:
            return resources
        from phr.records import overlay

        return [
            one if one.id not in found else self._laid_over(one, found[one.id], overlay) for one in resources
        ]

    def _laid_over(self, one: Stored, corrections: dict[str, str | None], overlay: Any) -> Stored:
        row = self._db.execute(f"SELECT {_STORED} FROM resource WHERE id = ?", (one.id,)).fetchone()
        resource = _resource(row)
        line = self.line(resource)
        agreed = {
            field
            for field, value in corrections.items()
            if field != "sensitivity" and overlay.same(field, overlay.said(line, field), value)
        }
        words.rest(self._db, one.id, agreed, resting=True)
        words.rest(self._db, one.id, corrections.keys() - agreed, resting=False)
        standing = {field: value for field, value in corrections.items() if field not in agreed}
        return msgspec.structs.replace(one, line=overlay.lay_over(line, resource, standing))

    def _index(self, resources: Sequence[Stored], texts: Mapping[int, str], *, fresh: bool = False) -> None:
        """The words of what is shown, for the full text; the person's own among them."""
        own = words.searchable(self._db, [one.id for one in resources]) if not fresh else {}
        self._db.executemany(
            INSERT_SEARCH,
            [
                (
                    one.id,
                    line.columns[1],
                    line.detail,
                    line.codes,
                    _with(_with(line.text, texts.get(one.id)), own.get(one.id)),
                )
                for one in resources
                if (line := one.line).columns[-1] == EVENT and not one.gone
            ],
        )

    def _clear(self, identities: Sequence[int]) -> tuple[set[int], dict[int, list[int]], list[int]]:
        """Make room: drop what an earlier derivation of the same resources wrote.

        Says of which, and, by source, what the records of other sources were that they stood for; and which other
        records lose words of the person with them.
        """
        known: set[int] = set()
        for part in batches(identities):
            rows = self._db.execute(f"SELECT id FROM record WHERE id IN ({marks(part)})", part)
            known.update(row[0] for row in rows)
        copies = leaving(self._db, sorted(known)) if known else {}
        left = words.hosts(self._db, sorted(known))
        for part in batches(sorted(known)):
            self._db.execute(f"DELETE FROM record_search WHERE rowid IN ({marks(part)})", part)
            self._db.execute(f"DELETE FROM record_source WHERE resource_id IN ({marks(part)})", part)
            self._db.execute(f"DELETE FROM record WHERE id IN ({marks(part)})", part)
        return known, copies, [id_ for id_ in left if id_ not in known]

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
            sign(self._db, identity, self.line(resource).attachments)


_STORED = "id, type, fhir_id, raw, state"


def write_again(db: Any, ids: Sequence[int]) -> None:
    """As `RecordWriter.write_again`, of records of any source."""
    for part in batches(ids):
        rows = db.execute(f"SELECT source_id, id FROM resource WHERE id IN ({marks(part)})", part).fetchall()
        for source in sorted({row[0] for row in rows}):
            RecordWriter(db, source).write_again([row[1] for row in rows if row[0] == source])


def said(db: Any, ids: Sequence[int]) -> dict[int, Line]:
    """As `RecordWriter.said`, of resources of any source."""
    found: dict[int, Line] = {}
    for part in batches(ids):
        rows = db.execute(f"SELECT source_id, id FROM resource WHERE id IN ({marks(part)})", part).fetchall()
        for source in sorted({row[0] for row in rows}):
            found |= RecordWriter(db, source).said([row[1] for row in rows if row[0] == source])
    return found


def _resource(row: Sequence[Any]) -> Resource:
    """What stands in a row of `_STORED`; its address where that cannot be read."""
    data = read.parse_as_written(row[3])
    return data if isinstance(data, dict) else {"resourceType": row[1], "id": row[2]}


def _readable(raw: bytes) -> Resource | None:
    try:
        data = read.parse_json(raw)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _with(text: str, documents: str | None) -> str:
    """The words of a record and those of what is attached; an inline text was read already."""
    return f"{text}\n{documents}" if documents and documents[:200] not in text else text
