from __future__ import annotations

from typing import Any

import pytest

from phr.model import Record, Resource
from phr.records.derive import derive
from phr.records.medications import dosage_words


def order(lookup: dict[str, Resource] | None = None, **elements: Any) -> Record:
    return derive({"resourceType": "MedicationRequest", "id": "m1", **elements}, (lookup or {}).get)


RXNORM = {
    "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "314076"}],
    "text": "Lisinopril",
}


def test_an_order_is_read_whole() -> None:
    record = order(
        status="active",
        intent="order",
        medicationCodeableConcept=RXNORM,
        authoredOn="2024-01-01",
        requester={"reference": "Practitioner/1", "display": "Dr. Ada Example"},
        dosageInstruction=[{"text": "Take 1 tablet daily"}],
        reasonCode=[{"text": "High blood pressure"}],
        encounter={"reference": "Encounter/1"},
    )

    assert (record.kind, record.title, record.status, record.date) == (
        "medication",
        "Lisinopril",
        "active",
        "2024-01-01",
    )
    assert record.description == "Take 1 tablet daily; for: High blood pressure"
    assert (record.performer, record.encounter) == ("Dr. Ada Example", "Encounter/1")
    assert record.codes[0].code == "314076"


def test_the_drug_may_be_contained() -> None:
    medication = {"resourceType": "Medication", "id": "17", "code": RXNORM}
    record = order(contained=[medication], medicationReference={"reference": "#17"})

    assert (record.title, record.codes[0].code, record.wanted) == ("Lisinopril", "314076", ())


def test_the_drug_may_be_a_resource_of_its_own() -> None:
    record = order(
        {"Medication/9": {"resourceType": "Medication", "code": RXNORM}},
        medicationReference={"reference": "Medication/9"},
    )

    assert (record.title, record.codes[0].code) == ("Lisinopril", "314076")
    assert record.wanted == ("Medication/9",)


def test_a_drug_that_never_came_is_asked_for_and_not_invented() -> None:
    record = order(medicationReference={"reference": "Medication/9"})

    assert (record.title, record.wanted) == ("Medication without a name", ("Medication/9",))


def test_the_display_of_a_reference_names_the_drug_and_its_codes_are_looked_up() -> None:
    pointer = {"reference": "urn:uuid:9", "display": "aspirin 325 MG tablet"}
    record = order(
        {"Medication/9": {"resourceType": "Medication", "code": RXNORM}}, medicationReference=pointer
    )

    assert (record.title, record.codes[0].code) == ("aspirin 325 MG tablet", "314076")


@pytest.mark.parametrize(
    ("dosage", "words"),
    [
        ({"text": "as directed", "route": {"text": "Oral"}}, "as directed"),
        (
            {
                "text": ":None:None",
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
                "route": {"coding": [{"system": "http://snomed.info/sct", "code": "26643006"}]},
                "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
            },
            "1 tablet by mouth twice a day",
        ),
        ({"timing": {"repeat": {"frequency": 1, "period": 8, "periodUnit": "h"}}}, "every 8 hours"),
        ({"timing": {"repeat": {"period": 1.0, "periodUnit": "d", "when": ["HS"]}}}, "once a day at bedtime"),
        ({"timing": {"code": {"text": "BID"}}, "asNeededBoolean": True}, "BID as needed"),
        ({"asNeededCodeableConcept": {"text": "pain"}}, "as needed for pain"),
        ({"dose": {"value": 250, "unit": "mL"}, "route": {"text": "Intravenous"}}, "250 mL intravenous"),
        ({"text": ":None:None"}, None),
        ({}, None),
    ],
)
def test_a_dosage_is_a_sentence(dosage: dict[str, Any], words: str | None) -> None:
    assert dosage_words(dosage) == words


def test_what_the_person_says_they_take_is_theirs() -> None:
    record = derive(
        {
            "resourceType": "MedicationStatement",
            "id": "1",
            "status": "not-taken",
            "medicationCodeableConcept": {"text": "Ibuprofen"},
            "effectivePeriod": {"start": "2024-01", "end": "2024-02"},
            "dateAsserted": "2024-03-01",
            "informationSource": {"reference": "Patient/p"},
            "context": {"reference": "Encounter/1"},
        },
        {}.get,
    )

    assert (record.origin, record.date, record.end, record.recorded) == (
        "patient",
        "2024-01",
        "2024-02",
        "2024-03-01",
    )
    assert (record.description, record.encounter) == ("not taken", "Encounter/1")


def test_what_was_handed_over_and_what_was_given_are_medications_too() -> None:
    handed = {"resourceType": "MedicationDispense", "whenHandedOver": "2024-05-01", "quantity": {"value": 30}}
    given = {"resourceType": "MedicationAdministration", "effectiveDateTime": "2024-05-02"}

    assert (derive(handed, {}.get).date, derive(handed, {}.get).description) == ("2024-05-01", "quantity: 30")
    assert (derive(given, {}.get).kind, derive(given, {}.get).date) == ("medication", "2024-05-02")
