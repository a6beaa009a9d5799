"""Medical Equipment (46264-8): Device as Product Instance (2.16.840.1.113883.10.20.22.4.37).

A Product Instance stands in a Procedure Activity. What procedure it was is not known here, so the procedure
has no code; the identifier is the UDI where there is one.
"""

from __future__ import annotations

from phr.ccda.bundle import Entry
from phr.ccda.codes import SNOMED
from phr.ccda.datatypes import coded, has_code, ids, part_id
from phr.ccda.desk import Desk
from phr.ccda.narrative import day, remarked
from phr.ccda.participants import author, words_for
from phr.ccda.sections.frame import Heading, Row, Section, comments, said, said_of, template
from phr.ccda.sections.links import words_of
from phr.ccda.sections.values import quantity_words
from phr.ccda.xml import Element, el, null
from phr.fhir.read import codings, concept_text, dicts, first, listed, text
from phr.model import Resource

HEADING = Heading("46264-8", "Medical Equipment", "2.23", (None, "2014-06-09"))
UDI = "2.16.840.1.113883.3.3719"


def medical_equipment(desk: Desk) -> list[Section]:
    """All devices of the person."""
    section = Section(desk, HEADING, "dev", ("Device", "Identifier", "Made by", "Expires", "Status"))
    for entry in desk.of("Device", when=lambda resource: resource.get("manufactureDate")):
        resource = entry.resource
        if not _has_patient(resource):
            desk.leave_out(entry, "It is a device of a provider, not of the person.")
            continue
        if has_code(resource.get("type"), {"no-device-info", "no-known-devices"}):
            desk.leave_out(entry, "It says that there is no information or no device.")
            continue
        row = section.row(
            entry,
            _words(resource),
            _udi(resource) or text(resource.get("serialNumber")),
            text(resource.get("manufacturer")),
            day(resource.get("expirationDate")),
            text(resource.get("status")),
            notes=resource.get("note"),
            details=_details(desk, entry),
        )
        section.add(_supply(desk, entry, row))
    return [section]


def _details(desk: Desk, entry: Entry) -> list[str | None]:
    """What is on the label and has no column."""
    resource = entry.resource
    carriers = dicts(resource.get("udiCarrier"))
    barcode = [text(each.get("carrierAIDC")) for each in carriers if not text(each.get("carrierHRF"))]
    return [
        said("device identifier", *(text(each.get("deviceIdentifier")) for each in carriers)),
        said(
            "issued by",
            *(text(each.get("issuer")) for each in carriers),
            *(text(each.get("jurisdiction")) for each in carriers),
        ),
        said("bar code", *barcode),
        said("serial number", text(resource.get("serialNumber"))),
        said("lot", text(resource.get("lotNumber"))),
        said("distinct identifier", text(resource.get("distinctIdentifier"))),
        said("model", text(resource.get("modelNumber"))),
        said("part", text(resource.get("partNumber"))),
        said("made", day(resource.get("manufactureDate"))),
        said(
            "names",
            *(
                remarked(text(each.get("name")), text(each.get("type")))
                for each in dicts(resource.get("deviceName"))
            ),
        ),
        said(
            "version",
            *(
                remarked(text(each.get("value")), concept_text(each.get("type")))
                for each in dicts(resource.get("version"))
            ),
        ),
        said(
            "for",
            *(
                remarked(concept_text(each.get("systemType")), text(each.get("version")))
                for each in dicts(resource.get("specialization"))
            ),
        ),
        *map(_property, dicts(resource.get("property"))),
        said_of("safety", resource.get("safety")),
        said_of("because of", resource.get("statusReason")),
        said("part of", *words_of(desk, entry, resource.get("parent"))),
        said("at", *words_of(desk, entry, resource.get("location"))),
        said("owned by", words_for(desk, entry, resource.get("owner"))),
        said("reached at", *(text(each.get("value")) for each in dicts(resource.get("contact")))),
        said("see", text(resource.get("url"))),
    ]


def _property(found: Resource) -> str | None:
    values = [quantity_words(each) for each in listed(found.get("valueQuantity"))]
    return said(
        concept_text(found.get("type")) or "property",
        *values,
        *map(concept_text, listed(found.get("valueCode"))),
    )


def _has_patient(resource: Resource) -> bool:
    return isinstance(resource.get("patient"), dict)


def _words(resource: Resource) -> str | None:
    names = [each for each in listed(resource.get("deviceName")) if isinstance(each, dict)]
    kind, own = concept_text(resource.get("type")), next((text(name.get("name")) for name in names), None)
    return remarked(kind, own if own != kind else None)


def _udi(resource: Resource) -> str | None:
    carrier = first(resource.get("udiCarrier")) or resource.get("udi")
    if isinstance(carrier, dict):
        return text(carrier.get("carrierHRF")) or text(carrier.get("deviceIdentifier"))
    return text(carrier)


def _supply(desk: Desk, entry: Entry, row: Row) -> Element:
    return el(
        "procedure",
        template("4.14", None, "2014-06-09", "2022-06-01"),
        part_id(entry, "procedure"),
        null("code"),
        row.link(),
        null("statusCode"),
        author(desk, entry),
        device_participant(desk, entry),
        comments(desk, entry, row),
        classCode="PROC",
        moodCode="EVN",
    )


def device_participant(desk: Desk, entry: Entry) -> Element:
    """The device itself, and who made it."""
    resource = entry.resource
    udi = _udi(resource)
    maker = text(resource.get("manufacturer"))
    words = _words(resource)
    return el(
        "participant",
        el(
            "participantRole",
            template("4.37"),
            el("id", root=UDI, extension=udi) if udi else None,
            ids(entry),
            el(
                "playingDevice",
                coded("code", resource.get("type") or {"text": words}, [SNOMED])
                if codings(resource.get("type")) or words
                else null("code"),
                el("manufacturerModelName", text(resource.get("modelNumber")))
                if text(resource.get("modelNumber"))
                else None,
            ),
            el("scopingEntity", part_id(entry, f"maker {maker}"), el("desc", maker))
            if maker
            else el("scopingEntity", null("id")),
            classCode="MANU",
        ),
        typeCode="DEV",
    )
