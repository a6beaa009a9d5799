"""A page of a summary in the making: its room, its tables, and the sentences below them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from phr.exporters.pdf_blocks import Block, Cell, Row, heading, tables, words
from phr.exporters.pdf_now import Now
from phr.exporters.pdf_words import day, titled
from phr.views.events import Event

NOTHING = "No information. That does not mean that there is none."
NOT_SELECTED = "Nothing in this selection. That does not mean that there is none."


@dataclass(frozen=True, slots=True)
class Room:
    """How much is told: shares of the usual number of rows; `where` the rest is."""

    share: float = 1.0
    where: str = "in the full record"

    def rows(self, usual_number: int) -> int:
        return max(2, round(usual_number * self.share))


@dataclass(slots=True)
class Page:
    """A summary in the making."""

    now: Now = field(repr=False)
    events: Sequence[Event] = field(repr=False)
    made: int
    several: bool
    """Whether more than one source is there, so that each line says whose it is."""
    room: Room = field(default_factory=Room)
    part_only: bool = False
    """Whether it is a selection: of what is not in it nothing can be said."""

    def of(self, event: Event) -> str:
        return ", ".join(event["sources"]) if self.several else ""

    def part(
        self,
        title: str,
        columns: Sequence[str],
        entries: Sequence[Event],
        rows: Sequence[Row],
        most: int,
        names: tuple[str, str],
        *,
        least: int = 0,
        widths: Sequence[float] = (),
        empty: str = NOTHING,
    ) -> list[Block]:
        """A heading and a table cut to its room; `least` rows are never cut."""
        found = [heading(title)]
        limit = max(self.room.rows(most), least)
        if not rows:
            empty = NOT_SELECTED if empty and self.part_only else empty
            return [*found, words(empty, "soft")] if empty else []
        found += tables(columns, rows[:limit], widths=widths)
        return [*found, *self.rest(len(rows) - limit, names)]

    def rest(self, number: int, names: tuple[str, str]) -> list[Block]:
        """A line that counts what there was no room for."""
        if number <= 0:
            return []
        return [words(f"And {number:,} more {names[number > 1]} {self.room.where}.", "soft")]


def two(first: str, below: str) -> Cell:
    """A name, and what is said of it in softer words."""
    return [["b", first], ["s", f"  {below}"]] if below else [["b", first]]


def joined(*said: str | None) -> str:
    return " · ".join(one for one in said if one)


def aside(label: str, entries: Sequence[Event], most: int = 8) -> list[Block]:
    """A few names in a sentence, and how many more there are."""
    if not entries:
        return []
    names = [
        f"{titled(one | {'status': None, 'description': None})} {day(one.get('ended') or one.get('date'))}".strip()
        for one in entries[:most]
    ]
    rest = f", and {len(entries) - most:,} more" if len(entries) > most else ""
    return [words(f"{label}: {', '.join(names)}{rest}.", "soft")]


def known_none(entries: Sequence[Event], others: bool) -> list[Block]:
    """That a source says that there is none."""
    but = "But: " if others else ""
    return [
        words(
            f"{but}{titled(one)} (says {', '.join(one['sources'])}{', ' + day(one['date']) if one['date'] else ''})."
        )
        for one in entries[:2]
    ]
