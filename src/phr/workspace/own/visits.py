"""Visits, appointments, tasks, plans, goals, teams, messages (FHIR R4, Patient Administration, Care Provision, Workflow)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from phr.workspace.own.told import HL7, Told, concept, filled, listed, period, person, place, text

Json = dict[str, Any]


def encounter(told: Told, subject: Json) -> Json:
    """An Encounter. Its class has to be there; where nobody said it, it is unknown."""
    code = told.get("class")
    class_ = (
        {"system": f"{HL7}/v3-ActCode", "code": code}
        if code
        else {"system": f"{HL7}/v3-NullFlavor", "code": "UNK"}
    )
    start, end = told.get("date"), told.get("end")
    note = told.get("note")
    reasons = listed(text(told.get("reason")), text(note))
    return {
        "resourceType": "Encounter",
        "status": told.get("status") or "finished",
        "class": class_,
        "type": [told.concept()],
        "subject": subject,
        "participant": [{"individual": one} for one in listed(person(told.get("by")))],
        "period": period(start, end),
        "reasonCode": reasons,
        "reasonReference": [one.reference() for one in told.about],
        "serviceProvider": place(told.get("where")),
    }


def appointment(told: Told, subject: Json) -> Json:
    """An Appointment.

    Start and end stand together or not at all, and only what is not settled may be without (app-2, app-3). Whoever does not
    say how long it takes knows the beginning: the end is the same moment, as in a calendar (RFC 5545, section 3.6.1).
    Without a time of day nothing is settled.
    """
    when, minutes = told.get("date"), told.get("minutes")
    timed = bool(when and "T" in when)
    times: Json = {"requestedPeriod": [{"start": when}]} if when and not timed else {}
    if when and timed:
        end = datetime.fromisoformat(when) + timedelta(minutes=int(minutes or 0))
        times = {"start": when, "end": end.isoformat(timespec="seconds").replace("+00:00", "Z")}
    actors = [
        {"actor": one, "status": "accepted"}
        for one in listed(subject, person(told.get("by")), place(told.get("where"), "Location"))
    ]
    return {
        "resourceType": "Appointment",
        "status": told.get("status") or ("booked" if timed else "proposed"),
        "serviceType": [concept(None, told.codes)] if told.codes else None,
        "reasonCode": listed(text(told.get("reason"))),
        "description": told.title,
        "supportingInformation": [one.reference() for one in told.about],
        **times,
        "minutesDuration": int(minutes) if minutes else None,
        "created": told.now,
        "comment": told.get("note"),
        "participant": actors,
    }


def task(told: Told, subject: Json) -> Json:
    """A Task of the person's own; until when is the end of its restriction, when it was done that of its execution."""
    due, done = told.get("due"), told.get("done")
    status = told.get("status") or ("completed" if done else "requested")
    return {
        "resourceType": "Task",
        "status": status,
        "intent": "plan",
        "code": told.concept(),
        "focus": told.about[0].reference() if told.about else None,
        "for": subject,
        "encounter": told.encounter(),
        "executionPeriod": {"end": done} if done else None,
        "authoredOn": told.get("date"),
        "requester": person(told.get("by")),
        "owner": subject,
        "reasonCode": text(told.get("reason")),
        "note": told.notes(),
        "restriction": {"period": {"end": due}} if due else None,
    }


def plan(told: Told, subject: Json) -> Json:
    """A CarePlan with its activities in words."""
    detail = [{"detail": {"status": "in-progress", "description": one}} for one in told.many("activity")]
    return {
        "resourceType": "CarePlan",
        "status": told.get("status") or "active",
        "intent": "plan",
        "category": listed(concept(None, told.codes)),
        "title": told.title,
        "description": told.get("text"),
        "subject": subject,
        "encounter": told.encounter(),
        "period": period(told.get("date"), told.get("end")),
        "author": person(told.get("by")),
        "supportingInfo": [one.reference() for one in told.about],
        "activity": detail,
        "note": told.notes(),
    }


def goal(told: Told, subject: Json) -> Json:
    """A Goal. A target has to say what is measured where it has a value (gol-1), so words name both."""
    start, due, target = told.get("date"), told.get("due"), told.get("target")
    measure = {"measure": text(told.title), "detailString": target} if target else {}
    return {
        "resourceType": "Goal",
        "lifecycleStatus": told.get("status") or "active",
        "description": told.concept(),
        "subject": subject,
        "startDate": start[:10] if start else None,
        "target": listed(filled({**measure, "dueDate": due[:10] if due else None})),
        "expressedBy": person(told.get("by")) or subject,
        "addresses": [one.reference() for one in told.about],
        "note": told.notes(),
    }


def team(told: Told, subject: Json) -> Json:
    """A CareTeam: one helper, or a named team with its members."""
    members = told.many("member") or [told.title]
    role, phone = told.get("role"), told.get("phone")
    return {
        "resourceType": "CareTeam",
        "status": told.get("status") or "active",
        "name": told.title,
        "subject": subject,
        "encounter": told.encounter(),
        "period": period(told.get("date"), told.get("end")),
        "participant": [filled({"role": listed(text(role)), "member": person(one)}) for one in members],
        "managingOrganization": listed(place(told.get("where"))),
        "telecom": [{"system": "phone", "value": phone}] if phone else None,
        "note": told.notes(),
    }


def message(told: Told, subject: Json) -> Json:
    """A Communication between the person and somebody."""
    sender, to = told.get("from"), told.get("to")
    return {
        "resourceType": "Communication",
        "status": told.get("status") or "completed",
        "subject": subject,
        "topic": told.concept(),
        "about": [one.reference() for one in told.about],
        "encounter": told.encounter(),
        "sent": told.get("date"),
        "recipient": listed(person(to) or (subject if sender else None)),
        "sender": person(sender) or subject,
        "payload": [{"contentString": told.get("text")}],
        "note": told.notes(),
    }
