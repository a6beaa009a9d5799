"""The Composition that makes a Bundle a document, and who stands behind it.

Follows FHIR R4 3.3 (Documents) and the Composition resource. The author is the software, the custodian the person who
holds the record: no clinician has signed this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID, uuid5

import orjson

from phr.ccda import xhtml
from phr.ccda.narrative import NO_INFORMATION
from phr.ccda.xml import Element, el
from phr.exporters.base import Header
from phr.exporters.chapters import loinc
from phr.exporters.files import Counted
from phr.fhir import read, validity
from phr.model import Resource

MENDED = "some of it is not valid FHIR R4 and was left out"
NOT_CHOSEN = "Not chosen for this document, which says nothing about what the record holds."
_EMPTY = "http://terminology.hl7.org/CodeSystem/list-empty-reason"


@dataclass(frozen=True, slots=True)
class Makers:
    """The entries that say who put the document together: `(fullUrl, resource)` each."""

    author: tuple[str, Resource]
    custodian: tuple[str, Resource]


def makers(header: Header) -> Makers:
    """The software, and the person who keeps the record."""
    device = {
        "resourceType": "Device",
        "deviceName": [{"name": header.software, "type": "model-name"}],
        "type": {"text": "Personal health record software"},
    }
    organization = {"resourceType": "Organization", "name": "Patient-held record"}
    return Makers(_named(header, "author", device), _named(header, "custodian", organization))


def _named(header: Header, what: str, resource: Resource) -> tuple[str, Resource]:
    id_ = str(uuid5(UUID(header.id), what))
    return f"urn:uuid:{id_}", {"resourceType": resource["resourceType"], "id": id_, **resource}


def section(
    title: str,
    code: str | None,
    blocks: Sequence[Element],
    targets: Sequence[str],
    *,
    chosen: bool = True,
) -> Resource:
    """One section; without entries it says why there is none, and never that there is nothing."""
    words = list(blocks) or [el("paragraph", NO_INFORMATION if chosen else NOT_CHOSEN)]
    made: Resource = {"title": title}
    if code:
        made["code"] = loinc(code, title)
    made["text"] = {"status": "generated", "div": xhtml.div(words)}
    if targets:
        made["entry"] = [{"reference": target} for target in dict.fromkeys(targets)]
    else:
        reason = NO_INFORMATION if chosen else NOT_CHOSEN
        made["emptyReason"] = {
            "coding": [{"system": _EMPTY, "code": "unavailable", "display": "Unavailable"}],
            "text": reason,
        }
    return made


def composition(
    header: Header,
    title: str,
    code: Resource,
    subject: str | None,
    sections: Sequence[Resource],
    *,
    secrecy: str = "N",
    profile: str | None = None,
) -> tuple[str, Resource]:
    """`(fullUrl, Composition)`."""
    made_by = makers(header)
    words = [
        el("paragraph", title),
        el("paragraph", f"Put together {header.made:%Y-%m-%d} by {header.software}."),
    ]
    resource: Resource = {
        "meta": {"profile": [profile]} if profile else None,
        "text": {"status": "generated", "div": xhtml.div(words)},
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{header.id}"},
        "status": "final",
        "type": code,
        "subject": {"reference": subject} if subject else None,
        "date": header.made.isoformat(timespec="seconds"),
        "author": [{"reference": made_by.author[0], "display": header.software}],
        "title": title,
        "confidentiality": secrecy,
        "custodian": {"reference": made_by.custodian[0], "display": "Patient-held record"},
        "section": list(sections) or None,
    }
    kept = {name: value for name, value in resource.items() if value is not None}
    return _named(header, "composition", {"resourceType": "Composition", **kept})


def bare(patient: Resource) -> Resource:
    """A Patient without the elements that are not valid: whose document it is has to be said."""
    kept: Resource = {"resourceType": "Patient", "id": patient.get("id", "patient")}
    for name, value in patient.items():
        if name not in kept and validity.judge({**kept, name: value}).valid:
            kept[name] = value
    return kept


class Frame:
    """A Bundle of type `document` on its way out: one entry after the other."""

    def __init__(self, out: BinaryIO, header: Header, profile: str | None = None) -> None:
        self._to = Counted(out)
        meta = {"meta": {"profile": [profile]}} if profile else {}
        frame = orjson.dumps(
            {
                "resourceType": "Bundle",
                "id": header.id,
                **meta,
                "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{header.id}"},
                "type": "document",
                "timestamp": header.made.isoformat(timespec="seconds"),
            }
        )
        self._to.write(frame[:-1])
        self._between = b',"entry":[\n'

    def add(self, full_url: str, raw: bytes) -> None:
        """One entry with the bytes of its resource."""
        self._to.write(self._between + b'{"fullUrl":' + orjson.dumps(full_url) + b',"resource":' + raw + b"}")
        self._between = b",\n"

    def add_resource(self, named: tuple[str, Resource]) -> None:
        """One entry from plain JSON; numbers keep the digits that they were written with."""
        self.add(named[0], orjson.dumps(named[1], default=digits))

    def close(self) -> int:
        """The end of the Bundle; answers how many bytes it has."""
        self._to.write(b"\n]}\n")
        return self._to.bytes


def digits(value: object) -> orjson.Fragment:
    """A decimal as it was written (see `read.Written`)."""
    if isinstance(value, read.Written):
        return orjson.Fragment(value.digits)
    raise TypeError
