"""The record as a plain SQLite database: the tables of `views.tables`, and the resources as their sources sent them.

For a person's own programs. Not encrypted; nothing is left beside the file, because the journal stays in memory.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from phr.exporters.about import NO_CLINICIAN, about
from phr.exporters.base import Exported, Handover
from phr.exporters.csv_facts import Counting, Facts, missing, of_kinds
from phr.exporters.fhir import type_of
from phr.exporters.files import Counted
from phr.views.tables.listing import ABOUT, RECORDS, SOURCES, TABLES, code_rows, rows
from phr.views.tables.shape import Cell, Table

_TYPES = {"text": "TEXT", "number": "NUMERIC", "date": "TEXT", "time": "TEXT", "boolean": "INTEGER"}
_ROWS = 500
_LAYOUT = 1
"""`PRAGMA user_version` of such a file."""


class SqliteExporter:
    """`phr export --format sqlite`."""

    media_type = "application/vnd.sqlite3"
    suffix = ".sqlite"

    def write_path(self, given: Handover, path: Path) -> Exported:
        """A database in this file."""
        sections = _build(given, str(path))
        return Exported(path.stat().st_size, sections, (*missing(given), *given.rewritten))

    def write(self, given: Handover, out: BinaryIO) -> Exported:
        """The same bytes to a stream: put together in memory."""
        db = sqlite3.connect(":memory:", isolation_level=None)
        try:
            sections, to = _fill(given, db), Counted(out)
            to.write(db.serialize())
        finally:
            db.close()
        return Exported(to.bytes, sections, (*missing(given), *given.rewritten))


def _build(given: Handover, path: str) -> dict[str, int]:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        return _fill(given, db)
    except (
        sqlite3.OperationalError
    ) as error:  # it is the disk of the new file that refuses, not that of the record
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
    finally:
        db.close()


def _fill(given: Handover, db: sqlite3.Connection) -> dict[str, int]:
    for pragma in (
        "journal_mode = OFF",
        "synchronous = OFF",
        "temp_store = MEMORY",
        f"user_version = {_LAYOUT}",
    ):
        db.execute(f"PRAGMA {pragma}")
    for table in TABLES:
        columns = ", ".join(f'"{one.name}" {_TYPES[one.type]}' for one in table.columns)
        db.execute(f"CREATE TABLE {table.name} ({columns})")
    db.execute(
        "CREATE TEMP TABLE said (source, resource, record, PRIMARY KEY (resource, source)) WITHOUT ROWID"
    )
    db.execute("BEGIN")
    counts = _fill_records(given, _Writer(db))
    _fill_resources(given, db)
    writer = _Writer(db)
    for name, value in _about(given):
        writer.add(ABOUT, [name, value])
    writer.flush()
    for table in TABLES:
        for key in table.keys:
            db.execute(f"CREATE INDEX {table.name}_{key} ON {table.name}({key})")
    db.execute("DROP TABLE said")
    db.execute("COMMIT")
    db.execute("ANALYZE")
    return counts


def _fill_records(given: Handover, writer: _Writer) -> dict[str, int]:
    facts, counted = Facts(given), Counting()
    for fact in facts.records():
        counted.count(fact)
        writer.add(RECORDS, RECORDS.row(fact))
        for table, cells in rows(fact):
            writer.add(table, cells)
        writer.said((one.source, one.address, int(fact.event["id"])) for one in fact.said)
    for said in facts.around():
        for table, cells in code_rows(said, None):
            writer.add(table, cells)
        writer.said([(said.source, said.address, None)])
    for cells in counted.rows(given):
        writer.add(SOURCES, cells)
    writer.flush()
    return of_kinds(writer.counts)


def _fill_resources(given: Handover, db: sqlite3.Connection) -> None:
    """Every resource of the handover, with the record that it says, where one source is sure."""
    names = {base: given.contents.names[source] for source, base in given.contents.bases.items()}
    for full_url, raw in given.resources():
        base, type_, address = _parts(full_url, raw)
        source = names.get(base)
        found = db.execute(
            "SELECT source, record FROM said WHERE resource = ?1 AND (?2 IS NULL OR source = ?2)",
            (address, source),
        ).fetchall()
        source = "; ".join(sorted(one[0] for one in found)) or source
        record = next((one[1] for one in found if one[1] is not None), None)
        json = raw.decode("utf-8", "replace")
        db.execute("INSERT INTO resources VALUES (?, ?, ?, ?, ?)", (record, address, type_, source, json))


def _parts(full_url: str, raw: bytes) -> tuple[str, str, str]:
    """`(base, type, Type/id)`; a `urn:uuid:…` of a file whose resources name each other so has no base."""
    parts = full_url.rsplit("/", 2)
    if len(parts) == 3:
        return parts[0], parts[1], f"{parts[1]}/{parts[2]}"
    type_ = type_of(raw)
    return "", type_, f"{type_}/{full_url.rpartition(':')[2]}"


def _about(given: Handover) -> list[tuple[str, str]]:
    what = about(given)
    document = what.document()
    told = [
        ("made", str(document["made"])),
        ("software", what.software),
        ("id", what.id),
        ("sources", "; ".join(what.sources)),
        ("selection", "; ".join(what.selection) or "Everything in the record"),
        ("is", NO_CLINICIAN),
    ]
    if what.whom:
        told.append(("for", what.whom))
    return told + [
        ("left out", f"{name}: {why}" + (f" ({count} times)" if count > 1 else ""))
        for name, why, count in what.left_out
    ]


class _Writer:
    """Rows, some hundreds at a time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._waiting: dict[str, list[list[Cell]]] = {}
        self._marks = {table.name: ",".join("?" * len(table.columns)) for table in TABLES}
        self.counts: dict[str, int] = {}

    def add(self, table: Table, cells: Sequence[Cell]) -> None:
        """One row. Digits become numbers: a column that takes 1.20 for 1.2 has the text of it beside."""
        waiting = self._waiting.setdefault(table.name, [])
        waiting.append(list(cells))
        self.counts[table.name] = self.counts.get(table.name, 0) + 1
        if len(waiting) >= _ROWS:
            self._write(table.name)

    def said(self, told: Iterable[tuple[str, str, int | None]]) -> None:
        """Which record a resource says."""
        self._db.executemany("INSERT OR IGNORE INTO said VALUES (?, ?, ?)", told)

    def flush(self) -> None:
        """Write what waits."""
        for name in self._waiting:
            self._write(name)

    def _write(self, name: str) -> None:
        rows_ = self._waiting[name]
        self._db.executemany(f"INSERT INTO {name} VALUES ({self._marks[name]})", rows_)  # noqa: S608
        rows_.clear()
