"""Plan of treatment: what is ordered, planned or booked, as ServiceRequest or planned Encounter.

The other direction of `phr.ccda.sections.plan`. Follows 2.16.840.1.113883.10.20.22.4.39, 4.40, 4.41, 4.43,
4.44, 4.20, 4.130, 4.131 and 4.146, and CCD 1.x (10.20.1.25). Goals among them are read by `goals`, drugs
and vaccines by their own readers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.ccda import codes
from phr.ccda import reading_measures as tables
from phr.ccda.read.datatypes import moment_or_period, quantity, value
from phr.ccda.read.entries.devices import device_roles
from phr.ccda.read.entries.encounters import encounter
from phr.ccda.read.entries.goals import goal
from phr.ccda.read.entries.meaning import coded
from phr.ccda.read.entries.parts import (
    CCD,
    HITSP,
    IHE,
    ROOT,
    label,
    meant,
    mood,
    named,
    own_author,
    persons,
    read_within,
    reason_nodes,
    reasons,
    refusal,
    remarks,
    roles,
    roots,
    status,
    within,
    words,
)
from phr.ccda.read.entries.procedures import procedure
from phr.ccda.read.entries.specimens import specimen
from phr.ccda.read.nodes import Node, at, child, children, has_template, is_null, negated

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reader, Reading, Resource, Where

_REQUESTERS = ("Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson", "Device")
_INSTRUCTION = (*roots(ROOT, "20", "146"), *roots(CCD, "49"), *roots(IHE, "3"))
_CONTAINERS = roots(ROOT, "131", "146")
_PRIORITY = f"{ROOT}143"
_PRIORITIES = codes.backward(codes.PRIORITIES) | {"EM": "stat"}
_CATEGORIES = {
    "observation": ("http://snomed.info/sct", "103693007", "Diagnostic procedure"),
    "procedure": ("http://snomed.info/sct", "71388002", "Procedure"),
}
"""The class of the act as ServiceRequest.category, so that it is written as the same class again."""


def planned(reading: Reading, where: Where, node: Node, *, group: bool = False) -> list[Resource] | None:
    """Anything that is to be done: the mood says how firmly. A group of statements only where it is one order."""
    if mood(node) == "GOL":
        return goal(reading, where, node)
    if node.tag == "encounter":
        return visit(reading, where, node)
    if node.tag not in ("act", "procedure", "observation", "supply") and not group:
        return None
    taken = [*reason_nodes(node), *_instructions(node), *_priorities(node)]
    inner = [each for _, found in read_within(reading, where, node, *taken) for each in found]
    if _only_holds(node, inner):
        return inner
    if mood(node) == "EVN":
        return procedure(reading, where, node)
    subject = _subject(reading, node)
    if subject is None:
        if not inner:
            reading.skip(node, where, "It does not say what is planned.")
        return inner
    return [reading.resource("ServiceRequest", node, where, _elements(reading, where, node, subject)), *inner]


def _only_holds(node: Node, inner: list[Resource]) -> bool:
    """An Intervention Act (4.131, 4.146) frames what is done and says nothing of its own."""
    return (
        bool(inner) and has_template(node, *_CONTAINERS) and at(node, "code", "code") in (None, "362956003")
    )


def _subject(reading: Reading, node: Node) -> dict[str, Any] | None:
    """What is planned; of a supply its product, of an instruction its words."""
    found = meant(reading, child(node, "code"))
    if found is None and node.tag == "supply":
        found = _product(reading, node)
    said = words(reading, node) if has_template(node, *_INSTRUCTION) or found is None else None
    if found is None:
        return {"text": said} if said else named(reading, node)
    own = child(node, "code/originalText")
    return found | {"text": said} if said and is_null(own) else found


def _product(reading: Reading, node: Node) -> dict[str, Any] | None:
    path = "product/manufacturedProduct/manufacturedMaterial/code"
    found = (meant(reading, child(role, "playingDevice/code")) for role in device_roles(node))
    return meant(reading, child(node, path)) or next((each for each in found if each), None)


def _elements(reading: Reading, where: Where, node: Node, subject: dict[str, Any]) -> dict[str, Any]:
    who, written = own_author(reading, node)
    category = _CATEGORIES.get(str(node.tag))
    said = refusal(reading, node)
    return {
        "status": _status(node),
        "intent": tables.INTENTS.get(mood(node), "plan"),
        "category": [coded(*category)] if category else None,
        "priority": _PRIORITIES.get(at(node, "priorityCode", "code") or ""),
        "doNotPerform": True if negated(node) else None,
        "code": subject,
        "orderDetail": _details(reading, node),
        "quantityQuantity": quantity(child(node, "quantity")),
        "subject": reading.patient,
        "encounter": reading.encounter(node),
        **moment_or_period(child(node, "effectiveTime"), "occurrence"),
        "authoredOn": written,
        "requester": persons(who, *_REQUESTERS),
        "performer": [found for each in reading.performers(node) if (found := persons(each, *_REQUESTERS))],
        "locationReference": [found for role in roles(node, "LOC") if (found := reading.location(role))],
        **reasons(reading, where, node),
        "bodySite": [site for each in children(node, "targetSiteCode") if (site := meant(reading, each))],
        "note": remarks(reading, node, said if said != label(subject) else None, *_wishes(reading, node)),
        "specimen": [each for each in [specimen(reading, where, node)] if each],
        "patientInstruction": _told(reading, node, subject),
    }


def _status(node: Node) -> str:
    """A plan without a status stands; that of an instruction is "completed" by template and says nothing."""
    if has_template(node, *_INSTRUCTION) and at(node, "statusCode", "code") == "completed":
        return "active"
    said = child(node, "statusCode")
    return status(node, tables.REQUEST_STATUSES, "active" if said is None else "unknown")


def _details(reading: Reading, node: Node) -> list[dict[str, Any]]:
    """The value of a planned observation: what it is hoped to be."""
    found: list[dict[str, Any]] = []
    for each in children(node, "value"):
        for key, what in value(each, reading).items():
            if key == "valueCodeableConcept":
                found.append(what)
            elif key == "valueQuantity":
                found.append(
                    {"text": f"{what.get('comparator', '')}{what['value']} {what.get('unit', '')}".strip()}
                )
            elif key.startswith("value") and not isinstance(what, dict):
                found.append({"text": str(what)})
    return found


def _instructions(node: Node) -> list[Node]:
    return [inner for _, inner in within(node) if has_template(inner, f"{ROOT}20", f"{CCD}49", f"{IHE}3")]


def _priorities(node: Node) -> list[Node]:
    return [inner for _, inner in within(node) if has_template(inner, _PRIORITY)]


def _wishes(reading: Reading, node: Node) -> list[str | None]:
    """Priority Preference (4.143), in words: FHIR's own priority is about urgency only."""
    found = [(inner, meant(reading, child(inner, "value"))) for inner in _priorities(node)]
    return [f"Priority: {label(each)}" for _, each in found if each]


def _told(reading: Reading, node: Node, subject: dict[str, Any]) -> str | None:
    """What the patient is told: nested Instructions."""
    said = [
        label(named(reading, each)) if words(reading, each) is None else words(reading, each)
        for each in _instructions(node)
    ]
    told = [each for each in said if each and each != label(subject)]
    return "\n".join(dict.fromkeys(told)) or None


# ── visits ────────────────────────────────────────────────────────────────────────────────────────


def visit(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """A Planned Encounter (4.40) as Encounter that is planned; one that is not to be is cancelled."""
    made = encounter(reading, where, node)
    for each in made or ():
        if negated(node) and each["resourceType"] == "Encounter":
            each["status"] = "cancelled"
    return None if made is None else list(made)


def by_section(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """What stands in a plan without a known template: in another mood than "event" it is planned."""
    return None if mood(node) in ("EVN", "DEF") else planned(reading, where, node)


_PLANNED = (
    *roots(ROOT, "39", "41", "43", "44", "20", "130", "131", "146"),
    *roots(CCD, "25", "49"),
    *roots(IHE, "3"),
    *roots(HITSP, "22"),
    *(f"2.16.840.1.113883.10.20.15.2.3.{number}" for number in ("4", "41", "42", "43")),
)
BY_TEMPLATE: dict[str, Reader] = {
    **dict.fromkeys(_PLANNED, planned),
    f"{ROOT}40": visit,
}
BY_SECTION: dict[str, Reader] = dict.fromkeys(
    ("18776-5", "51847-2", "69730-0", "62387-6", "42349-1", "61144-2"), by_section
)
