"""`phr import`: bring in files; what they are is found by looking inside."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.connections import check_name
from phr.cli.context import workspace
from phr.cli.options import DryRun, Json, Quiet
from phr.cli.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phr.workspace.files import ImportedFile


def import_(
    ctx: typer.Context,
    files: Annotated[list[str], typer.Argument(help="Files to bring in; - reads stdin.", metavar="FILE...")],
    layout: Annotated[
        str | None,
        typer.Option(
            "--format", envvar="PHR_IMPORT_FORMAT", help="What they are, if phr guesses wrong.", metavar="F"
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--as",
            envvar="PHR_IMPORT_AS",
            help="Who they are from (default: the file's name).",
            metavar="SOURCE",
        ),
    ] = None,
    patient: Annotated[
        str | None,
        typer.Option("--patient", help="Whose records to take, where a file holds several.", metavar="ID"),
    ] = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Bring in files: FHIR Bundles, single resources, NDJSON. Doing it twice changes nothing.

    An entry that cannot be read is named, and the rest is taken in.

    \b
    phr import Downloads/health-record.json --as "old clinic"

    Exit statuses: 0 fine, also when unreadable entries were skipped and named; 1 failed; 2 usage (also: several
    patients in a file); 3 one of several files could not be read; 5 another run holds the lock; 6 locked.
    """
    from phr.workspace.files import ImportWish

    output.hush(quiet)
    wish = ImportWish(
        source=check_name(source) if source is not None else None,
        patient=patient,
        format=layout,
        dry_run=dry_run,
    )
    report = workspace(ctx).import_files([None if file == "-" else Path(file) for file in files], wish)
    if json:
        output.emit_json({"job_id": report.job_id, "files": [asdict(one) for one in report.files]})
    else:
        for one in report.files:
            for line in _lines(one, dry_run=dry_run):
                output.talk(line)
    if report.exit_status:
        raise typer.Exit(report.exit_status)


def _lines(one: ImportedFile, *, dry_run: bool) -> Iterator[str]:
    found = (
        ", ".join(f"{number:,} {type_}" for type_, number in one.found.items())
        or "nothing that can be taken in"
    )
    if one.error:
        yield f"{one.file}: nothing came in. {clean(one.error)}"
    elif dry_run:
        yield f"{one.file} is {one.format}: would bring {found}."
    else:
        words = f"{one.new:,} new, {one.updated:,} updated, {one.unchanged:,} unchanged"
        yield f"{one.file} ({one.format}), as {one.source}: {words}."
        yield f"  {found}"
    for entry in one.skipped:
        yield f"  Skipped: {_entry(entry)}: {clean(entry['reason'])}"


def _entry(entry: dict[str, Any]) -> str:
    """`line 2`, `Condition c1`; the first of several, and how many they are."""
    what, first = clean(entry["what"]), clean(entry.get("first"))
    name = first if first.startswith(what) else f"{what} {first}".strip()
    return f"{name} and {entry['count'] - 1:,} more" if entry.get("count", 1) > 1 else name
