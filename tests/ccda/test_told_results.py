"""Results, relatives, notes, vaccinations, appointments: their remarks are told, and no time is made up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Write = Callable[..., Any]
Make = Callable[..., dict[str, Any]]
Errors = Callable[..., list[str]]


def resource(type_: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": type_, **more}


def coding(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def words(*said: str) -> list[dict[str, str]]:
    return [{"text": each} for each in said]


# ── results ───────────────────────────────────────────────────────────────────────────────────────


def test_a_result_says_when_it_is_not_final_or_judged_in_words(write: Write) -> None:
    document = write(
        resource(
            "Observation",
            status="preliminary",
            code={"text": "Glucose"},
            valueQuantity={"value": 190, "unit": "mg/dL"},
            interpretation=words("above high normal"),
        )
    )

    assert document.rows("30954-2")[0][2] == "190 mg/dL (above high normal) (preliminary)"


def test_the_time_of_issue_is_not_the_time_of_the_observation(
    write: Write, bundle: Make, errors: Errors
) -> None:
    vital = {
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": coding("http://loinc.org", "8867-4"),
    }
    rate = {"value": 60, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"}
    issued = "2026-01-02T03:04:05Z"
    whole = bundle(
        resource("Observation", status="final", code={"text": "Urine"}, valueString="clear", issued=issued),
        resource("Observation", status="final", **vital, valueQuantity=rate, issued=issued),
    )

    document = write(whole)

    times = document.find("//c:component/c:observation/c:effectiveTime")
    assert [(time.get("value"), time.get("nullFlavor")) for time in times] == [(None, "UNK")] * 2
    assert errors(whole) == []


def test_a_period_keeps_its_end_and_every_range_says_whom_it_is_for(
    write: Write, bundle: Make, errors: Errors
) -> None:
    whole = bundle(
        resource(
            "Observation",
            status="final",
            code={"text": "Protein in 24 h urine"},
            valueQuantity={"value": 90, "unit": "mg"},
            effectivePeriod={"start": "2026-01-02", "end": "2026-01-03"},
            referenceRange=[
                {"high": {"value": 100, "unit": "mg"}, "appliesTo": words("Women")},
                {"high": {"value": 150, "unit": "mg"}, "appliesTo": words("Men")},
            ],
        )
    )

    document = write(whole)

    assert document.one("//c:observation/c:effectiveTime/c:high").get("value") == "20260103"
    assert document.rows("30954-2")[0][3] == "at most 100 mg (Women); at most 150 mg (Men)"
    assert [each.text for each in document.find("//c:observationRange/c:text")] == [
        "at most 100 mg (Women)",
        "at most 150 mg (Men)",
    ]
    assert errors(whole) == []


def test_a_report_with_results_keeps_its_coded_conclusions(write: Write) -> None:
    document = write(
        resource(
            "DiagnosticReport",
            status="final",
            code={"text": "Smear"},
            conclusionCode=words("Malaria", "Anemia"),
            result=[{"reference": "Observation/o"}],
        ),
        resource("Observation", id="o", status="final", code={"text": "Parasites"}, valueString="seen"),
    )

    assert [row[2] for row in document.rows("30954-2")] == ["seen", "Malaria; Anemia"]


# ── the rest ──────────────────────────────────────────────────────────────────────────────────────


def test_what_a_relative_did_not_have_is_negated(write: Write, bundle: Make, errors: Errors) -> None:
    negative = {"url": "https://x.example/condition-result", "valueCodeableConcept": {"text": "NEGATIVE"}}
    whole = bundle(
        resource(
            "FamilyMemberHistory",
            status="completed",
            relationship={"text": "Sister"},
            deceasedAge={"value": 18, "unit": "years"},
            condition=[{"code": {"text": "Cancer"}, "modifierExtension": [negative]}],
        )
    )

    document = write(whole)

    assert document.rows("10157-6")[0] == ["Sister", "Cancer (denied)", "", "yes (age 18 years)"]
    assert document.one("//c:organizer/c:component/c:observation").get("negationInd") == "true"
    assert errors(whole) == []


def test_a_note_that_is_not_the_last_word_says_so(write: Write) -> None:
    attachment = {"contentType": "text/plain", "data": "SGVsbG8="}
    document = write(
        resource(
            "DocumentReference",
            status="superseded",
            docStatus="preliminary",
            type={"text": "Letter"},
            content=[{"attachment": attachment}],
        )
    )

    caption = document.one("//c:section[c:code/@code='34109-9']//c:caption").text
    assert caption.startswith("Letter (superseded, preliminary)")


def test_a_vaccination_that_was_only_told_says_so(write: Write) -> None:
    document = write(
        resource(
            "Immunization",
            status="completed",
            vaccineCode={"text": "Tetanus"},
            primarySource=False,
            protocolApplied=[{"doseNumberPositiveInt": 2, "seriesDosesPositiveInt": 3, "series": "Basic"}],
        )
    )

    assert document.rows("11369-6")[0][2:] == ["2 of 3 (Basic)", "", "completed (reported)"]


def test_an_appointment_says_with_whom_where_and_at_what_time(write: Write) -> None:
    people = [
        {"reference": "Patient/1"},
        {"display": "I. Penn"},
        {"reference": "Location/1", "display": "Clinic"},
    ]
    document = write(
        resource(
            "Appointment",
            status="booked",
            start="2031-02-03T14:00:00-05:00",
            description="Review",
            participant=[{"actor": each} for each in people],
            patientInstruction="Come fasting.",
        )
    )

    row = document.rows("18776-5")[0]
    assert row[:2] == ["Review (I. Penn, Clinic)", "2031-02-03 14:00"]
    assert row[-1].strip() == "Come fasting."
