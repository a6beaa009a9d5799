"""The quality of a record on a screen: a bar for each share of each source, then what is worth asking about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from phr.cli.text import Screen, clean, count, day, elide, kind_word, pad, width, wrapped

Report = dict[str, Any]
_ASPECTS = (
    ("coded", "with a code that others can read"),
    ("dated", "with a date"),
    ("unit", "numbers with their unit"),
    ("range", "lab results with their usual range"),
    ("attributed", "saying who or where"),
)
_LABELS = {"coded": "coded", "dated": "dated", "unit": "unit", "range": "range", "attributed": "who/where"}
_HEADINGS = {
    "birth_date": "Two birth dates",
    "before_birth": "Dated before birth",
    "after_death": "Dated after death",
    "future": "Dated in the future",
    "end_before_start": "Ends before it begins",
    "impossible": "Not possible",
    "factor_of_ten": "Perhaps a decimal point in the wrong place",
    "unit": "Perhaps another unit is meant",
    "range": "Flag and range contradict each other",
    "duplicate": "Told twice by the same source",
    "code": "Codes that cannot be right",
}
_EACH = 5
"""So many of one reason and one source are told one by one."""
_LEAST, _MOST = 10, 40
"""Cells of a bar."""
_POOR = 0.5


def quality_lines(report: Report, view: Screen, most: int = _EACH) -> Iterator[str]:
    """The whole page, in marks that the screen has; `most` of one reason and one source are told one by one."""
    return map(view.spell, _page(report, view, most))


def _page(report: Report, view: Screen, most: int) -> Iterator[str]:
    for at, source in enumerate(report["sources"]):
        if at:
            yield ""
        yield from _source(source, view)
    yield ""
    yield from _asking(report, view, most)


def _source(source: Report, view: Screen) -> Iterator[str]:
    yield view.paint(view.fit(f"{clean(source['source'])}  {count(source['records'], 'record')}"), "heading")
    room = view.columns or 100
    digits = max(len(f"{source[name]['of']:,}") for name, _ in _ASPECTS)
    words = max(len(text) for _, text in _ASPECTS)
    fixed = 2 + 9 + 2 + 5 + 2 + 2 * digits + 4
    wide = room - fixed - 4 - words >= _LEAST
    bar = max(_LEAST, min(_MOST, room - fixed - 2 - (words + 2 if wide else 0)))
    for name, text in _ASPECTS:
        share = source[name]
        if not share["of"]:
            continue
        poor = share["share"] < _POOR
        of = f"{share['have']:,}".rjust(digits) + " of " + f"{share['of']:,}".rjust(digits)
        line = f"  {pad(_LABELS[name], 9)}  "
        drawn = _bar(share["share"], bar, view)
        tail = f"  {_percent(share['share']):>3} %  {of}" + (f"  {text}" if wide else "")
        yield line + view.paint(drawn, "yellow" if poor else "green") + view.fit(tail)
    for line in _weakest(source):
        yield from (view.paint(view.spell(one), "dim") for one in wrapped(line, view))


def _bar(share: float, cells: int, view: Screen) -> str:
    full = round(cells * share)
    if 0 < share < 1:
        full = min(cells - 1, max(1, full))
    return ("█" * full + "░" * (cells - full)) if view.unicode else ("#" * full + "." * (cells - full))


def _percent(share: float) -> int:
    """Rounded, but 100 only for all and 0 only for none."""
    return min(99, max(1, round(100 * share))) if 0 < share < 1 else round(100 * share)


def _weakest(source: Report) -> Iterator[str]:
    """Of which kinds most is without a code or a date: what the bars do not tell."""
    for name, words in (("coded", "Without such a code"), ("dated", "Without a date")):
        lacking = [
            (one[name]["of"] - one[name]["have"], kind)
            for kind, one in source["by_kind"].items()
            if one[name]["of"] > one[name]["have"]
        ]
        if lacking:
            told = [f"{number:,} {kind_word(kind)}" for number, kind in sorted(lacking, reverse=True)]
            more = f" and {count(len(told) - 4, 'other kind')}" if len(told) > 4 else ""
            yield f"{words}: {', '.join(told[:4])}{more}."


# ── worth asking about ────────────────────────────────────────────────────────────────────────────


def _asking(report: Report, view: Screen, most: int) -> Iterator[str]:
    found = report["implausible"]
    checked = f"{count(report['checked'], 'record')} and {count(report['values'], 'number')} checked"
    if not found:
        yield from wrapped(f"{checked}: nothing stands out as impossible.", view, indent=0)
        return
    yield view.paint(view.fit(f"Worth asking about: {len(found):,}  ({checked})"), "bold")
    for reason in dict.fromkeys(one["reason"] for one in found):
        those = [one for one in found if one["reason"] == reason]
        yield ""
        yield view.paint(view.fit(f"{_HEADINGS[reason]} ({len(those):,})"), "bold")
        yield from _one_reason(those, view, most, several=len(report["sources"]) > 1)
    yield ""
    ending = (
        f"Nothing is changed. phr show {found[0]['record']} shows the first one whole; ask the place that sent it."
        " What you know better goes beside it: phr edit RECORD"
    )
    yield from (view.paint(line, "dim") for line in wrapped(ending, view, indent=0))


def _one_reason(found: Sequence[Report], view: Screen, limit: int, *, several: bool) -> Iterator[str]:
    groups: dict[tuple[str, str], list[Report]] = {}
    for one in found:
        groups.setdefault((one["source"], one["title"] if one["reason"] == "code" else ""), []).append(one)
    shown = list(groups.items())
    for at, ((source, _), those) in enumerate(shown):
        if one_by_one := those[0]["reason"] != "code":
            most = limit
        else:
            most = 1
            if at >= limit:
                rest = sum(len(each) for _, each in shown[at:])
                yield f"  … and {rest:,} more (--limit N shows more)"
                return
        for one in those[:most]:
            yield from _one(one, view, clean(source) if several else "", 0 if one_by_one else len(those) - 1)
        if one_by_one and len(those) > most:
            yield view.spell(
                f"  … and {len(those) - most:,} more{f' from {clean(source)}' if several else ''} (--limit N shows more)"
            )


def _one(one: Report, view: Screen, source: str, alike: int) -> Iterator[str]:
    from phr.views.titles import plain

    number = clean(one["record"])
    when = pad(day(one["date"])[:10] or "no date", 10)
    value = _value(one)
    room = (view.columns or 120) - 2 - 6 - 2 - 10 - 2
    title = clean(plain(str(one["title"])))
    said = (
        f"{elide(title, max(12, room - width(value) - 2))}  {value}".rstrip() if value else elide(title, room)
    )
    yield f"  {view.paint(pad(number, 6, right=True), 'bold')}  {when}  {view.spell(said)}"
    detail = clean(one["detail"]) + (f" And in {count(alike, 'more record')}." if alike else "")
    detail += f" ({source})" if source else ""
    for line in wrapped(detail, view, indent=10):
        yield view.paint(view.spell("          " + line.strip()), "dim")


def _value(one: Report) -> str:
    from phr.views.figures import short, unit_words

    if one["reason"] in ("code", "birth_date") or one["value"] in (None, ""):
        return ""
    return elide(clean(f"{short(str(one['value']))} {unit_words(str(one['unit'] or ''))}"), 24)
