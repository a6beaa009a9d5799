"""What stands out: each shape of rule on small lives, and what no doctor wants to see."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from phr.model import Received
from phr.packs.model import MilestoneRule
from phr.sandbox.synthetic import family
from phr.store.store import Store
from phr.views.milestones import applying, milestones, refresh
from phr.views.selection import Selection
from phr.views.standing import measures

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


def called(name: str, on: str, number: float, unit: str, *codes: tuple[str, ...]) -> dict:
    return value("1-8", on, number, unit) | {"code": concept(name, *codes)}


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


def taken(words: str, amount: float | None = None, unit: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"text": words}
    if amount:
        found["doseAndRate"] = [{"doseQuantity": {"value": amount, "unit": unit}}]
    return {"dosageInstruction": [found]}


def filled(until: str | None = None, days: int | None = None, refills: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {"numberOfRepeatsAllowed": refills}
    if until:
        found["validityPeriod"] = {"end": until}
    if days:
        found["expectedSupplyDuration"] = {"value": days, "unit": "days"}
    return {"dispenseRequest": found}


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
    "one, told in another code system": (
        [
            problem("Type 2 diabetes mellitus", "2012", (SNOMED, "44054006")),
            problem("DM II w/o complication", "2014", (ICD10, "E11.9")),
        ],
        ["2012 Diagnosis: Type 2 diabetes mellitus"],
    ),
    "another one of the same pack": (
        [problem("Emphysema", "2010", (SNOMED, "87433001")), problem("COPD", "2018", (ICD10, "J44.9"))],
        ["2018 Diagnosis: COPD", "2010 Diagnosis: Emphysema"],
    ),
    "dated by the age it began at": (
        [
            {"resourceType": "Patient", "birthDate": "1955-05-05"},
            problem("Gout", None, onsetAge={"value": 40, "unit": "years"}),
        ],
        ["1995 Diagnosis: Gout"],
    ),
}

DETAILS = {
    "an onset": (problem("Gout", "2012-03-01"), "Told as a problem, from 2012-03-01."),
    "written down only": (
        problem("Gout", None, recordedDate="2012-12-12"),
        "Told as a problem, noted 2012-12-12.",
    ),
    "an onset in words": (
        problem("Gout", None, recordedDate="2012-12-12", onsetString="as a teenager"),
        "Told as a problem, noted 2012-12-12; it began “as a teenager”.",
    ),
    "an age without a day of birth": (
        problem("Gout", None, onsetAge={"value": 40, "code": "a"}),
        "Told as a problem, without a date; it began at the age of 40.",
    ),
}


@pytest.mark.parametrize(("resource", "expected"), DETAILS.values(), ids=DETAILS)
def test_a_diagnosis_says_what_its_date_is_of(store, resource, expected):
    keep(store, resource)

    assert next(one["detail"] for one in milestones(store) if one["rule"] == "diagnosis") == expected


def test_a_diagnosis_that_two_sources_code_in_their_own_way_names_both(store):
    keep(store, problem("Type 2 diabetes mellitus", "2012", (SNOMED, "44054006")), source="one")
    keep(store, problem("DM II w/o complication", "2014", (ICD10, "E11.9")), source="other")

    found = [one["detail"] for one in milestones(store) if one["rule"] == "diagnosis"]

    assert found == ["Told as a problem, from 2012; told 2 times, also as DM II w/o complication."]


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
        ["2018-01-01 Started: warfarin 2 mg tablet"],
    ),
    "two strengths by turns within months": (
        [
            order(f"warfarin {amount} mg tablet", f"2017-0{month}-01", "completed")
            for month, amount in ((1, "5"), (2, "2.5"), (3, "5"), (4, "2.5"))
        ],
        ["2017-01-01 Started: warfarin 5 mg tablet"],
    ),
    "there and back is two changes": (
        [
            order(f"levothyroxine {amount} mcg tablet", f"20{year}-01-05", "completed")
            for year, amount in ((20, 50), (21, 75), (22, 50))
        ],
        [
            "2022-01-05 Changed: Levothyroxine, 75 mcg to 50 mcg",
            "2021-01-05 Changed: Levothyroxine, 50 mcg to 75 mcg",
            "2020-01-05 Started: levothyroxine 50 mcg tablet",
        ],
    ),
    "a strength in grams": (
        [order("metformin 500 mg", "2020-01-01", "completed"), order("metformin 1 g", "2021-01-01")],
        ["2021-01-01 Changed: Metformin, 500 mg to 1 g", "2020-01-01 Started: metformin 500 mg"],
    ),
    "a dose that only its number tells": (
        [
            order("atorvastatin tablet", f"20{year}-01-01", **taken("as before", amount, "mg"))
            for year, amount in ((19, 10), (20, 20), (21, 40))
        ],
        [
            "2021-01-01 Changed: Atorvastatin, 20 mg to 40 mg",
            "2020-01-01 Changed: Atorvastatin, 10 mg to 20 mg",
            "2019-01-01 Started: atorvastatin tablet",
        ],
    ),
    "a dose that only its words tell": (
        [
            order("furosemide oral tablet", f"20{year}-01-01", **taken(f"{amount} mg daily"))
            for year, amount in ((22, 20), (23, 40))
        ],
        ["2023-01-01 Changed: Furosemide, 20 mg to 40 mg", "2022-01-01 Started: furosemide oral tablet"],
    ),
    "two tablets for one": (
        [
            order("lisinopril 10 mg tablet", f"20{year}-01-01", **taken("daily", amount, "tablet"))
            for year, amount in ((22, 1), (23, 2))
        ],
        ["2023-01-01 Changed: Lisinopril, 10 mg to 20 mg", "2022-01-01 Started: lisinopril 10 mg tablet"],
    ),
    "one tablet for two of half the strength": (
        [
            order("lisinopril 10 mg tablet", "2022-01-01", **taken("take 2 tablets daily")),
            order("lisinopril 20 mg tablet", "2023-01-01", **taken("take 1 tablet daily")),
        ],
        ["2022-01-01 Started: lisinopril 10 mg tablet"],
    ),
    "twice a day for once": (
        [
            order("metoprolol 25 mg tablet", "2022-01-01", **taken("Take 1 tablet once daily")),
            order("metoprolol 25 mg tablet", "2023-01-01", **taken("Take 1 tablet twice daily")),
        ],
        [
            "2023-01-01 Changed: Metoprolol, 25 mg once a day to 25 mg twice a day",
            "2022-01-01 Started: metoprolol 25 mg tablet",
        ],
    ),
    "words with several amounts tell no dose": (
        [
            order("prednisone tablet", "2022-01-01", **taken("40 mg for 5 days, then 20 mg")),
            order("prednisone tablet", "2022-06-01", **taken("10 mg, at most 60 mg")),
        ],
        [],
    ),
    "an order that was valid for years": (
        [
            order("metformin 500 mg", "2012-12-01", "completed", **filled(until="2014-12-01")),
            order("metformin 1000 mg", "2014-12-02"),
        ],
        ["2014-12-02 Changed: Metformin, 500 mg to 1000 mg", "2012-12-01 Started: metformin 500 mg"],
    ),
    "supply with its refills": (
        [
            order("metformin 500 mg", "2012-01-01", "completed", **filled(days=90, refills=7)),
            order("metformin 500 mg", "2014-12-02"),
        ],
        ["2012-01-01 Started: metformin 500 mg"],
    ),
    "a prescription that ran out is not stopped": (
        [order("metformin 500 mg", "2012-12-01", "completed", **filled(until="2014-12-01"))],
        ["2012-12-01 Started: metformin 500 mg"],
    ),
    "a week's supply that may be fetched for a year is a course": (
        [order("famotidine 20 mg", "2012-12-01", "completed", **filled(until="2013-12-01", days=7))],
        [],
    ),
    "an antibiotic that may be fetched for a year": (
        [order("amoxicillin 500 mg", "2012-12-01", "completed", **filled(until="2013-12-01"))],
        [],
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


ALPHA = problem("Alpha-1-antitrypsin deficiency", "2005", (ICD10, "E88.01"))


def of_augmentation(found: list[str]) -> list[str]:
    return [line for line in found if "Diagnosis" not in line]


def test_augmentation_that_began_with_one_long_order_and_went_on_with_another_product(life):
    first = order("Prolastin-C", "2009-02-17", "completed", **filled(until="2016-08-31"))

    assert of_augmentation(life(ALPHA, first, order("Zemaira", "2016-09-06"))) == [
        "2016-09-06 Changed: Prolastin-C to Zemaira",
        "2009-02-17 Started: Prolastin-C",
    ]


def test_an_order_of_which_nobody_says_how_long_begins_the_treatment_that_goes_on(life):
    orders = [order("Prolastin-C", "2009-02-17", "completed"), order("Glassia", "2016-09-06")]

    assert of_augmentation(life(ALPHA, *orders)) == [
        "2016-09-06 Changed: Prolastin-C to Glassia",
        "2009-02-17 Started: Prolastin-C",
    ]


def test_infusions_that_are_told_as_procedures_are_entries_of_the_treatment(life):
    infusions = [procedure("Alpha-1 proteinase inhibitor infusion", f"2012-0{at}-02") for at in range(1, 5)]
    talk = procedure("Education about alpha-1 proteinase inhibitor", "2011-01-01")

    assert of_augmentation(life(ALPHA, talk, *infusions, order("Zemaira", "2012-06-01"))) == [
        "2012-01-02 Started: Alpha-1 proteinase inhibitor infusion"
    ]


def test_a_start_says_of_an_order_long_before_it(store):
    keep(store, order("metformin 500 mg", "2008-01-01", "completed"), order("metformin 500 mg", "2015-01-01"))

    found = next(one for one in milestones(store) if one["rule"] == "started")

    assert found["date"] == "2015-01-01"
    assert "It was ordered before, on 2008-01-01" in found["detail"]


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
    "not one that goes on": ([procedure("Coronary artery bypass graft x3", "2005-02-03", "in-progress")], []),
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
    "HbA1c in the unit of Europe": (
        [value("59261-8", f"{year}-05-01", number, "mmol/mol") for year, number in ((2019, 41), (2020, 60))],
        ["2020-05-01 HbA1c reached 6.5 %: 60 mmol/mol"],
    ),
    "HbA1c just under": ([value("4548-4", "2019-05-01", 47, "mmol/mol")], []),
    "no HbA1c in a unit that means something else": ([value("4548-4", "2019-05-01", 140, "mg/dL")], []),
    "a per cent that is of another method": ([value("59261-8", "2019-05-01", 7.0, "%")], []),
    "across units": (
        [value("20150-9", "2020-01-01", 2000, "mL"), value("20150-9", "2020-06-01", 1.7)],
        ["2020-06-01 FEV1 fell by 15 % in 5 months"],
    ),
    "by its name": (
        [
            called("FEV1 (pre-BD)", "2020-01-01", 2000, "mL"),
            called("FEV1 (pre-BD)", "2021-02-01", 1790, "mL"),
        ],
        ["2021-02-01 FEV1 fell by 10.5 % in 13 months"],
    ),
    "by its name beside a code of the clinic": (
        [
            called("Hemoglobin A1c", "2015-01-01", 5.5, "%", ("urn:clinic", "LAB90")),
            called("Hemoglobin A1c", "2016-01-01", 7.0, "%", ("urn:clinic", "LAB90")),
        ],
        ["2016-01-01 HbA1c reached 6.5 %: 7.0"],
    ),
    "by a longer name": (
        [
            called("Estimated GFR (CKD-EPI 2021)", on, rate, "mL/min/1.73m2")
            for on, rate in (("2015-01-01", 80), ("2016-01-01", 50), ("2016-06-01", 49))
        ],
        ["2016-06-01 Kidney function (eGFR) under 60 mL/min/1.73m2: 49"],
    ),
    "by the second of its codes": (
        [
            called("Spirometry", on, litres, "L", (LOINC, "99999-9"), (LOINC, "20150-9"))
            for on, litres in (("2020-01-01", 2.0), ("2020-06-01", 1.7))
        ],
        ["2020-06-01 FEV1 fell by 15 % in 5 months"],
    ),
    "as a part of a report": (
        [
            {
                "resourceType": "Observation",
                "status": "final",
                "code": concept("Spirometry"),
                "effectiveDateTime": on,
                "component": [
                    {
                        "code": concept(None, (LOINC, "20150-9")),
                        "valueQuantity": {"value": litres, "unit": "L"},
                    }
                ],
            }
            for on, litres in (("2020-01-01", 2.0), ("2020-06-01", 1.7))
        ],
        ["2020-06-01 FEV1 fell by 15 % in 5 months"],
    ),
    "not what only begins like it": (
        [
            called(name, on, number, unit)
            for name, unit in (("FEV1/FVC ratio", "%"), ("FEV1 % predicted", "%"), ("FEV1 predicted", "L"))
            for on, number in (("2020-01-01", 80), ("2020-06-01", 60))
        ],
        [],
    ),
    "not what a LOINC code says is something else": (
        [
            called("FEV1 predicted by age", on, number, "L", (LOINC, "20149-1"))
            for on, number in (("2020-01-01", 3), ("2020-06-01", 2))
        ],
        [],
    ),
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


@pytest.mark.parametrize("months", [None, 6, 18])
@pytest.mark.parametrize("apart_days", [0, 40])
def test_the_best_of_a_window_that_moves_is_the_best_that_is_in_it(months, apart_days):
    says = MilestoneRule(
        "x", "change", "X", within_months=months, apart_days=apart_days, or_before=True, fall=1
    )
    values = [(at * 11 * 86_400, (at * 7919) % 101) for at in range(300)]
    since = measures._Since(SimpleNamespace(says=says), highest=True)

    for at, (start, number) in enumerate(values):
        before = [one for one in values[:at] if one[0] <= start - apart_days * 86_400]
        within = [one for one in before if months is None or one[0] >= start - months * 30.44 * 86_400]
        found = since.best(measures.Reading(number, "", "L", at, None, start, None))
        expected = max((one[1] for one in within), default=before[-1][1] if before else None)
        assert (found and found.value) == expected
        since.add(measures.Reading(number, "", "L", at, None, start, None))


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
    keep(store, visit("AMB", "2019-03-03"), shot("141", "2014-10-01"), source="clinic")
    keep(store, shot("141", "2001-10-01", "not-done"), procedure("Appendectomy", "1997-04-02"), source="town")

    found = {one["milestone"]: one["date"] for one in milestones(store) if one["rule"] == "first-record"}

    assert found == {
        "First record from hospital": "2015-02-10",
        "First record from clinic": "2014-10-01",
        "First record from town": "1997-04-02",
    }


def test_what_the_person_wrote_down_is_no_source_that_began(store):
    store.sources.ensure("self", kind="person")
    keep(store, visit("AMB", "2019-03-03"), source="self")
    keep(store, visit("AMB", "2020-03-03"), source="clinic")

    found = [one["milestone"] for one in milestones(store) if one["rule"] == "first-record"]

    assert found == ["First record from clinic"]


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
        found = milestones(store, Selection(**asked))
        return [one["milestone"] for one in found if one["rule"] != "first-record"]

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
