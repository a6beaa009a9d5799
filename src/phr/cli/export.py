"""`phr export`: hand on what was selected, in a form that somebody else can read."""

from __future__ import annotations

import logging
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from phr.cli import output
from phr.cli.export_report import document as document
from phr.cli.options import Json, Quiet, Yes
from phr.cli.selecting import Kinds, Packs, Search, Sensitivity, Since, Sources, Tags, Until, select

if TYPE_CHECKING:
    from phr.exporters.base import Options


log = logging.getLogger(__name__)


class TemplateName(StrEnum):
    """Types of C-CDA document."""

    CCD = "ccd"
    REFERRAL_NOTE = "referral-note"


class BundleType(StrEnum):
    """Types of FHIR Bundle."""

    COLLECTION = "collection"
    DOCUMENT = "document"


def complete_formats(incomplete: str) -> list[str]:
    """Formats that begin like this."""
    from phr.exporters.registry import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


def _sections(incomplete: str) -> list[str]:
    from phr.ccda.outline import PARTS

    return [part.name for part in PARTS if part.name.startswith(incomplete)]


class LayoutName(StrEnum):
    """How much a PDF holds."""

    SUMMARY = "summary"
    FULL = "full"


Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        "-f",
        envvar="PHR_EXPORT_FORMAT",
        help="ccd: C-CDA R2.1 for a doctor; pdf: on paper; ips: International Patient Summary; html: a page to read;"
        " csv: a table for each kind; markdown: plain words; json: events; fhir: a Bundle; ndjson: a resource a line;"
        " sqlite: a database. May be repeated.",
        autocompletion=complete_formats,
        metavar="F",
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
        help="ccd, ips, html, pdf: only these, such as problems,medications or a LOINC code.",
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
Pages = Annotated[
    LayoutName | None,
    typer.Option("--layout", help="pdf: summary (four pages for a doctor) or full (default)."),
]
Research = Annotated[
    bool, typer.Option("--research", help="csv: tables for a registry, LOINC columns and UCUM units.")
]
Whom = Annotated[
    str | None,
    typer.Option(
        "--for",
        envvar="PHR_EXPORT_FOR",
        help="For whom it is, “Dr. Martinez”: a PDF and a CCD, unless --format says else.",
        metavar="WHO",
    ),
]
Standing = Annotated[
    bool | None,
    typer.Option(
        "--standing/--no-standing",
        help="With --since also the problems, medicines and allergies from before that still stand (default: with --for).",
    ),
]
Notes = Annotated[
    bool, typer.Option("--notes", help="Your own notes (phr note) go along; they stay with you otherwise.")
]
Reproducible = Annotated[
    bool, typer.Option("--reproducible", help="The same record gives the same bytes each time.")
]


def export(
    ctx: typer.Context,
    formats: Formats = None,
    to: To = None,
    whom: Whom = None,
    kind: Kinds = None,
    since: Since = None,
    until: Until = None,
    source: Sources = None,
    tag: Tags = None,
    pack: Packs = None,
    standing: Standing = None,
    search: Search = None,
    sensitivity: Sensitivity = None,
    layout: Pages = None,
    research: Research = False,
    sections: Chosen = None,
    template: OfType = None,
    reason: Reason = None,
    check: Check = False,
    bundle: OfBundle = None,
    split: Split = False,
    notes: Notes = False,
    reproducible: Reproducible = False,
    yes: Yes = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Hand on your record, or a part of it: never half a file, and what is left out is named.

    --for means a PDF to read and a CCD for a computer, out of the same selection. Without -o it is written into the
    current folder. Only you can read it (mode 0600). --check says what to ask your doctor for. What you marked as
    sensitive or restricted yourself (phr edit) stays out, with all that would tell it,
    unless --sensitivity says how much may go along.

    \b
    phr export --for "Dr. Martinez" --tag lungs --since 2023
    phr export --format pdf --layout summary
    phr export --format ccd -o for-the-doctor.xml --since 2023 --check
    phr export --format ccd --template referral-note --reason "Chest pain on stairs"
    phr export --format csv --research -o registry/

    Exit statuses: 0 fine; 1 failed; 2 usage; 3 written, but our check found that a C-CDA document is not built as it
    should be; 6 locked.
    """
    from phr.cli import export_way

    output.hush(quiet)
    way = export_way.chosen_way(ctx)
    chosen = select(kind, since, until, source, tag, search, sensitivity, pack)
    if chosen.since is not None and (standing or (standing is None and whom)):
        chosen = replace(chosen, standing=True)
    options = _options(ctx, sections, reason, whom)
    done = export_way.run(ctx, way, chosen, options)
    if any(one.check is not None and not one.check.sound for _, _, one in done):
        raise typer.Exit(3)


def _options(ctx: typer.Context, sections: list[str] | None, reason: str | None, whom: str | None) -> Options:
    from phr.exporters.base import Options

    said = ctx.params
    words = tuple(word for each in sections or () for word in each.split(",") if word.strip())
    if words:
        from phr.ccda.outline import chosen_codes

        chosen_codes(words)  # a typing slip is told before anything is opened
    return Options(
        reproducible=said["reproducible"],
        template=str(said["template"] or TemplateName.CCD),
        sections=words,
        reason=reason,
        bundle=str(said["bundle"] or BundleType.COLLECTION),
        notes=said["notes"],
        whom=" ".join(whom.split()) or None if whom else None,
        layout=str(said["layout"] or LayoutName.FULL),
        research=said["research"],
    )
