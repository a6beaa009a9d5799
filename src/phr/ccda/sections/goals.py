"""Goals (61146-7): Goal as Goal Observation (2.16.840.1.113883.10.20.22.4.121, undated only)."""

from __future__ import annotations

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC, SNOMED
from phr.ccda.datatypes import (
    bounds,
    code,
    coded,
    has_code,
    ids,
    maybe_at,
    number,
    part_id,
    quantity,
    value_code,
)
from phr.ccda.desk import Desk
from phr.ccda.narrative import day, remarked
from phr.ccda.participants import author, words_for
from phr.ccda.sections.dosage_words import ratio_words
from phr.ccda.sections.frame import Heading, Row, Section, comments, related, said, said_of, template
from phr.ccda.sections.links import pointed, words_of
from phr.ccda.sections.values import quantity_words
from phr.ccda.xml import Element, el, flag, null
from phr.fhir.read import concept_text, first, listed, text
from phr.model import Resource

HEADING = Heading("61146-7", "Goals", "2.60", (None,))


def goals(desk: Desk) -> list[Section]:
    """All goals, the newest first."""
    section = Section(desk, HEADING, "gol", ("Goal", "Target", "Since", "Due", "Status", "Set by"))
    for entry in desk.of("Goal", when=_start):
        resource = entry.resource
        row = section.row(
            entry,
            _words(resource),
            "; ".join(filter(None, map(_target_words, _targets(resource)))) or None,
            day(_start(resource)),
            day(_due(resource)) or _due_words(resource),
            remarked(
                _status(resource),
                concept_text(resource.get("achievementStatus")),
                text(resource.get("statusReason")) or concept_text(resource.get("statusReason")),
            ),
            words_for(desk, entry, resource.get("expressedBy")),
            notes=resource.get("note"),
            details=_details(desk, entry),
        )
        section.add(_goal(desk, entry, row))
    return [section]


def _due_words(resource: Resource) -> str | None:
    within = [quantity_words(each.get("dueDuration")) for each in _targets(resource)]
    return next((f"within {each}" for each in within if each), None)


def _details(desk: Desk, entry: Entry) -> list[str | None]:
    """What has no column: what it is about, how important it is, what came of it."""
    resource = entry.resource
    return [
        said_of("priority", resource.get("priority")),
        said_of("kind", resource.get("category")),
        said("for", *words_of(desk, entry, resource.get("addresses"))),
        said_of("since", resource.get("startCodeableConcept")),
        said_of("outcome", resource.get("outcomeCode")),
        said("outcome", *words_of(desk, entry, resource.get("outcomeReference"))),
    ]


def _start(resource: Resource) -> object:
    return resource.get("startDate") or resource.get("statusDate")


def _targets(resource: Resource) -> list[Resource]:
    return [each for each in listed(resource.get("target")) if isinstance(each, dict)]


def _due(resource: Resource) -> object:
    return next(
        (each.get("dueDate") for each in _targets(resource) if each.get("dueDate")),
        resource.get("targetDate"),
    )


def _words(resource: Resource) -> str | None:
    return concept_text(resource.get("description")) or concept_text(
        next((each.get("measure") for each in _targets(resource)), None)
    )


def _target_words(target: Resource) -> str | None:
    range_ = target.get("detailRange")
    if isinstance(range_, dict):
        ends = (quantity_words(range_.get("low")), quantity_words(range_.get("high")))
        wanted: str | None = " to ".join(each for each in ends if each) or None
    else:
        wanted = quantity_words(target.get("detailQuantity")) or concept_text(
            target.get("detailCodeableConcept")
        )
        wanted = wanted or text(target.get("detailString")) or number(target.get("detailInteger"))
        wanted = wanted or ratio_words(target.get("detailRatio"))
        if isinstance(yes := target.get("detailBoolean"), bool):
            wanted = "yes" if yes else "no"
    measure = concept_text(target.get("measure"))
    return f"{measure}: {wanted}" if measure and wanted else wanted or measure


def _status(resource: Resource) -> str | None:
    return text(resource.get("lifecycleStatus")) or text(resource.get("status"))


def _goal(desk: Desk, entry: Entry, row: Row) -> Element:
    resource = entry.resource
    status = codes.GOAL_STATUSES.get(_status(resource) or "")
    low, high = maybe_at("low", resource.get("startDate")), maybe_at("high", _due(resource))
    return el(
        "observation",
        template("4.121"),
        ids(entry),
        _code(resource),
        row.link(),
        el("statusCode", code=status) if status else null("statusCode"),
        el("effectiveTime", low, high) if low is not None or high is not None else None,
        _value(resource),
        author(desk, entry, resource.get("expressedBy"), _start(resource)),
        related("REFR", _priority(entry)),
        pointed(desk, entry, "REFR", resource.get("addresses"), resource.get("outcomeReference")),
        comments(desk, entry, row),
        classCode="OBS",
        moodCode="GOL",
    )


def _priority(entry: Entry) -> Element | None:
    """Priority Preference (4.143): how important the goal is."""
    found = has_code(entry.resource.get("priority"), frozenset(codes.GOAL_PRIORITIES))
    if found is None:
        return None
    return el(
        "observation",
        template("4.143"),
        part_id(entry, "priority"),
        code("code", "225773000", SNOMED, "Preference"),
        value_code(codes.GOAL_PRIORITIES[found][0], SNOMED, codes.GOAL_PRIORITIES[found][1]),
        classCode="OBS",
        moodCode="EVN",
    )


def _code(resource: Resource) -> Element:
    """What is to change: the measure of the first target, else the description."""
    for target in _targets(resource):
        if concept_text(target.get("measure")):
            return coded("code", target.get("measure"), [LOINC, SNOMED])
    return coded("code", resource.get("description"), [LOINC, SNOMED])


def _value(resource: Resource) -> Element | None:
    target = first(_targets(resource))
    if isinstance(target, dict):
        if isinstance(target.get("detailQuantity"), dict):
            return quantity("value", target.get("detailQuantity"))
        if isinstance(range_ := target.get("detailRange"), dict):
            return bounds("value", range_.get("low"), range_.get("high"))
        if concept_text(target.get("detailCodeableConcept")):
            return coded("value", target.get("detailCodeableConcept"), xsi_type="CD")
        if isinstance(yes := target.get("detailBoolean"), bool):
            return el("value", xsi_type="BL", value=flag(yes))
        if (digits := number(target.get("detailInteger"))) is not None:
            return el("value", xsi_type="INT", value=digits)
        if isinstance(ratio := target.get("detailRatio"), dict):
            return el(
                "value",
                quantity("numerator", ratio.get("numerator"), xsi_type=None),
                quantity("denominator", ratio.get("denominator"), xsi_type=None),
                xsi_type="RTO_PQ_PQ",
            )
        if words := text(target.get("detailString")):
            return el("value", words, xsi_type="ST")
    words = _words(resource)
    return el("value", words, xsi_type="ST") if words else None
