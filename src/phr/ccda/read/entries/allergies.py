"""Allergies and intolerances: Allergy Concern Act and its observations as AllergyIntolerance.

Reads 2.16.840.1.113883.10.20.22.4.30 and 4.7, the alerts of CCD 1.x (20.1.27, 20.1.18), of C32 (83.6) and of IHE PCC
(4.5.3, 4.6), and observations without an act. "No known allergies" becomes a concept that denies, never an
allergy to something of that name; a substance that is denied becomes a refuted allergy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from phr.ccda.read.datatypes import concept
from phr.ccda.read.entries.denials import no_known_allergies, says_nothing
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
    is_entry,
    is_severity,
    is_status,
    meaning,
    named,
    notes,
    others,
    parts,
    plain,
    recorded,
    start,
    status,
    within,
    words_of,
)
from phr.ccda.read.entries.reactions import is_reaction, reaction_nodes, reactions
from phr.ccda.read.nodes import (
    Node,
    at,
    attr,
    child,
    children,
    has_template,
    negated,
    null_flavor,
    statements,
)
from phr.ccda.read.people import text
from phr.ccda.read.reading import Reader, Reading, Resource, Where
from phr.ccda.read.times import when
from phr.ccda.reading_codes import (
    ALLERGY_STATUSES,
    ALLERGY_VALUES,
    CLINICAL_STATUSES,
    CONCERN_STATUSES,
    CRITICALITIES,
    DENIABLE,
    NO_KNOWN_ALLERGIES,
    SNOMED_URI,
    SUBSTANCES,
)

SECTION = "48765-2"
_CONCERNS = (f"{CCDA}30", f"{IHE}5.3", f"{HITSP}6")
_OBSERVATIONS = (f"{CCDA}7", f"{CCD1}18", f"{IHE}6", "2.16.840.1.113883.10.20.24.3.90")
_CRITICALITY = f"{CCDA}145"
_ABATEMENT = "http://hl7.org/fhir/StructureDefinition/allergyintolerance-abatement"
# ── what is one ───────────────────────────────────────────────────────────────────────────────────


def is_concern(act: Node, where: Where) -> bool:
    """Whether an act of a template that problems have as well is about allergies."""
    return (
        has_template(act, *_CONCERNS)
        or where.code == SECTION
        or any(is_allergy(nested) for _, nested in statements(act, "SUBJ", "COMP"))
    )


def is_allergy(observation: Node) -> bool:
    """Whether an observation says that somebody does not tolerate something."""
    if observation.tag != "observation" or is_reaction(observation):
        return False
    return has_template(observation, *_OBSERVATIONS) or bool(_entities(observation))


def _is_criticality(statement: Node) -> bool:
    return has_template(statement, _CRITICALITY) or at(statement, "code", "code") == "82606-5"


def concern(reading: Reading, where: Where, act: Node) -> list[Resource]:
    """Each observation of the act is an allergy; an act without one may say it in words."""
    found = [
        nested
        for holder, nested in statements(act)
        if nested.tag == "observation"
        and attr(holder, "typeCode") != "MFST"
        and not (is_reaction(nested) or is_severity(nested) or is_status(nested) or _is_criticality(nested))
    ]
    made = [each for one in found for each in allergy(reading, where, one, act)]
    if not found:
        return allergy(reading, where, act)
    others(reading, where, act, [*found, *reaction_nodes(act), *parts(act, _is_part)])
    return made


def _is_part(statement: Node) -> bool:
    return is_severity(statement) or is_status(statement) or _is_criticality(statement)


def allergy(reading: Reading, where: Where, observation: Node, act: Node | None = None) -> list[Resource]:
    """One AllergyIntolerance for each substance that the observation names."""
    value = _value(reading, observation)
    found = _denied(value, negated(observation) or negated(act), _substances(reading, observation))
    if not found:
        if not _says(reading, observation, value):
            reading.skip(
                observation, where, "It says nothing about an allergy: no substance, no kind, no words."
            )
            return []
        found = [_named_by_value(reading, observation, value)]
    made = []
    for number, (substance, refuted) in enumerate(found):
        if says_nothing(substance):
            reading.skip(observation, where, "It says that nobody recorded whether there are allergies.")
            continue
        elements = _elements(reading, where, observation, act, value, substance, refuted=refuted)
        part = f"substance{number}" if number else ""
        made.append(reading.resource("AllergyIntolerance", observation, where, elements, part=part))
    return made


# ── to what ───────────────────────────────────────────────────────────────────────────────────────


def _value(reading: Reading, observation: Node) -> Concept | None:
    """What kind it is: the value; before C-CDA the code said it."""
    value = plain(concept(child(observation, "value"), reading))
    code = plain(concept(child(observation, "code"), reading))
    return code if value is None and within(code, ALLERGY_VALUES) not in (None, "ASSERTION") else value


def _entities(observation: Node) -> list[Node]:
    entities = []
    for each in children(observation, "participant"):
        role = child(each, "participantRole")
        if attr(each, "typeCode") in (None, "CSM") or attr(role, "classCode") == "MANU":
            entities.extend(children(role, "playingEntity"))
    return entities


def _substances(reading: Reading, observation: Node) -> list[Concept]:
    found = []
    for entity in _entities(observation):
        name = next((words for each in children(entity, "name") if (words := text(each))), None)
        codes = [plain(concept(each, reading)) for each in children(entity, "code")]
        substance = next((each for each in codes if each), None)
        if substance is not None and name and not codes_of(substance):
            substance = {"text": name}
        substance = named(substance, name) or named(None, name or text(child(entity, "desc")))
        if substance and substance not in found:
            found.append(substance)
    return found


def _denied(value: Concept | None, not_so: bool, substances: Sequence[Concept]) -> list[tuple[Concept, bool]]:
    """The substances, each with whether it is refuted; "no known …" as the concept that says so."""
    found: list[tuple[Concept, bool]] = []
    for each in substances:
        none_known = no_known_allergies(each)
        if not_so and (kind := within(each, SUBSTANCES)):
            none_known = coded(SNOMED_URI, *NO_KNOWN_ALLERGIES[SUBSTANCES[kind]])
        found.append((none_known, False) if none_known else (each, not_so))
    if found:
        return found
    none_known = no_known_allergies(value)
    if none_known:
        return [(none_known, False)]
    denied = within(value, DENIABLE)
    if not_so and (denied or not codes_of(value)):
        category = ALLERGY_VALUES[denied][0] if denied else None
        return [(coded(SNOMED_URI, *NO_KNOWN_ALLERGIES[category]), False)]
    return []


def _says(reading: Reading, observation: Node, value: Concept | None) -> bool:
    """Whether there is an allergy although no substance is named."""
    if null_flavor(observation) in ("NI", "NA", "NP", "NASK"):
        return False
    return bool(
        codes_of(value) or words_of(value) or reading.words(observation) or reaction_nodes(observation)
    )


def _named_by_value(reading: Reading, observation: Node, value: Concept | None) -> tuple[Concept, bool]:
    """The substance as the value names it ("allergy to penicillin"); a mere kind gives only its words.

    The code of a kind would make all unnamed allergies look like the same one.
    """
    words = reading.words(observation)
    if value is not None and within(value, ALLERGY_VALUES) is None:
        found = named(value, words) or value
    else:
        found = {"text": words or words_of(value) or "Unknown"}
    none_known = no_known_allergies(found)
    return (none_known, False) if none_known else (found, negated(observation))


# ── the resource ──────────────────────────────────────────────────────────────────────────────────


def _elements(
    reading: Reading,
    where: Where,
    observation: Node,
    act: Node | None,
    value: Concept | None,
    substance: Concept,
    *,
    refuted: bool,
) -> dict[str, Any]:
    nullified = "nullified" in (at(observation, "statusCode", "code"), at(act, "statusCode", "code"))
    kind = within(value, ALLERGY_VALUES)
    category, type_ = ALLERGY_VALUES[kind] if kind else (None, None)
    time = child(observation, "effectiveTime")
    ended = when(child(time, "high"))
    known = [*reaction_nodes(observation), *parts(observation, _is_part)]
    reacted = reactions(reading, where, observation, act)
    others(reading, where, observation, known)
    verification = "entered-in-error" if nullified else "refuted" if refuted else None
    onset = start(time) or (start(child(act, "effectiveTime")) if _of_c32(act) else None)
    recorder, time_recorded = recorded(reading, PERSONS, observation, act)
    return {
        "extension": [{"url": _ABATEMENT, "valueDateTime": ended}] if ended else None,
        "clinicalStatus": None if nullified else _clinical_status(reading, observation, act),
        "verificationStatus": clinical("allergyintolerance-verification", verification)
        if verification
        else None,
        "type": type_,
        "category": [category] if category else None,
        "criticality": _criticality(reading, observation, act),
        "code": _apart(substance, reacted),
        "patient": reading.patient,
        "encounter": encounter(reading, observation, act),
        "onsetDateTime": onset,
        "recordedDate": time_recorded,
        "recorder": recorder,
        "asserter": asserter(reading, observation, act),
        "note": [*notes(reading, observation, act), *_kind_note(value, substance, kind)],
        "reaction": reacted,
    }


def _of_c32(act: Node | None) -> bool:
    """Before C-CDA the act had the dates of the problem; there they say how long it has been listed."""
    return act is not None and has_template(act, f"{CCD1}27") and not has_template(act, f"{CCDA}30")


def _kind_note(value: Concept | None, substance: Concept, kind: str | None) -> list[dict[str, str]]:
    """A value that is no known kind says something of its own: it is kept in words."""
    words = words_of(value)
    if kind or not words or substance.get("text") == words or _same(value, substance):
        return []
    return [{"text": words}]


def _apart(substance: Concept, reacted: list[dict[str, Any]]) -> Concept:
    """The substance; not by the words of its reaction, to which the originalText of some systems points."""
    words = {str(m.get("text")).casefold() for one in reacted for m in one["manifestation"]}
    display = next((each["display"] for each in substance.get("coding", ()) if each.get("display")), None)
    if display and str(substance.get("text")).casefold() in words:
        return substance | {"text": display}
    return substance


def _same(one: Concept | None, other: Concept) -> bool:
    return bool(set(codes_of(one)) & set(codes_of(other)))


def _clinical_status(reading: Reading, observation: Node, act: Node | None) -> Concept:
    said = status(reading, observation) or status(reading, act)
    code = CLINICAL_STATUSES.get(within(said, CLINICAL_STATUSES) or "") or _word(said)
    high = child(observation, "effectiveTime/high")
    if code is None and (when(high) or null_flavor(high) == "UNK"):
        code = "resolved"
    code = code or CONCERN_STATUSES.get(at(act, "statusCode", "code") or "")
    if code is None:
        return absent("unknown")
    return clinical("allergyintolerance-clinical", ALLERGY_STATUSES.get(code, code))


def _word(said: Concept | None) -> str | None:
    words = (words_of(said) or "").casefold()
    return words if words in ("active", "inactive", "resolved") else None


def _criticality(reading: Reading, *holders: Node | None) -> str | None:
    for holder in holders:
        for each in parts(holder, _is_criticality):
            code = within(meaning(reading, each), CRITICALITIES)
            if code:
                return CRITICALITIES[code]
    return None


BY_TEMPLATE: dict[str, Reader] = {
    **dict.fromkeys(_CONCERNS, concern),
    **dict.fromkeys(_OBSERVATIONS, allergy),
}


def _by_section(reading: Reading, where: Where, statement: Node) -> Sequence[Resource] | None:
    if not is_entry(statement):
        return None
    if statement.tag == "act":
        return concern(reading, where, statement)
    return allergy(reading, where, statement) if statement.tag == "observation" else None


BY_SECTION: dict[str, Reader] = {SECTION: _by_section}
