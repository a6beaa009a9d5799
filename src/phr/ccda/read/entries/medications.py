"""Medicines: Medication Activity as MedicationRequest or MedicationStatement, with its dispenses.

Reads 2.16.840.1.113883.10.20.22.4.16 and 4.42 (planned), 4.35 and 4.36 (at discharge and admission), the medications of CCD
1.x (20.1.24), C32 (83.8) and IHE PCC (4.7). An order or a plan (moodCode INT, RQO …) is a request, what is taken (EVN)
a statement. A date in the past does not make a medicine completed: only its status does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from phr.ccda.read.datatypes import concept
from phr.ccda.read.entries import panels, supplies
from phr.ccda.read.entries.denials import no_known_medications, says_nothing
from phr.ccda.read.entries.dosage import dosages, effective, is_free_text, is_instruction, is_step
from phr.ccda.read.entries.drugs import drug, medication
from phr.ccda.read.entries.meaning import (
    CCD1,
    CCDA,
    HITSP,
    IHE,
    PERSONS,
    Concept,
    coded,
    encounter,
    informant,
    is_refusal,
    is_status,
    notes,
    of_type,
    others,
    parts,
    plain,
    reasons,
    recorded,
    refusal,
    status,
    within,
    words_of,
)
from phr.ccda.read.nodes import (
    Node,
    at,
    attr,
    child,
    has_template,
    negated,
    statements,
)
from phr.ccda.read.reading import Reader, Reading, Resource, Where
from phr.ccda.read.wholes import MEDICINE
from phr.ccda.reading_codes import (
    HL7,
    INTENTS,
    MEDICATION_STATUSES,
    NO_KNOWN_MEDICATION_CODES,
    PLANNED_INTENTS,
    PRIORITIES,
    REQUEST_STATUSES,
    STATEMENT_STATUSES,
)

_ACTIVITIES = (f"{CCDA}16", f"{HITSP}8", f"{IHE}7", f"{IHE}7.1")
_PLANNED = (f"{CCDA}42", f"{CCDA}120")
_WRAPPED = (f"{CCDA}35", f"{CCDA}36", f"{CCDA}105")
_DISCHARGE = f"{CCDA}35"
_SUPPLIES = (f"{CCDA}17", f"{CCDA}18", f"{CCD1}34", f"{IHE}7.3")
_PLAN_SECTIONS = frozenset("18776-5 51847-2 61146-7 69730-0".split())
_IMMUNIZATIONS = "11369-6"
SECTIONS = "10160-0 29549-3 42346-7 10183-2 75311-1 8677-7 56445-0 66149-6".split()
_TIMES_OF_A_VISIT = frozenset("29549-3 18610-6 10183-2 75311-1 42346-7 8677-7".split()) | _PLAN_SECTIONS
_PERFORMERS = ("Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson", "Device")
_INFORMERS = ("Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Organization")
_TYPES = frozenset(("73639000", "329505003", "DRUG"))
"""Kind of medication of C32: prescription, over the counter."""


def activity(reading: Reading, where: Where, statement: Node) -> Sequence[Resource] | None:
    """One medicine that is or was taken, ordered or planned."""
    mood = (attr(statement, "moodCode") or "EVN").upper()
    if statement.tag != "substanceAdministration":
        return None
    if where.code == _IMMUNIZATIONS and mood == "EVN":
        return None  # a vaccination by the template of a medicine
    found = _named(reading, statement)
    if found is None or says_nothing(found):
        others(reading, where, statement, _parts(statement))
        reading.skip(statement, where, "It names no medicine, neither in a code nor in words.")
        return []
    planned = has_template(statement, *_PLANNED) or where.code in _PLAN_SECTIONS
    denial = _none_known(reading, where, statement)
    if denial is not None:
        made = _taken(reading, where, statement, denial, denied=True)
    elif mood != "EVN" or planned:
        made = _request(reading, where, statement, found, mood, planned=planned)
    elif panels.frames(reading, statement, MEDICINE):
        return supplies.handed_over(reading, where, statement, found, None)
    else:
        made = _taken(reading, where, statement, found)
    others(
        reading,
        where,
        statement,
        [*_parts(statement), *(nested for _, nested in statements(statement, "RSON"))],
    )
    return made


def _none_known(reading: Reading, where: Where, statement: Node) -> Concept | None:
    """ "No known medications"; none given during a visit, or none prescribed at its end, is another statement."""
    if where.code in _TIMES_OF_A_VISIT:
        return None
    return no_known_medications(drug(reading, statement), negated=negated(statement))


def _named(reading: Reading, statement: Node) -> Concept | None:
    """The medicine; where nothing names it, the words of the whole entry or of its instructions."""
    found = drug(reading, statement)
    if found is not None and negated(statement) and within(found, NO_KNOWN_MEDICATION_CODES):
        return {"text": words_of(found) or "Medication"}
    if found is not None:
        return found
    words = reading.words(statement)
    free = (reading.words(each) for each in parts(statement, is_free_text))
    words = words or next((each for each in free if each), None)
    if words is None and negated(statement):
        return {"text": "Medication"}
    return {"text": words} if words else None


# ── requests ──────────────────────────────────────────────────────────────────────────────────────


def _request(
    reading: Reading, where: Where, statement: Node, found: Concept, mood: str, *, planned: bool
) -> list[Resource]:
    ordered = supplies.orders(statement)
    order = next((each for each in ordered if supplies.says_more(reading, each)), None)
    who, time = recorded(reading, PERSONS, statement, order)
    why, because, _ = reasons(reading, where, statement)
    refused, _ = refusal(reading, statement)
    intents = PLANNED_INTENTS if planned else INTENTS
    performers = (of_type(each, (*_PERFORMERS, "CareTeam")) for each in reading.performers(statement))
    elements: dict[str, Any] = {
        "status": _status(reading, statement, REQUEST_STATUSES),
        "statusReason": refused,
        "intent": intents.get(mood, "order"),
        "category": [*_discharge(statement), *_kinds(reading, statement)],
        "priority": PRIORITIES.get(at(statement, "priorityCode", "code") or ""),
        "doNotPerform": negated(statement) or None,
        "reportedReference": informant(reading, statement, _INFORMERS),
        **medication(reading, statement, found),
        "subject": reading.patient,
        "encounter": encounter(reading, statement),
        "authoredOn": time,
        "requester": who,
        "performer": next((each for each in performers if each), None),
        "reasonCode": why,
        "reasonReference": because,
        "note": _notes(reading, statement, order),
        "dosageInstruction": dosages(reading, statement, words_of(found), bounded=True),
        "dispenseRequest": supplies.dispense_request(reading, order),
    }
    request = reading.resource("MedicationRequest", statement, where, elements)
    further = [
        made
        for each in ordered
        if each is not order
        and supplies.says_more(reading, each)
        and (made := supplies.order(reading, where, each, found, statement))
    ]
    return [request, *further, *supplies.handed_over(reading, where, statement, found, request)]


def _notes(reading: Reading, statement: Node, order: Node | None) -> list[Resource]:
    if order is None:
        return notes(reading, statement)
    return [*notes(reading, statement, order), *supplies.instructions(reading, order)]


def _discharge(statement: Node) -> list[Concept]:
    """Prescribed at discharge, as the act around it says."""
    act = next(statement.iterancestors("act"), None)
    if act is None or not has_template(act, _DISCHARGE):
        return []
    return [coded(f"{HL7}/medicationrequest-category", "discharge", "Discharge")]


# ── what is taken ─────────────────────────────────────────────────────────────────────────────────


def _taken(
    reading: Reading, where: Where, statement: Node, found: Concept, *, denied: bool = False
) -> list[Resource]:
    """What is or was taken, or is not: with the orders that stand in it, which it is based on."""
    who, time = recorded(reading, PERSONS, statement)
    told = informant(reading, statement, _INFORMERS)
    acting = (of_type(each, _INFORMERS) for each in reading.performers(statement))
    why, because, _ = reasons(reading, where, statement)
    refused, _ = refusal(reading, statement)
    not_taken = negated(statement) and not denied
    kinds = _kinds(reading, statement)
    ordered = [
        made
        for each in supplies.orders(statement)
        if not denied
        and supplies.says_more(reading, each)
        and (made := supplies.order(reading, where, each, found, statement))
    ]
    handed = [] if denied else supplies.handed_over(reading, where, statement, found, None)
    elements: dict[str, Any] = {
        "basedOn": [reading.ref(each) for each in ordered],
        "status": "not-taken" if not_taken else _status(reading, statement, STATEMENT_STATUSES),
        "statusReason": [refused] if refused else None,
        "category": kinds[0] if kinds else None,
        **medication(reading, statement, found),
        "subject": reading.patient,
        "context": encounter(reading, statement),
        **effective(statement),
        "dateAsserted": time,
        "informationSource": told or who or next((each for each in acting if each), None),
        "derivedFrom": [reading.ref(each) for each in handed],
        "reasonCode": why,
        "reasonReference": because,
        "note": notes(reading, statement),
        "dosage": dosages(reading, statement, words_of(found), bounded=False),
    }
    return [reading.resource("MedicationStatement", statement, where, elements), *ordered, *handed]


def _status(reading: Reading, statement: Node, table: dict[str, str]) -> str:
    """Of the status observation where there is one: before C-CDA R2.1 the act itself was always completed."""
    act = at(statement, "statusCode", "code") or ""
    said = status(reading, statement)
    code = within(said, MEDICATION_STATUSES) or (words_of(said) or "").casefold()
    if act != "nullified" and code in MEDICATION_STATUSES:
        return MEDICATION_STATUSES[code]
    return table.get(act, "unknown")


def _is_kind(statement: Node) -> bool:
    """The kind of medication: prescription or over the counter."""
    return statement.tag == "observation" and at(statement, "code", "code") in _TYPES


def _kinds(reading: Reading, statement: Node) -> list[Concept]:
    found = (plain(concept(child(each, "code"), reading)) for each in parts(statement, _is_kind))
    return [each for each in found if each]


def _parts(statement: Node) -> list[Node]:
    kinds = (is_free_text, is_instruction, is_step, is_status, is_refusal, _is_kind, _is_supply)
    return [nested for _, nested in statements(statement) if any(kind(nested) for kind in kinds)]


def _is_supply(statement: Node) -> bool:
    return statement.tag == "supply"


# ── what is not an administration ─────────────────────────────────────────────────────────────────


def wrapped(reading: Reading, where: Where, act: Node) -> Sequence[Resource] | None:
    """Discharge Medication, Admission Medication: an act around medicines."""
    if act.tag != "act":
        return None
    made = others(reading, where, act, ())
    if not made:
        reading.skip(act, where, "It names no medicine, neither in a code nor in words.")
    return made


def supply(reading: Reading, where: Where, statement: Node) -> Sequence[Resource] | None:
    """A supply that stands alone."""
    if statement.tag != "supply":
        return None
    make = supplies.dispense if supplies.is_dispense(statement) else supplies.order
    made = make(reading, where, statement, None)
    return [made] if made else None


BY_TEMPLATE: dict[str, Reader] = {
    **dict.fromkeys((*_ACTIVITIES, *_PLANNED), activity),
    **dict.fromkeys(_WRAPPED, wrapped),
    **dict.fromkeys(_SUPPLIES, supply),
}


def _by_section(reading: Reading, where: Where, statement: Node) -> Sequence[Resource] | None:
    if statement.tag == "substanceAdministration":
        return activity(reading, where, statement)
    return supply(reading, where, statement)


BY_SECTION: dict[str, Reader] = dict.fromkeys(SECTIONS, _by_section)
