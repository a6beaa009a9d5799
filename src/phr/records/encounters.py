"""Visits, stays and appointments: FHIR R4, Encounter, EpisodeOfCare and Appointment.

A visit is often coded by its class alone; the class in plain words is better than "AMB".
"""

from __future__ import annotations

from phr.fhir import read
from phr.model import Resource
from phr.records.elements import code_of, joined, labelled, reasons, walk, words_of
from phr.records.references import Reading
from phr.records.shapes import Shape, paths

CLASSES = {
    "AMB": "Outpatient visit",
    "IMP": "Hospital stay",
    "ACUTE": "Hospital stay",
    "NONAC": "Hospital stay",
    "EMER": "Emergency visit",
    "OBSENC": "Observation stay",
    "SS": "Short stay",
    "HH": "Home visit",
    "VR": "Virtual visit",
    "FLD": "Visit in the field",
    "PRENC": "Visit before admission",
    # as DSTU2 spelled them, which converters pass on
    "outpatient": "Outpatient visit",
    "inpatient": "Hospital stay",
    "emergency": "Emergency visit",
    "ambulatory": "Outpatient visit",
    "virtual": "Virtual visit",
    "home": "Home visit",
}
"""v3-ActEncounterCode in plain words."""


def _visit_title(resource: Resource, reading: Reading) -> str | None:
    """The type's words, else the class in plain words with the reason."""
    words = words_of(resource.get("type"))
    if words and not words.lower().startswith("unknown"):
        return words
    service = words_of(resource.get("serviceType"))
    kind = read.first(resource.get("class"))
    code = code_of(kind)
    name = CLASSES.get(code or "") or words_of(kind) or "Visit"
    reason = service or reasons(resource)
    return f"{name}: {reason}" if reason else name


def _visit(resource: Resource, reading: Reading) -> str | None:
    pointers = read.dicts(walk(resource, ("diagnosis", "condition")))
    diagnoses = [read.text(entry.get("display")) for entry in pointers]
    discharge = words_of(walk(resource, ("hospitalization", "dischargeDisposition")))
    return joined(
        (
            labelled("reason", reasons(resource)),
            labelled("diagnosis", joined(diagnoses, ", ")),
            labelled("discharge", discharge) if discharge and discharge.lower() != "not applicable" else None,
        )
    )


def _appointment(resource: Resource, reading: Reading) -> str | None:
    return joined(
        (
            labelled("reason", reasons(resource)),
            labelled("cancelled", words_of(resource.get("cancelationReason"))),
            read.text(resource.get("patientInstruction")),
            read.text(resource.get("comment")),
        )
    )


SHAPES = {
    "Encounter": Shape(
        "encounter",
        "Visit",
        title=(),
        name_it=_visit_title,
        codes=paths("type", "class"),
        when=paths("period", "statusHistory.period", "location.period"),
        category=paths("class"),
        people=paths("participant.individual", "participant.actor"),
        sites=paths("serviceProvider", "location.location", "hospitalization.origin"),
        encounter=paths("partOf"),
        describe=_visit,
        words=paths("reasonCode", "serviceType", "diagnosis.condition.display", "location.location.display"),
    ),
    "EpisodeOfCare": Shape(
        "encounter",
        "Episode of care",
        title=paths("type", "diagnosis.condition.display"),
        codes=paths("type"),
        when=paths("period"),
        category=(),
        people=paths("careManager"),
        sites=paths("managingOrganization"),
    ),
    "Appointment": Shape(
        "appointment",
        "Appointment",
        title=paths("description", "serviceType", "appointmentType", "reasonCode", "specialty"),
        codes=paths("serviceType", "appointmentType"),
        when=paths("start", "requestedPeriod"),
        ends=paths("end"),
        recorded=paths("created"),
        category=paths("serviceCategory", "appointmentType"),
        people=paths("participant.actor"),
        places=paths("participant.actor"),
        describe=_appointment,
        words=paths("reasonCode", "specialty", "participant.actor.display"),
    ),
    "AppointmentResponse": Shape(
        "appointment",
        "Answer to an appointment",
        title=(),
        name_it=lambda resource, reading: "Answer to an appointment",
        codes=(),
        when=paths("start"),
        ends=paths("end"),
        status="participantStatus",
        category=(),
        people=paths("actor"),
        said_by=paths("actor"),
        describe=lambda resource, reading: read.text(resource.get("comment")),
    ),
}
