"""What the store noted within a window, as numbers of resources: narrowed by SQL, nothing is put into words yet.

Numbers of resources grow as they come, so what came later stands behind a border that is found from the end; a first
sync of 100,000 is counted, not read. What another source had told before is no news, wherever it stands now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from phr.fhir import read
from phr.fhir.content import taken_back
from phr.store.tombstones import IN_ERROR
from phr.views.events import BATCH, marks

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.views.diff_window import Window
    from phr.views.selection import Selection

MOST_COMPARED = 5_000
"""So many that changed are read; no sync of a life changes more, and a rebuilt server is told as a number."""


class Border(NamedTuple):
    """Resources with a number above `low`, up to `high`, came within the window."""

    low: int
    high: int


class Touched(NamedTuple):
    """One resource that was here before, and what happened to it."""

    id: int
    source: int
    record: int | None
    """The record that shows it."""
    before: int | None = None
    """The version that was valid before; None: what is here now."""
    times: int = 0
    last: str | None = None
    """When it was last replaced."""
    returned: bool = False
    """It was gone before, and came back with other words."""


class Taken(NamedTuple):
    """A tombstone or an absence that began within the window."""

    id: int
    source: int
    record: int | None
    since: str
    reason: str | None
    """None: it is only no longer returned."""
    detail: str | None
    first_seen: str
    versions: int


@dataclass(slots=True)
class Appeared:
    """What came, by source: how many of each kind, and the newest of them."""

    kinds: Counter[tuple[int, str]] = field(default_factory=Counter)
    newest: dict[int, list[int]] = field(default_factory=dict)


def border(db: Any, window: Window) -> Border:
    """Between which numbers the resources of the window lie."""
    return Border(_last_until(db, window.after) if window.after else 0, _last_until(db, window.upto))


def _last_until(db: Any, instant: str | None) -> int:
    if instant is None:
        row = db.execute("SELECT max(id) FROM resource").fetchone()
    else:
        first = db.execute("SELECT first_seen FROM resource ORDER BY id LIMIT 1").fetchone()
        row = (
            db.execute(
                "SELECT id FROM resource WHERE first_seen <= ? ORDER BY id DESC LIMIT 1", (instant,)
            ).fetchone()
            if first and first[0] <= instant
            else None
        )
    return int(row[0]) if row and row[0] is not None else 0


# ── what came ─────────────────────────────────────────────────────────────────────────────────────

_NEW = (
    " record.id > ? AND record.id <= ? AND NOT EXISTS (SELECT 1 FROM record_source o"
    " WHERE o.record_id = record.id AND o.resource_id <= ?)"
)
_OWN = "rs.source_id IN (SELECT id FROM source WHERE kind = 'person')"


def appeared(
    store: Store,
    window: Window,
    within: Border,
    selection: Selection,
    limit: int,
    sources: Sequence[int],
    besides: Set[int] = frozenset(),
) -> Appeared:
    """Records of which no source had told before, `besides` those that are no news for another reason.

    Those of the person's own hand stand under their own source.
    """
    found = Appeared()
    if within.low >= within.high:
        return found
    from_ = (
        "FROM record JOIN record_source rs ON rs.record_id = record.id AND rs.resource_id = record.id WHERE"
    )
    by_date: dict[int, list[tuple[int, int]]] = {}
    for condition, values in _conditions(selection, window):
        given = [*values, within.low, within.high, within.low]
        for source, kind in _of(
            store.db, f"SELECT rs.source_id, record.kind {from_} {condition} AND{_NEW}", given, besides
        ):
            found.kinds[source, kind] -= 1
        for source, kind, number in store.db.execute(
            f"SELECT rs.source_id, record.kind, count(*) {from_} {condition} AND{_NEW} GROUP BY 1, 2", given
        ):
            if source in sources:
                found.kinds[source, kind] += number
        for source in {source for source, _ in found.kinds}:
            by_date.setdefault(source, []).extend(
                store.db.execute(
                    f"SELECT coalesce(record.date_from, -1e18), record.id {from_} {condition} AND{_NEW}"
                    " AND rs.source_id = ? ORDER BY record.date_from DESC, record.id DESC LIMIT ?",
                    (*given, source, limit + len(besides)),
                ).fetchall()
            )
    for source, rows in by_date.items():
        found.newest[source] = [id_ for _, id_ in sorted(set(rows), reverse=True) if id_ not in besides][
            :limit
        ]
    found.kinds = Counter({one: number for one, number in found.kinds.items() if number > 0})
    return found


def _of(db: Any, query: str, given: Sequence[object], ids: Set[int]) -> Iterator[tuple[int, str]]:
    """Which of these a query counts."""
    wanted = sorted(ids)
    for at in range(0, len(wanted), BATCH):
        part = wanted[at : at + BATCH]
        yield from db.execute(f"{query} AND record.id IN ({marks(part)})", [*given, *part])


def _conditions(selection: Selection, window: Window) -> Iterable[tuple[str, list[object]]]:
    """The records that stand; of a window in the past also those that were taken back only after it."""
    asked = replace(selection, sources=(), since=None, until=None)
    yield asked.where()
    if window.upto is not None:
        condition, values = asked.where(withdrawn=True)
        later = " AND EXISTS (SELECT 1 FROM tombstone t WHERE t.resource_id = record.id AND t.since > ?)"
        yield condition + later, [*values, window.upto]


def told_too(db: Any, within: Border, sources: Sequence[int], fits: Fits) -> Counter[int]:
    """By source: how many new resources tell what another one had told before."""
    rows = db.execute(
        "WITH several AS (SELECT DISTINCT record_id FROM record_source WHERE record_id <> resource_id)"
        " SELECT rs.source_id, rs.record_id FROM several s CROSS JOIN record_source rs ON rs.record_id = s.record_id"
        " WHERE rs.resource_id > ?1 AND rs.resource_id <= ?2 AND (rs.record_id <= ?1 OR EXISTS (SELECT 1"
        " FROM record_source o WHERE o.record_id = rs.record_id AND o.resource_id <= ?1))",
        within,
    ).fetchall()
    rows = [row for row in rows if row[0] in sources]
    fitting = fits(row[1] for row in rows)
    return Counter(source for source, record in rows if record in fitting)


class Fits:
    """Which records belong to a selection, whether they stand or were taken back."""

    def __init__(self, store: Store, selection: Selection) -> None:
        self._db = store.db
        asked = replace(selection, sources=(), since=None, until=None)
        self._conditions = (asked.where(), asked.where(withdrawn=True))

    def __call__(self, ids: Iterable[int | None]) -> set[int]:
        """Those of these that belong."""
        wanted = sorted({id_ for id_ in ids if id_ is not None})
        found: set[int] = set()
        for at in range(0, len(wanted), BATCH):
            part = wanted[at : at + BATCH]
            for condition, values in self._conditions:
                rows = self._db.execute(
                    f"SELECT id FROM record WHERE record.id IN ({marks(part)}) AND {condition}",
                    [*part, *values],
                )
                found.update(row[0] for row in rows)
        return found


# ── what was here ─────────────────────────────────────────────────────────────────────────────────


def changed(db: Any, window: Window, within: Border) -> list[Touched]:
    """Resources that were here before and were replaced within the window, the last replaced first."""
    row = (
        db.execute(
            "SELECT id FROM resource_version WHERE replaced <= ? ORDER BY id DESC LIMIT 1", (window.after,)
        ).fetchone()
        if window.after
        else None
    )
    rows = db.execute(
        "SELECT v.resource_id, r.source_id, rs.record_id, min(v.id), count(DISTINCT v.id), max(v.replaced)"
        " FROM resource_version v JOIN resource r ON r.id = v.resource_id"
        " LEFT JOIN record_source rs ON rs.resource_id = r.id"
        " WHERE v.id > ? AND v.resource_id <= ? AND (? IS NULL OR v.replaced <= ?)"
        " GROUP BY v.resource_id ORDER BY max(v.replaced) DESC, v.resource_id DESC",
        (row[0] if row else 0, within.low, window.upto, window.upto),
    ).fetchall()
    return [Touched(*row)._replace(returned=_was_gone(db, row[0], row[3], window)) for row in rows]


def _was_gone(db: Any, resource: int, version: int, window: Window) -> bool:
    """Whether its source had taken it back before it was replaced.

    A tombstone sets the day of the last change and leaves no version: then this version does not begin where the one
    before it was replaced.
    """
    seen, first = db.execute(
        "SELECT v.seen, r.first_seen FROM resource_version v JOIN resource r ON r.id = v.resource_id WHERE v.id = ?",
        (version,),
    ).fetchone()
    former = db.execute(
        "SELECT replaced FROM resource_version WHERE resource_id = ? AND id < ? ORDER BY id DESC LIMIT 1",
        (resource, version),
    ).fetchone()
    return bool(seen != (former[0] if former else first)) and window.before(seen)


def returned(db: Any, window: Window, within: Border) -> list[Touched]:
    """Resources that their source had taken back and stands by again, with the same words."""
    if not within.low or not _may_have_returned(db, window):
        return []
    rows = db.execute(
        "SELECT r.id, r.source_id, rs.record_id, NULL, 0, r.changed, 1 FROM resource r"
        " LEFT JOIN record_source rs ON rs.resource_id = r.id"
        " WHERE r.id <= ? AND r.changed > ? AND (? IS NULL OR r.changed <= ?) AND r.state = 'current'"
        " AND r.changed > r.first_seen AND NOT EXISTS (SELECT 1 FROM resource_version v"
        " WHERE v.resource_id = r.id AND v.replaced = r.changed)",
        (within.low, window.after or "", window.upto, window.upto),
    )
    return [Touched(*row[:6])._replace(returned=True) for row in rows]


def _may_have_returned(db: Any, window: Window) -> bool:
    """Whether any run of the window updated anything: else no resource needs to be walked.

    A run that did not come to its end tells nothing of what it did, and neither does a source without runs.
    """
    silent = db.execute(
        "SELECT 1 FROM source s WHERE s.kind <> 'person' AND EXISTS (SELECT 1 FROM resource r WHERE r.source_id = s.id)"
        " AND NOT EXISTS (SELECT 1 FROM sync_run u WHERE u.source_id = s.id)"
    ).fetchone()
    if silent:
        return True
    runs = db.execute(
        "SELECT status, types FROM sync_run WHERE coalesce(finished, '~') >= ? AND (? IS NULL OR started <= ?)",
        (window.after or "", window.upto, window.upto),
    )
    return any(
        status not in ("completed", "partial")
        or any(
            count.get("updated") for count in orjson.loads(types or "{}").values() if isinstance(count, dict)
        )
        for status, types in runs
    )


def taken(db: Any, window: Window, within: Border) -> list[Taken]:
    """What was taken back within the window, and what was here before it and is no longer returned."""
    counted = "(SELECT count(*) FROM resource_version v WHERE v.resource_id = r.id)"
    given = (window.after or "", window.upto, window.upto)
    rows = db.execute(
        f"SELECT r.id, r.source_id, rs.record_id, t.since, t.reason, t.detail, r.first_seen, {counted}"
        " FROM tombstone t JOIN resource r ON r.id = t.resource_id"
        " LEFT JOIN record_source rs ON rs.resource_id = r.id"
        " WHERE t.since > ? AND (? IS NULL OR t.since <= ?)",
        given,
    ).fetchall()
    rows += db.execute(
        "SELECT r.id, r.source_id, rs.record_id, a.since, NULL, NULL, r.first_seen, 0"
        " FROM absence a CROSS JOIN resource r ON r.id = a.resource_id"
        " LEFT JOIN record_source rs ON rs.resource_id = r.id"
        " WHERE a.since > ? AND (? IS NULL OR a.since <= ?) AND r.id <= ?",
        (*given, within.low),
    ).fetchall()
    return [Taken(*row) for row in {row[0]: row for row in rows}.values()]


def born_in_error(one: Taken, within: Border) -> bool:
    """Whether it came with the words that it was an error: it never was here."""
    return one.reason == IN_ERROR and one.id > within.low and not one.versions


def before_and_after(db: Any, one: Touched, window: Window) -> tuple[bytes, bytes]:
    """What its source said of it before the window, and at its end."""
    before = db.execute("SELECT raw FROM resource_version WHERE id = ?", (one.before,)).fetchone()
    after = (
        window.upto
        and db.execute(
            "SELECT raw FROM resource_version WHERE resource_id = ? AND replaced > ? ORDER BY id LIMIT 1",
            (one.id, window.upto),
        ).fetchone()
    )
    after = after or db.execute("SELECT raw FROM resource WHERE id = ?", (one.id,)).fetchone()
    return bytes((before or after)[0]), bytes(after[0])


def in_error(raw: bytes) -> bool:
    """Whether these words say of themselves that they should never have been written."""
    try:
        body = read.parse_json(raw)
    except ValueError:
        return False
    return isinstance(body, dict) and taken_back(body)
