"""Which search parameters a server's refusal asks for, and which it does not take. Pure.

FHIR has no codes for this: every product says it in words of its own (Epic 59108 and 59159, athenahealth,
HAPI and what is built on it, Oracle). Only names that searches really have are read from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

Combinations = tuple[tuple[str, ...], ...]

_LOOKED_INTO = 2000
_NAMES = {
    name.lower(): name
    for name in (
        "_id _lastUpdated _since actor authored authoredon based-on beneficiary category class clinical-status code"
        " context created date effective encounter focus identifier individual intent issued lifecycle-status name"
        " onset-date owner part-of patient performed period recorded-date service-date start status subject target"
        " type vaccine-code"
    ).split()
}
_SENTENCE = re.compile(r"(?<=[.;!?])\s|[\r\n]+")
_NEEDS = re.compile(
    r"(?i)\b(requir(ed|es?)|mandatory|missing|needs?|needed|at least one|only (with|by)"
    r"|not (provided|specified|supplied|present)|must (have|be|include|contain|specify|provide|supply|use))\b"
)
_OF_A_SEARCH = re.compile(
    r"(?i)\b(param\w*|search\w*|quer(y|ies)|filter\w*|criteri\w+|argument\w*|element|either|one of|must have)\b"
)
_GROUPS = re.compile(r"\[\s*(\[[^\[\]]{1,200}\](?:\s*,\s*\[[^\[\]]{1,200}\]){0,20})\s*\]")
_GROUP = re.compile(r"\[([^\[\]]{1,200})\]")
_WORD = re.compile(r"[_A-Za-z][A-Za-z0-9_-]{0,39}")
_QUOTED = re.compile(r"[\"'`\u2018\u201c]([_A-Za-z][A-Za-z0-9_-]{0,39})[\"'`\u2019\u201d]")
_EACH_ALONE = re.compile(r"(?i)\b(either|one of|any of|at least one)\b")
_OR = re.compile(r"(?i)\bor\b|/|\|")
# Oracle, to a search that names nobody: it takes each of these (vendor documentation, 2024).
_NOTHING_TAKEN = re.compile(r"(?i)\bno supported search param")
_NOBODY: Combinations = (("patient",), ("subject",), ("_id",))
_NOT_HANDLED = re.compile(
    r"(?i)know how to handle \w{1,10} operation(?:\s?\[[^\]]{0,60}\])? with parameters?:? ?\[{1,2}([^\[\]]{1,300})\]"
)
_UNKNOWN = r"unknown|unsupported|unrecogni[sz]ed|unexpected|invalid|illegal|not supported"
_PARAMETER = r"param\w{0,9}\b(?: name\b)?(?: ?[:=])? ?[\"'`\[(]{0,2}([_a-z][\w.-]{0,39})"
_UNKNOWN_BEFORE = re.compile(rf"(?i)\b(?:{_UNKNOWN}) (?:search |query |url )?{_PARAMETER}")
_UNKNOWN_AFTER = re.compile(
    rf"(?i)\b{_PARAMETER}[\"'`\])]{{0,2}} (?:is|was|are) "
    rf"(?:not (?:supported|recogni[sz]ed|known|allowed|valid|a valid)|{_UNKNOWN})"
)
_NOT_BY = re.compile(r"(?i)\bcannot be searched by:? ([\w, -]{1,200})")
_NO_NAMES = frozenset(
    "a an are combination combinations for in is name names of on the value values was with".split()
)
_OFFERED = re.compile(r"\bUse (.{3,1500})", re.DOTALL)
_OFFER = re.compile(r"(?:^|, |or )([A-Za-z0-9][\w-]{2,39}) for ")


def wanted(text: str) -> Combinations:
    """The combinations of parameters that these words ask for; any one of them would do. Empty: none named."""
    text = text[:_LOOKED_INTO]
    if _NOTHING_TAKEN.search(text):
        return _NOBODY
    found: list[tuple[str, ...]] = []
    for sentence in _SENTENCE.split(text):
        if _NEEDS.search(sentence) and _OF_A_SEARCH.search(sentence) and not unknown(sentence):
            found += _combinations(sentence)
    return tuple(dict.fromkeys(found))


def from_expressions(expressions: Iterable[object]) -> Combinations:
    """What `issue.expression` of a missing element names: `code/category`, `patient,intent`."""
    found: list[tuple[str, ...]] = []
    for expression in expressions:
        if isinstance(expression, str):
            parts = _OR.split(expression[:200])
            found += [names for part in parts if (names := _names(_WORD.findall(part)))]
    return tuple(dict.fromkeys(found))


def unknown(text: str) -> tuple[str, ...]:
    """The parameters that these words say are not taken, at least not together."""
    text = text[:_LOOKED_INTO]
    found: list[str] = []
    for match in (*_NOT_HANDLED.finditer(text), *_NOT_BY.finditer(text)):
        found += (word.strip() for word in match[1].split(","))
    for pattern in (_UNKNOWN_BEFORE, _UNKNOWN_AFTER):
        found += (match[1].rstrip(".") for match in pattern.finditer(text))
    return tuple(
        dict.fromkeys(name for name in found if _WORD.fullmatch(name) and name.lower() not in _NO_NAMES)
    )


def values(text: str) -> tuple[str, ...]:
    """The values that these words offer: Epic lists the categories that a CarePlan may be searched by."""
    offered = _OFFERED.search(text[:_LOOKED_INTO])
    return tuple(dict.fromkeys(_OFFER.findall(offered[1]))) if offered else ()


def _combinations(sentence: str) -> Iterator[tuple[str, ...]]:
    groups = _GROUPS.search(sentence)
    if groups:
        parts = _GROUP.findall(groups[1])
    elif quoted := _names(_QUOTED.findall(sentence)):
        parts = list(quoted) if _EACH_ALONE.search(sentence) or _OR.search(sentence) else [" ".join(quoted)]
    elif _EACH_ALONE.search(sentence):
        parts = list(_names(_WORD.findall(sentence)))
    else:
        parts = _OR.split(sentence)
    for part in parts:
        names = _names(_WORD.findall(part))
        if names:
            yield names


def _names(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_NAMES[word.lower()] for word in words if word.lower() in _NAMES))
