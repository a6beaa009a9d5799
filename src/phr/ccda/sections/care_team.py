"""Care Team (85847-2): CareTeam as Care Team Organizer (2.16.840.1.113883.10.20.22.4.500) with its members."""

from __future__ import annotations

from dataclasses import replace

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC, SNOMED
from phr.ccda.datatypes import at, code, coded, ids, maybe_at, part_id, period, timestamp
from phr.ccda.desk import Desk
from phr.ccda.narrative import span
from phr.ccda.participants import Party, assigned_entity, author, party, words_for
from phr.ccda.sections.frame import Heading, Row, Section, comments, related, said, said_of, template
from phr.ccda.sections.indications import indications
from phr.ccda.sections.links import words_of
from phr.ccda.xml import Element, el, null
from phr.fhir.read import codings, concept_text, dicts, first, listed, text
from phr.model import Resource

HEADING = Heading("85847-2", "Care Team", "2.500", ("2022-06-01",))


def care_team(desk: Desk) -> list[Section]:
    """All care teams, the newest first; the patient is no member of the patient's team."""
    section = Section(desk, HEADING, "ctm", ("Member", "Role", "When", "Team", "Status"))
    for entry in desk.of("CareTeam", when=lambda resource: period(resource.get("period"))[0]):
        members = _members(desk, entry)
        if not members:
            desk.leave_out(entry, "It names no member beside the patient.")
            continue
        resource = entry.resource
        team = text(resource.get("name")) or concept_text(resource.get("category"))
        rows = [
            section.row(
                entry,
                who.words,
                concept_text(each.get("role")),
                span(*period(each.get("period") or resource.get("period"))),
                team,
                text(resource.get("status")),
                notes=resource.get("note") if index == 0 else None,
                details=_details(desk, entry, each, whole=index == 0),
            )
            for index, (each, who) in enumerate(members)
        ]
        section.add(_organizer(desk, entry, rows, members))
    return [section]


Member = tuple[Resource, Party]


def _details(desk: Desk, entry: Entry, member: Resource, *, whole: bool) -> list[str | None]:
    """For whom a member acts; what is said of the whole team stands with its first."""
    resource = entry.resource
    acting_for = said("for", words_for(desk, entry, member.get("onBehalfOf")))
    if not whole:
        return [acting_for]
    return [
        acting_for,
        said_of("kind", resource.get("category") if text(resource.get("name")) else None),
        said_of("because of", resource.get("reasonCode")),
        said("because of", *words_of(desk, entry, resource.get("reasonReference"))),
        said(
            "run by", *(words_for(desk, entry, each) for each in listed(resource.get("managingOrganization")))
        ),
        said("reached at", *(text(each.get("value")) for each in dicts(resource.get("telecom")))),
    ]


def _members(desk: Desk, entry: Entry) -> list[Member]:
    found: list[Member] = []
    for each in listed(entry.resource.get("participant")):
        if not isinstance(each, dict):
            continue
        target = desk.find(entry, each.get("member"))
        if target is not None and target.type == "Patient":
            continue
        who, whose = party(desk, entry, each.get("member")), party(desk, entry, each.get("onBehalfOf"))
        if who is None and concept_text(each.get("role")):
            who = Party([null("id")], None)
        if who is not None and who.organization is None and whose is not None:
            who = replace(who, organization=whose.organization)
        if who is not None:
            found.append((each, who))
    return found


def _status(resource: Resource) -> Element:
    found = codes.CARE_TEAM_STATUSES.get(text(resource.get("status")) or "active", "active")
    return el("statusCode", code=found)


def _organizer(desk: Desk, entry: Entry, rows: list[Row], members: list[Member]) -> Element:
    resource = entry.resource
    start, end = period(resource.get("period"))
    return el(
        "organizer",
        template("4.500", "2022-06-01"),
        ids(entry),
        code(
            "code",
            "86744-0",
            LOINC,
            "Care team",
            el("originalText", text(resource.get("name")) or el("reference", value=f"#{rows[0].id}")),
        ),
        _status(resource),
        el("effectiveTime", at("low", start), maybe_at("high", end)),
        author(desk, entry),
        [
            el("component", _member(desk, entry, row, index, *pair))
            for index, (row, pair) in enumerate(zip(rows, members, strict=True))
        ],
        classCode="CLUSTER",
        moodCode="EVN",
    )


def _member(desk: Desk, entry: Entry, row: Row, index: int, each: Resource, who: Party) -> Element:
    start, end = period(each.get("period") or entry.resource.get("period"))
    role = first(each.get("role"))
    return el(
        "act",
        template("4.500.1", "2022-06-01"),
        part_id(entry, f"member{index}"),
        code("code", "92707-9", LOINC, "Care team member information"),
        row.link(),
        _status(entry.resource),
        el("effectiveTime", at("low", start), maybe_at("high", end) if timestamp(end) else None),
        el(
            "performer",
            coded("sdtc:functionCode", role, [SNOMED]) if codings(role) or concept_text(role) else None,
            assigned_entity(who),
            typeCode="PRF",
        ),
        [related("RSON", each) for each in (indications(desk, entry) if index == 0 else [])],
        comments(desk, entry, row),
        classCode="PCPR",
        moodCode="EVN",
    )
