"""`phr export`: hand on what was selected, in a form that somebody else can read."""

from __future__ import annotations

import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json, Kinds, Search, Sensitivity, Since, Sources, Tags, Until, select
from phr.cli.text import clean, count, size
from phr.errors import UsageError

if TYPE_CHECKING:
    from phr.exporters.base import Exported


class ExportFormat(StrEnum):
    """What can be written."""

    CCD = "ccd"
    FHIR = "fhir"
    NDJSON = "ndjson"
    JSON = "json"


def export(
    ctx: typer.Context,
    layout: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            "-f",
            envvar="PHR_EXPORT_FORMAT",
            help="ccd: Continuity of Care Document (C-CDA R2.1); fhir: a Bundle; ndjson: a resource a line; json: events.",
        ),
    ],
    to: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", envvar="PHR_EXPORT_OUTPUT", help="Where to; - is stdout.", metavar="FILE"
        ),
    ] = None,
    kind: Kinds = None,
    since: Since = None,
    until: Until = None,
    source: Sources = None,
    tag: Tags = None,
    search: Search = None,
    sensitivity: Sensitivity = None,
    reproducible: Annotated[
        bool, typer.Option("--reproducible", help="The same record gives the same bytes each time.")
    ] = False,
    json: Json = False,
) -> None:
    """Hand on your record, or a part of it: never half a file, and what is left out is named.

    Without -o it is written into the current folder. Only you can read it (mode 0600).

    \b
    phr export --format ccd -o for-the-doctor.xml --since 2023
    phr export --format ndjson -o - | wc -l

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    if to == "-" and json:
        raise UsageError(
            "The export and the report cannot both go to stdout.", hint="Give a file: -o FILE --json"
        )
    chosen = select(kind, since, until, source, tag, search, sensitivity)
    from phr.exporters import base, registry
    from phr.views.selection import check_sources, withheld

    with (here := workspace(ctx)).store() as store:
        check_sources(store, chosen)
        options = base.Options(reproducible=reproducible)
        held_back = withheld(store, chosen)
        if to == "-":
            sys.stdout.flush()
            done = registry.write(store, layout.value, chosen, sys.stdout.buffer, options)
            path = None
        else:
            path = Path(to) if to else _default_name(here.user, layout.value)
            done = base.to_file(path, lambda out: registry.write(store, layout.value, chosen, out, options))
        store.audit.note("export", f"{layout.value} {count(sum(done.sections.values()), 'entry', 'entries')}")
    for line in sentences(done, path, held_back):
        output.talk(line)
    if json:
        output.emit_json(document(done, path, layout.value))


def _default_name(user: str, format_: str) -> Path:
    from phr.exporters import registry

    suffix = registry.exporter(format_).suffix
    return Path(f"phr-{user}-{format_}-{date.today():%Y-%m-%d}{suffix}")  # noqa: DTZ011 - the person's own day


def document(done: Exported, path: Path | None, format_: str) -> dict[str, Any]:
    """What was written, as `phr export --json` prints it."""
    left_out = [{"type": one.type, "id": one.id, "reason": one.reason} for one in done.left_out]
    where = str(path.absolute()) if path else None
    return {
        "path": where,
        "format": format_,
        "bytes": done.bytes,
        "sections": done.sections,
        "left_out": left_out,
    }


def sentences(done: Exported, path: Path | None, held_back: int = 0) -> list[str]:
    """What was written and what was left out, in words."""
    filled = {name: number for name, number in done.sections.items() if number}
    entries = count(sum(filled.values()), "entry", "entries")
    lines = [f"Wrote {clean(path) if path else 'to stdout'}: {size(done.bytes)}, {entries}."]
    reasons: dict[str, int] = {}
    for one in done.left_out:
        reasons[f"{one.type}: {one.reason}"] = reasons.get(f"{one.type}: {one.reason}", 0) + 1
    lines += [
        f"  Left out: {reason}" + (f" ({number} times)" if number > 1 else "")
        for reason, number in reasons.items()
    ]
    if held_back:
        lines.append(f"  Held back for their sensitivity: {count(held_back, 'record')}")
    return lines
