"""Files inside a document: the base64 of an ED (CDA R2 data types, ED.representation)."""

from __future__ import annotations

import base64
import binascii

from phr.ccda.read.nodes import Node, attr


def is_enclosed(said: Node | None) -> bool:
    """Whether an ED says that it holds a file."""
    return said is not None and (attr(said, "representation") or "").upper() == "B64"


def enclosed(said: Node | None) -> str | None:
    """The bytes as base64 that FHIR takes; None if they are none, or not base64 at all."""
    if said is None or not is_enclosed(said):
        return None
    written = "".join("".join(str(part) for part in said.itertext()).split())
    written += "=" * (-len(written) % 4) if not written.endswith("=") else ""
    try:
        return written if base64.b64decode(written, validate=True) else None
    except (binascii.Error, ValueError):
        return None
