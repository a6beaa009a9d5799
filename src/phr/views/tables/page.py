"""The tables as a page of Markdown: the part of docs/tables.md that is made from their definition."""

from __future__ import annotations

from collections.abc import Iterable

from phr.views.tables.listing import RECORDS, TABLES
from phr.views.tables.shape import Column, Table

BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


def page() -> str:
    """Every table with its columns; what all kinds have in common stands at `records`."""
    return "\n".join(line for table in TABLES for line in _table(table)) + "\n"


def _table(table: Table) -> Iterable[str]:
    yield f"### {table.name}"
    yield ""
    yield f"{table.meaning}." + (f" The kind `{table.kind}`." if table.kind else "")
    columns = table.columns
    if table.kind is not None:
        yield ""
        columns = columns[len(RECORDS.columns) :]
        yield "The columns of `records`" + (", and:" if columns else ".")
    yield ""
    yield "| column | type | meaning |"
    yield "|---|---|---|"
    yield from map(_row, columns)
    yield ""


def _row(column: Column) -> str:
    return f"| `{column.name}` | {column.type} | {column.meaning.replace('|', chr(92) + '|')} |"


def with_tables(text: str) -> str:
    """A page with this part put in anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{page()}\n{END}{after}"
