"""Whose document it is: recordTarget as Patient.

The other direction of the Patient map in `phr.ccda.header`: US Realm Header (2.16.840.1.113883.10.20.22.1.1) and
C-CDA on FHIR, with the US Core extensions for race and ethnicity. Sex at birth and gender identity stand in
the Social History section.
"""

from __future__ import annotations

from phr.ccda import codes
from phr.ccda.read import nodes
from phr.ccda.read.datatypes import address, concept, distinct, identifiers, name, system, telecom, text
from phr.ccda.read.nodes import Node, attr, child, children, null_flavor
from phr.ccda.read.people import all_of
from phr.ccda.read.reading import Reading, Resource, kept
from phr.ccda.read.times import day, when

_FHIR = "http://hl7.org/fhir/StructureDefinition"
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core"
_NULL = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
_GENDERS = codes.backward(codes.GENDERS) | {"UNK": "unknown"}
_SNOMED_GENDERS = {"248152002": "F", "248153007": "M"}
_RACES = ("raceCode", "sdtc:raceCode")
_ETHNICITIES = ("ethnicGroupCode", "sdtc:ethnicGroupCode")


def patient(reading: Reading) -> Resource:
    """The Patient; of a piece of a document only that there is one."""
    role = child(reading.root, "recordTarget/patientRole")
    person = child(role, "patient")
    made: Resource = {
        "resourceType": "Patient",
        "id": str(reading.patient["reference"]).partition("/")[2],
        **kept(
            {
                "meta": {"security": reading.index.labels(None)} if role is not None else None,
                "extension": _extensions(person),
                "identifier": identifiers(role),
                "name": all_of(person, "name", name),
                "telecom": all_of(role, "telecom", telecom),
                "gender": _gender(child(person, "administrativeGenderCode")),
                "birthDate": day(child(person, "birthTime")),
                "_birthDate": _birth_time(child(person, "birthTime")),
                **_death(person),
                "address": all_of(role, "addr", address),
                "maritalStatus": concept(child(person, "maritalStatusCode")),
                **_multiple(person),
                "contact": _contacts(reading, person),
                "communication": _languages(person),
                "generalPractitioner": _primary_care(reading),
                "managingOrganization": _provider(reading, role),
            }
        ),
    }
    reading.place(made)
    return made


def _gender(node: Node | None) -> str | None:
    if node is None:
        return None
    code = attr(node, "code")
    if code is None:
        return "unknown" if null_flavor(node) else None
    code = _SNOMED_GENDERS.get(code, code).upper()
    return _GENDERS.get(code, "other" if code in ("U", "O", "X") else "unknown")


def _birth_time(node: Node | None) -> Resource | None:
    moment = when(node)
    if moment is None or "T" not in moment:
        return None
    return {"extension": [{"url": f"{_FHIR}/patient-birthTime", "valueDateTime": moment}]}


def _death(person: Node | None) -> Resource:
    """`deceased[x]` has one form: the time when there is one."""
    moment = when(child(person, "sdtc:deceasedTime"))
    if moment:
        return {"deceasedDateTime": moment}
    said = (nodes.at(person, "sdtc:deceasedInd", "value") or "").lower()
    return {"deceasedBoolean": said in ("true", "1")} if said in ("true", "false", "1", "0") else {}


def _multiple(person: Node | None) -> Resource:
    order = nodes.at(person, "sdtc:multipleBirthOrderNumber", "value")
    if order and order.isdigit():
        return {"multipleBirthInteger": int(order)}
    said = (nodes.at(person, "sdtc:multipleBirthInd", "value") or "").lower()
    return {"multipleBirthBoolean": said in ("true", "1")} if said in ("true", "false", "1", "0") else {}


def _extensions(person: Node | None) -> list[Resource]:
    found = [
        _omb(person, _RACES, "race", codes.OMB_RACES),
        _omb(person, _ETHNICITIES, "ethnicity", codes.OMB_ETHNICITIES),
        *(
            {"url": f"{_FHIR}/patient-religion", "valueCodeableConcept": religion}
            for each in children(person, "religiousAffiliationCode")
            if (religion := concept(each))
        ),
        *(
            {"url": f"{_FHIR}/patient-birthPlace", "valueAddress": place}
            for each in children(person, "birthplace/place")
            if (place := address(child(each, "addr")) or _place_name(each))
        ),
    ]
    return [each for each in found if each]


def _place_name(place: Node) -> Resource | None:
    words = text(child(place, "name"))
    return {"text": words} if words else None


def _omb(
    person: Node | None, tags: tuple[str, str], kind: str, categories: frozenset[str]
) -> Resource | None:
    """US Core race or ethnicity: OMB categories, detailed codes, and all words as one text."""
    parts: list[Resource] = []
    words: list[str] = []
    allowed = 5 if kind == "race" else 1
    for each in (node for tag in tags for node in children(person, tag)):
        code, flavor = attr(each, "code"), null_flavor(each)
        shown = text(child(each, "originalText")) or attr(each, "displayName")
        if shown and shown not in words:
            words.append(shown)
        if code in categories and allowed:
            allowed -= 1
            parts.append(_part("ombCategory", system(each) or f"urn:oid:{codes.RACE}", code, shown))
        elif code is not None:
            parts.append(_part("detailed", system(each) or f"urn:oid:{codes.RACE}", code, shown))
        elif flavor in ("UNK", "ASKU") and allowed and not parts:
            allowed = 0
            parts.append(_part("ombCategory", _NULL, flavor, _FLAVORS[flavor]))
            words.append(_FLAVORS[flavor])
    if not parts and not words:
        return None
    said = ", ".join(words) or ", ".join(str(part["valueCoding"]["code"]) for part in parts)
    return {"url": f"{_US_CORE}-{kind}", "extension": [*parts, {"url": "text", "valueString": said}]}


_FLAVORS = {"UNK": "Unknown", "ASKU": "Asked but no answer"}


def _part(url: str, system_: str, code: str | None, display: str | None) -> Resource:
    return {"url": url, "valueCoding": kept({"system": system_, "code": code, "display": display})}


def _languages(person: Node | None) -> list[Resource]:
    found = []
    for each in children(person, "languageCommunication"):
        code = " ".join((nodes.at(each, "languageCode", "code") or "").split())
        if not code:
            continue
        preferred = (nodes.at(each, "preferenceInd", "value") or "").lower()
        language = {"coding": [{"system": "urn:ietf:bcp:47", "code": code}]}
        one: Resource = {"language": language}
        if preferred in ("true", "false", "1", "0"):
            one["preferred"] = preferred in ("true", "1")
        if one not in found:
            found.append(one)
    return found


def _contacts(reading: Reading, person: Node | None) -> list[Resource]:
    """Guardians, and the people that the header names as next of kin, emergency contact and the like."""
    found = [
        _contact(each, "guardianPerson", "guardianOrganization") for each in children(person, "guardian")
    ]
    for contact in found:
        contact["relationship"] = [
            {"coding": [{"system": codes.backward(codes.SYSTEMS)[codes.ROLE_CODE], "code": "GUARD"}]},
            *contact.get("relationship", ()),
        ]
    for each in children(reading.root, "participant"):
        entity = child(each, "associatedEntity")
        kind = (attr(entity, "classCode") or "").upper()
        if entity is not None and kind in ("NOK", "ECON", "CAREGIVER", "AGNT", "GUARD", "PRS"):
            one = _contact(entity, "associatedPerson", "scopingOrganization")
            if kind in ("NOK", "ECON", "AGNT"):
                one.setdefault("relationship", []).append({"coding": [{"system": _ROLE_CLASS, "code": kind}]})
            if "name" in one or "telecom" in one:
                found.append(one)
    return distinct(
        each for each in found if any(key in each for key in ("name", "telecom", "address", "organization"))
    )


_ROLE_CLASS = "http://terminology.hl7.org/CodeSystem/v3-RoleClass"


def _contact(node: Node, person: str, organization: str) -> Resource:
    numbers = all_of(node, "telecom", telecom)
    addresses = all_of(node, "addr", address)
    relationship = concept(child(node, "code"))
    company = text(child(node, f"{organization}/name"))
    return kept(
        {
            "relationship": [relationship] if relationship else None,
            "name": name(child(node, f"{person}/name")),
            "telecom": numbers,
            "address": addresses[0] if addresses else None,
            "organization": {"display": company} if company else None,
        }
    )


def _provider(reading: Reading, role: Node | None) -> Resource | None:
    organization = child(role, "providerOrganization")
    return reading.organization(organization) if organization is not None else None


def _primary_care(reading: Reading) -> list[Resource]:
    """Performers that the header calls primary care provider (ParticipationFunction PCP)."""
    return distinct(
        who
        for each in children(reading.root, "documentationOf/serviceEvent/performer")
        if "PCP" in (nodes.at(each, "functionCode", "code"), nodes.at(each, "sdtc:functionCode", "code"))
        and (assigned := child(each, "assignedEntity")) is not None
        and (who := reading.practitioner(assigned)) is not None
    )
