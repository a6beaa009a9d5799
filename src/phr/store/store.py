"""`Store`: one person's records file, opened. What it can do is in the rooms beside this file.

One writer at a time and on the thread that opened it; any number of readers in other processes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from phr.errors import StoreError
from phr.fhir import dates
from phr.store import db as database
from phr.store.db import transaction

if TYPE_CHECKING:
    from sqlmodel import Session

    from phr.model import Received
    from phr.store.audit import Audit
    from phr.store.bulk import Exports
    from phr.store.connections import Connections, Sources
    from phr.store.documents import Documents
    from phr.store.imports import Imports
    from phr.store.learned import Learned
    from phr.store.matches import Matches
    from phr.store.own import Own
    from phr.store.passes import Passes
    from phr.store.questions import Questions
    from phr.store.references import References
    from phr.store.resources import ResourceWriter, Saved, Within
    from phr.store.runs import Runs

DERIVED_BY = "4"
"""Raise it when `records.derive` says something new: the next sync then reads every record again."""


def utc_now() -> datetime:
    """The clock on the wall."""
    return datetime.now(UTC)


class Store:
    """One encrypted records file. Use as a context manager, or close it."""

    def __init__(
        self, path: Path, key: bytes, *, create: bool = False, clock: Callable[[], datetime] = utc_now
    ) -> None:
        """Open the file. Raises Locked (wrong key) or StoreError (no file, newer file, disk)."""
        self.path = path
        self._key = key
        self._clock = clock
        self.db = database.connect(path, key, create=create)
        self._writers: dict[str, ResourceWriter] = {}

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Store {self.path.name}>"

    # Rooms are opened when somebody goes in: a quick command needs one or none of them.

    @cached_property
    def connections(self) -> Connections:
        """Sources that can be asked again."""
        from phr.store.connections import Connections

        return Connections(self)

    @cached_property
    def sources(self) -> Sources:
        """Everything that records came from."""
        from phr.store.connections import Sources

        return Sources(self)

    @cached_property
    def runs(self) -> Runs:
        """What each sync did."""
        from phr.store.runs import Runs

        return Runs(self)

    @cached_property
    def documents(self) -> Documents:
        """Attachments and their bytes."""
        from phr.store.documents import Documents

        return Documents(self)

    @cached_property
    def passes(self) -> Passes:
        """Where searches stand, and what no longer comes."""
        from phr.store.passes import Passes

        return Passes(self)

    @cached_property
    def learned(self) -> Learned:
        """What asking has taught."""
        from phr.store.learned import Learned

        return Learned(self)

    @cached_property
    def references(self) -> References:
        """What resources point at."""
        from phr.store.references import References

        return References(self)

    @cached_property
    def bulk(self) -> Exports:
        """Bulk Data exports."""
        from phr.store.bulk import Exports

        return Exports(self)

    @cached_property
    def imports(self) -> Imports:
        """What files brought."""
        from phr.store.imports import Imports

        return Imports(self)

    @cached_property
    def matches(self) -> Matches:
        """What is the same in several sources."""
        from phr.store.matches import Matches

        return Matches(self)

    @cached_property
    def own(self) -> Own:
        """The person's own words: notes, tags, bookmarks, corrections."""
        from phr.store.own import Own

        return Own(self)

    @cached_property
    def questions(self) -> Questions:
        """What the person wants to ask at an appointment."""
        from phr.store.questions import Questions

        return Questions(self)

    @cached_property
    def audit(self) -> Audit:
        """What was done with the data."""
        from phr.store.audit import Audit

        return Audit(self)

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self._writers.clear()
        self.db.close()

    def now(self) -> str:
        """The present instant as `dates.instant` writes it."""
        return dates.instant(self._clock())

    def save(self, source_key: str, received: Iterable[Received], *, within: Within | None = None) -> Saved:
        """Keep these resources of one source, in one transaction: the only way in.

        `within` gets the row ids of all of them that are stored, unchanged ones too; what it writes belongs to the
        same transaction.
        """
        writer = self._writers.get(source_key)
        if writer is None:
            from phr.store.resources import ResourceWriter  # reading commands start faster without it

            id_, base = self._source_row(source_key)
            writer = self._writers[source_key] = ResourceWriter(self.db, id_, base)
        return writer.save(received, self.now(), within)

    def gone(
        self, source_key: str, type_: str, id_: str, reason: str = "deleted", detail: str | None = None
    ) -> bool:
        """Note that the source took a resource back; whether that is news. Its bytes, history and tags stay.

        `reason` is `deleted` or `merged`; `detail` what it was merged into, `Type/id`.
        """
        from phr.store.tombstones import take_back

        source, _ = self._source_row(source_key)
        with nullcontext() if self.db.in_transaction else transaction(self.db):
            return take_back(self.db, source, type_, id_, self.now(), reason, detail)

    def raw(self, type_: str, id_: str, source: str | None = None) -> list[tuple[str, bytes]]:
        """`(source name, exact bytes)` of every resource of this address."""
        rows = self.db.execute(
            # CROSS JOIN and +r.id hold the planner to one index look-up per source.
            "SELECT s.name, r.raw FROM source s CROSS JOIN resource r ON r.source_id = s.id"
            " WHERE r.type = ? AND r.fhir_id = ? AND (? IS NULL OR s.name = ?) ORDER BY +r.id",
            (type_, id_, source, source),
        )
        return [(row[0], row[1]) for row in rows]

    def setting(self, name: str) -> str | None:
        """What is noted under a name in this very file, so that it goes where the record goes."""
        row = self.db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def note_setting(self, name: str, value: str) -> None:
        """Note it, instead of what was noted."""
        self.db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def counts(self) -> tuple[Counter[str], Counter[str]]:
        """`(resources by type, records by kind)`; without what was taken back.

        Supporting resources are not records of a life.
        """
        by_type = Counter(
            dict(self.db.execute("SELECT type, count(*) FROM resource GROUP BY type ORDER BY type"))
        )
        by_type -= Counter(  # this way round the index alone is counted, and few are ever taken back
            dict(
                self.db.execute(
                    "SELECT r.type, count(*) FROM tombstone t JOIN resource r ON r.id = t.resource_id GROUP BY r.type"
                )
            )
        )
        by_kind = self.db.execute("SELECT kind, shown FROM tally WHERE shown > 0 ORDER BY kind")
        return by_type, Counter(dict(by_kind.fetchall()))

    def rebuild(self) -> int:
        """Derive every record again from its raw resource; answers how many."""
        from phr.store.rows import RecordWriter

        with transaction(self.db):
            self.db.execute("DELETE FROM record")
            self.db.execute("INSERT INTO record_search (record_search) VALUES ('delete-all')")
            sources = self.db.execute("SELECT id FROM source").fetchall()
            count = sum(RecordWriter(self.db, row[0]).rebuild() for row in sources)
            self.note_setting("derived_by", DERIVED_BY)
            self.matches.settle()
        self.forget_writers()
        return count

    def refresh_records(self) -> int:
        """Rebuild when the records were derived by another version of phr; answers how many."""
        known = self.setting("derived_by")
        if known is None and not self.db.execute("SELECT 1 FROM resource LIMIT 1").fetchone():
            self.note_setting("derived_by", DERIVED_BY)
            return 0
        if known == DERIVED_BY:
            return 0
        # Until "3" the most private level was called like this; a rebuild that is broken off leaves it no longer.
        self.db.execute("UPDATE record SET sensitivity = 'restricted' WHERE sensitivity = 'very_restricted'")
        return self.rebuild()

    def copy(self, target: Path) -> None:
        """Write a consistent, equally encrypted copy of the whole file to `target`."""
        database.copy(self.db, self._key, target)

    def rekey(self, key: bytes) -> None:
        """Encrypt the whole file anew with another key (32 bytes)."""
        if key != self._key:
            database.rekey(self.db, key)
            self._key = key

    def integrity(self) -> list[str]:
        """What is wrong with the file; empty when all is well."""
        return database.integrity(self.db)

    def forget_writers(self) -> None:
        """Drop what writers remember of rows that are no longer there."""
        self._writers.clear()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """An SQLModel session on this very connection, for the small tables. Imports sqlmodel."""
        from sqlalchemy import create_engine
        from sqlalchemy.pool import StaticPool
        from sqlcipher3 import dbapi2 as sqlite
        from sqlmodel import Session

        engine = create_engine(
            "sqlite://", creator=lambda: self.db, poolclass=StaticPool, module=sqlite, echo=False
        )
        # The store's connection is in autocommit mode, so the transaction is opened here by hand.
        with Session(engine) as session:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield session
            finally:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")

    def _source_row(self, source_key: str) -> tuple[int, str | None]:
        row = self.db.execute("SELECT id, fhir_base FROM source WHERE key = ?", (source_key,)).fetchone()
        if row is None:
            raise StoreError("This source is not in the record.")
        return int(row[0]), row[1]
