"""One query of a person over the tables: read-only, bounded in time and memory, and answered in words where it cannot be.

What a query may read is held in `fence`; here it is run, and what SQLite says of it is told in a person's words.
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
from phr.views.tables import fence
from phr.views.tables.fence import Watch
from phr.views.tables.listing import BY_NAME, TABLES
from phr.views.tables.live import Live

if TYPE_CHECKING:
    from phr.store.store import Store

_STRIDE = 200
"""Steps of SQLite between two looks at the clock; a step may be a function that takes a while."""
_MEMORY = 512
"""Megabytes that SQLite may have at once: it does not look at the clock inside of a function such as printf."""
_LIST = "See what there is: phr sql --tables"
_ONLY = "phr sql only reads: a query begins with SELECT (or WITH, or VALUES)."
_REMARKS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass
class Answer:
    """The columns of a result, and its rows as they come."""

    columns: list[str]
    rows: Iterator[tuple[Any, ...]] = field(repr=False)


@contextmanager
def asked(store: Store, query: str, *, seconds: float = 60.0) -> Iterator[Answer]:
    """The answer to one query. Raises UsageError for what is no query or reads nothing that there is, PhrError for one
    that takes too long or needs too much."""
    if not _REMARKS.sub("", query).strip(" ;\n\t\r\f"):
        raise UsageError("There is no query in this.", hint=_LIST)
    if "\0" in query or any("\ud800" <= one <= "\udfff" for one in query):
        raise UsageError("There is something in this query that is no text.", hint=_spelling(query))
    query = query.lstrip("; \n\t\r\f")
    db, live = store.db, Live(store)
    watch = Watch(time.monotonic() + seconds, live)
    with fence.catalogue() as empty:
        with _watched(empty, watch), _told(query, watch, seconds):
            empty.execute(f"EXPLAIN {query}").close()
        if name := fence.of_sqlite(empty, watch.bare):
            raise no_table(name, there=True)
    db.execute(f"PRAGMA hard_heap_limit = {_MEMORY * 2**20}")  # of this process, and it can only become less
    with fence.opened(store, live, query) as inner:
        watch.inner = inner
        factory = db.text_factory
        db.text_factory = lambda octets: octets.decode("utf-8", "replace")
        cursor = db.cursor()
        try:
            with _watched(db, watch):
                with _told(query, watch, seconds):
                    cursor.execute(query)
                if cursor.description is None:
                    raise UsageError(_ONLY, hint=_LIST)
                yield Answer(
                    _once([one[0] for one in cursor.description]), _rows(cursor, query, watch, seconds)
                )
        finally:
            cursor.close()
            db.text_factory = factory


@contextmanager
def _watched(db: Any, watch: Watch) -> Iterator[None]:
    """A connection on which each thing that a statement would do is asked of `watch` first."""
    db.set_authorizer(watch.allows)
    db.set_progress_handler(watch.tick, _STRIDE)
    try:
        yield
    finally:
        db.set_progress_handler(None, 0)
        db.set_authorizer(None)


def _rows(cursor: Any, query: str, watch: Watch, seconds: float) -> Iterator[tuple[Any, ...]]:
    while True:
        with _told(query, watch, seconds):
            row = cursor.fetchone()
        if row is None:
            return
        yield row


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
def _told(query: str, watch: Watch, seconds: float) -> Iterator[None]:
    """SQLite's errors in a person's words."""
    try:
        yield
    except MemoryError:
        raise _too_much() from None
    except (sqlite.Error, sqlite.Warning) as error:
        said = str(error)
        if watch.late:
            raise PhrError(
                f"The query took longer than {seconds:g} seconds and was stopped.",
                hint="Ask for less (WHERE, LIMIT), or give it more time: --timeout SECONDS",
            ) from None
        if watch.stopped or "interrupted" in said:
            raise KeyboardInterrupt from None
        if "too big" in said:
            raise _too_much() from None
        raise _in_words(said, query, watch) from None


def _too_much() -> PhrError:
    return PhrError(
        f"The query needs more than {_MEMORY:,} megabytes of memory and was stopped.",
        hint="Ask for less: fewer columns, WHERE, LIMIT",
    )


def _in_words(said: str, query: str, watch: Watch) -> UsageError:
    if "cannot modify" in said:
        return _refusal(0, None, None)
    if watch.refused is not None:
        return _refusal(*watch.refused)
    if "one statement at a time" in said:
        return UsageError("That is more than one query.", hint="Ask them one after the other.")
    if found := re.match(r"no such table: (?:(main|temp)\.)?(.+)", said):
        if found[1] and found[2].lower() in BY_NAME:
            return UsageError(
                f"There is no table named {found[1]}.{found[2]}.", hint=f"Name it without more: {found[2]}"
            )
        return no_table(found[2])
    if found := re.match(r"no such column: (.+?)(?: - .*)?$", said):
        return _no_column(found[1], query)
    if found := re.match(r"no such function: (.+)", said):
        return UsageError(
            f"There is no function named {found[1]}.",
            hint="It is SQLite's SQL: sqlite.org/lang_corefunc.html",
        )
    if found := re.match(r'near "(.*)": syntax error', said, re.DOTALL):
        if found[1].upper() == "EXPLAIN":
            return UsageError(_ONLY, hint=_LIST)
        return UsageError(f"This is not SQL that can be read, near {found[1]}.", hint=_spelling(query))
    if said.startswith(("incomplete input", "unrecognized token", "unterminated")):
        return UsageError("The query ends too early, or a quote is open.", hint=_spelling(query))
    return UsageError(f"SQLite cannot do this: {said}.", hint=_LIST)


def _spelling(query: str) -> str:
    if "’" in query or "‘" in query or "“" in query:
        return "Text stands between straight quotes: 'lung'"
    return f'For example: phr sql "SELECT date, title FROM records LIMIT 10". {_LIST}'


def _refusal(action: int, one: str | None, two: str | None) -> UsageError:
    if action == fence.READ:
        return no_table(one or "", there=True)
    if action == fence.FUNCTION:
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
