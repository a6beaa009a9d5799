"""The page that says what of FHIR stands where is made anew and compared: it cannot claim what is not so."""

from __future__ import annotations

import copy
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def coverage(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DOCS))
    for name in ("ccda_coverage", "ccda_instances"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("ccda_coverage")


def test_the_coverage_page_is_what_the_writer_does(coverage: ModuleType) -> None:
    assert coverage.PAGE.read_text(encoding="utf-8") == coverage.page(), "write it anew: make docs"


def test_each_element_that_stands_in_no_entry_has_a_reason(coverage: ModuleType) -> None:
    rows = [
        line.split(" | ")
        for line in coverage.PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]

    assert len(rows) > 300
    assert [row for row in rows if len(row[2].rstrip("| ")) < 10] == []


def _titles() -> list[str]:
    sys.path.insert(0, str(DOCS))
    try:
        return [each.title for each in importlib.import_module("ccda_instances").INSTANCES]
    finally:
        sys.path.remove(str(DOCS))


@pytest.mark.parametrize("title", [each for each in _titles() if each != "Patient"])
def test_a_document_with_every_element_of_a_section_passes(
    coverage: ModuleType, errors: Callable[..., list[str]], title: str
) -> None:
    instance = next(each for each in coverage.INSTANCES if each.title == title)

    assert errors(_bundle(coverage, instance, coverage.variants(instance))) == []


def test_a_document_with_every_element_of_a_patient_passes(
    coverage: ModuleType, errors: Callable[..., list[str]]
) -> None:
    instance = next(each for each in coverage.INSTANCES if each.title == "Patient")
    wrong = {}
    for number, each in enumerate(coverage.variants(instance)):
        if number % 7 == 0 and (found := errors(_bundle(coverage, instance, [each]))):
            wrong[number] = found

    assert wrong == {}


def _bundle(coverage: ModuleType, instance: Any, resources: list[dict[str, Any]]) -> dict[str, Any]:
    numbered = [{**each, "id": f"own{number}"} for number, each in enumerate(resources)]
    beside = [
        {
            **copy.deepcopy(each),
            "id": f"{each['id']}{number}",
            "medicationReference": {"reference": f"Medication/own{number}"},
        }
        for each in instance.beside
        for number in range(len(numbered))
    ]
    patient = [] if instance.type == "Patient" else coverage.WORLD[:1]
    others = [each for each in coverage.WORLD if each["resourceType"] != "Patient"]
    whole = [*patient, *numbered, *beside, *others]
    entries = [
        {"fullUrl": f"{coverage.BASE}/{each['resourceType']}/{each['id']}", "resource": each}
        for each in whole
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}
