"""The timeline as lines on a screen: what people look at all day.

One event is one line, whatever the width. The columns that are there depend on the width and on what the page
holds: nothing is shown for facilities nobody named or for a source when there is only one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from phr.cli.text import Screen, clean, elide, kind_word, pad, width

Event = dict[str, Any]

UNDATED = "Without a date"
_MONTHS = "January February March April May June July August September October November December".split()
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d:\d\d))?)?)?")
_MARKS = {
    "HH": "↑↑",
    "H": "↑",
    "HU": "↑",
    "LL": "↓↓",
    "L": "↓",
    "LU": "↓",
    ">": "↑",
    "<": "↓",
    "AA": "!!",
    "A": "!",
}
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
_KIND = 10


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Cells of each column; 0 leaves it out. Without an edge (`cut` False) a text may be longer than its column."""

    title: int
    value: int
    range: int
    place: int
    source: int
    id: int
    time: bool
    cut: bool


@dataclass(frozen=True, slots=True)
class _Line:
    """One event in words."""

    group: tuple[str, str]
    day: str
    time: str
    kind: str
    title: str
    value: str
    mark: str
    range: str
    place: str
    source: str
    id: str


def mark(event: Event) -> str:
    """`↑`, `↓`, doubled when critical, `!` when abnormal otherwise; empty when it is not, or nobody knows."""
    said = str(event.get("interpretation") or "").upper()
    if said in _MARKS:
        return _MARKS[said]
    if event.get("abnormal") is not True:
        return ""
    value, low, high = event.get("value"), event.get("low"), event.get("high")
    if isinstance(value, int | float):
        if high is not None and value > high:
            return "↑"
        if low is not None and value < low:
            return "↓"
    return "!"


_NOT_SO = {
    "refuted": "does not apply",
    "not-done": "not done",
    "not-taken": "not taken",
    "entered-in-error": "entered in error",
}
_RESERVED = ("not to be taken", "not to be done", "unconfirmed", "provisional", "differential")
"""How the description of a record begins that is no plain fact (records.clinical, orders, medications)."""


def titled(event: Event) -> str:
    """The title; what did not happen, is not so or not sure says that first, so that no narrow screen hides it."""
    title = clean(event.get("title")) or "(no title)"
    said = _NOT_SO.get(str(event.get("status") or ""))
    if said == "not done" and event.get("kind") == "immunization":
        said = "not given"
    described = str(event.get("description") or "")
    said = said or next((words for words in _RESERVED if described.startswith(words)), None)
    return f"{said}: {title}" if said else title


def measured(event: Event) -> str:
    """Value and unit as the source wrote them."""
    text = event.get("value_text") if event.get("value_text") is not None else event.get("value")
    return clean(" ".join(str(part) for part in (text, event.get("unit")) if part not in (None, "")))


def reference_range(event: Event) -> str:
    """`4–5.6`, `> 3`, or the source's own words."""
    low, high = event.get("low"), event.get("high")
    said = clean(event.get("range_text"))
    if said.startswith(("<", ">")):  # excludes or includes its end: the numbers alone do not tell
        return said
    if low is not None and high is not None:
        return f"{low:g}–{high:g}" if isinstance(low, int | float) and isinstance(high, int | float) else ""
    if high is not None:
        return f"≤ {high:g}"
    if low is not None:
        return f"≥ {low:g}"
    return said


def timeline_lines(events: Sequence[Event], view: Screen) -> Iterator[str]:
    """The page as lines that do not wrap on this screen."""
    lines = [_line(event) for event in events]
    sizes = _sizes(lines, view.columns)
    year = month = day = None
    place = ""
    for event, line in zip(events, lines, strict=True):
        if line.group[0] != year:
            if year is not None:
                yield ""
            yield _heading(line.group[0], view)
            year, month = line.group[0], None
        if line.group[1] != month and year != UNDATED:
            if line.group[1]:
                yield view.paint(f" {line.group[1]}", "bold")
            month, day, place = line.group[1], None, ""
        yield view.spell(_painted(event, line, sizes, view, again=line.day == day, place=line.place != place))
        day, place = line.day, line.place


def _heading(text: str, view: Screen) -> str:
    rule = "─" * ((view.columns or 72) - width(text) - 1)
    return f"{view.paint(text, 'heading')} {view.paint(view.spell(rule), 'dim')}"


def _line(event: Event) -> _Line:
    found = _DATE.match(str(event.get("date") or ""))
    year, month, day, time = found.groups() if found else (None, None, None, None)
    name = _MONTHS[int(month) - 1] if month and 1 <= int(month) <= 12 else ""
    sources = [clean(source) for source in event.get("sources") or ()]
    return _Line(
        group=(year or UNDATED, name),
        day=(day or "").lstrip("0"),
        time=time or "",
        kind=kind_word(event["kind"]),
        title=titled(event),
        value=measured(event),
        mark=mark(event),
        range=reference_range(event),
        place=clean(event.get("facility") or event.get("performer")),
        source=", ".join(sources),
        id=str(event["id"]),
    )


def _sizes(lines: Sequence[_Line], columns: int | None) -> _Sizes:
    """Divide the width: ids whole, then value, place and source up to their share, the title what is left."""
    longest = {
        name: max((width(getattr(line, name)) for line in lines), default=0)
        for name in ("title", "value", "range", "place", "source", "id")
    }
    several = len({name for line in lines for name in line.source.split(", ")}) > 1
    if columns is None:
        return _Sizes(
            min(longest["title"], 56),
            min(longest["value"], 20),
            min(longest["range"], 14),
            min(longest["place"], 30),
            longest["source"] if several else 0,
            longest["id"],
            time=True,
            cut=False,
        )
    roomy = columns >= 110
    value = min(longest["value"], 16 if roomy else 12)
    range_ = min(longest["range"], 11) if roomy else 0
    source = min(longest["source"], 22 if roomy else 12) if several and columns >= 72 else 0
    time = roomy and any(line.time for line in lines)
    taken = 6 + _KIND + 2 + (7 if time else 0) + longest["id"] + 2
    taken += sum(cells + 2 for cells in (value, source, range_) if cells)
    taken += 3 if value or any(one.mark for one in lines) else 0
    # The title is what people read; a place that would squeeze it is left out.
    spare = columns - taken - max(10, min(longest["title"], 46 if roomy else 34)) - 2
    place = min(longest["place"], 26, spare) if spare >= 10 else 0
    title = columns - taken - (place + 2 if place else 0)
    return _Sizes(max(10, title), value, range_, place, source, longest["id"], time, cut=True)


def _painted(event: Event, line: _Line, sizes: _Sizes, view: Screen, *, again: bool, place: bool) -> str:
    """The line in its columns. `again`: the day stands on the line above already; `place`: the place does not."""

    def cell(text: str, cells: int) -> str:
        return pad(elide(text, cells) if sizes.cut else text, cells)

    alarm = "alarm" if line.mark in ("↑↑", "↓↓", "!!") else "red" if line.mark else None
    parts = [f"  {'' if again else line.day:>2}"]
    if sizes.time:
        parts.append(view.paint(pad(line.time, 5), "dim"))
    parts.append(view.paint(cell(line.kind, _KIND), _COLOURS.get(event["kind"])))
    parts.append(cell(line.title, sizes.title))
    if sizes.value:
        parts.append(view.paint(cell(line.value, sizes.value), alarm))
    if sizes.value or line.mark:
        parts[-1] += " " + view.paint(pad(line.mark, 2), alarm)
    where = line.place if place or not sizes.cut else ""
    for text, cells in ((line.range, sizes.range), (where, sizes.place), (line.source, sizes.source)):
        if cells:
            parts.append(view.paint(cell(text, cells), "dim"))
    parts.append(view.paint(pad(line.id, sizes.id, right=True), "dim"))
    return "  ".join(parts).rstrip()
