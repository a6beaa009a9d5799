"""`phr sql` beneath the command: only reading, only the documented tables, and the same rows as in a file."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from sqlcipher3 import dbapi2 as sqlite

from phr.errors import PhrError, UsageError
from phr.exporters import registry
from phr.exporters.base import Options
from phr.model import Received
from phr.sandbox.synthetic import family
from phr.store.store import Store
from phr.views.selection import Selection
from phr.views.tables import fence
from phr.views.tables.asking import asked
from phr.views.tables.fence import Watch
from phr.views.tables.listing import ABOUT, RESOURCES, TABLES
from phr.views.tables.live import Live

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"

RAW = (
    "WITH [records] AS (SELECT * FROM main.connection) SELECT * FROM [records]",
    'WITH "records" AS (SELECT a.* FROM (SELECT 1), audit_event a) SELECT * FROM "records"',
    'WITH records("(") AS MATERIALIZED (SELECT name FROM sqlite_master) SELECT * FROM records',
    "SELECT \"x'\", b.* FROM (SELECT 1) a, (WITH records AS (SELECT name FROM sqlite_master) SELECT * FROM records) b -- '",
    "WITH json_each AS (SELECT value FROM setting) SELECT * FROM json_each",
    "SELECT raw FROM resource, records",
    "SELECT (SELECT group_concat(name) FROM source) FROM records",
    "SELECT * FROM (WITH codes AS (SELECT * FROM (SELECT * FROM resource)) SELECT * FROM codes)",
)
"""Ways to the record's own tables that begin with the name of a documented one."""


def ask(store: Store, query: str, **how: Any) -> list[tuple[Any, ...]]:
    with asked(store, query, **how) as answer:
        return list(answer.rows)


def test_every_column_can_be_asked_for_by_its_plain_name(life: Store) -> None:
    for table in TABLES:
        with asked(life, f"SELECT {', '.join(table.names)} FROM {table.name}") as answer:
            assert tuple(answer.columns) == table.names
            list(answer.rows)


def test_a_query_has_the_same_rows_as_a_file(
    store: Store, source: str, received: Callable[..., Received]
) -> None:
    people = list(family())
    first = next(one["id"] for one in people if one["resourceType"] == "Patient")
    store.save(source, [received(**_named(one)) for one in people if _about(one, first)])
    store.own.correct(_of(store, "Observation"), {"title": "Mine", "value": "4.20"}, "typing error")
    store.own.note(_of(store, "Encounter"), "ask about this")
    store.own.tag(_of(store, "Condition"), ["lungs"])
    out = BytesIO()
    registry.write(store, "sqlite", Selection(), out, Options(notes=True))
    file = sqlite3.connect(":memory:")
    file.deserialize(out.getvalue())
    for table in TABLES:
        if table in (ABOUT, RESOURCES):  # what a file says of itself, and documents that go along with it
            continue
        live, written = (
            ask(store, f"SELECT * FROM {table.name}"),
            file.execute(f"SELECT * FROM {table.name}").fetchall(),
        )
        assert Counter(map(_plain, live)) == Counter(map(_plain, written)), table.name
    file.close()
    assert ask(store, "SELECT count(*) > 400, min(date) FROM records")[0][0] == 1
    assert ask(store, "SELECT value, reason FROM corrections ORDER BY field") == [
        ("Mine", "typing error"),
        ("4.20", "typing error"),
    ]
    assert ask(store, "SELECT text FROM notes") == [("ask about this",)]


def _named(resource: dict[str, Any]) -> dict[str, Any]:
    return {"type_": resource["resourceType"], "id_": resource["id"]} | {
        name: value for name, value in resource.items() if name not in ("resourceType", "id")
    }


def _about(resource: dict[str, Any], patient: str) -> bool:
    told = str(
        {name: value for name, value in resource.items() if name in ("subject", "patient", "beneficiary")}
    )
    return "Patient/" not in told or f"Patient/{patient}" in told


def _of(store: Store, type_: str) -> int:
    row = store.db.execute(
        "SELECT id FROM record WHERE supporting = 0 AND resource LIKE ? AND (value_number IS NOT NULL OR ? <> 'Observation')"
        " ORDER BY id LIMIT 1",
        (f"{type_}/%", type_),
    ).fetchone()
    return int(row[0])


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(float(one) if isinstance(one, int | float) else one for one in row)


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM records",
        "INSERT INTO notes VALUES (1, 'x', 'y')",
        "UPDATE record SET title = 'x'",
        "CREATE TABLE mine (a)",
        "DROP TABLE record",
        "PRAGMA user_version",
        "PRAGMA key = 'x'",
        "ATTACH DATABASE 'other.db' AS other",
        "VACUUM INTO 'copy.db'",
        "BEGIN",
        "REINDEX",
        "SELECT load_extension('x')",
        "SELECT * FROM record",
        "SELECT raw FROM resource",
        "SELECT * FROM setting",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM pragma_table_info('record')",
        "WITH mine AS (SELECT * FROM connection) SELECT * FROM mine",
        "WITH records AS (SELECT * FROM setting) SELECT * FROM records",
        "WITH records(a) AS NOT MATERIALIZED (SELECT value FROM setting) SELECT * FROM records",
        *RAW,
        "SELECT count(*) FROM connection",
        "SELECT count(*) FROM main.connection",
        "SELECT EXISTS (SELECT 1 FROM setting) FROM records",
        "WITH records AS (SELECT 1 FROM main.connection) SELECT count(*) FROM records",
        "SELECT title FROM records WHERE record IN main.tombstone",
        "SELECT count(*) FROM sqlite_schema",
        "SELECT count(*) FROM temp.sqlite_schema",
        "SELECT count(*) FROM pragma_table_list",
        "SELECT count(*) FROM pragma_module_list()",
        "SELECT title FROM main.records",
        "SELECT phr_observed(1)",
        "SELECT phr_cell('problems', 'onset', 1, NULL, NULL)",
        "EXPLAIN SELECT title FROM records",
        "EXPLAIN QUERY PLAN SELECT title FROM records",
        "QUERY PLAN SELECT title FROM records",
        "SELECT 1\0 FROM records",
        "SELECT '\udcff'",
        "SELECT title FROM records; SELECT 1",
        "SELEC title FROM records",
        "SELECT 'open FROM records",
        "SELECT nothing(1)",
        "",
        "-- only a remark",
    ],
)
def test_nothing_but_reading_the_documented_tables_is_possible(life: Store, query: str) -> None:
    before = life.db.execute("SELECT count(*), max(id) FROM record").fetchone()
    with pytest.raises(UsageError) as refused:
        ask(life, query)
    assert refused.value.hint and refused.value.message.endswith(".")
    assert life.db.execute("SELECT count(*), max(id) FROM record").fetchone() == before
    assert life.db.execute(
        "SELECT title FROM record LIMIT 1"
    ).fetchone()  # the record itself may be read again


@pytest.mark.parametrize("query", RAW)
def test_the_record_itself_refuses_too_what_is_read_outside_of_its_views(life: Store, query: str) -> None:
    live = Live(life)
    watch = Watch(float("inf"), live)
    with fence.opened(life, live, query) as watch.inner:
        life.db.set_authorizer(watch.allows)
        try:
            with pytest.raises(sqlite.DatabaseError, match=r"prohibited|not authorized"):
                life.db.execute(query)
        finally:
            life.db.set_authorizer(None)
    assert watch.refused
    assert not life.db.execute("SELECT 1 FROM temp.sqlite_schema").fetchall()  # nothing stays behind


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("WITH tag(a) AS (VALUES (1)) SELECT * FROM tag", [(1,)]),
        ("WITH connection(a) AS (VALUES (1), (2)) SELECT count(*) FROM connection", [(2,)]),
        ("WITH records AS (SELECT 5 AS five) SELECT five FROM records", [(5,)]),
        (
            "WITH records AS (SELECT title FROM temp.records WHERE kind = 'problem') SELECT count(*) FROM records",
            [(2,)],
        ),
        (
            "WITH record(id, supporting) AS (VALUES (1, 0)) SELECT count(*), count(title) FROM records",
            [(8, 8)],
        ),
        ("SELECT count(*) FROM 'records'", [(8,)]),
        ('SELECT count(*) FROM [Records] r LEFT JOIN "LAB_RESULTS" l USING (record)', [(8,)]),
        ("SELECT 1 WHERE 0 AND EXISTS (SELECT 1 FROM records)", []),
        ("SELECT DISTINCT 'DROP TABLE setting -- ' FROM records /* open", [("DROP TABLE setting -- ",)]),
        ("SELECT sum(value) FROM json_each('[1, 2]')", [(3,)]),
        ("SELECT count(*) FROM json_each('[1, 2]')", [(2,)]),
        (" ; -- how\n VALUES (1);", [(1,)]),
    ],
)
def test_a_right_query_is_answered_whatever_its_own_names_are(
    life: Store, query: str, rows: list[tuple[Any, ...]]
) -> None:
    assert ask(life, query) == rows


@pytest.mark.parametrize(
    "query",
    [
        "SELECT length(printf('%.*c', 900000000, 'x'))",
        "SELECT length(hex(zeroblob(500000000)))",
    ],
)
def test_a_query_that_needs_too_much_memory_is_stopped(life: Store, query: str) -> None:
    with pytest.raises(PhrError, match="megabytes of memory") as stopped:
        ask(life, query)
    assert stopped.value.exit_status == 1 and stopped.value.hint
    assert ask(life, "SELECT count(*) FROM records") == [(8,)]


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("SELECT 1 FROM lab_result", "lab_results"),
        ("SELECT 1 FROM labs", "lab_results"),
        ("SELECT 1 FROM medication", "medications"),
        ("SELECT 1 FROM obsevations", "observations"),
        ("SELECT titel FROM records", "title"),
        ("SELECT value FROM lab_results", "value_text"),
        ("SELECT r.facilty FROM records r", "facility"),
        ("SELECT end FROM records", "end_date"),
        ("SELECT dose FROM records", "medications"),
        ("SELECT 1 FROM record", "records"),
        ("SELECT 1 FROM main.records", "without more: records"),
        ('SELECT title FROM records WHERE title LIKE ’x’', "straight quotes"),
    ],
)  # fmt: skip
def test_a_slip_is_answered_with_what_was_meant(life: Store, query: str, meant: str) -> None:
    with pytest.raises(UsageError) as refused:
        ask(life, query)
    assert meant in str(refused.value.hint)


def test_a_query_that_takes_too_long_is_stopped(life: Store) -> None:
    began = time.monotonic()
    with pytest.raises(PhrError, match="longer than") as late:
        ask(life, ENDLESS, seconds=0.2)
    assert time.monotonic() - began < 5
    assert late.value.exit_status == 1
    assert ask(life, "SELECT count(*) FROM records") == [(8,)]  # and the next one is answered


def test_what_is_private_is_seen_by_the_person_alone(life: Store) -> None:
    assert ask(life, "SELECT title FROM problems WHERE sensitivity = 'restricted'") == [("Private matter",)]


def test_rows_of_the_same_name_are_told_apart(life: Store) -> None:
    with asked(
        life, "SELECT r.title, c.title FROM records r JOIN records c USING (record) LIMIT 1"
    ) as answer:
        assert answer.columns == ["title", "title_2"]


def test_bytes_that_are_no_text_are_answered_all_the_same(
    store: Store, source: str, received: Callable[..., Received]
) -> None:
    store.save(
        source, [Received("Condition", "c", b'{"resourceType":"Condition","id":"c","code":{"text":"B\xff"}}')]
    )
    assert ask(store, "SELECT json FROM resources")[0][0].startswith('{"resourceType"')
