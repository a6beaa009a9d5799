"""Which problems somebody has: what stands on a problem list, what was only named at a visit, what is over.

FHIR R4, Condition: clinicalStatus says whether it is still there, verificationStatus whether it is so at all, category
whether it is on the problem list. The same problem told several times is shown once, with the earliest onset.
"""

from __future__ import annotations

from typing import Any

from phr.views.summary_onset import beginnings
from phr.views.summary_rows import Desk, Row, grouped
from phr.views.summary_words import denies, is_circumstance, says_nothing

SAME_PROBLEM = frozenset(("snomed", "icd10", "icd9"))
_STANDS = ("active", "recurrence", "relapse", "unknown", None)
_OVER = ("resolved", "inactive", "remission", "ended", "completed")
_RESOLVED = 200
LIST, VISIT, LIFE = "problem-list", "visit", "circumstance"

Said = tuple[Row, dict[str, Any]]


class Problems:
    """What a summary says of problems; each with what is to be said beside its event."""

    def __init__(self) -> None:
        self.active: list[Said] = []
        self.resolved: list[Said] = []
        self.refuted: list[Said] = []
        self.none_known: list[Row] = []


def problems(desk: Desk) -> Problems:
    """Active ones (the problem list first, what was named at visits then, how somebody lives last), and what is over."""
    found = Problems()
    stands: list[Row] = []
    over: list[Row] = []
    for row in desk.newest("problem", statuses=(*_STANDS, "refuted")):
        codes = [code[1] for code in row.codes]
        if row.status == "refuted":
            found.refuted.append((row, _said([row], "refuted")))
        elif denies(row.title, codes):
            found.none_known.append(row)
        elif not says_nothing(row.title, codes):
            (over if row.ended(desk.now) else stands).append(row)
    over += desk.newest("problem", statuses=_OVER, limit=_RESOLVED)
    known = {row.id for row in stands}
    told: list[list[Row]] = []
    for group in grouped([*stands, *over], certain=SAME_PROBLEM):
        now = [row for row in group if row.id in known]
        rest = [row for row in group if row.id not in known]
        if now:
            shown = min(now, key=lambda row: (row.category == "encounter-diagnosis", -(row.date_from or 0)))
            told.append(now)
            found.active.append((shown, _said(now, _group(now), rest)))
        else:
            found.resolved.append((rest[0], _said(rest, "resolved")))
    for (_, said), began in zip(found.active, beginnings(desk, told), strict=True):
        said.update(began)
    order = (LIST, VISIT, LIFE)
    found.active.sort(key=lambda one: (order.index(one[1]["group"]), -(one[0].date_from or 0)))
    found.resolved.sort(key=lambda one: one[1]["ended"] or one[0].date or "", reverse=True)
    return found


def _group(rows: list[Row]) -> str:
    if all(is_circumstance(row.title, row.category, row.codes) for row in rows):
        return LIFE
    return VISIT if all(row.category == "encounter-diagnosis" for row in rows) else LIST


def _said(rows: list[Row], group: str, over: list[Row] | None = None) -> dict[str, Any]:
    """Since when, how often it is told, and what told that it is over where it is active elsewhere."""
    dated = [row for row in rows if row.date_from is not None]
    first = min(dated, key=lambda row: row.date_from or 0, default=None)
    ends = sorted(row.end for row in rows if row.end)
    return {
        "group": group,
        "since": first.date if first else None,
        "onset": None,
        "noted": None,
        "ended": ends[-1] if ends and group == "resolved" else None,
        "times": len(rows),
        "same": [str(row.id) for row in rows[1:]],
        # an acute episode that is over says nothing of the disease; an entry of a problem list does
        "over_elsewhere": [str(row.id) for row in over or () if row.category != "encounter-diagnosis"],
    }
