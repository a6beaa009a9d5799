"""Care team: a Care Team Organizer as CareTeam with its members.

The other direction of `phr.ccda.sections.care_team`. Follows 2.16.840.1.113883.10.20.22.4.500, 4.500.1
(member) and 4.500.2 (kind of team).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.ccda import codes
from phr.ccda.read.datatypes import distinct, span, text
from phr.ccda.read.entries.parts import (
    ROOT,
    label,
    meant,
    persons,
    reason_nodes,
    reasons,
    references,
    remarks,
    roles,
    roots,
    status,
    within,
)
from phr.ccda.read.nodes import Node, at, child, children, has_template, statements

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reader, Reading, Resource, Where

_MEMBER, _KIND = f"{ROOT}500.1", f"{ROOT}500.2"
_STATUSES = codes.backward(codes.CARE_TEAM_STATUSES) | {
    "aborted": "inactive",
    "cancelled": "inactive",
    "held": "suspended",
    "nullified": "entered-in-error",
}
_MEMBERS = ("Practitioner", "PractitionerRole", "RelatedPerson", "Patient", "Organization", "CareTeam")
_FIXED = frozenset(("86744-0", "92707-9"))


def care_team(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """One team; its members are acts with a performer."""
    if node.tag != "organizer":
        return None
    period = span(child(node, "effectiveTime"))
    members = [each for act in _acts(node) for each in _members(reading, act, period)]
    members += [
        {"member": found} for role in roles(node, "PPRF") if (found := _known(reading, role, members))
    ]
    why = [reasons(reading, where, each) for each in (node, *_acts(node))]
    inner = [each for statement in _others(node) for each in reading.read(statement, where)]
    if not members and not inner:
        reading.skip(node, where, "It names no member.")
        return []
    made = reading.resource(
        "CareTeam",
        node,
        where,
        {
            "status": status(node, _STATUSES, "active"),
            "category": [found for each in _kinds(node) if (found := meant(reading, child(each, "value")))],
            "name": _name(reading, node),
            "subject": reading.patient,
            "encounter": reading.encounter(node),
            "period": period,
            "participant": members,
            "reasonCode": distinct(one for each in why for one in each["reasonCode"]),
            "reasonReference": distinct(
                [
                    *(one for each in why for one in each["reasonReference"]),
                    *references(reading, inner, "Condition"),
                ]
            ),
            "note": remarks(reading, node, *(said for act in _acts(node) for said in _said(reading, act))),
        },
    )
    return [made, *inner]


def _acts(node: Node) -> list[Node]:
    return [
        each
        for each in children(node, "component/act")
        if child(each, "performer") is not None or has_template(each, _MEMBER)
    ]


def _kinds(node: Node) -> list[Node]:
    return [each for each in children(node, "component/observation") if has_template(each, _KIND)]


def _others(node: Node) -> list[Node]:
    own = [*_acts(node), *_kinds(node)]
    inside = [
        inner
        for act in _acts(node)
        for _, inner in within(act, *reason_nodes(act))
        if not _is_schedule(inner)
    ]
    return [inner for _, inner in within(node, *reason_nodes(node)) if inner not in own] + inside


def _is_schedule(node: Node) -> bool:
    return has_template(node, f"{ROOT}500.3")


def _said(reading: Reading, act: Node) -> list[str]:
    """When a member is there (4.500.3), and comments on it: a participant has no place for words."""
    schedules = [inner for _, inner in statements(act) if _is_schedule(inner)]
    said = [reading.words(each) for each in schedules] + [each["text"] for each in reading.notes(act)]
    return [each for each in said if each]


def _name(reading: Reading, node: Node) -> str | None:
    """The name of the team; a row of the narrative is none."""
    said = child(node, "code/originalText")
    pointer = at(said, "reference", "value")
    target = reading.index.target(pointer) if pointer else None
    if target is not None:
        return None if target.tag in ("tr", "table", "tbody") else reading.index.said.words(target)
    found = meant(reading, child(node, "code"))
    fixed = any(each["code"] in _FIXED for each in (found or {}).get("coding", ()))
    return text(said) or (None if fixed else label(found))


def _members(reading: Reading, act: Node, period: dict[str, str] | None) -> list[dict[str, Any]]:
    """Who, in which role, and since when if that is not the time of the whole team."""
    own = span(child(act, "effectiveTime"))
    found = []
    for each in children(act, "performer"):
        assigned = child(each, "assignedEntity")
        who = persons(reading.practitioner(assigned), *_MEMBERS) if assigned is not None else None
        role = meant(reading, child(each, "sdtc:functionCode")) or meant(reading, child(each, "functionCode"))
        if who is not None or role is not None:
            found.append(
                {"role": [role] if role else None, "member": who, "period": own if own != period else None}
            )
    return found


def _known(reading: Reading, role: Node, members: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The lead of the team, who is usually among the members already."""
    found = persons(reading.practitioner(role), *_MEMBERS)
    return None if any(each.get("member") == found for each in members) else found


BY_TEMPLATE: dict[str, Reader] = dict.fromkeys(roots(ROOT, "500"), care_team)
BY_SECTION: dict[str, Reader] = {"85847-2": care_team}
