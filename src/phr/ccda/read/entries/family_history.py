"""Family history: an organizer for each relative as FamilyMemberHistory.

The other direction of `phr.ccda.sections.family_history`. Follows 2.16.840.1.113883.10.20.22.4.45, 4.46,
4.47 and 4.31, CCD 1.x (10.20.1.23, 10.20.1.22, 10.20.1.42, 10.20.1.38) and IHE (4.15, 4.13.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.ccda import codes
from phr.ccda.read.datatypes import name, quantity, text, when
from phr.ccda.read.entries.meaning import coded
from phr.ccda.read.entries.parts import (
    CCD,
    HITSP,
    HL7,
    IHE,
    NEGATED,
    ROOT,
    has_code,
    label,
    meant,
    named,
    own_author,
    read_within,
    remarks,
    roots,
    within,
    words,
)
from phr.ccda.read.nodes import Node, at, child, has_template, negated
from phr.ccda.read.people import name_words

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reader, Reading, Resource, Where

_AGE = (*roots(ROOT, "31"), *roots(CCD, "38"))
_DEATH = (*roots(ROOT, "47"), *roots(CCD, "42"))
_GENDERS = codes.backward(codes.GENDERS) | {"248152002": "female", "248153007": "male"}
_UNITS = {"a": "years", "mo": "months", "wk": "weeks", "d": "days", "h": "hours", "min": "minutes"}
_DENIED = "https://fhir-ehr.cerner.com/r4/StructureDefinition/condition-result"
_FAMILY = ("FAMMEMB", "family member")


def relative(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """A relative with everything that is known of them."""
    if node.tag != "organizer":
        return alone(reading, where, node)
    found = [each for _, each in within(node) if each.tag == "observation"]
    others = [inner for _, each in read_within(reading, where, node, *found) for inner in each]
    subject = child(node, "subject/relatedSubject")
    return [_history(reading, where, node, subject, found), *others]


def alone(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """An observation without an organizer: of a relative, or of nobody in particular."""
    if node.tag != "observation":
        return None
    if _condition(reading, node) is None and not _death_of(node):
        reading.skip(node, where, "It names no condition.")
        return []
    return [_history(reading, where, node, child(node, "subject/relatedSubject"), [node])]


def _history(
    reading: Reading, where: Where, node: Node, subject: Node | None, observations: list[Node]
) -> Resource:
    _, written = own_author(reading, node, *observations)
    person = child(subject, "subject")
    conditions = [found for each in observations if (found := _condition(reading, each)) is not None]
    return reading.resource(
        "FamilyMemberHistory",
        node,
        where,
        {
            "status": "completed",
            "patient": reading.patient,
            "date": written,
            "name": name_words(name(child(person, "name"))),
            "relationship": _relationship(reading, subject),
            "sex": _sex(reading, person),
            **_born(person),
            **_died(person, observations),
            "note": remarks(reading, node, words(reading, node) if node.tag == "organizer" else None),
            "condition": conditions,
        },
    )


def _relationship(reading: Reading, subject: Node | None) -> dict[str, Any]:
    """Which relative; the section says at least that it is one."""
    found = meant(reading, child(subject, "code"))
    return found or coded(f"{HL7}/v3-RoleCode", *_FAMILY)


def _sex(reading: Reading, person: Node | None) -> dict[str, Any] | None:
    node = child(person, "administrativeGenderCode")
    known = _GENDERS.get((at(person, "administrativeGenderCode", "code") or "").strip())
    if known is None:
        return meant(reading, node)
    return coded("http://hl7.org/fhir/administrative-gender", known, known.capitalize())


def _born(person: Node | None) -> dict[str, Any]:
    born = when(child(person, "birthTime"))
    return {"bornDate": born[:10]} if born else {}


# ── conditions ────────────────────────────────────────────────────────────────────────────────────


def _condition(reading: Reading, node: Node) -> dict[str, Any] | None:
    """What the relative had, at what age or when; denied, if the source says so."""
    found = meant(reading, child(node, "value")) or _in_words(reading, node)
    if found is None:
        return None
    age = next((_age(each) for each in _inside(node, *_AGE)), None)
    since = when(child(node, "effectiveTime/low")) or when(child(node, "effectiveTime"))
    until = when(child(node, "effectiveTime/high"))
    known = {"start": since, "end": until}
    kind = meant(reading, child(node, "code"))
    return {
        "modifierExtension": [_denial()] if negated(node) else None,
        "code": found,
        "contributedToDeath": True if _death_of(node) else None,
        "onsetAge": age,
        "onsetPeriod": None if age else known,
        "note": remarks(
            reading,
            node,
            f"Since {since}" if age and since else None,
            f"{NEGATED}." if negated(node) else None,
            label(kind) if has_code(kind, "7087005") else None,
        ),
    }


def _denial() -> dict[str, Any]:
    """FHIR R4 cannot deny a relative's condition; the extension is that of a vendor who does."""
    return {"url": _DENIED, "valueCodeableConcept": coded("http://snomed.info/sct", "260385009", "Negative")}


def _in_words(reading: Reading, node: Node) -> dict[str, Any] | None:
    """A condition in words; one that stands in the code of a home-made observation."""
    said = text(child(node, "value")) or at(node, "value", "displayName")
    if said:
        return {"text": said}
    kind = meant(reading, child(node, "code"))
    general = has_code(
        kind, "ASSERTION", "64572001", "55607006", "282291009", "404684003", "75315-2", "75326-9"
    )
    if kind is not None and not general:
        return kind
    found = words(reading, node) or label(named(reading, node, "value"))
    return {"text": found} if found and not _death_of(node) else None


def _inside(node: Node, *templates: str) -> list[Node]:
    return [inner for _, inner in within(node) if has_template(inner, *templates)]


def _age(node: Node) -> dict[str, Any] | None:
    """An Age: its unit is UCUM (AgePQ_UCUM); a bare number is in years."""
    found = quantity(child(node, "value"))
    if found is None:
        return None
    unit = found.get("code") or ("a" if not found.get("unit") else None)
    if unit not in _UNITS:
        return {"value": found["value"], "unit": found.get("unit")}
    return {
        "value": found["value"],
        "unit": _UNITS[unit],
        "system": "http://unitsofmeasure.org",
        "code": unit,
    }


# ── death ─────────────────────────────────────────────────────────────────────────────────────────


def _deaths(node: Node) -> list[Node]:
    found = _inside(node, *_DEATH)
    if not found and (has_template(node, *_DEATH) or at(node, "value", "code") == "419099009"):
        found = [node]
    return [each for each in found if not negated(each)]


def _death_of(node: Node) -> bool:
    return bool(_deaths(node))


def _died(person: Node | None, observations: list[Node]) -> dict[str, Any]:
    """Whether, when or at what age the relative died."""
    time = when(child(person, "sdtc:deceasedTime"))
    deaths = [each for observation in observations for each in _deaths(observation)]
    ages = [found for each in deaths for age in _inside(each, *_AGE) if (found := _age(age))]
    said = (at(person, "sdtc:deceasedInd", "value") or "").lower()
    if time:
        return {"deceasedDate": time[:10]}
    if ages:
        return {"deceasedAge": ages[0]}
    if said == "true" or deaths:
        return {"deceasedBoolean": True}
    return {"deceasedBoolean": False} if said == "false" else {}


_ORGANIZERS = (*roots(ROOT, "45"), *roots(CCD, "23"), *roots(IHE, "15"), *roots(HITSP, "18"))
_OBSERVATIONS = (*roots(ROOT, "46"), *roots(CCD, "22", "42"), *roots(IHE, "13.3"))
BY_TEMPLATE: dict[str, Reader] = dict.fromkeys((*_ORGANIZERS, *_OBSERVATIONS), relative)
BY_SECTION: dict[str, Reader] = {"10157-6": relative}
