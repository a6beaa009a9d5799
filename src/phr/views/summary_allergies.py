"""Which allergies somebody has: the dangerous ones first; "none known" only where a source says so.

FHIR R4, AllergyIntolerance: criticality is what could happen, reaction.severity what did. "No known allergies" is a code
(SNOMED CT 716186003, absent-unknown-uv-ips), never an empty list: of that nobody knows what it means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from phr.fhir import read
from phr.records.elements import code_of, words_of
from phr.views.summary_rows import Desk, Row, body, grouped
from phr.views.summary_words import REACTIONS, denies, says_nothing, threatens_life, without_tag

Said = tuple[Row, dict[str, Any]]
_GRAVE = {"severe": 0, "moderate": 1, "mild": 2}
_READ = 200


class Allergies:
    """What a summary says of allergies; each with what is to be said beside its event."""

    def __init__(self) -> None:
        self.listed: list[Said] = []
        self.none_known: list[Row] = []
        self.refuted: list[Said] = []
        self.former: list[Said] = []


def allergies(desk: Desk) -> Allergies:
    """Those that stand, the most dangerous first."""
    found = Allergies()
    stands: list[Row] = []
    for row in desk.newest("allergy"):
        codes = [code[1] for code in row.codes]
        if says_nothing(row.title, codes):
            continue
        if row.status == "refuted":
            found.refuted.append((row, {"times": 1}))
        elif denies(row.title, codes):
            if row.status not in ("inactive", "resolved"):
                found.none_known.append(row)
        elif row.status in ("inactive", "resolved"):
            found.former.append((row, {"times": 1}))
        else:
            stands.append(row)
    groups = grouped(stands)
    told = desk.told([row.id for group in groups[:_READ] for row in group[:4]])
    for group in groups:
        bodies = [body(one.raw) for row in group for one in told.get(row.id, ())]
        found.listed.append((group[0], _said(group, bodies)))
    found.listed.sort(
        key=lambda one: (not one[1]["life_threatening"], one[1]["rank"], one[0].title.casefold())
    )
    for _, said in found.listed:
        del said["rank"]
    return found


def _said(group: Sequence[Row], bodies: list[dict[str, Any]]) -> dict[str, Any]:
    """All dangers that any of the sources tells."""
    reactions = _reactions(bodies)
    criticality = {code_of(one.get("criticality")) for one in bodies}
    worst = min((_GRAVE.get(str(one["severity"]), 3) for one in reactions), default=3)
    high = "high" in criticality
    dated = [row for row in group if row.date_from is not None]
    first = min(dated, key=lambda row: row.date_from or 0, default=None)
    kinds = [code_of(one.get("type")) for one in bodies]
    return {
        "reactions": reactions,
        "criticality": "high" if high else next((one for one in ("low",) if one in criticality), None),
        "life_threatening": high or worst == 0 or threatens_life(one["manifestation"] for one in reactions),
        "intolerance": bool(kinds) and all(one == "intolerance" for one in kinds),
        "since": first.date if first else None,
        "times": len(group),
        "same": [str(row.id) for row in group[1:]],
        "rank": worst,
    }


def _reactions(bodies: list[dict[str, Any]]) -> list[dict[str, str | None]]:
    """What showed itself, each once, with the gravest severity that is said of it."""
    found: dict[str, dict[str, str | None]] = {}
    for one in bodies:
        for reaction in read.dicts(one.get("reaction")):
            severity = read.text(reaction.get("severity"))
            shown = [words for each in read.listed(reaction.get("manifestation")) if (words := _words(each))]
            named: list[str | None] = [*shown] or [read.text(reaction.get("description"))]
            for words in named:
                known = found.setdefault(
                    (words or "").casefold(), {"manifestation": words, "severity": severity}
                )
                if _GRAVE.get(severity or "", 3) < _GRAVE.get(known["severity"] or "", 3):
                    known["severity"] = severity
    return [one for one in found.values() if one["manifestation"] or one["severity"]]


def _words(manifestation: object) -> str | None:
    """What it is called; a bare SNOMED CT code in plain words where it is a common one."""
    words = words_of(manifestation)
    if words is None or words.casefold() in ("unknown", "unk", "not known"):
        return None
    return REACTIONS.get(words) or without_tag(words)
