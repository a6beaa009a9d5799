"""What makes two codes, identifiers, units and words the same although they are written differently.

A FHIR server names a code system by its URL, a C-CDA by its OID (HL7 Terminology lists both); an identifier is
`system` and `value` here, `root` and `extension` there. Everything is brought to one spelling, and compared as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson

from phr.fhir import read

Codes = frozenset[tuple[str, str]]
NO_CODES: Codes = frozenset()
SAME, UNKNOWN, DIFFERENT = 1, 0, -1
"""What comparing two things says: they agree, nobody can tell, they contradict each other."""

_OID = "urn:oid:"
_SYSTEMS = {
    "http://loinc.org": "loinc",
    "2.16.840.1.113883.6.1": "loinc",
    "http://snomed.info/sct": "snomed",
    "2.16.840.1.113883.6.96": "snomed",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "2.16.840.1.113883.6.88": "rxnorm",
    "http://hl7.org/fhir/sid/ndc": "ndc",
    "2.16.840.1.113883.6.69": "ndc",
    "http://hl7.org/fhir/sid/cvx": "cvx",
    "2.16.840.1.113883.12.292": "cvx",
    # Servers name the one where they mean the other; a code that is in both means the same in both.
    "http://hl7.org/fhir/sid/icd-10-cm": "icd10",
    "http://hl7.org/fhir/sid/icd-10": "icd10",
    "2.16.840.1.113883.6.90": "icd10",
    "2.16.840.1.113883.6.3": "icd10",
    "http://hl7.org/fhir/sid/icd-9-cm": "icd9",
    "http://hl7.org/fhir/sid/icd-9": "icd9",
    "2.16.840.1.113883.6.103": "icd9",
    "2.16.840.1.113883.6.104": "icd9",
    "http://www.cms.gov/medicare/coding/icd10": "icd10pcs",
    "http://hl7.org/fhir/sid/icd-10-pcs": "icd10pcs",
    "2.16.840.1.113883.6.4": "icd10pcs",
    "http://www.ama-assn.org/go/cpt": "cpt",
    "2.16.840.1.113883.6.12": "cpt",
    "http://www.cms.gov/medicare/coding/hcpcsreleasecodesets": "hcpcs",
    "https://www.cms.gov/medicare/coding/hcpcsreleasecodesets": "hcpcs",
    "2.16.840.1.113883.6.285": "hcpcs",
    "http://www.ada.org/cdt": "cdt",
    "http://www.ada.org/snodent": "snodent",
    "2.16.840.1.113883.6.13": "cdt",
    "http://fdasis.nlm.nih.gov": "unii",
    "2.16.840.1.113883.4.9": "unii",
    "http://ncimeta.nci.nih.gov": "ncit",
    "http://ncicb.nci.nih.gov/xml/owl/evs/thesaurus.owl": "ncit",
    "2.16.840.1.113883.3.26.1.1": "ncit",
    "http://www.whocc.no/atc": "atc",
    "2.16.840.1.113883.6.73": "atc",
    "http://terminology.hl7.org/codesystem/v3-actcode": "actcode",
    "http://hl7.org/fhir/v3/actcode": "actcode",
    "2.16.840.1.113883.5.4": "actcode",
}
# What stands there instead of a code (null flavors, `assertion`) says nothing.
_NO_CODE = ("data-absent-reason", "nullflavor", "2.16.840.1.113883.5.1008")
_EMPTY_CODES = frozenset(
    ("", "unk", "ni", "na", "nask", "asku", "oth", "assertion", "unknown", "null", "none")
)


@lru_cache(maxsize=1024)
def code_system(system: str) -> str:
    """One name for a code system, whether it is spelled as URL or as OID; empty for what is none."""
    bare = system.strip().rstrip("/").casefold().removeprefix(_OID)
    if any(word in bare for word in _NO_CODE):
        return ""
    if bare.startswith("http://snomed.info/sct"):
        return "snomed"
    return _SYSTEMS.get(bare) or _SYSTEMS.get(bare.replace("https://", "http://", 1), bare)


def one_code(system: str, code: str) -> str:
    """A code as all write it: ICD without its dot, CVX without leading zeros, NDC with eleven digits."""
    bare = code.strip()
    if system == "ndc":
        return _ndc(bare)
    if system in ("icd10", "icd9", "icd10pcs"):
        return bare.replace(".", "").upper()
    if system == "cvx":
        return bare.lstrip("0") or bare
    return bare.upper() if system in ("loinc", "cpt", "hcpcs", "unii", "ncit", "atc") else bare


def _ndc(code: str) -> str:
    """NDC in the 5-4-2 form of 11 digits (HIPAA, 45 CFR 162.1002); ten digits without hyphens are left as they are."""
    parts = code.split("-")
    if len(parts) == 3 and all(part.isdigit() for part in parts):
        return parts[0].zfill(5) + parts[1].zfill(4) + parts[2].zfill(2)
    return code.replace("-", "")


@lru_cache(maxsize=4096)  # a laboratory sends the same few hundred again and again
def codes_of_json(codes: str) -> tuple[Codes, frozenset[str]]:
    """The codings of a record (`[[system, code, display], …]`), and the words of those that have some."""
    try:
        rows = orjson.loads(codes)
    except ValueError:
        return NO_CODES, frozenset()
    return codes_from((row[0], row[1]) for row in rows), frozenset(fold(row[2]) for row in rows if row[2])


def codes_from(pairs: Iterable[tuple[Any, Any]]) -> Codes:
    """Codes that name their system."""
    found = set()
    for system, code in pairs:
        if isinstance(system, str) and isinstance(code, str) and code.strip().casefold() not in _EMPTY_CODES:
            name = code_system(system)
            if name:
                found.add((name, one_code(name, code)))
    return frozenset(found)


def codes_in(concept: object) -> Codes:
    """The codes of a CodeableConcept, a Coding or a list of them."""
    return codes_from((one.system, one.code) for one in read.codings(concept))


def words_in(concept: object) -> frozenset[str]:
    """The text and the displays of a CodeableConcept (or a list of them), folded."""
    found = set()
    for one in read.listed(concept):
        if isinstance(one, str):
            found.add(fold(one))
        elif isinstance(one, dict):
            found |= {fold(code.display) for code in read.codings(one) if code.display}
            if words := read.text(one.get("text")):
                found.add(fold(words))
    return frozenset(found - {""})


@lru_cache(maxsize=4096)
def fold(words: str) -> str:
    """Words without regard to case and white space."""
    return " ".join(words.casefold().split())


def compare_codes(one: Codes, other: Codes) -> int:
    """Any shared code counts. Different codes of one system without a shared one contradict each other."""
    if not one.isdisjoint(other):
        return SAME
    systems = {system for system, _ in one}
    return DIFFERENT if any(system in systems for system, _ in other) else UNKNOWN


def compare_concepts(one: object, other: object) -> int:
    """Two CodeableConcepts: by codes, else by identical words."""
    found = compare_codes(codes_in(one), codes_in(other))
    if found == UNKNOWN and not words_in(one).isdisjoint(words_in(other)):
        return SAME
    return found


def compare_sides(one: Iterable[str], other: Iterable[str]) -> int:
    """`left` and `right` in words contradict each other."""
    first, second = _sides(one), _sides(other)
    return DIFFERENT if first and second and first != second else UNKNOWN


def _sides(words: Iterable[str]) -> frozenset[str]:
    found = frozenset(side for text in words for side in _sides_in(text))
    return frozenset({"left", "right"}) if "bilateral" in found else found


@lru_cache(maxsize=4096)
def _sides_in(text: str) -> tuple[str, ...]:
    return tuple(_SIDE.findall(text))


_SIDE = re.compile(r"\b(left|right|bilateral)\b")


# ── identifiers ───────────────────────────────────────────────────────────────────────────────────────

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_HASHED = frozenset("35")
"""Versions of a UUID that are made from a name (RFC 9562): the same words give the same, so it is nobody's own."""
_URLS, _NAMED = "2.16.840.1.113883.4.873", "urn:ietf:rfc:3986"
_IDENTIFIERS = {
    "http://hl7.org/fhir/sid/us-npi": "2.16.840.1.113883.4.6",
    "http://hl7.org/fhir/sid/us-ssn": "2.16.840.1.113883.4.1",
    "http://hl7.org/fhir/sid/us-medicare": "2.16.840.1.113883.4.338",
    "http://hl7.org/fhir/sid/us-mbi": "2.16.840.1.113883.4.927",
}
# v2-0203: those of a person, an account or a payer, and those that all parts of one order share.
_SHARED_TYPES = frozenset(
    "MR MRT MA MC MCD MCR PI PT PN PNT PE SS SB DL PPN MB NI TAX NPI PRN AN ANON ACSN PGN FGN XX".split()
)
_OF_AN_ORDER = frozenset("PLAC FILL VN".split())
_ONE_OF_MANY = frozenset(("Observation", "Procedure", "ImagingStudy", "Specimen"))
_SHARED_WORDS = ("accession", "placer", "/mrn", "medical-record", "medicalrecord", "patient-id", "nullflavor")


def identifiers_of(type_: str, identifiers: object) -> frozenset[str]:
    """Business identifiers that name one thing of this type, each in one spelling. Those that many share are left out."""
    return frozenset(
        [
            spelled
            for one in read.dicts(identifiers)
            if not _is_shared(type_, one) and (spelled := identifier(one.get("system"), one.get("value")))
        ]
    )


def identifier(system: object, value: object) -> str | None:
    """`system` and `value` as one text, the same for a URL, its OID and what C-CDA makes of either (R2.1, II)."""
    system, value = read.text(system), read.text(value)
    if not value or not system or value.casefold() in _EMPTY_CODES or not value.strip("0-. "):
        return None
    bare = _identifier_system(system)
    if bare == _NAMED:
        return _urn(value)
    # A URL and its value are written as one below the OID that C-CDA has for such.
    return value.rstrip("/") if bare == _URLS else f"{bare}/{value}"


@lru_cache(maxsize=1024)
def _identifier_system(system: str) -> str:
    bare = system.rstrip("/").removeprefix(_OID)
    folded = bare.casefold()
    return folded if folded.startswith("urn:uuid:") else _IDENTIFIERS.get(bare, bare)


def _urn(value: str) -> str | None:
    folded = value.casefold()
    if folded.startswith((_OID, "urn:uuid:")):
        return folded
    return folded if "://" in folded else own_id(value)


def own_id(id_: str | None) -> str | None:
    """A logical id that nobody else gives: a UUID that was not made from a name."""
    found = _UUID.fullmatch(id_.casefold()) if id_ else None
    if found is None or found[1] in _HASHED or not id_:
        return None
    return f"urn:uuid:{id_.casefold()}"


def _is_shared(type_: str, one: dict[str, Any]) -> bool:
    kind = one.get("type")
    names = {code.code for code in read.codings(kind) if code.code} if kind is not None else set()
    if names & _SHARED_TYPES or (type_ in _ONE_OF_MANY and names & _OF_AN_ORDER):
        return True
    if one.get("use") == "old":
        return True
    system = one.get("system")
    return isinstance(system, str) and _is_shared_system(system)


@lru_cache(maxsize=1024)
def _is_shared_system(system: str) -> bool:
    folded = system.casefold()
    return any(word in folded for word in _SHARED_WORDS)
