"""The timeline: a life newest first, page by page, quick also when it is long.

Ids come first, from the index `record_by_date` alone, and only the rows of the asked page are joined with
anything. Pages follow each other by key (date and id of the last event), so a page costs the same wherever it
is and nothing is shown twice when a sync adds records in between. Records without a date stand at the end.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from phr.errors import UsageError
from phr.views.events import Event, events
from phr.views.selection import EVERYTHING, Selection, check_sources

if TYPE_CHECKING:
    from phr.store.store import Store

Place = tuple[int | None, int]
"""Where an event stands: epoch seconds (None: undated) and record id."""
_ALL = -1
_PAGE = 400


@dataclass(frozen=True, slots=True)
class Timeline:
    """One page of a life, and what is true of the whole selection."""

    total: int
    earliest: str | None
    latest: str | None
    milestones: tuple[Event, ...] = ()
    events: list[Event] = field(default_factory=list)
    next: str | None = None
    """The cursor of the next page; None when this was the last."""

    def document(self) -> dict[str, Any]:
        """The page as the one JSON document that `timeline --json` prints."""
        return {
            "schema": 1,
            "total": self.total,
            "date_range": {"earliest": self.earliest, "latest": self.latest},
            "milestones": list(self.milestones),
            "events": self.events,
            "next": self.next,
        }


def timeline(
    store: Store, selection: Selection = EVERYTHING, *, limit: int | None = None, after: str | None = None
) -> Timeline:
    """One page of the selected records, newest first.

    `after` is the `next` of the page before. Raises UsageError for a selection, a limit or a cursor that
    makes no sense.
    """
    if limit is not None and limit < 0:
        raise UsageError("--limit has to be a number from 0 on.")
    check_sources(store, selection)
    total, earliest, latest = extent(store, selection)
    wanted = _ALL if limit is None else limit + 1
    places = _places(store.db, selection, wanted, _opened(after) if after else None)
    cut = limit is not None and len(places) > limit
    page = places[:limit] if cut else places
    following = _sealed(page[-1]) if cut and page else None
    return Timeline(total, earliest, latest, (), list(events(store.db, [id_ for _, id_ in page])), following)


def extent(store: Store, selection: Selection) -> tuple[int, str | None, str | None]:
    """`(number of records, earliest date, latest date)` of a whole selection; dates as their sources wrote them."""
    condition, values = selection.where()
    select = f"FROM record WHERE {condition}"
    if not values:  # nothing to look into: the index counts, and answers from its two ends
        total = store.db.execute(f"SELECT count(*) {select}").fetchone()[0]
        ends = f"SELECT record.date {select} AND record.date_from IS NOT NULL ORDER BY record.date_from"
        found = [store.db.execute(f"{ends} {way} LIMIT 1").fetchone() for way in ("ASC", "DESC")]
    else:
        total, *ends_at = store.db.execute(
            f"SELECT count(*), min(record.date_from), max(record.date_from) {select}", values
        ).fetchone()
        text = f"SELECT record.date {select} AND record.date_from = ? LIMIT 1"
        found = [store.db.execute(text, [*values, when]).fetchone() for when in ends_at]
    first, last = (row[0] if row else None for row in found)
    return int(total), first, last


def all_events(store: Store, selection: Selection = EVERYTHING) -> Iterator[Event]:
    """Every selected event, newest first, a few hundred in memory at a time."""
    after: Place | None = None
    while places := _places(store.db, selection, _PAGE, after):
        yield from events(store.db, [id_ for _, id_ in places])
        after = places[-1]


def _places(db: Any, selection: Selection, limit: int, after: Place | None) -> list[Place]:
    """The next places after one: first what is dated, then what is not."""
    condition, values = selection.where()
    found: list[Place] = []
    if after is None or after[0] is not None:
        seek, at = ("", []) if after is None else (" AND (record.date_from, record.id) < (?, ?)", list(after))
        rows = db.execute(
            f"SELECT record.date_from, record.id FROM record WHERE {condition} AND record.date_from IS NOT NULL{seek}"
            " ORDER BY record.date_from DESC, record.id DESC LIMIT ?",
            [*values, *at, limit],
        )
        found = [(row[0], row[1]) for row in rows]
    if selection.keeps_undated() and (limit == _ALL or len(found) < limit):
        below = after[1] if after is not None and after[0] is None else None
        seek, at = ("", []) if below is None else (" AND record.id < ?", [below])
        rows = db.execute(
            f"SELECT record.date_from, record.id FROM record WHERE {condition} AND record.date_from IS NULL{seek}"
            " ORDER BY record.id DESC LIMIT ?",
            [*values, *at, _ALL if limit == _ALL else limit - len(found)],
        )
        found += [(row[0], row[1]) for row in rows]
    return found


def _sealed(place: Place) -> str:
    when, id_ = place
    words = f"{'' if when is None else when}:{id_}"
    return base64.urlsafe_b64encode(words.encode()).decode().rstrip("=")


def _opened(cursor: str) -> Place:
    try:
        words = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
        when, _, id_ = words.partition(":")
        place = int(when) if when else None, int(id_)
        if any(abs(number) >= 2**63 for number in place if number is not None):
            raise ValueError("not a place in a database")
    except (ValueError, binascii.Error):
        raise UsageError(
            "--after does not hold a cursor of this timeline.",
            hint="Take the word that the page before gave as `next`, or leave --after out.",
        ) from None
    return place
