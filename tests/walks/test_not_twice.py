"""A record goes out as a CCD and comes in again from somebody else: each fact is there once, and has two sources."""

from __future__ import annotations

import io
import json
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from phr.exporters import registry
from phr.exporters.base import Options
from phr.views.selection import EVERYTHING
from phr.workspace.files import ImportWish

from .conftest import Person

PATIENTS = ("Bill_Reinger", "Keira_Huel", "Almeda560")
NOT_IN_A_CCD = {"claim": "no section takes claims", "care_plan": "its activities stand there, not the plan"}
"""Kinds that a CCD does not hold, so that only the first source has them."""
_ALONE = (
    "SELECT r.kind, x.type, r.title, s.name FROM record r JOIN resource x ON x.id = r.id"
    " JOIN source s ON s.id = x.source_id WHERE r.supporting = 0 AND (SELECT count(DISTINCT y.source_id)"
    " FROM record_source y WHERE y.record_id = r.id) = 1"
)
NS = {"h": "urn:hl7-org:v3"}
_MEDICINES = "//h:section[h:code/@code='10160-0']/h:entry/h:substanceAdministration/h:id[1]/@root"


def _synthea(shared: Path, name: str, tmp_path: Path) -> Path:
    with tarfile.open(shared / "samples" / "synthea" / "synthea-r4-20-patients.tar.gz") as archive:
        member = next(each for each in archive.getmembers() if Path(each.name).name.startswith(name))
        file = archive.extractfile(member)
        assert file is not None
        path = tmp_path / "patient.json"
        path.write_bytes(file.read())
    return path


def _generated(tmp_path: Path) -> Path:
    """One of each, undated or without identifiers where sources leave these out."""
    concept = {"coding": [{"system": "http://snomed.info/sct", "code": "44054006"}], "text": "Diabetes"}
    drug = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "860975"}]}
    lab = {"coding": [{"system": "http://loinc.org", "code": "4548-4"}], "text": "HbA1c"}
    quantity = {"value": 7.1, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}
    laboratory = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category",
                               "code": "laboratory"}]}]  # fmt: skip
    who = {"subject": {"reference": "Patient/p"}}
    resources: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "p", "name": [{"family": "Vale", "given": ["Una"]}],
         "birthDate": "1980-02-29", "gender": "female"},
        {"resourceType": "Condition", "id": "c", "code": concept, **who},
        {"resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
         "medicationCodeableConcept": drug, **who},
        {"resourceType": "Goal", "id": "g", "lifecycleStatus": "active", "description": {"text": "Walk"}, **who},
        {"resourceType": "Observation", "id": "o", "status": "final", "category": laboratory, "code": lab,
         "effectiveDateTime": "2024-05-01T23:30:00-05:00", "valueQuantity": quantity, **who},
        {"resourceType": "DiagnosticReport", "id": "r", "status": "final", "code": lab,
         "effectiveDateTime": "2024-05-01T23:30:00-05:00", "result": [{"reference": "Observation/o"}], **who},
        {"resourceType": "Procedure", "id": "x", "status": "not-done", "code": {"text": "Biopsy"}, **who},
    ]  # fmt: skip
    path = tmp_path / "patient.json"
    entries = [{"resource": each} for each in resources]
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    return path


def _there_and_back(person: Person, path: Path, tmp_path: Path) -> tuple[bytes, bytes]:
    person.workspace.import_files([path], ImportWish(source="Clinic"))
    first = _as_ccd(person)
    ccd = tmp_path / "ccd.xml"
    ccd.write_bytes(first)
    assert person.workspace.import_files([ccd], ImportWish(source="Elsewhere")).exit_status == 0
    return first, _as_ccd(person)


def _as_ccd(person: Person) -> bytes:
    out = io.BytesIO()
    with person.workspace.store() as store:
        registry.write(store, "ccd", EVERYTHING, out, Options(reproducible=True))
    return out.getvalue()


def _alone(person: Person) -> list[tuple[str, str, str, str]]:
    with person.workspace.store() as store:
        return list(store.db.execute(_ALONE).fetchall())


def _medicines(ccd: bytes) -> Counter[str]:
    found = etree.fromstring(ccd).xpath(_MEDICINES, namespaces=NS)
    assert isinstance(found, list)
    return Counter(map(str, found))


def _check(person: Person, first: bytes, second: bytes) -> None:
    alone = _alone(person)
    anew = Counter((kind, type_) for kind, type_, _, source in alone if source == "Elsewhere")
    # what the plans contain, each for itself; the document that was imported
    assert set(anew) <= {("order", "ServiceRequest"), ("clinical_note", "DocumentReference")}
    assert anew["clinical_note", "DocumentReference"] == 1
    left = Counter((kind, type_) for kind, type_, _, source in alone if source == "Clinic")
    unpaired = {kind: number for (kind, _), number in left.items() if kind not in NOT_IN_A_CCD}
    # a note that its source gives as report and as document is one document in a CCD; pictures have no section
    allowed = {
        ("clinical_note", "DiagnosticReport"), ("imaging", "ImagingStudy"), ("other", "SupplyDelivery"),
        ("document", "DocumentReference"),
    }  # fmt: skip
    assert {key for key in left if key[0] not in NOT_IN_A_CCD} <= allowed, unpaired
    assert _medicines(second) == _medicines(first)


@pytest.mark.parametrize("name", PATIENTS)
def test_what_comes_back_as_a_document_is_shown_once(
    person: Person, shared: Path, tmp_path: Path, name: str
) -> None:
    _check(person, *_there_and_back(person, _synthea(shared, name, tmp_path), tmp_path))


def test_facts_without_a_date_or_an_identifier_are_shown_once_too(person: Person, tmp_path: Path) -> None:
    first, second = _there_and_back(person, _generated(tmp_path), tmp_path)

    _check(person, first, second)
    assert {kind for kind, _, _, _ in _alone(person)} == {"clinical_note"}
