"""Medicines, vaccinations, operations, devices, orders, pictures of the inside (FHIR R4, Medications and Clinical)."""

from __future__ import annotations

import base64
from typing import Any

from phr.workspace.own.told import HL7, Told, filled, listed, period, person, place, span, text

Json = dict[str, Any]


def medication(told: Told, subject: Json) -> Json:
    """A MedicationStatement: what the person says they take."""
    start, stop = told.get("date"), told.get("stop")
    status = told.get("status")
    if status is None:
        status = (
            "active" if told.yes("still_taking") else "stopped" if told.yes("stopped") or stop else "unknown"
        )
    words = " ".join(filter(None, (told.get("dose"), told.get("how_often"))))
    by, reason = told.get("by"), told.get("reason")
    return {
        "resourceType": "MedicationStatement",
        "status": status,
        "medicationCodeableConcept": told.concept(),
        "subject": subject,
        "context": told.encounter(),
        "effectivePeriod": period(start, stop),
        "informationSource": subject,
        "reasonCode": listed(text(reason)),
        "reasonReference": [one.reference() for one in told.about],
        # there is no element for who prescribed it
        "note": told.notes(f"Prescribed by {by}" if by else None),
        "dosage": listed(filled({"text": words, "route": text(told.get("route"))})),
    }


def immunization(told: Told, subject: Json) -> Json:
    """An Immunization as the person tells it (`primarySource`: not by who gave it)."""
    when, number = told.get("date"), told.get("dose_number")
    counted = number is not None and number.isascii() and number.isdigit() and int(number) > 0
    return {
        "resourceType": "Immunization",
        "status": told.get("status") or "completed",
        "vaccineCode": told.concept(),
        "patient": subject,
        "encounter": told.encounter(),
        # one of the two is demanded, with a value
        **({"occurrenceDateTime": when} if when else {"occurrenceString": "unknown"}),
        "primarySource": False,
        "location": place(told.get("where"), "Location"),
        "manufacturer": place(told.get("manufacturer")),
        "lotNumber": told.get("lot"),
        "site": text(told.get("body_site")),
        "performer": [{"actor": one} for one in listed(person(told.get("by")))],
        "note": told.notes(),
        "reasonReference": [one.reference() for one in told.about],
        "protocolApplied": [
            {"doseNumberPositiveInt": int(number)} if counted else {"doseNumberString": number}
        ]
        if number
        else None,
    }


def procedure(told: Told, subject: Json) -> Json:
    """A Procedure."""
    return {
        "resourceType": "Procedure",
        "status": told.get("status") or "completed",
        "code": told.concept(),
        "subject": subject,
        "encounter": told.encounter(),
        **span("performed", told.get("date"), told.get("end")),
        "performer": [{"actor": one} for one in listed(person(told.get("by")))],
        "location": place(told.get("where"), "Location"),
        "reasonCode": listed(text(told.get("reason"))),
        "reasonReference": [one.reference() for one in told.about],
        "bodySite": listed(text(told.get("body_site"))),
        "outcome": text(told.get("outcome")),
        "note": told.notes(),
    }


def device(told: Told, subject: Json) -> Json:
    """A DeviceUseStatement: what is used, since when. The device itself is known by name."""
    start, end = told.get("date"), told.get("end")
    timing = {"timingPeriod": period(start, end)} if end or start else {}
    return {
        "resourceType": "DeviceUseStatement",
        "status": told.get("status") or ("completed" if end else "active"),
        "subject": subject,
        **timing,
        "source": subject,
        "device": {"type": "Device", "display": told.title},
        "reasonCode": listed(text(told.get("reason"))),
        "bodySite": text(told.get("body_site")),
        "note": told.notes(),
    }


def order(told: Told, subject: Json) -> Json:
    """A ServiceRequest that somebody made for the person."""
    return {
        "resourceType": "ServiceRequest",
        "status": told.get("status") or "active",
        "intent": "order",
        "code": told.concept(),
        "subject": subject,
        "encounter": told.encounter(),
        "authoredOn": told.get("date"),
        "requester": person(told.get("by")),
        "performer": listed(place(told.get("where"))),
        "reasonCode": listed(text(told.get("reason"))),
        "supportingInfo": [one.reference() for one in told.about],
        "note": told.notes(),
    }


def imaging(told: Told, subject: Json) -> Json:
    """A DiagnosticReport of radiology (v2-0074): what was taken and what it showed. It has no note of its own."""
    conclusion = "\n".join(filter(None, (told.get("text"), told.get("note"))))
    reason = told.get("reason")
    return {
        "resourceType": "DiagnosticReport",
        "status": told.get("status") or "final",
        "category": [{"coding": [{"system": f"{HL7}/v2-0074", "code": "RAD", "display": "Radiology"}]}],
        "code": told.concept(),
        "subject": subject,
        "encounter": told.encounter(),
        "effectiveDateTime": told.get("date"),
        "performer": listed(person(told.get("by")), place(told.get("where"))),
        "conclusion": "\n".join(filter(None, (conclusion, f"Reason: {reason}" if reason else None))),
        "presentedForm": attachments(told),
    }


def attachments(told: Told) -> list[Json]:
    """The files as Attachments, their bytes inside."""
    return [
        {
            "contentType": one.media_type,
            "data": base64.b64encode(one.content).decode("ascii"),
            "size": len(one.content),
            "title": one.name,
        }
        for one in told.files
    ]
