"""`phr resources`: the stored FHIR resources as a list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import further, workspace
from phr.cli.options import Json, names
from phr.cli.selecting import Sources, said_date
from phr.cli.text import Screen, clean, count, pad, size, when, wrapped

if TYPE_CHECKING:
    from phr.views.resources import Asked


def complete_types(ctx: typer.Context, incomplete: str) -> list[str]:
    """Types that begin like this; none when the record is locked."""
    return names(ctx, "SELECT DISTINCT type FROM resource ORDER BY type", incomplete)


def _as_date(value: str | None) -> str | None:
    return said_date("--changed-since", value)


Types = Annotated[
    list[str] | None,
    typer.Option(
        "--type",
        "-t",
        envvar="PHR_RESOURCES_TYPE",
        help="Only of this type, such as Observation; may be repeated.",
        autocompletion=complete_types,
        metavar="T",
    ),
]
Changed = Annotated[
    str | None,
    typer.Option(
        "--changed-since",
        help="Only what came or changed from this day on: 2024-03-15, “last week”.",
        metavar="D",
        callback=_as_date,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", "-n", min=0, help="So many (default: 40; with --json all).", metavar="N"),
]
_PAGE = 40


def resources(
    ctx: typer.Context,
    type_: Types = None,
    source: Sources = None,
    changed_since: Changed = None,
    gone: Annotated[bool, typer.Option("--gone", help="Only what its source has taken back.")] = False,
    counts: Annotated[
        bool, typer.Option("--counts", help="How many of each type, from each source.")
    ] = False,
    limit: Limit = None,
    after: Annotated[
        str | None, typer.Option("--after", help="Go on where the last page ended.", metavar="CURSOR")
    ] = None,
    json: Json = False,
) -> None:
    """The FHIR resources as they are kept: type and id, source, size, since when, and the record each is shown in.

    The bytes of one, exactly as they were sent: phr show Type/id --raw

    \b
    phr resources --counts
    phr resources --type Observation --source clinic --changed-since 2024-03-15

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no such type or source), 6 locked.
    """
    from phr.views import resources as view

    asked = view.Asked(tuple(type_ or ()), tuple(source or ()), _instant(changed_since), gone)
    with workspace(ctx).store() as store:
        if counts:
            report = view.counts(store, asked)
        else:
            most = limit if limit is not None or json else _PAGE
            report = view.resources(store, asked, limit=most, after=after)
    if json:
        output.emit_json(report)
    elif not report["total"]:
        output.talk(
            "No resource fits."
            if asked != view.Asked()
            else "Nothing is kept yet: phr connect, or phr import FILE"
        )
    elif counts:
        output.emit(count_lines(report, output.out()))
    else:
        output.emit(resource_lines(report, output.out(), asked))
        if report["next"]:
            output.emit([output.out().paint(f"More: {further(ctx, report['next'])}", "dim")])


def _instant(day: str | None) -> str | None:
    """The first moment of a day on this computer's clock, as instants are kept: in UTC, to the second."""
    from datetime import datetime

    from phr.fhir import dates

    found = dates.parse(day) if day else None
    if found is None:
        return None
    if found.precision in ("minute", "second"):
        return _utc(found.start)
    text = found.text[:10]
    whole = text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text
    return _utc(datetime.fromisoformat(whole).astimezone().timestamp())


def _utc(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def resource_lines(report: dict[str, Any], view: Screen, asked: Asked) -> Iterator[str]:
    """A table; on a narrow screen the id gives way, then when it was first seen and its size."""
    found = report["resources"]
    several = len({one["source"] for one in found}) > 1
    heads = ["RECORD", "RESOURCE", "SOURCE", "FIRST SEEN", "CHANGED", "SIZE", "VERSIONS", "STATE"]
    rows = [
        {
            "RECORD": one["record"] or "",
            "RESOURCE": one["resource"],
            "SOURCE": one["source"] if several else "",
            "FIRST SEEN": when(one["first_seen"])[:10],
            "CHANGED": when(one["changed"])[:10],
            "SIZE": size(one["bytes"]),
            "VERSIONS": str(one["versions"]) if one["versions"] > 1 else "",
            "STATE": "" if one["state"] == "current" else clean(one["state"]),
        }
        for one in found
    ]
    from phr.cli.columns import listing

    yield from listing(rows, heads, view, wide="RESOURCE", give=("SIZE", "FIRST SEEN", "SOURCE"), least=36)
    yield ""
    said = count(report["total"], "resource")
    sources = "" if several or not found else f" from {clean(found[0]['source'])}"
    if len(found) < report["total"]:
        said += f". Shown: {len(found):,}"
    yield from (view.paint(line, "dim") for line in wrapped(f"{said}{sources}.", view, indent=0))


def count_lines(report: dict[str, Any], view: Screen) -> Iterator[str]:
    """How many of each type, with a bar, and below it each source where there are several."""
    found = report["counts"]
    sources = sorted({one["source"] for one in found})
    types: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        types.setdefault(one["type"], []).append(one)
    most = max(sum(one["count"] for one in those) for those in types.values())
    wide = max(len(type_) for type_ in types)
    digits = len(f"{most:,}")
    bar = max(6, min(30, (view.columns or 100) - wide - digits - 24))
    for type_, those in sorted(types.items(), key=lambda item: -sum(one["count"] for one in item[1])):
        number = sum(one["count"] for one in those)
        length = max(1, round(bar * number / most))
        drawn = view.paint(("█" if view.unicode else "#") * length, "cyan") + " " * (bar - length)
        gone = sum(one["gone"] for one in those)
        tail = f"{size(sum(one['bytes'] for one in those)):>9}" + (f"  {gone:,} gone" if gone else "")
        yield f"  {pad(type_, wide)}  {pad(f'{number:,}', digits, right=True)}  {drawn}  {tail}".rstrip()
        if len(sources) > 1:
            told = ", ".join(f"{one['count']:,}\xa0{clean(one['source'])}" for one in those)
            yield from (view.paint(line, "dim") for line in wrapped(told, view, indent=6))
    yield ""
    from_ = f" from {count(len(sources), 'source')}" if len(sources) > 1 else f" from {clean(sources[0])}"
    yield view.paint(
        view.fit(f"{count(report['total'], 'resource')} of {count(len(types), 'type')}{from_}."), "dim"
    )
