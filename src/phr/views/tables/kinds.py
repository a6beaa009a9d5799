"""What each kind of record has beside the common columns. FHIR R4 element names; a table, a line each."""

from __future__ import annotations

from phr.fhir import read
from phr.records.elements import walk
from phr.records.medications import timing_words
from phr.views.tables.kinds_more import MORE
from phr.views.tables.measured import PRESSURE, VALUE
from phr.views.tables.reading import (
    amount,
    column,
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
from phr.views.tables.shape import Column, Fact


def _dosage(element: str) -> tuple[str, str]:
    return f"dosageInstruction.{element}", f"dosage.{element}"


def _frequency(fact: Fact) -> str | None:
    timings = walk(fact.resource, ("dosageInstruction", "timing")) or walk(
        fact.resource, ("dosage", "timing")
    )
    return joined(timing_words(one) for one in timings)


_WHY = column("reason", words("reasonCode", "reasonReference", "statusReason"), "Why, in words")
_NOTE = column("note", text("note.text", "comment", "note"), "Notes of the source")

MEDICATION: tuple[Column, ...] = (
    column(
        "said_as",
        lambda fact: read.text(fact.resource.get("resourceType")),
        "Ordered, taken, dispensed or given: the FHIR type",
    ),
    column("intent", text("intent"), "order, plan, proposal …"),
    column(
        "dose",
        amount(*_dosage("doseAndRate.doseQuantity"), "dosage.dose", *_dosage("doseQuantity")),
        "How much each time",
    ),
    column(
        "dose_number",
        number(*_dosage("doseAndRate.doseQuantity"), "dosage.dose", *_dosage("doseQuantity")),
        "The number of it",
        "number",
    ),
    column(
        "dose_unit",
        unit(*_dosage("doseAndRate.doseQuantity"), "dosage.dose", *_dosage("doseQuantity")),
        "The unit of it",
    ),
    column("route", words(*_dosage("route")), "By which way"),
    column("frequency", _frequency, "How often, in words"),
    column("as_needed", yes(*_dosage("asNeededBoolean")), "Only when needed", "boolean"),
    column(
        "instructions",
        text(*_dosage("text"), *_dosage("patientInstruction")),
        "How to take it, as it was written",
    ),
    column("reason", words("reasonCode", "reasonReference"), "What it is for"),
    column("prescriber", names("requester", "informationSource"), "Who ordered it, or says that it is taken"),
    column(
        "quantity", amount("dispenseRequest.quantity", "quantity"), "How much at a time from the pharmacy"
    ),
    column("refills", number("dispenseRequest.numberOfRepeatsAllowed"), "How many refills", "number"),
    column(
        "days_supply",
        number("dispenseRequest.expectedSupplyDuration", "daysSupply"),
        "For how many days",
        "number",
    ),
    column(
        "started",
        day(
            "effectivePeriod.start",
            "effectiveDateTime",
            "dosageInstruction.timing.repeat.boundsPeriod.start",
            "whenHandedOver",
            "authoredOn",
        ),
        "First day, as far as it was said",
        "date",
    ),
    column(
        "stopped",
        day(
            "effectivePeriod.end",
            "dosageInstruction.timing.repeat.boundsPeriod.end",
            "dispenseRequest.validityPeriod.end",
        ),
        "Last day, where one was said",
        "date",
    ),
    column("stop_reason", words("statusReason"), "Why it was stopped or not given"),
    _NOTE,
)

IMMUNIZATION: tuple[Column, ...] = (
    column("vaccine", words("vaccineCode"), "The vaccine in words"),
    column("lot", text("lotNumber"), "Lot number"),
    column(
        "dose_number",
        text("protocolApplied.doseNumberPositiveInt", "protocolApplied.doseNumberString"),
        "Which dose of a series",
    ),
    column(
        "series_doses",
        text("protocolApplied.seriesDosesPositiveInt", "protocolApplied.seriesDosesString"),
        "Of how many",
    ),
    column("target_disease", words("protocolApplied.targetDisease"), "Against what"),
    column("dose", amount("doseQuantity"), "How much"),
    column("manufacturer", names("manufacturer"), "Who made it"),
    column("expires", day("expirationDate"), "Until when this lot could be given", "date"),
    column("site", words("site"), "Where on the body"),
    column("route", words("route"), "By which way"),
    column("given_by_source", yes("primarySource"), "Whether whoever gave it says so", "boolean"),
    column("reason", words("reasonCode", "statusReason"), "Why it was given, or not given"),
    _NOTE,
)

PROBLEM: tuple[Column, ...] = (
    column("clinical_status", words("clinicalStatus"), "active, resolved, remission …"),
    column("verification", words("verificationStatus"), "confirmed, provisional, refuted …"),
    column("severity", words("severity"), "How severe"),
    column("stage", words("stage.summary"), "Which stage"),
    column("body_site", words("bodySite"), "Where on the body"),
    column("onset", day("onsetDateTime", "onsetPeriod.start"), "When it began, as a day", "date"),
    column(
        "onset_text",
        moment("onsetDateTime", "onsetPeriod", "onsetAge", "onsetRange", "onsetString"),
        "The same as it was said",
    ),
    column(
        "abatement",
        day("abatementDateTime", "abatementPeriod.end", "abatementPeriod.start"),
        "When it was over, as a day",
        "date",
    ),
    column(
        "abatement_text",
        moment("abatementDateTime", "abatementPeriod", "abatementAge", "abatementRange", "abatementString"),
        "The same as it was said",
    ),
    _NOTE,
)

ALLERGY: tuple[Column, ...] = (
    column("clinical_status", words("clinicalStatus"), "active, inactive, resolved"),
    column("verification", words("verificationStatus"), "confirmed, unconfirmed, refuted …"),
    column("allergy_type", text("type"), "allergy or intolerance"),
    column("allergen_category", text("category"), "food, medication, environment, biologic"),
    column("criticality", text("criticality"), "How dangerous the next time could be: low, high"),
    column("reaction", words("reaction.manifestation"), "What happened"),
    column("severity", text("reaction.severity"), "How severe that was: mild, moderate, severe"),
    column("substance", words("reaction.substance"), "What exactly it was, where that differs"),
    column("exposure_route", words("reaction.exposureRoute"), "By which way"),
    column("onset", day("onsetDateTime", "onsetPeriod.start"), "When it was first seen", "date"),
    column("last_occurrence", day("lastOccurrence"), "When it last happened", "date"),
    _NOTE,
)

ENCOUNTER: tuple[Column, ...] = (
    column("class", words("class"), "ambulatory, emergency, inpatient …"),
    column("type", words("type"), "What kind of visit"),
    column("service", words("serviceType"), "Which service"),
    column("priority", words("priority"), "How urgent"),
    column("reason", words("reasonCode", "reasonReference"), "Why"),
    column("diagnoses", names("diagnosis.condition"), "Diagnoses, as far as named"),
    column("admitted_from", words("hospitalization.admitSource"), "From where"),
    column("discharge", words("hospitalization.dischargeDisposition"), "Where to afterwards"),
    column("participants", names("participant.individual"), "Who took part"),
    column("location", names("location.location"), "Which rooms or sites"),
)

PROCEDURE: tuple[Column, ...] = (
    _WHY,
    column("body_site", words("bodySite"), "Where on the body"),
    column("outcome", words("outcome"), "What came of it"),
    column("complication", words("complication"), "What went wrong"),
    column("follow_up", words("followUp"), "What is to follow"),
    column("performers", names("performer.actor"), "Everybody who did it"),
    column("location", names("location"), "Where"),
    column("device", names("focalDevice.manipulated"), "What was put in or taken out"),
    _NOTE,
)

IMAGING: tuple[Column, ...] = (
    column("modality", words("modality", "series.modality"), "CT, MR, US …"),
    column("imaged", words("bodySite", "series.bodySite"), "What was looked at"),
    column("laterality", words("series.laterality"), "Which side"),
    column("series", number("numberOfSeries"), "How many series", "number"),
    column("instances", number("numberOfInstances"), "How many pictures", "number"),
    column("conclusion", text("conclusion"), "What the report concludes"),
)

DOCUMENT: tuple[Column, ...] = (
    column("document_type", words("type", "code"), "What kind of document"),
    column("document_status", text("docStatus"), "preliminary, final, amended …"),
    column("authors", names("author", "performer"), "Who wrote it"),
    column(
        "media_type",
        text("content.attachment.contentType", "presentedForm.contentType"),
        "Kinds of file: application/pdf",
    ),
    column("file_name", text("content.attachment.title", "presentedForm.title"), "Names of the files"),
    column("conclusion", text("conclusion"), "What a report concludes"),
)

KINDS: dict[str, tuple[Column, ...]] = {
    "lab_result": VALUE,
    "vital_sign": (*VALUE, *PRESSURE),
    "problem": PROBLEM,
    "medication": MEDICATION,
    "allergy": ALLERGY,
    "immunization": IMMUNIZATION,
    "procedure": PROCEDURE,
    "encounter": ENCOUNTER,
    "imaging": (*VALUE[:-1], *IMAGING),
    "clinical_note": DOCUMENT,
    "document": DOCUMENT,
    **MORE,
}
