"""Records of several sources that are one fact, shown once: `store.matches.settle()`.

A record that says what another one says stays as a row with `supporting` 3; its resource is listed among those of the
record that is shown (`record_source`). What is the same decides `phr.records.match`, by keys that are kept with the record
and go with it: what was derived anew has none, and is looked at again, with all that had a key in common with it. So a
settling costs what changed, not what is there; with a single source that has records nothing is done at all. The first
one of a large record reads each of its resources.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from phr.records.lines import EVENT, WITHDRAWN
from phr.records.match import Fact, Row, contradict, fact, of_patient, same, told
from phr.records.match_groups import Member, groups
from phr.store.copies import AGAIN, COPY, NOTHING, leaving, own_again
from phr.store.db import batches, marks, transaction
from phr.store.near import Near
from phr.store.rows import RecordWriter

if TYPE_CHECKING:
    from phr.store.store import Store

HIDDEN = 3
"""`record.supporting` of a record that another one stands for."""
_AT_ONCE = 1_000
"""So many facts are in memory together, or as many as belong together."""
_ROW = (
    "SELECT r.id, x.source_id, x.raw, x.raw_hash, r.kind, r.title, r.codes, r.date, r.end, r.description, r.value,"
    " r.facility, r.performer, r.sensitivity, r.resource FROM record r JOIN resource x ON x.id = r.id"
    " WHERE r.id IN ({marks}) ORDER BY r.id"
)
_ATTACHED = (
    "SELECT a.resource_id, d.sha256 FROM attachment a JOIN document d ON d.id = a.document_id"
    " WHERE d.bytes >= 32 AND a.resource_id IN ({marks})"
)


class Matches:
    """What is the same in several sources of one record."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db
        self._persons: frozenset[str] = frozenset()
        """Identifiers of the person, which name nothing of theirs."""

    def settle(self) -> int:
        """Show each fact once, in one transaction; answers how many records now have several sources.

        To be called when an import, a sync or an undo has come to its end. Settling twice changes nothing.
        """
        db = self._db
        with nullcontext() if db.in_transaction else transaction(db):
            self._release_left()
            self._release_gone()
            if self._has_several():
                fresh = [row[0] for row in db.execute(_UNKEYED)]
                self._note_keys(fresh)
                again = [
                    row[0] for row in db.execute("SELECT record_id FROM record_key WHERE key = ?", (AGAIN,))
                ]
                db.execute("DELETE FROM record_key WHERE key = ?", (AGAIN,))
                if fresh or again:
                    self._group(sorted({*fresh, *again}))
            row = db.execute(
                "SELECT count(DISTINCT s.record_id) FROM record_key k JOIN record_source s ON s.resource_id = k.record_id"
                " WHERE k.key = ?",
                (COPY,),
            ).fetchone()
        return int(row[0])

    def _has_several(self) -> bool:
        """Whether more than one source has something of a life."""
        rows = self._db.execute(
            "SELECT s.id FROM source s WHERE EXISTS (SELECT 1 FROM resource x JOIN record r ON r.id = x.id"
            " WHERE x.source_id = s.id AND r.supporting IN (0, 3)) LIMIT 2"
        )
        return len(rows.fetchall()) == 2

    # ── what is over ────────────────────────────────────────────────────────────────────────────────────

    def _release_left(self) -> None:
        """Copies whose shown record is not there any more."""
        left = [
            row[0]
            for row in self._db.execute(
                "SELECT k.record_id FROM record_key k WHERE k.key = ?"
                " AND NOT EXISTS (SELECT 1 FROM record_source s WHERE s.resource_id = k.record_id)",
                (COPY,),
            )
        ]
        by_source: defaultdict[int, list[int]] = defaultdict(list)
        for part in batches(left):
            rows = self._db.execute(f"SELECT id, source_id FROM resource WHERE id IN ({marks(part)})", part)
            here = dict(rows.fetchall())
            for id_, source in here.items():
                by_source[source].append(id_)
            # What lost its resource, and nobody cleared away behind it.
            self._db.executemany(
                "DELETE FROM record WHERE id = ?", [(id_,) for id_ in part if id_ not in here]
            )
        self._show_again(by_source)

    def _release_gone(self) -> None:
        """What its source took back stands for nothing, and nothing stands for it."""
        gone = [
            row[0]
            for row in self._db.execute(
                "SELECT DISTINCT t.resource_id FROM tombstone t JOIN record_key k ON k.record_id = t.resource_id"
            )
        ]
        copies = leaving(self._db, gone)
        own_again(self._db, gone)
        for part in batches(gone):
            self._db.execute(f"DELETE FROM record_key WHERE record_id IN ({marks(part)})", part)
            self._db.execute(f"DELETE FROM record_search WHERE rowid IN ({marks(part)})", part)
            self._db.execute(f"UPDATE record SET supporting = {WITHDRAWN} WHERE id IN ({marks(part)})", part)
        self._show_again(copies)

    def _show_again(self, by_source: dict[int, list[int]]) -> None:
        for source, ids in by_source.items():
            RecordWriter(self._db, source).show_again(ids)

    # ── what tells ──────────────────────────────────────────────────────────────────────────────────────

    def _facts(self, ids: Sequence[int]) -> Iterator[tuple[int, int, Fact | None]]:
        """`(record, source, fact)` of these records."""
        for part in batches(ids):
            attached: defaultdict[int, list[bytes]] = defaultdict(list)
            for id_, sha256 in self._db.execute(_ATTACHED.format(marks=marks(part)), part):
                attached[id_].append(sha256)
            for id_, source, raw, digest, *row in self._db.execute(
                _ROW.format(marks=marks(part)), part
            ).fetchall():
                yield id_, source, fact(Row(*row), raw, digest, attached.get(id_, ()))

    def _note_keys(self, ids: Sequence[int]) -> None:
        persons = self._persons = self._of_patients()
        for at in range(0, len(ids), _AT_ONCE):
            rows = [
                (key, id_)
                for id_, _, found in self._facts(ids[at : at + _AT_ONCE])
                for key in (found.keys(besides=persons) if found else None) or (NOTHING,)
            ]
            self._db.executemany("INSERT OR IGNORE INTO record_key (key, record_id) VALUES (?, ?)", rows)

    def _of_patients(self) -> frozenset[str]:
        rows = self._db.execute("SELECT raw FROM resource WHERE type = 'Patient'")
        return frozenset(found for row in rows for found in of_patient(row[0]))

    # ── who is with whom ────────────────────────────────────────────────────────────────────────────────

    def _group(self, dirty: list[int]) -> None:
        """Pair these records, and all that they may be paired with."""
        near = Near(self._db)
        components = near.of(dirty)
        alone = set(dirty).difference(*components)
        at_once: list[list[int]] = []
        wanted: dict[int, int] = {id_: id_ for id_ in alone}
        for component in components:
            at_once.append(sorted(component))
            if sum(map(len, at_once)) >= _AT_ONCE:
                wanted |= self._decided(at_once, near)
                at_once = []
        wanted |= self._decided(at_once, near)
        self._apply(wanted)

    def _decided(self, components: Sequence[Sequence[int]], near: Near) -> dict[int, int]:
        """By record the one that is shown for it."""
        facts: dict[int, Fact] = {}
        members: dict[int, Member] = {}
        for id_, source, found in self._facts([id_ for component in components for id_ in component]):
            if found is not None:
                facts[id_], members[id_] = found, Member(id_, source, found.digest)
        connections = {row[0] for row in self._db.execute("SELECT id FROM source WHERE kind = 'connection'")}
        shown: dict[int, int] = {}
        for component in components:
            shown.update((id_, id_) for id_ in component)
            readable = [id_ for id_ in component if id_ in facts]
            shared = _shared(readable, facts, members) | self._persons
            for group in _grouped(facts, members, near.pairs(component), shared):
                best = max(
                    group, key=lambda id_: _standing(facts[id_], members[id_].source in connections, id_)
                )
                shown.update((id_, best) for id_ in group)
        return shown

    # ── writing it down ─────────────────────────────────────────────────────────────────────────────────

    def _apply(self, wanted: dict[int, int]) -> None:
        """Bring the tables to `wanted`: record by record the one that is shown for it."""
        current: dict[int, tuple[int, int]] = {}
        for part in batches(list(wanted)):
            rows = self._db.execute(
                f"SELECT resource_id, record_id, source_id FROM record_source WHERE resource_id IN ({marks(part)})",
                part,
            )
            current.update((row[0], (row[1], row[2])) for row in rows)
        back: defaultdict[int, list[int]] = defaultdict(list)
        hide: list[int] = []
        move: list[tuple[int, int]] = []
        for id_, (before, source) in current.items():
            after = wanted[id_]
            if after == before:
                continue
            if after == id_:
                back[source].append(id_)
            else:
                move.append((after, id_))
                hide += [id_] if before == id_ else []
        self._show_again(back)
        self._db.executemany("UPDATE record_source SET record_id = ? WHERE resource_id = ?", move)
        for part in batches(sorted(hide)):
            self._db.execute(f"DELETE FROM record_search WHERE rowid IN ({marks(part)})", part)
            self._db.execute(f"UPDATE record SET supporting = {HIDDEN} WHERE id IN ({marks(part)})", part)
        self._db.executemany(
            "INSERT OR IGNORE INTO record_key (key, record_id) VALUES (?, ?)",
            [(COPY, id_) for id_ in sorted(hide)],
        )


_UNKEYED = (
    f"SELECT r.id FROM record r WHERE r.supporting = {EVENT}"
    " AND NOT EXISTS (SELECT 1 FROM record_key k WHERE k.record_id = r.id AND k.key <> x'12') ORDER BY r.id"
)


def _standing(found: Fact, connected: bool, id_: int) -> tuple[int, bool, int, int]:
    """Which of several is shown: what warns, what can be asked again, what says more, what came first."""
    danger, much = told(found)
    return danger, connected, much, -id_


def _grouped(
    facts: dict[int, Fact],
    members: dict[int, Member],
    pairs: Iterable[tuple[int, int]],
    shared: frozenset[str],
) -> list[list[int]]:
    strengths = {
        (one, other): strength
        for one, other in pairs
        if one in facts
        and other in facts
        and members[one].source != members[other].source
        and (strength := same(facts[one], facts[other], shared=shared))
    }
    if not strengths:
        return []

    def differ(one: int, other: int) -> bool:
        return contradict(facts[one], facts[other])

    def alike(one: int, other: int) -> bool:
        return facts[one].says_as(facts[other])

    return groups(members, strengths, differ, alike)


def _shared(ids: Sequence[int], facts: dict[int, Fact], members: dict[int, Member]) -> frozenset[str]:
    """Identifiers that several resources of one type and source have."""
    met = Counter(
        (members[id_].source, facts[id_].type, one) for id_ in ids for one in facts[id_].identifiers
    )
    return frozenset(one for (_, _, one), times in met.items() if times > 1)
