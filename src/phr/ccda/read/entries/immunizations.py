"""Vaccinations: Immunization Activity as Immunization; planned ones as MedicationRequest.

Reads 2.16.840.1.113883.10.20.22.4.52, the immunizations of CCD 1.x (20.1.24), C32 (83.13) and IHE PCC (4.12), and
whatever is administered in the section 11369-6. What was refused is not done, never given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from phr.ccda.read.datatypes import concept, number, quantity
from phr.ccda.read.entries import medications
from phr.ccda.read.entries.denials import denial, says_nothing
from phr.ccda.read.entries.dosage import is_instruction
from phr.ccda.read.entries.drugs import drug, maker, material, product
from phr.ccda.read.entries.meaning import (
    CCD1,
    CCDA,
    HITSP,
    IHE,
    Concept,
    absent,
    coded,
    codes_of,
    encounter,
    is_refusal,
    is_status,
    meaning,
    notes,
    others,
    parts,
    plain,
    reasons,
    recorded,
    refusal,
    start,
    words_of,
)
from phr.ccda.read.entries.parts import words
from phr.ccda.read.entries.reactions import reaction_nodes
from phr.ccda.read.nodes import Node, at, attr, child, children, has_template, negated, statements
from phr.ccda.read.people import text
from phr.ccda.read.reading import Reader, Reading, Resource, Where
from phr.ccda.read.times import day, when
from phr.ccda.reading_codes import HL7, IMMUNIZATION_STATUSES

SECTION = "11369-6"
_ACTIVITIES = (f"{CCDA}52", f"{HITSP}13", f"{IHE}12")
_EITHER = f"{CCD1}24"
_DOSE_NUMBER = f"{CCD1}46"
_REACTION = ("http://loinc.org", "31044-1", "Immunization reaction")


_VACCINE_WORDS = frozenset("immunization immunizations vaccine vaccines vaccination vaccinations".split())


def is_immunization(where: Where, statement: Node) -> bool:
    """Whether an administration is a vaccination: by template, by section, or by its code."""
    return (
        has_template(statement, *_ACTIVITIES)
        or where.code == SECTION
        or at(statement, "code", "code") == "IMMUNIZ"
    )


def either(reading: Reading, where: Where, statement: Node) -> Sequence[Resource] | None:
    """An administration of the template that medicines and vaccines share before C-CDA."""
    read = immunization if is_immunization(where, statement) else medications.activity
    return read(reading, where, statement)


def immunization(reading: Reading, where: Where, statement: Node) -> Sequence[Resource] | None:
    """One vaccination, given or not."""
    if statement.tag != "substanceAdministration":
        return None
    if (attr(statement, "moodCode") or "EVN").upper() != "EVN":
        return medications.activity(reading, where, statement)
    said = reading.words(statement)
    vaccine = drug(reading, statement) or ({"text": said} if said else None)
    denied = denial(vaccine) if not codes_of(vaccine) else None
    if vaccine is None or says_nothing(vaccine) or (denied and denied[-1] in _VACCINE_WORDS):
        reading.skip(statement, where, "It names no vaccine, neither in a code nor in words.")
        return []
    made = reading.resource("Immunization", statement, where, _elements(reading, where, statement, vaccine))
    _, _, why = reasons(reading, where, statement)
    others(reading, where, statement, [*_parts(statement), *why])
    return [made]


def _elements(reading: Reading, where: Where, statement: Node, vaccine: Concept) -> dict[str, Any]:
    why_not, refusals = refusal(reading, statement)
    not_done = negated(statement) or bool(refusals and attr(statement, "negationInd") is None)
    why, because, _ = reasons(reading, where, statement)
    _, time = recorded(reading, (), statement)
    substance = material(product(statement))
    return {
        "status": _status(statement, not_done=not_done),
        "statusReason": why_not,
        "vaccineCode": vaccine,
        "patient": reading.patient,
        "encounter": encounter(reading, statement),
        **_occurrence(statement),
        "recorded": time,
        **_source(statement),
        "location": _location(reading, statement),
        "manufacturer": maker(reading, statement),
        "lotNumber": text(child(substance, "lotNumberText")),
        "expirationDate": day(child(substance, "sdtc:expirationTime")),
        "site": _first(reading, statement, "approachSiteCode"),
        "route": _first(reading, statement, "routeCode"),
        "doseQuantity": quantity(child(statement, "doseQuantity")),
        "performer": _performers(reading, statement),
        "note": notes(reading, statement),
        "reasonCode": why,
        "reasonReference": because,
        "education": _education(reading, statement),
        "reaction": _reactions(reading, where, statement),
        "protocolApplied": _protocol(reading, statement),
    }


def _status(statement: Node, *, not_done: bool) -> str:
    act = at(statement, "statusCode", "code") or "completed"
    if act == "nullified":
        return "entered-in-error"
    return "not-done" if not_done else IMMUNIZATION_STATUSES.get(act, "completed")


def _occurrence(statement: Node) -> dict[str, Any]:
    """When: the time itself, or the low of an interval. FHIR wants a word where nobody says."""
    for each in children(statement, "effectiveTime"):
        if found := start(each) or when(child(each, "high")):
            return {"occurrenceDateTime": found}
    return {"occurrenceString": "unknown"}


def _source(statement: Node) -> dict[str, Any]:
    """Whoever is related to the patient and told it is no primary source; C-CDA says no more about that."""
    told = child(statement, "informant/relatedEntity") is not None
    return {"primarySource": False} if told else {"_primarySource": absent("unsupported")}


def _location(reading: Reading, statement: Node) -> Resource | None:
    for each in children(statement, "participant"):
        role = child(each, "participantRole")
        if role is not None and (attr(each, "typeCode") == "LOC" or attr(role, "classCode") == "SDLOC"):
            return reading.location(role)
    return None


def _first(reading: Reading, statement: Node, tag: str) -> Concept | None:
    found = (plain(concept(each, reading)) for each in children(statement, tag))
    return next((each for each in found if each), None)


def _performers(reading: Reading, statement: Node) -> list[dict[str, Any]]:
    """Who gave it; another function only where it is said."""
    found: list[dict[str, Any]] = []
    giving = coded(f"{HL7}/v2-0443", "AP", "Administering Provider")
    for each in children(statement, "performer"):
        assigned = child(each, "assignedEntity")
        who = reading.practitioner(assigned) if assigned is not None else None
        function = plain(concept(child(each, "sdtc:functionCode"), reading))
        if who is not None and who not in [one["actor"] for one in found]:
            found.append({"function": function or giving, "actor": who})
    return found


def _education(reading: Reading, statement: Node) -> list[dict[str, Any]]:
    """What the patient was told or handed out."""
    found = []
    for each in parts(statement, is_instruction):
        kind = plain(concept(child(each, "code"), reading))
        said = words(reading, each) or words_of(kind)
        if said:
            found.append({"documentType": said})
    for document in children(statement, "reference/externalDocument"):
        said = text(child(document, "text")) or words_of(plain(concept(child(document, "code"), reading)))
        if said:
            found.append({"documentType": said})
    return found


def _is_dose_number(statement: Node) -> bool:
    return has_template(statement, _DOSE_NUMBER) or at(statement, "code", "code") == "30973-2"


def _protocol(reading: Reading, statement: Node) -> list[dict[str, Any]]:
    """Which dose of the series it was: repeatNumber, before C-CDA an observation."""
    said: list[str | None] = [at(statement, "repeatNumber", "value")]
    for each in parts(statement, _is_dose_number):
        said += [attr(child(each, "value"), "value"), words_of(meaning(reading, each))]
    for written in said:
        count = number(written)
        if count is not None and count == count.to_integral_value() and count >= 1:
            return [{"doseNumberPositiveInt": int(count)}]
        if written and count is None:
            return [{"doseNumberString": written}]
    return []


def _reaction_nodes(statement: Node) -> list[Node]:
    caused = [each for _, each in statements(statement, "CAUS") if each.tag == "observation"]
    return [*reaction_nodes(statement), *caused]


def _reactions(reading: Reading, where: Where, statement: Node) -> list[dict[str, Any]]:
    """What it caused, each as an Observation of its own."""
    found = []
    for each in _reaction_nodes(statement):
        what, since = meaning(reading, each), start(child(each, "effectiveTime"))
        if what is None and since is None:
            continue
        detail = None
        if what is not None:
            elements = {
                "status": "final",
                "code": coded(*_REACTION),
                "subject": reading.patient,
                "effectiveDateTime": since,
                "valueCodeableConcept": what,
                "note": reading.notes(each),
            }
            detail = reading.ref(reading.resource("Observation", each, where, elements))
        found.append({"date": since, "detail": detail})
    return found


def _parts(statement: Node) -> list[Node]:
    kinds = (is_refusal, is_status, is_instruction, _is_dose_number)
    known = [nested for _, nested in statements(statement) if any(kind(nested) for kind in kinds)]
    return [*known, *_reaction_nodes(statement)]


BY_TEMPLATE: dict[str, Reader] = {**dict.fromkeys(_ACTIVITIES, immunization), _EITHER: either}


def _by_section(reading: Reading, where: Where, statement: Node) -> Sequence[Resource] | None:
    return immunization(reading, where, statement)


BY_SECTION: dict[str, Reader] = {SECTION: _by_section}
