"""A trend on a screen: the words first, then the picture, then the last values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from phr.cli.text import Screen, clean, count, day, elide, width, wrapped
from phr.cli.trend_columns import columns, spelled
from phr.views.trend_words import decimals, shown, unit_said, written

if TYPE_CHECKING:
    from phr.views.trends import Measurement

Report = dict[str, Any]
LISTED = 40
LAST = 10
_REFUSED = 8
_SHAPES = {"high": "▲", "low": "▼"}
_LETTERS = {"high": "^", "low": "v"}


def trend_lines(report: Report, view: Screen, *, plot: bool, table: bool) -> Iterator[str]:
    """One measurement, or the parts of one reading, such as blood pressure."""
    series = report.get("series") or [report]
    yield from _heading(report.get("pair_name") or _named(report), view)
    if not any(one["points"] for one in series) and not any(one["refused"] for one in series):
        yield "No value in this time."
        return
    for one in series:
        label = f"{clean(one['name'])}: " if len(series) > 1 else ""
        yield from _said(label + (one["words"] or "No value can be told."), view)
    if plot:
        yield from _picture(series, view)
    if table:
        yield ""
        yield from _table(series, view, most=LAST if plot else None)
    yield from _notes(series, view)


_SAME = frozenset(
    "my the body level levels serum plasma blood measured quantitative total test result in or".split()
)
"""Words that make no other name of one."""


def _named(report: Report) -> str:
    """Its short name, and what the newest record is called where that says something else."""
    from phr.views.titles import plain

    name, title = str(report["name"]), clean(plain(str(report["title"] or "")))
    known = {*name.casefold().replace(",", " ").split(), *_SAME}
    return name if known.issuperset(title.casefold().replace(",", " ").split()) else f"{name}: {title}"


def _heading(title: str, view: Screen) -> Iterator[str]:
    for line in wrapped(clean(title), view, indent=0):
        yield view.paint(spelled(line, view), "heading")


def _said(words: str, view: Screen) -> Iterator[str]:
    for line in wrapped(plainly(words).replace(" %", "\xa0%"), view, indent=0):
        yield spelled(line, view)


def plainly(text: str) -> str:
    """A unit that is only a remark (UCUM section 2.1, §12) without its braces."""
    return clean(text).replace("{", "").replace("}", "")


def _picture(series: Sequence[Report], view: Screen) -> Iterator[str]:
    from phr.charts import terminal
    from phr.views.trend_chart import curve

    curves = [found for one in series if (found := curve(one)) is not None]
    units = {found.unit for found in curves}
    together = [curves[:2]] if len(curves) == 2 and len(units) == 1 else [[one] for one in curves]
    if not curves:
        return
    for group in together:
        yield ""
        title = group[0].unit if len(together) == 1 else f"{group[0].name}, {group[0].unit}"
        title = clean(title)
        if title.strip(", "):
            yield view.paint(spelled(title.strip(", "), view), "dim")
        size = terminal.Size(min(view.columns or 80, 120), unicode=view.unicode)
        for row in terminal.plot(group, size):
            yield "".join(view.paint(text, style) for text, style in row).rstrip()
        for line in _legend(terminal.legend(group, unicode=view.unicode), view):
            yield view.paint(line, "dim")


def _legend(parts: Sequence[str], view: Screen) -> Iterator[str]:
    line = ""
    for part in parts:
        text = spelled(plainly(part), view)
        if line and width(line) + 3 + width(text) > (view.columns or 80):
            yield from wrapped(line, view, indent=0)
            line = ""
        line = f"{line}   {text}" if line else text
    if line:
        yield from [line] if width(line) <= (view.columns or 80) else wrapped(line, view, indent=0)


def _sign(point: Report, view: Screen) -> str:
    shapes = _SHAPES if view.unicode else _LETTERS
    sign = shapes.get(point["direction"] or "", ("◆" if view.unicode else "!") if point["abnormal"] else "")
    return sign * 2 if point["interpretation"] in ("HH", "LL", "AA") else sign


_STANDING = {
    "preliminary": "preliminary",
    "registered": "preliminary",
    "corrected": "corrected",
    "amended": "corrected",
    "unknown": "status unknown",
}


def _table(series: Sequence[Report], view: Screen, *, most: int | None) -> Iterator[str]:
    rows = _rows(series)
    shown_rows = rows[:most]
    several = len({name for row in rows for point in row[1] if point for name in point["sources"]}) > 1
    heads = ["DATE", *(_short(one["name"]) if len(series) > 1 else "VALUE" for one in series)]
    converted = any(point and point["converted"] for _, points in shown_rows for point in points)
    ranged = len(series) == 1 and any(_range(point) for _, (point, *_) in shown_rows if point)
    digits = [decimals(one["points"]) for one in series]
    cells: list[list[tuple[str, str | None]]] = []
    days = Counter((date or "")[:10] for date, _ in shown_rows)
    for date, points in shown_rows:
        alone = days[(date or "")[:10]] == 1
        line: list[tuple[str, str | None]] = [((date or "")[:10] if alone else day(date), None)]
        first = next(point for point in points if point)
        for number, point in enumerate(points):
            text = plainly(shown(point, digits[number])) if point else ""
            sign = _sign(point, view) if point else ""
            line.append((f"{text} {sign}".strip(), "red" if sign else None))
        if ranged:
            line.append((_range(first), "dim"))
        if converted:
            own_words = [
                clean(written(point["original"])) for point in points if point and point["converted"]
            ]
            line.append((f"as written: {' · '.join(own_words)}" if own_words else "", "dim"))
        own = {"value", "unit", "date"} & set(first["corrected"])
        line.append(("your correction" if own else _STANDING.get(first["status"] or "", ""), None))
        if several:
            line.append((clean(first["source"]), "dim"))
        line.append((", ".join(dict.fromkeys(point["id"] for point in points if point)), "dim"))
        cells.append(line)
    names = [*heads, *(["USUAL RANGE"] if ranged else []), *([""] if converted else []), ""]
    names += ["SOURCE"] if several else []
    yield from columns([*names, "ID"], cells, view, ("SOURCE", "", "USUAL RANGE"))
    if most is not None and len(rows) > most:
        more = "more than " if any(one["more"] for one in series) else ""
        yield view.paint(f"The last {most} of {more}{len(rows):,}. All of them: --format table", "dim")


def _short(name: str) -> str:
    return clean(name).replace(" blood pressure", "").upper()


def _rows(series: Sequence[Report]) -> list[tuple[str | None, list[Report | None]]]:
    """Newest first; parts of one reading side by side."""
    if len(series) == 1:
        return [(point["date"], [point]) for point in reversed(series[0]["points"])]
    found: dict[tuple[str, str], list[Report | None]] = {}
    at_once: dict[str, tuple[str, str]] = {}
    for number, one in enumerate(series):
        for point in one["points"]:
            date, key = point["date"], (point["date"], point["id"])
            if key not in found and "T" in date:  # told apart, but of one moment
                other = found.get(at_once.setdefault(date, key))
                key = at_once[date] if other is None or other[number] is None else key
            found.setdefault(key, [None] * len(series))[number] = point
    dated = sorted(found.items(), key=lambda item: item[0], reverse=True)
    return [(date, points) for (date, _), points in dated]


def _range(point: Report) -> str:
    from phr.charts.model import range_words

    return range_words(point["low"], point["high"]) or plainly(point.get("range_text") or "")


def _notes(series: Sequence[Report], view: Screen) -> Iterator[str]:
    refused = [point for one in series for point in one["refused"]]
    if refused:
        yield ""
        yield view.paint(f"Not drawn: {count(len(refused), 'value')}", "bold")
        for point in refused[-_REFUSED:]:
            text = f"{day(point['date']) or 'no date'}  {clean(written(point['original']))}: {plainly(point['reason'])}"
            for line in wrapped(text, view, indent=2):
                yield spelled(line, view)
        if len(refused) > _REFUSED:
            yield f"  and {len(refused) - _REFUSED} more: --json"
    facts = {
        f"{unit_said(each['from'])} became {unit_said(each['to'])}: {each['why']}": None
        for one in series
        for each in one["conversions"]
        if each["why"]
    }
    if facts:
        yield ""
    for fact in facts:
        for line in wrapped(clean(fact), view, indent=0):
            yield view.paint(spelled(line, view), "dim")
    if any(one["more"] for one in series):
        most = max(len(one["points"]) for one in series)
        yield view.paint(
            f"The newest {most:,} are shown. More: --limit {max(1000, most * 4)}, or --until D", "dim"
        )


# ── several at once ───────────────────────────────────────────────────────────────────────────────────


def panel_lines(report: Report, view: Screen, *, plot: bool) -> Iterator[str]:
    """A panel: one line each, or a plot each."""
    yield from _heading(report["title"], view)
    if plot:
        for one in report["series"]:
            yield ""
            yield view.paint(spelled(clean(one["name"]), view), "bold")
            yield from _said(one["words"], view)
            yield from _picture([one], view)
    else:
        yield from columns(
            ("", "LAST", "DATE", "USUAL", "CHANGE", "TREND"),
            [_panel_row(one, view) for one in report["series"]],
            view,
            ("CHANGE", "USUAL"),
        )
        moving = {one["direction"] for one in report["series"]} & {"rising", "falling"}
        if moving and view.unicode:
            arrows = {"falling": "↘ falling", "rising": "↗ rising"}
            words = "  ".join(arrows[each] for each in sorted(moving))
            yield view.paint(f"{words}. One of them with its dates: phr trend NAME", "dim")
    refused = sum(len(one["refused"]) for one in report["series"])
    if refused:
        yield view.paint(f"Not drawn: {count(refused, 'value')}, see phr trend CODE", "dim")
    if report["missing"]:
        yield ""
        missing = clean(", ".join(report["missing"]))
        yield from (
            view.paint(spelled(line, view), "dim")
            for line in wrapped(f"Not in the record: {missing}", view, indent=0)
        )


def _panel_row(one: Report, view: Screen) -> list[tuple[str, str | None]]:
    last = one["latest"]
    if last is None:
        return [(clean(one["name"]), None), ("not drawn", None), *([("", None)] * 4)]
    digits = decimals(one["points"])
    sign = _sign(last, view)
    change = one["change"]
    moved = ""
    if change is not None:
        from phr.views.trend_words import figure

        moved = f"{'+' if change > 0 else '−' if change < 0 else ''}{figure(abs(change), digits)}"
        moved = moved if moved.strip("+−0.,") else "same"
    from phr.charts import terminal
    from phr.views.trend_chart import curve

    found = curve(one)
    drawn = found is not None and len(found.exact) > 1
    bars = terminal.sparkline(found.dots, 8, unit=found.unit, unicode=view.unicode) if found and drawn else []
    direction = {"rising": "↗", "falling": "↘"}.get(one["direction"], "")
    if not view.unicode:
        direction = one["direction"] if direction else ""
    return [
        (clean(one["name"]), None),
        (f"{plainly(shown(last, digits))} {sign}".strip(), "red" if sign else None),
        (str(last["date"])[:10], None),
        (_range(last), "dim"),
        (moved, None),
        (f"{''.join(text for text, _ in bars)} {direction}".strip(), None),
    ]


def list_lines(found: Sequence[Measurement], panels: Sequence[dict[str, str]], view: Screen) -> Iterator[str]:
    """What the record holds."""
    if not found:
        return
    rows: list[list[tuple[str, str | None]]] = []
    for one in found:
        many = f"{one.count:,}" if one.count <= 1_000 else "1,000+"
        last = clean(written(f"{one.latest} {one.unit or ''}".strip()))
        rows.append(
            [
                (clean(one.name), None),
                (elide(last, 20) if view.columns else last, None),
                ((one.date or "")[:10], None),
                (many, None),
                ((one.since or "")[:4], "dim"),
                (clean(one.code), "dim"),
            ]
        )
    yield from columns(
        ("MEASUREMENT", "LAST", "DATE", "VALUES", "SINCE", "CODE"), rows, view, ("SINCE", "CODE")
    )
    if panels:
        yield ""
        names = ", ".join(one["id"] for one in panels)
        yield from (
            spelled(line, view) for line in wrapped(f"Several at once: phr trend {names}", view, indent=0)
        )


def listed(one: Measurement) -> dict[str, Any]:
    """A measurement in JSON."""
    return {
        "key": one.key,
        "code": one.code,
        "title": one.title,
        "name": one.name,
        "kind": one.kind,
        "unit": one.unit,
        "count": min(one.count, 1_000),
        "more": one.count > 1_000,
        "latest": one.latest,
        "date": one.date,
        "since": one.since,
    }
