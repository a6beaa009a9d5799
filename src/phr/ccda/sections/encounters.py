"""Encounters (46240-8): Encounter as Encounter Activity with its diagnoses.

Follows 2.16.840.1.113883.10.20.22.4.49 and 4.80. Planned encounters are in the Plan of Treatment.
"""

from __future__ import annotations

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.codes import ACT_CODE, CPT, LOINC, SNOMED
from phr.ccda.datatypes import code, coded, ids, interval, number, part_id, period, timestamp
from phr.ccda.desk import Desk, doubt
from phr.ccda.narrative import day, remarked, span
from phr.ccda.participants import author, performer, place, place_words, words_for
from phr.ccda.sections.frame import (
    Heading,
    Row,
    Section,
    comments,
    related,
    said,
    said_of,
    template,
    written_notes,
)
from phr.ccda.sections.indications import indications, reason_words
from phr.ccda.sections.links import pointed, priority_code, priority_words, words_of
from phr.ccda.sections.problems import diagnosed_in, diagnosis_details, problem_observation, refuted
from phr.ccda.sections.values import quantity_words
from phr.ccda.xml import Element, el, null
from phr.fhir.read import codings, concept_text, dicts, first, listed, text
from phr.model import Resource

HEADING = Heading("46240-8", "Encounters", "2.22.1", (None, "2015-08-01"))


def encounters(desk: Desk) -> list[Section]:
    """All encounters that were not merely planned, the newest first."""
    columns = ("Encounter", "When", "Where", "With", "Diagnoses or reason", "Status")
    section = Section(desk, HEADING, "enc", columns)
    diagnoses = _diagnoses(desk)
    for entry in desk.of("Encounter", when=_start):
        resource = entry.resource
        if text(resource.get("status")) == "planned":
            continue
        conditions = diagnoses.get(id(entry), [])
        noted = [note for each in conditions for note in written_notes(each.resource.get("note"))]
        row = section.row(
            entry,
            _words(resource),
            span(*period(resource.get("period"))),
            _where(desk, entry),
            ", ".join(_people(desk, entry)) or None,
            _why(desk, entry, conditions),
            remarked(text(resource.get("status")), _discharged(resource)),
            notes=[*written_notes(resource.get("note")), *noted],
            details=encounter_details(desk, entry, conditions),
        )
        section.add(_activity(desk, entry, row, conditions))
    return [section]


def encounter_details(desk: Desk, entry: Entry, conditions: list[Entry]) -> list[str | None]:
    """What has no column: how the person came and left, and what the diagnoses say beyond their names."""
    resource = entry.resource
    stay = first(resource.get("hospitalization"))
    stay = stay if isinstance(stay, dict) else {}
    places = dicts(resource.get("location"))
    return [
        said_of("service", resource.get("serviceType") if concept_text(resource.get("type")) else None),
        said("priority", priority_words(resource)),
        said("lasted", quantity_words(resource.get("length"))),
        said_of("came from", stay.get("admitSource")),
        said("came from", *words_of(desk, entry, stay.get("origin"))),
        said_of("readmitted", stay.get("reAdmission")),
        said_of("diet", stay.get("dietPreference")),
        said_of("arranged", stay.get("specialArrangement"), stay.get("specialCourtesy")),
        said("went to", *words_of(desk, entry, stay.get("destination"))),
        said_of("kind of place", *(each.get("physicalType") for each in places)),
        said("part of", *words_of(desk, entry, resource.get("partOf"))),
        said("was", *(_was(each, "status") for each in dicts(resource.get("statusHistory")))),
        said("was", *(_was(each, "class") for each in dicts(resource.get("classHistory")))),
        said("diagnosed as", *(_use(desk, entry, each) for each in dicts(resource.get("diagnosis")))),
        *(
            each
            for one in conditions
            for each in _of(one, diagnosis_details(desk, one, day(_start(resource))))
        ),
    ]


def _of(condition: Entry, details: list[str | None]) -> list[str | None]:
    """What is said of one diagnosis, with its name."""
    return [said(concept_text(condition.resource.get("code")) or "diagnosis", *details)]


def _was(history: Resource, key: str) -> str | None:
    """What the visit was for a time: arrived, in an emergency."""
    return remarked(
        concept_text(history.get(key)) or text(history.get(key)), span(*period(history.get("period")))
    )


def _use(desk: Desk, entry: Entry, diagnosis: Resource) -> str | None:
    """What a diagnosis was for the visit: the reason to come, or what was found in the end."""
    rank, use = number(diagnosis.get("rank")), concept_text(diagnosis.get("use"))
    if not rank and not use:
        return None
    named = next(iter(words_of(desk, entry, diagnosis.get("condition"))), None)
    return remarked(named, use, f"rank {rank}" if rank else None)


def _start(resource: Resource) -> object:
    start, end = period(resource.get("period"))
    return start or end


def _diagnoses(desk: Desk) -> dict[int, list[Entry]]:
    """Encounter to its diagnoses: those it names, and Conditions that name it."""
    found: dict[int, list[Entry]] = {}
    for entry in desk.of("Encounter"):
        for each in listed(entry.resource.get("diagnosis")):
            condition = desk.find(entry, each.get("condition")) if isinstance(each, dict) else None
            if condition is not None and condition.type == "Condition" and desk.lives(condition):
                _append(found, entry, condition)
    for condition in desk.of("Condition"):
        encounter = diagnosed_in(desk, condition)
        if encounter is not None:
            _append(found, encounter, condition)
    return found


def _append(found: dict[int, list[Entry]], encounter: Entry, condition: Entry) -> None:
    conditions = found.setdefault(id(encounter), [])
    if condition not in conditions:
        conditions.append(condition)


def _words(resource: Resource) -> str | None:
    return (
        concept_text(resource.get("type"))
        or concept_text(resource.get("serviceType"))
        or concept_text(resource.get("class"))
    )


def _locations(resource: Resource) -> list[object]:
    return [each.get("location") for each in listed(resource.get("location")) if isinstance(each, dict)]


def _where(desk: Desk, entry: Entry) -> str | None:
    names = [place_words(desk, entry, each) for each in _locations(entry.resource)]
    names.append(place_words(desk, entry, entry.resource.get("serviceProvider")))
    said = ""
    for name in names:  # a room often carries the name of its clinic
        if name and name not in said:
            said = f"{said}; {name}" if said else name
    return said or None


def _participants(resource: Resource) -> list[Resource]:
    return [each for each in listed(resource.get("participant")) if isinstance(each, dict)]


def _people(desk: Desk, entry: Entry) -> list[str]:
    names = [words_for(desk, entry, each.get("individual")) for each in _participants(entry.resource)]
    return list(dict.fromkeys(name for name in names if name))


def _why(desk: Desk, entry: Entry, conditions: list[Entry]) -> str | None:
    """The diagnoses, doubts and denials included, and the reasons that they do not repeat."""
    diagnoses = [
        remarked(words, refuted(each.resource), doubt(each.resource))
        for each in conditions
        if (words := concept_text(each.resource.get("code")))
    ]
    reasons = (reason_words(desk, entry) or "").split("; ")
    named = [words for words in diagnoses if words]
    known = "; ".join(named).casefold()
    new = [each for each in reasons if each and each.casefold() not in known]
    return "; ".join(dict.fromkeys([*named, *new])) or None


def _discharged(resource: Resource) -> str | None:
    stay = resource.get("hospitalization")
    words = concept_text(stay.get("dischargeDisposition")) if isinstance(stay, dict) else None
    return f"discharged: {words}" if words else None


def _activity(desk: Desk, entry: Entry, row: Row, conditions: list[Entry]) -> Element:
    resource = entry.resource
    stay = resource.get("hospitalization")
    disposition = stay.get("dischargeDisposition") if isinstance(stay, dict) else None
    places = [
        place(desk, entry, each.get("location"), time=period(each.get("period")))
        for each in dicts(resource.get("location"))
    ]
    if not any(places):
        places = [place(desk, entry, resource.get("serviceProvider"))]
    return el(
        "encounter",
        template("4.49", None, "2015-08-01"),
        ids(entry),
        encounter_code(resource),
        row.link(),
        _status(resource),
        _time(resource),
        coded("sdtc:dischargeDispositionCode", disposition) if codings(disposition) else None,
        priority_code(resource),
        [
            performer(
                desk, entry, each.get("individual"), first(each.get("type")), time=period(each.get("period"))
            )
            for each in _participants(resource)
        ],
        author(desk, entry),
        places,
        [related("RSON", each) for each in indications(desk, entry)],
        [related("SUBJ", each) for each in _diagnosed(desk, entry, conditions, row)],
        pointed(desk, entry, "REFR", resource.get("partOf")),
        comments(desk, entry, row.part(0, len(written_notes(resource.get("note"))))),
        classCode="ENC",
        moodCode="EVN",
    )


def encounter_code(resource: Resource) -> Element:
    """type at the root; class (v3 ActCode) as a translation."""
    class_ = next((c for c in codings(resource.get("class")) if c.code and not c.code.isspace()), None)
    translation = (
        [code("translation", class_.code, ACT_CODE, class_.display)]
        if class_ and class_.code and class_.code.isalpha() and class_.code.isupper()
        else []
    )
    return coded("code", first(resource.get("type")), [CPT, SNOMED], translations=translation)


def _status(resource: Resource) -> Element | None:
    found = codes.ENCOUNTER_STATUSES.get(text(resource.get("status")) or "")
    return el("statusCode", code=found) if found else None


def _time(resource: Resource) -> Element:
    start, end = period(resource.get("period"))
    if not timestamp(start) and not timestamp(end):
        return null("effectiveTime")
    return interval("effectiveTime", start, end)


def _diagnosed(desk: Desk, entry: Entry, conditions: list[Entry], row: Row) -> list[Element]:
    """The diagnoses, each with the comments of the row that are its own."""
    found, start = [], len(written_notes(entry.resource.get("note")))
    for condition in conditions:
        count = len(written_notes(condition.resource.get("note")))
        found.append(_diagnosis(desk, entry, condition, row.part(start, count)))
        start += count
    return found


def _diagnosis(desk: Desk, entry: Entry, condition: Entry, row: Row) -> Element:
    desk.done(condition)
    return el(
        "act",
        template("4.80", None, "2015-08-01"),
        part_id(entry, f"diagnosis {condition.address}"),
        code("code", "29308-4", LOINC, "Diagnosis"),
        el("statusCode", code="active"),
        related("SUBJ", problem_observation(desk, condition, row)),
        classCode="ACT",
        moodCode="EVN",
    )
