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
from phr.ccda.participants import (
    author,
    organization_element,
    party,
    performer,
    place,
    place_words,
    words_for,
)
from phr.ccda.sections.frame import Heading, Row, Section, comments, related, said, said_of, template
from phr.ccda.sections.indications import indications, reason_words
from phr.ccda.sections.links import visit, words_of
from phr.ccda.sections.values import quantity_words
from phr.ccda.xml import Element, el, flag, null
from phr.fhir.read import concept_text, dicts, first, listed, text
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
            details=_details(desk, entry),
        )
        section.add(_activity(desk, entry, row))
    return [section]


def _details(desk: Desk, entry: Entry) -> list[str | None]:
    """What has no column: where and how it was given, what for, and what was said about it."""
    resource = entry.resource
    protocols = dicts(resource.get("protocolApplied"))
    taught = dicts(resource.get("education"))
    return [
        said_of("into", resource.get("site"), resource.get("route")),
        said("by", *(words_for(desk, entry, each.get("actor")) for each in dicts(resource.get("performer")))),
        said("at", place_words(desk, entry, resource.get("location"))),
        said("made by", words_for(desk, entry, resource.get("manufacturer"))),
        said("expires", day(resource.get("expirationDate"))),
        said("why", reason_words(desk, entry)),
        said_of("against", *(each.get("targetDisease") for each in protocols)),
        said("protocol of", *(words_for(desk, entry, each.get("authority")) for each in protocols)),
        "subpotent" if resource.get("isSubpotent") is True else None,
        said_of("subpotent because", resource.get("subpotentReason")),
        said_of("paid by", resource.get("fundingSource")),
        said_of("eligible", resource.get("programEligibility")),
        said("handed out", *map(_leaflet, taught)),
        said("reaction", *_reacted(desk, entry)),
    ]


def _leaflet(education: Resource) -> str | None:
    """Which leaflet the patient was given."""
    words = text(education.get("documentType")) or text(education.get("reference"))
    link = text(education.get("reference")) if text(education.get("documentType")) else None
    given, edition = day(education.get("presentationDate")), day(education.get("publicationDate"))
    return remarked(words, link, f"edition {edition}" if edition else None, f"on {given}" if given else None)


def _reacted(desk: Desk, entry: Entry) -> list[str | None]:
    return [
        remarked(
            day(each.get("date")),
            *words_of(desk, entry, each.get("detail")),
            "told by the patient" if each.get("reported") is True else None,
        )
        for each in dicts(entry.resource.get("reaction"))
    ]


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
        return quantity_words(resource.get("doseQuantity"))
    number_ = _dose_number(resource) or text(protocol.get("doseNumberString"))
    amount = quantity_words(resource.get("doseQuantity"))
    of = number(protocol.get("seriesDosesPositiveInt")) or text(protocol.get("seriesDosesString"))
    return remarked(
        f"{number_} of {of}" if number_ and of else number_ or of, text(protocol.get("series")), amount
    )


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
        author(desk, entry, resource.get("recorder"), resource.get("recorded")),
        place(desk, entry, resource.get("location")),
        related("RSON", None if given else _refusal(entry)),
        [related("RSON", each) for each in indications(desk, entry)],
        [related("MFST", each, inverted=True) for each in _reactions(desk, entry, row)],
        comments(desk, entry, row),
        visit(desk, entry),
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
    lot, expires = text(resource.get("lotNumber")), timestamp(resource.get("expirationDate"))
    return el(
        "consumable",
        el(
            "manufacturedProduct",
            template("4.54", None, "2014-06-09"),
            el(
                "manufacturedMaterial",
                coded("code", resource.get("vaccineCode"), [CVX]),
                el("lotNumberText", lot) if lot else None,
                el("sdtc:expirationTime", value=expires) if expires else None,
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
            element = performer(desk, entry, each.get("actor"), each.get("function"))
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
            desk.done(detail)
            concept = detail.resource.get("valueCodeableConcept") or detail.resource.get("code")
        if concept_text(concept) is None and timestamp(reaction.get("date")) is None:
            continue
        found.append(
            el(
                "observation",
                template("4.9", None, "2014-06-09"),
                ids(detail) if detail is not None else part_id(entry, f"reaction{index}"),
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
