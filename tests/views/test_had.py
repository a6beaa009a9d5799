"""`phr had` on a life with planted truths: what was done, what only looks like it, what was ordered, planned, cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.store.store import Store
from phr.views.had import Had, had
from phr.views.had_exam import compare, exam

LOINC, SNOMED, CVX, CPT = (
    "http://loinc.org",
    "http://snomed.info/sct",
    "http://hl7.org/fhir/sid/cvx",
    "http://www.ama-assn.org/go/cpt",
)
DICOM = "http://dicom.nema.org/resources/ontology/DCM"


def said(
    text: str | None = None, code: str | None = None, system: str = SNOMED, display: str | None = None
) -> dict[str, Any]:
    coding = {"system": system, "code": code, **({"display": display} if display else {})} if code else None
    return {**({"text": text} if text else {}), **({"coding": [coding]} if coding else {})}


class World:
    """Resources of two sources, collected and saved at once."""

    def __init__(self) -> None:
        self.kept: dict[str, list[Received]] = {}
        self._number = 0

    def put(self, type_: str, *, source: str = "river", **elements: Any) -> str:
        self._number += 1
        id_ = f"{type_[:4].lower()}-{self._number}"
        body = {"resourceType": type_, "id": id_, **elements}
        self.kept.setdefault(source, []).append(Received(type_, id_, orjson.dumps(body)))
        return f"{type_}/{id_}"

    def report(self, text: str, date: str, **more: Any) -> str:
        more = {"status": "final", "code": said(text), "effectiveDateTime": date} | more
        return self.put("DiagnosticReport", **({"category": [{"coding": [{"code": "RAD"}]}]} | more))

    def study(self, text: str | None, date: str, modality: str, site: str | None = None, **more: Any) -> str:
        series = {"modality": {"system": DICOM, "code": modality}, "uid": "1.2"}
        if site:
            series["bodySite"] = {"system": SNOMED, "code": "1", "display": site}
        return self.put(
            "ImagingStudy",
            **(
                {"status": "available", "started": date, "series": [series]}
                | ({"description": text} if text else {})
                | more
            ),
        )

    def procedure(self, text: str, date: str | None, **more: Any) -> str:
        when = {"performedDateTime": date} if date else {}
        return self.put("Procedure", **({"status": "completed", "code": said(text)} | when | more))

    def order(self, text: str, date: str, **more: Any) -> str:
        return self.put(
            "ServiceRequest",
            **({"status": "active", "intent": "order", "code": said(text), "authoredOn": date} | more),
        )

    def lab(self, text: str, code: str | None, date: str, value: float | None = 1.0, **more: Any) -> str:
        measured = {"valueQuantity": {"value": value, "unit": "mg/dL"}} if value is not None else {}
        return self.put(
            "Observation",
            **(
                {
                    "status": "final",
                    "category": [{"coding": [{"code": "laboratory"}]}],
                    "code": said(text, code, LOINC),
                    "effectiveDateTime": date,
                }
                | measured
                | more
            ),
        )

    def shot(self, text: str, cvx: str | None, date: str, **more: Any) -> str:
        return self.put(
            "Immunization",
            **(
                {"status": "completed", "vaccineCode": said(text, cvx, CVX), "occurrenceDateTime": date}
                | more
            ),
        )

    def problem(self, text: str, date: str, **more: Any) -> str:
        clinical = {"coding": [{"code": "active"}]}
        return self.put(
            "Condition", **({"clinicalStatus": clinical, "code": said(text), "onsetDateTime": date} | more)
        )


def _images(w: World) -> None:
    order = w.order("CT Thorax wo contrast", "2024-04-20")
    study = w.study(
        "CT CHEST W/O CONTRAST",
        "2024-05-02T10:00:00Z",
        "CT",
        "Thoracic structure",
        basedOn=[{"reference": order}],
    )
    w.procedure("Computed tomography, thorax, without contrast", "2024-05-02T10:00:00Z")
    w.report(
        "CT of thorax",
        "2024-05-02T11:30:00Z",
        imagingStudy=[{"reference": study}],
        basedOn=[{"reference": order}],
        conclusion="No nodule.",
        performer=[{"reference": "Organization/o", "display": "Riverside Hospital"}],
        presentedForm=[{"contentType": "text/plain", "data": "Tm8gbm9kdWxlLg==", "title": "Report"}],
    )
    w.put(
        "DocumentReference",
        status="current",
        type=said("CT chest report"),
        date="2024-05-03T09:00:00Z",
        content=[{"attachment": {"contentType": "text/plain", "data": "Q1Q=", "title": "CT chest"}}],
    )
    w.put(
        "Claim",
        status="active",
        use="claim",
        billablePeriod={"start": "2024-05-02"},
        created="2024-05-20",
        item=[{"sequence": 1, "productOrService": said(None, "71250", CPT)}],
    )
    w.report("HRCT", "2021-03-01", source="hill")
    w.put(
        "ExplanationOfBenefit",
        status="active",
        use="claim",
        outcome="complete",
        source="hill",
        billablePeriod={"start": "2017-02-03"},
        item=[
            {"sequence": 1, "productOrService": said("Office visit", "99213", CPT)},
            {"sequence": 2, "productOrService": said(None, "71260", CPT)},
        ],
    )
    # what only looks like it
    w.report("XR Chest 2 Views", "2023-04-01", conclusion="CT chest recommended.")
    w.report("CT Abdomen and Pelvis with contrast", "2022-07-07")
    w.report("CT angiography of head", "2022-08-08")
    w.report("CT Thoracic spine", "2022-09-09")
    w.procedure("CT guided biopsy of lung", "2020-01-01")
    w.report("Chest CT", "2025-01-01", status="entered-in-error")
    w.report("CT Chest", "2025-02-02", status="cancelled")
    w.procedure("CT of chest", "2025-03-03", status="not-done", statusReason={"text": "machine broken"})
    w.order("CT chest", "2025-11-11")
    w.order("CT chest", "2025-06-06", status="revoked")
    w.order("CT chest follow-up", "2026-02-01", occurrenceDateTime="2027-02")
    w.put("Appointment", status="booked", description="CT chest", start="2026-04-01T09:00:00Z")
    w.put("Goal", lifecycleStatus="active", description=said("CT chest every year"))
    w.put("CarePlan", status="active", intent="plan", title="CT chest in 2027")
    w.put(
        "DocumentReference",
        status="current",
        type=said("Progress note", "11506-3", LOINC),
        date="2025-05-05T00:00:00Z",
        description="We spoke about the CT chest",
        content=[{"attachment": {"contentType": "text/plain", "data": "Q1Q="}}],
    )
    w.put(
        "DocumentReference",
        status="current",
        type=said("CT chest requisition"),
        date="2025-05-06T00:00:00Z",
        content=[{"attachment": {"contentType": "text/plain", "data": "Q1Q="}}],
    )
    # sides, parts, other words
    w.study(
        None,
        "2019-05-05T10:00:00Z",
        "MR",
        "Knee region structure",
        procedureCode=[said("MRI of right knee")],
        source="hill",
    )
    w.study("MR Shoulder left", "2018-05-05T10:00:00Z", "MR", "Shoulder")
    w.report("MRI knee", "2015-05-05")
    w.procedure("Plain X-ray of wrist region (procedure)", "2016-02-02", bodySite=[said("Left wrist")])
    w.report("Ultrasound", "2014-01-01", status="final")
    w.report("US Renal bilateral", "2013-01-01")
    w.report("MG Breast Screening Bilateral", "2022-02-02")
    w.report("MG Breast Screening Bilateral", "2024-02-02")
    w.report("DXA Bone density", "2021-08-08")
    w.report("Transthoracic echocardiogram", "2020-08-08")
    w.study("PET/CT skull base to mid-thigh", "2012-01-01T10:00:00Z", "PT")
    w.report("MR Brain WO contrast", "2011-01-01")
    w.report("MR Lumbar spine", "2011-06-06")


def _acts(w: World) -> None:
    w.procedure("Laparoscopic appendectomy", "1999-05-01")
    w.problem("History of appendectomy", "2010-01-01")
    w.problem("Acquired absence of gallbladder", "2008-01-01")
    w.procedure("Screening colonoscopy", "2021-11-04")
    w.procedure("Flexible sigmoidoscopy", "2015-11-04")
    w.procedure("Esophagogastroduodenoscopy with biopsy", "2018-03-03")
    w.procedure("Bronchoscopy", "2020-11-19", status="not-done")
    w.procedure("Spirometry before and after bronchodilator", "2022-03-03")
    w.lab("FEV1", "20150-9", "2022-03-03", 2.1)
    w.procedure("Total replacement of left knee joint", "2017-07-07")
    w.procedure("Phacoemulsification of cataract, right eye", "2019-09-09")
    w.procedure("Polysomnography", "2016-06-06")
    w.procedure("Electrocardiogram, 12 lead", "2023-03-03T06:00:00Z")
    w.procedure("Electrocardiogram, 12 lead", "2023-03-03T18:00:00Z")
    w.procedure("Skin prick test", "2012-12-12")
    w.procedure("Biopsy of skin lesion", "2013-03-13")
    w.report(
        "SERPINA1 gene targeted mutation analysis", "2015-03-03", category=[{"coding": [{"code": "GE"}]}]
    )
    w.procedure("Cardiovascular stress test using treadmill", "2014-04-04")
    w.procedure("Tonsillectomy and adenoidectomy", "1970")
    w.put(
        "FamilyMemberHistory",
        status="completed",
        relationship=said("Mother"),
        condition=[{"code": said("Cholera")}],
    )


def _labs(w: World) -> None:
    for date in ("2020-01-01", "2021-01-01"):
        w.lab("Hemoglobin A1c/Hemoglobin.total in Blood", "4548-4", date)
    w.lab("HbA1c", None, "2022-01-01", source="hill")
    w.lab("Hemoglobin A1c", "4548-4", "2023-01-01", status="cancelled", value=None)
    w.lab("25-Hydroxyvitamin D3+25-Hydroxyvitamin D2", "62292-8", "2019-01-01")
    members = [
        w.lab(name, code, "2021-05-05T08:00:00Z")
        for name, code in (
            ("Cholesterol", "2093-3"),
            ("HDL", "2085-9"),
            ("LDL", "13457-7"),
            ("Triglycerides", "2571-8"),
        )
    ]
    w.report(
        "Lipid panel",
        "2021-05-05T08:00:00Z",
        category=[{"coding": [{"code": "LAB"}]}],
        result=[{"reference": one} for one in members],
    )
    for name, code in (("Cholesterol", "2093-3"), ("HDL", "2085-9"), ("LDL", "13457-7")):
        w.lab(name, code, "2018-05-05", source="hill")
    w.lab("LDL", "13457-7", "2017-05-05")
    w.lab("Glucose [Mass/volume] in Urine", "5792-7", "2020-02-02")
    w.lab("HIV 1+2 Ab", "7918-6", "2016-01-01")
    w.lab("Alpha-1-Fetoprotein", "1834-1", "2015-01-01")
    w.order("Ferritin", "2026-01-01")


def _shots(w: World) -> None:
    w.shot("Tdap", "115", "2012-08-01")
    w.shot("Td (adult), preservative free", "113", "2022-08-01")
    w.shot("Influenza, seasonal, injectable", "141", "2024-10-01")
    w.shot("Influenza, seasonal, injectable", "141", "2025-10-01")
    for number, date in enumerate(("2021-03-01", "2021-04-01", "2022-01-10"), 1):
        w.shot("COVID-19, mRNA, LNP-S", "208", date, protocolApplied=[{"doseNumberPositiveInt": number}])
    w.shot("COVID-19, mRNA, LNP-S", "208", "2021-03-01", source="hill")
    w.shot(
        "Rabies, intramuscular",
        "175",
        "2023-01-01",
        status="not-done",
        statusReason={"text": "refused"},
    )
    w.shot("MMR", "03", "1975-01-01")
    w.put(
        "ImmunizationRecommendation",
        date="2026-01-01",
        recommendation=[
            {"vaccineCode": [said("zoster recombinant", "187", CVX)], "forecastStatus": said("due")}
        ],
    )


def _rest(w: World) -> None:
    w.problem("Varicella", "1974")
    w.problem("Essential hypertension", "2010-01-01")
    w.problem("Elevated reading, without diagnosis of gout", "2011-01-01")
    w.problem("Suspected pneumonia", "2012-01-01")
    w.problem("Acute bronchitis", "2013-01-01")
    w.problem("Lyme disease", "2014-01-01", verificationStatus={"coding": [{"code": "refuted"}]})
    w.problem("Kidney stone", "2015-01-01")
    w.put(
        "MedicationRequest",
        status="completed",
        intent="order",
        medicationCodeableConcept=said("prednisone 20 MG Oral Tablet"),
        authoredOn="2016-01-01",
    )
    w.put(
        "MedicationRequest",
        status="cancelled",
        intent="order",
        medicationCodeableConcept=said("warfarin 5 MG Oral Tablet"),
        authoredOn="2016-01-01",
    )
    w.put(
        "AllergyIntolerance",
        code=said("Penicillin"),
        clinicalStatus={"coding": [{"code": "active"}]},
        recordedDate="2001-01-01",
    )


def _other_shapes(w: World) -> None:
    text = {"contentType": "text/plain", "data": "QQ=="}
    w.put(
        "DocumentReference",
        status="current",
        type=said("Diagnostic imaging study", "18748-4", LOINC),
        date="2021-07-06T12:00:00Z",
        content=[{"attachment": text | {"title": "XR ankle left 3 views"}}],
    )
    w.procedure("Repair of left inguinal hernia", "2014-04-01")
    w.report("BRCA1 and BRCA2 full gene sequencing", "2012-01-01", category=[{"coding": [{"code": "LAB"}]}])
    w.lab("SARS-CoV-2 (COVID-19) RNA", "94500-6", "2021-01-01", value=None, valueString="Negative")
    w.put(
        "Encounter", status="finished", type=[said("Comprehensive eye exam")], period={"start": "2022-02-02"}
    )
    w.put("Device", status="active", type=said("Cardiac pacemaker"), patient={"reference": "Patient/p"})
    w.shot("Prevnar 20", None, "2023-09-09")
    w.report("CBC W AUTO DIFF", "2024-01-01", category=[{"coding": [{"code": "LAB"}]}])
    w.put(
        "FamilyMemberHistory",
        status="completed",
        relationship=said("Father"),
        condition=[{"code": said("Thyroid cancer")}],
    )
    w.put(
        "MedicationStatement",
        status="not-taken",
        medicationCodeableConcept=said("methotrexate 2.5 MG"),
        effectiveDateTime="2019-01-01",
    )


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Everything at once, so that each truth lies among all the others."""
    world = World()
    for part in (_images, _acts, _labs, _shots, _rest, _other_shapes):
        part(world)
    path = tmp_path_factory.mktemp("had") / "records.db"
    with Store(path, bytes(range(32)), create=True, clock=lambda: datetime(2026, 3, 1, tzinfo=UTC)) as store:
        for name, received in world.kept.items():
            store.save(store.sources.ensure(name).key, received)
        yield store


YES = [
    ("chest ct", ["2024-05-02", "2021-03-01", "2017-02-03"]),
    ("CT of the thorax", ["2024-05-02", "2021-03-01", "2017-02-03"]),
    ("have I ever had a chest ct?", ["2024-05-02", "2021-03-01", "2017-02-03"]),
    ("ches ct", ["2024-05-02", "2021-03-01", "2017-02-03"]),
    ("chest x-ray", ["2023-04-01"]),
    ("right knee mri", ["2019-05-05"]),
    ("knee mri", ["2019-05-05", "2015-05-05"]),
    ("wrist xray", ["2016-02-02"]),
    ("left wrist x-ray", ["2016-02-02"]),
    ("kidney ultrasound", ["2013-01-01"]),
    ("mammogram", ["2024-02-02", "2022-02-02"]),
    ("dexa", ["2021-08-08"]),
    ("echo", ["2020-08-08"]),
    ("pet scan", ["2012-01-01"]),
    ("brain scan", ["2011-01-01"]),
    ("lower back mri", ["2011-06-06"]),
    ("appendix out", ["1999-05-01"]),
    ("gallbladder surgery", ["2008-01-01"]),
    ("colonoscopy", ["2021-11-04"]),
    ("colonscopy", ["2021-11-04"]),
    ("upper endoscopy", ["2018-03-03"]),
    ("lung function test", ["2022-03-03"]),
    ("spirometry", ["2022-03-03"]),
    ("knee replacement", ["2017-07-07"]),
    ("cataract surgery", ["2019-09-09"]),
    ("sleep study", ["2016-06-06"]),
    ("ekg", ["2023-03-03", "2023-03-03"]),
    ("allergy test", ["2012-12-12"]),
    ("skin biopsy", ["2013-03-13"]),
    ("genetic test", ["2015-03-03", "2012-01-01"]),
    ("stress test", ["2014-04-04"]),
    ("tonsils out", ["1970"]),
    ("a1c", ["2022-01-01", "2021-01-01", "2020-01-01"]),
    ("vitamin d", ["2019-01-01"]),
    ("lipid panel", ["2021-05-05", "2018-05-05"]),
    ("ldl", ["2021-05-05", "2018-05-05", "2017-05-05"]),
    ("hiv test", ["2016-01-01"]),
    ("afp", ["2015-01-01"]),
    ("tetanus shot", ["2022-08-01", "2012-08-01"]),
    ("whooping cough vaccine", ["2012-08-01"]),
    ("flu shot", ["2025-10-01", "2024-10-01"]),
    ("covid vaccine", ["2022-01-10", "2021-04-01", "2021-03-01"]),
    ("mmr", ["1975-01-01"]),
    ("chickenpox", ["1974"]),
    ("high blood pressure", ["2010-01-01"]),
    ("kidney stones", ["2015-01-01"]),
    ("prednisone", ["2016-01-01"]),
    ("penicillin allergy", ["2001-01-01"]),
    ("left ankle x-ray", ["2021-07-06"]),
    ("hernia surgery", ["2014-04-01"]),
    ("inguinal hernia repair", ["2014-04-01"]),
    ("brca test", ["2012-01-01"]),
    ("covid test", ["2021-01-01"]),
    ("eye exam", ["2022-02-02"]),
    ("pacemaker", ["None"]),
    ("lumbar spine mri", ["2011-06-06"]),
    ("prevnar", ["2023-09-09"]),
    ("cbc", ["2024-01-01"]),
]


@pytest.mark.parametrize(("asked", "days"), YES)
def test_what_was_had_is_found_each_time_once(planted: Store, asked: str, days: list[str]) -> None:
    answer = had(planted, asked)
    assert [str(one["date"])[:10] for one in answer.times] == days
    assert (answer.had, answer.perhaps, answer.count) == (True, False, len(days))


NO = [
    ("abdomen mri", "abdomen"),
    ("head ct", None),
    ("left knee replacement", None),
    ("left cataract surgery", "right"),
    ("bronchoscopy", None),
    ("ferritin", None),
    ("rabies shot", None),
    ("shingles shot", None),
    ("pneumonia", "suspected"),
    ("gout", "not so"),
    ("lyme disease", "ruled out"),
    ("warfarin", None),
    ("penicillin", "allergy"),
    ("cholera", "relative"),
    ("hip replacement", "knee"),
    ("liver biopsy", "skin"),
    ("abdominal aortic aneurysm", None),
    ("measles", None),
    ("glucose", "another way"),
    ("hysterectomy", None),
    ("umbilical hernia repair", "groin"),
    ("thyroid cancer", "relative"),
    ("methotrexate", None),
]


@pytest.mark.parametrize(
    ("asked", "near"),
    [one for one in NO if one[0] not in ("left knee replacement", "head ct", "abdomen mri")],
)
def test_what_was_not_had_is_not_found_and_the_nearest_is_named(
    planted: Store, asked: str, near: str | None
) -> None:
    answer = had(planted, asked)
    assert (answer.had, answer.count, answer.times) == (False, 0, [])
    if near is not None:
        assert any(near in one["difference"] for one in answer.near), [
            one["difference"] for one in answer.near
        ]


def test_one_examination_told_by_six_resources_is_one_time_with_its_report(planted: Store) -> None:
    time = had(planted, "chest ct").times[0]
    assert time["resource"].startswith("DiagnosticReport/")
    assert time["report"]["conclusion"] == "No nodule."
    assert time["facility"] == "Riverside Hospital"
    assert time["contrast"] == "without contrast"
    assert {one["title"] for one in time["documents"]} == {"CT of thorax", "CT chest report"}
    assert all(one["bytes"] and one["id"].endswith(".0") for one in time["documents"])
    assert {one["resource"].split("/")[0] for one in time["told_by"]} == {
        "DiagnosticReport", "ImagingStudy", "Procedure", "DocumentReference", "Claim",
    }  # fmt: skip


def test_orders_plans_and_cancellations_are_told_apart(planted: Store) -> None:
    answer = had(planted, "chest ct")
    assert [one["recorded"] for one in answer.ordered] == ["2026-02-01", "2025-11-11"]
    assert [one["resource"].split("/")[0] for one in answer.planned] == ["Appointment"]
    assert len(answer.cancelled) == 3
    assert any("machine broken" in one["why"] for one in answer.cancelled)
    differences = {one["title"]: one["difference"] for one in answer.near}
    assert "not a CT" in differences["XR Chest 2 Views"]
    assert "thoracic spine" in differences["CT Thoracic spine"]
    assert "guide a biopsy" in differences["CT guided biopsy of lung"]
    assert "CT Abdomen and Pelvis with contrast" in differences


def test_what_does_not_say_the_side_is_perhaps(planted: Store) -> None:
    answer = had(planted, "left knee mri")
    assert (answer.had, answer.perhaps) == (False, True)
    assert [one["title"] for one in answer.unsure] == ["MRI knee"]
    assert any("right" in one["difference"] for one in answer.near)


def test_what_does_not_say_the_part_is_perhaps(planted: Store) -> None:
    answer = had(planted, "thyroid ultrasound")
    assert answer.perhaps
    assert "which part" in answer.unsure[0]["why"]


def test_an_ordered_test_without_a_result_says_so(planted: Store) -> None:
    answer = had(planted, "ferritin")
    assert [one["title"] for one in answer.ordered] == ["Ferritin"]


def test_a_vaccine_that_was_not_given_is_no_dose(planted: Store) -> None:
    answer = had(planted, "rabies shot")
    assert "refused" in answer.cancelled[0]["why"]
    assert had(planted, "shingles vaccine").planned


def test_doses_carry_their_number(planted: Store) -> None:
    assert [one["dose"] for one in had(planted, "covid vaccine").times] == ["3", "2", "1"]


def test_since_leaves_out_what_was_before(planted: Store) -> None:
    assert had(planted, "chest ct", since="2022").count == 1
    assert had(planted, "chest ct", since="2025").count == 0


def test_the_document_has_the_promised_keys(planted: Store) -> None:
    document = had(planted, "chest ct").document()
    assert {
        "query",
        "had",
        "perhaps",
        "count",
        "last",
        "times",
        "ordered",
        "planned",
        "cancelled",
        "near",
    } <= document.keys()
    assert document["last"].startswith("2024-05-02")
    assert {"report", "documents", "why", "id", "kind", "title"} <= document["times"][0].keys()
    assert orjson.dumps(document)


def test_a_slip_is_said(planted: Store) -> None:
    assert had(planted, "colonscopy").asked.corrected == (("colonscopy", "colonoscopy"),)


def test_nothing_asked_is_a_mistake(planted: Store) -> None:
    with pytest.raises(UsageError):
        had(planted, "  ?! ")


def test_an_empty_record_answers_no(store: Store) -> None:
    answer: Had = had(store, "chest ct")
    assert (answer.had, answer.near, answer.sources) == (False, [], [])


@pytest.mark.parametrize(
    ("asked", "told", "level"),
    [
        ("chest ct", "CT Chest Abdomen Pelvis", "yes"),
        ("chest ct", "HRCT temporal bones", "near"),
        ("chest ct", "CT heart calcium score", "near"),
        ("chest ct", "Low dose CT lung cancer screening", "yes"),
        ("chest ct", "PET/CT whole body", "near"),
        ("ct abdomen pelvis", "CT Abdomen", "near"),
        ("left knee mri", "MRI knee bilateral", "yes"),
        ("spine mri", "MR lumbar spine", "yes"),
        ("kidney ultrasound", "US Abdomen complete", "perhaps"),
        ("knee surgery", "Arthroscopic meniscectomy", "yes"),
        ("echo", "US Heart", "yes"),
        ("ekg", "Holter monitor", "near"),
        ("heart cath", "CT coronary angiography", "near"),
        ("spirometry", "Gas transfer (DLCO)", "near"),
        ("oesophagogastroduodenoscopy", "Upper endoscopy", "yes"),
        ("sonogram of the liver", "Ultrasonography of liver (procedure)", "yes"),
    ],
)
def test_two_wordings_are_compared_by_what_part_and_side(asked: str, told: str, level: str) -> None:
    assert compare(exam(asked), exam(told)).level == level
