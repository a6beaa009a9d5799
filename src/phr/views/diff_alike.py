"""What another source had told before in just the same words, though nothing certain ties both together.

Appointments, messages, plans, goals and short letters have no code by which the store knows that two are one fact, and they
stay two records. But of one and the same day, in one and the same words, they are no news.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.fhir.content import taken_back
from phr.views.details import exact
from phr.views.diff_calm import calm

if TYPE_CHECKING:
    from phr.views.diff_found import Border

_MOST = 4_000
"""So many pairs are read: a whole hospital that is told by two portals is compared by the store."""
_OWN = ("id", "meta", "identifier", "masterIdentifier", "extension", "contained", "implicitRules", "language")
"""What each source writes by itself: its numbers, and details that only it explains."""
_PAIRS = (
    "SELECT record.id, x.source_id, x.raw, y.raw FROM record"
    " JOIN resource x ON x.id = record.id"
    " CROSS JOIN record o ON o.date_from = record.date_from AND o.supporting = 0"
    " JOIN resource y ON y.id = o.id"
    " WHERE record.id > ?1 AND record.id <= ?2 AND record.supporting = 0 AND record.date_from IS NOT NULL"
    " AND o.id <= ?1 AND o.kind = record.kind AND o.title = record.title AND y.source_id <> x.source_id"
    " AND x.type = y.type LIMIT ?3"
)


def told_alike(db: Any, within: Border) -> dict[int, int]:
    """Records that came within the window and say what another source's said before; with the source of each."""
    if within.low >= within.high:
        return {}
    found: dict[int, int] = {}
    for record, source, raw, other in db.execute(_PAIRS, (within.low, within.high, _MOST)):
        if record not in found and _alike(exact(bytes(raw)), exact(bytes(other))):
            found[record] = source
    return found


def _alike(one: Any, other: Any) -> bool:
    if not isinstance(one, dict) or not isinstance(other, dict) or taken_back(one) != taken_back(other):
        return False
    return bool(_words(calm(one)) == _words(calm(other)))


def _words(value: Any, top: bool = True) -> Any:
    """Without what points at something else: each source has its own people and places.

    The address of a file stays, unless its bytes or their hash are there: two files behind two addresses may differ.
    """
    if isinstance(value, dict):
        return {
            key: _words(one, top=False)
            for key, one in value.items()
            if key != "reference"
            and not (key == "url" and ("data" in value or "hash" in value))
            and not (top and key in _OWN)
        }
    return [_words(one, top=False) for one in value] if isinstance(value, list) else value
