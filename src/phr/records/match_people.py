"""Whose a fact is: facts of two people are never one, however alike they are.

A record is one person's, but a file of somebody else's gets into it. Two Patients are two people where both the name and
the day of birth say so: who married keeps the birthday, who was typed wrongly keeps the name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from phr.fhir import read

_WORD = re.compile(r"[^\W\d_]+")
_REFERENCE = re.compile(r"(?:^|/)Patient/([^/|]+)|^urn:(?:uuid|oid):(.+)$")


@dataclass(frozen=True, slots=True)
class Who:
    """A Patient, reduced to who it is."""

    born: str = field(repr=False)
    """FHIR R4 date: a year, a month or a day; it may say less than the other one's."""
    names: frozenset[tuple[str, frozenset[str]]] = field(repr=False)
    """`(first name, words of the family name)`, without case and accents."""


def who(body: Mapping[str, Any]) -> Who:
    """The person of a Patient resource."""
    return Who((read.text(body.get("birthDate")) or "")[:10], frozenset(_names(body)))


def strangers(one: Who, other: Who) -> bool:
    """Whether these are certainly two people."""
    born, born_too = one.born, other.born
    if not born or not born_too or born.startswith(born_too) or born_too.startswith(born):
        return False
    if not one.names or not other.names:
        return False
    return not any(_alike(a, b) for a in one.names for b in other.names)


def id_in(*references: object) -> str | None:
    """The id of the Patient that the first of these references names."""
    for reference in references:
        words = read.text(reference.get("reference")) if isinstance(reference, dict) else None
        if words and (found := _REFERENCE.search(words)):
            return found[1] or found[2]
    return None


def _names(patient: Mapping[str, Any]) -> Iterator[tuple[str, frozenset[str]]]:
    for name in read.dicts(patient.get("name")):
        given = [word for one in read.listed(name.get("given")) for word in _words(one)]
        family = [word for one in read.listed(name.get("family")) for word in _words(one)]
        if not (given and family):
            before, comma, after = (read.text(name.get("text")) or "").partition(",")
            words = _words(f"{after} {before}" if comma else before)
            if len(words) < 2:
                continue
            given, family = given or words[:1], family or words[-1:]
        yield given[0], frozenset(family)


def _words(value: object) -> list[str]:
    if not isinstance(value, str):
        return []
    plain = unicodedata.normalize("NFKD", value.casefold())
    return _WORD.findall("".join(char for char in plain if not unicodedata.combining(char)))


def _alike(one: tuple[str, frozenset[str]], other: tuple[str, frozenset[str]]) -> bool:
    """The same first name, or its initial, and a word of the family name in common."""
    first, second = sorted((one[0], other[0]), key=len)
    given = first == second or (len(first) == 1 and second.startswith(first))
    return given and not one[1].isdisjoint(other[1])
