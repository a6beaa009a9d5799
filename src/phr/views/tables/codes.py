"""Every coding of a resource, wherever it stands: none is lost for having no column of its own.

A Coding is what stands in `coding` of a CodeableConcept, or an object with a code or a display and a system that is no
Quantity, Identifier or ContactPoint (FHIR R4, Datatypes). Codes of units belong to their numbers and are not among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from phr.fhir import read

_NOT_CODING = frozenset(("value", "reference", "resourceType", "low", "high", "numerator", "use"))
_DEEPEST = 60


class Coding(NamedTuple):
    """One coding: where it stands, and what it says."""

    element: str
    """Such as `component.code` or `reaction.manifestation`."""
    system: str | None
    code: str | None
    display: str | None


def codings(resource: dict[str, Any]) -> Iterator[Coding]:
    """All codings of a resource, in its order; those of what it contains too."""
    return _within(resource, "", 0)


def _within(value: Any, path: str, depth: int) -> Iterator[Coding]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for one in value:
            if isinstance(one, dict | list):
                yield from _within(one, path, depth + 1)
        return
    if not isinstance(value, dict):
        return
    if _is_coding(value, path):
        yield _coding(value, path)
    for name, inner in value.items():
        if name == "coding":
            for one in read.listed(inner):
                if isinstance(one, dict):
                    yield _coding(one, path)
                    yield from _deeper(one, path, depth)
        elif isinstance(inner, dict | list):
            yield from _within(inner, f"{path}.{name}" if path else name, depth + 1)


def _deeper(coding: dict[str, Any], path: str, depth: int) -> Iterator[Coding]:
    """What hangs below a coding: its extensions."""
    for name, inner in coding.items():
        if isinstance(inner, dict | list):
            yield from _within(inner, f"{path}.{name}" if path else name, depth + 2)


def _is_coding(value: dict[str, Any], path: str) -> bool:
    """Whether this is a Coding by itself (`Encounter.class`, `meta.tag`, `valueCoding`)."""
    if not path or not _NOT_CODING.isdisjoint(value) or "coding" in value:
        return False
    if "system" in value:
        return isinstance(value.get("code"), str) or "display" in value
    return path.endswith(("Coding", "meta.tag", "meta.security")) and ("code" in value or "display" in value)


def _coding(value: dict[str, Any], path: str) -> Coding:
    return Coding(
        path, read.text(value.get("system")), read.text(value.get("code")), read.text(value.get("display"))
    )
