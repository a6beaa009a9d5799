"""Which code systems suit a kind of record, and which codes cannot be right by their own rules. Pure.

LOINC: digits, a dash and a check digit (mod 10; LOINC Users' Guide, appendix "Check digit"). SNOMED CT: 6 to 18 digits, a
partition for a concept, a Verhoeff check digit (SNOMED CT Release File Specifications, 6 SCTID). RxNorm, CVX and ICD-10
have only a form. A code of a source's own system is no mistake; it is only none that others can read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import orjson

_HL7 = "http://terminology.hl7.org/CodeSystem"
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NDC, CVX = "http://hl7.org/fhir/sid/ndc", "http://hl7.org/fhir/sid/cvx"
CPT = "http://www.ama-assn.org/go/cpt"
_OIDS = {
    "urn:oid:2.16.840.1.113883.6.1": LOINC,
    "urn:oid:2.16.840.1.113883.6.96": SNOMED,
    "urn:oid:2.16.840.1.113883.6.88": RXNORM,
    "urn:oid:2.16.840.1.113883.6.69": NDC,
    "urn:oid:2.16.840.1.113883.12.292": CVX,
    "urn:oid:2.16.840.1.113883.6.12": CPT,
    "urn:oid:2.16.840.1.113883.6.90": "http://hl7.org/fhir/sid/icd-10-cm",
    "urn:oid:2.16.840.1.113883.6.3": "http://hl7.org/fhir/sid/icd-10",
    "urn:oid:2.16.840.1.113883.6.103": "http://hl7.org/fhir/sid/icd-9-cm",
    "urn:oid:2.16.840.1.113883.6.73": "http://www.whocc.no/atc",
    "urn:oid:2.16.840.1.113883.4.9": "http://fdasis.nlm.nih.gov",
}
"""The same systems as C-CDA and older feeds name them."""
_ICD = ("http://hl7.org/fhir/sid/icd-", "http://id.who.int/icd", "http://fhir.de/CodeSystem/bfarm/icd-10")
_PROCEDURES = (
    CPT,
    "https://www.cms.gov/Medicare/Coding/HCPCS",
    "http://www.cms.gov/Medicare/Coding/",
    "http://www.ada.org/cdt",
    "http://fhir.de/CodeSystem/bfarm/ops",
    "urn:oid:2.16.840.1.113883.6.285",
    "urn:oid:2.16.840.1.113883.6.4",
)
_DRUGS = (
    RXNORM,
    NDC,
    "http://www.whocc.no/atc",
    SNOMED,
    "http://fdasis.nlm.nih.gov",
    "https://dmd.nhs.uk",
    CVX,
)
_RADIOLOGY = ("http://radlex.org", "http://www.radlex.org", "http://dicom.nema.org", "urn:oid:1.2.840.10008")

SUITED: dict[str, tuple[str, ...]] = {
    "lab_result": (LOINC,),
    "vital_sign": (LOINC,),
    "social_history": (LOINC, SNOMED),
    "questionnaire": (LOINC, SNOMED),
    "problem": (SNOMED, *_ICD, "http://www.orpha.net"),
    "family_history": (SNOMED, *_ICD),
    "medication": _DRUGS,
    "allergy": (*_DRUGS, "http://hl7.org/fhir/ndfrt", "urn:oid:2.16.840.1.113883.3.26.1.5", "http://va.gov/terminology/medrt"),
    "immunization": (CVX, *_DRUGS),
    "procedure": (SNOMED, LOINC, *_ICD, *_PROCEDURES),
    "encounter": (SNOMED, CPT, f"{_HL7}/v3-ActCode", f"{_HL7}/encounter-type", *_PROCEDURES),
    "imaging": (LOINC, SNOMED, CPT, *_RADIOLOGY),
    "clinical_note": (LOINC, SNOMED),
    "document": (LOINC, SNOMED),
    "order": (LOINC, SNOMED, *_PROCEDURES),
    "goal": (SNOMED, LOINC),
    "device": (SNOMED, "http://hl7.org/fhir/NamingSystem/gmdn", "urn:oid:1.2.36.1.2001.1005.38"),
}  # fmt: skip
"""By kind the systems that another hospital can read, each by how it begins. A kind that is not here has no code that
everybody knows (messages, tasks, appointments, insurance …): nobody misses one there."""


class Wrong(NamedTuple):
    """A code that cannot be right."""

    system: str
    code: str
    why: str


@lru_cache(maxsize=4096)
def coded(kind: str, codes: str) -> bool | None:
    """Whether one of the codings is of a system that suits the kind; None where no system does. `codes` as kept."""
    suited = SUITED.get(kind)
    if suited is None:
        return None
    found = [(system or "", code) for system, code, _ in orjson.loads(codes)]
    return any(code and _OIDS.get(system, system).startswith(suited) for system, code in found)


@lru_cache(maxsize=4096)
def wrong_codes(codes: str) -> tuple[Wrong, ...]:
    """The codings that cannot be right by the rules of their own system."""
    found = []
    for system, code, _ in orjson.loads(codes):
        if code and (why := _why(system, str(code))):
            found.append(Wrong(system or "", str(code), why))
    return tuple(found)


def first_code(codes: str) -> str | None:
    """What a measurement goes by: the first code with its system."""
    for system, code, _ in orjson.loads(codes):
        return f"{system}|{code}" if code else None
    return None


def _why(system: str | None, code: str) -> str | None:
    if not system:
        return None  # a source's own code without a name: common, and no mistake that a patient can ask about
    known = _OIDS.get(system, system)
    if rule := _RULES.get(known):
        return rule(code)
    if known.startswith("http://hl7.org/fhir/sid/icd-10"):
        return (
            None if re.fullmatch(r"[A-Z]\d[0-9A-Z](\.?[0-9A-Z]{1,4})?[+*!]?", code) else "no code of ICD-10"
        )
    if meant := _SPELT.get(_plain(system)):
        return f"the system of this code is spelt {meant}"
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", system):
        return "the system of this code is not named by an address, so nobody can tell what it means"
    return None


def _plain(system: str) -> str:
    return re.sub(r"^(https?://)?(www\.)?|[/#]+$", "", system.strip().casefold())


_SPELT = {
    "loinc.org": LOINC,
    "loinc": LOINC,
    "ln": LOINC,
    "snomed.info/sct": SNOMED,
    "snomed.info": SNOMED,
    "snomed.org": SNOMED,
    "snomed.org/sct": SNOMED,
    "snomed": SNOMED,
    "snomed-ct": SNOMED,
    "snomed ct": SNOMED,
    "snomedct": SNOMED,
    "sct": SNOMED,
    "nlm.nih.gov/research/umls/rxnorm": RXNORM,
    "rxnorm": RXNORM,
    "cvx": CVX,
    "hl7.org/fhir/sid/cvx": CVX,
    "ndc": NDC,
    "icd-10-cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "icd10cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "icd-10": "http://hl7.org/fhir/sid/icd-10",
    "cpt": CPT,
}
"""How these systems are met where somebody wrote them by heart."""


def _loinc(code: str) -> str | None:
    if re.fullmatch(r"(LA|LP|LL|LG|MTHU)\d+(-\d)?", code):  # answers, parts, lists, groups
        return None
    found = re.fullmatch(r"(\d{1,7})-(\d)", code)
    if not found:
        return "no code of LOINC"
    return None if check_digit(found[1]) == int(found[2]) else "its check digit is wrong for LOINC"


def check_digit(digits: str) -> int:
    """Mod 10: every other digit from the right is doubled."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (2 if place % 2 == 0 else 1)
        total += number // 10 + number % 10
    return -total % 10


_TURN = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)  # fmt: skip
_MOVE = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def verhoeff(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (Verhoeff 1969)."""
    moves = [tuple(range(10))]
    for _ in range(7):
        moves.append(tuple(_MOVE[one] for one in moves[-1]))
    total = 0
    for place, digit in enumerate(reversed(digits)):
        total = _TURN[total][moves[place % 8][int(digit)]]
    return total == 0


def _snomed(code: str) -> str | None:
    if "=" in code or ":" in code or "|" in code or "+" in code:
        return None  # an expression in compositional grammar
    if not re.fullmatch(r"[1-9]\d{5,17}", code):
        return "no code of SNOMED CT"
    return None if verhoeff(code) else "its check digit is wrong for SNOMED CT"


def _form(pattern: str, name: str) -> Callable[[str], str | None]:
    return lambda code: None if re.fullmatch(pattern, code) else f"no code of {name}"


_RULES: dict[str, Callable[[str], str | None]] = {
    LOINC: _loinc,
    SNOMED: _snomed,
    RXNORM: _form(r"\d{1,8}", "RxNorm"),
    CVX: _form(r"\d{1,3}", "CVX"),
    NDC: _form(r"\d[\d*-]{4,14}\d", "NDC"),
}
