"""What the parts of a statement say, whoever wrote them: concepts, denials, dates, who said so, what is left.

Shared by the readers of the entries. Templates name the parts in C-CDA; where they are missing (C32, IHE PCC, home-made
documents) codes do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from phr.ccda.read.datatypes import concept, measured
from phr.ccda.read.entries.indications import indicated
from phr.ccda.read.nodes import Node, at, child, children, has_template, is_null, statements
from phr.ccda.read.once import distinct
from phr.ccda.read.people import name, name_words, text
from phr.ccda.read.reading import Reading, Resource, Where
from phr.ccda.read.times import when
from phr.ccda.reading_codes import HL7, NO_CODE, PROBLEM_TYPES, SEVERITIES

Concept = dict[str, Any]

CCDA = "2.16.840.1.113883.10.20.22.4."
CCD1 = "2.16.840.1.113883.10.20.1."
IHE = "1.3.6.1.4.1.19376.1.5.3.1.4."
HITSP = "2.16.840.1.113883.3.88.11.83."
PERSONS = ("Practitioner", "PractitionerRole", "Patient", "RelatedPerson")

_SEVERITY = (f"{CCDA}8", f"{CCD1}55", f"{IHE}1")
_STATUS = (
    *(f"{CCDA}{number}" for number in ("28", "6")),
    *(f"{CCD1}{number}" for number in ("39", "47", "50", "57")),
    f"{IHE}1.1",
)
_COMMENT = (f"{CCDA}64", f"{CCD1}40", f"{IHE}2")
_ENTRY_REFERENCE = f"{CCDA}122"
_RANK = "2.16.840.1.113883.10.20.24.3.166"

# ── concepts ──────────────────────────────────────────────────────────────────────────────────────


def coded(system: str, code: str, display: str | None = None) -> Concept:
    """A CodeableConcept of one code that we choose ourselves."""
    coding = {"system": system, "code": code}
    return {"coding": [coding | {"display": display} if display else coding]}


def plain(found: Concept | None) -> Concept | None:
    """A concept without codes that are only a word for "unknown"; their displays stay."""
    if found is None:
        return None
    codings = found.get("coding", [])
    real = [each for each in codings if str(each["code"]).casefold() not in NO_CODE]
    words = found.get("text")
    if isinstance(words, str) and words.casefold() in NO_CODE:
        words = None
    result = {"coding": real, "text": words}
    return {key: value for key, value in result.items() if value} or None


def named(found: Concept | None, words: str | None) -> Concept | None:
    """A concept, with words where it has none."""
    if found is None:
        return {"text": words} if words else None
    if words and not found.get("text") and not any(each.get("display") for each in found.get("coding", ())):
        return found | {"text": words}
    return found


def meaning(reading: Reading, statement: Node, tag: str = "value") -> Concept | None:
    """What an observation says: its value, else the words that its text points at."""
    values = children(statement, tag)
    found = next((said for each in values if (said := plain(concept(each, reading)))), None)
    if found is None:
        found = next((said for each in values if (said := _literal(reading, each))), None)
    return named(found, reading.words(statement))


def _literal(reading: Reading, value: Node) -> Concept | None:
    """A value that is a number or plain words, in its attribute, inside it, or where its reference points."""
    pointer = at(value, "reference", "value")
    words = measured(value) or (reading.resolve(pointer) if pointer else None) or text(value)
    return {"text": words} if words else None


def cell(reading: Reading, row: Node, columns: Sequence[re.Pattern[str]]) -> str | None:
    """The words of a row of a table under the first heading that fits: "" if they are none, None without a heading."""
    table = next(row.iterancestors("table"), None)
    if row.tag != "tr" or table is None:
        return None
    cells = [each for each in row if each.tag in ("td", "th")]
    heads = reading.index.said.heads(table)
    pairs = [(head, reading.index.said.words(words) or "") for head, words in zip(heads, cells, strict=False)]
    found = [said for wanted in columns for head, said in pairs if wanted.search(head)]
    return next((each for each in found if each), "" if found else None)


def codes_of(found: Concept | None, *systems: str) -> list[str]:
    """The codes of a concept, of these systems when any are named."""
    codings = found.get("coding", ()) if found else ()
    return [str(each["code"]) for each in codings if not systems or each.get("system") in systems]


def words_of(found: Concept | None) -> str | None:
    """The words of a concept: its text, else the first display."""
    if found is None:
        return None
    displays = [each.get("display") for each in found.get("coding", ())]
    return next((str(each) for each in (found.get("text"), *displays) if each), None)


def within(found: Concept | None, codes: Collection[str]) -> str | None:
    """The first code of a concept that is in the set."""
    return next((code for code in codes_of(found) if code in codes), None)


def without(found: Concept | None, codes: Collection[str]) -> Concept | None:
    """A concept without some codes; None if nothing is left of it."""
    if found is None or within(found, codes) is None:
        return found
    left = [each for each in found["coding"] if each["code"] not in codes]
    gone = {each.get("display") for each in found["coding"] if each["code"] in codes}
    words = found.get("text")
    if words in gone:
        words = next((each["display"] for each in left if each.get("display")), None)
    result = {"coding": left, "text": words}
    return {key: value for key, value in result.items() if value} or None


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────


def is_comment(statement: Node) -> bool:
    """A Comment Activity, which `Reading.notes` reads."""
    return has_template(statement, *_COMMENT) or at(statement, "code", "code") == "48767-8"


def is_pointer(statement: Node) -> bool:
    """A statement that only names another one: an encounter, or an Entry Reference."""
    if has_template(statement, _ENTRY_REFERENCE):
        return True
    naming = all(each.tag in ("templateId", "id", "code", "statusCode") for each in statement)
    return naming and (statement.tag == "encounter" or is_null(child(statement, "code")))


def is_entry(statement: Node) -> bool:
    """Whether it stands in the section itself, or in an organizer there; what is nested belongs to a statement."""
    holder = statement.getparent()
    return holder is None or holder.tag != "entryRelationship"


def is_severity(statement: Node) -> bool:
    """A Severity Observation."""
    return has_template(statement, *_SEVERITY) or at(statement, "code", "code") == "SEV"


def is_status(statement: Node) -> bool:
    """A status observation of a problem, an allergy or a medicine."""
    return has_template(statement, *_STATUS) or at(statement, "code", "code") == "33999-4"


def is_rank(statement: Node) -> bool:
    """The rank of a diagnosis."""
    return has_template(statement, _RANK) or at(statement, "code", "code") == "263486008"


def parts(statement: Node | None, wanted: Any) -> list[Node]:
    """The nested statements of one kind."""
    return [nested for _, nested in statements(statement) if wanted(nested)]


def others(reading: Reading, where: Where, statement: Node, used: Iterable[Node]) -> list[Resource]:
    """Read what else stands inside in its own right: nothing nested is lost."""
    known = set(used)
    found: list[Resource] = []
    for _, nested in statements(statement):
        if nested not in known and not is_comment(nested) and not is_pointer(nested):
            found.extend(reading.read(nested, where))
    return found


def severity(reading: Reading, statement: Node | None) -> Concept | None:
    """How severe a reaction or a problem is, as its Severity Observation says."""
    found = (meaning(reading, each) for each in parts(statement, is_severity))
    return next((each for each in found if each), None)


def grade(found: Concept | None) -> str | None:
    """A severity as one of FHIR's three words."""
    code = within(found, SEVERITIES)
    if code:
        return SEVERITIES[code]
    words = (words_of(found) or "").casefold()
    return words if words in ("mild", "moderate", "severe") else None


def status(reading: Reading, statement: Node | None) -> Concept | None:
    """What the status observation inside a statement says."""
    found = (meaning(reading, each) for each in parts(statement, is_status))
    return next((each for each in found if each), None)


def reasons(
    reading: Reading, where: Where, statement: Node
) -> tuple[list[Concept], list[Resource], list[Node]]:
    """Why (typeCode RSON): concepts, references to Conditions made here, and the statements that said so."""
    concepts: list[Concept] = []
    references: list[Resource] = []
    used: list[Node] = []
    for _, reason in statements(statement, "RSON"):
        if is_refusal(reason) or is_comment(reason) or is_pointer(reason):
            continue
        used.append(reason)
        if (known := indicated(reading, reason)) is not None:
            references.append(known)
        elif reason.tag == "observation" and not _is_problem(reason):
            kind = without(plain(concept(child(reason, "code"), reading)), PROBLEM_TYPES)
            found = without(meaning(reading, reason), PROBLEM_TYPES) or kind
            if found and found not in concepts:
                concepts.append(found)
        else:
            made = [each for each in reading.read(reason, where) if each["resourceType"] == "Condition"]
            references.extend(reading.ref(each) for each in made)
    return concepts, references, used


def _is_problem(observation: Node) -> bool:
    """A whole Problem Observation, as opposed to an Indication."""
    return has_template(observation, f"{CCDA}4") and not has_template(observation, f"{CCDA}19")


def is_refusal(statement: Node) -> bool:
    """Immunization Refusal Reason, or why an action was not taken."""
    return has_template(statement, f"{CCDA}53", "2.16.840.1.113883.10.20.24.3.88") or at(
        statement, "code", "code"
    ) in ("77301-0",)


def refusal(reading: Reading, statement: Node) -> tuple[Concept | None, list[Node]]:
    """Why something was not done, and the statements that say so."""
    said = parts(statement, is_refusal)
    for each in said:
        found = plain(concept(child(each, "code"), reading))
        if found is None or "77301-0" in codes_of(found):
            found = meaning(reading, each)
        found = found or meaning(reading, each)
        if found:
            return found, said
    return None, said


# ── when and who ──────────────────────────────────────────────────────────────────────────────────


def start(node: Node | None) -> str | None:
    """When it began: the low of a time, or the time itself."""
    return when(child(node, "low")) or when(node)


def absent(reason: str) -> Resource:
    """The extension that says why an element has no value."""
    return {
        "extension": [
            {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": reason}
        ]
    }


def of_type(reference: Resource | None, types: Collection[str]) -> Resource | None:
    """A Reference, if the element takes what it points at; one with a display alone always."""
    if reference is None:
        return None
    target = str(reference.get("reference", ""))
    return reference if not target or target.partition("/")[0] in types else None


def recorded(
    reading: Reading, types: Collection[str], *holders: Node | None
) -> tuple[Resource | None, str | None]:
    """Who recorded it, if the element takes that kind of author, and when: as the statements themselves say."""
    for holder in holders:
        if holder is not None and child(holder, "author") is not None:
            who, time = reading.author(holder)
            return of_type(who, types), time
    return None, None


def informant(reading: Reading, statement: Node | None, types: Collection[str]) -> Resource | None:
    """Whoever told it: a provider, or a relative by name."""
    for each in children(statement, "informant"):
        assigned, related = child(each, "assignedEntity"), child(each, "relatedEntity")
        if assigned is not None and (found := of_type(reading.practitioner(assigned), types)):
            return found
        words = name_words(name(child(related, "relatedPerson/name")))
        if words:
            return {"display": words}
    return None


def asserter(reading: Reading, *holders: Node | None) -> Resource | None:
    """Who says that it is so: the informant, else whoever made the observation."""
    for holder in holders:
        if found := informant(reading, holder, PERSONS):
            return found
    for holder in holders:
        for each in reading.performers(holder) if holder is not None else ():
            if of_type(each, PERSONS):
                return each
    return None


def notes(reading: Reading, *holders: Node | None) -> list[Resource]:
    """The comments on statements that are one fact in FHIR, each once."""
    return distinct(each for holder in holders if holder is not None for each in reading.notes(holder))


def encounter(reading: Reading, *holders: Node | None) -> Resource | None:
    """The encounter that one of the statements names."""
    found = (reading.encounter(holder) for holder in holders if holder is not None)
    return next((each for each in found if each), None)


def clinical(kind: str, code: str) -> Concept:
    """A clinicalStatus or verificationStatus."""
    return coded(f"{HL7}/{kind}", code)
