"""The record as CSV: every table, every code, harmless cells, and what it is about beside it."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phr.errors import PhrError
from phr.exporters import registry
from phr.exporters.base import Exported, Options
from phr.model import Received
from phr.store.store import Store
from phr.views.selection import EVERYTHING, Selection
from phr.views.tables.cells import bare
from phr.views.tables.listing import BY_NAME

LOINC = "http://loinc.org"
Make = Callable[..., Received]


@pytest.fixture
def filled(store: Store, source: str, received: Make) -> Store:
    """A result of each kind of trouble, a problem, an allergy, a medication by reference."""
    store.save(
        source,
        [
            received(
                "Patient",
                "p",
                name=[{"text": "Ada Example"}],
                maritalStatus={"coding": [{"system": "m", "code": "M"}]},
            ),
            lab(received, "o1", "2024-03-12T08:30:00-05:00", "1.20"),
            lab(received, "o2", "2023-11", "3", interpretation=[{"coding": [{"code": "H"}]}]),
            received("Condition", "c1", code={"text": '=HYPERLINK("http://x";"y")'}, onsetDateTime="2019"),
            received(
                "AllergyIntolerance",
                "a1",
                code={"coding": [{"system": "http://snomed.info/sct", "code": "91936005"}]},
                reaction=[
                    {
                        "manifestation": [
                            {"coding": [{"system": "http://snomed.info/sct", "code": "247472004"}]}
                        ]
                    }
                ],
            ),
            received(
                "Medication",
                "m",
                code={"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "435"}]},
            ),
            received(
                "MedicationRequest", "r", status="active", medicationReference={"reference": "Medication/m"}
            ),
        ],
    )
    return store


def lab(received: Make, id_: str, date: str, value: str, **more: Any) -> Received:
    """A result whose number has exactly these digits."""
    body = received(
        "Observation",
        id_,
        status="final",
        category=[{"coding": [{"code": "laboratory"}]}],
        code={"coding": [{"system": LOINC, "code": "2345-7", "display": "-Glucose"}]},
        effectiveDateTime=date,
        valueQuantity={"value": 1, "unit": "mmol/L"},
        referenceRange=[{"low": {"value": 2}, "high": {"value": 9}}],
        **more,
    )
    raw = body.raw.replace(b'"value":1,', f'"value":{value},'.encode()).replace(
        b'{"value":2}', b'{"value":0.50}'
    )
    return Received(body.type, body.id, raw)


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def folder(
    store: Store, path: Path, selection: Selection = EVERYTHING, **how: Any
) -> tuple[dict[str, bytes], Exported]:
    done = registry.write_to(store, "csv", selection, path, Options(**how), folder=True)
    return {one.name: one.read_bytes() for one in path.iterdir()}, done


def test_each_kind_with_records_has_a_file_and_each_column_a_description(
    filled: Store, tmp_path: Path
) -> None:
    files, done = folder(filled, tmp_path / "out")
    about = json.loads(files["csv-metadata.json"])

    assert set(files) == {
        "lab_results.csv", "observations.csv", "problems.csv", "allergies.csv", "medications.csv", "codes.csv",
        "sources.csv", "csv-metadata.json",
    }  # fmt: skip
    assert done.sections == {"lab_results": 2, "problems": 1, "medications": 1, "allergies": 1}
    assert done.bytes == sum(map(len, files.values()))
    assert {one["url"] for one in about["tables"]} == set(files) - {"csv-metadata.json"}
    for described in about["tables"]:
        names = [one["titles"] for one in described["tableSchema"]["columns"]]
        assert files[described["url"]].split(b"\r\n", 1)[0].decode() == ",".join(names)
        assert tuple(names) == BY_NAME[described["url"][:-4]].names
        assert all(one["dc:description"] for one in described["tableSchema"]["columns"])
    assert about["notes"][0]["sources"] == ["clinic"] and about["notes"][0]["made"].startswith("2026-03-01")


def test_digits_dates_and_booleans_are_as_they_should_be(filled: Store, tmp_path: Path) -> None:
    files, _ = folder(filled, tmp_path / "out")
    first, second = table(files["lab_results.csv"])

    assert (first["value_text"], first["value_number"], first["low"], first["high"]) == (
        "1.20",
        "1.20",
        "0.50",
        "9",
    )
    assert (first["date"], first["date_precision"], first["time"], first["time_zone"]) == (
        "2024-03-12", "second", "08:30:00", "UTC-05:00",
    )  # fmt: skip
    assert (second["date"], second["date_precision"], second["time"]) == ("2023-11-01", "month", "")
    assert (first["abnormal"], second["abnormal"]) == ("false", "true")
    assert (first["unit"], first["unit_ucum"], first["loinc"]) == ("mmol/L", "mmol/L", "2345-7")
    assert files["lab_results.csv"].endswith(b"\r\n")


def test_no_cell_runs_as_a_formula_and_its_text_is_in_it(filled: Store, tmp_path: Path) -> None:
    files, _ = folder(filled, tmp_path / "out")
    for name, content in files.items():
        if name.endswith(".csv"):
            for row in csv.reader(io.StringIO(content.decode(), newline="")):
                assert not [
                    cell for cell in row if cell[:1] in tuple("=+-@\t\r") and cell[1:].strip("0123456789.:")
                ], name
    (problem,) = table(files["problems.csv"])
    assert problem["title"].startswith("'=") and bare(problem["title"]) == '=HYPERLINK("http://x";"y")'
    assert table(files["lab_results.csv"])[0]["title"] == "'-Glucose"


def test_codes_of_reactions_referenced_drugs_and_people_are_there(filled: Store, tmp_path: Path) -> None:
    files, _ = folder(filled, tmp_path / "out")
    found = {
        (one["resource"], one["element"], one["code"]): one["record"] for one in table(files["codes.csv"])
    }

    assert found["AllergyIntolerance/a1", "reaction.manifestation", "247472004"]
    assert found["Medication/m", "code", "435"] == "" and found["Patient/p", "maritalStatus", "M"] == ""
    assert table(files["medications.csv"])[0]["rxnorm"] == "435"


def test_a_zip_holds_the_same_files(filled: Store, tmp_path: Path) -> None:
    options = Options(reproducible=True)
    registry.write_to(filled, "csv", Selection(), tmp_path / "out", options, folder=True)
    done = registry.write_to(filled, "csv", Selection(), tmp_path / "x.zip", options)
    again = registry.write_to(filled, "csv", Selection(), tmp_path / "y.zip", options)
    with zipfile.ZipFile(tmp_path / "x.zip") as packed:
        assert packed.testzip() is None
        files = {name: packed.read(name) for name in packed.namelist()}

    assert files == {one.name: one.read_bytes() for one in (tmp_path / "out").iterdir()}
    assert done.bytes == (tmp_path / "x.zip").stat().st_size == again.bytes
    assert (tmp_path / "x.zip").read_bytes() == (tmp_path / "y.zip").read_bytes()


@pytest.mark.parametrize(
    ("kinds", "name"),
    [((), "records"), (("lab_result",), "lab_results"), (("lab_result", "problem"), "records")],
)
def test_one_file_is_one_table_and_says_beside_what_it_is(
    filled: Store, tmp_path: Path, kinds: tuple[str, ...], name: str
) -> None:
    path = tmp_path / "some.csv"
    done = registry.write_to(filled, "csv", Selection(kinds=kinds), path, Options())
    beside = json.loads((tmp_path / "some.csv-metadata.json").read_bytes())
    out = io.BytesIO()
    registry.write(filled, "csv", Selection(kinds=kinds), out, Options())

    assert tuple(path.read_text("utf-8").splitlines()[0].split(",")) == BY_NAME[name].names
    assert path.read_bytes() == out.getvalue()
    assert beside["url"] == "some.csv" and done.sections == {name: len(table(out.getvalue()))}
    assert any("codes" in one.reason for one in done.left_out)
    assert {one.stat().st_mode & 0o777 for one in tmp_path.glob("some*")} == {0o600}


def test_a_table_without_records_has_its_line_of_names(store: Store, tmp_path: Path) -> None:
    files, done = folder(store, tmp_path / "out")
    assert set(files) == {"csv-metadata.json"} and done.sections == {}
    out = io.BytesIO()
    registry.write(store, "csv", Selection(kinds=("allergy",)), out, Options())
    assert out.getvalue().startswith(b"record,kind,") and out.getvalue().count(b"\r\n") == 1


def test_a_broken_off_export_leaves_nothing(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("phr.exporters.csv_files.line", fail)
    monkeypatch.setattr("phr.exporters.csv.line", fail)
    for name, as_folder in (("out", True), ("x.zip", False), ("x.csv", False)):
        with pytest.raises(PhrError):
            registry.write_to(filled, "csv", Selection(), tmp_path / name, Options(), folder=as_folder)
    assert not [one for one in tmp_path.iterdir() if one.name.startswith((".", "out", "x"))]


@pytest.mark.parametrize("research", [False, True])
def test_what_the_person_marked_as_private_is_in_no_file(
    filled: Store, tmp_path: Path, research: bool
) -> None:
    row = filled.db.execute("SELECT id FROM record WHERE kind = 'allergy'").fetchone()
    filled.own.correct(row[0], {"sensitivity": "restricted"})
    filled.own.tag(row[0], ["hushed"])
    files, done = folder(filled, tmp_path / "out", research=research)

    assert done.held_back == 1
    for name, content in files.items():
        for word in (b"247472004", b"91936005", b"AllergyIntolerance", b"hushed"):
            assert word not in content, name


def test_corrections_go_along_with_what_the_source_says(filled: Store, tmp_path: Path) -> None:
    row = filled.db.execute("SELECT id FROM record WHERE resource = 'Observation/o1'").fetchone()
    filled.own.correct(row[0], {"value": "7.50"}, "read off the paper")
    files, _ = folder(filled, tmp_path / "out")
    (said,) = table(files["corrections.csv"])

    assert (said["field"], said["value"], said["source_value"]) == ("value", "7.50", "1.20")
    (first,) = [one for one in table(files["lab_results.csv"]) if one["record"] == str(row[0])]
    assert (first["value_text"], first["corrected"]) == ("7.50", "value")


def _counted(value: Any) -> Counter[tuple[str | None, str | None]]:
    """Every (system, code) of every `coding`, and of every object that can only be one: counted on its own."""
    found: Counter[tuple[str | None, str | None]] = Counter()
    if isinstance(value, list):
        for one in value:
            found += _counted(one)
    elif isinstance(value, dict):
        for one in value.get("coding", ()):
            found[one.get("system"), one.get("code")] += 1
        for name, inner in value.items():
            if name in ("class", "valueCoding", "tag", "security", "format") and isinstance(
                inner, dict | list
            ):
                for one in inner if isinstance(inner, list) else [inner]:
                    if "code" in one and "value" not in one:
                        found[one.get("system"), one.get("code")] += 1
            found += _counted(inner)
    return found


@pytest.mark.parametrize(
    "name",
    [
        "Almeda560",
        "Ramona980",
        *(pytest.param(one, marks=pytest.mark.full) for one in ("Emerson_Feil", "large")),
    ],
)
def test_no_code_of_a_synthea_patient_is_lost(store: Store, shared: Path, tmp_path: Path, name: str) -> None:
    bundle = _synthea(shared, name)
    entries = [one["resource"] for one in bundle["entry"]]
    key = store.sources.ensure("synthea").key
    store.save(key, [Received(one["resourceType"], one["id"], json.dumps(one).encode()) for one in entries])
    files, _ = folder(store, tmp_path / "out")
    rows = table(files["codes.csv"])
    told = Counter((one["system"] or None, one["code"] or None) for one in rows)
    records = {one["resource"] for one in rows if one["record"]}

    assert told == sum((_counted(one) for one in entries), Counter())
    assert len(records) > 50
    total = sum(
        len(table(files[f"{one}.csv"])) for one in BY_NAME if BY_NAME[one].kind and f"{one}.csv" in files
    )
    assert total == store.db.execute("SELECT count(*) FROM record WHERE supporting = 0").fetchone()[0]


def _synthea(shared: Path, name: str) -> dict[str, Any]:
    import gzip
    import tarfile

    place = shared / "samples" / "synthea"
    if not place.is_dir():
        pytest.skip("needs the sample data beside the checkout")
    if name == "large":
        return json.loads(gzip.decompress((place / "large-patient-2176-resources.json.gz").read_bytes()))
    with tarfile.open(place / "synthea-r4-20-patients.tar.gz") as archive:
        member = next(one for one in archive.getmembers() if Path(one.name).name.startswith(name))
        content = archive.extractfile(member)
        assert content is not None
        return json.loads(content.read())
