"""The record as a plain SQLite database."""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from phr.exporters import registry
from phr.exporters.base import Options
from phr.model import Received
from phr.sandbox.synthetic import family
from phr.store.store import Store
from phr.views.selection import Selection
from phr.views.tables.listing import TABLES

QUERIES = Path(__file__).parents[2] / "examples" / "queries.sql"


def queries() -> list[str]:
    """The examples, one by one."""
    return [one.strip() for one in re.sub(r"--.*", "", QUERIES.read_text("utf-8")).split(";") if one.strip()]


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


@pytest.fixture(scope="module")
def file(sandbox: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "x.sqlite"
    registry.write_to(sandbox, "sqlite", Selection(), path, Options())
    return path


@pytest.fixture
def database(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(file)) as db:
        yield db


def test_it_has_the_documented_tables_with_indexes_and_nothing_beside_it(
    database: sqlite3.Connection, file: Path
) -> None:
    names = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names == {*(table.name for table in TABLES), "sqlite_stat1"} - ({"sqlite_stat1"} - names)
    for table in TABLES:
        columns = tuple(row[1] for row in database.execute(f"PRAGMA table_info({table.name})"))
        assert columns == table.names
    indexes = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert {
        "records_date",
        "lab_results_code",
        "codes_code",
        "observations_loinc",
        "resources_resource",
    } <= indexes
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert [one.name for one in file.parent.iterdir()] == ["x.sqlite"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_resources_are_as_they_were_sent_and_lead_to_their_records(
    database: sqlite3.Connection, sandbox: Store
) -> None:
    kept = {
        f"{type_}/{id_}": raw
        for type_, id_, raw in sandbox.db.execute("SELECT type, fhir_id, raw FROM resource")
    }
    told = dict(database.execute("SELECT resource, json FROM resources WHERE type <> 'Binary'").fetchall())
    assert {name: text.encode() for name, text in told.items()} == {
        name: bytes(raw) for name, raw in kept.items() if name in told
    }
    assert len(told) > 400
    records = database.execute("SELECT count(*) FROM records").fetchone()[0]
    joined = "SELECT count(*) FROM records JOIN resources USING (record, resource)"
    assert database.execute(joined).fetchone()[0] == records
    about = dict(database.execute("SELECT name, value FROM about").fetchall())
    assert about["sources"] == "clinic" and about["selection"] == "Everything in the record"


@pytest.mark.parametrize("query", queries())
def test_the_examples_have_answers_here_and_in_phr_sql(
    database: sqlite3.Connection, sandbox: Store, query: str
) -> None:
    from phr.views.tables.asking import asked

    rows = database.execute(query).fetchall()
    with asked(sandbox, query) as answer:
        assert sorted(map(_plain, answer.rows)) == sorted(map(_plain, rows))
    assert rows


def _plain(row: tuple[object, ...]) -> str:
    return str([float(one) if isinstance(one, int) else one for one in row])


def test_a_stream_gets_the_same_tables(sandbox: Store, database: sqlite3.Connection) -> None:
    out = io.BytesIO()
    done = registry.write(sandbox, "sqlite", Selection(), out, Options())
    with closing(sqlite3.connect(":memory:")) as other:
        other.deserialize(out.getvalue())
        for name in ("records", "codes", "resources"):
            query = f"SELECT * FROM {name} ORDER BY 1, 2, 3, 4, 5"
            assert other.execute(query).fetchall() == database.execute(query).fetchall()
    assert done.bytes == len(out.getvalue())


def test_the_same_record_gives_the_same_bytes(sandbox: Store, tmp_path: Path) -> None:
    for name in ("a", "b"):
        registry.write_to(sandbox, "sqlite", Selection(), tmp_path / name, Options(reproducible=True))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_two_sources_with_the_same_address_are_told_apart(
    store: Store, received: Callable[..., Received], tmp_path: Path
) -> None:
    for name, title in (("clinic", "Asthma"), ("hospital", "Gout")):
        store.save(store.sources.ensure(name).key, [received("Condition", "c", code={"text": title})])
    registry.write_to(store, "sqlite", Selection(), tmp_path / "x.sqlite", Options())
    with closing(sqlite3.connect(tmp_path / "x.sqlite")) as db:
        rows = db.execute(
            "SELECT r.title, r.sources, x.source, json_extract(x.json, '$.code.text') FROM records r"
            " JOIN resources x USING (record) ORDER BY 1"
        ).fetchall()
    assert rows == [("Asthma", "clinic", "clinic", "Asthma"), ("Gout", "hospital", "hospital", "Gout")]


def test_what_is_private_is_not_in_it(
    store: Store, source: str, received: Callable[..., Received], tmp_path: Path
) -> None:
    store.save(
        source, [received("AllergyIntolerance", "a", code={"text": "Egg"}), received("Condition", "c")]
    )
    row = store.db.execute("SELECT id FROM record WHERE kind = 'allergy'").fetchone()
    store.own.correct(row[0], {"sensitivity": "restricted"})
    done = registry.write_to(store, "sqlite", Selection(), tmp_path / "x.sqlite", Options())
    with closing(sqlite3.connect(tmp_path / "x.sqlite")) as db:
        assert db.execute("SELECT resource FROM records").fetchall() == [("Condition/c",)]
        assert db.execute("SELECT resource FROM resources").fetchall() == [("Condition/c",)]
    assert done.held_back == 1 and b"Egg" not in (tmp_path / "x.sqlite").read_bytes()
