"""The elements of a file as one document: the document itself, or pieces put where they would stand in one.

HL7's example library and some portals hand out single sections and entries. They are read as a document without
header.
"""

from __future__ import annotations

from lxml import etree

from phr.ccda.read.nodes import Node
from phr.errors import UnreadableFile

_PARTS = frozenset(
    """ClinicalDocument component section entry entryRelationship act encounter observation organizer procedure
    substanceAdministration supply recordTarget documentationOf componentOf author custodian structuredBody
    nonXMLBody participant informant legalAuthenticator authenticator dataEnterer informationRecipient
    relatedDocument serviceEvent encompassingEncounter consumable performer templateId id code""".split()
)
"""What a document or a piece of one may begin with."""
_KINDS = {
    "html": "a web page", "rss": "a news feed", "feed": "a news feed", "svg": "a picture", "Bundle": "a FHIR Bundle in XML",
    "HealthData": "an Apple Health export", "ContinuityOfCareRecord": "a CCR, the predecessor of C-CDA",
    "SubmitObjectsRequest": "the list of contents of an exchange", "stylesheet": "a stylesheet", "schema": "a schema",
    "Envelope": "a message between servers", "plist": "a settings file",
}  # fmt: skip


def document(wrapper: Node, called: str) -> tuple[Node, list[str], bool]:
    """The ClinicalDocument, what is odd about it, and whether the file held one."""
    documents = list(wrapper.iter("ClinicalDocument"))
    if len(documents) > 1:
        return documents[0], [f"It holds {len(documents)} documents: the first is read."], True
    if documents:
        return documents[0], [], True
    first = next((str(node.tag) for node in wrapper), "nothing")
    if first not in _PARTS or _is_foreign(wrapper):
        kind = _KINDS.get(first, f"XML of another kind ({first[:40]})")
        raise UnreadableFile(f"{called} is no clinical document (C-CDA): it is {kind}.")
    return _around(wrapper), [], False


def _is_foreign(wrapper: Node) -> bool:
    """`id` or `entry` begin other XML too: a piece of CDA has templates, codes or a section inside."""
    inside = ("templateId", "section", "statusCode", "patientRole", "code")
    return all(next(wrapper.iter(tag), None) is None for tag in inside)


_HEADER = frozenset(
    """recordTarget documentationOf componentOf author custodian informant legalAuthenticator authenticator
    dataEnterer participant relatedDocument informationRecipient templateId id code""".split()
)


def _around(wrapper: Node) -> Node:
    """A document around the pieces."""
    root = etree.Element("ClinicalDocument")
    body = etree.SubElement(etree.SubElement(root, "component"), "structuredBody")
    for piece in list(wrapper):
        outermost = [one for one in piece.iter("section") if next(one.iterancestors("section"), None) is None]
        if piece.tag in _HEADER:
            root.insert(len(root) - 1, piece)
        elif outermost:
            for section in outermost:
                etree.SubElement(body, "component").append(section)
        else:
            _loose(body, piece)
    return root


def _loose(body: Node, piece: Node) -> None:
    """Statements that stand in no section share one without a code."""
    section = body.find("component/section[@loose]")
    if section is None:
        section = etree.SubElement(etree.SubElement(body, "component"), "section", loose="true")
    held = list(piece) if piece.tag in ("component", "entry", "entryRelationship") else [piece]
    for statement in held:
        etree.SubElement(section, "entry").append(statement)
