"""Codes from what the record already knows: the same name, as a laboratory or a clinic has coded it.

The search finds the names; each question is bounded, however long a life is.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from phr.model import Code
from phr.records.elements import STANDARD_SYSTEMS

_NEWEST = 300
_FOUND = (
    "SELECT r.title, r.codes, r.unit FROM record_search f JOIN record r ON r.id = f.rowid"
    " WHERE record_search MATCH ? AND r.kind = ? AND r.supporting = 0 ORDER BY f.rowid DESC LIMIT ?"
)
_SHORT = {
    "http://loinc.org": "LOINC",
    "http://snomed.info/sct": "SNOMED CT",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD-10-CM",
    "http://hl7.org/fhir/sid/icd-10": "ICD-10",
    "http://hl7.org/fhir/sid/cvx": "CVX",
    "http://hl7.org/fhir/sid/ndc": "NDC",
    "http://www.ama-assn.org/go/cpt": "CPT",
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """How the record calls it, and its code."""

    title: str = field(repr=False)
    codes: tuple[Code, ...] = field(repr=False)
    unit: str | None
    exact: bool
    """It is called exactly as it was typed."""

    @property
    def words(self) -> str:
        """`LOINC 4548-4`."""
        one = self.codes[0]
        return f"{_SHORT.get(one.system or '', one.system)} {one.code}"


def suggestions(db: Any, kind: str, title: str, limit: int = 3) -> list[Suggestion]:
    """What the record knows by this name or by these words, exact names first, then the most frequent."""
    terms = [word for word in re.findall(r"\w+", title) if len(word) > 1][:8]
    if not terms:
        return []
    wanted = title.casefold()
    rows = _rows(db, " ".join(f'"{word}"' for word in terms), kind)
    if not any(row[0].casefold() == wanted for row in rows):
        rows += _rows(db, " ".join(f'"{word}"*' for word in terms), kind)
    counted: Counter[tuple[str, str]] = Counter()
    found: dict[tuple[str, str], Suggestion] = {}
    for name, coded, unit in rows:
        codes = tuple(
            Code(*one) for one in orjson.loads(coded or "[]") if one[0] in STANDARD_SYSTEMS and one[1]
        )
        if not codes:
            continue
        exact = name.casefold() == wanted
        key = (name if exact else name.casefold(), f"{codes[0].system}|{codes[0].code}")
        counted[key] += 1
        found.setdefault(key, Suggestion(name, codes[:3], unit, exact))
    ranked = sorted(found.items(), key=lambda one: (not one[1].exact, -counted[one[0]]))
    unique: dict[str, Suggestion] = {}
    for (_, code), one in ranked:  # one code once, by the name it has most often
        unique.setdefault(code, one)
    return list(unique.values())[:limit]


def certain(found: list[Suggestion]) -> Suggestion | None:
    """The one that has exactly this name, where its code is the only one of that name."""
    exact = [one for one in found if one.exact]
    return exact[0] if len(exact) == 1 else None


def _rows(db: Any, terms: str, kind: str) -> list[tuple[str, str, str | None]]:
    return list(db.execute(_FOUND, (f"{{title codes}} : ({terms})", kind, _NEWEST)).fetchall())
