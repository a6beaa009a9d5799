"""Who said it, who did it, where: authors, performers, places.

Follows Author Participation (2.16.840.1.113883.10.20.22.4.119), Service Delivery Location (4.32) and the
participations page of C-CDA on FHIR. Every author names the source as its organisation, so that a reader of
a document from several providers sees who said what.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from phr.ccda.bundle import Entry, name_uuid
from phr.ccda.codes import HSLOC, NUCC, ROLE_CODE
from phr.ccda.datatypes import at, code, coded, identifier, ids, interval, timestamp
from phr.ccda.desk import Desk
from phr.ccda.people import addresses, person_name, telecoms
from phr.ccda.xml import Element, el, null
from phr.fhir.read import codings, concept_text, first, human_name, listed, text


@dataclass(frozen=True, slots=True)
class Party:
    """A person, an organisation or a device, with the elements that describe it."""

    ids: list[Element]
    words: str | None
    person: Element | None = None
    device: str | None = None
    code: Element | None = None
    addresses: list[Element] = field(default_factory=list)
    telecoms: list[Element] = field(default_factory=list)
    organization: Organization | None = None


@dataclass(frozen=True, slots=True)
class Organization:
    """An organisation that a party acts for."""

    ids: list[Element]
    name: str | None
    addresses: list[Element] = field(default_factory=list)
    telecoms: list[Element] = field(default_factory=list)


def party(desk: Desk, entry: Entry, reference: object) -> Party | None:
    """Whom a Reference in `entry` means; of one that leads nowhere its display is kept."""
    reference = first(reference)
    if not isinstance(reference, dict):
        return None
    found = desk.find(entry, reference)
    if found is None:
        return _unresolved(entry, reference)
    if found.type == "PractitionerRole":
        return _role(desk, found)
    if found.type in ("Organization", "HealthcareService", "Location"):
        organization = _organization(found)
        return Party(organization.ids, organization.name, organization=organization)
    if found.type == "Device":
        words = concept_text(found.resource.get("type")) or "Device"
        return Party(ids(found), words, device=words)
    return _person(found, text(reference.get("display")))


def _unresolved(entry: Entry, reference: dict[str, object]) -> Party | None:
    words, target = text(reference.get("display")), text(reference.get("reference"))
    own = identifier(reference.get("identifier"), entry.base)
    if words is None and own is None:
        return None
    if own is None:
        own = el("id", root=name_uuid(f"{entry.base}/{target or words}"))
    kind = text(reference.get("type")) or (target or "").rpartition("/")[0].rpartition("/")[2]
    if kind in ("Organization", "Location", "HealthcareService", "CareTeam"):
        return Party([own], words, organization=Organization([own], words))
    return Party([own], words, person=el("name", words) if words else None)


def _person(found: Entry, display: str | None) -> Party:
    resource = found.resource
    qualification = first(resource.get("qualification"))
    speciality = qualification.get("code") if isinstance(qualification, dict) else None
    name = person_name(resource.get("name")) or (el("name", display) if display else None)
    return Party(
        ids(found),
        human_name(resource.get("name")) or display,
        person=name,
        code=_taxonomy(speciality),
        addresses=_real(addresses(resource.get("address"))),
        telecoms=_real(telecoms(resource.get("telecom"))),
    )


def _role(desk: Desk, found: Entry) -> Party:
    resource = found.resource
    person = party(desk, found, resource.get("practitioner"))
    organization = party(desk, found, resource.get("organization"))
    acting = organization.organization if organization else None
    return Party(
        person.ids if person else ids(found),
        person.words if person else organization.words if organization else None,
        person=person.person if person else None,
        code=_taxonomy([*listed(resource.get("specialty")), *listed(resource.get("code"))]),
        addresses=person.addresses if person else [],
        telecoms=_real(telecoms(resource.get("telecom"))) or (person.telecoms if person else []),
        organization=acting,
    )


def _organization(found: Entry) -> Organization:
    resource = found.resource
    return Organization(
        ids(found),
        text(resource.get("name")) or human_name(resource.get("name")),
        _real(addresses(resource.get("address"))),
        _real(telecoms(resource.get("telecom"))),
    )


def _taxonomy(concept: object) -> Element | None:
    element = coded("code", {"coding": [_plain(c) for c in _codings(concept)]}, [NUCC])
    return element if "code" in element.attributes else None


def _codings(concept: object) -> list[dict[str, str | None]]:
    return [{"system": c.system, "code": c.code, "display": c.display} for c in codings(concept)]


def _plain(coding: dict[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in coding.items() if value}


def _real(elements: list[Element]) -> list[Element]:
    return [element for element in elements if "nullFlavor" not in element.attributes]


_AUTHOR = "2.16.840.1.113883.10.20.22.4.119"

NO_TIME: tuple[object, object] = (None, None)

# ── participations ────────────────────────────────────────────────────────────────────────────────


def author(desk: Desk, entry: Entry, reference: object = None, time: object = None) -> list[Element]:
    """Who recorded this, when, and which source says so; each further source that says the same is an author too."""
    who, when = party(desk, entry, reference), time
    if who is None:
        told = desk.provenance(entry)
        if told is not None:
            who = party(desk, told.entry, told.author)
            # when a whole document was written is no time of what stands in it
            of_document = bool(listed(told.entry.resource.get("entity")))
            when = when or (None if of_document else told.entry.resource.get("recorded"))
    further = [
        el(
            "assignedAuthor",
            el("id", root=name_uuid(f"{name}~source")),
            el("representedOrganization", el("id", root=name_uuid(f"{name}~source")), el("name", name)),
        )
        for name in desk.further_sources(entry)
    ]
    return [
        _author(_assigned_author(desk, entry, who), when),
        *(_author(each, None) for each in further),
    ]


def remark_author(
    desk: Desk, entry: Entry, reference: object, time: object, *, of_the_patient: bool = False
) -> Element:
    """Who wrote a note on a resource: whoever it names, and nobody who wrote the resource.

    The patient speaks for no organization (RoleCode `ONESELF`), whichever source the note stands beside.
    """
    who, found = party(desk, entry, reference), desk.find(entry, first(reference))
    if who is not None and who.person and (of_the_patient or (found is not None and found.type == "Patient")):
        return _author(
            el(
                "assignedAuthor",
                who.ids,
                code("code", "ONESELF", ROLE_CODE, "Self"),
                who.addresses,
                who.telecoms,
                el("assignedPerson", who.person),
            ),
            time,
        )
    return _author(_assigned_author(desk, entry, who), time)


def _author(assigned: Element, time: object) -> Element:
    return el("author", el("templateId", root=_AUTHOR), at("time", time), assigned)


def informant(desk: Desk, entry: Entry, reference: object) -> Element | None:
    """Who said so, where that is not who wrote it down: a clinician, the patient, a relative."""
    who = party(desk, entry, reference)
    if who is None:
        return None
    found = desk.find(entry, first(reference))
    if found is None or found.type not in ("Patient", "RelatedPerson"):
        return el("informant", assigned_entity(who))
    relation = found.resource.get("relationship")
    own = code("code", "ONESELF", ROLE_CODE, "Self") if found.type == "Patient" else None
    return el(
        "informant",
        el(
            "relatedEntity",
            own if own is not None else coded("code", first(relation), [ROLE_CODE]),
            who.addresses,
            who.telecoms,
            el("relatedPerson", who.person) if who.person else None,
            classCode="PRS",
        ),
    )


def _assigned_author(desk: Desk, entry: Entry, who: Party | None) -> Element:
    return el(
        "assignedAuthor",
        who.ids if who and who.ids else el("id", root=desk.source_id(entry)),
        who.code if who else None,
        who.addresses if who else None,
        who.telecoms if who else None,
        el("assignedPerson", who.person) if who and who.person else None,
        _device(who.device) if who and who.device else None,
        _source_organization(desk, entry, who),
    )


def _device(words: str) -> Element:
    return el("assignedAuthoringDevice", el("manufacturerModelName", words), el("softwareName", words))


def _source_organization(desk: Desk, entry: Entry, who: Party | None) -> Element | None:
    name = desk.own_source(entry)
    if name:
        return el("representedOrganization", el("id", root=desk.source_id(entry)), el("name", name))
    if who and who.organization:
        return organization_element("representedOrganization", who.organization)
    return (
        None
        if who and (who.person or who.device)
        else el("representedOrganization", null("id", "UNK"), null("name", "UNK"))
    )


def organization_element(tag: str, organization: Organization, *, full: bool = False) -> Element:
    """An organisation; `full` adds the null telecom and address that some templates require."""
    return el(
        tag,
        organization.ids,
        el("name", organization.name) if organization.name else None,
        organization.telecoms or (null("telecom") if full else None),
        organization.addresses or (null("addr") if full else None),
    )


def assigned_entity(who: Party, tag: str = "assignedEntity") -> Element:
    """A performer in full; address and telecom are null if not known."""
    return el(
        tag,
        who.ids,
        who.code,
        who.addresses or null("addr"),
        who.telecoms or null("telecom"),
        el("assignedPerson", who.person) if who.person else None,
        organization_element("representedOrganization", who.organization, full=True)
        if who.organization
        else None,
    )


def _during(time: tuple[object, object]) -> Element | None:
    """From when to when somebody took part, or it was there."""
    if not timestamp(time[0]) and not timestamp(time[1]):
        return None
    return interval("time", *time)


def performer(
    desk: Desk,
    entry: Entry,
    reference: object,
    function: object = None,
    *,
    acting_for: object = None,
    time: tuple[object, object] = NO_TIME,
) -> Element | None:
    """Who did it, and on whose behalf where the source says so."""
    who, whose = party(desk, entry, reference), party(desk, entry, acting_for)
    if who is None:
        return None
    if whose is not None and who.organization is None:
        who = replace(who, organization=whose.organization)
    return el(
        "performer",
        coded("sdtc:functionCode", function) if codings(function) else None,
        _during(time),
        assigned_entity(who),
        typeCode="PRF",
    )


def place(
    desk: Desk, entry: Entry, reference: object, *, time: tuple[object, object] = NO_TIME
) -> Element | None:
    """Where it happened: a Service Delivery Location."""
    reference = first(reference)
    if not isinstance(reference, dict):
        return None
    found = desk.find(entry, reference)
    resource = found.resource if found else {}
    name = text(resource.get("name")) or text(reference.get("display"))
    if found is None and name is None:
        return None
    return el(
        "participant",
        _during(time),
        el(
            "participantRole",
            el("templateId", root="2.16.840.1.113883.10.20.22.4.32"),
            ids(found) if found else None,
            coded("code", first(resource.get("type")), [HSLOC]),
            addresses(resource.get("address")),
            telecoms(resource.get("telecom")),
            el("playingEntity", el("name", name), classCode="PLC") if name else None,
            classCode="SDLOC",
        ),
        typeCode="LOC",
    )


def place_words(desk: Desk, entry: Entry, reference: object) -> str | None:
    """The name of a place or an organisation, for the narrative."""
    reference = first(reference)
    if not isinstance(reference, dict):
        return None
    found = desk.find(entry, reference)
    return (text(found.resource.get("name")) if found else None) or text(reference.get("display"))


def words_for(desk: Desk, entry: Entry, reference: object) -> str | None:
    """The name of whoever is meant, for the narrative."""
    who = party(desk, entry, reference)
    return who.words if who else None
