"""Prescriptions of one drug together, whatever their strength: by their codes, else by the words before the first number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from phr.records.match_terms import codes_from
from phr.views.events import Event
from phr.views.summary_words import denies, says_nothing
from phr.views.titles import plain

_SYSTEMS = frozenset(("rxnorm", "ndc", "snomed"))
_BEFORE = re.compile(r"^(?:NDA\d+\s+)?(?:\d[\d.,]*\s*(?:HR|ML|ACTUAT|MG|DAY|UNT|PACK)\b\s*)+", re.IGNORECASE)
_AFTER = re.compile(
    r"\s*(?:[\d(\[,;]|\b(?:oral|tablets?|capsules?|injection|injectable|inhaler|inhalation|solution|suspension|cream"
    r"|ointment|patch|spray|drops|syrup|extended|delayed|release|chewable|prefilled|pen|nasal|topical|transdermal|pack"
    r"|dry|metered|nebulizer|powder|vial|kit|implant|er|xr|sr|dr|hfa|vaginal|ophthalmic|rectal)\b).*$",
    re.IGNORECASE,
)
_SALTS = re.compile(
    r"\b(?:hydrochloride|hcl|sodium|potassium|bitartrate|tartrate|succinate|maleate|besylate|mesylate|fumarate|sulfate"
    r"|acetate|citrate|phosphate|calcium|bromide|monohydrate|dihydrate)\b",
    re.IGNORECASE,
)


def drugs(events: Sequence[Event]) -> list[tuple[str, list[Event]]]:
    """`(name, events)` of each drug."""
    found: list[list[Event]] = []
    known: dict[object, int] = {}
    for event in events:
        codes = [code["code"] for code in event["codes"]]
        if denies(str(event["title"]), codes) or says_nothing(str(event["title"]), codes):
            continue
        names = [*_names(event)]
        at = next((known[name] for name in names if name in known), None)
        if at is None:
            at = len(found)
            found.append([])
        found[at].append(event)
        for name in names:
            known.setdefault(name, at)
    return [(_called(group), group) for group in found]


def _names(event: Event) -> Iterable[object]:
    for system, code in codes_from((one["system"], one["code"]) for one in event["codes"]):
        if system in _SYSTEMS:
            yield system, code
    yield substance(str(event["title"]))


@lru_cache(maxsize=4096)
def substance(title: str) -> tuple[str, ...]:
    """What is in it, without strength, form and salt; the whole title where that leaves nothing."""
    parts = []
    for part in re.split(r"\s+/\s+", plain(title)):
        bare = _AFTER.sub("", _BEFORE.sub("", part)).casefold()
        parts.append(" ".join((_SALTS.sub("", bare).strip() or bare).split()))
    return tuple(sorted({part for part in parts if part})) or (title.casefold(),)


def _called(events: Sequence[Event]) -> str:
    """As it is written where all write the same; else the words that the strengths have in common."""
    titles = dict.fromkeys(plain(str(one["title"])) for one in events)
    first = next(iter(titles))
    if len(titles) == 1:
        return first
    parts = [_AFTER.sub("", _BEFORE.sub("", part)).strip() for part in re.split(r"\s+/\s+", first)]
    return " / ".join(part for part in parts if part) or first
