"""Family History (10157-6): FamilyMemberHistory as Family History Organizer.

Follows 2.16.840.1.113883.10.20.22.4.45, 4.46 and 4.47.
"""

from __future__ import annotations

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.codes import ACT_CODE, GENDER, LOINC, ROLE_CODE, SNOMED
from phr.ccda.datatypes import (
    at,
    code,
    coded,
    has_code,
    ids,
    interval,
    maybe_at,
    number,
    part_id,
    period,
    timestamp,
    value_code,
)
from phr.ccda.desk import Desk
from phr.ccda.narrative import day, remarked, span
from phr.ccda.participants import author
from phr.ccda.sections.frame import Heading, Row, Section, comments, related, said, said_of, template
from phr.ccda.sections.links import words_of
from phr.ccda.sections.problems import age_observation
from phr.ccda.sections.values import limits_words, quantity_words
from phr.ccda.xml import Element, el, null
from phr.fhir.read import codings, concept_text, listed, text
from phr.model import Resource

HEADING = Heading("10157-6", "Family History", "2.15", (None, "2015-08-01"))


def family_history(desk: Desk) -> list[Section]:
    """What is known of relatives."""
    section = Section(desk, HEADING, "fam", ("Relative", "Condition", "Since", "Deceased"))
    for entry in desk.of("FamilyMemberHistory", when=lambda resource: resource.get("date")):
        conditions = [c for c in listed(entry.resource.get("condition")) if isinstance(c, dict)]
        if not conditions and not _deceased(entry.resource):
            desk.leave_out(entry, "It names no condition of the relative.")
            continue
        rows = [_row(section, entry, each, whole=index == 0) for index, each in enumerate(conditions or [{}])]
        section.add(_organizer(desk, entry, list(zip(rows, conditions or [{}], strict=True))))
    return [section]


def _row(section: Section, entry: Entry, condition: Resource, *, whole: bool) -> Row:
    relative = entry.resource
    return section.row(
        entry,
        remarked(
            concept_text(relative.get("relationship")) or text(relative.get("name")), _sex_words(relative)
        ),
        remarked(
            concept_text(condition.get("code")) or ("Deceased" if not condition else None),
            "denied" if _denied(condition) else None,
            concept_text(condition.get("outcome")),
            "contributed to death" if condition.get("contributedToDeath") is True else None,
        ),
        _onset_words(condition),
        _death_words(relative),
        notes=[*listed(condition.get("note")), *(listed(relative.get("note")) if whole else [])],
        details=_details(section.desk, entry) if whole else (),
    )


def _onset_words(condition: Resource) -> str | None:
    age = quantity_words(condition.get("onsetAge")) or limits_words(condition.get("onsetRange"))
    when = day(condition.get("onsetDateTime")) or span(*period(condition.get("onsetPeriod")))
    return f"age {age}" if age else text(condition.get("onsetString")) or when


def _sex_words(relative: Resource) -> str | None:
    """The sex of a relative, where the relationship does not tell it."""
    words = concept_text(relative.get("sex")) or text(relative.get("gender"))
    known = (concept_text(relative.get("relationship")) or "").casefold()
    told = any(
        each in known
        for each in ("mother", "father", "sister", "brother", "daughter", "son", "aunt", "uncle")
    )
    return None if told else words


def _details(desk: Desk, entry: Entry) -> list[str | None]:
    """What has no column: the relative's name, birth and age, and why the history was taken."""
    resource = entry.resource
    named = text(resource.get("name")) if concept_text(resource.get("relationship")) else None
    born = (
        day(resource.get("bornDate"))
        or span(*period(resource.get("bornPeriod")))
        or text(resource.get("bornString"))
    )
    age = (
        quantity_words(resource.get("ageAge"))
        or limits_words(resource.get("ageRange"))
        or text(resource.get("ageString"))
    )
    return [
        said("name", named),
        said("born", born),
        said("age", remarked(age, "estimated" if resource.get("estimatedAge") is True else None)),
        said_of("because of", resource.get("reasonCode")),
        said("because of", *words_of(desk, entry, resource.get("reasonReference"))),
        said_of("not known because", resource.get("dataAbsentReason")),
        "partial" if text(resource.get("status")) == "partial" else None,
    ]


def _denied(condition: Resource) -> bool:
    """Whether the relative did not have it. Oracle Health says so in a modifierExtension, POSITIVE or NEGATIVE."""
    return any(
        has_code(each.get("valueCodeableConcept"), {"260385009"})
        or (concept_text(each.get("valueCodeableConcept")) or "").casefold() == "negative"
        for each in listed(condition.get("modifierExtension"))
        if isinstance(each, dict)
    )


def _death_words(resource: Resource) -> str | None:
    """Whether the relative died, and at what age or when."""
    if not _deceased(resource):
        return None
    age = quantity_words(resource.get("deceasedAge")) or limits_words(resource.get("deceasedRange"))
    when = day(resource.get("deceasedDate")) or text(resource.get("deceasedString"))
    return remarked("yes", f"age {age}" if age else None, when)


def _deceased(resource: Resource) -> bool:
    dated = any(
        resource.get(key) for key in ("deceasedAge", "deceasedRange", "deceasedDate", "deceasedString")
    )
    return resource.get("deceasedBoolean") is True or dated


def _organizer(desk: Desk, entry: Entry, pairs: list[tuple[Row, Resource]]) -> Element:
    resource = entry.resource
    gender = next((c.code for c in codings(resource.get("sex")) if c.code), text(resource.get("gender")))
    known = codes.GENDERS.get(gender or "")
    return el(
        "organizer",
        template("4.45", None, "2015-08-01"),
        ids(entry),
        el("statusCode", code="completed"),
        el(
            "subject",
            el(
                "relatedSubject",
                coded("code", resource.get("relationship"), [ROLE_CODE, SNOMED]),
                el(
                    "subject",
                    el("name", text(resource.get("name"))) if text(resource.get("name")) else None,
                    code("administrativeGenderCode", known, GENDER, codes.GENDER_NAMES[known])
                    if known
                    else null("administrativeGenderCode"),
                    maybe_at("birthTime", resource.get("bornDate") or period(resource.get("bornPeriod"))[0]),
                    _death_of(resource),
                ),
                classCode="PRS",
            ),
        ),
        author(desk, entry, None, resource.get("date")),
        [el("component", _observation(desk, entry, index, *pair)) for index, pair in enumerate(pairs)],
        classCode="CLUSTER",
        moodCode="EVN",
    )


def _death_of(resource: Resource) -> list[Element]:
    """Whether the relative died, and when (SDTC extensions)."""
    if not _deceased(resource):
        return [el("sdtc:deceasedInd", value="false")] if resource.get("deceasedBoolean") is False else []
    when = maybe_at("sdtc:deceasedTime", resource.get("deceasedDate"))
    return [el("sdtc:deceasedInd", value="true"), *([when] if when is not None else [])]


def _observation(desk: Desk, entry: Entry, index: int, row: Row, condition: Resource) -> Element:
    """One condition of the relative; a relative of whom only the death is known has a null one."""
    died = condition.get("contributedToDeath") is True or (not condition and _deceased(entry.resource))
    age = condition.get("onsetAge")
    years = number(age.get("value")) if isinstance(age, dict) else None
    unit = text(age.get("code")) if isinstance(age, dict) else None
    return el(
        "observation",
        template("4.46", None, "2015-08-01"),
        part_id(entry, f"condition{index}"),
        code(
            "code",
            "64572001",
            SNOMED,
            "Condition",
            code("translation", "75315-2", LOINC, "Condition Family member"),
        ),
        row.link(),
        el("statusCode", code="completed"),
        _since(condition),
        coded("value", condition.get("code"), [SNOMED], xsi_type="CD"),
        related("SUBJ", age_observation(years, unit) if years else None, inverted=True),
        related("CAUS", _death() if died else None),
        comments(desk, entry, row),
        classCode="OBS",
        moodCode="EVN",
        negationInd="true" if _denied(condition) else None,
    )


def _since(condition: Resource) -> Element:
    start, end = period(condition.get("onsetPeriod"))
    if timestamp(start) or timestamp(end):
        return interval("effectiveTime", start, end)
    return at("effectiveTime", condition.get("onsetDateTime"))


def _death() -> Element:
    return el(
        "observation",
        template("4.47"),
        code("code", "ASSERTION", ACT_CODE),
        el("statusCode", code="completed"),
        value_code("419099009", SNOMED, "Dead"),
        classCode="OBS",
        moodCode="EVN",
    )
