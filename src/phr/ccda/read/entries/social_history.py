"""Social history: smoking, pregnancy, occupation … as Observations; what the Patient says of itself goes back there.

The other direction of `phr.ccda.sections.social_history`. Follows 2.16.840.1.113883.10.20.22.4.78, 4.85,
4.38, 4.200, 4.501 to 4.507, the pregnancy and travel observations of the eICR guide, and the Patient
extensions of US Core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.ccda import reading_measures as tables
from phr.ccda.read.datatypes import address, text, when
from phr.ccda.read.entries.meaning import coded
from phr.ccda.read.entries.observations import Category, code, observation, panel
from phr.ccda.read.entries.parts import (
    CCD,
    HITSP,
    IHE,
    ROOT,
    has_code,
    meant,
    remarks,
    roles,
    roots,
    words,
)
from phr.ccda.read.nodes import Node, at, child, has_template, is_null, negated

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reader, Reading, Resource, Where

_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_PREGNANT, _NOT_PREGNANT = "77386006", "60001007"
_PREGNANCY = ("2.16.840.1.113883.10.20.15.3.8", *roots(ROOT, "293"))
_TRAVEL = "2.16.840.1.113883.10.20.15.2.3.1"
_SURVEYS = roots(ROOT, "69", "86")
_SNOMED = "http://snomed.info/sct"


def social(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """One statement about how the person lives."""
    if node.tag == "organizer":
        return panel(reading, where, node, *_categories(where, node))
    if node.tag == "act":
        return travel(reading, where, node)
    if node.tag != "observation":
        return None
    if has_template(node, *_PREGNANCY):
        return _pregnancy(reading, where, node)
    patient = _trait(reading, node)
    if patient is not None and not _says_more(node, patient):
        return [patient]
    made = observation(reading, where, node, *_categories(where, node))
    return [each for each in (patient, made) if each is not None]


def _categories(where: Where, node: Node) -> tuple[Category, ...]:
    survey = (tables.SURVEY,) if has_template(node, *_SURVEYS) else ()
    if where.code in ("47420-5", "10190-7"):
        return (*survey, tables.SECTION_CATEGORIES[where.code or ""])
    return (tables.SOCIAL_HISTORY, *survey)


def _pregnancy(reading: Reading, where: Where, node: Node) -> list[Resource]:
    """HL7's example says "not pregnant" by negation; the answer has a code of its own."""
    own: dict[str, Any] = {}
    if negated(node) and has_code(meant(reading, child(node, "value")), _PREGNANT):
        own["valueCodeableConcept"] = coded(_SNOMED, _NOT_PREGNANT, "Not pregnant")
        own["note"] = remarks(reading, node)
    made = observation(reading, where, node, tables.SOCIAL_HISTORY, **own)
    return [made] if made else []


def travel(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """Travel History (eICR): an act with its places; any other act is not read here."""
    subject = code(reading, node)
    if node.tag != "act" or not (has_template(node, _TRAVEL) or has_code(subject, "420008001")):
        return None
    places = [_place(role) for role in roles(node, "LOC")]
    said = [each for each in (words(reading, node), *places) if each]
    if not said:
        reading.skip(node, where, "It names no journey.")
        return []
    own = {"valueString": "; ".join(dict.fromkeys(said)), "note": remarks(reading, node)}
    made = observation(reading, where, node, tables.SOCIAL_HISTORY, **own)
    return [made] if made else []


def _place(role: Node) -> str | None:
    found = address(child(role, "addr")) or {}
    parts = [*found.get("line", ()), *(found.get(key) for key in ("city", "state", "postalCode", "country"))]
    said = ", ".join(each for each in parts if each) or found.get("text")
    return said or text(child(role, "playingEntity/name")) or at(role, "code", "displayName")


# ── what belongs to the Patient ───────────────────────────────────────────────────────────────────


def _trait(reading: Reading, node: Node) -> Resource | None:
    """The Patient, with the extension that this statement is; None if it is none, or denied."""
    subject = code(reading, node)
    patient = reading.find("Patient", reading.patient["reference"].partition("/")[2])
    if patient is None or negated(node):
        return None
    answer = child(node, "value")
    if has_code(subject, "76689-9"):
        found = _birth_sex(answer)
        return _extend(patient, "birthsex", {"valueCode": found}) if found else None
    if has_code(subject, "46098-0"):
        sex = at(node, "value", "code")
        return _extend(patient, "sex", {"valueCode": sex}) if sex and not is_null(answer) else None
    if is_null(answer) or not (meaning := meant(reading, answer)):
        return None
    if has_code(subject, "76691-5"):
        return _extend(patient, "genderIdentity", {"valueCodeableConcept": meaning})
    if has_code(subject, "95370-3"):
        inner = {"url": "tribalAffiliation", "valueCodeableConcept": meaning}
        return _extend(patient, "tribal-affiliation", {"extension": [inner]})
    return None


def _birth_sex(answer: Node | None) -> str | None:
    """F or M; UNK where the source says that it does not know (required binding of us-core-birthsex)."""
    said = answer.get("code", "").strip() if answer is not None else ""
    if said in ("F", "M"):
        return said
    known = {"248152002": "F", "248153007": "M"}.get(said)
    flavor = answer.get("nullFlavor", "") if answer is not None else ""
    return known or ("UNK" if flavor in ("UNK", "ASKU", "OTH") or said == "UNK" else None)


def _extend(patient: Resource, name: str, content: dict[str, Any]) -> Resource | None:
    """Put the extension on the Patient, once; None for a second, different one, which stays an Observation."""
    extension = {"url": _US_CORE + name, **content}
    there = patient.setdefault("extension", [])
    if extension in there:
        return patient
    if name != "tribal-affiliation" and any(each.get("url") == extension["url"] for each in there):
        return None
    there.append(extension)
    return patient


def _says_more(node: Node, patient: Resource) -> bool:
    """Whether the statement holds what the extension cannot: its own time, its author, a comment."""
    times = (when(child(node, f"effectiveTime{path}")) for path in ("", "/low", "/high"))
    born = str(patient.get("birthDate", ""))[:10]
    dated = any(each and each[:10] != born for each in times)
    told = child(node, "author") is not None or child(node, "entryRelationship") is not None
    return dated or told


def tobacco(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """Smoking Status and Tobacco Use: the value is the answer."""
    if node.tag != "observation":
        return None
    made = observation(reading, where, node, tables.SOCIAL_HISTORY)
    return [made] if made else []


_TOBACCO = (*roots(ROOT, "78", "85"), "2.16.840.1.113883.10.22.4.78")
_SOCIAL = (
    *roots(ROOT, "38", "200", "501", "503", "504", "505", "506", "507", "281", "109", "111", "72", "297"),
    *_PREGNANCY,
    *roots(CCD, "33"),
    *roots(IHE, "13.4", "13.5", "13.5.1"),
    *roots(HITSP, "19"),
    "2.16.840.1.113883.10.20.34.3.45",
    "2.16.840.1.113883.10.20.15.3.1",
)
BY_TEMPLATE: dict[str, Reader] = {
    **dict.fromkeys(_TOBACCO, tobacco),
    **dict.fromkeys(_SOCIAL, social),
    _TRAVEL: travel,
}
BY_SECTION: dict[str, Reader] = {
    **dict.fromkeys(("29762-2", "10164-2", "90767-5", "8681-9"), social),
}
