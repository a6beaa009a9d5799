"""Immunizations (11369-6): Immunization as Immunization Activity (2.16.840.1.113883.10.20.22.4.52)."""

from __future__ import annotations

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.codes import CVX, NCIT, SNOMED
from phr.ccda.datatypes import (
    at,
    code,
    coded,
    has_code,
    ids,
    maybe_at,
    maybe_coded,
    number,
    part_id,
    quantity,
    timestamp,
)
from phr.ccda.desk import Desk
from phr.ccda.narrative import day, remarked
from phr.ccda.participants import author, organization_element, party, performer
from phr.ccda.sections.frame import Heading, Row, Section, comments, related, template
from phr.ccda.sections.indications import indications
from phr.ccda.xml import Element, el, flag, null
from phr.fhir.read import concept_text, first, listed, text
from phr.model import Resource

HEADING = Heading("11369-6", "Immunizations", "2.2.1", (None, "2015-08-01"))


def immunizations(desk: Desk) -> list[Section]:
    """All immunizations, given or not, the newest first."""
    section = Section(desk, HEADING, "imm", ("Vaccine", "When", "Dose", "Lot", "Status"))
    for entry in desk.of("Immunization", when=_when):
        resource = entry.resource
        if has_code(resource.get("vaccineCode"), codes.NO_INFORMATION | codes.NO_KNOWN_OTHER):
            desk.leave_out(entry, "It says that there is no information or no immunization.")
            continue
        row = section.row(
            entry,
            concept_text(resource.get("vaccineCode")),
            day(_when(resource)) or text(resource.get("occurrenceString")),
            _dose_words(resource),
            text(resource.get("lotNumber")),
            _status_words(resource),
            notes=resource.get("note"),
        )
        section.add(_activity(desk, entry, row))
    return [section]


def _when(resource: Resource) -> object:
    return resource.get("occurrenceDateTime") or resource.get("date")


def _not_done(resource: Resource) -> bool:
    return text(resource.get("status")) == "not-done" or resource.get("wasNotGiven") is True


def _status_words(resource: Resource) -> str | None:
    if not _not_done(resource):
        reported = "reported" if resource.get("primarySource") is False else None
        reacted = ["reaction recorded" for each in listed(resource.get("reaction")) if isinstance(each, dict)]
        return remarked(
            text(resource.get("status")), reported, concept_text(resource.get("reportOrigin")), *reacted
        )
    reason = concept_text(resource.get("statusReason"))
    return f"not given: {reason}" if reason else "not given"


def _dose_number(resource: Resource) -> str | None:
    protocol = first(resource.get("protocolApplied"))
    return number(protocol.get("doseNumberPositiveInt")) if isinstance(protocol, dict) else None


def _dose_words(resource: Resource) -> str | None:
    """Which dose of which series it was."""
    protocol = first(resource.get("protocolApplied"))
    if not isinstance(protocol, dict):
        return None
    said = _dose_number(resource) or text(protocol.get("doseNumberString"))
    of = number(protocol.get("seriesDosesPositiveInt")) or text(protocol.get("seriesDosesString"))
    return remarked(f"{said} of {of}" if said and of else said, text(protocol.get("series")))


def _activity(desk: Desk, entry: Entry, row: Row) -> Element:
    resource = entry.resource
    given = not _not_done(resource)
    dose_number = _dose_number(resource)
    return el(
        "substanceAdministration",
        template("4.52", None, "2015-08-01"),
        ids(entry),
        row.link(),
        el("statusCode", code="completed"),
        at("effectiveTime", _when(resource)),
        el("repeatNumber", value=dose_number) if dose_number and given else None,
        maybe_coded("routeCode", resource.get("route"), [NCIT]),
        maybe_coded("approachSiteCode", resource.get("site")),
        _dose(resource),
        _vaccine(desk, entry),
        _performers(desk, entry),
        author(desk, entry, None, resource.get("recorded")),
        related("RSON", None if given else _refusal(entry)),
        [related("RSON", each) for each in indications(desk, entry)],
        [related("MFST", each, inverted=True) for each in _reactions(desk, entry, row)],
        comments(desk, entry, row),
        classCode="SBADM",
        moodCode="EVN",
        negationInd=flag(not given),
    )


def _dose(resource: Resource) -> Element | None:
    found = resource.get("doseQuantity")
    amount = number(found.get("value")) if isinstance(found, dict) else None
    return quantity("doseQuantity", found, xsi_type=None) if amount else None


def _vaccine(desk: Desk, entry: Entry) -> Element:
    resource = entry.resource
    maker = party(desk, entry, resource.get("manufacturer"))
    lot = text(resource.get("lotNumber"))
    return el(
        "consumable",
        el(
            "manufacturedProduct",
            template("4.54", None, "2014-06-09"),
            el(
                "manufacturedMaterial",
                coded("code", resource.get("vaccineCode"), [CVX]),
                el("lotNumberText", lot) if lot else None,
            ),
            organization_element("manufacturerOrganization", maker.organization)
            if maker and maker.organization
            else el("manufacturerOrganization", el("name", maker.words))
            if maker and maker.words
            else None,
            classCode="MANU",
        ),
    )


def _performers(desk: Desk, entry: Entry) -> list[Element]:
    """Who gave it (function AP, or none said); who ordered it (OP) did not."""
    found = []
    for each in listed(entry.resource.get("performer")):
        if isinstance(each, dict) and not has_code(each.get("function"), {"OP"}):
            element = performer(desk, entry, each.get("actor"))
            found.extend([element] if element is not None else [])
    return found


def _refusal(entry: Entry) -> Element | None:
    """Immunization Refusal Reason (4.53); other reasons than those of the value set are null with words."""
    concept = first(entry.resource.get("statusReason")) or first(entry.resource.get("reasonNotGiven"))
    if not concept_text(concept):
        return None
    found = has_code(concept, codes.REFUSALS)
    if found is None and has_code(concept, codes.SNOMED_REFUSALS):
        found = "PATOBJ"
    return el(
        "observation",
        template("4.53"),
        part_id(entry, "refusal"),
        code("code", found, codes.ACT_REASON, concept_text(concept))
        if found
        else null("code", "OTH", el("originalText", concept_text(concept))),
        el("statusCode", code="completed"),
        classCode="OBS",
        moodCode="EVN",
    )


def _reactions(desk: Desk, entry: Entry, row: Row) -> list[Element]:
    found = []
    for index, reaction in enumerate(listed(entry.resource.get("reaction"))):
        if not isinstance(reaction, dict):
            continue
        detail = desk.find(entry, reaction.get("detail"))
        concept = None
        if detail is not None and detail.type == "Observation":
            concept = detail.resource.get("valueCodeableConcept") or detail.resource.get("code")
        if concept_text(concept) is None and timestamp(reaction.get("date")) is None:
            continue
        found.append(
            el(
                "observation",
                template("4.9", None, "2014-06-09"),
                part_id(entry, f"reaction{index}"),
                code("code", "ASSERTION", codes.ACT_CODE),
                row.link(),
                el("statusCode", code="completed"),
                el("effectiveTime", low)
                if (low := maybe_at("low", reaction.get("date"))) is not None
                else None,
                coded("value", concept, [SNOMED], xsi_type="CD"),
                classCode="OBS",
                moodCode="EVN",
            )
        )
    return found
