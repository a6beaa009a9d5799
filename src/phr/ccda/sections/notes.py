"""Notes: DocumentReference and DiagnosticReport documents as Note Activity, one section for each type of note.

Follows Notes Section (2.16.840.1.113883.10.20.22.2.65) and Note Activity (4.202). Text and HTML become
narrative; a PDF or a picture is enclosed as it is, up to a size that receivers can be expected to read.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from phr.ccda import measures
from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC
from phr.ccda.datatypes import at, code, codings_in, identifier, ids, period, timestamp, translations
from phr.ccda.desk import Desk, newest
from phr.ccda.narrative import from_html, moment, paragraphs, remarked
from phr.ccda.participants import author, party, words_for
from phr.ccda.sections.frame import Heading, Row, Section, said, said_of, template
from phr.ccda.sections.links import words_of
from phr.ccda.xml import Element, el, null
from phr.fhir.read import base64_bytes, concept_text, dicts, first, listed, text
from phr.model import Resource

MOST = 2_000_000
"""Bytes of a file that is enclosed; larger ones are named as left out."""

_NOT_THE_LAST_WORD = frozenset(
    "superseded preliminary partial registered cancelled amended corrected".split()
)
_TEXTS = ("text/plain", "text/html", "application/xhtml+xml", "text/rtf", "text/markdown", "text/xml")


_WHOLE = "It is a clinical document of its own (C-CDA), which does not stand inside another one: "
WHOLE_DOCUMENT = f"{_WHOLE}hand it on as it is, or import it so that its statements stand here."
OPENED_DOCUMENT = f"{_WHOLE}its statements stand here one by one."
_CLINICAL_DOCUMENT = re.compile(rb"<(?:[\w.-]+:)?ClinicalDocument[\s>]")
_TITLE_TWICE = re.compile(
    r"<title>\s*([^<]*?)\s*</title>(.*?<body[^>]*>)\s*<h1>\s*\1\s*</h1>", re.DOTALL | re.IGNORECASE
)
"""A page whose first heading repeats its title, which stands in the caption anyway."""


def is_clinical_document(data: bytes) -> bool:
    """Whether the bytes are CDA: its root element is among the first things in the file."""
    beginning = data[:8192].replace(b"\0", b"")  # UTF-16 as well
    return (
        _CLINICAL_DOCUMENT.search(beginning) is not None
        and beginning.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:1] == b"<"
    )


@dataclass(frozen=True, slots=True)
class _Content:
    """One attachment with its bytes at hand."""

    media_type: str
    data: bytes
    title: str | None


def notes(desk: Desk) -> list[Section]:
    """One section for each type of note, in the order of the value set."""
    sections = {
        number: Section(desk, Heading(number, title, "2.65", ("2016-11-01",)), f"not{index}x")
        for index, (number, title) in enumerate(measures.NOTE_SECTIONS.items(), 1)
    }
    seen: set[tuple[str | None, bytes]] = set()
    for entry in newest(desk.of("DocumentReference", "DiagnosticReport"), _when):
        contents = _contents(desk, entry)
        if not contents:
            desk.leave_out(entry, "Its text is not in the selection.")
            continue
        key = (_day(entry.resource), b"\0".join(content.data for content in contents))
        if key in seen:
            desk.leave_out(entry, "The same text of the same day stands in another note.")
            continue
        seen.add(key)
        _note(sections[_section_of(entry.resource)], entry, contents)
    return list(sections.values())


def has_document(desk: Desk, entry: Entry) -> bool:
    """Whether the words of a report are at hand and become a note."""
    return bool(_contents(desk, entry))


def _day(resource: Resource) -> str | None:
    return (timestamp(_when(resource)) or "")[:8]


def _when(resource: Resource) -> object:
    context = resource.get("context")
    start = period(context.get("period"))[0] if isinstance(context, dict) else None
    for value in (start, resource.get("effectiveDateTime"), period(resource.get("effectivePeriod"))[0]):
        if timestamp(value):
            return value
    return next(
        (resource.get(key) for key in ("date", "issued", "created") if timestamp(resource.get(key))), None
    )


# ── which section ─────────────────────────────────────────────────────────────────────────────────

_WORDS = {
    "discharge": "18842-5",
    "consult": "11488-4",
    "history and physical": "34117-2",
    "h&p": "34117-2",
    "operative": "28570-0",
    "procedure": "28570-0",
    "patholog": "11526-1",
    "imaging": "18748-4",
    "radiolog": "18748-4",
    "progress": "11506-3",
    "laborator": "11502-2",
}


def _section_of(resource: Resource) -> str:
    """By the LOINC code of the type; a local type by what its name says."""
    concept = (
        resource.get("type") if resource.get("resourceType") == "DocumentReference" else resource.get("code")
    )
    for number in codings_in(concept, LOINC):
        if number in measures.NOTE_SECTIONS:
            return number
        if number in measures.NOTE_TYPES:
            return measures.NOTE_TYPES[number]
    words = (concept_text(concept) or "").lower()
    return next((number for word, number in _WORDS.items() if word in words), "34109-9")


# ── what it holds ─────────────────────────────────────────────────────────────────────────────────


def _attachments(resource: Resource) -> list[Resource]:
    held = [each.get("attachment") for each in listed(resource.get("content")) if isinstance(each, dict)]
    return [each for each in [*held, *listed(resource.get("presentedForm"))] if isinstance(each, dict)]


def _contents(desk: Desk, entry: Entry) -> list[_Content]:
    found: list[_Content] = []
    whole = False
    for attachment in _attachments(entry.resource):
        content = _content(desk, entry, attachment)
        if content is not None and is_clinical_document(content.data):
            whole = True
        elif content is not None and len(content.data) > MOST:
            desk.leave_out(entry, "It is too large to stand in a document.")
        elif content is not None:
            found.append(content)
    if whole and not found:
        desk.leave_out(entry, OPENED_DOCUMENT if entry.full_url in desk.outfit.opened else WHOLE_DOCUMENT)
    return _preferred(found)


def _preferred(found: list[_Content]) -> list[_Content]:
    """Servers send one note in several formats: the readable one is enough."""
    readable = [content for content in found if content.media_type in _TEXTS]
    best = next((c for kind in _TEXTS for c in readable if c.media_type == kind), None)
    return [best] if best else found


def _content(desk: Desk, entry: Entry, attachment: Resource) -> _Content | None:
    media_type = (text(attachment.get("contentType")) or "").partition(";")[0].strip().lower()
    encoded = text(attachment.get("data"))
    if encoded is None and (binary := desk.find(entry, attachment.get("url"))) is not None:
        encoded = text(binary.resource.get("data"))
        media_type = media_type or (text(binary.resource.get("contentType")) or "").partition(";")[0]
    if not encoded:
        return None
    data = base64_bytes(encoded)
    if not data or not data.strip():
        return None
    known = media_type or "text/plain"
    kind = known if re.fullmatch(r"[\w.+-]+/[\w.+-]+", known, re.ASCII) else "application/octet-stream"
    return _Content(kind, data, text(attachment.get("title")))


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _blocks(content: _Content) -> list[Element] | None:
    """The note as narrative; None if it is no text that we can read."""
    if content.media_type in ("text/html", "application/xhtml+xml"):
        return from_html(_TITLE_TWICE.sub(r"<title>\1</title>\2", _decoded(content.data), count=1)) or None
    if content.media_type in ("text/plain", "text/markdown", "text/xml") and b"\0" not in content.data:
        return paragraphs(_decoded(content.data)) or None
    return None


# ── the note ──────────────────────────────────────────────────────────────────────────────────────


def _standing(resource: Resource) -> list[str | None]:
    """What keeps a note from being the last word: it is a draft, or another one has taken its place."""
    said = text(resource.get("status")), concept_text(resource.get("docStatus"))
    return [each.lower() for each in said if each and each.lower() in _NOT_THE_LAST_WORD]


def _concept(resource: Resource) -> object:
    return (
        resource.get("type") if resource.get("resourceType") == "DocumentReference" else resource.get("code")
    )


def _writer(resource: Resource) -> object:
    return first(resource.get("author")) or first(resource.get("performer"))


def _note(section: Section, entry: Entry, contents: list[_Content]) -> None:
    resource, desk = entry.resource, section.desk
    desk.done(entry)
    title = (
        concept_text(_concept(resource)) or text(resource.get("description")) or contents[0].title or "Note"
    )
    caption = [
        remarked(title, *_standing(resource)),
        moment(_when(resource)),
        words_for(desk, entry, _writer(resource)),
        desk.source(entry),
        *_details(desk, entry),
    ]
    for content in contents:
        row = Row(f"{section.prefix}{len(section.blocks) + 1}")
        blocks = _blocks(content)
        words = blocks or [el("paragraph", _named_file(content, enclosed=desk.outfit.encloses))]
        section.blocks.append(  # the words alone have the ID: whoever reads them back gets no caption
            el("list", el("caption", ", ".join(filter(None, caption))), el("item", words, ID=row.id))
        )
        section.add(_activity(desk, entry, row, None if blocks else content))


def _named_file(content: _Content, *, enclosed: bool) -> str:
    """A file that is no text, in words: it goes along inside the document, or it does not."""
    if enclosed:
        return f"An enclosed file: {content.title or content.media_type}."
    kind = content.media_type.rpartition("/")[2]
    kind = kind.upper() if kind.isalnum() and len(kind) < 5 else content.media_type
    return (
        f"A file that is not on this page: {content.title} ({kind})."
        if content.title
        else (f"A file that is not on this page ({kind}).")
    )


def _details(desk: Desk, entry: Entry) -> list[str | None]:
    """What else is said of a document: who signed it, where it was written, what it replaces."""
    resource = entry.resource
    context = resource.get("context")
    context = context if isinstance(context, dict) and entry.type == "DocumentReference" else {}
    earlier = [
        remarked(text(each.get("code")), *words_of(desk, entry, each.get("target")))
        for each in dicts(resource.get("relatesTo"))
    ]
    return [
        said_of("kind", resource.get("category")),
        said("about", text(resource.get("description")) if concept_text(_concept(resource)) else None),
        said("signed by", words_for(desk, entry, resource.get("authenticator"))),
        said("also by", *(words_for(desk, entry, each) for each in listed(resource.get("author"))[1:])),
        said("kept by", words_for(desk, entry, resource.get("custodian"))),
        said_of("written in", context.get("facilityType"), context.get("practiceSetting")),
        said_of("about", context.get("event")),
        said("see", *words_of(desk, entry, context.get("related"))),
        said_of("confidentiality", resource.get("securityLabel")),
        *earlier,
    ]


def _activity(desk: Desk, entry: Entry, row: Row, enclosed: _Content | None) -> Element:
    resource = entry.resource
    named = concept_text(_concept(resource))
    encounter = _encounter(desk, entry)
    return el(
        "act",
        template("4.202", "2016-11-01"),
        ids(entry),
        identifier(resource.get("masterIdentifier"), entry.base),
        code(
            "code",
            "34109-9",
            LOINC,
            "Note",
            *([el("originalText", named)] if named else []),
            *translations(_concept(resource)),
        ),
        row.link() if enclosed is None else _file(row, enclosed),
        el("statusCode", code="completed"),
        at("effectiveTime", _when(resource)),
        author(desk, entry, _writer(resource), resource.get("date") or resource.get("issued")),
        _signed(desk, entry),
        el(
            "entryRelationship",
            el("encounter", ids(encounter), classCode="ENC", moodCode="EVN"),
            typeCode="COMP",
            inversionInd="true",
        )
        if encounter is not None
        else None,
        classCode="ACT",
        moodCode="EVN",
    )


def _signed(desk: Desk, entry: Entry) -> Element | None:
    """Who answers for the note: its legal authenticator."""
    who = party(desk, entry, entry.resource.get("authenticator"))
    if who is None:
        return None
    return el(
        "participant",
        null("time"),
        el(
            "participantRole",
            who.ids,
            el("playingEntity", who.person or (el("name", who.words) if who.words else null("name"))),
        ),
        typeCode="LA",
    )


def _file(row: Row, content: _Content) -> Element:
    return el(
        "text",
        base64.b64encode(content.data).decode(),
        el("reference", value=f"#{row.id}"),
        mediaType=content.media_type,
        representation="B64",
    )


def _encounter(desk: Desk, entry: Entry) -> Entry | None:
    """The encounter, if it stands in the Encounters Section."""
    context = entry.resource.get("context")
    reference = (
        first(context.get("encounter")) if isinstance(context, dict) else entry.resource.get("encounter")
    )
    found = desk.find(entry, reference)
    if found is None or found.type != "Encounter" or not desk.lives(found):
        return None
    return found if text(found.resource.get("status")) != "planned" else None
