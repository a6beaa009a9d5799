"""Which records may be one fact, by the keys they have in common: few of all, found through an index.

A key that too many have tells nothing: who is with whom is then left open, at no cost (`MOST`). Three thousand equal
readings of one day in each of two sources are three thousand readings, and nobody knows which is which.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from phr.store.copies import CROWD, KEYS, dated_within, less_precise, noted_coarse
from phr.store.db import batches, marks

MOST = 1_024
"""So many pairs with one key in common are compared: 32 by 32. Beyond, they are left apart."""


class _Bucket(NamedTuple):
    """Who has a key, and who is dated within it."""

    exact: list[int]
    within: list[int]


class Near:
    """Records that have a key in common, and those that have one in common with these, and so on."""

    def __init__(self, db: Any, noted: set[bytes], waiting: Set[int]) -> None:
        """`noted`: crowds that are known, which is added to. `waiting`: who will be looked at anyway."""
        self._db = db
        self._noted = noted
        self._waiting = waiting
        self._coarse = noted_coarse(db)
        self._met: dict[bytes, _Bucket] = {}
        """Records by key; only keys that records of several sources have."""
        self._source: dict[int, int] = {}
        self._keys: defaultdict[int, list[bytes]] = defaultdict(list)
        self._above: dict[int, int] = {}
        self.reached: set[int] = set()
        """All that were looked at."""
        self.crowded: set[int] = set()
        """Records with a key that too many have: only what is their own tells whom they are one with."""
        self.crowds: set[bytes] = set()
        """Such keys."""

    def of(self, ids: Sequence[int]) -> list[list[int]]:
        """The records that may be one with these or with each other, in parts that have nothing in common."""
        asked: set[bytes] = set()
        open_ = list(ids)
        while open_:
            self.reached.update(open_)
            keys = self._keys_of(open_) - asked
            asked |= keys
            open_ = sorted(self._buckets(keys) - self.reached)
        found: defaultdict[int, list[int]] = defaultdict(list)
        for id_ in sorted(self._above):
            found[self._top(id_)].append(id_)
        return sorted(found.values())

    def pairs(self, component: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Pairs of two sources to be compared, the smaller number first; each once."""
        given: set[tuple[int, int]] = set()
        for key in sorted({key for id_ in component for key in self._keys.get(id_, ())}):
            exact, within = self._met[key]
            for at, one in enumerate(exact):
                for others in (exact[at + 1 :], within):
                    for other in others:
                        pair = (one, other) if one < other else (other, one)
                        if self._source[one] != self._source[other] and pair not in given:
                            given.add(pair)
                            yield pair

    def _keys_of(self, ids: Sequence[int]) -> set[bytes]:
        found: set[bytes] = set()
        for part in batches(ids):
            rows = self._db.execute(
                f"SELECT DISTINCT key FROM record_key WHERE {KEYS} AND record_id IN ({marks(part)})", part
            )
            found.update(row[0] for row in rows)
        return found | less_precise(found, self._coarse)

    def _buckets(self, keys: set[bytes]) -> set[int]:
        """Who has these keys. Whoever shares one with another source is near it."""
        reached: dict[bytes, _Bucket] = {}
        for part in batches(sorted(keys)):
            rows = self._db.execute(
                f"SELECT key, record_id FROM record_key WHERE key IN ({marks(part)}) ORDER BY key, record_id",
                part,
            )
            for key, id_ in rows:
                reached.setdefault(key, _Bucket([], [])).exact.append(id_)
        for key, rows in groupby(dated_within(self._db, reached), key=itemgetter(0)):
            own = set(reached[key].exact)
            reached[key].within.extend(id_ for _, id_ in rows if id_ not in own)
        self._learn_sources({id_ for bucket in reached.values() for ids in bucket for id_ in ids})
        found: set[int] = set()
        for key, (exact, within) in reached.items():
            bucket = _Bucket(
                [id_ for id_ in exact if id_ in self._source], [id_ for id_ in within if id_ in self._source]
            )
            pairs = self._count(bucket)
            if pairs > MOST:
                found.update(self._crowd(key, bucket))
                continue
            if key in self._noted:
                self._noted.discard(key)
                self._db.execute("DELETE FROM record_key WHERE key = ?", (CROWD + key,))
            if pairs:
                self._meet(key, bucket)
                found.update(bucket.exact, bucket.within)
        return found

    def _count(self, bucket: _Bucket) -> int:
        """How many pairs of two sources there are."""
        if len({self._source[id_] for ids in bucket for id_ in ids}) < 2:
            return 0
        if len(bucket.exact) + len(bucket.within) == 2:
            return 1
        exact = Counter(self._source[id_] for id_ in bucket.exact)
        within = Counter(self._source[id_] for id_ in bucket.within)
        among = len(bucket.exact) ** 2 - sum(times * times for times in exact.values())
        across = len(bucket.exact) * len(bucket.within) - sum(
            times * within[one] for one, times in exact.items()
        )
        return among // 2 + across

    def _meet(self, key: bytes, bucket: _Bucket) -> None:
        self._met[key] = bucket
        for id_ in (*bucket.exact, *bucket.within):
            self._keys[id_].append(key)
            self._above[self._top(id_)] = self._top(bucket.exact[0])

    def _crowd(self, key: bytes, bucket: _Bucket) -> Iterable[int]:
        """Too many have this key. Answers whom that is news for; what is noted needs no second look."""
        self.crowds.add(key)
        self.crowded.update(bucket.exact)
        if key in self._noted:
            return ()
        self._noted.add(key)
        self._db.execute(
            "INSERT INTO record_key (key, record_id) VALUES (?, ?)", (CROWD + key, bucket.exact[0])
        )
        return [id_ for ids in bucket for id_ in ids if id_ not in self._waiting]

    def _learn_sources(self, ids: set[int]) -> None:
        for part in batches(sorted(ids - self._source.keys())):
            rows = self._db.execute(
                f"SELECT resource_id, source_id FROM record_source WHERE resource_id IN ({marks(part)})", part
            )
            self._source.update(rows.fetchall())

    def _top(self, one: int) -> int:
        above = self._above
        while above.setdefault(one, one) != one:
            above[one] = one = above[above[one]]
        return one
