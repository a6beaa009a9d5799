"""The page for an appointment as a Leaf, and as files: the page and the C-CDA document beside it, both or neither."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from phr.errors import PhrError, UsageError
from phr.exporters.about import About, about
from phr.exporters.leaf import Block, Bullets, Heading, Leaf, Table, Words
from phr.paths import private_file_beside, settle
from phr.views.due_clock import words as clock_words
from phr.views.kind_words import plural
from phr.views.titles import plain
from phr.views.visit import Visit
from phr.views.visit_page import OWN, Page, Row, counted, in_a_row, page, when

if TYPE_CHECKING:
    from phr.exporters.base import Exported, Handover

SUFFIXES = {"pdf": ".pdf", "html": ".html", "markdown": ".md", "json": ".json", "text": ".txt"}
_ROOMS = (44, 38, 32, 26, 21, 16, 12, 8, 4)
"""Rows that are tried, until the page is one."""


@dataclass(frozen=True)
class Pages:
    """What was written."""

    page: Path
    ccd: Path | None
    bytes: int
    document: Exported | None = None
    """What came of the C-CDA document."""


# ── the page ──────────────────────────────────────────────────────────────────────────────────────────


def leaf(visit: Visit, given: Handover, room: int | None = None) -> Leaf:
    """The page. `room`: so many rows."""
    shown = page(visit, _ROOMS[0] if room is None else room)
    blocks: list[Block] = [Words(_visits(visit))]
    blocks += _questions(shown)
    blocks += _new(visit, shown)
    blocks += _there(visit, shown)
    return Leaf(
        title=f"For {visit.whom.name}",
        subtitle=whose(visit),
        blocks=tuple(blocks),
        about=_about(visit, given),
    )


def _about(visit: Visit, given: Handover) -> About:
    """What the page says of itself: it never is everything."""
    told = about(given, ())
    new = f"what came since {visit.since}" if visit.since else "what matters most"
    return replace(
        told, selection=(*told.selection, f"{new}, and what the source of this office does not have")
    )


def whose(visit: Visit) -> str:
    """Name and birth date of the patient."""
    name, born = visit.patient.get("name"), visit.patient.get("birth_date")
    return ", born ".join(filter(None, (name, born))) or "No name in the record"


def _visits(visit: Visit) -> str:
    return " ".join(filter(None, (next_visit(visit), last_visit(visit, "here"))))


def next_visit(visit: Visit) -> str:
    """`Appointment: 2027-03-16 14:00 UTC (10:00 EDT), Yearly lung review.` or nothing."""
    if visit.next is None:
        return ""
    said = clock_words(visit.next["date"], paper=True) or "its day cannot be read in the record"
    return f"Appointment: {', '.join(filter(None, (said, visit.next.get('title'))))}."


def last_visit(visit: Visit, where: str) -> str:
    """`Last visit here: 2026-03-17, Follow-up encounter.` or that there is none in the record."""
    if visit.last is None:
        return f"No visit {where} is in this record."
    return f"Last visit {where}: {when(visit.last['date'])}, {plain(str(visit.last['title']))}."


def _questions(shown: Page) -> list[Block]:
    if not shown.questions:
        return []
    items = list(shown.questions)
    if shown.more_questions:
        items.append(f"and {shown.more_questions} more")
    return [Heading("Questions"), Bullets(tuple(items), boxes=True)]


def new_heading(visit: Visit) -> str:
    """What the list of news is called."""
    if visit.since is None:
        return "In the record so far"
    return f"Since {visit.since}" if visit.asked_since else f"New since the last visit on {visit.since}"


def nothing_new(visit: Visit) -> str:
    """Said where the list is empty: that says nothing about the person, but about the record."""
    return "Nothing came into this record since then that is new here." if visit.since else "Nothing yet."


def _new(visit: Visit, shown: Page) -> list[Block]:
    blocks: list[Block] = [Heading(new_heading(visit))]
    rows: list[tuple[str, ...]] = []
    left: list[str] = []
    for section in shown.new:
        for at, row in enumerate(section.rows):
            rows.append(("" if at else section.title, row.what, row.when, _where(row, shown)))
        if section.more:
            left.append(
                f"{section.title}: {section.more:,} more"
                if section.rows
                else f"{section.title}: {section.more:,}"
            )
    if rows:
        blocks.append(Table(("", "What", "When", "Where"), tuple(rows), widths=(2.2, 7, 1.9, 4)))
    else:
        blocks.append(Words(nothing_new(visit)))
    if visit.news.normal:
        left.append(f"other results, none marked as out of range: {visit.news.normal:,}")
    left += [f"{plural(kind)}: only the newest were looked at" for kind in visit.news.reached]
    if left:
        blocks.append(Words(f"Not listed here: {'; '.join(left)}.", "soft"))
    return blocks


def _where(row: Row, shown: Page) -> str:
    if shown.several_sources and row.source:
        return f"{row.where} (source: {row.source})" if row.where else f"source: {row.source}"
    return row.where


def _there(visit: Visit, shown: Page) -> list[Block]:
    blocks: list[Block] = [Heading("Not from your own records"), Words(there(visit))]
    if shown.there:
        rows = tuple((row.what, row.when, _where(row, shown)) for row in shown.there)
        blocks.append(Table(("What", "When", "Where"), rows, widths=(8, 1.9, 5.2)))
    if shown.there and shown.more_there:
        blocks.append(Words(f"And {shown.more_there:,} more that are not listed here.", "soft"))
    return blocks


def there(visit: Visit, where: str = "here") -> str:
    """What the office does not have, counted; or why nobody can say."""
    told = visit.not_there
    if not told.known:
        return (
            "Which records this office has cannot be told: no source of this record is known to be its own."
            " All of it may be new here."
        )
    own = in_a_row(told.sources)
    if not told.total:
        if visit.last is None:
            return f"All of this comes from {own}, which is the source of this office."
        return f"All of this comes from {own}, which tells the visits {where} as well."
    others = [OWN if name in visit.own_words else name for name in told.others[:4]]
    if len(told.others) > 4:
        others.append("others")
    whose_ = f"the source of the visits {where}" if visit.last is not None else "the source of this office"
    return f"Not in {own}, {whose_}: {counted(visit)}, from {in_a_row(others)}."


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────


def content(visit: Visit, given: Handover, format_: str) -> bytes:
    """The page in one of the formats. Raises PhrError."""
    if format_ == "pdf":
        return one_page(visit, given)
    whole = leaf(visit, given)
    if format_ == "html":
        from phr.exporters.leaf_html import to_html

        return to_html(whole)
    if format_ == "markdown":
        from phr.exporters.leaf_markdown import to_markdown

        return to_markdown(whole).encode()
    raise UsageError(f"There is no page as {format_}.", hint=f"There is: {', '.join(SUFFIXES)}")


def one_page(visit: Visit, given: Handover) -> bytes:
    """The page as PDF: fewer rows until it is one page."""
    from phr.exporters.leaf_pdf import to_pdf

    done = b""
    for room in _ROOMS:
        done = to_pdf(leaf(visit, given, room))
        if _pages(done) <= 1:
            break
    return done


def _pages(pdf: bytes) -> int:
    from pypdf import PdfReader

    return len(PdfReader(BytesIO(pdf)).pages)


def write(page_path: Path, content_: bytes, ccd_path: Path | None, given: Handover) -> Pages:
    """Write the page, and the C-CDA document beside it where one is wanted: both appear, or neither. Raises PhrError."""
    document = None
    out = BytesIO()
    if ccd_path is not None:
        from phr.exporters.ccd import CcdExporter

        given.doing("Writing the C-CDA document", 0, None)
        document = given.told(CcdExporter().write(given, out))
    wanted = [(page_path, content_)] + ([(ccd_path, out.getvalue())] if ccd_path is not None else [])
    _both(wanted)
    return Pages(page_path, ccd_path, len(content_), document)


def _both(wanted: list[tuple[Path, bytes]]) -> None:
    """All of these files, or none: each is on the disk whole before the first one gets its name."""
    for path, _ in wanted:
        if path.is_dir():
            raise UsageError(
                f"{path} is a folder.", hint="Name a file, or a folder with / at its end: -o FOLDER/"
            )
        if not path.resolve().parent.is_dir():
            raise UsageError(
                f"There is no folder {path.parent}.", hint="Make it first, or choose another: -o FOLDER/"
            )
    try:
        with ExitStack() as open_:
            ready = []
            for path, content_ in wanted:
                target = path.resolve()
                handle, temporary = open_.enter_context(private_file_beside(target))
                handle.write(content_)
                handle.flush()
                ready.append((handle, temporary, target))
            for one in ready:
                settle(*one)
    except OSError as error:
        raise PhrError(
            f"{wanted[0][0]} could not be written: {error.strerror or type(error).__name__}.",
            hint="Nothing was left behind. Choose another place: -o FOLDER/",
        ) from error
