"""What the record tells: the disease, its treatment, and the oddities that real data has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from phr.sandbox.synthetic import family

Json = dict[str, Any]
Find = Callable[..., list[Json]]


@pytest.fixture(scope="module", params=[1, 7])
def find(request: pytest.FixtureRequest) -> Find:
    """The resources of a type with a code, of whichever person; the story holds under every seed."""
    resources = list(family(seed=request.param))

    def look(type_: str, code: str | None = None) -> list[Json]:
        return [r for r in resources if r["resourceType"] == type_ and (code is None or code in codes(r))]

    return look


def codes(resource: Json) -> set[str]:
    concept = resource.get("code") or resource.get("vaccineCode") or {}
    return {coding["code"] for coding in concept.get("coding", [])}


def flag(observation: Json) -> str:
    return str(observation["interpretation"][0]["coding"][0]["code"])


def test_alpha_1_antitrypsin_deficiency_is_on_the_problem_list_in_both_code_systems(find: Find) -> None:
    (problem,) = find("Condition", "30188007")

    assert codes(problem) == {"30188007", "E88.01"}
    assert problem["clinicalStatus"]["coding"][0]["code"] == "active"


def test_the_phenotype_is_zz(find: Find) -> None:
    (phenotype,) = find("Observation", "32769-2")

    assert phenotype["valueCodeableConcept"]["text"] == "ZZ"
    assert flag(phenotype) == "A"


def test_fev1_falls_by_more_than_ten_percent_exactly_once(find: Find) -> None:
    years = sorted(
        (o["effectiveDateTime"], o["valueQuantity"]["value"]) for o in find("Observation", "20150-9")
    )
    falls = [(day[:4], 1 - after / before) for (_, before), (day, after) in pairwise(years)]

    assert [day[:4] for day, _ in years] == [str(year) for year in range(2015, 2027)]
    assert [year for year, fall in falls if fall > 0.10] == ["2021"]


def test_prolastin_begins_on_7_june_2021_and_goes_on_every_month(find: Find) -> None:
    (order,) = [
        r
        for r in find("MedicationRequest")
        if r.get("medicationReference", {}).get("reference", "").endswith("prolastin-c")
    ]
    infusions = sorted(r["effectivePeriod"]["start"][:10] for r in find("MedicationAdministration"))

    assert order["authoredOn"] == infusions[0] == "2021-06-07"
    assert order["dosageInstruction"][0]["timing"]["repeat"]["periodUnit"] == "wk"
    assert len({day[:7] for day in infusions}) == len(infusions) == 65
    assert {date.fromisoformat(day).weekday() for day in infusions} == {0}


def test_the_level_is_critical_before_augmentation_and_protective_after(find: Find) -> None:
    levels = {o["effectiveDateTime"]: o for o in find("Observation", "1825-9")}
    before = [o for day, o in levels.items() if day < "2021-06-07"]
    after = [o for day, o in levels.items() if day > "2021-06-07"]

    assert before and all(o["valueQuantity"]["value"] < 57 and flag(o) == "LL" for o in before)
    assert after and all(57 < o["valueQuantity"]["value"] < 90 and flag(o) == "L" for o in after)


def test_the_hospital_stay_lasts_five_days_and_names_its_diagnosis(find: Find) -> None:
    (stay,) = [e for e in find("Encounter") if e["class"]["code"] == "IMP"]
    start, end = (date.fromisoformat(stay["period"][name][:10]) for name in ("start", "end"))
    dx = stay["diagnosis"][0]["condition"]["reference"]

    assert (end - start).days == 5
    assert stay["hospitalization"]["dischargeDisposition"]["coding"][0]["code"] == "home"
    assert any(f"Condition/{c['id']}" == dx and "J44.1" in codes(c) for c in find("Condition", "195951007"))


def test_laboratory_numbers_carry_a_range_and_the_flag_that_follows_from_it(find: Find) -> None:
    labs = [
        o
        for o in find("Observation")
        if o["category"][0]["coding"][0]["code"] == "laboratory" and "valueQuantity" in o
    ]
    flags = {flag(o) for o in labs}

    assert {"N", "L", "H", "LL"} <= flags
    for observation in labs:
        value, normal = observation["valueQuantity"]["value"], observation["referenceRange"][0]
        low, high = (normal.get(name, {}).get("value") for name in ("low", "high"))
        outside = (low is not None and value < low) or (high is not None and value > high)
        assert (flag(observation) != "N") == outside


def test_values_come_in_every_shape(find: Find) -> None:
    observations = find("Observation")

    assert any(o.get("valueQuantity", {}).get("comparator") == "<" for o in observations)
    for name in ("valueString", "valueCodeableConcept", "valueInteger", "dataAbsentReason", "component"):
        assert any(name in o for o in observations), name


def test_calculated_results_agree_with_what_they_are_calculated_from(find: Find) -> None:
    reports = [r for r in find("DiagnosticReport") if r["code"].get("text") == "Lipid panel"]
    by_id = {f"Observation/{o['id']}": o for o in find("Observation")}

    for report in reports:
        total, fats, hdl, ldl = (
            by_id[each["reference"]]["valueQuantity"]["value"] for each in report["result"]
        )
        assert abs(total - hdl - fats / 5 - ldl) <= 1


def test_what_did_not_happen_is_said_so(find: Find) -> None:
    assert [
        i["statusReason"]["coding"][0]["code"] for i in find("Immunization") if i["status"] == "not-done"
    ] == ["PATOBJ"]
    assert [p["id"] for p in find("Procedure") if p["status"] == "not-done"] == ["proc-bronchoscopy"]
    assert [
        c["id"] for c in find("Condition") if c["verificationStatus"]["coding"][0]["code"] == "refuted"
    ] == ["prob-asthma"]
    assert {a["clinicalStatus"]["coding"][0]["code"] for a in find("AllergyIntolerance")} == {
        "active",
        "inactive",
    }
    assert len(find("AllergyIntolerance", "716186003")) == 1


def test_medications_are_active_stopped_completed_and_as_needed(find: Find) -> None:
    orders = find("MedicationRequest")

    assert {o["status"] for o in orders} == {"active", "stopped", "completed"}
    assert any(o["dosageInstruction"][0].get("asNeededBoolean") for o in orders)
    assert all(o["statusReason"]["text"] for o in orders if o["status"] == "stopped")


def test_the_child_grows(find: Find) -> None:
    heights = sorted(
        (o["effectiveDateTime"], o["valueQuantity"]["value"])
        for o in find("Observation", "8302-2")
        if o["subject"]["reference"].startswith("Patient/juniper")
    )

    assert [height for _, height in heights] == sorted(height for _, height in heights)
    assert heights[0][1] < 70 < 150 < heights[-1][1]
