"""The header of the document: whose it is, who put it together, what time it covers.

Follows the US Realm Header (2.16.840.1.113883.10.20.22.1.1) and the Patient map of C-CDA on FHIR. The author
is the software, the custodian the person who holds the record: no clinician has signed this document.
"""

from __future__ import annotations

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.datatypes import at, code, coded, from_clock, ids, timestamp
from phr.ccda.desk import Desk
from phr.ccda.participants import organization_element, party
from phr.ccda.people import addresses, patient_names, person_name, telecoms
from phr.ccda.sections.frame import template
from phr.ccda.xml import Child, Element, el, flag, null
from phr.fhir.read import codings, concept_text, extension, first, listed, text
from phr.model import Resource

_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"


def header(desk: Desk, document_id: str, software: str) -> list[Child]:
    """Everything of the ClinicalDocument that stands before its component."""
    low, high = content_span(desk)
    now = from_clock(desk.now)
    return [
        el("realmCode", code="US"),
        el("typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040"),
        template("1.1", None, "2015-08-01", "2023-05-01"),
        template("1.2", None, "2015-08-01"),
        el("id", root=document_id.removeprefix("urn:uuid:").upper()),
        code("code", "34133-9", codes.LOINC, "Summarization of Episode Note"),
        el("title", "Continuity of Care Document"),
        el("effectiveTime", value=now),
        _confidentiality(desk),
        el("languageCode", code="en-US"),
        _record_target(desk, desk.patient),
        _author(software, now),
        _custodian(),
        el(
            "documentationOf",
            el(
                "serviceEvent",
                el("effectiveTime", el("low", value=low), el("high", value=high)),
                classCode="PCPR",
            ),
        ),
    ]


_LEVELS = ("N", "R", "V")
_LEVEL_NAMES = {"N": "normal", "R": "restricted", "V": "very restricted"}


def _confidentiality(desk: Desk) -> Element:
    """As strict as the strictest security label in the content."""
    level = 0
    for entry in desk.index.entries:
        meta = entry.resource.get("meta")
        for label in codings(meta.get("security") if isinstance(meta, dict) else None):
            if label.code in _LEVELS and (label.system or "").endswith("v3-Confidentiality"):
                level = max(level, _LEVELS.index(label.code))
    return code("confidentialityCode", _LEVELS[level], codes.CONFIDENTIALITY, _LEVEL_NAMES[_LEVELS[level]])


def content_span(desk: Desk) -> tuple[str, str]:
    """From the earliest date of the content (else birth) to today, as TS days."""
    today = desk.now.strftime("%Y%m%d")
    birth = timestamp(desk.patient.resource.get("birthDate")) if desk.patient else None
    days = [day[:8] for date in desk.dates if (day := timestamp(date)) and day[:8] <= today]
    return min(days, default=birth or today), today


# ── who put it together ───────────────────────────────────────────────────────────────────────────


def _author(software: str, now: str) -> Element:
    return el(
        "author",
        el("time", value=now),
        el(
            "assignedAuthor",
            [null(tag, "NI") for tag in ("id", "addr", "telecom")],
            el(
                "assignedAuthoringDevice",
                el("manufacturerModelName", software),
                el("softwareName", software),
            ),
            _own_organization("representedOrganization", "Self"),
        ),
    )


def _custodian() -> Element:
    held = _own_organization("representedCustodianOrganization", "Patient-held record")
    return el("custodian", el("assignedCustodian", held))


def _own_organization(tag: str, name: str) -> Element:
    return el(tag, null("id", "NI"), el("name", name), null("telecom", "NI"), null("addr", "NI"))


# ── whose it is ───────────────────────────────────────────────────────────────────────────────────


def _record_target(desk: Desk, entry: Entry | None) -> Element:
    resource = entry.resource if entry else {}
    return el(
        "recordTarget",
        el(
            "patientRole",
            ids(entry) if entry else null("id"),
            addresses(resource.get("address")),
            telecoms(resource.get("telecom")),
            _patient(resource),
            _provider(desk, entry) if entry else None,
        ),
    )


def _patient(resource: Resource) -> Element:
    races, ethnicities = _omb(resource, "race"), _omb(resource, "ethnicity")
    return el(
        "patient",
        patient_names(resource.get("name")) or null("name"),
        _gender(text(resource.get("gender"))),
        at("birthTime", resource.get("birthDate")),
        _death(resource),
        _marital_status(resource.get("maritalStatus")),
        _category("raceCode", races, codes.OMB_RACES),
        [code("sdtc:raceCode", *each) for each in _further(races, codes.OMB_RACES)],
        _category("ethnicGroupCode", ethnicities, codes.OMB_ETHNICITIES),
        [code("sdtc:ethnicGroupCode", *each) for each in _further(ethnicities, codes.OMB_ETHNICITIES)],
        _guardian(resource),
        _languages(resource),
    )


def _gender(gender: str | None) -> Element:
    found = codes.GENDERS.get((gender or "").lower())
    if found is None:
        return null("administrativeGenderCode")
    return code("administrativeGenderCode", found, codes.GENDER, codes.GENDER_NAMES[found])


def _death(resource: Resource) -> list[Element]:
    when = timestamp(resource.get("deceasedDateTime"))
    if when or resource.get("deceasedBoolean") is True:
        return [
            el("sdtc:deceasedInd", value=flag(True)),
            at("sdtc:deceasedTime", resource.get("deceasedDateTime")),
        ]
    return [el("sdtc:deceasedInd", value=flag(False))] if resource.get("deceasedBoolean") is False else []


def _marital_status(concept: object) -> Element | None:
    found = next((c for c in codings(concept) if c.code in codes.MARITAL_STATUSES), None)
    if found is None or found.code is None:
        return None
    return code("maritalStatusCode", found.code, codes.MARITAL_STATUS, found.display)


Omb = list[tuple[str, str, str, str | None]]
"""(kind of sub-extension, code, OID, display)."""


def _omb(resource: Resource, name: str) -> Omb:
    outer = extension(resource, _US_CORE + name)
    return [
        (text(inner.get("url")) or "", coding.code, codes.RACE, coding.display)
        for inner in listed(outer.get("extension") if outer else None)
        if isinstance(inner, dict)
        for coding in codings(inner.get("valueCoding"))
        if coding.code
    ]


def _category(tag: str, found: Omb, allowed: frozenset[str]) -> Element:
    category = next((each for each in found if each[0] == "ombCategory" and each[1] in allowed), None)
    if category:
        return code(tag, *category[1:])
    return null(tag, "ASKU" if any(each[1] == "ASKU" for each in found) else "UNK")


def _further(found: Omb, allowed: frozenset[str]) -> list[tuple[str, str, str | None]]:
    """Further OMB categories, then all detailed codes."""
    categories = [each for each in found if each[0] == "ombCategory" and each[1] in allowed]
    detailed = [each for each in found if each[0] == "detailed"]
    return [(code_, oid, display) for _, code_, oid, display in [*categories[1:], *detailed]]


def _guardian(resource: Resource) -> list[Element]:
    found = []
    for contact in listed(resource.get("contact")):
        if not isinstance(contact, dict):
            continue
        relations = codings(contact.get("relationship"))
        name = person_name(contact.get("name"))
        if name is None or not any(c.code in ("GUARD", "guardian") for c in relations):
            continue
        found.append(
            el(
                "guardian",
                coded("code", first(contact.get("relationship")), [codes.ROLE_CODE]),
                addresses(contact.get("address")),
                telecoms(contact.get("telecom")),
                el("guardianPerson", name),
            )
        )
    return found


def _languages(resource: Resource) -> list[Element]:
    return [
        el(
            "languageCommunication",
            el("languageCode", code=language),
            el("preferenceInd", value=flag(entry["preferred"]))
            if isinstance(entry.get("preferred"), bool)
            else None,
        )
        for entry in listed(resource.get("communication"))
        if isinstance(entry, dict) and (language := _language(entry.get("language")))
    ]


def _language(concept: object) -> str | None:
    found = next((c.code for c in codings(concept) if c.code), None) or concept_text(concept)
    return (
        found if found and found.replace("-", "").isalnum() and found.isascii() and len(found) < 12 else None
    )


def _provider(desk: Desk, entry: Entry) -> Element | None:
    who = party(desk, entry, entry.resource.get("managingOrganization"))
    if who is None or who.organization is None or who.organization.name is None:
        return None
    return organization_element("providerOrganization", who.organization, full=True)
