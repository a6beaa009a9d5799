"""What appeared, changed or vanished at each source since a moment, by when we learned of it.

Net: of what changed twice the first and the last are told, of what changed back nothing; what another source had told
before is counted, not told again. Absence is not deletion: what is no longer returned is named so, and stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from phr.store.tombstones import IN_ERROR, MERGED
from phr.views import diff_found as found
from phr.views.diff_absent import Notes, came_again, noted
from phr.views.diff_alike import told_alike
from phr.views.diff_changes import differs, net
from phr.views.diff_documents import reread
from phr.views.diff_files import NotInFile, not_in_newest
from phr.views.diff_found import MOST_COMPARED, Fits, Taken, Touched
from phr.views.diff_past import taken_then
from phr.views.events import Event, events
from phr.views.looking_up import finder
from phr.views.selection import EVERYTHING, Selection, check_sources

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.views.diff_window import Window

Some = TypeVar("Some", Touched, Taken)
LISTED = 1_000
"""So many of each list are told unless somebody asks for more; all are counted."""
LISTS = ("appeared", "changed", "vanished", "came_back")
TAKEN_BACK, NOT_RETURNED, ERROR = "taken back", "not returned", "entered in error"
_OWN_NAMES = dict(zip(LISTS, ("added", "changed", "removed", "came_back"), strict=True))


@dataclass(slots=True)
class _Group:
    """One source and what is to be told of it."""

    id: int
    name: str
    kind: str
    lists: dict[str, list[Event]] = field(default_factory=lambda: {name: [] for name in LISTS})
    counts: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, int] = field(default_factory=dict)
    undone: list[dict[str, Any]] = field(default_factory=list)
    not_in_file: NotInFile | None = None

    def says_something(self) -> bool:
        return any(self.counts.values()) or bool(self.undone or self.not_in_file)


class _Desk:
    """One question, while its answer is put together."""

    def __init__(self, store: Store, window: Window, selection: Selection, limit: int) -> None:
        self.store, self.db, self.window, self.limit = store, store.db, window, limit
        self.selection, self.fits = selection, Fits(store, selection)
        rows = self.db.execute("SELECT id, name, kind FROM source ORDER BY name COLLATE NOCASE").fetchall()
        self.groups = {
            row[0]: _Group(*row) for row in rows if not selection.sources or row[1] in selection.sources
        }
        self.within = found.border(self.db, window)
        self.changes: dict[int, list[dict[str, Any]]] = {}


def diff(
    store: Store, window: Window, selection: Selection = EVERYTHING, *, limit: int = LISTED
) -> dict[str, Any]:
    """The report as `phr diff --json` prints it; each list has its newest `limit`. Of the selection counts what a record
    is, not when it was. Raises UsageError for a source that is not there."""
    from phr.views.diff_own import beside, undone

    check_sources(store, selection)
    desk = _Desk(store, window, selection, limit)
    notes = noted(store)
    then = taken_then(desk.db, window, desk.within, notes)
    taken = list({one.id: one for one in (*found.taken(desk.db, window, desk.within), *then)}.values())
    _appeared(desk, {one.id for one in then if one.reason is not None})
    _vanished(desk, taken)
    _touched(desk, {one.id for one in taken if one.reason is not None}, notes)
    for source, missing in not_in_newest(store, window, desk.fits, limit).items():
        if source in desk.groups:
            desk.groups[source].not_in_file = missing
    if not selection.described() or tuple(selection.described()) == ("sources",):
        for source, jobs in undone(store, window).items():
            if source in desk.groups:
                desk.groups[source].undone = jobs
    own = next((one for one in desk.groups.values() if one.kind == "person"), None)
    words, counts = beside(store, window, desk.fits, limit) if own or not selection.sources else ({}, {})
    told = [one for one in desk.groups.values() if one.kind != "person" and one.says_something()]
    counted = Counter({new: own.counts[old] for old, new in _OWN_NAMES.items()} if own else {}) + Counter(
        counts
    )
    return {
        "since": window.since,
        "until": window.until,
        "until_now": window.upto is None,
        "last_look": window.look,
        "sources": [_told(one) for one in told],
        "own": {
            **{new: own.lists[old] if own else [] for old, new in _OWN_NAMES.items()},
            **{name: words.get(name, []) for name in ("notes", "corrections", "bookmarks")},
            "counts": {name: counted[name] for name in (*_OWN_NAMES.values(), *counts)},
        },
        "total": sum(one.counts[name] for one in told for name in LISTS) + counted.total(),
    }


def _told(group: _Group) -> dict[str, Any]:
    return {
        "source": group.name,
        "kind": group.kind,
        **group.lists,
        "undone": group.undone,
        "not_in_newest_file": group.not_in_file,
        "counts": {
            **{name: group.counts[name] for name in (*LISTS, "told_too", "changed_back", "in_error")},
            "not_compared": group.counts["not_compared"],
            "appeared_by_kind": group.kinds,
        },
    }


# ── came ──────────────────────────────────────────────────────────────────────────────────────────


def _appeared(desk: _Desk, gone: set[int]) -> None:
    """`gone`: those that stand today, and did not at the end of the window."""
    told = told_alike(desk.db, desk.within) if desk.window.after is not None else {}
    came = found.appeared(
        desk.store, desk.window, desk.within, desk.selection, desk.limit, tuple(desk.groups), gone | {*told}
    )
    for (source, kind), number in came.kinds.most_common():
        group = desk.groups[source]
        group.kinds[kind] = number
        group.counts["appeared"] += number
    for source, ids in came.newest.items():
        since = _first_seen(desk.db, ids)
        absent = _absent(desk.db, ids)
        for event in events(desk.db, ids):
            event["came"] = since.get(int(event["id"]))
            if int(event["id"]) in absent:
                event["not_returned_since"] = absent[int(event["id"])]
            desk.groups[source].lists["appeared"].append(event)
    others = [one.id for one in desk.groups.values() if one.kind != "person"]
    if desk.window.after is not None:
        for source, number in found.told_too(desk.db, desk.within, others, desk.fits).items():
            desk.groups[source].counts["told_too"] = number
        fitting = desk.fits(told)
        for record, source in told.items():
            if record in fitting and record not in gone and source in others:
                desk.groups[source].counts["told_too"] += 1


def _first_seen(db: Any, ids: Sequence[int]) -> dict[int, str]:
    return _looked_up(db, "SELECT id, first_seen FROM resource WHERE id IN ({marks})", ids)


def _absent(db: Any, ids: Sequence[int]) -> dict[int, str]:
    return _looked_up(db, "SELECT resource_id, since FROM absence WHERE resource_id IN ({marks})", ids)


def _looked_up(db: Any, query: str, ids: Sequence[int]) -> dict[int, Any]:
    from phr.views.events import BATCH, marks

    told: dict[int, Any] = {}
    for at in range(0, len(ids), BATCH):
        part = ids[at : at + BATCH]
        told.update(db.execute(query.format(marks=marks(part)), part).fetchall())
    return told


# ── went ──────────────────────────────────────────────────────────────────────────────────────────


def _vanished(desk: _Desk, taken: Sequence[Taken]) -> None:
    fitting = desk.fits(one.record for one in taken)
    by_source: dict[int, list[Taken]] = {}
    for one in taken:
        if one.source not in desk.groups or one.record not in fitting:
            continue
        if found.born_in_error(one, desk.within):
            desk.groups[one.source].counts["in_error"] += 1
        else:
            by_source.setdefault(one.source, []).append(one)
    for source, ones in by_source.items():
        group = desk.groups[source]
        group.counts["vanished"] = len(ones)
        newest = _newest(desk, {one.id: one for one in ones})
        group.lists["vanished"] = [_vanished_event(desk, one, event) for one, event in newest]


def _vanished_event(desk: _Desk, one: Taken, event: Event) -> Event:
    how = NOT_RETURNED if one.reason is None else ERROR if one.reason == IN_ERROR else TAKEN_BACK
    event |= {"how": how, "gone_since": one.since}
    if one.reason == MERGED:
        event["merged_into"] = one.detail
    if one.id > desk.within.low:
        event["came"] = one.first_seen
    others = [name for name in _standing(desk.db, one) if one.reason is not None]
    if others:
        event["still_told_by"] = others
    if how == ERROR:
        _as_it_was(desk, one, event)
    return event


def _standing(db: Any, one: Taken) -> list[str]:
    """Other sources that tell the same and stand by it."""
    rows = db.execute(
        "SELECT DISTINCT s.name FROM record_source rs JOIN resource x ON x.id = rs.resource_id"
        " JOIN source s ON s.id = x.source_id WHERE rs.record_id = ? AND x.id <> ? AND x.state = 'current'"
        " AND x.source_id <> ? ORDER BY s.name",
        (one.record, one.id, one.source),
    )
    return [str(row[0]) for row in rows]


def _as_it_was(desk: _Desk, one: Taken, event: Event) -> None:
    """Some servers send an error empty: then what it was is said by the words before."""
    row = desk.db.execute(
        "SELECT v.raw FROM resource_version v WHERE v.resource_id = ? ORDER BY v.id DESC LIMIT 1", (one.id,)
    ).fetchone()
    if row is None:
        return
    from phr.fhir import read
    from phr.records.derive import derive

    try:
        body = read.parse_as_written(bytes(row[0]))
    except ValueError:
        return
    if not isinstance(body, dict):
        return
    former = derive(body, lambda address: None)
    if event["title"].endswith(" without a name"):
        event["title"] = former.title
    if event["date"] is None and former.date:
        event["date"] = former.date


# ── changed, and came back ────────────────────────────────────────────────────────────────────────


def _touched(desk: _Desk, gone: set[int], notes: Notes) -> None:
    changed = found.changed(desk.db, desk.window, desk.within) if desk.within.low else []
    known = {one.id for one in changed}
    back = [one for one in found.returned(desk.db, desk.window, desk.within) if one.id not in known]
    again = _of_resources(desk, came_again(notes, desk.window))
    ones = [one for one in (*changed, *back) if one.id not in gone and one.source in desk.groups]
    fitting = desk.fits(one.record for one in (*ones, *again))
    ones = [one for one in ones if one.record in fitting or _is_patient(desk, one)]
    told: dict[tuple[int, str], dict[int, Touched]] = {}
    for at, one in enumerate(ones):
        if at >= MOST_COMPARED:
            desk.groups[one.source].counts["not_compared"] += 1
            continue
        what = _what(desk, one)
        if what == "changed_back":
            desk.groups[one.source].counts[what] += 1
        elif what:
            told.setdefault((one.source, what), {})[one.id] = one
    for one in again:
        if one.record in fitting and one.source in desk.groups and one.id not in gone:
            told.get((one.source, "changed"), {}).pop(one.id, None)
            told.setdefault((one.source, "came_back"), {})[one.id] = one
    for (source, what), members in told.items():
        _tell(desk, desk.groups[source], what, members)


def _of_resources(desk: _Desk, noticed: dict[int, str]) -> list[Touched]:
    rows = _looked_up(desk.db, "SELECT id, source_id FROM resource WHERE id IN ({marks})", list(noticed))
    records = _looked_up(
        desk.db,
        "SELECT resource_id, record_id FROM record_source WHERE resource_id IN ({marks})",
        list(noticed),
    )
    return [
        Touched(id_, source, records.get(id_), last=noticed[id_], returned=True)
        for id_, source in rows.items()
    ]


def _is_patient(desk: _Desk, one: Touched) -> bool:
    """What a source says of the person themselves is no record of their life, and yet theirs to know."""
    if {*desk.selection.described()} - {"sources"}:
        return False
    row = desk.db.execute("SELECT type FROM resource WHERE id = ?", (one.id,)).fetchone()
    return bool(row and row[0] == "Patient")


def _what(desk: _Desk, one: Touched) -> str | None:
    """Which list it belongs to; None where nothing is to be told. It is decided for all, listed or not."""
    before, after = found.before_and_after(desk.db, one, desk.window)
    if found.in_error(after):
        return None  # it was an error before, and is one now
    if one.returned or found.in_error(before):
        return "came_back"
    if _changes(desk, one, before, after):
        return "changed"
    return "changed_back" if one.times > 1 and _moved(desk, one, before) else None


def _changes(desk: _Desk, one: Touched, before: bytes, after: bytes) -> list[dict[str, Any]]:
    """What is different now; the words of both are read once."""
    if one.id not in desk.changes:
        look = finder(desk.db, one.source)
        told = net(before, after, look) if differs(before, after) else []
        desk.changes[one.id] = [*told, *reread(desk.db, one.id, before, desk.window)]
    return desk.changes[one.id]


def _moved(desk: _Desk, one: Touched, before: bytes) -> bool:
    """Whether it said something else in between."""
    rows = desk.db.execute(
        "SELECT raw FROM resource_version WHERE resource_id = ? AND id > ? LIMIT 50", (one.id, one.before)
    )
    return any(differs(before, bytes(row[0])) for row in rows)


def _tell(desk: _Desk, group: _Group, what: str, members: dict[int, Touched]) -> None:
    """The newest of them with what changed."""
    group.counts[what] += len(members)
    for one, event in _newest(desk, members):
        before, after = found.before_and_after(desk.db, one, desk.window)
        changes = _changes(desk, one, before, after)
        event |= {"changes": changes, "changed_on": one.last, "times": max(one.times, 1)}
        group.lists[what].append(event)


def _newest(desk: _Desk, members: dict[int, Some]) -> list[tuple[Some, Event]]:
    """The newest of these by their own date, each as its own source tells it, under the number of what is shown."""
    dates = _looked_up(
        desk.db, "SELECT id, coalesce(date_from, -1e18) FROM record WHERE id IN ({marks})", list(members)
    )
    ids = sorted(dates, key=lambda id_: (dates[id_], id_), reverse=True)[: desk.limit]
    records = {members[id_].record or id_ for id_ in ids}
    shown = {int(one["id"]): one for one in events(desk.db, sorted(records))}
    told: list[tuple[Some, Event]] = []
    for event in events(desk.db, ids):
        one = members[int(event["id"])]
        other = shown.get(one.record or one.id)
        told.append(
            (one, event | {name: other[name] for name in ("id", "sources", "tags")} if other else event)
        )
    return told
