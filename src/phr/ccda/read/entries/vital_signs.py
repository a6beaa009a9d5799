"""Vital signs: each measurement as Observation, a blood pressure as one with two components.

The other direction of `phr.ccda.sections.vital_signs`. Follows 2.16.840.1.113883.10.20.22.4.26 and 4.27,
CCD 1.x (10.20.1.35) and IHE (4.13.1, 4.13.2); the blood pressure panel is that of US Core.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from phr.ccda import reading_measures as tables
from phr.ccda.read.datatypes import identifiers, moment_or_period, system
from phr.ccda.read.entries import panels
from phr.ccda.read.entries.meaning import coded
from phr.ccda.read.entries.observations import categorized, content, is_quantity, observation
from phr.ccda.read.entries.parts import (
    CCD,
    HITSP,
    IHE,
    ROOT,
    instant,
    meant,
    organizer_of,
    own_author,
    read_within,
    references,
    roots,
)
from phr.ccda.read.nodes import Node, at, attr, child, children, has_template, negated

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reader, Reading, Resource, Where

_ORGANIZERS = (*roots(ROOT, "26"), *roots(CCD, "35"), *roots(IHE, "13.1"))
_OBSERVATIONS = (*roots(ROOT, "27"), *roots(IHE, "13.2"), *roots(HITSP, "14"))
_SYSTOLIC, _DIASTOLIC, _PRESSURE = "8480-6", "8462-4", "85354-9"
_PANEL = "Blood pressure panel with all children optional"
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


def is_vital(reading: Reading, where: Where, node: Node) -> bool:
    """Whether it is a vital sign: by template, by the organizer it stands in, or by its section."""
    group = organizer_of(node)
    if where.code == "8716-3" or has_template(node, *_ORGANIZERS, *_OBSERVATIONS):
        return True
    return group is not None and reading.once("vital", group, lambda: has_template(group, *_ORGANIZERS))


def vital_signs(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """A measurement, or all those of an organizer."""
    if node.tag == "observation":
        group = organizer_of(node)
        if group is not None and (own := _panel_of(reading, group, node)):
            return [_panel(reading, where, group, own)]
        pair = None if group is not None and panels.is_frame(reading, group) else _pair_of(reading, node)
        if pair is not None:
            return [_pressure(reading, where, pair)]
        made = observation(reading, where, node, tables.VITAL_SIGNS)
        return [made] if made else []
    if node.tag != "organizer":
        return None
    found, held = panels.read_group(reading, where, node)
    if not found:
        reading.skip(node, where, "It is a group without measurements.")
    for own in panels.panels(reading, node):
        if not panels.components(reading, node, own):  # it stands for a panel that has members
            whole = _whole(reading, where, node, own)
            whole["hasMember"] = references(
                reading, [each for each in held if each is not whole], "Observation"
            )
            found = [*found, whole]
    return found


# ── panels whose ids are known ────────────────────────────────────────────────────────────────────


def _panel_of(reading: Reading, group: Node, node: Node) -> list[str] | None:
    """The ids of the panel that this is a component of, if its group stands for one."""
    blocks = panels.panels(reading, group)
    return next((own for own in blocks if node in panels.components(reading, group, own)), None)


def _whole(reading: Reading, where: Where, group: Node, own: list[str], **elements: Any) -> Resource:
    """A panel under its own name, with what its group says of it."""
    who, issued = own_author(reading, group)
    names = meant(reading, child(group, "code")) or {}
    codings = [each for each in names.get("coding", ()) if each["code"] not in ("46680005", "74728-7")]
    said = {
        "identifier": panels.named(group, own),
        "status": "final",
        "category": categorized(reading, group, tables.VITAL_SIGNS),
        "code": {"coding": codings} if codings else coded("http://loinc.org", _PRESSURE, _PANEL),
        "subject": reading.patient,
        **moment_or_period(child(group, "effectiveTime"), "effective"),
        "issued": instant(issued),
        "performer": [who] if who else None,
    }
    return reading.add("Observation", own[0], group, where, said | elements, part="panel")


def _panel(reading: Reading, where: Where, group: Node, own: list[str]) -> Resource:
    """A panel of components, from the measurements that its group holds."""
    parts = panels.components(reading, group, own)
    elements = _of_parts(reading, where, parts)
    elements.pop("identifier"), elements.pop("code")
    codings = meant(reading, child(group, "code"))
    if not any(each["code"] not in ("46680005", "74728-7") for each in (codings or {}).get("coding", ())):
        elements["code"] = coded("http://loinc.org", _PRESSURE, _PANEL)
    return _whole(reading, where, group, own, **elements)


# ── blood pressure ────────────────────────────────────────────────────────────────────────────────


def _pair_of(reading: Reading, node: Node) -> tuple[Node, Node] | None:
    """Systolic and diastolic of one organizer and one time, if nothing else tells them apart."""
    group = organizer_of(node)
    if group is None or _loinc(node) not in (_SYSTOLIC, _DIASTOLIC):
        return None
    pair = reading.once("pairs", group, lambda: _pairs(group)).get(node)
    if pair is None:
        return None
    if not all(is_quantity(child(each, "value")) and not negated(each) for each in pair):
        return None
    first, second = (_frame(reading, each) for each in pair)
    return pair if first == second else None


def _pairs(group: Node) -> dict[Node, tuple[Node, Node]]:
    """Each measurement to the pair it is of. Of several readings at one time those belong together that follow each
    other."""
    at_one_time: dict[tuple[str | None, ...], list[Node]] = {}
    for each in children(group, "component/observation"):
        if _loinc(each) in (_SYSTOLIC, _DIASTOLIC):
            at_one_time.setdefault(_time(each), []).append(each)
    found: dict[Node, tuple[Node, Node]] = {}
    for inside in at_one_time.values():
        pairs = [pair for pair in pairwise(inside) if _loinc(pair[0]) == _SYSTOLIC != _loinc(pair[1])]
        if len(inside) == 2 and not pairs and _loinc(inside[0]) != _loinc(inside[1]):
            pairs = [(inside[1], inside[0])]
        for pair in pairs:
            found |= {each: pair for each in pair if each not in found}
    return found


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


def _pressure(reading: Reading, where: Where, pair: tuple[Node, Node]) -> Resource:
    elements = _of_parts(reading, where, pair)
    return reading.resource("Observation", pair[0], where, elements, part=_PRESSURE)


def _of_parts(reading: Reading, where: Where, nodes: Sequence[Node]) -> dict[str, Any]:
    """What measurements say together as one Observation."""
    parts = [content(reading, where, each) for each in nodes]
    notes = [note for part in parts for note in part["note"]]
    elements = {
        "identifier": [each for node in nodes for each in identifiers(node)],
        "status": parts[0]["status"],
        "category": categorized(reading, nodes[0], tables.VITAL_SIGNS),
        "code": coded("http://loinc.org", _PRESSURE, _PANEL),
        "subject": reading.patient,
        **{key: next((part[key] for part in parts if part.get(key)), None) for key in _SHARED},
        "note": [note for index, note in enumerate(notes) if note not in notes[:index]],
        "component": [{key: part.get(key) for key in (*_OWN, "dataAbsentReason")} for part in parts],
    }
    for each in nodes:
        read_within(reading, where, each)
    return elements


BY_TEMPLATE: dict[str, Reader] = dict.fromkeys((*_ORGANIZERS, *_OBSERVATIONS), vital_signs)
BY_SECTION: dict[str, Reader] = {"8716-3": vital_signs}
