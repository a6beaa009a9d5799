"""Files come in: what a file holds goes through the same door as what a server sends.

All files of a command are looked into before the first is taken in: which can be read, which of their patients is
meant, and whether that is the person of this record. Then one after the other is kept, as one job.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from phr.errors import Locked, UnreadableFile, UsageError
from phr.importers import opening
from phr.importers.base import Imported
from phr.model import Change, Problem, Resource
from phr.store.store import Store
from phr.sync.wish import Progress
from phr.workspace import same_person
from phr.workspace.import_job import ImportedFile, ImportJob, ImportReport, counted
from phr.workspace.looking import would_bring

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace

__all__ = ["ImportReport", "ImportWish", "ImportedFile", "Stranger", "import_files"]

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
    patients = [one.choose(wish.patient) for one in opened]
    if wish.dry_run:
        return _dry(workspace, list(zip(opened, patients, strict=True)), wish, unread)
    if workspace.paths.records(workspace.user).exists():
        with workspace.store() as store:
            _check_sources(store, opened, wish)
            known = same_person.of_record(store)
    else:
        known = []
    strange: list[bool] = []
    for one, patient in zip(opened, patients, strict=True):
        described, doubtful = _checked(one, patient, known, wish)
        known += described
        strange.append(doubtful)
    with workspace.lock(), workspace.store(create=True) as store:
        store.runs.abandon()
        store.refresh_records()
        with ImportJob(store, wish.progress) as job:
            taken = [
                replace(_take_in(job, one, who, wish), another_person=doubtful)
                for one, who, doubtful in zip(opened, patients, strange, strict=True)
            ]
            store.matches.settle()
        store.audit.note("import", f"{len(opened)} files")
    return ImportReport(job.id, (*taken, *unread))


def _open_all(
    files: Sequence[Path | None], wish: ImportWish, stdin: BinaryIO
) -> tuple[list[Imported], list[ImportedFile]]:
    """The files that can be read, and why the others cannot. Raises UnreadableFile when there is none."""
    opened, unread, last = [], [], None
    if list(files).count(None) > 1:
        raise UsageError("- names the standard input, and that can be read once only.")
    for file in files:
        name = file.name if file else "the standard input"
        if wish.progress is not None:
            wish.progress(Progress(name, "", 0, 0))
        try:
            source = stdin if file is None else file
            opened.append(opening.read(source, format=wish.format, mapping=wish.mapping))
        except UnreadableFile as error:
            last = error
            words = " ".join(filter(None, (error.message, error.hint)))
            unread.append(ImportedFile(name, "unknown", "", {}, failed=1, error=words))
    if last is not None and not opened:
        raise last
    return opened, unread


def _check_sources(store: Store, opened: Sequence[Imported], wish: ImportWish) -> None:
    taken = {one.name for one in store.sources.all() if one.kind == "connection"}
    for name in [wish.source] if wish.source else [source_name(one.name) for one in opened]:
        if name in taken:
            raise UsageError(
                f"{name} is a connection; a file cannot speak in its name.",
                hint="Choose another name with --as.",
            )


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


def _dry(
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
    if store is not None:
        _check_sources(store, [one for one, _ in opened], wish)
    found = []
    for one, patient in opened:
        described = same_person.of_file(one, patient)
        strange = wish.patient is None and same_person.are_strangers(described, known)
        known += described
        name = wish.source or source_name(one.name)
        found.append(would_bring(store, one, patient, name, another_person=strange))
    return found


def _take_in(job: ImportJob, one: Imported, patient: str | None, wish: ImportWish) -> ImportedFile:
    source = job.store.imports.source(wish.source or source_name(one.name))
    found, counts, error = Counter[str](), Counter[Change](), None
    with job.run(source, {"file": one.name, "format": one.format}) as run:
        try:
            for batch in one.batches(patient):
                counts.update(run.save(batch))
                found.update(received.type for received in batch)
                job.show(one.name, found, counts[Change.NEW])
        except (UnreadableFile, EOFError, OSError) as reason:
            words = getattr(reason, "message", "")
            error = f"{words} {CUT_OFF[0].upper()}{CUT_OFF[1:]}.".strip()
            run.flawed = True
            run.problems.append(Problem("file", CUT_OFF))
        run.problems += one.problems
        run.read_documents()
        sections = one.sections() if one.sections is not None else []
        if sections:
            job.store.imports.read_own(run.number)
        fields = counted(
            one.name, one.format, source.name, found, counts, (*one.problems, *run.tally.skipped)
        )
    taken = ImportedFile(**fields, sections=sections, error=error)
    job.show_end(one.name, taken)
    return taken


def source_name(file: str) -> str:
    """The name of a file without its endings, as the name of a source."""
    stem = Path(file).name.split(".")[0].strip()
    return stem or "import"
