"""The timeline: a life newest first, page by page, quick also when it is long.

Ids come first, from an index alone, and only the rows of the asked page are joined with anything. Pages follow each
other by key (date and id of the last event), so a page costs the same wherever it is and nothing is shown twice when a
sync adds records in between. Records without a date stand at the end.

A selection is walked along an index that has its order: `record_by_kind` for each kind, else `record_by_date`. What
an index cannot answer is counted only as far as a screen needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from phr.errors import UsageError
from phr.views.cursor import Place, opened, sealed
from phr.views.events import Event, events
from phr.views.query import full_text_query
from phr.views.selection import EVERYTHING, Selection, check_sources

if TYPE_CHECKING:
    from phr.store.store import Store

MILESTONES = 50
"""So many of the selection are told beside a page."""
_ALL = -1
_PAGE = 400
_RARE = 2000
_LONGEST_DATE = 366 * 86_400
"""A date that is a year alone stands for at most so many seconds (FHIR R4, 2.24.0.1)."""
_BOOKMARKED = (
    "record.id IN (SELECT rs.record_id FROM bookmark b"
    " CROSS JOIN record_source rs ON rs.resource_id = b.resource_id)"
)
# A source with little is found by its resources; one with much is met soon enough on the way.
_OF_RARE = (
    "record.id IN (SELECT rs.record_id FROM resource x CROSS JOIN record_source rs ON rs.resource_id = x.id"
    " WHERE x.source_id IN ({marks}))"
)
_OF_COMMON = (
    "EXISTS (SELECT 1 FROM record_source rs WHERE rs.record_id = record.id AND rs.source_id IN ({marks}))"
)


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
    counted: bool = True
    """False: there are more than `total`; counting stopped there."""
    selected: Callable[[set[int]], set[int]] = field(default=set, repr=False, compare=False)
    """Which of some records belong to the selection, wherever they stand."""

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


class _Walk(NamedTuple):
    """One way along an index, which gives records in the order of a timeline."""

    condition: str
    values: tuple[object, ...]
    since: int | None = None
    """No record that is dated before this second belongs."""
    among: frozenset[int] | None = None
    """Only these: a word that many records have, found in the full text before the walk."""

    def kept(
        self, rows: Iterable[tuple[Any, ...]], limit: int = _ALL, at: int = 1
    ) -> Iterator[tuple[Any, ...]]:
        """The rows that belong, `limit` at most; their record id stands at `at`."""
        found = rows if self.among is None else (row for row in rows if row[at] in self.among)
        return iter(found) if limit == _ALL else islice(found, limit)


def timeline(
    store: Store,
    selection: Selection = EVERYTHING,
    *,
    limit: int | None = None,
    after: str | None = None,
    bookmarked: bool = False,
    count_to: int | None = None,
) -> Timeline:
    """One page of the selected records, newest first.

    `after` is the `next` of the page before; `count_to`: more need not be counted. Raises UsageError for a selection,
    a limit or a cursor that makes no sense.
    """
    if limit is not None and limit < 0:
        raise UsageError("--limit has to be a number from 0 on.")
    check_sources(store, selection)
    plain = selection.asks_nothing() and not bookmarked
    walks = _walks(store.db, selection, bookmarked=bookmarked)
    earliest, latest = _ends(store.db, walks)
    wanted = _ALL if limit is None else limit + 1
    places = _places(store.db, walks, selection, wanted, opened(after) if after else None)
    cut = limit is not None and len(places) > limit
    page = places[:limit] if cut else places
    total = len(places)  # of all there are; a page of them says nothing about the others
    if limit is not None or after is not None:
        total = _total(store.db, selection, walks, plain=plain, at_most=count_to)
    following = sealed(page[-1]) if cut and page else None
    found = list(events(store.db, [id_ for _, id_ in page]))
    counted = count_to is None or total <= max(count_to, len(page))

    def selected(ids: set[int]) -> set[int]:
        return _belonging(store.db, walks, ids)

    told = total if counted else count_to or 0
    return Timeline(told, earliest, latest, (), found, following, counted, selected)


def extent(store: Store, selection: Selection) -> tuple[int, str | None, str | None]:
    """`(number of records, earliest date, latest date)` of a whole selection; dates as their sources wrote them."""
    walks = _walks(store.db, selection)
    total = _total(store.db, selection, walks, plain=selection.asks_nothing())
    return total, *_ends(store.db, walks)


def all_events(
    store: Store, selection: Selection = EVERYTHING, *, bookmarked: bool = False
) -> Iterator[Event]:
    """Every selected event, newest first, a few hundred in memory at a time."""
    walks = _walks(store.db, selection, bookmarked=bookmarked)
    after: Place | None = None
    while places := _places(store.db, walks, selection, _PAGE, after):
        yield from events(store.db, [id_ for _, id_ in places])
        after = places[-1]


def belonging(store: Store, selection: Selection, ids: Iterable[int]) -> set[int]:
    """Which of these records the selection has."""
    return _belonging(store.db, _walks(store.db, selection), ids)


def _belonging(db: Any, walks: list[_Walk], ids: Iterable[int]) -> set[int]:
    wanted = f"[{','.join(map(str, ids))}]"
    found: set[int] = set()
    for walk in walks:
        rows = db.execute(
            "SELECT record.id FROM json_each(?) one CROSS JOIN record ON record.id = one.value"
            f" WHERE {walk.condition}",
            [wanted, *walk.values],
        )
        found.update(row[0] for row in walk.kept(rows, at=0))
    return found


def with_pack_tags(found: Iterable[Event]) -> Iterator[Event]:
    """Each event with the tags that condition packs give it."""
    from phr.views import tagging

    tags_of = getattr(tagging, "pack_tags", None)
    for event in found:
        yield event if "pack_tags" in event else {**event, "pack_tags": tags_of(event) if tags_of else []}


def milestones_of(store: Store, selection: Selection, limit: int | None = MILESTONES) -> list[Event]:
    """What stands out in the selection, newest first."""
    try:
        from phr.views.milestones import milestones
    except ImportError:
        return []
    return milestones(store, selection, limit=limit)


def starred(store: Store, found: Iterable[Event]) -> frozenset[str]:
    """The ids of those events that are milestones, as far as that was found out before."""
    ids = [int(event["id"]) for event in found][: 4 * _PAGE]
    marks = ",".join("?" * len(ids))
    rows = store.db.execute(f"SELECT record_id FROM milestone WHERE record_id IN ({marks})", ids)
    return frozenset(str(row[0]) for row in rows)


# ── walking ───────────────────────────────────────────────────────────────────────────────────────


def _walks(db: Any, selection: Selection, *, bookmarked: bool = False) -> list[_Walk]:
    """A way for each kind, or one for all of them."""
    if selection.asks_nothing() and not bookmarked:
        return [_Walk("record.supporting = 0", ())]
    selection.where()  # says what makes no sense, also in what is asked differently here
    condition, values = replace(selection, kinds=(), sources=(), search=None).where()
    parts, given = [condition], list(values)
    if selection.sources:
        part, ids = _of_sources(db, selection.sources)
        parts.append(part)
        given += ids
    if bookmarked:
        parts.append(_BOOKMARKED)
    since = None
    if selection.since is not None and not selection.standing:
        from phr.fhir import dates

        when = dates.parse(selection.since)
        since = when.start - _LONGEST_DATE if when else None
    among = _with_words(db, selection.search) if selection.search and selection.search.strip() else None
    if among is not None and len(among) < _RARE:
        parts.append("record.id IN (SELECT value FROM json_each(?))")
        given.append(f"[{','.join(map(str, among))}]")
        among = None
    joined = " AND ".join(parts)
    if not selection.kinds:
        return [_Walk(joined, tuple(given), since, among)]
    return [
        _Walk(f"{joined} AND record.kind = ?", (*given, kind), since, among)
        for kind in dict.fromkeys(selection.kinds)
    ]


def _with_words(db: Any, words: str) -> frozenset[int]:
    """The records with these words. Reading their numbers alone is quick, also where half of a life has them."""
    query = full_text_query(words)
    if query is None:
        return frozenset()
    rows = db.execute("SELECT rowid FROM record_search WHERE record_search MATCH ?", (query,))
    return frozenset(row[0] for row in rows)


def _of_sources(db: Any, names: tuple[str, ...]) -> tuple[str, list[object]]:
    marks = ",".join("?" * len(names))
    ids = [row[0] for row in db.execute(f"SELECT id FROM source WHERE name IN ({marks})", names)]
    marks = ",".join("?" * len(ids))
    few = db.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM resource WHERE source_id IN ({marks}) LIMIT {_RARE})", ids
    ).fetchone()[0]
    return (_OF_RARE if few < _RARE else _OF_COMMON).format(marks=marks), list(ids)


def _total(
    db: Any, selection: Selection, walks: list[_Walk], *, plain: bool, at_most: int | None = None
) -> int:
    if plain or (
        selection.kinds and replace(selection, kinds=()).asks_nothing() and len(walks[0].values) == 1
    ):  # the tally has counted them
        kinds = list(dict.fromkeys(selection.kinds))
        among = f" WHERE kind IN ({','.join('?' * len(kinds))})" if kinds else ""
        return int(db.execute(f"SELECT coalesce(sum(shown), 0) FROM tally{among}", kinds).fetchone()[0])
    total = 0
    for walk in walks:
        most = _ALL if at_most is None else max(0, at_most + 1 - total)
        condition, values = _bounded(walk, selection)
        if walk.among is None:
            query = f"SELECT count(*) FROM (SELECT 1 FROM record WHERE {condition} LIMIT ?)"
            total += db.execute(query, [*values, most]).fetchone()[0]
        else:
            rows = db.execute(f"SELECT record.id FROM record WHERE {condition}", values)
            total += sum(1 for _ in walk.kept(rows, most, at=0))
    return total


def _bounded(walk: _Walk, selection: Selection) -> tuple[str, list[object]]:
    if walk.since is None or selection.keeps_undated():
        return walk.condition, list(walk.values)
    return f"{walk.condition} AND record.date_from >= ?", [*walk.values, walk.since]


def _ends(db: Any, walks: list[_Walk]) -> tuple[str | None, str | None]:
    """The first and the last date; two looks into an index for each walk."""
    ends: list[list[tuple[int, int]]] = [[], []]
    for walk in walks:
        seek, at = (" AND record.date_from >= ?", [walk.since]) if walk.since is not None else ("", [])
        for way, found in zip(("ASC", "DESC"), ends, strict=True):
            rows = db.execute(
                f"SELECT record.date_from, record.id FROM record WHERE {walk.condition} AND record.date_from IS NOT NULL"
                f"{seek} ORDER BY record.date_from {way}, record.id {way} LIMIT ?",
                [*walk.values, *at, 1 if walk.among is None else _ALL],
            )
            found += [(row[0], row[1]) for row in walk.kept(rows, 1)]
    if not ends[0]:
        return None, None
    both = (min(ends[0])[1], max(ends[1])[1])
    dates = dict(db.execute("SELECT id, date FROM record WHERE id IN (?, ?)", both).fetchall())
    return dates[both[0]], dates[both[1]]


def _places(
    db: Any, walks: list[_Walk], selection: Selection, limit: int, after: Place | None
) -> list[Place]:
    """The next places after one: first what is dated, then what is not."""
    found: list[Place] = []
    if after is None or after[0] is not None:
        for walk in walks:
            seek, at = (
                ("", []) if after is None else (" AND (record.date_from, record.id) < (?, ?)", list(after))
            )
            if walk.since is not None:
                seek, at = f"{seek} AND record.date_from >= ?", [*at, walk.since]
            rows = db.execute(
                f"SELECT record.date_from, record.id FROM record WHERE {walk.condition}"
                f" AND record.date_from IS NOT NULL{seek} ORDER BY record.date_from DESC, record.id DESC LIMIT ?",
                [*walk.values, *at, limit if walk.among is None else _ALL],
            )
            found += [(row[0], row[1]) for row in walk.kept(rows, limit)]
        found = _first(found, limit, several=len(walks) > 1)
    if selection.keeps_undated() and (limit == _ALL or len(found) < limit):
        below = after[1] if after is not None and after[0] is None else None
        seek, at = ("", []) if below is None else (" AND record.id < ?", [below])
        wanted = _ALL if limit == _ALL else limit - len(found)
        undated: list[Place] = []
        for walk in walks:
            rows = db.execute(
                f"SELECT record.date_from, record.id FROM record WHERE {walk.condition}"
                f" AND record.date_from IS NULL{seek} ORDER BY record.id DESC LIMIT ?",
                [*walk.values, *at, wanted if walk.among is None else _ALL],
            )
            undated += [(row[0], row[1]) for row in walk.kept(rows, wanted)]
        found += _first(undated, wanted, several=len(walks) > 1)
    return found


def _first(found: list[Place], limit: int, *, several: bool) -> list[Place]:
    if several:
        found.sort(key=lambda place: (place[0] or 0, place[1]), reverse=True)
    return found if limit == _ALL else found[:limit]
