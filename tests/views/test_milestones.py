"""What stands out: each shape of rule on small lives, and what no doctor wants to see."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.model import Received
from phr.sandbox.synthetic import family
from phr.store.store import Store
from phr.views.milestones import applying, milestones, refresh
from phr.views.selection import Selection

ICD10, SNOMED = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"
LOINC, CVX = "http://loinc.org", "http://hl7.org/fhir/sid/cvx"
Life = Callable[..., list[str]]


def concept(text: str | None, *codes: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {"text": text} if text else {}
    if codes:
        found["coding"] = [dict(zip(("system", "code", "display"), code, strict=False)) for code in codes]
    return found


def problem(
    text: str, onset: str | None, *codes: tuple[str, ...], category: str | None = None, **more: Any
) -> dict:
    found = {"resourceType": "Condition", "code": concept(text, *codes), **more}
    if onset:
        found["onsetDateTime"] = onset
    if category:
        found["category"] = [{"coding": [{"code": category}]}]
    return found


def order(text: str, on: str, status: str = "active", until: str | None = None, **more: Any) -> dict:
    found = {"resourceType": "MedicationRequest", "authoredOn": on, "status": status, "intent": "order"}
    if until:
        bounds = {"start": on, "end": until}
        found["dosageInstruction"] = [{"timing": {"repeat": {"boundsPeriod": bounds}}}]
    return found | {"medicationCodeableConcept": concept(text)} | more


def dose(text: str, on: str, milligrams: int = 4000) -> dict:
    return {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "effectiveDateTime": on,
        "medicationCodeableConcept": concept(text),
        "dosage": {"dose": {"value": milligrams, "unit": "mg"}},
    }


def value(code: str, on: str, number: float, unit: str = "L", status: str = "final") -> dict:
    return {
        "resourceType": "Observation",
        "status": status,
        "code": concept(None, (LOINC, code)),
        "effectiveDateTime": on,
        "valueQuantity": {"value": number, "unit": unit},
        "category": [{"coding": [{"code": "laboratory"}]}],
    }


def visit(class_: str, start: str, end: str | None = None, reason: str | None = None, **more: Any) -> dict:
    period = {"start": start} | ({"end": end} if end else {})
    found = {"resourceType": "Encounter", "class": {"code": class_}, "status": "finished", "period": period}
    return found | ({"reasonCode": [concept(reason)]} if reason else {}) | more


def shot(cvx: str, on: str, status: str = "completed", **more: Any) -> dict:
    return {
        "resourceType": "Immunization",
        "status": status,
        "vaccineCode": concept(None, (CVX, cvx)),
        "occurrenceDateTime": on,
        **more,
    }


def procedure(text: str, on: str, status: str = "completed") -> dict:
    return {"resourceType": "Procedure", "status": status, "code": concept(text), "performedDateTime": on}


def keep(store: Store, *resources: dict, source: str = "clinic") -> None:
    store.save(
        store.sources.ensure(source).key,
        [
            Received(one["resourceType"], id_, orjson.dumps(one | {"id": id_}))
            for at, one in enumerate(resources)
            for id_ in [one.get("id", f"{source}-{at}")]
        ],
    )


@pytest.fixture
def life(store: Store) -> Life:
    """What stands out in these resources: `date title`, newest first, without the first record of the source."""

    def told(*resources: dict) -> list[str]:
        keep(store, *resources)
        found = [one for one in milestones(store) if one["rule"] != "first-record"]
        return [f"{(one['date'] or '-')[:10]} {one['milestone']}" for one in found]

    return told


COPD = problem("COPD", "2010", (ICD10, "J44.9"))

DIAGNOSES = {
    "once, however often it is told": (
        [problem("Gout", "2012-03", (ICD10, "M10.9")), problem("Gout", "2015", (ICD10, "M10.9"))],
        ["2012-03 Diagnosis: Gout"],
    ),
    "more exactly coded later": (
        [problem("Diabetes", "2010", (ICD10, "E11.9")), problem("Diabetic eye", "2014", (ICD10, "E11.319"))],
        ["2010 Diagnosis: Diabetes"],
    ),
    "the list of problems before a visit": (
        [
            problem("Gout", "2011-05-01", (ICD10, "M10.9"), category="encounter-diagnosis"),
            problem("Gout", "2012", (ICD10, "M10.9"), category="problem-list-item"),
        ],
        ["2012 Diagnosis: Gout"],
    ),
    "no sign, by its chapter": ([problem("Dyspnea", "2014", (SNOMED, "267036007"), (ICD10, "R06.00"))], []),
    "no finding, by its ending": (
        [problem("Full-time employment", "2014", (SNOMED, "160903007", "Full-time employment (finding)"))],
        [],
    ),
    "a finding that is classified as an illness": (
        [problem("Low back pain", "2014", (SNOMED, "1", "Low back pain (finding)"), (ICD10, "M54.5"))],
        ["2014 Diagnosis: Low back pain"],
    ),
    "no circumstance of life": ([problem("Social isolation", "2021", category="health-concern")], []),
    "not somebody else's": ([problem("Family history of asthma", "2014")], []),
    "not refuted": ([problem("Gout", "2014", verificationStatus=concept(None, ("v", "refuted")))], []),
    "not only thought of": (
        [problem("Gout", "2014", verificationStatus=concept(None, ("v", "provisional")))],
        [],
    ),
    "no cold": (
        [
            problem(
                "Viral sinusitis",
                "2014-01-03",
                category="encounter-diagnosis",
                abatementDateTime="2014-01-17",
            )
        ],
        [],
    ),
    "without a date": ([problem("Gout", None)], ["- Diagnosis: Gout"]),
}


@pytest.mark.parametrize(("resources", "expected"), DIAGNOSES.values(), ids=DIAGNOSES)
def test_a_diagnosis_is(life, resources, expected):
    assert life(*resources) == expected


def test_a_cold_in_hospital_is_told(life):
    stay = visit("IMP", "2014-01-03", "2014-01-09", "Influenza") | {"id": "stay"}
    flu = problem(
        "Influenza",
        "2014-01-03",
        (ICD10, "J10.1"),
        category="encounter-diagnosis",
        abatementDateTime="2014-01-17",
        encounter={"reference": "Encounter/stay"},
    )

    assert life(stay, flu) == ["2014-01-03 Diagnosis: Influenza", "2014-01-03 Hospital stay: Influenza"]


WEEKLY = [
    dose("Prolastin-C (human)", f"2021-{month:02}-{day:02}T09:00:00Z")
    for month in range(6, 12)
    for day in (7, 14)
]

TREATMENTS = {
    "one start of a hundred infusions": (
        [order("Prolastin-C (human)", "2021-06-07"), *WEEKLY],
        ["2021-06-07 Started: Prolastin-C"],
    ),
    "infusions without an order": (WEEKLY, ["2021-06-07 Started: Prolastin-C"]),
    "a renewed order": (
        [
            order("lisinopril 10 mg tablet", on, "completed")
            for on in ("2019-01-05", "2020-01-04", "2021-01-09")
        ],
        ["2019-01-05 Started: lisinopril 10 mg tablet"],
    ),
    "a course of some days": ([order("prednisone 20 mg", "2020-01-01", "completed", "2020-01-06")], []),
    "an antibiotic that nobody closed": ([order("amoxicillin 500 mg", "2020-01-01")], []),
    "an order that was never taken": ([order("lisinopril 10 mg", "2020-01-01", "cancelled")], []),
    "a single infusion": (WEEKLY[:1], []),
    "stopped where somebody says when": (
        [order("lisinopril 10 mg tablet", "2017-10-03", "stopped", "2018-02-13")],
        ["2018-02-13 Stopped: lisinopril 10 mg tablet", "2017-10-03 Started: lisinopril 10 mg tablet"],
    ),
    "not stopped when it goes on": (
        [
            order("lisinopril 10 mg", "2017-10-03", "stopped", "2018-02-13"),
            order("lisinopril 10 mg", "2018-02-13", "active"),
        ],
        ["2017-10-03 Started: lisinopril 10 mg"],
    ),
    "short courses that come again": (
        [order("amoxicillin 500 mg", f"2020-0{at}-01", "completed") for at in (1, 4, 8)],
        [],
    ),
    "a steroid month after month": (
        [order("prednisone 5 mg", f"2020-0{at}-01", "completed") for at in (1, 2, 3, 4, 5)],
        ["2020-01-01 Started: prednisone 5 mg"],
    ),
    "given on the spot": (
        [
            visit("EMER", "2020-01-01") | {"id": "er"},
            order(
                "amiodarone 50 mg/mL syringe",
                "2020-01-01",
                "stopped",
                encounter={"reference": "Encounter/er"},
            ),
        ],
        ["2020-01-01 Emergency visit"],
    ),
    "another strength": (
        [order("lisinopril 10 mg", "2017-10-03", "stopped"), order("lisinopril 20 mg", "2019-03-04")],
        ["2019-03-04 Changed: Lisinopril, 10 mg to 20 mg", "2017-10-03 Started: lisinopril 10 mg"],
    ),
    "two strengths by turns": (
        [
            order(f"warfarin {amount} mg tablet", f"{year}-0{month}-01", "stopped")
            for year in (2018, 2019)
            for month, amount in ((1, 2), (2, 5))
        ],
        ["2018-02-01 Changed: Warfarin, 2 mg to 5 mg", "2018-01-01 Started: warfarin 2 mg tablet"],
    ),
    "doses that vary with the vial": (
        [
            dose("Infliximab", f"2021-0{at}-01", milligrams)
            for at, milligrams in enumerate((400, 420, 400), 1)
        ],
        ["2021-01-01 Started: Infliximab"],
    ),
    "once more, without a word of what was between": (
        [order("metformin 500 mg", "2010-01-01", "stopped"), order("metformin 500 mg", "2015-01-01")],
        ["2015-01-01 Started: metformin 500 mg", "2010-01-01 Started: metformin 500 mg"],
    ),
    "again after years": (
        [
            order("metformin 500 mg", "2010-01-01", "stopped", "2011-01-01"),
            order("metformin 500 mg", "2015-01-01"),
        ],
        [
            "2015-01-01 Started again: metformin 500 mg",
            "2011-01-01 Stopped: metformin 500 mg",
            "2010-01-01 Started: metformin 500 mg",
        ],
    ),
}


@pytest.mark.parametrize(("resources", "expected"), TREATMENTS.values(), ids=TREATMENTS)
def test_a_treatment(life, resources, expected):
    assert life(*resources) == expected


def test_another_product_of_augmentation_is_a_change_and_no_second_start(life):
    alpha = problem("Alpha-1-antitrypsin deficiency", "2015", (ICD10, "E88.01"))
    orders = [order("Prolastin-C 1000 mg", "2016-01-04", "stopped"), order("Zemaira 1000 mg", "2017-02-01")]

    assert life(alpha, *orders) == [
        "2017-02-01 Changed: Prolastin-C 1000 mg to Zemaira 1000 mg",
        "2016-01-04 Started: Prolastin-C 1000 mg",
        "2015 Diagnosis: Alpha-1-antitrypsin deficiency",
    ]


HOSPITAL = {
    "a stay with its nights": (
        [visit("IMP", "2020-11-17T16:40:00Z", "2020-11-22T10:00:00Z", "Pneumonia")],
        ["2020-11-17 Hospital stay: Pneumonia"],
    ),
    "another ward is the same stay": (
        [
            visit("IMP", "2020-11-17T16:00:00Z", "2020-11-22T10:00:00Z") | {"id": "a"},
            visit(
                "ACUTE", "2020-11-18T09:00:00Z", "2020-11-20T10:00:00Z", partOf={"reference": "Encounter/a"}
            ),
        ],
        ["2020-11-17 Hospital stay"],
    ),
    "an ordinary visit is none": ([visit("AMB", "2020-11-17")], []),
    "one that was called off is none": ([visit("IMP", "2020-11-17", status="cancelled")], []),
    "an emergency is told apart": (
        [visit("EMER", "2018-01-14T19:00:00Z", "2018-01-14T22:00:00Z", "Wheeze")],
        ["2018-01-14 Emergency visit: Wheeze"],
    ),
    "an operation": (
        [procedure("Laparoscopic appendectomy", "1987")],
        ["1987 Operation: Laparoscopic appendectomy"],
    ),
    "told twice for one day": (
        [procedure("Total hip replacement", "2012-02-03"), procedure("Total hip replacement", "2012-02-03")],
        ["2012-02-03 Operation: Total hip replacement"],
    ),
    "not one that was not done": ([procedure("Appendectomy", "1987", "not-done")], []),
    "no test": ([procedure("Screening colonoscopy", "2021"), procedure("Spirometry", "2021")], []),
    "no talk about one": (
        [procedure("Pretransplant evaluation", "2021"), procedure("Surgical consultation", "2021")],
        [],
    ),
    "no dialysis": ([procedure("Renal dialysis", f"2021-01-{day:02}") for day in range(1, 9)], []),
}


@pytest.mark.parametrize(("resources", "expected"), HOSPITAL.values(), ids=HOSPITAL)
def test_in_hospital(life, resources, expected):
    assert life(*resources) == expected


FEV1 = [
    ("2018-03-20", 2.06),
    ("2019-03-19", 2.01),
    ("2020-02-25", 1.94),
    ("2021-03-16", 1.72),
    ("2022-03-22", 1.7),
]
MEASURES = {
    "a fall by more than a tenth": (
        [value("20150-9", on, litres) for on, litres in FEV1],
        ["2021-03-16 FEV1 fell by 11 % in 13 months"],
    ),
    "no fall by a tenth": ([value("20150-9", "2020-01-01", 2.0), value("20150-9", "2020-06-01", 1.8)], []),
    "the best of a day": (
        [
            value("20150-9", "2020-01-01", 2.0),
            value("20157-4", "2020-06-01T09:00:00Z", 1.7),
            value("20155-8", "2020-06-01T09:20:00Z", 1.95),
        ],
        [],
    ),
    "not across units": (
        [value("20150-9", "2020-01-01", 2000, "mL"), value("20150-9", "2020-06-01", 1.9)],
        [],
    ),
    "not what was taken back": (
        [value("20150-9", "2020-01-01", 2.0), value("20150-9", "2020-06-01", 1.0, status="entered-in-error")],
        [],
    ),
    "values that swing make one": (
        [value("20150-9", f"2020-{month:02}-01", 2.0 if month % 2 else 1.6) for month in range(1, 10)],
        ["2020-02-01 FEV1 fell by 20 % in 31 days"],
    ),
    "HbA1c when it first reaches 6.5": (
        [
            value("4548-4", f"{year}-05-01", percent, "%")
            for year, percent in ((2018, 6.1), (2019, 6.5), (2020, 7.2))
        ],
        ["2019-05-01 HbA1c reached 6.5 %: 6.5"],
    ),
    "not in another unit": ([value("4548-4", "2019-05-01", 48, "mmol/mol")], []),
    "eGFR once under 60": ([value("33914-3", "2019-05-01", 55, "mL/min/{1.73_m2}")], []),
    "eGFR under 60 for three months": (
        [value("33914-3", f"2019-{month}-01", 55, "mL/min/1.73m2") for month in ("05", "07", "09")],
        ["2019-09-01 Kidney function (eGFR) under 60 mL/min/1.73m2: 55"],
    ),
    "eGFR that recovered between": (
        [
            value("33914-3", f"2019-{month}-01", rate, "mL/min/1.73m2")
            for month, rate in (("05", 55), ("07", 75), ("09", 55))
        ],
        [],
    ),
    "eGFR under 30 tells of the further limit": (
        [value("33914-3", f"2019-{month}-01", 25, "mL/min/1.73m2") for month in ("05", "09")],
        ["2019-09-01 Kidney function (eGFR) under 30 mL/min/1.73m2: 25"],
    ),
}


@pytest.mark.parametrize(("resources", "expected"), MEASURES.values(), ids=MEASURES)
def test_measurements(life, resources, expected):
    assert [line for line in life(COPD, *resources) if "Diagnosis" not in line] == expected


def test_a_weight_that_fell_by_half_in_two_days_is_a_slip(life):
    weights = [("2020-12-12", 92.6), ("2020-12-14", 35.3)]

    assert life(*(value("29463-7", on, kilos, "kg") for on, kilos in weights)) == []


def test_weight_that_was_lost_within_a_year_is_told(life):
    weights = [("2019-12-12", 92.5), ("2020-06-14", 80)]

    assert life(*(value("29463-7", on, kilos, "kg") for on, kilos in weights)) == [
        "2020-06-14 Body weight fell by 14 % in 6 months"
    ]


def test_a_rule_of_a_condition_does_not_count_without_it(life):
    assert life(*(value("20150-9", on, litres) for on, litres in FEV1)) == []


def _said(dose_number: int, of: int) -> dict:
    return {
        "protocolApplied": [
            {"doseNumberPositiveInt": dose_number, "seriesDosesPositiveInt": of, "series": "Rabies"}
        ]
    }


SERIES = {
    "two of two": (
        [shot("187", "2022-01-11"), shot("187", "2022-04-12")],
        ["2022-04-12 Immunization series complete: Shingles"],
    ),
    "one dose told twice is one": ([shot("187", "2022-01-11"), shot("187", "2022-01-12")], []),
    "not one that was not given": ([shot("187", "2022-01-11"), shot("187", "2022-04-12", "not-done")], []),
    "as the record says": (
        [shot("175", "2022-01-11", **_said(1, 2)), shot("175", "2022-02-11", **_said(2, 2))],
        ["2022-02-11 Immunization series complete: Rabies"],
    ),
    "one of one is no series": ([shot("140", "2022-01-11", **_said(1, 1))], []),
}


@pytest.mark.parametrize(("resources", "expected"), SERIES.values(), ids=SERIES)
def test_a_series_of_immunizations(life, resources, expected):
    assert life(*resources) == expected


def test_the_first_record_of_a_source_is_what_happened_there_first(store):
    keep(store, problem("Gout", "1976"), visit("AMB", "2015-02-10"), source="hospital")
    keep(store, visit("AMB", "2019-03-03"), source="clinic")

    found = {one["milestone"]: one["date"] for one in milestones(store) if one["rule"] == "first-record"}

    assert found == {"First record from hospital": "2015-02-10", "First record from clinic": "2019-03-03"}


def test_a_milestone_is_an_event_that_says_from_what_it_was_concluded(store):
    keep(store, COPD, *(value("20150-9", on, litres) for on, litres in FEV1))

    found = next(one for one in milestones(store) if one["rule"].startswith("fev1"))

    assert found["pack"] == "copd"
    assert found["kind"] == "lab_result"
    assert (found["date"], found["precision"]) == ("2021-03-16", "day")
    assert found["detail"] == "From 1.94 L on 2020-02-25 to 1.72 L on 2021-03-16."


def test_milestones_follow_a_selection_by_their_own_date(store):
    keep(store, order("lisinopril 10 mg", "2017-10-03", "stopped", "2018-02-13"), COPD)

    def titles(**asked: Any) -> list[str]:
        return [one["milestone"] for one in milestones(store, Selection(**asked))]

    assert titles(since="2018") == ["Stopped: lisinopril 10 mg"]
    assert titles(until="2016", kinds=("problem",))[:1] == ["Diagnosis: COPD"]
    assert titles(kinds=("medication",), until="2017") == ["Started: lisinopril 10 mg"]
    assert len(milestones(store, limit=1)) == 1


def test_refreshing_twice_changes_nothing_and_a_new_record_does(store):
    keep(store, COPD)
    first = refresh(store)
    before = store.db.execute("SELECT id FROM milestone").fetchall()

    assert refresh(store) == first
    assert store.db.execute("SELECT id FROM milestone").fetchall() == before
    keep(store, problem("Gout", "2012"), source="second")
    assert "Diagnosis: Gout" in {one["milestone"] for one in milestones(store)}
    assert refresh(store) == first + 2


def test_in_a_very_large_record_only_who_wants_to_wait_waits(store, monkeypatch):
    keep(store, COPD)
    monkeypatch.setattr("phr.views.milestones.SMALL", 0)

    assert milestones(store) == []
    assert len(milestones(store, wait=True)) == 2
    keep(store, problem("Gout", "2012"), source="second")
    assert len(milestones(store)) == 2
    assert refresh(store) == 4


def test_an_own_pack_brings_its_milestones_at_once(store, tmp_path):
    keep(store, value("2742-5", "2020-01-01", 20, "U/L"), value("2742-5", "2020-02-01", 90, "U/L"))
    assert [one for one in milestones(store) if one["pack"] == "mine"] == []
    folder = tmp_path / "home" / "config" / "packs"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(
        'id = "mine"\nname = "Mine"\nabout = "What I have."\nsource = "Myself"\n[[milestones]]\nid = "ace"\n'
        'shape = "change"\ntitle = "ACE"\ncodes.loinc = ["2742-5"]\nrise = 50\n',
        encoding="utf-8",
    )

    assert [one["milestone"] for one in milestones(store) if one["pack"] == "mine"] == [
        "ACE rose by 350 % in 31 days"
    ]


def test_whoever_looks_while_somebody_writes_sees_them_all_the_same(store, tmp_path: Path):
    keep(store, COPD)
    held, done = threading.Event(), threading.Event()

    def write() -> None:
        with Store(store.path, bytes(range(32))) as other:
            other.db.execute("BEGIN IMMEDIATE")
            held.set()
            done.wait(10)
            other.db.execute("ROLLBACK")

    writer = threading.Thread(target=write)
    writer.start()
    held.wait(10)
    try:
        found = [one["milestone"] for one in milestones(store)]
    finally:
        done.set()
        writer.join()

    assert "Diagnosis: COPD" in found
    assert store.db.execute("SELECT count(*) FROM milestone").fetchone()[0] == 0


def test_a_pack_applies_when_somebody_has_its_condition(store):
    keep(
        store,
        problem("Emphysema", "2014"),
        problem("Asthma", "2014", verificationStatus=concept(None, ("v", "refuted"))),
        problem("Family history of diabetes mellitus", "2014"),
        {
            "resourceType": "FamilyMemberHistory",
            "status": "completed",
            "relationship": {"text": "mother"},
            "condition": [{"code": concept("CKD", (ICD10, "N18.3"))}],
        },
    )

    assert applying(store) == {"copd"}


def test_the_sandboxs_patient_has_the_milestones_a_doctor_would_name(store):
    everything = [Received(one["resourceType"], one["id"], orjson.dumps(one)) for one in family()]
    store.save(store.sources.ensure("hospital").key, everything)

    found = [one["milestone"] for one in milestones(store)]

    assert "Diagnosis: Pulmonary emphysema" in found
    assert found.count("Started: Prolastin-C") == 1
    assert not [title for title in found if "Asthma" in title or "Social isolation" in title]
