"""What a query of a person may read: the documented tables, and nothing else that the record keeps.

Two things hold it, and neither looks at how a query is written.

1. SQLite itself reads the query first, against a catalogue in memory which has the documented tables, empty, and nothing
   else. Whatever a query names is in there, or is made by the query, or there is no such table (column, function).
2. On the record, its own tables are read only inside of views whose names are new and random for each query. SQLite tells
   its authorizer the innermost view that reads (sqlite.org/c3ref/set_authorizer.html); a WITH of the query has a name too,
   but it cannot have one of those.

The first is needed for what the authorizer cannot tell apart: where no column is read, as in `count(*)`, it hears the same
of a table and of a WITH of that name.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlcipher3 import dbapi2 as sqlite

from phr.views.tables.listing import BY_NAME, TABLES
from phr.views.tables.live import Live, filled, view_sql

if TYPE_CHECKING:
    from phr.store.store import Store

SELECT, READ, FUNCTION, RECURSIVE = 21, 20, 31, 33
_ALSO = frozenset(("json_each", "json_tree"))
"""Functions that are tables, and read what the query gives them alone."""
_NO_FUNCTIONS = frozenset(
    ("load_extension", "sqlcipher_export", "fts3_tokenizer", "sqlite_log", "readfile", "writefile")
)
_OK, _DENY = 0, 1


@dataclass
class Watch:
    """What the authorizer refused, and when it was enough."""

    ends: float
    live: Live = field(repr=False)
    inner: frozenset[str] = field(default=frozenset(), repr=False)
    """The views that may read the record's own tables."""
    bare: set[str] = field(default_factory=set, repr=False)
    """Tables, or names that a query made, of which no column is read."""
    refused: tuple[int, str | None, str | None] | None = None
    late: bool = False
    stopped: bool = False

    def allows(
        self, action: int, one: str | None, two: str | None, where: str | None, inside: str | None
    ) -> int:
        """The authorizer."""
        if action in (SELECT, RECURSIVE) or self.live.reading:
            return _OK
        if action == FUNCTION and (two or "").lower() not in _NO_FUNCTIONS:
            return _OK
        if action == READ and self._reads((one or "").lower(), two, where, inside):
            return _OK
        self.refused = self.refused or (action, one, two)
        return _DENY

    def _reads(self, table: str, column: str | None, where: str | None, inside: str | None) -> bool:
        if inside in self.inner or table in _ALSO:
            return True
        if where == "temp":
            return table in BY_NAME or table in self.inner
        if column or where is not None:
            return False
        self.bare.add(table)
        return True

    def tick(self) -> int:
        """Called now and then while SQLite works; true ends the query."""
        self.stopped = (
            True  # Ctrl-C is raised between here and the next line, and SQLite sees only that it failed
        )
        self.late = time.monotonic() > self.ends
        self.stopped = False
        return int(self.late)


@contextmanager
def catalogue() -> Iterator[Any]:
    """A connection that has the documented tables, empty, and knows of nothing else."""
    db = sqlite.connect(":memory:", isolation_level=None)
    try:
        for table in TABLES:
            columns = ", ".join(f'NULL AS "{name}"' for name in table.names)
            db.execute(f"CREATE TEMP VIEW {table.name} AS SELECT {columns} WHERE 0")
        yield db
    finally:
        db.close()


def of_sqlite(empty: Any, bare: set[str]) -> str | None:
    """The first of these names that is a table without anybody having made it, such as sqlite_schema."""
    for name in sorted(bare.difference(BY_NAME, _ALSO)):
        quoted = name.replace('"', '""')
        try:
            empty.execute(f'EXPLAIN SELECT 1 FROM "{quoted}"').close()
        except sqlite.Error as error:
            if str(error).startswith("no such table"):
                continue
        return name
    return None


@contextmanager
def opened(store: Store, live: Live, query: str) -> Iterator[frozenset[str]]:
    """The tables that a query may name, as temporary views; yields the names of those that read the record."""
    db, made, inner = store.db, [], []
    for name, (count, function) in live.functions().items():
        db.create_function(name, count, function, deterministic=True)
    try:
        for table in TABLES:  # one too many costs nothing: what may be read is not decided here
            if not re.search(rf"\b{table.name}\b", query, re.IGNORECASE):
                continue
            select = view_sql(table)
            if select is not None:
                name = f"phr_{secrets.token_hex(16)}"
                db.execute(f"CREATE TEMP VIEW {name} AS {select}")
                inner.append(name)
                db.execute(f"CREATE TEMP VIEW {table.name} AS SELECT * FROM temp.{name}")
                made.append(("VIEW", table.name))
                continue
            db.execute(f"CREATE TEMP TABLE {table.name} ({', '.join(table.names)})")
            made.append(("TABLE", table.name))
            marks = ",".join("?" * len(table.columns))
            db.executemany(f"INSERT INTO temp.{table.name} VALUES ({marks})", filled(store, table) or [])
        yield frozenset(inner)
    finally:
        for what, name in (*made, *(("VIEW", name) for name in inner)):
            db.execute(f"DROP {what} IF EXISTS temp.{name}")
