"""Goals (61146-7): Goal as Goal Observation (2.16.840.1.113883.10.20.22.4.121, undated only)."""

from __future__ import annotations

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC, SNOMED
from phr.ccda.datatypes import bounds, coded, ids, maybe_at, quantity
from phr.ccda.desk import Desk
from phr.ccda.narrative import day, remarked
from phr.ccda.participants import author, words_for
from phr.ccda.sections.frame import Heading, Row, Section, comments, template
from phr.ccda.sections.values import quantity_words
from phr.ccda.xml import Element, el, null
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
            day(_due(resource)),
            remarked(_status(resource), concept_text(resource.get("achievementStatus"))),
            words_for(desk, entry, resource.get("expressedBy")),
            notes=resource.get("note"),
        )
        section.add(_goal(desk, entry, row))
    return [section]


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
        said: str | None = " to ".join(each for each in ends if each) or None
    else:
        said = quantity_words(target.get("detailQuantity")) or concept_text(
            target.get("detailCodeableConcept")
        )
        said = said or text(target.get("detailString"))
    measure = concept_text(target.get("measure"))
    return f"{measure}: {said}" if measure and said else said or measure


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
        comments(desk, entry, row),
        classCode="OBS",
        moodCode="GOL",
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
    words = _words(resource)
    return el("value", words, xsi_type="ST") if words else None
