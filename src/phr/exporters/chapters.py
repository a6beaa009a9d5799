"""The sections of a document with what stands in each: words for the eye, and the resources behind them.

They are those of the Continuity of Care Document (`phr.ccda.outline`), so that every summary says the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from phr.ccda.bundle import Entry
from phr.ccda.desk import Desk, Outfit
from phr.ccda.outline import Part, chosen_codes, compose, desk_for
from phr.ccda.xml import Element, el
from phr.exporters.base import Handover
from phr.model import Problem, Resource


@dataclass(slots=True)
class Chapter:
    """One section, or all notes together."""

    part: Part
    title: str
    chosen: bool
    blocks: list[Element] = field(default_factory=list, repr=False)
    entries: tuple[Entry, ...] = field(default=(), repr=False)


@dataclass(slots=True)
class Outlined:
    """A selection in chapters."""

    desk: Desk
    chapters: list[Chapter]
    left_out: tuple[Problem, ...]
    """What the selection leaves out, and what no section can say."""


def outlined(given: Handover, document: str, *, encloses: bool = True) -> Outlined:
    """Every section of the selection; those that were not chosen are marked. Raises UsageError for a name that is none.

    `document` is what it is all for, such as "the page"; `encloses` whether files go along inside that.
    """
    codes = chosen_codes(given.options.sections) if given.options.sections else None
    gathered = given.summary()
    outfit = Outfit(document, encloses, entries=False, opened=gathered.opened)
    desk = desk_for(gathered.bundle, gathered.sources, given.header.made, gathered.also, outfit)
    chapters: dict[str, Chapter] = {}
    for each in compose(desk, codes):
        name = each.part.name
        chapter = chapters.setdefault(
            name, Chapter(each.part, "Notes" if name == "notes" else each.section.heading.title, False)
        )
        chapter.chosen = chapter.chosen or each.chosen
        if each.says_something:
            chapter.entries = tuple(one for one in each.taken if one.type not in ("Patient", "Composition"))
            if name == "notes":
                chapter.blocks.append(
                    el("paragraph", el("content", each.section.heading.title, styleCode="Bold"))
                )
            chapter.blocks += each.section.narrative()
    return Outlined(desk, list(chapters.values()), gathered.left_out + tuple(desk.left_out))


def addressed(entry: Entry) -> str:
    """What an entry is called in the Bundle it came from."""
    return entry.full_url or entry.address


def loinc(code: str, display: str) -> Resource:
    """A code of LOINC as CodeableConcept."""
    return {"coding": [{"system": "http://loinc.org", "code": code, "display": display}]}
