"""Reactions to a substance: Reaction Observation (2.16.840.1.113883.10.20.22.4.9, before C-CDA 20.1.54).

They stand in an allergy or in a vaccination, by template or by typeCode MFST, each with its Severity Observation (4.8).
"""

from __future__ import annotations

from typing import Any

from phr.ccda.read.entries.meaning import (
    CCD1,
    CCDA,
    Concept,
    coded,
    grade,
    is_severity,
    is_status,
    meaning,
    others,
    parts,
    severity,
    start,
    words_of,
)
from phr.ccda.read.nodes import Node, attr, child, has_template, negated, statements
from phr.ccda.read.reading import Reading, Where
from phr.ccda.reading_codes import HL7

_REACTIONS = (f"{CCDA}9", f"{CCD1}54")
_UNKNOWN = coded(f"{HL7}/data-absent-reason", "unknown", "Unknown") | {"text": "Unknown"}
"""A manifestation is required; of some allergies only the severity is told."""


def is_reaction(statement: Node) -> bool:
    """A Reaction Observation by its template."""
    return has_template(statement, *_REACTIONS)


def reaction_nodes(holder: Node | None) -> list[Node]:
    """The reactions inside a statement."""
    return [
        nested
        for relation, nested in statements(holder)
        if is_reaction(nested)
        or (
            attr(relation, "typeCode") == "MFST"
            and nested.tag == "observation"
            and not (is_severity(nested) or is_status(nested))
        )
    ]


def reactions(reading: Reading, where: Where, observation: Node, act: Node | None) -> list[dict[str, Any]]:
    """The reactions; a severity of the whole allergy is that of each reaction which has none of its own."""
    whole = severity(reading, observation) or severity(reading, act)
    nodes = [*reaction_nodes(observation), *reaction_nodes(act)]
    found = [one for each in nodes if (one := _reaction(reading, where, each, whole))]
    if not found and whole is not None and (grade(whole) or words_of(whole)):
        found = [{"manifestation": [_UNKNOWN]} | _graded(whole)]
    return found


def _reaction(reading: Reading, where: Where, node: Node, whole: Concept | None) -> dict[str, Any] | None:
    own = severity(reading, node)
    others(reading, where, node, parts(node, is_severity))
    said = meaning(reading, node)
    if said is None and own is None:
        return None
    if negated(node):
        reading.skip(node, where, "It says that there was no such reaction.")
        return None
    return {
        "manifestation": [said or _UNKNOWN],
        "onset": start(child(node, "effectiveTime")),
        "note": reading.notes(node),
    } | _graded(own or whole)


def _graded(found: Concept | None) -> dict[str, Any]:
    """A severity; what is finer or other than FHIR's three words stays as words."""
    near, words = grade(found), words_of(found)
    exact = near is not None and (words is None or near in words.casefold().split())
    return {"description": None if exact or not words else f"Severity: {words}", "severity": near}
