"""`phr had` as a person types it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.cli.had_titles import quiet

Phr = Callable[..., Any]


@pytest.fixture
def life(phr: Phr, tmp_path: Path) -> None:
    """A chest CT with its report, an order, and an X-ray, out of a file."""
    code = {"text": "CT\x1b[31m of the chest"}
    entries: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "p", "name": [{"text": "Ada Example"}]},
        {
            "resourceType": "DiagnosticReport",
            "id": "r",
            "status": "final",
            "category": [{"coding": [{"code": "RAD"}]}],
            "code": code,
            "effectiveDateTime": "2024-05-02",
            "conclusion": "No nodule. " * 20,
            "performer": [{"reference": "Organization/o", "display": "Riverside Hospital"}],
            "presentedForm": [{"contentType": "text/plain", "data": "Tm8u"}],
        },
        {
            "resourceType": "ServiceRequest",
            "id": "s",
            "status": "active",
            "intent": "order",
            "code": {"text": "MRI left knee"},
            "authoredOn": "2024-01-01",
        },
        {
            "resourceType": "DiagnosticReport",
            "id": "x",
            "status": "final",
            "category": [{"coding": [{"code": "RAD"}]}],
            "code": {"text": "XR chest 2 views"},
            "effectiveDateTime": "2023-04-01",
        },
    ]
    path = tmp_path / "life.json"
    path.write_bytes(
        orjson.dumps(
            {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in entries]}
        )
    )
    assert phr("import", str(path), "--source", "clinic").status == 0 or phr("import", str(path)).status == 0


def test_the_first_line_is_the_answer(phr: Phr, life: None) -> None:
    said = phr("had", "chest", "ct")
    assert said.status == 0
    assert said.out.splitlines()[0] == "Yes, once, on 2024-05-02 at Riverside Hospital."
    assert "phr documents open" in said.out
    assert "an X-ray, not a CT" in said.out


def test_nothing_of_a_record_is_obeyed_by_a_terminal(phr: Phr, life: None) -> None:
    assert "\x1b" not in phr("had", "chest", "ct").out


def test_lines_fit_the_screen(phr: Phr, life: None) -> None:
    assert all(len(line) <= 80 for line in phr("had", "chest ct").out.splitlines())
    assert all(len(line) <= 80 for line in phr("had", "abdomen ct").out.splitlines())


def test_no_record_of_it_is_no_error_and_no_proof(phr: Phr, life: None) -> None:
    said = phr("had", "mammogram")
    assert said.status == 0
    assert said.out.startswith("No record of it.")
    assert "does not mean that you never had it" in said.out


def test_an_order_is_no_examination(phr: Phr, life: None) -> None:
    said = phr("had", "left knee mri")
    assert "but it was ordered on 2024-01-01" in said.out
    assert phr("had", "left knee mri", "--json").json["had"] is False


def test_json_is_one_document(phr: Phr, life: None) -> None:
    report = phr("had", "chest ct", "--json").json
    assert (report["schema"], report["had"], report["count"]) == (1, True, 1)
    assert report["times"][0]["report"]["conclusion"].startswith("No nodule.")
    assert phr("had", "chest ct", "--since", "2025", "--json").json["count"] == 0


def test_what_makes_no_sense_is_a_usage_error(phr: Phr, life: None) -> None:
    assert phr("had").status == 2
    assert phr("had", "?").status == 2
    assert phr("had", "ct", "--since", "soon-ish").status == 2


def test_what_was_before_the_day_is_said(phr: Phr, life: None) -> None:
    said = phr("had", "chest ct", "--since", "2025").out
    assert said.splitlines()[0] == "None since 2025; before that on 2024-05-02 at Riverside Hospital."


def test_a_guess_asks_whether_it_was_meant(phr: Phr, life: None) -> None:
    said = phr("had", "mammagram").out
    assert said.startswith("No record says “mammagram”. Did you mean mammogram?")
    assert "Yes" not in said


def test_of_an_illness_the_vaccine_is_said_as_a_vaccine(phr: Phr, tmp_path: Path) -> None:
    shot = {"resourceType": "Immunization", "id": "i", "status": "completed", "occurrenceDateTime": "2021-03-01",
            "vaccineCode": {"text": "COVID-19 vaccine"}}  # fmt: skip
    person = {"resourceType": "Patient", "id": "p", "name": [{"text": "Ada Example"}]}
    path = tmp_path / "shot.json"
    path.write_bytes(
        orjson.dumps(
            {
                "resourceType": "Bundle",
                "type": "collection",
                "entry": [{"resource": one} for one in (person, shot)],
            }
        )
    )
    assert phr("import", str(path)).status == 0
    said = " ".join(phr("had", "covid").out.split())
    assert said.startswith(
        "No record that you were ill with it. You were vaccinated against it once on 2021-03-01."
    )
    assert "Vaccinated against it:" in said
    report = phr("had", "covid", "--json").json
    assert (report["had"], report["perhaps"]) == (False, True)


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("CT CHEST LOW DOSE LUNG CA SCREENING", "CT CHEST LOW DOSE LUNG CA SCREENING"),
        ("MR KNEE LT WO CONTRAST", "MR KNEE LT WO CONTRAST"),
        ("COLONOSCOPY SCREENING", "Colonoscopy screening"),
        ("CT ABDOMEN WITH CONTRAST", "CT abdomen with contrast"),
        ("Procedure 169069000", "Procedure 169069000 (CT chest)"),
        ("CT of the chest", "CT of the chest"),
    ],
)
def test_a_title_is_never_half_in_capitals_and_never_only_a_code(title: str, said: str) -> None:
    assert quiet(title) == said
