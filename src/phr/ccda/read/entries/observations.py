"""An observation of any kind as Observation: the part that results, vital signs and histories share.

The other direction of `phr.ccda.sections.values`: Result Observation (2.16.840.1.113883.10.20.22.4.2) and
its kin, by the Observation map of C-CDA on FHIR.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from phr.ccda import codes
from phr.ccda import reading_measures as tables
from phr.ccda.read.datatypes import distinct, moment_or_period, text, value
from phr.ccda.read.entries import panels
from phr.ccda.read.entries.devices import device, device_roles
from phr.ccda.read.entries.meaning import coded
from phr.ccda.read.entries.parts import (
    HL7,
    NEGATED,
    has_code,
    instant,
    label,
    meant,
    numbers_of,
    organizer_of,
    own_author,
    read_within,
    references,
    refusal,
    remarks,
    status,
    words,
)
from phr.ccda.read.entries.ranges import ranges
from phr.ccda.read.entries.specimens import specimen
from phr.ccda.read.nodes import Node, attr, child, children, is_null, negated, templates, xsi_type
from phr.ccda.read.once import same

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reader, Reading, Resource, Where

Category = tuple[str, str, str]
_INTERPRETATION = codes.backward(codes.SYSTEMS)[codes.INTERPRETATION]
_NORMALCY = "urn:oid:2.16.840.1.113883.1.11.78"  # the value set, which C32 writes for the code system
_SAYS_NOTHING = "It says nothing: neither what was observed nor what came of it."
_OF_COMPONENT = ("code", "dataAbsentReason", "interpretation", "referenceRange")
_SHARED = 20
"""Performers of a group up to which each of its members names them too; more stand on the report alone."""
_HAS_VALUE = re.compile(r"value[A-Z]")


def observation(
    reading: Reading, where: Where, node: Node, *categories: Category, **own: Any
) -> Resource | None:
    """One statement as Observation of these categories; None if it says nothing. `own` elements take precedence."""
    whole = panels.whole_of(reading, node)
    if whole is not None and whole is not organizer_of(node):
        return next(
            (each for each in reading.read(whole, where) if each["resourceType"] == "Observation"), None
        )
    elements = content(reading, where, node) | own
    parts = [component(reading, where, each) for each in panels.components(reading, node)]
    if parts:
        elements["component"] = [*elements.get("component", ()), *parts]
    if not elements.get("code"):
        if not any(_says(key, what) for key, what in elements.items()) and not elements.get("note"):
            reading.skip(node, where, _SAYS_NOTHING)
            return None
        elements["code"] = {"text": where.title or "Observation"}
    nested = read_within(reading, where, node)
    members = [made for kind, found in nested if kind == "COMP" for made in found]
    members = same([*members, *panels.members(reading, node)])
    grounds = [made for kind, found in nested if kind == "SPRT" for made in found]
    elements["hasMember"] = references(reading, members, "Observation")
    elements["derivedFrom"] = references(reading, grounds, "Observation", "DocumentReference")
    if elements["hasMember"] or "component" in elements:
        _drop_unknown(elements)
    elements = {"category": categorized(reading, node, *categories)} | elements
    return reading.resource("Observation", node, where, elements)


def _says(key: str, what: Any) -> bool:
    """Whether an element is an answer that can be read without its question: no bare code of the sender's own."""
    if not _HAS_VALUE.match(key):
        return False
    codings = what.get("coding", ()) if key == "valueCodeableConcept" else ()
    own = all(str(each.get("system", "urn:oid:")).startswith("urn:oid:") for each in codings)
    return (
        not codings
        or bool(label({"text": what.get("text")}))
        or not own
        or any("display" in each for each in codings)
    )


def component(reading: Reading, where: Where, node: Node) -> dict[str, Any]:
    """An observation as a component of another one."""
    elements = content(reading, where, node)
    return {key: what for key, what in elements.items() if key in _OF_COMPONENT or _HAS_VALUE.match(key)}


def categorized(reading: Reading, node: Node, *usual: Category) -> list[dict[str, Any]]:
    """The categories that the statement names itself (`sdtc:category`), with the usual ones unless it says otherwise."""
    said_so = children(node, "sdtc:category")
    own = [found for each in said_so if (found := meant(reading, each))]
    if said_so and not own:
        return []  # the source does not say of what kind it is; the section does not know better
    systems = {coding.get("system") for each in own for coding in each.get("coding", ())}
    said = systems & {tables.CATEGORY, f"{HL7}/v2-0074", tables.FUNCTIONAL[0]}
    return [*([] if said else [coded(*each) for each in dict.fromkeys(usual)]), *own]


def _drop_unknown(elements: dict[str, Any]) -> None:
    """A group needs no value of its own, so none is missing."""
    if has_code(elements.get("dataAbsentReason"), "unknown"):
        del elements["dataAbsentReason"]


def content(reading: Reading, where: Where, node: Node) -> dict[str, Any]:
    """Everything but the category and the nested statements."""
    group = organizer_of(node)
    who, issued = own_author(reading, node, group)
    subject = code(reading, node)
    answer, extra = _answer(reading, node, subject)
    sites, methods = (
        [found for each in children(node, tag) if (found := meant(reading, each))]
        for tag in ("targetSiteCode", "methodCode")
    )
    further = [label(each) for each in (*sites[1:], *methods[1:])]
    refused = refusal(reading, node)
    return {
        "status": _status(node, answer),
        "code": subject,
        "subject": reading.patient,
        "encounter": reading.encounter(node) or (reading.encounter(group) if group is not None else None),
        **_effective(reading, node, group),
        "issued": instant(issued),
        "performer": performers(reading, who, node, group),
        **answer,
        "interpretation": interpretations(reading, node),
        "note": remarks(reading, node, extra, refused if refused != label(subject) else None, *further),
        "bodySite": sites[0] if sites else None,
        "method": methods[0] if methods else None,
        "specimen": specimen(reading, where, node),
        "device": _device(reading, where, node),
        "referenceRange": ranges(reading, node),
    }


def performers(
    reading: Reading, who: dict[str, Any] | None, node: Node, group: Node | None
) -> list[dict[str, Any]]:
    """The author, who answers for it, and whoever performed it; those of the group where it names none."""
    shared = reading.performers(group) if group is not None else []
    own = reading.performers(node) or (shared if len(shared) <= _SHARED else [])
    return [*([who] if who else []), *(each for each in own if each != who)]


def _device(reading: Reading, where: Where, node: Node) -> dict[str, Any] | None:
    """What it was measured with: not a device of the patient."""
    found = (device(reading, where, role, node, owned=False) for role in device_roles(node))
    return next((reading.ref(each) for each in found if each is not None), None)


def _status(node: Node, answer: dict[str, Any]) -> str:
    """What is still being worked on but has a value already is preliminary."""
    found = status(node, tables.RESULT_STATUSES, "unknown")
    there = any(_HAS_VALUE.match(key) for key in answer)
    return "preliminary" if found == "registered" and there else found


def _effective(reading: Reading, node: Node, group: Node | None) -> dict[str, Any]:
    own = moment_or_period(child(node, "effectiveTime"), "effective")
    if own or group is None:
        return own
    return dict(
        reading.once("effective", group, lambda: moment_or_period(child(group, "effectiveTime"), "effective"))
    )


def code(reading: Reading, node: Node) -> dict[str, Any] | None:
    """What was observed. Where the code is null or says only "assertion", the template knows."""
    found = _named(meant(reading, child(node, "code")))
    if found is not None and not has_code(found, "ASSERTION"):
        return found
    known = next(
        (tables.TEMPLATE_CODES[each] for each in templates(node) if each in tables.TEMPLATE_CODES), None
    )
    if (
        known is not None
        and found is None
        and (own := words(reading, node)) is not None
        and is_null(child(node, "value"))
    ):
        return {"text": own}
    if known is not None:
        system, number, display = known
        others = [
            each for each in (found or {}).get("coding", ()) if each["code"] not in ("ASSERTION", number)
        ]
        first = coded(system, number, display) if system and number else {"text": display}
        return first | {"coding": [*first.get("coding", ()), *others]} if others else first
    own = reading.words(node) if found is None else None
    return found or ({"text": own} if own else None)


def _named(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """Without the LOINC code that only says that there is none ("Clinical finding", demanded beside other codes)."""
    codings = [each for each in (found or {}).get("coding", ()) if each["code"] != "75280-8"]
    if found is None or codings == found.get("coding", []) or not (codings or found.get("text")):
        return found
    return {
        **({"coding": codings} if codings else {}),
        **({"text": found["text"]} if "text" in found else {}),
    }


# ── values ────────────────────────────────────────────────────────────────────────────────────────


def _answer(
    reading: Reading, node: Node, subject: dict[str, Any] | None
) -> tuple[dict[str, Any], str | None]:
    """`value[x]`, further values as components, and in words what a negation denies."""
    found: dict[str, Any] = {}
    for each in children(node, "value"):
        one = value(each, reading)
        if not found or "dataAbsentReason" in found:
            found = one or found
        elif one and "dataAbsentReason" not in one and subject:
            # a score and the answer it stands for: FHIR has room for one value
            found.setdefault("component", []).append({"code": subject} | one)
    return _denied(found) if negated(node) else (found, _unsaid(reading, node, subject, found))


def _unsaid(
    reading: Reading, node: Node, subject: dict[str, Any] | None, answer: dict[str, Any]
) -> str | None:
    """Words of the statement that neither code nor value repeat: all of them if it has no value, else those in place."""
    there = any(_HAS_VALUE.match(key) for key in answer)
    said = text(child(node, "text")) if there else words(reading, node)
    known = (label(subject), label(answer.get("valueCodeableConcept")), answer.get("valueString"))
    repeated = said is None or any(said.casefold() in each.casefold() for each in known if each)
    return None if repeated else said


def _denied(found: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """What a negated statement says is not so. FHIR cannot negate a value, so its code must not stand there."""
    denied = found.get("valueCodeableConcept")
    if not denied:
        if any(_HAS_VALUE.match(key) for key in found):
            said = next((str(what) for key, what in found.items() if _HAS_VALUE.match(key)), "")
            return {"valueString": f"Not: {said}"}, f"{NEGATED}."
        return {"dataAbsentReason": coded(f"{HL7}/data-absent-reason", "not-performed")}, f"{NEGATED}."
    numbers = ", ".join(numbers_of(denied))
    denial = f"{NEGATED}: {label(denied)}" + (f" ({numbers})." if numbers else ".")
    return {"valueCodeableConcept": {"text": f"Not: {label(denied)}"}}, denial


def interpretations(reading: Reading, node: Node) -> list[dict[str, Any]]:
    """High, low, abnormal …; each as said."""
    found = []
    for each in children(node, "interpretationCode"):
        one = meant(reading, each)
        if one is not None:
            for coding in one.get("coding", ()):
                if coding.get("system") in (_NORMALCY, None):
                    coding["system"] = _INTERPRETATION
            found.append(one)
    return found


# ── by section ────────────────────────────────────────────────────────────────────────────────────


def section_category(where: Where) -> tuple[Category, ...]:
    """The category that a section gives to what stands in it."""
    if where.code in tables.LABORATORY_SECTIONS:
        return (tables.LABORATORY,)
    found = tables.SECTION_CATEGORIES.get(where.code or "")
    return (found,) if found else ()


def plain(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """An observation with nothing of its own kind, in the category of its section."""
    if node.tag != "observation":
        return None
    made = observation(reading, where, node, *section_category(where))
    return [made] if made else []


def panel(reading: Reading, where: Where, node: Node, *categories: Category) -> list[Resource] | None:
    """An organizer that is no report: an Observation that has its members, if it says what they have in common."""
    if node.tag != "organizer":
        return None
    parts = panels.components(reading, node)
    made, held = panels.read_group(reading, where, node, *parts)
    subject = meant(reading, child(node, "code"))
    members = references(reading, same([*held, *panels.members(reading, node)]), "Observation")
    if subject is None or not (members or parts):
        if not made:
            reading.skip(node, where, "It is a group without members.")
        return made
    who, issued = own_author(reading, node)
    elements = {
        "status": status(node, tables.RESULT_STATUSES, "unknown"),
        "category": categorized(reading, node, *(categories or section_category(where))),
        "code": subject,
        "subject": reading.patient,
        "encounter": reading.encounter(node),
        **moment_or_period(child(node, "effectiveTime"), "effective"),
        "issued": instant(issued),
        "performer": performers(reading, who, node, None),
        "note": distinct(note for each in (node, *parts) for note in remarks(reading, each)),
        "hasMember": members,
        "component": [component(reading, where, each) for each in parts],
    }
    return [*made, reading.resource("Observation", node, where, elements)]


def is_quantity(node: Node | None) -> bool:
    """Whether a value is a number with a unit."""
    return node is not None and (xsi_type(node) or "PQ").upper() == "PQ" and attr(node, "value") is not None


BY_TEMPLATE: dict[str, Reader] = {
    "2.16.840.1.113883.10.20.22.4.124": plain,
    "2.16.840.1.113883.10.20.22.4.138": plain,
    "2.16.840.1.113883.10.20.22.4.144": plain,
    "2.16.840.1.113883.10.20.22.4.110": plain,
    "2.16.840.1.113883.10.20.22.4.143": plain,
}
BY_SECTION: dict[str, Reader] = {"29545-1": plain}
