"""Advance Directives (42348-3), Assessments (51848-0) and, in a Referral Note, Reason for Referral (42349-1).

Follows Advance Directive Observation (2.16.840.1.113883.10.20.22.4.48). Consents to share data or to take part in research
are no advance directives and are left out by name. An assessment is what a ClinicalImpression concludes, the reason what the
person says, else what an open referral (ServiceRequest) says.
"""

from __future__ import annotations

from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC, SNOMED
from phr.ccda.datatypes import at, code, coded, codings_in, has_code, ids, period
from phr.ccda.desk import Desk, newest
from phr.ccda.narrative import moment, paragraphs, remarked, span
from phr.ccda.participants import author
from phr.ccda.sections.frame import Heading, Row, Section, template
from phr.ccda.sections.indications import reason_words
from phr.ccda.xml import Element, el, null
from phr.fhir.read import concept_text, first, text
from phr.model import Resource

DIRECTIVES = Heading("42348-3", "Advance Directives", "2.21.1", (None, "2015-08-01"))
ASSESSMENTS = Heading("51848-0", "Assessments", "2.8", (None,))
REASON = Heading(
    "42349-1", "Reason for Referral", "1.3.6.1.4.1.19376.1.5.3.1.3.1", (None, "2014-06-09"), required=True
)
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


# A referral to somebody else (SNOMED CT: patient referral, consultation, and the categories that US Core and IHE use).
_REFERRALS = frozenset(
    ("3457005", "306206005", "11429006", "103696004", "57133-1", "42349-1", "referral", "REFR")
)


def referrals(desk: Desk) -> list[Entry]:
    """The open requests that send the patient to somebody, newest first."""
    found = desk.of("ServiceRequest", "ReferralRequest")
    return newest([entry for entry in found if _refers(entry)], lambda resource: resource.get("authoredOn"))


def _refers(entry: Entry) -> bool:
    resource = entry.resource
    if text(resource.get("status")) not in ("active", "draft", "on-hold", "requested"):
        return False
    said = [resource.get(key) for key in ("category", "code", "type")]
    words = " ".join(concept_text(each) or "" for each in said).lower()
    return (
        entry.type == "ReferralRequest"
        or any(has_code(each, _REFERRALS) for each in said)
        or "referral" in words
    )


def reason_for_referral(desk: Desk, reason: str | None) -> Section:
    """Why the patient is sent: what the person says, else what each open referral says."""
    section = Section(desk, REASON, "rfr")
    if reason and reason.strip():
        section.blocks += paragraphs(reason)
        return section
    for entry in referrals(desk):
        words = remarked(concept_text(entry.resource.get("code")), moment(entry.resource.get("authoredOn")))
        said = ": ".join(filter(None, (words, reason_words(desk, entry))))
        section.blocks += paragraphs(said) if said else []
    return section
