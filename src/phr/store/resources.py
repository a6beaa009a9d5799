"""`save`: the one door through which resources come in, from a sync and from every importer.

One call is one transaction: raw bytes, their history, the records read from them and the full-text rows
stand together or not at all. Saving the same bytes twice costs one hash and one look-up. Statements are plain SQL
in batches, because row by row through an ORM is an order of magnitude slower.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from phr.fhir import read
from phr.model import Change, Problem, Received, Resource
from phr.store.db import batches, marks, transaction
from phr.store.rows import RecordWriter, Stored

REFERENCE = re.compile(rb'"reference"\s*:\s*"([^"#]+)"')
# Canonical and terminology resources are pointed at by every profile; they are not part of a record.
NOT_FOLLOWED = frozenset(
    {"Patient", "Group", "Bundle", "Binary", "CodeSystem", "ValueSet", "StructureDefinition"}
)


@dataclass(slots=True)
class Saved:
    """What saving one batch did: counts by (type, Change), and what could not be read."""

    changes: Counter[tuple[str, Change]] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class _Parsed:
    received: Received
    data: Resource
    raw_hash: bytes
    content_hash: bytes
    id: int
    old: tuple[Any, ...] | None


def digest(raw: bytes) -> bytes:
    """16 bytes that tell two byte strings apart."""
    return blake2b(raw, digest_size=16).digest()


class ResourceWriter:
    """Writes resources of one source. Not thread-safe: the store has one writer."""

    def __init__(self, db: Any, source_id: int, fhir_base: str | None) -> None:
        self._db = db
        self._source = source_id
        self._base = (fhir_base or "").rstrip("/").encode()
        self._records = RecordWriter(db, source_id)
        self._wanted: set[str] = set()

    def save(self, received: Iterable[Received], now: str) -> Saved:
        """Store a batch in one transaction. `now` is an ISO 8601 instant."""
        saved = Saved()
        latest = {(r.type, r.id): r for r in received}
        try:
            with transaction(self._db):
                parsed = self._compare(list(latest.values()), saved)
                self._write(parsed, now)
                self._records.write([_as_written(p) for p in parsed])
                self._note_references(parsed)
        except BaseException:
            self._records.forget()
            raise
        return saved

    def _compare(self, received: Sequence[Received], saved: Saved) -> list[_Parsed]:
        """Decide what each resource is to us; those that need writing come back parsed."""
        known = self._known(received)
        next_id = self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM resource").fetchone()[0]
        parsed: list[_Parsed] = []
        for one in received:
            old = known.get((one.type, one.id))
            raw_hash = digest(one.raw)
            if old is not None and old[1] == raw_hash and old[3] == "current":
                saved.changes[one.type, Change.UNCHANGED] += 1
                continue
            data = self._parse(one, saved)
            if data is None:
                continue
            content_hash = read.content_hash(data)
            if old is not None and old[2] == content_hash and old[3] == "current":
                self._db.execute(
                    "UPDATE resource SET raw = ?, raw_hash = ? WHERE id = ?", (one.raw, raw_hash, old[0])
                )
                saved.changes[one.type, Change.UNCHANGED] += 1
                continue
            saved.changes[one.type, Change.NEW if old is None else Change.UPDATED] += 1
            if old is None:
                identity, next_id = next_id, next_id + 1
            else:
                identity = old[0]
            parsed.append(_Parsed(one, data, raw_hash, content_hash, identity, old))
        return parsed

    def _parse(self, one: Received, saved: Saved) -> Resource | None:
        try:
            data = read.parse_json(one.raw)
        except ValueError:
            data = None
        if isinstance(data, dict):
            return data
        saved.problems.append(Problem(one.type, "is not readable JSON", id=one.id, raw=one.raw))
        return None

    def _known(self, received: Sequence[Received]) -> dict[tuple[str, str], tuple[Any, ...]]:
        """`(id, raw_hash, content_hash, state)` of what is stored already, by (type, id)."""
        by_type: dict[str, list[str]] = {}
        for one in received:
            by_type.setdefault(one.type, []).append(one.id)
        known: dict[tuple[str, str], tuple[Any, ...]] = {}
        for type_, ids in by_type.items():
            for part in batches(ids):
                rows = self._db.execute(
                    "SELECT fhir_id, id, raw_hash, content_hash, state FROM resource"
                    f" WHERE source_id = ? AND type = ? AND fhir_id IN ({marks(part)})",
                    (self._source, type_, *part),
                )
                known.update({(type_, row[0]): row[1:] for row in rows})
        return known

    def _write(self, parsed: Sequence[_Parsed], now: str) -> None:
        for p in parsed:
            if p.old is not None:
                self._keep_version(p, now)
        self._db.executemany(
            "INSERT INTO resource (id, source_id, type, fhir_id, raw, raw_hash, content_hash, state, first_seen,"
            " changed) VALUES (?, ?, ?, ?, ?, ?, ?, 'current', ?, ?)",
            [
                (
                    p.id,
                    self._source,
                    p.received.type,
                    p.received.id,
                    p.received.raw,
                    p.raw_hash,
                    p.content_hash,
                    now,
                    now,
                )
                for p in parsed
                if p.old is None
            ],
        )

    def _keep_version(self, p: _Parsed, now: str) -> None:
        """The bytes that were current become history, unless only their state changed."""
        self._db.execute(
            "INSERT INTO resource_version (resource_id, raw, seen, replaced)"
            " SELECT id, raw, changed, ? FROM resource WHERE id = ? AND raw_hash <> ?",
            (now, p.id, p.raw_hash),
        )
        self._db.execute(
            "UPDATE resource SET raw = ?, raw_hash = ?, content_hash = ?, state = 'current', changed = ? WHERE id = ?",
            (p.received.raw, p.raw_hash, p.content_hash, now, p.id),
        )

    def _note_references(self, parsed: Sequence[_Parsed]) -> None:
        """Remember what these resources point at, so that a later round can read what is missing."""
        fresh: dict[str, tuple[str, str]] = {}
        for p in parsed:
            for target in REFERENCE.findall(p.received.raw):
                address = self._own(target)
                if address is not None and address not in self._wanted:
                    type_, _, id_ = address.partition("/")
                    if type_ not in NOT_FOLLOWED:
                        fresh[address] = (type_, id_)
        if fresh:
            self._db.executemany(
                "INSERT OR IGNORE INTO wanted_reference (source_id, type, fhir_id) VALUES (?, ?, ?)",
                [(self._source, *pair) for pair in fresh.values()],
            )
            if len(self._wanted) > 100_000:  # keeps memory flat; the table ignores repetitions anyway
                self._wanted.clear()
            self._wanted.update(fresh)

    def _own(self, target: bytes) -> str | None:
        """`Type/id` when a reference points into this source: relative, or absolute on its base.

        A conditional reference (`Practitioner?identifier=…`, FHIR R4 3.1.0.7.1.3) becomes `Practitioner/?identifier=…`:
        nobody can read it, but it is not forgotten either.
        """
        if self._base and target.startswith(self._base + b"/"):
            target = target[len(self._base) + 1 :]
        type_, conditional, query = target.partition(b"?")
        parts = [type_, b"?" + query] if conditional else target.split(b"/")
        if len(parts) < 2 or not parts[0].isalpha() or not parts[0][:1].isupper() or not parts[1]:
            return None
        return (parts[0] + b"/" + parts[1]).decode("utf-8", "replace")


def _as_written(p: _Parsed) -> Stored:
    """What a record is read from: the content with the digits of its decimals."""
    raw = p.received.raw
    data = read.parse_as_written(raw) if read.has_final_zeros(raw) else p.data
    return Stored(p.id, f"{p.received.type}/{p.received.id}", data if isinstance(data, dict) else p.data)
