"""Medications (10160-0): requests, statements and administrations as Medication Activity.

Follows 2.16.840.1.113883.10.20.22.4.16. A request is moodCode INT, what was taken or given is EVN; orders and
dispenses stand inside the medicine that they belong to (`held`). The parts of the entry are in `drugs` and `dosage`.
"""

from __future__ import annotations

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC, SNOMED
from phr.ccda.datatypes import code, coded, has_code, ids, maybe_coded, part_id, period, timestamp
from phr.ccda.desk import Desk
from phr.ccda.narrative import day, remarked, span
from phr.ccda.participants import author, informant, performer, words_for
from phr.ccda.sections.dosage import dose_quantity, dosing, max_dose, rate_quantity, taking_time
from phr.ccda.sections.dosage_words import dosages, further_doses, sig, sigs
from phr.ccda.sections.drugs import (
    administration_unit,
    contents,
    drug_concept,
    drug_words,
    is_denial,
    product,
)
from phr.ccda.sections.frame import (
    Heading,
    Row,
    Section,
    comments,
    related,
    said,
    said_of,
    template,
    written_notes,
)
from phr.ccda.sections.held import CURRENT, held, shared_row
from phr.ccda.sections.indications import indications, reason_words
from phr.ccda.sections.links import beside, pointed, priority_code, priority_words, visit, words_of
from phr.ccda.sections.supplies import (
    OLD_TIMES,
    dispense,
    is_plan,
    order_inside,
    prescription,
    status,
    supply_details,
    supply_order,
    taken_when,
)
from phr.ccda.xml import Element, el, null
from phr.fhir.read import concept_text, dicts, first, listed, text
from phr.model import Resource

HEADING = Heading(
    "10160-0", "Medications", "2.1.1", (None, "2014-06-09"), required=True, entries_required=True
)
_EVENTS = {
    "MedicationAdministration": "given",
    "MedicationDispense": "dispensed, which does not say whether it was taken",
}


def medications(desk: Desk) -> list[Section]:
    """All medicines: what is being taken before what is over, in each the newest first.

    Sixty infusions that were given must not hide the three medicines of today.
    """
    section = Section(desk, HEADING, "med", ("Medicine", "How to take it", "When", "Status", "Reason"))
    types = ("MedicationRequest", "MedicationOrder", "MedicationStatement", "MedicationAdministration")
    entries = desk.of(*types, "MedicationDispense", when=taken_when)
    written = [
        entry
        for entry in sorted(entries, key=_is_over)
        if not is_plan(entry.resource)
        and ((_is_supply(entry) and prescription(desk, entry) is not None) or _worth_writing(desk, entry))
    ]
    parts = held(desk, written)
    for entry in written:
        if parts.has(entry):
            desk.done(entry)
            continue
        orders, dispenses = parts.orders.get(id(entry), []), parts.dispenses.get(id(entry), [])
        row = _row(section, entry, orders)
        section.add(_activity(desk, entry, row, orders, [entry] if _is_supply(entry) else dispenses))
    return [section]


def _is_supply(entry: Entry) -> bool:
    """A dispense that stands alone: C-CDA has no place for it but inside a medicine."""
    return entry.type == "MedicationDispense"


def _worth_writing(desk: Desk, entry: Entry) -> bool:
    if text(entry.resource.get("status")) == "draft":
        desk.leave_out(entry, "It is a draft.")
    elif has_code(drug_concept(desk, entry), codes.NO_INFORMATION):
        desk.leave_out(entry, "It says that there is no information.")
    else:
        return True
    return False


def _is_over(entry: Entry) -> bool:
    """Whether it is a single event, or no medicine that is still meant to be taken."""
    if entry.type in ("MedicationAdministration", "MedicationDispense"):
        return True
    return _negated(entry.resource) or text(entry.resource.get("status")) not in CURRENT


def _row(section: Section, entry: Entry, orders: list[Entry]) -> Row:
    """The row of a medicine, with the words of the orders that stand inside it."""
    resource = entry.resource
    words = drug_words(section.desk, entry)
    if words and _negated(resource):
        words = f"{words} (not taken)"
    return section.row(
        entry,
        words,
        sigs(resource),
        span(*_effective(resource)) or day(taken_when(resource)),
        _status_words(entry),
        reason_words(section.desk, entry),
        notes=[note for each in (entry, *orders) for note in listed(each.resource.get("note"))],
        details=dict.fromkeys(
            each
            for one in (entry, *orders)
            for each in (*medicine_details(section.desk, one), *supply_details(section.desk, one))
        ),
    )


def _status_words(entry: Entry) -> str | None:
    """The status as the kind of resource means it: a dispense is completed when it was handed over."""
    resource = entry.resource
    said_ = text(resource.get("status"))
    words = _EVENTS.get(entry.type, said_) if said_ == "completed" else said_
    reported = entry.type == "MedicationStatement" or resource.get("reportedBoolean") is True
    reasons = [
        concept_text(each)
        for each in listed(resource.get("statusReason") or resource.get("statusReasonCodeableConcept"))
    ]
    return remarked(words, "reported" if reported else None, *reasons)


def medicine_details(desk: Desk, entry: Entry) -> list[str | None]:
    """What has no column: what it is made of, who is involved, how urgent it is, what it belongs to."""
    resource = entry.resource
    giving = [each.get("actor") for each in dicts(resource.get("performer"))]
    informed = resource.get("informationSource") or resource.get("reportedReference")
    return [
        said("dose", *further_doses(resource)),
        *contents(desk, entry),
        said("ordered by", words_for(desk, entry, resource.get("requester") or resource.get("prescriber"))),
        said("recorded by", words_for(desk, entry, resource.get("recorder"))),
        said("told by", words_for(desk, entry, informed)),
        said("by", *(words_for(desk, entry, each) for each in giving)),
        said_of("to be given by", resource.get("performerType")),
        said("priority", priority_words(resource)),
        said_of("course", resource.get("courseOfTherapyType")),
        said_of("kind", resource.get("category")),
        said("because of", *words_of(desk, entry, resource.get("statusReasonReference"))),
        said("part of", *words_of(desk, entry, resource.get("partOf"))),
        said("derived from", *words_of(desk, entry, resource.get("derivedFrom"))),
        said("issue", *words_of(desk, entry, resource.get("detectedIssue"))),
        said("insurance", *words_of(desk, entry, resource.get("insurance"))),
        *beside(desk, entry, resource.get("supportingInformation")),
        said("instead of", *words_of(desk, entry, resource.get("priorPrescription"))),
        said("with", *words_of(desk, entry, resource.get("device"))),
    ]


def _negated(resource: Resource) -> bool:
    """Whether it was not taken; FHIR before R4 says so in a flag."""
    said = any(resource.get(flag) is True for flag in ("doNotPerform", "wasNotTaken", "wasNotGiven"))
    denied = text(resource.get("status")) in ("not-taken", "not-done") or text(resource.get("taken")) == "n"
    return said or denied


def _effective(resource: Resource) -> tuple[object, object]:
    for key in ("effectivePeriod", "effectiveDateTime", *OLD_TIMES, "whenHandedOver"):
        if resource.get(key) is not None:
            start, end = period(resource.get(key))
            return start, end if isinstance(first(resource.get(key)), dict) else None
    return None, None


def _given_at(entry: Entry) -> Element | None:
    """The moment of a single administration; C-CDA tells it from a time since when something is taken."""
    start, end = _effective(entry.resource)
    if entry.type != "MedicationAdministration" or end is not None or not timestamp(start):
        return None
    return el("effectiveTime", value=timestamp(start))


def _activity(desk: Desk, entry: Entry, row: Row, orders: list[Entry], dispenses: list[Entry]) -> Element:
    resource = entry.resource
    concept = drug_concept(desk, entry)
    denied = is_denial(concept)
    instructions = dosages(resource)
    first_dosage = instructions[0] if instructions else {}
    who = resource.get("requester") or resource.get("prescriber") or resource.get("recorder")
    informed = resource.get("informationSource") or resource.get("reportedReference")
    return el(
        "substanceAdministration",
        template("4.16", None, "2014-06-09"),
        [part_id(entry, "medicine")] if _is_supply(entry) else ids(entry),
        row.link(),
        status(resource),
        _given_at(entry) or taking_time(first_dosage, *_effective(resource)),
        way_of_taking(desk, entry, first_dosage, denied=denied),
        product(desk, entry, denied=denied),
        _performers(desk, entry),
        author(desk, entry, who, resource.get("authoredOn") or resource.get("dateAsserted")),
        informant(desk, entry, informed),
        [related("RSON", each) for each in indications(desk, entry)],
        related("COMP", _free_text(row) if sig(first_dosage) else None),
        [_further_dosage(desk, entry, each, number) for number, each in enumerate(instructions[1:], 2)],
        [related("SUBJ", each, inverted=True) for each in _instructions(first_dosage, row)],
        related("REFR", supply_order(desk, entry, row)),
        [related("REFR", order_inside(desk, each, part)) for each, part in shared_row(row, entry, orders)],
        [related("REFR", dispense(desk, each, row)) for each in dispenses],
        pointed(
            desk,
            entry,
            "REFR",
            resource.get("partOf"),
            resource.get("derivedFrom"),
            resource.get("statusReasonReference"),
        ),
        comments(desk, entry, row.part(0, len(written_notes(resource.get("note"))))),
        visit(desk, entry),
        as_needed(first_dosage),
        classCode="SBADM",
        moodCode=_mood(entry),
        negationInd="true" if denied or _negated(resource) else None,
    )


def _performers(desk: Desk, entry: Entry) -> list[Element]:
    found = []
    for each in listed(entry.resource.get("performer")):
        reference = each.get("actor", each) if isinstance(each, dict) else None
        element = performer(desk, entry, reference, each.get("function") if isinstance(each, dict) else None)
        if element is not None:
            found.append(element)
    return found


def _further_dosage(desk: Desk, entry: Entry, dosage: Resource, number_: int) -> Element:
    """A second, third … Dosage of the same medicine: a subordinate Medication Activity with its place in the row.

    C-CDA R2.1 says so of tapered and split doses. It has the id of the whole, as it is no medicine of its own.
    """
    return el(
        "entryRelationship",
        el("sequenceNumber", value=str(number_)),
        el(
            "substanceAdministration",
            template("4.16", None, "2014-06-09"),
            ids(entry),
            status(entry.resource),
            taking_time(dosage, *_effective(entry.resource)),
            way_of_taking(desk, entry, dosage, denied=False),
            product(desk, entry, denied=False),
            as_needed(dosage),
            classCode="SBADM",
            moodCode=_mood(entry),
        ),
        typeCode="COMP",
    )


def _mood(entry: Entry) -> str:
    return "INT" if entry.type in ("MedicationRequest", "MedicationOrder") else "EVN"


def way_of_taking(desk: Desk, entry: Entry, dosage: Resource, *, denied: bool) -> list[Element | None]:
    """How often, which way, how much: what is the same of a medicine that is planned."""
    return [
        dosing(dosage),
        priority_code(entry.resource),
        maybe_coded("routeCode", dosage.get("route"), [codes.NCIT]),
        maybe_coded("approachSiteCode", dosage.get("site") or dosage.get("siteCodeableConcept")),
        dose_quantity(dosage, denied=denied),
        rate_quantity(dosage),
        max_dose(dosage),
        administration_unit(desk, entry),
    ]


# ── what stands inside ────────────────────────────────────────────────────────────────────────────


def _free_text(row: Row) -> Element:
    """Medication Free Text Sig: the instructions in the source's words."""
    return el(
        "substanceAdministration",
        template("4.147"),
        code("code", "76662-6", LOINC, "Instructions Medication"),
        row.link(),
        el("consumable", el("manufacturedProduct", null("manufacturedLabeledDrug", "NA"))),
        classCode="SBADM",
        moodCode="INT",
    )


def _instructions(dosage: Resource, row: Row) -> list[Element]:
    """Instruction (4.20) for each additional instruction."""
    return [
        el(
            "act",
            template("4.20", None, "2014-06-09"),
            coded("code", concept),
            row.link(),
            el("statusCode", code="completed"),
            classCode="ACT",
            moodCode="INT",
        )
        for concept in listed(dosage.get("additionalInstruction"))
        if concept_text(concept)
    ]


def as_needed(dosage: Resource) -> Element | None:
    """Precondition (4.25): its presence means "as needed"."""
    concept = dosage.get("asNeededCodeableConcept")
    if dosage.get("asNeededBoolean") is not True and not concept_text(concept):
        return None
    return el(
        "precondition",
        el(
            "criterion",
            template("4.25", None, "2014-06-09"),
            code("code", "ASSERTION", codes.ACT_CODE),
            coded("value", concept, [SNOMED], xsi_type="CD"),
        ),
        typeCode="PRCN",
    )
