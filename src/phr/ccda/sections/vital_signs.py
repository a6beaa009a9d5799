"""Vital Signs (8716-3): one organizer for each moment and encounter, one observation for each measurement.

Follows 2.16.840.1.113883.10.20.22.4.26 and 4.27. A blood pressure is two observations; what has no number
with a UCUM unit cannot be one and stays in the narrative.
"""

from __future__ import annotations

from dataclasses import dataclass

from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC, SNOMED
from phr.ccda.datatypes import at, code, coded, ids, maybe_coded, number, part_id, period, timestamp, ucum
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


def vital_signs(desk: Desk) -> list[Section]:
    """All vital signs, the newest first."""
    section = Section(desk, HEADING, "vit", ("Measurement", "When", "Value", "Usual range"))
    visits: dict[tuple[str, str, str], list[_Measurement]] = {}
    for entry in observations(desk, VITAL):
        visit = visits.setdefault(_visit(desk, entry), [])
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
            if _measured(part):
                visit.append(_Measurement(entry, part, row, index))
        desk.done(entry)
    section.add(*[_organizer(desk, visit) for visit in visits.values() if visit])
    return [section]


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


def _organizer(desk: Desk, visit: list[_Measurement]) -> Element:
    entry = visit[0].entry
    start, end = period(entry.resource.get("effectivePeriod"))
    low = start if timestamp(start) else effective(entry.resource)
    return el(
        "organizer",
        template("4.26", None, "2015-08-01"),
        part_id(entry, "vital signs"),
        code(
            "code",
            "46680005",
            SNOMED,
            "Vital signs",
            code("translation", "74728-7", LOINC, "Vital signs panel"),
        ),
        el("statusCode", code="completed"),
        el("effectiveTime", at("low", low), at("high", end if timestamp(end) else low)),
        author(desk, entry, people(entry.resource), entry.resource.get("issued")),
        [el("component", _observation(desk, measurement)) for measurement in visit],
        classCode="CLUSTER",
        moodCode="EVN",
    )


def _observation(desk: Desk, measurement: _Measurement) -> Element:
    entry, part, row = measurement.entry, measurement.part, measurement.row
    resource = entry.resource
    return el(
        "observation",
        template("4.27", None, "2014-06-09"),
        ids(entry) if measurement.number is None else part_id(entry, f"component{measurement.number}"),
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
