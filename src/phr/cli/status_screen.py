"""The parts of `phr status` that are about the record: how much of what, what is new, what is due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from phr.cli.lines import mark, measured, titled
from phr.cli.text import Screen, clean, count, day, elide, kind_word, pad, width

Report = dict[str, Any]
_BARS = 8
"""So many kinds have a bar; the others are counted behind them."""
_SHOWN = 3
_WIDE = 100
_KIND = 11


def kept(report: Report, view: Screen, *, detailed: bool = False) -> Iterator[str]:
    """How many records of each kind, the most frequent with a bar, in two columns."""
    kinds = sorted(report["records_by_kind"].items(), key=lambda item: (-item[1], item[0]))
    total = sum(number for _, number in kinds)
    resources = sum(report["resources_by_type"].values())
    from_ = f" from {count(resources, 'resource')}" if detailed else ""
    yield view.paint(f"{count(total, 'record')}{from_}", "bold")
    if len(kinds) <= 3:
        shown: list[tuple[str, int]] = []
    else:
        shown = kinds[:_BARS]
    if shown:
        half = (len(shown) + 1) // 2
        room = ((view.columns or _WIDE) - 4) // 2
        for at in range(half):
            pair = [shown[place] for place in (at, at + half) if place < len(shown)]
            cells = [_bar(kind, number, shown[0][1], room, view) for kind, number in pair]
            yield "  " + "  ".join(cells).rstrip()
    rest = kinds[len(shown) :]
    if rest:
        yield _in_a_line(rest, view)


def _in_a_line(kinds: Sequence[tuple[str, int]], view: Screen) -> str:
    """The rarer kinds, as many as fit; the others are counted."""
    for shown in range(len(kinds), -1, -1):
        words = [f"{number:,} {kind_word(kind)}" for kind, number in kinds[:shown]]
        left = kinds[shown:]
        if left:
            words.append(f"{sum(number for _, number in left):,} in {count(len(left), 'other kind')}")
        line = f"  {', '.join(words)}"
        if not view.columns or width(line) <= view.columns:
            return line
    return "  …"


def _bar(kind: str, number: int, most: int, room: int, view: Screen) -> str:
    figure = f"{number:,}"
    digits = len(f"{most:,}")
    space = max(4, room - _KIND - digits - 3)
    length = max(1, round(space * number / most)) if most else 0
    bar = ("█" if view.unicode else "#") * length
    said = f"{pad(kind_word(kind), _KIND)} {pad(figure, digits, right=True)}"
    return f"{said} {view.paint(bar, 'cyan')}{' ' * (space - length)}"


def seen(report: Report, view: Screen) -> Iterator[str]:
    """The newest records; results outside their range, since the last look where there was one."""
    yield from _events("Newest", report["newest"], view)
    found, since = report["abnormal_since"], report["looked"]
    if found:
        label = (
            f"Outside their range, new since {day(since)[:10]}"
            if since
            else "Outside their range, the newest"
        )
        yield from _events(label, found, view)
        if len(found) > _SHOWN and since:
            yield f"  and {len(found) - _SHOWN:,} more: phr summary"
    elif since:
        yield view.paint(view.fit(f"Nothing new outside its range since {day(since)[:10]}"), "dim")


def _events(label: str, events: Sequence[Report], view: Screen) -> Iterator[str]:
    if not events:
        return
    yield view.paint(view.fit(label), "bold")
    for one in events[:_SHOWN]:
        sign = view.spell(mark(one))
        value = f"  {measured(one)}" if measured(one) else ""
        left = f"  {pad(clean(one['date'])[:10], 10)}  {pad(kind_word(one['kind']), _KIND)}"
        number = clean(one["id"])
        room = (view.columns or _WIDE) - width(left) - width(number) - 2
        said = f"{titled(one)}{value}{' ' + sign if sign else ''}"
        if width(said) > room and value:
            tail = f"{value}{' ' + sign if sign else ''}"
            said = f"{elide(titled(one), max(10, room - width(tail)))}{tail}"
        said = elide(said, room) if view.columns else said
        yield view.spell(f"{left}{pad(said, room)}  {view.paint(number, 'dim')}")


def due(report: Report, view: Screen) -> Iterator[str]:
    """Tasks, overdue ones named; the next appointment."""
    tasks = report["due_tasks"]
    late = [one for one in tasks if one["overdue"]]
    if tasks:
        overdue = f", {len(late):,} overdue" if late else ""
        first = (late or tasks)[0]
        when = f" by {clean(first['due'])[:10]}" if first["due"] else ""
        line = f"{count(len(tasks), 'task')} to do{overdue}: {titled(first)}{when}"
        more = ": phr summary" if len(tasks) > 1 else ""
        line = elide(line, view.columns - width(more)) if view.columns else line
        yield view.paint(view.spell(line + more), "yellow" if late else None)
    coming = report["next_appointment"]
    if coming:
        where = clean(coming["facility"] or coming["performer"])
        said = f"Next: {day(coming['date'])}  {titled(coming)}{', ' + where if where else ''}"
        yield view.spell(view.fit(said))
