"""`phr trend`: one measurement over time, in words, drawn, and as a table."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json
from phr.cli.selecting import Since, Sources, Until, select
from phr.errors import UsageError

if TYPE_CHECKING:
    from phr.store.store import Store

Report = dict[str, Any]


class TrendFormat(StrEnum):
    """How a trend is written."""

    TABLE = "table"
    PLOT = "plot"
    JSON = "json"
    CSV = "csv"
    SVG = "svg"


def complete_measurements(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of measurements and panels that begin like this; none when the record is locked."""
    from phr.errors import PhrError
    from phr.views import trends

    try:
        with workspace(ctx).store() as store:
            names = [one.name.lower() for one in trends.measured(store, counts=False)]
            names += [one["id"] for one in trends.panels(store)]
    except (PhrError, AssertionError):
        return []
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete.lower())]


def trend(
    ctx: typer.Context,
    name: Annotated[
        list[str] | None,
        typer.Argument(
            help="A code, a name as you say it, or a panel; without any: what there is.",
            metavar="[CODE_OR_NAME]...",
            autocompletion=complete_measurements,
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    source: Sources = None,
    unit: Annotated[
        str | None, typer.Option("--unit", help="Show it in this unit, such as mmol/L.", metavar="UNIT")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=1, help="Only the newest so many values.", metavar="N"),
    ] = None,
    layout: Annotated[
        TrendFormat | None,
        typer.Option(
            "--format",
            "-f",
            envvar="PHR_TREND_FORMAT",
            help="Default: words, a plot and the last ten; piped, words and a table.",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            envvar="PHR_TREND_OUTPUT",
            help="csv, svg: where to; - is stdout.",
            metavar="FILE",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """One measurement over time: all sources in one unit, its usual range shaded, what it does in words.

    Panels are several at once: lipids, liver, kidney, cbc, bmp, cmp, thyroid, lungs, vitals, iron, diabetes.

    \b
    phr trend
    phr trend a1c
    phr trend blood pressure --since 2024
    phr trend glucose --unit mmol/L --format csv
    phr trend lungs
    phr trend weight --format svg -o weight.svg

    Exit statuses: 0 fine, 1 failed, 2 usage (also: nothing, or more than one thing, is called so), 6 locked.
    """
    layout = TrendFormat.JSON if json else layout
    if to is not None and layout not in (TrendFormat.CSV, TrendFormat.SVG):
        layout = _by_name(to)
    if since is not None or until is not None:
        select(None, since, until)  # says which date is none
    words = " ".join(name or ()).strip()
    with workspace(ctx).store() as store:
        if not words:
            _list(store, layout, limit, to)
            return
        from phr.views import trends

        report = trends.trend(
            store,
            words,
            since=since,
            until=until,
            sources=tuple(source or ()),
            limit=limit,
            unit=unit,
            brief=layout not in (TrendFormat.JSON, TrendFormat.CSV),
        )
    _write(report, layout, to, words)


def _by_name(to: str) -> TrendFormat:
    for layout in (TrendFormat.SVG, TrendFormat.CSV):
        if to.lower().endswith(f".{layout.value}"):
            return layout
    raise UsageError("-o writes a picture or a table.", hint="Add --format svg or --format csv")


def _list(store: Store, layout: TrendFormat | None, limit: int | None, to: str | None) -> None:
    """What there is to ask for."""
    from phr.cli import trend_screen
    from phr.views import trends

    if layout not in (None, TrendFormat.TABLE, TrendFormat.JSON) or to is not None:
        raise UsageError(
            "Which measurement?", hint="phr trend a1c, for example. See which there are: phr trend"
        )
    if layout is TrendFormat.JSON:
        found = trends.measured(store, limit)
        output.emit_json(
            {"measurements": [trend_screen.listed(one) for one in found], "panels": trends.panels(store)}
        )
        return
    view = output.out()
    room = limit if limit is not None else trend_screen.LISTED if view.columns else None
    found = trends.measured(store, room + 1 if room else None)
    output.emit(trend_screen.list_lines(found[:room], trends.panels(store), view))
    if room and len(found) > room:
        output.talk(f"More: phr trend --limit {room * 4}")
    if not found:
        output.talk("There is no measurement in the record yet: phr connect, or phr import FILE")


def _write(report: Report, layout: TrendFormat | None, to: str | None, words: str) -> None:
    if layout is TrendFormat.JSON:
        output.emit_json(report)
    elif layout in (TrendFormat.CSV, TrendFormat.SVG):
        _hand_on(report, layout, to)
    else:
        from phr.cli import trend_screen

        view = output.out()
        plot = layout is TrendFormat.PLOT or (
            layout is None and view.columns is not None and sys.stdout.isatty()
        )
        table = layout is not TrendFormat.PLOT
        if "panel" in report:
            lines = trend_screen.panel_lines(report, view, plot=layout is TrendFormat.PLOT)
        else:
            lines = trend_screen.trend_lines(report, view, plot=plot, table=table)
        output.emit(lines)


def _hand_on(report: Report, layout: TrendFormat, to: str | None) -> None:
    """A file that is there whole or not at all, or stdout."""
    from phr.cli import trend_files

    content = trend_files.csv(report) if layout is TrendFormat.CSV else trend_files.svg(report)
    if to is None or to == "-":
        output.write(content)
        return
    from pathlib import Path

    from phr.cli.text import clean, size
    from phr.exporters.files import to_file

    path = Path(to)
    again = path.is_file()
    written = to_file(path, lambda out: out.write(content))
    output.talk(
        f"{'Written anew, over the older one' if again else 'Written'}: {clean(path)} ({size(written)})"
    )
