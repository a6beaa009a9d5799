"""Goals: a Goal Observation as Goal.

The other direction of `phr.ccda.sections.goals`. Follows 2.16.840.1.113883.10.20.22.4.121 and any planned
observation of mood GOL (R1.1 writes goals as 4.44). A text value is the goal in words, any other value what
is to be reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from phr.ccda import codes
from phr.ccda import reading_measures as tables
from phr.ccda.read.datatypes import value, when
from phr.ccda.read.entries.meaning import coded
from phr.ccda.read.entries.parts import (
    HL7,
    NEGATED,
    ROOT,
    label,
    meant,
    mood,
    named,
    own_author,
    persons,
    read_within,
    references,
    remarks,
    roots,
    status,
    within,
    words,
)
from phr.ccda.read.nodes import Node, at, child, children, has_template, negated

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reader, Reading, Resource, Where

_PRIORITY, _PROGRESS = f"{ROOT}143", f"{ROOT}110"
_DETAILS = {
    "valueQuantity": "detailQuantity",
    "valueRange": "detailRange",
    "valueRatio": "detailRatio",
    "valueCodeableConcept": "detailCodeableConcept",
    "valueInteger": "detailInteger",
    "valueBoolean": "detailBoolean",
}
_PRIORITIES = {number: key for key, (number, _) in codes.GOAL_PRIORITIES.items()}


def goal(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """Something to be reached."""
    if node.tag not in ("observation", "act", "procedure"):
        return None
    subject = named(reading, node)
    answer = _answer(reading, node)
    description, targets = _aim(subject, answer, _end(node))
    if description is None:
        reading.skip(node, where, "It does not say what the goal is.")
        return []
    nested = read_within(reading, where, node, *_own(node))
    inner = [each for _, found in nested for each in found]
    who, written = own_author(reading, node)
    start = when(child(node, "effectiveTime/low")) or when(child(node, "effectiveTime"))
    made = reading.resource(
        "Goal",
        node,
        where,
        {
            "lifecycleStatus": "rejected" if negated(node) else status(node, tables.GOAL_STATUSES, "active"),
            "achievementStatus": _progress(reading, node),
            "priority": _priority(reading, node),
            "description": description,
            "subject": reading.patient,
            "startDate": (start or "")[:10],
            "target": targets,
            "statusDate": None if start else (written or "")[:10],
            "expressedBy": persons(who, "Patient", "Practitioner", "PractitionerRole", "RelatedPerson"),
            "addresses": references(reading, inner, "Condition", "Observation"),
            "note": remarks(
                reading, node, NEGATED if negated(node) else None, _further(reading, node, description)
            ),
        },
    )
    return [made, *inner]


def _end(node: Node) -> str | None:
    found = when(child(node, "effectiveTime/high"))
    return found[:10] if found else None


def _answer(reading: Reading, node: Node) -> dict[str, Any]:
    found = (value(each, reading) for each in children(node, "value"))
    return next((each for each in found if each and "dataAbsentReason" not in each), {})


def _aim(
    subject: dict[str, Any] | None, answer: Mapping[str, Any], due: str | None
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """Description and target. What is measured is the code; a goal in words only has no measure."""
    said = answer.get("valueString") or answer.get("valueDateTime")
    detail = {_DETAILS[key]: what for key, what in answer.items() if key in _DETAILS}
    if detail:
        description = subject or (
            {"text": label(answer.get("valueCodeableConcept"))}
            if label(answer.get("valueCodeableConcept"))
            else None
        )
        return description, [{"measure": subject or description, **detail, "dueDate": due}]
    target: dict[str, Any] = {"dueDate": due} if due else {}
    if said and label(subject) != said:
        measured = subject if subject and subject.get("coding") else None
        if subject and not measured:
            said = f"{label(subject)}: {said}"
        target = {"measure": measured, **target} if measured else target
        return {"text": said}, [target] if target else []
    return subject, [target] if target else []


def _further(reading: Reading, node: Node, description: Mapping[str, Any]) -> str | None:
    said = words(reading, node)
    known = label(description) or ""
    return None if said is None or said.casefold() in known.casefold() else said


def _own(node: Node) -> list[Node]:
    return [inner for _, inner in within(node) if has_template(inner, _PRIORITY, _PROGRESS)]


def _priority(reading: Reading, node: Node) -> dict[str, Any] | None:
    """Priority Preference (4.143): how much it matters to whoever set it."""
    for inner in (each for each in _own(node) if has_template(each, _PRIORITY)):
        known = _PRIORITIES.get(at(inner, "value", "code") or "")
        if known:
            return coded(f"{HL7}/goal-priority", known, codes.GOAL_PRIORITIES[known][1])
        return meant(reading, child(inner, "value"))
    return None


def _progress(reading: Reading, node: Node) -> dict[str, Any] | None:
    """Progress Toward Goal Observation (4.110)."""
    found = (each for each in _own(node) if has_template(each, _PROGRESS))
    return next((meant(reading, child(each, "value")) for each in found), None)


def by_section(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """A goals section without a template that is known."""
    return goal(reading, where, node) if mood(node) == "GOL" else None


BY_TEMPLATE: dict[str, Reader] = dict.fromkeys(roots(ROOT, "121"), goal)
BY_SECTION: dict[str, Reader] = {"61146-7": by_section}
