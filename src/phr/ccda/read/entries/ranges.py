"""What is usual: the reference ranges of an observation (CDA R2, ObservationRange)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from phr.ccda.read.datatypes import concept, range_, text, value
from phr.ccda.read.entries.parts import has_code, label
from phr.ccda.read.nodes import Node, at, child, children

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reading

_HAS_VALUE = re.compile(r"value[A-Z]")


def ranges(reading: Reading, node: Node) -> list[dict[str, Any]]:
    """Reference ranges with their limits and words; what a range other than the normal one stands for."""
    found = []
    for each in children(node, "referenceRange/observationRange"):
        limits, said = _limits(reading, each)
        for_what = concept(child(each, "interpretationCode"), reading)
        kind = None if has_code(for_what, "N") else for_what
        if limits or said:
            found.append({**limits, "type": kind, "text": said})
    return found


def _limits(reading: Reading, node: Node) -> tuple[dict[str, Any], str | None]:
    said = _pointed(reading, child(node, "text"))
    measured = child(node, "value")
    limits = range_(measured)
    if limits is not None:
        return limits, said
    return {}, said or _range_words(reading, measured)


def _range_words(reading: Reading, measured: Node | None) -> str | None:
    """A range that is no interval: a text, a code, one number."""
    found = value(measured, reading)
    for key, what in found.items():
        if key == "valueCodeableConcept":
            return label(what)
        if key == "valueQuantity":
            return f"{what.get('comparator', '')}{what['value']} {what.get('unit', '')}".strip()
        if _HAS_VALUE.match(key) and not isinstance(what, dict):
            return str(what)
    return None


def _pointed(reading: Reading, node: Node | None) -> str | None:
    pointer = at(node, "reference", "value")
    return (reading.resolve(pointer) if pointer else None) or text(node)
