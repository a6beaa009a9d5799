"""`phr export`: hand on what was selected, in a form that somebody else can read."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.export_report import check_lines, sentences
from phr.cli.export_report import document as document
from phr.cli.options import Json, Kinds, Quiet, Search, Sensitivity, Since, Sources, Tags, Until, select
from phr.cli.text import count
from phr.errors import UsageError

if TYPE_CHECKING:
    from phr.exporters.base import Exported, Options
    from phr.store.store import Store
    from phr.views.selection import Selection


log = logging.getLogger(__name__)


class ExportFormat(StrEnum):
    """What can be written."""

    CCD = "ccd"
    FHIR = "fhir"
    NDJSON = "ndjson"
    JSON = "json"
    IPS = "ips"
    HTML = "html"


class TemplateName(StrEnum):
    """Types of C-CDA document."""

    CCD = "ccd"
    REFERRAL_NOTE = "referral-note"


class BundleType(StrEnum):
    """Types of FHIR Bundle."""

    COLLECTION = "collection"
    DOCUMENT = "document"


def _sections(incomplete: str) -> list[str]:
    from phr.ccda.outline import PARTS

    return [part.name for part in PARTS if part.name.startswith(incomplete)]


Layout = Annotated[
    ExportFormat,
    typer.Option(
        "--format",
        "-f",
        envvar="PHR_EXPORT_FORMAT",
        help="ccd: C-CDA R2.1 for a doctor; ips: International Patient Summary; html: a page to read; fhir: a Bundle;"
        " ndjson: a resource a line; json: events.",
    ),
]
To = Annotated[
    str | None,
    typer.Option("-o", "--output", envvar="PHR_EXPORT_OUTPUT", help="Where to; - is stdout.", metavar="FILE"),
]
Chosen = Annotated[
    list[str] | None,
    typer.Option(
        "--sections",
        help="ccd, ips, html: only these, such as problems,medications or a LOINC code.",
        autocompletion=_sections,
        metavar="S",
    ),
]
OfType = Annotated[
    TemplateName | None, typer.Option("--template", help="ccd: which document (default: ccd).")
]
Reason = Annotated[
    str | None, typer.Option("--reason", help="referral-note: why you are sent.", metavar="TEXT")
]
Check = Annotated[
    bool, typer.Option("--check", help="ccd: say how it is built, and what a receiver would miss.")
]
OfBundle = Annotated[
    BundleType | None, typer.Option("--bundle", help="fhir: which Bundle (default: collection).")
]
Split = Annotated[
    bool, typer.Option("--split", help="ndjson: a folder with one file for each type, as Bulk Data has it.")
]
Notes = Annotated[
    bool, typer.Option("--notes", help="Your own notes (phr note) go along; they stay with you otherwise.")
]
Reproducible = Annotated[
    bool, typer.Option("--reproducible", help="The same record gives the same bytes each time.")
]


@dataclass(frozen=True)
class _Way:
    """How and where to, as the options said it."""

    format: str
    to: str | None
    folder: bool
    options: Options


def export(
    ctx: typer.Context,
    layout: Layout,
    to: To = None,
    kind: Kinds = None,
    since: Since = None,
    until: Until = None,
    source: Sources = None,
    tag: Tags = None,
    search: Search = None,
    sensitivity: Sensitivity = None,
    sections: Chosen = None,
    template: OfType = None,
    reason: Reason = None,
    check: Check = False,
    bundle: OfBundle = None,
    split: Split = False,
    notes: Notes = False,
    reproducible: Reproducible = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Hand on your record, or a part of it: never half a file, and what is left out is named.

    Without -o it is written into the current folder. Only you can read it (mode 0600). --check says what to ask your
    doctor for. What you marked as sensitive or restricted yourself (phr edit) stays out, with all that would tell it,
    unless --sensitivity says how much may go along.

    \b
    phr export --format ccd -o for-the-doctor.xml --since 2023 --check
    phr export --format ccd --template referral-note --reason "Chest pain on stairs"
    phr export --format ccd --sections problems,medications,allergies
    phr export --format ndjson -o - | wc -l

    Exit statuses: 0 fine; 1 failed; 2 usage; 3 written, but our check found that a C-CDA document is not built as it
    should be; 6 locked.
    """
    output.hush(quiet)
    _check(ctx, layout.value)
    chosen = select(kind, since, until, source, tag, search, sensitivity)
    way = _Way(
        layout.value,
        to,
        split or (layout is ExportFormat.NDJSON and _is_folder(to)),
        _options(sections, template, reason, bundle, notes=notes, reproducible=reproducible),
    )
    done = _run(ctx, way, chosen, check=check, quiet=quiet, json=json)
    if done.check is not None and not done.check.sound:
        raise typer.Exit(3)


_BELONGS = {
    "sections": ("ccd", "ips", "html"),
    "template": ("ccd",),
    "reason": ("ccd",),
    "check": ("ccd",),
    "bundle": ("fhir",),
    "split": ("ndjson",),
}
"""Options that only some formats have a use for."""


def _check(ctx: typer.Context, format_: str) -> None:
    """What fits together on one command line. Raises UsageError."""
    said, to = ctx.params, ctx.params["to"]
    if to == "-" and said["json"]:
        raise UsageError(
            "The export and the report cannot both go to stdout.", hint="Give a file: -o FILE --json"
        )
    for name, formats in _BELONGS.items():
        if said[name] and format_ not in formats:
            raise UsageError(
                f"--{name} does not belong to --format {format_}.",
                hint=f"Leave it out, or choose --format {' or '.join(formats)}",
            )
    if said["reason"] is not None and said["template"] != TemplateName.REFERRAL_NOTE:
        raise UsageError("--reason belongs to a Referral Note.", hint="Add --template referral-note")
    if said["split"] and to == "-":
        raise UsageError("A folder cannot go to stdout.", hint="Name one: --split -o FOLDER/")


def _is_folder(to: str | None) -> bool:
    """Whether a folder is meant: it is there, or the name ends like one."""
    return to is not None and to != "-" and (to.endswith("/") or Path(to).is_dir())


def _options(
    sections: list[str] | None,
    template: TemplateName | None,
    reason: str | None,
    bundle: BundleType | None,
    *,
    notes: bool,
    reproducible: bool,
) -> Options:
    from phr.exporters.base import Options

    words = tuple(word for each in sections or () for word in each.split(",") if word.strip())
    if words:
        from phr.ccda.outline import chosen_codes

        chosen_codes(words)  # a typing slip is told before anything is opened
    return Options(
        reproducible=reproducible,
        template=(template or TemplateName.CCD).value,
        sections=words,
        reason=reason,
        bundle=(bundle or BundleType.COLLECTION).value,
        notes=notes,
    )


def _run(
    ctx: typer.Context, way: _Way, chosen: Selection, *, check: bool, quiet: bool, json: bool
) -> Exported:
    from phr.views.selection import check_sources, fitting

    with (here := workspace(ctx)).store() as store:
        check_sources(store, chosen)
        fits = fitting(store, replace(chosen, sensitivity=None))
        path, done = _write(store, way, chosen, here.user)
        log.info("export %s: %s bytes, %s left out", way.format, done.bytes, len(done.left_out))
        store.audit.note("export", f"{way.format} {count(sum(done.sections.values()), 'entry', 'entries')}")
    for line in sentences(done, path, nothing=fits <= done.held_back):
        output.talk(line)
    if done.check is not None:
        output.hush(quiet and done.check.sound)  # a fault is told all the same
        for line in check_lines(done.check, asked=check):
            output.talk(line)
    if json:
        output.emit_json(document(done, path, way.format, check=check))
    return done


def _write(store: Store, way: _Way, chosen: Selection, user: str) -> tuple[Path | None, Exported]:
    """`(path, what was written)`; the path is None for stdout."""
    from phr.exporters import base, registry

    if way.to == "-":
        sys.stdout.flush()
        return None, registry.write(store, way.format, chosen, sys.stdout.buffer, way.options)
    path = Path(way.to) if way.to else _default_name(user, way.format, folder=way.folder)
    if way.folder:
        from phr.exporters.ndjson import write_folder

        given = base.Handover(store, chosen, way.options)
        written = base.to_folder(path, lambda folder: write_folder(given, folder), suffix=".ndjson")
        return path, given.told(written)
    return path, base.to_file(path, lambda out: registry.write(store, way.format, chosen, out, way.options))


def _default_name(user: str, format_: str, *, folder: bool) -> Path:
    from phr.exporters import registry

    suffix = "" if folder else registry.exporter(format_).suffix
    return Path(f"phr-{user}-{format_}-{date.today():%Y-%m-%d}{suffix}")  # noqa: DTZ011 - the person's own day
