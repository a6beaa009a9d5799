"""One import command as one job: a run for each file, the first of which names the job and ends last.

So a job that was interrupted or killed in its third file says so, and what was committed until then is noted as its
own: it can be done again, or undone.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from phr.errors import PhrError, Stopped
from phr.importers.base import NOTED, skipped
from phr.model import Change, Problem, Received, Source
from phr.store.store import Store
from phr.sync.attachments import read_stored
from phr.sync.desk import Desk
from phr.sync.tally import Tally
from phr.sync.wish import Progress

log = logging.getLogger(__name__)
INTERRUPTED = "it was interrupted; what came is kept: import it again to go on"
CANCELLED = "The import was cancelled."
_UNEXPECTED = "phr met something it did not expect ({})"
Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What became of one file."""

    file: str
    format: str
    source: str
    found: dict[str, int]
    """Resources that came out of it, by type."""
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    """Things in it that could not be read; what was merely passed over is not among them."""
    skipped: list[dict[str, Any]] = field(default_factory=list)
    """`what`, `reason`, `count`, `first`: why something of it did not come in."""
    error: str | None = None
    """Why nothing of it came in, or not all."""
    sections: list[dict[str, Any]] = field(default_factory=list)
    """What each section of a C-CDA document gave."""
    another_person: bool = False
    """It is about somebody else than the record."""
    sender: str | None = field(default=None, repr=False)
    """Who sent it, as far as it says so."""
    instead_of: str | None = None
    """The name that its source would have, if that were not another sender's."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of all files, and the number of the job they are written down under."""

    job_id: str | None
    files: tuple[ImportedFile, ...]

    @property
    def exit_status(self) -> int:
        """0; 3 when some of the files could not be read; 1 when none could."""
        broken = sum(one.error is not None for one in self.files)
        nothing = broken == len(self.files) and not any(one.found for one in self.files)
        return 0 if not broken else 1 if nothing else 3


class Interrupted(KeyboardInterrupt):
    """Somebody stopped the import. `kept`: how many resources it has brought or changed until then."""

    def __init__(self, job_id: str | None, kept: int) -> None:
        super().__init__()
        self.job_id, self.kept = job_id, kept


class ImportRun:
    """One run of the job: what one file, or the documents of one connection, bring."""

    def __init__(self, job: ImportJob, source: Source, number: int) -> None:
        self.job, self.source, self.number = job, source, number
        self.tally, self.problems = Tally(), list[Problem]()
        self.size, self.flawed, self.ended = 0, False, False
        self.came, self.new = Counter[str](), Counter[str]()
        self._clock = time.monotonic()

    def save(self, batch: Sequence[Received], documents: Sequence[int] = ()) -> Counter[Change]:
        """Keep a batch, noted as brought by this run; answers what that did. Raises Stopped when the job was cancelled."""
        store = self.job.store
        if self.job.head is not None and store.runs.cancelled(self.job.head):
            raise Stopped(CANCELLED, hint="What came in is kept. Import it again to bring the rest.")
        saved = store.imports.save(self.source.key, batch, self.number, documents)
        self.tally.saved(saved)
        self.size += sum(len(one.raw) for one in batch)
        counts: Counter[Change] = Counter()
        for (type_, change), number in saved.changes.items():
            counts[change] += number
            self.came[type_] += number
            if change is Change.NEW:
                self.new[type_] += number
        self.job.kept += counts[Change.NEW] + counts[Change.UPDATED]
        return counts

    def read_documents(self) -> None:
        """Take the bytes of documents that came along, and read their words for the search."""
        self.job.store.documents.take_own(self.source.key)
        read_stored(Desk(self.job.store), self.source.key)

    def end(self, status: str, error: str | None = None) -> None:
        """Write down how it ended, once."""
        if self.ended:
            return
        self.ended = True
        self.job.store.runs.end(
            self.number,
            "partial" if status == "completed" and self.flawed else status,
            seconds=round(time.monotonic() - self._clock, 3),
            bytes=self.size,
            types=self.tally.types(),
            skipped=(*self.problems, *self.tally.told()),
            error=error,
        )
        self.job.store.imports.put_away_empty(self.source.key)
        log.info(
            "job %s, run %s: %s, %s bytes, %.1f s, %s came (%s new), %s problems",
            *(self.job.id, self.number, status, self.size, time.monotonic() - self._clock),
            *(self.came.total(), self.new.total(), len(self.problems)),
        )
        for one in skipped(self.problems):
            log.debug("run %s skipped %s: %s", self.number, one["count"], one["reason"])


class ImportJob:
    """The runs of one command. Use as a context manager, under the lock."""

    def __init__(self, store: Store, tell: Tell | None = None) -> None:
        self.store, self._tell = store, tell or (lambda _: None)
        self.head: int | None = None
        self.kept = 0
        """Resources that it has brought or changed until now."""
        self._first: ImportRun | None = None

    @property
    def id(self) -> str | None:
        """The number of the job; None while nothing was begun."""
        return None if self.head is None else str(self.head)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        if self._first is not None:
            _end(self._first, error)
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted(self.id, self.kept) from None

    @contextmanager
    def run(self, source: Source, told: Mapping[str, object]) -> Iterator[ImportRun]:
        """One run of it. The first stays open until the whole job ends."""
        number = self.store.imports.start(source.key, self.head, told)
        one = ImportRun(self, source, number)
        if self._first is None:
            self.head, self._first = number, one
        try:
            yield one
        except BaseException as error:
            _end(one, error)
            raise
        if one is not self._first:
            one.end("completed")

    def show(self, name: str, run: ImportRun, share: float | None = None) -> None:
        """Tell how far a file is: how many of each type have come."""
        for type_, number in run.came.items():
            self._tell(Progress(name, type_, number, run.new[type_], phase="file", share=share))

    def show_end(self, name: str, run: ImportRun, *, flawed: bool) -> None:
        """Tell that a file is through."""
        how = "partial" if flawed else "completed"
        came, new = run.came.total(), run.new.total()
        self._tell(Progress(name, how, came, new, done=True, phase="ended", share=1.0))


def counted(
    name: str,
    format_: str,
    source: str,
    found: Counter[str],
    counts: Counter[Change],
    problems: Iterable[Problem],
) -> ImportedFile:
    """What became of a file, as far as it can be counted."""
    noted = list(problems)
    return ImportedFile(
        name,
        format_,
        source,
        found=dict(sorted(found.items())),
        new=counts[Change.NEW],
        updated=counts[Change.UPDATED],
        unchanged=counts[Change.UNCHANGED],
        failed=sum(not one.known and one.reason not in NOTED for one in noted),
        skipped=skipped(noted),
    )


def _end(run: ImportRun, error: BaseException | None) -> None:
    if error is None:
        run.end("completed")
        return
    with suppress(Exception):  # a full disk: the job is closed by whoever looks at it next
        if isinstance(error, Stopped) or not isinstance(error, Exception):
            run.end("cancelled", INTERRUPTED)
        elif isinstance(error, PhrError):
            run.end("failed", error.message)
        else:
            run.end("failed", _UNEXPECTED.format(type(error).__name__))
