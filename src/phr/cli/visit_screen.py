"""The page of `phr visit` on a screen: the next appointment, questions, what is new to them, what they do not have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from phr.cli.text import Screen, clean, count, elide, pad, width, wrapped
from phr.exporters.visit import last_visit, new_heading, next_visit, nothing_new, there, whose
from phr.views.visit_page import ON_SCREEN, Page, Row, page

if TYPE_CHECKING:
    from phr.store.questions import Question
    from phr.views.visit import Visit

_SPELT = {"▲": "↑", "▼": "↓"}
_NARROW = 80


def drawn(visit: Visit, view: Screen, *, on_paper: bool = False) -> Iterator[str]:
    """The whole page in lines that do not wrap; `on_paper` without what is only of use at a keyboard."""
    shown = page(visit, ON_SCREEN)
    yield from _head(visit, view, on_paper=on_paper)
    if shown.questions or not on_paper:
        yield from _questions(shown, visit, view)
    yield from _new(visit, shown, view)
    yield from _there(visit, shown, view, on_paper=on_paper)


def _heading(text: str, view: Screen) -> list[str]:
    return ["", view.paint(view.spell(view.fit(clean(text))), "heading")]


def _lines(text: str, view: Screen, *, indent: int = 2) -> list[str]:
    return [view.spell(line) for line in wrapped(clean(text), view, indent=indent)]


def _head(visit: Visit, view: Screen, *, on_paper: bool) -> Iterator[str]:
    yield view.paint(view.spell(view.fit(f"For {clean(visit.whom.name)}")), "bold")
    places = _places(visit.whom.facilities)[:2]
    if places and visit.whom.by == "practitioner":
        yield from _lines(" and ".join(places), view)
    yield from _lines(f"Patient: {whose(visit)}", view)
    if on_paper:
        yield from _lines(f"Made on {visit.today}.", view)
    if visit.next is not None or not on_paper:
        yield from _lines(next_visit(visit) if on_paper else _next(visit), view)
    yield from _lines(last_visit(visit, "here" if on_paper else "there"), view)


def _places(names: Sequence[str]) -> list[str]:
    """Without the rooms of a place that is named itself."""
    return [
        name
        for name in names
        if not any(name != other and name.casefold().startswith(f"{other.casefold()},") for other in names)
    ]


def _next(visit: Visit) -> str:
    told = visit.next
    if told is None:
        return "Next appointment there: none is in your record. Say when it is: --in 3d"
    from phr.views.due_clock import words as day

    days = told["in_days"]
    how = {0: ", today", 1: ", tomorrow"}.get(days, f", in {days} days" if days else "")
    when = day(told["date"]) or "its day cannot be read in your record"
    words = [when, told.get("title"), told.get("facility")]
    said = f"Next appointment there: {', '.join(filter(None, words))}{how}."
    if told["from"] == "you" and told.get("appointment_on"):
        said += f" Your record has one on {day(told['appointment_on'])}."
    return said


def _questions(shown: Page, visit: Visit, view: Screen) -> Iterator[str]:
    yield from _heading("Questions", view)
    if not shown.questions:
        yield from _lines('None noted. To note one, add: --ask "Can the dose be halved?"', view)
    for one in visit.questions[: len(shown.questions)]:
        yield from question_lines(one, view)
    if shown.more_questions:
        yield from _lines(f"and {shown.more_questions} more: phr visit --questions", view)


def question_lines(one: Question, view: Screen, *, whom: bool = False) -> list[str]:
    """`3  Can the dose be halved?`, for whom, since when, and what was answered."""
    name = f" ({clean(one.whom)})" if whom and one.whom else ""
    lines = [view.spell(line) for line in wrapped(f"{one.id}  {clean(one.text)}{name}", view)]
    if one.answered:
        said = f": {clean(one.answer)}" if one.answer else ""
        lines += [
            view.paint(view.spell(line), "dim")
            for line in wrapped(f"answered {one.answered[:10]}{said}", view, indent=5)
        ]
    return lines


def _new(visit: Visit, shown: Page, view: Screen) -> Iterator[str]:
    yield from _heading(new_heading(visit), view)
    if not shown.new:
        yield from _lines(nothing_new(visit), view)
    for section in shown.new:
        if section.rows:
            yield view.paint(view.spell(f"  {section.title}"), "bold")
            yield from _rows(section.rows, shown, view)
        if section.more:
            rest = f"and {section.more:,} more" if section.rows else f"{section.title}: {section.more:,}"
            yield view.paint(f"    {rest}", "dim")
    if visit.news.normal:
        said = f"{count(visit.news.normal, 'other result')}, not marked as out of range, not listed."
        yield from (view.paint(line, "dim") for line in _lines(said, view))
    if visit.news.reached:
        yield from (view.paint(line, "dim") for line in _lines(_limits(visit), view))


def _limits(visit: Visit) -> str:
    from phr.views.kind_words import plural

    return f"Only the newest {', '.join(map(plural, visit.news.reached))} were looked at."


def _rows(rows: Sequence[Row], shown: Page, view: Screen) -> Iterator[str]:
    """Date, what, where: aligned where the screen has an edge, the place on a line of its own where it is narrow."""
    columns = view.columns or 120
    if columns < _NARROW:
        for row in rows:
            place = _where(row, shown)
            yield from _lines(f"{row.when} {_what(row)}" + (f" ({place})" if place else ""), view, indent=4)
        return
    places = [_where(row, shown) for row in rows]
    room = columns - 4 - 12
    wanted = max((width(_what(row)) for row in rows), default=0)
    beside = max(map(width, places), default=0)
    most = min(wanted, max(room * 3 // 5, room - 2 - beside) if beside else room)
    for row, place in zip(rows, places, strict=True):
        what, where = in_cells(_what(row), most), in_cells(place, max(1, room - most - 2))
        for at in range(max(len(what), len(where))):
            day = "" if at else row.when
            left, right = (part[at] if at < len(part) else "" for part in (what, where))
            line = f"    {pad(day, 10)}  {pad(left, most)}  {right}".rstrip()
            yield _painted(view.spell(line.replace("\xa0", " ")), row, view)


def in_cells(text: str, room: int) -> list[str]:
    """Words in lines that are at most so wide; a word that is wider than all the room is cut where it has to be."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        while width(word) > room:
            if line:
                lines.append(line)
                line = ""
            cut = next((at for at in range(len(word), 1, -1) if width(word[:at]) <= room), 1)
            lines.append(word[:cut])
            word = word[cut:]
        both = f"{line} {word}".strip()
        if width(both) > room:
            lines.append(line)
            both = word
        line = both
    return [*lines, line] if line else lines


def _painted(line: str, row: Row, view: Screen) -> str:
    return view.paint(line, "alarm") if row.what[:1] in ("▲", "▼", "!") else line


def _what(row: Row) -> str:
    text = re.sub(r"(?<=\d) (?=[^\s(\d])", "\xa0", clean(row.what))  # a value and its unit stay together
    return _SPELT.get(text[:1], text[:1]) + text[1:]


def _where(row: Row, shown: Page) -> str:
    source = clean(row.source) if shown.several_sources else ""
    return ", ".join(filter(None, (clean(row.where), source and f"from {source}")))


def _there(visit: Visit, shown: Page, view: Screen, *, on_paper: bool) -> Iterator[str]:
    yield from _heading("Not from your own records" if on_paper else "What they do not have", view)
    yield from _lines(there(visit) if on_paper else _in_your_words(visit), view)
    if shown.there:
        yield from _rows(shown.there, shown, view)
        if shown.more_there:
            rest = f"    and {shown.more_there:,} more"
            yield view.paint(rest if on_paper else f"{rest}: they go along in the CCD (--write)", "dim")


def _in_your_words(visit: Visit) -> str:
    told = visit.not_there
    if not told.known:
        return (
            f"Nobody can tell: none of your sources is known to be that of {visit.whom.name}. All of your record may be"
            " new to them, so take the CCD along (--write)."
        )
    return there(visit, "there")


def private_lines(visit: Visit, view: Screen) -> list[str]:
    """What is for the person alone: it stands on no page."""
    lines: list[str] = []
    if visit.withheld:
        lines += wrapped(
            f"Not on this page: {count(visit.withheld, 'record')} that you marked as private, or that would tell it."
            " To take them along: --sensitivity restricted",
            view,
            indent=0,
        )
    for note in visit.own_notes[:3]:
        text = elide(clean(note["text"]), 200)
        lines += wrapped(
            f"A note of yours asks: “{text}” It stays with you (phr note {note['record']} --list). To put it on the page"
            " note it as a question: --ask",
            view,
            indent=0,
        )
    return [view.spell(line) for line in lines]
