"""What keeps a document whole: the original bytes, words that nothing could structure, and who said so.

Follows the DocumentReference and Provenance profiles of US Core, and C-CDA on FHIR for the header of a document.
"""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import Any

from phr.ccda.read.datatypes import concept, identifier
from phr.ccda.read.enclosed import enclosed, is_enclosed
from phr.ccda.read.header import Head, replaced
from phr.ccda.read.narratives import html, page
from phr.ccda.read.nodes import Node, attr, child, children, null_flavor, templates
from phr.ccda.read.prose import untold
from phr.ccda.read.reading import Reading, Resource, Where
from phr.ccda.read.times import moment_or_period, span, when

_FORMATS = "http://terminology.hl7.org/CodeSystem/v3-HL7DocumentFormatCodes"
_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_UNSTRUCTURED = "2.16.840.1.113883.10.20.22.1.10"
_KEPT_APART = frozenset(
    ("Provenance", "Practitioner", "PractitionerRole", "Organization", "Location", "Device")
)


def original(reading: Reading, content: bytes, head: Head, *, whole: bool) -> Resource:
    """The document as it came, byte for byte; beside it the body of one that is a PDF or the like."""
    root = reading.root
    name = head.document_id or sha256(content).hexdigest()
    instant = _instant(head.made)
    coded = concept(child(root, "code"))
    common: dict[str, Any] = {
        "status": "current",
        "type": coded or {"text": head.title or "Clinical document"},
        "category": [{"coding": [{"system": _CATEGORY, "code": "clinical-note"}]}],
        "subject": reading.patient,
        "date": instant,
        "author": list(head.authors),
        "authenticator": next((who for kind, who in head.agents if kind in ("legal", "attester")), None),
        "custodian": head.custodian,
        "relatesTo": replaced(reading),
        "description": head.title,
        "securityLabel": [{"coding": [label]} for label in reading.index.labels(None)],
        "context": {
            "encounter": [head.encounter] if head.encounter else None,
            "period": next(
                (found for each in children(root, "documentationOf/serviceEvent/effectiveTime") if (found := span(each))),
                None,
            ),
        },
    }  # fmt: skip
    attachment = {
        "contentType": "application/xml",
        "data": base64.b64encode(content).decode(),
        "title": head.title,
        "creation": head.made if head.made and "T" in head.made else None,
    }
    body = _body(reading)
    format_ = _format(root) if whole else None
    identifiers = {"masterIdentifier": identifier(child(root, "id")), "identifier": _set_id(root)}
    made = reading.add(
        "DocumentReference",
        f"document~{name}",
        None,
        None,
        identifiers | common | {"content": [{"attachment": attachment, "format": format_}]},
    )
    if body is not None:
        held = {"attachment": body | ({"title": head.title} if head.title else {})}
        reading.add(
            "DocumentReference", f"body~{name}", None, None, common | {"content": [held], "relatesTo": None}
        )
    return made


def _set_id(root: Node) -> list[Resource]:
    found = identifier(child(root, "setId"))
    return [found] if found else []


def _format(root: Node) -> Resource | None:
    """The format code of C-CDA (HL7 document format codes); other CDA has none that says more than its type."""
    if not any(each.startswith("2.16.840.1.113883.10.20.22.1.") for each in templates(root)):
        return None
    newer = any(attr(each, "extension") for each in children(root, "templateId"))
    shape = "nonXMLBody" if child(root, "component/nonXMLBody") is not None else "structuredBody"
    return {"system": _FORMATS, "code": f"urn:hl7-org:sdwg:ccda-{shape}:{'2.1' if newer else '1.1'}"}


def _body(reading: Reading) -> Resource | None:
    """A body that is no XML: its bytes, or where they are."""
    said = child(reading.root, "component/nonXMLBody/text")
    if said is None:
        return None
    kind = attr(said, "mediaType")
    elsewhere = attr(child(said, "reference"), "value")
    if elsewhere:
        return {"contentType": kind, "url": elsewhere}
    if is_enclosed(said):
        if (data := enclosed(said)) is None:
            reading.remarks.append(
                "The file inside the document is damaged (no base64): only the document is kept."
            )
            return None
    else:
        words = "".join(str(part) for part in said.itertext()).strip()
        data = base64.b64encode(words.encode()).decode()
    return {"contentType": kind or "text/plain", "data": data} if data else None


def narrative(reading: Reading, where: Where, whole: Resource | None) -> Resource | None:
    """A section that could not be structured, as a page of simple HTML."""
    block = child(where.section, "text")
    if block is None:
        return None
    return _words(reading, where, whole, html(block))


def prose(reading: Reading, where: Where, whole: Resource | None, made: list[Resource]) -> Resource | None:
    """What a section says beside its entries."""
    shown = untold(reading, where, made)
    return _words(reading, where, whole, shown) if shown else None


def _words(reading: Reading, where: Where, whole: Resource | None, body: str) -> Resource:
    name = sha256(body.encode("utf-8", "replace")).hexdigest()[:32]
    shown = page(where.title, body)
    who, time = _section_author(reading, where)
    attachment = {
        "contentType": "text/html",
        "data": base64.b64encode(shown).decode(),
        "title": where.title,
    }
    related = [reading.ref(whole)] if whole else None
    return reading.add(
        "DocumentReference",
        f"narrative~{reading.patient['reference']}~{where.code}~{name}",
        None,
        where,
        {
            "status": "current",
            "type": _type(where),
            "category": [{"coding": [{"system": _CATEGORY, "code": "clinical-note"}]}],
            "subject": reading.patient,
            "date": _instant(time) or (whole or {}).get("date"),
            "author": [who] if who else (whole or {}).get("author"),
            "custodian": (whole or {}).get("custodian"),
            "description": where.title,
            "content": [{"attachment": attachment}],
            "context": {"encounter": (whole or {}).get("context", {}).get("encounter"), "related": related},
        },
    )


def _type(where: Where) -> Resource:
    code = child(where.section, "code")
    found = concept(code) if null_flavor(code) is None else None
    return found or {"text": where.title or "Section of a document"}


def _section_author(reading: Reading, where: Where) -> tuple[Resource | None, str | None]:
    authors = children(where.section, "author")
    for each in reversed(authors):
        assigned = child(each, "assignedAuthor")
        who = reading.practitioner(assigned) if assigned is not None else None
        if who is not None:
            return who, when(child(each, "time"))
    return None, None


def provenance(reading: Reading, head: Head, whole: Resource) -> None:
    """Who stands for all of it, and for each author of statements which of them."""
    targets = [each for each in reading.resources if each["resourceType"] not in _KEPT_APART]
    by_author: dict[str, tuple[Resource, list[Resource]]] = {}
    for resource, who, _ in reading.authored:
        by_author.setdefault(str(who["reference"]), (who, []))[1].append(resource)
    document = {"role": "source", "what": reading.ref(whole)}
    agents = [_agent(kind, who) for kind, who in head.agents]
    if head.custodian:
        agents.append(_agent("custodian", head.custodian))
    if not agents:
        return
    recorded = _recorded(head.made)
    service = child(reading.root, "documentationOf/serviceEvent/effectiveTime")
    reading.add(
        "Provenance",
        f"document~{whole['id']}",
        None,
        None,
        {
            "target": [reading.ref(each) for each in targets],
            **{k: v for k, v in moment_or_period(service, "occurred").items() if k == "occurredPeriod"},
            **recorded,
            "agent": agents,
            "entity": [document],
        },
    )
    for reference, (who, made) in by_author.items():
        if len(by_author) == 1 and who in head.authors:
            continue
        reading.add(
            "Provenance",
            f"author~{whole['id']}~{reference}",
            None,
            None,
            {
                "target": [reading.ref(each) for each in made],
                **recorded,
                "agent": [_agent("author", who) | {"onBehalfOf": _employer(reading, who)}],
                "entity": [document],
            },
        )


def _employer(reading: Reading, who: Resource) -> Resource | None:
    kind, _, id_ = str(who["reference"]).partition("/")
    role = reading.find(kind, id_) if kind == "PractitionerRole" else None
    found = (role or {}).get("organization")
    return found if isinstance(found, dict) else None


def _agent(kind: str, who: Resource) -> Resource:
    return {"type": {"coding": [{"system": _AGENT, "code": kind}]}, "who": who}


def _instant(moment: str | None) -> str | None:
    """DocumentReference.date is an instant: a day alone is its first moment in UTC."""
    if moment is None:
        return None
    if "T" in moment:
        return moment
    return f"{moment}{'-01-01'[len(moment) - 4 :] if len(moment) < 10 else ''}T00:00:00Z"


def _recorded(moment: str | None) -> dict[str, Any]:
    instant = _instant(moment)
    if instant:
        return {"recorded": instant}
    return {"_recorded": {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}}
