"""Payers: a Policy Activity as Coverage.

The other direction of `phr.ccda.sections.payers`. Follows 2.16.840.1.113883.10.20.22.4.60 and 4.61 with
their participants (4.87 payer, 4.89 covered party, 4.90 holder), CCD 1.x (10.20.1.20, 10.20.1.26) and IHE
(4.17, 4.18).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.ccda.read.datatypes import identifiers, name, span, text
from phr.ccda.read.entries.meaning import coded
from phr.ccda.read.entries.parts import (
    CCD,
    HITSP,
    HL7,
    IHE,
    ROOT,
    is_comment,
    is_pointer,
    label,
    meant,
    persons,
    roles,
    roots,
)
from phr.ccda.read.nodes import Node, at, attr, child, children, has_template, is_null, negated, statements
from phr.ccda.read.people import name_words

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reader, Reading, Resource, Where

_COVERAGE = (*roots(ROOT, "60"), *roots(CCD, "20"), *roots(IHE, "17"), "2.16.840.1.113883.10.20.22.60")
_POLICY = (
    *roots(ROOT, "61"),
    *roots(CCD, "26"),
    *roots(IHE, "18"),
    *roots(HITSP, "5"),
    "2.16.840.1.113883.10.20.22.61",
)
_ROLE_CLASS = "2.16.840.1.113883.5.110"
_AUTHORIZATION = f"{CCD}19"
_STATUSES = {
    "cancelled": "cancelled",
    "aborted": "cancelled",
    "nullified": "entered-in-error",
    "new": "draft",
}


def coverage(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """All policies of a Coverage Activity; a policy that stands alone."""
    if node.tag != "act":
        return None
    inside = [
        (holder, inner) for holder, inner in statements(node) if inner.tag == "act" and _is_policy(inner)
    ]
    if not inside:
        return policy(reading, where, node) if _is_policy(node) else _nothing(reading, where, node)
    found: list[Resource] = []
    for _, inner in inside:
        found += reading.read(inner, where) or policy(reading, where, inner)
    return found


def _nothing(reading: Reading, where: Where, node: Node) -> list[Resource]:
    reading.skip(node, where, "It names no policy.")
    return []


def _is_policy(node: Node) -> bool:
    return (
        has_template(node, *_POLICY)
        or child(node, "performer") is not None
        or bool(roles(node, "COV", "HLD"))
    )


def policy(reading: Reading, where: Where, node: Node) -> list[Resource]:
    """Who pays, for whom, under which number, since when."""
    if negated(node):
        reading.skip(node, where, "It says that there is no such coverage.")
        return []
    covered, holder = _role(node, "COV"), _role(node, "HLD")
    plans = _plans(reading, where, node)
    payers = _payers(reading, node)
    kind = meant(reading, child(node, "code"))
    if not payers and not plans and kind is None and covered is None:
        reading.skip(node, where, "It names neither a payer nor a plan.")
        return []
    relation = _relation(reading, node, covered)
    held = holder if holder is not None else (covered if _is_self(relation) else None)
    made = reading.resource(
        "Coverage",
        node,
        where,
        {
            "status": _STATUSES.get((at(node, "statusCode", "code") or "").lower(), "active"),
            "type": None if _is_relation(node) else kind,
            "policyHolder": _holder(reading, holder, relation),
            "subscriber": _holder(reading, held, relation),
            "subscriberId": _number(held),
            "beneficiary": reading.patient,
            "relationship": relation,
            "period": _period(node),
            "payor": payers
            or [{"display": next((each["name"] for each in plans), label(kind) or "Payer not named")}],
            "class": plans,
            "order": _order(node),
        },
    )
    known = made.setdefault("identifier", [])
    known += [each for each in identifiers(covered) if each not in known]
    if not known:
        del made["identifier"]
    return [made]


def _role(node: Node, type_code: str) -> Node | None:
    return next(iter(roles(node, type_code)), None)


def _payers(reading: Reading, node: Node) -> list[dict[str, Any]]:
    """The performers that pay; a guarantor (GUAR) is liable only."""
    found: list[dict[str, Any]] = []
    for each in children(node, "performer"):
        assigned = child(each, "assignedEntity")
        if assigned is None or at(assigned, "code", "code") == "GUAR" or has_template(each, f"{ROOT}88"):
            continue
        company = child(assigned, "representedOrganization")
        who = (
            reading.organization(company)
            if company is not None and not is_null(child(company, "name"))
            else None
        )
        who = who or persons(reading.practitioner(assigned), "Organization", "Patient", "RelatedPerson")
        if who is not None and who not in found:
            found.append(who)
    return found


def _is_relation(node: Node) -> bool:
    """CCD 1.x sometimes puts the person's relationship where the kind of policy belongs."""
    return at(node, "code", "codeSystem") == _ROLE_CLASS


def _relation(reading: Reading, node: Node, covered: Node | None) -> dict[str, Any] | None:
    found = meant(reading, child(covered, "code"))
    return found or (meant(reading, child(node, "code")) if _is_relation(node) else None)


def _is_self(relation: dict[str, Any] | None) -> bool:
    return any(each["code"].upper() == "SELF" for each in (relation or {}).get("coding", ()))


def _holder(reading: Reading, role: Node | None, relation: dict[str, Any] | None) -> dict[str, Any] | None:
    """The holder of the policy by name; the person, where the covered party is the holder."""
    if role is None:
        return None
    said = name_words(name(child(role, "playingEntity/name")))
    if _is_self(relation):
        return reading.patient
    return {"display": said} if said else None


def _number(role: Node | None) -> str | None:
    return next((found for each in children(role, "id") if (found := attr(each, "extension"))), None)


def _period(node: Node) -> dict[str, str] | None:
    """How long the person is covered; else how long the policy runs."""
    times = [
        child(each, "time")
        for code in ("COV", "HLD")
        for each in children(node, "participant")
        if attr(each, "typeCode") == code
    ]
    return next((found for each in [*times, child(node, "effectiveTime")] if (found := span(each))), None)


def _order(node: Node) -> int | None:
    holder = node.getparent()
    written = at(holder, "sequenceNumber", "value") or ""
    return int(written) if written.isdigit() and int(written) > 0 else None


def _plans(reading: Reading, where: Where, node: Node) -> list[dict[str, Any]]:
    """The plan by its name (a definition that the policy refers to)."""
    found: list[dict[str, Any]] = []
    for _, inner in statements(node, "REFR"):
        if has_template(inner, _AUTHORIZATION):
            reading.skip(inner, where, "It authorises a service; a Coverage has no place for that.")
            continue
        if is_comment(inner) or (is_pointer(inner) and child(inner, "text") is None):
            continue
        said = (
            reading.words(inner) or label(meant(reading, child(inner, "code"))) or text(child(inner, "text"))
        )
        if said:
            kind = coded(f"{HL7}/coverage-class", "plan", "Plan")
            number = at(inner, "id", "extension")
            found.append({"type": kind, "value": number or said, "name": said})
    return found


BY_TEMPLATE: dict[str, Reader] = dict.fromkeys((*_COVERAGE, *_POLICY), coverage)
BY_SECTION: dict[str, Reader] = {"48768-6": coverage}
