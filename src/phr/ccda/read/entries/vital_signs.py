"""Vital signs: each measurement as Observation, a blood pressure as one with two components.

The other direction of `phr.ccda.sections.vital_signs`. Follows 2.16.840.1.113883.10.20.22.4.26 and 4.27,
CCD 1.x (10.20.1.35) and IHE (4.13.1, 4.13.2); the blood pressure panel is that of US Core.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from phr.ccda import reading_measures as tables
from phr.ccda.read.datatypes import identifiers, system
from phr.ccda.read.entries.meaning import coded
from phr.ccda.read.entries.observations import categorized, content, is_quantity, observation
from phr.ccda.read.entries.parts import CCD, HITSP, IHE, ROOT, organizer_of, read_within, roots
from phr.ccda.read.nodes import Node, at, attr, child, children, has_template, negated

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reader, Reading, Resource, Where

_ORGANIZERS = (*roots(ROOT, "26"), *roots(CCD, "35"), *roots(IHE, "13.1"))
_OBSERVATIONS = (*roots(ROOT, "27"), *roots(IHE, "13.2"), *roots(HITSP, "14"))
_SYSTOLIC, _DIASTOLIC, _PRESSURE = "8480-6", "8462-4", "85354-9"
_SHARED = (
    "performer",
    "issued",
    "effectiveDateTime",
    "effectivePeriod",
    "bodySite",
    "method",
    "encounter",
    "device",
)
_OWN = ("code", "valueQuantity", "interpretation", "referenceRange")
"""What a component may hold besides its code and value (FHIR R4, Observation.component)."""


def is_vital(where: Where, node: Node) -> bool:
    """Whether it is a vital sign: by template, by the organizer it stands in, or by its section."""
    group = organizer_of(node)
    if has_template(node, *_ORGANIZERS, *_OBSERVATIONS) or (
        group is not None and has_template(group, *_ORGANIZERS)
    ):
        return True
    return where.code == "8716-3"


def vital_signs(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """A measurement, or all those of an organizer."""
    if node.tag == "observation":
        pair = _pair_of(reading, node)
        if pair is not None:
            return [_pressure(reading, where, *pair)]
        made = observation(reading, where, node, tables.VITAL_SIGNS)
        return [made] if made else []
    if node.tag != "organizer":
        return None
    found: list[Resource] = []
    for _, resources in read_within(reading, where, node):
        found += [each for each in resources if each not in found]
    if not found:
        reading.skip(node, where, "It is a group without measurements.")
    return found


# ── blood pressure ────────────────────────────────────────────────────────────────────────────────


def _pair_of(reading: Reading, node: Node) -> tuple[Node, Node] | None:
    """Systolic and diastolic of one organizer and one time, if nothing else tells them apart.

    Of several readings at one time those belong together that follow each other.
    """
    group = organizer_of(node)
    if group is None or _loinc(node) not in (_SYSTOLIC, _DIASTOLIC):
        return None
    inside = [each for each in children(group, "component/observation") if _time(each) == _time(node)]
    inside = [each for each in inside if _loinc(each) in (_SYSTOLIC, _DIASTOLIC)]
    pairs = [pair for pair in pairwise(inside) if _loinc(pair[0]) == _SYSTOLIC != _loinc(pair[1])]
    if len(inside) == 2 and not pairs and _loinc(inside[0]) != _loinc(inside[1]):
        pairs = [(inside[1], inside[0])]
    pair = next((each for each in pairs if node in each), None)
    if pair is None:
        return None
    if not all(is_quantity(child(each, "value")) and not negated(each) for each in pair):
        return None
    first, second = (_frame(reading, each) for each in pair)
    return pair if first == second else None


def _loinc(node: Node) -> str | None:
    for each in (child(node, "code"), *children(node, "code/translation")):
        if each is not None and system(each) == "http://loinc.org":
            return attr(each, "code")
    return None


def _time(node: Node) -> tuple[str | None, ...]:
    """When it was measured, as written; what has no time of its own was measured with the rest."""
    paths = ("effectiveTime", "effectiveTime/low", "effectiveTime/high", "effectiveTime/center")
    return tuple(at(node, path, "value") for path in paths)


def _frame(reading: Reading, node: Node) -> tuple[Any, ...]:
    """What both have to share, as a panel can say it only once."""
    sites = [
        (at(node, f"{tag}", "code"), at(node, tag, "displayName")) for tag in ("targetSiteCode", "methodCode")
    ]
    return reading.performers(node), at(node, "statusCode", "code"), sites


def _pressure(reading: Reading, where: Where, systolic: Node, diastolic: Node) -> Resource:
    parts = [content(reading, where, each) for each in (systolic, diastolic)]
    notes = [note for part in parts for note in part["note"]]
    shared = {key: parts[0].get(key) or parts[1].get(key) for key in _SHARED}
    elements = {
        "identifier": [each for node in (systolic, diastolic) for each in identifiers(node)],
        "status": parts[0]["status"],
        "category": categorized(reading, systolic, tables.VITAL_SIGNS),
        "code": coded("http://loinc.org", _PRESSURE, "Blood pressure panel with all children optional"),
        "subject": reading.patient,
        **shared,
        "note": [note for index, note in enumerate(notes) if note not in notes[:index]],
        "component": [{key: part.get(key) for key in (*_OWN, "dataAbsentReason")} for part in parts],
    }
    read_within(reading, where, systolic)
    read_within(reading, where, diastolic)
    return reading.resource("Observation", systolic, where, elements, part=_PRESSURE)


BY_TEMPLATE: dict[str, Reader] = dict.fromkeys((*_ORGANIZERS, *_OBSERVATIONS), vital_signs)
BY_SECTION: dict[str, Reader] = {"8716-3": vital_signs}
