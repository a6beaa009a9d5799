"""One query of a person over the tables: read-only, bounded in time, and answered in words where it cannot be.

SQLite's authorizer (sqlite.org/c3ref/set_authorizer.html) is asked for each thing that a statement would do; only reading
through the documented views is allowed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlcipher3 import dbapi2 as sqlite

from phr.errors import PhrError, UsageError
from phr.views.tables.listing import BY_NAME, TABLES
from phr.views.tables.live import Live, filled, view_sql

if TYPE_CHECKING:
    from phr.store.store import Store

_SELECT, _READ, _FUNCTION, _RECURSIVE = 21, 20, 31, 33
_ALSO = frozenset(("json_each", "json_tree"))
_NO_FUNCTIONS = frozenset(
    ("load_extension", "sqlcipher_export", "fts3_tokenizer", "sqlite_log", "readfile", "writefile")
)
_OK, _DENY = 0, 1
_STRIDE = 20_000
"""Steps of SQLite between two looks at the clock."""
_LIST = "See what there is: phr sql --tables"
_ONLY = "phr sql only reads: a query begins with SELECT (or WITH, or VALUES)."
_HIDES = re.compile(
    rf"\b({'|'.join(BY_NAME)})\b\s*(?:\([^()]*\)\s*)?\bAS\s+(?:NOT\s+)?(?:MATERIALIZED\s*)?\(", re.IGNORECASE
)
_STRINGS = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass
class Answer:
    """The columns of a result, and its rows as they come."""

    columns: list[str]
    rows: Iterator[tuple[Any, ...]] = field(repr=False)


@dataclass
class _Watch:
    """What the authorizer refused, and when it was enough."""

    ends: float
    live: Live = field(repr=False)
    refused: tuple[int, str | None, str | None] | None = None
    late: bool = False
    stopped: bool = False

    def allows(self, action: int, one: str | None, two: str | None, _: str | None, inside: str | None) -> int:
        """The authorizer."""
        if action in (_SELECT, _RECURSIVE) or self.live.reading:
            return _OK
        if action == _FUNCTION and (two or "").lower() not in _NO_FUNCTIONS:
            return _OK
        if action == _READ and (inside in BY_NAME or (one or "") in BY_NAME or one in _ALSO or not two):
            return _OK
        self.refused = self.refused or (action, one, two)
        return _DENY

    def tick(self) -> int:
        """Called now and then while SQLite works; true ends the query."""
        self.stopped = (
            True  # Ctrl-C is raised between here and the next line, and SQLite sees only that it failed
        )
        self.late = time.monotonic() > self.ends
        self.stopped = False
        return int(self.late)


@contextmanager
def asked(store: Store, query: str, *, seconds: float = 60.0) -> Iterator[Answer]:
    """The answer to one query. Raises UsageError for what is no query or reads nothing that there is."""
    words = _STRINGS.sub(" ", query)
    if hidden := _HIDES.search(words):
        raise UsageError(
            f"{hidden[1]} is a table already.", hint="Give your own another name: WITH mine AS (SELECT …)"
        )
    db, live = store.db, Live(store)
    _check_tables(db, words)
    watch = _Watch(time.monotonic() + seconds, live)
    _prepared(store, live, words)
    factory = db.text_factory
    db.text_factory = lambda octets: octets.decode("utf-8", "replace")
    db.set_authorizer(watch.allows)
    db.set_progress_handler(watch.tick, _STRIDE)
    try:
        cursor = db.cursor()
        with _told(query, watch, seconds):
            cursor.execute(query)
        if cursor.description is None:
            raise UsageError("There is no query in this." if not words.strip(" ;\n\t") else _ONLY, hint=_LIST)
        yield Answer(_once([one[0] for one in cursor.description]), _rows(cursor, query, watch, seconds))
        cursor.close()
    finally:
        db.set_progress_handler(None, 0)
        db.set_authorizer(None)
        db.text_factory = factory


def _check_tables(db: Any, words: str) -> None:
    """Refuse the record's own tables by their names too: SQLite asks nobody where no column of them is read."""
    own = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}
    for name in re.findall(r"\b(?:FROM|JOIN)\s+[\"\[`]?(\w+)", words, re.IGNORECASE):
        if name.lower() in own and not re.search(rf"\b{name}\b[^()]*\bAS\s*\(", words, re.IGNORECASE):
            raise no_table(name, there=True)


def _rows(cursor: Any, query: str, watch: _Watch, seconds: float) -> Iterator[tuple[Any, ...]]:
    while True:
        with _told(query, watch, seconds):
            row = cursor.fetchone()
        if row is None:
            return
        yield row


def _prepared(store: Store, live: Live, query: str) -> None:
    """The views that a query names."""
    db = store.db
    for name, (count, function) in live.functions().items():
        db.create_function(name, count, function, deterministic=True)
    for table in TABLES:
        if not re.search(rf"\b{table.name}\b", query, re.IGNORECASE):
            continue
        select = view_sql(table)
        if select is not None:
            db.execute(f"CREATE TEMP VIEW IF NOT EXISTS {table.name} AS {select}")
            continue
        db.execute(f"DROP TABLE IF EXISTS temp.{table.name}")
        db.execute(f"CREATE TEMP TABLE {table.name} ({', '.join(table.names)})")
        marks = ",".join("?" * len(table.columns))
        db.executemany(f"INSERT INTO temp.{table.name} VALUES ({marks})", filled(store, table, query) or [])


def _once(names: list[str]) -> list[str]:
    """The names of columns, each once: the second `record` is `record_2`."""
    found: list[str] = []
    for name in names:
        number, one = 1, name
        while one in found:
            number += 1
            one = f"{name}_{number}"
        found.append(one)
    return found


@contextmanager
def _told(query: str, watch: _Watch, seconds: float) -> Iterator[None]:
    """SQLite's errors in a person's words."""
    try:
        yield
    except (sqlite.Error, sqlite.Warning) as error:
        said = str(error)
        if watch.late:
            raise PhrError(
                f"The query took longer than {seconds:g} seconds and was stopped.",
                hint="Ask for less (WHERE, LIMIT), or give it more time: --timeout SECONDS",
            ) from None
        if watch.stopped or "interrupted" in said:
            raise KeyboardInterrupt from None
        raise _in_words(said, query, watch) from None


def _in_words(said: str, query: str, watch: _Watch) -> UsageError:
    if "cannot modify" in said:
        return _refusal(0, None, None)
    if watch.refused is not None:
        return _refusal(*watch.refused)
    if "one statement at a time" in said:
        return UsageError("That is more than one query.", hint="Ask them one after the other.")
    if found := re.match(r"no such table: (?:main\.|temp\.)?(.+)", said):
        return no_table(found[1])
    if found := re.match(r"no such column: (.+?)(?: - .*)?$", said):
        return _no_column(found[1], query)
    if found := re.match(r"no such function: (.+)", said):
        return UsageError(
            f"There is no function named {found[1]}.",
            hint="It is SQLite's SQL: sqlite.org/lang_corefunc.html",
        )
    if found := re.match(r'near "(.*)": syntax error', said, re.DOTALL):
        return UsageError(f"This is not SQL that can be read, near {found[1]}.", hint=_spelling(query))
    if said.startswith(("incomplete input", "unrecognized token", "unterminated")):
        return UsageError("The query ends too early, or a quote is open.", hint=_spelling(query))
    return UsageError(f"SQLite cannot do this: {said}.", hint=_LIST)


def _spelling(query: str) -> str:
    if "’" in query or "‘" in query or "“" in query:
        return "Text stands between straight quotes: 'lung'"
    return f'For example: phr sql "SELECT date, title FROM records LIMIT 10". {_LIST}'


def _refusal(action: int, one: str | None, two: str | None) -> UsageError:
    if action == _READ:
        return no_table(one or "", there=True)
    if action == _FUNCTION:
        return UsageError(f"The function {two} is not for here.", hint=_ONLY)
    return UsageError("phr sql only reads, and nothing was changed.", hint=f"{_ONLY} {_LIST}")


def no_table(name: str, *, there: bool = False) -> UsageError:
    """What to say of a table that there is not, or that is not to be asked."""
    from phr.views.kind_words import kind_of
    from phr.views.tables.listing import OF_KIND

    kind = kind_of(name)
    meant = [OF_KIND[kind].name] if kind else near(name, tuple(BY_NAME))
    said = f"Did you mean {' or '.join(meant)}? " if meant else ""
    what = f"{name} is not one of the tables to ask." if there else f"There is no table named {name}."
    return UsageError(what, hint=said + _LIST)


def _no_column(name: str, query: str) -> UsageError:
    bare = name.rpartition(".")[2].strip('"')
    tables = [one for one in TABLES if re.search(rf"\b{one.name}\b", query, re.IGNORECASE)]
    if bare[:1] in "‘’“”":
        return UsageError(f"There is no column named {bare}.", hint=_spelling(query))
    if re.search(rf'"{re.escape(bare)}"', query):
        return UsageError(
            f"There is no column named {bare}.", hint=f"Text stands between single quotes: '{bare}'"
        )
    known = tuple(dict.fromkeys(column for one in tables for column in one.names))
    meant = near(bare, known)
    said = f"Did you mean {' or '.join(meant)}? " if meant else ""
    if not meant and (elsewhere := [one.name for one in TABLES if bare.lower() in one.names]):
        said = f"It is a column of {', '.join(elsewhere[:4])}. "
    where = f": phr sql --tables {tables[0].name}" if len(tables) == 1 else ": phr sql --tables"
    return UsageError(f"There is no column named {bare} here.", hint=f"{said}See what there is{where}")


def near(typed: str, known: tuple[str, ...]) -> list[str]:
    """What was probably meant."""
    from difflib import get_close_matches

    typed = typed.lower()
    found = get_close_matches(typed, known, n=2, cutoff=0.72)
    parts = (
        [one for one in known if typed in one.split("_") or one in typed.split("_")] if len(typed) > 2 else []
    )
    return list(dict.fromkeys((*found[:1], *parts[:2])))[:2] or found
