"""How confidential a section and a statement are, as FHIR security labels.

The code of a section counts, else that of what it stands in (CDA R2 4.2.1, context conduction). A statement adds its own: a
`confidentialityCode` where a sender wrote one, and the security observations of a privacy annotation (HL7 CDA DS4P), which
stand in the entry that they are about, or in a section for all of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from phr.ccda import codes
from phr.ccda.read.nodes import STATEMENTS, Node, attr, child, children, templates

Label = dict[str, str]

_SYSTEMS = codes.backward(codes.SYSTEMS)
_CONFIDENTIALITY = _SYSTEMS[codes.CONFIDENTIALITY]
_LEVELS = ("U", "L", "M", "N", "R", "V")
_DS4P = "2.16.840.1.113883.3.445."
_SECURITY = frozenset(("SECCLASSOBS", "SECCATOBS", "SECSENSOBS"))
"""v3-ActCode: observations of confidentiality and of what sort of sensitive information it is."""


def section_labels(holder: Node) -> list[Label]:
    """Those of a section or of the document."""
    for each in (holder, *holder.iterancestors("section", "ClinicalDocument")):
        code = attr(child(each, "confidentialityCode"), "code")
        if code in _LEVELS:
            return _distinct(
                [
                    {"system": _CONFIDENTIALITY, "code": code},
                    *(_annotated(holder, "entry") if holder is each else ()),
                ]
            )
    return _distinct(_annotated(holder, "entry"))


def statement_labels(statement: Node) -> list[Label]:
    """Those of a statement and of the statements that it stands in."""
    found: list[Label] = []
    here: Node | None = statement
    while here is not None and here.tag not in ("section", "ClinicalDocument"):
        if here.tag in STATEMENTS:
            code = attr(child(here, "confidentialityCode"), "code")
            found += [{"system": _CONFIDENTIALITY, "code": code}] if code in _LEVELS else []
            found += _annotated(here, "entryRelationship")
            found += _annotated(here, "component")
        here = here.getparent()
    return _distinct(found)


def is_security(statement: Node) -> bool:
    """Whether a statement says nothing of the person, but how confidential another one is."""
    return attr(child(statement, "code"), "code") in _SECURITY or any(
        each.startswith(_DS4P) for each in templates(statement)
    )


def _annotated(holder: Node, relationship: str) -> Iterator[Label]:
    """What the privacy annotations below a section or a statement say of it."""
    for related in children(holder, relationship):
        for statement in related:
            if statement.tag in STATEMENTS and is_security(statement):
                for each in statement.iter("observation"):
                    if attr(child(each, "code"), "code") in _SECURITY:
                        value = child(each, "value")
                        code, system = attr(value, "code"), _SYSTEMS.get(attr(value, "codeSystem") or "")
                        if code and system:
                            yield {"system": system, "code": code}


def _distinct(labels: list[Label] | Iterator[Label]) -> list[Label]:
    found: list[Label] = []
    for one in labels:
        if one not in found:
            found.append(one)
    return found
