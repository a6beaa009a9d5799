"""Care plans, goals, care teams and family history: FHIR R4, Care Provision and FamilyMemberHistory.

Many systems file one "assessment and plan" per visit as a CarePlan whose words are all in its narrative.
"""

from __future__ import annotations

from typing import Any

from phr.fhir import read
from phr.model import Resource
from phr.records.elements import code_of, date_text, joined, labelled, notes, walk, words_of
from phr.records.measurements import quantity_words, value_of
from phr.records.references import Reading, people
from phr.records.shapes import Shape, paths

_SAYS_NOTHING = frozenset(("assess-plan", "assessment and plan of treatment", "care plan"))


def _plan_title(resource: Resource, reading: Reading) -> str | None:
    """Its title, a category that says more than "assess-plan", its description."""
    categories = [words_of(entry) for entry in read.listed(resource.get("category"))]
    telling = [words for words in categories if words and words.lower() not in _SAYS_NOTHING]
    return (
        words_of(resource.get("title"))
        or (telling[0] if telling else None)
        or words_of(resource.get("description"))
        or ("Assessment and plan" if categories else "Care plan")
    )


def _plan(resource: Resource, reading: Reading) -> str | None:
    activities = [
        words_of(entry.get("description")) or words_of(entry.get("code"))
        for entry in read.dicts(walk(resource, ("activity", "detail")))
    ]
    return joined((words_of(resource.get("description")), labelled("activities", joined(activities, ", "))))


def _goal(resource: Resource, reading: Reading) -> str | None:
    """Achievement, targets with their due dates, notes."""
    targets = []
    for target in read.dicts(resource.get("target")):
        detail = {f"value{key.removeprefix('detail')}": value for key, value in target.items()}
        due = date_text(target.get("dueDate"))
        measure = words_of(target.get("measure"))
        targets.append(joined((measure, value_of(detail).words, due and f"by {due}"), " "))
    return joined(
        (
            words_of(resource.get("achievementStatus")),
            labelled("target", joined(targets, ", ")),
            notes(resource),
        )
    )


def _members(resource: Resource) -> list[Any]:
    """The team without the person it is for, whom Synthea lists as a participant (SNOMED CT 116153009)."""
    return [
        entry.get("member")
        for entry in read.dicts(resource.get("participant"))
        if "116153009" not in {code.code for code in read.codings(entry.get("role"))}
    ]


def _team(resource: Resource, reading: Reading) -> str | None:
    pointers = _members(resource)
    count = len(pointers)
    words = f"{count} members" if count != 1 else "1 member"
    return joined((words if count else None, people(reading, pointers)))


def _relative(resource: Resource, reading: Reading) -> str | None:
    """`Mother: Breast cancer, Asthma`: who alone would say nothing about one's own health."""
    who = words_of(resource.get("relationship"))
    found = [
        f"{_reserved(entry)}{words}"
        for entry in read.dicts(resource.get("condition"))
        if (words := words_of(entry.get("code")))
    ]
    return joined((who, joined(dict.fromkeys(found), ", ")), ": ")


def _family(resource: Resource, reading: Reading) -> str | None:
    conditions = []
    for entry in read.dicts(resource.get("condition")):
        if words := words_of(entry.get("code")):
            age = quantity_words(entry.get("onsetAge"))
            conditions.append(
                f"{_reserved(entry)}{words} (at {age})" if age else f"{_reserved(entry)}{words}"
            )
    died = any(
        key.startswith("deceased") and value is not None and value is not False
        for key, value in resource.items()
    )
    return joined((", ".join(conditions), "has died" if died else None, notes(resource)))


def _reserved(condition: Resource) -> str:
    """What a modifierExtension makes of a relative's condition: R4 has no element to deny it with, vendors say it so."""
    said = read.dicts(condition.get("modifierExtension"))
    values = [each.get("valueCodeableConcept") for each in said]
    if any(code_of(one) == "260385009" or (words_of(one) or "").casefold() == "negative" for one in values):
        return "not: "
    return "(with a reservation) " if said else ""


SHAPES = {
    "CarePlan": Shape(
        "care_plan",
        "Care plan",
        name_it=_plan_title,
        codes=paths("category"),
        when=paths("period", "created"),
        recorded=paths("created"),
        people=paths("author", "contributor"),
        places=paths("author"),
        said_by=paths("author"),
        describe=_plan,
        words=paths("description", "activity.detail.code", "activity.detail.description"),
    ),
    "Goal": Shape(
        "goal",
        "Goal",
        title=paths("description", "target.measure", "category"),
        codes=paths("description", "target.measure"),
        when=paths("startDate", "statusDate"),
        ends=paths("target.dueDate"),
        recorded=paths("statusDate"),
        status="lifecycleStatus",
        people=paths("expressedBy"),
        said_by=paths("expressedBy"),
        describe=_goal,
        words=paths("target.detailString"),
    ),
    "CareTeam": Shape(
        "care_team",
        "Care team",
        title=paths("name", "category"),
        name_it=lambda resource, reading: words_of(resource.get("name")) or "Care team",
        codes=paths("category"),
        when=paths("period"),
        people=_members,
        sites=paths("managingOrganization", "participant.onBehalfOf"),
        places=paths("participant.member"),
        describe=_team,
        words=paths("participant.role", "participant.member.display", "reasonCode"),
    ),
    "FamilyMemberHistory": Shape(
        "family_history",
        "Family history",
        name_it=_relative,
        title=(),
        codes=paths("condition.code", "relationship"),
        when=paths("date"),
        recorded=paths("date"),
        category=(),
        describe=_family,
        words=paths("condition.code", "reasonCode"),
    ),
}
