"""What a file would bring: the answer of `phr import --dry-run`. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from phr.fhir import read
from phr.fhir.content import content_hash
from phr.importers.base import Imported
from phr.model import Change, Received
from phr.store.resources import digest
from phr.store.store import Store
from phr.workspace.import_job import ImportedFile, counted


def would_bring(
    store: Store | None, one: Imported, patient: str | None, source: str, *, another_person: bool = False
) -> ImportedFile:
    """What of a file is new to a source, and what it has already. Without a store all of it is new."""
    found, counts = Counter[str](), Counter[Change]()
    for batch in one.batches(patient):
        found.update(received.type for received in batch)
        counts.update(changes(store, source, batch))
    return ImportedFile(
        **counted(one.name, one.format, source, found, counts, one.problems),
        sections=one.sections() if one.sections is not None else [],
        another_person=another_person,
    )


def changes(store: Store | None, source: str, batch: Iterable[Received]) -> Counter[Change]:
    """What saving a batch would do, by comparing with what is stored."""
    if store is None:
        return Counter({Change.NEW: sum(1 for _ in batch)})
    return Counter(_change(store, source, one) for one in batch)


def _change(store: Store, source: str, one: Received) -> Change:
    row = store.db.execute(
        "SELECT r.raw_hash, r.raw FROM resource r JOIN source s ON s.id = r.source_id"
        " WHERE s.name = ? AND r.type = ? AND r.fhir_id = ?",
        (source, one.type, one.id),
    ).fetchone()
    if row is None:
        return Change.NEW
    if bytes(row[0]) == digest(one.raw) or _content(one.raw) == _content(bytes(row[1])):
        return Change.UNCHANGED
    return Change.UPDATED


def _content(raw: bytes) -> bytes | None:
    try:
        body = read.parse_as_written(raw)
    except ValueError:
        return None
    return content_hash(body) if isinstance(body, dict) else None
