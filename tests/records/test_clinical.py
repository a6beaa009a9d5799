from __future__ import annotations

from typing import Any

import pytest

from phr.model import Record
from phr.records.derive import derive

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


def record_of(type_: str, **elements: Any) -> Record:
    return derive({"resourceType": type_, "id": "1", **elements}, {}.get)


def coded(code: str) -> dict[str, Any]:
    return {"coding": [{"code": code}]}


def test_a_problem_with_its_onset_end_and_who_wrote_it_down() -> None:
    record = record_of(
        "Condition",
        clinicalStatus=coded("resolved"),
        verificationStatus=coded("confirmed"),
        category=[coded("problem-list-item")],
        code={"text": "Asthma"},
        severity={"text": "Mild"},
        onsetDateTime="2010",
        abatementDateTime="2015-06",
        recordedDate="2011-01-01",
        recorder={"reference": "Practitioner/1", "display": "Dr. Ada Example"},
        encounter={"reference": "https://ehr.example.org/Encounter/7/_history/2"},
    )

    assert (record.kind, record.title, record.status, record.category) == (
        "problem",
        "Asthma",
        "resolved",
        "problem-list-item",
    )
    assert (record.date, record.end, record.recorded) == ("2010", "2015-06", "2011-01-01")
    assert (record.description, record.performer, record.encounter) == (
        "Mild",
        "Dr. Ada Example",
        "Encounter/7",
    )


def test_an_onset_that_is_an_age_is_described_and_dates_nothing() -> None:
    record = record_of("Condition", onsetAge={"value": 40, "unit": "years"})

    assert (record.date, record.description) == (None, "onset: 40 years")


def test_refuted_and_mistaken_statements_say_so() -> None:
    refuted = record_of("Condition", clinicalStatus=coded("inactive"), verificationStatus=coded("refuted"))
    mistaken = record_of(
        "Condition", clinicalStatus=coded("active"), verificationStatus=coded("entered-in-error")
    )

    assert (refuted.status, refuted.description) == ("refuted", "refuted")
    assert mistaken.status == "entered-in-error"


def test_an_urn_for_an_encounter_is_its_id() -> None:
    record = record_of("Condition", encounter={"reference": "urn:uuid:8d8f4a40-0f4c"})

    assert record.encounter == "Encounter/8d8f4a40-0f4c"


def test_an_allergy_with_its_reactions() -> None:
    record = record_of(
        "AllergyIntolerance",
        clinicalStatus=coded("active"),
        verificationStatus=coded("unconfirmed"),
        code={"text": "Peanut"},
        category=["food"],
        criticality="high",
        reaction=[
            {"manifestation": [{"text": "hives"}, {"text": "wheezing"}], "severity": "moderate"},
            {"description": "felt unwell"},
        ],
        onsetDateTime="2004",
        asserter={"reference": "Patient/p"},
    )

    assert (record.kind, record.title, record.category, record.date) == ("allergy", "Peanut", "food", "2004")
    assert record.description == "unconfirmed; hives, wheezing (moderate); felt unwell; high criticality"
    assert record.origin == "patient"


def test_an_allergy_without_a_code_is_named_by_its_substance() -> None:
    assert record_of("AllergyIntolerance", reaction=[{"substance": {"text": "Latex"}}]).title == "Latex"


def test_an_immunization_that_was_given_and_one_that_was_not() -> None:
    given = record_of(
        "Immunization",
        status="completed",
        vaccineCode={"text": "MMR"},
        occurrenceDateTime="2020-02-02",
        recorded="2020-02-03",
        lotNumber="A1",
        protocolApplied=[{"doseNumberPositiveInt": 2}],
        doseQuantity={"value": 0.5, "unit": "mL"},
        performer=[{"actor": {"display": "Nurse Example"}}],
        location={"display": "Example Clinic"},
    )
    refused = record_of("Immunization", status="not-done", statusReason={"text": "Patient objection"})

    assert (given.kind, given.title, given.date, given.recorded) == (
        "immunization",
        "MMR",
        "2020-02-02",
        "2020-02-03",
    )
    assert given.description == "dose: 2; 0.5 mL; lot: A1"
    assert (given.performer, given.facility) == ("Nurse Example", "Example Clinic")
    assert (refused.status, refused.description) == ("not-done", "not given: Patient objection")


def test_null_flavors_in_plain_texts_are_not_shown() -> None:
    record = record_of(
        "Immunization",
        lotNumber="NI",
        protocolApplied=[{"doseNumberString": "Unknown"}],
        doseQuantity={"value": 0, "unit": "unknown unit"},
    )

    assert record.description is None


def test_a_procedure_with_its_reason_and_place() -> None:
    record = record_of(
        "Procedure",
        status="completed",
        code={"text": "Appendectomy"},
        performedPeriod={"start": "2019-03-26T12:55:26-07:00", "end": "2019-03-26T13:25:26-07:00"},
        reasonCode=[{"text": "Appendicitis"}],
        location={"reference": "Location/1", "display": "Theatre 1"},
        performer=[{"actor": {"reference": "Practitioner/1", "display": "Dr. Ada Example"}}],
    )

    assert (record.kind, record.date, record.end) == (
        "procedure",
        "2019-03-26T12:55:26-07:00",
        "2019-03-26T13:25:26-07:00",
    )
    assert (record.description, record.facility, record.performer) == (
        "reason: Appendicitis",
        "Theatre 1",
        "Dr. Ada Example",
    )


def test_a_care_plan_is_named_by_what_it_is_about() -> None:
    said = [coded("assess-plan"), {"text": "Diabetes self management plan"}]
    activity = [{"detail": {"code": {"text": "Diabetic diet"}}}]
    record = record_of("CarePlan", category=said, activity=activity, period={"start": "2020", "end": "2021"})

    assert (record.kind, record.title, record.date, record.end) == (
        "care_plan",
        "Diabetes self management plan",
        "2020",
        "2021",
    )
    assert record.description == "activities: Diabetic diet"
    assert record_of("CarePlan", category=[coded("assess-plan")]).title == "Assessment and plan"


def test_a_goal_with_its_target() -> None:
    record = record_of(
        "Goal",
        lifecycleStatus="active",
        achievementStatus={"text": "In progress"},
        description={"text": "<ul><li>Less salt</li></ul>"},
        startDate="2024-01-01",
        target=[
            {
                "measure": {"text": "Weight"},
                "detailQuantity": {"value": 70, "unit": "kg"},
                "dueDate": "2024-12-31",
            }
        ],
    )

    assert (record.kind, record.title, record.status) == ("goal", "Less salt", "active")
    assert (record.date, record.end) == ("2024-01-01", "2024-12-31")
    assert record.description == "In progress; target: Weight 70 kg by 2024-12-31"


def test_a_care_team_is_counted_without_the_person_it_is_for() -> None:
    record = record_of(
        "CareTeam",
        participant=[
            {"role": [coded("116153009")], "member": {"display": "The Patient"}},
            {"member": {"reference": "Practitioner/1", "display": "Dr. Ada Example"}},
            {"member": {"reference": "Organization/1", "display": "Example Clinic"}},
        ],
    )

    assert (record.kind, record.title, record.description) == (
        "care_team",
        "Care team",
        "2 members; Dr. Ada Example",
    )
    assert (record.performer, record.facility) == ("Dr. Ada Example", "Example Clinic")


def test_family_history_names_the_relative_and_not_the_person() -> None:
    record = record_of(
        "FamilyMemberHistory",
        name="Not To Be Shown",
        relationship={"text": "Mother"},
        deceasedBoolean=True,
        condition=[{"code": {"text": "Stroke"}, "onsetAge": {"value": 56, "unit": "years"}}],
    )

    assert (record.kind, record.title) == ("family_history", "Mother: Stroke")
    assert record.description == "Stroke (at 56 years); has died"
    assert "Not To Be Shown" not in repr(record)


def test_what_a_relative_does_not_have_is_not_told_as_an_illness() -> None:
    denied = {"url": "urn:x", "valueCodeableConcept": {"text": "Negative"}}
    record = record_of(
        "FamilyMemberHistory",
        relationship={"text": "Brother"},
        condition=[{"code": {"text": "Stroke"}, "modifierExtension": [denied]}, {"code": {"text": "Asthma"}}],
    )
    assert record.title == "Brother: not: Stroke, Asthma"
    assert record_of("FamilyMemberHistory", relationship={"text": "Brother"}).title == "Brother"


@pytest.mark.parametrize(
    ("category", "code", "kind"),
    [
        ("survey", "72166-2", "social_history"),
        ("survey", "44249-1", "questionnaire"),
        ("laboratory", "72166-2", "lab_result"),
    ],
)
def test_a_smoking_status_that_is_filed_as_a_survey_is_social_history(
    category: str, code: str, kind: str
) -> None:
    record = record_of(
        "Observation",
        category=[{"coding": [{"code": category}]}],
        code={"coding": [{"system": "http://loinc.org", "code": code}]},
    )
    assert record.kind == kind


def test_labels_make_a_record_restricted() -> None:
    def level(*codes: str, system: str = CONFIDENTIALITY) -> str:
        labels = [{"system": system, "code": code} for code in codes]
        return record_of("Condition", meta={"security": labels}).sensitivity

    assert level("N") == "normal"
    assert level("R") == "restricted"
    assert level("R", "V") == level("V") == "restricted"
    assert level("U") == level("L") == level("M") == level() == "normal"
    for code in ("PSY", "HIV", "SUD", "ETH", "SDV", "SEX"):
        assert level(code, system="http://terminology.hl7.org/CodeSystem/v3-ActCode") == "sensitive"
    assert level("PSY", "R") == "restricted"


def test_labels_count_wherever_a_type_has_them() -> None:
    label = {"coding": [{"system": CONFIDENTIALITY, "code": "R"}]}

    assert record_of("DocumentReference", securityLabel=[label]).sensitivity == "restricted"
    assert record_of("Composition", confidentiality="V").sensitivity == "restricted"
    assert record_of("DocumentReference", securityLabel="odd", meta="odd").sensitivity == "normal"


def test_narrative_words_are_searchable_without_their_markup() -> None:
    div = (
        '<div xmlns="http://www.w3.org/1999/xhtml"><style>p{}</style><p>Knee&nbsp;pain &lt;3 weeks</p></div>'
    )
    record = record_of("Condition", text={"status": "generated", "div": div})

    assert record.text == "Knee pain <3 weeks"
