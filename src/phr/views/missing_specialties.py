"""Which specialty a text names, for `phr missing`: the referral and the visit are read alike."""

from __future__ import annotations

import re
from functools import lru_cache

_SPECIALTIES = """
cardiology: cardiolog|heart (?:clinic|center|centre|institute|specialist)|cardiac|cardiovascular
dermatology: dermatolog|skin clinic|skin (?:center|centre)
endocrinology: endocrin|diabetes (?:clinic|center|centre)
gastroenterology: gastroenter|digestive|\\bgi\\b|hepatolog|liver clinic|endoscop
pulmonology: pulmon|respirolog|respiratory medicine|lung (?:clinic|center|centre)|chest clinic
neurology: neurolog|\\bneuro\\b(?!surg)
neurosurgery: neurosurg
nephrology: nephrolog|kidney (?:clinic|center|centre)|renal
urology: urolog
oncology: oncolog|cancer (?:clinic|center|centre|institute)
hematology: hematolog|haematolog
rheumatology: rheumatolog|arthritis clinic
orthopedics: orthop|sports medicine|joint (?:clinic|center)|bone and joint
ophthalmology: ophthalm|eye (?:clinic|center|centre|institute|care)|retina
optometry: optometr
ent: otolaryng|\\bent\\b|ear,? nose|otorhino
allergy: allerg|immunolog
psychiatry: psychiatr|behavioral health|behavioural health|mental health
psychology: psycholog|psychotherap
gynecology: gyn(?:a?e)?colog|ob[/ -]?gyn|obstetric|women'?s health
surgery: general surgery|surgical clinic|\\bsurgeon|surgical consult
vascular: vascular
pain: pain (?:management|clinic|medicine|center)
physiotherapy: physical therap|physiotherap|rehabilitat|\\bpt\\b
podiatry: podiatr|foot clinic
nutrition: nutrition|dietit|dietic
genetics: genetic
infectious: infectious disease
sleep: sleep (?:medicine|clinic|center|centre|disorder)
audiology: audiolog|hearing
dentistry: dentist|dental|oral surgery
palliative: palliative|hospice
transplant: transplant
plastic: plastic surg
bariatric: bariatric|weight management
wound: wound
speech: speech
occupational: occupational therap
infusion: infusion
"""
_RELATED = (
    frozenset(("ophthalmology", "optometry")),
    frozenset(("psychiatry", "psychology")),
)
"""Who does some of the same: a visit to the one may be what the referral to the other came to."""


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    lines = (line.partition(":") for line in _SPECIALTIES.strip().split("\n"))
    return [(name, re.compile(rf"\b(?:{pattern.strip()})", re.IGNORECASE)) for name, _, pattern in lines]


@lru_cache(maxsize=8192)
def specialties(text: str) -> frozenset[str]:
    """Which specialties a text names."""
    return frozenset(name for name, pattern in _patterns() if pattern.search(text))


def related(wanted: frozenset[str], there: frozenset[str]) -> bool:
    """Whether a visit was to somebody who does some of what was asked for."""
    return any(wanted & pair and there & pair and not wanted & there for pair in _RELATED)
