"""The elements of a resource: none that is empty, and two tellings of one resource as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Resource = dict[str, Any]


def kept(elements: Mapping[str, Any]) -> Resource:
    """Without what is None or empty, at any depth: FHIR has no empty elements (JSON, 2.6.2)."""
    return dict(_kept_items(elements))


def _kept_items(elements: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in elements.items():
        whole = _whole(value)
        if whole is not None and whole not in ("", [], {}):
            yield key, whole


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return kept(value)
    if isinstance(value, (list, tuple)):
        return [whole for each in value if (whole := _whole(each)) not in (None, "", [], {})]
    return value


def unite(before: Resource, again: Resource) -> None:
    """Take over what the other section adds: a further category, an element that was not there."""
    for key, value in again.items():
        if key not in before:
            before[key] = value
        elif isinstance(value, list) and isinstance(before[key], list) and key in ("category", "identifier"):
            before[key] = [*before[key], *(each for each in value if each not in before[key])]
        elif key == "meta" and isinstance(value, dict) and isinstance(before[key], dict):
            # in the section of either it is as private as there, and the strictest label counts
            labels = [*before[key].get("security", ()), *value.get("security", ())]
            both = [each for at, each in enumerate(labels) if each not in labels[:at]]
            before[key] = {**value, **before[key], **({"security": both} if both else {})}
