"""`--pack`: what a condition is about, and nothing of what stands beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.packs.loading import packs
from phr.store.store import Store
from phr.views.selection import Selection
from phr.views.selection_words import in_words
from phr.views.timeline import timeline

LOINC, ICD10 = "http://loinc.org", "http://hl7.org/fhir/sid/icd-10-cm"


def _coded(text: str, system: str | None = None, code: str | None = None) -> dict[str, Any]:
    return {"text": text, **({"coding": [{"system": system, "code": code}]} if code else {})}


@pytest.fixture
def life(store: Store, received: Callable[..., Received]) -> Store:
    whose = {"subject": {"reference": "Patient/p"}}

    def measured(id_: str, text: str, code: str | None, value: float, unit: str) -> Received:
        return received("Observation", id_, status="final", code=_coded(text, LOINC, code), **whose,
                        effectiveDateTime="2024-01-02", valueQuantity={"value": value, "unit": unit})  # fmt: skip

    store.save(
        store.sources.ensure("clinic").key,
        [
            received("Condition", "aatd", code=_coded("Alpha-1 antitrypsin deficiency", ICD10, "E88.01"), **whose),
            received("Condition", "knee", code=_coded("Osteoarthritis of knee", ICD10, "M17.11"), **whose),
            received("Condition", "diabetes", code=_coded("Type 2 diabetes mellitus", ICD10, "E11.9"), **whose),
            measured("fev1", "FEV1", "20150-9", 1.9, "L"),
            measured("aat", "AAT", "6771-0", 30, "mg/dL"),
            measured("a1c", "Hemoglobin A1c", "4548-4", 7.1, "%"),
            measured("na", "Sodium", "2951-2", 140, "mmol/L"),
            received("MedicationRequest", "glassia", status="active", intent="order", **whose,
                     medicationCodeableConcept={"text": "Glassia"}, authoredOn="2023-02-01"),
            received("MedicationRequest", "metformin", status="active", intent="order", **whose,
                     medicationCodeableConcept={"text": "Metformin 500 mg"}, authoredOn="2023-02-01"),
        ],
    )  # fmt: skip
    return store


def _titles(store: Store, **asked: Any) -> set[str]:
    return {event["title"] for event in timeline(store, Selection(**asked)).events}


def test_a_pack_brings_the_condition_its_measurements_and_its_treatment(life: Store) -> None:
    assert _titles(life, packs=("alpha-1",)) == {"Alpha-1 antitrypsin deficiency", "FEV1", "AAT", "Glassia"}


def test_several_packs_bring_what_either_is_about(life: Store) -> None:
    found = _titles(life, packs=("alpha-1", "diabetes"))
    assert {"FEV1", "Type 2 diabetes mellitus", "Hemoglobin A1c", "Metformin 500 mg"} <= found
    assert not found & {"Osteoarthritis of knee", "Sodium"}


def test_a_pack_narrows_what_else_is_asked(life: Store) -> None:
    assert _titles(life, packs=("alpha-1",), kinds=("lab_result",)) == {"FEV1", "AAT"}
    assert _titles(life, packs=("alpha-1",), since="2024", until="2024") == {"FEV1", "AAT"}


@pytest.mark.parametrize("pack", packs(), ids=lambda pack: pack.id)
def test_every_pack_that_is_shipped_can_be_asked_for(life: Store, pack: Any) -> None:
    timeline(life, Selection(packs=(pack.id,)))


def test_a_pack_that_is_none_is_said_with_those_that_are(life: Store) -> None:
    with pytest.raises(UsageError) as told:
        timeline(life, Selection(packs=("alpaca",)))
    assert "alpha-1" in str(told.value.hint)


def test_what_still_stands_from_before_belongs_only_where_it_was_asked_for(
    store: Store, received: Callable[..., Received]
) -> None:
    whose = {"subject": {"reference": "Patient/p"}}

    def condition(id_: str, status: str, onset: str, **more: Any) -> Received:
        system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
        return received("Condition", id_, code={"text": id_}, onsetDateTime=onset, **whose, **more,
                        clinicalStatus={"coding": [{"system": system, "code": status}]})  # fmt: skip

    def order(id_: str, status: str, day: str) -> Received:
        return received("MedicationRequest", id_, status=status, intent="order", authoredOn=day, **whose,
                        medicationCodeableConcept={"text": id_})  # fmt: skip

    store.save(
        store.sources.ensure("clinic").key,
        [
            condition("standing", "active", "2010"),
            condition("over", "resolved", "2010"),
            condition("ended in the time", "active", "2010", abatementDateTime="2024-05"),
            condition("new", "active", "2024"),
            order("still taken", "active", "2019-01-01"),
            order("stopped", "stopped", "2019-01-01"),
            received("Procedure", "operation", status="completed", code={"text": "operation"}, **whose,
                     performedDateTime="2019"),
            received("AllergyIntolerance", "pollen", code={"text": "pollen"}, recordedDate="2001",
                     patient={"reference": "Patient/p"},
                     clinicalStatus={"coding": [{"code": "active"}]}),
        ],
    )  # fmt: skip

    assert _titles(store, since="2023") == {"new"}
    standing = {"new", "standing", "still taken", "pollen"}
    assert _titles(store, since="2023", standing=True) - {"ended in the time"} == standing
    assert _titles(store, since="2023", standing=True, kinds=("medication",)) == {"still taken"}
    assert _titles(store, since="2023", until="2023", standing=True) - {"ended in the time"} == standing - {
        "new"
    }


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, []),
        ({"kinds": ("lab_result", "allergy", "encounter")}, ["only lab results, allergies or visits"]),
        ({"packs": ("alpha-1",)}, ["about Alpha-1 antitrypsin deficiency"]),
        ({"tags": ("lungs", "mine")}, ["tagged lungs and mine"]),
        ({"sources": ("north",), "search": "ct"}, ["with the words “ct”", "only from north"]),
        ({"since": "2023"}, ["since 2023"]),
        ({"since": "2023", "standing": True}, ["since 2023, and what still stands from before"]),
        ({"standing": True}, []),
        ({"until": "2023-04"}, ["up to 2023-04"]),
        ({"since": "2023", "until": "2024"}, ["from 2023 to 2024"]),
        ({"sensitivity": "normal"}, []),
    ],
)
def test_a_selection_is_said_in_words(asked: dict[str, Any], said: list[str]) -> None:
    assert in_words(Selection(**asked)) == said
