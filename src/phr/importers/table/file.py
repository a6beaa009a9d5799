"""A table whose columns a mapping explains: its rows as resources.

The same row gives the same resource each time, also after the mapping was mended: its id comes from what stands in
the row, or from the row's own id where the mapping names one.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from phr.errors import UnreadableFile, UsageError
from phr.importers.base import BATCH, Part
from phr.importers.ccda import encoded
from phr.importers.found import Found, Opener
from phr.importers.table import grid, resources
from phr.importers.table.cells import Cells, Unreadable
from phr.importers.table.grid import Row
from phr.importers.table.mapping import Rows, TableMapping
from phr.model import Problem, Received

_NAMESPACE = uuid.UUID("5c0b1c3e-6f0e-4c86-9d7a-3f4f1f6f2b7d")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
_SAME = "is the same as an earlier line"
_NOBODY = "is a row that no [[rows]] table of the mapping is for"
_CELLS = "has more cells than there are columns: a delimiter inside a cell has to stand in quotation marks"


def found(opener: Opener, name: str, mapping: TableMapping) -> Found:
    """A table. Raises UsageError when the mapping names columns that the table does not have."""
    delimiter, header = _header(opener, mapping, name)
    _check_columns(mapping, header, name)
    return Found("csv", partial(_parts, opener, mapping, delimiter, header, name), nothing=_nothing)


def _nothing(name: str, problems: Sequence[Problem]) -> UnreadableFile:
    """What to say of a table of which nothing came: the commonest reason."""
    if not problems:
        return UnreadableFile(f"{name} has no row.", hint="Look at [file] skip_rows of the mapping")
    [(why, count)] = Counter(one.reason for one in problems).most_common(1)
    return UnreadableFile(
        f"{name} has no row that the mapping makes a record of: {count} × “{why}”.",
        hint="What a mapping can say stands in docs/importing.md",
    )


def _header(opener: Opener, mapping: TableMapping, name: str) -> tuple[str, tuple[str, ...]]:
    """The delimiter, and the columns in the order of the file."""
    with grid.opened(opener(), mapping.encoding) as text:
        line = grid.first_line(text, mapping.encoding, name, mapping.skip_rows)
    if line is None:
        raise UnreadableFile(f"{name} has no line to read.", hint="Look at [file] skip_rows of the mapping")
    wanted = [column for column, _ in mapping.columns()]
    delimiter = mapping.delimiter or grid.best_delimiter(line, wanted)
    if mapping.header:
        return delimiter, mapping.header
    with grid.opened(opener(), mapping.encoding) as text:
        row = next(grid.rows(text, delimiter, mapping.encoding, name, mapping.skip_rows))
    if row.wrong is not None:
        raise UnreadableFile(f"The line of {name} that should name its columns {row.wrong}.")
    return delimiter, row.cells


def _check_columns(mapping: TableMapping, header: tuple[str, ...], name: str) -> None:
    there = {column.casefold() for column in header}
    for column, where in mapping.columns():
        if column.casefold() not in there:
            raise UsageError(
                f"{name} has no column {column!r}, which {where} of {mapping.name} names.",
                hint=f"It has: {', '.join(one for one in header[:30] if one)}"[:600],
            )


def _parts(
    opener: Opener, mapping: TableMapping, delimiter: str, header: tuple[str, ...], name: str
) -> Iterator[Part]:
    subject, person = _person(mapping)
    received, problems = list(person), list[Problem]()
    seen: set[uuid.UUID] = set()
    columns = [column.casefold() for column in header]
    with grid.opened(opener(), mapping.encoding) as text:
        lines = grid.rows(text, delimiter, mapping.encoding, name, mapping.skip_rows)
        for row in lines if mapping.header else _after_header(lines):
            made, remarks = _made(row, columns, mapping, subject, seen)
            received += made
            problems += remarks
            if len(received) >= BATCH or len(problems) >= BATCH:
                yield tuple(received), {}, tuple(problems)
                received, problems = [], []
    yield tuple(received), {}, tuple(problems)


def _after_header(lines: Iterator[Row]) -> Iterator[Row]:
    next(lines, None)
    return lines


def _person(mapping: TableMapping) -> tuple[str, list[Received]]:
    """Whose rows these are. A Patient is made only of what the mapping says of one; nobody is invented."""
    said = mapping.patient
    id_ = said.get("id") or "patient"
    if "id" not in said or _ID.fullmatch(id_) is None:
        id_ = str(uuid.uuid5(_NAMESPACE, id_))
    if not {"name", "birth_date", "gender"} & set(said):
        return f"Patient/{id_}", []
    patient = {
        "resourceType": "Patient",
        "id": id_,
        **({"name": [{"text": said["name"]}]} if "name" in said else {}),
        **({"gender": said["gender"]} if "gender" in said else {}),
        **({"birthDate": said["birth_date"]} if "birth_date" in said else {}),
    }
    return f"Patient/{id_}", [encoded(patient)]


def _made(
    row: Row, columns: list[str], mapping: TableMapping, subject: str, seen: set[uuid.UUID]
) -> tuple[list[Received], list[Problem]]:
    """The resources of one row, one for each table that is for it, and what is to be said."""
    line = f"line {row.line}"
    if row.wrong is not None:
        return [], [Problem("line", row.wrong, id=line)]
    if not any(row.cells):
        return [], []
    if any(row.cells[len(columns) :]):
        return [], [Problem("line", _CELLS, id=line)]
    cells = dict(zip(columns, row.cells, strict=False))
    tables = [(number, rows) for number, rows in enumerate(mapping.rows) if _is_for(rows, cells)]
    if not tables:
        return [], [Problem("line", _NOBODY, id=line, known=True)]
    key = uuid.uuid5(_NAMESPACE, json.dumps([subject, sorted(cells.items())]))
    if key in seen:
        return [], [Problem("line", _SAME, id=line, known=True)]
    seen.add(key)
    received, problems = list[Received](), list[Problem]()
    for number, rows in tables:
        told = Cells(mapping, rows, cells)
        try:
            resource = resources.resource(told, subject)
        except Unreadable as error:
            problems.append(Problem("line", str(error), id=line))
            continue
        problems += [Problem("line", remark, id=line, known=True) for remark in dict.fromkeys(told.remarks)]
        if resource is not None:
            received.append(encoded(_with_id(resource, told, key, number)))
    return received, problems


def _is_for(rows: Rows, cells: dict[str, str]) -> bool:
    return all(cells.get(column.casefold(), "").casefold() in wanted for column, wanted in rows.when.items())


def _with_id(resource: dict[str, Any], told: Cells, key: uuid.UUID, number: int) -> dict[str, Any]:
    """The row's own id counts with what it is about: an order has one number and many results."""
    own = told.get("id")
    about = [own, told.get("id_system"), told.get("text"), told.get("code")] if own else [str(key), number]
    id_ = str(uuid.uuid5(_NAMESPACE, json.dumps([resource["resourceType"], *about])))
    return {"resourceType": resource["resourceType"], "id": id_, **resource}
