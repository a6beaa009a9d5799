"""Encounters: Encounter Activity as Encounter, its diagnoses as Conditions.

Reads 2.16.840.1.113883.10.20.22.4.49, the encounters of CCD 1.x (20.1.21), C32 (83.16) and IHE PCC (4.14).
FHIR wants a class; where nobody says one, it says that it is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from phr.ccda.read.datatypes import concept, number, span
from phr.ccda.read.entries import problems
from phr.ccda.read.entries.denials import denial
from phr.ccda.read.entries.meaning import (
    CCD1,
    CCDA,
    HITSP,
    IHE,
    Concept,
    cell,
    coded,
    codes_of,
    is_rank,
    named,
    of_type,
    others,
    parts,
    plain,
    reasons,
    without,
)
from phr.ccda.read.nodes import (
    Node,
    at,
    attr,
    child,
    children,
    has_template,
    negated,
    statements,
    templates,
)
from phr.ccda.read.reading import Reader, Reading, Resource, Where
from phr.ccda.reading_codes import (
    ACT_CODE_URI,
    CLASS_NAMES,
    CLASS_SYSTEMS,
    ENCOUNTER_CLASSES,
    ENCOUNTER_STATUSES,
    HL7,
    NO_CODE,
    PARTICIPATIONS,
    PATIENT_CLASSES,
)

_ACTIVITIES = (f"{CCDA}49", f"{CCD1}21", f"{HITSP}16", f"{IHE}14")
_SECTION = "46240-8"
_DIAGNOSES = {f"{CCDA}80": None, f"{CCDA}33": "DD", f"{CCDA}34": "AD"}
_USES = {"DD": "Discharge diagnosis", "AD": "Admission diagnosis"}
_COLUMNS = (re.compile(r"encounter|visit|type|description", re.IGNORECASE),)
_NOTE = "http://hl7.org/fhir/StructureDefinition/note"
_INDIVIDUALS = ("Practitioner", "PractitionerRole", "RelatedPerson")
_BILLING = ("http://www.ama-assn.org/go/cpt", "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets")


def encounter(reading: Reading, where: Where, statement: Node) -> Sequence[Resource] | None:
    """One visit, with the diagnoses that were made."""
    if statement.tag != "encounter":
        return None
    class_, kinds = _class_and_types(reading, statement)
    why, because, reasoned = reasons(reading, where, statement)
    period = span(child(statement, "effectiveTime"))
    stay = {
        "admitSource": plain(concept(child(statement, "sdtc:admissionReferralSourceCode"), reading)),
        "dischargeDisposition": plain(concept(child(statement, "sdtc:dischargeDispositionCode"), reading)),
    }
    billed = parts(statement, _is_billing)
    diagnosed = parts(statement, _is_diagnosis)
    who, places = _participants(reading, statement), _locations(reading, statement)
    if not (kinds or period or who or places or why or because or diagnosed) or _denied(kinds, period):
        if inside := _planned_inside(reading, where, statement):
            return inside
        reading.skip(statement, where, "It says nothing about a visit: no kind, no time, no place.")
        return []
    made = reading.resource(
        "Encounter",
        statement,
        where,
        {
            "extension": [{"url": _NOTE, "valueAnnotation": note} for note in reading.notes(statement)],
            "status": "cancelled" if negated(statement) else _status(statement, period),
            "class": class_,
            "type": [*kinds, *(code for each in billed if (code := concept(child(each, "code"), reading)))],
            "priority": plain(concept(child(statement, "priorityCode"), reading)),
            "subject": reading.patient,
            "participant": who,
            "period": period,
            "reasonCode": why,
            "reasonReference": because,
            "hospitalization": stay,
            "location": places,
        },
    )
    found = _diagnoses(reading, where, diagnosed, reading.ref(made))
    if found and "diagnosis" not in made:
        made["diagnosis"] = [entry for _, entry in found]
    others(reading, where, statement, [*diagnosed, *reasoned, *billed])
    return [made, *(condition for condition, _ in found)]


def _planned_inside(reading: Reading, where: Where, statement: Node) -> list[Resource]:
    """A request that says nothing itself and holds the visit that is asked for."""
    held = [each for _, each in statements(statement) if each.tag == "encounter"]
    made = [one for each in held for one in reading.read(each, where)]
    for each in made:
        if each["resourceType"] == "Encounter" and (attr(statement, "moodCode") or "EVN") != "EVN":
            each["status"] = "planned"
    return made


# ── what kind ─────────────────────────────────────────────────────────────────────────────────────


def _class_and_types(reading: Reading, statement: Node) -> tuple[dict[str, Any], list[Concept]]:
    """The class, wherever it stands among the codes, and what the visit was besides."""
    kind = plain(concept(child(statement, "code"), reading))
    for coding in kind.get("coding", ()) if kind else ():
        code = str(coding["code"]).upper()
        code = code if coding.get("system") == ACT_CODE_URI else PATIENT_CLASSES.get(code, code)
        if coding.get("system") in CLASS_SYSTEMS and code in ENCOUNTER_CLASSES:
            display = coding.get("display") or CLASS_NAMES[code]
            class_ = {"system": ACT_CODE_URI, "code": code, "display": display}
            rest = without(kind, [coding["code"]])
            return class_, [found] if (found := named(rest, _words(reading, statement))) else []
    unknown = {"system": f"{HL7}/v3-NullFlavor", "code": "UNK", "display": "unknown"}
    kind = named(kind, _row_words(reading, statement))
    return unknown, [kind] if kind else []


def _denied(kinds: list[Concept], period: dict[str, str] | None) -> bool:
    """Whether the words say that there was no visit."""
    said = denial(kinds[0]) if len(kinds) == 1 and not codes_of(kinds[0]) else None
    return period is None and said is not None and said[0] in ("encounter", "encounters", "visit", "visits")


def _words(reading: Reading, statement: Node) -> str | None:
    """The words of the code itself: those of the row would only repeat the class."""
    found = concept(child(statement, "code"), None)
    return None if found and codes_of(found) else _row_words(reading, statement)


def _row_words(reading: Reading, statement: Node) -> str | None:
    """The words of a visit: of a row of a table those under the heading of the visit."""
    pointer = at(statement, "text/reference", "value")
    target = reading.index.target(pointer) if pointer else None
    column = cell(reading, target, _COLUMNS) if target is not None else None
    words = reading.words(statement) if column is None else column
    return None if (words or "").casefold() in NO_CODE else words or None


def _status(statement: Node, period: dict[str, str] | None) -> str:
    """As statusCode says; else what has an end is over, and what is not of mood EVN is planned."""
    said = ENCOUNTER_STATUSES.get(at(statement, "statusCode", "code") or "")
    if (attr(statement, "moodCode") or "EVN").upper() != "EVN":
        return said if said in ("cancelled", "entered-in-error") else "planned"
    if at(statement, "statusCode", "code"):
        return said or "unknown"
    return "finished" if period and "end" in period else "unknown"


# ── who and where ─────────────────────────────────────────────────────────────────────────────────


def _participants(reading: Reading, statement: Node) -> list[dict[str, Any]]:
    """Performers with their function, and other participants who are people."""
    found: list[dict[str, Any]] = []
    for each in children(statement, "performer"):
        assigned = child(each, "assignedEntity")
        who = of_type(reading.practitioner(assigned), _INDIVIDUALS) if assigned is not None else None
        codes = [child(each, tag) for tag in ("sdtc:functionCode", "functionCode")]
        functions = [plain(concept(code, reading)) for code in codes]
        if who is not None:
            found.append({"type": functions, "individual": who, "period": span(child(each, "time"))})
    for each in children(statement, "participant"):
        role = child(each, "participantRole")
        code = attr(each, "typeCode")
        if role is None or code in ("LOC", "DEV", "CSM") or attr(role, "classCode") == "SDLOC":
            continue
        who = of_type(reading.practitioner(role), _INDIVIDUALS)
        if who is not None:
            type_ = [coded(f"{HL7}/v3-ParticipationType", code)] if code in PARTICIPATIONS else None
            found.append({"type": type_, "individual": who, "period": span(child(each, "time"))})
    return found


def _locations(reading: Reading, statement: Node) -> list[dict[str, Any]]:
    found = []
    for each in children(statement, "participant"):
        role = child(each, "participantRole")
        if role is None or not (attr(each, "typeCode") == "LOC" or attr(role, "classCode") == "SDLOC"):
            continue
        where = reading.location(role)
        if where is not None:
            found.append({"location": where, "period": span(child(each, "time"))})
    return found


# ── diagnoses ─────────────────────────────────────────────────────────────────────────────────────


def _is_diagnosis(statement: Node) -> bool:
    if statement.tag == "act":
        return has_template(statement, *_DIAGNOSES) or at(statement, "code", "code") == "29308-4"
    return statement.tag == "observation" and has_template(statement, f"{CCDA}4")


def _diagnoses(
    reading: Reading, where: Where, diagnosed: list[Node], visit: Resource
) -> list[tuple[Resource, dict[str, Any]]]:
    """Each diagnosis as Condition, and how the visit names it: its rank, and whether at admission or discharge."""
    found = []
    for statement in diagnosed:
        root = next((each for each in templates(statement) if _DIAGNOSES.get(each)), "")
        use = _DIAGNOSES.get(root)
        inner = problems.observations(statement) if statement.tag == "act" else [statement]
        ranks = [_rank(each) for each in inner]
        if statement.tag == "act":
            made = problems.diagnoses(reading, where, statement, visit)
        else:
            made = problems.problem(reading, where, statement, category="encounter-diagnosis", visit=visit)
        made = [each for each in made if each["resourceType"] == "Condition"]
        for number_, condition in enumerate(made):
            entry = {
                "condition": reading.ref(condition),
                "use": coded(f"{HL7}/diagnosis-role", use, _USES[use]) if use else None,
                "rank": ranks[number_] if len(ranks) == len(made) else None,
            }
            found.append((condition, {key: value for key, value in entry.items() if value}))
    return found


def _rank(observation: Node) -> int | None:
    for each in parts(observation, is_rank):
        rank = number(attr(child(each, "value"), "value"))
        if rank is not None and rank >= 1:
            return int(rank)
    return None


def _is_billing(statement: Node) -> bool:
    """An act that only adds a billing code to the visit."""
    if statement.tag != "act" or templates(statement) or list(statements(statement)):
        return False
    found = concept(child(statement, "code"))
    return any(each.get("system") in _BILLING for each in (found or {}).get("coding", ()))


BY_TEMPLATE: dict[str, Reader] = dict.fromkeys(_ACTIVITIES, encounter)
BY_SECTION: dict[str, Reader] = {_SECTION: encounter}
