"""Take an import back: afterwards the record is as though that import had never been.

What was new goes, with its records, history, tags and bytes that nobody else needs. What was changed becomes what it
was. Where another import says the same resource too, the resource stays and that import answers for it from then on.
Only how private the person called something is remembered by its address: who imports the file again must not hand it on.
All of it is one transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phr.fhir import read
from phr.fhir.content import taken_back
from phr.model import Resource
from phr.store import tombstones
from phr.store.copies import leaving
from phr.store.db import batches, marks, transaction
from phr.store.imports import EMPTIED
from phr.store.resources import NOT_COMPUTED, digest
from phr.store.rows import RecordWriter, Stored
from phr.store.tombstones import CURRENT, GONE
from phr.store.undo_plan import Plan, plan_of
from phr.store.words import hand_on, heirs, keep_marks, marked

if TYPE_CHECKING:
    from phr.store.store import Store


@dataclass(frozen=True, slots=True)
class Undone:
    """What taking an import back did, or would do."""

    removed: dict[str, int]
    """Resources that are gone, by type."""
    restored: dict[str, int]
    """Those that are what they were before."""
    kept: int = 0
    """Those that another import says too, so they stay."""
    changed_since: int = 0
    """Those that a later import changed: they stay as that one left them."""
    documents: int = 0
    """Documents whose bytes went."""
    marked: int = 0
    """Removed resources that the person marked as private: their marks wait, in case they come again."""
    tagged: int = 0
    """Removed resources that carried words of the person's own, where nothing else tells of the same."""
    sources: tuple[str, ...] = ()
    """Sources of which nothing is left."""


def undo(store: Store, runs: Sequence[int], *, dry_run: bool = False) -> Undone:
    """Take back what these runs brought, all of one job, and note it in them. With `dry_run` only say what would go."""
    db = store.db
    if dry_run:
        plan = plan_of(db, runs)
        return _told(db, plan, runs)
    with transaction(db):
        plan = plan_of(db, runs)
        told = _told(db, plan, runs)
        attached = _attached(db, [*plan.remove, *(id_ for id_, _ in plan.restore)])
        after = heirs(db, plan.remove)
        hand_on(db, after)
        keep_marks(db, _left_alone(after))
        _remove(db, plan.remove)
        _restore(store, plan)
        _splice(db, plan)
        for part in batches(attached):
            db.execute(
                f"DELETE FROM document WHERE id IN ({marks(part)})"
                " AND id NOT IN (SELECT document_id FROM attachment WHERE document_id IS NOT NULL)",
                part,
            )
        for part in batches(runs):
            db.execute(f"DELETE FROM import_item WHERE run_id IN ({marks(part)})", part)
            db.execute(f"DELETE FROM document_import WHERE run_id IN ({marks(part)})", part)
            db.execute(
                f"UPDATE sync_run SET undone = ? WHERE id IN ({marks(part)})",
                (store.now(), *part),
            )
        store.matches.settle()
        for name in told.sources:
            _put_away(db, name)
    store.forget_writers()
    return told


def _told(db: Any, plan: Plan, runs: Sequence[int]) -> Undone:
    restored = [id_ for id_, _ in plan.restore]
    alone = _left_alone(heirs(db, plan.remove))
    return Undone(
        removed=_by_type(db, plan.remove),
        restored=_by_type(db, restored),
        kept=plan.kept,
        changed_since=plan.changed_since,
        documents=len(_orphans(db, plan.remove)),
        marked=marked(db, alone),
        tagged=len(alone),
        sources=tuple(_emptied(db, plan.remove, runs)),
    )


def _left_alone(heirs: dict[int, int | None]) -> list[int]:
    """Resources with words of the person beside them that nobody else goes on telling."""
    return [id_ for id_, heir in heirs.items() if heir is None]


def _by_type(db: Any, ids: Sequence[int]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for part in batches(ids):
        found.update(
            dict(
                db.execute(
                    f"SELECT type, count(*) FROM resource WHERE id IN ({marks(part)}) GROUP BY 1", part
                )
            )
        )
    return dict(sorted(found.items()))


def _attached(db: Any, ids: Sequence[int]) -> list[int]:
    """Documents that these resources attach."""
    found: set[int] = set()
    for part in batches(ids):
        rows = db.execute(
            "SELECT DISTINCT document_id FROM attachment WHERE document_id IS NOT NULL"
            f" AND resource_id IN ({marks(part)})",
            part,
        )
        found.update(row[0] for row in rows)
    return sorted(found)


def _orphans(db: Any, ids: Sequence[int]) -> list[int]:
    """Documents that only these resources attach."""
    removed, found = set(ids), _attached(db, ids)
    others: set[int] = set()
    for part in batches(found):
        rows = db.execute(
            f"SELECT document_id, resource_id FROM attachment WHERE document_id IN ({marks(part)})", part
        )
        others.update(document for document, resource in rows if resource not in removed)
    return [document for document in found if document not in others]


def _emptied(db: Any, ids: Sequence[int], runs: Sequence[int]) -> Iterator[str]:
    """Sources of these runs that would hold nothing any more. A connection is no import's to put away."""
    gone: Counter[int] = Counter()
    for part in batches(ids):
        gone.update(
            dict(
                db.execute(
                    f"SELECT source_id, count(*) FROM resource WHERE id IN ({marks(part)}) GROUP BY 1", part
                )
            )
        )
    for part in batches(runs):
        rows = db.execute(
            "SELECT s.id, s.name, (SELECT count(*) FROM resource r WHERE r.source_id = s.id) FROM source s"
            f" WHERE s.kind = 'import' AND s.id IN (SELECT source_id FROM sync_run WHERE id IN ({marks(part)}))"
            " ORDER BY s.name",
            part,
        ).fetchall()
        yield from (name for id_, name, held in rows if held == gone[id_])


# ── doing it (inside the transaction) ─────────────────────────────────────────────────────────────────


def _remove(db: Any, ids: Sequence[int]) -> None:
    waiting = _dependants(db, ids)
    leaving(db, ids)
    for part in batches(ids):
        # What is found through them belongs to records of their own number; others lose them as a source only.
        for statement in (
            "DELETE FROM record_search WHERE rowid IN",
            "DELETE FROM record WHERE id IN",
            "DELETE FROM resource WHERE id IN",
        ):
            db.execute(f"{statement} ({marks(part)})", part)
    for source, rest in waiting.items():
        RecordWriter(db, source).refresh(rest)


def _dependants(db: Any, ids: Sequence[int]) -> dict[int, list[int]]:
    """Resources, by source, whose records looked up one of these and which stay."""
    removed, found = set(ids), dict[int, set[int]]()
    for part in batches(ids):
        rows = db.execute(
            "SELECT l.source_id, l.record_id FROM resource r CROSS JOIN record_link l"
            " ON l.source_id = r.source_id AND l.target = r.type || '/' || r.fhir_id"
            f" WHERE r.id IN ({marks(part)})",
            part,
        )
        for source, record in rows:
            if record not in removed:
                found.setdefault(source, set()).add(record)
    return {source: sorted(rest) for source, rest in found.items()}


def _restore(store: Store, plan: Plan) -> None:
    """First all bytes, then the records: one may be read with the help of another."""
    db = store.db
    rows: list[tuple[int, int, str, bytes]] = []
    for id_, version in plan.restore:
        source, address, raw, changed = db.execute(
            "SELECT r.source_id, r.type || '/' || r.fhir_id, v.raw, v.seen FROM resource_version v"
            " JOIN resource r ON r.id = v.resource_id WHERE v.id = ?",
            (version,),
        ).fetchone()
        rows.append((source, id_, address, bytes(raw)))
        gone = taken_back(_body(address, bytes(raw)))
        db.execute(
            "UPDATE resource SET raw = ?, raw_hash = ?, content_hash = ?, state = ?, changed = ? WHERE id = ?",
            (raw, digest(bytes(raw)), NOT_COMPUTED, GONE if gone else CURRENT, changed, id_),
        )
        tombstones.lift(db, id_)
        if gone:
            tombstones.mark(db, id_, changed, tombstones.IN_ERROR)
        db.execute("DELETE FROM resource_version WHERE resource_id = ? AND id >= ?", (id_, version))
    for source in sorted({row[0] for row in rows}):
        writer = RecordWriter(db, source)
        bodies = [(id_, address, _body(address, raw)) for of, id_, address, raw in rows if of == source]
        writer.write(
            (),
            [Stored(id_, address, writer.line(body), taken_back(body)) for id_, address, body in bodies],
        )


def _splice(db: Any, plan: Plan) -> None:
    """The history and the notes of the other imports, as they are without this one."""
    db.executemany(
        "UPDATE resource_version SET (raw, seen) = (SELECT raw, seen FROM resource_version WHERE id = ?)"
        " WHERE id = ?",
        plan.move,
    )
    for part in batches(plan.forget):
        db.execute(f"DELETE FROM resource_version WHERE id IN ({marks(part)})", part)
    db.executemany("UPDATE import_item SET change = ? WHERE run_id = ? AND resource_id = ?", plan.become)


def _body(address: str, raw: bytes) -> Resource:
    try:
        body = read.parse_as_written(raw)
    except ValueError:
        body = None
    type_, _, id_ = address.partition("/")
    return body if isinstance(body, dict) else {"resourceType": type_, "id": id_}


def _put_away(db: Any, name: str) -> None:
    """Nothing is left of a source: its row stays for the jobs that name it, and is shown nowhere else."""
    (id_,) = db.execute("SELECT id FROM source WHERE name = ?", (name,)).fetchone()
    db.execute("DELETE FROM wanted_reference WHERE source_id = ?", (id_,))
    db.execute("UPDATE source SET kind = ? WHERE id = ?", (EMPTIED, id_))
