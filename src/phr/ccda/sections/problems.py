"""Problems (11450-4) and Health Concerns (75310-3): Condition as Problem Concern Act and its observation.

Follows 2.16.840.1.113883.10.20.22.4.3, 4.4, 4.6, 4.502 and 4.132. A diagnosis of an encounter stands with it;
one that is still active, or whose encounter is not in the Bundle, stands here (too): Synthea and others file
diabetes as encounter-diagnosis, and a problem list without it would mislead.
"""

from __future__ import annotations

from phr.ccda import codes, measures
from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC, SNOMED
from phr.ccda.datatypes import (
    at,
    code,
    coded,
    has_code,
    ids,
    maybe_coded,
    number,
    part_id,
    period,
    timestamp,
    value_code,
)
from phr.ccda.desk import Desk, doubt, negated
from phr.ccda.narrative import day, remarked
from phr.ccda.participants import author, informant, words_for
from phr.ccda.sections.frame import Heading, Row, Section, comments, related, said, said_of, template
from phr.ccda.sections.links import pointed, visit, words_of
from phr.ccda.sections.values import limits_words, quantity_words
from phr.ccda.xml import Element, el, null
from phr.fhir.read import codings, concept_text, dicts, extension, listed, text
from phr.model import Resource

PROBLEMS = Heading("11450-4", "Problems", "2.5.1", (None, "2015-08-01"), required=True, entries_required=True)
CONCERNS = Heading("75310-3", "Health Concerns", "2.58", (None, "2015-08-01"))
_COLUMNS = ("Condition", "Since", "Until", "Status")
_ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"


def problems(desk: Desk) -> list[Section]:
    """The problem list, with diagnoses that no encounter takes."""
    section = Section(desk, PROBLEMS, "prb", _COLUMNS)
    for entry in desk.of("Condition", when=since):
        if has_code(entry.resource.get("code"), codes.NO_INFORMATION):
            desk.leave_out(entry, "It says that there is no information.")
        elif not _is_concern(entry.resource) and not _only_diagnosis(desk, entry):
            row = _row(section, entry)
            section.add(_concern(desk, entry, row))
    return [section]


def health_concerns(desk: Desk) -> list[Section]:
    """Conditions of category health-concern."""
    section = Section(desk, CONCERNS, "hcn", _COLUMNS)
    for entry in desk.of("Condition", when=since):
        if _is_concern(entry.resource):
            section.add(_health_concern(desk, entry, _row(section, entry)))
    return [section]


def _is_concern(resource: Resource) -> bool:
    return (
        has_code(resource.get("category"), {"health-concern", "75310-3"}) is not None
        and has_code(resource.get("category"), {"problem-list-item", "problem", "encounter-diagnosis"})
        is None
        and has_code(resource.get("code"), codes.NO_INFORMATION) is None
    )


def diagnosed_in(desk: Desk, entry: Entry) -> Entry | None:
    """The encounter that a diagnosis stands with: only if it is no problem-list item as well."""
    categories = entry.resource.get("category")
    if has_code(categories, {"encounter-diagnosis", "diagnosis"}) is None:
        return None
    if has_code(categories, {"problem-list-item", "problem"}) or negated(entry.resource.get("code")):
        return None
    encounter = desk.find(entry, entry.resource.get("encounter", entry.resource.get("context")))
    if encounter is None or not desk.lives(encounter) or text(encounter.resource.get("status")) == "planned":
        return None
    return encounter


def _only_diagnosis(desk: Desk, entry: Entry) -> bool:
    current = clinical_status(entry.resource) in ("active", "recurrence", "relapse")
    return not current and diagnosed_in(desk, entry) is not None


def since(resource: Resource) -> object:
    """When it began, else when it was written down."""
    for key in ("onsetDateTime", "onsetPeriod", "recordedDate", "dateRecorded"):
        if timestamp(start := period(resource.get(key))[0]):
            return start
    return None


def _onset(resource: Resource) -> object:
    return resource.get("onsetDateTime") or period(resource.get("onsetPeriod"))[0]


def _end(resource: Resource) -> object:
    return resource.get("abatementDateTime") or period(resource.get("abatementPeriod"))[0]


def clinical_status(resource: Resource) -> str | None:
    """The clinicalStatus code, as R4 and as earlier versions write it."""
    status = next((c.code for c in codings(resource.get("clinicalStatus")) if c.code), None)
    status = status or text(resource.get("clinicalStatus"))
    return status if status in codes.CLINICAL_STATUSES else None


def _row(section: Section, entry: Entry) -> Row:
    resource = entry.resource
    words = concept_text(resource.get("code"))
    sites = [concept_text(each) for each in listed(resource.get("bodySite"))]
    return section.row(
        entry,
        remarked(words, refuted(resource), concept_text(resource.get("severity")), *sites),
        day(_onset(resource)) or _onset_words(resource),
        day(_end(resource)) or _end_words(resource),
        remarked(clinical_status(resource), doubt(resource)),
        notes=resource.get("note"),
        details=problem_details(section.desk, entry),
    )


def _onset_words(resource: Resource) -> str | None:
    age = quantity_words(resource.get("onsetAge")) or limits_words(resource.get("onsetRange"))
    return f"age {age}" if age else text(resource.get("onsetString"))


def _end_words(resource: Resource) -> str | None:
    age = quantity_words(resource.get("abatementAge")) or limits_words(resource.get("abatementRange"))
    return f"age {age}" if age else text(resource.get("abatementString"))


def problem_details(desk: Desk, entry: Entry) -> list[str | None]:
    """What has no column: its stage, what it shows by, who says so."""
    resource = entry.resource
    stages = [
        remarked(
            concept_text(each.get("summary")),
            concept_text(each.get("type")),
            *words_of(desk, entry, each.get("assessment")),
        )
        for each in dicts(resource.get("stage"))
    ]
    evidence = dicts(resource.get("evidence"))
    shown = [concept_text(code_) for each in evidence for code_ in listed(each.get("code"))]
    return [
        said("stage", *stages),
        said("shown by", *shown, *words_of(desk, entry, *[each.get("detail") for each in evidence])),
        said("told by", words_for(desk, entry, resource.get("asserter"))),
    ]


def diagnosis_details(desk: Desk, condition: Entry, seen: str | None) -> list[str | None]:
    """What a diagnosis says beyond its name where no column has room for it; `seen` is the day of the visit."""
    resource = condition.resource
    since_ = day(_onset(resource)) or _onset_words(resource)
    return [
        said_of("severity", resource.get("severity")),
        said_of("body site", resource.get("bodySite")),
        said("since", since_ if since_ != seen else None),
        said("until", day(_end(resource)) or _end_words(resource)),
        *problem_details(desk, condition),
    ]


def refuted(resource: Resource) -> str | None:
    """The word for a diagnosis that was found not to be so."""
    return has_code(resource.get("verificationStatus"), {"refuted"})


def _is_over(resource: Resource) -> bool:
    return clinical_status(resource) in codes.OVER or timestamp(_end(resource)) is not None


def _concern(desk: Desk, entry: Entry, row: Row) -> Element:
    resource = entry.resource
    over = _is_over(resource)
    return el(
        "act",
        template("4.3", None, "2015-08-01"),
        part_id(entry, "concern"),
        code("code", "CONC", codes.ACT_CLASS),
        el("statusCode", code="completed" if over else "active"),
        el("effectiveTime", at("low", _onset(resource)), at("high", _end(resource)) if over else None),
        author(desk, entry, resource.get("recorder"), resource.get("recordedDate")),
        related("SUBJ", problem_observation(desk, entry, row)),
        classCode="ACT",
        moodCode="EVN",
    )


def _health_concern(desk: Desk, entry: Entry, row: Row) -> Element:
    resource = entry.resource
    over = _is_over(resource)
    return el(
        "act",
        template("4.132", None, "2015-08-01", "2022-06-01"),
        part_id(entry, "concern"),
        code("code", "75310-3", LOINC, "Health concerns Document"),
        row.link(),
        el("statusCode", code="completed" if over else "active"),
        el("effectiveTime", at("low", _onset(resource)), at("high", _end(resource)) if over else None),
        author(desk, entry, resource.get("recorder"), resource.get("recordedDate")),
        related("REFR", problem_observation(desk, entry, row)),
        classCode="ACT",
        moodCode="EVN",
    )


def problem_observation(desk: Desk, entry: Entry, row: Row) -> Element:
    """The Problem Observation: what it is, since when, whether it is over."""
    resource = entry.resource
    denied = negated(resource.get("code")) is not None
    return el(
        "observation",
        template("4.4", None, "2015-08-01", "2022-06-01"),
        ids(entry),
        _categories(resource),
        code("code", "64572001", SNOMED, "Condition", code("translation", "75323-6", LOINC, "Condition")),
        row.link(),
        el("statusCode", code="completed"),
        _time(resource, denied=denied),
        value_code("55607006", SNOMED, "Problem")
        if denied
        else coded("value", resource.get("code"), [SNOMED], xsi_type="CD"),
        [maybe_coded("targetSiteCode", site) for site in listed(resource.get("bodySite"))],
        author(desk, entry, resource.get("recorder"), resource.get("recordedDate")),
        informant(desk, entry, resource.get("asserter")),
        related("SUBJ", _age(resource), inverted=True),
        related("SUBJ", _severity(resource, row), inverted=True),
        pointed(desk, entry, "SPRT", *[each.get("detail") for each in dicts(resource.get("evidence"))]),
        related("REFR", None if denied else _status(entry)),
        related("COMP", _diagnosed(resource)),
        comments(desk, entry, row),
        visit(desk, entry),
        classCode="OBS",
        moodCode="EVN",
        negationInd="true" if denied or refuted(resource) else None,
    )


def _time(resource: Resource, *, denied: bool) -> Element:
    """Onset and end. A high says that it is over, so it is written only for what is over."""
    if denied and not timestamp(_onset(resource)):
        return el("effectiveTime", null("low", "NI"))
    ended = clinical_status(resource) in ("resolved", "remission", "inactive") or timestamp(_end(resource))
    unknown = clinical_status(resource) != "resolved" and not timestamp(_end(resource))
    return el(
        "effectiveTime",
        at("low", _onset(resource)),
        at("high", _end(resource)) if ended and not unknown else None,
    )


def _age(resource: Resource) -> Element | None:
    age = resource.get("onsetAge")
    if not isinstance(age, dict) or (years := number(age.get("value"))) is None:
        return None
    return age_observation(years, text(age.get("code")))


def age_observation(amount: str, unit: str | None) -> Element | None:
    """Age Observation (4.31); nothing if the unit is none for ages."""
    if unit not in measures.AGES:
        return None
    return el(
        "observation",
        template("4.31"),
        code("code", "445518008", SNOMED, "Age at onset"),
        el("statusCode", code="completed"),
        el("value", xsi_type="PQ", value=amount, unit=measures.AGES[unit]),
        classCode="OBS",
        moodCode="EVN",
    )


def _categories(resource: Resource) -> list[Element]:
    """`sdtc:category` of what is more, or less, than a problem of the problem list."""
    found = [each for each in listed(resource.get("category")) if concept_text(each)]
    usual = all(has_code(each, frozenset(("problem-list-item",))) for each in found)
    return [] if usual else [coded("sdtc:category", each) for each in found]


def _severity(resource: Resource, row: Row) -> Element | None:
    """Severity Observation (4.8), for the codes that it may have."""
    found = has_code(resource.get("severity"), frozenset(codes.PROBLEM_SEVERITIES))
    if found is None:
        return None
    return el(
        "observation",
        template("4.8", None, "2014-06-09"),
        code("code", "SEV", codes.ACT_CODE),
        row.link(),
        el("statusCode", code="completed"),
        value_code(found, SNOMED, codes.PROBLEM_SEVERITIES[found]),
        classCode="OBS",
        moodCode="EVN",
    )


def _status(entry: Entry) -> Element | None:
    status = clinical_status(entry.resource)
    if status is None:
        return None
    return el(
        "observation",
        template("4.6", None, "2019-06-20"),
        part_id(entry, "status"),
        code("code", "33999-4", LOINC, "Status"),
        el("statusCode", code="completed"),
        el("effectiveTime", at("low", _onset(entry.resource))),
        value_code(codes.CLINICAL_STATUSES[status], SNOMED, codes.CLINICAL_STATUS_NAMES[status]),
        classCode="OBS",
        moodCode="EVN",
    )


def _diagnosed(resource: Resource) -> Element | None:
    """Date of Diagnosis (4.502): an asserted date, else when it was recorded."""
    asserted = (extension(resource, _ASSERTED) or {}).get("valueDateTime")
    when = timestamp(asserted) or timestamp(resource.get("recordedDate"))
    if when is None:
        return None
    return el(
        "act",
        template("4.502", "2022-06-01"),
        code("code", "77975-1", LOINC, "Earliest date of diagnosis"),
        el("statusCode", code="completed"),
        el("effectiveTime", value=when),
        classCode="ACT",
        moodCode="EVN",
    )
