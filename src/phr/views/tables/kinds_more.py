"""What the further kinds of record have beside the common columns: plans, people, papers and money."""

from __future__ import annotations

from phr.fhir import read
from phr.views.tables.measured import VALUE
from phr.views.tables.reading import (
    Reader,
    amount,
    column,
    count,
    day,
    joined,
    moment,
    names,
    number,
    text,
    unit,
    words,
    yes,
)
from phr.views.tables.shape import Column


def _telling(*kinds: str) -> Reader:
    """The words of identifiers of these types: a member's number."""
    return lambda fact: joined(
        read.text(one.get("value"))
        for one in read.dicts(fact.resource.get("identifier"))
        if {code.code for code in read.codings(one.get("type"))} & set(kinds)
    )


_WHY = column("reason", words("reasonCode", "reasonReference", "statusReason"), "Why, in words")
_NOTE = column("note", text("note.text", "comment", "note"), "Notes of the source")


MORE: dict[str, tuple[Column, ...]] = {
    "care_plan": (
        column("intent", text("intent"), "plan, order, proposal"),
        column("goals", names("goal"), "What it is to reach"),
        column("activities", words("activity.detail.code", "activity.detail.description"), "What is planned"),
        column("addresses", names("addresses"), "Which problems it is for"),
        column("team", names("careTeam"), "Who carries it out"),
        _NOTE,
    ),
    "goal": (
        column("lifecycle", text("lifecycleStatus"), "proposed, active, completed …"),
        column("achievement", words("achievementStatus"), "How far it is reached"),
        column("priority", words("priority"), "How important"),
        column("target", words("target.measure"), "What is to be measured"),
        column("target_value", amount("target.detailQuantity"), "Which value it is to have"),
        column("due", day("target.dueDate"), "Until when", "date"),
        column("addresses", names("addresses"), "Which problems it is for"),
        _NOTE,
    ),
    "care_team": (
        column("members", names("participant.member"), "Who belongs to it"),
        column("roles", words("participant.role"), "In which roles"),
        column("organisation", names("managingOrganization"), "Who runs it"),
        _WHY,
        _NOTE,
    ),
    "social_history": VALUE,
    "family_history": (
        column("relationship", words("relationship"), "Who it is about: mother, brother …"),
        column("relative", text("name"), "Their name"),
        column("sex", words("sex"), "Their sex"),
        column("conditions", words("condition.code"), "What they had"),
        column(
            "onset",
            moment("condition.onsetAge", "condition.onsetString", "condition.onsetRange"),
            "At what age",
        ),
        column("outcome", words("condition.outcome"), "What came of it"),
        column("deceased", yes("deceasedBoolean"), "Whether they have died", "boolean"),
        column(
            "deceased_at",
            moment("deceasedAge", "deceasedDate", "deceasedString", "deceasedRange"),
            "When or how old",
        ),
        _NOTE,
    ),
    "device": (
        column("device_name", text("deviceName.name"), "What it is called"),
        column("manufacturer", text("manufacturer"), "Who made it"),
        column("model", text("modelNumber"), "Which model"),
        column("serial_number", text("serialNumber"), "Serial number"),
        column("lot", text("lotNumber"), "Lot number"),
        column(
            "udi", text("udiCarrier.carrierHRF", "udiCarrier.deviceIdentifier"), "Unique device identifier"
        ),
        column("manufactured", day("manufactureDate"), "When it was made", "date"),
        column("expires", day("expirationDate"), "Until when it is good", "date"),
        _NOTE,
    ),
    "message": (
        column("sender", names("sender"), "From whom"),
        column("recipient", names("recipient"), "To whom"),
        column("topic", words("topic"), "About what"),
        column("text", text("payload.contentString"), "What was written"),
        column("medium", words("medium"), "By which way"),
        _NOTE,
    ),
    "task": (
        column("intent", text("intent"), "order, plan, proposal"),
        column("priority", text("priority"), "How urgent"),
        column("owner", names("owner"), "Who is to do it"),
        column("requester", names("requester"), "Who asks for it"),
        column("due", day("restriction.period.end", "executionPeriod.end"), "Until when", "date"),
        column("about", names("focus"), "What it is about"),
        _WHY,
        _NOTE,
    ),
    "appointment": (
        column("type", words("appointmentType"), "What kind"),
        column("service", words("serviceType"), "Which service"),
        column("minutes", number("minutesDuration"), "How long, in minutes", "number"),
        column("participants", names("participant.actor"), "Who takes part, and where"),
        column("cancelled_because", words("cancelationReason"), "Why it was cancelled"),
        column("instructions", text("patientInstruction"), "What to do before"),
        _WHY,
    ),
    "order": (
        column("intent", text("intent"), "order, plan, proposal"),
        column("priority", text("priority"), "How urgent"),
        column("requester", names("requester"), "Who ordered it"),
        column("asked_of", names("performer"), "Who is to do it"),
        column(
            "wanted_on", day("occurrenceDateTime", "occurrencePeriod.start"), "When it is to be done", "date"
        ),
        column("body_site", words("bodySite"), "Where on the body"),
        column("instructions", text("patientInstruction"), "What to do before"),
        _WHY,
        _NOTE,
    ),
    "coverage": (
        column("payer", names("payor"), "Who pays"),
        column("plan", text("class.name", "class.value"), "Which plan or group"),
        column("type", words("type"), "What kind"),
        column("member", text("subscriberId"), "Member number"),
        column("member_number", _telling("MB", "SN"), "Member number, as an identifier"),
        column("relationship", words("relationship"), "To whom it belongs"),
        column("network", text("network"), "Which network"),
    ),
    "claim": (
        column("use", text("use"), "claim, preauthorization, predetermination"),
        column("type", words("type"), "What kind"),
        column("insurer", names("insurer"), "Who pays"),
        column("provider", names("provider"), "Who asks for the money"),
        column("outcome", text("outcome"), "What the insurer says: complete, error …"),
        column("total", number("total.amount", "total"), "The first sum", "number"),
        column("total_kind", words("total.category"), "What the sums are"),
        column("currency", unit("total.amount", "total"), "In which currency"),
        column("paid", number("payment.amount"), "What was paid", "number"),
        column("items", count("item"), "How many lines", "number"),
        column("diagnoses", words("diagnosis.diagnosisCodeableConcept"), "Diagnoses"),
    ),
    "questionnaire": (
        *VALUE,
        column("form", text("questionnaire"), "Which form"),
        column("answers", count("item"), "How many answers", "number"),
    ),
    "directive": (
        *VALUE[:1],
        column("scope", words("scope"), "What it is about"),
        column("decision", text("provision.type"), "permit or deny"),
        column("valid_until", day("provision.period.end"), "Until when", "date"),
        _NOTE,
    ),
    "other": (
        *VALUE,
        column("fhir_type", lambda fact: read.text(fact.resource.get("resourceType")), "Its FHIR type"),
    ),
}
