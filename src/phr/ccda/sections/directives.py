"""Advance Directives (42348-3) and Assessments (51848-0): Consent, and what a ClinicalImpression concludes.

Follows Advance Directive Observation (2.16.840.1.113883.10.20.22.4.48). Consents to share data or to take part in research
are no advance directives and are left out by name.
"""

from __future__ import annotations

from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC, SNOMED
from phr.ccda.datatypes import at, code, coded, codings_in, has_code, ids, period
from phr.ccda.desk import Desk
from phr.ccda.narrative import moment, span
from phr.ccda.participants import author
from phr.ccda.sections.frame import Heading, Row, Section, template
from phr.ccda.xml import Element, el, null
from phr.fhir.read import concept_text, first, text
from phr.model import Resource

DIRECTIVES = Heading("42348-3", "Advance Directives", "2.21.1", (None, "2015-08-01"))
ASSESSMENTS = Heading("51848-0", "Assessments", "2.8", (None,))
_ADVANCE = frozenset(("acd", "dnr", "polst", "adr", "hcd"))
_ADVANCE_LOINC = frozenset(
    ("42348-3", "59284-0", "64298-3", "75320-2", "81334-5", "86533-7", "92664-2", "93037-0")
)


def advance_directives(desk: Desk) -> list[Section]:
    """Consents that are advance directives."""
    section = Section(desk, DIRECTIVES, "adv", ("Directive", "Decision", "When", "Status"))
    for entry in desk.of("Consent", when=lambda resource: resource.get("dateTime")):
        resource = entry.resource
        if not _is_advance(resource):
            desk.leave_out(entry, "It is a consent that is no advance directive.")
            continue
        row = section.row(
            entry,
            _words(resource),
            _decision(resource),
            span(*_period(resource)),
            text(resource.get("status")),
        )
        section.add(_directive(desk, entry, row))
    return [section]


def _is_advance(resource: Resource) -> bool:
    scope, category = resource.get("scope"), resource.get("category")
    return bool(has_code(scope, {"adr"}) or has_code(category, _ADVANCE | _ADVANCE_LOINC))


def _words(resource: Resource) -> str | None:
    return concept_text(resource.get("category")) or concept_text(resource.get("scope"))


def _decision(resource: Resource) -> str | None:
    provision = first(resource.get("provision"))
    return text(provision.get("type")) if isinstance(provision, dict) else None


def _period(resource: Resource) -> tuple[object, object]:
    provision = first(resource.get("provision"))
    found = provision.get("period") if isinstance(provision, dict) else None
    return period(found) if found else (resource.get("dateTime"), None)


def _directive(desk: Desk, entry: Entry, row: Row) -> Element:
    resource = entry.resource
    start, end = _period(resource)
    named = coded("code", first(resource.get("category")), [SNOMED, LOINC])
    if (
        "75320-2" not in codings_in(first(resource.get("category")), LOINC)
        or named.attributes.get("code") == "75320-2"
    ):
        named.children.append(code("translation", "75320-2", LOINC, "Advance directive"))
    return el(
        "observation",
        template("4.48", None, "2015-08-01"),
        ids(entry),
        named,
        row.link(),
        el("statusCode", code="completed"),
        el("effectiveTime", at("low", start), at("high", end, "NA")),
        el("value", _decision(resource) or _words(resource), xsi_type="ST")
        if _decision(resource) or _words(resource)
        else null("value", "UNK"),
        author(desk, entry, resource.get("performer"), resource.get("dateTime")),
        classCode="OBS",
        moodCode="EVN",
    )


def assessments(desk: Desk) -> list[Section]:
    """What clinicians concluded, as text."""
    section = Section(desk, ASSESSMENTS, "ass", ("Assessment", "When"))
    for entry in desk.of("ClinicalImpression", when=_assessed):
        words = text(entry.resource.get("summary")) or text(entry.resource.get("description"))
        if words is None:
            desk.leave_out(entry, "It has no summary.")
            continue
        section.row(entry, words, moment(_assessed(entry.resource)), notes=entry.resource.get("note"))
    return [section]


def _assessed(resource: Resource) -> object:
    found = resource.get("effectiveDateTime") or period(resource.get("effectivePeriod"))[0]
    return found or resource.get("date")
