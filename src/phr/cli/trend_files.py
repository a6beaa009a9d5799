"""A trend as a file: CSV for a spreadsheet, SVG for a page or a printer."""

from __future__ import annotations

from typing import Any

Report = dict[str, Any]
COLUMNS = (
    "measurement code date value unit comparator bound original low high abnormal direction interpretation status"
    " converted source id note"
).split()


def csv(report: Report) -> bytes:
    """Every point a line (RFC 4180), what could not be drawn too, with the reason as a note."""
    import csv as writer_of
    import io

    from phr.cli.text import cell

    out = io.StringIO()
    writer = writer_of.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in report.get("series") or [report]:
        rows = [*one["points"], *one["refused"]]
        for point in sorted(rows, key=lambda each: str(each["date"] or "")):
            said = {"measurement": one["name"], "note": point.get("reason")}
            writer.writerow([cell(_plain(said.get(name, point.get(name)))) for name in COLUMNS])
    return out.getvalue().encode("utf-8")


def _plain(value: object) -> object:
    return ("yes" if value else "no") if isinstance(value, bool) else value


def svg(report: Report) -> bytes:
    """The picture; a panel has one above the other."""
    from phr.charts.model import Picture
    from phr.charts.svg import draw
    from phr.errors import UsageError
    from phr.views.trend_chart import curve

    series = report.get("series") or [report]
    found = [(one, drawn) for one in series if (drawn := curve(one)) is not None]
    if not found:
        raise UsageError(
            "None of these values is a number that could be drawn.", hint="Look at them: --format table"
        )
    curves = [drawn for _, drawn in found]
    if "panel" not in report and len({one.unit for one in curves}) == 1 and len(curves) == 2:
        words = "\n".join(f"{one['name'].split()[0]}: {_words(one)}" for one, _ in found)
        pictures = [Picture(str(report["pair_name"]), words, tuple(curves), _sources(series))]
    else:
        pictures = [Picture(one["name"], _words(one), (drawn,), _sources([one])) for one, drawn in found]
    title = str(report.get("title") if "panel" in report else report.get("pair_name") or report["name"])
    return draw(title, pictures, look="file").encode("utf-8")


def _words(report: Report) -> str:
    words = str(report["words"])
    refused = len(report["refused"])
    return f"{words} Not drawn: {refused}." if refused else words


def _sources(series: list[Report]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(name for one in series for point in one["points"] for name in point["sources"])
    )
