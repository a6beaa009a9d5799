"""Problems, diagnoses and health concerns: Problem Concern Act and its observations as Condition.

Reads 2.16.840.1.113883.10.20.22.4.3 and 4.4, the diagnosis acts (4.80, 4.33, 4.34, 4.51, 4.65), Health Concern
Act (4.132), the problems of CCD 1.x (20.1.27, 20.1.28), C32 (83.7) and IHE PCC (4.5), and observations without an act.
Acts whose template allergies have as well are handed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from phr.ccda import codes
from phr.ccda.read.datatypes import concept
from phr.ccda.read.entries import allergies
from phr.ccda.read.entries.course import age, clinical_status, diagnosed, is_age, is_diagnosed
from phr.ccda.read.entries.denials import denial, no_known_problems, says_nothing
from phr.ccda.read.entries.goals import goal
from phr.ccda.read.entries.meaning import (
    CCD1,
    CCDA,
    HITSP,
    IHE,
    PERSONS,
    Concept,
    absent,
    asserter,
    clinical,
    coded,
    codes_of,
    encounter,
    is_comment,
    is_entry,
    is_pointer,
    is_rank,
    is_severity,
    is_status,
    meaning,
    named,
    notes,
    others,
    parts,
    plain,
    recorded,
    severity,
    start,
    without,
)
from phr.ccda.read.entries.parts import mood
from phr.ccda.read.nodes import (
    Node,
    at,
    child,
    children,
    has_template,
    negated,
    null_flavor,
    statements,
    templates,
)
from phr.ccda.read.reading import Reader, Reading, Resource, Where
from phr.ccda.read.times import when
from phr.ccda.reading_codes import (
    CONCERN_SECTIONS,
    DIAGNOSIS_SECTIONS,
    HL7,
    NO_KNOWN_PROBLEMS,
    PLAIN_PROBLEM_TYPES,
    PROBLEM_TYPES,
    SNOMED_URI,
)

_CONCERNS = (f"{CCDA}3", f"{CCD1}27", f"{IHE}5.1", f"{IHE}5.2", f"{HITSP}7")
_DIAGNOSES = tuple(f"{CCDA}{number}" for number in ("80", "33", "34", "51", "65"))
_HEALTH_CONCERNS = (f"{CCDA}132", f"{CCDA}136")
_OBSERVATIONS = (f"{CCDA}4", f"{CCD1}28", f"{IHE}5", f"{CCDA}19")
_NO_EVENT = "The source does not state it as something that was found"
_ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
_CATEGORIES = {
    "problem-list-item": (f"{HL7}/condition-category", "Problem List Item"),
    "encounter-diagnosis": (f"{HL7}/condition-category", "Encounter Diagnosis"),
    "health-concern": ("http://hl7.org/fhir/us/core/CodeSystem/condition-category", "Health Concern"),
}


# ── acts ──────────────────────────────────────────────────────────────────────────────────────────


def concern(reading: Reading, where: Where, act: Node) -> list[Resource]:
    """A concern, about problems or about allergies: each observation in it is one."""
    if allergies.is_concern(act, where):
        return allergies.concern(reading, where, act)
    category = "health-concern" if has_template(act, *_HEALTH_CONCERNS) else _category(where)
    found = observations(act)
    if not found:
        return _said_by_act(reading, where, act, category)
    made = [each for one in found for each in problem(reading, where, one, act, category=category)]
    others(reading, where, act, [*found, *parts(act, is_status), *parts(act, is_severity)])
    return made


def diagnosis(reading: Reading, where: Where, act: Node) -> list[Resource]:
    """A diagnosis act: its statusCode speaks of the act, not of the disease."""
    return diagnoses(reading, where, act, None)


def diagnoses(reading: Reading, where: Where, act: Node, visit: Resource | None) -> list[Resource]:
    """The diagnoses of an act, of this encounter if one is given."""
    found = observations(act)
    if not found:
        return _said_by_act(reading, where, act, "encounter-diagnosis", visit)
    made = [
        each
        for one in found
        for each in problem(reading, where, one, act, category="encounter-diagnosis", visit=visit)
    ]
    others(reading, where, act, found)
    return made


def observations(act: Node) -> list[Node]:
    """The observations of an act that are problems: by template, else those that no template explains."""
    nested = [
        each
        for _, each in statements(act)
        if each.tag == "observation" and not (is_status(each) or is_severity(each) or is_rank(each))
    ]
    known = [each for each in nested if has_template(each, *_OBSERVATIONS) or not templates(each)]
    return known or [each for each in nested if child(each, "value") is not None and not _foreign(each)]


def _foreign(observation: Node) -> bool:
    """A C-CDA template of something else, such as a result that a concern refers to."""
    return any(root.startswith(CCDA) for root in templates(observation))


def _said_by_act(
    reading: Reading, where: Where, act: Node, category: str, visit: Resource | None = None
) -> list[Resource]:
    """An act without an observation: what it says in words, besides what is nested."""
    made = others(reading, where, act, ())
    words = reading.words(act)
    if negated(act):
        kind = {"text": "Health concern" if category == "health-concern" else "Problem"}
        said = [{"text": words}] if words else []
        elements = _frame(reading, act, None, category, visit) | {"code": kind, "note": said}
        elements["verificationStatus"] = clinical("condition-ver-status", "refuted")
        return [*made, reading.resource("Condition", act, where, elements)]
    if words is None:
        if not made and not any(is_pointer(each) for _, each in statements(act)):
            reading.skip(act, where, "It names no problem, neither in a code nor in words.")
        return made
    found = no_known_problems({"text": words}) or {"text": words}
    if says_nothing(found):
        reading.skip(act, where, "It says that nobody recorded whether there are problems.")
        return made
    elements = _frame(reading, act, None, category, visit) | {"code": found}
    elements["onsetDateTime"] = start(child(act, "effectiveTime")) if category == "health-concern" else None
    return [*made, reading.resource("Condition", act, where, elements)]


# ── the observation ───────────────────────────────────────────────────────────────────────────────


def observation(reading: Reading, where: Where, statement: Node) -> list[Resource]:
    """A problem (or an allergy) that stands without an act."""
    if allergies.is_allergy(statement):
        return allergies.allergy(reading, where, statement)
    return problem(reading, where, statement)


def problem(
    reading: Reading,
    where: Where,
    statement: Node,
    act: Node | None = None,
    *,
    category: str | None = None,
    visit: Resource | None = None,
) -> list[Resource]:
    """One observation as Condition; skipped if it names nothing."""
    if allergies.is_allergy(statement):
        return allergies.allergy(reading, where, statement, act)
    if mood(statement) == "GOL":
        return goal(reading, where, statement) or []
    found, refuted = _named(reading, statement, not_so=negated(statement) or negated(act))
    if found is None or says_nothing(found):
        others(reading, where, statement, _parts(statement))
        reading.skip(statement, where, "It names no problem, neither in a code nor in words.")
        return []
    elements = _frame(reading, statement, act, category or _category(where), visit)
    ages = [found_age for each in parts(statement, is_age) if (found_age := age(each))]
    onset = start(child(statement, "effectiveTime"))
    if onset is None and act is not None and has_template(act, f"{CCD1}27"):
        onset = start(child(act, "effectiveTime"))  # before C-CDA the act had the dates of the problem
    elements["code"] = found
    if refuted:
        elements["verificationStatus"] = clinical("condition-ver-status", "refuted")
    if onset:
        elements["onsetDateTime"] = onset
        elements["note"] = [
            *elements["note"],
            *({"text": f"Age at onset: {each['value']} {each['unit']}"} for each in ages),
        ]
    elif ages:
        elements["onsetAge"] = ages[0]
    if mood(statement) not in ("EVN", "DEF"):  # looked for, feared, to be expected: not found
        elements["verificationStatus"] = elements["verificationStatus"] or clinical(
            "condition-ver-status", "unconfirmed"
        )
        elements["note"] = [*elements["note"], {"text": f"{_NO_EVENT} (moodCode {mood(statement)})."}]
    evidence = _evidence(reading, where, statement)
    elements["evidence"] = [{"detail": evidence}]
    return [reading.resource("Condition", statement, where, elements)]


def _named(reading: Reading, statement: Node, *, not_so: bool) -> tuple[Concept | None, bool]:
    """What the problem is, and whether it is refuted. A kind of problem as value names none."""
    value = meaning(reading, statement)
    none_known = no_known_problems(value)
    if none_known:
        return none_known, False
    only_kind = value is not None and bool(codes_of(value)) and set(codes_of(value)) <= PROBLEM_TYPES
    words = reading.words(statement)
    if not_so and only_kind:
        head = coded(SNOMED_URI, *NO_KNOWN_PROBLEMS)
        denied = words and denial({"text": words})
        return (head | {"text": words} if denied else head), False
    found = without(value, PROBLEM_TYPES)
    if found is None and not only_kind:
        found = without(plain(concept(child(statement, "code"), reading)), PROBLEM_TYPES)
        found = found if codes_of(found) else None
    return named(found, words) or (value if only_kind else None), not_so


def _category(where: Where) -> str:
    if where.code in CONCERN_SECTIONS:
        return "health-concern"
    return "encounter-diagnosis" if where.code in DIAGNOSIS_SECTIONS else "problem-list-item"


def _categories(reading: Reading, statement: Node, category: str) -> list[Concept]:
    """The category by section, and the kind of problem where it says more than that it is one."""
    said = (plain(concept(each, reading)) for each in children(statement, "sdtc:category"))
    if own := [each for each in said if each]:
        return own
    system, display = _CATEGORIES[category]
    plain_kinds = PLAIN_PROBLEM_TYPES | {"282291009", "29308-4", "75310-3", "CONC"}
    kind = None
    if statement.tag == "observation" and child(statement, "value") is not None:
        kind = without(plain(concept(child(statement, "code"), reading)), plain_kinds)
    return [coded(system, category, display), *([kind] if kind and codes_of(kind) else [])]


def _frame(
    reading: Reading, statement: Node, act: Node | None, category: str, visit: Resource | None
) -> dict[str, Any]:
    """All elements of a Condition but what it is and since when."""
    nullified = "nullified" in (at(statement, "statusCode", "code"), at(act, "statusCode", "code"))
    high = child(statement, "effectiveTime/high")
    ended = when(high)
    state = None if nullified else clinical_status(reading, statement, act, ended)
    over = state in codes.OVER
    asserted = diagnosed(statement)
    who, recorded_at = recorded(reading, PERSONS, statement, act)
    return {
        "extension": [{"url": _ASSERTED, "valueDateTime": asserted}] if asserted else None,
        "clinicalStatus": clinical("condition-clinical", state) if state else None,
        "verificationStatus": clinical("condition-ver-status", "entered-in-error") if nullified else None,
        "category": _categories(reading, statement, category),
        "severity": severity(reading, statement) or severity(reading, act),
        "code": None,
        "bodySite": [concept(each, reading) for each in children(statement, "targetSiteCode")],
        "subject": reading.patient,
        "encounter": visit or encounter(reading, statement, act),
        "onsetDateTime": None,
        "onsetAge": None,
        "abatementDateTime": ended,
        "_abatementDateTime": absent("unknown") if over and not ended and null_flavor(high) else None,
        "recordedDate": recorded_at,
        "recorder": who,
        "asserter": asserter(reading, statement, act),
        "evidence": None,
        "note": notes(reading, statement, act),
    }


# ── what stands inside ────────────────────────────────────────────────────────────────────────────


def _parts(statement: Node) -> list[Node]:
    kinds = (is_age, is_diagnosed, is_status, is_severity, is_rank)
    return [nested for _, nested in statements(statement) if any(kind(nested) for kind in kinds)]


def _evidence(reading: Reading, where: Where, statement: Node) -> list[Resource]:
    """What supports the problem (SPRT), as references; all else that stands inside is read for itself."""
    found: list[Resource] = []
    known = set(_parts(statement))
    for _, nested in statements(statement, "SPRT"):
        if nested not in known and not is_comment(nested) and not is_pointer(nested):
            found.extend(reading.ref(each) for each in reading.read(nested, where))
    others(reading, where, statement, known)
    return found


BY_TEMPLATE: dict[str, Reader] = {
    **dict.fromkeys((*_CONCERNS, *_HEALTH_CONCERNS), concern),
    **dict.fromkeys(_DIAGNOSES, diagnosis),
    **dict.fromkeys(_OBSERVATIONS, observation),
}


def _by_section(reading: Reading, where: Where, statement: Node) -> Sequence[Resource] | None:
    if not is_entry(statement) or (statement.tag == "observation" and _foreign(statement)):
        return None
    if statement.tag == "act":
        return concern(reading, where, statement)
    return observation(reading, where, statement) if statement.tag == "observation" else None


BY_SECTION: dict[str, Reader] = dict.fromkeys(
    "11450-4 11348-0 46241-6 42347-5 11535-2 78375-3 10219-4 10218-6 59769-0 75310-3".split(), _by_section
)
