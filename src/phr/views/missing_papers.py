"""Papers that may hold the result of an order: a letter called after the test, the pathology of a biopsy."""

from __future__ import annotations

import re

from phr.records.elements import walk
from phr.views.had_exam import exam, places
from phr.views.had_lexicon import SCOPES
from phr.views.had_record import Told, matching, row_of, with_bytes
from phr.views.had_role import NONE, role
from phr.views.missing_ground import DAY, Ground, Row
from phr.views.titles import plain
from phr.views.words import stem, tokens

_LATER = 90 * DAY
"""So long after an order a paper may still be about it."""
_TISSUE = re.compile(r"patholog|histolog|cytolog|biops|tissue exam", re.IGNORECASE)
_SENT_IN = frozenset(("biopsy", "polypectomy", "lumpectomy", "surgery"))
"""What takes tissue out, and so ends in a report of pathology."""
_SMALL = frozenset(
    "of the and with without for to level test tests lab labs blood serum plasma panel routine repeat recheck in on by"
    " order exam total weeks week months month days".split()
)


def paper(ground: Ground, row: Row) -> Told | None:
    """The first paper after the order that may hold its result."""
    start = row.written
    if start is None:
        return None
    for one in [*_called_so(ground, row), *_pathology(ground, row)]:
        if one.date_from is not None and start - DAY < one.date_from < start + _LATER:
            return one
    return None


def _called_so(ground: Ground, row: Row) -> list[Told]:
    """Documents and notes whose own name has every telling word of the order."""
    wanted = {stem(word) for word in tokens(plain(row.title)) if word not in _SMALL and not word.isdigit()}
    if not wanted:
        return []
    found = []
    rows = matching(ground.db, [(max(wanted, key=len),)], ["document", "clinical_note"])
    candidates = [one for one in map(row_of, rows) if one.type == "DocumentReference"]
    with_bytes(ground.db, candidates)
    for one in candidates:
        names = [*one.names, *map(str, walk(one.raw, ("description",)))]
        names += map(str, walk(one.raw, ("content", "attachment", "title")))
        said = {stem(word) for name in names for word in tokens(name)}
        kept = role(one.type, one.status, one.raw, one.title, one.description)[0] != NONE
        if wanted <= said and kept:
            found.append(one)
    return sorted(found, key=lambda one: one.date_from or 0)


def _pathology(ground: Ground, row: Row) -> list[Told]:
    """Reports of pathology of the same part of the body, or of none that is named."""
    asked = exam(row.title)
    looked = bool(asked.acts & SCOPES)
    if not (looked or asked.acts & _SENT_IN or any(act.endswith("ectomy") for act in asked.acts)):
        return []
    here = places(asked)
    words = [(word,) for word in ("pathology", "histology", "cytology", "biopsy", "tissue")]
    found = []
    for one in map(
        row_of, matching(ground.db, words, ["lab_result", "clinical_note", "document", "imaging"])
    ):
        parts = frozenset[str]().union(*(exam(name).parts for name in one.names))
        same = bool(parts & here) if looked else not parts or not here or bool(parts & here)
        sides = {asked.side, exam(one.title).side}
        if (
            one.type in ("DiagnosticReport", "DocumentReference")
            and one.status not in ("cancelled", "entered-in-error", "superseded")
            and _TISSUE.search(" ".join(one.names))
            and same
            and sides != {"left", "right"}
        ):
            found.append(one)
    return sorted(found, key=lambda one: one.date_from or 0)
