"""Visits to come: Appointments and planned Encounters as Planned Encounter (2.16.840.1.113883.10.20.22.4.40)."""

from __future__ import annotations

from phr.ccda.bundle import Entry
from phr.ccda.datatypes import coded, ids, number, period, timestamp
from phr.ccda.desk import Desk
from phr.ccda.narrative import moment, remarked, span
from phr.ccda.participants import author, performer, place, words_for
from phr.ccda.sections.encounters import encounter_code, encounter_details
from phr.ccda.sections.frame import Section, comments, related, said, said_of, template
from phr.ccda.sections.indications import indications, reason_words
from phr.ccda.sections.links import priority_code, words_of
from phr.ccda.sections.plans import due_time
from phr.ccda.xml import Element, el
from phr.fhir.read import concept_text, dicts, listed, text
from phr.model import Resource


def appointment(section: Section, entry: Entry) -> None:
    """An appointment that is still to come."""
    resource = entry.resource
    start = timestamp(resource.get("start"))
    if text(resource.get("status")) not in ("booked", "proposed", "pending", "waitlist"):
        section.desk.leave_out(entry, "The appointment is not open any more.")
    elif start and start[:8] < section.desk.now.strftime("%Y%m%d"):
        section.desk.leave_out(entry, "The appointment lies in the past.")
    else:
        words = concept_text(resource.get("serviceType")) or concept_text(resource.get("appointmentType"))
        visit = words or text(resource.get("description"))
        times = resource.get("start"), resource.get("end")
        _visit(section, entry, visit, coded("code", {"text": visit or "Appointment"}), times)


def planned_encounter(section: Section, entry: Entry) -> None:
    """An Encounter that is no more than planned."""
    resource = entry.resource
    if text(resource.get("status")) == "planned":
        words = concept_text(resource.get("type")) or concept_text(resource.get("class"))
        _visit(section, entry, words, encounter_code(resource), period(resource.get("period")))


def _visit(
    section: Section, entry: Entry, words: str | None, code: Element, times: tuple[object, object]
) -> None:
    resource, desk = entry.resource, section.desk
    people = [each for each in listed(resource.get("participant")) if isinstance(each, dict)]
    who = [desk.find(entry, each.get("actor", each.get("individual"))) for each in people]
    row = section.row(
        entry,
        remarked(words or "Appointment", *_with(desk, entry)),
        moment(times[0]) or span(*times),
        text(resource.get("status")),
        None,
        reason_words(desk, entry),
        notes=[{"text": resource.get(key)} for key in ("patientInstruction", "comment")],
        details=[
            *_details(desk, entry),
            *(encounter_details(desk, entry, []) if entry.type == "Encounter" else []),
        ],
    )
    booked = entry.type == "Appointment" and text(resource.get("status")) == "booked"
    section.add(
        el(
            "encounter",
            template("4.40", None, "2014-06-09"),
            ids(entry),
            code,
            row.link(),
            el("statusCode", code="active"),
            due_time(*times),
            priority_code(resource) if entry.type == "Encounter" else None,
            [
                performer(
                    desk, entry, each.get("actor", each.get("individual")), listed(each.get("type"))[:1]
                )
                for each, found in zip(people, who, strict=True)
                if (found is None and not _elsewhere(each)) or (found is not None and found.type in _STAFF)
            ],
            author(desk, entry, None, resource.get("created")),
            [place(desk, entry, each) for each in _places(resource)],
            [related("RSON", each) for each in indications(desk, entry)],
            comments(desk, entry, row),
            classCode="ENC",
            moodCode="APT" if booked else "INT",
        )
    )


_STAFF = ("Practitioner", "PractitionerRole")


def _elsewhere(participant: Resource) -> bool:
    """Whether a reference that leads nowhere means somebody or something that performs nothing."""
    meant = str(participant.get("actor", participant.get("individual")))
    return any(
        each in meant for each in ("Patient", "Location", "Device", "RelatedPerson", "HealthcareService")
    )


def _details(desk: Desk, entry: Entry) -> list[str | None]:
    """What has no column: what kind of visit it is, for how long, and who has said to come."""
    resource = entry.resource
    minutes = number(resource.get("minutesDuration"))
    answers = [
        remarked(
            words_for(desk, entry, each.get("actor")), text(each.get("required")), text(each.get("status"))
        )
        for each in dicts(resource.get("participant"))
        if text(each.get("status")) not in (None, "accepted")
    ]
    return [
        said_of(
            "kind",
            resource.get("serviceCategory"),
            resource.get("appointmentType"),
            resource.get("specialty"),
        ),
        said_of("service", resource.get("serviceType")),
        said("about", text(resource.get("description"))),
        said("for", f"{minutes} minutes" if minutes else None),
        said("asked for", *(span(*period(each)) for each in listed(resource.get("requestedPeriod")))),
        said("answers", *answers),
        said(
            "diagnosis",
            *words_of(desk, entry, *(each.get("condition") for each in dicts(resource.get("diagnosis")))),
        ),
        said("with", *words_of(desk, entry, resource.get("serviceProvider"))),
        said("see", *words_of(desk, entry, resource.get("supportingInformation"))),
    ]


def _places(resource: Resource) -> list[object]:
    own = [each.get("location") for each in dicts(resource.get("location"))]
    return [each for each in own if each is not None] or [resource.get("serviceProvider")]


def _with(desk: Desk, entry: Entry) -> list[str | None]:
    """With whom and where, by name; the patient comes anyway."""
    people = [each for each in listed(entry.resource.get("participant")) if isinstance(each, dict)]
    places = [each for each in listed(entry.resource.get("location")) if isinstance(each, dict)]
    meant = [each.get("actor", each.get("individual")) for each in people]
    meant += [each.get("location") for each in places]
    strangers = [
        each for each in meant if (found := desk.find(entry, each)) is None or found.type != "Patient"
    ]
    strangers = [each for each in strangers if "Patient/" not in str(each)]
    return [words_for(desk, entry, each) for each in strangers]
