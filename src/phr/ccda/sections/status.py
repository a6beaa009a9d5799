"""Functional Status (47420-5) and Mental Status (10190-7): scored instruments and their answers.

Follows Assessment Scale Observation (2.16.840.1.113883.10.20.22.4.69) with its items as Assessment Scale Supporting
Observation (4.86). Depression, anxiety and cognition are Mental Status, every other survey is Functional.
"""

from __future__ import annotations

from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC, SNOMED
from phr.ccda.datatypes import coded, part_id
from phr.ccda.desk import Desk
from phr.ccda.narrative import moment
from phr.ccda.participants import author
from phr.ccda.sections.frame import Heading, Row, Section, comments, related, said, template
from phr.ccda.sections.observations import FUNCTIONAL, MENTAL, loinc, observations, people, when
from phr.ccda.sections.observations import kind as kind_of
from phr.ccda.sections.observed import (
    categories,
    connections,
    device_used,
    further_performers,
    note_members,
    observed_details,
    own_ids,
)
from phr.ccda.sections.values import (
    Part,
    effective_time,
    interpretation_code,
    judged,
    range_words,
    reference_ranges,
    value,
    with_status,
)
from phr.ccda.xml import Child, Element, el
from phr.fhir.read import concept_text, listed

_FUNCTIONAL = Heading("47420-5", "Functional Status", "2.14", (None, "2014-06-09"))
_MENTAL = Heading("10190-7", "Mental Status", "2.56", ("2015-08-01",))
_COLUMNS = ("Question or scale", "When", "Answer or score")


def functional_status(desk: Desk) -> list[Section]:
    """Surveys about function, and those that fit nowhere else."""
    return [_section(desk, _FUNCTIONAL, "fun", FUNCTIONAL)]


def mental_status(desk: Desk) -> list[Section]:
    """Surveys about mood and cognition."""
    return [_section(desk, _MENTAL, "men", MENTAL)]


def _section(desk: Desk, heading: Heading, prefix: str, kind: str) -> Section:
    section = Section(desk, heading, prefix, _COLUMNS)
    entries = observations(desk, FUNCTIONAL, MENTAL)
    members = _members(desk, entries)
    inside = {id(member) for found in members.values() for member in found}
    for entry in entries:
        if kind_of(entry.resource) == kind:
            note_members(desk, entry, members.get(id(entry), []))
    for entry in entries:
        if id(entry) not in inside and kind_of(entry.resource) == kind:
            section.add(_scale(section, entry, members.get(id(entry), [])))
    return section


def _members(desk: Desk, entries: list[Entry]) -> dict[int, list[Entry]]:
    """The items of each scale: coded in LOINC, themselves without items. They go where their scale goes."""
    free = {id(entry) for entry in entries if not listed(entry.resource.get("hasMember"))}
    found: dict[int, list[Entry]] = {}
    for entry in entries:
        for reference in listed(entry.resource.get("hasMember")):
            member = desk.find(entry, reference)
            if member is None or id(member) not in free or loinc(member.resource) is None:
                continue
            free.remove(id(member))
            found.setdefault(id(entry), []).append(member)
    return found


def _row(section: Section, entry: Entry, part: Part) -> Row:
    return section.row(
        entry,
        concept_text(part.get("code")),
        moment(when(entry.resource)),
        with_status(judged(part), entry.resource),
        notes=entry.resource.get("note") if part is entry.resource else None,
        details=[
            said("usual", range_words(part)),
            *(observed_details(section.desk, entry, members=True) if part is entry.resource else []),
        ],
    )


def _scale(section: Section, entry: Entry, members: list[Entry]) -> Element:
    resource, desk = entry.resource, section.desk
    row = _row(section, entry, resource)
    components = [
        (part, [part_id(entry, f"component{index}")], entry)
        for index, part in enumerate(listed(resource.get("component")))
        if isinstance(part, dict)
    ]
    items = [*components, *[(member.resource, own_ids(desk, member), member) for member in members]]
    return el(
        "observation",
        _template(resource),
        own_ids(desk, entry),
        categories(resource),
        coded("code", resource.get("code"), [LOINC, SNOMED]),
        row.link(),
        el("statusCode", code="completed"),
        effective_time(resource),
        value(resource),
        interpretation_code(resource),
        further_performers(desk, entry),
        author(desk, entry, people(resource), resource.get("issued")),
        device_used(desk, entry),
        [related("COMP", _item(section, *item)) for item in items],
        comments(desk, entry, row),
        connections(desk, entry),
        reference_ranges(resource),
        classCode="OBS",
        moodCode="EVN",
    )


def _template(part: Part) -> list[Element]:
    """The dated template takes LOINC codes only."""
    return template("4.69", "2022-06-01") if loinc(part) else template("4.69")


def _item(section: Section, part: Part, own: list[Element], entry: Entry) -> Element:
    row = _row(section, entry, part)
    return el(
        "observation",
        template("4.86", "2022-06-01") if loinc(part) else _template(part),
        own,
        categories(entry.resource) if part is entry.resource else None,
        coded("code", part.get("code"), [LOINC]),
        row.link(),
        el("statusCode", code="completed"),
        effective_time(entry.resource),
        value(part),
        interpretation_code(part),
        _of_member(section.desk, entry, row) if part is entry.resource else None,
        reference_ranges(part),
        classCode="OBS",
        moodCode="EVN",
    )


def _of_member(desk: Desk, entry: Entry, row: Row) -> list[Child]:
    """What an item says as an Observation of its own."""
    resource = entry.resource
    return [
        further_performers(desk, entry),
        author(desk, entry, people(resource), resource.get("issued")),
        device_used(desk, entry),
        comments(desk, entry, row),
        connections(desk, entry),
    ]
