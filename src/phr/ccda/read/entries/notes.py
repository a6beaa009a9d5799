"""Notes: a Note Activity as DocumentReference with its text or its file.

The other direction of `phr.ccda.sections.notes`. Follows 2.16.840.1.113883.10.20.22.4.202 and the clinical
notes of US Core. The text is the narrative that the entry points at, as plain text, or as HTML where it has
tables or lists.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from phr.ccda.read.datatypes import text, when
from phr.ccda.read.enclosed import enclosed
from phr.ccda.read.entries.meaning import coded
from phr.ccda.read.entries.parts import ROOT, instant, meant, own_author, persons, read_within, roles
from phr.ccda.read.narratives import html
from phr.ccda.read.nodes import Node, at, attr, child, children, negated

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reader, Reading, Resource, Where

_CATEGORY = (
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
    "clinical-note",
    "Clinical Note",
)
_LOINC, _NOTE = "http://loinc.org", "34109-9"
_WRITERS = ("Practitioner", "PractitionerRole", "Organization", "Device", "Patient", "RelatedPerson")
_STATUSES = {"nullified": "entered-in-error", "obsolete": "superseded", "aborted": "entered-in-error"}
_DRAFTS = {"active": "preliminary", "new": "preliminary", "held": "preliminary", "completed": "final"}
_STRUCTURE = ("table", "list", "linkHtml")
_LINES = frozenset("paragraph item br tr caption title".split())


def note(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """One note: what kind, by whom, when, and its content."""
    if node.tag != "act":
        return None
    contents, heading = _contents(reading, node)
    inner = [each for _, found in read_within(reading, where, node) for each in found]
    if not contents:
        reading.skip(node, where, "It has no text.")
        return inner
    who, written = own_author(reading, node)
    state = (at(node, "statusCode", "code") or "").lower()
    signed = [found for role in roles(node, "LA") if (found := reading.practitioner(role))]
    moment = child(node, "effectiveTime")
    start, end = when(child(moment, "low")) or when(moment), when(child(moment, "high"))
    encounter = reading.encounter(node)
    made = reading.resource(
        "DocumentReference",
        node,
        where,
        {
            "status": "entered-in-error" if negated(node) else _STATUSES.get(state, "current"),
            "docStatus": _DRAFTS.get(state),
            "type": _type(reading, where, node),
            "category": [coded(*_CATEGORY)],
            "subject": reading.patient,
            "date": instant(written),
            "author": [found for each in [who] if (found := persons(each, *_WRITERS))],
            "authenticator": next(
                (
                    found
                    for each in signed
                    if (found := persons(each, "Practitioner", "PractitionerRole", "Organization"))
                ),
                None,
            ),
            "description": heading,
            "content": [{"attachment": each} for each in contents],
            "context": {
                "encounter": [encounter] if encounter else None,
                "period": {"start": start or (written if instant(written) is None else None), "end": end},
            },
        },
    )
    return [made, *inner]


def _type(reading: Reading, where: Where, node: Node) -> dict[str, Any]:
    """The specific type is a translation of "note"; without one the section names it."""
    found = meant(reading, child(node, "code"))
    specific = [
        each
        for each in (found or {}).get("coding", ())
        if (each.get("system"), each["code"]) != (_LOINC, _NOTE)
    ]
    inner = next((meant(reading, each) for each in children(node, "code/translation")), None)
    if specific:
        words_ = (inner or {}).get("text") or specific[0].get("display")
        return {"coding": specific, "text": words_} if words_ else {"coding": specific}
    if inner and inner.get("text"):
        return {"text": inner["text"]}
    if where.code and where.code != _NOTE:
        return meant(reading, child(where.section, "code")) or {"text": where.title or "Note"}
    return found or coded(_LOINC, _NOTE, "Note")


# ── content ───────────────────────────────────────────────────────────────────────────────────────


def _contents(reading: Reading, node: Node) -> tuple[list[dict[str, Any]], str | None]:
    """The attachments, and the caption of the narrative that they stand under."""
    said = child(node, "text")
    enclosed = _file(said)
    pointer = at(said, "reference", "value")
    target = reading.index.target(pointer) if pointer else None
    found = [enclosed] if enclosed else []
    heading = text(child(target, "caption")) if target is not None else None
    if target is not None and enclosed is None:
        shown = _narrative(target) if reading.index.said.has_room(target) else _brief(reading, target)
        found += [shown] if shown else []
    elif pointer and target is None and "://" in pointer:
        found.append({"contentType": attr(said, "mediaType"), "url": pointer})
    elif enclosed is None and text(said):
        found.append(_attachment("text/plain", str(text(said))))
    found += _external(reading, node)
    return found, heading


def _external(reading: Reading, node: Node) -> list[dict[str, Any]]:
    """Documents elsewhere that the entry points at."""
    found = []
    for each in children(node, "reference/externalDocument"):
        said = child(each, "text")
        url = at(said, "reference", "value")
        if url or text(said):
            found.append({"contentType": attr(said, "mediaType"), "url": url, "title": text(said)})
    return found


def _file(said: Node | None) -> dict[str, Any] | None:
    """A file in base64; anything else that claims to be one is text."""
    data = enclosed(said)
    return (
        {"contentType": attr(said, "mediaType") or "application/octet-stream", "data": data} if data else None
    )


def _attachment(kind: str, words_: str) -> dict[str, Any]:
    return {"contentType": kind, "data": base64.b64encode(words_.encode()).decode()}


def _narrative(target: Node) -> dict[str, Any] | None:
    """The narrative without its caption: that is a heading, not the note."""
    caption = child(target, "caption") if target.tag == "item" else None
    if any(True for _ in target.iter(*_STRUCTURE)) and target.tag != "table":
        body = html(target, without=caption)
        return _attachment("text/html", body) if body else None
    if target.tag == "table":
        return _attachment("text/html", html(target))
    lines: list[str] = []
    _plain(target, lines, caption)
    body = "\n".join(line for line in _tidy("".join(lines)))
    return _attachment("text/plain", body) if body else None


def _brief(reading: Reading, target: Node) -> dict[str, Any] | None:
    """The first words of a note, where the document's notes together are too long."""
    body = reading.index.said.words(target)
    return _attachment("text/plain", body) if body else None


def _plain(node: Node, parts: list[str], without: Node | None) -> None:
    parts.append(" ".join((node.text or "").split()) + _space(node.text))
    for each in node:
        if each is not without:
            _plain(each, parts, None)
            if each.tag in _LINES:
                parts.append("\n\n" if each.tag == "paragraph" else "\n")
            elif each.tag == "td":
                parts.append("\t")
        parts.append(" ".join((each.tail or "").split()) + _space(each.tail))


def _space(written: str | None) -> str:
    return " " if written and written != written.rstrip() else ""


def _tidy(body: str) -> list[str]:
    """Lines without space around them; paragraphs are one empty line apart."""
    lines = [line.strip() for line in body.strip().split("\n")]
    return [line for index, line in enumerate(lines) if line or lines[index - 1]]


BY_TEMPLATE: dict[str, Reader] = {f"{ROOT}202": note}
BY_SECTION: dict[str, Reader] = {}
