"""The Health app's export: its clinical records come in, with who they are from."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from phr.importers.base import NOTED, skipped
from phr.importers.opening import read
from phr.model import Received

FOLDER = "apple_health_export"
LAB = b'{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"Glucose"},' \
      b'"subject":{"reference":"Patient/p1"},"valueQuantity":{"value":5.10}}'  # fmt: skip
ORDER = {
    "resourceType": "MedicationOrder",
    "id": "m1",
    "patient": {"reference": "Patient/p2"},
    "dateWritten": "2016-03-02",
    "status": "active",
    "medicationCodeableConcept": {"text": "Lisinopril"},
    "dosageInstruction": [{"text": "1 daily", "doseQuantity": {"value": 1}}],
}


def _export(*records: tuple[str, str, str]) -> str:
    rows = "".join(
        f'<ClinicalRecord type="x" sourceName="{source}" fhirVersion="{version}"'
        f' resourceFilePath="/clinical-records/{name}"/>\n'
        for name, source, version in records
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE HealthData [\n<!ELEMENT HealthData (Record*)>\n]>\n'
        '<HealthData locale="en_US"><Record type="HKQuantityTypeIdentifierHeight" value="180"/>\n'
        + '<Record type="HKQuantityTypeIdentifierStepCount" value="7"/>\n' * 30_000
        + rows
        + "</HealthData>"
    )


def test_clinical_records_come_in_with_their_sources_and_measurements_are_named(
    zipped: Callable[..., bytes], document: Callable[..., str]
) -> None:
    body = zipped(
        {
            f"{FOLDER}/export.xml": _export(
                ("Observation-1.json", "Hill &amp; Dale Clinic", "4.0.1"),
                ("M-1.json", "Old Hospital", "1.0.2"),
            ),
            f"{FOLDER}/export_cda.xml": document(),
            f"{FOLDER}/workout-routes/route.gpx": "<gpx/>",
            f"{FOLDER}/electrocardiograms/ecg.csv": "a,b\n1,2\n",
            f"{FOLDER}/clinical-records/Observation-1.json": LAB,
            f"{FOLDER}/clinical-records/M-1.json": json.dumps(ORDER),
            f"{FOLDER}/clinical-records/C-1.json": '{"resourceType":"Condition","id":"c"}',
        }
    )
    found = read(io.BytesIO(body), name="export.zip")
    came = {one.type: one for one in found.resources()}

    assert (found.format, found.sender) == ("apple-health", "Health app")
    assert found.choose(None) is None  # two providers, two ids, one owner of the phone
    assert came["Observation"].raw == LAB
    assert json.loads(came["MedicationRequest"].raw)["authoredOn"] == "2016-03-02"
    assert found.sections is not None
    assert {one["title"]: one["made"] for one in found.sections()} == {
        "Hill & Dale Clinic": {"Observation": 1},
        "Old Hospital": {"MedicationRequest": 1},
        "not said": {"Condition": 1},
    }
    counts = {one["reason"]: one["count"] for one in skipped(found.problems)}
    assert sorted(counts.values()) == [1, 4]
    assert not [one for one in found.problems if not one.known]
    assert {one.id for one in found.problems if one.reason in NOTED} == {"m1"}


@pytest.mark.parametrize(
    ("old", "path", "value"),
    [
        ({"resourceType": "AllergyIntolerance", "substance": {"text": "Egg"}, "criticality": "CRITH"},
         ("code", "text"), "Egg"),
        ({"resourceType": "AllergyIntolerance", "substance": {"text": "Egg"}, "criticality": "CRITH"},
         ("criticality",), "high"),
        ({"resourceType": "Condition", "code": {"text": "Asthma"}, "clinicalStatus": "resolved"},
         ("clinicalStatus", "coding", 0, "code"), "resolved"),
        ({"resourceType": "Immunization", "date": "2015-10-01", "wasNotGiven": True, "status": "completed",
          "vaccineCode": {"text": "Flu"}}, ("status",), "not-done"),
        ({"resourceType": "MedicationStatement", "wasNotTaken": True, "status": "active",
          "medicationCodeableConcept": {"text": "x"}}, ("status",), "not-taken"),
        ({"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "comments": "low"},
         ("note", 0, "text"), "low"),
        ({"resourceType": "Procedure", "status": "completed", "notPerformed": True, "code": {"text": "x"}},
         ("status",), "not-done"),
        ({"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"}, "category": {"text": "Lab"}},
         ("category", 0, "text"), "Lab"),
    ],
)  # fmt: skip
def test_dstu2_is_told_in_the_words_of_r4(old: dict[str, Any], path: tuple[Any, ...], value: str) -> None:
    from fhir.resources.R4B import get_fhir_model_class

    from phr.importers import dstu2

    who = "subject" if old["resourceType"] in ("Observation", "Procedure", "DiagnosticReport") else "patient"
    raw = json.dumps({**old, "id": "x", who: {"reference": "Patient/p"}}).encode()
    (new,), remarks = dstu2.modern((Received(old["resourceType"], "x", raw),))
    found = json.loads(new.raw)
    get_fhir_model_class(new.type).model_validate(found)
    for step in path:
        found = found[step]
    assert found == value
    assert len(remarks) == 1
