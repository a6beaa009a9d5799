"""Plan of Treatment (18776-5): what is ordered, planned or booked and not yet done.

Follows the planned templates 2.16.840.1.113883.10.20.22.4.39 to 4.44 and 4.20. Only open requests stand here; completed ones
appear as what they became.
"""

from __future__ import annotations

from phr.ccda.bundle import Entry
from phr.ccda.codes import CPT, HCPCS, LOINC
from phr.ccda.datatypes import coded, has_code, ids, maybe_coded, period
from phr.ccda.desk import Desk, newest
from phr.ccda.narrative import day, remarked, span
from phr.ccda.participants import author, performer, place, words_for
from phr.ccda.sections.appointments import appointment, planned_encounter
from phr.ccda.sections.care_plans import care_plan
from phr.ccda.sections.dosage import taking_time
from phr.ccda.sections.dosage_words import dosages, ratio_words, sigs, timing_words
from phr.ccda.sections.drugs import drug_words, product
from phr.ccda.sections.frame import Heading, Row, Section, comments, related, said, said_of, template
from phr.ccda.sections.indications import indications, reason_words
from phr.ccda.sections.links import priority_code, priority_words, visit, words_of
from phr.ccda.sections.medications import as_needed, medicine_details, way_of_taking
from phr.ccda.sections.plans import CODES, OPEN, OVER, due, due_time, mood
from phr.ccda.sections.specimens import specimen
from phr.ccda.sections.supplies import is_plan, supply_details, supply_order
from phr.ccda.sections.values import limits_words, quantity_words
from phr.ccda.xml import Element, el
from phr.fhir.read import concept_text, listed, text
from phr.model import Resource

HEADING = Heading("18776-5", "Plan of Treatment", "2.10", (None, "2014-06-09"))
NOT_TO_BE_DONE = "It asks for something not to be done; a planned act cannot say so."


def plan_of_treatment(desk: Desk) -> list[Section]:
    """All open plans, the newest first."""
    section = Section(desk, HEADING, "pln", ("Planned", "When", "Status", "Part of", "Reason"))
    types = (
        "ServiceRequest",
        "ProcedureRequest",
        "DiagnosticOrder",
        "MedicationRequest",
        "Encounter",
        "Appointment",
    )
    for entry in newest([*desk.of(*types), *desk.of("CarePlan")], due):
        write = _WRITERS.get(entry.type, _request)
        write(section, entry)
    return [section]


# ── requests ──────────────────────────────────────────────────────────────────────────────────────


def _request(section: Section, entry: Entry) -> None:
    resource = entry.resource
    status = text(resource.get("status"))
    if status not in OPEN:
        section.desk.leave_out(entry, OVER)
        return
    if resource.get("doNotPerform") is True:
        section.desk.leave_out(entry, NOT_TO_BE_DONE)
        return
    row = section.row(
        entry,
        concept_text(resource.get("code")),
        span(*_occurrence(resource)) or timing_words(resource.get("occurrenceTiming")),
        status,
        None,
        reason_words(section.desk, entry),
        notes=resource.get("note"),
        details=_details(section.desk, entry),
    )
    section.add(_planned(section.desk, entry, row))


def _details(desk: Desk, entry: Entry) -> list[str | None]:
    """What has no column: how urgent, how much, where, by whom, and what the patient should do."""
    resource = entry.resource
    needed = concept_text(resource.get("asNeededCodeableConcept"))
    amount = quantity_words(resource.get("quantityQuantity")) or limits_words(resource.get("quantityRange"))
    return [
        said("priority", priority_words(resource)),
        said_of("kind", resource.get("category")),
        said_of("exactly", resource.get("orderDetail")),
        said_of("body site", resource.get("bodySite")),
        said("amount", amount or ratio_words(resource.get("quantityRatio"))),
        "as needed" if resource.get("asNeededBoolean") is True else said("as needed for", needed),
        said("ordered by", words_for(desk, entry, resource.get("requester"))),
        said("to be done by", *(words_for(desk, entry, each) for each in listed(resource.get("performer")))),
        said_of("to be done by", resource.get("performerType")),
        said_of("at", resource.get("locationCode")),
        said("at", *words_of(desk, entry, resource.get("locationReference"))),
        said("specimen", *words_of(desk, entry, resource.get("specimen"))),
        said("for the patient", text(resource.get("patientInstruction"))),
        said("see", *words_of(desk, entry, resource.get("supportingInfo"))),
        said("instead of", *words_of(desk, entry, resource.get("replaces"))),
        said("insurance", *words_of(desk, entry, resource.get("insurance"))),
    ]


def _occurrence(resource: Resource) -> tuple[object, object]:
    found = resource.get("occurrencePeriod")
    return period(found) if isinstance(found, dict) else period(resource.get("occurrenceDateTime"))


_KINDS = {
    "observation": ("4.44", (None, "2014-06-09"), "OBS"),
    "procedure": ("4.41", (None, "2014-06-09", "2022-06-01"), "PROC"),
    "act": ("4.39", (None, "2014-06-09"), "ACT"),
}


def _kind(resource: Resource) -> str:
    """Observation for tests, procedure for procedures, act for what is neither."""
    category = resource.get("category")
    if has_code(category, {"387713003", "24642003", "surgical-procedure"}):
        return "procedure"
    if has_code(category, {"108252007", "363679005", "laboratory", "imaging", "functional-status", "LAB"}):
        return "observation"
    root = coded("code", resource.get("code"), CODES).attributes.get("codeSystem")
    return "observation" if root == LOINC else "procedure" if root in (CPT, HCPCS) else "act"


def _planned(desk: Desk, entry: Entry, row: Row) -> Element:
    resource = entry.resource
    kind = _kind(resource)
    number, dates, class_ = _KINDS[kind]
    sites = [maybe_coded("targetSiteCode", site) for site in listed(resource.get("bodySite"))]
    specimens = [specimen(desk, entry, each) for each in listed(resource.get("specimen"))]
    performers = [performer(desk, entry, each) for each in listed(resource.get("performer"))]
    return el(
        kind,
        template(number, *dates),
        ids(entry),
        coded("code", resource.get("code"), CODES),
        row.link(),
        el("statusCode", code="active"),
        due_time(*_occurrence(resource)),
        priority_code(resource),
        sites if kind != "act" else None,
        specimens if kind == "observation" else None,
        performers,
        author(desk, entry, resource.get("requester"), resource.get("authoredOn")),
        [place(desk, entry, each) for each in listed(resource.get("locationReference"))],
        [related("RSON", each) for each in indications(desk, entry)],
        comments(desk, entry, row),
        visit(desk, entry),
        classCode=class_,
        moodCode=mood(resource),
    )


def _medication(section: Section, entry: Entry) -> None:
    """A MedicationRequest that is a plan or a proposal (the others are under Medications)."""
    resource = entry.resource
    if not is_plan(resource):
        return
    if text(resource.get("status")) not in OPEN:
        section.desk.leave_out(entry, OVER)
        return
    if resource.get("doNotPerform") is True:
        section.desk.leave_out(entry, NOT_TO_BE_DONE)
        return
    instructions = dosages(resource)
    dosage = instructions[0] if instructions else {}
    words = " - ".join(filter(None, (drug_words(section.desk, entry), sigs(resource))))
    row = section.row(
        entry,
        words,
        day(resource.get("authoredOn")),
        remarked(text(resource.get("status")), *map(concept_text, listed(resource.get("statusReason")))),
        None,
        reason_words(section.desk, entry),
        notes=resource.get("note"),
        details=[*medicine_details(section.desk, entry), *supply_details(section.desk, entry)],
    )
    section.add(
        el(
            "substanceAdministration",
            template("4.42", None, "2014-06-09"),
            ids(entry),
            row.link(),
            el("statusCode", code="active"),
            taking_time(dosage, None, None),
            way_of_taking(section.desk, entry, dosage, denied=False),
            product(section.desk, entry, denied=False),
            [performer(section.desk, entry, each) for each in listed(resource.get("performer"))],
            author(section.desk, entry, resource.get("requester"), resource.get("authoredOn")),
            [related("RSON", each) for each in indications(section.desk, entry)],
            related("REFR", supply_order(section.desk, entry, row)),
            comments(section.desk, entry, row),
            visit(section.desk, entry),
            as_needed(dosage),
            classCode="SBADM",
            moodCode=mood(resource),
        )
    )


_WRITERS = {
    "MedicationRequest": _medication,
    "Encounter": planned_encounter,
    "Appointment": appointment,
    "CarePlan": care_plan,
}
