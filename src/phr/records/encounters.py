"""Visits, stays, appointments, and what was ordered at them: FHIR R4, Encounter, Appointment and the Request pattern.

A visit is often coded by its class alone; the class in plain words is better than "AMB".
"""

from __future__ import annotations

from phr.fhir import read
from phr.model import Resource
from phr.records.clinical import reasons
from phr.records.elements import code_of, joined, labelled, notes, walk, words_of
from phr.records.measurements import number_text, quantity_words
from phr.records.medications import timing_words
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
    reason = service or reasons(resource, reading)
    return f"{name}: {reason}" if reason else name


def _visit(resource: Resource, reading: Reading) -> str | None:
    pointers = walk(resource, ("diagnosis", "condition"))
    diagnoses = [read.text(entry.get("display")) for entry in pointers if isinstance(entry, dict)]
    discharge = words_of(walk(resource, ("hospitalization", "dischargeDisposition")))
    return joined(
        (
            labelled("reason", reasons(resource, reading)),
            labelled("diagnosis", joined(diagnoses, ", ")),
            labelled("discharge", discharge) if discharge and discharge.lower() != "not applicable" else None,
        )
    )


def _appointment(resource: Resource, reading: Reading) -> str | None:
    return joined(
        (
            labelled("reason", reasons(resource, reading)),
            labelled("cancelled", words_of(resource.get("cancelationReason"))),
            read.text(resource.get("patientInstruction")),
            read.text(resource.get("comment")),
        )
    )


def _order(resource: Resource, reading: Reading) -> str | None:
    """Why, where on the body, how much and how often."""
    return joined(
        (
            "not to be done" if resource.get("doNotPerform") is True else None,
            labelled("reason", reasons(resource, reading)),
            words_of(resource.get("bodySite")),
            quantity_words(resource.get("quantityQuantity") or resource.get("quantity")),
            timing_words(resource.get("occurrenceTiming")),
            read.text(resource.get("patientInstruction")),
            notes(resource),
        )
    )


def _diet(resource: Resource, reading: Reading) -> str | None:
    """What the diet is, what to leave out, what to add."""
    tubes = [words_of(entry) for entry in walk(resource, ("enteralFormula", "administrationInstruction"))]
    return joined(
        (
            read.text(read.first(walk(resource, ("oralDiet", "instruction")))),
            labelled(
                "without", joined([words_of(e) for e in walk(resource, ("excludeFoodModifier",))], ", ")
            ),
            labelled(
                "prefers", joined([words_of(e) for e in walk(resource, ("foodPreferenceModifier",))], ", ")
            ),
            *tubes,
            notes(resource),
        )
    )


def _glasses(resource: Resource, reading: Reading) -> str | None:
    """Eye, sphere and cylinder of each lens."""
    lenses = []
    for lens in read.listed(resource.get("lensSpecification")):
        if isinstance(lens, dict):
            parts = ((name, number_text(lens.get(name))) for name in ("sphere", "cylinder", "axis", "add"))
            shown = [f"{name} {words}" for name, words in parts if words]
            lenses.append(joined((read.text(lens.get("eye")), *shown), " "))
    return joined(lenses)


_ORDERED = paths("occurrenceDateTime", "occurrencePeriod", "occurrenceTiming", "authoredOn", "dateTime")

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
    "ServiceRequest": Shape(
        "order",
        "Order",
        title=paths("code", "orderDetail", "category"),
        when=_ORDERED,
        recorded=paths("authoredOn"),
        people=paths("requester"),
        places=paths("requester", "performer", "locationReference"),
        describe=_order,
        words=paths("reasonCode", "orderDetail", "bodySite"),
    ),
    "DeviceRequest": Shape(
        "device",
        "Ordered device",
        title=paths("codeCodeableConcept", "codeReference.display"),
        codes=paths("codeCodeableConcept"),
        when=_ORDERED,
        recorded=paths("authoredOn"),
        category=(),
        people=paths("requester"),
        places=paths("requester", "performer"),
        describe=_order,
    ),
    "NutritionOrder": Shape(
        "order",
        "Diet",
        title=paths(
            "oralDiet.type", "supplement.type", "supplement.productName", "enteralFormula.baseFormulaType"
        ),
        codes=paths("oralDiet.type", "supplement.type", "enteralFormula.baseFormulaType"),
        when=paths("dateTime"),
        recorded=paths("dateTime"),
        category=(),
        people=paths("orderer"),
        describe=_diet,
        words=paths("oralDiet.instruction", "oralDiet.nutrient.modifier", "allergyIntolerance.display"),
    ),
    "SupplyRequest": Shape(
        "order",
        "Ordered supply",
        title=paths("itemCodeableConcept", "itemReference.display", "category"),
        codes=paths("itemCodeableConcept"),
        when=_ORDERED,
        recorded=paths("authoredOn"),
        people=paths("requester"),
        places=paths("requester", "supplier"),
        describe=_order,
    ),
    "VisionPrescription": Shape(
        "order",
        "Glasses prescription",
        title=paths("lensSpecification.product"),
        codes=paths("lensSpecification.product"),
        when=paths("dateWritten", "created"),
        recorded=paths("created"),
        category=(),
        people=paths("prescriber"),
        describe=_glasses,
    ),
    "RequestGroup": Shape(
        "order",
        "Group of orders",
        title=paths("code", "action.title", "reasonCode"),
        when=paths("authoredOn"),
        recorded=paths("authoredOn"),
        category=(),
        people=paths("author"),
        describe=_order,
        words=paths("action.title", "action.description"),
    ),
}
