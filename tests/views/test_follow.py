"""What is related to a record, two steps far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.store.store import Store
from phr.views.follow import follow
from phr.views.selection import Selection

Make = Callable[..., Received]
LAB = [{"coding": [{"code": "laboratory"}]}]


def ref(address: str) -> dict[str, str]:
    return {"reference": address}


@pytest.fixture
def chain(store: Store, source: str, received: Make) -> Store:
    """Order → specimen → result → report; a medicine for the problem that the result shows; the test a year before."""
    loinc = {"coding": [{"system": "http://loinc.org", "code": "4548-4", "display": "Hemoglobin A1c"}]}
    value = {"value": 8.1, "unit": "%"}
    store.save(
        source,
        [
            received("ServiceRequest", "order", code={"text": "A1c"}, authoredOn="2024-03-01"),
            received("Specimen", "blood", request=[ref("ServiceRequest/order")]),
            received("Observation", "a1c", status="final", category=LAB, code=loinc, valueQuantity=value,
                     effectiveDateTime="2024-03-02", specimen=ref("Specimen/blood"),
                     basedOn=[ref("ServiceRequest/order")]),
            received("Observation", "other", status="final", category=LAB, code={"text": "Glucose"},
                     effectiveDateTime="2024-03-02", specimen=ref("Specimen/blood")),
            received("Observation", "before", status="final", category=LAB, code=loinc, valueQuantity=value,
                     effectiveDateTime="2023-03-02"),
            received("DiagnosticReport", "report", status="final", code={"text": "Diabetes panel"},
                     effectiveDateTime="2024-03-03", result=[ref("Observation/a1c")]),
            received("Condition", "dm", code={"text": "Diabetes"}, onsetDateTime="2024-03-04",
                     evidence=[{"detail": [ref("Observation/a1c")]}]),
            received("MedicationRequest", "metformin", status="active", authoredOn="2024-03-04",
                     medicationCodeableConcept={"text": "Metformin"}, reasonReference=[ref("Condition/dm")]),
            received("Condition", "stranger", code={"text": "Gout"}, onsetDateTime="2024-03-04"),
        ],
    )  # fmt: skip
    other = store.sources.ensure("other").key
    store.save(
        other,
        [received("DiagnosticReport", "report2", status="final", code={"text": "Not ours"},
                  effectiveDateTime="2024-03-03", result=[ref("Observation/a1c")])],
    )  # fmt: skip
    return store


def ways(store: Store, record: str, **more: Any) -> dict[str, tuple[str, int]]:
    return {
        one["resource"]: (one["relation"].partition(" (")[0], one["steps"])
        for one in follow(store, record, **more)
    }


def test_a_result_leads_to_its_order_report_problem_and_the_medicine_for_it(chain: Store) -> None:
    assert ways(chain, "Observation/a1c") == {
        "Observation/a1c": ("this one", 0),
        "ServiceRequest/order": ("the order for it", 1),
        "Observation/other": ("from the same sample", 1),
        "DiagnosticReport/report": ("the report with it", 1),
        "Condition/dm": ("shown by it", 1),
        "Observation/before": ("over time", 1),
        "MedicationRequest/metformin": ("because of it", 2),
    }


def test_what_is_two_steps_away_names_the_record_in_between(chain: Store) -> None:
    found = {one["resource"]: one for one in follow(chain, "Observation/a1c")}
    assert found["MedicationRequest/metformin"]["via"] == found["Condition/dm"]["id"]
    assert found["Condition/dm"]["via"] is None


def test_the_other_way_round_the_medicine_leads_to_the_problem_and_the_result(chain: Store) -> None:
    found = ways(chain, "MedicationRequest/metformin")
    assert found["Condition/dm"] == ("the reason for it", 1)
    assert found["Observation/a1c"] == ("what shows it", 2)


def test_a_selection_narrows_what_is_followed_and_keeps_the_record(chain: Store) -> None:
    found = ways(chain, "Observation/a1c", selection=Selection(kinds=("medication",)))
    assert set(found) == {"Observation/a1c", "MedicationRequest/metformin"}


def test_a_number_is_a_record_too_and_one_that_is_not_there_is_said(chain: Store) -> None:
    number = follow(chain, "Condition/dm")[0]["id"]
    assert follow(chain, number)
    for wrong in ("999999", "Condition/none", "9" * 30, "", "nonsense"):
        with pytest.raises(UsageError):
            follow(chain, wrong)


def test_a_visit_of_many_results_is_bounded(store: Store, source: str, received: Make) -> None:
    inside = {"encounter": ref("Encounter/v")}
    many = [received("Observation", f"o{n}", status="final", category=LAB, code={"text": f"T{n}"},
                     effectiveDateTime="2024-03-02", **inside) for n in range(120)]  # fmt: skip
    store.save(source, [received("Encounter", "v", status="finished", period={"start": "2024-03-02"}), *many])
    found = follow(store, "Encounter/v")
    assert 30 < len(found) <= 60
    assert {one["relation"] for one in found} <= {"this one", "in this visit", "same visit"}
