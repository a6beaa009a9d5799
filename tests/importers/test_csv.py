"""Tables with a mapping: what rows become, and what is said of rows that cannot be read."""

from __future__ import annotations

import io
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from phr.errors import UnreadableFile, UsageError
from phr.importers.base import Imported, skipped
from phr.importers.opening import read

LABS = (
    "Collected,Kind,Test,LOINC,Result,Units,Reference range,Flag,Lab,Comment\n"
    "03/02/2024,Lab,Glucose,2345-7,5.10,mmol/L,3.9-5.5,H,City Lab,fasting\n"
    "03/02/2024,Vitals,Blood pressure,85354-9,128/82,mmHg,,,Home,\n"
)
EXAMPLE = Path(__file__).parents[2] / "examples" / "labs-mapping.toml"


def _read(tmp_path: Path, table: str | bytes, mapping: str) -> Imported:
    path = tmp_path / "mapping.toml"
    path.write_text(mapping)
    content = table.encode() if isinstance(table, str) else table
    return read(io.BytesIO(content), name="table.csv", mapping=path)


def _resources(found: Imported) -> list[dict[str, Any]]:
    from fhir.resources.R4B import get_fhir_model_class

    made = [json.loads(one.raw, parse_float=Decimal) for one in found.resources()]
    for one in made:
        get_fhir_model_class(one["resourceType"]).model_validate(one)
    return made


def test_the_example_of_the_documentation_brings_results_in() -> None:
    found = read(io.BytesIO(LABS.encode()), mapping=EXAMPLE)
    glucose, pressure = _resources(found)

    assert found.format == "csv"
    assert found.problems == []
    assert glucose["effectiveDateTime"] == "2024-03-02"
    assert str(glucose["valueQuantity"]["value"]) == "5.10"
    assert glucose["valueQuantity"]["code"] == "mmol/L"
    assert glucose["code"]["coding"] == [{"system": "http://loinc.org", "code": "2345-7"}]
    assert (glucose["referenceRange"][0]["low"]["value"], glucose["referenceRange"][0]["text"]) == (
        Decimal("3.9"), "3.9-5.5",
    )  # fmt: skip
    assert glucose["interpretation"][0]["coding"][0]["code"] == "H"
    assert glucose["performer"] == [{"display": "City Lab"}]
    assert [one["valueQuantity"]["value"] for one in pressure["component"]] == [128, 82]
    assert [one.id for one in found.patients] == [glucose["subject"]["reference"].removeprefix("Patient/")]


def test_the_same_row_is_the_same_resource_wherever_it_stands_and_however_often() -> None:
    header, *rows = LABS.splitlines(keepends=True)
    once = read(io.BytesIO(LABS.encode()), mapping=EXAMPLE)
    again = read(io.BytesIO((header + "".join([*reversed(rows), *rows])).encode()), mapping=EXAMPLE)

    assert {one.id for one in once.resources()} == {one.id for one in again.resources()}
    assert [(one["reason"], one["count"]) for one in skipped(again.problems)] == [
        ("is the same as an earlier line", 2)
    ]


ROW = '[[rows]]\nkind = "{kind}"\n[rows.columns]\n{columns}\n'


@pytest.mark.parametrize(
    ("kind", "columns", "header", "row", "path", "value"),
    [
        ("problem", 'text="A"\nicd-10="B"\ndate="C"\nstatus="D"', "A|B|C|D", "Asthma|J45.909|2019-05|active",
         "clinicalStatus.coding.0.code", "active"),
        ("problem", 'text="A"\ndate="C"\nend="D"', "A|C|D", "Asthma|2019|2020-01-02", "clinicalStatus.coding.0.code",
         "resolved"),
        ("problem", 'text="A"\nstatus="D"', "A|D", "Asthma|smouldering", "note.0.text", "Status: smouldering"),
        ("medication", 'text="A"\nrxnorm="B"\ndose="C"\nfrequency="D"\nstatus="E"\ndate="F"', "A|B|C|D|E|F",
         "Metformin|6809|500 mg|twice a day|taking|2020-02-03", "dosage.0.text", "500 mg twice a day"),
        ("medication", 'text="A"\ndate="F"', "A|F", "Metformin|2020-02-03", "effectivePeriod.start", "2020-02-03"),
        ("medication", 'text="A"\ndate="F"', "A|F", "Metformin|2020-02-03", "status", "unknown"),
        ("allergy", 'text="A"\nreaction="B"\nseverity="C"\ncategory="D"', "A|B|C|D", "Egg|hives; itching|Severe|Food",
         "reaction.0.manifestation.1.text", "itching"),
        ("allergy", 'text="A"\nseverity="C"\n', "A|C", "Egg|Severe", "note.0.text", "Severity: Severe"),
        ("immunization", 'text="A"\ncvx="B"\ndate="C"\nlot="D"\ndose="E"', "A|B|C|D|E", "Flu|140|2023-10-01|L1|0.5 mL",
         "doseQuantity.value", Decimal("0.5")),
        ("immunization", 'text="A"\nstatus="B"', "A|B", "Flu|declined", "status", "not-done"),
        ("procedure", 'text="A"\ndate="B"\nperformer="C"\nfacility="D"', "A|B|C|D", "Appendectomy|2010|Dr. Bea|Hill",
         "location.display", "Hill"),
        ("encounter", 'text="A"\ndate="B"\nend="C"\nclass="D"\nfacility="E"', "A|B|C|D|E",
         "Visit|2024-01-01|2024-01-02|Inpatient|Hill", "class.code", "IMP"),
        ("appointment", 'text="A"\ndate="B"', "A|B", "Check-up|2030-01-01", "requestedPeriod.0.start", "2030-01-01"),
        ("appointment", 'text="A"\ndate="B"', "A|B", "Check-up|2030-01-01T10:00:00Z", "start", "2030-01-01T10:00:00Z"),
        ("social_history", 'text="A"\nvalue="B"', "A|B", "Smoking|never", "valueString", "never"),
        ("vital_sign", 'systolic="A"\ndiastolic="B"', "A|B", "120|80", "code.coding.0.code", "85354-9"),
        ("lab_result", 'text="A"\nvalue="B"', "A|B", "HIV|<20", "valueQuantity.comparator", "<"),
        ("lab_result", 'text="A"\nvalue="B"', "A|B", "Glucose|5.0 mmol/L", "valueQuantity.unit", "mmol/L"),
        ("lab_result", 'text="A"\nvalue="B"', "A|B", "Rh|A pos", "valueString", "A pos"),
        ("lab_result", 'text="A"\nvalue="B"', "A|B", "Glucose|", "dataAbsentReason.coding.0.code", "unknown"),
        ("lab_result", 'text="A"\nvalue="B"\nlow="C"\nhigh="D"', "A|B|C|D", "Na|140|135|145",
         "referenceRange.0.high.value", Decimal(145)),
        ("lab_result", 'text="A"\nvalue="B"\nrange="C"', "A|B|C", "CRP|1|< 5", "referenceRange", [{"text": "< 5"}]),
        ("lab_result", 'text="A"\nvalue="B"\nrange="C"', "A|B|C", "CRP|1|<= 5", "referenceRange.0.high.value", Decimal(5)),
        ("lab_result", 'text="A"\nvalue="B"\nrange="C"', "A|B|C", "CRP|1|see note", "referenceRange.0.text", "see note"),
    ],
)  # fmt: skip
def test_each_kind_becomes_a_valid_resource(
    tmp_path: Path, kind: str, columns: str, header: str, row: str, path: str, value: object
) -> None:
    found = _read(tmp_path, f"{header}\n{row}\n", ROW.format(kind=kind, columns=columns))
    (made,) = _resources(found)
    at: Any = made
    for step in path.split("."):
        at = at[int(step)] if step.isdigit() else at[step]
    assert at == value
    assert not [one for one in found.problems if not one.known]


@pytest.mark.parametrize(
    ("cell", "file", "date"),
    [
        ("2024-03-02", "", "2024-03-02"),
        ("03/02/2024", 'dates = "MM/DD/YYYY"', "2024-03-02"),
        ("3/2/2024", 'dates = "MM/DD/YYYY"', "2024-03-02"),
        ("03/02/2024", 'dates = ["DD/MM/YYYY"]', "2024-02-03"),
        ("2.3.24", 'dates = ["DD.MM.YYYY", "DD.MM.YY"]', "2024-03-02"),
        ("Mar 2024", 'dates = ["MMM YYYY"]', "2024-03"),
        ("03/02/2024 02:30 PM", 'dates = "MM/DD/YYYY hh:mm AM"\ntimezone = "America/Denver"', "2024-03-02T14:30:00-07:00"),
        ("2024-07-02 14:30", 'timezone = "Europe/Berlin"', "2024-07-02T14:30:00+02:00"),
        ("2024-07-02 14:30", "", "2024-07-02"),
        ("2024-07-02T14:30:00+0200", "", "2024-07-02T14:30:00+02:00"),
        ("03/02/2024", "", None),
        ("2024-02-30", "", None),
        ("yesterday", 'dates = "MM/DD/YYYY"', None),
    ],
)  # fmt: skip
def test_dates_are_read_as_the_mapping_says_and_never_guessed(
    tmp_path: Path, cell: str, file: str, date: str | None
) -> None:
    mapping = f"[file]\n{file}\n" + ROW.format(kind="problem", columns='text = "What"\ndate = "When"')
    if date is None:
        found = _read(tmp_path, f"What,When\nAsthma,{cell}\nOther,\n", mapping)
        assert [one["code"]["text"] for one in _resources(found)] == ["Other"]
        assert [(one.type, one.id, one.known) for one in found.problems] == [("line", "line 2", False)]
    else:
        (made,) = _resources(_read(tmp_path, f"What,When\nAsthma,{cell}\n", mapping))
        assert made["onsetDateTime"] == date


@pytest.mark.parametrize(
    ("cell", "decimal", "value"),
    [
        ("5,10", ",", "5.10"),
        ("1.234,5", ",", "1234.5"),
        ("1,234.5", ".", "1234.5"),
        ("5,10", ".", None),
        ("1e5", ".", None),
        ("NaN", ".", None),
    ],
)
def test_decimals_are_read_as_the_mapping_says(
    tmp_path: Path, cell: str, decimal: str, value: str | None
) -> None:
    mapping = f'[file]\ndecimal = "{decimal}"\n' + ROW.format(
        kind="lab_result", columns='text="A"\nvalue="B"'
    )
    (made,) = _resources(_read(tmp_path, f"A;B\nX;{cell}\n", mapping))
    if value is None:
        assert made["valueString"] == cell
    else:
        assert str(made["valueQuantity"]["value"]) == value


def test_one_row_with_several_measurements_gives_one_each_and_none_for_blank_cells(tmp_path: Path) -> None:
    mapping = "".join(
        ROW.format(kind="vital_sign", columns=f'date = "Day"\nvalue = "{column}"') + f'[rows.fixed]\nloinc = "{code}"\n'
        for column, code in (("Weight", "29463-7"), ("Pulse", "8867-4"))
    )  # fmt: skip
    found = _read(tmp_path, "Day,Weight,Pulse\n2024-01-01,70.5,61\n2024-01-02,,60\n", mapping)
    assert len(_resources(found)) == 3
    assert found.problems == []


def test_rows_that_cannot_be_read_are_named_by_line_and_the_rest_comes_in(tmp_path: Path) -> None:
    table = (
        'Kind,Test,Value\r\nlab,A,1\r\nlab,"B,2\r\nlab,C,3\r\nother,D,4\r\nlab,E,5,6\r\n\r\nlab,"F ""x""",7\r\n'
        'lab,"G"x,8\r\nlab,,9\r\nlab,"H\r\nI",10\r\nlab,J\x00,11\r\n'
    )
    mapping = '[[rows]]\nkind="lab_result"\nwhen={Kind="LAB"}\n[rows.columns]\ntext="Test"\nvalue="Value"\n'
    found = _read(tmp_path, table, mapping)
    texts = [one["code"]["text"] for one in _resources(found)]

    assert texts == ["A", "C", 'F "x"', "H\nI"]
    assert {one.id: one.reason.split(":")[0] for one in found.problems} == {
        "line 3": "has quotation marks in the wrong places",
        "line 5": "is a row that no [[rows]] table of the mapping is for",
        "line 6": "has more cells than there are columns",
        "line 9": "has quotation marks in the wrong places",
        "line 10": "does not say what it is about",
        "line 13": "holds bytes that are no text",
    }


@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: text.encode("utf-8"),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("cp1252"),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace(",", "\t").encode(),
    ],
)
def test_any_usual_spelling_of_a_table_is_understood(tmp_path: Path, encoded: Any) -> None:
    mapping = ROW.format(kind="problem", columns='text = "Größe"')
    (made,) = _resources(_read(tmp_path, encoded("x,größe\n1,Müdigkeit\n"), mapping))
    assert made["code"]["text"] == "Müdigkeit"


def test_words_of_the_table_are_translated_and_the_person_is_named_only_by_the_mapping(
    tmp_path: Path,
) -> None:
    mapping = (
        '[patient]\nid = "ada"\nname = "Ada Example"\nbirth_date = "1990-01-01"\n'
        + ROW.format(kind="immunization", columns='text = "A"\nstatus = "B"\nid = "C"')
        + '[rows.words.status]\n"ja" = "completed"\n'
    )
    found = _read(tmp_path, "A,B,C\nFlu,JA,7\nFlu,nein,8\n", mapping)
    patient, shot = _resources(found)

    assert (patient["id"], patient["name"][0]["text"], shot["status"]) == ("ada", "Ada Example", "completed")
    assert shot["patient"] == {"reference": "Patient/ada"}
    assert [one.id for one in found.problems] == ["line 3"]  # whether it was given is not guessed


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("", "[[rows]]"),
        ("[[rows]]\nkind = 'labs'\n", "[[rows]] 1 kind"),
        (
            "[file]\ndelimeter = ','\n[[rows]]\nkind='problem'\ncolumns={text='A'}",
            "[file] knows no delimeter",
        ),
        ("[file]\ndecimal = ';'\n[[rows]]\nkind='problem'\ncolumns={text='A'}", "[file] decimal"),
        ("[file]\nencoding = 'base64'\n[[rows]]\nkind='problem'\ncolumns={text='A'}", "[file] encoding"),
        ("[file]\ntimezone = '../etc'\n[[rows]]\nkind='problem'\ncolumns={text='A'}", "[file] timezone"),
        ("[[rows]]\nkind='problem'\ncolumns={value='A'}", "[[rows]] 1 columns value"),
        ("[[rows]]\nkind='problem'\ncolumns={date='A'}", "[[rows]] 1 needs text"),
        ("[[rows]]\nkind='problem'\ncolumns={text='A'}\nfixed={text='B'}", "twice"),
        ("[[rows]]\nkind='problem'\ncolumns={text='A'}\nfixed={code_system='x'}", "code_system"),
        ("[[rows]]\nkind='problem'\ncolumns=['A']", "[[rows]] 1 columns has to be a table"),
        ("[patient]\ngender='F'\n[[rows]]\nkind='problem'\ncolumns={text='A'}", "[patient] gender"),
        ("[[rows]]\nkind='problem'\ncolumns={text='Z'}", "no column 'Z'"),
        ("[[rows]\n", "no TOML"),
        ("\x00", "no TOML"),
    ],
)
def test_a_faulty_mapping_is_told_by_table_and_key(tmp_path: Path, mapping: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        _read(tmp_path, "A,B\n1,2\n", mapping)
    assert words in caught.value.message
    assert caught.value.hint


def test_a_mapping_beside_a_file_that_is_no_table_is_not_asked(tmp_path: Path) -> None:
    found = read(io.BytesIO(b'{"resourceType":"Condition","id":"c"}'), mapping=EXAMPLE)
    assert found.format == "fhir-resource"


def test_a_table_of_which_nothing_comes_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no row"):
        _read(tmp_path, "A,B\n,2\n", ROW.format(kind="problem", columns='text = "A"'))


def test_the_page_names_all_that_a_column_can_mean() -> None:
    from phr.importers.table import kinds

    page = (Path(__file__).parents[2] / "docs" / "importing.md").read_text()
    said = set(re.findall(r"`([a-z][a-z0-9_-]*)`", page))
    for kind, elements in kinds.ELEMENTS.items():
        assert not {kind, *elements} - said
