"""What the readers of results, observations, procedures and plans have in common.

Status, words, authors, notes, codes of ours, nested statements: CDA R2 writes them the same way in every
class of clinical statement, and so they are read in one place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from phr.ccda.read.datatypes import concept, text
from phr.ccda.read.entries.indications import indicated
from phr.ccda.read.entries.meaning import plain
from phr.ccda.read.nodes import Node, at, attr, child, children, has_template, is_null, negated, statements

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reading, Resource, Where

ROOT = "2.16.840.1.113883.10.20.22.4."
CCD = "2.16.840.1.113883.10.20.1."
IHE = "1.3.6.1.4.1.19376.1.5.3.1.4."
HITSP = "2.16.840.1.113883.3.88.11.83."
HL7 = "http://terminology.hl7.org/CodeSystem"
NEGATED = "The source says that this was not so, or was not done"
_COMMENTS = (f"{ROOT}64", f"{CCD}40", f"{IHE}2")
_POINTER = f"{ROOT}122"
_NAMING = frozenset(("templateId", "id", "code", "statusCode", "realmCode", "typeId"))
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def roots(prefix: str, *numbers: str) -> tuple[str, ...]:
    """Several templates below one root."""
    return tuple(prefix + number for number in numbers)


def mood(node: Node) -> str:
    """What kind of statement it is: something that happened, a plan, an order, a goal …"""
    return (attr(node, "moodCode") or "EVN").upper()


def status(node: Node, table: Mapping[str, str], missing: str) -> str:
    """Its ActStatus as FHIR status."""
    return table.get((at(node, "statusCode", "code") or "").lower(), missing)


def instant(moment: str | None) -> str | None:
    """A time that is exact enough for a FHIR instant; a day is not."""
    return moment if moment and _INSTANT.fullmatch(moment) else None


# ── words ─────────────────────────────────────────────────────────────────────────────────────────


def words(reading: Reading, node: Node) -> str | None:
    """What the text of a statement says, in place or in the narrative.

    A row of a table repeats the code, the date and the value: it is no further fact, and is left to the narrative.
    """
    said = child(node, "text")
    pointer = at(said, "reference", "value")
    target = reading.index.target(pointer) if pointer else None
    if target is not None and target.tag not in ("tr", "table", "tbody", "text"):
        return reading.index.said.words(target)
    return text(said)


def named(reading: Reading, node: Node, path: str = "code") -> dict[str, Any] | None:
    """The code of a statement; without one, its words."""
    found = meant(reading, child(node, path))
    if found is not None:
        return found
    said = None if _nameless(reading, node) else reading.words(node)
    return {"text": said} if said else None


def _nameless(reading: Reading, node: Node) -> bool:
    """Whether its words are a row of a table whose first cell, the name, is empty."""
    pointer = at(node, "text/reference", "value")
    target = reading.index.target(pointer) if pointer else None
    return target is not None and target.tag == "tr" and len(target) > 0 and text(target[0]) is None


def meant(reading: Reading, node: Node | None) -> dict[str, Any] | None:
    """A CD as CodeableConcept, without codes that are only a word for "unknown"."""
    return plain(concept(node, reading))


def label(found: Mapping[str, Any] | None) -> str | None:
    """A CodeableConcept in words."""
    if not found:
        return None
    displays = (each.get("display") or each.get("code") for each in found.get("coding", ()))
    return found.get("text") or next((said for said in displays if said), None)


def denied(found: Mapping[str, Any]) -> dict[str, Any]:
    """A concept that is not so. FHIR cannot negate a code, so only the words may stand there."""
    numbers = ", ".join(numbers_of(found))
    return {"text": f"Not: {label(found)}" + (f" ({numbers})" if numbers else "")}


def numbers_of(found: Mapping[str, Any]) -> list[str]:
    """The codes of a concept with their systems, to be read by people."""
    return [f"{each.get('system', '')} {each['code']}".strip() for each in found.get("coding", ())]


def has_code(found: Mapping[str, Any] | None, *wanted: str) -> bool:
    """Whether one of the codings of a concept has one of these codes."""
    return bool(found) and any(each.get("code") in wanted for each in (found or {}).get("coding", ()))


def remarks(reading: Reading, node: Node, *further: str | None) -> list[dict[str, Any]]:
    """The Comment Activities of a statement, and what else is to be said in words."""
    return [*reading.notes(node), *({"text": said} for said in further if said)]


def refusal(reading: Reading, node: Node) -> str | None:
    """The words of a negated statement: they often say what the codes do not."""
    return words(reading, node) if negated(node) else None


# ── people ────────────────────────────────────────────────────────────────────────────────────────


def own_author(reading: Reading, *nodes: Node | None) -> tuple[dict[str, Any] | None, str | None]:
    """The author of the first of these statements that names one itself; who wrote the document is no fact."""
    for node in nodes:
        if node is not None and has_author(reading, node):
            return reading.author(node)
    return None, None


def has_author(reading: Reading, node: Node) -> bool:
    """Whether a statement names an author itself."""
    return reading.once("has author", node, lambda: child(node, "author") is not None)


def persons(reference: Mapping[str, Any] | None, *types: str) -> dict[str, Any] | None:
    """The reference, if a resource of its type may stand here."""
    target = str((reference or {}).get("reference", ""))
    return dict(reference) if reference and target.startswith(tuple(f"{each}/" for each in types)) else None


# ── nested statements ─────────────────────────────────────────────────────────────────────────────


def is_comment(node: Node) -> bool:
    """Whether it is a Comment Activity, which `Reading.notes` reads."""
    return has_template(node, *_COMMENTS) or at(node, "code", "code") == "48767-8"


def is_pointer(node: Node) -> bool:
    """Whether it only names a statement that stands elsewhere (Entry Reference, 4.122)."""
    if has_template(node, _POINTER):
        return True
    code = child(node, "code")
    return all(each.tag in _NAMING for each in node) and (is_null(code) or node.tag == "encounter")


def within(node: Node, *taken: Node) -> Iterator[tuple[str, Node]]:
    """Type code and statement of all that stands inside and has no place of its own in the resource."""
    known = set(taken)
    for holder, inner in statements(node):
        if inner not in known and not is_comment(inner) and not is_pointer(inner):
            yield (attr(holder, "typeCode") or "COMP").upper(), inner


def read_within(reading: Reading, where: Where, node: Node, *taken: Node) -> list[tuple[str, list[Resource]]]:
    """Read all that stands inside through the same dispatch."""
    return [(kind, reading.read(inner, where)) for kind, inner in within(node, *taken)]


def references(reading: Reading, made: Iterable[Resource], *types: str) -> list[dict[str, Any]]:
    """References to those resources that are of these types."""
    return [reading.ref(each) for each in made if each["resourceType"] in types]


def organizer_of(node: Node) -> Node | None:
    """The organizer that a statement is a component of."""
    holder = node.getparent()
    outer = holder.getparent() if holder is not None and holder.tag == "component" else None
    return outer if outer is not None and outer.tag == "organizer" else None


def reasons(reading: Reading, where: Where, node: Node) -> dict[str, Any]:
    """`reasonCode` and `reasonReference`: Indications (4.19), and problems that stand inside whole."""
    found: dict[str, Any] = {"reasonCode": [], "reasonReference": []}
    for _, inner in statements(node, "RSON"):
        if is_comment(inner):
            continue
        made = [] if has_template(inner, f"{ROOT}19") else reading.read(inner, where)
        meant = references(reading, made, "Condition", "Observation", "Procedure", "DiagnosticReport")
        meant += [known] if not meant and (known := indicated(reading, inner)) else []
        found["reasonReference"] += meant
        why = named(reading, inner, "value" if child(inner, "value") is not None else "code")
        if why is not None and not meant:
            found["reasonCode"].append(why)
    return found


def reason_nodes(node: Node) -> list[Node]:
    """The statements that `reasons` reads."""
    return [inner for _, inner in statements(node, "RSON")]


def roles(node: Node, *type_codes: str) -> list[Node]:
    """The participantRoles of these type codes."""
    found = [each for each in children(node, "participant") if attr(each, "typeCode") in type_codes]
    return [role for each in found if (role := child(each, "participantRole")) is not None]
