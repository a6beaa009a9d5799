"""The timeline of the page: each record as a line that opens, in blocks that a browser lays out when they come into sight.

The lines are in the page itself, so that it can be read, searched by the browser and printed without any script; script
only hides those that do not fit. Blocks of some dozen lines have `content-visibility: auto` (CSS Containment Level 2,
section 4), so that a browser does no work for the ten thousand that nobody is looking at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from phr.exporters.html_frame import lines, words
from phr.exporters.html_words import (
    Event,
    Row,
    by_kind,
    is_outside,
    month_of,
    more,
    row,
    source_word,
    year_of,
)
from phr.views.kind_words import plural

_Told = tuple[Event, Row, bool]

BLOCK = 40
"""Lines of a block at most."""
_SIZES = (3, 6, 10, 20, BLOCK)
"""How many lines the style sheet takes a block for, before it was seen."""


@dataclass(slots=True)
class Choices:
    """What can be chosen from: kinds, years and sources with how many records each has."""

    kinds: Counter[str] = field(default_factory=Counter)
    years: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    outside: int = 0
    total: int = 0


def choices(events: Iterable[Event]) -> Choices:
    """Count what the controls offer."""
    found = Choices()
    for event in events:
        found.kinds[event["kind"]] += 1
        found.years[year_of(event)] += 1
        found.sources.update(event.get("sources") or ())
        found.outside += is_outside(event)
        found.total += 1
    return found


def bar(offered: Choices) -> str:
    """The controls, which need script to work and are not shown without it."""
    kinds = [(kind, _capital(plural(kind))) for kind in sorted(offered.kinds, key=by_kind)]
    years = [(year, year or "Date not known") for year in sorted(offered.years, reverse=True)]
    sources = [(name, source_word(name)) for name in sorted(offered.sources)]
    numbers = {name: str(at) for at, (name, _) in enumerate(kinds)}
    source_numbers = {name: str(at) for at, (name, _) in enumerate(sources)}
    lists = [
        _choice("kind", "Kind", "All kinds", [(numbers[n], w, offered.kinds[n]) for n, w in kinds]),
        _choice("year", "Year", "All years", [(n or "-", w, offered.years[n]) for n, w in years]),
    ]
    if len(sources) > 1:
        told = [(source_numbers[n], w, offered.sources[n]) for n, w in sources]
        lists.append(_choice("source", "Source", "All sources", told))
    records = f"{offered.total:,} record{'' if offered.total == 1 else 's'}"
    outside = (
        '<label class="tick"><input type="checkbox" id="outside"/> Only outside their range'
        f" ({offered.outside:,})</label>\n"
        if offered.outside
        else ""
    )
    return (
        '<div class="bar" role="search" aria-label="Search and filter the timeline">\n<div class="find">'
        f'<input type="search" id="words" placeholder="Search {records}" aria-label="Search {records}"'
        ' autocomplete="off" autocapitalize="off" spellcheck="false" aria-keyshortcuts="/" aria-controls="rows"/>'
        '<button type="button" id="filters" aria-expanded="false" aria-controls="narrow">Filter</button></div>\n'
        f'<div class="narrow" id="narrow">\n{"".join(lists)}{outside}'
        '<button type="button" id="print">Print</button></div>\n'
        '<div class="tell"><p id="found" role="status" aria-live="polite"></p>'
        '<button type="button" id="clear" hidden="">Show all</button></div>\n</div>\n'
    )


def _choice(name: str, label: str, all_: str, offered: Sequence[tuple[str, str, int]]) -> str:
    options = "".join(
        f'<option value="{words(value)}">{words(said)} ({count:,})</option>' for value, said, count in offered
    )
    return f'<label><span>{label}</span><select id="{name}"><option value="">{all_}</option>{options}</select></label>\n'


def rows(events: Sequence[Event], offered: Choices, alone: Sequence[bool] = ()) -> Iterator[str]:
    """The lines by year and month, in the order of the events.

    `alone`: of each event whether only the timeline has it (all have, unless said). The others are told already where the
    whole page is printed.
    """
    flags = alone or [True] * len(events)
    months = {month_of(event) for event, flag in zip(events, flags, strict=True) if flag}
    years = {year for year, _ in months}
    kinds = {kind: at for at, kind in enumerate(sorted(offered.kinds, key=by_kind))}
    sources = {name: at for at, name in enumerate(sorted(offered.sources))}
    several = len(sources) > 1
    told = ((event, row(event), flag) for event, flag in zip(events, flags, strict=True))
    for year, of_year in groupby(told, key=lambda one: one[1].year):
        twice = "" if year in years else " told"
        yield f'<section class="year{twice}" data-year="{year or "-"}">\n<h3>{year or "Date not known"}</h3>\n'
        for month, of_month in groupby(of_year, key=lambda one: one[1].month):
            title = f"<h4>{month}</h4>\n" if month else "<h4>Month not known</h4>\n" if year else ""
            twice = "" if (year, month) in months else " told"
            yield f'<div class="month{twice}">\n{title}'
            for block in _blocks(of_month):
                size = next(each for each in _SIZES if len(block) <= each)
                yield f'<div class="block n{size}">\n'
                for event, one, flag in block:
                    ids = " ".join(str(sources[name]) for name in event.get("sources") or ())
                    marks = f'data-k="{kinds[event["kind"]]}" data-s="{ids}"{" data-a" if flag else ""}'
                    yield _line(event, one, marks, several=several)
                yield "</div>\n"
            yield "</div>\n"
        yield "</section>\n"


def _blocks(told: Iterable[_Told]) -> Iterator[list[_Told]]:
    block: list[_Told] = []
    for one in told:
        block.append(one)
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block


def _line(event: Event, one: Row, marks: str, *, several: bool) -> str:
    sign, said = one.mark
    value = f'<b class="{"off" if sign else "value"}">{words(one.value)}' if one.value or sign else ""
    if value:
        value += f" {sign}<i> {said}</i></b> " if sign else "</b> "
    usual = f"<small>usual {words(one.range)}</small>" if one.range else ""
    told = ", ".join(map(source_word, event.get("sources") or ())) if several else ""
    place = words(" · ".join(part for part in (one.place, told) if part))
    return (
        f"<details {marks}{' data-o' if sign else ''}><summary>"
        f"<span>{one.date or '–'}</span> <span>{words(one.kind)}</span>"
        f" <span>{words(one.title)} {value}{usual}</span> <span>{place}</span></summary>"
        f"<p>{lines(more(event, one))}</p></details>\n"
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
