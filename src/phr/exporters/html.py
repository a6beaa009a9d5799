"""The record as one page for a browser: to read, to search, to print, and complete in itself.

First what stands now, the life as a picture, and every measurement as a chart; then the sections, whose words are those of
the Continuity of Care Document; then a timeline of all records with a search box. Everything is in the page itself; script
only finds and hides, so that it also reads where no script runs (a mail preview). It asks nothing of any server
(`html_frame`). On paper each record stands once: the timeline is printed where it was narrowed, or no section has a record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import BinaryIO

from phr.ccda.desk import ANOTHER, ENTERED_IN_ERROR, MODIFIED, SUPPORTING
from phr.exporters import html_charts, html_frame, html_now, html_rows
from phr.exporters.about import About, about
from phr.exporters.base import Exported, Handover
from phr.exporters.chapters import Chapter, Outlined, outlined
from phr.exporters.files import Counted
from phr.exporters.html_frame import Sheet, part, utf8
from phr.exporters.html_sections import section
from phr.exporters.html_words import Event
from phr.exporters.pdf_now import now
from phr.fhir.read import text
from phr.model import Problem

_EXPECTED = ("allergies", "medications", "problems")
"""Sections that stand even when the record says nothing: whoever reads looks for them first."""
_NEVER = frozenset((ANOTHER, ENTERED_IN_ERROR, MODIFIED))
"""Why something is not on the page at all. What merely has no section stands in the timeline."""
_BESIDE = "of yours has no place in this format"
"""A correction or a note that no section can say; the timeline can."""
_FILES = frozenset(("DocumentReference", "Binary"))
"""Their line in the timeline is not what is in them."""
_NOW = ("now", "What stands now")
_PICTURES = (("life", "Over the years"), ("charts", "Charts"))
_STRIDE = 200
_NO_SCRIPT = (
    "Searching and filtering need JavaScript, which is off here. Everything is on the page; the browser’s own search finds"
    " it."
)


class HtmlExporter:
    """`phr export --format html`."""

    media_type = "text/html"
    suffix = ".html"

    def write(self, given: Handover, out: BinaryIO) -> Exported:
        told, to = outlined(given, "the page", encloses=False), Counted(out)
        shown = [one for one in told.chapters if one.chosen and (one.blocks or one.part.name in _EXPECTED)]
        belongs = _Belongs(given, told, shown)
        counts = {one.part.code: len(one.entries) for one in shown}
        patient = told.desk.patient.resource if told.desk.patient else {}
        born = text(patient.get("birthDate"))
        whose, missing = told.desk.about(), told.left_out
        front = _Front.of(given, told, shown)
        sections = [utf8(section(chapter, front.nothing)) for chapter in shown]
        del told, shown  # the record in memory, before it is read a second time
        events = [one for one in given.events() if belongs(one)]
        left_out = belongs.left_out(missing)
        stands = html_now.standing(now(given, events, ""), front.names, part_only=front.part_only)
        offered = html_rows.choices(events)
        to.write(utf8(front.markup(html_rows.bar(offered) if events else "", bool(stands)) + stands))
        given.doing("Drawing the charts")
        for markup in chain(html_charts.life(events, born), html_charts.charts(events, born)):
            to.write(utf8(markup))
        for body in sections:
            to.write(body)
        for markup in _timeline(given, events, offered, belongs):
            to.write(utf8(markup))
        to.write(utf8("</main>\n" + html_frame.end(_about(given, left_out)) + _last()))
        return Exported(to.bytes, counts, left_out, about=whose)


class _Belongs:
    """Which events stand on the page: not those of another person, and of chosen sections only what is in these."""

    def __init__(self, given: Handover, told: Outlined, shown: list[Chapter]) -> None:
        desk = told.desk
        self._barred = {
            (desk.own_source(one), f"{one.type}/{one.id}")
            for one in desk.index.entries
            if not desk.lives(one)
        }
        self._only = (
            {(desk.own_source(one), f"{one.type}/{one.id}") for each in shown for one in each.entries}
            if given.options.sections
            else None
        )
        self._told = self._only or {
            (desk.own_source(one), f"{one.type}/{one.id}") for each in shown for one in each.entries
        }
        self._whole = not given.options.sections
        self._there: set[str] = set()

    def __call__(self, event: Event) -> bool:
        names = [(name, event["resource"]) for name in event["sources"]]
        if not self._barred.isdisjoint(names) or (self._only is not None and self._only.isdisjoint(names)):
            return False
        self._there.add(event["resource"])
        return True

    def alone(self, event: Event) -> bool:
        """Whether no section has it, or not with all that the person says of it."""
        names = ((name, event["resource"]) for name in event["sources"])
        return bool(event.get("notes") or event.get("corrections")) or self._told.isdisjoint(names)

    def left_out(self, missing: tuple[Problem, ...]) -> tuple[Problem, ...]:
        """Without what the timeline has."""
        return tuple(one for one in missing if not self._stands(one))

    def _stands(self, one: Problem) -> bool:
        if one.reason in _NEVER or one.type in _FILES:
            return False
        if one.reason.endswith(_BESIDE):  # stands beside the record, wherever that is
            return self._whole and one.type not in SUPPORTING
        return f"{one.type}/{one.id}" in self._there


def sheet() -> Sheet:
    """Style and scripts of the page."""
    style = "\n".join((part("base.css"), part("record.css"), html_charts.STYLE))
    return Sheet(style, part("first.js"), part("record.js"))


def _about(given: Handover, left_out: tuple[Problem, ...] = ()) -> About:
    """What the page says of itself, chosen sections included."""
    told = about(given, left_out)
    if not given.options.sections:
        return told
    return replace(
        told, selection=(*told.selection, f"only the sections {', '.join(given.options.sections)}")
    )


@dataclass(frozen=True, slots=True)
class _Front:
    """What stands above everything else, and how the page speaks of what it does not have."""

    title: str = field(repr=False)
    facts: str = field(repr=False)
    made: str = field(repr=False)
    links: tuple[tuple[str, str, int], ...]
    """Of each section its name, its title and how many records it has."""
    part_only: bool

    @classmethod
    def of(cls, given: Handover, told: Outlined, shown: Sequence[Chapter]) -> _Front:
        name, facts = html_frame.person(told.desk.patient.resource if told.desk.patient else {})
        said = _about(given)
        links = tuple((one.part.name, one.title, len(one.entries)) for one in shown)
        return cls(name, facts, html_frame.made(said), links, bool(said.selection))

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for name, _, _ in self.links)

    @property
    def nothing(self) -> str:
        return html_now.NOT_SELECTED if self.part_only else html_now.NOTHING

    def markup(self, bar: str, stands: bool) -> str:
        """The page from its beginning to its first section: whose it is, the search, and what is where."""
        above = [(*one, 0) for one in ((_NOW, *_PICTURES) if stands else _PICTURES)]
        groups = (above, self.links, [("timeline", "Timeline", 0), ("about", "About this page", 0)])
        return (
            html_frame.head(f"Health record of {self.title}", sheet())
            + '<body>\n<a class="skip" href="#timeline">To the timeline</a>\n<header>\n<p class="what">Health record</p>\n'
            f"<h1>{html_frame.words(self.title)}</h1>\n<p>{html_frame.words(self.facts)}</p>\n"
            f'<div class="made">\n{self.made}<p>What was left out is named <a href="#about">at the end</a>.</p>\n</div>\n'
            f'</header>\n{bar}<nav aria-label="On this page">\n'
            + "".join(f"<ul>{''.join(_link(*one) for one in group)}</ul>\n" for group in groups if group)
            + "</nav>\n<main>\n"
        )


def _link(name: str, title: str, many: int) -> str:
    number = f" <small>{many:,}</small>" if many else ""
    return f'<li><a href="#{name}">{html_frame.words(title)}</a>{number}</li>'


def _timeline(
    given: Handover, events: Sequence[Event], offered: html_rows.Choices, belongs: _Belongs
) -> Iterator[str]:
    """Every record as a line; those that no section has are the ones that are always printed."""
    alone = [belongs.alone(one) for one in events]
    hidden = "" if any(alone) else ' class="told"'
    yield f'<section id="timeline"{hidden}>\n<h2>Timeline</h2>\n'
    yield f"<noscript><p>{_NO_SCRIPT}</p></noscript>\n" if events else ""
    if events and not all(alone):
        yield (
            f'<p class="paper">The sections above have {len(alone) - sum(alone):,} of {offered.total:,} records.'
            " Here are the others, and those of which the person says more.</p>\n"
        )
    yield '<p id="only"></p>\n<div id="rows">\n'
    for done, markup in enumerate(html_rows.rows(events, offered, alone)):
        if not done % _STRIDE:
            given.doing("Writing the timeline", min(done, offered.total), offered.total)
        yield markup
    yield "" if events else f'<p class="none">{html_now.NOTHING}</p>\n'
    yield '</div>\n<p id="none" class="none" hidden="">Nothing fits.</p>\n</section>\n'


def _last() -> str:
    return f"<script>{sheet().last}</script>\n</body>\n</html>\n"
