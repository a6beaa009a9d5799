"""`phr import`: bring in files; what they are is found by looking inside. And take an import back."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phr.cli import output
from phr.cli.connections import check_name
from phr.cli.context import invocation, workspace
from phr.cli.failures import tell_import_interrupted
from phr.cli.import_report import (
    error_lines,
    file_lines,
    patients_question,
    stranger_lines,
    stranger_question,
    undo_document,
    undo_lines,
)
from phr.cli.options import DryRun, Json, Quiet, complete_connections
from phr.cli.text import command, screen
from phr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from phr.cli.progress import SyncProgress
    from phr.importers.patients import FoundPatient
    from phr.sync.wish import Progress
    from phr.workspace import Workspace
    from phr.workspace.files import Stranger
    from phr.workspace.import_job import ImportReport

Files = Annotated[
    list[str] | None, typer.Argument(help="Files to bring in; - reads stdin.", metavar="FILE...")
]
Layout = Annotated[
    str | None,
    typer.Option(
        "--format", envvar="PHR_IMPORT_FORMAT", help="What they are, if phr guesses wrong.", metavar="F"
    ),
]
Mapping = Annotated[
    Path | None, typer.Option("--mapping", help="What the columns of a CSV table are.", metavar="M.toml")
]
As = Annotated[
    str | None,
    typer.Option(
        "--as",
        envvar="PHR_IMPORT_AS",
        help="Who they are from (default: the file's name).",
        metavar="SOURCE",
    ),
]
Patient = Annotated[
    str | None,
    typer.Option(
        "--patient",
        help="Whose records to take, where a file holds several, or seems to be about somebody else.",
        metavar="ID",
    ),
]
FromDocuments = Annotated[
    bool,
    typer.Option(
        "--from-documents",
        help="Read the C-CDA documents that came with a sync.",
    ),
]
Of = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        envvar="PHR_IMPORT_SOURCE",
        help="With --from-documents: only of this connection; may be repeated.",
        autocompletion=complete_connections,
        metavar="N",
    ),
]
Undo = Annotated[
    str | None,
    typer.Option(
        "--undo", help="Take back what this job brought: phr jobs", metavar="JOB", allow_from_autoenv=False
    ),
]

DEFAULT_USER = "default"


def import_(
    ctx: typer.Context,
    files: Files = None,
    layout: Layout = None,
    mapping: Mapping = None,
    source: As = None,
    patient: Patient = None,
    from_documents: FromDocuments = False,
    of: Of = None,
    undo: Undo = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Bring in files: FHIR (Bundle, resource, NDJSON), C-CDA, ZIP archives, Apple Health, CSV with a mapping.

    phr looks inside to find out what a file is. Doing it twice changes nothing. What cannot be read is named, and the
    rest is taken in. If a file seems to be about somebody else, you are asked; where nobody can be asked it comes in,
    with a notice.

    \b
    phr import Downloads/health-record.xml --as "old clinic"
    phr import --from-documents     (C-CDA documents that a sync brought)
    phr import --undo 12            (as though it had never been)

    Exit statuses: 0 fine, also when unreadable entries were skipped and named; 1 failed; 2 usage (also: several
    patients in a file); 3 one of several files could not be read; 5 another run holds the
    lock; 6 locked; 130 interrupted.
    """
    output.hush(quiet)
    here = workspace(ctx)
    _check(ctx, files or [])
    with _stopping(invocation(ctx).words):
        if undo is not None:
            _undo(here, undo, dry_run=dry_run, quiet=quiet, json=json)
            return
        begins = here.user != DEFAULT_USER and not here.paths.records(here.user).exists()
        if from_documents and not files:
            report = _read_documents(here, tuple(of or ()), dry_run=dry_run, silent=quiet or json)
        else:
            report = _take_in(
                here, files or [], source, patient, layout, mapping, dry_run=dry_run, quiet=quiet, json=json
            )
    _tell(report, dry_run=dry_run, quiet=quiet, json=json, whole=invocation(ctx).verbose > 0)
    if begins and report.job_id is not None:
        remove = command("phr users remove", here.user)
        output.talk(f"A new record was begun for {here.user}. If that is a typing mistake: {remove}")
    if report.exit_status:
        raise typer.Exit(report.exit_status)


def _check(ctx: typer.Context, files: list[str]) -> None:
    """What fits together on one command line; variables that are set for other times do not count. Raises UsageError."""
    typed = {
        name
        for name in ("undo", "from_documents", "of", "layout", "mapping", "source", "patient")
        if getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"
    }
    if {"undo", "from_documents"} <= typed:
        raise UsageError("--undo takes back, --from-documents brings in.", hint="Choose one of the two.")
    way = "--undo" if "undo" in typed else "--from-documents" if "from_documents" in typed else None
    if way and (files or typed & {"layout", "mapping", "source", "patient"}):
        raise UsageError(
            f"{way} takes neither files nor what is said about them.",
            hint=f"Leave them out: phr import {way}{' JOB' if way == '--undo' else ''}",
        )
    if "of" in typed and way != "--from-documents":
        raise UsageError(
            "--source names connections, and goes with --from-documents.",
            hint="Where a file came from is said with --as SOURCE.",
        )
    if not files and not way and not ctx.params.get("from_documents"):
        raise UsageError("No file is named.", hint="Say which: phr import FILE… (- reads stdin)")


def _take_in(
    here: Workspace,
    files: list[str],
    source: str | None,
    patient: str | None,
    layout: str | None,
    mapping: Path | None,
    *,
    dry_run: bool,
    quiet: bool,
    json: bool,
) -> ImportReport:
    from phr.workspace.files import ImportWish

    asking = _Asking()
    wish = ImportWish(
        source=check_name(source) if source is not None else None,
        patient=patient,
        format=layout,
        dry_run=dry_run,
        mapping=mapping,
    )
    if output.has_terminal() and not json and "-" not in files:
        wish = replace(wish, agree=asking.agree, which=asking.which)
    paths = [None if file == "-" else Path(file) for file in files]
    return _moving(
        here,
        lambda tell: here.import_files(paths, replace(wish, progress=tell)),
        silent=quiet or json,
        asking=asking,
    )


def _tell(report: ImportReport, *, dry_run: bool, quiet: bool, json: bool, whole: bool) -> None:
    """What became of each file. A job that changed nothing has nothing to take back, so its number is not told."""
    if json:
        output.emit_json({"job_id": report.job_id, "files": [asdict(one) for one in report.files]})
    output.hush(False)  # what went wrong is said all the same
    for one in report.files:
        output.talk_lines(error_lines(one, screen(sys.stderr)))
        if not (json or quiet):
            output.emit(file_lines(one, output.out(), dry_run=dry_run, whole=whole))
        output.talk_lines(stranger_lines(one, report.job_id, screen(sys.stderr)))
    output.hush(quiet or json)
    if not report.files:
        output.talk("No document waits that holds records in C-CDA form.")
    changed = any(one.new or one.updated for one in report.files)
    if report.job_id is not None and (changed or whole) and not (json or quiet):
        output.emit([f"Job {report.job_id}. To take it back: phr import --undo {report.job_id}"])


def _read_documents(
    here: Workspace, sources: tuple[str, ...], *, dry_run: bool, silent: bool
) -> ImportReport:
    from phr.workspace.from_documents import DocumentsWish
    from phr.workspace.from_documents import from_documents as read_in

    wish = DocumentsWish(sources, dry_run)
    return _moving(here, lambda tell: read_in(here, replace(wish, progress=tell)), silent=silent)


def _undo(here: Workspace, job: str, *, dry_run: bool, quiet: bool, json: bool) -> None:
    from phr.workspace.undo import undo

    report = undo(here, job, dry_run=dry_run)
    if json:
        output.emit_json(undo_document(report))
    elif not quiet:
        output.emit(undo_lines(report, output.out()))


@contextmanager
def _stopping(words: Sequence[str]) -> Iterator[None]:
    """Ctrl-C and SIGTERM end it in good order, and what came in until then is told."""
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if in_main else None
    try:
        yield
    except KeyboardInterrupt as stopped:
        job, kept = getattr(stopped, "job_id", None), getattr(stopped, "kept", 0)
        raise typer.Exit(tell_import_interrupted(words, job, kept)) from None
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, before)


class _Asking:
    """Somebody at a terminal is asked, and what moves on the terminal stands still meanwhile."""

    def __init__(self) -> None:
        self.moving: SyncProgress | None = None

    def agree(self, stranger: Stranger) -> bool:
        """Whether a file about somebody else belongs here."""
        prompt = "Type yes to take it into this record all the same: "
        return self._ask(stranger_question(stranger), prompt) in ("y", "yes")

    def which(self, file: str, patients: Sequence[FoundPatient]) -> str | None:
        """Whose data to take from a file of several: the id, `all`, or None where that was not answered."""
        prompt = "Whose to take? Type a number, or all if all of them are the same person: "
        answer = self._ask(patients_question(file, patients), prompt)
        if answer.isascii() and answer.isdigit() and 0 < int(answer[:6]) <= len(patients):
            return patients[int(answer) - 1].id
        return "all" if answer == "all" else None

    def _ask(self, lines: Iterable[str], prompt: str) -> str:
        if self.moving is not None:
            self.moving.__exit__(None, None, None)
        for line in lines:
            output.tell(line)
        output.ask(prompt)
        answer = sys.stdin.readline().strip().lower()
        if self.moving is not None:
            self.moving.__enter__()
        return answer


def _moving(
    here: Workspace,
    work: Callable[[Callable[[Progress], None] | None], ImportReport],
    *,
    silent: bool,
    asking: _Asking | None = None,
) -> ImportReport:
    """With moving progress where somebody looks at a terminal."""
    if silent or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return work(None)
    from phr.cli.progress import SyncProgress

    if here.paths.records(here.user).exists():
        here.store().close()  # a passphrase is asked for before anything moves
    with SyncProgress() as moving:
        if asking is not None:
            asking.moving = moving
        return work(moving.note)
