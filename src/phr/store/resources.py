"""`save`: the one door through which resources come in, from a sync and from every importer.

One call is one transaction: raw bytes, their history, the records read from them and the full-text rows
stand together or not at all. Saving the same bytes twice costs one hash and one look-up. Statements are plain SQL
in batches, because row by row through an ORM is an order of magnitude slower.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

from phr.fhir import dates, read
from phr.fhir.content import RULES, content_hash, taken_back
from phr.model import Change, Problem, Received, Resource
from phr.records.quick import Observations
from phr.store import tombstones
from phr.store.db import batches, marks, transaction
from phr.store.pointers import Pointers, references
from phr.store.rows import RecordWriter, Stored

NOT_COMPUTED = b""
"""A content hash is worth its time only when other bytes come for the same resource."""
_INSERT = (
    "INSERT INTO resource (id, source_id, type, fhir_id, raw, raw_hash, content_hash, state, first_seen, changed)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, x'', ?7, ?8, ?8)"
)
Address = tuple[str, str]
Within = Callable[[Sequence[int]], None]


@dataclass(slots=True)
class Saved:
    """What saving one batch did: counts by (type, Change), and what could not be read."""

    changes: Counter[tuple[str, Change]] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)


class _Known(NamedTuple):
    """What is stored already under an address."""

    id: int
    raw_hash: bytes
    content_hash: bytes
    state: str


@dataclass(slots=True)
class _Work:
    """One batch on its way: what it did so far, and what is still to be written."""

    saved: Saved
    now: str
    refreshed: list[tuple[bytes, bytes, bytes, int]] = field(default_factory=list)
    """Other bytes that say the same."""
    changed: list[Stored] = field(default_factory=list)
    met: set[bytes] = field(default_factory=set)
    """References as they are spelled."""
    ids: list[int] = field(default_factory=list)


def digest(raw: bytes) -> bytes:
    """16 bytes that tell two byte strings apart."""
    return blake2b(raw, digest_size=16).digest()


class ResourceWriter:
    """Writes resources of one source. Not thread-safe: the store has one writer."""

    def __init__(self, db: Any, source_id: int, fhir_base: str | None) -> None:
        self._db = db
        self._source = source_id
        self._records = RecordWriter(db, source_id)
        self._pointers = Pointers(db, source_id, fhir_base)
        self._observations = Observations()

    def save(self, received: Iterable[Received], now: str, within: Within | None = None) -> Saved:
        """Store a batch in one transaction. `now` is an ISO 8601 instant.

        `within` gets the row ids of all of the batch that is stored, unchanged ones too, inside the transaction.
        """
        work = _Work(Saved(), now)
        batch = _newest(received)
        try:
            with transaction(self._db):
                self._keep(batch, work)
                if within is not None:
                    within(work.ids)
        except BaseException:
            self._records.forget()
            self._pointers.forget()
            raise
        return work.saved

    def _keep(self, batch: dict[Address, Received], work: _Work) -> None:
        """Decide what each resource is to us, and write it."""
        known = self._known(batch)
        self._records.expect(batch)
        unchanged: list[str] = []
        fresh: list[Received] = []
        for address, one in batch.items():
            old = known.get(address)
            if old is None:
                fresh.append(one)
                continue
            raw_hash = digest(one.raw)
            work.ids.append(old.id)
            if old.raw_hash == raw_hash and old.state == tombstones.CURRENT:
                unchanged.append(one.type)
            else:
                self._again(one, raw_hash, old, work)
        for type_, number in Counter(unchanged).items():
            work.saved.changes[type_, Change.UNCHANGED] += number
        self._db.executemany(
            "UPDATE resource SET raw = ?, raw_hash = ?, content_hash = ? WHERE id = ?", work.refreshed
        )
        stored = self._insert(fresh, work) if fresh else []
        self._records.write(stored, work.changed)
        self._pointers.note(work.met, batch)

    # ── what was not here before ────────────────────────────────────────────────────────────────────

    def _insert(self, fresh: Sequence[Received], work: _Work) -> list[Stored]:
        identity = first = self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM resource").fetchone()[0]
        now, source, met, read_quickly = work.now, self._source, work.met, self._observations.line
        rows: list[tuple[object, ...]] = []
        found: list[Stored] = []
        for (
            one
        ) in fresh:  # all that is done with one's bytes is done at once, while they are near the processor
            type_, id_, raw = one.type, one.id, one.raw
            line = read_quickly(raw) if type_ == "Observation" else None
            gone = False
            if line is None:
                data = self._parse(one, work.saved)
                if data is None:
                    continue
                line, gone = self._records.line(data), taken_back(data)
            found.append(Stored(identity, f"{type_}/{id_}", line, gone))
            state = tombstones.GONE if gone else tombstones.CURRENT
            rows.append((identity, source, type_, id_, raw, digest(raw), state, now))
            met.update(references(raw))
            identity += 1
        self._db.executemany(_INSERT, rows)
        for stored in found:
            if stored.gone:
                tombstones.mark(self._db, stored.id, now, tombstones.IN_ERROR)
        for name, number in Counter([str(row[2]) for row in rows]).items():
            work.saved.changes[name, Change.NEW] += number
        work.ids += range(first, identity)
        return found

    def _parse(self, one: Received, saved: Saved) -> Resource | None:
        """What a record is read from: the content with the digits of its decimals."""
        try:
            data = read.parse_as_written(one.raw)
        except ValueError:
            data = None
        if isinstance(data, dict):
            return data
        saved.problems.append(Problem(one.type, "is not readable JSON", id=one.id, raw=one.raw))
        return None

    # ── what was ────────────────────────────────────────────────────────────────────────────────────

    def _again(self, one: Received, raw_hash: bytes, old: _Known, work: _Work) -> None:
        """It was here before, and something is different: its bytes, or whether its source stands by it."""
        data = self._parse(one, work.saved)
        if data is None:
            return
        gone, was_gone = taken_back(data), old.state != tombstones.CURRENT
        same_bytes = old.raw_hash == raw_hash
        new_content = NOT_COMPUTED if same_bytes else content_hash(data)
        same = same_bytes or new_content == self._content_hash(old)
        if same and gone == was_gone:
            if not same_bytes:
                work.refreshed.append((one.raw, raw_hash, new_content, old.id))
                self._records.signed_anew(old.id, data)
            if gone:
                tombstones.mark(self._db, old.id, work.now, tombstones.IN_ERROR)
            work.saved.changes[one.type, Change.UNCHANGED] += 1
            return
        if not same:
            self._db.execute(
                "INSERT INTO resource_version (resource_id, raw, seen, replaced)"
                " SELECT id, raw, changed, ? FROM resource WHERE id = ?",
                (work.now, old.id),
            )
        self._db.execute(
            "UPDATE resource SET raw = ?, raw_hash = ?, content_hash = ?, state = ?, changed = ? WHERE id = ?",
            (
                one.raw,
                raw_hash,
                new_content or old.content_hash,
                tombstones.GONE if gone else tombstones.CURRENT,
                work.now,
                old.id,
            ),
        )
        if gone:
            tombstones.mark(self._db, old.id, work.now, tombstones.IN_ERROR)
        elif was_gone:
            tombstones.lift(self._db, old.id)
        work.saved.changes[one.type, Change.GONE if gone and not was_gone else Change.UPDATED] += 1
        work.changed.append(Stored(old.id, f"{one.type}/{one.id}", self._records.line(data), gone))
        work.met.update(references(one.raw))

    def _content_hash(self, old: _Known) -> bytes:
        """Of what is stored; computed now where nobody needed it yet, or it was computed by other rules."""
        if old.content_hash.startswith(RULES):
            return old.content_hash
        raw = self._db.execute("SELECT raw FROM resource WHERE id = ?", (old.id,)).fetchone()[0]
        try:
            data = read.parse_as_written(raw)
        except ValueError:
            return NOT_COMPUTED
        return content_hash(data) if isinstance(data, dict) else NOT_COMPUTED

    def _known(self, addresses: Iterable[Address]) -> dict[Address, _Known]:
        by_type: dict[str, list[str]] = {}
        for type_, id_ in addresses:
            by_type.setdefault(type_, []).append(id_)
        known: dict[Address, _Known] = {}
        for type_, ids in by_type.items():
            for part in batches(ids):
                rows = self._db.execute(
                    "SELECT fhir_id, id, raw_hash, content_hash, state FROM resource"
                    f" WHERE source_id = ? AND type = ? AND fhir_id IN ({marks(part)})",
                    (self._source, type_, *part),
                )
                known.update({(type_, row[0]): _Known(*row[1:]) for row in rows})
        return known


def _newest(received: Iterable[Received]) -> dict[Address, Received]:
    """Each address once: of several the one that changed last, as far as they say, else the one that came last."""
    newest: dict[Address, Received] = {}
    for one in received:
        address = one.type, one.id
        before = newest.get(address)
        if before is None or not _is_older(one.last_updated, before.last_updated):
            newest[address] = one
    return newest


def _is_older(one: str | None, other: str | None) -> bool:
    first, second = dates.parse(one), dates.parse(other)
    if first is None or second is None:
        return False
    if first.start != second.start:
        return first.start < second.start
    # Fractions of one second, as long as both are told in one time zone.
    return first.text[-1:] == second.text[-1:] and first.text.rstrip("Z") < second.text.rstrip("Z")
