"""Code systems as packs name them: how their codes look, and how records spell the system.

A FHIR server names a system by its URL, a C-CDA by its OID (HL7 Terminology lists both). Servers write ICD-10 where they
mean ICD-10-CM; a code that is in both means the same in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from phr.packs.model import Codes


class System(NamedTuple):
    """One code system."""

    shape: re.Pattern[str]
    spelled: tuple[str, ...]
    begins: bool = False
    """Whether a code stands for all that begin with it: ICD-10-CM is a tree of letters."""


_ICD10 = System(
    re.compile(r"[A-Z](\d([0-9AB](\.[0-9A-Z]{1,4})?)?)?"),
    (
        "http://hl7.org/fhir/sid/icd-10-cm",
        "http://hl7.org/fhir/sid/icd-10",
        "urn:oid:2.16.840.1.113883.6.90",
        "urn:oid:2.16.840.1.113883.6.3",
    ),
    begins=True,
)
SYSTEMS = {
    "icd-10-cm": _ICD10,
    "icd-9-cm": System(
        re.compile(r"(\d{3}|E\d{3}|V\d{2})(\.\d{1,2})?"),
        ("http://hl7.org/fhir/sid/icd-9-cm", "urn:oid:2.16.840.1.113883.6.103"),
        begins=True,
    ),
    "snomed": System(
        re.compile(r"[1-9]\d{5,17}"), ("http://snomed.info/sct", "urn:oid:2.16.840.1.113883.6.96")
    ),
    "loinc": System(re.compile(r"\d{1,7}-\d"), ("http://loinc.org", "urn:oid:2.16.840.1.113883.6.1")),
    "rxnorm": System(
        re.compile(r"[1-9]\d{0,7}"),
        ("http://www.nlm.nih.gov/research/umls/rxnorm", "urn:oid:2.16.840.1.113883.6.88"),
    ),
    "cvx": System(
        re.compile(r"\d{2,3}"), ("http://hl7.org/fhir/sid/cvx", "urn:oid:2.16.840.1.113883.12.292")
    ),
    "cpt": System(
        re.compile(r"\d{4}[0-9TFU]"), ("http://www.ama-assn.org/go/cpt", "urn:oid:2.16.840.1.113883.6.12")
    ),
}
_BY_SPELLING = {spelled: name for name, system in SYSTEMS.items() for spelled in system.spelled}


def system_of(spelled: str | None) -> str | None:
    """The short name of a system; None for one that is not among these."""
    return _BY_SPELLING.get(spelled or "")


def plain(system: str, code: str) -> str:
    """A code as all write it: ICD without its dot, CVX without leading zeros."""
    if SYSTEMS[system].begins:
        return code.replace(".", "").upper()
    return code.lstrip("0") if system == "cvx" else code


class CodeSet:
    """Codes of several systems, ready to be asked."""

    def __init__(self, codes: Codes) -> None:
        self._exact = {
            (name, plain(name, code)) for name, listed in codes for code in listed if not SYSTEMS[name].begins
        }
        self._begin = {
            name: tuple(plain(name, code) for code in listed)
            for name, listed in codes
            if SYSTEMS[name].begins
        }

    def __bool__(self) -> bool:
        return bool(self._exact or self._begin)

    def fits(self, codings: Iterable[tuple[str | None, str | None]]) -> bool:
        """Whether one of these `(system, code)` is in it."""
        return any(self.has(system, code) for system, code in codings)

    def has(self, system: str | None, code: str | None) -> bool:
        """Whether this code is in it."""
        name = _BY_SPELLING.get(system or "")
        if name is None or not code:
            return False
        if SYSTEMS[name].begins:
            return plain(name, code).startswith(self._begin.get(name, ("\0",)))
        return (name, plain(name, code)) in self._exact

    def knows(self, system: str | None) -> bool:
        """Whether it has codes of the system that is spelled like this."""
        name = _BY_SPELLING.get(system or "")
        return name is not None and (name in self._begin or any(one == name for one, _ in self._exact))

    def root(self, system: str | None, code: str | None) -> str | None:
        """Which of its own codes this one belongs to, for grouping what is more exactly coded."""
        name = _BY_SPELLING.get(system or "")
        if name is None or not code:
            return None
        bare = plain(name, code)
        if SYSTEMS[name].begins:
            return next((one for one in self._begin.get(name, ()) if bare.startswith(one)), None)
        return bare if (name, bare) in self._exact else None
