"""Results: a Result Organizer as DiagnosticReport with its Observations.

The other direction of `phr.ccda.sections.results`. Follows 2.16.840.1.113883.10.20.22.4.1 and 4.2, their
ancestors in CCD 1.x (10.20.1.32, 10.20.1.31) and IHE (Simple Observation, 4.13), and the laboratory report
items of XD-LAB.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from phr.ccda import reading_measures as tables
from phr.ccda.read.datatypes import distinct, moment_or_period, text, when
from phr.ccda.read.entries import panels
from phr.ccda.read.entries.observations import (
    Category,
    categorized,
    code,
    observation,
    panel,
    performers,
)
from phr.ccda.read.entries.parts import (
    CCD,
    HITSP,
    HL7,
    IHE,
    ROOT,
    instant,
    label,
    meant,
    mood,
    named,
    organizer_of,
    own_author,
    read_within,
    references,
    remarks,
    roots,
    status,
)
from phr.ccda.read.entries.plan import planned
from phr.ccda.read.entries.specimens import specimen
from phr.ccda.read.entries.vital_signs import is_vital, vital_signs
from phr.ccda.read.nodes import Node, child, is_null, negated, null_flavor, xsi_type
from phr.ccda.read.once import same

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reader, Reading, Resource, Where

_OTHERS = frozenset(("29762-2", "47420-5", "10190-7", "29545-1"))
"""Sections whose groups and observations are no results, although CCD 1.x gives them the same templates."""
_LABORATORY = (f"{HL7}/v2-0074", "LAB", "Laboratory")
_RADIOLOGY = (f"{HL7}/v2-0074", "RAD", "Radiology")
_IMAGING_SYSTEMS = {"http://www.ama-assn.org/go/cpt": re.compile(r"7\d{4}")}
"""CPT codes of radiology are those from 70010 to 79999."""


def result(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """A result, alone or in its organizer; CCD 1.x gives vital signs and histories the same template."""
    if node.tag != "observation":
        return organizer(reading, where, node)
    if is_ordered(node):
        return planned(reading, where, node)
    if is_vital(reading, where, node):
        return vital_signs(reading, where, node)
    made = observation(reading, where, node, _category(reading, where, node))
    return [made] if made else []


def is_ordered(node: Node) -> bool:
    """Whether it is asked for and has not been answered: any mood but that of an event, and no value."""
    if mood(node) in ("EVN", "DEF"):
        return False
    held = [child(each, "value") for each in (node, *node.iterfind("component/observation"))]
    return mood(node) == "GOL" or all(map(is_null, held))


def organizer(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """A group of results: a report; a group inside a group is an Observation that has its members."""
    if node.tag != "organizer":
        return None
    if is_ordered(node):
        return _ordered(reading, where, node)
    if is_vital(reading, where, node):
        return vital_signs(reading, where, node)
    if where.code in _OTHERS:
        return panel(reading, where, node)
    if panels.is_frame(reading, node):
        return panels.read_group(reading, where, node)[0]
    if organizer_of(node) is not None or panels.is_panel(reading, node):
        return panel(reading, where, node, _category(reading, where, node))
    return _report(reading, where, node)


def _ordered(reading: Reading, where: Where, node: Node) -> list[Resource]:
    """A group of tests that are only asked for: each of them, else the group."""
    made, _ = panels.read_group(reading, where, node)
    return made or planned(reading, where, node, group=True) or []


def _report(reading: Reading, where: Where, node: Node) -> list[Resource]:
    who, issued = own_author(reading, node)
    specimens = [specimen(reading, where, node), *_collected(reading, where, node)]
    concluded = panels.conclusions(reading, node)
    frames = [*_frames(reading, node), *(each for each in concluded[:1])]
    made, held = panels.read_group(reading, where, node, *frames, *concluded)
    subject = named(reading, node) or _shared_code(made)
    if subject is None and not made:
        reading.skip(node, where, "It is a report without a name and without results.")
        return []
    imaging = _category(reading, where, node) == tables.IMAGING
    report = reading.resource(
        "DiagnosticReport",
        node,
        where,
        {
            "status": _report_status(node, made),
            "category": categorized(reading, node, _RADIOLOGY if imaging else _LABORATORY),
            "code": subject or {"text": where.title or "Results"},
            "subject": reading.patient,
            "encounter": next(
                (found for each in (node, *frames) if (found := reading.encounter(each))), None
            ),
            **moment_or_period(child(node, "effectiveTime"), "effective"),
            "issued": instant(issued),
            "performer": performers(reading, who, node, None),
            "specimen": distinct(each for each in specimens if each is not None),
            "result": references(
                reading, same([*held, *panels.members(reading, node, "result")]), "Observation"
            ),
            "conclusion": _conclusion(reading, subject, node, *frames),
            "conclusionCode": [meant(reading, child(each, "value")) for each in concluded[1:]],
        },
    )
    return [report, *made]


def _frames(reading: Reading, node: Node) -> list[Node]:
    """Components that only repeat the name of the report: an organizer must have one, even if there is no result."""
    own = label(meant(reading, child(node, "code")))
    return [
        each
        for each in node.iterfind("component/observation")
        if own is not None
        and null_flavor(child(each, "value")) == "NI"
        and xsi_type(child(each, "value")) == "ST"
        and label(code(reading, each)) == own
    ]


def _conclusion(reading: Reading, subject: Mapping[str, Any] | None, *nodes: Node) -> str | None:
    """The comments on a report: it has no other place for words."""
    comments = [each for node in nodes for each in remarks(reading, node)]
    said = [text(child(each, "value")) or "" for each in nodes if xsi_type(child(each, "value")) == "ST"]
    said = [*filter(None, said), *(str(each["text"]) for each in comments if each["text"] != label(subject))]
    return "\n".join(dict.fromkeys(said)) or None


def _report_status(node: Node, made: list[Resource]) -> str:
    if negated(node):
        return "cancelled"
    found = status(node, tables.RESULT_STATUSES, "unknown")
    there = any(each["resourceType"] == "Observation" for each in made)
    return "partial" if found == "registered" and there and _has_values(made) else found


def _has_values(made: list[Resource]) -> bool:
    return any(key.startswith("value") for each in made for key in each)


def _shared_code(made: list[Resource]) -> dict[str, Any] | None:
    """A nameless group of one result is a report of that."""
    found = [each["code"] for each in made if each["resourceType"] == "Observation"]
    return dict(found[0]) if len(found) == 1 else None


def _collected(reading: Reading, where: Where, node: Node) -> list[dict[str, Any] | None]:
    """Specimens by their collection: a procedure in the organizer with the specimen as its product (IHE XD-LAB)."""
    found: list[dict[str, Any] | None] = []
    for procedure in node.iterfind("component/procedure"):
        for role in procedure.iterfind("participant/participantRole[@classCode='SPEC']"):
            received = procedure.find(".//act/code[@code='SPRECEIVE']/../effectiveTime")
            elements = {
                "type": meant(reading, child(role, "playingEntity/code")),
                "subject": reading.patient,
                "receivedTime": when(received),
                "collection": moment_or_period(child(procedure, "effectiveTime"), "collected"),
            }
            found.append(reading.ref(reading.resource("Specimen", role, where, elements)))
    return found


# ── laboratory or imaging ─────────────────────────────────────────────────────────────────────────


def _category(reading: Reading, where: Where, node: Node) -> Category:
    """Imaging if section, codes or names say so; everything else in Results is a laboratory's."""
    if where.code == "18748-4":
        return tables.IMAGING
    if where.code == "47519-4":
        return tables.PROCEDURE
    told = (each for each in (node, organizer_of(node)) if each is not None)
    return tables.IMAGING if any(_says_imaging(reading, each) for each in told) else tables.LABORATORY


def _says_imaging(reading: Reading, node: Node) -> bool:
    return reading.once("imaging", node, lambda: _is_imaging(code(reading, node)))


def _is_imaging(found: Mapping[str, Any] | None) -> bool:
    for coding in (found or {}).get("coding", ()):
        numbers = _IMAGING_SYSTEMS.get(coding.get("system", ""))
        if numbers is not None and numbers.fullmatch(coding["code"]):
            return True
        if str(coding.get("display", "")).startswith(tables.IMAGING_PREFIXES):
            return True
    return re.search(tables.IMAGING_WORDS, label(found) or "", re.IGNORECASE) is not None


# ── by section ────────────────────────────────────────────────────────────────────────────────────


def act(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """Laboratory Report Data Processing Entry (XD-LAB, 1.3.6.1.4.1.19376.1.3.1): a frame around results."""
    made = [each for _, found in read_within(reading, where, node) for each in found]
    if not made:
        reading.skip(node, where, "It holds no results.")
    return made


def by_section(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """What a results section holds without a template that is known."""
    if node.tag in ("observation", "organizer"):
        return result(reading, where, node)
    return None


_RESULTS = (
    *roots(ROOT, "2"),
    *roots(CCD, "31"),
    *roots(IHE, "13"),
    *roots(HITSP, "15", "15.1", "15.2"),
    "2.16.840.1.113883.10.20.15.2.3.2",
    "1.3.6.1.4.1.19376.1.3.1.6",
)
_ORGANIZERS = (
    *roots(ROOT, "1"),
    *roots(CCD, "32"),
    "2.16.840.1.113883.10.20.15.2.3.35",
    "1.3.6.1.4.1.19376.1.3.1.4",
    "1.3.6.1.4.1.19376.1.3.1.5",
)
BY_TEMPLATE: dict[str, Reader] = {
    **dict.fromkeys(_RESULTS, result),
    **dict.fromkeys(_ORGANIZERS, organizer),
    "1.3.6.1.4.1.19376.1.3.1": act,
}
BY_SECTION: dict[str, Reader] = dict.fromkeys(("30954-2", "18748-4", *tables.LABORATORY_SECTIONS), by_section)
