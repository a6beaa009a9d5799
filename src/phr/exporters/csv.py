"""The record as tables that any program opens: one CSV file for each kind of record, and one for every code.

UTF-8, RFC 4180, a line of names, numbers with the digits of their source, and no cell that runs as a formula (see
`views.tables.cells`). A folder, a ZIP, or one file: then the table of the one kind that was asked for, else `records`. What
each column means stands beside, in `csv-metadata.json`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import orjson

from phr.exporters.about import about
from phr.exporters.base import Exported, Handover
from phr.exporters.csv_facts import Counting, Facts, missing, of_kinds
from phr.exporters.csv_files import Folder, Sheets, Sink, Zipped
from phr.exporters.csv_metadata import metadata
from phr.exporters.files import Counted, to_file
from phr.model import Problem
from phr.views.tables.cells import line, written
from phr.views.tables.listing import OF_KIND, RECORDS, SOURCES, code_rows, rows
from phr.views.tables.shape import Table

METADATA = "csv-metadata.json"
_ONE = Problem(
    "table",
    "further codes, parts of measurements and columns of single kinds: they stand in the folder (-o FOLDER/)",
    known=True,
)
_NOTES = Problem("table", "your notes: they stand in the folder (-o FOLDER/)", known=True)


class CsvExporter:
    """`phr export --format csv`."""

    media_type = "text/csv"
    suffix = ".csv"
    folder_first = True
    file_suffixes = (".csv", ".zip")

    def made(self, files: Sequence[Path]) -> bool:
        """What their own metadata names, and nothing beside."""
        about = next((one for one in files if one.name == METADATA), None)
        if about is None:
            return False
        try:
            told = orjson.loads(about.read_bytes())
            named = {one["url"] for one in told.get("tables", [told])} | {METADATA}
        except (ValueError, TypeError, KeyError, AttributeError, OSError):
            return False
        return {one.name for one in files} <= named

    def write(self, given: Handover, out: BinaryIO) -> Exported:
        """One table."""
        return _one(given, out, "table.csv")[0]

    def write_as(self, given: Handover, out: BinaryIO, name: Path) -> Exported:
        """One table with what it is about beside it, or everything in a ZIP."""
        if name.suffix.lower() == ".zip":
            packed, to = Zipped(), Counted(out)
            done = _all(given, packed)
            packed.write(to, given.header.made)
            return replace(done, bytes=to.bytes)
        done, beside = _one(given, out, name.name)
        if not name.exists() or name.is_file():  # beside a pipe or a device stands nothing
            out.flush()  # a full disk is noticed before
            to_file(name.with_name(f"{name.name}-metadata.json"), lambda file: file.write(beside))
        return done

    def write_folder(self, given: Handover, folder: Path) -> Exported:
        """One file for each table that has rows."""
        files = Folder(folder)
        try:
            return _all(given, files)
        finally:
            files.close()


def _all(given: Handover, sink: Sink) -> Exported:
    """Every table that has rows, and what they are about."""
    if given.options.research:
        from phr.exporters.csv_research import fill

        return fill(given, sink)
    sheets, facts, counted = Sheets(sink), Facts(given), Counting()
    for fact in facts.records():
        counted.count(fact)
        for table, cells in rows(fact):
            sheets.add(table.name, table.columns, cells)
    for said in facts.around():
        for table, cells in code_rows(said, None):
            sheets.add(table.name, table.columns, cells)
    for cells in counted.rows(given):
        sheets.add(SOURCES.name, SOURCES.columns, cells)
    described = {f"{name}.csv": columns for name, columns in sorted(sheets.columns.items())}
    sheets.plain(METADATA, metadata(about(given), described))
    return Exported(sheets.bytes, of_kinds(sheets.counts), missing(given))


def _table(given: Handover) -> Table:
    kinds = given.selection.kinds
    return OF_KIND[kinds[0]] if len(set(kinds)) == 1 else RECORDS


def _one(given: Handover, out: BinaryIO, name: str) -> tuple[Exported, bytes]:
    """The one table that stands for all, and what it is about."""
    if given.options.research:
        from phr.exporters.csv_research import one_file

        return one_file(given, out, name)
    table, to, count = _table(given), Counted(out), 0
    types = [one.type for one in table.columns]
    to.write(line(table.names))
    for fact in Facts(given, bytes_too=table is not RECORDS).records():
        to.write(line(written(cell, type_) for cell, type_ in zip(table.row(fact), types, strict=True)))
        count += 1
    beside = (_ONE, _NOTES) if given.options.notes else (_ONE,)
    what = metadata(about(given, (*given.contents.left_out, *beside)), {name: table.columns})
    return Exported(to.bytes, {table.name: count}, (*missing(given), *beside)), what
