"""`phr missing` as a person types it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

Phr = Callable[..., Any]


@pytest.fixture
def life(phr: Phr, tmp_path: Path) -> None:
    """An order without a result, long ago, and one with."""

    def order(id_: str, text: str) -> dict[str, Any]:
        return {
            "resourceType": "ServiceRequest",
            "id": id_,
            "status": "active",
            "intent": "order",
            "code": {"text": text},
            "authoredOn": "2024-01-01",
            "requester": {"reference": "Practitioner/d", "display": "Dr. Ada Moss"},
        }

    entries: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "p", "name": [{"text": "Ada Example"}]},
        order("a", "MRI of the left knee"),
        order("b", "Chest X-ray"),
        {"resourceType": "DiagnosticReport", "id": "r", "status": "final", "code": {"text": "XR Chest 2 Views"},
         "effectiveDateTime": "2024-01-03", "conclusion": "Clear.", "category": [{"coding": [{"code": "RAD"}]}]},
    ]  # fmt: skip
    path = tmp_path / "life.json"
    path.write_bytes(
        orjson.dumps(
            {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in entries]}
        )
    )
    assert phr("import", str(path)).status == 0


def test_a_line_says_what_by_whom_and_what_to_do(phr: Phr, life: None) -> None:
    said = phr("missing")
    assert said.status == 0
    assert said.out.splitlines()[0] == "1 thing should be in your record and is not."
    assert "MRI of the left knee" in said.out
    assert "X-ray" not in said.out
    assert "by Dr. Ada Moss" in said.out
    assert "Ask Dr. Ada Moss for the result" in said.out
    assert "was not done" in said.out.splitlines()[-2] + said.out.splitlines()[-1]
    assert all(len(line) <= 80 for line in said.out.splitlines())


def test_json_is_one_document(phr: Phr, life: None) -> None:
    report = phr("missing", "--json").json
    assert report["schema"] == 1
    assert [one["reason"] for one in report["missing"]] == ["ordered_without_result"]
    assert report["checked"]["orders"] == 2


def test_options_narrow(phr: Phr, life: None) -> None:
    assert phr("missing", "--since", "2025", "--json").json["missing"] == []
    assert phr("missing", "--kind", "labs", "--json").json["missing"] == []
    assert phr("missing", "--kind", "orders", "--json").json["missing"]
    assert phr("missing", "--grace", "3650", "--json").json["missing"] == []
    assert "Nothing is missing" in phr("missing", "--since", "2025").out


def test_what_makes_no_sense_is_a_usage_error(phr: Phr, life: None) -> None:
    assert phr("missing", "--kind", "bananas").status == 2
    assert phr("missing", "--source", "nowhere").status == 2
    assert phr("missing", "--grace", "-1").status == 2


def test_many_reports_of_which_only_the_name_is_here_are_told_together(phr: Phr, tmp_path: Path) -> None:
    entries: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "p", "name": [{"text": "Ada Example"}]}
    ]
    entries += [
        {"resourceType": "DiagnosticReport", "id": f"r{at}", "status": "final", "code": {"text": f"CT study {word}"},
         "effectiveDateTime": f"2024-0{at}-01", "category": [{"coding": [{"code": "RAD"}]}]}
        for at, word in enumerate(("alpha", "beta", "gamma", "delta", "epsilon"), 1)
    ]  # fmt: skip
    entries.append(
        {"resourceType": "ServiceRequest", "id": "a", "status": "active", "intent": "order",
         "code": {"text": "MRI of the left knee"}, "authoredOn": "2024-01-01"}
    )  # fmt: skip
    path = tmp_path / "bare.json"
    path.write_bytes(
        orjson.dumps(
            {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in entries]}
        )
    )
    assert phr("import", str(path), "--as", "Northside").status == 0
    out = phr("missing").out
    assert "1 order without a result, 5 reports without their document." in " ".join(out.split())
    assert "5 reports from Northside: only their names are here." in out
    assert out.index("MRI of the left knee") < out.index("5 reports from Northside")
    assert out.count("CT study") == 3
    assert len(phr("missing", "--json").json["missing"]) == 6
