"""`phr export`: options that belong together, and the report for a receiver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.ccda.check import Error, Report
from phr.ccda.desk import ANOTHER
from phr.cli.export_report import document, sentences
from phr.exporters.base import Exported
from phr.model import Problem


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--format", "fhir", "--check"), "--check does not belong to --format fhir"),
        (("--format", "ccd", "--bundle", "document"), "--bundle does not belong to --format ccd"),
        (("--format", "json", "--sections", "problems"), "--sections does not belong to --format json"),
        (("--format", "ips", "--template", "ccd"), "--template does not belong to --format ips"),
        (("--format", "fhir", "--split"), "--split does not belong to --format fhir"),
        (("--format", "ccd", "--reason", "cough"), "--reason belongs to a Referral Note"),
        (("--format", "ccd", "--sections", "problmes"), "There is no section named problmes"),
        (("--format", "ndjson", "--split", "-o", "-"), "A folder cannot go to stdout"),
        (
            ("--format", "ips", "--sections", "notes"),
            "The International Patient Summary has no section notes",
        ),
        (("--format", "docx"), "docx"),
    ],
)
def test_what_does_not_belong_together_is_a_usage_error(
    phr: Any, record: Any, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    before = sorted(tmp_path.iterdir())
    answer = phr("export", *words)

    assert answer.status == 2
    assert said in answer.err
    assert sorted(tmp_path.iterdir()) == before


def test_check_says_in_words_and_in_json_what_to_ask_for(phr: Any, record: Any) -> None:
    words = phr("export", "--format", "ccd", "-o", "a.xml", "--check")
    told = phr("export", "--format", "ccd", "-o", "a.xml", "--check", "--json").json["check"]
    quiet = phr("export", "--format", "ccd", "-o", "a.xml", "--json")

    assert words.status == 0
    assert "The document is built as C-CDA R2.1 asks." in words.err
    assert "Your doctor can tell you:" in words.err
    assert told["errors"] == []
    assert {
        key: value
        for one in told["missing"]
        if one["what"] == "without a reference range"
        for key, value in one.items()
        if key != "title"
    } == {"section": "30954-2", "what": "without a reference range", "count": 1, "of": 2}
    assert "check" not in quiet.json
    assert "Your doctor" not in quiet.err


def test_a_fault_of_ours_is_named_and_the_file_is_there(
    phr: Any, record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Report("ccd", (Error("Results", "has no id", 2),), ())
    monkeypatch.setattr("phr.exporters.ccd.examine", lambda xml: fault)
    answer = phr("export", "--format", "ccd", "-o", "a.xml")
    told = phr("export", "--format", "ccd", "-o", "a.xml", "--json")

    assert answer.status == told.status == 3
    assert "Results: has no id (2 times)" in answer.err
    assert Path("a.xml").read_bytes().startswith(b"<?xml")
    assert told.json["check"]["errors"] == [{"where": "Results", "what": "has no id", "count": 2}]


def test_a_referral_note_with_chosen_sections(phr: Any, record: Any) -> None:
    answer = phr(
        "export", "--format", "ccd", "--template", "referral-note", "--reason", "Cough at night",
        "--sections", "problems, results", "--json", "-o", "note.xml",
    )  # fmt: skip
    xml = Path("note.xml").read_text()

    assert answer.json["sections"] == {
        "42349-1": 0, "48765-2": 0, "10160-0": 0, "11450-4": 1, "30954-2": 5, "18776-5": 0, "51848-0": 0,
    }  # fmt: skip
    assert "<title>Referral Note</title>" in xml
    assert "Cough at night" in xml


@pytest.mark.parametrize(
    "words",
    [
        ("--format", "ccd"),
        ("--format", "ccd", "--template", "referral-note"),
        ("--format", "fhir", "--bundle", "document"),
        ("--format", "ips"),
        ("--format", "html"),
        ("--format", "ndjson"),
    ],
    ids=lambda words: " ".join(words),
)
def test_the_same_record_gives_the_same_bytes_when_asked_to(
    phr: Any, record: Any, words: tuple[str, ...]
) -> None:
    phr("export", *words, "--reproducible", "-o", "one")
    phr("export", *words, "--reproducible", "-o", "two")
    phr("export", *words, "--reproducible", "--kind", "problem", "-o", "three")

    assert Path("one").read_bytes() == Path("two").read_bytes() != Path("three").read_bytes()
    assert phr("export", *words, "--reproducible", "-o", "-").status == 0


@pytest.mark.parametrize("format_", ["ccd", "ips", "html", "fhir", "ndjson"])
def test_a_selection_that_leaves_nothing_is_a_whole_file(phr: Any, record: Any, format_: str) -> None:
    answer = phr("export", "--format", format_, "--until", "1900", "-o", "x", "--json")

    assert answer.status == 0
    assert answer.json["bytes"] == Path("x").stat().st_size


@pytest.mark.parametrize("format_", ["ccd", "fhir", "json"])
def test_silence_is_kept_and_nothing_is_called_nothing(phr: Any, record: Any, format_: str) -> None:
    loud = phr("export", "--format", format_, "--until", "1900", "-o", "x")
    quiet = phr("export", "--format", format_, "-q", "-o", "y")

    assert "Nothing fits: the file is whole, and holds no records." in loud.err
    assert (quiet.status, quiet.err, quiet.out) == (0, "", "")
    assert Path("y").stat().st_size > Path("x").stat().st_size


def test_a_slip_in_the_kind_is_answered_with_what_was_meant(phr: Any, record: Any) -> None:
    answer = phr("export", "--format", "ccd", "--kind", "labb")

    assert answer.status == 2
    assert "Did you mean lab?" in answer.err


@pytest.mark.parametrize("typed", ["labs", "lab-results"])
def test_a_kind_is_understood_as_people_say_it(phr: Any, record: Any, tmp_path: Path, typed: str) -> None:
    for name, kind in (("said.json", typed), ("fixed.json", "lab_result")):
        assert phr("export", "--format", "fhir", "--kind", kind, "-o", name, "--reproducible").status == 0
    assert (tmp_path / "said.json").read_bytes() == (tmp_path / "fixed.json").read_bytes()


def test_the_report_begins_with_whose_document_it_is() -> None:
    left_out = tuple(Problem("Condition", ANOTHER, str(number)) for number in range(59))
    done = Exported(9, {}, (Problem("Claim", "No place."), *left_out), about="Jack Doe")

    assert sentences(done, Path("a.xml"))[1:] == [
        "This document is about Jack Doe. 59 things about another person are left out.",
        "  Left out: Claim: No place.",
    ]
    told = document(done, None, "ccd")
    assert told["about"] == "Jack Doe" and len(told["left_out"]) == 60


def test_bulk_data_goes_into_a_folder(phr: Any, record: Any) -> None:
    first = phr("export", "--format", "ndjson", "-o", "bulk/", "--json")
    again = phr("export", "--format", "ndjson", "--split", "-o", "bulk", "--json")
    lines = Path("bulk/Observation.ndjson").read_bytes().splitlines()

    assert first.status == again.status == 0
    assert first.json["path"] == str(Path("bulk").absolute())
    assert sorted(one.name for one in Path("bulk").iterdir()) == [
        "Condition.ndjson", "Observation.ndjson", "Patient.ndjson",
    ]  # fmt: skip
    assert len(lines) == again.json["sections"]["Observation"]
    assert all(orjson.loads(line)["resourceType"] == "Observation" for line in lines)
