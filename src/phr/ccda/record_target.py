"""Whose document it is and who put it together: recordTarget, author, custodian, the service it documents.

Follows the US Realm Header (2.16.840.1.113883.10.20.22.1.1) and the Patient map of C-CDA on FHIR. The author
is the software, the custodian the person who holds the record: no clinician has signed this document.
"""

from __future__ import annotations

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.datatypes import (
    at,
    code,
    coded,
    has_code,
    ids,
    interval,
    maybe_coded,
    number,
    period,
    timestamp,
)
from phr.ccda.desk import Desk
from phr.ccda.participants import assigned_entity, organization_element, party
from phr.ccda.people import address, addresses, patient_names, person_name, telecoms
from phr.ccda.xml import Element, el, flag, null
from phr.fhir.read import codings, concept_text, dicts, extension, first, listed, text
from phr.model import Resource

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"

# ── who put it together ───────────────────────────────────────────────────────────────────────────


def document_author(software: str, now: str) -> Element:
    """The software that put the document together."""
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


def custodian() -> Element:
    """The person, who holds the record."""
    held = _own_organization("representedCustodianOrganization", "Patient-held record")
    return el("custodian", el("assignedCustodian", held))


def _own_organization(tag: str, name: str) -> Element:
    return el(tag, null("id", "NI"), el("name", name), null("telecom", "NI"), null("addr", "NI"))


# ── whose it is ───────────────────────────────────────────────────────────────────────────────────


def record_target(desk: Desk, entry: Entry | None) -> Element:
    """The patient; without one, an element that says nothing."""
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
        at("birthTime", _birth(resource)),
        _death(resource),
        _multiple_birth(resource),
        _marital_status(resource.get("maritalStatus")),
        _religion(resource),
        _category("raceCode", races, codes.OMB_RACES, _omb_text(resource, "race")),
        [code("sdtc:raceCode", *each) for each in _further(races, codes.OMB_RACES)],
        _category("ethnicGroupCode", ethnicities, codes.OMB_ETHNICITIES, _omb_text(resource, "ethnicity")),
        [code("sdtc:ethnicGroupCode", *each) for each in _further(ethnicities, codes.OMB_ETHNICITIES)],
        _guardian(resource),
        _birthplace(resource),
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


def _birth(resource: Resource) -> object:
    """The date of birth, with its time where the source knows it (patient-birthTime)."""
    timed = (extension(resource.get("_birthDate"), _CORE + "patient-birthTime") or {}).get("valueDateTime")
    day, whole = timestamp(resource.get("birthDate")), timestamp(timed)
    return timed if whole and (day is None or whole.startswith(day)) else resource.get("birthDate")


def _multiple_birth(resource: Resource) -> list[Element]:
    order, several = number(resource.get("multipleBirthInteger")), resource.get("multipleBirthBoolean")
    if order and order.isdigit() and order != "0":
        return [
            el("sdtc:multipleBirthInd", value=flag(True)),
            el("sdtc:multipleBirthOrderNumber", value=order),
        ]
    return [el("sdtc:multipleBirthInd", value=flag(several))] if isinstance(several, bool) else []


def _religion(resource: Resource) -> Element | None:
    found = extension(resource, _CORE + "patient-religion") or {}
    return maybe_coded("religiousAffiliationCode", found.get("valueCodeableConcept"), [codes.RELIGION])


def _birthplace(resource: Resource) -> Element | None:
    found = address((extension(resource, _CORE + "patient-birthPlace") or {}).get("valueAddress"))
    return el("birthplace", el("place", found)) if found is not None else None


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


def _omb_text(resource: Resource, name: str) -> str | None:
    """The source's own words for race or ethnicity."""
    return text((extension(extension(resource, _US_CORE + name), "text") or {}).get("valueString"))


def _category(tag: str, found: Omb, allowed: frozenset[str], words: str | None) -> Element:
    category = next((each for each in found if each[0] == "ombCategory" and each[1] in allowed), None)
    said = el("originalText", words) if words and (category is None or words != category[3]) else None
    if category:
        return code(tag, *category[1:], *([said] if said is not None else []))
    return null(tag, "ASKU" if any(each[1] == "ASKU" for each in found) else "UNK", said)


def _further(found: Omb, allowed: frozenset[str]) -> list[tuple[str, str, str | None]]:
    """Further OMB categories, then all detailed codes."""
    categories = [each for each in found if each[0] == "ombCategory" and each[1] in allowed]
    detailed = [each for each in found if each[0] == "detailed"]
    return [(code_, oid, display) for _, code_, oid, display in [*categories[1:], *detailed]]


def _is_guardian(contact: Resource) -> bool:
    return has_code(contact.get("relationship"), {"GUARD", "guardian"}) is not None


def _guardian(resource: Resource) -> list[Element]:
    found = []
    for contact in listed(resource.get("contact")):
        if not isinstance(contact, dict):
            continue
        name = person_name(contact.get("name"))
        if name is None or not _is_guardian(contact):
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


# ── what it documents ─────────────────────────────────────────────────────────────────────────────


def documentation_of(desk: Desk, low: str, high: str) -> list[Element]:
    """Who stands by the patient; and the care that the document is about, from its first day to today."""
    service = el(
        "documentationOf",
        el(
            "serviceEvent",
            el("effectiveTime", el("low", value=low), el("high", value=high)),
            _care_givers(desk),
            classCode="PCPR",
        ),
    )
    return [*(_supporters(desk, desk.patient) if desk.patient else []), service]


def _care_givers(desk: Desk) -> list[Element]:
    """The family doctor and whoever is in a care team that is still at work, each once."""
    found: dict[str, Element] = {}
    if desk.patient is not None:
        primary = code("functionCode", "PCP", codes.PARTICIPATION, "Primary Care Physician")
        for reference in listed(desk.patient.resource.get("generalPractitioner")):
            _care_giver(desk, desk.patient, reference, primary, found)
    for team in desk.of("CareTeam"):
        if text(team.resource.get("status")) in (None, "active", "proposed"):
            for each in dicts(team.resource.get("participant")):
                _care_giver(desk, team, each.get("member"), None, found)
    return list(found.values())


def _care_giver(
    desk: Desk, entry: Entry, reference: object, function: Element | None, found: dict[str, Element]
) -> None:
    target = desk.find(entry, reference)
    if target is not None and target.type in ("Patient", "RelatedPerson", "CareTeam"):
        return
    who = party(desk, entry, reference)
    if who is not None and who.ids and (who.person or who.organization):
        found.setdefault(repr(who.ids), el("performer", function, assigned_entity(who), typeCode="PRF"))


_SUPPORT = {
    "C": "ECON",
    "N": "NOK",
    "CP": "ECON",
    "EP": "ECON",
    "ECON": "ECON",
    "NOK": "NOK",
    "CAREGIVER": "CAREGIVER",
}
"""Patient contact roles (HL7 v2 table 0131) to the class of a supporting person; anybody else is a person (PRS)."""


def _supporters(desk: Desk, patient: Entry) -> list[Element]:
    """Whom to call: contacts of the patient other than a guardian, who stands with the patient."""
    found = []
    for contact in dicts(patient.resource.get("contact")):
        relations = codings(contact.get("relationship"))
        name, employer = person_name(contact.get("name")), party(desk, patient, contact.get("organization"))
        scope = employer.organization if employer else None
        if _is_guardian(contact) or (name is None and scope is None):
            continue
        class_ = next((_SUPPORT[c.code] for c in relations if c.code in _SUPPORT), "PRS")
        concept = first(contact.get("relationship"))
        start, end = period(contact.get("period"))
        found.append(
            el(
                "participant",
                interval("time", start, end) if timestamp(start) or timestamp(end) else None,
                el(
                    "associatedEntity",
                    coded("code", concept, [codes.ROLE_CODE]) if concept_text(concept) else None,
                    addresses(contact.get("address")),
                    telecoms(contact.get("telecom")),
                    el("associatedPerson", name) if name is not None else None,
                    organization_element("scopingOrganization", scope) if scope else None,
                    classCode=class_,
                ),
                typeCode="IND",
            )
        )
    return found
