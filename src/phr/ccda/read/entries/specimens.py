"""What was examined: the specimen of an observation or organizer as Specimen (CDA R2, specimenRole)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.ccda.read.datatypes import text
from phr.ccda.read.entries.parts import meant
from phr.ccda.read.nodes import Node, child, is_null

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reading, Where


def specimen(reading: Reading, where: Where, node: Node) -> dict[str, Any] | None:
    """The specimen of an observation or organizer as Specimen."""
    role = child(node, "specimen/specimenRole")
    if role is None or (is_null(child(role, "id")) and is_null(child(role, "specimenPlayingEntity"))):
        return None
    elements = {
        "type": meant(reading, child(role, "specimenPlayingEntity/code")) or _entity_name(role),
        "subject": reading.patient,
    }
    return reading.ref(reading.resource("Specimen", role, where, elements))


def _entity_name(role: Node) -> dict[str, Any] | None:
    said = text(child(role, "specimenPlayingEntity/name")) or text(child(role, "specimenPlayingEntity/desc"))
    return {"text": said} if said else None
