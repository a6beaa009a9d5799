"""Vital Signs (8716-3): one organizer for each moment and encounter, one observation for each measurement.

Follows 2.16.840.1.113883.10.20.22.4.26 and 4.27. A blood pressure is two observations; what has no number
with a UCUM unit cannot be one and stays in the narrative.
"""

from __future__ import annotations

from dataclasses import dataclass

from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC, SNOMED
from phr.ccda.datatypes import (
    at,
    code,
    coded,
    ids,
    maybe_coded,
    number,
    part_id,
    period,
    timestamp,
    translations,
    ucum,
)
from phr.ccda.desk import Desk
from phr.ccda.narrative import moment
from phr.ccda.participants import author
from phr.ccda.sections.frame import Heading, Row, Section, comments, template
from phr.ccda.sections.observations import VITAL, observations, people, when
from phr.ccda.sections.observed import (
    categories,
    connections,
    device_used,
    further_performers,
    observed_details,
    own_ids,
)
from phr.ccda.sections.specimens import specimen
from phr.ccda.sections.values import (
    Part,
    effective,
    effective_time,
    has_value,
    interpretation_code,
    judged,
    range_words,
    reference_ranges,
    value,
    with_status,
)
from phr.ccda.xml import Element, el
from phr.fhir.read import codings, concept_text, listed, text

HEADING = Heading(
    "8716-3", "Vital Signs", "2.4.1", (None, "2015-08-01"), required=True, entries_required=True
)


@dataclass(frozen=True, slots=True)
class _Measurement:
    """A value with its own code: an Observation without components, or one component."""

    entry: Entry
    part: Part
    row: Row
    number: int | None = None


@dataclass(frozen=True, slots=True)
class _Visit:
    """What was measured at one time, and the panels that it makes up."""

    panels: list[Entry]
    measurements: list[_Measurement]
    others: list[_Measurement]
    """What cannot be a Vital Sign Observation, which is a number with a UCUM unit."""


def vital_signs(desk: Desk) -> list[Section]:
    """All vital signs, the newest first."""
    section = Section(desk, HEADING, "vit", ("Measurement", "When", "Value", "Usual range"))
    visits: dict[tuple[str, ...], _Visit] = {}
    elsewhere = {id(entry) for entry in unmeasured(desk)}
    entries = [entry for entry in observations(desk, VITAL) if id(entry) not in elsewhere]
    panels = _panels(desk, entries)
    for entry in entries:
        panel = panels.get(id(entry))
        key = (*_visit(desk, panel or entry), panel.address if panel else "")
        visit = visits.setdefault(key, _Visit([], [], []))
        if _is_panel(entry):
            visit.panels.append(entry)
        parts = _parts(entry)
        if not parts and not any(desk.find(entry, each) for each in listed(entry.resource.get("hasMember"))):
            desk.leave_out(entry, "None of its observations is in the selection.")
        for index, part in parts:
            row = section.row(
                entry,
                concept_text(part.get("code")),
                moment(when(entry.resource)),
                with_status(judged(part), entry.resource),
                range_words(part),
                notes=entry.resource.get("note") if index in (None, 0) else None,
                details=observed_details(desk, entry) if index in (None, 0) else (),
            )
            found = visit.measurements if _measured(part) else visit.others
            if _says_something(part):
                found.append(_Measurement(entry, part, row, index))
        desk.done(entry)
    for visit in visits.values():
        if visit.measurements:
            section.add(_organizer(desk, visit, visit.measurements, "4.26"))
        if visit.others:
            section.add(_organizer(desk, visit, visit.others, "4.1"))
    return [section]


def unmeasured(desk: Desk) -> list[Entry]:
    """All vital signs, if not one of them is a number with a UCUM unit: the section must hold one, so these are results."""
    found = observations(desk, VITAL)
    measured = any(_measured(part) for entry in found for _, part in _parts(entry))
    return [] if measured else [entry for entry in found if _parts(entry)]


def _says_something(part: Part) -> bool:
    return concept_text(part.get("code")) is not None


def _is_panel(entry: Entry) -> bool:
    """Whether it says nothing but what its components or members say."""
    resource = entry.resource
    return not has_value(resource) and bool(
        listed(resource.get("component")) or listed(resource.get("hasMember"))
    )


def _panels(desk: Desk, entries: list[Entry]) -> dict[int, Entry]:
    """id() of each panel that has to give its group its name, and of its members, to the panel.

    A blood pressure needs none: its parts tell what it is.
    """
    found: dict[int, Entry] = {}
    for entry in filter(_is_panel, entries):
        names = {(each.system, each.code) for each in codings(entry.resource.get("code"))}
        if listed(entry.resource.get("component")) and names <= {("http://loinc.org", "85354-9")}:
            continue
        found[id(entry)] = entry
        for reference in listed(entry.resource.get("hasMember")):
            member = desk.find(entry, reference)
            if member is not None and not _is_panel(member):
                found.setdefault(id(member), entry)
    return found


def _visit(desk: Desk, entry: Entry) -> tuple[str, str, str]:
    encounter = entry.resource.get("encounter")
    target = desk.find(entry, encounter)
    words = (
        target.address
        if target
        else text(encounter.get("reference"))
        if isinstance(encounter, dict)
        else None
    )
    return entry.base, str(when(entry.resource)), words or ""


def _parts(entry: Entry) -> list[tuple[int | None, Part]]:
    """The measurements of an Observation. A panel that only points at its members has none of its own."""
    resource = entry.resource
    own: list[tuple[int | None, Part]] = []
    components = [part for part in listed(resource.get("component")) if isinstance(part, dict)]
    if has_value(resource) or not (components or listed(resource.get("hasMember"))):
        own.append((None, resource))
    return own + list(enumerate(components))


def _measured(part: Part) -> bool:
    found = part.get("valueQuantity")
    return (
        isinstance(found, dict)
        and number(found.get("value")) is not None
        and not text(found.get("comparator"))
        and ucum(found) is not None
        and bool(codings(part.get("code")))
    )


_DATES = {"4.26": (None, "2015-08-01"), "4.1": (None, "2015-08-01", "2023-05-01")}


def _organizer(desk: Desk, visit: _Visit, measurements: list[_Measurement], kind: str) -> Element:
    """The measurements as Vital Signs Organizer; those that have no number and UCUM unit as results of the same section."""
    entry, first = measurements[0].entry, kind == "4.26" or not visit.measurements
    start, end = period(entry.resource.get("effectivePeriod"))
    low = start if timestamp(start) else effective(entry.resource)
    named = [panel for panel in visit.panels if id(panel) in _panels(desk, [panel])]
    return el(
        "organizer",
        template(kind, *_DATES[kind]),
        [[*ids(panel), part_id(panel, "panel")] for panel in visit.panels] if first else None,
        part_id(entry, "group"),
        code(
            "code",
            "46680005",
            SNOMED,
            "Vital signs",
            code("translation", "74728-7", LOINC, "Vital signs panel"),
            *(each for panel in named for each in translations(panel.resource.get("code"))),
        ),
        el("statusCode", code="completed"),
        el("effectiveTime", at("low", low), at("high", end if timestamp(end) else low)),
        author(desk, entry, people(entry.resource), entry.resource.get("issued")),
        [el("component", _observation(desk, each, vital=kind == "4.26")) for each in measurements],
        classCode="CLUSTER",
        moodCode="EVN",
    )


def _observation(desk: Desk, measurement: _Measurement, *, vital: bool) -> Element:
    entry, part, row = measurement.entry, measurement.part, measurement.row
    resource = entry.resource
    return el(
        "observation",
        template("4.27", None, "2014-06-09") if vital else template("4.2", None, "2015-08-01", "2023-05-01"),
        own_ids(desk, entry)
        if measurement.number is None
        else part_id(entry, f"component{measurement.number}"),
        categories(resource, "vital-signs"),
        coded("code", part.get("code"), [LOINC]),
        row.link(),
        el("statusCode", code="completed"),
        effective_time(resource),
        value(part),
        interpretation_code(part),
        maybe_coded("methodCode", resource.get("method")),
        maybe_coded("targetSiteCode", resource.get("bodySite")),
        [specimen(desk, entry, each) for each in listed(resource.get("specimen"))],
        further_performers(desk, entry),
        author(desk, entry, people(resource), resource.get("issued")),
        device_used(desk, entry),
        comments(desk, entry, row),
        connections(desk, entry),
        reference_ranges(part),
        classCode="OBS",
        moodCode="EVN",
    )
