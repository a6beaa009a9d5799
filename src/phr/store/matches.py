"""Records of several sources that are one fact, shown once: `store.matches.settle()`.

A record that says what another one says stays as a row with `supporting` 3; its resource is listed among those of the
record that is shown (`record_source`). What is the same decides `phr.records.match`, by keys that are kept with the record
and go with it: what was derived anew has none, and is looked at again, with all that had a key in common with it. So a
settling costs what changed, not what is there; with a single source that has records nothing is done at all. The first
one of a large record reads each of its resources.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from phr.records.lines import COLUMNS, EVENT, WITHDRAWN, Line
from phr.records.match import (
    IDENTIFIED,
    Fact,
    Row,
    contradict,
    fact,
    family,
    foremost,
    same,
)
from phr.records.match_groups import Member, Pair, groups
from phr.records.match_standing import content
from phr.store.addresses import bases
from phr.store.copies import AGAIN, COPY, NOTHING, leaving, noted_crowds, own_again
from phr.store.db import batches, marks, transaction
from phr.store.near import Near
from phr.store.rows import RecordWriter, said, write_again
from phr.store.whose import Whose
from phr.store.words import corrections, lay_kept_marks, unite

if TYPE_CHECKING:
    from phr.store.store import Store

HIDDEN = 3
"""`record.supporting` of a record that another one stands for."""
_AT_ONCE = 1_000
"""So many facts are in memory together, or as many as belong together."""
_NOTED_AT_ONCE = 10_000
_ROW = (
    "SELECT r.id, x.source_id, x.raw, x.raw_hash, r.kind, r.title, r.codes, r.date, r.end, r.description, r.value,"
    " r.facility, r.performer, r.sensitivity, r.resource FROM record r JOIN resource x ON x.id = r.id"
    " WHERE r.id IN ({marks}) ORDER BY r.id"
)
_UNKEYED = (
    f"SELECT r.id FROM record r WHERE r.supporting = {EVENT}"
    " AND substr(r.resource, 1, instr(r.resource, '/') - 1) IN (SELECT value FROM json_each(?))"
    f" AND NOT EXISTS (SELECT 1 FROM record_key k WHERE k.record_id = r.id AND k.key <> x'{AGAIN.hex()}') ORDER BY r.id"
)
"""Records that nothing is noted of yet, but for that they are to be compared again."""
_ATTACHED = (
    "SELECT a.resource_id, d.sha256 FROM attachment a JOIN document d ON d.id = a.document_id"
    " WHERE d.bytes >= 32 AND a.resource_id IN ({marks})"
)


class Matches:
    """What is the same in several sources of one record."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db

    def settle(self) -> int:
        """Show each fact once, in one transaction; answers how many records now have several sources.

        To be called when an import, a sync or an undo has come to its end. Settling twice changes nothing.
        """
        db = self._db
        with nullcontext() if db.in_transaction else transaction(db):
            write_again(db, lay_kept_marks(db))
            self._release_left()
            self._release_gone()
            if self._has_several_sources():
                types = json.dumps(self._types_of_several())
                fresh = [row[0] for row in db.execute(_UNKEYED, (types,))]
                first = db.execute("SELECT 1 FROM record_key LIMIT 1").fetchone() is None
                whose = Whose(db)
                self._note_keys(fresh, whose)
                again = db.execute("SELECT record_id FROM record_key WHERE key = ?", (AGAIN,)).fetchall()
                db.execute("DELETE FROM record_key WHERE key = ?", (AGAIN,))
                dirty = {*fresh, *(row[0] for row in again)}
                self._group(self._besides_the_largest(fresh) if first else sorted(dirty), dirty, whose)
            return self._several()

    def _several(self) -> int:
        """How many records stand for another one too."""
        row = self._db.execute(
            "SELECT count(DISTINCT s.record_id) FROM record_key k JOIN record_source s ON s.resource_id = k.record_id"
            " WHERE k.key = ?",
            (COPY,),
        ).fetchone()
        return int(row[0])

    def _has_several_sources(self) -> bool:
        """Whether more than one source has something of a life."""
        rows = self._db.execute(
            "SELECT s.id FROM source s WHERE EXISTS (SELECT 1 FROM resource x JOIN record r ON r.id = x.id"
            " WHERE x.source_id = s.id AND r.supporting IN (0, 3)) LIMIT 2"
        )
        return len(rows.fetchall()) == 2

    def _types_of_several(self) -> list[str]:
        """Types of resources that may be told twice: several sources have them, or others of their family."""
        sources: defaultdict[str, set[int]] = defaultdict(set)
        types: defaultdict[str, set[str]] = defaultdict(set)
        for source, type_ in self._db.execute("SELECT DISTINCT source_id, type FROM resource"):
            sources[family(type_)].add(source)
            types[family(type_)].add(type_)
        return sorted(one for name, has in sources.items() if len(has) > 1 for one in types[name])

    def _besides_the_largest(self, ids: Sequence[int]) -> list[int]:
        """Where nothing was ever compared, those of all sources but one meet whatever there is to meet."""
        sources: dict[int, int] = {}
        for part in batches(ids):
            rows = self._db.execute(f"SELECT id, source_id FROM resource WHERE id IN ({marks(part)})", part)
            sources.update(rows.fetchall())
        largest = Counter(sources.values()).most_common(1)
        return [id_ for id_ in ids if sources.get(id_) != largest[0][0]]

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
        where = {id_: base for id_, (base, _) in bases(self._db).items()}
        for part in batches(ids):
            attached: defaultdict[int, list[bytes]] = defaultdict(list)
            for id_, sha256 in self._db.execute(_ATTACHED.format(marks=marks(part)), part):
                attached[id_].append(sha256)
            # What a person corrected is compared as its source says it: else a copy would come back as news.
            sent = said(self._db, sorted(corrections(self._db, part)))
            for id_, source, raw, digest, *row in self._db.execute(
                _ROW.format(marks=marks(part)), part
            ).fetchall():
                told = Row(*row) if id_ not in sent else _as_sent(sent[id_], row[-1])
                yield id_, source, fact(told, raw, digest, attached.get(id_, ()), where.get(source))

    def _note_keys(self, ids: Sequence[int], whose: Whose) -> None:
        """Keep the keys of these records. What identifies the person identifies nothing of theirs."""
        for at in range(0, len(ids), _NOTED_AT_ONCE):
            rows = [
                (key, id_)
                for id_, _, found in self._facts(ids[at : at + _NOTED_AT_ONCE])
                for key in (found.keys(besides=whose.identifiers) if found else None) or (NOTHING,)
            ]
            rows.sort()  # in the order of the table, each page of it is filled once
            self._db.executemany("INSERT OR IGNORE INTO record_key (key, record_id) VALUES (?, ?)", rows)

    # ── who is with whom ────────────────────────────────────────────────────────────────────────────────

    def _group(self, ids: list[int], dirty: Set[int], whose: Whose) -> None:
        """Pair these records, and all that they may be paired with. `dirty`: all that nobody has looked at yet."""
        crowds = noted_crowds(self._db)
        done: set[int] = set()
        for at in range(0, len(ids), 2 * _AT_ONCE):
            near = Near(self._db, crowds, dirty)
            components = near.of([id_ for id_ in ids[at : at + 2 * _AT_ONCE] if id_ not in done])
            wanted = {id_: id_ for id_ in near.reached}
            at_once: list[int] = []
            parts: list[list[int]] = []
            for component in components:
                parts.append(component)
                at_once += component
                if len(at_once) >= _AT_ONCE:
                    wanted |= self._decided(parts, at_once, near, whose)
                    at_once, parts = [], []
            wanted |= self._decided(parts, at_once, near, whose)
            done |= wanted.keys()
            self._apply(wanted)

    def _decided(
        self, components: Sequence[Sequence[int]], ids: list[int], near: Near, whose: Whose
    ) -> dict[int, int]:
        """By record the one that is shown for it."""
        facts: dict[int, Fact] = {}
        members: dict[int, Member] = {}
        for id_, source, found in self._facts(sorted(ids)):
            if found is not None:
                facts[id_], members[id_] = found, Member(id_, source, found.digest)
        connections = {row[0] for row in self._db.execute("SELECT id FROM source WHERE kind = 'connection'")}
        shown: dict[int, int] = {}
        for component in components:
            shown.update((id_, id_) for id_ in component)
            readable = [id_ for id_ in component if id_ in facts]
            shared = _shared(readable, facts, members, near.crowds) | whose.identifiers
            pairs = _certain(facts, members, near, component, shared)
            for group in _grouped(facts, members, pairs, whose):
                best = _best(group, facts, {one for one in group if members[one].source in connections})
                shown.update((id_, best or id_) for id_ in group)
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
        moved = {id_: before for id_, (before, _) in current.items() if wanted[id_] != before}
        if again := unite(self._db, sorted(moved)):
            write_again(self._db, sorted({*again, *moved.values()}))


def _as_sent(line: Line, resource: str) -> Row:
    """The row of a record as its source alone would have it."""
    row: dict[str, Any] = dict(zip(COLUMNS.replace(" ", "").split(","), line.columns, strict=True))
    return Row(**{name: row[name] for name in Row._fields if name != "resource"}, resource=resource)


def _certain(
    facts: dict[int, Fact],
    members: dict[int, Member],
    near: Near,
    component: Sequence[int],
    shared: frozenset[str],
) -> dict[Pair, int]:
    """The pairs that are one fact, with how surely."""
    found: dict[Pair, int] = {}
    for one, other in near.pairs(component):
        if one not in facts or other not in facts:
            continue
        strength = same(facts[one], facts[other], shared=shared)
        if strength >= IDENTIFIED or (strength and near.crowded.isdisjoint((one, other))):
            found[one, other] = strength
    return found


def _grouped(
    facts: dict[int, Fact], members: dict[int, Member], pairs: dict[Pair, int], whose: Whose
) -> list[list[int]]:
    def strange(one: int, other: int) -> bool:
        return whose.differ(facts[one], members[one].source, facts[other], members[other].source)

    def differ(one: int, other: int) -> bool:
        return strange(one, other) or contradict(facts[one], facts[other])

    pairs = {pair: strength for pair, strength in pairs.items() if not strange(*pair)}
    if len(pairs) < 2:  # most often: these two, and nobody else
        return [list(pair) for pair in pairs]
    return groups(members, pairs, differ, lambda id_: facts[id_].statement())


def _best(group: Sequence[int], facts: dict[int, Fact], connected: set[int]) -> int | None:
    """Which of these is shown: one that tells every danger; then what can be asked again, says more, came first.

    None where each tells of a danger that the others do not: then they are not certainly one.
    """
    able = [group[at] for at in foremost([facts[id_] for id_ in group])]
    able = [id_ for id_ in able if id_ in connected] or able
    return max(able, key=lambda id_: (content(facts[id_]), -id_), default=None)


def _shared(
    ids: Sequence[int], facts: dict[int, Fact], members: dict[int, Member], crowds: set[bytes]
) -> frozenset[str]:
    """Identifiers that several resources of one type and source have, or too many at all."""
    found: set[str] = set()
    if len({members[id_].source for id_ in ids}) < len(ids):
        met = Counter(
            (members[id_].source, facts[id_].type, one) for id_ in ids for one in facts[id_].identifiers
        )
        found = {one for (_, _, one), times in met.items() if times > 1}
    if crowds:
        found |= {
            one for id_ in ids for one in facts[id_].identifiers if facts[id_].identifier_key(one) in crowds
        }
    return frozenset(found)
