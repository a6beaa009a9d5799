"""Documents before the judge: schema, HL7 rules, narrative links, and nothing that no rule can see.

The Bundles are of many origins: Synthea's patients, the International Patient Summary, US Core's examples,
recorded answers of vendors' sandboxes. They are read in place, beside the checkout.
"""

from __future__ import annotations

import copy
import gzip
import json
import random
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Errors = Callable[..., list[str]]
Make = Callable[..., dict[str, Any]]

NORMAL = ("Alyce_Walsh", "Emerson_Feil", "Lurlene215", "Crista774")
"""Synthea patients of four origins that every run looks at; `full` looks at all twenty."""


def _members(archive: Path) -> Iterator[tuple[str, Any]]:
    with tarfile.open(archive) as opened:
        for member in opened.getmembers():
            file = opened.extractfile(member) if member.name.endswith(".json") else None
            if file is not None:
                yield member.name, json.loads(file.read())


def _as_collection(transaction: dict[str, Any]) -> dict[str, Any]:
    """A transaction's entries without what was to be done with them."""
    entries = [{"fullUrl": e.get("fullUrl"), "resource": e.get("resource")} for e in transaction["entry"]]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _resources(answer: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(answer, dict):
        return
    if answer.get("resourceType") == "Bundle":
        for entry in answer.get("entry") or []:
            yield from _resources(entry.get("resource"))
    elif answer.get("resourceType"):
        yield answer


def _recorded(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "index.json":
            try:
                found.extend(_resources(json.loads(path.read_bytes())))
            except ValueError:  # a PDF or an HTML error page
                continue
    return found


def _bundle_of(resources: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": each} for each in resources],
    }


# ── own Bundles ───────────────────────────────────────────────────────────────────────────────────


def test_an_empty_bundle_passes(errors: Errors) -> None:
    assert errors({"resourceType": "Bundle", "type": "collection"}) == []


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parent / "data").glob("*.json")), ids=lambda path: path.stem
)
def test_the_approved_entries_pass(errors: Errors, bundle: Make, path: Path) -> None:
    assert errors(bundle(*json.loads(path.read_text()))) == []


def test_resources_that_say_nothing_pass(errors: Errors, bundle: Make) -> None:
    types = """Patient AllergyIntolerance Condition MedicationRequest MedicationStatement Observation Goal Encounter
    DiagnosticReport Procedure Immunization ServiceRequest CarePlan CareTeam DocumentReference Device Coverage
    FamilyMemberHistory Consent ClinicalImpression Appointment MedicationDispense MedicationAdministration""".split()
    bare = [{"resourceType": type_, "status": "active"} for type_ in types]

    assert errors(bundle(*bare, *[{"resourceType": type_, "id": type_} for type_ in types])) == []


# ── samples ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", NORMAL)
def test_a_synthea_patient_passes(errors: Errors, shared: Path, name: str) -> None:
    archive = shared / "samples" / "synthea" / "synthea-r4-20-patients.tar.gz"
    patient = next(content for path, content in _members(archive) if name in path)

    assert errors(_as_collection(patient)) == []


@pytest.mark.full
def test_all_synthea_patients_pass(errors: Errors, shared: Path) -> None:
    archive = shared / "samples" / "synthea" / "synthea-r4-20-patients.tar.gz"
    wrong = {path: found for path, content in _members(archive) if (found := errors(_as_collection(content)))}

    assert wrong == {}


@pytest.mark.full
def test_a_patient_with_thousands_of_resources_passes(errors: Errors, shared: Path) -> None:
    packed = shared / "samples" / "synthea" / "large-patient-2176-resources.json.gz"

    assert errors(_as_collection(json.loads(gzip.decompress(packed.read_bytes())))) == []


def test_patient_summaries_pass(errors: Errors, shared: Path) -> None:
    wrong = {
        path.name: found
        for path in sorted((shared / "samples" / "ips").glob("*.json"))
        if (found := errors(json.loads(path.read_bytes())))
    }

    assert wrong == {}


@pytest.mark.parametrize("release", ["us-core-current-examples", "us_core_610-examples"])
def test_us_core_examples_pass_all_together(errors: Errors, shared: Path, release: str) -> None:
    archive = shared / "samples" / "us-core" / f"{release}.tar.gz"
    resources = [each for _, content in _members(archive) for each in _resources(content)]

    assert errors(_bundle_of(resources)) == []


@pytest.mark.full
def test_examples_of_the_standard_pass_type_by_type(errors: Errors, shared: Path) -> None:
    by_type: dict[str, list[dict[str, Any]]] = {}
    for archive in ("us-core/us-core-current-examples", "fhir-r4-core/fhir-r4-core-examples"):
        for _, content in _members(shared / "samples" / f"{archive}.tar.gz"):
            for each in _resources(content):
                by_type.setdefault(each["resourceType"], []).append(each)

    assert {
        type_: found for type_, each in sorted(by_type.items()) if (found := errors(_bundle_of(each)))
    } == {}


@pytest.mark.parametrize("vendor", ["epic", "athenahealth", "nextgen", "cerner-docs-millennium-r4", "humana"])
def test_recorded_answers_of_a_vendor_pass(errors: Errors, shared: Path, vendor: str) -> None:
    assert errors(_bundle_of(_recorded(shared / "samples" / "vendor-fhir" / vendor))) == []


@pytest.mark.full
def test_recorded_answers_of_all_vendors_pass(errors: Errors, shared: Path) -> None:
    folders = sorted(path for path in (shared / "samples" / "vendor-fhir").iterdir() if path.is_dir())

    assert {f.name: found for f in folders if (found := errors(_bundle_of(_recorded(f))))} == {}


# ── broken on purpose ─────────────────────────────────────────────────────────────────────────────

_ODD: tuple[Any, ...] = (
    *(None, "", [], {}, "x y", 0, -1, True, [{}], [[]], ["a", None], {"a": 1}),
    *("2020-13-45", "\x00\x0b\ud800", float("nan"), "urn:oid:1.2", " "),
)


def _broken(value: Any, chance: random.Random, share: float) -> Any:
    """The same with elements missing, of the wrong type, or a list where there was none."""
    if isinstance(value, dict):
        return {
            key: inner if key == "resourceType" else _replaced(inner, chance, share)
            for key, inner in value.items()
            if key == "resourceType" or chance.random() > share
        }
    if isinstance(value, list):
        return [_broken(inner, chance, share) for inner in value if chance.random() > share]
    return value


def _replaced(value: Any, chance: random.Random, share: float) -> Any:
    dice = chance.random()
    if dice < share:
        return chance.choice(_ODD)
    return [value] if dice < share * 1.3 else _broken(value, chance, share)


def _pool(shared: Path) -> list[dict[str, Any]]:
    archive = shared / "samples" / "us-core" / "us-core-current-examples.tar.gz"
    found = [each for _, content in _members(archive) for each in _resources(content)]
    patients = shared / "samples" / "synthea" / "synthea-r4-20-patients.tar.gz"
    patient = next(content for path, content in _members(patients) if "Crista774" in path)
    return found + [
        each for each in _resources(patient) if each["resourceType"] not in ("Claim", "ExplanationOfBenefit")
    ]


def _check_broken(errors: Errors, bundle: Make, shared: Path, seeds: range) -> None:
    pool = _pool(shared)
    for seed in seeds:
        chance = random.Random(seed)
        chosen = copy.deepcopy(chance.sample(pool, 120))
        share = (0.15, 0.04)[seed % 2]
        odd = [_broken(each, chance, share) for each in chosen]

        assert errors(bundle(*[each for each in odd if "id" in each])) == [], f"seed {seed}"


def test_broken_resources_still_make_a_valid_document(errors: Errors, bundle: Make, shared: Path) -> None:
    _check_broken(errors, bundle, shared, range(6))


@pytest.mark.full
def test_many_broken_resources_still_make_a_valid_document(
    errors: Errors, bundle: Make, shared: Path
) -> None:
    _check_broken(errors, bundle, shared, range(6, 100))
