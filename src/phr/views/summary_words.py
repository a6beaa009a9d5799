"""What words and codes mean for a summary: what denies, what says that nothing is known, what is no illness.

Codes are those of SNOMED CT, of the IPS code system for absent and unknown data (absent-unknown-uv-ips), and ICD-10.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_TAG = re.compile(
    r" \((?:disorder|finding|situation|event|substance|product|procedure|observable entity|morphologic abnormality"
    r"|regime/therapy|physical object|person|qualifier value|medicinal product|clinical drug|organism|occupation)\)$"
)


@lru_cache(maxsize=4096)
def without_tag(title: str) -> str:
    """`Asthma (disorder)` as `Asthma`: the semantic tag of a fully specified name (SNOMED CT)."""
    return _TAG.sub("", title) or title


# ── none known, and nothing known ─────────────────────────────────────────────────────────────────────

NONE_KNOWN = frozenset(
    """
    716186003 409137002 429625007 428607008 1003774007 160244002
    no-known-allergies no-known-medication-allergies no-known-food-allergies no-known-environmental-allergies
    160245001 no-known-problems 410942007 787481004 no-known-medications no-known-immunizations no-known-devices
    no-known-procedures no-known-implants
    """.split()
)
"""Codes of statements that somebody looked, and that there is none."""
NO_INFORMATION = frozenset(
    """
    no-allergy-info no-medication-info no-problem-info no-device-info no-immunization-info no-procedure-info
    """.split()
)
"""Codes that say that nobody knows: as good as no entry, and never "none"."""
_NONE = re.compile(
    r"(?:patient )?(?:has |denies (?:any )?)?(?:no known|no current|no active|none known|nka\b|nkda\b|nkfa\b|no allerg)",
    re.IGNORECASE,
)
_NOBODY_KNOWS = re.compile(
    r"(?:no information|not on file|no .{0,24}on file|information not available|unable to (?:assess|obtain)"
    r"|not (?:assessed|asked|recorded)\b|(?:allergies |allergy status )?unknown$)",
    re.IGNORECASE,
)


def denies(title: str, codes: Iterable[str | None]) -> bool:
    """Whether this says that there is none: `No known allergies`."""
    return not NONE_KNOWN.isdisjoint(codes) or _NONE.match(title) is not None


def says_nothing(title: str, codes: Iterable[str | None]) -> bool:
    """Whether this only says that nobody knows."""
    return not NO_INFORMATION.isdisjoint(codes) or _NOBODY_KNOWS.match(title) is not None


# ── no illness, but how somebody lives ────────────────────────────────────────────────────────────────

_LIFE = re.compile(
    r"\b(?:(?:un)?employ(?:ed|ment)\b|labou?r force|educat(?:ion|ed)|school|housing|homeless|transport|refugee"
    r"|criminal record|social (?:contact|isolation|migrant)|limited social|partner (?:abuse|violence)|abuse in the home"
    r"|reports of violence|armed forces|lives? alone|income|food insecurity|unable to (?:afford|read|write)|illitera"
    r"|only received|risk activity|medication review due|victim of|served in)",
    re.IGNORECASE,
)
_LIFE_CODES = frozenset(("73595000", "423315002", "422650009", "314529007"))
"""SNOMED CT: stress, limited social contact, social isolation, medication review due."""
_LIFE_ICD = re.compile(r"Z(?:5[5-9]|6[0-5])", re.IGNORECASE)
"""ICD-10-CM Z55 to Z65: socioeconomic and psychosocial circumstances."""


def is_circumstance(title: str, category: str | None, codes: Iterable[tuple[str | None, ...]]) -> bool:
    """Whether this is about how somebody lives: work, schooling, housing. Some systems file that as a problem."""
    if category == "sdoh" or _LIFE.search(title):
        return True
    return any(
        code[1] in _LIFE_CODES
        or ("icd-10" in (code[0] or "").casefold() and _LIFE_ICD.match(code[1] or "") is not None)
        for code in codes
    )


# ── reactions ─────────────────────────────────────────────────────────────────────────────────────────

REACTIONS = {
    "49727002": "cough",
    "56018004": "wheezing",
    "126485001": "hives",
    "247472004": "hives",
    "39579001": "anaphylaxis",
    "271807003": "rash",
    "267036007": "shortness of breath",
    "422587007": "nausea",
    "422400008": "vomiting",
    "62315008": "diarrhea",
    "418290006": "itching",
    "41291007": "angioedema",
    "25064002": "headache",
    "404640003": "dizziness",
    "21522001": "abdominal pain",
    "386661006": "fever",
}
"""SNOMED CT codes of reactions that some servers send without a word."""
_LIFE_THREATENING = re.compile(
    r"anaphyla|angioedema|laryn\w+ (?:o?edema|spasm)|stevens|toxic epidermal|shock", re.I
)


def threatens_life(words: Iterable[str | None]) -> bool:
    """Whether a reaction is one that kills."""
    return any(word and _LIFE_THREATENING.search(word) for word in words)
