"""Instance identifiers (II) as FHIR Identifiers, through the table that writing uses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from phr.ccda import codes
from phr.ccda.read.nodes import Node, attr, children, null_flavor
from phr.ccda.read.once import distinct

OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
_URI = "urn:ietf:rfc:3986"
_IDENTIFIER_SYSTEMS = codes.backward(codes.IDENTIFIER_SYSTEMS)


def identifier(node: Node | None) -> dict[str, Any] | None:
    """An II as Identifier."""
    root, extension = attr(node, "root"), attr(node, "extension")
    if node is None or (root is None and extension is None) or (null_flavor(node) and not extension):
        return None
    assigner = attr(node, "assigningAuthorityName")
    found = _identifier(root, extension)
    return found | {"assigner": {"display": assigner}} if assigner else found


def _identifier(root: str | None, extension: str | None) -> dict[str, Any]:
    name_of_root = root_name(root) if root else None
    if extension is None:
        return {"system": _URI, "value": name_of_root} if name_of_root else {"value": root}
    if root == codes.URL_IDENTIFIERS:
        joint = "/" if "/" in extension else ":"
        system_, _, number_ = extension.rpartition(joint)
        if system_ and number_:
            return {"system": system_, "value": number_}
        return {"system": _URI, "value": extension}
    known = _IDENTIFIER_SYSTEMS.get(root or "") or name_of_root
    return {"system": known, "value": extension} if known else {"value": extension}


def root_name(root: str) -> str | None:
    """An OID or UUID as URI; None if it is neither."""
    if OID.fullmatch(root):
        return f"urn:oid:{root}"
    try:
        return f"urn:uuid:{UUID(root.removeprefix('urn:uuid:'))}"
    except ValueError:
        return None


def identifiers(
    parent: Node | None, besides: Callable[[Node], bool] = lambda _: False
) -> list[dict[str, Any]]:
    """The ids of a statement or role, each once; without those of which `besides` is true."""
    found = (identifier(each) for each in children(parent, "id") if not besides(each))
    return distinct(one for one in found if one is not None)
