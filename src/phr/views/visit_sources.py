"""Which sources are an office's own: what they tell, the office has.

A source is theirs when it tells visits with them and is called like them, else when it tells most of those visits. What a
payer bills, what the person wrote and what another hospital only mentions makes no source theirs. Where nothing tells it,
nobody guesses: a test that an office seems to have is a test that nobody brings along.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from phr.views.events import BATCH, marks
from phr.views.visit_names import distinctive

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.views.whom import Whom

_MEETINGS = 5_000
_SHARE = 0.5
"""A source that tells less than this of what the best one tells only mentions them."""
_NOT_MET = frozenset(("cancelled", "noshow", "entered-in-error"))


def own_sources(store: Store, who: Whom) -> list[str]:
    """Names of the sources that are theirs; none where that cannot be told."""
    called = _called(store.db, who)
    for kind in ("encounter", "appointment", "clinical_note"):
        told = _telling(store.db, meetings(store.db, who, kind))
        if told:
            named = [name for name in told if name in called]
            most = max(told.values())
            return sorted(named or [name for name, count in told.items() if count >= most * _SHARE])
    return sorted(called)


def meetings(db: Any, who: Whom, kind: str) -> list[int]:
    """Numbers of the visits, appointments or notes with them, the newest first."""
    rows = db.execute(
        "SELECT id, performer, facility, status FROM record WHERE kind = ? AND supporting = 0"
        " ORDER BY date_from DESC, id DESC LIMIT ?",
        (kind, _MEETINGS),
    )
    return [
        id_
        for id_, performer, facility, status in rows
        if status not in _NOT_MET
        and (
            id_ in who.located or who.is_with(performer, facility) or who.at_their_place(performer, facility)
        )
    ]


def _telling(db: Any, ids: list[int]) -> Counter[str]:
    """How many of these each source tells; without the person's own entries and bills."""
    found: Counter[str] = Counter()
    for at in range(0, len(ids), BATCH):
        part = ids[at : at + BATCH]
        found.update(
            dict(
                db.execute(
                    "SELECT s.name, count(DISTINCT rs.record_id) FROM record_source rs JOIN source s ON s.id = rs.source_id"
                    f" WHERE rs.record_id IN ({marks(part)}) AND s.kind <> 'person' GROUP BY 1",
                    part,
                ).fetchall()
            )
        )
    return found


def _called(db: Any, who: Whom) -> frozenset[str]:
    """Sources that are called like one of their places, or like them."""
    theirs = [words for text in (*who.facilities, who.name) if (words := distinctive(text))]
    rows = db.execute(
        "SELECT s.name, c.organisation FROM source s LEFT JOIN connection c ON c.source_id = s.id WHERE s.kind <> 'person'"
    )
    return frozenset(
        name
        for name, organisation in rows
        if any(
            (own := distinctive(text)) and any(own <= words or words <= own for words in theirs)
            for text in filter(None, (name, organisation))
        )
    )
