"""`phr providers`: find the place you are a patient of, and how to get in there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json, PhrCommand, group
from phr.cli.sign_in_options import complete_providers
from phr.cli.text import Screen, clean, count, elide, pad, table, width, wrapped
from phr.errors import Busy, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phr.model import Provider
    from phr.workspace import Workspace
    from phr.workspace.directory import DirectoryReport, SourceReport

app = group(no_args_is_help=False)
Limit = Annotated[int | None, typer.Option("--limit", "-n", min=1, help="At most so many.", metavar="N")]
OfVendor = Annotated[str | None, typer.Option("--vendor", help="Only of this vendor.", metavar="ID")]
SCREENFUL = 20
_HEADS = ("ID", "NAME", "VENDOR", "PLACE", "FHIR BASE")
_NO_BASE = "(choose an organisation)"


@app.callback(invoke_without_command=True)
def providers(ctx: typer.Context, json: Json = False) -> None:
    """Find the place you are a patient of: vendors, their sandboxes, organisations.

    Exit statuses: 0 fine, 2 usage.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx, None, None, None, json=json)


@app.command("list", cls=PhrCommand)
def list_(
    ctx: typer.Context,
    vendor: OfVendor = None,
    limit: Limit = None,
    after: Annotated[
        str | None, typer.Option("--after", help="Go on after this id.", metavar="CURSOR")
    ] = None,
    json: Json = False,
) -> None:
    """Everything in the catalogue: vendors and sandboxes first, then organisations.

    \b
    phr providers list --vendor epic --limit 50

    Exit statuses: 0 fine, 2 usage.
    """
    _list(ctx, vendor, limit, after, json=json)


def _list(
    ctx: typer.Context, vendor: str | None, limit: int | None, after: str | None, *, json: bool
) -> None:
    here = workspace(ctx)
    wanted = _vendor(here, vendor) if vendor else None
    found = [one for one in here.catalog if wanted in (None, one.vendor.id)]
    start = 0
    if after is not None:
        start = next((at for at, one in enumerate(found, 1) if one.id == after.strip().lower()), 0)
        if not start:
            raise UsageError(
                f"There is no entry {clean(after)!r} to go on after.",
                hint="Take the “next” of the page before.",
            )
    page = found[start : start + limit if limit else None]
    left = len(found) - start - len(page)
    following = page[-1].id if left and page else None
    _tell(page, json=json, more={"total": len(found), "next": following})
    if left and not json:
        again = (
            f"phr providers list{f' --vendor {wanted}' if wanted else ''} --limit {limit} --after {following}"
        )
        output.talk(f"{count(left, 'more entry', 'more entries')}: {again}")


@app.command("search", cls=PhrCommand)
def search(
    ctx: typer.Context,
    text: Annotated[list[str], typer.Argument(help="Words of its name, place or vendor.", metavar="TEXT")],
    vendor: OfVendor = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, help="At most so many.", metavar="N")
    ] = SCREENFUL,
    json: Json = False,
) -> None:
    """Find an organisation and its FHIR address; forgives slips, word order and short forms.

    \b
    phr providers search denver health
    phr providers search "childrens hosp" ohio

    Exit statuses: 0 fine, also when nothing fits; 2 usage.
    """
    here = workspace(ctx)
    found = here.catalog.search(" ".join(text), limit, vendor=_vendor(here, vendor) if vendor else None)
    _tell(found, json=json)
    if not found and not json:
        output.talk(
            "Nothing fits. Fetch the vendors' newest lists: phr providers update. "
            "Any FHIR server will do: phr connect custom --url FHIR_BASE"
        )


@app.command("show", cls=PhrCommand)
def show(
    ctx: typer.Context,
    id_: Annotated[
        str, typer.Argument(metavar="ID", help="An id from the catalogue.", autocompletion=complete_providers)
    ],
    json: Json = False,
) -> None:
    """One entry, with how to get a client id there. Works without network.

    Exit statuses: 0 fine, 2 usage (also: no such entry).
    """
    from phr.cli.recipes import document, lines

    here = workspace(ctx)
    one = here.catalog.find(id_)
    if json:
        output.emit_json({**_result(one), **document(here, one)})
    else:
        output.emit(lines(here, one, output.out()))


@app.command("update", cls=PhrCommand)
def update(
    ctx: typer.Context,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            envvar="PHR_PROVIDERS_UPDATE_FROM",
            help="A file or an https address; may be given again.",
            metavar="FILE|URL",
        ),
    ] = None,
    vendor: Annotated[
        str | None, typer.Option("--vendor", help="Whose organisations these are.", metavar="ID")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and count, keep nothing.")] = False,
    json: Json = False,
) -> None:
    """Read the directories that vendors publish, and keep the organisations they list.

    Without --from the lists of all vendors are fetched. Read are SMART User-access Brands, Bundles of Endpoints with
    or without Organizations, JSON lists, CSV and TSV. Nothing that was known is lost.

    \b
    phr providers update
    phr providers update --from epic-endpoints.json --vendor epic

    Exit statuses: 0 fine, 1 failed, 2 usage, 3 some lists could not be read, 5 another update is at work.
    """
    from phr.workspace import directory

    here = workspace(ctx)
    wanted = _vendor(here, vendor) if vendor else None
    if any(not one.strip() for one in source or ()):
        raise UsageError("--from is empty.", hint="Give a file or an https address: --from FILE")
    sources = [directory.Source(one) for one in source or ()] or directory.published(here, wanted)
    if not sources:
        raise UsageError(
            f"{here.catalog.vendors[wanted].name if wanted else 'No vendor'} publishes no list that can be fetched.",
            hint="Give one: phr providers update --from FILE",
        )
    try:
        report = directory.update(here, sources, vendor=wanted if source else None, dry_run=dry_run)
    except Busy:
        raise Busy(
            "Another phr is updating the list of organisations.", hint="Try again when it is done."
        ) from None
    _say_errors(report)
    if json:
        output.emit_json(
            {"sources": [_source(one) for one in report.sources], "organisations": report.organisations}
        )
    else:
        _say(report, dry_run=dry_run)
    if report.exit_status:
        raise typer.Exit(report.exit_status)


def _vendor(here: Workspace, word: str) -> str:
    """The id of a vendor, by any of its names. Raises UsageError that names the ones there are."""
    found = here.catalog.vendor_named(word)
    if found is None:
        raise UsageError(
            f"There is no vendor called {clean(word)[:60]!r}.",
            hint=f"There are {', '.join(here.catalog.vendors)}.",
        )
    return found.id


def _source(one: SourceReport) -> dict[str, Any]:
    counts = one.counts
    skipped = [{"reason": reason, "count": number} for reason, number in counts.skipped.most_common()]
    return {
        "source": one.source,
        "format": one.format or None,
        "vendor": one.vendor,
        "read": counts.read,
        "added": counts.added,
        "updated": counts.updated,
        "unchanged": counts.unchanged,
        "skipped": skipped,
        "error": one.error,
        "hint": one.hint,
    }


def _say_errors(report: DirectoryReport) -> None:
    """On stderr in any case: who keeps the JSON in a file still sees what went wrong."""
    for one in report.sources:
        if one.error:
            output.tell(clean(f"{one.source}: {one.error}"), style="alarm")
            if one.hint:
                output.tell(f"  {clean(one.hint)}")


def _say(report: DirectoryReport, *, dry_run: bool) -> None:
    for one in report.sources:
        if one.error:
            continue
        counts = one.counts
        done = f"{counts.added:,} new, {counts.updated:,} changed, {counts.unchanged:,} as before"
        output.emit([f"{clean(one.source)}: {count(counts.read, 'entry', 'entries')} read; {done}."])
        if counts.skipped:
            left = ", ".join(f"{number:,} {reason}" for reason, number in counts.skipped.most_common())
            output.emit(wrapped(f"Left out: {clean(left)}.", output.out()))
    kept = "Nothing was kept (--dry-run). " if dry_run else ""
    output.talk(f"{kept}{count(report.organisations, 'organisation')} known: phr providers search TEXT")


def _tell(found: Sequence[Provider], *, json: bool, more: dict[str, Any] | None = None) -> None:
    if json:
        output.emit_json({"results": [_result(one) for one in found], **(more or {})})
    elif found:
        output.emit(_rows(found, output.out()))


def _rows(found: Sequence[Provider], view: Screen) -> list[str]:
    """One line each where all of it fits; on a narrow screen the address has a line of its own."""
    rows = [
        tuple(
            clean(cell)
            for cell in (one.id, one.name, one.vendor.id, one.place or "", one.fhir_base or _NO_BASE)
        )
        for one in found
    ]
    sizes = [max(width(head), *(width(row[at]) for row in rows)) for at, head in enumerate(_HEADS)]
    if not view.columns or sum(sizes) + 2 * (len(sizes) - 1) <= view.columns:
        return table(rows, _HEADS, view, wide=1)
    caps = (view.columns * 3 // 10, 0, 14, view.columns // 5)
    id_, vendor, place = (max(len(_HEADS[at]), min(sizes[at], caps[at])) for at in (0, 2, 3))
    name = max(12, min(sizes[1], view.columns - id_ - vendor - place - 6))
    lines = []
    for number, row in enumerate((_HEADS, *rows)):
        style = "bold" if number == 0 else None
        # An id is what one types next: it is never cut.
        cells = (
            pad(row[0], id_),
            *(pad(elide(row[at], size), size) for at, size in ((1, name), (2, vendor), (3, place))),
        )
        first = "  ".join(cells).rstrip()
        spare = width(row[0]) - id_
        if spare > 0:
            name_here = max(8, name - spare)
            first = "  ".join((row[0], pad(elide(row[1], name_here), name_here), *cells[2:])).rstrip()
        lines.append(view.paint(view.spell(view.fit(first)), style))
        lines.append(view.paint(view.spell(view.fit(f"  {row[4]}")), style or "dim"))
    return lines


def _result(one: Provider) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "vendor": one.vendor.id,
        "place": one.place,
        "fhir_base": one.fhir_base,
        "vendor_name": one.vendor.name,
        "sandbox": one.sandbox,
        "shared": one.shared,
    }
