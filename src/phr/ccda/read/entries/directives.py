"""Advance directives: an Advance Directive Observation as Consent.

The other direction of `phr.ccda.sections.directives`. Follows 2.16.840.1.113883.10.20.22.4.48 and 4.108,
CCD 1.x (10.20.1.17) and IHE (4.13.7). A directive that there is not is a Consent that is inactive, and says so in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.ccda.read.datatypes import span, text, value, when
from phr.ccda.read.entries.meaning import coded
from phr.ccda.read.entries.parts import (
    CCD,
    HITSP,
    HL7,
    IHE,
    ROOT,
    denied,
    is_comment,
    label,
    meant,
    named,
    own_author,
    persons,
    read_within,
    roles,
    roots,
    within,
    words,
)
from phr.ccda.read.nodes import Node, at, attr, child, children, has_template, negated

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reader, Reading, Resource, Where

_OBSERVATION = (*roots(ROOT, "48"), *roots(CCD, "17"), *roots(IHE, "13.7"), *roots(HITSP, "12"))
_ORGANIZER = roots(ROOT, "108")
_STATUS = (*roots(CCD, "37"), *roots(IHE, "1.1"))
_PERFORMERS = ("Organization", "Patient", "Practitioner", "RelatedPerson", "PractitionerRole")
_STATUSES = {
    "aborted": "inactive",
    "cancelled": "inactive",
    "nullified": "entered-in-error",
    "active": "active",
}
_LOINC_DIRECTIVE = "75320-2"


def directive(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """What the person wants to be done, or not."""
    if node.tag == "organizer":
        held = [each for _, made in read_within(reading, where, node) for each in made]
        if not held:
            reading.skip(node, where, "It holds no directive.")
        return held
    if node.tag != "observation" or is_comment(node):
        return None
    category = _category(named(reading, node))
    if negated(node) and category is not None:
        category = denied(category)
    answer = _answer(reading, node)
    if category is None and answer is None:
        reading.skip(node, where, "It does not say what is wanted.")
        return []
    who, written = own_author(reading, node)
    return [
        reading.resource(
            "Consent",
            node,
            where,
            {
                "status": _status(node),
                "scope": coded(f"{HL7}/consentscope", "adr", "Advanced Care Directive"),
                "category": [
                    category or coded("http://loinc.org", "42348-3", "Advance healthcare directives")
                ],
                "patient": reading.patient,
                "dateTime": written,
                "performer": [found for each in [who] if (found := persons(each, *_PERFORMERS))],
                "sourceAttachment": _document(node),
                "policyRule": {"text": label(category) or label(answer) or "Advance directive"},
                "verification": _verified(reading, node),
                "provision": _provision(reading, node, answer),
            },
        ),
        *_others(reading, where, node),
    ]


def _status(node: Node) -> str:
    """A directive that there is not, is not in force."""
    return (
        "inactive"
        if negated(node)
        else _STATUSES.get((at(node, "statusCode", "code") or "").lower(), "active")
    )


def _category(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """Without the translation that every Advance Directive Observation carries, unless there is no other code."""
    codings = (found or {}).get("coding", [])
    own = [each for each in codings if each["code"] != _LOINC_DIRECTIVE]
    if found is None or not own:
        return found
    return found | {"coding": own}


def _answer(reading: Reading, node: Node) -> dict[str, Any] | None:
    """What was decided: a code, or words."""
    found = meant(reading, child(node, "value"))
    if found is not None and (found.get("coding") or label(found)):
        return found
    said = value(child(node, "value"), reading)
    plain = next((what for key, what in said.items() if key in ("valueString", "valueBoolean")), None)
    return None if plain is None else {"text": str(plain).lower() if isinstance(plain, bool) else plain}


def _provision(reading: Reading, node: Node, answer: dict[str, Any] | None) -> dict[str, Any]:
    said = (label(answer) or "").casefold()
    kind = (
        "deny"
        if negated(node) or said in ("deny", "false")
        else "permit"
        if said in ("permit", "true")
        else None
    )
    own = answer if kind is None or negated(node) or (answer or {}).get("coding") else None
    about = [each for each in (own, _unsaid(reading, node, answer)) if each is not None]
    return {
        "type": kind,
        "period": span(child(node, "effectiveTime")),
        "actor": _actors(reading, node),
        "code": about,
    }


def _unsaid(reading: Reading, node: Node, answer: dict[str, Any] | None) -> dict[str, Any] | None:
    """Words and comments that neither code nor value repeat."""
    said = [words(reading, node), *(each["text"] for each in reading.notes(node))]
    known = [text_ for text_ in (label(named(reading, node)), label(answer)) if text_]
    new = [each for each in said if each and not any(each.casefold() in one.casefold() for one in known)]
    return {"text": "; ".join(new)} if new else None


def _actors(reading: Reading, node: Node) -> list[dict[str, Any]]:
    """Who decides for the person (custodian, agent)."""
    found = [(role, reading.practitioner(role)) for role in roles(node, "CST")]
    return [
        {"role": coded(f"{HL7}/v3-ParticipationType", "CST", "custodian"), "reference": who}
        for _, who in found
        if who is not None
    ]


def _verified(reading: Reading, node: Node) -> list[dict[str, Any]]:
    """Who verified it, and when."""
    found = []
    for each in children(node, "participant"):
        role = child(each, "participantRole")
        if attr(each, "typeCode") != "VRF" or role is None:
            continue
        who = persons(reading.practitioner(role), "Patient", "RelatedPerson")
        moment = when(child(each, "time")) or when(child(each, "time/low"))
        found.append({"verified": True, "verifiedWith": who, "verificationDate": moment})
    return found


def _document(node: Node) -> dict[str, Any] | None:
    """The paper itself, where the entry points at it."""
    for each in children(node, "reference/externalDocument"):
        said = child(each, "text")
        url = at(said, "reference", "value")
        title = text(said) or at(each, "code", "displayName")
        if url or title:
            return {"contentType": attr(said, "mediaType"), "url": url, "title": title}
    return None


def _others(reading: Reading, where: Where, node: Node) -> list[Resource]:
    status = [inner for _, inner in within(node) if has_template(inner, *_STATUS) or _says_status(inner)]
    return [each for _, made in read_within(reading, where, node, *status) for each in made]


def _says_status(node: Node) -> bool:
    return at(node, "code", "code") == "33999-4"


BY_TEMPLATE: dict[str, Reader] = dict.fromkeys((*_OBSERVATION, *_ORGANIZER), directive)
BY_SECTION: dict[str, Reader] = {"42348-3": directive}
