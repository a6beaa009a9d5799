# ruff: noqa: E501 - a table of truths reads best with one to a line
"""`phr had` on a life with planted truths: each question with the answer that its planter knows, near misses among them.

Written without a look at how the answer is found. `count` is how often it was had, `last` the day of the latest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.walks.conftest import Person

LOINC, SCT, CPT, CVX = (
    "http://loinc.org",
    "http://snomed.info/sct",
    "http://www.ama-assn.org/go/cpt",
    "http://hl7.org/fhir/sid/cvx",
)
RX, ICD = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://hl7.org/fhir/sid/icd-10-cm"
WHOSE = {"subject": {"reference": "Patient/p"}}


def coded(text: str | None, *codes: tuple[str, str, str]) -> dict[str, Any]:
    coding = [{"system": system, "code": code, "display": display} for system, code, display in codes]
    return {**({"text": text} if text else {}), **({"coding": coding} if coding else {})}


def report(id_: str, name: str, day: str, *codes: tuple[str, str, str], **more: Any) -> dict[str, Any]:
    return {"resourceType": "DiagnosticReport", "id": id_, "status": "final", "code": coded(name, *codes),
            "category": [coded("Radiology", ("http://terminology.hl7.org/CodeSystem/v2-0074", "RAD", "Radiology"))],
            "effectiveDateTime": day, **WHOSE, **more}  # fmt: skip


def lab(
    id_: str, name: str, day: str, value: float, unit: str, *codes: tuple[str, str, str], **more: Any
) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": id_, "status": "final", "code": coded(name, *codes), **WHOSE,
            "category": [coded(None, ("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory", "Laboratory"))],
            "effectiveDateTime": day, "valueQuantity": {"value": value, "unit": unit}, **more}  # fmt: skip


def done(id_: str, name: str, day: str, *codes: tuple[str, str, str], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Procedure", "id": id_, "status": "completed", "code": coded(name, *codes),
            "performedDateTime": day, **WHOSE, **more}  # fmt: skip


def shot(id_: str, name: str, day: str, cvx: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Immunization", "id": id_, "status": "completed", "vaccineCode": coded(name, (CVX, cvx, name)),
            "patient": {"reference": "Patient/p"}, "occurrenceDateTime": day, **more}  # fmt: skip


def order(id_: str, name: str, day: str, status: str = "active", **more: Any) -> dict[str, Any]:
    return {"resourceType": "ServiceRequest", "id": id_, "status": status, "intent": "order", "code": coded(name),
            "authoredOn": day, **WHOSE, **more}  # fmt: skip


LIFE: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "p", "name": [{"family": "Quill", "given": ["Ada"]}], "birthDate": "1960-05-05", "gender": "female"},
    # imaging
    report("ct-chest", "CT THORAX W/O CONTRAST", "2023-06-14", (LOINC, "24627-2", "CT Chest"), conclusion="No nodule."),
    report("ct-chest-2", "Computed tomography of chest with contrast", "2021-02-03"),
    report("cxr", "XR CHEST PA AND LATERAL", "2024-01-09", (LOINC, "36687-2", "XR Chest AP and Lateral")),
    report("ct-abd", "CT abdomen and pelvis with contrast", "2022-08-20"),
    report("mri-l-knee", "MRI of left knee without contrast", "2020-10-10"),
    report("mri-brain", "MR Brain WO contrast", "2019-03-03", (LOINC, "24590-2", "MR Brain")),
    report("us-abd", "Ultrasonography of abdomen", "2018-07-07"),
    report("mammo", "MG Breast screening bilateral", "2024-04-22", (LOINC, "24606-6", "MG Breast Screening")),
    report("dxa", "DXA Bone density", "2022-02-02", (LOINC, "38268-9", "DXA Skeletal system Views for bone density")),
    report("echo", "Transthoracic echocardiogram", "2023-11-11", status="final"),
    report("pet-cancelled", "PET CT whole body", "2023-01-01", status="cancelled"),
    order("mri-spine-order", "MRI lumbar spine", "2024-09-01"),
    order("mri-shoulder", "MRI right shoulder", "2024-05-01", status="revoked"),
    {"resourceType": "Appointment", "id": "colo-next", "status": "booked", "start": "2031-02-03T09:00:00Z", "description": "Flexible sigmoidoscopy",
     "participant": [{"actor": {"reference": "Patient/p"}, "status": "accepted"}]},
    # labs
    lab("a1c-1", "Hemoglobin A1c", "2024-03-01", 6.1, "%", (LOINC, "4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood")),
    lab("a1c-2", "Hemoglobin A1c", "2023-03-01", 6.0, "%", (LOINC, "4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood")),
    lab("vitd", "25-Hydroxyvitamin D", "2023-05-05", 31, "ng/mL", (LOINC, "1989-3", "25-Hydroxyvitamin D3 [Mass/volume] in Serum or Plasma")),
    lab("chol", "Cholesterol", "2022-01-15", 201, "mg/dL", (LOINC, "2093-3", "Cholesterol [Mass/volume] in Serum or Plasma")),
    lab("ldl", "LDL Cholesterol", "2022-01-15", 120, "mg/dL", (LOINC, "13457-7", "Cholesterol in LDL [Mass/volume] by calculation")),
    lab("hdl", "HDL Cholesterol", "2022-01-15", 55, "mg/dL", (LOINC, "2085-9", "Cholesterol in HDL [Mass/volume]")),
    lab("trig", "Triglycerides", "2022-01-15", 90, "mg/dL", (LOINC, "2571-8", "Triglyceride [Mass/volume]")),
    lab("tsh-err", "TSH", "2022-06-06", 2.0, "mIU/L", (LOINC, "3016-3", "Thyrotropin"), status="entered-in-error"),
    lab("b12", "Vitamin B12", "2021-09-09", 400, "pg/mL", (LOINC, "2132-9", "Cobalamin (Vitamin B12) [Mass/volume]")),
    # operations
    done("colo", "Colonoscopy", "2019-10-01", (SCT, "73761001", "Colonoscopy")),
    done("appy", "Laparoscopic appendectomy", "1998-04-04", (SCT, "6025007", "Laparoscopic appendectomy")),
    done("cat-left", "Cataract extraction, left eye", "2022-03-03"),
    done("egd-not", "Esophagogastroduodenoscopy", "2023-02-02", status="not-done"),
    done("hip", "Total replacement of right hip", "2021-05-20"),
    # vaccines
    shot("flu-23", "Influenza, seasonal, injectable", "2023-10-05", "141"),
    shot("flu-22", "Influenza, quadrivalent, preservative free", "2022-10-06", "150"),
    shot("tdap", "Tdap", "2018-01-02", "115"),
    shot("covid", "COVID-19, mRNA, LNP-S, PF", "2021-04-01", "208"),
    shot("zoster-not", "Zoster recombinant", "2023-05-05", "187", status="not-done"),
    shot("mmr", "MMR", "1965-05-05", "03"),
    # other people, plans, words
    {"resourceType": "FamilyMemberHistory", "id": "mother", "status": "completed", "relationship": {"text": "mother"}, "patient": {"reference": "Patient/p"},
     "condition": [{"code": {"text": "Hysterectomy"}}]},
    {"resourceType": "Condition", "id": "pox", "code": coded("Varicella", (ICD, "B01.9", "Varicella without complication")), "onsetDateTime": "1966", **WHOSE,
     "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "resolved"}]}},
    {"resourceType": "MedicationRequest", "id": "pred", "status": "completed", "intent": "order", "authoredOn": "2020-12-12", **WHOSE,
     "medicationCodeableConcept": coded("predniSONE 20 MG Oral Tablet", (RX, "312615", "prednisone 20 MG Oral Tablet"))},
    {"resourceType": "Goal", "id": "goal", "lifecycleStatus": "proposed", "description": {"text": "Have a sleep study"}, **WHOSE},
    {"resourceType": "DocumentReference", "id": "letter", "status": "current", "type": coded("Letter"), "date": "2023-12-12T00:00:00Z", **WHOSE,
     "description": "Letter: consider a stress test next year", "content": [{"attachment": {"contentType": "text/plain", "data": "Q29uc2lkZXIgYSBzdHJlc3MgdGVzdC4="}}]},
]  # fmt: skip

YES: list[tuple[str, int, str]] = [
    ("chest ct", 2, "2023-06-14"),
    ("ct of the chest", 2, "2023-06-14"),
    ("CT thorax", 2, "2023-06-14"),
    ("cat scan of my chest", 2, "2023-06-14"),
    ("chest x-ray", 1, "2024-01-09"),
    ("chest xray", 1, "2024-01-09"),
    ("abdominal ct", 1, "2022-08-20"),
    ("mri left knee", 1, "2020-10-10"),
    ("knee mri", 1, "2020-10-10"),
    ("brain mri", 1, "2019-03-03"),
    ("abdominal ultrasound", 1, "2018-07-07"),
    ("mammogram", 1, "2024-04-22"),
    ("bone density scan", 1, "2022-02-02"),
    ("dexa", 1, "2022-02-02"),
    ("echocardiogram", 1, "2023-11-11"),
    ("a1c", 2, "2024-03-01"),
    ("hba1c", 2, "2024-03-01"),
    ("vitamin d", 1, "2023-05-05"),
    ("lipid panel", 1, "2022-01-15"),
    ("cholesterol test", 1, "2022-01-15"),
    ("vitamin b12", 1, "2021-09-09"),
    ("colonoscopy", 1, "2019-10-01"),
    ("appendix out", 1, "1998-04-04"),
    ("appendectomy", 1, "1998-04-04"),
    ("hip replacement", 1, "2021-05-20"),
    ("cataract surgery left eye", 1, "2022-03-03"),
    ("flu shot", 2, "2023-10-05"),
    ("tetanus shot", 1, "2018-01-02"),
    ("covid vaccine", 1, "2021-04-01"),
    ("measles vaccine", 1, "1965-05-05"),
    ("chickenpox", 1, "1966"),
    ("prednisone", 1, "2020-12-12"),
]
NO = [
    "head ct",
    "chest mri",
    "right knee mri",
    "ct of the knee",
    "knee x-ray",
    "brain ct",
    "pet scan",
    "lumbar spine mri",
    "shoulder mri",
    "sigmoidoscopy",
    "tsh",
    "thyroid test",
    "upper endoscopy",
    "knee replacement",
    "left hip replacement",
    "cataract surgery right eye",
    "shingles vaccine",
    "pneumonia vaccine",
    "hepatitis b vaccine",
    "hysterectomy",
    "sleep study",
    "stress test",
    "vitamin k",
    "psa",
    "gallbladder surgery",
    "pelvic ultrasound",
    "breast mri",
    "thyroid ultrasound",
    "prednisolone eye drops",
    "cardiac catheterization",
]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file: Path = tmp_path_factory.mktemp("truths") / "life.json"
    entries = [
        {"fullUrl": f"https://a.example/{one['resourceType']}/{one['id']}", "resource": one} for one in LIFE
    ]
    file.write_bytes(orjson.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    return file


def test_each_question_has_the_answer_that_is_true(phr: Any, person: Person, life: Path) -> None:
    from phr.views.had import had

    assert phr("import", str(life), "--as", "clinic").status == 0
    wrong = []
    with person.workspace.store() as store:
        for query, count, last in YES:
            told = had(store, query).document()
            found = (told["had"], told["count"], (told["last"] or "")[: len(last)])
            if found != (True, count, last):
                wrong.append((query, found, (True, count, last)))
        wrong += [(query, told["count"]) for query in NO if (told := had(store, query).document())["had"]]
    assert not wrong
