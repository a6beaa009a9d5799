"""Results (30954-2): a DiagnosticReport with its Observations as Result Organizer.

Follows 2.16.840.1.113883.10.20.22.4.1 and 4.2. Each Observation is written once: in the first report that
names it, else in an organizer of its own. Reports that only carry a document are in `notes`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.codes import CPT, LOINC, SNOMED
from phr.ccda.datatypes import coded, ids, maybe_coded, part_id, period, timestamp
from phr.ccda.desk import Desk, newest
from phr.ccda.narrative import moment
from phr.ccda.participants import author, performer, words_for
from phr.ccda.sections.frame import Heading, Row, Section, comments, said, said_of, template
from phr.ccda.sections.links import visit, words_of
from phr.ccda.sections.notes import has_document
from phr.ccda.sections.observations import RESULT, kind, people, when
from phr.ccda.sections.observed import (
    categories,
    connections,
    device_used,
    further_performers,
    observed_details,
    own_ids,
)
from phr.ccda.sections.specimens import specimen, specimen_words
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
from phr.ccda.sections.vital_signs import unmeasured
from phr.ccda.xml import Element, el
from phr.fhir.read import concept_text, dicts, listed, text
from phr.model import Resource

HEADING = Heading("30954-2", "Results", "2.3.1", (None, "2015-08-01"), required=True, entries_required=True)


def results(desk: Desk) -> list[Section]:
    """All results, the newest first."""
    section = Section(desk, HEADING, "res", ("Test", "When", "Result", "Usual range", "Report"))
    groups: dict[int, list[Entry]] = {}
    taken: set[int] = set()
    elsewhere = _reactions(desk)
    own = [each for each in desk.of("Observation", when=when) if kind(each.resource) == RESULT]
    own = [*(each for each in own if id(each) not in elsewhere), *unmeasured(desk)]
    panels = [entry for entry in own if listed(entry.resource.get("hasMember"))]
    for entry in [*desk.of("DiagnosticReport", when=when), *panels, *own]:
        if id(entry) not in taken:
            taken.add(id(entry))
            groups[id(entry)] = _members(desk, entry, taken)
    for entry in newest([*desk.of("DiagnosticReport"), *own], when):
        if id(entry) not in groups:
            continue
        if entry.type == "Observation" or groups[id(entry)] or _says_something(desk, entry):
            _note_places(desk, entry, groups[id(entry)])
        else:
            del groups[id(entry)]
    for entry in newest([*desk.of("DiagnosticReport"), *own], when):
        if id(entry) in groups:
            section.add(_organized(section, entry, groups[id(entry)]))
    return [section]


def _reactions(desk: Desk) -> set[int]:
    """id() of what only tells how a vaccine was borne: it stands there."""
    found = [
        desk.find(entry, reaction.get("detail"))
        for entry in desk.of("Immunization")
        for reaction in dicts(entry.resource.get("reaction"))
    ]
    return {id(each) for each in found if each is not None and not listed(each.resource.get("category"))}


def _says_something(desk: Desk, entry: Entry) -> bool:
    """Whether a report without Observations belongs here: its conclusion, or that it exists at all."""
    return bool(_concluded(entry.resource)) or not has_document(desk, entry)


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


def _note_places(desk: Desk, group: Entry, inside: list[Entry]) -> None:
    """What a report or a panel holds, unless it stands in its organizer and belongs to no other panel there."""
    held = {id(each) for each in inside}
    parts = [
        (entry, number, target)
        for entry in (group, *inside)
        for number, reference in enumerate(_pointed(entry)[::-1])
        if (target := desk.find(entry, reference)) is not None and target.type == "Observation"
    ]
    wholes = Counter(id(target) for _, _, target in parts)
    stands_for_it = group.type == "DiagnosticReport" or not has_value(group.resource)
    for entry, number, target in parts:
        plain = entry is group and stands_for_it and id(target) in held and wholes[id(target)] == 1
        if not plain:
            name = "result" if entry.type == "DiagnosticReport" else "member"
            desk.places.setdefault(id(target), []).append((entry, f"{name}{number}"))


def _pointed(entry: Entry) -> list[object]:
    """Last first, as they are taken from the end."""
    return listed(entry.resource.get("result" if entry.type == "DiagnosticReport" else "hasMember"))[::-1]


# ── organizers ────────────────────────────────────────────────────────────────────────────────────


def _organized(section: Section, entry: Entry, members: list[Entry]) -> Element:
    """A report or a panel with its members; an Observation of its own is a group of one."""
    report = entry.type == "DiagnosticReport"
    name = concept_text(entry.resource.get("code")) if report or members else None
    head = not report and not has_value(entry.resource) and bool(members or _components(entry.resource))
    components = [] if report else list(_observations(section, entry, name, head=head))
    for member in members:
        components += _observations(section, member, name)
    if report and (not components or _concluded(entry.resource) or any(_report_details(section.desk, entry))):
        components += _conclusions(section, entry, name)
    return _organizer(section.desk, entry, _names(entry, report=report, head=head), components)


def _names(entry: Entry, *, report: bool, head: bool) -> list[Element]:
    """An organizer is the report, or the panel; else only the frame that each result has to stand in."""
    if report:
        return ids(entry)
    return [*ids(entry), part_id(entry, "panel")] if head else [part_id(entry, "organizer")]


def _components(resource: Resource) -> list[Part]:
    return [part for part in listed(resource.get("component")) if isinstance(part, dict)]


def _organizer(desk: Desk, entry: Entry, own: list[Element], components: list[Element]) -> Element:
    desk.done(entry)
    resource = entry.resource
    return el(
        "organizer",
        template("4.1", None, "2015-08-01", "2023-05-01"),
        own,
        categories(resource, "laboratory", "LAB") if entry.type == "DiagnosticReport" else None,
        coded("code", resource.get("code"), [LOINC, SNOMED, CPT]),
        _status(resource),
        _organizer_time(resource),
        [specimen(desk, entry, each) for each in listed(resource.get("specimen"))],
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


# ── observations ──────────────────────────────────────────────────────────────────────────────────


def _observations(
    section: Section, entry: Entry, report: str | None, *, head: bool = False
) -> Iterator[Element]:
    """The Observation itself, unless the organizer stands for it, and each of its components."""
    section.desk.done(entry)
    if not head:
        yield _observation(section, entry, entry.resource, own_ids(section.desk, entry), report)
    for index, part in enumerate(_components(entry.resource)):
        own = [part_id(entry, f"component{index}")]
        yield _observation(section, entry, part, own, report, first_part=index == 0 and head)


def _observation(
    section: Section,
    entry: Entry,
    part: Part,
    own: list[Element],
    report: str | None,
    *,
    first_part: bool = True,
) -> Element:
    """One value; what is said of the whole Observation stands with its first."""
    resource, desk = entry.resource, section.desk
    members = has_value(resource)  # a panel without a value is an organizer, which holds them
    row = section.row(
        entry,
        concept_text(part.get("code")),
        moment(when(resource)),
        with_status(judged(part), resource),
        range_words(part),
        report,
        notes=resource.get("note") if first_part else None,
        details=observed_details(desk, entry, members=members) if first_part else (),
    )
    return el(
        "observation",
        template("4.2", None, "2015-08-01", "2023-05-01"),
        own,
        categories(resource, "laboratory", "LAB"),
        coded("code", part.get("code"), [LOINC, SNOMED, CPT]),
        row.link(),
        _status(resource),
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
        connections(desk, entry, members=members),
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


def _conclusions(section: Section, entry: Entry, report: str | None) -> Iterator[Element]:
    """What a report says in words, and each coded conclusion, as observations with the report's code."""
    resource = entry.resource
    words = _concluded(resource)
    row = section.row(
        entry,
        report,
        moment(when(resource)),
        with_status(words, resource),
        None,
        None,
        notes=resource.get("note"),
        details=_report_details(section.desk, entry),
    )
    own = text(resource.get("conclusion"))
    answer = el("value", own, xsi_type="ST") if own else el("value", xsi_type="ST", nullFlavor="NI")
    yield _conclusion(section, entry, "conclusion", row, answer)
    for number, each in enumerate(listed(resource.get("conclusionCode"))):
        answer = coded("value", each, xsi_type="CD")
        yield _conclusion(section, entry, f"conclusion{number}", row, answer)


def _conclusion(section: Section, entry: Entry, part: str, row: Row, answer: Element) -> Element:
    resource, whole = entry.resource, part == "conclusion"
    return el(
        "observation",
        template("4.2", None, "2015-08-01", "2023-05-01"),
        part_id(entry, part),
        coded("code", resource.get("code"), [LOINC, SNOMED, CPT]),
        row.link(),
        _status(resource),
        effective_time(resource),
        answer,
        author(section.desk, entry, people(resource), resource.get("issued")) if whole else None,
        comments(section.desk, entry, row) if whole else None,
        visit(section.desk, entry) if whole else None,
        classCode="OBS",
        moodCode="EVN",
    )


def _report_details(desk: Desk, entry: Entry) -> list[str | None]:
    """What a report says about itself: of what kind it is, who made and read it, what pictures there are."""
    resource = entry.resource
    pictures = dicts(resource.get("media"))
    return [
        said_of("kind", resource.get("category")),
        said("by", *(words_for(desk, entry, each) for each in listed(resource.get("performer")))),
        said(
            "read by", *(words_for(desk, entry, each) for each in listed(resource.get("resultsInterpreter")))
        ),
        said("specimen", *(specimen_words(desk, entry, each) for each in listed(resource.get("specimen")))),
        said("study", *words_of(desk, entry, resource.get("imagingStudy"))),
        said("picture", *(text(each.get("comment")) for each in pictures)),
        said("picture", *words_of(desk, entry, *(each.get("link") for each in pictures))),
    ]
