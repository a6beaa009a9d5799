"""Procedures: Procedure Activity as Procedure, with where, why, by whom and with which device.

The other direction of `phr.ccda.sections.procedures`. Follows 2.16.840.1.113883.10.20.22.4.14, 4.12 and
4.13, CCD 1.x (10.20.1.29) and IHE (4.19). An observation among the procedures is one; what it found is an
Observation that is part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.ccda import reading_measures as tables
from phr.ccda.read.datatypes import moment_or_period
from phr.ccda.read.entries import panels
from phr.ccda.read.entries.devices import device, device_roles, supply, udi_organizers
from phr.ccda.read.entries.observations import observation
from phr.ccda.read.entries.parts import (
    CCD,
    HITSP,
    IHE,
    ROOT,
    has_code,
    label,
    meant,
    mood,
    named,
    own_author,
    persons,
    read_within,
    reason_nodes,
    reasons,
    references,
    refusal,
    remarks,
    roles,
    roots,
    status,
    within,
)
from phr.ccda.read.nodes import Node, at, child, children, is_null, negated
from phr.ccda.read.once import distinct
from phr.ccda.read.wholes import PROCEDURE

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reader, Reading, Resource, Where

_ACTORS = ("Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson", "Device")
_OUTCOMES = frozenset(("103709008", "385669000", "385670004", "385671000"))
"""Failed attempted procedure; successful, partially successful, unsuccessful (SNOMED CT)."""
_EQUIPMENT = "46264-8"


def procedure(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """Something that was done, or that was not."""
    if node.tag not in ("procedure", "act", "observation"):
        return None
    if mood(node) != "EVN":
        return None if mood(node) == "DEF" else _planned(reading, where, node)
    devices = [] if negated(node) else _devices(reading, where, node)
    subject = named(reading, node)
    frame = panels.frames(reading, node, PROCEDURE)
    if devices and (frame or (where.code == _EQUIPMENT and not _says_more(node))):
        return devices  # the procedure stands there only because a Product Instance needs one
    if subject is None and not devices and not _says_more(node):
        reading.skip(node, where, "It does not say what was done.")
        return []
    inner = _within(reading, where, node)
    found = _finding(reading, where, node)
    made = reading.resource(
        "Procedure", node, where, _elements(reading, where, node, subject, devices, inner)
    )
    if found is not None:
        found["partOf"] = [reading.ref(made)]
    return [made, *devices, *inner, *([found] if found else [])]


def _planned(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    from phr.ccda.read.entries.plan import planned  # the two read each other's statements

    return planned(reading, where, node)


def _says_more(node: Node) -> bool:
    """Whether it is more than the frame of a device: a code, a time, a site, a performer, a comment."""
    said = any(
        not is_null(child(node, each)) for each in ("code", "effectiveTime", "targetSiteCode", "performer")
    )
    return said or negated(node) or any(True for _ in within(node, *udi_organizers(node)))


def _elements(
    reading: Reading,
    where: Where,
    node: Node,
    subject: dict[str, Any] | None,
    devices: list[Resource],
    inner: list[Resource],
) -> dict[str, Any]:
    who, _ = own_author(reading, node)
    said = refusal(reading, node)
    outcome, why = _outcome(reading, node)
    return {
        "status": _status(node),
        "code": subject,
        "subject": reading.patient,
        "encounter": reading.encounter(node),
        **moment_or_period(child(node, "effectiveTime"), "performed"),
        "recorder": persons(who, "Practitioner", "PractitionerRole", "Patient", "RelatedPerson"),
        "performer": _performers(reading, node),
        "location": next((found for role in roles(node, "LOC") if (found := reading.location(role))), None),
        **reasons(reading, where, node),
        "bodySite": [site for each in children(node, "targetSiteCode") if (site := meant(reading, each))],
        "outcome": outcome,
        "report": references(reading, inner, "DiagnosticReport"),
        "note": remarks(
            reading, node, said if said != label(subject) else None, *why, *_methods(reading, node)
        ),
        "focalDevice": [{"manipulated": reading.ref(each)} for each in devices],
        "usedCode": _denied_devices(reading, node) if negated(node) else None,
    }


def _status(node: Node) -> str:
    if negated(node):
        return "not-done"
    return status(node, tables.PROCEDURE_STATUSES, "unknown")


def _performers(reading: Reading, node: Node) -> list[dict[str, Any]]:
    """Who did it, in which function; on whose behalf is part of a PractitionerRole."""
    found: list[dict[str, Any]] = []
    for each in children(node, "performer"):
        assigned = child(each, "assignedEntity")
        actor = persons(reading.practitioner(assigned), *_ACTORS) if assigned is not None else None
        function = meant(reading, child(each, "sdtc:functionCode")) or meant(
            reading, child(each, "functionCode")
        )
        one = {"actor": actor, "function": function}
        if actor is not None:
            found.append(one)
    return distinct(found)


def _methods(reading: Reading, node: Node) -> list[str | None]:
    return [label(meant(reading, each)) for each in children(node, "methodCode")]


def _devices(reading: Reading, where: Where, node: Node) -> list[Resource]:
    return [found for role in device_roles(node) if (found := device(reading, where, role, node)) is not None]


def _denied_devices(reading: Reading, node: Node) -> list[dict[str, Any]]:
    """The kind of device that was not implanted: it must not become a Device."""
    kinds = (meant(reading, child(role, "playingDevice/code")) for role in device_roles(node))
    return [kind for kind in kinds if kind is not None]


# ── what stands inside ────────────────────────────────────────────────────────────────────────────


def _outcome(reading: Reading, node: Node) -> tuple[dict[str, Any] | None, list[str | None]]:
    """How it ended, where a nested statement says no more than that; and why, in words."""
    for _, inner in within(node):
        found = _outcome_of(reading, inner)
        if found is not None:
            said = reading.words(inner)
            return found, [said if said != label(found) else None]
    return None, []


def _outcome_of(reading: Reading, node: Node) -> dict[str, Any] | None:
    found = meant(reading, child(node, "value" if child(node, "value") is not None else "code"))
    return found if has_code(found, *_OUTCOMES) else None


def _within(reading: Reading, where: Where, node: Node) -> list[Resource]:
    taken = [*udi_organizers(node), *reason_nodes(node)]
    taken += [inner for _, inner in within(node) if _outcome_of(reading, inner) is not None]
    return [each for _, found in read_within(reading, where, node, *taken) for each in found]


def _finding(reading: Reading, where: Where, node: Node) -> Resource | None:
    """What a Procedure Activity Observation (4.13) found, if it has a value."""
    answers = [each for each in children(node, "value") if not is_null(each)]
    if node.tag != "observation" or not answers or negated(node):
        return None
    return observation(reading, where, node, tables.PROCEDURE)


def equipment(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """Medical Equipment without a template that is known."""
    return supply(reading, where, node) if node.tag == "supply" else by_section(reading, where, node)


def by_section(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """A procedures section without a template that is known; documentation of it is none."""
    if node.tag == "act" and at(node, "code", "code") is None and is_null(child(node, "text")):
        return None
    return procedure(reading, where, node)


def collection(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """A procedure among results: how the specimen was collected."""
    return procedure(reading, where, node) if node.tag == "procedure" else None


_PROCEDURES = (
    *roots(ROOT, "14", "12", "13"),
    *roots(CCD, "29"),
    *roots(IHE, "19"),
    *roots(HITSP, "17"),
    "2.16.840.1.113883.10.20.15.2.3.44",
)
BY_TEMPLATE: dict[str, Reader] = dict.fromkeys(_PROCEDURES, procedure)
BY_SECTION: dict[str, Reader] = {
    **dict.fromkeys(("47519-4", "29554-3", "8724-7", "59772-4", "10185-7"), by_section),
    _EQUIPMENT: equipment,
}
