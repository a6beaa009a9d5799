"""Tables for a registry: they load into DuckDB with the right types, and nothing is invented or lost on the way."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.exporters import registry
from phr.exporters.base import Options
from phr.exporters.csv_settled import SAMPLE, Settled
from phr.model import Received
from phr.sandbox.synthetic import family
from phr.store.store import Store
from phr.views.selection import Selection
from phr.views.tables.shape import Column

duckdb = pytest.importorskip("duckdb")
LOINC = "http://loinc.org"
DOCS = Path(__file__).parents[2] / "docs" / "tables.md"
Make = Callable[..., Received]


def measured(
    received: Make, id_: str, when: str, loinc: str, value: Any, unit: str | None, **more: Any
) -> Received:
    quantity = {"value": value, **({"unit": unit} if unit else {}), **more.pop("quantity", {})}
    code = {"coding": [{"system": LOINC, "code": loinc, "display": f"Test {loinc}"}]}
    body = {"status": "final", "code": code, "effectiveDateTime": when, "valueQuantity": quantity}
    return received(
        "Observation", id_, **{**body, "category": [{"coding": [{"code": "laboratory"}]}], **more}
    )


def research(store: Store, path: Path) -> tuple[dict[str, list[dict[str, str]]], Any]:
    done = registry.write_to(store, "csv", Selection(), path, Options(research=True), folder=True)
    files = {
        one.stem: list(csv.DictReader(io.StringIO(one.read_bytes().decode(), newline="")))
        for one in path.glob("*.csv")
    }
    return files, done


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The invented family's first member; nobody writes into it."""
    people = list(family())
    first = next(one["id"] for one in people if one["resourceType"] == "Patient")
    told = [one for one in people if f"Patient/{first}" in str(one) or one["id"] == first]
    with Store(tmp_path_factory.mktemp("sandbox") / "records.db", bytes(32), create=True) as opened:
        key = opened.sources.ensure("clinic").key
        opened.save(key, [Received(one["resourceType"], one["id"], orjson.dumps(one)) for one in told])
        yield opened


def test_fev1_for_each_year_is_the_one_query_of_the_manual(sandbox: Store, tmp_path: Path) -> None:
    research(sandbox, tmp_path / "registry")
    (query,) = re.findall(r"```sql\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    rows = duckdb.sql(query.replace("registry/", f"{tmp_path}/registry/").rstrip().rstrip(";")).fetchall()

    assert len(rows) >= 10 and len({year for year, _, _ in rows}) == len(rows)
    assert {unit for _, _, unit in rows} == {"L"}
    assert all(
        isinstance(year, int) and isinstance(litres, float) and 1 < litres < 5 for year, litres, _ in rows
    )


def test_every_file_loads_with_the_types_that_its_codebook_says(sandbox: Store, tmp_path: Path) -> None:
    files, _ = research(sandbox, tmp_path / "out")
    types = {"text": ("VARCHAR", "BIGINT", "DOUBLE", "DATE"), "number": ("DOUBLE", "BIGINT"), "date": ("DATE",),
             "boolean": ("BOOLEAN",), "time": ("TIME",)}  # fmt: skip
    said = {(one["file"], one["column"]): one for one in files["codebook"]}
    for name, rows in files.items():
        loaded = duckdb.sql(f"SELECT * FROM read_csv_auto('{tmp_path}/out/{name}.csv')")
        found = loaded.fetchall()
        assert len(found) == len(rows) > 0, name
        for at, (column, type_) in enumerate(zip(loaded.columns, loaded.types, strict=True)):
            filled = sum(1 for row in rows if row[column])
            if name != "codebook":
                assert int(said[f"{name}.csv", column]["filled"]) == filled
                if filled:
                    assert str(type_) in types[said[f"{name}.csv", column]["type"]], (name, column)
                    assert sum(1 for row in found if row[at] is not None) == filled
    loinc = dict(zip(*_columns(tmp_path / "out" / "observations.csv"), strict=True))
    assert (loinc["date"], loinc["value"], loinc["loinc"], loinc["standard_value"]) == (
        "DATE",
        "DOUBLE",
        "VARCHAR",
        "DOUBLE",
    )


def _columns(path: Path) -> tuple[list[str], list[str]]:
    loaded = duckdb.sql(f"SELECT * FROM read_csv_auto('{path}')")
    return loaded.columns, [str(one) for one in loaded.types]


def test_values_are_as_sent_and_once_more_in_the_unit_to_compare_in(
    store: Store, source: str, received: Make, tmp_path: Path
) -> None:
    store.save(
        source,
        [
            measured(received, "g", "2024-05-01", "14749-6", 5.5, "mmol/l"),
            measured(received, "b", "2024-05-01", "5902-2", 4.5, "Ehrlich units"),
            measured(received, "l", "2024-05-01", "2345-7", 40, "mg/dL", quantity={"comparator": "<"}),
        ],
    )
    files, _ = research(store, tmp_path / "out")
    told = {one["loinc"]: one for one in files["observations"]}

    assert [told["14749-6"][name] for name in ("value", "unit", "standard_value", "standard_unit", "source_unit")] == [
        "5.5", "mmol/L", "99.0858", "mg/dL", "mmol/l",
    ]  # fmt: skip
    assert [told["5902-2"][name] for name in ("value", "unit", "standard_value", "source_unit")] == [
        "4.5",
        "",
        "",
        "Ehrlich units",
    ]
    assert [told["2345-7"][name] for name in ("value", "comparator", "source_value")] == ["40", "<", "<40"]


def test_one_row_a_day_has_what_is_certain_and_says_what_is_not_there(
    store: Store, source: str, received: Make, tmp_path: Path
) -> None:
    store.save(
        source,
        [
            measured(received, "1", "2024-05-01T08:00:00Z", "20150-9", 2.1, "L"),
            measured(received, "2", "2024-05-01T18:00:00Z", "20150-9", 2300, "mL"),
            measured(received, "3", "2024-06", "20150-9", 2.2, "L"),
            measured(received, "4", "2024-07-01", "20150-9", 2.2, "L", quantity={"comparator": ">"}),
            measured(received, "5", "2024-07-02", "20150-9", 1.1, "L", status="preliminary"),
            measured(received, "6", "2024-07-03", "20150-9", 9.9, "L", status="cancelled"),
            measured(received, "7", "2024-07-04", "6301-6", 1.1, None),
        ],
    )
    files, done = research(store, tmp_path / "out")
    reasons = " ".join(f"{one.type}: {one.reason}" for one in done.left_out)

    assert files["observations_wide"] == [
        {"date": "2024-07-04", "loinc_20150-9_L": "", "loinc_6301-6": "1.1"},
        {"date": "2024-05-01", "loinc_20150-9_L": "2.3", "loinc_6301-6": ""},
    ]
    assert len(files["observations"]) == 6
    for word in (
        "1 with the status cancelled",
        "1 earlier on the same day",
        "1 not final",
        "1 beyond",
        "1 without a day",
    ):
        assert word in reasons
    meant = {one["column"]: one for one in files["codebook"] if one["file"] == "observations_wide.csv"}
    assert [meant["loinc_20150-9_L"][name] for name in ("unit", "loinc", "filled")] == ["L", "20150-9", "1"]
    assert "Not de-identified" in files["codebook"][0]["meaning"]


def test_problems_are_conditions_and_a_panel_without_a_value_is_a_report(
    store: Store, source: str, received: Make, tmp_path: Path
) -> None:
    laboratory = [{"coding": [{"code": "LAB"}]}]
    store.save(
        source,
        [
            received("Condition", "c", code={"text": "Asthma"}),
            received(
                "DiagnosticReport",
                "d",
                category=laboratory,
                code={"text": "Panel"},
                result=[{"display": "x"}],
            ),
        ],
    )
    files, _ = research(store, tmp_path / "out")
    assert [one["title"] for one in files["conditions"]] == ["Asthma"]
    assert [one["title"] for one in files["reports"]] == ["Panel"]
    assert "problems" not in files and "lab_results" not in files


def test_the_measurements_alone_go_into_one_file(store: Store, source: str, received: Make) -> None:
    store.save(
        source, [measured(received, "1", "2024-05-01", "20150-9", 2.1, "L"), received("Condition", "c")]
    )
    out = io.BytesIO()
    done = registry.write(store, "csv", Selection(), out, Options(research=True))
    (row,) = csv.DictReader(io.StringIO(out.getvalue().decode(), newline=""))
    assert (row["loinc"], row["value"]) == ("20150-9", "2.1") and done.sections == {"observations": 1}
    assert any("stands in the folder" in one.reason for one in done.left_out)


def test_types_are_guessed_right_in_a_long_file_that_is_empty_at_the_beginning(tmp_path: Path) -> None:
    columns = tuple(
        Column(name, type_, "x", lambda _: None)
        for name, type_ in (
            ("n", "number"),
            ("late", "number"),
            ("word", "text"),
            ("day", "date"),
            ("yes", "boolean"),
        )
    )
    table = Settled(columns)
    for number in range(SAMPLE + 10_000):
        table.add([str(number), None, "1", None, None])
    table.add(["1.5", "3", "abc", "2024-01-02", True])
    table.add(["2", "2.50", "1", None, None])
    path = tmp_path / "x.csv"
    path.write_bytes(b"n,late,word,day,yes\r\n" + b"".join(table.lines()))
    loaded = duckdb.sql(f"SELECT * FROM read_csv_auto('{path}')")

    assert [str(one) for one in loaded.types] == ["DOUBLE", "DOUBLE", "VARCHAR", "DATE", "BOOLEAN"]
    assert len(loaded.fetchall()) == table.count == SAMPLE + 10_002
    assert table.filled == [SAMPLE + 10_002, 2, SAMPLE + 10_002, 1, 1]
