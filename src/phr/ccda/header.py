"""The header of the document: what it is, when it was made, how secret it is, what time it covers.

Follows the US Realm Header (2.16.840.1.113883.10.20.22.1.1). Whose it is and who made it: `record_target`.
"""

from __future__ import annotations

import re

from phr.ccda import codes
from phr.ccda.datatypes import code, from_clock, timestamp
from phr.ccda.desk import Desk
from phr.ccda.participants import organization_element, party
from phr.ccda.record_target import custodian, document_author, documentation_of, record_target
from phr.ccda.sections.directives import referrals
from phr.ccda.sections.frame import template
from phr.ccda.template import CCD, Template
from phr.ccda.xml import Child, Element, el, null
from phr.fhir.read import codings, listed


def header(
    desk: Desk, document_id: str, software: str, kind: Template = CCD, whom: str | None = None
) -> list[Child]:
    """Everything of the ClinicalDocument that stands before its component; `whom`: for whom the person has it made."""
    low, high = content_span(desk)
    secrecy = confidentiality(desk)
    now = from_clock(desk.now)
    return [
        el("realmCode", code="US"),
        el("typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040"),
        template("1.1", None, "2015-08-01", "2023-05-01"),
        template(kind.number, *kind.dates),
        el("id", root=document_id.removeprefix("urn:uuid:").upper()),
        code("code", kind.code, codes.LOINC, kind.display),
        el("title", kind.title),
        el("effectiveTime", value=now),
        code("confidentialityCode", secrecy, codes.CONFIDENTIALITY, _LEVEL_NAMES[secrecy]),
        el("languageCode", code="en-US"),
        record_target(desk, desk.patient),
        document_author(software, now),
        custodian(),
        intended(whom) if whom else recipient(desk) if kind.referral else None,
        documentation_of(desk, low, high),
    ]


_PLACES = re.compile(
    r"(?i)\b(?:clinics?|hospitals?|cent(?:er|re)s?|practice|office|associates?|group|department|dept|health|medical|medicine"
    r"|surgery|laborator(?:y|ies)|pharmacy|institute|university|\w+ology|llc|inc|pllc|ltd)\b"
)
_TITLES = re.compile(
    r"(?i)^(?:dr|doctor|prof|professor|mr|mrs|ms|nurse)\b|[, ](?:M\.?D|D\.?O|R\.?N|N\.?P|P\.?A)\.?$"
)


def intended(whom: str) -> Element:
    """For whom the person has it made, in their words: a person, or an office where the words name one.

    US Realm Header, informationRecipient: the name of a person may be one text (template 5.1.1), that of the received
    organization is one.
    """
    name = " ".join(whom.split())
    is_place = bool(_PLACES.search(name)) and not _TITLES.search(name)
    return el(
        "informationRecipient",
        el(
            "intendedRecipient",
            None if is_place else el("informationRecipient", el("name", name)),
            el("receivedOrganization", el("name", name)) if is_place else None,
        ),
    )


def recipient(desk: Desk) -> Element:
    """To whom the patient is sent: whom an open referral names; nobody knows otherwise."""
    who = next(
        (
            found
            for entry in referrals(desk)
            for performer in listed(entry.resource.get("performer"))
            if (found := party(desk, entry, performer)) is not None
        ),
        None,
    )
    organization = who.organization if who else None
    return el(
        "informationRecipient",
        el(
            "intendedRecipient",
            el("informationRecipient", (who.person if who else None) or null("name")),
            organization_element("receivedOrganization", organization)
            if organization and organization.name
            else None,
        ),
    )


_LEVELS = ("N", "R", "V")
_LEVEL_NAMES = {"N": "normal", "R": "restricted", "V": "very restricted"}


def confidentiality(desk: Desk) -> str:
    """`N`, `R` or `V`: as strict as the strictest security label in the content.

    A label that says what sort of sensitive information it is (v3-ActCode, such as HIV or PSY) asks for `R`: it tells of a
    policy, which holds for the whole document (HL7 Healthcare Privacy and Security Classification System).
    """
    level = 0
    for entry in desk.index.entries:
        meta = entry.resource.get("meta")
        labels = codings(meta.get("security") if isinstance(meta, dict) else None)
        for label in (*labels, *codings(entry.resource.get("securityLabel"))):
            system = label.system or ""
            if label.code in _LEVELS and system.endswith("v3-Confidentiality"):
                level = max(level, _LEVELS.index(label.code))
            elif system.endswith("v3-ActCode"):
                level = max(level, 1)
    return _LEVELS[level]


def content_span(desk: Desk) -> tuple[str, str]:
    """From the earliest date of the content (else birth) to today, as TS days."""
    today = desk.now.strftime("%Y%m%d")
    birth = timestamp(desk.patient.resource.get("birthDate")) if desk.patient else None
    days = [day[:8] for date in desk.dates if (day := timestamp(date)) and day[:8] <= today]
    return min(days, default=birth or today), today
