"""Social History (29762-2): smoking status, the other social Observations, and what Patient extensions say.

Follows 2.16.840.1.113883.10.20.22.4.78 (smoking), 4.38 (any other), 4.200 and 4.507 (sex) and their siblings.
The smoking status is never null: a source that does not know says 266927001.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from phr.ccda import codes, measures
from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC, SNOMED
from phr.ccda.datatypes import at, code, code_in, coded, has_code, part_id, translations, value_code
from phr.ccda.desk import Desk
from phr.ccda.narrative import day, moment
from phr.ccda.participants import author
from phr.ccda.sections.frame import Heading, Row, Section, comments, said, template
from phr.ccda.sections.observations import SOCIAL, loinc, observations, people, when
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
    effective,
    effective_time,
    has_value,
    interpretation_code,
    judged,
    range_words,
    value,
    with_status,
)
from phr.ccda.xml import Element, el, null
from phr.fhir.read import concept_text, extension, listed, text
from phr.model import Resource

HEADING = Heading("29762-2", "Social History", "2.17", (None, "2015-08-01"), required=True)
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_LOINC_OTHER = code("translation", "75280-8", LOINC, "Social history")

_IDENTITY = "2.16.840.1.113883.10.20.34.3.45"
_KINDS = {
    "11367-0": (("4.85", None, "2014-06-09"), "low"),
    "76690-7": (("4.501", "2023-05-01"), "low"),
    "76691-5": ((_IDENTITY, "2023-05-01"), "low"),
    "11341-5": (("4.503", "2023-05-01"), "low"),
    "86188-0": (("4.504", "2023-05-01"), "value"),
    "89571-4": (("4.505", "2023-05-01"), "value"),
    "95370-3": (("4.506", "2023-05-01"), "value"),
    "46098-0": (("4.507", "2023-06-28"), "value"),
}
"""LOINC codes with a template of their own, and the shape of its effectiveTime."""


_ALSO_SOCIAL = frozenset((_IDENTITY, "4.501", "4.503", "4.504", "4.506"))
"""Templates that are Social History Observations as well, and must say so."""


def social_history(desk: Desk) -> list[Section]:
    """What the sources say about how the person lives."""
    section = Section(desk, HEADING, "soc", ("Subject", "When", "Answer"))
    entries = observations(desk, SOCIAL)
    for entry in entries:
        note_members(desk, entry)
    for entry in entries:
        for number, part in _parts(entry.resource):
            _observation(section, entry, part, number)
        desk.done(entry)
    if desk.patient is not None:
        _from_patient(section, desk.patient)
    return [section]


def _parts(resource: Resource) -> list[tuple[int | None, Part]]:
    components = [part for part in listed(resource.get("component")) if isinstance(part, dict)]
    return [(None, resource), *enumerate(components)]


def _observation(section: Section, entry: Entry, part: Part, number: int | None) -> None:
    row = section.row(
        entry,
        concept_text(part.get("code")),
        moment(when(entry.resource)),
        with_status(judged(part), entry.resource),
        notes=entry.resource.get("note") if number in (None, 0) else None,
        details=social_details(section.desk, entry, part, whole=number in (None, 0)),
    )
    own = own_ids(section.desk, entry) if number is None else [part_id(entry, f"component{number}")]
    status = _smoking_status(part)
    if status is not None:
        section.add(_smoking(section.desk, entry, row, own, part, status))
    elif (pregnancy := _pregnancy(entry, part)) is not None:
        section.add(_statement(section.desk, entry, row, own, pregnancy))
    else:
        section.add(_other(section.desk, entry, row, own, part))


def social_details(desk: Desk, entry: Entry, part: Part, *, whole: bool) -> list[str | None]:
    """What has no column; what is said of the whole Observation stands with its first value."""
    about = observed_details(desk, entry, members=True) if whole else []
    return [said("usual", range_words(part)), *about]


def _smoking_status(part: Part) -> str | None:
    """A code of the Smoking Status value set; None if this is not one, or says something finer."""
    if loinc(part) != measures.SMOKING_STATUS:
        return None
    answer = part.get("valueCodeableConcept")
    known = has_code(answer, frozenset(measures.SMOKING_STATUSES))
    if known is None and (loinc_answer := has_code(answer, frozenset(measures.SMOKING_ANSWERS))):
        known = measures.SMOKING_ANSWERS[loinc_answer]
    if known is None and not has_value(part):
        known = measures.SMOKING_UNKNOWN
    return known


def _statement(desk: Desk, entry: Entry, row: Row, own: list[Element], inside: list[Element]) -> Element:
    """An observation: template ids first, then what `inside` says from effectiveTime on."""
    templates = [each for each in inside if each.tag == "templateId"]
    codes_ = [each for each in inside if each.tag == "code"]
    rest = [each for each in inside if each.tag not in ("templateId", "code")]
    return el(
        "observation",
        templates,
        own,
        categories(entry.resource, "social-history"),
        codes_,
        row.link(),
        el("statusCode", code="completed"),
        rest,
        further_performers(desk, entry),
        author(desk, entry, people(entry.resource), entry.resource.get("issued")),
        device_used(desk, entry),
        comments(desk, entry, row),
        connections(desk, entry, members=True),
        classCode="OBS",
        moodCode="EVN",
    )


def _smoking(desk: Desk, entry: Entry, row: Row, own: list[Element], part: Part, status: str) -> Element:
    answer = value_code(status, SNOMED, measures.SMOKING_STATUSES[status])
    words = concept_text(part.get("valueCodeableConcept"))
    answer.children.extend([el("originalText", words)] if words else [])
    return _statement(
        desk,
        entry,
        row,
        own,
        [
            *template("4.78", None, "2014-06-09"),
            code("code", measures.SMOKING_STATUS, LOINC, "Tobacco smoking status", *_asked(part, LOINC)),
            at("effectiveTime", effective(entry.resource)),
            answer,
        ],
    )


def _asked(part: Part, known: str) -> list[Element]:
    """The other codes of what was asked."""
    return [each for each in translations(part.get("code")) if each.attributes.get("codeSystem") != known]


def _pregnancy(entry: Entry, part: Part) -> list[Element] | None:
    status = code_in(part.get("valueCodeableConcept"), SNOMED)
    if loinc(part) != "82810-3" or status not in measures.PREGNANCY_STATUSES:
        return None
    return [
        *template("2.16.840.1.113883.10.20.15.3.8"),
        code("code", "ASSERTION", codes.ACT_CODE, None, *translations(part.get("code"))),
        el("effectiveTime", at("low", effective(entry.resource))),
        value_code(status, SNOMED, concept_text(part.get("valueCodeableConcept"))),
    ]


def _other(desk: Desk, entry: Entry, row: Row, own: list[Element], part: Part) -> Element:
    """A template of its own if the answer is one it can hold, else Social History Observation."""
    templates, shape = _KINDS.get(loinc(part) or "", ((), ""))
    answer = value(part)
    if not templates or answer.attributes.get("xsi:type") != "CD" or "nullFlavor" in answer.attributes:
        templates, shape = ("4.38", None, "2015-08-01", "2022-06-01"), "value"
    named = coded("code", part.get("code"), [LOINC, SNOMED])
    if named.attributes.get("codeSystem") != LOINC and not _has_loinc(named):
        named.children.append(_LOINC_OTHER)
    moment_ = effective(entry.resource)
    return _statement(
        desk,
        entry,
        row,
        own,
        [
            *_templates(str(templates[0]), templates[1:]),
            named,
            _time(entry, moment_, shape, templates),
            *([answer] if has_value(part) or "dataAbsentReason" in part else []),
            *([judged_] if (judged_ := interpretation_code(part)) is not None else []),
        ],
    )


def _time(entry: Entry, moment_: object, shape: str, templates: Sequence[object]) -> Element:
    """As the template has it; a Social History Observation takes a period."""
    if shape == "low":
        return el("effectiveTime", at("low", moment_))
    return effective_time(entry.resource) if templates[0] == "4.38" else at("effectiveTime", moment_)


def _templates(number: str, dates: Sequence[str | None]) -> list[Element]:
    general = template("4.38", "2022-06-01") if number in _ALSO_SOCIAL else []
    return [*general, *template(number, *dates)]


def _has_loinc(named: Element) -> bool:
    return any(
        not isinstance(child, str) and child.attributes.get("codeSystem") == LOINC for child in named.children
    )


# ── what the Patient says ─────────────────────────────────────────────────────────────────────────

_SEXES = {"248152002": "Female", "248153007": "Male"}


@dataclass(frozen=True, slots=True)
class _Trait:
    """What an extension of the Patient says: title, template and date, LOINC code; sex dates from birth."""

    title: str
    template: str
    date: str
    loinc: str
    from_birth: bool


_BIRTH_SEX = _Trait("Sex assigned at birth", "4.200", "2023-05-01", "76689-9", True)
_SEX = _Trait("Sex", "4.507", "2023-06-28", "46098-0", True)
_GENDER_IDENTITY = _Trait("Gender identity", _IDENTITY, "2023-05-01", "76691-5", False)
_TRIBE = _Trait("Tribal affiliation", "4.506", "2023-05-01", "95370-3", False)


def _from_patient(section: Section, patient: Entry) -> None:
    resource = patient.resource
    birth_sex = text((extension(resource, _US_CORE + "birthsex") or {}).get("valueCode"))
    if birth_sex in ("F", "M"):
        name = codes.GENDER_NAMES[birth_sex]
        _said(section, patient, _BIRTH_SEX, name, value_code(birth_sex, codes.GENDER, name))
    elif birth_sex:
        _said(section, patient, _BIRTH_SEX, "Unknown", el("value", xsi_type="CD", nullFlavor="UNK"))
    sex = text((extension(resource, _US_CORE + "sex") or {}).get("valueCode"))
    if sex in _SEXES:
        _said(section, patient, _SEX, _SEXES[sex], value_code(sex, SNOMED, _SEXES[sex]))
    identity = (extension(resource, _US_CORE + "genderIdentity") or {}).get("valueCodeableConcept")
    if words := concept_text(identity):
        _said(section, patient, _GENDER_IDENTITY, words, coded("value", identity, [SNOMED], xsi_type="CD"))
    for outer in listed(resource.get("extension")):
        if isinstance(outer, dict) and outer.get("url") == _US_CORE + "tribal-affiliation":
            tribe = (extension(outer, "tribalAffiliation") or {}).get("valueCodeableConcept")
            if words := concept_text(tribe):
                _said(section, patient, _TRIBE, words, coded("value", tribe, xsi_type="CD"))


def _said(section: Section, patient: Entry, trait: _Trait, words: str, answer: Element) -> None:
    birth = patient.resource.get("birthDate") if trait.from_birth else None
    row = section.row(patient, trait.title, day(birth), words)
    section.add(
        el(
            "observation",
            _templates(trait.template, [trait.date]),
            part_id(patient, f"{trait.loinc}{words}"),
            code("code", trait.loinc, LOINC, trait.title),
            row.link(),
            el("statusCode", code="completed"),
            el("effectiveTime", null("low")) if trait is _GENDER_IDENTITY else at("effectiveTime", birth),
            answer,
            classCode="OBS",
            moodCode="EVN",
        )
    )
