"""The sections that a CCD has only where there is something to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Write = Callable[..., Any]
SCT, LNC = "http://snomed.info/sct", "http://loinc.org"


def concept(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def resource(type_: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": type_, **more}


def test_optional_sections_are_left_out_when_empty(write: Write) -> None:
    assert len(write(resource("Patient")).ccd.sections) == 6


# ── procedures, immunizations ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "written"),
    [
        ("completed", {"code": "completed"}),
        ("in-progress", {"code": "active"}),
        ("stopped", {"code": "aborted"}),
        ("not-done", {"code": "cancelled"}),
        ("preparation", {"nullFlavor": "OTH"}),
        ("unknown", {"nullFlavor": "UNK"}),
        (None, {"nullFlavor": "UNK"}),
    ],
)
def test_the_status_of_a_procedure_has_a_counterpart_or_is_null(
    write: Write, status: str | None, written: dict[str, str]
) -> None:
    document = write(resource("Procedure", status=status, code=concept(SCT, "73761001", "Colonoscopy")))

    assert dict(document.one("//c:procedure/c:statusCode").attrib) == written
    assert document.find("//c:procedure/@negationInd") == (["true"] if status == "not-done" else [])


def test_an_immunization_that_was_refused_is_negated_with_its_reason(write: Write) -> None:
    cvx = concept("http://hl7.org/fhir/sid/cvx", "140", "Influenza")
    refused = resource(
        "Immunization",
        id="r",
        status="not-done",
        vaccineCode=cvx,
        occurrenceDateTime="2023-10-15",
        statusReason=concept(SCT, "171257003", "No consent"),
    )
    given = refused | {"id": "g", "status": "completed", "lotNumber": "AB1"}

    document = write(refused, given)

    path = "//c:section[c:code/@code='11369-6']/c:entry/c:substanceAdministration"
    assert sorted(document.find(f"{path}/@negationInd")) == ["false", "true"]
    assert (
        document.one("//c:observation[c:templateId/@root='2.16.840.1.113883.10.20.22.4.53']/c:code").get(
            "code"
        )
        == "PATOBJ"
    )
    assert [row[4] for row in document.rows("11369-6")] == ["not given: No consent", "completed"]


def test_who_ordered_a_vaccine_did_not_give_it(write: Write) -> None:
    performers = [
        {"function": concept("x", "OP"), "actor": {"display": "Orderer"}},
        {"function": concept("x", "AP"), "actor": {"display": "Nurse"}},
    ]
    document = write(resource("Immunization", status="completed", performer=performers))

    assert document.find("//c:performer//c:name/text()") == ["Nurse"]


# ── encounters, plan ──────────────────────────────────────────────────────────────────────────────


def test_an_encounter_has_place_people_and_class(write: Write) -> None:
    visit = resource(
        "Encounter",
        status="finished",
        type=[concept("http://www.ama-assn.org/go/cpt", "99213", "Office visit")],
        period={"start": "2024-01-10T09:00:00Z", "end": "2024-01-10T09:30:00Z"},
        location=[{"location": {"reference": "Location/l"}}],
        participant=[{"individual": {"reference": "Practitioner/d"}}],
        **{"class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}},
    )
    place = resource("Location", id="l", name="Example Clinic")
    doctor = resource("Practitioner", id="d", name=[{"family": "Example", "given": ["Ada"]}])

    document = write(visit, place, doctor)

    assert document.one("//c:encounter/c:code/c:translation").get("code") == "AMB"
    assert document.one("//c:participantRole[@classCode='SDLOC']/c:code").get("nullFlavor") == "UNK"
    assert document.rows("46240-8") == [
        ["Office visit", "2024-01-10", "Example Clinic", "Ada Example", "", "finished"]
    ]


def test_only_what_is_open_is_planned(write: Write) -> None:
    lab = resource("ServiceRequest", intent="order", code=concept(LNC, "57698-3", "Lipid panel"))
    document = write(
        lab | {"id": "open", "status": "active", "occurrenceDateTime": "2026-07-01"},
        lab | {"id": "done", "status": "completed"},
        resource(
            "Appointment",
            id="next",
            status="booked",
            start="2026-04-01T10:00:00Z",
            end="2026-04-01T10:20:00Z",
        ),
        resource("Appointment", id="past", status="booked", start="2025-04-01T10:00:00Z"),
        resource("Encounter", id="planned", status="planned", period={"start": "2026-05-01"}),
        resource(
            "MedicationRequest",
            id="m",
            status="active",
            intent="plan",
            medicationCodeableConcept={"text": "X"},
        ),
    )

    assert [row[1] for row in document.rows("18776-5")] == [
        "2026-07-01",
        "2026-05-01",
        "2026-04-01 10:00 UTC",
        "",
    ]
    assert {problem.id for problem in document.ccd.left_out} == {"done", "past"}
    moods = document.find("//c:section[c:code/@code='18776-5']/c:entry/*/@moodCode")
    assert moods == ["RQO", "INT", "APT", "INT"]
    assert set(document.find("//c:section[c:code/@code='18776-5']/c:entry/*/c:statusCode/@code")) == {
        "active"
    }
    assert document.ccd.sections.get("46240-8") is None
    assert document.ccd.sections["10160-0"] == 0


def test_activities_of_a_care_plan_are_planned_one_by_one(write: Write) -> None:
    details = [("a", "in-progress"), ("b", "completed"), ("c", "not-started")]
    plan = resource(
        "CarePlan",
        status="active",
        intent="plan",
        title="Diabetes plan",
        activity=[{"detail": {"code": {"text": words}, "status": status}} for words, status in details],
        text={"status": "additional", "div": "<div>Walk <b>daily</b></div>"},
    )

    document = write(plan)

    assert [(row[0], row[3]) for row in document.rows("18776-5")] == [
        ("a", "Diabetes plan"),
        ("c", "Diabetes plan"),
    ]
    assert "Walk daily" in "".join(document.section("18776-5").find("{*}text").itertext())


# ── goals, care team, family, directives, devices, payers ─────────────────────────────────────────


def test_a_goal_has_its_target_and_dates(write: Write) -> None:
    goal = resource(
        "Goal",
        lifecycleStatus="on-hold",
        description={"text": "Lower blood pressure"},
        startDate="2024-01-10",
        target=[
            {
                "measure": concept(LNC, "8480-6", "Systolic"),
                "detailQuantity": {"value": 130, "unit": "mmHg"},
                "dueDate": "2024-07",
            }
        ],
    )
    document = write(goal)

    observation = document.one("//c:observation[@moodCode='GOL']")
    assert observation.find("{*}code").get("code") == "8480-6"
    assert observation.find("{*}effectiveTime/{*}high").get("value") == "202407"
    assert observation.find("{*}value").get("unit") == "mm[Hg]"
    assert document.rows("61146-7")[0][:2] == ["Lower blood pressure", "Systolic: 130 mmHg"]


def test_the_patient_is_no_member_of_the_care_team(write: Write) -> None:
    members = [
        {"member": {"reference": "Patient/p"}},
        {"role": [{"text": "PCP"}], "member": {"display": "Ada Example"}},
    ]
    team = resource("CareTeam", status="active", subject={"reference": "Patient/p"}, participant=members)

    document = write(resource("Patient", id="p"), team)

    assert [row[:2] for row in document.rows("85847-2")] == [["Ada Example", "PCP"]]
    assert document.one("//c:act[c:code/@code='92707-9']//c:assignedPerson/c:name").text == "Ada Example"


def test_a_relative_has_conditions_with_age_and_death(write: Write) -> None:
    age = {"value": 55, "unit": "years", "system": "http://unitsofmeasure.org", "code": "a"}
    father = resource(
        "FamilyMemberHistory",
        status="completed",
        relationship=concept("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "FTH", "father"),
        sex=concept("http://hl7.org/fhir/administrative-gender", "male"),
        condition=[{"code": concept(SCT, "22298006", "MI"), "onsetAge": age, "contributedToDeath": True}],
    )
    document = write(father)

    assert document.one("//c:relatedSubject/c:code").get("code") == "FTH"
    assert document.one("//c:observation[c:code/@code='445518008']/c:value").get("value") == "55"
    assert document.one("//c:entryRelationship[@typeCode='CAUS']//c:value").get("code") == "419099009"


def test_only_advance_directives_are_directives(write: Write) -> None:
    directive = resource("Consent", id="a", status="active", scope=concept("x", "adr"), dateTime="2024-05-16")
    sharing = resource("Consent", id="s", status="active", scope=concept("x", "patient-privacy"))

    document = write(directive, sharing)

    assert document.ccd.sections["42348-3"] == 1
    assert (
        document.one("//c:observation[c:code/c:translation/@code='75320-2']//c:high").get("nullFlavor")
        == "NA"
    )
    assert [problem.id for problem in document.ccd.left_out] == ["s"]


def test_a_device_of_the_person_is_named_by_its_udi(write: Write) -> None:
    knee = resource(
        "Device",
        id="k",
        type={"text": "Knee"},
        manufacturer="ACME",
        patient={"reference": "Patient/p"},
        udiCarrier=[{"carrierHRF": "(01)987"}],
    )
    pump = resource("Device", id="hospital", type={"text": "Pump"})

    document = write(knee, pump)

    role = document.one("//c:participantRole[c:playingDevice]")
    assert dict(role.find("{*}id").attrib) == {"root": "2.16.840.1.113883.3.3719", "extension": "(01)987"}
    assert [problem.id for problem in document.ccd.left_out] == ["hospital"]


def test_a_coverage_is_words_only(write: Write) -> None:
    coverage = resource(
        "Coverage", status="active", subscriberId="77", payor=[{"display": "Acme"}], type={"text": "PPO"}
    )
    document = write(coverage)

    assert document.rows("48768-6")[0][:4] == ["Acme", "PPO", "", "77"]
    assert document.ccd.sections["48768-6"] == 0


def test_an_assessment_is_text(write: Write) -> None:
    document = write(resource("ClinicalImpression", status="completed", summary="Stable", date="2024-02-03"))

    assert document.rows("51848-0") == [["Stable", "2024-02-03"]]


# ── surveys ───────────────────────────────────────────────────────────────────────────────────────


def test_a_score_holds_its_answers_and_mood_is_mental_status(write: Write) -> None:
    survey = {"category": [concept("x", "survey")], "status": "final"}
    score = resource(
        "Observation",
        id="s",
        code=concept(LNC, "44249-1"),
        hasMember=[{"reference": "Observation/i"}],
        **survey,
    )
    item = resource("Observation", id="i", code=concept(LNC, "44250-9"), valueInteger=2, **survey)
    other = resource("Observation", id="o", code=concept(LNC, "82667-7"), valueInteger=0, **survey)
    local = resource("Observation", id="l", code={"text": "Own scale"}, valueString="ok", **survey)

    document = write(score, item | {"code": concept(LNC, "44255-8")}, other, local)

    assert [document.ccd.sections[code] for code in ("10190-7", "47420-5")] == [1, 2]
    assert document.ccd.left_out == ()
