"""A paper and a file for a doctor's software, made by one command, hold the same facts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from tests.exporters.paper import words
from tests.walks.conftest import Person

from phr.cli import app
from phr.views.titles import plain

NAMES = ("Test", "Measurement", "Report", "Allergy", "Question or scale", "Vaccine", "Target")
"""Columns whose names stand in plain language on paper."""
AMOUNT = re.compile(r"(?<![\w.-])\d[\d.,]*(?:/\d+)? (?:%|(?:m?c?k?g|µg|m?L|mmHg|units?|mmol)(?:/\w+)?\b)")
RECKONED = re.compile(r"supply lasted until [\d-]+")
"""From the day of a prescription and the days that it was meant for."""
DATE = re.compile(r"(?<!\d)\d{4}-\d\d(?:-\d\d)?(?!\d)")


def _bare(said: str) -> str:
    """Letters and figures alone: `mm[Hg]` is `mmHg`, wherever a line ended."""
    return re.sub(r"[^0-9a-z%]+", "", re.sub(r"(?<=\d) Cel\b", " °C", said).casefold())


@pytest.fixture
def both(
    person: Person, hospital: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> tuple[str, Any]:
    """The words of the paper, and the document."""
    person.connect(hospital())
    assert person.sync().status == "completed"
    for name, value in person.environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        app.run(
            ["export", "--for", "Dr. Martinez", "--tag", "lungs", "--since", "2023", "-o", f"{tmp_path}/out/"]
        )
    assert ended.value.code == 0, capsys.readouterr().err
    (paper,), (document,) = tmp_path.glob("out/*.pdf"), tmp_path.glob("out/*.xml")
    return words(paper.read_bytes()), etree.fromstring(document.read_bytes())


def test_a_paper_and_a_document_of_one_command_hold_the_same_facts(both: tuple[str, Any]) -> None:
    paper, document = both
    before, _, chapters = paper.rpartition(" The full record ")
    summary = before.rpartition(" Measurements over time ")[0].rpartition(" Summary Allergies ")[2]
    assert summary and chapters
    bare = _bare(chapters)
    missing = []
    for table in document.iterfind(".//{*}section/{*}text//{*}table"):
        columns = ["".join(one.itertext()).strip() for one in table.iterfind(".//{*}th")]
        for row in table.iterfind("{*}tbody/{*}tr"):
            for column, cell in zip(columns, row.iterfind("{*}td"), strict=False):
                said = " ".join("".join(cell.itertext()).split())
                told = plain(said) if column in NAMES else said
                if _bare(told) not in bare and _bare(said) not in bare:
                    missing.append(column)
    assert not missing, "these columns have cells that are not on the paper"

    text = _bare(chapters + " ".join(document.itertext()))
    summary = RECKONED.sub("", summary)
    told = {*AMOUNT.findall(summary), *DATE.findall(summary)}
    assert len(told) > 10
    assert not [one for one in told if _bare(one) not in text]
