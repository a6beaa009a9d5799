"""What asking a server has taught: which parameters a type needs, what it does not know, what it does not have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import orjson

from phr.store.db import transaction
from phr.store.passes import source_id

if TYPE_CHECKING:
    from phr.store.store import Store


class Learned:
    """The lessons of one record, by source, type and kind. What they mean is `sync.learn`'s business."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self, source_key: str) -> list[tuple[str, str, object]]:
        """`(type, kind, value)` of everything learned about a source."""
        rows = self._store.db.execute(
            "SELECT type, kind, value FROM learned WHERE source_id = ? ORDER BY type, kind",
            (source_id(self._store, source_key),),
        )
        return [(row[0], row[1], orjson.loads(row[2])) for row in rows]

    def keep(self, source_key: str, lessons: Iterable[tuple[str, str, object]]) -> None:
        """Remember these; a new lesson takes the place of an old one of its type and kind."""
        source, now = source_id(self._store, source_key), self._store.now()
        rows = [(source, type_, kind, orjson.dumps(value).decode(), now) for type_, kind, value in lessons]
        if rows:
            with transaction(self._store.db):
                self._store.db.executemany("INSERT OR REPLACE INTO learned VALUES (?, ?, ?, ?, ?)", rows)

    def forget(self, source_key: str, type_: str, kind: str) -> None:
        """It is no longer so."""
        self._store.db.execute(
            "DELETE FROM learned WHERE source_id = ? AND type = ? AND kind = ?",
            (source_id(self._store, source_key), type_, kind),
        )

    def forget_kinds(self, source_key: str, kinds: Iterable[str]) -> None:
        """What was learned of these kinds, of whatever type, is no longer so."""
        source = source_id(self._store, source_key)
        self._store.db.executemany(
            "DELETE FROM learned WHERE source_id = ? AND kind = ?", [(source, kind) for kind in kinds]
        )
