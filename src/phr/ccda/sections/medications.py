"""Medications (10160-0): requests, statements and administrations as Medication Activity.

Follows 2.16.840.1.113883.10.20.22.4.16. A request is moodCode INT, what was taken or given is EVN; dispenses
stand with the request they belong to. The parts of the entry are in `drugs` and `dosage`.
"""

from __future__ import annotations

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC, SNOMED
from phr.ccda.datatypes import (
    at,
    code,
    coded,
    has_code,
    ids,
    maybe_coded,
    number,
    part_id,
    period,
    quantity,
    timestamp,
)
from phr.ccda.desk import Desk
from phr.ccda.narrative import day, remarked, span
from phr.ccda.participants import author, performer
from phr.ccda.sections.dosage import dosages, dose_quantity, dosing, max_dose, rate_quantity, sig, taking_time
from phr.ccda.sections.drugs import drug_concept, drug_words, is_denial, product
from phr.ccda.sections.frame import Heading, Row, Section, comments, related, template
from phr.ccda.sections.indications import indications, reason_words
from phr.ccda.xml import Element, el, null
from phr.fhir.read import concept_text, first, listed, text
from phr.model import Resource

HEADING = Heading(
    "10160-0", "Medications", "2.1.1", (None, "2014-06-09"), required=True, entries_required=True
)
_CURRENT = frozenset((None, "active", "in-progress", "on-hold", "intended", "unknown"))
_OLD_TIMES = ("effectiveTimePeriod", "effectiveTimeDateTime")
"""How a MedicationAdministration was dated before R4."""
_EVENTS = {"MedicationAdministration": "given", "MedicationDispense": "dispensed"}
PLANNED_INTENTS = frozenset(("plan", "proposal"))


def medications(desk: Desk) -> list[Section]:
    """All medicines: what is being taken before what is over, in each the newest first.

    Sixty infusions that were given must not hide the three medicines of today.
    """
    section = Section(desk, HEADING, "med", ("Medicine", "How to take it", "When", "Status", "Reason"))
    dispenses = _dispenses(desk)
    types = ("MedicationRequest", "MedicationOrder", "MedicationStatement", "MedicationAdministration")
    entries = desk.of(*types, "MedicationDispense", when=_when)
    for entry in sorted(entries, key=_is_over):
        if entry.type == "MedicationDispense" and _prescription(desk, entry) is not None:
            desk.done(entry)
        elif not is_plan(entry.resource) and _worth_writing(desk, entry):
            row = _row(section, entry)
            handed_over = [entry] if entry.type == "MedicationDispense" else dispenses.get(id(entry), [])
            section.add(_activity(desk, entry, row, handed_over))
    return [section]


def is_plan(resource: Resource) -> bool:
    """A MedicationRequest that is a plan or a proposal stands in the Plan of Treatment."""
    return text(resource.get("intent")) in PLANNED_INTENTS


def _worth_writing(desk: Desk, entry: Entry) -> bool:
    if text(entry.resource.get("status")) == "draft":
        desk.leave_out(entry, "It is a draft.")
    elif has_code(drug_concept(desk, entry), codes.NO_INFORMATION):
        desk.leave_out(entry, "It says that there is no information.")
    else:
        return True
    return False


def _when(resource: Resource) -> object:
    for key in (
        "effectiveDateTime",
        "effectivePeriod",
        *_OLD_TIMES,
        "authoredOn",
        "dateWritten",
        "dateAsserted",
        "whenHandedOver",
        "whenPrepared",
    ):
        if timestamp(start := period(resource.get(key))[0]):
            return start
    return None


def _is_over(entry: Entry) -> bool:
    """Whether it is a single event, or no medicine that is still meant to be taken."""
    if entry.type in ("MedicationAdministration", "MedicationDispense"):
        return True
    return _negated(entry.resource) or text(entry.resource.get("status")) not in _CURRENT


def _row(section: Section, entry: Entry) -> Row:
    resource = entry.resource
    words = drug_words(section.desk, entry)
    if words and _negated(resource):
        words = f"{words} (not taken)"
    return section.row(
        entry,
        words,
        "; ".join(filter(None, map(sig, dosages(resource)))) or None,
        span(*_effective(resource)) or day(_when(resource)),
        _status_words(entry),
        reason_words(section.desk, entry),
        notes=resource.get("note"),
    )


def _status_words(entry: Entry) -> str | None:
    """The status as the kind of resource means it: a dispense is completed when it was handed over."""
    resource = entry.resource
    status = text(resource.get("status"))
    words = _EVENTS.get(entry.type, status) if status == "completed" else status
    reported = entry.type == "MedicationStatement" or resource.get("reportedBoolean") is True
    reasons = [concept_text(each) for each in listed(resource.get("statusReason"))]
    return remarked(words, "reported" if reported else None, *reasons)


def _negated(resource: Resource) -> bool:
    """Whether it was not taken; FHIR before R4 says so in a flag."""
    said = any(resource.get(flag) is True for flag in ("doNotPerform", "wasNotTaken", "wasNotGiven"))
    denied = text(resource.get("status")) in ("not-taken", "not-done") or text(resource.get("taken")) == "n"
    return said or denied


def _effective(resource: Resource) -> tuple[object, object]:
    for key in ("effectivePeriod", "effectiveDateTime", *_OLD_TIMES, "whenHandedOver"):
        if resource.get(key) is not None:
            start, end = period(resource.get(key))
            return start, end if isinstance(first(resource.get(key)), dict) else None
    return None, None


def _status(resource: Resource) -> Element:
    found = codes.MEDICATION_STATUSES.get(text(resource.get("status")) or "")
    return el("statusCode", code=found) if found else null("statusCode")


def _activity(desk: Desk, entry: Entry, row: Row, dispenses: list[Entry]) -> Element:
    resource = entry.resource
    concept = drug_concept(desk, entry)
    denied = is_denial(concept)
    instructions = dosages(resource)
    first_dosage = instructions[0] if instructions else {}
    who = resource.get("requester") or resource.get("informationSource") or resource.get("prescriber")
    return el(
        "substanceAdministration",
        template("4.16", None, "2014-06-09"),
        [part_id(entry, "medicine")] if entry.type == "MedicationDispense" else ids(entry),
        row.link(),
        _status(resource),
        taking_time(first_dosage, *_effective(resource)),
        dosing(first_dosage),
        maybe_coded("routeCode", first_dosage.get("route"), [codes.NCIT]),
        maybe_coded("approachSiteCode", first_dosage.get("site") or first_dosage.get("siteCodeableConcept")),
        dose_quantity(first_dosage, denied=denied),
        rate_quantity(first_dosage),
        max_dose(first_dosage),
        product(desk, entry, denied=denied),
        _performers(desk, entry),
        author(desk, entry, who, resource.get("authoredOn") or resource.get("dateAsserted")),
        [related("RSON", each) for each in indications(desk, entry)],
        related("COMP", _free_text(row) if sig(first_dosage) else None),
        [related("SUBJ", each, inverted=True) for each in _instructions(first_dosage, row)],
        related("REFR", _supply(entry, row)),
        [related("REFR", _dispense(desk, each, row)) for each in dispenses],
        comments(desk, entry, row),
        _as_needed(first_dosage),
        classCode="SBADM",
        moodCode="INT" if entry.type in ("MedicationRequest", "MedicationOrder") else "EVN",
        negationInd="true" if denied or _negated(resource) else None,
    )


def _performers(desk: Desk, entry: Entry) -> list[Element]:
    found = []
    for each in listed(entry.resource.get("performer")):
        reference = each.get("actor", each) if isinstance(each, dict) else None
        element = performer(desk, entry, reference)
        if element is not None:
            found.append(element)
    return found


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


def _as_needed(dosage: Resource) -> Element | None:
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


def _supply(entry: Entry, row: Row) -> Element | None:
    """Medication Supply Order (4.17); C-CDA counts fills, FHIR counts refills."""
    request = entry.resource.get("dispenseRequest")
    if not isinstance(request, dict) or not request:
        return None
    refills = number(request.get("numberOfRepeatsAllowed"))
    _, end = period(request.get("validityPeriod"))
    return el(
        "supply",
        template("4.17", None, "2014-06-09"),
        part_id(entry, "supply"),
        row.link(),
        _status(entry.resource),
        el("effectiveTime", at("high", end), xsi_type="IVL_TS") if timestamp(end) else None,
        el("repeatNumber", value=str(int(float(refills)) + 1)) if refills else None,
        quantity("quantity", request.get("quantity"), xsi_type=None) if request.get("quantity") else None,
        classCode="SPLY",
        moodCode="INT",
    )


def _dispenses(desk: Desk) -> dict[int, list[Entry]]:
    found: dict[int, list[Entry]] = {}
    for entry in desk.of("MedicationDispense", when=_when):
        request = _prescription(desk, entry)
        if request is not None:
            found.setdefault(id(request), []).append(entry)
    return found


def _prescription(desk: Desk, entry: Entry) -> Entry | None:
    for reference in listed(entry.resource.get("authorizingPrescription")):
        request = desk.find(entry, reference)
        if request is not None and desk.lives(request) and not is_plan(request.resource):
            return request if text(request.resource.get("status")) != "draft" else None
    return None


def _dispense(desk: Desk, entry: Entry, row: Row) -> Element:
    """Medication Dispense (4.18)."""
    resource = entry.resource
    return el(
        "supply",
        template("4.18", None, "2014-06-09"),
        ids(entry),
        row.link(),
        _status(resource),
        at("effectiveTime", _when(resource)),
        quantity("quantity", resource.get("quantity"), xsi_type=None) if resource.get("quantity") else None,
        product(desk, entry, denied=False, tag="product"),
        classCode="SPLY",
        moodCode="EVN",
    )
