"""Plan of Treatment (18776-5): what is ordered, planned or booked and not yet done.

Follows the planned templates 2.16.840.1.113883.10.20.22.4.39 to 4.44 and 4.20. Only open requests stand here; completed ones
appear as what they became.
"""

from __future__ import annotations

from phr.ccda.bundle import Entry
from phr.ccda.codes import CPT, HCPCS, LOINC, SNOMED
from phr.ccda.datatypes import coded, has_code, ids, interval, maybe_at, part_id, period, timestamp
from phr.ccda.desk import Desk, newest
from phr.ccda.narrative import day, from_html, moment, remarked, span
from phr.ccda.participants import author, performer, words_for
from phr.ccda.sections.dosage import dosages, dose_quantity, sig, taking_time
from phr.ccda.sections.drugs import drug_words, product
from phr.ccda.sections.encounters import encounter_code
from phr.ccda.sections.frame import Heading, Row, Section, comments, related, template
from phr.ccda.sections.indications import indications, reason_words
from phr.ccda.sections.medications import is_plan
from phr.ccda.xml import Element, el
from phr.fhir.read import concept_text, listed, text
from phr.model import Resource

HEADING = Heading("18776-5", "Plan of Treatment", "2.10", (None, "2014-06-09"))
_OPEN = frozenset(("active", "draft", "on-hold"))
_OVER = "It is not said to be open; what came of it stands in its own section."
_MOODS = {"order": "RQO", "plan": "INT", "proposal": "PRP", "directive": "RQO"}
_CODES = [LOINC, SNOMED, CPT, HCPCS]


def plan_of_treatment(desk: Desk) -> list[Section]:
    """All open plans, the newest first."""
    section = Section(desk, HEADING, "pln", ("Planned", "When", "Status", "Part of", "Reason"))
    types = (
        "ServiceRequest",
        "ProcedureRequest",
        "DiagnosticOrder",
        "MedicationRequest",
        "Encounter",
        "Appointment",
    )
    for entry in newest([*desk.of(*types), *desk.of("CarePlan")], _when):
        write = _WRITERS.get(entry.type, _request)
        write(section, entry)
    return [section]


def _when(resource: Resource) -> object:
    for key in ("occurrenceDateTime", "occurrencePeriod", "start", "period", "authoredOn", "created"):
        if timestamp(start := period(resource.get(key))[0]):
            return start
    return None


def _mood(resource: Resource) -> str:
    return _MOODS.get((text(resource.get("intent")) or "order").removesuffix("-order"), "RQO")


# ── requests ──────────────────────────────────────────────────────────────────────────────────────


def _request(section: Section, entry: Entry) -> None:
    resource = entry.resource
    status = text(resource.get("status"))
    if status not in _OPEN:
        section.desk.leave_out(entry, _OVER)
        return
    if resource.get("doNotPerform") is True:
        section.desk.leave_out(entry, "It asks for something not to be done; a planned act cannot say so.")
        return
    row = section.row(
        entry,
        concept_text(resource.get("code")),
        span(*_occurrence(resource)),
        status,
        None,
        reason_words(section.desk, entry),
        notes=resource.get("note"),
    )
    section.add(_planned(section.desk, entry, row))


def _occurrence(resource: Resource) -> tuple[object, object]:
    found = resource.get("occurrencePeriod")
    return period(found) if isinstance(found, dict) else period(resource.get("occurrenceDateTime"))


def _time(start: object, end: object) -> Element | None:
    if timestamp(end) and start != end:
        return interval("effectiveTime", start, end)
    return maybe_at("effectiveTime", start)


_KINDS = {
    "observation": ("4.44", (None, "2014-06-09"), "OBS"),
    "procedure": ("4.41", (None, "2014-06-09", "2022-06-01"), "PROC"),
    "act": ("4.39", (None, "2014-06-09"), "ACT"),
}


def _kind(resource: Resource) -> str:
    """Observation for tests, procedure for procedures, act for what is neither."""
    category = resource.get("category")
    if has_code(category, {"387713003", "24642003", "surgical-procedure"}):
        return "procedure"
    if has_code(category, {"108252007", "363679005", "laboratory", "imaging", "functional-status", "LAB"}):
        return "observation"
    root = coded("code", resource.get("code"), _CODES).attributes.get("codeSystem")
    return "observation" if root == LOINC else "procedure" if root in (CPT, HCPCS) else "act"


def _planned(desk: Desk, entry: Entry, row: Row) -> Element:
    resource = entry.resource
    kind = _kind(resource)
    number, dates, class_ = _KINDS[kind]
    performers = [performer(desk, entry, each) for each in listed(resource.get("performer"))]
    return el(
        kind,
        template(number, *dates),
        ids(entry),
        coded("code", resource.get("code"), _CODES),
        row.link(),
        el("statusCode", code="active"),
        _time(*_occurrence(resource)),
        performers,
        author(desk, entry, resource.get("requester"), resource.get("authoredOn")),
        [related("RSON", each) for each in indications(desk, entry)],
        comments(desk, entry, row),
        classCode=class_,
        moodCode=_mood(resource),
    )


def _medication(section: Section, entry: Entry) -> None:
    """A MedicationRequest that is a plan or a proposal (the others are under Medications)."""
    resource = entry.resource
    if not is_plan(resource):
        return
    if text(resource.get("status")) not in _OPEN:
        section.desk.leave_out(entry, _OVER)
        return
    instructions = dosages(resource)
    dosage = instructions[0] if instructions else {}
    how = "; ".join(filter(None, map(sig, instructions)))
    words = " - ".join(filter(None, (drug_words(section.desk, entry), how)))
    row = section.row(
        entry,
        words,
        day(resource.get("authoredOn")),
        text(resource.get("status")),
        None,
        reason_words(section.desk, entry),
        notes=resource.get("note"),
    )
    section.add(
        el(
            "substanceAdministration",
            template("4.42", None, "2014-06-09"),
            ids(entry),
            row.link(),
            el("statusCode", code="active"),
            taking_time(dosage, None, None),
            dose_quantity(dosage, denied=False),
            product(section.desk, entry, denied=False),
            author(section.desk, entry, resource.get("requester"), resource.get("authoredOn")),
            [related("RSON", each) for each in indications(section.desk, entry)],
            comments(section.desk, entry, row),
            classCode="SBADM",
            moodCode=_mood(resource),
        )
    )


# ── visits ────────────────────────────────────────────────────────────────────────────────────────


def _appointment(section: Section, entry: Entry) -> None:
    resource = entry.resource
    start = timestamp(resource.get("start"))
    if text(resource.get("status")) not in ("booked", "proposed", "pending", "waitlist"):
        section.desk.leave_out(entry, "The appointment is not open any more.")
    elif start and start[:8] < section.desk.now.strftime("%Y%m%d"):
        section.desk.leave_out(entry, "The appointment lies in the past.")
    else:
        words = concept_text(resource.get("serviceType")) or concept_text(resource.get("appointmentType"))
        visit = words or text(resource.get("description"))
        times = resource.get("start"), resource.get("end")
        _visit(section, entry, visit, coded("code", {"text": visit or "Appointment"}), times)


def _encounter(section: Section, entry: Entry) -> None:
    resource = entry.resource
    if text(resource.get("status")) == "planned":
        words = concept_text(resource.get("type")) or concept_text(resource.get("class"))
        _visit(section, entry, words, encounter_code(resource), period(resource.get("period")))


def _visit(
    section: Section, entry: Entry, words: str | None, code: Element, times: tuple[object, object]
) -> None:
    resource, desk = entry.resource, section.desk
    people = [each for each in listed(resource.get("participant")) if isinstance(each, dict)]
    who = [desk.find(entry, each.get("actor", each.get("individual"))) for each in people]
    row = section.row(
        entry,
        remarked(words or "Appointment", *_with(desk, entry)),
        moment(times[0]) or span(*times),
        text(resource.get("status")),
        None,
        reason_words(desk, entry),
        notes=[{"text": resource.get(key)} for key in ("patientInstruction", "comment")],
    )
    booked = entry.type == "Appointment" and text(resource.get("status")) == "booked"
    section.add(
        el(
            "encounter",
            template("4.40", None, "2014-06-09"),
            ids(entry),
            code,
            row.link(),
            el("statusCode", code="active"),
            _time(*times),
            [
                performer(desk, entry, each.get("actor", each.get("individual")))
                for each, found in zip(people, who, strict=True)
                if found is not None and found.type in ("Practitioner", "PractitionerRole")
            ],
            author(desk, entry, None, resource.get("created")),
            [related("RSON", each) for each in indications(desk, entry)],
            comments(desk, entry, row),
            classCode="ENC",
            moodCode="APT" if booked else "INT",
        )
    )


def _with(desk: Desk, entry: Entry) -> list[str | None]:
    """With whom and where, by name; the patient comes anyway."""
    people = [each for each in listed(entry.resource.get("participant")) if isinstance(each, dict)]
    places = [each for each in listed(entry.resource.get("location")) if isinstance(each, dict)]
    meant = [each.get("actor", each.get("individual")) for each in people]
    meant += [each.get("location") for each in places]
    strangers = [
        each for each in meant if (found := desk.find(entry, each)) is None or found.type != "Patient"
    ]
    strangers = [each for each in strangers if "Patient/" not in str(each)]
    return [words_for(desk, entry, each) for each in strangers]


# ── care plans ────────────────────────────────────────────────────────────────────────────────────


def _care_plan(section: Section, entry: Entry) -> None:
    """Each activity that is not over; a plan without any is a planned act itself."""
    resource = entry.resource
    if text(resource.get("status")) not in _OPEN:
        section.desk.leave_out(entry, _OVER)
        return
    title = text(resource.get("title")) or concept_text(_last(resource.get("category")))
    details = [
        (index, each["detail"])
        for index, each in enumerate(listed(resource.get("activity")))
        if isinstance(each, dict) and isinstance(each.get("detail"), dict)
    ]
    over = ("completed", "cancelled", "stopped")
    open_ = [pair for pair in details if text(pair[1].get("status")) not in over]
    notes, why = resource.get("note"), _addressed(section.desk, entry)
    for index, detail in open_:
        words = concept_text(detail.get("code")) or text(detail.get("description"))
        concept = detail.get("code") or {"text": words}
        scheduled = period(detail.get("scheduledPeriod"))
        row = section.row(
            entry,
            words,
            span(*scheduled),
            text(detail.get("status")),
            title,
            concept_text(detail.get("reasonCode")) or why,
            notes=notes,
        )
        notes = None  # the plan's own: said once
        section.add(_act(section.desk, entry, row, part_id(entry, f"activity{index}"), concept, scheduled))
    section.blocks.extend(_narrative(entry, title))
    if not open_:
        times = period(resource.get("period"))
        words = text(resource.get("description")) or title
        row = section.row(entry, words, span(*times), text(resource.get("status")), title, why, notes=notes)
        concept = {"text": words} if words else _last(resource.get("category"))
        section.add(_act(section.desk, entry, row, part_id(entry, "plan"), concept, times))


def _addressed(desk: Desk, entry: Entry) -> str | None:
    """The problems that a plan is for."""
    found = []
    for reference in listed(entry.resource.get("addresses")):
        target = desk.find(entry, reference)
        words = concept_text(target.resource.get("code")) if target else None
        display = reference.get("display") if isinstance(reference, dict) else None
        found.append(words or text(display))
    return "; ".join(dict.fromkeys(words for words in found if words)) or None


def _narrative(entry: Entry, title: str | None) -> list[Element]:
    """The plan in the author's words; a generated narrative only repeats what is coded."""
    narrative = entry.resource.get("text")
    if not isinstance(narrative, dict) or narrative.get("status") == "generated":
        return []
    blocks = from_html(text(narrative.get("div")) or "")
    return [el("paragraph", title, styleCode="Bold"), *blocks] if blocks and title else blocks


def _last(value: object) -> object:
    found = listed(value)
    return found[-1] if found else None


def _act(
    desk: Desk, entry: Entry, row: Row, own: Element, concept: object, times: tuple[object, object]
) -> Element:
    return el(
        "act",
        template("4.39", None, "2014-06-09"),
        own,
        coded("code", concept, _CODES),
        row.link(),
        el("statusCode", code="active"),
        _time(*times),
        author(desk, entry, entry.resource.get("author"), entry.resource.get("created")),
        comments(desk, entry, row),
        classCode="ACT",
        moodCode=_mood(entry.resource) if "intent" in entry.resource else "INT",
    )


_WRITERS = {
    "MedicationRequest": _medication,
    "Encounter": _encounter,
    "Appointment": _appointment,
    "CarePlan": _care_plan,
}
