"""The record as one page for a browser: to read, to search, to print, and complete in itself.

The sections and their words are those of the Continuity of Care Document. Below them stand the life as a picture, every
measurement as a chart, and a timeline of all records with a search box. Everything is in the page itself; script only
finds and hides, so that it also reads where no script runs (a mail preview). It asks nothing of any server (`html_frame`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from phr.ccda import xhtml
from phr.ccda.desk import ANOTHER, ENTERED_IN_ERROR, MODIFIED, SUPPORTING
from phr.exporters import html_charts, html_frame, html_rows
from phr.exporters.about import About, about
from phr.exporters.base import Exported, Handover
from phr.exporters.chapters import Chapter, Outlined, outlined
from phr.exporters.files import Counted
from phr.exporters.html_frame import Sheet, part, utf8
from phr.exporters.html_words import Event
from phr.model import Problem

_NOTHING = "No information. That does not mean that there is none."
_EXPECTED = ("allergies", "medications", "problems")
"""Sections that stand even when the record says nothing: whoever reads looks for them first."""
_NEVER = frozenset((ANOTHER, ENTERED_IN_ERROR, MODIFIED))
"""Why something is not on the page at all. What merely has no section stands in the timeline."""
_BESIDE = "of yours has no place in this format"
"""A correction or a note that no section can say; the timeline can."""
_FILES = frozenset(("DocumentReference", "Binary"))
"""Their line in the timeline is not what is in them."""
_PICTURES = (("life", "Over the years"), ("charts", "Charts"), ("timeline", "Timeline"))
_LONG = 24
"""Rows of a table that is folded on a screen."""
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
        whose, missing = told.desk.about(), told.left_out
        for markup in _summary(given, told, shown):
            to.write(utf8(markup))
        del told, shown  # the record in memory, before it is read a second time
        events = [one for one in given.events() if belongs(one)]
        left_out = belongs.left_out(missing)
        for markup in _life(given, events):
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
        self._whole = not given.options.sections
        self._there: set[str] = set()

    def __call__(self, event: Event) -> bool:
        names = [(name, event["resource"]) for name in event["sources"]]
        if not self._barred.isdisjoint(names) or (self._only is not None and self._only.isdisjoint(names)):
            return False
        self._there.add(event["resource"])
        return True

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


def _summary(given: Handover, told: Outlined, shown: list[Chapter]) -> Iterator[str]:
    """The page from its beginning to the last section."""
    patient = told.desk.patient.resource if told.desk.patient else {}
    name, facts = html_frame.person(patient)
    yield html_frame.head(f"Health record of {name}", sheet())
    yield (
        f'<body>\n<a class="skip" href="#timeline">To the timeline</a>\n<header>\n<p class="what">Health record</p>\n'
        f"<h1>{html_frame.words(name)}</h1>\n<p>{html_frame.words(facts)}</p>\n"
        f'<div class="made">\n{html_frame.made(_about(given))}<p>What was left out is named <a'
        ' href="#about">at the end</a>.</p>\n</div>\n</header>\n'
    )
    links = [(*one, 0) for one in _PICTURES] + [(one.part.name, one.title, len(one.entries)) for one in shown]
    listed = "".join(
        f'<li><a href="#{id_}">{html_frame.words(title)}</a>{f" <small>{many:,}</small>" if many else ""}</li>'
        for id_, title, many in links
    )
    yield f'<nav aria-label="On this page">\n<ul>{listed}</ul>\n</nav>\n<main>\n'
    for chapter in shown:
        yield _section(chapter)


def _section(chapter: Chapter) -> str:
    body = xhtml.fragment(chapter.blocks, styled=True) or f'<p class="none">{_NOTHING}</p>'
    title = html_frame.words(chapter.title)
    tables = body.split("<table>")
    for at, table in enumerate(tables[1:], 1):
        rows = table.split("</table>", 1)[0].count("<tr>") - 1
        folded = f' long" data-rows="{rows}' if rows > _LONG else ""
        tables[at] = (
            f'<div class="wide{folded}" tabindex="0" role="group" aria-label="{title}, table {at}"><table>{table}'
        ).replace("</table>", "</table></div>")
    return f'<section id="{chapter.part.name}">\n<h2>{title}</h2>\n{"".join(tables)}\n</section>\n'


def _life(given: Handover, events: list[Event]) -> Iterator[str]:
    """The pictures and the timeline."""
    given.doing("Drawing the charts")
    yield from html_charts.life(events)
    yield from html_charts.charts(events)
    offered = html_rows.choices(events)
    yield '<section id="timeline">\n<h2>Timeline</h2>\n'
    yield html_rows.bar(offered) if events else ""
    yield f"<noscript><p>{_NO_SCRIPT}</p></noscript>\n" if events else ""
    yield '<p id="only"></p>\n<div id="rows">\n'
    for done, markup in enumerate(html_rows.rows(events, offered)):
        if not done % _STRIDE:
            given.doing("Writing the timeline", min(done, offered.total), offered.total)
        yield markup
    yield "" if events else f'<p class="none">{_NOTHING}</p>\n'
    yield '</div>\n<p id="none" class="none" hidden="">Nothing fits.</p>\n</section>\n'


def _last() -> str:
    return f"<script>{sheet().last}</script>\n</body>\n</html>\n"
