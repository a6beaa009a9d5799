"""Functional and mental status: findings, scales with their items, and groups of them.

The other direction of `phr.ccda.sections.status`. Follows 2.16.840.1.113883.10.20.22.4.66, 4.67, 4.74,
4.75, 4.69 and 4.86, and the status problems of R1.1 (4.68, 4.73).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from phr.ccda import reading_measures as tables
from phr.ccda.read.entries.observations import Category, observation, panel, section_category
from phr.ccda.read.entries.parts import ROOT, roots
from phr.ccda.read.nodes import Node, has_template

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reader, Reading, Resource, Where

_SCALES = roots(ROOT, "69", "86")
_FUNCTION = roots(ROOT, "66", "67", "68", "128", "127")
_MIND = roots(ROOT, "73", "74", "75")
_VITAL = "8716-3"


def finding(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """What somebody can do, or how the mind is; a scale with its score."""
    categories = _categories(where, node)
    if node.tag == "organizer":
        return panel(reading, where, node, *categories)
    if node.tag != "observation":
        return None
    made = observation(reading, where, node, *categories)
    return [made] if made else []


def _categories(where: Where, node: Node) -> tuple[Category, ...]:
    """By its template, else by its section; a scale is a survey besides."""
    survey = (tables.SURVEY,) if has_template(node, *_SCALES) else ()
    if where.code == "10190-7" or has_template(node, *_MIND):
        return (*survey, tables.COGNITIVE)
    if where.code == "47420-5" or has_template(node, *_FUNCTION):
        return (*survey, tables.FUNCTIONAL)
    own = section_category(where) if where.code != _VITAL else ()
    return (*survey, *own) or (tables.FUNCTIONAL,)


BY_TEMPLATE: dict[str, Reader] = dict.fromkeys((*_SCALES, *_FUNCTION, *_MIND), finding)
BY_SECTION: dict[str, Reader] = dict.fromkeys(("47420-5", "10190-7"), finding)
