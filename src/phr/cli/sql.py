"""`phr sql`: ask the record in SQL. Read-only, over the tables that docs/tables.md describes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json, usage
from phr.errors import PhrError

if TYPE_CHECKING:
    from phr.views.tables.asking import Answer

_SCREEN = 200
"""Rows on a terminal, unless more are asked for."""
_LONGEST = 1_000_000
"""Characters of a query."""
_WHOLE = 256 * 2**20
"""Bytes of an answer that has to be whole before its first byte goes out."""


class SqlFormat(StrEnum):
    """How the answer is written."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


Query = Annotated[
    str | None,
    typer.Argument(help="One SELECT; - reads it from standard input.", metavar="[QUERY]", show_default=False),
]
Tables = Annotated[bool, typer.Option("--tables", help="What there is to ask: tables and their columns.")]
Layout = Annotated[SqlFormat, typer.Option("--format", envvar="PHR_SQL_FORMAT", help="How it is written.")]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        "-n",
        min=0,
        help=f"At most so many rows (default: {_SCREEN} on a terminal, else all).",
        metavar="N",
    ),
]
Timeout = Annotated[
    float, typer.Option("--timeout", min=0.1, help="Seconds after which a query is stopped.", metavar="S")
]


def sql(
    ctx: typer.Context,
    query: Query = None,
    tables: Tables = False,
    layout: Layout = SqlFormat.TABLE,
    limit: Limit = None,
    timeout: Timeout = 60.0,
    json: Json = False,
) -> None:
    """Ask your record in SQL. It only reads; nothing can be changed.

    A table for each kind of record (lab_results, medications, …), records with all of them, observations with every
    measured value, codes with every code. The same tables are what phr export --format csv and sqlite write. It is
    SQLite's SQL; text stands between single quotes. You see everything here, also what you marked as private.

    \b
    phr sql --tables                   (what there is; phr sql --tables problems)
    phr sql "SELECT date, title, value_text, unit FROM lab_results
             WHERE abnormal ORDER BY date DESC LIMIT 20"
    phr sql "SELECT substr(date, 1, 4) AS year, max(value) AS litres
             FROM observations WHERE loinc = '20150-9' GROUP BY year"
    phr sql - --format csv < query.sql > answer.csv

    Exit statuses: 0 fine, 1 failed (also: stopped after --timeout), 2 usage (also: a query that cannot be read), 6
    locked.
    """
    layout = SqlFormat.JSON if json else layout
    if tables:
        _show_tables(query, as_json=layout is SqlFormat.JSON)
        return
    if query is None:
        if layout is SqlFormat.JSON:
            raise usage(
                "There is no query.", 'For example: phr sql "SELECT date, title FROM records LIMIT 10"'
            )
        sys.stdout.write(ctx.get_help() + "\n")
        return
    words = sys.stdin.read(_LONGEST) if query == "-" else query
    on_screen = layout is SqlFormat.TABLE and sys.stdout.isatty()
    from phr.views.tables.asking import asked

    with workspace(ctx).store() as store, asked(store, words, seconds=timeout) as answer:
        _write(answer, layout, _SCREEN if limit is None and on_screen else limit)


def _write(answer: Answer, layout: SqlFormat, limit: int | None) -> None:
    if layout is SqlFormat.JSON:
        import orjson

        rows, count = _held(answer, limit)
        total = count + sum(1 for _ in answer.rows)
        output.emit_json({"columns": answer.columns, "rows": orjson.Fragment(rows), "total": total})
    elif layout is SqlFormat.NDJSON:
        output.emit_ndjson(_named(answer, row) for row in islice(answer.rows, limit))
    elif layout is SqlFormat.CSV:
        from phr.views.tables.cells import guarded, line, written

        output.write(line(map(guarded, answer.columns)), flush=False)
        for row in islice(answer.rows, limit):
            output.write(line(written(_plain(cell), "text") for cell in row), flush=False)
        sys.stdout.flush()
    else:
        from phr.cli.sql_lines import drawn

        shown = _Counted(islice(answer.rows, limit))
        output.emit(drawn(answer.columns, shown, output.out()))
        more = next(answer.rows, None) is not None
        output.talk(
            f"{shown.count:,} {'row' if shown.count == 1 else 'rows'}{'; there are more: --limit N' if more else ''}."
        )


class _Counted:
    """Rows as they go by, and how many they were."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for row in self._rows:
            self.count += 1
            yield row


def _held(answer: Answer, limit: int | None) -> tuple[bytes, int]:
    """The rows as one JSON array, and their number. A query may fail at its last row, and half a document is none; so it is
    held, as the bytes that it is, up to a size."""
    held, count = bytearray(b"["), 0
    for count, row in enumerate(islice(answer.rows, limit), 1):
        held += b"," if count > 1 else b""
        held += output.dump(_named(answer, row))
        if len(held) > _WHOLE:
            raise PhrError(
                f"The answer is larger than {_WHOLE >> 20:,} megabytes, too much for one JSON document.",
                hint="--format ndjson (or csv) writes it row by row; or ask for less: WHERE, --limit N",
            )
    held += b"]"
    return bytes(held), count


def _named(answer: Answer, row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(answer.columns, map(_plain, row), strict=True))


def _plain(cell: Any) -> Any:
    """Bytes are nothing for a terminal or for JSON."""
    return f"({len(cell):,} bytes)" if isinstance(cell, bytes) else cell


def _show_tables(name: str | None, *, as_json: bool) -> None:
    from phr.views.tables.listing import BY_NAME, TABLES

    if name is not None and name not in BY_NAME:
        from phr.views.tables.asking import no_table

        raise no_table(name)
    shown = TABLES if name is None else (BY_NAME[name],)
    if as_json:
        output.emit_json(
            {
                "tables": [
                    {
                        "name": table.name,
                        "meaning": table.meaning,
                        "kind": table.kind,
                        "columns": [
                            {"name": one.name, "type": one.type, "meaning": one.meaning}
                            for one in table.columns
                        ],
                    }
                    for table in shown
                ]
            }
        )
        return
    from phr.cli.sql_lines import described, overview

    output.emit(overview(shown, output.out()) if name is None else described(shown[0], output.out()))
