"""Sources and connections: read through SQL; a connection is written as SQLModel rows, with its source."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import orjson

from phr.errors import UsageError
from phr.model import Connection, Refusal, Source
from phr.store.copies import leaving
from phr.store.db import batches, marks, transaction
from phr.store.words import hand_on, heirs

if TYPE_CHECKING:
    from phr.store.store import Store

_OF_SOURCE = ("key", "name")
_FIELDS = (
    *_OF_SOURCE,
    *"provider vendor organisation fhir_base client_id patient_id state requested_scopes granted_scopes refused".split(),
    *"connected last_sync token_expires sign_in_before auth auto_sync every_hours".split(),
    *"redirect redirect_uri fhir_user patient_name".split(),
)
"""Of model.Connection, each a column of the same name."""
_COLUMNS = ", ".join(f"{'s' if name in _OF_SOURCE else 'c'}.{name}" for name in _FIELDS)


def new_key() -> str:
    """A random name that never changes, for a source and its secrets in the vault."""
    return os.urandom(8).hex()


class Connections:
    """The connections of one record."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Connection]:
        """Every connection, by name."""
        rows = self._store.db.execute(
            f"SELECT {_COLUMNS} FROM connection c JOIN source s ON s.id = c.source_id ORDER BY s.name"
        )
        return [_connection(row) for row in rows]

    def get(self, name: str) -> Connection:
        """The connection of this name. Raises UsageError that lists the names there are."""
        found = self.all()
        for one in found:
            if one.name == name:
                return one
        names = ", ".join(one.name for one in found)
        raise UsageError(
            f"There is no connection named {name}.",
            hint=f"There is: {names}" if names else "Make one: phr connect PROVIDER",
        )

    def save(self, one: Connection) -> None:
        """Insert or replace a connection and its source, by its key."""
        from sqlmodel import select

        from phr.store import tables

        with self._store.session() as session:
            source = session.exec(select(tables.Source).where(tables.Source.key == one.key)).first()
            if source is None:
                source = tables.Source(
                    key=one.key, name=one.name, kind="connection", created=self._store.now()
                )
            source.name, source.fhir_base = one.name, one.fhir_base
            session.add(source)
            session.flush()
            session.merge(
                tables.Connection(
                    source_id=source.id,
                    provider=one.provider,
                    vendor=one.vendor,
                    organisation=one.organisation,
                    fhir_base=one.fhir_base,
                    client_id=one.client_id,
                    auth=one.auth,
                    patient_id=one.patient_id,
                    state=one.state,
                    requested_scopes=_dump(one.requested_scopes),
                    granted_scopes=_dump(one.granted_scopes),
                    refused=_dump([(r.type, r.reason) for r in one.refused]),
                    connected=one.connected,
                    last_sync=one.last_sync,
                    token_expires=one.token_expires,
                    sign_in_before=one.sign_in_before,
                    auto_sync=int(one.auto_sync),
                    every_hours=one.every_hours,
                    redirect=one.redirect,
                    redirect_uri=one.redirect_uri,
                    fhir_user=one.fhir_user,
                    patient_name=one.patient_name,
                )
            )
            session.commit()

    def free_name(self, wanted: str) -> str:
        """`wanted`, or `wanted-2`, `wanted-3` … when a source has that name already."""
        taken = {row[0] for row in self._store.db.execute("SELECT name FROM source")}
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted}-{number}", number + 1
        return name


class Sources:
    """Everything that records came from."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Source]:
        """Every source, by name."""
        rows = self._store.db.execute("SELECT key, name, kind, fhir_base FROM source ORDER BY name")
        return [Source(*row) for row in rows]

    def ensure(self, name: str, kind: str = "import", fhir_base: str | None = None) -> Source:
        """The source of this name, made when there is none yet."""
        row = self._store.db.execute(
            "SELECT key, name, kind, fhir_base FROM source WHERE name = ?", (name,)
        ).fetchone()
        if row:
            return Source(*row)
        source = Source(new_key(), name, kind, fhir_base)
        self._store.db.execute(
            "INSERT INTO source (key, name, kind, fhir_base, created) VALUES (?, ?, ?, ?, ?)",
            (source.key, name, kind, fhir_base, self._store.now()),
        )
        return source

    def resources(self, name: str) -> int:
        """How many resources came from the source of this name."""
        rows = self._store.db.execute(
            "SELECT count(*) FROM resource r JOIN source s ON s.id = r.source_id WHERE s.name = ?", (name,)
        )
        return int(rows.fetchone()[0])

    def purge(self, key: str) -> int:
        """Remove a source with everything that came from it alone; answers how many resources went."""
        db = self._store.db
        with transaction(db):
            before = db.execute("SELECT count(*) FROM resource").fetchone()[0]
            rows = db.execute(
                "SELECT x.id FROM resource x JOIN source s ON s.id = x.source_id WHERE s.key = ?", (key,)
            )
            # A record has the number of its resource; those of other sources only lose one of theirs.
            ids = [row[0] for row in rows]
            hand_on(db, heirs(db, ids))
            leaving(db, ids)
            for part in batches(ids):
                db.execute(f"DELETE FROM record_search WHERE rowid IN ({marks(part)})", part)
                db.execute(f"DELETE FROM record WHERE id IN ({marks(part)})", part)
            db.execute("DELETE FROM source WHERE key = ?", (key,))
            self._store.matches.settle()
            db.execute(
                "DELETE FROM document WHERE id NOT IN (SELECT document_id FROM attachment WHERE document_id > 0)"
            )
            after = db.execute("SELECT count(*) FROM resource").fetchone()[0]
        self._store.forget_writers()
        return int(before - after)


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()


def _connection(row: tuple[Any, ...]) -> Connection:
    values = dict(zip(_FIELDS, row, strict=True))
    for name in ("requested_scopes", "granted_scopes"):
        values[name] = tuple(orjson.loads(values[name]))
    values["refused"] = tuple(Refusal(*pair) for pair in orjson.loads(values["refused"]))
    values["auto_sync"] = bool(values["auto_sync"])
    return Connection(**values)
