"""Walking a CDA document: children by name, attributes, templates, nested statements.

Names are local names of `urn:hl7-org:v3` (HL7 CDA R2); those of the SDTC extensions are written `sdtc:x`. The
parser has taken the namespace of CDA off every tag, so that documents with odd prefixes read the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

from lxml import etree

Node: TypeAlias = etree._Element

SDTC = "urn:hl7-org:sdtc"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
STATEMENTS = frozenset(
    """act encounter observation observationMedia organizer procedure regionOfInterest
    substanceAdministration supply""".split()
)
"""The classes of the clinical statement choice (CDA R2, 4.3.6)."""
_HOLDERS = {"entry": "COMP", "entryRelationship": "", "component": "COMP"}
"""Relationships that hold a statement, with the type code they have when it is not written."""


@lru_cache(maxsize=4096)
def _path(path: str) -> str:
    return "/".join(
        f"{{{SDTC}}}{step.removeprefix('sdtc:')}" if step.startswith("sdtc:") else step
        for step in path.split("/")
    )


def child(node: Node | None, path: str) -> Node | None:
    """The first element under a path of names."""
    return None if node is None else node.find(_path(path))


def children(node: Node | None, path: str) -> list[Node]:
    """All elements under a path of names, in document order."""
    return [] if node is None else node.findall(_path(path))


def attr(node: Node | None, name: str) -> str | None:
    """An attribute without the space around it; blank is as good as missing."""
    if node is None:
        return None
    value = node.get(name)
    return (value.strip() or None) if isinstance(value, str) else None


def at(node: Node | None, path: str, name: str) -> str | None:
    """An attribute of the first element under a path."""
    return attr(child(node, path), name)


def tag(node: Node) -> str:
    """The name of an element as the other functions take it."""
    name = str(node.tag)
    return f"sdtc:{name[len(SDTC) + 2 :]}" if name.startswith(f"{{{SDTC}}}") else name


def xsi_type(node: Node | None) -> str | None:
    """The data type that an element says it has, without prefix (XML Schema 1, 2.6.1)."""
    said = attr(node, XSI_TYPE)
    return said.rpartition(":")[2] if said else None


def templates(node: Node | None) -> tuple[str, ...]:
    """The roots of its templateIds in their order; each once, whatever its editions."""
    roots = (attr(each, "root") for each in children(node, "templateId"))
    return tuple(dict.fromkeys(root for root in roots if root))


def has_template(node: Node | None, *roots: str) -> bool:
    """Whether it claims one of these templates, in any edition."""
    return any(attr(each, "root") in roots for each in children(node, "templateId"))


def null_flavor(node: Node | None) -> str | None:
    """Why there is no value (HL7 v3 NullFlavor)."""
    return attr(node, "nullFlavor")


def is_null(node: Node | None) -> bool:
    """Whether it is missing or says nothing: a nullFlavor, or nothing at all, and no content beside it."""
    if node is None:
        return True
    if any(name not in ("nullFlavor", XSI_TYPE) and value.strip() for name, value in _attributes(node)):
        return False
    return not (node.text or "").strip() and all(is_null(each) for each in node)


def _attributes(node: Node) -> Iterator[tuple[str, str]]:
    for name, value in node.attrib.items():
        yield str(name), str(value)


def statements(node: Node | None, *type_codes: str) -> Iterator[tuple[Node, Node]]:
    """The nested statements with the relationship that holds each; of these type codes when any are named."""
    for holder in node if node is not None else ():
        default = _HOLDERS.get(str(holder.tag))
        if default is None:
            continue
        if type_codes and (attr(holder, "typeCode") or default).upper() not in type_codes:
            continue
        for statement in holder:
            if statement.tag in STATEMENTS:
                yield holder, statement


def negated(node: Node | None) -> bool:
    """Whether the statement says that it is not so (`negationInd`)."""
    return (attr(node, "negationInd") or "").lower() in ("true", "1")
