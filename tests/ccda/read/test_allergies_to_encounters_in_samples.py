"""Real documents: whatever they code or name of these kinds is found again, valid, and comes back from our own CCD.

The count is made here with XPath on the plain file, by nothing that the reader uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from phr.ccda.document import write_ccd
from phr.ccda.read.document import read

V3 = {"v": "urn:hl7-org:v3"}
ROOT = "2.16.840.1.113883.10.20"
KINDS = {
    "Condition": (
        f"//v:observation[v:templateId/@root='{ROOT}.22.4.4'][not(@negationInd='true')]/v:value",
        ("Condition",),
    ),
    "AllergyIntolerance": (
        f"//v:observation[v:templateId/@root='{ROOT}.22.4.7' or v:templateId/@root='{ROOT}.1.18']"
        "[not(@negationInd='true')]//v:playingEntity/v:code",
        ("AllergyIntolerance",),
    ),
    "Medication": (
        f"//v:substanceAdministration[v:templateId/@root='{ROOT}.22.4.16' or v:templateId/@root='{ROOT}.22.4.42']"
        "[not(@negationInd='true')]/v:consumable//v:manufacturedMaterial/v:code",
        ("MedicationRequest", "MedicationStatement"),
    ),
    "Immunization": (
        f"//v:substanceAdministration[v:templateId/@root='{ROOT}.22.4.52' or v:code/@code='IMMUNIZ']"
        "//v:manufacturedMaterial/v:code",
        ("Immunization",),
    ),
    "Encounter": (
        f"//v:encounter[v:templateId/@root='{ROOT}.22.4.49' or v:templateId/@root='{ROOT}.1.21']/v:code",
        ("Encounter",),
    ),
    "Route": (
        "//v:substanceAdministration/v:routeCode",
        ("MedicationRequest", "MedicationStatement", "Immunization"),
    ),
}
TYPES = ("AllergyIntolerance", "Condition", "MedicationRequest", "MedicationStatement", "MedicationDispense",
         "Immunization", "Encounter")  # fmt: skip
NO_CODES = {"unknown", "unk", "ni", "none"}
KINDS_OF_PROBLEM = {"55607006", "64572001"}


def documents(shared: Path) -> Iterator[Path]:
    yield from sorted((shared / "samples" / "ccda").glob("*.xml"))
    yield from sorted((shared / "samples" / "ccda-eicr").glob("*.xml"))


def said(element: Any) -> set[str]:
    """The codes of an element and its translations."""
    found = [element, *element.iterfind(".//{*}translation")]
    codes = {
        " ".join(each.get("code").split()) for each in found if each.get("code") and each.get("codeSystem")
    }
    return {code for code in codes if code.lower() not in NO_CODES} - KINDS_OF_PROBLEM


def test_every_code_of_these_kinds_in_the_samples_is_read(shared: Path) -> None:
    counted, lost = 0, []
    for path in documents(shared):
        content = path.read_bytes()
        resources = read(content).resources
        root = etree.fromstring(content)
        for kind, (where, types) in KINDS.items():
            whole = json.dumps([each for each in resources if each["resourceType"] in types], default=str)
            found = set(re.findall(r'"code": "([^"]+)"', whole))
            for element in root.xpath(where, namespaces=V3):
                counted += 1
                lost += [(path.name, kind) for code in said(element) if code not in found]
    assert counted > 300
    assert lost == []


def test_each_resource_of_the_samples_is_valid(shared: Path) -> None:
    for path in documents(shared):
        for resource in read(path.read_bytes()).resources:
            if resource["resourceType"] in TYPES:
                module = import_module(f"fhir.resources.R4B.{resource['resourceType'].lower()}")
                model = getattr(module, resource["resourceType"])
                model.model_validate(json.loads(json.dumps(resource, default=str)))


def test_reading_twice_gives_the_same(shared: Path) -> None:
    content = next(documents(shared)).read_bytes()
    assert read(content).resources == read(content).resources


HL7 = "http://terminology.hl7.org/CodeSystem"
SNOMED, RXNORM = "http://snomed.info/sct", "http://www.nlm.nih.gov/research/umls/rxnorm"


def concept(system: str, *codes: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for code in codes]}


ALLERGY = {
    "resourceType": "AllergyIntolerance",
    "clinicalStatus": concept(f"{HL7}/allergyintolerance-clinical", "active"),
    "type": "allergy",
    "category": ["food"],
    "criticality": "high",
    "code": concept(SNOMED, "91935009"),
    "onsetDateTime": "2010-05",
    "reaction": [{"manifestation": [concept(SNOMED, "247472004")], "severity": "severe"}],
}
CONDITION = {
    "resourceType": "Condition",
    "clinicalStatus": concept(f"{HL7}/condition-clinical", "resolved"),
    "category": [concept(f"{HL7}/condition-category", "problem-list-item")],
    "code": concept(SNOMED, "233604007", "385093006"),
    "onsetDateTime": "2015-03-01",
    "abatementDateTime": "2015-04-01",
}
REQUEST = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "medicationCodeableConcept": concept(RXNORM, "314076"),
    "dosageInstruction": [
        {
            "text": "one in the evening",
            "asNeededBoolean": True,
            "timing": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}},
            "route": concept("http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", "C38288"),
            "doseAndRate": [
                {
                    "doseQuantity": {
                        "value": 2,
                        "system": "http://unitsofmeasure.org",
                        "code": "mg",
                        "unit": "mg",
                    }
                }
            ],
        }
    ],
    "dispenseRequest": {"numberOfRepeatsAllowed": 2, "quantity": {"value": 30}},
}
IMMUNIZATION = {
    "resourceType": "Immunization",
    "status": "not-done",
    "statusReason": concept(f"{HL7}/v3-ActReason", "PATOBJ"),
    "vaccineCode": concept("http://hl7.org/fhir/sid/cvx", "140"),
    "occurrenceDateTime": "2020-10-01",
    "lotNumber": "L1",
}
ENCOUNTER = {
    "resourceType": "Encounter",
    "status": "finished",
    "class": {"system": f"{HL7}/v3-ActCode", "code": "AMB"},
    "type": [concept("http://www.ama-assn.org/go/cpt", "99213")],
    "period": {"start": "2020-10-01", "end": "2020-10-02"},
}
WRITTEN = [ALLERGY, CONDITION, REQUEST, IMMUNIZATION, ENCOUNTER]


def facts(value: Any, path: str = "") -> set[tuple[str, str]]:
    """Codes and plain values by path; words and numbers of the resource itself aside."""
    if isinstance(value, dict):
        skipped = (
            "id",
            "resourceType",
            "reference",
            "identifier",
            "meta",
            "display",
            "system",
            "text",
            "unit",
            "extension",
        )
        return {
            fact for key, each in value.items() if key not in skipped for fact in facts(each, f"{path}.{key}")
        }
    if isinstance(value, list):
        return {fact for each in value for fact in facts(each, path)}
    return {(path, str(value))}


@pytest.mark.parametrize("resource", WRITTEN, ids=lambda each: str(each["resourceType"]))
def test_what_we_write_comes_back(resource: dict[str, Any]) -> None:
    patient = {"reference": "Patient/p"}
    whose = {"id": "1", "subject": patient, "patient": patient}
    entries = [
        {"fullUrl": f"https://one.example/fhir/{each['resourceType']}/{each['id']}", "resource": each}
        for each in ({"resourceType": "Patient", "id": "p"}, resource | whose)
    ]
    ccd = write_ccd(
        {"resourceType": "Bundle", "type": "collection", "entry": entries},
        document_id="0f5b8c7e-2f6d-4c55-9a3e-3d1f6a7b8c9d",
        now=datetime(2026, 3, 1, tzinfo=UTC),
    )
    (back,) = [each for each in read(ccd.xml).resources if each["resourceType"] == resource["resourceType"]]
    assert facts(resource) - facts(back) == set()
