"""The full record on paper: the sections of the Continuity of Care Document, then what no section of it takes.

The words are those of the document for a doctor's software, so that paper and file hold the same facts. Messages, tasks,
bills and the like have no section there: they follow by kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from phr.ccda.bundle import Entry
from phr.ccda.desk import ANOTHER, ENTERED_IN_ERROR, MODIFIED, Desk
from phr.exporters.chapters import Outlined
from phr.exporters.pdf_blocks import Block, Cell, Row, heading, tables, words
from phr.exporters.pdf_fold import folded
from phr.exporters.pdf_narrative import blocks_of
from phr.exporters.pdf_page import NOT_SELECTED, NOTHING
from phr.exporters.pdf_words import moment, place, signed, titled, usual
from phr.model import Problem
from phr.views.events import Event
from phr.views.kind_words import plural

_EXPECTED = ("allergies", "medications", "problems")
"""Sections that stand even when the record says nothing: whoever reads looks for them first."""
NOT_TO_BE_TOLD = (ANOTHER, ENTERED_IN_ERROR, MODIFIED)


ROWS = 20_000
"""So many rows of tables are set, some six hundred pages: each one costs a tenth of a megabyte while Typst is at work."""
_CALLED = {"clinical_note": "Notes whose text is not on this paper"}
"""What is left of a kind whose own chapter stands above."""
_NO_ROOM = "older than those on paper: there was no room for them, and another format has them"


@dataclass(slots=True)
class Told:
    """The chapters, and what is in them."""

    blocks: list[Block] = field(repr=False)
    counts: dict[str, int]
    left_out: tuple[Problem, ...]


def chapters(
    told: Outlined, events: Sequence[Event], *, several: bool, everything: bool, part_only: bool
) -> Told:
    """All chapters. `everything`: also what belongs to no section, as no sections were chosen; `part_only`: a selection."""
    nothing = NOT_SELECTED if part_only else NOTHING
    blocks: list[Block] = []
    counts: dict[str, int] = {}
    for one in told.chapters:
        if not one.chosen or not (one.blocks or one.part.name in _EXPECTED):
            continue
        number = len(one.entries)
        blocks.append(heading(f"{one.title} ({number:,})" if number else one.title, 3))
        blocks += blocks_of(one.blocks) or [words(nothing, "soft")]
        counts[one.part.code] = number
    others = rest(told, events) if everything else []
    for kind in dict.fromkeys(one["kind"] for one in others):
        ofkind = [one for one in others if one["kind"] == kind]
        title = _CALLED.get(kind, plural(kind).capitalize())
        blocks.append(heading(f"{title} ({len(ofkind):,})", 3))
        blocks += event_table(ofkind, several=several)
        counts[kind] = len(ofkind)
    printed = {one["resource"] for one in others}
    left_out = tuple(one for one in told.left_out if f"{one.type}/{one.id}" not in printed)
    blocks, older = bounded([*blocks, *own_words(events)], ROWS)
    if older:
        left_out = (*left_out, Problem("Record", f"{older:,} {_NO_ROOM}"))
    return Told(blocks, counts, left_out)


def bounded(blocks: Sequence[Block], most: int) -> tuple[list[Block], int]:
    """Not more than so many rows, and how many are left out: long tables lose their oldest rows, and say so."""
    lengths = _lengths(blocks)
    if sum(lengths) <= most:
        return list(blocks), 0
    limit = _limit(lengths, most)
    found: list[Block] = []
    set_: Counter[int] = Counter()
    for number, one in _numbered(blocks):
        if number is None:
            found.append(one)
            continue
        rows = one["rows"][: limit - set_[number]]
        set_[number] += len(rows)
        if rows:
            found.append(one | {"rows": rows})
            if set_[number] == limit < lengths[number]:
                found.append(words(f"And {lengths[number] - limit:,} {_NO_ROOM}.", "soft"))
    return found, sum(max(0, length - limit) for length in lengths)


def _numbered(blocks: Sequence[Block]) -> Iterator[tuple[int | None, Block]]:
    """Each block with the number of its table; pieces of one table follow each other under the same column titles."""
    number, before = -1, None
    for one in blocks:
        titles = one["columns"] if one["k"] == "table" else None
        if titles is not None and titles != before:
            number += 1
        before = titles
        yield (number if titles is not None else None), one


def _lengths(blocks: Sequence[Block]) -> list[int]:
    found: list[int] = []
    for number, one in _numbered(blocks):
        if number is not None:
            found += [0] if number == len(found) else []
            found[number] += len(one["rows"])
    return found


def _limit(lengths: Sequence[int], most: int) -> int:
    """How long a table may be so that all of them together have so many rows: the short ones stay whole."""
    room, rest = most, sorted(lengths)
    while rest and rest[0] * len(rest) <= room:
        room -= rest.pop(0)
    return room // len(rest) if rest else most


def rest(told: Outlined, events: Iterable[Event]) -> list[Event]:
    """The records that stand in no section."""
    taken = addresses(told.desk, (entry for one in told.chapters for entry in one.entries))
    return [one for one in events if not is_among(one, taken)]


def about_the_person(told: Outlined, events: Iterable[Event]) -> list[Event]:
    """Without what no document may tell: it is about somebody else, an error, or means something that is not known."""
    desk = told.desk
    dead = addresses(
        desk, (one for one in desk.index.entries if one.container is None and not desk.lives(one))
    )
    return [one for one in events if not is_among(one, dead)]


def addresses(desk: Desk, entries: Iterable[Entry]) -> set[tuple[str | None, str]]:
    """`(source, Type/id)` of what stands in a section."""
    return {(desk.own_source(entry), f"{entry.type}/{entry.id}") for entry in entries}


def is_among(event: Event, taken: set[tuple[str | None, str]]) -> bool:
    """Whether this record is one of these."""
    return any((source, event["resource"]) in taken for source in event["sources"])


def event_table(events: Sequence[Event], *, several: bool) -> list[Block]:
    """A row for each record, the newest first."""
    rows: list[Row] = [
        [
            moment(one["date"]),
            titled(one),
            signed(one),
            usual(one),
            str(one["status"] or ""),
            place(one),
            ", ".join(one["sources"]) if several else "",
            _described(one),
        ]
        for one in events
    ]
    columns = ("Date", "What", "Value", "Usual", "Status", "Where and by whom", "Source")
    return tables(columns, folded(columns, rows))


def _described(one: Event) -> Cell:
    said = str(one["description"] or "").strip()
    return [["s", said]] if said and said != one["title"] else ""


def own_words(events: Iterable[Event]) -> list[Block]:
    """What the person says beside their sources: corrections, and notes where they go along."""
    corrected: list[Row] = []
    noted: list[Row] = []
    for one in events:
        for said in one.get("corrections") or ():
            reason = str(said["reason"] or "")
            corrected.append(
                [
                    titled(one),
                    str(said["field"]),
                    str(said["source_value"] or ""),
                    str(said["value"] or ""),
                    reason,
                ]
            )
        for said in one.get("notes") or ():
            noted.append([moment(one["date"]), titled(one), str(said["text"]), str(said["written"])[:10]])
    found: list[Block] = []
    if corrected:
        columns = ("Record", "Part", "The source says", "The patient says", "Why")
        found += [heading("Corrected by the patient", 3), *tables(columns, corrected)]
    if noted:
        columns_ = ("Date", "Record", "Note", "Written")
        found += [heading("The patient's own notes", 3), *tables(columns_, noted)]
    return found
