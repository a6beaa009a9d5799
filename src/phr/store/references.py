"""What stored resources point at: what is still to be read, what was refused, what came that way.

A row of `wanted_reference` with the status 200 stands for a resource that came by its address, not by a search:
no search misses it, and it is read again from time to time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from phr.store.passes import source_id

if TYPE_CHECKING:
    from phr.store.store import Store

Place = tuple[str, str]
START: Place = ("", "")


@dataclass(frozen=True, slots=True)
class Pointed:
    """One address to read. `http_status`: how it was answered the last time."""

    type: str
    id: str
    http_status: int | None = None

    @property
    def place(self) -> Place:
        """Where a list in order of addresses goes on after this one."""
        return self.type, self.id


class References:
    """The references of one record."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def last(self) -> int:
        """The number of the newest entry on the list: what comes later is for the next round."""
        row = self._store.db.execute("SELECT coalesce(max(rowid), 0) FROM wanted_reference").fetchone()
        return int(row[0])

    def missing(self, source_key: str, before: str, after: Place, limit: int, last: int) -> list[Pointed]:
        """Addresses that nothing stored answers and that were not refused since `before`, in portions."""
        rows = self._store.db.execute(
            "SELECT w.type, w.fhir_id, w.http_status FROM wanted_reference w WHERE w.source_id = ?"
            " AND (w.type, w.fhir_id) > (?, ?) AND w.rowid <= ? AND (w.tried IS NULL OR w.tried < ?)"
            " AND NOT EXISTS (SELECT 1 FROM resource r WHERE r.source_id = w.source_id AND r.type = w.type"
            " AND r.fhir_id = w.fhir_id) ORDER BY w.type, w.fhir_id LIMIT ?",
            (source_id(self._store, source_key), *after, last, before, limit),
        )
        return [Pointed(*row) for row in rows]

    def aged(self, source_key: str, before: str, after: Place, limit: int) -> list[Pointed]:
        """What came by its address and was last read before that instant, in portions."""
        rows = self._store.db.execute(
            "SELECT w.type, w.fhir_id, w.http_status FROM wanted_reference w WHERE w.source_id = ?"
            " AND (w.type, w.fhir_id) > (?, ?) AND w.http_status = 200 AND w.tried < ?"
            " AND EXISTS (SELECT 1 FROM resource r WHERE r.source_id = w.source_id AND r.type = w.type"
            " AND r.fhir_id = w.fhir_id AND r.state = 'current') ORDER BY w.type, w.fhir_id LIMIT ?",
            (source_id(self._store, source_key), *after, before, limit),
        )
        return [Pointed(*row) for row in rows]

    def answered(self, source_key: str, addresses: Iterable[Place]) -> None:
        """These came by their address just now."""
        source, now = source_id(self._store, source_key), self._store.now()
        self._store.db.executemany(
            "INSERT INTO wanted_reference (source_id, type, fhir_id, tried, http_status) VALUES (?, ?, ?, ?, 200)"
            " ON CONFLICT DO UPDATE SET tried = excluded.tried, http_status = 200, reason = NULL",
            [(source, type_, id_, now) for type_, id_ in addresses],
        )

    def unanswered(
        self, source_key: str, type_: str, id_: str, http_status: int | None, reason: str, *, for_now: bool
    ) -> None:
        """It could not be read; unless `for_now`, it is left alone for a while."""
        self._store.db.execute(
            "UPDATE wanted_reference SET tried = iif(?, tried, ?), http_status = ?, reason = ?"
            " WHERE source_id = ? AND type = ? AND fhir_id = ?",
            (for_now, self._store.now(), http_status, reason, source_id(self._store, source_key), type_, id_),
        )

    def others(self, source_key: str, type_: str, id_: str) -> list[str]:
        """A few other resources of a type that are here and not missed, those first that came by their address last."""
        source = source_id(self._store, source_key)
        rows = self._store.db.execute(
            "SELECT r.fhir_id FROM resource r LEFT JOIN wanted_reference w ON w.source_id = r.source_id"
            " AND w.type = r.type AND w.fhir_id = r.fhir_id AND w.http_status = 200"
            " WHERE r.source_id = ? AND r.type = ? AND r.fhir_id <> ? AND r.state = 'current'"
            " AND NOT EXISTS (SELECT 1 FROM absence a WHERE a.resource_id = r.id)"
            " ORDER BY w.tried DESC, r.id LIMIT 3",
            (source, type_, id_),
        )
        return [str(row[0]) for row in rows]

    def tried(self, source_key: str, type_: str, id_: str) -> None:
        """It was asked for again without success; what is here stays, and counts as read."""
        self._store.db.execute(
            "UPDATE wanted_reference SET tried = ? WHERE source_id = ? AND type = ? AND fhir_id = ?",
            (self._store.now(), source_id(self._store, source_key), type_, id_),
        )
