"""Which section an Observation belongs in: its category decides, its LOINC code where there is none.

US Core: vital-signs, laboratory, social-history, sdoh, survey, functional-status …; many servers send several
categories, or only their own.
"""

from __future__ import annotations

from phr.ccda import measures
from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC
from phr.ccda.datatypes import code_in, has_code, timestamp
from phr.ccda.desk import Desk
from phr.ccda.sections.values import effective
from phr.fhir.read import codings, listed
from phr.model import Resource

VITAL, SOCIAL, MENTAL, FUNCTIONAL, RESULT = "vital", "social", "mental", "functional", "result"

_SOCIAL = frozenset(
    """social-history sdoh treatment-intervention-preference care-experience-preference
    observation-adi-documentation""".split()
)
_FUNCTIONAL = frozenset("functional-status disability-status survey".split())


def loinc(resource: Resource) -> str | None:
    """The LOINC code of an Observation."""
    return code_in(resource.get("code"), LOINC)


def kind(resource: Resource) -> str:
    """The section an Observation belongs in."""
    category = resource.get("category")
    own = loinc(resource)
    if own in measures.SOCIAL_HISTORY:
        return SOCIAL
    if has_code(category, {"vital-signs"}) or (own in measures.VITAL_SIGNS and not _categorized(category)):
        return VITAL
    if own in measures.MENTAL_STATUS or has_code(category, {"cognitive-status"}):
        return MENTAL
    if has_code(category, {"laboratory", "LAB", "imaging", "procedure", "exam", "therapy", "activity"}):
        return RESULT
    if has_code(category, _SOCIAL):
        return SOCIAL
    return FUNCTIONAL if has_code(category, _FUNCTIONAL) else RESULT


def _categorized(category: object) -> bool:
    return any(coding.code for coding in codings(listed(category)))


def observations(desk: Desk, *kinds: str) -> list[Entry]:
    """All live Observations of these kinds, newest first."""
    return [entry for entry in desk.of("Observation", when=when) if kind(entry.resource) in kinds]


def when(resource: Resource) -> object:
    """When it was observed, else when it was made available."""
    found = effective(resource)
    return found if timestamp(found) else resource.get("issued")


def people(resource: Resource) -> object:
    """The first performer."""
    performers = listed(resource.get("performer"))
    return performers[0] if performers else None
