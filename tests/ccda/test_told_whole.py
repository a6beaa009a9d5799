"""What no validator sees: nothing that changes the meaning is lost, and nothing is said that no source said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from phr.ccda.check import examine

Write = Callable[..., Any]
Make = Callable[..., dict[str, Any]]
Errors = Callable[..., list[str]]
SCT = "http://snomed.info/sct"


def resource(type_: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": type_, **more}


def coding(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def words(*said: str) -> list[dict[str, str]]:
    return [{"text": each} for each in said]


# ── who and what it is about ──────────────────────────────────────────────────────────────────────

MOTHER = resource("Patient", id="m", birthDate="1990-02-03", name=[{"family": "Vane", "given": ["Ida"]}])
CHILD = resource("Patient", id="c", birthDate="2024-05-01", name=[{"family": "Vane", "given": ["Odo"]}])


def test_the_record_of_another_person_is_left_out_and_named(write: Write) -> None:
    own = resource("Condition", id="own", code={"text": "Asthma"}, subject={"reference": "Patient/m"})
    other = resource("Condition", id="other", code={"text": "Jaundice"}, subject={"reference": "Patient/c"})

    document = write(MOTHER, CHILD, own, other)

    assert [row[0] for row in document.rows("11450-4")] == ["Asthma"]
    assert [(each.id, "another person" in each.reason) for each in document.ccd.left_out] == [("other", True)]


@pytest.mark.parametrize(
    "changed", [{"birthDate": "1990-03-02"}, {"name": [{"family": "Wren", "given": ["I"]}]}]
)
def test_a_mistyped_date_or_a_new_name_makes_no_other_person(write: Write, changed: dict[str, Any]) -> None:
    condition = resource("Condition", code={"text": "Asthma"}, subject={"reference": "Patient/n"})

    document = write(MOTHER, {**MOTHER, "id": "n", **changed}, condition)

    assert len(document.rows("11450-4")) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        resource("Goal", lifecycleStatus="entered-in-error", description={"text": "X"}),
        resource("DocumentReference", status="current", docStatus="entered-in-error"),
        resource("Condition", code={"text": "X"}, modifierExtension=[{"url": "https://x.example/not"}]),
    ],
)
def test_what_is_wrong_or_turned_round_is_left_out(write: Write, wrong: dict[str, Any]) -> None:
    document = write(wrong)

    assert len(document.ccd.left_out) == 1
    assert not any(document.ccd.sections.values())


# ── medicines ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("flag", [{"wasNotTaken": True}, {"wasNotGiven": True}, {"taken": "n"}])
def test_a_medicine_that_older_servers_call_not_taken_is_negated(write: Write, flag: dict[str, Any]) -> None:
    document = write(resource("MedicationStatement", medicationCodeableConcept={"text": "Iron"}, **flag))

    assert document.find("//c:section//c:substanceAdministration[@negationInd='true']")
    assert document.rows("10160-0")[0][0] == "Iron (not taken)"


def test_what_is_taken_stands_before_what_is_over_and_says_why_it_ended(write: Write) -> None:
    drug = "medicationCodeableConcept"
    document = write(
        resource(
            "MedicationAdministration", status="completed", effectiveDateTime="2026", **{drug: {"text": "A"}}
        ),
        resource(
            "MedicationRequest",
            status="stopped",
            authoredOn="2025",
            statusReason={"text": "Cough"},
            **{drug: {"text": "B"}},
        ),
        resource("MedicationStatement", status="active", effectiveDateTime="2010", **{drug: {"text": "C"}}),
    )

    assert [(row[0], row[3]) for row in document.rows("10160-0")] == [
        ("C", "active (reported)"),
        ("A", "given"),
        ("B", "stopped (Cough)"),
    ]


def test_all_that_is_said_about_taking_it_is_said_once(write: Write) -> None:
    dosages = [
        {
            "text": "One in the morning",
            "patientInstruction": "Swallow whole",
            "additionalInstruction": words("With food", "one in the MORNING"),
        },
        {"text": "Two at night"},
    ]
    document = write(resource("MedicationRequest", dosageInstruction=dosages))

    assert document.rows("10160-0")[0][1] == "One in the morning; Swallow whole; With food; Two at night"


def test_a_dose_keeps_a_unit_that_is_not_ucum(write: Write, bundle: Make, errors: Errors) -> None:
    dose = {"doseAndRate": [{"doseQuantity": {"value": 25, "unit": "puffs"}}]}
    shot = resource("Immunization", vaccineCode={"text": "V"}, doseQuantity={"value": 5, "unit": "drop"})
    whole = bundle(resource("MedicationRequest", dosageInstruction=[dose]), shot)

    document = write(whole)

    found = document.find("//c:doseQuantity[@value]")
    assert [(each.get("unit"), each[0][0].text) for each in found] == [(None, "puffs"), (None, "drop")]
    assert errors(whole) == []


def test_a_medicine_without_a_code_is_named_by_what_it_is_made_of(write: Write) -> None:
    mixture = resource(
        "Medication",
        id="mix",
        ingredient=[
            {
                "itemCodeableConcept": {"text": "Codeine"},
                "strength": {
                    "numerator": {"value": 8, "unit": "mg"},
                    "denominator": {"value": 1, "unit": "tablet"},
                },
            },
            {"itemCodeableConcept": {"text": "Paracetamol"}},
        ],
    )

    document = write(
        mixture, resource("MedicationRequest", medicationReference={"reference": "Medication/mix"})
    )

    assert document.rows("10160-0")[0][0] == "Codeine 8 mg/1 tablet + Paracetamol"


def test_a_dispense_without_a_request_says_how_much_was_handed_over(write: Write) -> None:
    document = write(
        resource(
            "MedicationDispense",
            status="completed",
            whenHandedOver="2026-01-02",
            medicationCodeableConcept={"text": "Iron"},
            quantity={"value": 30, "unit": "tablet"},
        )
    )

    assert document.one("//c:supply[@moodCode='EVN']/c:quantity").get("value") == "30"
    assert document.rows("10160-0")[0][3] == "dispensed, which does not say whether it was taken"


def _taken(**more: Any) -> dict[str, Any]:
    return resource(
        "MedicationStatement",
        id="taken",
        status="active",
        medicationCodeableConcept=_DRUG,
        dosage=[{"text": "1 daily"}],
        **more,
    )


def _order(**more: Any) -> dict[str, Any]:
    return resource(
        "MedicationRequest",
        **{
            "id": "order",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": _DRUG,
            "requester": {"display": "Dr. Penhallow"},
            "authoredOn": "2026-01-01",
            "note": [{"text": "Told of the bleeding"}, {"text": "With water", "authorString": "Dr. Marrow"}],
            "dispenseRequest": {"numberOfRepeatsAllowed": 2, "quantity": {"value": 30, "unit": "tablet"}},
            **more,
        },
    )


_DRUG = {
    "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "1364430"}],
    "text": "apixaban",
}
_HANDED_OVER = resource(
    "MedicationDispense",
    id="handed",
    status="completed",
    whenHandedOver="2026-01-02",
    medicationCodeableConcept=_DRUG,
    authorizingPrescription=[{"reference": "MedicationRequest/order"}],
)
_ENTRIES = "//c:section[c:code/@code='10160-0']/c:entry/c:substanceAdministration"


@pytest.mark.parametrize(
    ("statement", "order"),
    [
        ({"basedOn": [{"reference": "MedicationRequest/order"}]}, {}),
        (
            {"basedOn": [{"reference": "MedicationRequest/order"}]},
            {"dosageInstruction": [{"text": "1 daily"}]},
        ),
        (
            {"identifier": [{"system": "urn:rx", "value": "7"}]},
            {"identifier": [{"system": "urn:rx", "value": "7"}]},
        ),
    ],
    ids=["based on it", "with the same dosage", "the same number"],
)
def test_a_drug_stands_once_with_its_order_and_what_was_handed_over(
    write: Write, statement: dict[str, Any], order: dict[str, Any]
) -> None:
    document = write(_taken(**statement), _order(**order), _HANDED_OVER)

    supply = f"{_ENTRIES}/c:entryRelationship/c:supply"
    assert document.one(_ENTRIES).get("moodCode") == "EVN"
    assert len(document.find(f"{supply}[@moodCode='INT']")) == 1
    assert len(document.find(f"{supply}[@moodCode='EVN']")) == 1
    assert document.find(f"{supply}/c:repeatNumber/@value") == ["3"]
    assert document.find(f"{supply}/c:author/c:time/@value") == ["20260101"]
    assert len(document.find(f"{supply}/c:entryRelationship[@typeCode='SUBJ']/c:act[@moodCode='INT']")) == 2
    assert len(document.rows("10160-0")) == 1
    assert "ordered by: Dr. Penhallow" in document.rows("10160-0")[0][5]
    assert document.ccd.left_out == ()


@pytest.mark.parametrize(
    ("statement", "order"),
    [
        ({}, {"medicationCodeableConcept": {"text": "Iron"}}),
        ({}, {"dosageInstruction": [{"text": "2 daily"}]}),
        ({}, {"doNotPerform": True}),
        ({"status": "stopped"}, {}),
        ({"status": "not-taken"}, {}),
    ],
    ids=["another drug", "another dosage", "forbidden", "stopped", "not taken"],
)
def test_an_order_that_says_something_else_is_not_hidden_in_what_is_taken(
    write: Write, statement: dict[str, Any], order: dict[str, Any]
) -> None:
    taken = _taken(basedOn=[{"reference": "MedicationRequest/order"}]) | statement

    assert len(write(taken, _order(**order)).find(_ENTRIES)) == 2


def test_a_single_infusion_has_a_moment_and_is_not_asked_how_often(write: Write) -> None:
    document = write(
        resource(
            "MedicationAdministration", status="completed", effectiveDateTime="2026-01-02T10:00:00Z",
            medicationCodeableConcept=_DRUG,
        ),
        resource(
            "MedicationAdministration", status="completed", medicationCodeableConcept=_DRUG,
            effectivePeriod={"start": "2026-01-02T10:00:00Z", "end": "2026-01-02T12:00:00Z"},
        ),
        resource("MedicationStatement", status="active", medicationCodeableConcept=_DRUG, effectiveDateTime="2026"),
    )  # fmt: skip
    asked = {one.what: (one.count, one.of) for one in examine(document.ccd.xml).missing}

    assert len(document.find(f"{_ENTRIES}/c:effectiveTime[@value]")) == 1
    assert asked["without how often it is taken"] == (1, 1)


# ── allergies, problems, visits ───────────────────────────────────────────────────────────────────


def test_an_allergy_tells_its_risk_and_its_doubt_and_no_onset_that_nobody_said(write: Write) -> None:
    document = write(
        resource(
            "AllergyIntolerance",
            code={"text": "Bee"},
            criticality="high",
            recordedDate="2020-01-02",
            clinicalStatus={"coding": [{"code": "active"}]},
            verificationStatus={"coding": [{"code": "unconfirmed"}]},
            reaction=[{"manifestation": words("Hives"), "exposureRoute": {"text": "sting"}}],
        )
    )

    row = document.rows("48765-2")[0]
    assert row[2:] == ["Hives (by sting)", "high", "", "active (unconfirmed)"]


def test_a_problem_tells_how_bad_where_and_how_certain(write: Write, bundle: Make, errors: Errors) -> None:
    whole = bundle(
        resource(
            "Condition",
            code={"text": "Fracture"},
            severity={"text": "Severe"},
            bodySite=[coding(SCT, "72696002", "Knee")],
            onsetAge={"value": 41, "unit": "years"},
            clinicalStatus={"coding": [{"code": "active"}]},
            verificationStatus={"coding": [{"code": "provisional"}]},
        )
    )

    document = write(whole)

    assert document.rows("11450-4")[0] == [
        "Fracture (Severe, Knee)",
        "age 41 years",
        "",
        "active (provisional)",
    ]
    assert document.one("//c:observation/c:targetSiteCode").get("code") == "72696002"
    assert errors(whole) == []


def test_the_note_of_a_diagnosis_stands_with_its_visit(write: Write) -> None:
    visit = resource(
        "Encounter",
        id="e",
        status="finished",
        reasonCode=words("Cough"),
        hospitalization={"dischargeDisposition": {"text": "Home"}},
    )
    diagnosis = resource(
        "Condition",
        code={"text": "Pneumonia"},
        category=[{"coding": [{"code": "encounter-diagnosis"}]}],
        clinicalStatus={"coding": [{"code": "resolved"}]},
        encounter={"reference": "Encounter/e"},
        note=words("Left lower lobe."),
    )

    document = write(visit, diagnosis)

    assert [cell.strip() for cell in document.rows("46240-8")[0][4:]] == [
        "Pneumonia; Cough",
        "finished (discharged: Home)",
        "Left lower lobe.",
    ]
    comment = document.one("//c:observation//c:act[c:code/@code='48767-8']/c:text/c:reference").get("value")
    assert document.one(f"//c:content[@ID='{comment[1:]}']").text == "Left lower lobe."


def test_a_procedure_says_why_it_was_not_done_and_for_whom_it_was(write: Write) -> None:
    document = write(
        resource(
            "Procedure",
            status="not-done",
            code={"text": "Bronchoscopy"},
            statusReason={"text": "Improved without it"},
            bodySite=words("Left lung"),
            performer=[
                {"actor": {"display": "I. Penn"}, "onBehalfOf": {"type": "Organization", "display": "Clinic"}}
            ],
        )
    )

    row = document.rows("47519-4")[0]
    assert (row[0], row[3]) == ("Bronchoscopy (Left lung)", "not done (Improved without it)")
    assert document.one("//c:procedure/c:performer//c:representedOrganization/c:name").text == "Clinic"


def test_icd_10_of_the_who_is_not_taken_for_icd_10_cm(write: Write) -> None:
    document = write(resource("Condition", code=coding("http://hl7.org/fhir/sid/icd-10", "J45", "Asthma")))

    assert document.one("//c:value/c:translation[@code='J45']").get("codeSystem") == "2.16.840.1.113883.6.3"
