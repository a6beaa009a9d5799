"""C-CDA documents that came with a sync are read into resources: `phr import --from-documents`.

They go into a source of their own beside the connection (`epic documents`), so that what the connection no longer
sends says nothing about them. The document itself is here already: it is not kept a second time, and what points
at it points at the one that the connection sent.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from phr.errors import UnreadableFile, UsageError
from phr.fhir import read
from phr.importers import opening
from phr.importers.base import Imported
from phr.model import Change, Problem, Received, Resource
from phr.store.imports import CdaDocument
from phr.store.store import Store
from phr.sync.wish import Progress
from phr.workspace import same_person
from phr.workspace.import_job import ImportedFile, ImportJob, ImportReport, ImportRun, counted
from phr.workspace.looking import changes
from phr.workspace.settling import settle

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace

STRANGER = "It is about another person than this record: name and birth date are both different."


@dataclass(frozen=True, slots=True)
class DocumentsWish:
    """The documents of which connections (none named: of all)."""

    sources: tuple[str, ...] = ()
    dry_run: bool = False
    progress: Callable[[Progress], None] | None = None


def from_documents(workspace: Workspace, wish: DocumentsWish) -> ImportReport:
    """Read the C-CDA documents that were not read yet, each into the source beside its connection.

    One that cannot be read, or is about somebody else, is named once and left as it is. Raises UsageError for a
    name that is no connection, Busy, Locked.
    """
    if wish.dry_run:
        with workspace.store() as store:
            found = _found(store, wish)
            known = same_person.of_record(store)
            return ImportReport(None, tuple(_look(store, one, known) for one in found))
    with workspace.lock(), workspace.store() as store:
        store.runs.abandon()
        found = _found(store, wish)
        if not found:
            return ImportReport(None, ())
        store.refresh_records()
        taken: list[ImportedFile] = []
        with ImportJob(store, wish.progress) as job:
            for _, some in groupby(found, lambda one: one.source_key):
                taken += _of_connection(job, list(some))
            settle(store)
        store.audit.note("import", f"{len(found)} documents")
    return ImportReport(job.id, tuple(taken))


def _found(store: Store, wish: DocumentsWish) -> list[CdaDocument]:
    for name in wish.sources:
        store.connections.get(name)  # says which there are
    return store.imports.unread_documents(wish.sources)


def _of_connection(job: ImportJob, found: Sequence[CdaDocument]) -> list[ImportedFile]:
    store, known = job.store, same_person.of_record(job.store)
    source = store.imports.documents_source(found[0].source_key, found[0].source)
    taken = []
    with job.run(source, {"file": f"documents of {found[0].source}", "format": "ccda"}) as run:
        for at, one in enumerate(found):
            file = _take_in(run, one, known)
            taken.append(file)
            job.show(found[0].source, run, (at + 1) / len(found))
        run.read_documents()
        job.show_end(found[0].source, run, flawed=run.flawed)
    return taken


def _take_in(run: ImportRun, one: CdaDocument, known: Sequence[Resource]) -> ImportedFile:
    store, source = run.job.store, run.source.name
    try:
        opened, received = _read(store, one, known)
    except _NotTaken as why:
        run.problems.append(Problem("document", str(why), id=one.id))
        run.flawed = True
        store.imports.note_unreadable(run.number, [one.document_id])
        return _refused(one, source, why)
    before = len(run.tally.skipped)
    counts = run.save(received, [one.document_id])
    run.problems += [replace(problem, id=problem.id or one.id) for problem in opened.problems]
    return _told(one, source, opened, received, counts, run.tally.skipped[before:])


def _look(store: Store, one: CdaDocument, known: Sequence[Resource]) -> ImportedFile:
    """What `_take_in` would do; nothing is written."""
    source = store.imports.name_for_documents(one.source_key, one.source)
    try:
        opened, received = _read(store, one, known)
    except _NotTaken as why:
        return _refused(one, source, why)
    return _told(one, source, opened, received, changes(store, source, received))


def _refused(one: CdaDocument, source: str, why: _NotTaken) -> ImportedFile:
    return ImportedFile(_name(one), "ccda", source, {}, failed=1, error=str(why))


def _told(
    one: CdaDocument,
    source: str,
    opened: Imported,
    received: Sequence[Received],
    counts: Counter[Change],
    skipped: Sequence[Problem] = (),
) -> ImportedFile:
    found = Counter(each.type for each in received)
    problems = (*opened.problems, *skipped)
    report = counted(_name(one), opened.format, source, found, counts, problems)
    return replace(report, sections=opened.section_reports())


class _NotTaken(Exception):
    """Why a document is left as it is, in a sentence."""


def _read(store: Store, one: CdaDocument, known: Sequence[Resource]) -> tuple[Imported, list[Received]]:
    """A document, and what it holds but for the document itself. Raises _NotTaken."""
    content = store.documents.bytes_of(one.document_id)
    try:
        opened = opening.read(io.BytesIO(content), name=_name(one), format="ccda")
        received = list(opened.resources())
    except (UnreadableFile, UsageError) as error:
        raise _NotTaken(" ".join(filter(None, (error.message, error.hint)))) from None
    if same_person.are_strangers(same_person.of_file(opened, None), known):
        hint = f"If it does belong here: phr documents save {one.id}, then phr import with --patient"
        raise _NotTaken(f"{STRANGER} {hint}")
    return opened, _without_document(received, content, one)


def _without_document(received: Sequence[Received], content: bytes, one: CdaDocument) -> list[Received]:
    """Leave out what holds the whole document once more, and lead what points at it to where it came from."""
    whole = [each for each in received if _holds(each, content)]
    there = f"{one.base.rstrip('/') if one.base else ''}/{one.type}/{one.fhir_id}".lstrip("/")
    kept = []
    for each in received:
        if each in whole:
            continue
        raw = each.raw
        for gone in whole:
            # A reference that the reader made: its bytes are known (FHIR R4 2.3.0.1, literal reference).
            raw = raw.replace(f'"{gone.type}/{gone.id}"'.encode(), f'"{there}"'.encode())
        kept.append(replace(each, raw=raw))
    return kept


def _holds(one: Received, content: bytes) -> bool:
    """Whether a DocumentReference attaches just these bytes."""
    if one.type != "DocumentReference" or len(one.raw) < len(content):
        return False
    body = read.parse_json(one.raw)
    entries = read.dicts(body.get("content")) if isinstance(body, dict) else []
    attached = [entry.get("attachment") for entry in entries]
    data = [read.text(each.get("data")) for each in attached if isinstance(each, dict)]
    return any(words is not None and read.base64_bytes(words) == content for words in data)


def _name(one: CdaDocument) -> str:
    """By its number: the title of a document is nobody's business in a report."""
    return f"{one.source} document {one.id}"
