"""What all sections are made of: a heading, a table of rows, entries that point at their rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC
from phr.ccda.datatypes import code
from phr.ccda.desk import Desk
from phr.ccda.narrative import NO_INFORMATION, table
from phr.ccda.participants import remark_author
from phr.ccda.xml import Child, Element, Sealed, el, seal
from phr.fhir.read import concept_text, listed, text

DEPTH = 4
"""How deep a section stands in its document."""
_COUNTED = Sealed("entry", {}, [])
TEMPLATES = "2.16.840.1.113883.10.20.22."


def template(number: str, *dates: str | None) -> list[Element]:
    """The templateIds of a template: `4.14` below the C-CDA root, or an OID of its own; None: undated."""
    root = number if number.startswith(("2.16.", "1.3.")) else TEMPLATES + number
    return [el("templateId", root=root, extension=date) for date in dates or (None,)]


@dataclass(frozen=True, slots=True)
class Heading:
    """What names a section: LOINC code, title, template and its dates."""

    code: str
    title: str
    template: str
    dates: tuple[str | None, ...]
    required: bool = False
    entries_required: bool = False
    """Its template demands an entry wherever the section is not null."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A note on a resource and the ID of the words in the narrative."""

    id: str
    annotation: dict[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the narrative that an entry points at."""

    id: str
    comments: tuple[Comment, ...] = ()

    def part(self, start: int, count: int) -> Row:
        """The row with some of its comments only."""
        return Row(self.id, self.comments[start : start + count])

    def link(self) -> Element:
        """The `text` of an entry: where its words stand."""
        return el("text", el("reference", value=f"#{self.id}"))


@dataclass(frozen=True, slots=True)
class _Further:
    """What stands in a row only where some row of the section has it."""

    details: tuple[str, ...] = field(repr=False)
    source: str | None
    comments: list[Element] = field(repr=False)


def said(label: str, *words: str | None) -> str | None:
    """A detail with its label, `priority: urgent`; nothing if nobody said it."""
    kept = ", ".join(dict.fromkeys(each for each in words if each))
    return f"{label}: {kept}" if kept else None


def said_of(label: str, *concepts: object) -> str | None:
    """A detail that is a concept, or several."""
    return said(label, *(concept_text(each) for concept in concepts for each in listed(concept)))


@dataclass(slots=True)
class Section:
    """One section in the making: rows and entries are added together."""

    desk: Desk
    heading: Heading
    prefix: str
    columns: tuple[str, ...] = ()
    rows: list[Element] = field(default_factory=list)
    entries: list[Element] = field(default_factory=list)
    blocks: list[Element] = field(default_factory=list)
    _further: list[_Further] = field(default_factory=list)

    def row(
        self, entry: Entry, *cells: Child, notes: object = None, details: Iterable[str | None] = ()
    ) -> Row:
        """A new row for `entry`, which counts as written from now on.

        `notes` are its Annotations; `details` what has no column of its own, because few sources say it.
        """
        self.desk.done(entry)
        id_ = f"{self.prefix}{len(self.rows) + 1}"
        comments = tuple(
            Comment(f"{id_}n{number}", annotation)
            for number, annotation in enumerate(written_notes(notes), 1)
        )
        self.rows.append(el("tr", [el("td", cell) for cell in cells], ID=id_))
        words = [_comment_words(comment) for comment in comments]
        self._further.append(
            _Further(tuple(each for each in details if each), self.desk.source(entry), words)
        )
        return Row(id_, comments)

    def add(self, *statements: Element | None) -> None:
        """Entries made from what was read (typeCode DRIV); an outfit without entries only counts them."""
        for each in statements:
            if each is not None:
                self.entries.append(self._sealed(el("entry", each, typeCode="DRIV")))

    def _sealed(self, entry: Element) -> Element:
        return seal(entry, DEPTH + 1, self.desk.introduced) if self.desk.outfit.entries else _COUNTED

    def narrative(self) -> list[Element]:
        """The table (if there are rows), then whatever else there is to read."""
        return [self._table(), *self.blocks] if self.rows else list(self.blocks)

    def _table(self) -> Element:
        """The rows, with the columns that any of them needs."""
        detailed = any(each.details for each in self._further)
        commented = any(each.comments for each in self._further)
        columns = [*self.columns, *(["Details"] if detailed else [])]
        columns += [*(["Source"] if self.desk.several else []), *(["Comments"] if commented else [])]
        rows = [
            Element(
                row.tag,
                row.attributes,
                [
                    *row.children,
                    *([el("td", "; ".join(further.details))] if detailed else []),
                    *([el("td", further.source)] if self.desk.several else []),
                    *([el("td", _apart(further.comments))] if commented else []),
                ],
            )
            for row, further in zip(self.rows, self._further, strict=True)
        ]
        return table(columns, rows)

    @property
    def stands(self) -> bool:
        """Whether the document has this section: it is required, or there is something to say."""
        return self.heading.required or bool(self.rows or self.entries or self.blocks)

    def element(self) -> Element:
        """The section as it stands in the document; without entries it says so."""
        blocks = self.narrative()
        empty = not self.entries and (not blocks or self.heading.entries_required)
        heading = self.heading
        return el(
            "section",
            template(heading.template, *heading.dates),
            code("code", heading.code, LOINC),
            el("title", heading.title),
            el("text", blocks or el("paragraph", NO_INFORMATION)),
            self.entries,
            nullFlavor="NI" if empty else None,
        )


def written_notes(notes: object) -> list[dict[str, object]]:
    """The Annotations that say something."""
    return [note for note in listed(notes) if isinstance(note, dict) and text(note.get("text"))]


def _comment_words(comment: Comment) -> Element:
    return el("content", text(comment.annotation.get("text")), ID=comment.id)


def _apart(words: Sequence[Element]) -> list[Child]:
    content: list[Child] = []
    for each in words:
        if content:
            content.append(el("br"))
        content.append(each)
    return content


def comments(desk: Desk, entry: Entry, row: Row) -> list[Element]:
    """Comment Activities for the notes of a row."""
    return [
        el(
            "entryRelationship",
            el(
                "act",
                template("4.64"),
                code("code", "48767-8", LOINC, "Annotation comment"),
                el("text", el("reference", value=f"#{comment.id}")),
                comment_author(desk, entry, comment.annotation),
                classCode="ACT",
                moodCode="EVN",
            ),
            typeCode="SUBJ",
            inversionInd="true",
        )
        for comment in row.comments
    ]


def comment_author(desk: Desk, entry: Entry, annotation: dict[str, object]) -> Element | None:
    """Who wrote a note, and when. What the patient says is no word of the source that it stands beside."""
    who, when = annotation.get("authorReference"), text(annotation.get("time"))
    named = text(annotation.get("authorString")) if who is None else None
    own = named is not None and desk.is_the_patient(named)
    if own and desk.patient and desk.patient.full_url:
        who = {"reference": desk.patient.full_url}
    elif named:
        who = {"display": named}
    return remark_author(desk, entry, who, when, of_the_patient=own) if who or when else None


def related(type_code: str, statement: Element | None, *, inverted: bool = False) -> Element | None:
    """A statement that belongs to another one; nothing if there is none."""
    if statement is None:
        return None
    return el("entryRelationship", statement, typeCode=type_code, inversionInd="true" if inverted else None)
