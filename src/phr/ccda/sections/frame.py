"""What all sections are made of: a heading, a table of rows, entries that point at their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC
from phr.ccda.datatypes import code
from phr.ccda.desk import Desk
from phr.ccda.narrative import NO_INFORMATION, table
from phr.ccda.participants import author
from phr.ccda.xml import Child, Element, el
from phr.fhir.read import listed, text

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

    def link(self) -> Element:
        """The `text` of an entry: where its words stand."""
        return el("text", el("reference", value=f"#{self.id}"))


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
    _commented: list[tuple[Element, list[Element]]] = field(default_factory=list)

    def row(self, entry: Entry, *cells: Child, notes: object = None) -> Row:
        """A new row for `entry`, which counts as written from now on. `notes` are its Annotations."""
        self.desk.done(entry)
        id_ = f"{self.prefix}{len(self.rows) + 1}"
        comments = tuple(
            Comment(f"{id_}n{number}", annotation)
            for number, annotation in enumerate(written_notes(notes), 1)
        )
        row = el("tr", [el("td", cell) for cell in cells], ID=id_)
        if self.desk.several:
            row.children.append(el("td", self.desk.source(entry)))
        self.rows.append(row)
        self._commented.append((row, [_comment_words(comment) for comment in comments]))
        return Row(id_, comments)

    def add(self, *statements: Element | None) -> None:
        """Entries made from what was read (typeCode DRIV)."""
        self.entries.extend(el("entry", each, typeCode="DRIV") for each in statements if each is not None)

    def narrative(self) -> list[Element]:
        """The table (if there are rows), then whatever else there is to read."""
        blocks = list(self.blocks)
        if self.rows:
            columns = [*self.columns, *(["Source"] if self.desk.several else [])]
            if any(words for _, words in self._commented):
                columns.append("Comments")
                for row, words in self._commented:
                    row.children.append(el("td", _apart(words)))
            blocks.insert(0, table(columns, self.rows))
        return blocks

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
                _comment_author(desk, entry, comment.annotation),
                classCode="ACT",
                moodCode="EVN",
            ),
            typeCode="SUBJ",
            inversionInd="true",
        )
        for comment in row.comments
    ]


def _comment_author(desk: Desk, entry: Entry, annotation: dict[str, object]) -> Element | None:
    who, when = annotation.get("authorReference"), text(annotation.get("time"))
    named = text(annotation.get("authorString"))
    if who is None and named:
        who = {"display": named}
    return author(desk, entry, who, when) if who or when else None


def related(type_code: str, statement: Element | None, *, inverted: bool = False) -> Element | None:
    """A statement that belongs to another one; nothing if there is none."""
    if statement is None:
        return None
    return el("entryRelationship", statement, typeCode=type_code, inversionInd="true" if inverted else None)
