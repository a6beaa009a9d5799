"""The record on paper: a summary that a doctor reads in four minutes, or all of it in chapters (PDF/UA-1).

The facts are those of the Continuity of Care Document of the same selection; what is put together here is set by Typst
(`press`). The summary has four pages at most: what has no room is counted, and stands in the full record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO

from phr.exporters.about import NO_CLINICIAN, About, about
from phr.exporters.base import Exported, Handover
from phr.exporters.chapters import Outlined, outlined
from phr.exporters.pdf_blocks import Block, bullets, heading, text_of, words
from phr.exporters.pdf_chapters import (
    NOT_TO_BE_TOLD,
    about_the_person,
    addresses,
    chapters,
    is_among,
)
from phr.exporters.pdf_narrative import blocks_of
from phr.exporters.pdf_now import Now, now
from phr.exporters.pdf_page import NOTHING, Page, Room
from phr.exporters.pdf_pictures import MOST, Pictures, drawn, pairs
from phr.exporters.pdf_summary import summary_blocks
from phr.exporters.pdf_who import Who, who
from phr.exporters.press import pages, press
from phr.fhir.read import text
from phr.views.events import Event

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.views.selection import Selection

PAGES = 4
"""A doctor has four minutes."""
_TRIES = ((1.0, 6), (1.0, 4), (0.85, 4), (0.7, 4), (0.5, 2), (0.3, 2), (0.15, 0))
"""`(share of the usual rows, charts)` until it fits."""
_SHORT = "This is a summary{}. The full record is a paper of its own: phr export --format pdf"
_EVERYTHING = "Everything in the record."
"""What a file says that has no selection (`about`); a summary says so in its own sentence."""
_NO_SIGNATURE = "The patient's own copy; no clinician has signed it."
_CODES = {
    "allergies": "48765-2",
    "medications": "10160-0",
    "problems": "11450-4",
    "immunizations": "11369-6",
    "upcoming": "18776-5",
    "directives": "42348-3",
}


class PdfExporter:
    """`phr export --format pdf`."""

    media_type = "application/pdf"
    suffix = ".pdf"

    def __init__(self, results_since: str | None = None) -> None:
        self._results_since = results_since

    def write(self, given: Handover, out: BinaryIO) -> Exported:
        events = list(given.events())
        given.doing("Putting the chapters together")
        told = outlined(given, "this paper", encloses=False)
        paper = _Paper(given, told, events, self._results_since)
        done, pdf = paper.summary() if given.options.layout == "summary" else paper.full()
        out.write(pdf)
        return replace(done, bytes=len(pdf), about=told.desk.about())


class _Paper:
    """One paper in the making."""

    def __init__(
        self, given: Handover, told: Outlined, events: Sequence[Event], results_since: str | None = None
    ) -> None:
        self.given, self.told = given, told
        events = about_the_person(told, events)
        if given.options.sections:
            entries = (entry for one in told.chapters if one.chosen for entry in one.entries)
            chosen = addresses(told.desk, entries)
            events = [one for one in events if is_among(one, chosen)]
        self.events = events
        self.several = len({name for one in events for name in one["sources"]}) > 1
        self._part_only = bool(given.options.sections or about(given).selection)
        header = given.header
        patient = told.desk.patient.resource if told.desk.patient else {}
        self.born = text(patient.get("birthDate"))
        self.who: Who = who(patient, f"{header.made:%Y-%m-%d}")
        team = next((one for one in told.chapters if one.part.name == "care-team"), None)
        words_ = _all_words(blocks_of(team.blocks)) if team else ""
        team_words = f"{words_} {patient.get('generalPractitioner', '')}"
        self.now: Now = now(given, events, team_words, results_since)

    # ── the two layouts ──────────────────────────────────────────────────────────────────────────────

    def summary(self) -> tuple[Exported, bytes]:
        """Four pages at most."""
        given = self.given
        hidden = (one for one in self.told.left_out if one.reason in NOT_TO_BE_TOLD)
        left_out = (*given.contents.left_out, *given.contents.gone, *hidden)
        said = about(given, left_out)
        pictures = self._drawn(max(charts for _, charts in _TRIES))
        for number, (share, charts) in enumerate(_TRIES):
            given.doing("Setting the pages", number, len(_TRIES))
            room = Room(share, "in the full record")
            blocks = [
                *self._title("Doctor's summary", said),
                *summary_blocks(self._page(room)),
                *_charts(pictures, charts, 2),
                *_lanes(pictures, 2),
                *self._about(
                    said, 2, _SHORT.format("" if self._part_only else " of everything in the record")
                ),
            ]
            pdf = self._press("Doctor's summary", blocks, pictures)
            if pages(pdf) <= PAGES:
                break
        counts = {code: len(self.now[name]) for name, code in _CODES.items()}
        counts["30954-2"] = len(self.now.abnormal)
        return Exported(0, counts, left_out), pdf

    def _drawn(self, most: int) -> Pictures:
        doubted = {
            one["id"]: one.get("last_seen") for one in self.now["medications"] if one.get("still_taking")
        }
        return drawn(self.events, most, self.given.doing, born=self.born, doubted=doubted)

    def full(self) -> tuple[Exported, bytes]:
        """Everything, behind a table of contents."""
        given = self.given
        everything = not given.options.sections
        told = chapters(
            self.told, self.events, several=self.several, everything=everything, part_only=self._part_only
        )
        said = about(given, told.left_out)
        pictures = self._drawn(MOST)
        given.doing("Setting the pages")
        below = [one | {"level": one["level"] + 1} if one["k"] == "h" else one for one in self._summary()]
        blocks = [
            *self._title("Health record", said),
            *([{"k": "toc", "t": "Contents"}, {"k": "break"}] if self.events else []),
            heading("Summary"),
            *below,
            *_charts(pictures, MOST, 2),
            *_lanes(pictures, 2),
            heading("The full record"),
            *(told.blocks or [words(NOTHING, "soft")]),
            *self._about(said, 2),
        ]
        return Exported(0, told.counts, told.left_out), self._press("Health record", blocks, pictures)

    # ── parts ────────────────────────────────────────────────────────────────────────────────────────

    def _page(self, room: Room) -> Page:
        made = int(self.given.header.made.timestamp())
        return Page(self.now, self.events, made, self.several, room, self._part_only)

    def _summary(self) -> list[Block]:
        return summary_blocks(self._page(Room(1.0, "in the chapters below")))

    def _title(self, what: str, said: About) -> list[Block]:
        for_whom = f" for {said.whom}" if said.whom else ""
        sources = f" from {', '.join(said.sources)}" if said.sources else ""
        made = f"{what}{for_whom}, made on {said.made:%Y-%m-%d}{sources}"
        selection = f"A selection: {'; '.join(said.selection)}." if said.selection else ""
        return [
            heading(self.who.name, 1),
            *(words(line) for line in self.who.lines()),
            words(f"{made}. {selection}".strip(), "soft"),
        ]

    def _about(self, said: About, level: int, *also: str) -> list[Block]:
        sections = self.given.options.sections
        chosen = [f"Only these sections: {', '.join(sections)}."] if sections else []
        looked = [f"Of {kind} only the newest were looked at." for kind in self.now.reached]
        sentences = [one for one in said.sentences() if not (also and one == _EVERYTHING)]
        return [
            heading("Sources, and what is not in here", level),
            bullets([*sentences, *chosen, *also, *looked, NO_CLINICIAN]),
        ]

    def _press(self, what: str, blocks: Sequence[Block], pictures: Pictures) -> bytes:
        header = self.given.header
        figures = (each for one in blocks for each in one.get("figures", [one]))
        shown = {one["file"] for one in figures if "file" in one}
        whom = self.given.options.whom
        data: dict[str, Any] = {
            "blocks": blocks,
            "head_left": self.who.header,
            "head_right": f"{what} for {whom}" if whom else what,
            "foot": f"Made on {header.made:%Y-%m-%d} by {header.software}. {_NO_SIGNATURE}",
        }
        files = {name: svg for name, svg in pictures.files.items() if name in shown}
        return press("record", data, title=f"{what}: {self.who.name}", pictures=files, made=header.made)


def _charts(pictures: Pictures, most: int, level: int) -> list[Block]:
    if not most or not pictures.charts:
        return []
    rest = len(pictures.charts) - min(most, len(pictures.charts)) + pictures.more
    found = [heading("Measurements over time", level), *pairs(pictures.charts[:most])]
    if rest:
        are = "measurement has" if rest == 1 else "measurements have"
        found.append(words(f"{rest:,} more {are} values of several days, and no chart here.", "soft"))
    return found


def _lanes(pictures: Pictures, level: int) -> list[Block]:
    return [heading("All of it on one line of time", level), *pictures.lanes] if pictures.lanes else []


def _all_words(blocks: Sequence[Block]) -> str:
    """Every word of some blocks."""
    found: list[str] = []
    for one in blocks:
        found += [text_of(cell) for row in one.get("rows", ()) for cell in row]
        found += [text_of(one["t"])] if "t" in one else []
    return " ".join(found)


def summary_of(store: Store, selection: Selection, results_since: str | None = None) -> bytes:
    """The doctor's summary alone; `results_since` moves how far back results go. Raises PhrError."""
    from io import BytesIO

    from phr.exporters.base import Options

    out = BytesIO()
    PdfExporter(results_since).write(Handover(store, selection, Options(layout="summary")), out)
    return out.getvalue()
