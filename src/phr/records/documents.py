"""Notes, documents, pictures, questionnaires, consents: FHIR R4 and US Core.

A DocumentReference is a clinical note when its category or type says so (US Core); everything else with
a page is a document.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from phr.fhir import read
from phr.model import Resource
from phr.records import document_types, kinds
from phr.records.elements import joined, labelled, notes, reasons, walk, words_of
from phr.records.measurements import value_of
from phr.records.narrative import plain
from phr.records.references import Reading
from phr.records.shapes import Shape, paths

# ── documents ─────────────────────────────────────────────────────────────────────────────────────


def _document_kind(resource: Resource) -> str:
    """`directive` before `clinical_note` before `document`."""
    codes = {code.code for key in ("category", "type") for code in read.codings(resource.get(key))}
    if codes & kinds.ADVANCE_DIRECTIVES:
        return "directive"
    return "clinical_note" if "clinical-note" in codes or codes & kinds.NOTE_TYPES.keys() else "document"


_SAYS_NOTHING = frozenset(("clinical note", "clinical-note", "document"))


def _document_title(resource: Resource, reading: Reading) -> str | None:
    """The type's words, the description, the attachment's title, the category; what says nothing comes last.

    A source that gives codes alone is put into words.
    """
    candidates = [
        document_types.in_words(kinds.note_words(words_of(resource.get("type")))),
        words_of(resource.get("description")),
        words_of([entry.get("title") for entry in _pages(resource)]),
        words_of(resource.get("category")),
    ]
    found = [words for words in candidates if words and words.lower() != "unknown"]
    telling = next((words for words in found if words.lower() not in _SAYS_NOTHING), None)
    type_ = None if telling else _document_type(resource)
    if type_ and not (found and type_ == "note"):
        return document_types.name_of(type_)
    return telling or (found[0] if found else None)


def _document_type(resource: Resource) -> str | None:
    """Which type of document it is, by its codes, else by its words."""
    type_, category = resource.get("type"), resource.get("category")
    return document_types.recognise(
        [code.code for code in read.codings(type_)],
        [code.code for code in read.codings(category)],
        (
            words_of(type_),
            words_of(resource.get("description")),
            *(words_of(entry.get("title")) for entry in _pages(resource)),
            words_of(category),
        ),
    )


def _pages(resource: Resource) -> list[dict[str, Any]]:
    return read.dicts(walk(resource, ("content", "attachment")))


def _document(resource: Resource, reading: Reading) -> str | None:
    title = _document_title(resource, reading)
    description = words_of(resource.get("description"))
    unfinished = read.text(resource.get("docStatus"))
    type_ = _document_type(resource)
    told = type_ in (None, "note", document_types.by_words(title), document_types.by_words(description))
    return joined(
        (
            None if told or document_types.name_of(type_) == title else document_types.name_of(type_),
            description if description != title else None,
            unfinished if unfinished in ("preliminary", "amended", "entered-in-error") else None,
        )
    )


def _sections(resource: Resource, reading: Reading) -> str | None:
    titles = [words_of(entry) for entry in walk(resource, ("section", "title"))]
    return labelled("sections", joined(titles, ", "))


# ── pictures ──────────────────────────────────────────────────────────────────────────────────────


def _study(resource: Resource, reading: Reading) -> str | None:
    """Modality, body part, how many pictures, why."""
    sites = [words_of(entry) for entry in walk(resource, ("series", "bodySite"))]
    modalities = [words_of(entry) for entry in walk(resource, ("series", "modality"))]
    count = read.text(resource.get("numberOfInstances"))
    return joined(
        (
            joined(dict.fromkeys(modalities), ", "),
            joined(dict.fromkeys(sites), ", "),
            f"{count} images" if count and count != "1" else "1 image" if count else None,
            labelled("reason", reasons(resource)),
            notes(resource),
        )
    )


def _media_kind(resource: Resource) -> str:
    """A picture that a device took of the inside is imaging; a photo or recording is a document."""
    codes = {code.code for code in read.codings(resource.get("type"))}
    return "imaging" if resource.get("modality") or "diagnostic" in codes else "document"


# ── questionnaires ────────────────────────────────────────────────────────────────────────────────

_DEPTH = 12


def _answers(items: object, depth: int = _DEPTH) -> Iterator[str]:
    """`question: answer` of every item, groups opened."""
    for item in read.dicts(items) if depth else ():
        question = words_of(item.get("text"))
        answers = read.dicts(item.get("answer"))
        given = joined((value_of(entry).words for entry in answers), ", ")
        if given:
            yield f"{question.rstrip(': ')}: {given}" if question else given
        yield from _answers(item.get("item"), depth - 1)
        for entry in answers:
            yield from _answers(entry.get("item"), depth - 1)


def _questionnaire_title(resource: Resource, reading: Reading) -> str | None:
    """The questionnaire's display or title; the last part of its address is better than nothing."""
    extension = read.extension(
        resource.get("_questionnaire"), "http://hl7.org/fhir/StructureDefinition/display"
    )
    words = words_of(extension.get("valueString")) if extension else None
    if words:
        return words
    pointer = resource.get("questionnaire")
    found = reading.resolve(pointer)
    if found and (words := words_of(found.get("title")) or words_of(found.get("name"))):
        return words
    address = read.text(
        pointer.get("display") or pointer.get("reference") if isinstance(pointer, dict) else pointer
    )
    last = address.partition("|")[0].rstrip("/").rpartition("/")[2] if address else ""
    return f"Questionnaire {last}" if last and not last.startswith(("urn:", "#")) else None


def _filled_in(resource: Resource, reading: Reading) -> str | None:
    return joined(_answers(resource.get("item")))


# ── consents and messages ─────────────────────────────────────────────────────────────────────────


def _consent_kind(resource: Resource) -> str:
    """Wishes for one's own care are directives; leave to share data is not."""
    codes = {code.code for key in ("category", "scope") for code in read.codings(resource.get(key))}
    return "directive" if codes & kinds.ADVANCE_DIRECTIVES else "other"


def _consent(resource: Resource, reading: Reading) -> str | None:
    return joined(
        (read.text(read.first(walk(resource, ("provision", "type")))), words_of(resource.get("policyRule")))
    )


def _message(resource: Resource, reading: Reading) -> str | None:
    """The first words of what was written, and to whom or from whom."""
    written = [
        plain(words) for entry in walk(resource, ("payload", "contentString")) if (words := read.text(entry))
    ]
    sender = resource.get("sender")
    return joined(
        (
            labelled("from", reading.named(sender)) if sender and read.reference(sender) else None,
            *written,
            labelled("reason", reasons(resource)),
            notes(resource),
        )
    )


_MESSAGE = Shape(
    "message",
    "Message",
    title=paths("topic", "category", "reasonCode"),
    codes=paths("topic", "category"),
    when=paths("sent", "received", "occurrenceDateTime", "occurrencePeriod", "authoredOn"),
    recorded=paths("received", "authoredOn"),
    people=paths("sender", "requester"),
    places=paths("sender"),
    said_by=paths("sender"),
    describe=_message,
    words=paths("payload.contentString", "topic", "reasonCode"),
    attachments=paths("payload.contentAttachment"),
)

SHAPES = {
    "DocumentReference": Shape(
        _document_kind,
        "Document",
        name_it=_document_title,
        title=(),
        codes=paths("type"),
        # `date` is when the reference was made, near enough to when the note was; the period is the visit's
        when=paths("date", "context.period", "created", "indexed"),
        recorded=paths("date", "created"),
        people=paths("author", "authenticator"),
        sites=paths("custodian"),
        places=paths("author"),
        encounter=paths("context.encounter"),
        said_by=paths("author"),
        describe=_document,
        words=paths("description", "category", "content.attachment.title"),
        attachments=paths("content.attachment"),
    ),
    "Composition": Shape(
        "document",
        "Document",
        title=paths("title", "type"),
        codes=paths("type"),
        when=paths("date", "event.period"),
        recorded=paths("date"),
        people=paths("author"),
        sites=paths("custodian"),
        places=paths("author"),
        describe=_sections,
        words=paths("section.title", "section.text.div"),
    ),
    "DocumentManifest": Shape(
        "document",
        "Set of documents",
        title=paths("description", "type"),
        codes=paths("type"),
        when=paths("created"),
        recorded=paths("created"),
        people=paths("author"),
        places=paths("author"),
    ),
    "ImagingStudy": Shape(
        "imaging",
        "Imaging study",
        title=paths("description", "procedureCode", "series.description", "modality", "series.modality"),
        codes=paths("procedureCode", "modality", "series.modality"),
        when=paths("started", "series.started"),
        category=paths("modality", "series.modality"),
        people=paths("interpreter", "referrer"),
        places=paths("location"),
        describe=_study,
        words=paths("series.bodySite", "series.description", "reasonCode"),
    ),
    "Media": Shape(
        _media_kind,
        "Picture or recording",
        title=paths("content.title", "modality", "view", "reasonCode", "type"),
        codes=paths("modality", "type"),
        when=paths("createdDateTime", "createdPeriod", "issued"),
        recorded=paths("issued"),
        category=paths("type"),
        people=paths("operator"),
        places=paths("operator"),
        said_by=paths("operator"),
        describe=lambda resource, reading: joined((words_of(resource.get("bodySite")), notes(resource))),
        attachments=paths("content"),
    ),
    "QuestionnaireResponse": Shape(
        "questionnaire",
        "Questionnaire",
        title=(),
        name_it=_questionnaire_title,
        codes=(),
        when=paths("authored"),
        recorded=paths("authored"),
        category=(),
        people=paths("author", "source"),
        places=paths("author"),
        said_by=paths("author", "source"),
        describe=_filled_in,
        words=paths("item.text", "item.answer.valueString", "item.item.text", "item.item.answer.valueString"),
    ),
    "Consent": Shape(
        _consent_kind,
        "Consent",
        title=paths("category", "scope"),
        codes=paths("category"),
        when=paths("dateTime", "provision.period"),
        ends=paths("provision.period.end"),
        recorded=paths("dateTime"),
        places=paths("organization"),
        describe=_consent,
        attachments=paths("sourceAttachment"),
    ),
    "Communication": _MESSAGE,
    "CommunicationRequest": _MESSAGE,
}
