"""The timeline as lines on a screen: what people look at all day.

One event is one line, whatever the width; what happened in a visit stands beneath it, indented. The columns that are
there depend on the width and on what the page holds: nothing is shown for facilities nobody named or for a source when
there is only one; beside one source the person's own entries say "you". Without an edge (a pipe, a file) nothing is
cut and each line has its whole date, for `grep`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from phr.cli.lines import mark, measured, places, reference_range, titled
from phr.cli.text import Screen, clean, elide, kind_word, pad, width

if TYPE_CHECKING:
    from phr.views.gather import Shown

Event = dict[str, Any]

OWN = "self"
"""The source of what a person wrote down (workspace.own)."""
YOU = "you"
UNDATED = "Without a date"
NO_MONTH = "Month not known"
MONTHS = "January February March April May June July August September October November December".split()
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d:\d\d))?)?)?")
_FIGURES = re.compile(r"[<>=≤≥ ]*[\d.,]+(?:[/–:-][\d.,]+)*")
_KIND = 10
_STEP = 2
_DEEPEST = 3
_COLOURS = {
    "lab_result": "cyan",
    "vital_sign": "cyan",
    "imaging": "cyan",
    "problem": "yellow",
    "allergy": "red",
    "medication": "magenta",
    "immunization": "green",
    "procedure": "blue",
    "encounter": "green",
    "clinical_note": "blue",
    "document": "blue",
}


class Line(NamedTuple):
    """One event in words."""

    year: str
    month: str
    day: str
    time: str
    date: str
    """As far as it is known: 2019, 2019-03, 2019-03-12."""
    kind: str
    title: str
    value: str
    mark: str
    range: str
    place: str
    who: str
    source: str
    id: str
    depth: int
    colour: str | None


class _Sizes(NamedTuple):
    """Cells of each column; 0 leaves it out. Without an edge (`cut` False) a text may be longer than its column."""

    date: int
    title: int
    value: int
    range: int
    place: int
    who: int
    source: int
    id: int
    time: bool
    cut: bool
    related: bool = False


def worded(
    shown: Sequence[Shown], *, starred: Collection[str] = (), relations: dict[str, str] | None = None
) -> list[Line]:
    """The page in words. `starred`: ids of milestones; `relations`: how each is related, said where the place stands."""
    lines: list[Line] = []
    root: Line | None = None
    others = {name for one in shown for name in one.event.get("sources") or ()} - {OWN}
    for one in shown:
        line = _line(one, root if one.depth else None, one.event["id"] in starred, relations or {})
        if len(others) <= 1:  # nobody needs to be told of it on each line
            own = list(one.event.get("sources") or ()) == [OWN]
            line = line._replace(source=YOU if own else "")
        root = root if one.depth else line
        lines.append(line)
    return lines


def drawn(
    shown: Sequence[Shown],
    view: Screen,
    *,
    starred: Collection[str] = (),
    relations: dict[str, str] | None = None,
) -> Iterator[str]:
    """The page as lines that do not wrap on this screen."""
    lines = worded(shown, starred=starred, relations=relations)
    sizes = _sizes(lines, view.columns, related=bool(relations))
    year = month = None
    above: Line | None = None
    for line in lines:
        if line.depth == 0 and line.year != year:
            if year is not None:
                yield ""
            yield heading(line.year, view)
            year, month, above = line.year, None, None
        if line.depth == 0 and line.month != month and year != UNDATED:
            if line.month or month is not None:
                yield view.paint(f" {line.month or NO_MONTH}", "bold" if line.month else "dim")
            month, above = line.month, None
        yield view.spell(_painted(line, above, sizes, view)).replace("★", "★" if view.unicode else "*")
        above = line


def heading(text: str, view: Screen) -> str:
    """A year with a rule behind it."""
    rule = "─" * ((view.columns or 72) - width(text) - 1)
    return f"{view.paint(text, 'heading')} {view.paint(view.spell(rule), 'dim')}"


def _line(one: Shown, root: Line | None, star: bool, relations: dict[str, str]) -> Line:
    event = one.event
    year, month, day, time = dated(event.get("date"))
    under = (year, month) if year else dated(one.stands)[:2]
    name = MONTHS[int(under[1]) - 1] if under[1] else ""
    title = titled(event)
    if one.again:
        title += " (more on the next page)" if one.later else " (continued)"
    elif event["kind"] == "encounter" and (until := _until(event)):
        title += f" (until {until})"
    number = day.lstrip("0") or ("–" if month else "")
    if root is not None and year and (year, name) != (root.year, root.month):
        # The heading above is not that of this line, so it says its date itself.
        said = " ".join(
            part for part in (day.lstrip("0"), name[:3], year if year != root.year else "") if part
        )
        title, number = f"{said} · {title}", ""
    where, who = places(event)
    if event["id"] in relations:
        where, who = relations[event["id"]], ""
    return Line(
        year=under[0] or UNDATED,
        month=name,
        day=number,
        time=time,
        date="-".join(part for part in (year, month, day) if part),
        kind=kind_word(event["kind"]),
        title=f"★ {title}" if star else title,
        value=measured(event),
        mark=mark(event),
        range=reference_range(event),
        place=where,
        who=who,
        source=", ".join(YOU if name == OWN else clean(name) for name in event.get("sources") or ()),
        id=str(event["id"]),
        depth=min(one.depth, _DEEPEST),
        colour=_COLOURS.get(event["kind"]),
    )


def dated(date: object) -> tuple[str, str, str, str]:
    """Year, month, day and time as far as the source wrote them; nothing is moved to another time zone."""
    found = _DATE.match(str(date or ""))
    year, month, day, time = (part or "" for part in (found.groups() if found else ("",) * 4))
    if month and not 1 <= int(month) <= 12:
        return year, "", "", ""
    return year, month, day, "" if time == "00:00" else time  # midnight: a day kept as an instant


def _until(event: Event) -> str:
    """The last day of what took longer than one."""
    began, ended = dated(event.get("date")), dated(event.get("end"))
    if not ended[2] or began[:3] >= ended[:3]:
        return ""
    said = f"{int(ended[2])} {MONTHS[int(ended[1]) - 1]}"
    return said if ended[0] == began[0] else f"{said} {ended[0]}"


def _longest(lines: Sequence[Line], name: str) -> int:
    return max((width(getattr(line, name)) for line in lines), default=0)


def _sizes(lines: Sequence[Line], columns: int | None, *, related: bool = False) -> _Sizes:
    """Divide the width: ids whole, then value, place and source up to their share, the title what is left.

    `related`: what stands in place of the place is what people look for, and the sources give way.
    """
    id_, value, range_ = (_longest(lines, name) for name in ("id", "value", "range"))
    place, who, source = (_longest(lines, name) for name in ("place", "who", "source"))
    titles = max((width(one.title) + _STEP * one.depth for one in lines if one.value or not value), default=0)
    if columns is None:
        dates = max((len(line.date) + (6 if line.time else 0) for line in lines), default=0)
        titles = titles if value else _longest(lines, "title")
        title, value, range_ = min(titles, 48), min(value, 20), min(range_, 14)
        place = min(max((width(_whole_place(line)) for line in lines), default=0), 32)
        named = 0 if related else source
        return _Sizes(
            dates, title, value, range_, place, 0, named, id_, time=True, cut=False, related=related
        )
    roomy = columns >= 110
    # A number with its unit is never cut where that can be avoided; a sentence is.
    numbers = max((width(line.value) for line in lines if line.value[:1].isdigit()), default=0)
    most = 12 if related and not roomy else 20 if columns >= 72 else 14
    value = min(value, max(16 if roomy else 12, min(numbers, most), _figures(lines)))
    range_ = min(range_, 11) if roomy else 0
    source = min(source, 22 if roomy else 12) if not related and (columns >= 72 or source <= len(YOU)) else 0
    time = roomy and any(line.time for line in lines)
    taken = 6 + _KIND + 2 + (7 if time else 0) + id_ + 2
    taken += sum(cells + 2 for cells in (value, source, range_) if cells)
    taken += 3 if value or any(one.mark for one in lines) else 0
    if columns - taken < 12 and source:
        taken, source = taken - source - 2, 0
    # The title is what people read; a place that would squeeze it is left out.
    spare = columns - taken - max(10, min(titles, 42 if roomy else 32)) - 2
    if related:
        spare = max(spare, min(20, columns - taken - 12))
    if not value and not related:  # without a column of values the place stands behind the title
        place = 0
    place = min(place, 32 if related else 26, spare) if spare >= (10 if related else min(place, 22)) else 0
    spare -= place + 2
    who = min(who, 20, spare) if roomy and place and spare >= 10 else 0
    title = columns - taken - (place + 2 if place else 0) - (who + 2 if who else 0)
    return _Sizes(0, max(10, title), value, range_, place, who, source, id_, time, cut=True, related=related)


def _painted(line: Line, above: Line | None, sizes: _Sizes, view: Screen) -> str:
    """The line in its columns; what stands on the line above already is not said twice where room is short."""

    def cell(text: str, cells: int) -> str:
        return pad(elide(text, cells) if sizes.cut else text, cells)

    again = above is not None and line.date == above.date
    alarm = "alarm" if line.mark in ("↑↑", "↓↓", "!!") else "red" if line.mark else None
    if sizes.cut:
        parts = [f"  {'' if again else line.day:>2}"]
        if sizes.time:
            same = again and above is not None and line.time == above.time
            parts.append(view.paint(pad("" if same else line.time, 5), "dim"))
    else:
        parts = ["  " + view.paint(pad(f"{line.date} {line.time}".strip(), sizes.date), "dim")]
    indent = " " * _STEP * line.depth
    kind = max(3, min(_KIND, _KIND + sizes.title - len(indent) - 8)) if sizes.cut else _KIND
    parts.append(indent + view.paint(cell(line.kind, kind), line.colour))
    room = max(1, sizes.title - len(indent) + _KIND - kind)
    known = sizes.cut and not sizes.related and above is not None and line.place == above.place
    style = "bold" if line.kind == "visit" else None
    values = sizes.value + 5 if sizes.value else 0
    ranges, sources = sizes.range, sizes.source
    if (values or not sizes.place) and not line.value and not line.mark and not line.range:
        beside = "" if known or sizes.place else line.place
        across = room + values + (ranges + 2 if ranges else 0)
        ranges = 0
        if sources and sizes.cut and not line.source and not sizes.place:
            across, sources = across + sources + 2, 0
        parts.append(_across(line.title, beside, across, style, view, cut=sizes.cut))
    else:
        parts.append(view.paint(cell(line.title, room), style))
        if sizes.value:
            parts.append(view.paint(cell(line.value, sizes.value), alarm))
        if sizes.value or line.mark:
            parts[-1] += " " + view.paint(pad(line.mark, 2), alarm)
    where = "" if known else line.place if sizes.cut else _whole_place(line)
    who = "" if known and above is not None and line.who == above.who else line.who
    for text, cells in (
        (line.range, ranges),
        (where, sizes.place),
        (who, sizes.who),
        (line.source, sources),
    ):
        if cells:
            parts.append(view.paint(cell(text, cells), "dim"))
    parts.append(view.paint(pad(line.id, sizes.id, right=True), "dim"))
    return "  ".join(parts).rstrip()


def _whole_place(line: Line) -> str:
    """Where and by whom, in one piece."""
    return f"{line.place}, {line.who}" if line.place and line.who else line.place or line.who


def _figures(lines: Sequence[Line]) -> int:
    """The cells of the longest run of figures: a blood pressure that is cut in its middle is another one."""
    runs = (_FIGURES.match(line.value) for line in lines)
    return min(max((len(run[0]) + 1 for run in runs if run), default=0), 22)


def _across(title: str, place: str, cells: int, style: str | None, view: Screen, *, cut: bool = True) -> str:
    """A title that has the room of value and range too; behind it the place, where there is no column for places."""
    said = elide(title, cells) if cut else title
    rest = cells - width(said) - 3
    beside = f" · {elide(place, rest)}" if place and rest >= min(12, width(place)) else ""
    space = " " * max(0, cells - width(said) - width(beside))
    return view.paint(said, style) + view.paint(beside, "dim") + space
