"""Tables for a registry: every measurement by LOINC code and UCUM unit, a row each, and once more a column each.

The files load into DuckDB, R or pandas with the right types. Nothing is de-identified: the files hold names of doctors and
places, exact days, and whatever a source wrote into a text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from phr.exporters.about import about
from phr.exporters.base import Exported, Handover
from phr.exporters.csv_facts import Counting, Facts, missing
from phr.exporters.csv_files import Sheets, Sink
from phr.exporters.csv_metadata import metadata
from phr.exporters.csv_settled import Settled
from phr.exporters.files import Counted
from phr.model import Problem
from phr.views.tables.cells import line
from phr.views.tables.listing import BY_COLUMN, OBSERVATIONS, RECORDS, SOURCES, code_rows, rows
from phr.views.tables.observations import rows as observed
from phr.views.tables.shape import Cell, Column, Fact

NOT_DEIDENTIFIED = (
    "Not de-identified: names, places, exact days and free texts are as the sources wrote them. Check what the registry"
    " may have before you send it."
)
_ONLY_VALUES = Problem(
    "table", "everything but measurements: it stands in the folder (--research -o FOLDER/)", known=True
)
_NAMES = {"problems": "conditions"}
"""As registries and FHIR say it."""
_MEASURED = frozenset(("lab_results", "vital_signs"))
"""What has a value stands in observations; what has none, the headings of panels, in reports."""
_NO_RESULT = frozenset(("entered-in-error", "cancelled"))
_FIRM = frozenset((None, "final", "amended", "corrected", "appended", "unknown"))
_AT = {name: at for at, name in enumerate(OBSERVATIONS.names)}
_CODEBOOK = tuple(
    Column(name, type_, meaning, lambda _: None)
    for name, type_, meaning in (
        ("file", "text", "Which file"),
        ("column", "text", "Which column"),
        ("type", "text", "text, number, date, time or boolean"),
        ("unit", "text", "Unit of the numbers, as a code of UCUM, where all of them have one"),
        ("loinc", "text", "LOINC code of what was measured, where it is one measurement"),
        ("name", "text", "Its name, in the words of a source"),
        ("meaning", "text", "What stands there"),
        ("filled", "number", "How many rows have something there"),
    )
)
_DATE = next(one for one in OBSERVATIONS.columns if one.name == "date")


def one_file(given: Handover, out: BinaryIO, name: str = "observations.csv") -> tuple[Exported, bytes]:
    """The measurements alone, and what they are about."""
    to, told = Counted(out), _Told()
    table = Settled(OBSERVATIONS.columns)
    for fact in Facts(given).records():
        for cells in told.kept(fact):
            table.add(cells)
    to.write(line(OBSERVATIONS.names))
    for one in table.lines():
        to.write(one)
    left = (*missing(given), *told.left_out(), _ONLY_VALUES)
    what = about(given, (*given.contents.left_out, *told.left_out(), _ONLY_VALUES))
    described = {name: OBSERVATIONS.columns}
    return Exported(to.bytes, {"observations": table.count}, left), metadata(
        what, described, NOT_DEIDENTIFIED
    )


def fill(given: Handover, sink: Sink) -> Exported:
    """All files."""
    facts, counted, told, wide = Facts(given), Counting(), _Told(), Wide()
    tables: dict[str, Settled] = {"observations": Settled(OBSERVATIONS.columns)}

    def add(name: str, columns: tuple[Column, ...], cells: list[Cell]) -> None:
        table = tables.get(name)
        if table is None:
            table = tables[name] = Settled(columns)
        table.add(cells)

    records: Counter[str] = Counter()
    for fact in facts.records():
        counted.count(fact)
        values = list(told.kept(fact))
        for cells in values:
            add("observations", OBSERVATIONS.columns, cells)
            wide.add(cells)
        for table, row in rows(fact):
            if table is OBSERVATIONS:
                continue
            if table.name not in _MEASURED:
                add(_NAMES.get(table.name, table.name), table.columns, row)
            elif not values and not told.refuses(fact):
                add("reports", RECORDS.columns, RECORDS.row(fact))
        records[fact.event["kind"]] += 1
    for said in facts.around():
        for table, row in code_rows(said, None):
            add(table.name, table.columns, row)
    for row in counted.rows(given):
        add(SOURCES.name, SOURCES.columns, row)
    if wide.columns:
        tables["observations_wide"] = wide.table()
    return _written(given, sink, tables, (*told.left_out(), *wide.left_out()), wide)


def _written(
    given: Handover, sink: Sink, tables: dict[str, Settled], left_out: tuple[Problem, ...], wide: Wide
) -> Exported:
    codebook = Settled(_CODEBOOK)
    codebook.add([None, None, None, None, None, None, NOT_DEIDENTIFIED, None])
    for problem in left_out:
        codebook.add(
            [None, None, None, None, None, None, f"Left out: {problem.type}: {problem.reason}", None]
        )
    for name, table in sorted(tables.items()):
        for column, filled in zip(table.columns, table.filled, strict=True):
            unit, loinc, called = wide.about.get(column.name, (None, None, None))
            codebook.add(
                [f"{name}.csv", column.name, column.type, unit, loinc, called, column.meaning, filled]
            )
    tables["codebook"] = codebook
    sheets = Sheets(sink)
    for name, table in sorted(tables.items()):
        sheets.add_lines(name, table.columns, table.lines(), table.count)
    described = {f"{name}.csv": table.columns for name, table in sorted(tables.items())}
    what = about(given, (*given.contents.left_out, *left_out))
    sheets.plain("csv-metadata.json", metadata(what, described, NOT_DEIDENTIFIED))
    apart = ("codebook", "codes", "sources", "observations_wide", "corrections", "notes")
    counts = {name: table.count for name, table in tables.items() if name not in apart and table.count}
    return Exported(sheets.bytes, counts, (*missing(given), *left_out))


@dataclass
class _Told:
    """Which measurements go along, and how many do not."""

    refused: Counter[str] = field(default_factory=Counter)

    def refuses(self, fact: Fact) -> bool:
        """Whether the source says that this is no result."""
        return fact.event["status"] in _NO_RESULT

    def kept(self, fact: Fact) -> Iterator[list[Cell]]:
        """The rows of a record."""
        found = list(observed(fact, BY_COLUMN, OBSERVATIONS.columns))
        if found and self.refuses(fact):
            self.refused[str(fact.event["status"])] += 1
            return
        yield from found

    def left_out(self) -> tuple[Problem, ...]:
        """In words."""
        return tuple(
            Problem("observations", f"{count} with the status {status}", known=True)
            for status, count in sorted(self.refused.items())
        )


class Wide:
    """One row a day, one column for each measurement and unit."""

    def __init__(self) -> None:
        self._days: dict[str, dict[str, str]] = {}
        self.columns: dict[str, Column] = {}
        self.about: dict[str, tuple[str | None, str | None, str | None]] = {}
        """By column: unit, LOINC code, name."""
        self._left: Counter[str] = Counter()

    def add(self, cells: list[Cell]) -> None:
        """One measurement; the last one of a day counts, and they come newest first."""
        loinc, value = cells[_AT["loinc"]], cells[_AT["value"]]
        if value is None or loinc is None:
            self._left["without a number or a LOINC code"] += 1
        elif cells[_AT["comparator"]] is not None:
            self._left["beyond a number (<5)"] += 1
        elif cells[_AT["date_precision"]] in (None, "year", "month"):
            self._left["without a day"] += 1
        elif cells[_AT["status"]] not in _FIRM:
            self._left["not final"] += 1
        elif cells[_AT["source_unit"]] is not None and cells[_AT["unit"]] is None:
            self._left["in a unit that is not certain"] += 1
        else:
            self._keep(cells, str(loinc), str(value))

    def _keep(self, cells: list[Cell], loinc: str, value: str) -> None:
        day, unit = str(cells[_AT["date"]]), cells[_AT["standard_unit"]] or cells[_AT["unit"]]
        number = str(cells[_AT["standard_value"]] or value) if cells[_AT["standard_unit"]] else value
        name = f"loinc_{loinc}_{unit}" if unit else f"loinc_{loinc}"
        called = str(cells[_AT["loinc_display"]] or loinc)
        if name not in self.columns:
            meaning = f"{called}, LOINC {loinc}" + (f", in {unit}" if unit else ", without a unit")
            self.columns[name] = Column(name, "number", meaning, lambda _: None)
            self.about[name] = (str(unit) if unit else None, loinc, called)
        row = self._days.setdefault(day, {})
        if name in row:
            self._left["earlier on the same day"] += 1
        row.setdefault(name, number)

    def table(self) -> Settled:
        """The table, newest day first."""
        names = sorted(self.columns)
        made = Settled((_DATE, *(self.columns[name] for name in names)))
        for day, row in sorted(self._days.items(), reverse=True):
            made.add([day, *(row.get(name) for name in names)])
        return made

    def left_out(self) -> tuple[Problem, ...]:
        """What stands in observations alone."""
        return tuple(
            Problem("observations_wide", f"{count} {why}: they stand in observations", known=True)
            for why, count in sorted(self._left.items())
        )
