"""What a file would bring: the answer of `phr import --dry-run`. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from phr.fhir import read
from phr.fhir.content import content_hash
from phr.importers.base import Imported
from phr.model import Change, Received
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
    return replace(
        counted(one.name, one.format, source, found, counts, one.problems),
        sections=one.section_reports(),
        another_person=another_person,
    )


def changes(store: Store | None, source: str, batch: Iterable[Received]) -> Counter[Change]:
    """What saving a batch would do, by comparing with what is stored."""
    if store is None:
        return Counter({Change.NEW: sum(1 for _ in batch)})
    return Counter(_change(store, source, one) for one in batch)


def _change(store: Store, source: str, one: Received) -> Change:
    stored = store.imports.stored(source, one.type, one.id)
    if stored is None:
        return Change.NEW
    same = stored == one.raw or _content(stored) == _content(one.raw)
    return Change.UNCHANGED if same else Change.UPDATED


def _content(raw: bytes) -> bytes | None:
    """What tells contents apart, whatever their layout; None for what is no resource."""
    try:
        body = read.parse_as_written(raw)
    except ValueError:
        return None
    return content_hash(body) if isinstance(body, dict) else None
