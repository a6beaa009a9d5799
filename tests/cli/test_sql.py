"""`phr sql` as it is typed: shapes, formats, help, and what a person reads when a query makes no sense."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
import time
from itertools import count, islice
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.cli import sql, sql_lines
from phr.cli.text import Screen, width
from phr.workspace import Workspace

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


def test_json_has_columns_rows_and_total(phr: Any, record: Workspace) -> None:
    said = phr(
        "sql",
        "SELECT date, title, value_number AS v FROM lab_results ORDER BY v DESC",
        "--json",
        "--limit",
        "2",
    )
    assert said.status == 0 and set(said.json) == {"schema", "columns", "rows", "total"}
    assert said.json["columns"] == ["date", "title", "v"] and said.json["total"] == 5
    assert said.json["rows"][0] == {"date": "2024-03-12", "title": "Sodium", "v": 140}


@pytest.mark.parametrize("layout", ["ndjson", "csv"])
def test_rows_come_one_by_one_in_the_other_formats(phr: Any, record: Workspace, layout: str) -> None:
    said = phr("sql", "SELECT record, title FROM records ORDER BY title", "--format", layout)
    if layout == "ndjson":
        titles = [orjson.loads(line)["title"] for line in said.out.splitlines()]
        assert "=HYPERLINK(1)" in titles
    else:
        rows = list(csv.DictReader(io.StringIO(said.out, newline="")))
        titles = [row["title"] for row in rows]
        assert "'=HYPERLINK(1)" in titles and all(row["record"].isdigit() for row in rows)
    assert len(titles) == 6


def test_a_table_is_read_without_a_control_character(phr: Any, record: Workspace) -> None:
    said = phr("sql", "SELECT date, title, value_text, unit FROM lab_results WHERE abnormal")
    head, row = said.out.splitlines()
    assert head.split() == ["date", "title", "value_text", "unit"] and "mmol/L" in row
    assert (
        "\x1b" not in said.out and "\u202e" not in said.out and all(width(one) <= 80 for one in (head, row))
    )
    assert said.err.strip() == "1 row."


def test_a_query_may_come_through_standard_input(process: Any, record: Workspace) -> None:
    said = process("sql", "-", "--json", stdin="-- how many\nSELECT count(*) AS n FROM records;\n")
    assert (said.status, said.json["rows"]) == (0, [{"n": 6}])


def test_without_a_query_the_help_has_examples(phr: Any, record: Workspace) -> None:
    said = phr("sql")
    assert said.status == 0 and "SELECT date, title" in said.out and "phr sql --tables" in said.out
    assert phr("sql", "--json").status == 2


def test_what_there_is_to_ask_is_listed(phr: Any) -> None:
    said = phr("sql", "--tables")
    assert said.status == 0 and all(len(line) <= 80 for line in said.out.splitlines())
    assert {"records  ", "codes  ", "lab_results  "} <= {
        line.split("  ")[0] + "  " for line in said.out.splitlines()
    }
    one = phr("sql", "--tables", "allergies")
    assert "criticality" in one.out and "How dangerous" in one.out
    told = phr("sql", "--tables", "--json").json["tables"]
    assert {"name", "type", "meaning"} == set(told[0]["columns"][0])
    assert phr("sql", "--tables", "allergy").status == 2


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("DELETE FROM records", "only reads"),
        ("PRAGMA table_info(record)", "only reads"),
        ("SELECT titel FROM records", "Did you mean title?"),
        ("SELECT * FROM labs", "Did you mean lab_results?"),
        ("hello", "phr sql --tables"),
    ],
)
def test_a_query_that_makes_no_sense_is_answered_in_words(
    phr: Any, record: Workspace, query: str, word: str
) -> None:
    said = phr("sql", query)
    assert said.status == 2 and said.out == "" and word in said.err and "Traceback" not in said.err


def test_a_query_without_end_is_stopped(phr: Any, record: Workspace) -> None:
    said = phr("sql", ENDLESS, "--timeout", "0.2")
    assert said.status == 1 and "longer than 0.2 seconds" in said.err


def test_an_answer_that_is_too_large_for_one_document_is_none(
    phr: Any, record: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "_WHOLE", 10_000)
    said = phr("sql", ENDLESS.replace("count(*)", "x"), "--json")
    assert said.status == 1 and set(said.json) == {"schema", "error"}
    assert "ndjson" in said.json["error"]["hint"]
    assert len(phr("sql", "SELECT title FROM records", "--json").json["rows"]) == 6


def test_a_table_without_end_goes_out_row_by_row() -> None:
    rows = ((number, "wide" * (number % 3)) for number in count())
    lines = list(islice(sql_lines.drawn(["n", "text"], rows, Screen(None, False)), 30_000))
    assert lines[1].split() == ["0"] and lines[-1] == f"{29_998:5}  wide"
    assert next(rows)[0] < 31_000  # no more was asked for than was shown


def test_ctrl_c_ends_a_query_at_once(record: Workspace, tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "phr", "sql", ENDLESS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ),
        cwd=tmp_path,
    )
    ends = time.monotonic() + 15
    while not list(tmp_path.rglob("records.db-shm")) and time.monotonic() < ends:
        time.sleep(0.02)  # the record is open once its index is there
    time.sleep(0.4)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=20)
    assert child.returncode == 130 and out == b"" and b"Traceback" not in err


def test_a_row_that_is_too_wide_becomes_a_block() -> None:
    view = Screen(60, False)
    names = [f"column_{number}" for number in range(12)]
    lines = list(
        sql_lines.drawn(names, [[f"value {number}" * 3 for number in range(12)], [None] * 11 + [1]], view)
    )
    assert max(map(width, lines)) <= 60 and lines[0].startswith("── row 1")
    assert sum(line.startswith("column_0 ") for line in lines) == 1  # what is empty is left out
    assert next(sql_lines.drawn(names, [["x"] * 12], Screen(None, False))).split() == names


def test_columns_give_way_to_each_other_and_numbers_stand_to_the_right() -> None:
    rows = [
        ["2024-01-01", "a long title that has to give way to the others", 1.5],
        ["2024-01-02", "short", 120],
    ]
    lines = list(sql_lines.drawn(["date", "title", "value"], rows, Screen(40, False)))
    assert max(map(width, lines)) <= 40 and lines[1].endswith("1.5") and lines[2].endswith("120")
    assert "…" in lines[1] and lines[1].startswith("2024-01-01  a long")
