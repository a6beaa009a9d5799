"""Files come in: what a file holds goes through the same door as what a server sends.

All files of a command are looked into before the first is taken in: which can be read, which of their patients is
meant, and whether that is the person of this record. Then one after the other is kept, as one job.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from phr.errors import Locked, UnreadableFile, UsageError
from phr.importers import opening
from phr.importers.base import Imported
from phr.importers.patients import FoundPatient
from phr.model import Change, Problem, Resource
from phr.store.store import Store
from phr.sync.wish import Progress
from phr.workspace import same_person
from phr.workspace.import_job import ImportedFile, ImportJob, ImportReport, counted
from phr.workspace.looking import would_bring
from phr.workspace.naming import THE_STANDARD_INPUT, Names, wanted_name
from phr.workspace.settling import settle

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace

__all__ = ["ImportReport", "ImportWish", "ImportedFile", "Stranger", "import_files"]

log = logging.getLogger(__name__)
CUT_OFF = "it could not be read to its end; what came before is kept"


@dataclass(frozen=True, slots=True)
class Stranger:
    """A file about somebody else than the record, for a person to decide."""

    file: str
    label: str = field(repr=False)
    """Who it is about."""
    record: str = field(repr=False)
    """Whose record it is."""


@dataclass(frozen=True, slots=True)
class ImportWish:
    """How to take files in. `source` names where they came from; by default the name of each file does."""

    source: str | None = None
    patient: str | None = None
    """Whose data to take. Who says it by name also says that it belongs into this record."""
    format: str | None = None
    dry_run: bool = False
    mapping: Path | None = None
    """What the columns of a table are."""
    agree: Callable[[Stranger], bool] | None = None
    """Asks whether a stranger's file belongs here all the same; None where nobody can be asked."""
    which: Callable[[str, Sequence[FoundPatient]], str | None] | None = None
    """Asks whose data to take from the file of this name, and answers the id (or `all`); None for no answer."""
    progress: Callable[[Progress], None] | None = None


def import_files(
    workspace: Workspace, files: Sequence[Path | None], wish: ImportWish, *, stdin: BinaryIO
) -> ImportReport:
    """Take in files, each into the source of its name; None is `stdin`.

    One that cannot be read is named, and the others come in. Raises UnreadableFile when none can be read,
    UsageError (no such file; several patients and none chosen; a person says no), Busy, Locked; nothing has changed
    then.
    """
    opened, unread = _open_all(files, wish, stdin)
    patients = [_chosen(one, wish) for one in opened]
    if wish.dry_run:
        return _looked_at(workspace, list(zip(opened, patients, strict=True)), wish, unread)
    if workspace.paths.records(workspace.user).exists():
        with workspace.store() as store:
            names = _names(store, opened, wish)
            known = same_person.of_record(store)
    else:
        names, known = _names(None, opened, wish), []
    strange: list[bool] = []
    for one, patient in zip(opened, patients, strict=True):
        described, doubtful = _checked(one, patient, known, wish)
        known = known or described[:1]
        strange.append(doubtful)
    with workspace.lock(), workspace.store(create=True) as store:
        store.runs.abandon()
        store.refresh_records()
        with ImportJob(store, wish.progress) as job:
            taken = [
                replace(_named(_take_in(job, one, who, name), one, wish), another_person=doubtful)
                for one, who, name, doubtful in zip(opened, patients, names, strange, strict=True)
            ]
            settle(store)
        store.audit.note("import", f"{len(opened)} files")
    return ImportReport(job.id, (*taken, *unread))


def _open_all(
    files: Sequence[Path | None], wish: ImportWish, stdin: BinaryIO
) -> tuple[list[Imported], list[ImportedFile]]:
    """The files that can be read, and why the others cannot. Raises UnreadableFile when there is none."""
    opened, unread, last = list[Imported](), list[ImportedFile](), None
    if list(files).count(None) > 1:
        raise UsageError("- names the standard input, and that can be read once only.")
    for file in files:
        name, began = file.name if file else THE_STANDARD_INPUT, time.monotonic()
        _show(wish, Progress(name, "", 0, 0, phase="file"))
        try:
            source = stdin if file is None else file
            one = opening.read(source, format=wish.format, mapping=wish.mapping)
            opened.append(one)
            log.info(
                "file %s of %s: %s, %s bytes, %s patients, looked into in %.1f s",
                *(len(opened) + len(unread), len(files), one.format, _size(file), len(one.patients)),
                time.monotonic() - began,
            )
        except UnreadableFile as error:
            last = error
            words = " ".join(filter(None, (error.message, error.hint)))
            unread.append(ImportedFile(name, "unknown", "", {}, failed=1, error=words))
            _show(wish, Progress(name, "failed", 0, 0, done=True, phase="ended"))
            log.info("file %s of %s: cannot be read", len(opened) + len(unread), len(files))
    if last is not None and not opened:
        raise last
    return opened, unread


def _show(wish: ImportWish, where: Progress) -> None:
    if wish.progress is not None:
        wish.progress(where)


def _size(file: Path | None) -> int | str:
    return file.stat().st_size if file is not None and file.is_file() else "?"


def _chosen(one: Imported, wish: ImportWish) -> str | None:
    """Whose data to take from a file; who can be asked is asked. Raises UsageError where several are left."""
    try:
        return one.choose(wish.patient)
    except UsageError:
        if wish.patient is not None or wish.which is None:
            raise
        answer = wish.which(one.name, one.patients)
        if answer is None:
            raise
        return one.choose(answer)


def _names(store: Store | None, opened: Sequence[Imported], wish: ImportWish) -> list[str]:
    """The source of each file."""
    names = Names(store, wish.source)
    return [names.of(one) for one in opened]


def _checked(
    one: Imported, patient: str | None, known: Sequence[Resource], wish: ImportWish
) -> tuple[list[Resource], bool]:
    """Whom the file describes, and whether that is somebody else, as far as name and birth date tell.

    A person who can be asked decides, and a no raises UsageError. Where nobody can be asked the file comes in, because
    somebody named it, and the report says what to do if that was a mistake.
    """
    described = same_person.of_file(one, patient)
    if wish.patient is not None or not same_person.are_strangers(described, known):
        return described, False
    if wish.agree is not None and not wish.agree(
        Stranger(one.name, same_person.label(described[0]), same_person.label(known[0]))
    ):
        raise UsageError(
            "Nothing was changed.",
            hint="A record of their own for another person: phr --user NAME import FILE",
        )
    return described, wish.agree is None


def _looked_at(
    workspace: Workspace,
    opened: Sequence[tuple[Imported, str | None]],
    wish: ImportWish,
    unread: Sequence[ImportedFile],
) -> ImportReport:
    """What taking them in would bring; nothing is written. Without a key the record is not compared with."""
    if workspace.paths.records(workspace.user).exists():
        try:
            with workspace.store() as store:
                return ImportReport(None, (*_looked(store, opened, wish), *unread))
        except Locked:
            pass
    return ImportReport(None, (*_looked(None, opened, wish), *unread))


def _looked(
    store: Store | None, opened: Sequence[tuple[Imported, str | None]], wish: ImportWish
) -> list[ImportedFile]:
    known = same_person.of_record(store) if store is not None else []
    names = _names(store, [one for one, _ in opened], wish)
    found = []
    for (one, patient), name in zip(opened, names, strict=True):
        described = same_person.of_file(one, patient)
        strange = wish.patient is None and same_person.are_strangers(described, known)
        known = known or described[:1]
        looked = would_bring(store, one, patient, name, another_person=strange)
        found.append(_named(looked, one, wish))
    return found


def _named(report: ImportedFile, one: Imported, wish: ImportWish) -> ImportedFile:
    """Add from whom it is, and what its source would be called if that were nobody else's."""
    wanted = wish.source or wanted_name(one)
    return replace(report, sender=one.sender, instead_of=wanted if wanted != report.source else None)


def _take_in(job: ImportJob, one: Imported, patient: str | None, name: str) -> ImportedFile:
    """Keep one file, batch by batch. What came before it broke off is kept, and the report says so."""
    source = job.store.imports.source(name)
    found, counts, error = Counter[str](), Counter[Change](), None
    with job.run(source, {"file": one.name, "format": one.format, "sender": one.sender}) as run:
        try:
            for batch in one.batches(patient):
                counts.update(run.save(batch))
                found.update(received.type for received in batch)
                job.show(one.name, run)
        except (UnreadableFile, EOFError, OSError) as reason:
            words = getattr(reason, "message", "")
            error = f"{words} {CUT_OFF.capitalize()}.".strip()
            run.flawed = True
            run.problems.append(Problem("file", CUT_OFF))
        run.problems += one.problems
        run.read_documents()
        sections = one.section_reports()
        if sections:
            job.store.imports.note_own_documents(run.number)
        taken = replace(
            counted(one.name, one.format, source.name, found, counts, (*one.problems, *run.tally.skipped)),
            sections=sections,
            error=error,
        )
    job.show_end(one.name, run, flawed=error is not None)
    return taken
