"""Results (30954-2): a DiagnosticReport with its Observations as Result Organizer.

Follows 2.16.840.1.113883.10.20.22.4.1 and 4.2. Each Observation is written once: in the first report that
names it, else in an organizer of its own. Reports that only carry a document are in `notes`.
"""

from __future__ import annotations

from collections.abc import Iterator

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.codes import CPT, LOINC, SNOMED
from phr.ccda.datatypes import coded, ids, maybe_coded, part_id, period, timestamp
from phr.ccda.desk import Desk, newest
from phr.ccda.narrative import moment
from phr.ccda.participants import author, performer
from phr.ccda.sections.frame import Heading, Section, comments, template
from phr.ccda.sections.notes import has_document
from phr.ccda.sections.observations import RESULT, kind, people, when
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
from phr.fhir.read import concept_text, listed, text
from phr.model import Resource

HEADING = Heading("30954-2", "Results", "2.3.1", (None, "2015-08-01"), required=True, entries_required=True)


def results(desk: Desk) -> list[Section]:
    """All results, the newest first."""
    section = Section(desk, HEADING, "res", ("Test", "When", "Result", "Usual range", "Report"))
    groups: dict[int, list[Entry]] = {}
    taken: set[int] = set()
    own = [each for each in desk.of("Observation", when=when) if kind(each.resource) == RESULT]
    panels = [entry for entry in own if listed(entry.resource.get("hasMember"))]
    for entry in [*desk.of("DiagnosticReport", when=when), *panels, *own]:
        if id(entry) not in taken:
            taken.add(id(entry))
            groups[id(entry)] = _members(desk, entry, taken)
    for entry in newest([*desk.of("DiagnosticReport"), *own], when):
        if id(entry) not in groups:
            continue
        if entry.type == "Observation" or groups[id(entry)] or _says_something(desk, entry):
            section.add(_organized(section, entry, groups[id(entry)]))
        elif listed(entry.resource.get("result")):
            _explain(desk, entry)
    return [section]


def _says_something(desk: Desk, entry: Entry) -> bool:
    """Whether a report without Observations belongs here: its conclusion, or that it exists at all."""
    resource = entry.resource
    if _concluded(resource):
        return True
    return not listed(resource.get("result")) and not has_document(desk, entry)


def _explain(desk: Desk, entry: Entry) -> None:
    if has_document(desk, entry):
        return
    found = [desk.find(entry, reference) for reference in listed(entry.resource.get("result"))]
    if any(found):
        desk.leave_out(entry, "Its observations stand in other sections or reports.")
    else:
        desk.leave_out(entry, "None of its observations is in the selection.")


def _members(desk: Desk, group: Entry, taken: set[int]) -> list[Entry]:
    """The Observations of a report or a panel, and of panels in it, that no other has taken."""
    found: list[Entry] = []
    waiting = [(group, each) for each in _pointed(group)]
    while waiting:
        origin, reference = waiting.pop()
        entry = desk.find(origin, reference)
        if entry is None or entry.type != "Observation" or id(entry) in taken:
            continue
        if entry.container is None and (not desk.lives(entry) or kind(entry.resource) != RESULT):
            continue
        taken.add(id(entry))
        found.append(entry)
        waiting.extend((entry, each) for each in _pointed(entry))
    return found


def _pointed(entry: Entry) -> list[object]:
    """Last first, as they are taken from the end."""
    return listed(entry.resource.get("result" if entry.type == "DiagnosticReport" else "hasMember"))[::-1]


# ── organizers ────────────────────────────────────────────────────────────────────────────────────


def _organized(section: Section, entry: Entry, members: list[Entry]) -> Element:
    """A report or a panel with its members; an Observation of its own is a group of one."""
    report = entry.type == "DiagnosticReport"
    name = concept_text(entry.resource.get("code")) if report or members else None
    components = [] if report else list(_observations(section, entry, name, panel=bool(members)))
    components += [each for member in members for each in _observations(section, member, name)]
    if not report and not components:  # a panel of panels of nothing
        components = list(_observations(section, entry, name, panel=False))
    if report and (not components or _concluded(entry.resource)):
        components.append(_conclusion(section, entry, name))
    own = ids(entry) if report else [part_id(entry, "organizer")]
    return _organizer(section.desk, entry, own, components)


def _organizer(desk: Desk, entry: Entry, own: list[Element], components: list[Element]) -> Element:
    desk.done(entry)
    resource = entry.resource
    return el(
        "organizer",
        template("4.1", None, "2015-08-01", "2023-05-01"),
        own,
        coded("code", resource.get("code"), [LOINC, SNOMED, CPT]),
        _status(resource),
        _organizer_time(resource),
        [_specimen(desk, entry, each) for each in listed(resource.get("specimen"))[:1]],
        _performers(desk, entry) if entry.type == "DiagnosticReport" else None,
        author(desk, entry, people(resource), resource.get("issued")),
        [el("component", each) for each in components],
        classCode="BATTERY" if len(components) > 1 else "CLUSTER",
        moodCode="EVN",
    )


def _status(resource: Resource) -> Element:
    """Result Status allows no null: of an unknown one we know only whether there is something to read."""
    said = text(resource.get("status")) or ""
    there = has_value(resource) or bool(listed(resource.get("result"))) or text(resource.get("conclusion"))
    return el("statusCode", code=codes.OBSERVATION_STATUSES.get(said, "completed" if there else "active"))


def _organizer_time(resource: Resource) -> Element | None:
    start, end = period(resource.get("effectivePeriod"))
    low = timestamp(start) or timestamp(effective(resource))
    if low is None:
        return None
    return el("effectiveTime", el("low", value=low), el("high", value=timestamp(end) or low))


def _performers(desk: Desk, entry: Entry) -> list[Element]:
    listing = listed(entry.resource.get("performer"))[1:] + listed(entry.resource.get("resultsInterpreter"))
    return [found for each in listing if (found := performer(desk, entry, each)) is not None]


def _specimen(desk: Desk, entry: Entry, reference: object) -> Element | None:
    found = desk.find(entry, reference)
    if found is None:
        return None
    return el(
        "specimen",
        el(
            "specimenRole",
            ids(found),
            el("specimenPlayingEntity", coded("code", found.resource.get("type"), [SNOMED])),
        ),
    )


# ── observations ──────────────────────────────────────────────────────────────────────────────────


def _observations(
    section: Section, entry: Entry, report: str | None, *, panel: bool | None = None
) -> Iterator[Element]:
    """The Observation itself, if it says something, and each of its components."""
    resource = entry.resource
    section.desk.done(entry)
    components = [part for part in listed(resource.get("component")) if isinstance(part, dict)]
    grouping = bool(components) or (bool(listed(resource.get("hasMember"))) if panel is None else panel)
    if has_value(resource) or not grouping:
        yield _observation(section, entry, resource, ids(entry), report)
    for index, part in enumerate(components):
        yield _observation(section, entry, part, [part_id(entry, f"component{index}")], report)


def _observation(
    section: Section, entry: Entry, part: Part, own: list[Element], report: str | None
) -> Element:
    resource, desk = entry.resource, section.desk
    row = section.row(
        entry,
        concept_text(part.get("code")),
        moment(when(resource)),
        with_status(judged(part), resource),
        range_words(part),
        report,
        notes=resource.get("note") if part is resource else None,
    )
    return el(
        "observation",
        template("4.2", None, "2015-08-01", "2023-05-01"),
        own,
        coded("code", part.get("code"), [LOINC, SNOMED, CPT]),
        row.link(),
        _status(resource),
        effective_time(resource),
        value(part),
        interpretation_code(part),
        maybe_coded("methodCode", resource.get("method")),
        maybe_coded("targetSiteCode", resource.get("bodySite")),
        [_specimen(desk, entry, each) for each in listed(resource.get("specimen"))[:1]],
        author(desk, entry, people(resource), resource.get("issued")),
        comments(desk, entry, row),
        reference_ranges(part),
        classCode="OBS",
        moodCode="EVN",
    )


def _concluded(resource: Resource) -> str | None:
    """The conclusion in words, and the coded ones that it does not repeat."""
    said = text(resource.get("conclusion"))
    further = [concept_text(each) for each in listed(resource.get("conclusionCode"))]
    new = [words for words in further if words and words.casefold() not in (said or "").casefold()]
    return "; ".join(dict.fromkeys([*([said] if said else []), *new])) or None


def _conclusion(section: Section, entry: Entry, report: str | None) -> Element:
    """What a report says in words, as an observation with the report's code."""
    resource = entry.resource
    words = _concluded(resource)
    row = section.row(entry, report, moment(when(resource)), with_status(words, resource), None, None)
    return el(
        "observation",
        template("4.2", None, "2015-08-01", "2023-05-01"),
        part_id(entry, "conclusion"),
        coded("code", resource.get("code"), [LOINC, SNOMED, CPT]),
        row.link(),
        _status(resource),
        effective_time(resource),
        el("value", words, xsi_type="ST") if words else el("value", xsi_type="ST", nullFlavor="NI"),
        author(section.desk, entry, people(resource), resource.get("issued")),
        classCode="OBS",
        moodCode="EVN",
    )
