"""CarePlan in the Plan of Treatment: each activity that is not over as Planned Act (2.16.840.1.113883.10.20.22.4.39)."""

from __future__ import annotations

from phr.ccda.bundle import Entry
from phr.ccda.datatypes import coded, ids, part_id, period
from phr.ccda.desk import Desk
from phr.ccda.narrative import from_html, remarked, span
from phr.ccda.participants import author, performer, words_for
from phr.ccda.sections.dosage_words import timing_words
from phr.ccda.sections.frame import Row, Section, comments, said, said_of, template
from phr.ccda.sections.links import words_of
from phr.ccda.sections.plans import CODES, OPEN, OVER, due_time, mood
from phr.ccda.sections.values import quantity_words
from phr.ccda.xml import Element, el
from phr.fhir.read import concept_text, dicts, listed, text
from phr.model import Resource


def care_plan(section: Section, entry: Entry) -> None:
    """Each activity that is not over; a plan without any is a planned act itself."""
    resource = entry.resource
    if text(resource.get("status")) not in OPEN:
        section.desk.leave_out(entry, OVER)
        return
    title = text(resource.get("title")) or concept_text(_last(resource.get("category")))
    details = [
        (index, each["detail"])
        for index, each in enumerate(dicts(resource.get("activity")))
        if isinstance(each.get("detail"), dict)
    ]
    over = ("completed", "cancelled", "stopped")
    open_ = [pair for pair in details if text(pair[1].get("status")) not in over]
    notes, why = resource.get("note"), _addressed(section.desk, entry)
    plan_said = _details(section.desk, entry)
    for index, detail in open_:
        activity = dicts(resource.get("activity"))[index]
        words = concept_text(detail.get("code")) or text(detail.get("description"))
        concept = detail.get("code") or {"text": words}
        scheduled = period(detail.get("scheduledPeriod"))
        row = section.row(
            entry,
            f"NOT to be done: {words}" if detail.get("doNotPerform") is True else words,
            span(*scheduled)
            or timing_words(detail.get("scheduledTiming"))
            or text(detail.get("scheduledString")),
            remarked(text(detail.get("status")), *map(concept_text, listed(detail.get("statusReason")))),
            title,
            concept_text(detail.get("reasonCode")) or why,
            notes=[*listed(notes), *listed(activity.get("progress"))],
            details=[
                *_activity_details(section.desk, entry, activity),
                *(plan_said if index == open_[0][0] else []),
            ],
        )
        notes = None  # the plan's own: said once
        if detail.get("doNotPerform") is not True:  # a planned act cannot say so, the words can
            own = part_id(entry, f"activity{index}")
            section.add(_act(section.desk, entry, row, own, concept, scheduled, detail.get("performer")))
    section.blocks.extend(_narrative(entry, title))
    if not open_:
        times = period(resource.get("period"))
        words = text(resource.get("description")) or title
        progress = [note for each in dicts(resource.get("activity")) for note in listed(each.get("progress"))]
        row = section.row(
            entry,
            words,
            span(*times),
            text(resource.get("status")),
            title,
            why,
            notes=[*listed(notes), *progress],
            details=plan_said,
        )
        concept = {"text": words} if words else _last(resource.get("category"))
        section.add(_act(section.desk, entry, row, ids(entry), concept, times))


def _details(desk: Desk, entry: Entry) -> list[str | None]:
    """What a plan says about the whole: its kind, its goals, who is in it, what it replaces."""
    resource = entry.resource
    pointed_at = [each.get("reference") for each in dicts(resource.get("activity"))]
    return [
        said_of("kind of plan", resource.get("category")),
        said("about", text(resource.get("description"))),
        said("activities", *words_of(desk, entry, *pointed_at)),
        said("goals", *words_of(desk, entry, resource.get("goal"))),
        said("team", *words_of(desk, entry, resource.get("careTeam"))),
        said(
            "by",
            *(
                words_for(desk, entry, each)
                for each in listed(resource.get("author") or resource.get("contributor"))
            ),
        ),
        said("helped by", *(words_for(desk, entry, each) for each in listed(resource.get("contributor")))),
        said("part of", *words_of(desk, entry, resource.get("partOf"))),
        said("instead of", *words_of(desk, entry, resource.get("replaces"))),
        said("see", *words_of(desk, entry, resource.get("supportingInfo"))),
    ]


_KINDS = {
    "Appointment": "appointment",
    "CommunicationRequest": "message",
    "DeviceRequest": "device",
    "MedicationRequest": "medicine",
    "NutritionOrder": "diet",
    "Task": "task",
    "ServiceRequest": "examination or treatment",
    "VisionPrescription": "glasses",
}
"""What an activity is, as FHIR's types are called (CarePlan.activity.detail.kind), in words."""


def _activity_details(desk: Desk, entry: Entry, activity: Resource) -> list[str | None]:
    detail = activity["detail"]
    return [
        said("kind", _KINDS.get(text(detail.get("kind")) or "", text(detail.get("kind")))),
        said("about", text(detail.get("description")) if concept_text(detail.get("code")) else None),
        said("by", *(words_for(desk, entry, each) for each in listed(detail.get("performer")))),
        said("at", *words_of(desk, entry, detail.get("location"))),
        said_of("product", detail.get("productCodeableConcept")),
        said("product", *words_of(desk, entry, detail.get("productReference"))),
        said("amount", quantity_words(detail.get("quantity"))),
        said("daily", quantity_words(detail.get("dailyAmount"))),
        said("goals", *words_of(desk, entry, detail.get("goal"))),
        said("because of", *words_of(desk, entry, detail.get("reasonReference"))),
        said_of("outcome", activity.get("outcomeCodeableConcept")),
        said("outcome", *words_of(desk, entry, activity.get("outcomeReference"))),
    ]


def _addressed(desk: Desk, entry: Entry) -> str | None:
    """The problems that a plan is for."""
    found = []
    for reference in listed(entry.resource.get("addresses")):
        target = desk.find(entry, reference)
        words = concept_text(target.resource.get("code")) if target else None
        display = reference.get("display") if isinstance(reference, dict) else None
        found.append(words or text(display))
    return "; ".join(dict.fromkeys(words for words in found if words)) or None


def _narrative(entry: Entry, title: str | None) -> list[Element]:
    """The plan in the author's words; a generated narrative only repeats what is coded."""
    narrative = entry.resource.get("text")
    if not isinstance(narrative, dict) or narrative.get("status") == "generated":
        return []
    blocks = from_html(text(narrative.get("div")) or "")
    return [el("paragraph", title, styleCode="Bold"), *blocks] if blocks and title else blocks


def _last(value: object) -> object:
    found = listed(value)
    return found[-1] if found else None


def _act(
    desk: Desk,
    entry: Entry,
    row: Row,
    own: Element | list[Element],
    concept: object,
    times: tuple[object, object],
    performers: object = None,
) -> Element:
    return el(
        "act",
        template("4.39", None, "2014-06-09"),
        own,
        coded("code", concept, CODES),
        row.link(),
        el("statusCode", code="active"),
        due_time(*times),
        [performer(desk, entry, each) for each in listed(performers)],
        author(desk, entry, entry.resource.get("author"), entry.resource.get("created")),
        comments(desk, entry, row),
        classCode="ACT",
        moodCode=mood(entry.resource) if "intent" in entry.resource else "INT",
    )
