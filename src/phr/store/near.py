"""Which records may be one fact, by the keys they have in common: few of all, found through an index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from phr.records.match import DATED, KEY_BYTES
from phr.store.db import batches, marks

_HEAD = 1 + KEY_BYTES


class Near:
    """Records that have a key in common, and those that have one in common with these, and so on."""

    def __init__(self, db: Any) -> None:
        self._db = db
        self._met: dict[bytes, list[int]] = {}
        """Records by key; only keys that records of several sources have."""
        self._source: dict[int, int] = {}
        self._keys: defaultdict[int, list[bytes]] = defaultdict(list)
        self._above: dict[int, int] = {}

    def of(self, ids: Sequence[int]) -> list[set[int]]:
        """The records that may be one with these or with each other, in parts that have nothing in common."""
        asked: set[bytes] = set()
        known: set[int] = set()
        open_ = list(ids)
        while open_:
            known.update(open_)
            keys = self._keys_of(open_) - asked
            asked |= keys
            reached = self._buckets(keys)
            open_ = sorted(reached - known)
        found: defaultdict[int, set[int]] = defaultdict(set)
        for id_ in list(self._above):
            found[self._top(id_)].add(id_)
        return list(found.values())

    def pairs(self, component: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Pairs of two sources to be compared, the smaller number first; each once."""
        given: set[tuple[int, int]] = set()
        for key in {key for id_ in component for key in self._keys.get(id_, ())}:
            bucket = self._met[key]
            for at, one in enumerate(bucket):
                for other in bucket[at + 1 :]:
                    pair = (one, other) if one < other else (other, one)
                    if self._source[one] != self._source[other] and pair not in given:
                        given.add(pair)
                        yield pair

    def _keys_of(self, ids: Sequence[int]) -> set[bytes]:
        found: set[bytes] = set()
        for part in batches(ids):
            rows = self._db.execute(
                f"SELECT DISTINCT key FROM record_key WHERE length(key) > 1 AND record_id IN ({marks(part)})",
                part,
            )
            for (key,) in rows:
                found.add(key)
                if key.startswith(DATED):  # a year or a month may hold it
                    found |= {key[: _HEAD + digits] for digits in (4, 6) if len(key) > _HEAD + digits}
        return found

    def _buckets(self, keys: set[bytes]) -> set[int]:
        """Who has these keys. Whoever shares one with another source is near it."""
        reached: defaultdict[bytes, list[int]] = defaultdict(list)
        for part in batches(sorted(keys)):
            rows = self._db.execute(
                f"SELECT key, record_id FROM record_key WHERE key IN ({marks(part)}) ORDER BY key, record_id",
                part,
            )
            for key, id_ in rows:
                reached[key].append(id_)
        for key in list(reached):
            if key.startswith(DATED) and len(key) < _HEAD + 8:
                rows = self._db.execute(
                    "SELECT DISTINCT record_id FROM record_key WHERE key > ? AND key < ? ORDER BY record_id",
                    (key, key + b"\xff"),
                )
                reached[key] += [row[0] for row in rows if row[0] not in reached[key]]
        self._learn_sources({id_ for ids in reached.values() for id_ in ids})
        found: set[int] = set()
        for key, ids in reached.items():
            ids = [id_ for id_ in ids if id_ in self._source]
            if len({self._source[id_] for id_ in ids}) > 1:
                self._met[key] = ids
                for id_ in ids:
                    self._keys[id_].append(key)
                    self._above[self._top(id_)] = self._top(ids[0])
                found.update(ids)
        return found

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
