"""Files come in: what a file holds goes through the same door as what a server sends."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from phr.errors import UnreadableFile, UsageError
from phr.importers import opening
from phr.importers.base import Imported, skipped
from phr.model import Change, Problem
from phr.store.store import Store
from phr.sync.attachments import read_stored
from phr.sync.desk import Desk
from phr.sync.tally import Tally

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ImportWish:
    """How to take files in. `source` names where they came from; by default the name of each file does."""

    source: str | None = None
    patient: str | None = None
    format: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What became of one file."""

    file: str
    format: str
    source: str
    found: dict[str, int]
    new: int
    updated: int
    unchanged: int
    failed: int
    skipped: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    """Why nothing of it came in."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of all files, and the number of the job they are written down under."""

    job_id: str | None
    files: tuple[ImportedFile, ...]

    @property
    def exit_status(self) -> int:
        """0, or 3 when some of the files could not be read at all."""
        return 3 if any(one.error for one in self.files) else 0


def import_files(
    workspace: Workspace, files: Sequence[Path | None], wish: ImportWish, *, stdin: BinaryIO
) -> ImportReport:
    """Take in files, each into the source of its name; None is `stdin`.

    All files are looked into before the first is taken in. One that cannot be read is named, and the others come in.
    Raises UnreadableFile when none can be read, UsageError (no such file; several patients and none chosen), Busy,
    Locked; nothing has changed then.
    """
    opened, unread = _open_all(files, wish, stdin)
    patients = [one.choose(wish.patient) for one in opened]
    if wish.dry_run:
        looked = [_look(one, who) for one, who in zip(opened, patients, strict=True)]
        return ImportReport(None, (*looked, *unread))
    with workspace.lock(), workspace.store(create=True) as store:
        store.refresh_records()
        jobs = [_take_in(store, one, who, wish) for one, who in zip(opened, patients, strict=True)]
        store.audit.note("import", f"{len(opened)} files")
    return ImportReport(jobs[0][0], (*(report for _, report in jobs), *unread))


def _open_all(
    files: Sequence[Path | None], wish: ImportWish, stdin: BinaryIO
) -> tuple[list[Imported], list[ImportedFile]]:
    """The files that can be read, and why the others cannot. Raises UnreadableFile when there is none."""
    opened, unread, last = [], [], None
    for file in files:
        try:
            opened.append(opening.read(stdin if file is None else file, format=wish.format))
        except UnreadableFile as error:
            last = error
            words = " ".join(filter(None, (error.message, error.hint)))
            name = file.name if file else "the standard input"
            unread.append(ImportedFile(name, "unknown", "", {}, 0, 0, 0, 1, error=words))
    if last is not None and not opened:
        raise last
    return opened, unread


def _look(one: Imported, patient: str | None) -> ImportedFile:
    """What taking it in would bring, without a store."""
    found = Counter(received.type for received in one.resources(patient))
    return ImportedFile(
        one.name, one.format, "", dict(sorted(found.items())), 0, 0, 0, 0, skipped(one.problems)
    )


def _take_in(store: Store, one: Imported, patient: str | None, wish: ImportWish) -> tuple[str, ImportedFile]:
    source = store.sources.ensure(wish.source or _source_name(one.name))
    if source.kind == "connection":
        raise UsageError(
            f"{source.name} is a connection; a file cannot speak in its name.",
            hint="Choose another name with --as.",
        )
    job, clock = store.runs.start(source.key, "import", "file"), time.monotonic()
    tally, found, size = Tally(), Counter[str](), 0
    try:
        for batch in one.batches(patient):
            tally.saved(store.save(source.key, batch))
            found.update(received.type for received in batch)
            size += sum(len(received.raw) for received in batch)
        store.documents.take_own(source.key)
        read_stored(Desk(store), source.key)
        status = "completed"
    except BaseException:
        status = "cancelled"
        raise
    finally:
        problems: list[Problem] = [*one.problems, *tally.skipped]
        store.runs.end(
            job,
            status,
            seconds=round(time.monotonic() - clock, 3),
            bytes=size,
            types=tally.types(),
            skipped=tuple(problems),
        )
    counts = Counter[Change]()
    for (_, change), number in tally.changes.items():
        counts[change] += number
    return str(job), ImportedFile(
        file=one.name,
        format=one.format,
        source=source.name,
        found=dict(sorted(found.items())),
        new=counts[Change.NEW],
        updated=counts[Change.UPDATED],
        unchanged=counts[Change.UNCHANGED],
        failed=sum(not p.known for p in problems),
        skipped=skipped(problems),
    )


def _source_name(file: str) -> str:
    """The name of a file without its endings, as the name of a source."""
    stem = Path(file).name.split(".")[0].strip()
    return stem or "import"
