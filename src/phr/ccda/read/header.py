"""The header of a document: whose it is, who wrote it and when, and during which visit.

The other direction of `phr.ccda.header`: US Realm Header (2.16.840.1.113883.10.20.22.1.1) and the Patient map of
C-CDA on FHIR, with the US Core extensions for race and ethnicity.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from phr.ccda import codes
from phr.ccda.read import nodes
from phr.ccda.read.datatypes import concept, distinct, identifier, identifiers, text
from phr.ccda.read.nodes import Node, attr, child, children
from phr.ccda.read.reading import Reading, Resource, kept
from phr.ccda.read.times import moment_or_period, span, when

_NULL = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"


@dataclass(slots=True)
class Head:
    """What the header says of the document itself."""

    title: str | None = field(repr=False)
    document_id: str | None
    made: str | None
    custodian: Resource | None = field(repr=False)
    authors: list[Resource] = field(repr=False)
    agents: list[tuple[str, Resource]] = field(repr=False)
    """Kind of participation (Provenance.agent.type) and who."""
    encounter: Resource | None = field(repr=False)

    @property
    def custodian_name(self) -> str | None:
        return str(self.custodian["display"]) if self.custodian and "display" in self.custodian else None


def read(reading: Reading) -> Head:
    """Everything but the patient; after the sections, which know more about the same visits."""
    root = reading.root
    keeper = child(root, "custodian/assignedCustodian/representedCustodianOrganization")
    agents = [
        (kind, who)
        for path, kind in _AGENTS
        for each in children(root, path)
        if (who := reading.practitioner(each)) is not None
    ]
    _care_team(reading)
    return Head(
        title=text(child(root, "title")) or nodes.at(root, "code", "displayName"),
        document_id=next(iter(reading.index.keys(root)), None),
        made=when(child(root, "effectiveTime")),
        custodian=reading.organization(keeper) if keeper is not None else None,
        authors=distinct(who for kind, who in agents if kind == "author"),
        agents=distinct(agents),
        encounter=_encounter(reading),
    )


_AGENTS = (
    ("author/assignedAuthor", "author"),
    ("dataEnterer/assignedEntity", "enterer"),
    ("informant/assignedEntity", "informant"),
    ("informant/relatedEntity", "informant"),
    ("legalAuthenticator/assignedEntity", "legal"),
    ("authenticator/assignedEntity", "attester"),
)


# ── the care team and the visit ───────────────────────────────────────────────────────────────────


def _care_team(reading: Reading) -> None:
    """The people of documentationOf, unless a Care Team section has told it better."""
    members = []
    for each in children(reading.root, "documentationOf/serviceEvent/performer"):
        assigned = child(each, "assignedEntity")
        who = reading.practitioner(assigned) if assigned is not None else None
        if who is not None:
            role = concept(child(each, "functionCode")) or concept(child(each, "sdtc:functionCode"))
            period = span(child(each, "time"))
            members.append(kept({"role": [role] if role else None, "member": who, "period": period}))
    if not members or any(made["resourceType"] == "CareTeam" for made in reading.resources):
        return
    times = children(reading.root, "documentationOf/serviceEvent/effectiveTime")
    period = next((found for each in times if (found := span(each))), None)
    names = "~".join(sorted(str(each["member"]["reference"]) for each in members))
    reading.add(
        "CareTeam",
        f"header~{reading.patient['reference']}~{names}",
        None,
        None,
        {"subject": reading.patient, "period": period, "participant": distinct(members)},
    )


def _encounter(reading: Reading) -> Resource | None:
    """The visit that a document is about: the one of the Encounters section with this id, else its own."""
    visit = child(reading.root, "componentOf/encompassingEncounter")
    if visit is None:
        return None
    told = next(
        (
            made
            for target in reading.index.encounters(visit)
            if (where := reading.where(target)) is not None
            for made in reading.read(target, where)
            if made["resourceType"] == "Encounter"
        ),
        None,
    )
    elements = kept(_visit(reading, visit))
    if told is not None:
        for key, value in elements.items():
            told.setdefault(key, value)
        return reading.ref(told)
    if not any(key in elements for key in ("type", "period", "location", "participant")) and not identifiers(
        visit
    ):
        return None
    status = {"status": "finished" if "end" in elements.get("period", {}) else "unknown"}
    kind = {"class": elements.pop("class", None) or {"system": _NULL, "code": "UNK"}}
    made = reading.add(
        "Encounter",
        reading.index.name(visit),
        visit,
        None,
        status | kind | {"subject": reading.patient} | elements,
    )
    return reading.ref(made)


def _visit(reading: Reading, visit: Node) -> Resource:
    kind = concept(child(visit, "code"))
    codings = (kind or {}).get("coding", [])
    act_code = codes.backward(codes.SYSTEMS)[codes.ACT_CODE]
    class_ = next((coding for coding in codings if coding.get("system") == act_code), None)
    period = moment_or_period(child(visit, "effectiveTime"), "")
    point = period.get("DateTime")
    place = child(visit, "location/healthCareFacility")
    location = reading.location(place) if place is not None else None
    disposition = concept(child(visit, "dischargeDispositionCode")) or concept(
        child(visit, "sdtc:dischargeDispositionCode")
    )
    return {
        "class": class_,
        "type": [kind] if kind and len(codings) > (1 if class_ else 0) else None,
        "period": period.get("Period") or ({"start": point, "end": point} if point else None),
        "participant": distinct(_participants(reading, visit)),
        "location": [{"location": location}] if location else None,
        "hospitalization": {"dischargeDisposition": disposition} if disposition else None,
        "serviceProvider": _facility(reading, place),
    }


def _participants(reading: Reading, visit: Node) -> list[Resource]:
    found = []
    for path in ("responsibleParty", "encounterParticipant"):
        for each in children(visit, path):
            assigned = child(each, "assignedEntity")
            who = reading.practitioner(assigned) if assigned is not None else None
            kind = (attr(each, "typeCode") or ("RESP" if path == "responsibleParty" else "")).upper()
            if who is not None:
                coding = {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                    "code": kind,
                }
                found.append(
                    kept(
                        {
                            "type": [{"coding": [coding]}] if kind and kind != "RESP" else None,
                            "individual": who,
                        }
                    )
                )
    return found


def _facility(reading: Reading, place: Node | None) -> Resource | None:
    organization = child(place, "serviceProviderOrganization")
    return reading.organization(organization) if organization is not None else None


def replaced(reading: Reading) -> list[Resource]:
    """Documents that this one replaces, adds to or was made from (relatedDocument)."""
    table = {"RPLC": "replaces", "APND": "appends", "XFRM": "transforms"}
    return [
        {"code": table[kind], "target": {"identifier": one}}
        for each in children(reading.root, "relatedDocument")
        if (kind := (attr(each, "typeCode") or "").upper()) in table
        and (one := identifier(child(each, "parentDocument/id")))
    ]
