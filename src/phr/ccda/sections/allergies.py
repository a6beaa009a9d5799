"""Allergies and Intolerances (48765-2): AllergyIntolerance as Allergy Concern Act and its observation.

Follows 2.16.840.1.113883.10.20.22.4.30 and 4.7. "No known allergies" is written only where a resource says
so in a code; an empty list says "no information".
"""

from __future__ import annotations

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC, RXNORM, SNOMED, UNII
from phr.ccda.datatypes import (
    at,
    code,
    coded,
    has_code,
    ids,
    interval,
    part_id,
    period,
    timestamp,
    value_code,
)
from phr.ccda.desk import Desk, doubt, negated
from phr.ccda.narrative import day, remarked
from phr.ccda.participants import author, informant, words_for
from phr.ccda.sections.frame import Heading, Row, Section, comments, related, said, template, written_notes
from phr.ccda.sections.links import visit
from phr.ccda.sections.values import limits_words, quantity_words
from phr.ccda.xml import Element, el, null
from phr.fhir.read import codings, concept_text, extension, listed, text
from phr.model import Resource

HEADING = Heading(
    "48765-2",
    "Allergies and Intolerances",
    "2.6.1",
    (None, "2015-08-01"),
    required=True,
    entries_required=True,
)
_RISKS = {"CRITL": "low", "CRITH": "high", "CRITU": "cannot be assessed"}
_ABATEMENT = "http://hl7.org/fhir/StructureDefinition/allergyintolerance-abatement"


def allergies(desk: Desk) -> list[Section]:
    """All allergies, the newest first."""
    section = Section(
        desk, HEADING, "alg", ("Allergy", "Kind", "Reactions", "Criticality", "Since", "Status")
    )
    for entry in desk.of("AllergyIntolerance", when=_since):
        if has_code(entry.resource.get("code"), codes.NO_INFORMATION):
            desk.leave_out(entry, "It says that there is no information.")
            continue
        resource = entry.resource
        row = section.row(
            entry,
            _substance_words(resource),
            _kind(resource)[1],
            "; ".join(_reaction_words(resource)) or None,
            _RISKS.get(_criticality_code(resource) or ""),
            day(_onset(resource)) or text(resource.get("onsetString")),
            remarked(_clinical_status(resource), doubt(resource)),
            notes=_notes(resource),
            details=_details(desk, entry),
        )
        section.add(_concern(desk, entry, row))
    return [section]


def _details(desk: Desk, entry: Entry) -> list[str | None]:
    """What has no column: when it last happened, since what age, who says so."""
    resource = entry.resource
    age = quantity_words(resource.get("onsetAge")) or limits_words(resource.get("onsetRange"))
    return [
        said("last", day(resource.get("lastOccurrence"))),
        said("since age", age),
        said("told by", words_for(desk, entry, resource.get("asserter"))),
    ]


def _since(resource: Resource) -> object:
    for key in ("onsetDateTime", "onsetPeriod", "recordedDate", "assertedDate"):
        if timestamp(start := period(resource.get(key))[0]):
            return start
    return None


def _onset(resource: Resource) -> object:
    """When it began: its own onset, else the earliest of its reactions."""
    own = resource.get("onsetDateTime") or period(resource.get("onsetPeriod"))[0]
    onsets = [text(reaction.get("onset")) for reaction in _reactions(resource)]
    return own or min((onset for onset in onsets if onset), default=None)


def _clinical_status(resource: Resource) -> str | None:
    status = next((c.code for c in codings(resource.get("clinicalStatus")) if c.code), None)
    status = status or text(resource.get("clinicalStatus"))
    return status if status in codes.CLINICAL_STATUSES else None


def _kind(resource: Resource) -> tuple[str, str]:
    if (denial := negated(resource.get("code"))) in codes.NO_KNOWN_ALLERGY:
        return codes.NO_KNOWN_ALLERGY[denial]
    categories = ["environment" if c == "biologic" else c for c in listed(resource.get("category"))]
    category = next((c for c in ("medication", "food", "environment") if c in categories), None)
    type_ = text(resource.get("type"))
    return codes.ALLERGY_TYPES[category, type_ if type_ in ("allergy", "intolerance") else None]


def _substance_words(resource: Resource) -> str | None:
    words = concept_text(resource.get("code")) or concept_text(resource.get("substance"))
    refuted = has_code(resource.get("verificationStatus"), {"refuted"})
    return f"{words} (refuted)" if refuted and words else words


def _concern(desk: Desk, entry: Entry, row: Row) -> Element:
    resource = entry.resource
    over = _clinical_status(resource) in codes.OVER
    return el(
        "act",
        template("4.30", None, "2015-08-01"),
        part_id(entry, "concern"),
        code("code", "CONC", codes.ACT_CLASS),
        el("statusCode", code="completed" if over else "active"),
        el("effectiveTime", at("low", _onset(resource)), at("high", _end(resource)) if over else None),
        author(desk, entry, resource.get("recorder"), resource.get("recordedDate")),
        related("SUBJ", _observation(desk, entry, row)),
        classCode="ACT",
        moodCode="EVN",
    )


def _end(resource: Resource) -> object:
    abatement = extension(resource, _ABATEMENT) or {}
    return abatement.get("valueDateTime") or period(abatement.get("valuePeriod"))[0]


def _observation(desk: Desk, entry: Entry, row: Row) -> Element:
    resource = entry.resource
    denied = negated(resource.get("code")) is not None
    refuted = has_code(resource.get("verificationStatus"), {"refuted"}) is not None
    end = _end(resource)
    return el(
        "observation",
        template("4.7", None, "2014-06-09"),
        ids(entry),
        code("code", "ASSERTION", codes.ACT_CODE),
        row.link(),
        el("statusCode", code="completed"),
        el("effectiveTime", null("low", "NI"))
        if denied and not _onset(resource)
        else interval("effectiveTime", _onset(resource), end),
        value_code(*_value(resource)),
        author(desk, entry, resource.get("recorder"), resource.get("recordedDate")),
        informant(desk, entry, resource.get("asserter")),
        _substance(resource, denied=denied),
        related("SUBJ", _status(resource), inverted=True),
        [related("MFST", reaction, inverted=True) for reaction in _reaction_elements(desk, entry, row)],
        related("SUBJ", _criticality(resource, row), inverted=True),
        comments(desk, entry, row.part(0, len(written_notes(resource.get("note"))))),
        visit(desk, entry),
        classCode="OBS",
        moodCode="EVN",
        negationInd="true" if denied or refuted else None,
    )


def _value(resource: Resource) -> tuple[str, str, str]:
    value, words = _kind(resource)
    return value, SNOMED, words


def _substance(resource: Resource, *, denied: bool) -> Element:
    concept = resource.get("code") or resource.get("substance")
    return el(
        "participant",
        el(
            "participantRole",
            el(
                "playingEntity",
                null("code", "NA") if denied else coded("code", concept, [RXNORM, UNII, SNOMED]),
                classCode="MMAT",
            ),
            classCode="MANU",
        ),
        typeCode="CSM",
    )


def _status(resource: Resource) -> Element | None:
    status = _clinical_status(resource)
    if status is None:
        return None
    return el(
        "observation",
        template("4.28", None, "2019-06-20"),
        code("code", "33999-4", LOINC, "Status"),
        el("statusCode", code="completed"),
        value_code(
            codes.CLINICAL_STATUSES[status], SNOMED, codes.CLINICAL_STATUS_NAMES[status], xsi_type="CE"
        ),
        classCode="OBS",
        moodCode="EVN",
    )


def _criticality_code(resource: Resource) -> str | None:
    risk = text(resource.get("criticality")) or ""
    return codes.CRITICALITIES.get(risk) or (risk if risk in _RISKS else None)  # DSTU2 has CRITH and CRITL


def _criticality(resource: Resource, row: Row) -> Element | None:
    found = _criticality_code(resource)
    if found is None:
        return None
    return el(
        "observation",
        template("4.145"),
        code("code", "82606-5", LOINC, "Criticality"),
        row.link(),
        el("statusCode", code="completed"),
        value_code(found, codes.OBSERVATION_VALUE),
        classCode="OBS",
        moodCode="EVN",
    )


# ── reactions ─────────────────────────────────────────────────────────────────────────────────────


def _reactions(resource: Resource) -> list[Resource]:
    return [reaction for reaction in listed(resource.get("reaction")) if isinstance(reaction, dict)]


def _reaction_words(resource: Resource) -> list[str]:
    words = []
    for reaction in _reactions(resource):
        manifested = [w for m in listed(reaction.get("manifestation")) if (w := concept_text(m))]
        described = text(reaction.get("description"))
        shown = ", ".join(manifested) or described
        further = described if described != shown else None
        if shown:
            words.append(
                remarked(shown, text(reaction.get("severity")), *_exposure(reaction), further) or shown
            )
    return words


def _exposure(reaction: Resource) -> list[str | None]:
    """To what and how, where that is finer than the allergy itself."""
    substance, route = concept_text(reaction.get("substance")), concept_text(reaction.get("exposureRoute"))
    return [f"to {substance}" if substance else None, f"by {route}" if route else None]


def _notes(resource: Resource) -> list[object]:
    """The notes on the allergy, then those on its reactions."""
    inner = [note for each in _reactions(resource) for note in listed(each.get("note"))]
    return [*listed(resource.get("note")), *inner]


def _reaction_elements(desk: Desk, entry: Entry, row: Row) -> list[Element]:
    """One Reaction Observation for each manifestation; the notes of a reaction stand in its first."""
    found, start = [], len(written_notes(entry.resource.get("note")))
    for number, reaction in enumerate(_reactions(entry.resource)):
        count = len(written_notes(reaction.get("note")))
        remarks = comments(desk, entry, row.part(start, count))
        start += count
        for place, manifestation in enumerate(_manifestations(reaction)):
            own = part_id(entry, f"reaction{number}.{place}")
            found.append(_reaction(row, reaction, manifestation, own, remarks))
            remarks = []
    return found


def _manifestations(reaction: Resource) -> list[object]:
    found = [m for m in listed(reaction.get("manifestation")) if concept_text(m)]
    described = text(reaction.get("description"))
    return found or ([{"text": described}] if described else [])


def _reaction(
    row: Row, reaction: Resource, manifestation: object, own: Element, remarks: list[Element]
) -> Element:
    return el(
        "observation",
        template("4.9", None, "2014-06-09"),
        own,
        code("code", "ASSERTION", codes.ACT_CODE),
        row.link(),
        el("statusCode", code="completed"),
        interval("effectiveTime", reaction.get("onset")) if timestamp(reaction.get("onset")) else None,
        coded("value", manifestation, [SNOMED], xsi_type="CD"),
        related("SUBJ", _severity(reaction, row), inverted=True),
        remarks,
        classCode="OBS",
        moodCode="EVN",
    )


def _severity(reaction: Resource, row: Row) -> Element | None:
    found = codes.SEVERITIES.get(text(reaction.get("severity")) or "")
    if found is None:
        return None
    return el(
        "observation",
        template("4.8", None, "2014-06-09"),
        code("code", "SEV", codes.ACT_CODE),
        row.link(),
        el("statusCode", code="completed"),
        value_code(found[0], SNOMED, found[1]),
        classCode="OBS",
        moodCode="EVN",
    )
