"""Procedures (47519-4): Procedure as Procedure Activity (2.16.840.1.113883.10.20.22.4.14)."""

from __future__ import annotations

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.codes import CPT, HCPCS, ICD10_PCS, LOINC, SNOMED
from phr.ccda.datatypes import coded, has_code, ids, interval, maybe_at, maybe_coded, period, timestamp
from phr.ccda.desk import Desk
from phr.ccda.narrative import remarked, span
from phr.ccda.participants import author, informant, performer, place, place_words, words_for
from phr.ccda.sections.devices import device_participant
from phr.ccda.sections.frame import Heading, Row, Section, comments, related, said, said_of, template
from phr.ccda.sections.indications import indications, reason_words
from phr.ccda.sections.links import pointed, visit, words_of
from phr.ccda.sections.values import limits_words, quantity_words
from phr.ccda.xml import Element, el, null
from phr.fhir.read import concept_text, dicts, listed, text
from phr.model import Resource

HEADING = Heading("47519-4", "Procedures", "2.7.1", (None, "2014-06-09"))


def procedures(desk: Desk) -> list[Section]:
    """All procedures, the newest first."""
    section = Section(desk, HEADING, "prc", ("Procedure", "When", "Where", "Status", "Reason"))
    for entry in desk.of("Procedure", when=_when):
        resource = entry.resource
        if has_code(resource.get("code"), codes.NO_INFORMATION):
            desk.leave_out(entry, "It says that there is no information.")
            continue
        row = section.row(
            entry,
            remarked(
                concept_text(resource.get("code")), *map(concept_text, listed(resource.get("bodySite")))
            ),
            span(*_performed(resource)) or _performed_words(resource),
            place_words(desk, entry, resource.get("location")),
            _status_words(resource),
            reason_words(desk, entry),
            notes=resource.get("note"),
            details=_details(desk, entry),
        )
        section.add(_activity(desk, entry, row))
    return [section]


def _performed_words(resource: Resource) -> str | None:
    age = quantity_words(resource.get("performedAge")) or limits_words(resource.get("performedRange"))
    return f"age {age}" if age else text(resource.get("performedString"))


def _details(desk: Desk, entry: Entry) -> list[str | None]:
    """What has no column: who did it, with what, as part of what, and what comes next."""
    resource = entry.resource
    focal = dicts(resource.get("focalDevice"))
    devices = [each.get("manipulated") for each in focal]
    actors = dicts(resource.get("performer"))
    return [
        said("by", *(words_for(desk, entry, each.get("actor")) for each in actors)),
        said_of("kind", resource.get("category")),
        said("part of", *words_of(desk, entry, resource.get("partOf"))),
        said(
            "device", *words_of(desk, entry, *devices), *(concept_text(each.get("action")) for each in focal)
        ),
        said("used", *map(concept_text, listed(resource.get("usedCode")))),
        said("used", *words_of(desk, entry, resource.get("usedReference"))),
        said("complication", *words_of(desk, entry, resource.get("complicationDetail"))),
        said("report", *words_of(desk, entry, resource.get("report"))),
        said_of("follow-up", resource.get("followUp")),
        said("told by", words_for(desk, entry, resource.get("asserter"))),
    ]


def _status_words(resource: Resource) -> str | None:
    """The status, why it is so, and what came of it."""
    status = "not done" if _not_done(resource) else text(resource.get("status"))
    reasons = [*listed(resource.get("statusReason")), *listed(resource.get("reasonNotPerformed"))]
    came_of_it = [*listed(resource.get("outcome")), *listed(resource.get("complication"))]
    return remarked(status, *map(concept_text, [*reasons, *came_of_it]))


def _performed(resource: Resource) -> tuple[object, object]:
    found = resource.get("performedPeriod")
    return period(found) if isinstance(found, dict) else period(resource.get("performedDateTime"))


def _when(resource: Resource) -> object:
    start, end = _performed(resource)
    return start or end


def _not_done(resource: Resource) -> bool:
    none_known = has_code(resource.get("code"), codes.NO_KNOWN_OTHER)
    return (
        text(resource.get("status")) == "not-done" or resource.get("notPerformed") is True or bool(none_known)
    )


def status(resource: Resource) -> Element:
    """ActStatus of a Procedure; what has no counterpart is null."""
    said = text(resource.get("status"))
    found = codes.PROCEDURE_STATUSES.get(said or "")
    return (
        el("statusCode", code=found)
        if found
        else null("statusCode", "UNK" if said in (None, "unknown") else "OTH")
    )


def _time(resource: Resource) -> Element | None:
    start, end = _performed(resource)
    if isinstance(resource.get("performedPeriod"), dict) and (timestamp(start) or timestamp(end)):
        return interval("effectiveTime", start, end)
    return maybe_at("effectiveTime", start)


def _activity(desk: Desk, entry: Entry, row: Row) -> Element:
    resource = entry.resource
    return el(
        "procedure",
        template("4.14", None, "2014-06-09", "2022-06-01"),
        ids(entry),
        [coded("sdtc:category", each) for each in listed(resource.get("category")) if concept_text(each)],
        coded("code", resource.get("code"), [SNOMED, CPT, HCPCS, ICD10_PCS, codes.CDT, LOINC]),
        row.link() if concept_text(resource.get("code")) else None,  # a row without a name names nothing
        status(resource),
        _time(resource),
        [maybe_coded("targetSiteCode", site) for site in listed(resource.get("bodySite"))],
        _performers(desk, entry),
        author(desk, entry, resource.get("recorder"), resource.get("recorded")),
        informant(desk, entry, resource.get("asserter")),
        place(desk, entry, resource.get("location")),
        [device_participant(desk, each) for each in _devices(desk, entry)],
        [related("RSON", each) for each in indications(desk, entry)],
        pointed(
            desk,
            entry,
            "REFR",
            resource.get("partOf"),
            resource.get("report"),
            resource.get("complicationDetail"),
        ),
        comments(desk, entry, row),
        visit(desk, entry),
        classCode="PROC",
        moodCode="EVN",
        negationInd="true" if _not_done(resource) else None,
    )


def _performers(desk: Desk, entry: Entry) -> list[Element]:
    found = []
    for each in listed(entry.resource.get("performer")):
        if isinstance(each, dict):
            element = performer(
                desk, entry, each.get("actor"), each.get("function"), acting_for=each.get("onBehalfOf")
            )
            found.extend([element] if element is not None else [])
    return found


def _devices(desk: Desk, entry: Entry) -> list[Entry]:
    found = []
    for each in listed(entry.resource.get("focalDevice")):
        device = desk.find(entry, each.get("manipulated")) if isinstance(each, dict) else None
        found.extend([device] if device is not None and device.type == "Device" else [])
    used = [desk.find(entry, each) for each in listed(entry.resource.get("usedReference"))]
    found.extend(each for each in used if each is not None and each.type == "Device")
    return found
