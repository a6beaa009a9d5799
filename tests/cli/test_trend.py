"""`phr trend`: what a person reads, pipes and saves."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest

from phr.model import Received
from phr.workspace import Workspace

LOINC = "http://loinc.org"


def _seen(code: str, text: str, date: str, value: float, unit: str, **more: Any) -> Received:
    id_ = f"{code}-{date}-{value}"
    body = {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"text": text, "coding": [{"system": LOINC, "code": code, "display": text}]},
        "effectiveDateTime": date,
        "valueQuantity": {"value": value, "unit": unit},
        **more,
    }
    return Received("Observation", id_, orjson.dumps(body))


def _pressure(date: str, above: float, below: float) -> Received:
    def part(code: str, value: float) -> dict[str, Any]:
        concept = {"coding": [{"system": LOINC, "code": code}]}
        return {"code": concept, "valueQuantity": {"value": value, "unit": "mmHg"}}

    body = {
        "resourceType": "Observation",
        "id": f"bp-{date}",
        "status": "final",
        "code": {"text": "Blood pressure", "coding": [{"system": LOINC, "code": "85354-9"}]},
        "effectiveDateTime": date,
        "component": [part("8480-6", above), part("8462-4", below)],
    }
    return Received("Observation", body["id"], orjson.dumps(body))


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    """Antitrypsin of two laboratories in two units, cholesterol, blood pressure, two kinds of glucose."""
    import os

    low = {"referenceRange": [{"low": {"value": 90, "unit": "mg/dL"}}]}
    with Workspace(os.environ).store(create=True) as store:
        clinic, hospital = store.sources.ensure("clinic").key, store.sources.ensure("hospital").key
        store.save(
            clinic,
            [
                _seen("1825-9", "Alpha 1 antitrypsin", f"{2016 + n}-03-01", 70 - 4 * n, "mg/dL", **low)
                for n in range(6)
            ]
            + [_pressure("2020-01-01", 120, 80), _pressure("2021-01-01", 131, 84)]
            + [
                _seen("2093-3", "Cholesterol", "2020-01-01", 200, "mg/dL"),
                _seen("2085-9", "HDL", "2020-01-01", 50, "mg/dL"),
            ]
            + [
                _seen("2345-7", "Glucose", "2020-01-01", 100, "mg/dL"),
                _seen("2339-0", "Glucose", "2020-01-02", 99, "mg/dL"),
            ],
        )
        store.save(hospital, [_seen("1825-9", "A1AT", "2022-03-01", 0.45, "g/L")])
        store.save(hospital, [_seen("1825-9", "A1AT", "2022-06-01", 7, "foo")])
        store.save(hospital, [_seen("1825-9", "=cmd\x1b[2J", "2022-07-01", 44, "mg/dL")])
    return tmp_path


def test_json_has_the_shape_of_the_contract(phr: Any, measured: Path) -> None:
    found = phr("trend", "1825-9", "--json").json
    assert (found["schema"], found["code"], found["unit"]) == (1, "1825-9", "mg/dL")
    names = {"date", "value", "unit", "original", "low", "high", "abnormal", "source", "id"}
    assert all(names <= set(point) for point in found["points"])
    assert [point["value"] for point in found["points"]] == [70, 66, 62, 58, 54, 50, 45, 44]
    assert found["points"][6]["original"] == "0.45 g/L" and found["points"][6]["source"] == "hospital"
    assert [one["original"] for one in found["refused"]] == ["7 foo"]
    assert found["latest"] == found["points"][-1]
    assert {"change", "slope", "words", "title"} <= set(found)
    assert phr("trend", "1825-9", "--format", "json").out == phr("trend", "1825-9", "--json").out


def test_piped_it_is_words_and_a_table(phr: Any, measured: Path) -> None:
    answer = phr("trend", "AAT", "level")
    assert answer.status == 0
    lines = answer.out.splitlines()
    assert lines[0] == "Alpha-1 antitrypsin: =cmd [2J", "its name, and what its source calls it"
    assert lines[1].startswith("Last: 44 mg/dL on 2022-07-01.")
    assert "Falling over" in answer.out and "┤" not in answer.out
    assert "as written: 0.45 g/L" in answer.out
    assert "Not drawn: 1 value" in answer.out and "foo cannot be turned into mg/dL for certain" in answer.out
    assert not set(answer.out) & set("\x1b\x07")


def test_a_terminal_gets_a_picture_that_fits(
    on_a_terminal: Any, measured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    _, seen = on_a_terminal("trend", "aat")
    assert "┤" in seen and "░" in seen and "▼" in seen and "\x1b" not in seen
    assert all(len(line) <= 80 for line in seen.splitlines())


def test_colour_is_an_addition(on_a_terminal: Any, measured: Path) -> None:
    _, seen = on_a_terminal("trend", "aat")
    assert "\x1b[31m▼" in seen or "\x1b[31m▼" in seen.replace("\x1b[0m", "")


def test_a_name_that_fits_two_asks_which(phr: Any, measured: Path) -> None:
    answer = phr("trend", "glucose")
    assert answer.status == 2
    assert "phr trend 2345-7" in answer.err and "phr trend 2339-0" in answer.err
    error = phr("trend", "glucose", "--json").json["error"]
    assert "phr trend 2339-0" in error["hint"] and error["status"] == 2


def test_without_a_name_it_says_what_there_is(phr: Any, measured: Path) -> None:
    said = phr("trend").out
    assert said.splitlines()[1].startswith("Alpha-1 antitrypsin")
    assert said.split()[-2:] == ["blood", "pressure"]
    found = phr("trend", "--json").json
    assert {"key", "code", "title", "unit", "count", "latest", "since"} <= set(found["measurements"][0])
    assert len(phr("trend", "--json", "--limit", "2").json["measurements"]) == 2


def test_panels_and_pairs(phr: Any, measured: Path) -> None:
    found = phr("trend", "lipids", "--json").json
    assert found["panel"] == "lipids" and [one["code"] for one in found["series"]] == ["2093-3", "2085-9"]
    assert "Total cholesterol" in phr("trend", "lipids").out
    assert phr("trend", "lipids", "--format", "plot").out.count("└") == 2
    pair = phr("trend", "blood", "pressure", "--json").json
    assert [one["code"] for one in pair["series"]] == ["8480-6", "8462-4"] and pair["code"] == "8480-6"
    assert "2021-01-01  131 mmHg  84 mmHg" in phr("trend", "bp").out


def test_csv_is_for_spreadsheets_and_runs_nothing(phr: Any, measured: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(phr("trend", "aat", "--format", "csv").out)))
    assert len(rows) == 9
    assert {row["original"] for row in rows if row["note"]} == {"7 foo"}
    assert rows[6]["value"] == "45" and rows[6]["converted"] == "yes"
    assert not [cell for row in rows for cell in row.values() if cell and cell[0] in "=@"]


def test_a_picture_is_there_whole_and_for_its_owner(phr: Any, measured: Path) -> None:
    answer = phr("trend", "aat", "-o", "aat.svg")
    assert answer.status == 0 and answer.out == "" and "aat.svg" in answer.err
    path = Path("aat.svg")
    assert path.stat().st_mode & 0o777 == 0o600
    text = "".join(ElementTree.parse(path).getroot().itertext())
    assert "Alpha-1 antitrypsin" in text and "hospital" in text and "Falling" in text
    assert phr("trend", "nonsense", "-o", "other.svg").status == 2 and not Path("other.svg").exists()
    assert phr("trend", "aat", "-o", "aat.txt").status == 2


def test_options_narrow_and_convert(phr: Any, measured: Path) -> None:
    assert len(phr("trend", "aat", "--since", "2020", "--until", "2021", "--json").json["points"]) == 2
    assert len(phr("trend", "aat", "--source", "hospital", "--json").json["points"]) == 2
    assert phr("trend", "cholesterol", "--unit", "mmol/L", "--json").json["points"][0][
        "value"
    ] == pytest.approx(5.172, abs=0.01)
    assert phr("trend", "aat", "--limit", "3", "--json").json["more"] is True
    for words in (("--since", "never"), ("--source", "nobody"), ("--unit", "kg"), ("--limit", "0")):
        assert phr("trend", "aat", *words).status == 2, words


def test_a_screen_without_unicode_is_plain(process: Any, measured: Path) -> None:
    answer = process("trend", "aat", "--format", "plot", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert answer.status == 0, answer.err
    assert answer.out.isascii() and " v" in answer.out and "+" in answer.out


def test_screens_are_plain_and_fit_sixty_columns(
    on_a_terminal: Any, measured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Workspace(os.environ).store() as store:
        clinic = store.sources.ensure("clinic").key
        store.save(
            clinic,
            [_seen("29463-7", "Body weight", f"202{n}-01-01", 70.123456789 + n / 7, "kg") for n in range(4)]
            + [_seen("8310-5", "Temp", f"202{n}-01-01", 98.6 + n / 10, "[degF]") for n in range(3)],
        )
    monkeypatch.setenv("NO_COLOR", "1")
    for asked in ((), ("weight",), ("temperature",), ("blood", "pressure"), ("vitals",)):
        _, shown = on_a_terminal("trend", *asked, columns=60)
        assert "70.123456" not in shown and "mm[Hg]" not in shown and "[degF]" not in shown
        assert max(map(len, shown.splitlines())) <= 60, asked


def test_a_picture_says_when_it_replaces_one(phr: Any, measured: Path) -> None:
    assert "Written: " in phr("trend", "aat", "-o", "a.svg").err
    assert "over the older one" in phr("trend", "aat", "-o", "a.svg").err
