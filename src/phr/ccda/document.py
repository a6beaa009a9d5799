"""One Bundle in, one Continuity of Care Document out.

Follows C-CDA R2.1 with the Companion Guide (CCD, 2.16.840.1.113883.10.20.22.1.2). Pure: no store, no
network, no clock; the same Bundle, id and moment give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from phr.ccda.desk import Desk
from phr.ccda.header import header
from phr.ccda.participants import introduce_once
from phr.ccda.sections.allergies import allergies
from phr.ccda.sections.care_team import care_team
from phr.ccda.sections.devices import medical_equipment
from phr.ccda.sections.directives import advance_directives, assessments
from phr.ccda.sections.encounters import encounters
from phr.ccda.sections.family_history import family_history
from phr.ccda.sections.frame import Section
from phr.ccda.sections.goals import goals
from phr.ccda.sections.immunizations import immunizations
from phr.ccda.sections.medications import medications
from phr.ccda.sections.notes import notes
from phr.ccda.sections.payers import payers
from phr.ccda.sections.plan import plan_of_treatment
from phr.ccda.sections.problems import health_concerns, problems
from phr.ccda.sections.procedures import procedures
from phr.ccda.sections.results import results
from phr.ccda.sections.social_history import social_history
from phr.ccda.sections.status import functional_status, mental_status
from phr.ccda.sections.vital_signs import vital_signs
from phr.ccda.xml import el, serialize
from phr.model import Bundle, Problem

WRITERS: tuple[Callable[[Desk], list[Section]], ...] = (
    allergies,
    medications,
    problems,
    procedures,
    results,
    social_history,
    vital_signs,
    immunizations,
    encounters,
    plan_of_treatment,
    goals,
    health_concerns,
    care_team,
    functional_status,
    mental_status,
    medical_equipment,
    family_history,
    advance_directives,
    payers,
    assessments,
    notes,
)
"""The sections in the order of the document; the six that a CCD requires always come out."""

NO_NAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Ccd:
    """A finished document."""

    xml: bytes = field(repr=False)
    sections: dict[str, int]
    """LOINC section code to the number of entries written."""
    left_out: tuple[Problem, ...]
    """What is not in the document, and why."""


def write_ccd(
    bundle: Bundle,
    *,
    sources: Mapping[str, str] = NO_NAMES,
    document_id: str,
    now: datetime,
    software: str = "phr",
) -> Ccd:
    """A Bundle (collection or document) as CCD.

    `sources` are FHIR bases with the human name of each; `document_id` is a UUID; `now` is the moment the
    document is made, an aware datetime. Never raises on odd resources: what cannot be written is named.
    """
    desk = Desk(bundle, sources, now)
    sections = [section for write in WRITERS for section in write(desk) if section.stands]
    desk.close()
    root = el(
        "ClinicalDocument",
        header(desk, document_id, software),
        el(
            "component",
            el("structuredBody", [el("component", section.element()) for section in sections]),
        ),
    )
    introduce_once(root)
    counts: dict[str, int] = {}
    for section in sections:
        counts[section.heading.code] = counts.get(section.heading.code, 0) + len(section.entries)
    return Ccd(serialize(root), counts, tuple(desk.left_out))
