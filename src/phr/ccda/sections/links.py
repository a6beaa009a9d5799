"""What many entries have besides themselves: the visit they belong to, what they rest on, how urgent they are.

Follows Entry Reference (2.16.840.1.113883.10.20.22.4.122): an act that has the id of another entry of the document.
"""

from __future__ import annotations

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.datatypes import code, ids
from phr.ccda.desk import Desk
from phr.ccda.sections.frame import related, said, template
from phr.ccda.xml import Element, el, null
from phr.fhir.read import concept_text, dicts, first, listed, reference, text

_VISIT_KEYS = ("encounter", "context")


def entry_reference(target: Entry) -> Element:
    """An act that only says which other entry is meant."""
    return el(
        "act",
        template("4.122"),
        ids(target),
        null("code", "NP"),
        el("statusCode", code="completed"),
        classCode="ACT",
        moodCode="EVN",
    )


def visit(desk: Desk, entry: Entry) -> Element | None:
    """The encounter of an entry, if it is in the document as well."""
    for key in _VISIT_KEYS:
        found = desk.find(entry, first(entry.resource.get(key)))
        if found is not None and found.type == "Encounter" and desk.lives(found):
            return related("REFR", entry_reference(found))
    return None


def pointed(desk: Desk, entry: Entry, type_code: str, *pointers: object) -> list[Element | None]:
    """What an entry rests on or belongs to, as far as it is in the document."""
    found = [desk.find(entry, each) for pointer in pointers for each in listed(pointer)]
    return [
        related(type_code, entry_reference(each))
        for each in found
        if each is not None and desk.lives(each) and each.type in _WRITTEN
    ]


_WRITTEN = frozenset(
    """AllergyIntolerance Condition Observation DiagnosticReport Procedure Immunization Encounter Goal
    MedicationRequest MedicationStatement MedicationAdministration""".split()
)
"""Resources whose identifiers stand on an entry."""


def words_of(desk: Desk, entry: Entry, *pointers: object) -> list[str | None]:
    """What References mean, in words: the code or the name of what they point at, else their display."""
    return [
        words
        for pointer in pointers
        for each in listed(pointer)
        if (words := _words(desk, entry, each)) is not None
    ]


def beside(desk: Desk, entry: Entry, references: object) -> list[str | None]:
    """What it names beside, in words: the places of it, and what else it rests on."""
    places: list[object] = []
    others: list[object] = []
    for each in listed(references):
        found = desk.find(entry, each)
        named = found.type if found is not None else (reference(each) or "").partition("/")[0]
        (places if named == "Location" else others).append(each)
    return [said("at", *words_of(desk, entry, *places)), said("rests on", *words_of(desk, entry, *others))]


def _words(desk: Desk, entry: Entry, pointer: object) -> str | None:
    found = desk.find(entry, pointer)
    if found is not None and found.type == "Patient":
        return "the patient"
    resource = found.resource if found is not None else {}
    for key in ("code", "description", "type", "vaccineCode", "medicationCodeableConcept"):
        if words := concept_text(resource.get(key)):
            return words
    for key in ("title", "name"):
        if words := text(resource.get(key)):
            return words
    return text(pointer.get("display")) if isinstance(pointer, dict) else None


def priority_code(resource: dict[str, object]) -> Element | None:
    """`priorityCode` (v3 ActPriority) of how urgent something is."""
    said = resource.get("priority")
    known = codes.PRIORITIES.get(text(said) or "") or next(
        (each for each in _priorities(said) if each in codes.PRIORITY_NAMES), None
    )
    return code("priorityCode", known, codes.ACT_PRIORITY, codes.PRIORITY_NAMES[known]) if known else None


def _priorities(said: object) -> list[str]:
    return [
        own
        for each in dicts(said)
        for coding in dicts(each.get("coding"))
        if (own := text(coding.get("code")))
    ]


def priority_words(resource: dict[str, object]) -> str | None:
    """How urgent it is, in words; routine is nothing to remark."""
    said = concept_text(resource.get("priority")) or text(resource.get("priority"))
    return None if said in (None, "routine") else said
