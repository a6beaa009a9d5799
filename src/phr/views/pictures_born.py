"""What is dated before the person was born: a clock that stood at its first day, or a slip, and no picture of a life.

`phr quality` names each of these; this is the same judgement, for events.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from phr.fhir import dates
from phr.views.events import Event
from phr.views.quality_dates import Life, wrong_dates
from phr.views.quality_rows import Row

_NEVER = 1 << 60
"""No date lies ahead of this: what has not come yet is another question."""


def before_birth(events: Iterable[Event], born: str | None) -> list[Event]:
    """Those of the events that lie wholly before the birth; none where that is not known.

    What is told of a pregnancy or of the birth may be older.
    """
    birth = _date(born)
    if birth is None:
        return []
    life = Life(_NEVER, birth)
    return [one for one in events if _is_early(one, birth, life)]


def _is_early(event: Event, birth: dates.PartialDate, life: Life) -> bool:
    when = dates.parse(event["date"])
    if when is None or when.start >= birth.start:
        return False
    return any(found.reason == "before_birth" for found in wrong_dates(_row(event), life))


@lru_cache(maxsize=8)
def _date(born: str | None) -> dates.PartialDate | None:
    return dates.parse(born)


def _row(event: Event) -> Row:
    """As far as its date is judged."""
    known: dict[str, Any] = {
        "id": int(event["id"]),
        "kind": event["kind"],
        "title": str(event["title"]),
        "date": event["date"],
    }
    known |= {name: event.get(name) for name in ("recorded", "status", "description")}
    known |= {"resource": str(event["resource"]), "codes": "", "source": 0, "supporting": 0, "wanted": 0}
    return Row._make(known.get(name) for name in Row._fields)
