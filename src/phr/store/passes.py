"""Where the searches of a source stand, what a pass has brought so far, and what no longer comes.

A pass is one walk through all pages of one search. It is written down page by page, in the transaction that keeps the
page's resources, so a run that is killed at any instant leaves a pass that the next one goes on with. `began`
outlives the end of a pass until the whole effort is closed (`close`): a search that has ended in an effort which
was interrupted is not asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from phr.errors import StoreError
from phr.store.db import batches, marks, transaction

if TYPE_CHECKING:
    from phr.store.store import Store

_COLUMNS = (
    "id, type, filter, watermark, full_pass, mode, began, since, next_url, came, newest, undated, flawed"
)


@dataclass(frozen=True, slots=True)
class SearchState:
    """One search of a source: how far its knowledge reaches, and the pass that is under way or has just ended."""

    id: int
    type: str
    filter: str
    watermark: str | None = None
    full_pass: str | None = None
    mode: str | None = None
    """`full` or `incremental` while a pass is under way."""
    began: str | None = None
    since: str | None = None
    next_url: str | None = field(default=None, repr=False)
    came: int = 0
    newest: str | None = None
    undated: int = 0
    flawed: str | None = None

    @property
    def dated(self) -> bool:
        """The last full pass brought something, and all of it said when it last changed."""
        return self.full_pass is not None and self.watermark is not None

    @property
    def ended(self) -> bool:
        """Asked to its end in an effort that is not closed."""
        return self.mode is None and self.began is not None

    @property
    def whole(self) -> bool:
        """Ended, everything was asked for, and nothing spoke against its being all there is."""
        return self.ended and self.since is None and self.flawed is None


@dataclass(frozen=True, slots=True)
class Absent:
    """A resource that complete passes do not bring any more."""

    resource_id: int
    type: str
    id: str


def source_id(store: Store, source_key: str) -> int:
    """The row of a source. Raises StoreError when there is none."""
    row = store.db.execute("SELECT id FROM source WHERE key = ?", (source_key,)).fetchone()
    if row is None:
        raise StoreError("This source is not in the record.")
    return int(row[0])


class Passes:
    """The passes of one record."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self, source_key: str) -> tuple[SearchState, ...]:
        """Every search of a source that was ever begun."""
        rows = self._store.db.execute(
            f"SELECT {_COLUMNS} FROM search_state WHERE source_id = ? ORDER BY id",
            (self._source(source_key),),
        )
        return tuple(SearchState(*row) for row in rows)

    def get(self, search_id: int) -> SearchState:
        """One search as it stands."""
        found = self._store.db.execute(f"SELECT {_COLUMNS} FROM search_state WHERE id = ?", (search_id,))
        return SearchState(*found.fetchone())

    # ── one pass; these four go inside the transaction that keeps the page ──────────────────────────

    def begin(self, source_key: str, type_: str, filter_: str, since: str | None) -> int:
        """Begin a pass anew, whatever was under way; answers the number of the search."""
        db, source = self._store.db, self._source(source_key)
        db.execute(
            "INSERT INTO search_state (source_id, type, filter, mode, began, since) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (source_id, type, filter) DO UPDATE SET mode = excluded.mode, began = excluded.began,"
            " since = excluded.since, next_url = NULL, came = 0, newest = NULL, undated = 0, flawed = NULL",
            (source, type_, filter_, "incremental" if since else "full", self._store.now(), since),
        )
        row = db.execute(
            "SELECT id FROM search_state WHERE source_id = ? AND type = ? AND filter = ?",
            (source, type_, filter_),
        ).fetchone()
        db.execute("DELETE FROM pass_seen WHERE search_id = ?", row)
        return int(row[0])

    def page(
        self,
        search_id: int,
        seen: Sequence[int],
        *,
        came: int,
        next_url: str | None,
        newest: str | None,
        undated: int,
        flawed: str | None = None,
    ) -> None:
        """Note what one page brought and where the next one is."""
        self._store.db.executemany(
            "INSERT OR IGNORE INTO pass_seen (search_id, resource_id) VALUES (?, ?)",
            [(search_id, one) for one in seen],
        )
        self._store.db.execute(
            "UPDATE search_state SET next_url = ?, came = came + ?, newest = max(coalesce(newest, ?), ?),"
            " undated = undated + ?, flawed = coalesce(flawed, ?) WHERE id = ?",
            (next_url, came, newest or "", newest or "", undated, flawed, search_id),
        )

    def end(self, search_id: int) -> None:
        """The pass has come to its end: move the watermark; what it brought is no longer absent, nor only addressed."""
        state = self.get(search_id)
        self._store.db.execute(
            "UPDATE search_state SET mode = NULL, next_url = NULL, watermark = ?, full_pass = ? WHERE id = ?",
            (_watermark(state), _full_pass(state), search_id),
        )
        self._store.db.execute(
            "DELETE FROM absence WHERE EXISTS (SELECT 1 FROM pass_seen p WHERE p.search_id = ?"
            " AND p.resource_id = absence.resource_id)",
            (search_id,),
        )
        self._store.db.execute(
            "DELETE FROM wanted_reference WHERE http_status = 200 AND (?2 OR type = ?3) AND EXISTS (SELECT 1"
            " FROM resource r JOIN pass_seen p ON p.resource_id = r.id WHERE p.search_id = ?1"
            " AND r.source_id = wanted_reference.source_id AND r.type = wanted_reference.type"
            " AND r.fhir_id = wanted_reference.fhir_id)"
            " AND source_id = (SELECT source_id FROM search_state WHERE id = ?1)",
            (search_id, state.filter == "$everything", state.type),
        )

    def flaw(self, search_id: int, why: str) -> None:
        """Say of a pass that what it did not bring proves nothing."""
        sql = "UPDATE search_state SET flawed = coalesce(flawed, ?) WHERE id = ?"
        self._store.db.execute(sql, (why, search_id))

    def close(self, source_key: str) -> None:
        """The effort is at its end: what ended in it is asked again next time, what is under way goes on."""
        db, source = self._store.db, self._source(source_key)
        with transaction(db):
            db.execute(
                "DELETE FROM pass_seen WHERE search_id IN"
                " (SELECT id FROM search_state WHERE source_id = ? AND mode IS NULL)",
                (source,),
            )
            db.execute("UPDATE search_state SET began = NULL WHERE source_id = ? AND mode IS NULL", (source,))

    def brought(
        self, source_key: str, type_: str, search_ids: Sequence[int], ids: Iterable[str]
    ) -> dict[str, tuple[int, bytes]]:
        """Which of these `ids` the passes have brought already: the row, and the bytes that are kept."""
        found: dict[str, tuple[int, bytes]] = {}
        if not search_ids:
            return found
        source = self._source(source_key)
        for part in batches(list(ids)):
            rows = self._store.db.execute(
                "SELECT r.fhir_id, r.id, r.raw FROM resource r WHERE r.source_id = ? AND r.type = ?"
                f" AND r.fhir_id IN ({marks(part)}) AND EXISTS (SELECT 1 FROM pass_seen p"
                f" WHERE p.search_id IN ({marks(search_ids)}) AND p.resource_id = r.id)",
                (source, type_, *part, *search_ids),
            )
            found.update((row[0], (int(row[1]), bytes(row[2]))) for row in rows)
        return found

    def any_here(self, source_key: str, addresses: Sequence[tuple[str, str]]) -> bool:
        """Whether one of these is a current part of this record."""
        source = self._source(source_key)
        return any(
            self._store.db.execute(
                "SELECT 1 FROM resource WHERE source_id = ? AND type = ? AND fhir_id = ? AND state = 'current'",
                (source, *address),
            ).fetchone()
            for address in addresses
        )

    def came(self, search_id: int, type_: str | None) -> int:
        """How many different resources of a type a pass has brought so far; None: of any type."""
        row = self._store.db.execute(
            "SELECT count(*) FROM pass_seen p JOIN resource r ON r.id = p.resource_id"
            " WHERE p.search_id = ?1 AND (?2 IS NULL OR r.type = ?2)",
            (search_id, type_),
        ).fetchone()
        return int(row[0])

    def types(self, search_id: int) -> list[str]:
        """The types of what a pass has brought."""
        rows = self._store.db.execute(
            "SELECT DISTINCT r.type FROM pass_seen p JOIN resource r ON r.id = p.resource_id WHERE p.search_id = ?",
            (search_id,),
        )
        return sorted(row[0] for row in rows)

    # ── absence ─────────────────────────────────────────────────────────────────────────────────────

    def infer(self, source_key: str, type_: str, search_ids: Sequence[int]) -> int:
        """Note as absent what of a type these complete passes did not bring; answers how many are so now for the first time.

        They must be whole, and what was brought by any other search of the type must be theirs to bring: a part of a type
        that is not asked for any more says nothing of what it holds. What only ever came by reading a reference is not
        missed by a search.
        """
        source = self._source(source_key)
        if not self._are_all_there_is(source, type_, search_ids):
            return 0
        with transaction(self._store.db):
            cursor = self._store.db.execute(
                # The inner part is answered by indexes alone: the bytes of a million resources are not walked.
                "WITH missed AS MATERIALIZED (SELECT r.id, r.fhir_id FROM resource r WHERE r.source_id = ?1"
                " AND r.type = ?2 AND NOT EXISTS (SELECT 1 FROM pass_seen p WHERE p.search_id IN"
                f" ({','.join(str(int(one)) for one in search_ids)}) AND p.resource_id = r.id))"
                " INSERT OR IGNORE INTO absence (resource_id, since)"
                " SELECT m.id, ?3 FROM missed m CROSS JOIN resource r ON r.id = m.id"
                " WHERE r.state = 'current' AND NOT EXISTS (SELECT 1 FROM wanted_reference w"
                " WHERE w.source_id = ?1 AND w.type = ?2 AND w.fhir_id = m.fhir_id AND w.http_status = 200)",
                (source, type_, self._store.now()),
            )
        return max(0, int(cursor.rowcount))

    def _are_all_there_is(self, source: int, type_: str, search_ids: Sequence[int]) -> bool:
        states = [self.get(one) for one in search_ids]
        if not states or not all(one.whole for one in states):
            return False
        if any((one.type, one.filter) == (type_, "") for one in states):
            return True  # without any cut: every other search of the type is a part of it
        row = self._store.db.execute(
            "SELECT 1 FROM search_state WHERE source_id = ? AND type = ? AND (full_pass IS NOT NULL OR came > 0)"
            f" AND id NOT IN ({marks(search_ids)}) LIMIT 1",
            (source, type_, *search_ids),
        ).fetchone()
        return row is None

    def absences(self, source_key: str) -> list[tuple[str, str, int]]:
        """`(type, since, number)` of what no longer comes."""
        rows = self._store.db.execute(
            "SELECT r.type, a.since, count(*) FROM absence a JOIN resource r ON r.id = a.resource_id"
            " WHERE r.source_id = ? GROUP BY r.type, a.since ORDER BY r.type, a.since",
            (self._source(source_key),),
        )
        return [(row[0], row[1], int(row[2])) for row in rows]

    def doubtful(self, source_key: str, types: Sequence[str], before: str, limit: int) -> list[Absent]:
        """Absent ones of these types to read by their address: those not asked since `before`, the longest waiting first."""
        rows = self._store.db.execute(
            "SELECT a.resource_id, r.type, r.fhir_id FROM absence a JOIN resource r ON r.id = a.resource_id"
            f" WHERE r.source_id = ? AND r.type IN ({marks(types)}) AND (a.asked IS NULL OR a.asked < ?)"
            " ORDER BY a.asked, a.resource_id LIMIT ?",
            (self._source(source_key), *types, before, limit),
        )
        return [Absent(*row) for row in rows]

    def present(self, source_key: str, type_: str, search_ids: Sequence[int]) -> str | None:
        """The id of one resource of a type that these passes did bring."""
        row = self._store.db.execute(
            "SELECT r.fhir_id FROM pass_seen p JOIN resource r ON r.id = p.resource_id"
            f" WHERE p.search_id IN ({marks(search_ids)}) AND r.source_id = ? AND r.type = ? LIMIT 1",
            (*search_ids, self._source(source_key), type_),
        ).fetchone()
        return str(row[0]) if row else None

    def asked(self, resource_id: int) -> None:
        """An absent one was read by its address, and it is still not clear what became of it."""
        self._store.db.execute(
            "UPDATE absence SET asked = ? WHERE resource_id = ?", (self._store.now(), resource_id)
        )

    def settled(self, resource_id: int) -> None:
        """It is clear what became of an absent one: it came, or it is gone."""
        self._store.db.execute("DELETE FROM absence WHERE resource_id = ?", (resource_id,))

    def _source(self, source_key: str) -> int:
        return source_id(self._store, source_key)

    def void(self, source_key: str) -> None:
        """What is known holds no longer (other rights, another id): all of it is asked for again, from the first page on.

        The rows stay, for a pass that another process has under way.
        """
        source, db = (self._source(source_key),), self._store.db
        db.execute(
            "UPDATE search_state SET watermark = NULL, full_pass = NULL, mode = NULL, began = NULL, since = NULL,"
            " next_url = NULL, came = 0, newest = NULL, undated = 0, flawed = NULL WHERE source_id = ?",
            source,
        )
        db.execute(
            "DELETE FROM pass_seen WHERE search_id IN (SELECT id FROM search_state WHERE source_id = ?)",
            source,
        )


def _full_pass(state: SearchState) -> str | None:
    return state.began if state.since is None and state.flawed is None else state.full_pass


def _watermark(state: SearchState) -> str | None:
    """Up to when all is known after this pass. None: a resource that does not say when it changed could hide behind it.

    A pass may take many nights: what changed meanwhile on its first pages is not known, so its beginning is a bound.
    """
    if state.undated:
        return None
    before = None if in_future(state.watermark, state.began) else state.watermark
    if state.flawed is not None:
        return before
    newest = state.newest or None
    if newest and state.began and datetime.fromisoformat(newest) > datetime.fromisoformat(state.began):
        newest = state.began
    if state.since is None:
        return newest  # all was asked for: what it brought is what is known, also when that is older
    if before is None or datetime.fromisoformat(state.since) > datetime.fromisoformat(before):
        return before  # less was asked for than is not known
    return _later(before, newest)


def in_future(mark: str | None, now: str | None) -> bool:
    """Whether a watermark lies more than a day after `now`: a clock was wrong, and nothing would be asked for any more."""
    if not mark or not now:
        return False
    return datetime.fromisoformat(mark) > datetime.fromisoformat(now) + timedelta(days=1)


def _later(one: str | None, other: str | None) -> str | None:
    return max((text for text in (one, other) if text), key=datetime.fromisoformat, default=None)
